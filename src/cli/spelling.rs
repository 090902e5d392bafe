//! What was meant where the words of a command line stand in another order, or are misspelt.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Command;

use super::Failure;
use crate::config::nearest;

/// The words with the subcommand in front of flags that stand before it: `cargo custody -q check`.
pub fn ordered(mut words: Vec<OsString>, command: &Command) -> Vec<OsString> {
    if let Some(at) = first_word(&words, command).filter(|at| *at > 1)
        && command.find_subcommand(&words[at]).is_some()
    {
        let name = words.remove(at);
        words.insert(1, name);
    }
    words
}

/// A slip in the name of a subcommand: `check` takes any word for a path, and would say that it is none.
pub fn slip(words: &[OsString], command: &Command) -> Option<Failure> {
    let word = &words[first_word(words, command)?];
    if command.find_subcommand(word).is_some() || Path::new(word).symlink_metadata().is_ok() {
        return None;
    }
    let names: Vec<String> =
        command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    let word = word.to_str()?;
    let meant = nearest(word, &names)?;
    let word = crate::domain::text::shown(word);
    let failure = Failure::text(format!("`{word}` is neither a command nor a file or folder"));
    Some(failure.help(format!("did you mean `cargo custody {meant}`?")))
}

/// Where the first word stands that is neither a flag nor the value of one.
fn first_word(words: &[OsString], command: &Command) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let text = word.to_str().unwrap_or_default();
        if !text.starts_with('-') || text == "-" {
            return Some(at);
        }
        if text == "--" {
            return None;
        }
        at += if takes_value(word, command) { 2 } else { 1 };
    }
    None
}

fn takes_value(flag: &OsStr, command: &Command) -> bool {
    let Some(name) = flag.to_str().and_then(|text| text.strip_prefix("--")) else { return false };
    let known = command.get_arguments().find(|one| one.get_long() == Some(name));
    known.is_some_and(|one| one.get_action().takes_values())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::help;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn flags_may_stand_before_the_command() {
        let sorted = |line: &str| ordered(words(line), &help::command());
        assert_eq!(sorted("cc -q check x"), words("cc check -q x"));
        assert_eq!(
            sorted("cc --color never --offline report"),
            words("cc report --color never --offline")
        );
        for line in
            ["cc check -q x", "cc --offline some-folder", "cc --color report", "cc -- check"]
        {
            assert_eq!(sorted(line), words(line), "{line}");
        }
    }

    #[test]
    fn a_slip_in_a_command_is_named_and_a_path_is_left_alone() {
        let help_of = |line: &str| slip(&words(line), &help::command()).and_then(|one| one.help);
        assert_eq!(help_of("cc chekc").as_deref(), Some("did you mean `cargo custody check`?"));
        assert_eq!(
            help_of("cc --offline explian foo").as_deref(),
            Some("did you mean `cargo custody explain`?")
        );
        for line in ["cc check", "cc src", "cc no-such-project-here", "cc"] {
            assert_eq!(help_of(line), None, "{line}");
        }
    }
}
