//! Ways to keep a reader from seeing what a file holds: data behind the end of a well-formed stream,
//! characters that cannot be seen or that turn the reading order around, names that look like other
//! names, encoded text on one endless line, a manifest that is not the author's, ignored build inputs,
//! cargo configuration inside a crate.
//!
//! Pure functions of bytes. What they find has honest causes too; which ones is not decided here.

mod cargo_config;
mod characters;
mod encoded;
mod ignore;
mod manifest;
mod place;
mod trailing;

#[cfg(test)]
mod tests;

pub use cargo_config::{ConfiguredProgram, configured_programs};
pub use characters::{HiddenCharacter, HiddenKind, LookAlike, hidden_characters, look_alikes};
pub use encoded::{EncodedLine, Encoding, encoded_line};
pub use ignore::{IgnorePattern, build_input, excluded, ignored};
pub use manifest::{Difference, DifferenceKind, differences};
pub use place::{Place, Syntax, syntax_of};
pub use trailing::{Trailing, trailing};

/// Line of a byte offset, from 1.
fn line_at(text: &str, at: usize) -> u64 {
    let before = &text.as_bytes()[..at.min(text.len())];
    1 + memchr::memchr_iter(b'\n', before).count() as u64
}
