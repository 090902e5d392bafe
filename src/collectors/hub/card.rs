//! What a model card tells, from the front matter as the Hub read it and from the card's own text.

use serde_json::Value;

use super::facts::{CardFacts, HubFile};
use crate::domain::Measured;
use model_scan::hub::{Card, ModelInfo, read_card};

/// The card's file.
pub(super) const README: &str = "README.md";
/// Most values of one list.
const LIST_LIMIT: usize = 200;

/// A string, or the strings of a list, under a key of the card.
pub(super) fn strings(info: &ModelInfo, key: &str) -> Vec<String> {
    let value = info.card_data.as_ref().and_then(|card| card.get(key));
    let texts: Vec<&str> = match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().take(LIST_LIMIT).map(str::to_owned).collect()
}

/// Licence ids, of the card or else of the Hub's tags.
pub(super) fn licenses(info: &ModelInfo) -> Measured<Vec<String>> {
    let found = strings(info, "license");
    if !found.is_empty() {
        return Measured::Known(found);
    }
    match &info.tags {
        Some(tags) => Measured::Known(
            tags.iter().filter_map(|tag| tag.strip_prefix("license:")).map(str::to_owned).collect(),
        ),
        None if info.card_data.is_some() => Measured::Known(Vec::new()),
        None => Measured::unknown("the Hub gave neither the card nor tags"),
    }
}

/// What the front matter tells; the text is added by [`add_text`].
pub(super) fn facts(info: &ModelInfo, files: &Measured<Vec<HubFile>>) -> Measured<CardFacts> {
    let present = match files {
        Measured::Known(files) => files.iter().any(|file| file.path == README),
        Measured::Unknown(reason) => return Measured::Unknown(reason.clone()),
    };
    let licenses = licenses(info);
    let named = |key: &str| !strings(info, key).is_empty();
    let other = licenses.known().is_some_and(|ids| ids.iter().any(|id| id == "other"));
    let license = licenses.known().is_some_and(|ids| !ids.is_empty())
        && (!other || (named("license_name") && named("license_link")));
    let untold = "the card was not read";
    Measured::Known(CardFacts {
        present,
        license,
        base_model: named("base_model"),
        datasets: named("datasets"),
        evaluation: info.model_index.as_ref().is_some_and(|index| !index.is_null())
            || named("metrics"),
        placeholders: if present { Measured::unknown(untold) } else { Measured::Known(0) },
        training_data: if present { Measured::unknown(untold) } else { Measured::Known(false) },
        limitations: if present { Measured::unknown(untold) } else { Measured::Known(false) },
    })
}

/// Adds what the card's text tells, and gives the text as it was read.
pub(super) fn add_text(card: &mut CardFacts, bytes: &[u8]) -> Card {
    let text = read_card(bytes);
    let heading = |words: &[&str]| {
        text.headings.iter().any(|heading| words.iter().any(|word| heading.contains(word)))
    };
    card.placeholders = Measured::Known(text.placeholders);
    card.training_data = Measured::Known(heading(&[
        "training data",
        "dataset",
        "data set",
        "pretraining",
        "corpus",
    ]));
    card.limitations =
        Measured::Known(heading(&["limitation", "bias", "risk", "out-of-scope", "ethic"]));
    card.evaluation |= text.evaluation;
    text
}

/// The text could not be had.
pub(super) fn no_text(card: &mut CardFacts, reason: &str) {
    card.placeholders = Measured::unknown(reason);
    card.training_data = Measured::unknown(reason);
    card.limitations = Measured::unknown(reason);
}
