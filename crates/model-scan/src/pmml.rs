//! PMML and other XML beside weights: what an XML parser would fetch or expand, and scripts in extensions.
//! No entity is resolved here.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `too-long`, `malformed`, `doctype`, `entity`,
//! `external-entity` (a file or an address that a parser would read, XXE), `processing-instruction`,
//! `script`, `xinclude`, `too-deep`.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;

/// Longest document that is looked at, in bytes.
pub const SIZE_LIMIT: usize = 64 * 1024 * 1024;
/// Deepest nesting of elements.
const DEPTH_LIMIT: u32 = 1000;

/// What an XML model would make its reader do.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct Pmml {
    /// Whether the document was read to its end.
    pub complete: bool,
    /// Name of the outermost element, `PMML` for PMML.
    pub root: Option<String>,
    /// `version` of the outermost element.
    pub version: Option<String>,
    /// Number of elements.
    pub elements: u64,
    /// Number of `Extension` elements.
    pub extensions: u64,
    /// What an ordinary document does not show; offsets count from the start of the file.
    pub anomalies: Anomalies,
}

/// Reads one document.
pub fn read(bytes: &[u8]) -> Pmml {
    let mut facts = Pmml::default();
    if bytes.len() > SIZE_LIMIT {
        let detail = format!("{} bytes, {SIZE_LIMIT} are looked at", bytes.len());
        facts.anomalies.note("too-long", None, detail);
        return facts;
    }
    let mut reader = Reader::from_reader(bytes);
    let mut depth = 0_u32;
    loop {
        let at = reader.buffer_position();
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                facts.anomalies.note("malformed", reader.error_position(), error.to_string());
                return facts;
            }
        };
        match event {
            Event::Start(start) => {
                depth += 1;
                element(&start, at, &mut facts);
            }
            Event::Empty(start) => element(&start, at, &mut facts),
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::DocType(doctype) => declarations(&doctype, at, &mut facts),
            Event::PI(instruction) => {
                let text = excerpt(&instruction, 100);
                facts.anomalies.note("processing-instruction", at, text);
            }
            Event::Eof => break,
            _ => {}
        }
        if depth > DEPTH_LIMIT {
            facts.anomalies.note("too-deep", at, format!("more than {DEPTH_LIMIT} levels"));
            return facts;
        }
    }
    facts.complete = depth == 0 && facts.root.is_some();
    if !facts.complete {
        facts.anomalies.note("malformed", bytes.len() as u64, "the document ends early");
    }
    facts
}

fn element(start: &BytesStart<'_>, at: u64, facts: &mut Pmml) {
    facts.elements += 1;
    let name = excerpt(start.local_name().as_ref(), 100);
    if facts.root.is_none() {
        facts.root = Some(name.clone());
        let version = start.attributes().flatten().find(|a| a.key.as_ref() == "version");
        facts.version = version.map(|version| excerpt(&version.value, 40));
    }
    match name.as_str() {
        "Extension" => facts.extensions += 1,
        "include" => facts.anomalies.note("xinclude", at, "another document is asked for"),
        _ => {}
    }
    if name.eq_ignore_ascii_case("script") {
        facts.anomalies.note("script", at, "an element of code");
    }
    // Extensions carry code as `<Extension name="script" value="...">`.
    if name == "Extension" {
        for attribute in start.attributes().flatten() {
            let value = excerpt(&attribute.value, 200).to_ascii_lowercase();
            let words = [
                "script",
                "javascript",
                "python",
                "groovy",
                "eval(",
                "exec(",
                "runtime.getruntime",
            ];
            if words.iter().any(|word| value.contains(word)) {
                facts.anomalies.note("script", at, value);
            }
        }
    }
}

/// The document type declaration: PMML has none, so any is worth a note.
fn declarations(text: &str, at: u64, facts: &mut Pmml) {
    facts.anomalies.note("doctype", at, excerpt(text, 200));
    let outer = text.split('[').next().unwrap_or(text);
    if outer.contains("SYSTEM") || outer.contains("PUBLIC") {
        facts.anomalies.note("external-entity", at, excerpt(outer, 200));
    }
    for declaration in text.split("<!ENTITY").skip(1) {
        let declaration = declaration.split('>').next().unwrap_or(declaration);
        let words: Vec<_> = declaration.split_whitespace().take(4).collect();
        let external = words.iter().any(|word| matches!(*word, "SYSTEM" | "PUBLIC"));
        let kind = if external { "external-entity" } else { "entity" };
        facts.anomalies.note(kind, at, excerpt(declaration.trim(), 200));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<String> {
        read(text.as_bytes())
            .anomalies
            .seen
            .iter()
            .map(|anomaly| anomaly.kind.to_string())
            .collect()
    }

    const PLAIN: &str = r#"<?xml version="1.0"?><!-- x --><PMML version="4.4" xmlns="x"><Header><Extension
        name="author" value="nobody"/></Header><TreeModel>a &amp; b</TreeModel></PMML>"#;

    #[test]
    fn an_ordinary_document_is_quiet() {
        let facts = read(PLAIN.as_bytes());
        assert!(facts.complete && facts.anomalies.is_empty(), "{:?}", facts.anomalies);
        assert_eq!((facts.root.as_deref(), facts.version.as_deref()), (Some("PMML"), Some("4.4")));
        assert_eq!((facts.elements, facts.extensions), (4, 1));
    }

    #[test]
    fn what_a_parser_would_fetch_or_expand_is_named() {
        for (declaration, expected) in [
            (
                r#"<!DOCTYPE PMML [<!ENTITY x SYSTEM "file:///etc/passwd">]>"#,
                &["doctype", "external-entity"][..],
            ),
            (
                r#"<!DOCTYPE PMML [<!ENTITY % x PUBLIC "a" "http://example.invalid">]>"#,
                &["doctype", "external-entity"],
            ),
            (
                r#"<!DOCTYPE PMML SYSTEM "http://example.invalid/x.dtd">"#,
                &["doctype", "external-entity"],
            ),
            (
                r#"<!DOCTYPE PMML [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>"#,
                &["doctype", "entity", "entity"],
            ),
            (r#"<?xml-stylesheet href="x"?>"#, &["processing-instruction"]),
        ] {
            assert_eq!(kinds(&format!("{declaration}<PMML>&x;</PMML>")), expected, "{declaration}");
        }
        assert_eq!(kinds(r#"<PMML><Extension name="script" value="x"/></PMML>"#), ["script"]);
        assert_eq!(kinds("<PMML><xi:include href='x'/></PMML>"), ["xinclude"]);
    }

    #[test]
    fn a_nesting_bomb_and_truncation_are_named() {
        assert!(kinds(&"<a>".repeat(100_000)).contains(&"too-deep".to_owned()));
        for end in 0..PLAIN.len() {
            assert!(!read(&PLAIN.as_bytes()[..end]).complete, "{end}");
        }
    }
}
