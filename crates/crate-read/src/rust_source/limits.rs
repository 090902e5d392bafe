//! How deep a parse of this text could recurse, told from its tokens alone.
//!
//! `syn` recurses on every bracket, unary operator, closure, generic argument and path in a `use`, and
//! the trees that it builds are dropped recursively along operator, method and `else if` chains. So
//! the depth that a text can reach is bounded, before parsing, by the operators and keywords that
//! stand between two separators, summed over the open brackets. The bound is coarse on purpose:
//! honest code stays far below it, and a text above it is read as tokens.

use super::lexer::{Kind, Lexer};

/// Most bytes of one file that are given to `syn`.
pub(super) const PARSED_BYTES: usize = 2 << 20;
/// Most bytes of one file that are read as tokens.
pub(super) const SCANNED_BYTES: usize = 4 << 20;
/// Deepest bracket nesting that is parsed. The deepest in a graph of 860 crates is below 60.
const BRACKETS: usize = 160;
/// Most recursing tokens on the way to any point.
const CHAIN: u32 = 1500;
/// Stack that parsing at those limits needs, with room to spare (measured without optimisation).
pub(super) const STACK: usize = 256 << 20;

/// What is open at one bracket level.
#[derive(Clone, Copy, Default)]
struct Level {
    chain: u32,
    angles: u32,
    bars: bool,
    closed: bool,
}

/// Why a text must not be parsed, if it must not.
pub(super) fn too_complex(bytes: &[u8]) -> Option<&'static str> {
    let mut levels = vec![Level::default()];
    let mut total = 0u32;
    for token in Lexer::new(bytes) {
        match token.kind {
            Kind::Open(_) => {
                enter(levels.last_mut()?, &mut total, true);
                levels.push(Level::default());
                if levels.len() > BRACKETS {
                    return Some("brackets are nested too deep");
                }
            }
            Kind::Close(bracket) => {
                if levels.len() > 1
                    && let Some(level) = levels.pop()
                {
                    total -= level.chain;
                }
                levels.last_mut()?.closed = bracket == b'}';
            }
            kind => {
                let word = &bytes[token.start..token.end];
                other(levels.last_mut()?, &mut total, kind, word);
            }
        }
        if total > CHAIN {
            return Some("operators, calls or types are chained too long");
        }
    }
    None
}

fn enter(level: &mut Level, total: &mut u32, counts: bool) {
    level.closed = false;
    if counts {
        level.chain += 1;
        *total += 1;
    }
}

fn reset(level: &mut Level, total: &mut u32) {
    *total -= level.chain;
    level.chain = 0;
}

fn other(level: &mut Level, total: &mut u32, kind: Kind, word: &[u8]) {
    match kind {
        Kind::Punct(b';') => {
            reset(level, total);
            *level = Level::default();
        }
        Kind::Punct(b',') if level.angles == 0 && !level.bars => reset(level, total),
        Kind::Punct(mark) => {
            match mark {
                b'<' => level.angles += 1,
                b'>' => level.angles = level.angles.saturating_sub(1),
                b'|' => level.bars = !level.bars,
                _ => {}
            }
            enter(level, total, true);
        }
        // A new statement or item begins after a block, unless the block goes on.
        Kind::Ident if level.closed && !matches!(word, b"else" | b"as") => {
            reset(level, total);
            level.angles = 0;
            enter(level, total, is_keyword(word));
        }
        Kind::Ident => enter(level, total, is_keyword(word)),
        _ => enter(level, total, kind == Kind::Lifetime),
    }
}

/// Keywords that a parser recurses on.
fn is_keyword(word: &[u8]) -> bool {
    matches!(
        word,
        b"return"
            | b"break"
            | b"yield"
            | b"become"
            | b"move"
            | b"async"
            | b"static"
            | b"const"
            | b"unsafe"
            | b"else"
            | b"if"
            | b"match"
            | b"loop"
            | b"while"
            | b"for"
            | b"in"
            | b"as"
            | b"let"
            | b"ref"
            | b"mut"
            | b"box"
            | b"dyn"
            | b"impl"
            | b"fn"
            | b"extern"
            | b"raw"
    )
}
