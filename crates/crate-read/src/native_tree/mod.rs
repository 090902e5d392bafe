//! The foreign source trees that crates carry: C and C++ with their autotools, CMake and shell files.
//! Says which upstream and version a tree is, which build fragments turn data of the tree into commands,
//! which feature probes cannot compile, and what runs before `main`.
//!
//! Reads one text file at a time and runs none of it. It is no shell, no m4 and no C compiler: what it
//! reports stands in the text; what the text could compute is out of its reach.

mod chain;
pub(crate) mod command;
mod early;
mod facts;
mod kind;
mod probe;
pub(crate) mod shell;
mod upstream;

#[cfg(test)]
mod tests;

pub use facts::{
    BrokenProbe, ChainKind, ChainStep, CommandChain, Early, EarlyKind, NativeFile, ScriptAct,
    Submodule, Upstream,
};
pub use kind::{TextKind, kind_of};

/// Most bytes of one file that are read. The longest `configure` scripts have about 1 MB, the longest
/// headers 2 MB.
pub const MAX_BYTES: usize = 4 << 20;

/// A text file of a crate.
#[derive(Clone, Copy, Debug)]
pub struct TextFile<'a> {
    /// Path below the crate's root, `/` between its parts.
    pub path: &'a str,
    /// SHA-256 of its bytes, lower-case hexadecimal; carried over into what is found in it.
    pub sha256: &'a str,
    /// Its bytes; only the first [`MAX_BYTES`] are read.
    pub bytes: &'a [u8],
}

/// Reads one file; `None` where its name says that it is no part of a native tree.
#[must_use]
pub fn read(file: &TextFile<'_>) -> Option<(TextKind, NativeFile)> {
    let kind = kind_of(file.path, file.bytes)?;
    let bytes = &file.bytes[..file.bytes.len().min(MAX_BYTES)];
    let mut found = NativeFile::default();
    upstream::read(file, kind, bytes, &mut found);
    if kind.is_code() {
        found.early = early::read(file, bytes);
    } else if kind.has_commands() {
        let text = String::from_utf8_lossy(bytes);
        found.chains = chain::read(file, kind, &text);
        found.broken_probes = probe::read(file, kind, &text);
    }
    if kind == TextKind::Build || kind.has_commands() {
        let text = String::from_utf8_lossy(bytes);
        let acts = crate::script::read_build_file(file.path, &text).into_iter();
        let (path, sha256) = (file.path.to_owned(), file.sha256.to_owned());
        found.acts =
            acts.map(|act| ScriptAct { act, path: path.clone(), sha256: sha256.clone() }).collect();
    }
    Some((kind, found))
}

/// The lines of a text, with their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    (1..).zip(text.lines())
}
