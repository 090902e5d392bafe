//! From a file to everything inside it: archives and compressions are opened level by level, every child
//! is identified by its bytes, and whoever asked is handed each leaf. What cannot be opened is said, with
//! the reason; what is too deep, too large or too dense is a named anomaly and never silence.
//!
//! Opened: zip (see [`zip_reader`](custody_bytes::zip_reader)), tar, 7z, gzip, bzip2, xz, lzma, zlib, zstd, lz4, npy.
//! Not opened, and said so: RAR, cabinets, archives of `ar`.
//!
//! Limits: 8 levels, 100,000 members and 1 GiB of decompressed bytes a file, 200 to 1 above 16 MiB, and 16
//! readings of the same bytes as archives.
//!
//! Anomalies: those of the zip reader, and `nesting-too-deep`, `bomb`, `too-many-members`,
//! `member-too-long`, `compression-broken`, `compressed-trailing`, `crc-mismatch`, `flags-lie`, `tar-broken`,
//! `tar-traversal`, `7z-traversal`, `tar-link`, `tar-duplicate-member`, `polyglot`, `npy-header`, `npy-size`,
//! `npy-objects`, `not-opened`, `7z-encrypted`.

pub mod npy;
mod open;
mod section;
mod seven;
mod tar;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

pub(crate) use open::codec;
pub use tar::is_tar;

use super::model_kind::{HEAD, ModelFileKind, sniff};
use super::pickle;
use custody_bytes::anomaly::Anomaly;
use custody_bytes::source::Source;
use custody_bytes::zip_reader;
use section::{Section, Shared};

/// Levels of containers inside one another.
const DEPTH: u8 = 8;

/// Members looked at in one file, all levels together.
const MEMBERS: u32 = 100_000;

/// Decompressed bytes of one file, all levels together.
const TOTAL: u64 = 1 << 30;

/// How often the bytes of a file, decompressed ones included, may be listed as an archive: more than the
/// levels of an honest one. Members that overlap are members of one another, and their number would
/// grow with each level.
const READINGS: u64 = 16;
const READ_FREELY: u64 = 1 << 20;

/// Ratio of decompressed to compressed bytes, for what grows beyond [`DENSE_FROM`].
const RATIO: u64 = 200;
const DENSE_FROM: u64 = section::HEAD_KEPT as u64;

/// Bytes at the end of a file that may hold the end record of a zip archive.
const TAIL: u64 = 66 * 1024;

/// One thing inside a file, or the file itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The way to it, parts joined by `!/`; empty for the file itself. Strings of the file.
    pub path: String,
    /// What its bytes are.
    pub kind: ModelFileKind,
    /// Its size, decompressed, bytes.
    pub size: u64,
    /// Containers around it.
    pub depth: u8,
}

/// Who is told what a file holds.
pub trait Visitor {
    /// A container was opened that lists these names.
    fn container(&mut self, member: &Member, names: &[String]);
    /// Something that is no container, with its bytes.
    fn leaf(&mut self, member: &Member, source: &mut dyn Source);
    /// Something odd in `path`.
    fn anomaly(&mut self, path: &str, anomaly: Anomaly);
    /// `path` could not be looked at, and why.
    fn unscannable(&mut self, path: &str, why: String);
}

/// Walks through a file of `size` bytes.
pub fn walk(source: &mut dyn Source, size: u64, visitor: &mut dyn Visitor) {
    let shared: Shared<'_> = Rc::new(RefCell::new(source));
    let whole = Section::new(&shared, 0, size);
    let budget = size.saturating_mul(READINGS).saturating_add(READ_FREELY);
    let mut walk = Walk { visitor, members: 0, inflated: 0, budget };
    walk.enter("", whole, 0);
}

struct Walk<'v> {
    visitor: &'v mut dyn Visitor,
    members: u32,
    inflated: u64,
    /// Bytes of archives that may still be listed.
    budget: u64,
}

impl Walk<'_> {
    /// Looks at one range of bytes, whatever it is.
    fn enter(&mut self, path: &str, section: Section<'_>, depth: u8) {
        if let Err(error) = self.try_enter(path, section, depth) {
            self.visitor.unscannable(path, format!("reading failed: {error}"));
        }
    }

    fn try_enter(&mut self, path: &str, mut section: Section<'_>, depth: u8) -> io::Result<()> {
        let size = section.length();
        let head = section.head(HEAD)?;
        let kind = classify(&head, &mut section, size);
        if depth > DEPTH {
            let detail = format!("more than {DEPTH} containers inside one another");
            self.note(path, "nesting-too-deep", None, detail);
            return Ok(());
        }
        let member = Member { path: path.to_owned(), kind, size, depth };
        match kind {
            ModelFileKind::Zip => self.zip(&member, &section)?,
            ModelFileKind::Tar => self.tar(&member, &mut section)?,
            ModelFileKind::Npy => self.npy(&member, &section)?,
            ModelFileKind::SevenZip => self.seven(&member, &section),
            _ => match codec(kind) {
                Some(codec) => self.stream(&member, &section, codec)?,
                None => self.leaf(&member, &mut section),
            },
        }
        self.zip_behind(&member, &section)
    }

    fn leaf(&mut self, member: &Member, source: &mut dyn Source) {
        if let Some(name) = unopened(member.kind) {
            self.note(&member.path, "not-opened", None, name.to_owned());
            self.visitor.unscannable(&member.path, format!("{name} is not opened"));
        }
        self.visitor.leaf(member, source);
    }

    /// A zip archive is found from its end, so any file may be one as well.
    fn zip_behind(&mut self, member: &Member, section: &Section<'_>) -> io::Result<()> {
        let plausible = matches!(
            member.kind,
            ModelFileKind::Pickle
                | ModelFileKind::Other
                | ModelFileKind::Text
                | ModelFileKind::Npy
                | ModelFileKind::Json
                | ModelFileKind::NativeCode
        );
        // The last record without a comment is checked everywhere, a comment only where it is cheap.
        let length = if plausible { TAIL } else { 22 }.min(member.size);
        if member.kind == ModelFileKind::Zip || member.size < 22 {
            return Ok(());
        }
        let tail = section
            .part(member.size - length, length)
            .head(usize::try_from(length).unwrap_or(0))?;
        if !zip_reader::has_end_record(&tail) {
            return Ok(());
        }
        if !self.afford(&member.path, member.size) {
            return Ok(());
        }
        let mut again = section.part(0, member.size);
        let archive = zip_reader::read(&mut again, member.size)?;
        if archive.members.is_empty() {
            return Ok(());
        }
        let detail = format!("{} and a zip archive at once", member.kind.as_str());
        self.note(&member.path, "polyglot", None, detail);
        self.zip_members(member, section, archive);
        Ok(())
    }

    fn note(&mut self, path: &str, kind: &'static str, offset: Option<u64>, detail: String) {
        self.visitor.anomaly(path, Anomaly { kind: kind.into(), offset, detail });
    }

    /// Whether an archive of so many bytes may be listed; notes where it may not.
    fn afford(&mut self, path: &str, length: u64) -> bool {
        let left = self.budget.checked_sub(length);
        // Said once; from then on nothing is listed any more.
        if left.is_none() && self.budget > 0 {
            let detail = "its bytes are members of one another, again and again".to_owned();
            self.note(path, "bomb", None, detail);
        }
        self.budget = left.unwrap_or(0);
        left.is_some()
    }

    /// Notes one more member; false where there are too many.
    fn count(&mut self, path: &str) -> bool {
        self.members = self.members.saturating_add(1);
        if self.members == MEMBERS + 1 {
            let detail = format!("more than {MEMBERS} members");
            self.note(path, "too-many-members", None, detail);
        }
        self.members <= MEMBERS
    }
}

/// The kind by the first bytes, or by trying: pickles of the oldest protocols have no telling start.
fn classify(head: &[u8], source: &mut dyn Source, size: u64) -> ModelFileKind {
    match sniff(head, size) {
        kind @ (ModelFileKind::Other | ModelFileKind::Text) => {
            let text = kind == ModelFileKind::Text;
            if pickle::probe(source, 0..size, text) { ModelFileKind::Pickle } else { kind }
        }
        kind => kind,
    }
}

/// What an archive is called that is known and not opened. RAR has no reader in Rust without its authors'
/// C++, and no loader of models reads one.
fn unopened(kind: ModelFileKind) -> Option<&'static str> {
    match kind {
        ModelFileKind::Rar => Some("a RAR archive"),
        ModelFileKind::Cabinet => Some("a cabinet"),
        ModelFileKind::Ar => Some("an archive of ar (a static library or a Debian package)"),
        _ => None,
    }
}

/// The way to a child.
fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}!/{name}") }
}
