//! Lay out, decide nothing: one file is one output format.
//!
//! A [`Report`] comes in whole and in its final order. A format chooses words, places and escapes;
//! it must not sort anew, judge, fetch or read a clock. What of a report is shown at all (levels,
//! waivers, what was there before) is answered in one place, [`view`], so that two formats cannot
//! disagree. Strings from strangers pass [`crate::domain::text::shown`] and then the escaping of
//! the format.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::domain::report::Context;
use crate::domain::text::is_hidden;
use crate::domain::{Level, Report};

mod block;
pub mod book;
mod cyclonedx;
pub mod diff_page;
mod fingerprint;
pub mod fleet;
mod gfm;
mod github;
mod gitlab;
mod hands;
mod html;
mod human;
pub mod inspect;
mod json;
mod ledger;
mod markdown;
pub mod model;
pub mod repository;
mod sarif;
pub mod version_diff;
pub mod view;
mod words;
mod wrap;

#[cfg(test)]
pub(crate) mod sample;

pub use html::{About, page_about};
pub use json::report_schema;
pub use words::told;

/// An output format, as `--format` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Diagnostics for a terminal.
    Human,
    /// The report itself, `custody-report/1`.
    Json,
    /// SARIF 2.1.0 for code scanning.
    Sarif,
    /// Workflow commands that GitHub shows as annotations.
    Github,
    /// Markdown for a pull-request comment or a step's summary.
    Markdown,
    /// GitLab's Code Quality report.
    Gitlab,
    /// A CycloneDX 1.6 bill of materials.
    Cyclonedx,
    /// The same in CycloneDX 1.7.
    Cyclonedx17,
    /// One HTML page.
    Html,
}

impl Format {
    /// All formats, in the order in which help texts list them.
    pub const ALL: [Self; 9] = [
        Self::Human,
        Self::Json,
        Self::Sarif,
        Self::Github,
        Self::Markdown,
        Self::Gitlab,
        Self::Cyclonedx,
        Self::Cyclonedx17,
        Self::Html,
    ];

    /// The word after `--format`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Markdown => "markdown",
            Self::Gitlab => "gitlab",
            Self::Cyclonedx => "cyclonedx",
            Self::Cyclonedx17 => "cyclonedx-1.7",
            Self::Html => "html",
        }
    }
}

impl Format {
    /// Whether it shows what stands beside the findings: bytes, what loading a model does, licences and
    /// publishers. The others need not have it looked up.
    #[must_use]
    pub fn shows_notes(self) -> bool {
        match self {
            Self::Json | Self::Cyclonedx | Self::Cyclonedx17 | Self::Html => true,
            Self::Human | Self::Sarif | Self::Github | Self::Markdown | Self::Gitlab => false,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = ReporterError;

    fn from_str(name: &str) -> Result<Self, ReporterError> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| ReporterError::UnknownFormat { name: name.to_owned() })
    }
}

/// How to lay out. Formats that have no use for a setting ignore it.
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Colour for a terminal; never the only carrier of a meaning.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Show notes, signals, what was there before, and every finding instead of the first few.
    pub all: bool,
    /// Show all evidence with hashes, the sum behind each score, and what was measured.
    pub verbose: bool,
    /// Lowest level that is shown. What fails the run is shown in any case.
    pub min_level: Level,
    /// How many findings are shown in full before the rest is counted.
    pub max_findings: usize,
    /// Rule ids are links (OSC 8) where the terminal takes them.
    pub links: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            color: false,
            width: 80,
            all: false,
            verbose: false,
            min_level: Level::Low,
            max_findings: 10,
            links: false,
        }
    }
}

/// Why a report could not be laid out.
#[derive(Debug, thiserror::Error)]
pub enum ReporterError {
    /// No such format.
    #[error("unknown output format `{name}` (known: {})", Format::ALL.map(Format::as_str).join(", "))]
    UnknownFormat {
        /// What was asked for.
        name: String,
    },
    /// The report could not be written as JSON.
    #[error("writing the {format} report as JSON")]
    Json {
        /// Which format.
        format: Format,
        /// What serde says.
        source: serde_json::Error,
    },
    /// The template of a page does not fit what is put into it.
    #[error("laying out the {format} report: {why}")]
    Template {
        /// Which format.
        format: Format,
        /// What the template engine says.
        why: String,
    },
}

/// Lays out a report. A text that is not empty ends with a line break.
pub fn render(
    format: Format,
    report: &Report,
    context: &Context<'_>,
    options: &Options,
) -> Result<String, ReporterError> {
    match format {
        Format::Human => Ok(human::render(report, context, options)),
        Format::Json => json::render(report),
        Format::Sarif => sarif::render(report, context, options),
        Format::Github => Ok(github::render(report, context, options)),
        Format::Markdown => Ok(markdown::render(report, context, options)),
        Format::Gitlab => gitlab::render(report, context, options),
        Format::Cyclonedx => cyclonedx::render(report, context, "1.6"),
        Format::Cyclonedx17 => cyclonedx::render(report, context, "1.7"),
        Format::Html => html::render(report, context, options),
    }
}

/// Pretty JSON with a line break at the end.
fn pretty(format: Format, value: &impl serde::Serialize) -> Result<String, ReporterError> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|source| ReporterError::Json { format, source })?;
    text.push('\n');
    Ok(visible(&text))
}

/// Words in lines of at most `width` columns.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    wrap::wrap(text, width, width)
}

/// A value as pretty JSON with a line break at the end, in which nothing acts on a terminal.
pub fn json_text(value: &impl serde::Serialize) -> Result<String, ReporterError> {
    pretty(Format::Json, value)
}

/// A line of JSON, in which nothing acts on a terminal.
pub fn json_line(value: &impl serde::Serialize) -> Result<String, ReporterError> {
    let text = serde_json::to_string(value)
        .map_err(|source| ReporterError::Json { format: Format::Json, source })?;
    Ok(visible(&text))
}

/// JSON in which every sign that is invisible, acts on a terminal or turns the reading order around is
/// written as an escape, which means the same. Such signs stand only inside of strings.
fn visible(json: &str) -> String {
    let acts = |c: char| is_hidden(c) || matches!(c, '\u{2028}' | '\u{2029}');
    if !json.contains(acts) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A change of hands in a sentence, safe for a terminal.
#[must_use]
pub fn change_of_hands(event: &crate::domain::custody_report::ReportEvent) -> String {
    hands::change(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse::<Format>().unwrap(), format);
        }
    }

    #[test]
    fn no_sign_that_acts_unseen_is_in_any_format_and_json_keeps_its_meaning() {
        let name = "a\u{9b}2Jb\u{202e}c\u{e0041}d\u{2028}e\u{1b}]8;;f";
        let mut report = sample::delta_report();
        for finding in &mut report.findings {
            finding.message = name.to_owned();
            finding.subject.name = name.to_owned();
            finding.rule = name.to_owned();
            finding.evidence[..].iter_mut().for_each(|one| one.note = name.to_owned());
        }
        report.project = Some(name.to_owned());
        for entry in &mut report.subjects {
            entry.subject.name = name.to_owned();
        }
        for format in Format::ALL {
            let text = render(format, &report, &sample::context(), &Options::default()).unwrap();
            let acts = |c: char| is_hidden(c) || c == '\u{2028}';
            assert!(!text.contains(acts), "{format}: {text:?}");
        }
        let json = render(Format::Json, &report, &sample::context(), &Options::default()).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
        let of = |format: Format| {
            let text = render(format, &report, &sample::context(), &Options::default()).unwrap();
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        };
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        sample::validate(&report_schema(), &[], &of(Format::Json));
        let sarif = parse(include_str!("../../fixtures/schemas/sarif-2.1.0.json"));
        sample::validate(&sarif, &[], &of(Format::Sarif));
        let gitlab = parse(include_str!("../../fixtures/schemas/gitlab-code-quality.schema.json"));
        sample::validate(&gitlab, &[], &of(Format::Gitlab));
    }

    #[test]
    fn every_line_of_the_annotations_is_a_command_of_a_runner_with_known_properties() {
        let mut report = sample::delta_report();
        report.findings[0].message = "a\n::error::b %25 c".to_owned();
        report.findings[0].rule = "x,y:z::".to_owned();
        let text = render(Format::Github, &report, &sample::context(), &Options::default());
        for line in text.unwrap().lines() {
            let (head, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
            let (kind, properties) = head.split_once(' ').unwrap();
            assert!(["error", "warning", "notice"].contains(&kind), "{line}");
            for property in properties.split(',') {
                let (name, value) = property.split_once('=').unwrap();
                let known = ["file", "line", "endLine", "col", "endColumn", "title"];
                assert!(known.contains(&name) && !value.contains([',', '\n']), "{line}");
            }
            assert!(!message.is_empty(), "{line}");
        }
    }

    #[test]
    fn json_of_facts_and_inspections_is_escaped_like_a_report() {
        let value = serde_json::json!({"a\u{202e}": "b\u{9b}c\u{2028}\u{e0041}"});
        for text in [json_text(&value).unwrap(), json_line(&value).unwrap()] {
            let acts = |c: char| c != '\n' && (is_hidden(c) || c == '\u{2028}');
            assert!(!text.contains(acts), "{text:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        }
    }

    #[test]
    fn reports_of_the_first_form_are_still_read() {
        // What `custody-report/1` had before fields were added to it.
        let mut value = serde_json::to_value(sample::report()).unwrap();
        for key in
            ["project", "gaps", "sections", "findings_left_out", "models", "excerpts", "hands"]
        {
            value.as_object_mut().unwrap().remove(key);
        }
        for finding in value["findings"].as_array_mut().unwrap() {
            for key in ["terms", "advisory", "baselined"] {
                finding.as_object_mut().unwrap().remove(key);
            }
        }
        for subject in value["subjects"].as_array_mut().unwrap() {
            for key in ["id", "license", "published_by", "authors", "runs_at_build", "base_only"] {
                subject.as_object_mut().unwrap().remove(key);
            }
        }
        sample::validate(&report_schema(), &[], &value);
        assert!(serde_json::from_value::<Report>(value).is_ok());
    }

    #[test]
    fn an_unknown_format_names_the_known_ones() {
        let error = "yaml".parse::<Format>().unwrap_err().to_string();
        assert!(error.contains("`yaml`") && error.contains("json"), "{error}");
    }
}
