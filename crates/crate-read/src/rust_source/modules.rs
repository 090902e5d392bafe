//! Which files of a crate run: the entry point, and every module and `include!` that it reaches.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;
use syn::{Attribute, Expr, Item, Lit, Meta};

use super::facts::{ABSENT, BEYOND, Unparsed};
use super::names::path_span;
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
        let mut waiting = vec![Wanted {
            candidates: vec![entry.to_owned()],
            module: Vec::new(),
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
                self.note(&file, 0, "too many files: not read");
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
        let reason = if path.starts_with("../") || path.starts_with('/') {
            format!("{} {BEYOND}, from {}", wanted.what, wanted.by)
        } else {
            format!("{} {ABSENT}, asked for by {}", wanted.what, wanted.by)
        };
        self.note(path, wanted.line, &reason);
    }

    fn note(&mut self, file: &str, line: u32, reason: &str) {
        self.unparsed.push(Unparsed { file: file.to_owned(), line, reason: reason.to_owned() });
    }

    fn load(&mut self, file: String, module: Vec<String>, root: bool, waiting: &mut Vec<Wanted>) {
        let Some(bytes) = self.sources.get(&file).copied() else { return };
        let tree = match self.parse(bytes) {
            Ok(tree) => Some(tree),
            Err((line, reason)) => {
                self.note(&file, line, &reason);
                None
            }
        };
        if let Some(tree) = &tree {
            let folder = if root { paths::parent(&file) } else { paths::without_extension(&file) };
            let mut finder =
                Finder { file: &file, folder, module: module.clone(), wanted: waiting };
            finder.items(&tree.items, 0);
        }
        self.units.push(Unit { file, module, bytes, tree });
    }

    fn parse(&mut self, bytes: &[u8]) -> Result<syn::File, (u32, String)> {
        if bytes.len() > limits::PARSED_BYTES {
            return Err((0, format!("{} bytes are too many to parse", bytes.len())));
        }
        self.parsed += bytes.len();
        if self.parsed > PARSED_TOTAL {
            return Err((0, "too much code in one crate to parse all of it".to_owned()));
        }
        if let Some(reason) = limits::too_complex(bytes) {
            return Err((0, reason.to_owned()));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|e| (0, format!("not UTF-8 after {} bytes", e.valid_up_to())))?;
        syn::parse_file(text).map_err(|error| {
            let line = u32::try_from(error.span().start().line).unwrap_or(0);
            (line, format!("does not parse: {error}"))
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
                Item::Macro(item) if item.mac.path.is_ident("include") => {
                    self.include(&item.mac.tokens, path_span(&item.mac.path));
                }
                Item::Fn(function) => self.block(&function.block),
                Item::Const(item) => self.expression(&item.expr),
                _ => {}
            }
        }
    }

    /// `include!` as a statement or an initialiser; deeper ones are reads, not modules.
    fn block(&mut self, block: &syn::Block) {
        for statement in &block.stmts {
            match statement {
                syn::Stmt::Item(Item::Mod(module)) => self.module(module, 0),
                syn::Stmt::Macro(statement) if statement.mac.path.is_ident("include") => {
                    self.include(&statement.mac.tokens, path_span(&statement.mac.path));
                }
                syn::Stmt::Expr(expression, _) => self.expression(expression),
                syn::Stmt::Local(local) => {
                    if let Some(init) = &local.init {
                        self.expression(&init.expr);
                    }
                }
                _ => {}
            }
        }
    }

    fn expression(&mut self, expression: &Expr) {
        if let Expr::Macro(expression) = expression
            && expression.mac.path.is_ident("include")
        {
            self.include(&expression.mac.tokens, path_span(&expression.mac.path));
        }
    }

    fn include(&mut self, tokens: &proc_macro2::TokenStream, span: Span) {
        let Ok(text) = syn::parse2::<syn::LitStr>(tokens.clone()) else { return };
        let path = paths::join(&paths::parent(self.file), &text.value());
        self.want(vec![path], self.module.clone(), span, "include!");
    }

    fn want(
        &mut self,
        candidates: Vec<String>,
        module: Vec<String>,
        span: Span,
        what: &'static str,
    ) {
        let line = u32::try_from(span.start().line).unwrap_or(1).max(1);
        self.wanted.push(Wanted { candidates, module, by: self.file.to_owned(), line, what });
    }

    fn module(&mut self, module: &syn::ItemMod, depth: usize) {
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
            self.want(vec![file], path.clone(), module.ident.span(), "#[path]");
        }
        // A `#[path]` below `cfg_attr` may not apply: then the usual place counts, too.
        if !module.attrs.iter().any(|attr| attr.path().is_ident("path")) {
            let flat = paths::join(&self.folder, &format!("{name}.rs"));
            let nested = paths::join(&self.folder, &format!("{name}/mod.rs"));
            self.want(vec![flat, nested], path, module.ident.span(), "a module");
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
