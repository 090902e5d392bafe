//! Which upstream a tree is, and which version: from version macros, `AC_INIT`, `project(... VERSION)`,
//! version files and `.gitmodules`.

use std::collections::BTreeMap;

use memchr::memmem;

use super::facts::{NativeFile, Submodule, Upstream};
use super::kind::TextKind;
use super::{TextFile, lines};

/// Most versions, or submodules, of one file.
const MOST: usize = 64;
/// Longest name or version that is kept, in bytes.
const LONGEST: usize = 100;
/// Longest `project(...)` call that is read, in bytes.
const LONGEST_CALL: usize = 2_000;

/// What projects are called in macros, in autotools or in CMake, and by everybody. A name that is not
/// here stands for itself, in lower case.
const NAMES: [(&str, &str); 19] = [
    ("lzma", "xz"),
    ("liblzma", "xz"),
    ("xz utils", "xz"),
    ("xz-utils", "xz"),
    ("libzstd", "zstd"),
    ("libcurl", "curl"),
    ("zlibng", "zlib-ng"),
    ("xml", "expat"),
    ("onig", "oniguruma"),
    ("png_libpng", "libpng"),
    ("bz", "bzip2"),
    ("ssh2", "libssh2"),
    ("sqlite3", "sqlite"),
    ("openssl", "openssl"),
    ("zstd", "zstd"),
    ("sqlite", "sqlite"),
    ("libgit2", "libgit2"),
    ("zlib", "zlib"),
    ("libssh2", "libssh2"),
];

/// Folders inside a source tree, rather than above it.
const INNER: [&str; 12] = [
    "src",
    "source",
    "include",
    "lib",
    "libs",
    "api",
    "build",
    "build-aux",
    "cmake",
    "c",
    "contrib",
    "m4",
];

/// Reads what one file says of upstreams.
pub(super) fn read(file: &TextFile<'_>, kind: TextKind, bytes: &[u8], into: &mut NativeFile) {
    let marker: &[u8] = match kind {
        TextKind::Header => b"VER",
        TextKind::Autoconf => b"AC_INIT",
        TextKind::Cmake => b"roject",
        TextKind::Submodules => b"url",
        TextKind::Version => b"",
        TextKind::Code | TextKind::Make | TextKind::Shell | TextKind::Build => return,
    };
    let generated = kind == TextKind::Autoconf && file.path.ends_with("configure");
    let marker = if generated { b"PACKAGE_VERSION=" } else { marker };
    if memmem::find(bytes, marker).is_none() && !cmake_shouts(kind, bytes) {
        return;
    }
    let text = String::from_utf8_lossy(bytes);
    if kind == TextKind::Submodules {
        submodules(file, &text, &mut into.submodules);
        return;
    }
    let named = match kind {
        TextKind::Header => header(file.path, &text),
        TextKind::Cmake => cmake(&text),
        TextKind::Version => version_file(file.path, &text),
        _ if generated => configure(&text),
        _ => autoconf(&text),
    };
    let tree = tree_of(file.path);
    into.upstreams.extend(named.into_iter().take(MOST).map(|named| Upstream {
        name: canonical(&named.name),
        version: named.version,
        tree: tree.clone(),
        path: file.path.to_owned(),
        line: named.line,
        sha256: file.sha256.to_owned(),
    }));
}

fn cmake_shouts(kind: TextKind, bytes: &[u8]) -> bool {
    kind == TextKind::Cmake && memmem::find(bytes, b"PROJECT").is_some()
}

/// A name and a version where a file says so.
struct Named {
    name: String,
    version: String,
    line: u64,
}

/// The name that everybody knows a project by.
fn canonical(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    let known = NAMES.iter().find(|(alias, _)| *alias == lower);
    known.map_or(lower, |(_, name)| (*name).to_owned())
}

/// The folder of the vendored tree that a file belongs to.
fn tree_of(path: &str) -> String {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let outer: Vec<&str> = folders.split('/').take_while(|f| !INNER.contains(f)).collect();
    outer.join("/")
}

/// The version at the beginning of a text: digits, dots, and a suffix such as `-rc1`.
fn version_at_start(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '+' | '_'))
        .unwrap_or(text.len());
    let version = text[..end].trim_end_matches(['.', '-', '+', '_']);
    let (major, rest) = version.split_once('.')?;
    let plain = !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit());
    let minor = rest.bytes().next().is_some_and(|b| b.is_ascii_digit());
    (plain && minor && version.len() <= LONGEST).then_some(version)
}

/// The first version anywhere in a text, such as in `OpenSSL 3.0.1 14 Dec 2021`.
fn version_within(text: &str) -> Option<&str> {
    text.split_ascii_whitespace().take(8).find_map(version_at_start)
}

/// What the macros of one prefix say.
#[derive(Default)]
struct Macros {
    text: Option<(String, u64)>,
    parts: [Option<(u32, u64)>; 3],
}

impl Macros {
    fn named(self, name: &str) -> Option<Named> {
        let name = name.to_owned();
        if let Some((version, line)) = self.text {
            return Some(Named { name, version, line });
        }
        let [Some((major, line)), Some((minor, _)), patch] = self.parts else { return None };
        let version = match patch {
            Some((patch, _)) => format!("{major}.{minor}.{patch}"),
            None => format!("{major}.{minor}"),
        };
        Some(Named { name, version, line })
    }
}

/// What the end of a macro's name says about it.
enum Part {
    Number(usize),
    Text,
}

const SUFFIXES: [(&str, Part); 19] = [
    ("_VERSION_MAJOR", Part::Number(0)),
    ("_MAJOR_VERSION", Part::Number(0)),
    ("_VERSION_MINOR", Part::Number(1)),
    ("_MINOR_VERSION", Part::Number(1)),
    ("_VERSION_PATCH", Part::Number(2)),
    ("_VERSION_RELEASE", Part::Number(2)),
    ("_VERSION_REVISION", Part::Number(2)),
    ("_VERSION_TEENY", Part::Number(2)),
    ("_VERSION_MICRO", Part::Number(2)),
    ("_VERSION_BUGFIX", Part::Number(2)),
    ("_MICRO_VERSION", Part::Number(2)),
    ("_PATCH_VERSION", Part::Number(2)),
    ("_VERSION_STRING", Part::Text),
    ("_VERSION_TEXT", Part::Text),
    ("_FULL_VERSION_STR", Part::Text),
    ("_VERSION_STR", Part::Text),
    ("_VER_STRING", Part::Text),
    ("_VER_STR", Part::Text),
    ("_VERSION", Part::Text),
];

/// Version macros of a header.
fn header(path: &str, text: &str) -> Vec<Named> {
    let mut found: BTreeMap<String, Macros> = BTreeMap::new();
    for (line, content) in lines(text) {
        let Some((name, value)) = define(content) else { continue };
        let Some((prefix, part)) =
            SUFFIXES.iter().find_map(|(suffix, part)| Some((name.strip_suffix(suffix)?, part)))
        else {
            continue;
        };
        if prefix.is_empty() || prefix.len() > LONGEST || found.len() > MOST {
            continue;
        }
        let macros = found.entry(prefix.to_owned()).or_default();
        match part {
            Part::Number(index) => {
                let number = number(value).map(|number| (number, line));
                macros.parts[*index] = macros.parts[*index].or(number);
            }
            Part::Text => {
                let quoted = value.strip_prefix('"').and_then(|v| v.split('"').next());
                if let Some(version) = quoted.and_then(version_within) {
                    macros.text.get_or_insert((version.to_owned(), line));
                }
            }
        }
    }
    found
        .into_iter()
        .filter(|(prefix, _)| speaks_for_a_project(path, prefix))
        .filter_map(|(prefix, macros)| macros.named(&prefix))
        .collect()
}

/// `XML_VERSION` of some header need not be the version of the tree: a prefix counts that is known,
/// or in a file that is about versions or named like the prefix.
fn speaks_for_a_project(path: &str, prefix: &str) -> bool {
    let lower = prefix.to_ascii_lowercase();
    let file = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let stem = file.split('.').next().unwrap_or(&file);
    match lower.as_str() {
        "xml" => stem == "expat",
        _ => {
            NAMES.iter().any(|(alias, _)| *alias == lower)
                || file.contains("version")
                || stem.trim_end_matches("ver") == lower
        }
    }
}

/// Name and value of a `#define`, the value without a comment behind it.
fn define(line: &str) -> Option<(&str, &str)> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("define")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let end = rest.find([' ', '\t'])?;
    Some((&rest[..end], rest[end..].trim()))
}

/// A decimal number at the start of a macro's value, in brackets or not.
fn number(value: &str) -> Option<u32> {
    let value = value.trim_start_matches(['(', ' ', '"']);
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..end].parse().ok()
}

/// `AC_INIT([name], [version], ...)`.
fn autoconf(text: &str) -> Vec<Named> {
    let Some(at) = text.find("AC_INIT(") else { return Vec::new() };
    let line = 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count() as u64;
    let mut arguments = text[at + "AC_INIT(".len()..].splitn(3, ',').map(unquoted);
    let (Some(name), Some(version)) = (arguments.next(), arguments.next()) else {
        return Vec::new();
    };
    named(name, version, line)
}

/// An m4 or shell argument without its quotes.
fn unquoted(text: &str) -> &str {
    let text = text.split('\n').find(|l| !l.trim().is_empty()).unwrap_or("");
    text.trim().trim_matches(['[', ']', '"', '\'', ')'])
}

fn named(name: &str, version: &str, line: u64) -> Vec<Named> {
    match version_at_start(version) {
        Some(version) if !name.is_empty() && name.len() <= LONGEST => {
            vec![Named { name: name.to_owned(), version: version.to_owned(), line }]
        }
        _ => Vec::new(),
    }
}

/// A generated `configure`: `PACKAGE_TARNAME='xz'`, `PACKAGE_VERSION='5.6.1'`.
fn configure(text: &str) -> Vec<Named> {
    let mut name = None;
    for (line, content) in lines(text) {
        if let Some(value) = content.strip_prefix("PACKAGE_TARNAME=") {
            name = Some(unquoted(value));
        } else if let Some(value) = content.strip_prefix("PACKAGE_VERSION=") {
            return name.map_or_else(Vec::new, |name| named(name, unquoted(value), line));
        }
    }
    Vec::new()
}

/// `project(name VERSION 1.2.3)`, where the version may stand in a variable of the same file.
fn cmake(text: &str) -> Vec<Named> {
    let mut variables: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = Vec::new();
    let mut at = 0;
    for (line, content) in (1..).zip(text.split('\n')) {
        let start = at;
        at += content.len() + 1;
        let trimmed = content.trim_start();
        let lower = trimmed.get(..8).map(str::to_ascii_lowercase);
        if lower.as_deref().is_some_and(|l| l.starts_with("set")) {
            let inside = trimmed[3..].trim_start().strip_prefix('(');
            let mut words = inside.unwrap_or("").split([' ', '\t', ')']).filter(|w| !w.is_empty());
            if let (Some(name), Some(value)) = (words.next(), words.next())
                && variables.len() < 1_000
            {
                variables.insert(name, value.trim_matches('"'));
            }
        } else if lower.as_deref().is_some_and(|l| l.starts_with("project")) {
            let end = text.floor_char_boundary(start + LONGEST_CALL);
            found.extend(project(&text[start..end], &variables, line));
        }
    }
    found
}

/// One `project(...)` call at the start of a text.
fn project(call: &str, variables: &BTreeMap<&str, &str>, line: u64) -> Vec<Named> {
    let Some((_, inside)) = call.split_once('(') else { return Vec::new() };
    let Some((inside, _)) = inside.split_once(')') else { return Vec::new() };
    let mut words = inside.split_ascii_whitespace().map(|word| word.trim_matches('"'));
    let Some(name) = words.next() else { return Vec::new() };
    if !words.any(|word| word == "VERSION") {
        return Vec::new();
    }
    let Some(version) = words.next() else { return Vec::new() };
    let variable = version.strip_prefix("${").and_then(|v| v.strip_suffix('}'));
    let version = variable.map_or(Some(version), |name| variables.get(name).copied());
    named(name, version.unwrap_or(""), line)
}

/// A file with a version in it, named after the folder that it lies in.
fn version_file(path: &str, text: &str) -> Vec<Named> {
    let Some((folders, file)) = path.rsplit_once('/') else { return Vec::new() };
    let folder = tree_of(path);
    let folder = if folder.is_empty() { folders } else { &folder };
    let name = folder.rsplit('/').next().unwrap_or(folder);
    // `mpfr-4.2.2-c`
    let name = match name.split_once('-') {
        Some((before, rest)) if rest.starts_with(|c: char| c.is_ascii_digit()) => before,
        _ => name,
    };
    if file == "VERSION.dat" {
        let part = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        if let (Some(major), Some(minor), Some(patch)) =
            (part("MAJOR="), part("MINOR="), part("PATCH="))
        {
            return named(name, &format!("{major}.{minor}.{patch}"), 1);
        }
        return Vec::new();
    }
    let first = text.lines().next().unwrap_or("").trim();
    let first = first.strip_prefix('v').unwrap_or(first);
    if first.len() > LONGEST { Vec::new() } else { named(name, first, 1) }
}

/// `path` and `url` of a `.gitmodules`.
fn submodules(file: &TextFile<'_>, text: &str, into: &mut Vec<Submodule>) {
    let mut folder = "";
    for (line, content) in lines(text) {
        let Some((key, value)) = content.split_once('=') else { continue };
        match key.trim() {
            "path" => folder = value.trim(),
            "url" if into.len() < MOST && value.len() < 1_000 => into.push(Submodule {
                folder: folder.to_owned(),
                url: value.trim().to_owned(),
                path: file.path.to_owned(),
                line,
            }),
            _ => {}
        }
    }
}
