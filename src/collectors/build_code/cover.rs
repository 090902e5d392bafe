//! What a hash of build-time code has to cover beside the code itself: files that this code starts, includes
//! or opens, and build files in the folders that it names. Otherwise a waiver outlives what was read.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::facts::BuildFacts;
use super::keeper::started;
use crate::domain::hash::hex;
use crate_read::native_tree;
use crate_read::rust_source::ReadKind;

impl BuildFacts {
    /// Takes the files into the hash that the code names; `listed` are all files of the crate with their
    /// SHA-256. Where it names none that is not in it already, the hash stays as it is.
    pub fn cover<'l>(&mut self, listed: impl Iterator<Item = (&'l str, &'l str)>) {
        if self.inputs_sha256.is_empty() {
            return;
        }
        let reads = || self.reads.iter().filter(|read| read.at_build && !read.beyond);
        let opened = |kind| matches!(kind, ReadKind::Include | ReadKind::Source | ReadKind::File);
        let mut named: Vec<String> = started(&self.spawned).collect();
        named.extend(reads().filter(|read| opened(read.kind)).map(|read| below(&read.path)));
        named.sort_unstable();
        let folders: Vec<String> = reads()
            .filter(|read| {
                matches!(read.kind, ReadKind::File | ReadKind::Folder | ReadKind::Compile)
            })
            .map(|read| below(&read.path))
            .collect();
        let within = |path: &str| {
            folders.iter().any(|folder| {
                folder.is_empty()
                    || path.strip_prefix(&**folder).is_some_and(|rest| rest.starts_with('/'))
            })
        };
        let covered: BTreeMap<&str, &str> = listed
            .filter(|(path, _)| {
                named.binary_search_by(|one| (**one).cmp(path)).is_ok() || {
                    let kind = native_tree::kind_of(path, b"");
                    kind.is_some_and(native_tree::TextKind::has_commands) && within(path)
                }
            })
            .filter(|(path, _)| !self.files.iter().any(|file| file == path))
            .collect();
        if covered.is_empty() {
            return;
        }
        let mut digest = Sha256::new();
        digest.update(self.inputs_sha256.as_bytes());
        for (path, sha256) in covered {
            for part in [path, sha256] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
        }
        self.inputs_sha256 = hex(&digest.finalize());
    }
}

/// A path as code names it, below the crate's root.
fn below(path: &str) -> String {
    let path = path.strip_prefix("$CARGO_MANIFEST_DIR").unwrap_or(path).trim_start_matches('/');
    crate_read::rust_source::plain_path(path)
}
