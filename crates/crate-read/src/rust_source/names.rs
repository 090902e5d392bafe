//! Which full path a name stands for: `use` trees, renames, re-exports, globs, type aliases, `extern
//! crate`, and the crate's own modules. Functions share the names that are imported in their module.

use std::collections::{BTreeSet, HashMap, HashSet};

use syn::visit::{self, Visit};
use syn::{Expr, ImplItem, Item, Type, UseTree};

use super::modules::{Unit, is_test};
use super::table::CapabilityTable;

/// Most aliases that are followed for one name.
const HOPS: usize = 24;

/// A function of the crate.
#[derive(Clone, Copy)]
pub(super) struct Function<'a> {
    pub signature: &'a syn::Signature,
    pub block: &'a syn::Block,
    /// Index of its module in [`Names::modules`].
    pub module: usize,
    /// Type that it is a method or constructor of.
    pub owner: Option<&'a syn::Ident>,
}

/// A module: what it imports and what it defines.
#[derive(Default)]
pub(super) struct Module<'a> {
    pub path: Vec<String>,
    /// Index of its file in the units.
    pub unit: usize,
    uses: HashMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    defined: HashSet<String>,
    pub constants: HashMap<String, &'a Expr>,
}

/// All names of the crate.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub modules: Vec<Module<'a>>,
    by_path: HashMap<Vec<String>, usize>,
    pub functions: Vec<Function<'a>>,
    pub by_name: HashMap<String, Vec<usize>>,
    /// Field name to the type that a struct of the crate gives it, where all agree.
    pub fields: HashMap<String, Option<Vec<String>>>,
    /// Crate name in code to the package that the manifest renames to it.
    renames: HashMap<String, String>,
    /// Other crates that are read as modules of their name.
    crates: HashSet<String>,
}

impl<'a> Names<'a> {
    pub(super) fn new(
        units: &'a [Unit<'_>],
        renames: impl Iterator<Item = (String, String)>,
        crates: HashSet<String>,
    ) -> Self {
        let mut names = Self { renames: renames.collect(), crates, ..Self::default() };
        for (index, unit) in units.iter().enumerate() {
            let module = names.module(unit.module.clone(), index);
            if let Some(tree) = &unit.tree {
                names.items(&tree.items, module, index);
            }
        }
        names
    }

    /// The module at this path, which several files can share.
    fn module(&mut self, path: Vec<String>, unit: usize) -> usize {
        if let Some(&known) = self.by_path.get(&path) {
            return known;
        }
        let index = self.modules.len();
        self.by_path.insert(path.clone(), index);
        self.modules.push(Module { path, unit, ..Module::default() });
        index
    }

    /// The index of a module's path.
    pub(super) fn find(&self, path: &[String]) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// Methods of this name that a type has; of its path the last part counts.
    pub(super) fn methods_of(&self, ty: &str, method: &str) -> impl Iterator<Item = usize> {
        let name = ty.rsplit("::").next().unwrap_or(ty);
        let known = self.by_name.get(method).into_iter().flatten().copied();
        known.filter(move |at| self.functions[*at].owner.is_some_and(|owner| owner == name))
    }

    fn items(&mut self, items: &'a [Item], module: usize, unit: usize) {
        for item in items {
            self.item(item, module, unit);
        }
    }

    fn item(&mut self, item: &'a Item, module: usize, unit: usize) {
        match item {
            Item::Use(item) => self.imports(&item.tree, &mut Vec::new(), module),
            Item::ExternCrate(item) => {
                let name = item.ident.to_string();
                let alias = item.rename.as_ref().map_or_else(|| name.clone(), |r| r.1.to_string());
                if alias != name {
                    // Visible everywhere below the root.
                    self.renames.insert(alias, name);
                }
            }
            Item::Type(item) => {
                if let Some(path) = type_path(&item.ty) {
                    let path = self.anchored(module, path);
                    self.modules[module].uses.insert(item.ident.to_string(), path);
                }
            }
            Item::Const(item) => self.constant(module, &item.ident, &item.expr),
            Item::Static(item) => self.constant(module, &item.ident, &item.expr),
            Item::Fn(item) if !is_test(&item.attrs) => {
                self.define(module, &item.sig.ident);
                self.function(&item.sig, &item.block, module, None);
                self.inner(&item.block, module, unit);
            }
            Item::Impl(item) if !is_test(&item.attrs) => self.implementation(item, module, unit),
            Item::Struct(item) => {
                self.define(module, &item.ident);
                for field in &item.fields {
                    if let Some(name) = &field.ident {
                        let path = type_path(&field.ty);
                        let entry = self.fields.entry(name.to_string()).or_insert(path.clone());
                        if *entry != path {
                            *entry = None;
                        }
                    }
                }
            }
            Item::Enum(item) => self.define(module, &item.ident),
            Item::Trait(item) => self.define(module, &item.ident),
            Item::Mod(item) if !is_test(&item.attrs) => {
                if let Some((_, items)) = &item.content {
                    let mut path = self.modules[module].path.clone();
                    path.push(item.ident.to_string());
                    let inner = self.module(path, unit);
                    self.items(items, inner, unit);
                }
            }
            _ => {}
        }
    }

    fn define(&mut self, module: usize, name: &syn::Ident) {
        self.modules[module].defined.insert(name.to_string());
    }

    fn constant(&mut self, module: usize, name: &syn::Ident, value: &'a Expr) {
        self.define(module, name);
        self.modules[module].constants.insert(name.to_string(), value);
    }

    fn implementation(&mut self, item: &'a syn::ItemImpl, module: usize, unit: usize) {
        let owner = match &*item.self_ty {
            Type::Path(path) => path.path.segments.last().map(|s| &s.ident),
            _ => None,
        };
        for part in &item.items {
            match part {
                ImplItem::Fn(part) => {
                    self.function(&part.sig, &part.block, module, owner);
                    self.inner(&part.block, module, unit);
                }
                ImplItem::Const(part) => self.constant(module, &part.ident, &part.expr),
                _ => {}
            }
        }
    }

    fn function(
        &mut self,
        signature: &'a syn::Signature,
        block: &'a syn::Block,
        module: usize,
        owner: Option<&'a syn::Ident>,
    ) {
        let index = self.functions.len();
        self.functions.push(Function { signature, block, module, owner });
        let name = signature.ident.to_string();
        let plain = name.strip_prefix("r#").unwrap_or(&name).to_owned();
        self.by_name.entry(plain).or_default().push(index);
    }

    /// Items inside a function body, at any depth.
    fn inner(&mut self, block: &'a syn::Block, module: usize, unit: usize) {
        let mut inner = Inner::default();
        inner.visit_block(block);
        for item in inner.items {
            self.item(item, module, unit);
        }
    }

    fn imports(&mut self, tree: &UseTree, prefix: &mut Vec<String>, module: usize) {
        match tree {
            UseTree::Path(part) => {
                prefix.push(part.ident.to_string());
                self.imports(&part.tree, prefix, module);
                prefix.pop();
            }
            UseTree::Name(part) => self.import(prefix, &part.ident, &part.ident, module),
            UseTree::Rename(part) => self.import(prefix, &part.ident, &part.rename, module),
            UseTree::Glob(_) => {
                let prefix = self.anchored(module, prefix.clone());
                self.modules[module].globs.push(prefix);
            }
            UseTree::Group(part) => {
                for tree in &part.items {
                    self.imports(tree, prefix, module);
                }
            }
        }
    }

    fn import(&mut self, prefix: &[String], name: &syn::Ident, alias: &syn::Ident, module: usize) {
        let mut path = prefix.to_vec();
        let mut alias = alias.to_string();
        if name == "self" {
            if alias == "self" {
                alias = prefix.last().cloned().unwrap_or_default();
            }
        } else {
            path.push(name.to_string());
        }
        if !path.is_empty() && alias != "_" {
            let path = self.anchored(module, path);
            self.modules[module].uses.insert(alias, path);
        }
    }

    /// A path as it is written in a module, where `crate` is the crate of that module.
    fn anchored(&self, module: usize, mut path: Vec<String>) -> Vec<String> {
        let root = self.modules[module].path.first().filter(|root| self.crates.contains(*root));
        if let Some(root) = root
            && path.first().is_some_and(|first| first == "crate" || first == "$crate")
            && path.get(1) != Some(root)
        {
            path.insert(1, root.clone());
        }
        path
    }

    /// The crate beside this one that a path begins in.
    fn of_crate_beside(&self, path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        let package = self.renames.get(first).map(|package| package.replace('-', "_"));
        let name = package.as_ref().unwrap_or(first);
        self.crates.contains(name).then(|| {
            let inside = path[1..].iter().cloned();
            ["crate".to_owned(), name.clone()].into_iter().chain(inside).collect()
        })
    }

    /// The full path of a path as it is written in a module. Local items begin with `crate`; `core` and
    /// `alloc` are written `std`.
    pub(super) fn resolve(
        &self,
        module: usize,
        written: &[String],
        table: &CapabilityTable,
    ) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut path = self.anchored(module, written.to_vec());
        let mut at = module;
        for _ in 0..HOPS {
            let Some(first) = path.first().cloned() else { break };
            match first.as_str() {
                "crate" | "$crate" => {
                    let (inner, rest) = self.descend(&[], &path[1..]);
                    if rest.is_empty() || !seen.insert((inner, rest.clone())) {
                        break;
                    }
                    let Some(next) = self.step(inner, &rest, table) else {
                        return self.local(inner, rest);
                    };
                    (at, path) = (inner, next);
                }
                "self" | "super" => {
                    let base = self.upwards(at, &mut path);
                    path.splice(0..0, std::iter::once("crate".to_owned()).chain(base));
                }
                _ => {
                    if !seen.insert((at, path.clone())) {
                        break;
                    }
                    let Some(next) = self.step(at, &path, table) else {
                        if self.modules[at].defined.contains(&first) {
                            return self.local(at, path);
                        }
                        let Some(beside) = self.of_crate_beside(&path) else { break };
                        path = beside;
                        continue;
                    };
                    path = next;
                }
            }
        }
        self.external(path)
    }

    /// Takes leading `self` and `super` off a path; the module path that they lead to.
    fn upwards(&self, module: usize, path: &mut Vec<String>) -> Vec<String> {
        let mut base = self.modules[module].path.clone();
        let up = path.iter().take_while(|part| *part == "self" || *part == "super").count();
        for part in path.drain(..up) {
            if part == "super" {
                base.pop();
            }
        }
        base
    }

    fn local(&self, module: usize, rest: Vec<String>) -> Vec<String> {
        let base = self.modules[module].path.iter().cloned();
        std::iter::once("crate".to_owned()).chain(base).chain(rest).collect()
    }

    fn external(&self, mut path: Vec<String>) -> Vec<String> {
        if let Some(first) = path.first_mut() {
            if let Some(package) = self.renames.get(first.as_str()) {
                *first = package.replace('-', "_");
            }
            if first == "core" || first == "alloc" {
                "std".clone_into(first);
            }
        }
        path
    }

    /// The deepest module of the crate that a path starts with, and what is left.
    fn descend(&self, base: &[String], path: &[String]) -> (usize, Vec<String>) {
        let mut at = base.to_vec();
        let mut module = self.find(&at).unwrap_or(0);
        for (index, part) in path.iter().enumerate() {
            at.push(part.clone());
            match self.find(&at) {
                Some(inner) => module = inner,
                None => return (module, path[index..].to_vec()),
            }
        }
        (module, Vec::new())
    }

    /// One hop: an import, a child module, or a glob.
    fn step(&self, module: usize, path: &[String], table: &CapabilityTable) -> Option<Vec<String>> {
        let first = path.first()?;
        let here = &self.modules[module];
        if let Some(target) = here.uses.get(first) {
            let mut next = target.clone();
            next.extend_from_slice(&path[1..]);
            return (next != path).then_some(next);
        }
        if here.defined.contains(first) {
            return None;
        }
        let mut child = here.path.clone();
        child.push(first.clone());
        if self.by_path.contains_key(&child) {
            let mut next = vec!["crate".to_owned()];
            next.extend(child);
            next.extend_from_slice(&path[1..]);
            return Some(next);
        }
        self.glob(module, path, table, 0)
    }

    /// A name that only a glob can bring: from a module of the crate, or from a path that the table knows.
    fn glob(
        &self,
        module: usize,
        path: &[String],
        table: &CapabilityTable,
        depth: usize,
    ) -> Option<Vec<String>> {
        let first = path.first()?;
        if needs_no_glob(first) {
            return None;
        }
        for glob in self.modules[module].globs.iter().take(64) {
            let full = self.glob_base(module, glob);
            // `std` is listed name by name; of other crates everything is, and `std::fs` is none of it.
            let listed_whole = full.first().is_some_and(|f| !is_local_or_std(f));
            if listed_whole && table.is_head(first) {
                continue;
            }
            if full.first().is_some_and(|f| f == "crate") {
                let (inner, rest) = self.descend(&[], &full[1..]);
                if !rest.is_empty() || inner == module {
                    continue;
                }
                let there = &self.modules[inner];
                if there.uses.contains_key(first) || there.defined.contains(first) {
                    let mut next = full;
                    next.extend_from_slice(path);
                    return Some(next);
                }
                if depth < 4
                    && let Some(found) = self.glob(inner, path, table, depth + 1)
                {
                    return Some(found);
                }
            } else {
                let mut next = self.external(full);
                next.extend_from_slice(path);
                if table.knows(&next) {
                    return Some(next);
                }
            }
        }
        None
    }

    fn glob_base(&self, module: usize, glob: &[String]) -> Vec<String> {
        let here = &self.modules[module];
        let mut full = glob.to_vec();
        for _ in 0..8 {
            match full.first().map(String::as_str) {
                Some("self" | "super") => {
                    let base = self.upwards(module, &mut full);
                    full.splice(0..0, std::iter::once("crate".to_owned()).chain(base));
                    return full;
                }
                Some(first) => match here.uses.get(first) {
                    Some(target) if target.first().map(String::as_str) != Some(first) => {
                        full.splice(0..1, target.iter().cloned());
                    }
                    _ => break,
                },
                None => break,
            }
        }
        let mut child = here.path.clone();
        child.extend(full.first().cloned());
        if self.by_path.contains_key(&child) {
            let rest = full.split_off(1.min(full.len()));
            full = std::iter::once("crate".to_owned()).chain(child).chain(rest).collect();
        }
        full
    }
}

fn is_local_or_std(name: &str) -> bool {
    matches!(name, "crate" | "std" | "core" | "alloc")
}

/// Names of the standard prelude and of primitive types: no import brings them.
pub(super) fn needs_no_glob(name: &str) -> bool {
    const NAMES: [&str; 35] = [
        "String", "Vec", "Option", "Result", "Some", "None", "Ok", "Err", "Box", "ToString",
        "ToOwned", "From", "Into", "Default", "Iterator", "Clone", "Drop", "str", "char", "bool",
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "f32", "f64", "Self",
    ];
    NAMES.contains(&name)
}

/// Collects items inside function bodies.
#[derive(Default)]
struct Inner<'a> {
    items: Vec<&'a Item>,
}

impl<'a> Visit<'a> for Inner<'a> {
    fn visit_item(&mut self, item: &'a Item) {
        self.items.push(item);
    }
    fn visit_block(&mut self, block: &'a syn::Block) {
        visit::visit_block(self, block);
    }
}

/// Where a path begins.
pub(super) fn path_span(path: &syn::Path) -> proc_macro2::Span {
    path.segments.first().map_or_else(proc_macro2::Span::call_site, |s| s.ident.span())
}

/// Segments of a path, generic arguments left out.
pub(super) fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|s| s.ident.to_string().trim_start_matches("r#").to_owned()).collect()
}

/// The path of the type that counts: references, `Box`, `Option`, `Result` and the like are looked through.
pub(super) fn type_path(ty: &Type) -> Option<Vec<String>> {
    match ty {
        Type::Reference(inner) => type_path(&inner.elem),
        Type::Paren(inner) => type_path(&inner.elem),
        Type::Group(inner) => type_path(&inner.elem),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let transparent = matches!(
                last.ident.to_string().as_str(),
                "Box" | "Option" | "Result" | "Arc" | "Rc" | "Mutex" | "RwLock" | "RefCell"
            );
            if transparent
                && let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
                && let Some(syn::GenericArgument::Type(inner)) = arguments.args.first()
            {
                return type_path(inner);
            }
            Some(segments(&path.path))
        }
        _ => None,
    }
}
