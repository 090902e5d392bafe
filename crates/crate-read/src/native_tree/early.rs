//! Code that runs before `main`, or that the dynamic linker calls to choose an implementation: the way
//! in which the xz backdoor got control of sshd.

use aho_corasick::AhoCorasick;
use std::sync::OnceLock;

use super::facts::{Early, EarlyKind};
use super::{TextFile, lines};
use custody_bytes::excerpt::excerpt;

/// Most entries of one file.
const MOST: usize = 32;

/// Words that give code its early start. Found in code, not in whole-line comments.
const WORDS: [(&str, EarlyKind); 13] = [
    ("(constructor", EarlyKind::Constructor),
    ("(__constructor__", EarlyKind::Constructor),
    ("gnu::constructor", EarlyKind::Constructor),
    ("(destructor", EarlyKind::Destructor),
    ("(__destructor__", EarlyKind::Destructor),
    (".preinit_array", EarlyKind::InitArray),
    (".init_array", EarlyKind::InitArray),
    ("\".ctors", EarlyKind::InitArray),
    (".CRT$XC", EarlyKind::InitArray),
    ("ifunc(", EarlyKind::Ifunc),
    ("ifunc (", EarlyKind::Ifunc),
    ("__ifunc__", EarlyKind::Ifunc),
    ("gnu_indirect_function", EarlyKind::Ifunc),
];

fn words() -> &'static AhoCorasick {
    static SEARCH: OnceLock<AhoCorasick> = OnceLock::new();
    SEARCH.get_or_init(|| {
        AhoCorasick::new(WORDS.iter().map(|(word, _)| *word)).expect("a dozen short words")
    })
}

/// Reads a C, C++ or assembler file.
pub(super) fn read(file: &TextFile<'_>, bytes: &[u8]) -> Vec<Early> {
    if !words().is_match(bytes) {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    for (line, content) in lines(&text) {
        let code = content.trim_start();
        if code.starts_with("//") || code.starts_with('*') || code.starts_with("/*") {
            continue;
        }
        let Some(hit) = words().find(code) else { continue };
        if found.len() < MOST {
            found.push(Early {
                kind: WORDS[hit.pattern().as_usize()].1,
                text: excerpt(code.trim_end(), 120),
                path: file.path.to_owned(),
                line,
                sha256: file.sha256.to_owned(),
            });
        }
    }
    found
}
