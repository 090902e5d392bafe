//! Text of the project's own files that findings point into, read once by the walker.

use std::collections::BTreeMap;
use std::sync::Arc;

/// File path relative to the audited folder (with `/`) to its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    files: BTreeMap<String, Arc<str>>,
}

impl Sources {
    /// Keeps a file's text.
    pub fn insert(&mut self, file: impl Into<String>, text: impl Into<Arc<str>>) {
        self.files.insert(file.into(), text.into());
    }

    /// The text of a file.
    #[must_use]
    pub fn text(&self, file: &str) -> Option<&str> {
        self.files.get(file).map(AsRef::as_ref)
    }

    /// One line of a file, from 1, without its line ending.
    #[must_use]
    pub fn line(&self, file: &str, line: u32) -> Option<&str> {
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        self.text(file)?.lines().nth(index)
    }

    /// All files, ordered by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(file, text)| (file.as_str(), text.as_ref()))
    }
}
