//! What changed between two releases, line by line in the code that runs at build time, and byte by byte in
//! the first part of files that are not text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use similar::{ChangeTag, TextDiff};

use super::CloseLook;
use crate::domain::Measured;
use crate::domain::inspection::{BytesPatch, Hunk, Patch, TextPatch};

/// Files of each kind, hunks of one file and lines of one hunk that are kept.
const FILES: usize = 60;
const HUNKS: usize = 60;
const LINES: usize = 200;
/// Lines around a change, and characters of one line.
const AROUND: usize = 3;
const CHARS: usize = 300;
/// Largest text of which lines are compared, in bytes: the comparison takes the square of what differs.
const COMPARED: usize = 256 << 10;

/// Whether the text of a file is kept for quoting: Rust, and what builds native code.
pub(super) fn is_read(path: &str) -> bool {
    let path = Path::new(path);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    matches!(extension, "rs" | "cmake" | "m4" | "sh" | "mk" | "ac" | "am" | "in")
        || matches!(
            name,
            "Cargo.toml" | "CMakeLists.txt" | "Makefile" | "configure" | "meson.build"
        )
}

/// Holds `new` against `old`.
#[must_use]
pub fn patch(old: &CloseLook, new: &CloseLook) -> Patch {
    let mut patch = Patch::default();
    let thoughts = thoughts(new);
    let known = thoughts_of(old);
    for path in concerned(old, new) {
        let (before, after) = (old.texts.get(&path), new.texts.get(&path));
        if before == after {
            continue;
        }
        if patch.texts.len() == FILES {
            patch.left_out += 1;
            continue;
        }
        let of_file = thoughts.get(path.as_str()).map_or(&[][..], Vec::as_slice);
        let text = |side: Option<&String>| side.map_or("", String::as_str).to_owned();
        patch.texts.push(compared(path.clone(), &text(before), &text(after), of_file, &known));
    }
    for path in new.samples.keys().chain(old.samples.keys()).collect::<BTreeSet<_>>() {
        let (before, after) = (old.samples.get(path), new.samples.get(path));
        if same(old, new, path) {
            continue;
        }
        if patch.bytes.len() == FILES {
            patch.left_out += 1;
            continue;
        }
        patch.bytes.push(BytesPatch {
            path: path.clone(),
            before: before.map(|bytes| hex(bytes)),
            after: after.map(|bytes| hex(bytes)),
        });
    }
    patch
}

/// Whether a file has the same bytes in both.
fn same(old: &CloseLook, new: &CloseLook, path: &str) -> bool {
    let hash = |look: &CloseLook| {
        let files = &look.contents.archive.listing.files;
        files.iter().find(|file| file.path == path).map(|file| file.sha256.clone())
    };
    hash(old) == hash(new)
}

/// The texts that run when somebody builds either release.
fn concerned(old: &CloseLook, new: &CloseLook) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for look in [old, new] {
        let build = &look.contents.code.build;
        all.extend(build.files.iter().cloned());
        if let Measured::Known(scripts) = &build.build_scripts {
            all.extend(scripts.iter().cloned());
        }
        let of_native = look
            .texts
            .keys()
            .filter(|path| Path::new(path).extension().is_none_or(|ending| ending != "rs"));
        all.extend(of_native.cloned());
    }
    all
}

/// What the tool sees in the texts of a release: file to lines, and what each is.
fn thoughts(look: &CloseLook) -> BTreeMap<&str, Vec<(u64, String)>> {
    let mut all: BTreeMap<&str, Vec<(u64, String)>> = BTreeMap::new();
    for hit in &look.contents.code.build.capabilities {
        let what = match hit.detail.as_str() {
            "" => format!("{}: {}", hit.capability.as_str(), hit.api),
            detail => format!("{}: {} {detail:?}", hit.capability.as_str(), hit.api),
        };
        all.entry(&hit.file).or_default().push((u64::from(hit.line), what));
    }
    for probe in &look.contents.native.broken_probes {
        let what = format!("{} can never succeed: {}", probe.probe, probe.why);
        all.entry(&probe.path).or_default().push((probe.line, what));
    }
    for text in &look.contents.concealment.hidden_text {
        let what = format!("a sign that is not seen: {}", text.character);
        all.entry(&text.path).or_default().push((text.line, what));
    }
    all
}

fn thoughts_of(look: &CloseLook) -> BTreeSet<(String, String)> {
    let all = thoughts(look).into_iter();
    all.flat_map(|(path, lines)| lines.into_iter().map(move |(_, what)| (path.to_owned(), what)))
        .collect()
}

fn compared(
    path: String,
    before: &str,
    after: &str,
    thoughts: &[(u64, String)],
    known: &BTreeSet<(String, String)>,
) -> TextPatch {
    if before.len().max(after.len()) > COMPARED {
        let hunks = Vec::new();
        return TextPatch { path, hunks, left_out: "the text is too long to compare".to_owned() };
    }
    let diff = TextDiff::from_lines(before, after);
    let groups = diff.grouped_ops(AROUND);
    let mut hunks = Vec::new();
    for group in groups.iter().take(HUNKS) {
        let first = group.first();
        let mut hunk = Hunk {
            old_line: first.map_or(0, |op| op.old_range().start + 1),
            new_line: first.map_or(0, |op| op.new_range().start + 1),
            lines: Vec::new(),
            thoughts: Vec::new(),
        };
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let line: String = change.value().trim_end().chars().take(CHARS).collect();
            if hunk.lines.len() < LINES {
                hunk.lines.push(format!("{sign}{line}"));
            }
            let number = change.new_index().map(|index| index as u64 + 1);
            let about = thoughts.iter().filter(|(line, _)| sign == '+' && Some(*line) == number);
            for (_, what) in about {
                let there = known.contains(&(path.clone(), what.clone()));
                let note = if there { "was there before" } else { "new" };
                hunk.thoughts.push(format!("{what} ({note})"));
            }
        }
        hunks.push(hunk);
    }
    let left_out = match groups.len().saturating_sub(HUNKS) {
        0 => String::new(),
        more => format!("{more} hunks more"),
    };
    TextPatch { path, hunks, left_out }
}

/// Lines of 16 bytes, as `fd 37 7a`.
fn hex(bytes: &[u8]) -> Vec<String> {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    bytes.chunks(16).map(|chunk| line(chunk).join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use custody_bytes::gzip_tar::sample::crate_archive;

    fn look(script: &str, blob: &[u8]) -> CloseLook {
        let manifest = b"[package]\nname = \"x\"\nversion = \"1.0.0\"\nbuild = \"build.rs\"\n";
        let files: [(&str, &[u8]); 4] = [
            ("Cargo.toml", manifest),
            ("build.rs", script.as_bytes()),
            ("src/lib.rs", b"pub fn one() {}\n"),
            ("tests/a.bin", blob),
        ];
        read("x", "1.0.0", &crate_archive("x-1.0.0", &files)).expect("reads")
    }

    #[test]
    fn a_hunk_of_build_code_says_what_the_tool_sees_in_it() {
        let blob: Vec<u8> = (128..=255).collect();
        let old = look("fn main() {\n    let x = 1;\n}\n", &blob);
        let mut other = blob.clone();
        other[20] = 0;
        let new =
            look("fn main() {\n    std::process::Command::new(\"sh\").status();\n}\n", &other);
        let patch = patch(&old, &new);
        let [text] = &patch.texts[..] else { panic!("{patch:?}") };
        assert_eq!(text.path, "build.rs");
        let hunk = &text.hunks[0];
        assert!(hunk.lines.contains(&"-    let x = 1;".to_owned()), "{hunk:?}");
        assert!(
            hunk.thoughts.iter().any(|one| one.starts_with("spawn: ") && one.ends_with("(new)")),
            "{hunk:?}"
        );
        let [bytes] = &patch.bytes[..] else { panic!("{patch:?}") };
        let (before, after) = (bytes.before.as_ref().unwrap(), bytes.after.as_ref().unwrap());
        assert_eq!((before[0] == after[0], before[1] == after[1]), (true, false));
    }

    #[test]
    fn what_is_the_same_is_no_patch() {
        let one = look("fn main() {}\n", &[0, 159, 1]);
        assert_eq!(patch(&one, &one), Patch::default());
    }
}
