//! The page as it grows, and how single facts are read from their JSON.

use serde_json::Value;

use crate::domain::fact::unknown_reason;
use crate::domain::text::shown;
use crate::reporter::words::{clip, told};
use crate::reporter::wrap::hanging;

/// Where the values of rows begin.
pub(super) const COLUMN: usize = 15;
/// Entries of one list; `--json` has all of them.
pub(in crate::reporter) const SHOWN: usize = 12;
/// Steps of a flow, and lines about one entry.
pub(super) const STEPS: usize = 12;

/// The page as it grows.
pub(in crate::reporter) struct Page {
    pub(in crate::reporter) out: String,
    pub(in crate::reporter) width: usize,
}

impl Page {
    /// A heading with an empty line before it.
    pub(in crate::reporter) fn heading(&mut self, title: &str, note: &str) {
        let gap = if note.is_empty() { "" } else { "  " };
        self.push(&format!("\n{title}{gap}{note}"));
    }

    /// One line as it is: for code and hexadecimal, which must not be broken.
    pub(in crate::reporter) fn push(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// A sentence or list, broken at spaces.
    pub(in crate::reporter) fn text(&mut self, indent: usize, text: &str) {
        let room = self.width.saturating_sub(indent);
        let body =
            hanging(&told(text), room, 0).replace('\n', &format!("\n{}", " ".repeat(indent)));
        self.push(&format!("{}{body}", " ".repeat(indent)));
    }

    /// A name and its value in two columns; nothing where there is no value.
    pub(in crate::reporter) fn row(&mut self, name: &str, value: Option<String>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else { return };
        let room = self.width.saturating_sub(COLUMN);
        let gap = " ".repeat(COLUMN);
        let body = hanging(&told(&value), room, 0).replace('\n', &format!("\n{gap}"));
        // A long name has a line of its own.
        if name.len() > COLUMN - 3 {
            self.push(&format!("  {name}"));
            self.push(&format!("{gap}{body}"));
        } else {
            self.push(&format!("  {name:<12} {body}"));
        }
    }

    /// A quoted line of code, cut to the width.
    pub(in crate::reporter) fn code(&mut self, indent: usize, code: &str) {
        let room = self.width.saturating_sub(indent + 2);
        self.push(&format!("{}| {}", " ".repeat(indent), clip(&shown(code), room)));
    }

    /// A line of a comparison: its indentation stays, and it is cut to the width.
    pub(in crate::reporter) fn quoted(&mut self, indent: usize, line: &str) {
        let room = self.width.saturating_sub(indent);
        let mut chars = line.chars();
        let sign = chars.next().unwrap_or(' ');
        let body = chars.as_str().replace('\t', "    ");
        let spaces = body.len() - body.trim_start_matches(' ').len();
        let text =
            format!("{sign}{}{}", " ".repeat(spaces.min(room / 2)), shown(body.trim_start()));
        self.push(format!("{}{}", " ".repeat(indent), clip(&text, room)).trim_end());
    }

    /// Says how many entries were not shown.
    pub(in crate::reporter) fn more(&mut self, total: usize, what: &str) {
        self.rest(total, SHOWN, what);
    }

    /// Says how many entries were not shown where `shown` were.
    pub(super) fn rest(&mut self, total: usize, shown: usize, what: &str) {
        if total > shown {
            self.push(&format!("  … and {} more {what} (--json lists all)", total - shown));
        }
    }
}

/// A scalar in words; `not determined: ...` where it is unknown, none where it is absent or null.
pub(in crate::reporter) fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(_) => unknown_reason(value).map(|why| format!("not determined: {why}")),
        Value::Array(all) => Some(all.iter().filter_map(word).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}

/// A string, empty where there is none.
pub(in crate::reporter) fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}

pub(in crate::reporter) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// "1.4 MB": a size that a person reads.
pub(in crate::reporter) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let scaled = |unit: u64| bytes as f64 / unit as f64;
    match bytes {
        0..=9_999 => format!("{bytes} B"),
        10_000..=999_999 => format!("{:.0} kB", scaled(1_000)),
        1_000_000..=999_999_999 => format!("{:.1} MB", scaled(1_000_000)),
        _ => format!("{:.1} GB", scaled(1_000_000_000)),
    }
}

/// Heads a section whose group is unknown or absent; the answer is whether there is something to show.
pub(super) fn known(page: &mut Page, title: &str, group: &Value) -> bool {
    if let Some(why) = unknown_reason(group) {
        page.heading(title, "");
        page.text(2, &format!("not determined: {why}"));
        return false;
    }
    !group.is_null()
}

/// `file:line` of an entry.
pub(super) fn at(entry: &Value) -> String {
    format!("{}:{}", string(entry, "file"), entry["line"].as_u64().unwrap_or(0))
}
