//! What the repositories behind the crates tell: one line a crate, what differs, and who was there when.

use crate::domain::Report;
use crate::domain::text::shown;
use crate::domain::timeline::RepositoryEntry;
use crate::reporter::repository::{Timeline, timeline};

/// The section on repositories.
pub(super) struct Section {
    pub(super) headline: String,
    pub(super) entries: Vec<Entry>,
    pub(super) left_out: u64,
}

/// One crate.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) line: String,
    pub(super) files: Vec<File>,
    pub(super) left_out: u64,
    pub(super) timeline: Option<Timeline>,
}

/// A file that differs, with the lines that do and whether the archive has them.
pub(super) struct File {
    pub(super) title: String,
    pub(super) lines: Vec<(bool, String)>,
}

pub(super) fn of(report: &Report) -> Option<Section> {
    let told = report.repositories.as_ref()?;
    let unknown = match told.unknown {
        0 => String::new(),
        unknown => format!(" {unknown} could not be compared."),
    };
    Some(Section {
        headline: format!(
            "Of {} archives that were held against the commit that they were made from, {} are explained file by file.{unknown}",
            told.compared, told.explained
        ),
        entries: told.entries.iter().map(entry).collect(),
        left_out: told.left_out,
    })
}

fn entry(told: &RepositoryEntry) -> Entry {
    let by = told.explained_by.iter().map(|(how, files)| format!("{files} {}", shown(how)));
    let by: Vec<String> = by.collect();
    let named = if told.named_by == "tag" { " (named by the version's tag)" } else { "" };
    let others = if by.is_empty() { "none".to_owned() } else { by.join(", ") };
    let files = told.unexplained.iter().map(|file| File {
        title: format!(
            "{}{}: {}",
            shown(&file.path),
            if file.at_build { " (runs or is read at build time)" } else { "" },
            shown(&file.why)
        ),
        lines: file.difference.iter().map(|line| (line.starts_with('+'), shown(line))).collect(),
    });
    Entry {
        name: format!("{} {}", shown(&told.name), shown(&told.version)),
        line: format!(
            "Commit {} of {}{named}: {} files are the same; explained otherwise: {others}.",
            shown(&told.commit),
            shown(&told.repository),
            told.same
        ),
        files: files.collect(),
        left_out: told.left_out,
        timeline: told.custody.as_ref().map(timeline),
    }
}
