//! YAML to the same trees as JSON, from the parser's events. An alias becomes nothing: expanding it is how
//! a small file grows to gigabytes.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use custody_bytes::anomaly::Anomalies;
use custody_bytes::json::{DEPTH_LIMIT, Json};

/// Most documents in one file.
const DOCUMENTS: usize = 64;

/// An open sequence or mapping, and the key that waits for its value.
struct Open<'a> {
    value: Json<'a>,
    key: Option<Cow<'a, str>>,
}

/// The documents of a text, and whether it was read to its end.
pub(super) fn trees<'a>(
    text: &'a str,
    limit: usize,
    anomalies: &mut Anomalies,
) -> (Vec<Json<'a>>, bool) {
    let mut done = Vec::new();
    let mut open: Vec<Open<'a>> = Vec::new();
    let mut values = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = error.marker().index() as u64;
                anomalies.note("not-yaml", at, error.to_string());
                return (done, false);
            }
        };
        let at = span.start.index() as u64;
        values += 1;
        if values > limit || open.len() > DEPTH_LIMIT || done.len() > DOCUMENTS {
            let kind = if open.len() > DEPTH_LIMIT { "too-deep" } else { "too-many-values" };
            anomalies.note(kind, at, format!("{values} values, {} levels", open.len()));
            return (done, false);
        }
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                check(tag.as_deref(), at, anomalies);
                Some(scalar(text, style))
            }
            Event::Alias(_) => {
                anomalies.note("yaml-alias", at, "a value that repeats another is not followed");
                Some(Json::Null)
            }
            Event::SequenceStart(_, tag) => {
                check(tag.as_deref(), at, anomalies);
                open.push(Open { value: Json::List(Vec::new()), key: None });
                None
            }
            Event::MappingStart(_, tag) => {
                check(tag.as_deref(), at, anomalies);
                open.push(Open { value: Json::Map(Vec::new()), key: None });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(|open| open.value),
            _ => None,
        };
        if let Some(value) = value {
            place(value, &mut open, &mut done);
        }
    }
    if done.len() > 1 {
        anomalies.note("several-documents", None, format!("{} documents", done.len()));
    }
    (done, true)
}

/// Puts a finished value where it belongs.
fn place<'a>(value: Json<'a>, open: &mut [Open<'a>], done: &mut Vec<Json<'a>>) {
    let Some(parent) = open.last_mut() else {
        done.push(value);
        return;
    };
    match (&mut parent.value, parent.key.take()) {
        (Json::List(elements), _) => elements.push(value),
        (Json::Map(members), Some(key)) => members.push((key, value)),
        (Json::Map(_), None) => {
            parent.key = Some(match value {
                Json::Text(text) => text,
                Json::Bool(true) => Cow::Borrowed("true"),
                Json::Bool(false) => Cow::Borrowed("false"),
                _ => Cow::Borrowed(""),
            });
        }
        _ => {}
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Json<'_> {
    if style != ScalarStyle::Plain {
        return Json::Text(text);
    }
    match text.as_ref() {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Json::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            Json::Bool(false)
        }
        "null" | "Null" | "NULL" | "~" | "" => Json::Null,
        _ => Json::Text(text),
    }
}

/// `!!python/object/apply:os.system` calls while an unsafe loader reads.
fn check(tag: Option<&Tag>, at: u64, anomalies: &mut Anomalies) {
    let Some(tag) = tag else { return };
    let name = format!("{}{}", tag.handle, tag.suffix);
    if name.contains("python/") {
        anomalies.note("yaml-python-tag", at, name);
    }
}
