//! Something a parser noticed that a well-formed file does not show: the one shape in which every parser
//! of this folder reports it. States what was seen and where; how bad that is belongs to the rules.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::excerpt::excerpt;

/// Longest detail kept, in characters; the rest is cut and marked with an ellipsis.
const DETAIL_LIMIT: usize = 300;

/// Most anomalies of one kind that are kept for one file. The limit is per kind, so that a flood of one
/// harmless kind cannot crowd out the one that matters.
const PER_KIND_LIMIT: usize = 16;

/// One observation of a parser.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// What was seen, as a stable kebab-case word listed in the module docs of the parser that says it.
    pub kind: Cow<'static, str>,
    /// Where, in bytes from the start of the file or member; absent where no one place is meant.
    pub offset: Option<u64>,
    /// The numbers and names of this case, for people. Holds strings of the file: clean before display.
    pub detail: String,
}

/// The anomalies of one file, bounded.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, Default)]
pub struct Anomalies {
    /// In order of discovery; at most 16 of each kind.
    pub seen: Vec<Anomaly>,
    /// How many more there were, over all kinds.
    pub left_out: u64,
}

impl Anomalies {
    /// Notes one, or counts it when enough of its kind are kept already.
    pub fn note(
        &mut self,
        kind: &'static str,
        offset: impl Into<Option<u64>>,
        detail: impl Into<String>,
    ) {
        self.push(Anomaly {
            kind: Cow::Borrowed(kind),
            offset: offset.into(),
            detail: detail.into(),
        });
    }

    /// Takes over what another parser of the same file noted.
    pub fn extend(&mut self, other: Anomalies) {
        for anomaly in other.seen {
            self.push(anomaly);
        }
        self.left_out = self.left_out.saturating_add(other.left_out);
    }

    /// Whether one of this kind was noted.
    pub fn has(&self, kind: &str) -> bool {
        self.seen.iter().any(|anomaly| anomaly.kind == kind)
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    fn push(&mut self, mut anomaly: Anomaly) {
        let same = self.seen.iter().filter(|kept| kept.kind == anomaly.kind).count();
        if same >= PER_KIND_LIMIT {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        anomaly.detail = excerpt(&anomaly.detail, DETAIL_LIMIT);
        self.seen.push(anomaly);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_does_not_hide_another() {
        let mut anomalies = Anomalies::default();
        for at in 0..1000 {
            anomalies.note("noise", at, "again");
        }
        anomalies.note("overlap", 7, "the one that matters");
        assert!(anomalies.has("overlap"));
        assert_eq!(anomalies.seen.len(), PER_KIND_LIMIT + 1);
        assert_eq!(anomalies.left_out, 984);
    }

    #[test]
    fn a_long_detail_is_cut_at_a_character() {
        let mut anomalies = Anomalies::default();
        anomalies.note("long", None, "é".repeat(10_000));
        assert_eq!(anomalies.seen[0].detail.chars().count(), DETAIL_LIMIT + 1);
    }

    #[test]
    fn it_comes_back_from_json_as_it_went() {
        let mut anomalies = Anomalies::default();
        anomalies.note("hole", 42, "8 bytes");
        let text = serde_json::to_string(&anomalies).unwrap();
        assert_eq!(
            text,
            r#"{"seen":[{"kind":"hole","offset":42,"detail":"8 bytes"}],"left_out":0}"#
        );
        assert_eq!(serde_json::from_str::<Anomalies>(&text).unwrap(), anomalies);
    }
}
