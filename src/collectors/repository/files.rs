//! The files of an archive that its commit does not explain: which part they play, and what differs.

use std::collections::BTreeMap;

use custody_repository::{Compared, Explanation, FileOutcome, Kind, Origin};

use super::case::{Case, Hashed};
use super::difference::difference;
use super::facts::{ExplainedFiles, RepositoryFacts, UnexplainedFile};
use crate::collectors::archive::{FileRole, ListedFile, Observer, role_of};
use crate::collectors::contents::Contents;
use crate::domain::Measured;
use crate::domain::text::shown;
use crate_read::file_kind::FileClass;
use crate_read::rust_source::ReadKind;

/// Most files that are listed.
const LISTED: usize = 200;
/// Most files whose difference is told, and most bytes of one that are kept for it.
const TOLD: usize = 5;
const TOLD_BYTES: usize = 1 << 20;

/// The bytes of a few files.
struct Picked<'a> {
    wanted: &'a [String],
    found: BTreeMap<String, Vec<u8>>,
}

impl Observer for Picked<'_> {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        if self.wanted.contains(&file.path) {
            let bytes = &bytes[..bytes.len().min(TOLD_BYTES)];
            self.found.insert(file.path.clone(), bytes.to_vec());
        }
    }
}

impl Case<'_> {
    /// The files that are not explained; how many are, and by what, is written into the facts.
    pub(super) fn files(
        &self,
        facts: &mut RepositoryFacts,
        compared: &Compared,
        hashed: &Hashed,
    ) -> Vec<UnexplainedFile> {
        let mut by: BTreeMap<Explanation, u64> = BTreeMap::new();
        let mut unexplained = Vec::new();
        for (path, outcome) in &compared.files {
            let (explained, why) = match outcome {
                FileOutcome::Explained(Explanation::Same) => {
                    facts.same += 1;
                    continue;
                }
                // What code reads while it is built has to lie where it is read.
                FileOutcome::Explained(Explanation::Elsewhere) if self.is_at_build(path) => {
                    let why = "the commit has it elsewhere only, and code of the build reads it";
                    (Measured::Known(false), why.to_owned())
                }
                // Whoever reads the repository sees three lines in the place of code.
                FileOutcome::Explained(Explanation::LfsPointer) if self.is_code(path, hashed) => {
                    let why = "the commit has an LFS pointer in the place of code";
                    (Measured::Known(false), why.to_owned())
                }
                FileOutcome::Explained(how) => {
                    facts.explained += 1;
                    *by.entry(*how).or_default() += 1;
                    continue;
                }
                FileOutcome::Undetermined(why) => {
                    (Measured::Unknown(shown(&format!("{path}: {why}"))), String::new())
                }
                FileOutcome::Unexplained(why) => (Measured::Known(false), why.clone()),
            };
            let class = hashed.0.get(path).map_or(FileClass::Opaque, |(_, class)| *class);
            unexplained.push(self.file(path, class, explained, why));
        }
        gravest(&mut unexplained);
        facts.left_out = unexplained.len().saturating_sub(LISTED) as u64;
        unexplained.truncate(LISTED);
        unexplained.sort_by(|one, other| one.path.cmp(&other.path));
        let by = by.into_iter();
        facts.explained_by =
            by.map(|(how, files)| ExplainedFiles { how: how.as_str().to_owned(), files }).collect();
        self.differences(&mut unexplained, compared);
        unexplained
    }

    /// Whether a file is a text that runs or is compiled.
    fn is_code(&self, path: &str, hashed: &Hashed) -> bool {
        let is_text = hashed.0.get(path).is_some_and(|(_, class)| *class == FileClass::Text);
        let role = role_of(path);
        is_text
            && (self.of.contents.code.build.files.iter().any(|file| file == path)
                || matches!(role, FileRole::Source | FileRole::Manifest)
                || taken_in(self.of.contents, path) == Some(ReadKind::Source))
    }

    fn is_at_build(&self, path: &str) -> bool {
        self.of.contents.code.build.files.iter().any(|file| file == path)
            || read_at_build(self.of.contents, path)
    }

    pub(super) fn file(
        &self,
        path: &str,
        class: FileClass,
        explained: Measured<bool>,
        why: String,
    ) -> UnexplainedFile {
        let is_shown = matches!(
            class,
            FileClass::Text
                | FileClass::Empty
                | FileClass::Image
                | FileClass::Audio
                | FileClass::Font
                | FileClass::Document
        );
        let taken = taken_in(self.of.contents, path);
        UnexplainedFile {
            explained,
            role: if taken == Some(ReadKind::Source) { FileRole::Source } else { role_of(path) },
            at_build: self.is_at_build(path),
            opaque: !is_shown || taken == Some(ReadKind::Include),
            why,
            path: path.to_owned(),
            difference: Vec::new(),
        }
    }

    /// Tells of the first files what differs. The archive is read once more for them.
    fn differences(&self, unexplained: &mut [UnexplainedFile], compared: &Compared) {
        let files = unexplained.iter().filter(|file| file.explained.known().is_some());
        let wanted: Vec<String> = files.take(TOLD).map(|file| file.path.clone()).collect();
        if wanted.is_empty() {
            return;
        }
        let mut picked = Picked { wanted: &wanted, found: BTreeMap::new() };
        if self.look(&mut picked).is_err() {
            return;
        }
        for file in unexplained {
            let Some(bytes) = picked.found.get(&file.path) else { continue };
            match compared.others.get(&file.path) {
                None => file.difference = difference(bytes, None),
                // What the clone has no contents of differs, and nobody can say in what.
                Some(origin) => {
                    if let Some(other) = self.contents_of(origin, compared) {
                        file.difference = difference(bytes, Some(&other));
                    }
                }
            }
        }
    }

    fn contents_of(&self, origin: &Origin, compared: &Compared) -> Option<Vec<u8>> {
        let submodule = origin.submodule.as_ref();
        let objects = match submodule.map(|folder| compared.submodules.get(folder)) {
            None => self.clone.objects(),
            Some(found) => found?.repository().objects(),
        };
        let object = objects.read(&origin.blob).ok()??;
        (object.kind == Kind::Blob).then_some(object.bytes)
    }
}

/// Puts first what weighs most, so that no number of harmless files hides it: what runs or is read at build time
/// and code, then what nobody can read, then the rest; in each what differs before what cannot be told.
fn gravest(files: &mut [UnexplainedFile]) {
    let is_code = |file: &UnexplainedFile| {
        file.at_build
            || matches!(
                file.role,
                FileRole::Source
                    | FileRole::BuildInput
                    | FileRole::VendoredNative
                    | FileRole::Manifest
            )
    };
    let weight = |file: &UnexplainedFile| match (is_code(file), file.opaque) {
        (true, _) => 0_u8,
        (false, true) => 1,
        (false, false) => 2,
    };
    files.sort_by_key(|file| (weight(file), file.explained.known().is_none(), !file.at_build));
}

/// How the library takes a file in: as code, or as what its code holds. A text in Markdown is its documentation as
/// often as not.
fn taken_in(contents: &Contents, path: &str) -> Option<ReadKind> {
    let is_text = std::path::Path::new(path)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("md"));
    let reads = contents.code.build.reads.iter().filter(|read| inner(&read.path) == path);
    let mut kinds = reads
        .map(|read| read.kind)
        .filter(|kind| *kind == ReadKind::Source || *kind == ReadKind::Include && !is_text);
    let first = kinds.next()?;
    Some(if kinds.any(|kind| kind == ReadKind::Source) { ReadKind::Source } else { first })
}

/// A path without what means nothing in it.
fn inner(path: &str) -> &str {
    path.trim_start_matches("./").trim_end_matches('/')
}

/// Whether code that runs at build time reads a file: by its name, its folder or a pattern, or by a name that it
/// puts together, of which the parts that are known fit.
pub(super) fn read_at_build(contents: &Contents, path: &str) -> bool {
    let reads = contents.code.build.reads.iter();
    reads.filter(|read| read.at_build && read.kind != ReadKind::Watched).any(|read| {
        let place = inner(&read.path);
        let is_here = !read.beyond && !place.starts_with(['$', '/']);
        let is_many = matches!(read.kind, ReadKind::Folder | ReadKind::Glob);
        let inside = || match place {
            "" | "." => is_here,
            place => path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/')),
        };
        path == place || is_many && inside() || is_here && fits(place, path)
    })
}

/// Whether a path can be one whose parts between are not known.
fn fits(pattern: &str, path: &str) -> bool {
    let (Some((head, _)), Some((_, tail))) = (pattern.split_once("{}"), pattern.rsplit_once("{}"))
    else {
        return false;
    };
    path.len() >= head.len() + tail.len() && path.starts_with(head) && path.ends_with(tail)
}
