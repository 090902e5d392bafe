//! One pass over the members: every file is classified and hashed while its bytes are at hand.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::facts::{
    ArchiveFacts, ArchiveListing, ArchiveRecord, ClassCounts, FileFacts, ListedFile, OddEntry,
    Oddity,
};
use super::manifest::Manifest;
use super::profiles::BenignProfiles;
use super::{LISTED, Observer, role, vcs};
use crate::domain::Measured;
use crate::domain::hash::hex;
use crate::domain::text::is_hidden;
use crate_read::file_kind::{self, ENTROPY_FLOOR, FileClass};
use custody_bytes::gzip_tar::{Member, MemberKind, Tail};

/// Larger manifests are not read; the longest known has 0.3 MB.
const MAX_MANIFEST: usize = 4 << 20;

/// A file, and what is known of it beyond the listing.
struct Scanned {
    file: ListedFile,
    magic: &'static str,
    entropy: Option<f64>,
}

/// What was seen so far.
pub(super) struct Scan<'a> {
    name: &'a str,
    version: &'a str,
    root: String,
    files: Vec<Scanned>,
    by_path: HashMap<String, usize>,
    by_folded_path: HashMap<String, usize>,
    odd: Vec<OddEntry>,
    odd_omitted: u64,
    manifest: Option<Vec<u8>>,
    vcs: Option<Vec<u8>>,
    /// A member is a link.
    linked: bool,
    pub(super) tail: Tail,
}

impl<'a> Scan<'a> {
    pub(super) fn new(name: &'a str, version: &'a str) -> Self {
        Self {
            name,
            version,
            root: format!("{name}-{version}/"),
            files: Vec::new(),
            by_path: HashMap::new(),
            by_folded_path: HashMap::new(),
            odd: Vec::new(),
            odd_omitted: 0,
            manifest: None,
            vcs: None,
            linked: false,
            tail: Tail::default(),
        }
    }

    /// Takes one member in.
    pub(super) fn member(&mut self, member: &Member<'_>, observer: &mut dyn Observer) {
        let shown = escaped(member.path);
        self.look_at_kind(&shown, member);
        self.look_at_path(&shown, member);
        self.linked |= matches!(member.kind, MemberKind::Symlink | MemberKind::HardLink);
        if is_written(member) {
            let path = self.below_root(&shown);
            self.file(path, member, observer);
        }
    }

    /// Whether what stands there after unpacking is more than the members.
    pub(super) fn has_links(&self) -> bool {
        self.linked
    }

    /// Writes down which links lead out.
    pub(super) fn leads_out(&mut self, links: &[(Vec<u8>, Vec<u8>)]) {
        for (path, target) in links {
            self.odd(&escaped(path), Oddity::LinkLeadsOut, Some(escaped(target)));
        }
    }

    /// Takes a file that stands at this path after unpacking and has these bytes, unless it is there so.
    pub(super) fn stands(
        &mut self,
        path: &[u8],
        member: &Member<'_>,
        observer: &mut dyn Observer,
    ) -> bool {
        let path = self.below_root(&escaped(path));
        let known = self.by_path.get(&path).map(|at| &self.files[*at].file.sha256);
        if known.is_some_and(|hash| *hash == sha256(member.bytes)) {
            return false;
        }
        self.file(path, member, observer);
        true
    }

    /// The archive's own folder.
    pub(super) fn folder(&self) -> &[u8] {
        self.root.trim_end_matches('/').as_bytes()
    }

    fn odd(&mut self, path: &str, oddity: Oddity, target: Option<String>) {
        if self.odd.len() < LISTED {
            self.odd.push(OddEntry { path: path.to_owned(), oddity, target });
        } else {
            self.odd_omitted += 1;
        }
    }

    fn look_at_kind(&mut self, shown: &str, member: &Member<'_>) {
        let oddity = match member.kind {
            MemberKind::File | MemberKind::Folder => None,
            MemberKind::Symlink => Some(Oddity::Symlink),
            MemberKind::HardLink => Some(Oddity::HardLink),
            MemberKind::Device => Some(Oddity::Device),
            MemberKind::Fifo => Some(Oddity::Fifo),
            MemberKind::Sparse => Some(Oddity::Sparse),
            MemberKind::Other(_) => Some(Oddity::UnknownType),
        };
        if let Some(oddity) = oddity {
            let target = member.link_target;
            self.odd(shown, oddity, (!target.is_empty()).then(|| escaped(target)));
        }
        // Folders inherit the group of their parent by this bit; on a file it is of no use.
        if member.kind != MemberKind::Folder && member.mode & 0o6000 != 0 {
            self.odd(shown, Oddity::SetId, None);
        }
    }

    fn look_at_path(&mut self, shown: &str, member: &Member<'_>) {
        if std::str::from_utf8(member.path).is_err() {
            self.odd(shown, Oddity::NotUtf8, None);
        } else if shown.contains('\\') {
            self.odd(shown, Oddity::Backslash, None);
        }
        if shown.chars().any(|c| is_hidden(c) || c.is_control()) {
            self.odd(shown, Oddity::HiddenCharacters, None);
        }
        let absolute = shown.starts_with(['/', '\\']) || shown.as_bytes().get(1) == Some(&b':');
        if absolute {
            self.odd(shown, Oddity::Absolute, None);
        }
        if shown.split(['/', '\\']).any(|part| part == "..") {
            self.odd(shown, Oddity::DotDot, None);
        }
        let spelled = shown.trim_start_matches('/').split('/');
        let file = member.kind != MemberKind::Folder;
        if spelled.clone().rev().skip(usize::from(!file)).any(|part| part.is_empty() || part == ".")
        {
            self.odd(shown, Oddity::Respelled, None);
        }
        if absolute || parts(shown).next() != Some(self.root.trim_end_matches('/')) {
            self.odd(shown, Oddity::OutsideRoot, None);
        }
    }

    /// The path below the root folder, without empty parts and dots; as it stands where it lies outside.
    fn below_root(&self, shown: &str) -> String {
        let mut parts = parts(shown);
        if parts.next() != Some(self.root.trim_end_matches('/')) {
            return shown.to_owned();
        }
        parts.collect::<Vec<&str>>().join("/")
    }

    fn file(&mut self, path: String, member: &Member<'_>, observer: &mut dyn Observer) {
        let bytes = member.bytes;
        match path.as_str() {
            "Cargo.toml" => self.manifest = Some(bytes[..bytes.len().min(MAX_MANIFEST)].to_vec()),
            vcs::FILE => self.vcs = Some(bytes[..bytes.len().min(MAX_MANIFEST)].to_vec()),
            _ => {}
        }
        let kind = file_kind::classify(bytes);
        let file = ListedFile {
            path,
            size: bytes.len() as u64,
            mode: member.mode,
            sha256: sha256(bytes),
            class: kind.class,
        };
        observer.file(&file, bytes);
        let entropy = if kind.class.is_readable() { None } else { file_kind::bits_per_byte(bytes) };
        self.keep(Scanned { file, magic: kind.magic, entropy });
    }

    /// Keeps a file in place of an earlier one of the same path, as cargo does.
    fn keep(&mut self, scanned: Scanned) {
        let path = scanned.file.path.clone();
        if let Some(index) = self.by_path.get(&path) {
            self.files[*index] = scanned;
            self.odd(&path, Oddity::Duplicate, None);
            return;
        }
        let index = self.files.len();
        if let Some(other) = self.by_folded_path.insert(path.to_lowercase(), index) {
            let other = self.files[other].file.path.clone();
            self.odd(&path, Oddity::CaseClash, Some(other));
        }
        self.by_path.insert(path, index);
        self.files.push(scanned);
    }

    /// Draws the sums of what has this hash and size.
    pub(super) fn draw(
        mut self,
        sha256: String,
        packed_bytes: u64,
        profiles: &BenignProfiles,
    ) -> ArchiveRecord {
        self.files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        let manifest = self.read_manifest();
        let vcs = vcs::facts(self.vcs.as_deref());
        let mut classes = ClassCounts::default();
        let mut import_libraries_outside_profiles = 0;
        let mut binaries = Vec::new();
        for scanned in &self.files {
            let class = scanned.file.class;
            classes.add(class);
            if class.is_readable() {
                continue;
            }
            let profile = profiles.covering(self.name, &scanned.file.path, class);
            if class == FileClass::ImportLibrary {
                import_libraries_outside_profiles += u64::from(profile.is_none());
            } else {
                binaries.push(file_facts(scanned, &manifest, profile));
            }
        }
        let binaries_omitted = shorten(&mut binaries);
        let Tail { bytes_after_tar, bytes_after_gzip, second_gzip_member, .. } = self.tail;
        let facts = ArchiveFacts {
            sha256,
            packed_bytes,
            unpacked_bytes: self.tail.inflated_bytes,
            files: self.files.len() as u64,
            import_libraries: classes.import_library,
            classes,
            binaries,
            binaries_omitted,
            import_libraries_outside_profiles,
            odd_entries: self.odd,
            odd_entries_omitted: self.odd_omitted,
            bytes_after_tar,
            bytes_after_gzip: match &self.tail.damage {
                None => Measured::Known(bytes_after_gzip),
                Some(damage) => Measured::unknown(damage.to_string()),
            },
            second_gzip_member,
            vcs,
            has_original_manifest: self.by_path.contains_key("Cargo.toml.orig"),
            manifest: manifest.facts,
        };
        let files = self.files.into_iter().map(|scanned| scanned.file).collect();
        ArchiveRecord { facts, listing: ArchiveListing { files } }
    }

    fn read_manifest(&self) -> Manifest {
        match &self.manifest {
            None => Manifest::unknown("the archive has no Cargo.toml"),
            Some(bytes) if bytes.len() >= MAX_MANIFEST => {
                Manifest::unknown("Cargo.toml is larger than 4 MiB")
            }
            Some(bytes) => {
                let has_default = self.by_path.contains_key("build.rs");
                Manifest::read(bytes, self.name, self.version, has_default)
            }
        }
    }
}

/// The parts of a path that say something.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

/// Whether cargo's reader writes this member as a file: everything but folders and links, devices and
/// unknown types included.
fn is_written(member: &Member<'_>) -> bool {
    match member.kind {
        MemberKind::Folder | MemberKind::Symlink | MemberKind::HardLink => false,
        MemberKind::File
        | MemberKind::Device
        | MemberKind::Fifo
        | MemberKind::Sparse
        | MemberKind::Other(_) => true,
    }
}

fn file_facts(scanned: &Scanned, manifest: &Manifest, profile: Option<&str>) -> FileFacts {
    let ListedFile { path, size, mode, sha256, class } = &scanned.file;
    FileFacts {
        path: path.clone(),
        role: role::of(path, manifest),
        class: *class,
        size: *size,
        mode: *mode,
        sha256: sha256.clone(),
        entropy: scanned.entropy.map_or_else(
            || Measured::unknown(format!("smaller than {ENTROPY_FLOOR} bytes")),
            Measured::Known,
        ),
        magic: scanned.magic.to_owned(),
        extension_disagrees: file_kind::expected(path).is_some_and(|known| !known.contains(class)),
        in_profile: profile.map(str::to_owned),
    }
}

/// Leaves out what is over the bound, the least telling first, and counts it.
fn shorten(binaries: &mut Vec<FileFacts>) -> u64 {
    let omitted = binaries.len().saturating_sub(LISTED);
    if omitted > 0 {
        binaries.sort_by_key(|file| (file.in_profile.is_some(), is_media(file.class)));
        binaries.truncate(LISTED);
        binaries.sort_by(|a, b| a.path.cmp(&b.path));
    }
    omitted as u64
}

fn is_media(class: FileClass) -> bool {
    matches!(class, FileClass::Image | FileClass::Audio | FileClass::Font | FileClass::Document)
}

/// A path as text; bytes that are not UTF-8 as `\xNN`.
fn escaped(path: &[u8]) -> String {
    if let Ok(path) = std::str::from_utf8(path) {
        return path.to_owned();
    }
    let mut out = String::new();
    for chunk in path.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// SHA-256 as lower-case hexadecimal.
pub(in crate::collectors) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
