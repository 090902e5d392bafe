//! Which full path a name stands for: `use` trees, renames, re-exports, globs, type aliases, `extern
//! crate`, and the crate's own modules. Functions share the names that are imported in their module.

mod resolve;

use std::collections::{HashMap, HashSet};

use syn::visit::{self, Visit};
use syn::{Expr, ImplItem, Item, Type, UseTree};

use super::modules::{Unit, is_test};
pub(super) use resolve::needs_no_glob;

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
