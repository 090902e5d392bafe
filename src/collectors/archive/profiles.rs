//! The table of harmless blobs: which binary files which crates are known to ship.
//!
//! A profile is matched as data and clears nothing by itself; rules decide what it is worth.

use serde::Deserialize;

use crate_read::file_kind::FileClass;

/// The table that the program carries.
const EMBEDDED: &str = include_str!("../../../rules/tables/benign-blobs.toml");

/// Why a table was refused.
#[derive(Debug, thiserror::Error)]
pub enum ProfilesError {
    /// It is not TOML, or not of the table's form.
    #[error("table of harmless blobs: {0}")]
    Malformed(#[from] toml::de::Error),
    /// A profile covers nothing, or is never to be named.
    #[error("table of harmless blobs: profile `{0}` has no crates, no paths or no classes")]
    Empty(String),
}

/// Profiles of binary files that known crates ship.
#[derive(Clone, Debug)]
pub struct BenignProfiles {
    profiles: Vec<Profile>,
    checksum: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    profile: Vec<Profile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: String,
    crates: Vec<String>,
    paths: Vec<String>,
    classes: Vec<FileClass>,
    #[expect(dead_code, reason = "for the readers of the table")]
    why: String,
}

impl BenignProfiles {
    /// The table that the program carries.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn embedded() -> Self {
        Self::parse(EMBEDDED).expect("the embedded table is read by a test")
    }

    /// Reads a table; see `rules/tables/benign-blobs.toml` for its form.
    pub fn parse(text: &str) -> Result<Self, ProfilesError> {
        let table: Table = toml::from_str(text)?;
        for Profile { name, crates, paths, classes, .. } in &table.profile {
            if name.is_empty() || crates.is_empty() || paths.is_empty() || classes.is_empty() {
                return Err(ProfilesError::Empty(name.clone()));
            }
        }
        let mut checksum = flate2::Crc::new();
        checksum.update(text.as_bytes());
        Ok(Self { profiles: table.profile, checksum: checksum.sum() })
    }

    /// Name of the first profile that covers a file of a crate.
    #[must_use]
    pub fn covering(&self, crate_name: &str, path: &str, class: FileClass) -> Option<&str> {
        self.profiles
            .iter()
            .find(|profile| {
                profile.classes.contains(&class)
                    && profile.crates.iter().any(|pattern| matches(pattern, crate_name))
                    && profile.paths.iter().any(|pattern| matches(pattern, path))
            })
            .map(|profile| profile.name.as_str())
    }

    /// CRC-32 of the table's text: facts measured with another table are not reused.
    pub(super) fn checksum(&self) -> u32 {
        self.checksum
    }
}

/// Matches a pattern in which `*` stands for any characters but `/`, and `**` for any at all.
///
/// Goes back to the last star at most, so that its time is bounded by the product of the lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on after a star that takes one character more: in the pattern and in the text.
    let mut star: Option<(usize, usize)> = None;
    let mut double: Option<(usize, usize)> = None;
    loop {
        if pattern[p..].starts_with(b"**") {
            p += 2;
            (star, double) = (None, Some((p, t)));
        } else if pattern[p..].starts_with(b"*") {
            p += 1;
            star = Some((p, t));
        } else if p == pattern.len() && t == text.len() {
            return true;
        } else if p < pattern.len() && t < text.len() && pattern[p] == text[t] {
            p += 1;
            t += 1;
        } else if let Some((after, at)) =
            star.filter(|(_, at)| text.get(*at).is_some_and(|c| *c != b'/'))
        {
            (p, t, star) = (after, at + 1, Some((after, at + 1)));
        } else if let Some((after, at)) = double.filter(|(_, at)| *at < text.len()) {
            (p, t, star, double) = (after, at + 1, None, Some((after, at + 1)));
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_is_valid() {
        assert!(!BenignProfiles::embedded().profiles.is_empty());
    }

    #[test]
    fn one_star_stays_in_its_folder_and_two_do_not() {
        assert!(matches("windows_*_msvc", "windows_x86_64_msvc"));
        assert!(matches("lib/*.lib", "lib/windows.0.52.0.lib"));
        assert!(!matches("lib/*.lib", "lib/deep/windows.lib"));
        assert!(matches("lib/**.lib", "lib/deep/windows.lib"));
        assert!(matches("**/x/*.o", "a/b/x/c.o"));
        assert!(!matches("lib/*.lib", "lib/windows.lib.exe"));
        assert!(!matches("ring", "rings"));
        assert!(matches("*a*b", "aXbab"));
        assert!(matches("**", ""));
    }

    #[test]
    fn a_pattern_of_many_stars_ends_soon() {
        let pattern = "**a*".repeat(40) + "b";
        assert!(!matches(&pattern, &"a".repeat(2_000)));
    }

    #[test]
    fn a_profile_that_covers_nothing_is_refused() {
        let table =
            "[[profile]]\nname = 'x'\ncrates = []\npaths = ['*']\nclasses = ['wasm']\nwhy = ''";
        assert!(matches!(BenignProfiles::parse(table), Err(ProfilesError::Empty(_))));
    }
}
