//! Characters that cannot be seen or that turn the reading order around (CVE-2021-42574), and names
//! that look like other names (CVE-2021-42694).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_security::confusable_detection::skeleton;

use super::line_at;
use super::place::{Place, Syntax, walk};

/// Most entries of one file.
const MOST: usize = 32;
/// From this number of invisible selectors in a row they carry data.
const PAYLOAD: u32 = 8;

/// What a hidden character does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum HiddenKind {
    /// It turns the reading order around: embeddings, overrides, isolates.
    Bidi,
    /// It takes no room: zero-width characters, fillers, soft hyphens, a byte order mark amid the text.
    Invisible,
    /// A row of variation selectors or tags, which nothing shows and a program can read.
    Payload,
}

/// A hidden character in a source text; one a line and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenCharacter {
    /// What it does.
    pub kind: HiddenKind,
    /// Where it stands.
    pub place: Place,
    /// The code point, such as `U+202E`.
    pub character: String,
    /// Line, from 1.
    pub line: u64,
}

/// An identifier that can be taken for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookAlike {
    /// The identifier.
    pub name: String,
    /// The name in ASCII that it looks like.
    pub looks_like: String,
    /// Line, from 1.
    pub line: u64,
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0000}'..='\u{E0FFF}')
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200D}'
            | '\u{2060}'..='\u{2064}'
            | '\u{206A}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}'
    )
}

/// Hidden characters of a source text. A byte order mark at its start, joiners between letters that are
/// not ASCII (emoji, Indic and Arabic scripts) and single variation selectors are left out.
#[must_use]
pub fn hidden_characters(text: &str, syntax: Syntax) -> Vec<HiddenCharacter> {
    // Most text that is not ASCII holds a dash or a name: only what can matter is worth the walk.
    let can_hide = |c: char| !c.is_ascii() && (is_bidi(c) || is_invisible(c) || is_selector(c));
    if text.is_ascii() || !text.chars().any(can_hide) {
        return Vec::new();
    }
    let mut found: Vec<(usize, char, HiddenKind, Place)> = Vec::new();
    let mut selectors = 0;
    let mut before = '\n';
    walk(text, syntax, |at, c, place| {
        selectors = if is_selector(c) { selectors + 1 } else { 0 };
        let kind = if is_bidi(c) {
            Some(HiddenKind::Bidi)
        } else if selectors == PAYLOAD {
            Some(HiddenKind::Payload)
        } else if is_invisible(c) && !is_innocent(text, at, c, before) {
            Some(HiddenKind::Invisible)
        } else {
            None
        };
        if let Some(kind) = kind
            && found.len() < MOST * 64
        {
            found.push((at, c, kind, place));
        }
        before = c;
    });
    let mut lines = Lines::new(text);
    let mut hidden: Vec<HiddenCharacter> = Vec::new();
    for (at, c, kind, place) in found {
        let line = lines.of(at);
        let known = hidden.iter().rev().take_while(|h| h.line == line).any(|h| h.kind == kind);
        if !known && hidden.len() < MOST {
            let character = format!("U+{:04X}", u32::from(c));
            hidden.push(HiddenCharacter { kind, place, character, line });
        }
    }
    hidden
}

/// A joiner between letters of a script that needs it, a mark at the start of the file.
fn is_innocent(text: &str, at: usize, c: char, before: char) -> bool {
    let after = text[at + c.len_utf8()..].chars().next().unwrap_or('\n');
    match c {
        '\u{FEFF}' => at == 0,
        '\u{200B}'..='\u{200D}' | '\u{00AD}' => {
            !before.is_ascii() && (!after.is_ascii() || c != '\u{200B}')
        }
        // Vowels and fillers of Khmer, Hangul and Mongolian inside their own scripts.
        '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}' => {
            !before.is_ascii() && !after.is_ascii()
        }
        _ => false,
    }
}

/// Lines of rising offsets, counted once.
struct Lines<'t> {
    bytes: &'t [u8],
    at: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        Self { bytes: text.as_bytes(), at: 0, line: 1 }
    }

    fn of(&mut self, offset: usize) -> u64 {
        let passed = &self.bytes[self.at.min(offset)..offset];
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.at = offset;
        self.line
    }
}

/// Identifiers in Rust code that are not ASCII and look like ASCII, letter by letter.
#[must_use]
pub fn look_alikes(text: &str) -> Vec<LookAlike> {
    if text.is_ascii() || !text.chars().any(|c| !c.is_ascii() && c.is_alphanumeric()) {
        return Vec::new();
    }
    let mut found: Vec<LookAlike> = Vec::new();
    let mut start: Option<usize> = None;
    let mut foreign = false;
    let mut end_word = |start: &mut Option<usize>, foreign: &mut bool, end: usize| {
        if let (Some(from), true) = (start.take(), *foreign)
            && found.len() < MOST
            && let Some(looks_like) = ascii_look(&text[from..end])
        {
            let line = line_at(text, from);
            found.push(LookAlike { name: text[from..end].to_owned(), looks_like, line });
        }
        *foreign = false;
    };
    walk(text, Syntax::Rust, |at, c, place| {
        if place == Place::Code && (c.is_alphanumeric() || c == '_') {
            start.get_or_insert(at);
            foreign |= !c.is_ascii();
        } else {
            end_word(&mut start, &mut foreign, at);
        }
    });
    end_word(&mut start, &mut foreign, text.len());
    found
}

/// What an identifier looks like, if that is ASCII. Greek small letters are the everyday names of
/// mathematics and nobody takes them for Latin ones, omicron apart.
fn ascii_look(name: &str) -> Option<String> {
    if name.len() > 200 {
        return None;
    }
    let mut looks = String::new();
    for c in name.chars() {
        let mathematics = matches!(c, 'α'..='ω' | 'ϑ' | 'ϕ' | 'ϵ' | 'ℓ' | 'ħ' | 'ı') && c != 'ο';
        if c.is_ascii() {
            looks.push(c);
            continue;
        }
        let mut buffer = [0; 4];
        let likeness: String = skeleton(c.encode_utf8(&mut buffer)).collect();
        let letters = !likeness.is_empty() && likeness.bytes().all(|b| b.is_ascii_alphanumeric());
        if mathematics || !letters || !c.is_alphabetic() {
            return None;
        }
        looks.push_str(&likeness);
    }
    Some(looks)
}
