//! Patterns of macros against the tokens of a call, and bodies with their names replaced.

use std::rc::Rc;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser as _};

use super::{Bindings, Bound, TOKENS};

/// A part of a pattern or body.
enum Part<'t> {
    /// `$name:kind`, or `$name` in a body.
    Name(String, String),
    /// `$( ... ) separator repetition`.
    Repeated(&'t Group, Option<&'t TokenTree>),
    Token(&'t TokenTree),
}

/// The part at a place, and how many tokens it takes.
fn part(tokens: &[TokenTree], at: usize, is_pattern: bool) -> Option<(Part<'_>, usize)> {
    let token = tokens.get(at)?;
    let is_dollar = matches!(token, TokenTree::Punct(mark) if mark.as_char() == '$');
    if !is_dollar {
        return Some((Part::Token(token), 1));
    }
    match tokens.get(at + 1)? {
        TokenTree::Ident(name) if is_pattern => match (tokens.get(at + 2), tokens.get(at + 3)) {
            (Some(TokenTree::Punct(mark)), Some(TokenTree::Ident(kind)))
                if mark.as_char() == ':' =>
            {
                Some((Part::Name(name.to_string(), kind.to_string()), 4))
            }
            _ => None,
        },
        TokenTree::Ident(name) => Some((Part::Name(name.to_string(), String::new()), 2)),
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
            let repetition = |token: Option<&TokenTree>| match token {
                Some(TokenTree::Punct(mark)) => "*+?".contains(mark.as_char()),
                _ => false,
            };
            match (repetition(tokens.get(at + 2)), repetition(tokens.get(at + 3))) {
                (true, _) => Some((Part::Repeated(group, None), 3)),
                (false, true) => Some((Part::Repeated(group, tokens.get(at + 2)), 4)),
                _ => None,
            }
        }
        _ => Some((Part::Token(token), 1)),
    }
}

/// Whether a pattern takes single tokens only, so that matching it costs what there is to match.
pub(super) fn is_plain(pattern: &[TokenTree], depth: usize) -> bool {
    let mut at = 0;
    while let Some((part, width)) = part(pattern, at, true) {
        at += width;
        let inside = |group: &Group| {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            depth < 32 && is_plain(&inner, depth + 1)
        };
        let plain = match part {
            Part::Name(_, kind) => matches!(kind.as_str(), "tt" | "ident" | "literal" | "lifetime"),
            Part::Repeated(group, _) | Part::Token(TokenTree::Group(group)) => inside(group),
            Part::Token(_) => true,
        };
        if !plain {
            return false;
        }
    }
    true
}

/// How many of the given tokens a pattern takes, and what its names stand for.
pub(super) fn matches(
    pattern: &[TokenTree],
    given: &[TokenTree],
    bindings: &mut Bindings,
    depth: usize,
) -> Option<usize> {
    let (mut at, mut taken) = (0, 0);
    while at < pattern.len() {
        let (part, width) = part(pattern, at, true)?;
        at += width;
        match part {
            Part::Token(TokenTree::Group(group)) => {
                let TokenTree::Group(other) = given.get(taken)? else { return None };
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let found: Vec<TokenTree> = other.stream().into_iter().collect();
                if depth > 32 || matches(&inner, &found, bindings, depth + 1)? != found.len() {
                    return None;
                }
                taken += 1;
            }
            Part::Token(wanted) => {
                (given.get(taken)?.to_string() == wanted.to_string()).then_some(())?;
                taken += 1;
            }
            Part::Name(name, kind) => {
                let length = fragment(&kind, &given[taken..])?;
                // A fragment can ask for more than there is: a lifetime at the end.
                let tokens = given.get(taken..taken + length)?.to_vec();
                bindings.insert(name, Bound::One(tokens));
                taken += length;
            }
            Part::Repeated(group, separator) => {
                taken += repeated(group, separator, &given[taken..], bindings, depth)?;
            }
        }
    }
    Some(taken)
}

fn repeated(
    group: &Group,
    separator: Option<&TokenTree>,
    given: &[TokenTree],
    bindings: &mut Bindings,
    depth: usize,
) -> Option<usize> {
    if depth > 32 {
        return None;
    }
    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
    let mut rounds = Vec::new();
    let mut taken = 0;
    while taken < given.len() && rounds.len() < TOKENS {
        let mut start = taken;
        if let Some(separator) = separator.filter(|_| !rounds.is_empty()) {
            if given[start].to_string() != separator.to_string() {
                break;
            }
            start += 1;
        }
        let mut one = Bindings::new();
        match matches(&inner, &given[start..], &mut one, depth + 1) {
            Some(length) if length > 0 => {
                rounds.push(one);
                taken = start + length;
            }
            _ => break,
        }
    }
    let rounds = Rc::new(rounds);
    for name in rounds.iter().flat_map(Bindings::keys) {
        if !bindings.contains_key(name) {
            bindings.insert(name.clone(), Bound::Many(Rc::clone(&rounds)));
        }
    }
    Some(taken)
}

/// How many tokens a fragment of this kind takes.
fn fragment(kind: &str, given: &[TokenTree]) -> Option<usize> {
    let first = given.first()?;
    match kind {
        "tt" | "lifetime" | "block" => Some(1),
        "ident" => matches!(first, TokenTree::Ident(_)).then_some(1),
        "literal" if matches!(first, TokenTree::Literal(_) | TokenTree::Ident(_)) => Some(1),
        "literal" => Some(2),
        "expr" | "expr_2021" => parsed::<syn::Expr>(given),
        "ty" => parsed::<syn::Type>(given),
        "path" => parsed::<syn::Path>(given),
        "item" => parsed::<syn::Item>(given),
        "vis" => parsed::<syn::Visibility>(given),
        "meta" => parsed::<syn::Meta>(given),
        "stmt" => parsed::<syn::Expr>(given).or_else(|| parsed::<syn::Item>(given)),
        "pat" | "pat_param" => {
            parse_length(given, |input| syn::Pat::parse_multi_with_leading_vert(input).map(|_| ()))
        }
        _ => None,
    }
}

fn parsed<T: Parse>(given: &[TokenTree]) -> Option<usize> {
    parse_length(given, |input| input.parse::<T>().map(|_| ()))
}

/// How many tokens a parser takes off the front.
fn parse_length(
    given: &[TokenTree],
    parse: impl FnOnce(ParseStream<'_>) -> syn::Result<()>,
) -> Option<usize> {
    let stream: TokenStream = given.iter().cloned().collect();
    let rest = (|input: ParseStream<'_>| {
        parse(input)?;
        input.parse::<TokenStream>()
    })
    .parse2(stream)
    .ok()?;
    given.len().checked_sub(rest.into_iter().count())
}

/// The body with its names replaced; nothing where that is too much.
pub(super) fn transcribe(
    body: &[TokenTree],
    bindings: &Bindings,
    out: &mut Vec<TokenTree>,
    depth: usize,
) -> Option<()> {
    let mut at = 0;
    while at < body.len() {
        let (part, width) = part(body, at, false)?;
        at += width;
        if out.len() > TOKENS || depth > 64 {
            return None;
        }
        match part {
            Part::Token(TokenTree::Group(group)) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let mut filled = Vec::new();
                transcribe(&inner, bindings, &mut filled, depth + 1)?;
                let mut made = Group::new(group.delimiter(), filled.into_iter().collect());
                made.set_span(group.span());
                out.push(TokenTree::Group(made));
            }
            Part::Token(token) => out.push(token.clone()),
            Part::Name(name, _) => match bindings.get(&name) {
                Some(Bound::One(tokens)) => out.extend(tokens.iter().cloned()),
                Some(Bound::Many(_)) => return None,
                None if name == "crate" => out.push(body[at - 1].clone()),
                None => out.extend(body[at - 2..at].iter().cloned()),
            },
            Part::Repeated(group, separator) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for (index, round) in rounds(&inner, bindings).into_iter().enumerate() {
                    if index > 0 {
                        out.extend(separator.cloned());
                    }
                    transcribe(&inner, &round, out, depth + 1)?;
                }
            }
        }
    }
    Some(())
}

/// The rounds of the first repeated name that a body uses, each with the names from outside.
fn rounds(body: &[TokenTree], bindings: &Bindings) -> Vec<Bindings> {
    let many = used(body, 0).into_iter().find_map(|name| match bindings.get(&name) {
        // The rounds inside of these are shared.
        Some(Bound::Many(rounds)) => Some(Vec::clone(rounds)),
        _ => None,
    });
    let outer = bindings.iter().filter(|(_, bound)| matches!(bound, Bound::One(_)));
    let outer: Vec<(String, Bound)> = outer.map(|(n, b)| (n.clone(), b.clone())).collect();
    let mut rounds = many.unwrap_or_default();
    for round in &mut rounds {
        for (name, bound) in &outer {
            round.entry(name.clone()).or_insert_with(|| bound.clone());
        }
    }
    rounds
}

/// Names that a body uses.
fn used(body: &[TokenTree], depth: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = 0;
    while let Some((part, width)) = part(body, at, false) {
        at += width;
        match part {
            Part::Name(name, _) => names.push(name),
            Part::Repeated(group, _) | Part::Token(TokenTree::Group(group)) if depth < 32 => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                names.extend(used(&inner, depth + 1));
            }
            _ => {}
        }
    }
    names
}
