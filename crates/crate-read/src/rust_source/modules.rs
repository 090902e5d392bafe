//! Which files of a crate run: the entry point, and every module and `include!` that it reaches.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Attribute, Expr, Item, Lit, Meta};

use super::facts::{Unparsed, Unread};
use super::includes::{self, Included};
use super::{limits, paths};

/// Most files that one reading follows.
const FILES: usize = 4096;
/// Most bytes that one reading parses.
const PARSED_TOTAL: usize = 24 << 20;

/// Source files of one crate, by path inside it.
pub type Sources<'s> = BTreeMap<String, &'s [u8]>;

/// A file that takes part.
pub(super) struct Unit<'s> {
    pub file: String,
    /// Module path from the crate's root; empty for the root.
    pub module: Vec<String>,
    pub bytes: &'s [u8],
    /// The parsed file, or nothing where it must be read as tokens.
    pub tree: Option<syn::File>,
}

/// A module or include that a file asks for.
struct Wanted {
    candidates: Vec<String>,
    module: Vec<String>,
    /// Folder in which the module's own children lie, for each candidate.
    by: String,
    line: u32,
    what: &'static str,
}

/// The files that one entry point reaches, in the order of discovery.
pub(super) struct Loader<'s> {
    sources: &'s Sources<'s>,
    pub units: Vec<Unit<'s>>,
    pub unparsed: Vec<Unparsed>,
    seen: BTreeSet<(String, Vec<String>)>,
    parsed: usize,
}

impl<'s> Loader<'s> {
    pub(super) fn new(sources: &'s Sources<'s>) -> Self {
        Self { sources, units: Vec::new(), unparsed: Vec::new(), seen: BTreeSet::new(), parsed: 0 }
    }

    /// Follows one entry point.
    pub(super) fn follow(&mut self, entry: &str) {
        self.follow_as(entry, Vec::new());
    }

    /// Follows the library of another crate, as a module of its name.
    pub(super) fn beside(&mut self, name: &str, root: &str) {
        self.follow_as(root, vec![name.to_owned()]);
    }

    fn follow_as(&mut self, entry: &str, module: Vec<String>) {
        let mut waiting = vec![Wanted {
            candidates: vec![entry.to_owned()],
            module,
            by: entry.to_owned(),
            line: 0,
            what: "the entry point",
        }];
        while let Some(wanted) = waiting.pop() {
            let found = wanted.candidates.iter().find(|path| self.sources.contains_key(*path));
            let Some(file) = found.cloned() else {
                self.missing(&wanted);
                continue;
            };
            if self.units.len() >= FILES {
                self.note(&file, 0, Unread::Limit, "too many files: not read");
                continue;
            }
            // A file can be several modules; a cycle would give it ever new module paths.
            let again = self.seen.iter().filter(|(seen, _)| *seen == file).count();
            if again >= 2 || !self.seen.insert((file.clone(), wanted.module.clone())) {
                continue;
            }
            let root = wanted.line == 0 || is_mod_file(&file) || wanted.what != "a module";
            self.load(file, wanted.module, root, &mut waiting);
        }
    }

    /// Reads one file by itself; its module path is that of its place.
    pub(super) fn alone(&mut self, file: &str) {
        let module: Vec<String> = paths::without_extension(file)
            .split('/')
            .filter(|part| !matches!(*part, "src" | "mod" | "lib"))
            .map(str::to_owned)
            .collect();
        if self.seen.insert((file.to_owned(), module.clone())) {
            self.load(file.to_owned(), module, false, &mut Vec::new());
        }
    }

    fn missing(&mut self, wanted: &Wanted) {
        let path = wanted.candidates.first().map_or("", String::as_str);
        if path.starts_with("../") || path.starts_with('/') {
            let reason = format!("{} leads out of the crate, from {}", wanted.what, wanted.by);
            self.note(path, wanted.line, Unread::Beyond, &reason);
        } else {
            let reason = format!("{} is not in the crate, asked for by {}", wanted.what, wanted.by);
            self.note(path, wanted.line, Unread::Absent, &reason);
        }
    }

    fn note(&mut self, file: &str, line: u32, why: Unread, reason: &str) {
        let (file, reason) = (file.to_owned(), reason.to_owned());
        self.unparsed.push(Unparsed { file, line, reason, why });
    }

    fn load(&mut self, file: String, module: Vec<String>, root: bool, waiting: &mut Vec<Wanted>) {
        let Some(bytes) = self.sources.get(&file).copied() else { return };
        let tree = match self.parse(bytes) {
            Ok(mut tree) => {
                if includes::another_test(&tree.items) {
                    untest(&mut tree.items);
                }
                Some(tree)
            }
            Err((line, why, reason)) => {
                self.note(&file, line, why, &reason);
                None
            }
        };
        let folder = if root { paths::parent(&file) } else { paths::without_extension(&file) };
        let mut finder = Finder { file: &file, folder, module: module.clone(), wanted: waiting };
        match &tree {
            Some(tree) => finder.items(&tree.items, 0),
            None => finder.tokens(bytes),
        }
        for line in finder.includes(bytes) {
            let reason = "an include! of a file that only the compiler can tell";
            self.note(&file, line, Unread::Limit, reason);
        }
        self.units.push(Unit { file, module, bytes, tree });
    }

    fn parse(&mut self, bytes: &[u8]) -> Result<syn::File, (u32, Unread, String)> {
        let limit = |reason: String| (0, Unread::Limit, reason);
        if bytes.len() > limits::PARSED_BYTES {
            return Err(limit(format!("{} bytes are too many to parse", bytes.len())));
        }
        self.parsed += bytes.len();
        if self.parsed > PARSED_TOTAL {
            return Err(limit("too much code in one crate to parse all of it".to_owned()));
        }
        if let Some(reason) = limits::too_complex(bytes) {
            return Err(limit(reason.to_owned()));
        }
        let text = std::str::from_utf8(bytes).map_err(|e| {
            (0, Unread::Syntax, format!("not UTF-8 after {} bytes", e.valid_up_to()))
        })?;
        syn::parse_file(text).or_else(|error| {
            // What `include!` takes in may be an expression or statements as well.
            let wrapped = format!("fn included() {{ {text}\n}}");
            syn::parse_file(&wrapped).map_err(|_| {
                let line = u32::try_from(error.span().start().line).unwrap_or(0);
                (line, Unread::Syntax, format!("does not parse: {error}"))
            })
        })
    }
}

/// `mod.rs`, `lib.rs` and `main.rs` keep their children beside them; other modules below their name.
fn is_mod_file(file: &str) -> bool {
    file == "mod.rs" || file.ends_with("/mod.rs")
}

/// Finds the modules and includes of one file.
struct Finder<'w> {
    file: &'w str,
    folder: String,
    module: Vec<String>,
    wanted: &'w mut Vec<Wanted>,
}

impl Finder<'_> {
    fn items(&mut self, items: &[Item], depth: usize) {
        for item in items {
            match item {
                Item::Mod(module) if !is_test(&module.attrs) => self.module(module, depth),
                Item::Fn(function) => self.block(&function.block),
                _ => {}
            }
        }
    }

    /// Modules inside of a function.
    fn block(&mut self, block: &syn::Block) {
        for statement in &block.stmts {
            if let syn::Stmt::Item(Item::Mod(module)) = statement {
                self.module(module, 0);
            }
        }
    }

    /// The modules of a file that is not parsed: each where it would lie if it stood in no other one.
    fn tokens(&mut self, bytes: &[u8]) {
        for (name, given, line) in includes::modules(bytes) {
            let mut path = self.module.clone();
            path.push(name.clone());
            if let Some(given) = given {
                let file = paths::join(&paths::parent(self.file), &given);
                self.want(vec![file], path.clone(), line, "#[path]");
            }
            let flat = paths::join(&self.folder, &format!("{name}.rs"));
            let nested = paths::join(&self.folder, &format!("{name}/mod.rs"));
            self.want(vec![flat, nested], path, line, "a module");
        }
    }

    /// Asks for what `include!` takes in. The answer is the lines of those that cannot be told.
    fn includes(&mut self, bytes: &[u8]) -> Vec<u32> {
        let mut computed = Vec::new();
        for (line, included) in includes::includes(bytes) {
            match included {
                Included::Path(path) => {
                    let path = match path.strip_prefix("$CARGO_MANIFEST_DIR") {
                        Some(_) => paths::from_root(&path),
                        None => paths::join(&paths::parent(self.file), &path),
                    };
                    self.want(vec![path], self.module.clone(), line, "include!");
                }
                Included::Generated => {}
                Included::Computed => computed.push(line),
            }
        }
        computed
    }

    fn want(
        &mut self,
        candidates: Vec<String>,
        module: Vec<String>,
        line: u32,
        what: &'static str,
    ) {
        self.wanted.push(Wanted { candidates, module, by: self.file.to_owned(), line, what });
    }

    fn module(&mut self, module: &syn::ItemMod, depth: usize) {
        let line = u32::try_from(module.ident.span().start().line).unwrap_or(1).max(1);
        let name = module.ident.to_string();
        let name = name.trim_start_matches("r#").to_owned();
        let mut path = self.module.clone();
        path.push(name.clone());
        let given = path_attributes(&module.attrs);
        if let Some((_, items)) = &module.content {
            let folder = self.folder.clone();
            let below = given.first().cloned().unwrap_or(name);
            self.folder = paths::join(&folder, &below);
            let outer = std::mem::replace(&mut self.module, path);
            self.items(items, depth + 1);
            self.module = outer;
            self.folder = folder;
            return;
        }
        for given in &given {
            // From the file's own folder, or the inline module's.
            let base = if depth == 0 { paths::parent(self.file) } else { self.folder.clone() };
            let file = paths::join(&base, given);
            self.want(vec![file], path.clone(), line, "#[path]");
        }
        // A `#[path]` below `cfg_attr` may not apply: then the usual place counts, too.
        if !module.attrs.iter().any(|attr| attr.path().is_ident("path")) {
            let flat = paths::join(&self.folder, &format!("{name}.rs"));
            let nested = paths::join(&self.folder, &format!("{name}/mod.rs"));
            self.want(vec![flat, nested], path, line, "a module");
        }
    }
}

/// Values of `#[path = "..."]`, also inside `cfg_attr`.
fn path_attributes(attributes: &[Attribute]) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in attributes {
        match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => {
                if let Expr::Lit(value) = &pair.value
                    && let Lit::Str(text) = &value.lit
                {
                    found.push(text.value());
                }
            }
            Meta::List(list) if list.path.is_ident("cfg_attr") => {
                found.extend(path_in_tokens(&list.tokens.to_string()));
            }
            _ => {}
        }
    }
    found
}

/// `path = "..."` in the tokens of a `cfg_attr`.
fn path_in_tokens(tokens: &str) -> Option<String> {
    let bytes = tokens.as_bytes();
    let mut last = [b"".as_slice(), b""];
    for token in super::lexer::Lexer::new(bytes) {
        let word = &bytes[token.start..token.end];
        if token.kind == super::lexer::Kind::Text && last == [b"path".as_slice(), b"="] {
            return Some(super::lexer::text_of(word));
        }
        last = [last[1], word];
    }
    None
}

/// Takes `#[test]` off the functions of a file in which it is not that of the language.
fn untest(items: &mut [Item]) {
    for item in items {
        match item {
            Item::Fn(function) => function.attrs.retain(|attr| !attr.path().is_ident("test")),
            Item::Mod(module) => {
                module.attrs.retain(|attr| !attr.path().is_ident("test"));
                if let Some((_, inner)) = &mut module.content {
                    untest(inner);
                }
            }
            Item::Impl(own) => own.attrs.retain(|attr| !attr.path().is_ident("test")),
            _ => {}
        }
    }
}

/// Whether code is compiled for tests only, which never run in a build of a dependency.
pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string().replace(' ', "");
            condition == "test" || condition.starts_with("all(test,")
        }
        _ => false,
    })
}
