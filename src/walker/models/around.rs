//! What stands around a literal of Rust code: the function that returns it, a loader in the same function, and
//! the constant that holds its revision.

use std::collections::BTreeMap;

use super::code::{Kind, Token};

/// Parts of names of what loads or fetches: where none of them stands in a test's function, its texts are a
/// scenario and nothing is loaded.
const LOADS: [&str; 9] = [
    "pretrained",
    "from_hub",
    "from_hf",
    "hf_hub",
    "download",
    "load",
    "fetch",
    "pipeline",
    "builder",
];

/// Tokens of one function that are looked at on either side.
const REACH: usize = 600;

/// The name of the function whose last expression a literal is: `fn default_model() -> String { "o/n".into() }`.
pub(super) fn returned(tokens: &[Token], at: usize) -> Option<&str> {
    let open = at.checked_sub(1).filter(|open| tokens[*open].is(b'{'))?;
    // Over `.to_string()` and the like.
    let mut next = at + 1;
    while tokens.get(next)?.is(b'.')
        && tokens.get(next + 1)?.name().is_some()
        && tokens.get(next + 2)?.is(b'(')
        && tokens.get(next + 3)?.is(b')')
    {
        next += 4;
    }
    if !tokens.get(next)?.is(b'}') {
        return None;
    }
    let start = open.saturating_sub(40);
    let signature = &tokens[start..open];
    let keyword = signature.iter().rposition(|token| token.name() == Some("fn"))?;
    let between = &signature[keyword..];
    if between.iter().any(|token| token.is(b'{') || token.is(b'}') || token.is(b';')) {
        return None;
    }
    between.get(1)?.name()
}

/// Whether something in the function around a place loads or fetches. Outside of functions nobody can tell, and
/// it counts as if.
pub(super) fn loads_nearby(tokens: &[Token], at: usize) -> bool {
    let Some(body) = function_body(tokens, at) else { return true };
    tokens[body].iter().filter_map(Token::name).any(|name| {
        let lower = name.to_ascii_lowercase();
        LOADS.iter().any(|word| lower.contains(word))
    })
}

/// The tokens of the function around a place, its braces included.
fn function_body(tokens: &[Token], at: usize) -> Option<std::ops::Range<usize>> {
    let mut depth = 0_usize;
    let open = (0..at).rev().take(REACH).find(|&before| match tokens[before].kind {
        Kind::Close(b'}') => {
            depth += 1;
            false
        }
        Kind::Open(b'{') if depth > 0 => {
            depth -= 1;
            false
        }
        Kind::Open(b'{') => is_function(tokens, before),
        _ => false,
    })?;
    let mut depth = 0_usize;
    let end = (open..tokens.len()).take(2 * REACH).find(|&next| {
        match tokens[next].kind {
            Kind::Open(b'{') => depth += 1,
            Kind::Close(b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    Some(open..end.unwrap_or_else(|| tokens.len().min(open + 2 * REACH)))
}

/// Whether a brace opens the body of a function: `fn` stands before it, and no other brace or `;` between.
fn is_function(tokens: &[Token], open: usize) -> bool {
    let before = tokens[open.saturating_sub(60)..open].iter().rev();
    before
        .take_while(|token| !token.is(b'{') && !token.is(b'}') && !token.is(b';'))
        .any(|token| token.name() == Some("fn"))
}

/// The commit in the constant that belongs to the constant of an id: `MODEL_REVISION` beside `MODEL_REPOSITORY`,
/// or the only one of a file whose only id this is.
pub(super) fn sibling_revision<'t>(
    tokens: &'t [Token],
    constants: &BTreeMap<String, usize>,
    id: usize,
) -> Option<&'t str> {
    let own = constants.iter().find(|(_, at)| **at == id)?.0;
    let commits: Vec<(&str, &str)> = constants
        .iter()
        .filter_map(|(name, at)| Some((stem(name, &REVISIONS)?, tokens[*at].text()?)))
        .filter(|(_, text)| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()))
        .collect();
    let stem = stem(own, &IDS).unwrap_or(own);
    let same: Vec<&str> =
        commits.iter().filter(|(name, _)| *name == stem).map(|(_, text)| *text).collect();
    match (same.as_slice(), commits.as_slice()) {
        ([only], _) => Some(only),
        ([], [(_, only)]) => {
            let ids = constants.keys().filter(|name| self::stem(name, &IDS).is_some());
            (ids.count() == 1 && self::stem(own, &IDS).is_some()).then_some(only)
        }
        _ => None,
    }
}

const REVISIONS: [&str; 6] = ["REVISION", "REV", "COMMIT_SHA", "COMMIT", "SHA", "COMMIT_HASH"];
const IDS: [&str; 6] = ["REPOSITORY", "REPO_ID", "MODEL_ID", "HF_REPO", "REPO", "ID"];

/// What is left of a constant's name without its last word: `MODEL` of `MODEL_REVISION`.
fn stem<'n>(name: &'n str, endings: &[&str]) -> Option<&'n str> {
    let rest = endings.iter().find_map(|ending| name.strip_suffix(ending))?;
    Some(rest.trim_end_matches('_'))
}
