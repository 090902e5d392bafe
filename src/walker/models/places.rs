//! Folders that hold what others wrote or what was built: virtual environments, packages, build output.
//! What a loader of models would open there is named, once a folder, and not looked at.

use std::path::Path;

use crate::domain::text::path_text;
use model_scan::search;
use walkdir::WalkDir;

/// Most entries that are looked at in all such folders together.
pub(super) const ENTRIES_LIMIT: usize = 100_000;
/// Files that are named.
const NAMED: usize = 3;
/// What cargo writes below a profile of its own build output, with thousands of files in each.
const BUILT: [&str; 4] = ["deps", "incremental", ".fingerprint", "build"];
/// Bookkeeping of version control, which nobody loads.
const BOOKKEEPING: [&str; 2] = [".git", ".hg"];

/// What one such folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The folder, relative to the audited one.
    pub path: String,
    /// The first files by name, below it.
    pub named: Vec<String>,
    /// How many there are.
    pub count: usize,
    /// Whether the folder was looked at to its end.
    pub whole: bool,
}

impl Place {
    /// What is told of it.
    pub(super) fn reason(&self) -> String {
        let end = if self.whole { "" } else { "; the folder was not searched to its end" };
        if self.count == 0 {
            return format!("what lies there is looked at by name only{end}");
        }
        let more = self.count.saturating_sub(self.named.len());
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let names = self.named.join(", ");
        let (files, verb) = if self.count == 1 { ("file", "is") } else { ("files", "are") };
        format!(
            "{} {files} there that a loader of models would open {verb} not looked at: {names}{more}{end}",
            self.count
        )
    }
}

/// Looks at the names in one such folder; nothing where none is a model's. Takes from `budget`.
pub(super) fn look(folder: &Path, path: String, budget: &mut usize) -> Option<Place> {
    if BOOKKEEPING.iter().any(|name| folder.ends_with(name)) {
        return None;
    }
    let built = folder.join("CACHEDIR.TAG").exists();
    let mut place = Place { path, named: Vec::new(), count: 0, whole: true };
    let walk = WalkDir::new(folder).follow_links(false).sort_by_file_name().into_iter();
    let ours = |entry: &walkdir::DirEntry| {
        !(built
            && entry.file_type().is_dir()
            && BUILT.iter().any(|name| entry.file_name() == *name))
    };
    for entry in walk.filter_entry(ours).flatten() {
        if *budget == 0 {
            place.whole = false;
            break;
        }
        *budget -= 1;
        let name = entry.file_name().to_string_lossy();
        if entry.file_type().is_dir() || !search::is_named(&name) {
            continue;
        }
        place.count += 1;
        if place.named.len() < NAMED {
            place.named.extend(entry.path().strip_prefix(folder).ok().map(path_text));
        }
    }
    (place.count > 0 || !place.whole).then_some(place)
}
