//! Rust source read, not run: what code that runs at build time can do, which files it reaches, what
//! data it decodes and where that ends.
//!
//! Files are parsed with `syn`, behind a check of how deep a parse could recurse ([`limits`]); what may
//! not or does not parse is a fact and is read as tokens ([`tokens`]). Names are resolved inside the
//! crate ([`names`]); what a name means is data that the caller hands in ([`CapabilityTable`]).
//!
//! This is a reading aid, not a proof: code can always be written so that nothing here sees through
//! it. Code of other crates is followed where it is handed in ([`Entry::beside`]), with macros of theirs.
//! It judges nothing.

mod acting;
mod arguments;
mod callables;
mod calls;
mod checks;
mod constants;
mod downloads;
mod effects;
mod evaluate;
mod expand;
mod expressions;
mod facts;
mod files;
mod flows;
mod formats;
mod includes;
mod items;
pub mod lexer;
mod limits;
mod literal;
mod macros;
mod method_names;
mod methods;
mod modules;
mod names;
mod open;
mod passing;
mod paths;
mod programs;
mod scripts;
mod shell_line;
mod statics;
mod table;
mod tokens;
mod value;
mod walk;

#[cfg(test)]
mod acting_tests;
#[cfg(test)]
mod constant_tests;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use facts::{
    Act, ActWhen, CapabilityHit, Check, CheckKind, CodeFacts, Directive, Downloads, Flow, LISTED,
    LargeLiteral, LiteralForm, Place, Read, ReadKind, Spawned, Step, StepKind, Unparsed, Unread,
    Verification, WebAddress,
};
pub use modules::Sources;
pub use paths::plain_path;
pub use table::{ApiRule, Capability, CapabilityTable, Role, TableError};

/// What is to be read.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Files from which modules are followed (the build script, or a proc-macro's library root).
    pub roots: Vec<String>,
    /// Files that are read by themselves, their modules not followed.
    pub files: Vec<String>,
    /// Whether the code runs at build time.
    pub at_build: bool,
    /// Names in code to package names, where the manifest renames a dependency.
    pub renames: BTreeMap<String, String>,
    /// Paths that library code of the crate compiles with `include!`, as [`Read::path`] has them.
    pub compiled: BTreeSet<String>,
    /// Libraries of other crates whose sources are at hand: the name in code, and the path of the root file.
    /// They are walked with the rest, so that what one crate begins and another one ends is seen whole.
    pub beside: BTreeMap<String, String>,
}

/// Stack that a thread needs on which [`read`] may parse by itself, see [`with_room`].
pub const STACK: usize = limits::STACK;

thread_local! {
    /// Whether this thread has [`STACK`].
    static ROOM: Cell<bool> = const { Cell::new(false) };
}

/// Says of this thread, until it ends, that it was started with [`STACK`] and room for its own beside it:
/// what is read on it needs no thread of its own each time.
pub fn with_room() {
    ROOM.set(true);
}

/// Reads the code that the entry reaches. Never fails: what cannot be read is in
/// [`CodeFacts::unparsed`]. Parsing needs a stack that holds the deepest tree that [`limits`] lets pass: it
/// runs on a thread of its own unless this one has room, and where no thread can be started, all files are
/// read as tokens.
#[must_use]
pub fn read(sources: &Sources<'_>, entry: &Entry, table: &CapabilityTable) -> CodeFacts {
    let here = || {
        let run = AssertUnwindSafe(|| read_here(sources, entry, table));
        catch_unwind(run).map_err(|_| "the parser gave up".to_owned())
    };
    let read = if ROOM.get() {
        here()
    } else {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("rust-source".to_owned());
            let thread = thread.stack_size(STACK).spawn_scoped(scope, here);
            let joined = thread.map(std::thread::ScopedJoinHandle::join);
            joined
                .map_err(|error| error.to_string())?
                .unwrap_or_else(|_| Err("no answer".to_owned()))
        })
    };
    read.unwrap_or_else(|reason| read_tokens(sources, entry, table, &reason))
}

/// Reads one file as tokens: no parser, no thread, cheap. Imports inside the file are resolved.
#[must_use]
pub fn scan(file: &str, bytes: &[u8], table: &CapabilityTable, at_build: bool) -> CodeFacts {
    let mut facts = CodeFacts::default();
    tokens::scan(file, bytes, table, at_build, &mut facts);
    facts
}

/// The files that `#[path]` names as modules of a file, seen from the crate's root.
#[must_use]
pub fn modules_by_path(file: &str, bytes: &[u8]) -> Vec<String> {
    let folder = paths::parent(file);
    let modules = includes::modules(bytes).into_iter();
    modules.filter_map(|(_, given, _)| given).map(|given| paths::join(&folder, &given)).collect()
}

fn read_here(sources: &Sources<'_>, entry: &Entry, table: &CapabilityTable) -> CodeFacts {
    let mut loader = modules::Loader::new(sources);
    for root in &entry.roots {
        loader.follow(root);
    }
    for file in &entry.files {
        loader.alone(file);
    }
    for (name, root) in &entry.beside {
        loader.beside(name, root);
    }
    let modules::Loader { mut units, unparsed, .. } = loader;
    let macros = expand::expand_items(&mut units);
    let renames = entry.renames.iter().map(|(name, package)| (name.clone(), package.clone()));
    let crates = entry.beside.keys().cloned().collect();
    let names = names::Names::new(&units, renames, crates);
    let mut walk = walk::Walk::new(&names, &units, sources, table, entry);
    walk.macros = macros;
    walk.run();
    let scripts: BTreeSet<String> = walk.shipped.keys().map(|(path, _)| path.clone()).collect();
    let mut facts = walk.finish();
    facts.scripts = scripts.into_iter().collect();
    let known = facts.capabilities.len();
    for unit in units.iter().filter(|unit| unit.tree.is_none()) {
        tokens::scan(&unit.file, unit.bytes, table, entry.at_build, &mut facts);
    }
    downloads::of_tokens(&mut facts, known);
    facts.unparsed = unparsed;
    if facts.work > walk::EXPRESSIONS {
        let reason = "the code has too many expressions: the rest was not read".to_owned();
        let file = entry.roots.first().or(entry.files.first()).cloned().unwrap_or_default();
        let why = Unread::Limit;
        facts.unparsed.push(Unparsed { file, line: 0, reason, why });
    }
    facts.files = units.iter().map(|unit| unit.file.clone()).collect();
    facts.capabilities.sort_by(|a, b| (&a.file, a.line, a).cmp(&(&b.file, b.line, b)));
    facts
}

fn read_tokens(
    sources: &Sources<'_>,
    entry: &Entry,
    table: &CapabilityTable,
    reason: &str,
) -> CodeFacts {
    let mut facts = CodeFacts::default();
    for file in entry.roots.iter().chain(&entry.files) {
        if let Some(bytes) = sources.get(file) {
            tokens::scan(file, bytes, table, entry.at_build, &mut facts);
        }
        let (file, reason) = (file.clone(), reason.to_owned());
        let why = Unread::Limit;
        facts.unparsed.push(Unparsed { file, line: 0, reason, why });
    }
    downloads::of_tokens(&mut facts, 0);
    facts
}

/// At most [`facts::TEXT_CHARS`] characters.
fn cut(text: &str) -> String {
    match text.char_indices().nth(facts::TEXT_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Whether a text is a digest in hexadecimal: SHA-256, SHA-384 or SHA-512.
fn is_digest(text: &str) -> bool {
    matches!(text.len(), 64 | 96 | 128) && text.bytes().all(|b| b.is_ascii_hexdigit())
}
