//! One page that needs nothing else: no script, no font, no picture, nothing to load.
//!
//! A content security policy forbids everything but the one style sheet, known by its hash; every
//! string is escaped, and only web addresses become links.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::view::{Existing, View};
use super::words::{change_note, evidence_line, is_web, place, told, way};
use super::{Options, hands};
use crate::domain::report::{Context, SubjectChange, SubjectEntry};
use crate::domain::{Evidence, Finding, Report};

const STYLE: &str = include_str!("html.css");

pub(super) fn render(report: &Report, context: &Context<'_>, options: &Options) -> String {
    let view = View::new(report, context, options, Existing::Listed);
    let mut out = head();
    let _ =
        writeln!(out, "<h1>cargo custody</h1>\n<p><strong>{}</strong></p>", safe(&view.verdict()));
    held(&mut out, report);
    facts(&mut out, &view);
    if let Some(changes) = &report.changes {
        changed(&mut out, changes);
    }
    out.push_str("<h2>Findings</h2>\n");
    if view.shown.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", safe(&view.nothing()));
    }
    for finding in &view.shown {
        article(&mut out, finding);
    }
    unknown(&mut out, &view);
    subjects(&mut out, &report.subjects);
    out.push_str("</body>\n</html>\n");
    out
}

fn head() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>cargo custody</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    )
}

/// What changed hands: a sentence and a list.
fn held(out: &mut String, report: &Report) {
    let lines = hands::lines(report, hands::ON_A_PAGE);
    let Some((first, rest)) = lines.split_first() else { return };
    let _ = writeln!(out, "<h2>Hands</h2>\n<p>{}</p>", safe(first));
    if rest.is_empty() {
        return;
    }
    out.push_str("<ul>\n");
    for line in rest {
        let _ = writeln!(out, "<li>{}</li>", safe(line));
    }
    out.push_str("</ul>\n");
}

fn facts(out: &mut String, view: &View<'_>) {
    out.push_str("<dl>\n");
    let audited = format!("{} as of {}", view.audited(), view.report.as_of);
    for (name, text) in [
        ("Audited", audited),
        ("Coverage", view.coverage()),
        ("Sources", view.provenance()),
        ("Not shown", view.left_out()),
    ] {
        term(out, name, &text);
    }
    out.push_str("</dl>\n");
}

/// A name and its text; nothing where there is no text.
fn term(out: &mut String, name: &str, text: &str) {
    if !text.trim().is_empty() {
        let _ = writeln!(out, "<dt>{name}</dt><dd>{}</dd>", safe(text));
    }
}

fn changed(out: &mut String, changes: &[SubjectChange]) {
    out.push_str("<h2>What changed</h2>\n<table>\n<tr><th>Name<th>Before<th>Now<th>Hands<th>Bytes<th>Capabilities</tr>\n");
    for change in changes {
        let from = change.from.as_deref().unwrap_or("new");
        let to = change.to.as_deref().unwrap_or("removed");
        row(out, &[&change.name, from, to, &change.hands, &change.bytes, &change.capabilities]);
    }
    out.push_str("</table>\n");
}

fn row(out: &mut String, cells: &[&str]) {
    out.push_str("<tr>");
    for cell in cells {
        let _ = write!(out, "<td>{}", safe(cell));
    }
    out.push_str("</tr>\n");
}

fn article(out: &mut String, finding: &Finding) {
    let level = finding.level.as_str();
    let change = finding.change.map_or("", change_note);
    let _ = writeln!(
        out,
        "<article class=\"{level}\">\n<h3>{level}: {} <span class=\"at\">({}, {}{change})</span></h3>\n<p>{}</p>\n<dl>",
        safe(&finding.subject.to_string()),
        safe(&finding.rule),
        safe(&place(&finding.location)),
        safe(&finding.message)
    );
    if !finding.evidence.is_empty() {
        out.push_str("<dt>Seen</dt>\n");
        for item in &finding.evidence {
            evidence(out, item);
        }
    }
    if finding.path.len() > 1 {
        term(out, "Why it is here", &way(finding, "→"));
    }
    for location in &finding.related {
        term(out, "Declared at", &place(location));
    }
    term(out, "To clear", &finding.clear);
    let arithmetic = finding.arithmetic.join("; ");
    if !arithmetic.is_empty() {
        term(out, "Score", &format!("{:.1}: {arithmetic}", finding.score));
    }
    out.push_str("</dl>\n</article>\n");
}

fn evidence(out: &mut String, item: &Evidence) {
    let _ = write!(out, "<dd>{}", safe(&evidence_line(item)));
    if let Some(url) = item.url.as_deref().filter(|url| is_web(url)) {
        let url = safe(url);
        let _ = write!(out, " <a rel=\"noopener noreferrer\" href=\"{url}\">{url}</a>");
    }
    out.push_str("</dd>\n");
}

fn unknown(out: &mut String, view: &View<'_>) {
    let groups = view.unknown();
    if groups.is_empty() {
        return;
    }
    out.push_str("<h2>Not determined</h2>\n<ul>\n");
    for group in groups {
        let _ = writeln!(out, "<li>{}", safe(&group.sentence()));
    }
    out.push_str("</ul>\n");
}

fn subjects(out: &mut String, subjects: &[SubjectEntry]) {
    out.push_str("<h2>Audited</h2>\n<details><summary>");
    let _ = write!(out, "{} entries</summary>\n<table>\n", subjects.len());
    out.push_str("<tr><th>Kind<th>Name<th>Version<th>Named at</tr>\n");
    for entry in subjects {
        let subject = &entry.subject;
        let at = place(&entry.location);
        row(out, &[subject.kind.as_str(), &subject.name, &subject.version, &at]);
    }
    out.push_str("</table>\n</details>\n");
}

/// Text that stays text, inside an element and inside an attribute.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in told(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::sample;

    fn text(report: &Report) -> String {
        render(report, &sample::context(), &Options::default())
    }

    #[test]
    fn the_layout_is_stable() {
        sample::golden("fixtures/reports/delta.html", &text(&sample::delta_report()));
    }

    #[test]
    fn strangers_bring_no_element_and_no_attribute() {
        let hostile = "</style><script>alert(1)</script><img src=x onerror=y>\"' &amp;";
        let mut report = sample::delta_report();
        for finding in &mut report.findings {
            finding.message = hostile.to_owned();
            finding.rule = hostile.to_owned();
            finding.subject.name = hostile.to_owned();
            finding.location.file = hostile.to_owned();
            finding.evidence.push(Evidence {
                note: hostile.to_owned(),
                url: Some(format!("https://x.invalid/{hostile}")),
                ..Evidence::default()
            });
        }
        report.subjects[0].subject.name = hostile.to_owned();
        report.provenance.insert(hostile.to_owned(), hostile.to_owned());
        let text = text(&report);
        assert!(!text.contains("<script") && !text.contains("<img"));
        assert_eq!(text.matches("</style>").count(), 1);
        assert_eq!(text.matches('"').count() % 2, 0);
    }

    #[test]
    fn only_web_addresses_become_links() {
        let mut report = sample::report();
        for url in ["javascript:alert(1)", "https://a.invalid/\"onclick=x", "data:text/html,x"] {
            report.findings[0].evidence[0].url = Some(url.to_owned());
            assert!(!text(&report).contains(url), "{url}");
        }
        report.findings[0].evidence[0].url = Some("https://a.invalid/?a&b".to_owned());
        assert!(text(&report).contains("href=\"https://a.invalid/?a&amp;b\""));
    }

    #[test]
    fn the_page_loads_nothing() {
        let text = text(&sample::report());
        assert!(text.contains("default-src 'none'; style-src 'sha256-"));
        for element in ["<script", "<link", "<img", "<iframe", " src=\"", "@import", "url("] {
            assert!(!text.contains(element), "{element}");
        }
    }
}
