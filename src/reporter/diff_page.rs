//! Two versions of a crate as one HTML page for a review: each hunk with what is seen in it beside it, and
//! bytes old against new. Nothing is loaded, and no script is in it.

use askama::Template;

use super::ReporterError;
use super::html::{STYLE, hash, written};
use super::inspect::size;
use super::version_diff::{HEX_LINES, published_by, runs};
use super::words::{clip, count};
use crate::domain::Measured;
use crate::domain::inspection::{BytesPatch, DiffFile, Patch, Release, TextPatch, VersionDiff};
use crate::domain::text::shown;

/// Files of the table, uses, and characters of one line of code.
const FILES: usize = 400;
const USES: usize = 60;
const CHARS: usize = 300;

#[derive(Template)]
#[template(path = "diff.html")]
struct Page {
    style: &'static str,
    style_hash: String,
    title: String,
    old: String,
    new: String,
    runs: &'static str,
    /// A number, what it counts, and where that is.
    tiles: Vec<(String, &'static str, &'static str)>,
    /// What is told of both releases.
    rows: Vec<(&'static str, String, String)>,
    uses: Vec<OneUse>,
    dependencies: Vec<String>,
    texts: Vec<Text>,
    bytes: Vec<Bytes>,
    left_out: u32,
    files: Vec<File>,
    files_left_out: usize,
}

struct OneUse {
    class: &'static str,
    what: String,
    place: String,
    code: String,
}

struct Text {
    path: String,
    hunks: Vec<OneHunk>,
    left_out: String,
}

struct OneHunk {
    old_line: usize,
    new_line: usize,
    lines: Vec<Line>,
    thoughts: Vec<String>,
}

struct Line {
    class: &'static str,
    text: String,
}

struct Bytes {
    path: String,
    lines: Vec<Line>,
}

struct File {
    path: String,
    how: &'static str,
    what: String,
    size: String,
    notable: bool,
}

/// Lays out a page that needs nothing else.
pub fn html(diff: &VersionDiff) -> Result<String, ReporterError> {
    let none = Patch::default();
    let patch = diff.patch.as_ref().unwrap_or(&none);
    let (old, new) = (shown(&diff.old.version), shown(&diff.new.version));
    let files = files(diff);
    let page = Page {
        style: STYLE,
        style_hash: hash(STYLE),
        title: format!("{} {old} → {new}", shown(&diff.name)),
        runs: runs(diff),
        tiles: tiles(diff, patch),
        rows: rows(&diff.old, &diff.new),
        uses: uses(diff),
        dependencies: dependencies(diff),
        texts: patch.texts.iter().map(text).collect(),
        bytes: patch.bytes.iter().map(bytes).collect(),
        left_out: patch.left_out,
        files_left_out: files.len().saturating_sub(FILES),
        files: files.into_iter().take(FILES).collect(),
        old,
        new,
    };
    written(&page)
}

fn tiles(diff: &VersionDiff, patch: &Patch) -> Vec<(String, &'static str, &'static str)> {
    let new: usize = patch
        .texts
        .iter()
        .flat_map(|text| &text.hunks)
        .map(|hunk| hunk.thoughts.iter().filter(|one| one.ends_with("(new)")).count())
        .sum();
    let all = [&diff.added, &diff.changed, &diff.removed];
    let binary = all.iter().flat_map(|list| list.iter()).filter(|file| file.binary).count();
    vec![
        (patch.texts.len().to_string(), "texts of the build changed", "hunks"),
        (new.to_string(), "new things seen in them", "hunks"),
        (binary.to_string(), "files that are not text differ", "bytes"),
        (all.iter().map(|list| list.len()).sum::<usize>().to_string(), "files differ", "files"),
    ]
}

fn rows(old: &Release, new: &Release) -> Vec<(&'static str, String, String)> {
    let known = |value: &Measured<String>| match value {
        Measured::Known(text) => shown(text),
        Measured::Unknown(why) => format!("not determined: {}", shown(why)),
    };
    let both = |tell: &dyn Fn(&Release) -> String| (tell(old), tell(new));
    let row = |name, (old, new)| (name, old, new);
    let or_nothing = |list: &[String]| match list {
        [] => "nothing".to_owned(),
        all => all.iter().map(|one| shown(one)).collect::<Vec<_>>().join(", "),
    };
    vec![
        row("published", both(&|one| known(&one.published))),
        row("by", both(&|one| shown(&published_by(one)))),
        row("sha256", both(&|one| shown(&one.sha256))),
        row("unpacked", both(&|one| size(one.unpacked_bytes))),
        row("files", both(&|one| one.files.to_string())),
        row("runs when it is built", both(&|one| or_nothing(&one.runs_at_build))),
        row("sources of others", both(&|one| or_nothing(&one.upstreams))),
    ]
}

fn uses(diff: &VersionDiff) -> Vec<OneUse> {
    let gained = diff.capabilities_gained.iter().map(|one| ("new", "gained", one));
    let lost = diff.capabilities_lost.iter().map(|one| ("old", "lost", one));
    let told = gained.chain(lost).take(USES).map(|(class, word, one)| {
        let detail =
            if one.detail.is_empty() { String::new() } else { format!(" {:?}", one.detail) };
        OneUse {
            class,
            what: shown(&format!("{word}: {}, {}{detail}", one.capability, one.api)),
            place: shown(&format!("{}:{}", one.file, one.line)),
            code: clip(&shown(&one.code), CHARS),
        }
    });
    told.collect()
}

fn dependencies(diff: &VersionDiff) -> Vec<String> {
    let lists =
        [("gained", &diff.dependencies_gained), ("no longer there", &diff.dependencies_lost)];
    let told = lists.into_iter().map(|(word, list)| match list {
        Measured::Known(all) if all.is_empty() => format!("Dependencies {word}: none"),
        Measured::Known(all) => format!("Dependencies {word}: {}", shown(&all.join(", "))),
        Measured::Unknown(why) => format!("Dependencies {word}: not determined: {}", shown(why)),
    });
    told.collect()
}

fn text(text: &TextPatch) -> Text {
    let hunks = text.hunks.iter().map(|hunk| OneHunk {
        old_line: hunk.old_line,
        new_line: hunk.new_line,
        lines: hunk
            .lines
            .iter()
            .map(|line| Line { class: class(line), text: code(line) })
            .collect(),
        thoughts: hunk.thoughts.iter().map(|thought| shown(thought)).collect(),
    });
    Text { path: shown(&text.path), hunks: hunks.collect(), left_out: shown(&text.left_out) }
}

fn class(line: &str) -> &'static str {
    match line.as_bytes().first() {
        Some(b'+') => "new",
        Some(b'-') => "old",
        _ => "same",
    }
}

/// A line of code, whose blanks at the front count.
fn code(line: &str) -> String {
    let front = line.len() - line.get(1..).map_or(0, |rest| rest.trim_start().len());
    let (front, rest) = line.split_at_checked(front).unwrap_or(("", line));
    let blanks = front.chars().take(80).map(|c| if c.is_whitespace() { ' ' } else { c });
    format!("{}{}", shown(&blanks.collect::<String>()), clip(&shown(rest), CHARS))
}

fn bytes(file: &BytesPatch) -> Bytes {
    let none = Vec::new();
    let (before, after) =
        (file.before.as_ref().unwrap_or(&none), file.after.as_ref().unwrap_or(&none));
    let mut lines = Vec::new();
    for at in 0..before.len().max(after.len()).min(HEX_LINES * 2) {
        let (old, new) = (before.get(at), after.get(at));
        let mut put = |class, sign, line: Option<&String>| {
            let text = line.map(|line| format!("{sign} {:04x}  {}", at * 16, shown(line)));
            lines.extend(text.map(|text| Line { class, text }));
        };
        if old == new {
            put("same", ' ', old);
        } else {
            put("old", '-', old);
            put("new", '+', new);
        }
    }
    Bytes { path: shown(&file.path), lines }
}

/// Files that are not text first.
fn files(diff: &VersionDiff) -> Vec<File> {
    let lists = [("added", &diff.added), ("changed", &diff.changed), ("gone", &diff.removed)];
    let all = lists.into_iter().flat_map(|(how, list)| list.iter().map(move |file| (how, file)));
    let mut files: Vec<File> = all.map(|(how, file)| told(how, file)).collect();
    files.sort_by_key(|file| !file.notable);
    files
}

fn told(how: &'static str, file: &DiffFile) -> File {
    let size = match (file.size_before, file.size) {
        (Some(before), Some(after)) if before != after => {
            format!("{} → {}", size(before), size(after))
        }
        (_, Some(one)) | (Some(one), None) => size(one),
        (None, None) => count(0, "byte"),
    };
    File { path: shown(&file.path), how, what: shown(&file.class), size, notable: file.binary }
}
