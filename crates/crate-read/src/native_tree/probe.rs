//! Feature probes that cannot compile: a check that always fails switches its feature off without a
//! word. xz 5.6.1 lost its sandbox to a full stop on a line of its own.
//!
//! No C is parsed. Reported are faults that no compiler accepts and no preprocessor removes: stray
//! punctuation, directives that do not exist, brackets that do not pair.

use std::borrow::Cow;

use memchr::memmem;

use super::TextFile;
use super::facts::BrokenProbe;
use super::kind::TextKind;

/// Most probes that are reported of one file, and most that are looked at.
const MOST: usize = 32;
const LOOKED_AT: usize = 2_000;
/// Longest probe that is read, in bytes.
const LONGEST: usize = 16 << 10;
/// How much before a probe may say what it is for, in bytes.
const BEFORE: usize = 400;

/// What compiles a source text, in CMake and in autotools.
const CMAKE: [&str; 6] = [
    "check_c_source_compiles",
    "check_cxx_source_compiles",
    "check_objc_source_compiles",
    "check_c_source_runs",
    "check_cxx_source_runs",
    "check_source_compiles",
];
const AUTOCONF: [&str; 7] = [
    "AC_COMPILE_IFELSE",
    "AC_LINK_IFELSE",
    "AC_RUN_IFELSE",
    "AC_PREPROC_IFELSE",
    "AC_TRY_COMPILE",
    "AC_TRY_LINK",
    "AC_TRY_RUN",
];

/// Words of options that protect.
const SECURITY: [&str; 20] = [
    "landlock",
    "sandbox",
    "seccomp",
    "pledge",
    "capsicum",
    "constant_time",
    "constant-time",
    "fips",
    "hardening",
    "stack_protector",
    "stack-protector",
    "relro",
    "fortify",
    "no_new_privs",
    "explicit_bzero",
    "memset_s",
    "getrandom",
    "getentropy",
    "shadow_stack",
    "safestack",
];

/// A probe in the text.
struct Probe<'t> {
    name: &'static str,
    /// Where its source begins and what it is.
    at: usize,
    source: Cow<'t, str>,
    decides: &'t str,
    /// Where the call begins.
    call: usize,
}

/// Where a source begins, the source, and the variable that gets the answer.
type Parts<'t> = (usize, Cow<'t, str>, &'t str);

/// Reads one build file.
pub(super) fn read(file: &TextFile<'_>, kind: TextKind, text: &str) -> Vec<BrokenProbe> {
    let probes = match kind {
        TextKind::Cmake => find(text, &CMAKE, cmake),
        TextKind::Autoconf if !file.path.ends_with("configure") => find(text, &AUTOCONF, autoconf),
        TextKind::Autoconf => here_documents(text),
        _ => return Vec::new(),
    };
    let mut broken = Vec::new();
    for probe in probes {
        let Some(fault) = fault(&probe.source) else { continue };
        if broken.len() == MOST {
            break;
        }
        broken.push(BrokenProbe {
            probe: probe.name.to_owned(),
            decides: probe.decides.to_owned(),
            why: fault.why,
            security: security(text, &probe).to_owned(),
            path: file.path.to_owned(),
            line: line_at(text, probe.at + fault.at),
            sha256: file.sha256.to_owned(),
        });
    }
    broken
}

fn line_at(text: &str, at: usize) -> u64 {
    let before = &text.as_bytes()[..at.min(text.len())];
    1 + memchr::memchr_iter(b'\n', before).count() as u64
}

/// The security option that a probe is about.
fn security(text: &str, probe: &Probe<'_>) -> &'static str {
    let start = text.floor_char_boundary(probe.call.saturating_sub(BEFORE));
    let before = &text[start..probe.call];
    let near = [probe.decides, &probe.source, before].map(str::to_ascii_lowercase);
    let found = near.iter().find_map(|near| SECURITY.iter().find(|word| near.contains(**word)));
    found.copied().unwrap_or("")
}

/// All probes of some names; `inside` reads what stands between the outer brackets.
fn find<'t>(
    text: &'t str,
    names: &[&'static str],
    inside: impl Fn(&'t str) -> Option<Parts<'t>>,
) -> Vec<Probe<'t>> {
    let mut probes = Vec::new();
    let folded = text.to_ascii_lowercase();
    for name in names {
        let wanted = name.to_ascii_lowercase();
        for call in memmem::find_iter(folded.as_bytes(), wanted.as_bytes()) {
            if probes.len() == LOOKED_AT {
                break;
            }
            let after = call + name.len();
            let end = text.floor_char_boundary(after + LONGEST);
            let rest = &text[after..end];
            let trimmed = rest.trim_start();
            let Some(arguments) = trimmed.strip_prefix('(') else { continue };
            let base = after + (rest.len() - arguments.len());
            if let Some((at, source, decides)) = inside(arguments) {
                probes.push(Probe { name, at: base + at, source, decides, call });
            }
        }
    }
    probes.sort_by_key(|probe| probe.call);
    probes
}

/// The source of a CMake check: its first string, quoted or in long brackets, and the word behind it.
fn cmake(arguments: &str) -> Option<Parts<'_>> {
    let open = arguments.find(['"', '[', ')'])?;
    let (at, source, end) = match arguments.as_bytes()[open] {
        b'"' => {
            let start = open + 1;
            let end = start + end_of_quoted(&arguments[start..])?;
            // As long as before, so that places in it stay true.
            (start, Cow::from(arguments[start..end].replace("\\\"", " \"")), end + 1)
        }
        b'[' => {
            let equals = arguments[open + 1..].bytes().take_while(|b| *b == b'=').count();
            let start = open + 2 + equals;
            if arguments.as_bytes().get(start - 1) != Some(&b'[') {
                return None;
            }
            let close = format!("]{}]", "=".repeat(equals));
            let end = start + arguments.get(start..)?.find(&close)?;
            (start, Cow::from(&arguments[start..end]), end + close.len())
        }
        _ => return None,
    };
    let decides = arguments[end..].split_ascii_whitespace().next().unwrap_or("");
    Some((at, source, decides.trim_end_matches(')')))
}

/// Where a quoted argument ends: at a quote without a backslash.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

/// The source of an autoconf check: its first argument, whose square brackets pair.
fn autoconf(arguments: &str) -> Option<Parts<'_>> {
    let mut depth = 0_u32;
    let mut round = 0_u32;
    for (at, byte) in arguments.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.checked_sub(1)?,
            b'(' if depth == 0 => round += 1,
            b')' if depth == 0 && round > 0 => round -= 1,
            b',' | b')' if depth == 0 && round == 0 => {
                return Some((0, Cow::from(&arguments[..at]), ""));
            }
            _ => {}
        }
    }
    None
}

/// The sources that a generated `configure` writes to `conftest`.
fn here_documents(text: &str) -> Vec<Probe<'_>> {
    const OPEN: &str = "<<_ACEOF >conftest.$ac_ext\n";
    let mut probes = Vec::new();
    for call in memmem::find_iter(text.as_bytes(), OPEN.as_bytes()).take(LOOKED_AT) {
        let at = call + OPEN.len();
        let end = text.floor_char_boundary(at + LONGEST);
        let Some(length) = text[at..end].find("\n_ACEOF") else { continue };
        let source = Cow::from(&text[at..at + length]);
        probes.push(Probe { name: "conftest", at, source, decides: "", call });
    }
    probes
}

/// Why a source cannot compile.
struct Fault {
    at: usize,
    why: String,
}

/// Directives that preprocessors know.
const DIRECTIVES: [&str; 19] = [
    "include",
    "define",
    "undef",
    "if",
    "ifdef",
    "ifndef",
    "else",
    "elif",
    "elifdef",
    "elifndef",
    "endif",
    "error",
    "warning",
    "pragma",
    "line",
    "include_next",
    "import",
    "ident",
    "embed",
];

/// Looks for a fault that no compiler accepts.
fn fault(source: &str) -> Option<Fault> {
    let code = without_comments(source);
    let mut at = 0;
    let mut conditional = false;
    for line in code.split('\n') {
        let trimmed = line.trim();
        if is_stray(trimmed) {
            return Some(Fault { at, why: format!("a stray `{trimmed}` on a line of its own") });
        }
        if let Some(directive) = trimmed.strip_prefix('#') {
            let directive = directive.trim_start();
            let end = directive.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let word = &directive[..end.unwrap_or(directive.len())];
            conditional |= word.starts_with("if");
            if !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                && !DIRECTIVES.contains(&word)
                && near_directive(word)
            {
                return Some(Fault { at, why: format!("there is no directive `#{word}`") });
            }
        }
        at += line.len() + 1;
    }
    // Either branch of a condition may open what the other one closes, and a variable can hold anything.
    if conditional || code.contains("${") || code.contains('@') {
        return None;
    }
    unpaired(&code)
}

/// Punctuation that means nothing by itself; commas, colons and brackets may stand alone.
fn is_stray(line: &str) -> bool {
    !line.is_empty()
        && line.len() <= 4
        && line.bytes().all(|b| matches!(b, b'.' | b'`' | b'@' | b'$'))
        && line != "..."
}

/// A misspelt directive, rather than a comment of the shell or a macro of m4.
fn near_directive(word: &str) -> bool {
    ["include", "define", "ifdef", "ifndef", "endif", "undef"].iter().any(|known| {
        let mut theirs: Vec<u8> = known.bytes().collect();
        let mut ours: Vec<u8> = word.bytes().collect();
        theirs.sort_unstable();
        ours.sort_unstable();
        let same = ours.iter().filter(|b| theirs.contains(b)).count();
        ours.len().abs_diff(theirs.len()) <= 1 && same + 1 >= theirs.len() && word.len() > 3
    })
}

/// The same text with comments, strings and characters blanked; positions stay. `dnl` comments too.
fn without_comments(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                memmem::find(&bytes[at + 2..], b"*/").map_or(bytes.len(), |n| at + 2 + n + 2)
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => end_of_line(bytes, at),
            b'd' if bytes[at..].starts_with(b"dnl") && starts_word(bytes, at) => {
                end_of_line(bytes, at)
            }
            b'#' if bytes[at..].starts_with(b"#error") || bytes[at..].starts_with(b"#warning") => {
                end_of_line(bytes, at)
            }
            quote @ (b'"' | b'\'') => end_of_literal(bytes, at, quote),
            _ => {
                at += 1;
                continue;
            }
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    // Only whole characters were blanked or left, apart from those that were no UTF-8 to begin with.
    String::from_utf8_lossy(&out).into_owned()
}

fn starts_word(bytes: &[u8], at: usize) -> bool {
    at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n)
}

/// A literal ends at its quote, at the latest at the end of the line.
fn end_of_literal(bytes: &[u8], at: usize, quote: u8) -> usize {
    let mut next = at + 1;
    while let Some(byte) = bytes.get(next) {
        match *byte {
            b'\\' => next += 2,
            b'\n' => return next,
            byte if byte == quote => return next + 1,
            _ => next += 1,
        }
    }
    bytes.len()
}

/// Curly brackets that do not pair. Square ones are quotes of m4, round ones may end in a macro.
fn unpaired(code: &str) -> Option<Fault> {
    let mut open: Vec<usize> = Vec::new();
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => open.push(at),
            b'}' if open.pop().is_none() => {
                return Some(Fault { at, why: "a closing brace that nothing opens".to_owned() });
            }
            _ => {}
        }
    }
    let at = open.pop()?;
    Some(Fault { at, why: "an opening brace that nothing closes".to_owned() })
}
