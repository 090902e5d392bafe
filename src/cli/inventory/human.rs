//! The inventory for readers: one block a kind, aligned, within the columns of the terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::bases::{self, BaseEntry};
use super::{Inventory, NamedEntry, Place, ServiceEntry};
use crate::domain::text::shown;
use crate::walker::models::RevisionKind;

/// Most places of one entry that are written out.
const PLACES: usize = 3;
/// Most entries of one block; the rest is counted.
const ENTRIES: usize = 60;

/// Lays out a page of text.
struct Page {
    out: String,
    width: usize,
    color: bool,
}

/// The whole inventory as text.
pub(super) fn render(inventory: &Inventory, width: usize, color: bool) -> String {
    let mut page = Page { out: String::new(), width, color };
    page.crates(inventory);
    page.named("Models", &inventory.models);
    page.named("Data sets", &inventory.datasets);
    page.services(&inventory.services);
    page.local(inventory);
    page.rest(inventory);
    page.out
}

impl Page {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn title(&mut self, title: &str, count: usize, note: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        let title = self.paint(Style::new().bold(), title);
        let _ = writeln!(self.out, "{title} ({count}){note}");
    }

    /// `name   note` with the names in one column; a note that does not fit goes to the next line.
    fn row(&mut self, name: &str, name_width: usize, note: &str) {
        let pad = " ".repeat(name_width.saturating_sub(name.chars().count()));
        let room = self.width.saturating_sub(name_width.max(name.chars().count()) + 4);
        let name = self.paint(Style::new().fg_color(Some(AnsiColor::Cyan.into())), name);
        if note.chars().count() <= room {
            let _ = writeln!(self.out, "  {name}{pad}  {note}");
        } else {
            let _ = writeln!(self.out, "  {name}\n      {}", cut(note, self.width - 6));
        }
    }

    fn crates(&mut self, inventory: &Inventory) {
        if inventory.crates.is_empty() {
            return;
        }
        let direct = inventory.crates.iter().filter(|entry| entry.direct).count();
        let note = format!(", {direct} of them asked for by the project itself");
        self.title("Crates that carry AI", inventory.crates.len(), &note);
        let name = |entry: &super::CrateEntry| shown(&format!("{} {}", entry.name, entry.version));
        let width = column(inventory.crates.iter().map(name), self.width);
        let (own, brought): (Vec<_>, Vec<_>) = inventory.crates.iter().partition(|e| e.direct);
        for entry in own.iter().take(ENTRIES) {
            let note = format!("{}, {}", entry.role, shown(&entry.place));
            self.row(&name(entry), width, &note);
        }
        for entry in brought.iter().take(ENTRIES.saturating_sub(own.len())) {
            self.row(&name(entry), width, &format!("{}, brought in by others", entry.role));
        }
        self.left_out(inventory.crates.len());
    }

    fn left_out(&mut self, count: usize) {
        if count > ENTRIES {
            let _ = writeln!(self.out, "  ... and {} more (--json lists all)", count - ENTRIES);
        }
    }

    fn named(&mut self, title: &str, entries: &[NamedEntry]) {
        if entries.is_empty() {
            return;
        }
        let pinned = entries.iter().filter(|entry| entry.pinned == Some(true)).count();
        self.title(title, entries.len(), &format!(", {pinned} pinned to a commit"));
        let width = column(entries.iter().map(|entry| shown(&entry.id)), self.width);
        for entry in entries.iter().take(ENTRIES) {
            self.row(&shown(&entry.id), width, &revision(entry));
            self.places(&entry.places, entry.more);
            self.base(&entry.base);
        }
        self.left_out(entries.len());
    }

    fn base(&mut self, base: &[BaseEntry]) {
        if base.is_empty() {
            return;
        }
        let text = format!("built on {}", bases::words(base));
        let mut line = String::new();
        for word in text.split(' ') {
            if line.chars().count() + word.chars().count() + 7 > self.width && !line.is_empty() {
                let _ = writeln!(self.out, "      {line}");
                // What goes on stands further in.
                "  ".clone_into(&mut line);
            }
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let _ = writeln!(self.out, "      {}", cut(&line, self.width.saturating_sub(6)));
    }

    fn places(&mut self, places: &[Place], more: u32) {
        for place in places.iter().take(PLACES) {
            let text = format!("{}:{}", shown(&place.file), place.line);
            let room = self.width.saturating_sub(9 + place.form.len());
            let text = cut(&text, room);
            let form = self.paint(Style::new().dimmed(), &format!("({})", place.form));
            let _ = writeln!(self.out, "      {text} {form}");
        }
        let beyond = places.len().saturating_sub(PLACES) + usize::try_from(more).unwrap_or(0);
        if beyond > 0 {
            let _ = writeln!(self.out, "      and {beyond} more");
        }
    }

    fn services(&mut self, entries: &[ServiceEntry]) {
        if entries.is_empty() {
            return;
        }
        let leaving = entries.iter().filter(|entry| !entry.local).count();
        let note = format!(", {leaving} outside this machine and its network");
        self.title("Inference services", entries.len(), &note);
        let width = column(entries.iter().map(|entry| shown(&entry.host)), self.width);
        for entry in entries.iter().take(ENTRIES) {
            let note = match (entry.local, entry.vendor.as_str()) {
                (true, _) => "stays on this machine or its network".to_owned(),
                (false, "") => "data leaves this machine".to_owned(),
                (false, vendor) => format!("{vendor}: data leaves this machine"),
            };
            self.row(&shown(&entry.host), width, &note);
            self.places(&entry.places, entry.more);
        }
        self.left_out(entries.len());
    }

    fn local(&mut self, inventory: &Inventory) {
        if inventory.local.is_empty() {
            return;
        }
        self.title("Models in this folder", inventory.local.len(), "");
        let width = column(inventory.local.iter().map(|entry| shown(&entry.path)), self.width);
        for entry in inventory.local.iter().take(ENTRIES) {
            let what = match entry.repository.as_deref() {
                Some(id) => format!("{} of {}", entry.layout, shown(id)),
                None if entry.files == 1 => entry.layout.to_owned(),
                None => format!("{}, {} weight files", entry.layout, entry.files),
            };
            self.row(&shown(&entry.path), width, &what);
            self.base(&entry.base);
        }
        self.left_out(inventory.local.len());
    }

    fn rest(&mut self, inventory: &Inventory) {
        if self.out.is_empty() {
            self.out.push_str("No crate, model, data set or service of AI was found.\n");
        }
        if !inventory.possible.is_empty() {
            let _ = writeln!(
                self.out,
                "\n{} more names have the shape of a model's id, and nothing says that they are\nloaded; --json lists them.",
                inventory.possible.len()
            );
        }
        for entry in inventory.unread.iter().take(10) {
            let _ = writeln!(self.out, "\nnot read: {}", cut(&shown(entry), self.width - 10));
        }
    }
}

/// What is known of a revision, in words.
fn revision(entry: &NamedEntry) -> String {
    let mut text = match entry.revision_kind {
        RevisionKind::Commit => {
            format!("pinned to {}", entry.revision.chars().take(12).collect::<String>())
        }
        RevisionKind::None => "not pinned: default branch".to_owned(),
        RevisionKind::Variable => "revision computed by the code".to_owned(),
        RevisionKind::PullRequest => format!("not merged: {}", shown(&entry.revision)),
        RevisionKind::Branch | RevisionKind::TagOrBranch | RevisionKind::Converted => {
            format!("not pinned: {}", shown(&entry.revision))
        }
    };
    if entry.trust_remote_code {
        text.push_str(", runs its code");
    }
    if entry.only_in_tests {
        text.push_str(", tests only");
    }
    text
}

/// Width of the column of names: the longest, at most five eighths of the line.
fn column(names: impl Iterator<Item = String>, width: usize) -> usize {
    names.map(|name| name.chars().count()).max().unwrap_or(0).min(width * 5 / 8)
}

/// A text cut to a number of characters.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(room.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        Inventory {
            schema: super::super::SCHEMA,
            crates: Vec::new(),
            models: vec![NamedEntry {
                id: "an-organisation-with-a-long-name/and-a-model-with-a-longer-one".to_owned(),
                revision: "refs/pr/7".to_owned(),
                revision_kind: RevisionKind::PullRequest,
                pinned: Some(false),
                trust_remote_code: true,
                only_in_tests: true,
                base: (1..6)
                    .map(|depth| BaseEntry {
                        id: format!("organisation-{depth}/a-base-model-with-a-name"),
                        relation: "finetune".to_owned(),
                        named_by: "x".to_owned(),
                        depth,
                        status: (depth == 5).then(|| "missing-or-private".to_owned()),
                    })
                    .collect(),
                places: vec![Place {
                    file: "a/very/long/path/".repeat(8),
                    line: 7,
                    form: "hf-hub-repo".to_owned(),
                }],
                more: 2,
            }],
            datasets: Vec::new(),
            services: Vec::new(),
            local: Vec::new(),
            possible: Vec::new(),
            unread: vec!["x".repeat(500)],
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_nothing_depends_on_colour() {
        let plain = render(&inventory(), 80, false);
        for line in plain.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert!(plain.contains("not merged: refs/pr/7"));
        assert!(plain.contains("built on organisation-1/a-base-model-with-a-name (as finetune),"));
        assert!(plain.contains("organisation-5/a-base-model-with-a-name (missing-or-private)"));
        assert!(!plain.contains('\u{1b}'));
    }

    #[test]
    fn a_project_without_ai_is_told_so() {
        let mut empty = inventory();
        empty.models.clear();
        empty.unread.clear();
        assert_eq!(
            render(&empty, 80, false),
            "No crate, model, data set or service of AI was found.\n"
        );
    }
}
