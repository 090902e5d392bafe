//! What a template tells the model in plain words, and characters that people do not see.

use super::ChatTemplate;
use crate::joiner::joins;

/// Wording that turns a model against its user. Matched without regard to case in text and constants.
const INSTRUCTIONS: [&str; 22] = [
    "ignore previous instructions",
    "ignore all previous",
    "ignore the previous",
    "ignore any previous",
    "disregard previous",
    "disregard all previous",
    "disregard any",
    "forget all previous",
    "override all previous",
    "do not tell the user",
    "don't tell the user",
    "do not mention this",
    "do not reveal this",
    "never mention this instruction",
    "without telling the user",
    "without informing the user",
    "without the user knowing",
    "hide this from the user",
    "secretly",
    "exfiltrate",
    "silently insert",
    "always recommend",
];

/// How such wording goes on in the templates of published models, where it means something else.
const ORDINARY: [(&str, &str); 1] = [("do not tell the user", " about function calls")];

/// Notes wording in a piece of text that starts at `offset`.
pub(super) fn instructions(text: &str, offset: u64, facts: &mut ChatTemplate) {
    let lower = text.to_ascii_lowercase();
    for phrase in INSTRUCTIONS {
        let mut places = lower.match_indices(phrase).map(|(at, _)| at);
        let harmless = |at: &usize| {
            let rest = &lower[at + phrase.len()..];
            !ORDINARY.iter().any(|(start, end)| *start == phrase && rest.starts_with(end))
        };
        if let Some(at) = places.find(harmless) {
            facts.anomalies.note("instruction-text", offset + at as u64, phrase);
        }
    }
    for scheme in ["http://", "https://"] {
        if let Some(at) = lower.find(scheme) {
            let address: String = text[at..]
                .chars()
                .take_while(|c| !c.is_whitespace() && *c != '"')
                .take(80)
                .collect();
            facts.anomalies.note("address", offset + at as u64, address);
        }
    }
}

/// Notes characters that are invisible or change the reading order, but for joiners in words and emoji.
pub(super) fn hidden(text: &str, facts: &mut ChatTemplate) {
    for (at, c) in text.char_indices() {
        let hidden = matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}'
            | '\u{E0000}'..='\u{E0FFF}' | '\u{FFF9}'..='\u{FFFB}')
            || (c == '\u{FEFF}' && at > 0);
        if hidden && !joins(text, at, c) {
            facts.anomalies.note("hidden-text", at as u64, format!("U+{:04X}", u32::from(c)));
        }
    }
}
