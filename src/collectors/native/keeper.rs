//! Reads the native files of one crate as they pass by.

use std::collections::BTreeMap;

use super::facts::NativeFacts;
use crate::collectors::archive::{ListedFile, Observer};
use crate_read::native_tree::{self, MAX_BYTES, NativeFile, TextFile, TextKind};

/// Most entries of a list.
const LISTED: usize = 200;
/// Most files that are named because they were cut.
const CUT: usize = 64;

/// What one file held.
#[derive(Debug)]
struct Read {
    kind: TextKind,
    found: NativeFile,
    cut: bool,
}

/// Keeps what is found in one crate's native files. Give it every file, in any order, then finish it.
#[derive(Debug, Default)]
pub struct NativeKeeper {
    /// By path: a path that comes again replaces the earlier one, as cargo does.
    files: BTreeMap<String, Read>,
}

impl NativeKeeper {
    /// Keeps nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one file of the crate: path below its root, SHA-256 of its bytes.
    pub fn file(&mut self, path: &str, sha256: &str, bytes: &[u8]) {
        self.files.remove(path);
        let file = TextFile { path, sha256, bytes };
        if let Some((kind, found)) = native_tree::read(&file) {
            let read = Read { kind, found, cut: bytes.len() > MAX_BYTES };
            self.files.insert(path.to_owned(), read);
        }
    }

    /// Draws the sums.
    #[must_use]
    pub fn finish(self) -> NativeFacts {
        let mut facts = NativeFacts::default();
        for (path, Read { kind, found, cut }) in self.files {
            facts.code_files += u64::from(kind.is_code());
            facts.build_files += u64::from(kind.has_commands());
            if cut && facts.cut_files.len() < CUT {
                facts.cut_files.push(path);
            }
            let NativeFile { upstreams, submodules, chains, broken_probes, early, acts } = found;
            let left_out = [
                add(&mut facts.upstreams, upstreams),
                add(&mut facts.submodules, submodules),
                add(&mut facts.chains, chains),
                add(&mut facts.broken_probes, broken_probes),
                add(&mut facts.early, early),
                add(&mut facts.acts, acts),
            ];
            facts.left_out += left_out.iter().sum::<u64>();
        }
        facts
    }
}

/// Appends up to the bound; the answer is how many did not fit.
fn add<T>(list: &mut Vec<T>, more: Vec<T>) -> u64 {
    let room = LISTED.saturating_sub(list.len());
    let left_out = more.len().saturating_sub(room);
    list.extend(more.into_iter().take(room));
    left_out as u64
}

impl Observer for NativeKeeper {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        Self::file(self, &file.path, &file.sha256, bytes);
    }
}
