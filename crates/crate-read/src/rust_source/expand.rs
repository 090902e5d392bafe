//! Macros of the crate (`macro_rules!`), expanded: what they make is code that runs, too. Names are taken
//! as they are written (no hygiene); every expansion has a budget, and what is beyond it is read as tokens.

mod matching;

use std::collections::HashMap;
use std::rc::Rc;

use proc_macro2::{Group, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser as _};

use super::limits;
use super::modules::Unit;
use matching::{is_plain, matches, transcribe};

/// Most tokens that one expansion gives.
const TOKENS: usize = 20_000;
/// Most tokens of all expansions that are open inside each other, beyond the first.
pub(super) const OPEN_TOKENS: usize = 4_000;
/// Most rounds in which macros at the place of items are expanded.
const ROUNDS: usize = 16;
/// Most tokens that macros of one reading give.
pub(super) const ALL_TOKENS: usize = 400_000;
/// Most tokens of one call: matching looks at the rest for every expression in it.
const GIVEN: usize = 1_000;
/// The same where all that is matched is single tokens.
const GIVEN_PLAIN: usize = 20_000;
/// Most macros of one name that are tried: each module can have its own.
const OF_ONE_NAME: usize = 4;

/// One arm: what it takes and what it gives.
pub(super) struct Arm {
    takes: Vec<TokenTree>,
    gives: Vec<TokenTree>,
}

/// Macros by name; where modules have several of one name, all of them.
pub(super) type Macros = HashMap<String, Vec<Rc<Vec<Arm>>>>;

/// What a name of a pattern stands for. The names of a repetition share its rounds: a copy for each name
/// and level would be as many as names to the power of levels.
#[derive(Clone)]
enum Bound {
    One(Vec<TokenTree>),
    Many(Rc<Vec<Bindings>>),
}

type Bindings = HashMap<String, Bound>;

/// All macros that files define, and the items that they give put in the place of their calls.
pub(super) fn expand_items(units: &mut [Unit<'_>]) -> Macros {
    let mut macros = Macros::new();
    for tree in units.iter().filter_map(|unit| unit.tree.as_ref()) {
        let mut finder = Finder { macros: &mut macros };
        syn::visit::Visit::visit_file(&mut finder, tree);
    }
    if macros.is_empty() {
        return macros;
    }
    let mut left = ALL_TOKENS;
    for unit in units {
        if let Some(tree) = &mut unit.tree {
            for _ in 0..ROUNDS {
                if !expand_list(&mut tree.items, &macros, &mut left) {
                    break;
                }
            }
        }
    }
    macros
}

/// Replaces calls of macros by the items that they give; whether there were any.
fn expand_list(items: &mut Vec<syn::Item>, macros: &Macros, left: &mut usize) -> bool {
    let mut any = false;
    let mut result = Vec::with_capacity(items.len());
    for mut item in std::mem::take(items) {
        if let syn::Item::Mod(module) = &mut item
            && let Some((_, inner)) = &mut module.content
        {
            any |= expand_list(inner, macros, left);
        }
        let given = match &item {
            syn::Item::Macro(call) if call.ident.is_none() => expand(&call.mac, macros),
            _ => Vec::new(),
        };
        let size: usize = given.iter().map(count).sum();
        let mut expanded = given.into_iter().filter_map(|tokens| syn::parse2::<Items>(tokens).ok());
        match expanded.next() {
            Some(Items(first)) if size <= *left => {
                *left -= size;
                any = true;
                result.extend(first);
                result.extend(expanded.flat_map(|Items(more)| more));
            }
            _ => result.push(item),
        }
    }
    *items = result;
    any
}

/// Items one after the other.
struct Items(Vec<syn::Item>);

impl Parse for Items {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut items = Vec::new();
        while !input.is_empty() {
            items.push(input.parse()?);
        }
        Ok(Self(items))
    }
}

/// Statements that a call of a macro gives, and how many tokens they are.
pub(super) fn statements(mac: &syn::Macro, macros: &Macros) -> Option<(Vec<syn::Stmt>, usize)> {
    let expanded = expand(mac, macros);
    let count = expanded.iter().map(count).sum();
    let mut all = expanded
        .into_iter()
        .filter_map(|tokens| syn::Block::parse_within.parse2(tokens).ok())
        .peekable();
    all.peek()?;
    Some((all.flatten().collect(), count))
}

/// The tokens that a call gives: of each macro of its name of which an arm fits and they may be parsed.
fn expand(mac: &syn::Macro, macros: &Macros) -> Vec<TokenStream> {
    let name = mac.path.segments.last().map(|last| last.ident.to_string());
    let Some(known) = name.and_then(|name| macros.get(&name)) else { return Vec::new() };
    let given: Vec<TokenTree> = mac.tokens.clone().into_iter().collect();
    known.iter().filter_map(|arms| expand_one(arms, &given)).collect()
}

fn expand_one(arms: &[Arm], given: &[TokenTree]) -> Option<TokenStream> {
    let most = if arms.iter().all(|arm| is_plain(&arm.takes, 0)) { GIVEN_PLAIN } else { GIVEN };
    if given.len() > most {
        return None;
    }
    for arm in arms {
        let mut bindings = Bindings::new();
        if matches(&arm.takes, given, &mut bindings, 0) != Some(given.len()) {
            continue;
        }
        let mut tokens = Vec::new();
        transcribe(&arm.gives, &bindings, &mut tokens, 0)?;
        let tokens: TokenStream = tokens.into_iter().collect();
        let text = tokens.to_string();
        return limits::too_complex(text.as_bytes()).is_none().then_some(tokens);
    }
    None
}

/// Tokens, those inside of groups counted.
fn count(tokens: &TokenStream) -> usize {
    let mut open = vec![tokens.clone().into_iter()];
    let mut count = 0;
    while let Some(stream) = open.last_mut() {
        match stream.next() {
            Some(TokenTree::Group(group)) => {
                count += 1;
                open.push(group.stream().into_iter());
            }
            Some(_) => count += 1,
            None => {
                open.pop();
            }
        }
    }
    count
}

/// Collects `macro_rules!`, wherever they stand.
struct Finder<'m> {
    macros: &'m mut Macros,
}

impl<'ast> syn::visit::Visit<'ast> for Finder<'_> {
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Some(name) = item.ident.as_ref().filter(|_| item.mac.path.is_ident("macro_rules")) {
            let known = self.macros.entry(name.to_string()).or_default();
            if known.len() < OF_ONE_NAME {
                known.push(Rc::new(arms(item.mac.tokens.clone())));
            }
        }
    }
}

fn arms(tokens: TokenStream) -> Vec<Arm> {
    let groups: Vec<Group> = tokens
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Group(group) => Some(group),
            _ => None,
        })
        .collect();
    let inside = |group: &Group| group.stream().into_iter().collect::<Vec<_>>();
    groups
        .chunks_exact(2)
        .map(|pair| Arm { takes: inside(&pair[0]), gives: inside(&pair[1]) })
        .collect()
}
