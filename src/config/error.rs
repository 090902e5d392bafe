//! What can be wrong with a policy, and where.

use std::fmt;

use crate::domain::Location;
use crate::domain::text::shown;

/// A place in a policy file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The file, as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, counted in characters.
    pub column: u32,
}

impl At {
    /// The same place in the words of a report.
    #[must_use]
    pub fn location(&self) -> Location {
        Location { column: Some(self.column), ..Location::line(self.file.clone(), self.line) }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", shown(&self.file), self.line, self.column)
    }
}

/// Why a policy was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not TOML.
    #[error("{at}: {message}")]
    Syntax {
        /// Where.
        at: At,
        /// What the TOML parser says.
        message: String,
    },
    /// A key, rule or fact group that does not exist.
    #[error("{at}: unknown {what} `{}`", shown(name))]
    Unknown {
        /// Where.
        at: At,
        /// What it would be: `key in [cooldown]`, `rule`, `fact group`.
        what: String,
        /// As it is written there.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A value that cannot be used.
    #[error("{at}: `{key}` {problem}")]
    Value {
        /// Where.
        at: At,
        /// Its key.
        key: String,
        /// What is wrong: "must not be empty".
        problem: String,
    },
    /// A key that must be there.
    #[error("{at}: {section} has no `{key}`")]
    Missing {
        /// Where its table begins.
        at: At,
        /// `[[waiver]]`, or "the file".
        section: String,
        /// The key.
        key: &'static str,
    },
    /// Two places hold a policy.
    #[error("both {} and {} hold a policy", shown(first), shown(second))]
    Ambiguous {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// The file is a link, a device or a folder.
    #[error("{} is not a plain file", shown(file))]
    NotPlain {
        /// The file.
        file: String,
    },
    /// The file is larger than any policy.
    #[error("{} has {size} bytes, more than a policy may have ({limit})", shown(file))]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The file could not be read.
    #[error("reading {}", shown(file))]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
}

impl ConfigError {
    /// What to do, for the `help:` line.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { name, known, .. } => Some(match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.len() <= 24 => format!("known: {}", known.join(", ")),
                None => return None,
            }),
            Self::Missing { key: "reason", .. } => {
                Some("say in `reason` why this is acceptable, for those who come after".to_owned())
            }
            Self::Ambiguous { first, .. } => {
                Some(format!("keep one of them, or name it: --config {}", shown(first)))
            }
            Self::NotPlain { .. } => {
                Some("if you trust where it leads, name the file: --config FILE".to_owned())
            }
            _ => None,
        }
    }
}

/// The known name that was probably meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    // A long name from a hostile file would make the comparison slow, and is no slip of the finger.
    if name.len() > 100 {
        return None;
    }
    let name = name.replace('_', "-").to_lowercase();
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, candidate), candidate.as_str()))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_named_and_a_stranger_is_not_guessed() {
        let known = ["fail-on".to_owned(), "min-level".to_owned()];
        assert_eq!(nearest("fail_on", &known), Some("fail-on"));
        assert_eq!(nearest("min-levle", &known), Some("min-level"));
        assert_eq!(nearest("registry-url", &known), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), &known), None);
    }
}
