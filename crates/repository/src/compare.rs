//! Every file of an archive, and what in the commit explains it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate_read::file_kind::is_text;
use crate_read::git_objects::{Kind, ObjectId};
use sha2::{Digest as _, Sha256};

use crate::manifest::{self, Follows};
use crate::submodule::{Neighbours, Submodule, Submodules};
use crate::tree::{Folders, Found, Snapshot};
use crate::{ReadError, Repository, written};

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveFile {
    /// Path below the crate's folder.
    pub path: String,
    /// The name that git gives to its bytes.
    id: ObjectId,
    /// The same with LF line ends, where every line ends in CR LF.
    unix: Option<ObjectId>,
    /// The name of the LFS pointer to its bytes.
    pointer: ObjectId,
    /// Its text, where it is a manifest or written by cargo.
    text: Option<String>,
}

impl ArchiveFile {
    /// Hashes the bytes of a file.
    #[must_use]
    pub fn new(path: &str, bytes: &[u8]) -> Self {
        let is_read = matches!(
            path,
            "Cargo.toml" | "Cargo.toml.orig" | "Cargo.lock" | ".cargo_vcs_info.json"
        );
        let text = || String::from_utf8_lossy(bytes).into_owned();
        Self {
            path: path.to_owned(),
            id: ObjectId::of(Kind::Blob, bytes),
            unix: unix(bytes).map(|bytes| ObjectId::of(Kind::Blob, &bytes)),
            pointer: ObjectId::of(Kind::Blob, &pointer(bytes)),
            text: is_read.then(text),
        }
    }

    pub(crate) fn is(&self, id: &ObjectId) -> bool {
        self.id == *id
    }
}

/// The bytes with LF line ends, if they are a text and every line ends in CR LF. In anything else the bytes
/// CR LF mean something.
fn unix(bytes: &[u8]) -> Option<Vec<u8>> {
    if !is_text(bytes) {
        return None;
    }
    let ends = bytes.split(|byte| *byte == b'\n').count() - 1;
    let pairs = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
    if ends == 0 || ends != pairs {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len() - pairs);
    for (index, byte) in bytes.iter().enumerate() {
        if !(*byte == b'\r' && bytes.get(index + 1) == Some(&b'\n')) {
            out.push(*byte);
        }
    }
    Some(out)
}

/// The LFS pointer to these bytes (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
fn pointer(bytes: &[u8]) -> Vec<u8> {
    let mut text = "version https://git-lfs.github.com/spec/v1\noid sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    writeln!(text, "\nsize {}", bytes.len()).expect("writing to a string cannot fail");
    text.into_bytes()
}

/// What explains a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Explanation {
    /// The same bytes under the same path.
    Same,
    /// The same bytes, through a link of the commit.
    Link,
    /// The same lines with CR LF ends throughout.
    LineEnds,
    /// A licence, readme or change log that the crate's folder lacks, and that has the same bytes under its name
    /// above it or where the author's manifest says.
    Elsewhere,
    /// The same bytes in the submodule that the commit has there, at the commit that it names.
    Submodule,
    /// The commit has the LFS pointer to these bytes.
    LfsPointer,
    /// Made by cargo from the author's manifest, and says what that says.
    Generated,
    /// `Cargo.lock`, which cargo writes and nobody who depends on the crate reads.
    Lockfile,
}

impl Explanation {
    /// Its word in facts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Link => "link",
            Self::LineEnds => "line-ends",
            Self::Elsewhere => "elsewhere",
            Self::Submodule => "submodule",
            Self::LfsPointer => "lfs-pointer",
            Self::Generated => "generated",
            Self::Lockfile => "lockfile",
        }
    }
}

/// What was found out about one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOutcome {
    /// It is explained.
    Explained(Explanation),
    /// The commit has other bytes there, or nothing; a few words on it.
    Unexplained(String),
    /// It cannot be told, and why.
    Undetermined(String),
}

/// Where a commit holds the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The folder of the submodule that holds it; none for the repository itself.
    pub submodule: Option<String>,
    /// Its path there.
    pub path: String,
    /// The name of its bytes.
    pub blob: ObjectId,
}

/// An archive against a commit.
#[derive(Debug, Default)]
pub struct Compared {
    /// Every file, by path.
    pub files: BTreeMap<String, FileOutcome>,
    /// Where those stand that have the same bytes.
    pub origins: BTreeMap<String, Origin>,
    /// What the commit has under the paths of those that have other bytes.
    pub others: BTreeMap<String, Origin>,
    /// The folder of the crate; empty for the root.
    pub folder: String,
    /// Submodules that were needed and are at hand, by folder.
    pub submodules: BTreeMap<String, Submodule>,
}

/// Compares an archive with a folder of a commit; none where the clone has not the commit. What cannot be read of
/// it makes the files undetermined that need it.
///
/// The folder is found by the author's manifest where `folder` is none. A folder that leaves the
/// repository explains nothing.
pub fn compare(
    repository: &Repository,
    commit: &ObjectId,
    folder: Option<&str>,
    files: &[ArchiveFile],
    neighbours: Option<Neighbours<'_>>,
) -> Result<Option<Compared>, ReadError> {
    let Some(snapshot) = Snapshot::of(repository.objects(), commit)? else { return Ok(None) };
    let mut comparer = Comparer {
        snapshot,
        files,
        neighbours,
        folder: String::new(),
        submodules: Submodules::default(),
        below: BTreeMap::new(),
        origins: BTreeMap::new(),
        others: BTreeMap::new(),
    };
    comparer.folder = match folder {
        Some(folder) => folder.to_owned(),
        None => comparer.find_folder().unwrap_or_default(),
    };
    // What cannot be read for one file says nothing of the others: somebody could have put it there.
    let mut told = |file| {
        comparer.file(file).unwrap_or_else(|error| FileOutcome::Undetermined(error.to_string()))
    };
    let outcomes = files.iter().map(|file| (file.path.clone(), told(file))).collect();
    let Comparer { origins, others, folder, submodules, .. } = comparer;
    let submodules = submodules.found();
    Ok(Some(Compared { files: outcomes, origins, others, folder, submodules }))
}

struct Comparer<'a> {
    snapshot: Snapshot<'a>,
    files: &'a [ArchiveFile],
    folder: String,
    neighbours: Option<Neighbours<'a>>,
    submodules: Submodules,
    /// Folders of submodules that were read, by the submodule's folder.
    below: BTreeMap<String, Folders>,
    origins: BTreeMap<String, Origin>,
    others: BTreeMap<String, Origin>,
}

impl Comparer<'_> {
    fn archived(&self, path: &str) -> Option<&ArchiveFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The one folder whose manifest is the author's; the root where that is not told.
    fn find_folder(&self) -> Result<String, ReadError> {
        let Some(author) = self.archived("Cargo.toml.orig") else { return Ok(String::new()) };
        let listing = self.snapshot.listing()?;
        let mut folders = listing.iter().filter(|(_, id)| author.is(id)).filter_map(|(path, _)| {
            path.strip_suffix("Cargo.toml").map(|folder| folder.trim_end_matches('/').to_owned())
        });
        let first = folders.next().unwrap_or_default();
        Ok(if folders.next().is_some() { String::new() } else { first })
    }

    fn file(&mut self, file: &ArchiveFile) -> Result<FileOutcome, ReadError> {
        match file.path.as_str() {
            ".cargo_vcs_info.json" => Ok(written(
                written::is_record(file.text.as_deref().unwrap_or_default()),
                Explanation::Generated,
            )),
            "Cargo.lock" => self.lockfile(file),
            "Cargo.toml" if self.archived("Cargo.toml.orig").is_some() => self.manifest(file),
            "Cargo.toml.orig" => self.placed(file, "Cargo.toml"),
            path => self.placed(file, path),
        }
    }

    /// A file against what the commit has under a path.
    fn placed(&mut self, file: &ArchiveFile, path: &str) -> Result<FileOutcome, ReadError> {
        let mut full = self.folder.clone();
        if !full.is_empty() {
            full.push('/');
        }
        full.push_str(path);
        let found = match self.snapshot.find(&full) {
            // A clone without the bytes of links cannot follow them.
            Err(ReadError::Missing(_)) => {
                let why = "the clone lacks a folder or link on the way to it";
                return Ok(FileOutcome::Undetermined(why.to_owned()));
            }
            found => found?,
        };
        let is_nowhere = found == Found::Nothing;
        let outcome = match found {
            Found::File { id, linked } => {
                let origin = Origin { submodule: None, path: full, blob: id };
                if (file.is(&id) || file.pointer == id) && !linked {
                    self.origins.insert(file.path.clone(), origin);
                } else if !file.is(&id) {
                    self.others.insert(file.path.clone(), origin);
                }
                same(file, &id, linked)
            }
            Found::Submodule { folder, commit, rest } => {
                self.in_submodule(file, folder, &commit, rest)?
            }
            Found::Nothing => FileOutcome::Unexplained("the commit has no such file".to_owned()),
        };
        if is_nowhere && !is_code(path) && !path.contains('/') && self.is_above(file, path)? {
            return Ok(FileOutcome::Explained(Explanation::Elsewhere));
        }
        Ok(outcome)
    }

    /// The lockfile: the commit's own, or one that cargo wrote.
    fn lockfile(&mut self, file: &ArchiveFile) -> Result<FileOutcome, ReadError> {
        let force = self.archived("Cargo.toml").and_then(|file| file.text.as_deref());
        let package = force.and_then(manifest::package_name);
        let text = file.text.as_deref().unwrap_or_default();
        if written::is_lockfile(text, package.as_deref()) {
            return Ok(FileOutcome::Explained(Explanation::Lockfile));
        }
        Ok(match self.placed(file, "Cargo.lock")? {
            FileOutcome::Unexplained(_) => written(false, Explanation::Lockfile),
            other => other,
        })
    }

    /// A file against what a submodule has under a path.
    fn in_submodule(
        &mut self,
        file: &ArchiveFile,
        folder: String,
        commit: &ObjectId,
        rest: String,
    ) -> Result<FileOutcome, ReadError> {
        let found = self.submodules.of(&self.snapshot, self.neighbours, &folder, commit);
        let submodule = match found {
            Ok(submodule) => submodule,
            Err(why) => return Ok(FileOutcome::Undetermined(why.clone())),
        };
        let Some(snapshot) = Snapshot::of(submodule.repository().objects(), commit)? else {
            let why = format!("the clone of the submodule `{folder}` has not {commit}");
            return Ok(FileOutcome::Undetermined(why));
        };
        let snapshot = snapshot.knowing(self.below.entry(folder.clone()).or_default());
        Ok(match snapshot.find(&rest)? {
            Found::File { id, .. } if file.is(&id) => {
                let origin = Origin { submodule: Some(folder), path: rest, blob: id };
                self.origins.insert(file.path.clone(), origin);
                FileOutcome::Explained(Explanation::Submodule)
            }
            Found::File { id, linked } => {
                let origin = Origin { submodule: Some(folder), path: rest, blob: id };
                self.others.insert(file.path.clone(), origin);
                same(file, &id, linked)
            }
            Found::Submodule { .. } => {
                FileOutcome::Undetermined(format!("it is in a submodule of `{folder}`"))
            }
            Found::Nothing => {
                FileOutcome::Unexplained(format!("the submodule `{folder}` has no such file"))
            }
        })
    }

    /// Whether a file that cargo copies has these bytes: a licence, a readme and the like under the same name in a
    /// folder above, or what the author's manifest or its workspace's names as readme or licence.
    fn is_above(&self, file: &ArchiveFile, path: &str) -> Result<bool, ReadError> {
        let author = self.archived("Cargo.toml.orig").and_then(|file| file.text.as_deref());
        let mut places = Vec::new();
        if let Some(author) = author {
            let (at, root) = match self.workspace(author)? {
                Some((at, root)) => (at, Some(root)),
                None => (String::new(), None),
            };
            for (inherits, named) in manifest::legal_files(author, root.as_deref()) {
                let from = if inherits { &at } else { &self.folder };
                places.extend(below(from, &named).filter(|place| last(place) == path));
            }
        }
        let mut folder = self.folder.as_str();
        while is_legal(path) && !folder.is_empty() {
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
            places.extend(below(folder, path));
        }
        for place in places {
            if let Ok(Found::File { id, .. }) = self.snapshot.find(&place)
                && (file.is(&id) || file.unix.as_ref() == Some(&id))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The manifest in force against the author's and the workspace's.
    fn manifest(&self, file: &ArchiveFile) -> Result<FileOutcome, ReadError> {
        let author = self.archived("Cargo.toml.orig").and_then(|file| file.text.as_deref());
        let (Some(author), Some(force)) = (author, file.text.as_deref()) else {
            return Ok(FileOutcome::Undetermined("a manifest is not at hand".to_owned()));
        };
        let has_build_script = self.archived("build.rs").is_some();
        let root = self.workspace(author)?.map(|(_, text)| text);
        let follows = manifest::follows(force, author, root.as_deref(), has_build_script);
        Ok(match follows {
            Follows::Yes => FileOutcome::Explained(Explanation::Generated),
            Follows::No(what) => {
                FileOutcome::Unexplained(format!("{what} does not follow from Cargo.toml.orig"))
            }
            Follows::Unknown(why) => FileOutcome::Undetermined(why),
        })
    }

    /// The manifest of the workspace with its folder: the one that the author's names, else the nearest one
    /// upwards that has such a table.
    fn workspace(&self, author: &str) -> Result<Option<(String, String)>, ReadError> {
        let named = manifest::named_workspace(author);
        if let Some(path) = named.and_then(|path| below(&self.folder, &path)) {
            return Ok(self.workspace_at(&path)?.map(|text| (path, text)));
        }
        let mut folder = Some(self.folder.as_str());
        while let Some(at) = folder {
            if let Some(text) = self.workspace_at(at)? {
                return Ok(Some((at.to_owned(), text)));
            }
            folder = match at {
                "" => None,
                _ => Some(at.rsplit_once('/').map_or("", |(above, _)| above)),
            };
        }
        Ok(None)
    }

    /// The manifest of a folder, if it is a workspace's.
    fn workspace_at(&self, folder: &str) -> Result<Option<String>, ReadError> {
        let path = match folder {
            "" => "Cargo.toml".to_owned(),
            _ => format!("{folder}/Cargo.toml"),
        };
        let Ok(Found::File { id, .. }) = self.snapshot.find(&path) else { return Ok(None) };
        let Some(bytes) = self.snapshot.blob(&id)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(manifest::is_workspace(&text).then_some(text))
    }
}

/// What an archive holds by cargo's own hand, or not.
fn written(is_written: bool, by: Explanation) -> FileOutcome {
    if is_written {
        FileOutcome::Explained(by)
    } else {
        FileOutcome::Unexplained("it holds more than cargo writes there".to_owned())
    }
}

/// The name of a file without its folders.
fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A file that people copy from above a crate: licence, readme, and what goes with them, as a text.
fn is_legal(path: &str) -> bool {
    let upper = path.to_ascii_uppercase();
    let names =
        ["README", "LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "CHANGE", "UNLICENSE"];
    let texts = ["MD", "MARKDOWN", "TXT", "RST", "ADOC", "HTML"];
    let is_text = |end: &str| texts.contains(&end) || end.bytes().all(|byte| byte.is_ascii_digit());
    names.iter().any(|name| upper.starts_with(name))
        && upper.rsplit_once('.').is_none_or(|(_, end)| is_text(end))
}

fn is_code(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// A folder as it is named from another; none where it leaves the repository.
fn below(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match part {
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A file against one of the commit.
fn same(file: &ArchiveFile, id: &ObjectId, linked: bool) -> FileOutcome {
    let explanation = if file.is(id) {
        if linked { Explanation::Link } else { Explanation::Same }
    } else if file.unix.as_ref() == Some(id) {
        Explanation::LineEnds
    } else if file.pointer == *id {
        Explanation::LfsPointer
    } else {
        return FileOutcome::Unexplained("the commit has other bytes".to_owned());
    };
    FileOutcome::Explained(explanation)
}
