//! Items: constants, foreign functions, attributes that make code run early, macro definitions.

use syn::{Attribute, Item, Meta};

use super::facts::{CapabilityHit, ReadKind};
use super::modules::is_test;
use super::paths;
use super::table::Capability;
use super::value::Text;
use super::walk::Walk;

impl Walk<'_> {
    /// Items of a file or inline module. Function bodies were walked already.
    pub(super) fn items(&mut self, items: &[Item], unit: usize) {
        for item in items {
            self.item(item, unit);
        }
    }

    fn item(&mut self, item: &Item, unit: usize) {
        match item {
            Item::Const(item) if !is_test(&item.attrs) => {
                self.attributes(&item.attrs);
                self.value(&item.expr);
            }
            Item::Static(item) if !is_test(&item.attrs) => match self.attributes(&item.attrs) {
                Some(made_by) => self.early_static(&item.expr, &made_by),
                None => _ = self.value(&item.expr),
            },
            Item::Fn(item) if !is_test(&item.attrs) => {
                if let Some(made_by) = self.attributes(&item.attrs) {
                    self.early_function(&item.sig.ident.to_string(), &made_by);
                }
            }
            Item::Impl(item) if !is_test(&item.attrs) => {
                for part in &item.items {
                    match part {
                        syn::ImplItem::Const(part) => {
                            self.value(&part.expr);
                        }
                        syn::ImplItem::Fn(part) => _ = self.attributes(&part.attrs),
                        syn::ImplItem::Macro(part) => {
                            self.call_macro(&part.mac);
                        }
                        _ => {}
                    }
                }
            }
            Item::Trait(item) if !is_test(&item.attrs) => {
                for part in &item.items {
                    if let syn::TraitItem::Fn(part) = part
                        && let Some(block) = &part.default
                    {
                        self.block(block);
                    }
                }
            }
            Item::ForeignMod(item) if !is_test(&item.attrs) => {
                let abi = item.abi.name.as_ref().map(syn::LitStr::value).unwrap_or_default();
                self.hit(Capability::Ffi, "extern", item.abi.extern_token.span, &abi);
            }
            Item::Macro(item) => {
                self.attributes(&item.attrs);
                if item.mac.path.is_ident("macro_rules") {
                    self.scan_tokens(item.mac.tokens.clone(), false);
                } else {
                    self.call_macro(&item.mac);
                }
            }
            Item::Mod(item) if !is_test(&item.attrs) => {
                self.module_path(item);
                if let Some((_, items)) = &item.content {
                    let outer = self.module;
                    let mut path = self.names.modules[outer].path.clone();
                    path.push(item.ident.to_string());
                    self.module = self.names.find(&path).unwrap_or(outer);
                    self.items(items, unit);
                    self.module = outer;
                }
            }
            _ => {}
        }
    }

    fn module_path(&mut self, item: &syn::ItemMod) {
        for attribute in &item.attrs {
            if let Meta::NameValue(pair) = &attribute.meta
                && pair.path.is_ident("path")
                && let Some(text) = super::passing::literal_text(&pair.value)
            {
                let path = paths::join(&paths::parent(self.file()), &text);
                self.reached(ReadKind::Source, &Text::whole(path), attribute.pound_token.span);
            }
        }
    }

    /// `#[ctor]`, `#[link_section = ".init_array"]` and the like: what makes the item run by itself.
    fn attributes(&mut self, attributes: &[Attribute]) -> Option<CapabilityHit> {
        let known = self.facts.capabilities.len();
        for attribute in attributes {
            let path = super::names::segments(attribute.path());
            let full = self.resolved(&path);
            let table = self.table;
            if let Some(rule) = table.api(&full) {
                for capability in &rule.capabilities {
                    self.hit(*capability, &full.join("::"), attribute.pound_token.span, "");
                }
            }
            let text = match &attribute.meta {
                Meta::List(list) => list.tokens.to_string(),
                Meta::NameValue(pair) => {
                    super::passing::literal_text(&pair.value).unwrap_or_default()
                }
                Meta::Path(_) => String::new(),
            };
            let sectioned =
                text.contains("link_section") || path.last().is_some_and(|p| p == "link_section");
            let early = [".init_array", ".CRT$X", "__mod_init_func", ".ctors", ".preinit_array"];
            if sectioned && early.iter().any(|section| text.contains(section)) {
                self.hit(Capability::PreMain, "link_section", attribute.pound_token.span, &text);
            }
        }
        let new = self.facts.capabilities.iter().skip(known);
        new.rev().find(|hit| hit.capability == Capability::PreMain).cloned()
    }
}
