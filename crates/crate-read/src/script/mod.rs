//! Scripts read, not run: what a shell line or script does from where its data comes to where it ends.
//! Fetched and started, decoded and started, a secret that is sent: an [`Act`] each.
//!
//! The shell is parsed into words, substitutions, pipelines and groups ([`parse`]) and its data is
//! followed through variables, functions, pipes, redirections and files ([`shell`]), so that spelling
//! (quotes inside a name, variables, globs, wrappers) changes nothing. Python, JavaScript, Perl, Ruby and
//! PowerShell are read statement by statement ([`foreign`]): their words are data. `CMake`, make, ninja and
//! meson are put into the words of a shell first ([`build`]).
//!
//! Own readers, not grammars of an editor: those are C, and what is wanted here is a bounded reading of
//! hostile text that never fails, not a syntax tree. What the text could compute beyond that is out of reach.

mod build;
mod evaluate;
mod foreign;
mod languages;
mod parse;
mod programs;
mod shell;
mod shell_data;
mod shell_programs;
mod shell_words;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use programs::is_option;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most bytes of a script that are read. The longest `configure` scripts have about 1 MB.
pub const MAX_BYTES: usize = 2 << 20;
/// Most acts of one script.
pub const ACTS: usize = 16;

/// A language that scripts are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// POSIX shell and its relatives.
    Shell,
    /// Files of `cmd`.
    Batch,
    /// Python.
    Python,
    /// JavaScript and TypeScript.
    Script,
    /// Perl.
    Perl,
    /// Ruby.
    Ruby,
    /// PowerShell.
    PowerShell,
}

/// Where the data of an act comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The network.
    Fetch,
    /// A file or text that was decoded, decompressed or cut out by position first.
    Decode,
    /// Keys, tokens, passwords, the whole environment.
    Secret,
}

/// Where the data of an act ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It is started, or an interpreter is given it as code.
    Run,
    /// It is sent over the network.
    Send,
}

/// Something that a script does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Act {
    /// Where the data comes from.
    pub origin: Origin,
    /// Where it ends.
    pub end: End,
    /// The command or statement that brings the data, at most 120 characters.
    pub from: String,
    /// The command or statement where it ends, at most 120 characters.
    pub to: String,
    /// Line where it ends, from 1.
    pub line: u32,
}

/// Reads a script.
#[must_use]
pub fn read(language: Language, text: &str) -> Vec<Act> {
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    match language {
        Language::Shell => shell::read(text),
        Language::Batch => shell::read(&build::batch(text)),
        other => foreign::read(other, text),
    }
}

/// Reads a file that a build system runs; nothing where its name is none of those.
#[must_use]
pub fn read_build_file(path: &str, text: &str) -> Vec<Act> {
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    build::read(path, text)
}

/// The language that an interpreter reads, by the name of the program.
#[must_use]
pub fn language_of_program(program: &str) -> Option<Language> {
    programs::language(program)
}

/// The language of a file, by its first line or its name.
#[must_use]
pub fn language_of_file(path: &str, text: &str) -> Option<Language> {
    if let Some(line) = text.strip_prefix("#!") {
        let line = line.lines().next().unwrap_or("");
        let mut words = line.split_ascii_whitespace().map(programs::base);
        let found = words.find_map(|word| programs::language(&word));
        if found.is_some() {
            return found;
        }
    }
    let name = programs::base(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    Some(match extension {
        "sh" | "bash" | "zsh" | "ksh" | "dash" | "command" => Language::Shell,
        "bat" | "cmd" => Language::Batch,
        "py" | "pyw" => Language::Python,
        "js" | "mjs" | "cjs" | "ts" | "mts" => Language::Script,
        "pl" | "pm" => Language::Perl,
        "rb" => Language::Ruby,
        "ps1" | "psm1" => Language::PowerShell,
        _ => return None,
    })
}
