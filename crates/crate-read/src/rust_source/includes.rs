//! `include!`, `mod` and `#[path]` as they stand among the tokens of a file, wherever that is: in a nested
//! block, in the body of a macro, in code that is not parsed.

use super::lexer::{Kind, Lexer, Token, text_of};

/// Macros inside one another in the argument of an `include!`.
const DEPTH: usize = 16;
/// Most includes of one file that are followed.
const MOST: usize = 4_096;

/// Which file an `include!` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Included {
    /// This one, seen from the file, or from the crate's root with `$CARGO_MANIFEST_DIR` in front.
    Path(String),
    /// One that the build makes: below `OUT_DIR`.
    Generated,
    /// One that cannot be told from the text.
    Computed,
}

/// All includes of a file with their lines, in its order.
pub(super) fn includes(bytes: &[u8]) -> Vec<(u32, Included)> {
    let Some(tokens) = tokens_with(bytes, b"include") else { return Vec::new() };
    let reader = Reader { bytes, tokens: &tokens };
    let at = |index: usize| tokens.get(index).map(|token| (token.kind, reader.word(*token)));
    let names = reader.names();
    let starts = (0..tokens.len()).filter(|&index| {
        at(index).is_some_and(|(kind, word)| kind == Kind::Ident && names.contains(&word))
            && at(index + 1).is_some_and(|(kind, _)| kind == Kind::Punct(b'!'))
            && at(index + 2).is_some_and(|(kind, _)| matches!(kind, Kind::Open(_)))
    });
    starts
        .take(MOST)
        .map(|index| {
            let mut next = index + 3;
            let text = reader.value(&mut next, 0);
            (tokens[index].line, named(text))
        })
        .collect()
}

fn named(text: Option<String>) -> Included {
    match text {
        Some(text) if text.starts_with("$OUT_DIR") => Included::Generated,
        Some(text) if text.contains('$') && !text.starts_with("$CARGO_MANIFEST_DIR") => {
            Included::Computed
        }
        Some(text) => Included::Path(text),
        None => Included::Computed,
    }
}

/// A module that lies in a file of its own, from the tokens of a file that is not parsed: its name, the
/// `#[path]` in front of it, its line.
pub(super) type Module = (String, Option<String>, u32);

/// The modules that a file names at any depth.
pub(super) fn modules(bytes: &[u8]) -> Vec<Module> {
    let Some(tokens) = tokens_with(bytes, b"mod") else { return Vec::new() };
    let reader = Reader { bytes, tokens: &tokens };
    let mut found = Vec::new();
    let mut given = None;
    for window in tokens.windows(3) {
        let [first, second, third] = window else { continue };
        match (reader.word(*first), second.kind, third.kind) {
            (b"path", Kind::Punct(b'='), Kind::Text) => given = Some(text_of(reader.word(*third))),
            (b"mod", Kind::Ident, Kind::Punct(b';')) if found.len() < MOST => {
                let name = String::from_utf8_lossy(reader.word(*second));
                found.push((name.trim_start_matches("r#").to_owned(), given.take(), first.line));
            }
            (_, Kind::Punct(b';'), _) => given = None,
            _ => {}
        }
    }
    found
}

/// The tokens of a file that holds a word; a search for it costs nothing beside the tokens.
fn tokens_with(bytes: &[u8], word: &[u8]) -> Option<Vec<Token>> {
    let bytes = &bytes[..bytes.len().min(super::limits::SCANNED_BYTES)];
    memchr::memmem::find(bytes, word)?;
    Some(Lexer::new(bytes).collect())
}

struct Reader<'a> {
    bytes: &'a [u8],
    tokens: &'a [Token],
}

impl<'a> Reader<'a> {
    fn word(&self, token: Token) -> &'a [u8] {
        &self.bytes[token.start..token.end]
    }

    /// `include`, and what `use ... include as name` calls it.
    fn names(&self) -> Vec<&'a [u8]> {
        let renamed = self.tokens.windows(3).filter_map(|window| {
            let [from, between, to] = window else { return None };
            let renames = self.word(*from) == b"include" && self.word(*between) == b"as";
            (renames && to.kind == Kind::Ident).then(|| self.word(*to))
        });
        [b"include".as_slice()].into_iter().chain(renamed).take(DEPTH).collect()
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// The text that stands at a token, as the compiler expands it; `next` is behind it then.
    fn value(&self, next: &mut usize, depth: usize) -> Option<String> {
        let token = *self.tokens.get(*next)?;
        match token.kind {
            Kind::Text => {
                *next += 1;
                Some(text_of(self.word(token)))
            }
            Kind::Number => {
                *next += 1;
                Some(String::from_utf8_lossy(self.word(token)).into_owned())
            }
            Kind::Char => {
                *next += 1;
                let word = std::str::from_utf8(self.word(token)).ok()?;
                let inside = word.strip_prefix('\'')?.strip_suffix('\'')?;
                (!inside.starts_with('\\')).then(|| inside.to_owned())
            }
            Kind::Ident | Kind::Punct(b':') if depth < DEPTH => self.called(next, depth),
            _ => None,
        }
    }

    /// `concat!(...)` or `env!(...)`, by whatever path.
    fn called(&self, next: &mut usize, depth: usize) -> Option<String> {
        let mut name: &[u8] = b"";
        loop {
            match self.kind(*next)? {
                Kind::Ident => name = self.word(*self.tokens.get(*next)?),
                Kind::Punct(b':') => {}
                Kind::Punct(b'!') => break,
                _ => return None,
            }
            *next += 1;
        }
        *next += 1;
        let Some(Kind::Open(_)) = self.kind(*next) else { return None };
        *next += 1;
        let mut parts = vec![self.value(next, depth + 1)?];
        loop {
            match self.kind(*next)? {
                Kind::Close(_) => break,
                Kind::Punct(b',') if matches!(self.kind(*next + 1), Some(Kind::Close(_))) => {
                    *next += 1;
                }
                Kind::Punct(b',') => {
                    *next += 1;
                    parts.push(self.value(next, depth + 1)?);
                }
                _ => return None,
            }
        }
        *next += 1;
        match name {
            b"concat" => Some(parts.concat()),
            b"env" => Some(format!("${}", parts.first()?)),
            _ => None,
        }
    }
}

/// Whether a file imports an attribute called `test`, by name or with everything of another crate: then
/// `#[test]` is whatever that makes of it.
pub(super) fn another_test(items: &[syn::Item]) -> bool {
    items.iter().any(|item| match item {
        syn::Item::Use(import) => brings_test(&import.tree, 0, false),
        syn::Item::Mod(module) => {
            module.content.as_ref().is_some_and(|(_, inner)| another_test(inner))
        }
        _ => false,
    })
}

fn brings_test(tree: &syn::UseTree, depth: usize, foreign: bool) -> bool {
    const OWN: [&str; 6] = ["std", "core", "alloc", "crate", "self", "super"];
    match tree {
        syn::UseTree::Path(path) => {
            let foreign =
                if depth == 0 { !OWN.iter().any(|own| path.ident == own) } else { foreign };
            brings_test(&path.tree, depth + 1, foreign)
        }
        syn::UseTree::Name(name) => foreign && name.ident == "test",
        syn::UseTree::Rename(name) => name.rename == "test",
        syn::UseTree::Glob(_) => foreign,
        syn::UseTree::Group(group) => {
            group.items.iter().any(|tree| brings_test(tree, depth, foreign))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<Included> {
        includes(text.as_bytes()).into_iter().map(|(_, path)| path).collect()
    }

    #[test]
    fn an_include_is_found_wherever_it_stands_and_its_path_is_put_together() {
        let path = |text: &str| Included::Path(text.to_owned());
        let text = r##"
            fn f() { if x { std::include!(r#"a.txt"#) } }
            macro_rules! m { () => { include! { concat!("b", '/' , ) } } }
            include!(concat!(env!("CARGO_MANIFEST_DIR"), "/c", 1, ".dat",));
            include!(concat!(env!("OUT_DIR"), "/d.rs"));
            include!(env!("ELSEWHERE"));
            // include!("comment.rs");
            use std::include as inc; inc!("f.txt");
            const T: &str = "include!(\"text.rs\")"; include_str!("e");
        "##;
        assert_eq!(
            paths(text),
            [
                path("a.txt"),
                path("b/"),
                path("$CARGO_MANIFEST_DIR/c1.dat"),
                Included::Generated,
                Included::Computed,
                path("f.txt"),
            ]
        );
    }

    #[test]
    fn nothing_that_is_nested_without_end_is_followed() {
        let deep = format!("include!({}\"a\"{})", "concat!(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(paths(&deep), [Included::Computed]);
        assert_eq!(paths("include!("), [Included::Computed]);
    }

    #[test]
    fn modules_are_told_with_the_path_that_stands_before_them() {
        let text = b"#[cfg_attr(x, path = \"y.dat\")] pub mod a; mod b; mod c { mod d; }";
        let [a, b, d] = modules(text).try_into().unwrap();
        assert_eq!(a, ("a".to_owned(), Some("y.dat".to_owned()), 1));
        assert_eq!((b.0.as_str(), b.1, d.0.as_str()), ("b", None, "d"));
    }
}
