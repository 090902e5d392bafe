//! A model for a person at a terminal: what the rules say first, then each file with its header, and what
//! would happen in which order if somebody loaded it. Lays out, decides nothing.

use serde_json::Value;

use super::inspect::{Page, list, shown_by_findings, size, string, word};
use super::words::{clip, count, evidence_line};
use crate::domain::inspection::{ModelInspection, ModelTrace};
use crate::domain::text::shown;

/// Files that are listed one by one, and those of which the trace is shown.
const FILES: usize = 40;
const TRACES: usize = 12;
/// Lines of one trace: the ones that are marked come first into it, whatever their number.
const LINES: usize = 40;
/// Formats that are known and not parsed.
const UNREAD: [&str; 2] = ["tflite", "coreml"];
/// Where the text of an opcode begins in its line, and lines that a marked one may take.
const OPCODE: usize = 28;
const WRAPPED: usize = 6;
/// Evidence of one finding.
const EVIDENCE: usize = 8;

/// The list of facts of a parser, its title, and its fields with what they are called here.
type Header = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What a header says, by parser.
const HEADERS: [Header; 9] = [
    (
        "safetensors",
        "safetensors header",
        &[
            ("tensors", "tensors"),
            ("parameters", "parameters"),
            ("dtypes", "types"),
            ("metadata", "metadata"),
        ],
    ),
    (
        "gguf",
        "GGUF header",
        &[
            ("version", "version"),
            ("architecture", "architecture"),
            ("name", "name"),
            ("license", "licence"),
            ("tensors", "tensors"),
            ("parameters", "parameters"),
            ("tensor_types", "types"),
            ("vocabulary", "vocabulary"),
            ("source_url", "made from"),
            ("template_keys", "templates"),
        ],
    ),
    (
        "onnx",
        "ONNX model",
        &[
            ("ir_version", "IR version"),
            ("producer", "producer"),
            ("operator_sets", "operators"),
            ("nodes", "nodes"),
            ("tensors", "tensors"),
            ("custom_operators", "custom"),
            ("external_files", "other files"),
        ],
    ),
    (
        "tensorflow",
        "TensorFlow graph",
        &[
            ("graphs", "graphs"),
            ("nodes", "nodes"),
            ("functions", "functions"),
            ("operations", "notable"),
        ],
    ),
    (
        "keras",
        "Keras model",
        &[
            ("class_name", "class"),
            ("keras_version", "version"),
            ("objects", "objects"),
            ("foreign", "foreign"),
            ("custom", "custom"),
        ],
    ),
    (
        "tokenizers",
        "tokenizer",
        &[
            ("vocabulary", "vocabulary"),
            ("added_tokens", "added tokens"),
            ("regexes", "expressions"),
        ],
    ),
    (
        "skops",
        "skops schema",
        &[("types", "types"), ("foreign_types", "foreign"), ("loaders", "nodes")],
    ),
    ("python", "Python source", &[("lines", "lines"), ("imports", "imports")]),
    (
        "configs",
        "configuration",
        &[
            ("model_type", "model type"),
            ("architectures", "classes"),
            ("trust_remote_code", "trusts code"),
            ("targets", "imports"),
            ("base_model", "base model"),
            ("pickled_weight_files", "pickles"),
        ],
    ),
];

/// Lays out an inspection in lines of `width` columns.
#[must_use]
pub fn human(inspection: &ModelInspection, width: usize) -> String {
    let mut page = Page { out: String::new(), width };
    let facts = inspection.sheet.facts.get("model").unwrap_or(&Value::Null);
    let bad = shown_by_findings(&inspection.findings);
    let is_bad = |file: &&Value| bad.contains(string(file, "path"));
    let (mut files, rest): (Vec<&Value>, Vec<&Value>) =
        list(facts, "files").iter().partition(is_bad);
    files.extend(rest);
    header(&mut page, inspection, facts, &files, bad.len());
    verdict(&mut page, inspection);
    for file in files.iter().copied().take(TRACES) {
        let trace = inspection.traces.iter().find(|trace| trace.path == string(file, "path"));
        one_file(&mut page, facts, file, trace);
    }
    let rest = list(facts, "files").len().saturating_sub(TRACES);
    if rest > 0 {
        page.push(&format!("\n… and {} (--json has them)", count(rest, "more file")));
    }
    let marked = |line: &String| line.starts_with(['!', '?']);
    if inspection.traces.iter().flat_map(|trace| &trace.lines).any(marked) {
        page.push("\n`!` can do more than build data, `?` is on no list or odd");
    }
    page.out
}

fn header(
    page: &mut Page,
    inspection: &ModelInspection,
    facts: &Value,
    sorted: &[&Value],
    bad: usize,
) {
    page.push(&shown(&inspection.path));
    let number = |key: &str| facts[key].as_u64().unwrap_or(0);
    let formats = facts["formats"].as_object().into_iter().flatten();
    let formats: Vec<String> = formats.map(|(name, n)| format!("{name} {n}")).collect();
    if number("file_count") == 1 {
        return;
    }
    let files = usize::try_from(number("file_count")).unwrap_or(usize::MAX);
    page.row("files", Some(format!("{}, {}", count(files, "file"), size(number("bytes")))));
    page.row("formats", Some(formats.join(", ")));
    for (at, file) in sorted.iter().take(FILES).enumerate() {
        let bytes = size(file["size"].as_u64().unwrap_or(0));
        let mark = if at < bad { '!' } else { ' ' };
        page.push(&format!(
            "{mark} {bytes:>8}  {:<12} {}",
            shown(string(file, "format")),
            shown(string(file, "path"))
        ));
    }
    let rest = list(facts, "files").len().saturating_sub(FILES);
    if rest > 0 {
        page.push(&format!("  … and {}", count(rest, "more file")));
    }
}

fn verdict(page: &mut Page, inspection: &ModelInspection) {
    page.heading("What the rules say", "");
    if inspection.findings.is_empty() {
        page.text(2, "no finding");
    }
    for finding in &inspection.findings {
        page.text(2, &format!("{} {}: {}", finding.level, finding.rule, finding.message));
        for evidence in finding.evidence.iter().take(EVIDENCE) {
            page.text(6, &evidence_line(evidence));
        }
        let rest = finding.evidence.len().saturating_sub(EVIDENCE);
        if rest > 0 {
            page.push(&format!("      … and {rest} more"));
        }
    }
    for entry in inspection.undetermined.iter().take(FILES) {
        let file = entry.file.as_deref().unwrap_or_default();
        page.text(2, &format!("not looked at: {file}: {}", entry.reason));
    }
}

fn one_file(page: &mut Page, facts: &Value, file: &Value, trace: Option<&ModelTrace>) {
    let path = string(file, "path");
    let kind = match string(file, "flavour") {
        "" => string(file, "format").to_owned(),
        flavour => format!("{flavour} ({})", string(file, "format")),
    };
    let bytes = size(file["size"].as_u64().unwrap_or(0));
    page.heading(&shown(path), &format!("{}, {bytes}", shown(&kind)));
    page.row("sha256", word(&file["sha256"]));
    for (key, title, rows) in HEADERS {
        for part in list(facts, key).iter().filter(|part| string(part, "path") == path) {
            let rows: Vec<(&str, String)> = rows
                .iter()
                .filter_map(|(field, name)| Some((*name, told(&part["facts"][field])?)))
                .filter(|(_, text)| !text.is_empty())
                .collect();
            if rows.is_empty() {
                continue;
            }
            let member = string(part, "member");
            let gap = if member.is_empty() { "" } else { "  " };
            page.push(&format!("  {title}{gap}{}", shown(member)));
            for (name, text) in rows {
                page.text(4, &format!("{name}: {text}"));
            }
        }
    }
    // The first line of what is no archive says what the heading says.
    let whole = |line: &String| line.starts_with("file (") && line.ends_with(" bytes)");
    let trace = trace.map_or(&[][..], |trace| &trace.lines);
    let trace = if trace.first().is_some_and(whole) { &trace[1..] } else { trace };
    if !trace.is_empty() {
        let title = match string(file, "format") {
            "text" | "json" | "xml" | "gguf" => "seen in it:",
            _ => "loading it, in order:",
        };
        page.push(&format!("  {title}"));
        lines(page, trace);
    } else if UNREAD.contains(&string(file, "format")) {
        page.text(
            2,
            "told by its first bytes; no parser for what is in it, which is data by its format",
        );
    }
}

/// A fact in words; nothing where it says nothing.
fn told(value: &Value) -> Option<String> {
    match value {
        Value::Bool(false) => None,
        Value::Number(n) if n.as_u64() == Some(0) => None,
        Value::Object(map) => {
            let named =
                |name: &str| if name.is_empty() { "ai.onnx".to_owned() } else { name.to_owned() };
            let parts = map
                .iter()
                .take(12)
                .filter_map(|(name, value)| Some(format!("{} {}", named(name), word(value)?)));
            Some(parts.collect::<Vec<_>>().join(", "))
        }
        Value::Array(all) => {
            Some(all.iter().take(12).filter_map(word).collect::<Vec<_>>().join(", "))
        }
        other => word(other),
    }
}

/// A trace, cut to [`LINES`]: lines with a mark stay, then those that stand first.
fn lines(page: &mut Page, lines: &[String]) {
    let marked = |line: &str| line.starts_with(['!', '?']);
    let mut room = LINES.saturating_sub(lines.iter().filter(|line| marked(line)).count());
    let mut left_out = 0_usize;
    let mut marks = 0;
    for line in lines {
        let keep = if marked(line) {
            marks += 1;
            marks <= LINES
        } else {
            let free = room > 0;
            room -= usize::from(free);
            free
        };
        if !keep {
            left_out += 1;
            continue;
        }
        skipped(page, &mut left_out);
        cut(page, line);
    }
    skipped(page, &mut left_out);
}

fn skipped(page: &mut Page, left_out: &mut usize) {
    if *left_out > 0 {
        page.push(&format!("    … {} (--json has them)", count(*left_out, "line")));
        *left_out = 0;
    }
}

/// One line of a trace: what is marked goes on below, the rest is at most as wide as the page. The first
/// character is its mark.
fn cut(page: &mut Page, line: &str) {
    if line.starts_with(['!', '?']) {
        return wrap(page, line);
    }
    let indent = 4;
    let room = page.width.saturating_sub(indent).max(20);
    // `shown` would take the indentation of quoted code away.
    let spaces = line.len() - line.trim_start_matches(' ').len();
    let text = format!("{}{}", " ".repeat(spaces.min(room / 2)), shown(line.trim_start()));
    page.push(&format!("{}{}", " ".repeat(indent), clip(&text, room)));
}

/// A marked line, broken where the page ends: the end of a name or of an argument is what tells most.
fn wrap(page: &mut Page, line: &str) {
    let room = page.width.saturating_sub(4 + OPCODE).max(20);
    let text: Vec<char> = shown(line).chars().collect();
    let (head, rest) = text.split_at(text.len().min(OPCODE + room));
    page.push(&format!("    {}", head.iter().collect::<String>()));
    for (number, piece) in rest.chunks(room).enumerate() {
        let more = if number == WRAPPED { "…" } else { "" };
        let piece: String = if more.is_empty() { piece.iter().collect() } else { more.to_owned() };
        page.push(&format!("{}{piece}", " ".repeat(4 + OPCODE)));
        if number == WRAPPED {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::inspection::MODEL_INSPECTION;
    use crate::domain::text::is_hidden;
    use crate::domain::{FactSheet, Origin, Subject, SubjectKind};

    const HOSTILE: &str = "a\u{1b}[2J\u{202e}b\nc\u{200b}";

    fn inspection(lines: Vec<String>) -> ModelInspection {
        let mut sheet = FactSheet::new(Subject {
            kind: SubjectKind::Model,
            name: HOSTILE.to_owned(),
            version: String::new(),
            origin: Origin::Local,
        });
        let file = json!({"path": HOSTILE, "size": 12, "format": "gguf", "sha256": "00"});
        let gguf = json!({"path": HOSTILE, "member": HOSTILE, "facts": {"name": HOSTILE,
            "tensor_types": {HOSTILE: 1}, "template_keys": [HOSTILE], "tensors": 0}});
        let model = json!({"file_count": 1, "bytes": 12, "formats": {"gguf": 1}, "files": [file], "gguf": [gguf]});
        sheet.put("model", &model);
        ModelInspection {
            schema: MODEL_INSPECTION.to_owned(),
            path: HOSTILE.to_owned(),
            sheet,
            traces: vec![ModelTrace { path: HOSTILE.to_owned(), lines }],
            findings: Vec::new(),
            undetermined: Vec::new(),
        }
    }

    #[test]
    fn nothing_hostile_reaches_the_terminal() {
        let page = human(&inspection(vec![format!("! {HOSTILE}")]), 80);
        let hidden: Vec<char> = page.chars().filter(|c| *c != '\n' && is_hidden(*c)).collect();
        assert!(hidden.is_empty(), "{page}");
        assert!(!page.lines().any(|line| line.starts_with('c')), "{page}");
    }

    #[test]
    fn a_marked_line_is_broken_and_never_cut_short_of_its_argument() {
        let call =
            format!("! 0x000010 REDUCE           call posix.system('{}end')", "x".repeat(100));
        let page = human(&inspection(vec![call, format!("  {}", "y".repeat(300))]), 80);
        assert!(page.contains("end')"), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
        assert!(page.contains("yy…"), "{page}");
    }

    #[test]
    fn a_long_trace_keeps_what_is_marked() {
        let mut all: Vec<String> = (0..500).map(|n| format!("  harmless {n}")).collect();
        all.push("! import posix.system".to_owned());
        let page = human(&inspection(all), 80);
        assert!(page.contains("! import posix.system"), "{page}");
        assert!(page.contains("… 461 lines (--json has them)"), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    }
}
