//! Values that the command line knows beforehand, so that shells can complete them.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

use crate::domain::Level;
use crate::heuristics::BUILT_IN;
use crate::reporter::Format;

/// A text of which the usual values are known, and which may be another: a rule of the user's, a format
/// with a file behind it.
#[derive(Clone, Debug)]
pub struct Usual(fn() -> Vec<&'static str>);

impl TypedValueParser for Usual {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, Error> {
        clap::builder::StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(PossibleValue::new)))
    }
}

/// Ids of rules.
pub fn rules() -> Usual {
    Usual(|| BUILT_IN.ids())
}

/// Output formats.
pub fn formats() -> Usual {
    Usual(|| Format::ALL.map(Format::as_str).to_vec())
}

/// Output formats of what is about one crate, model or graph.
pub fn page_formats() -> Usual {
    Usual(|| [Format::Human, Format::Json, Format::Html].map(Format::as_str).to_vec())
}

/// Levels.
pub fn levels() -> Usual {
    Usual(|| Level::ALL.map(Level::as_str).to_vec())
}

/// Levels, or none of them.
pub fn gates() -> Usual {
    Usual(|| Level::ALL.map(Level::as_str).into_iter().chain(["never"]).collect())
}

#[cfg(test)]
mod tests {

    #[test]
    fn a_shell_completes_levels_formats_and_rules() {
        let mut script = Vec::new();
        let mut command = crate::cli::help::command();
        clap_complete::generate(
            clap_complete::Shell::Bash,
            &mut command,
            "cargo-custody",
            &mut script,
        );
        let script = String::from_utf8(script).unwrap();
        for word in ["critical never", "human json sarif", "known-bad-file"] {
            assert!(script.contains(word), "{word}");
        }
    }
}
