//! Group `statements`: what three parties say of the commit that a release was made from.
//!
//! The archive's record is written by whoever packs it. The commit of a trusted workflow was verified by the
//! registry with the provider. The tag is set by whoever may push to the repository. One person who holds a token
//! and nothing else writes the first and none of the others. Measures; what a disagreement is worth is for the
//! rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::Measured;
use crate::domain::fact::unknown_reason;

/// Name of the group.
pub const GROUP: &str = "statements";

/// Three statements on one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatementFacts {
    /// What the archive's `.cargo_vcs_info.json` says, lower-case hexadecimal. Source: the archive.
    pub recorded: Measured<String>,
    /// What the registry verified for the workflow that published it. Source: the registry's API.
    pub verified: Measured<String>,
    /// Name of the tag of this version. Source: a clone of the repository.
    pub tag: Measured<String>,
    /// Commit that the tag leads to. Source: the same.
    pub tagged: Measured<String>,
    /// The record and the registry name different commits.
    pub verified_differs: Measured<bool>,
    /// The record and the tag name different commits, and the crate's folder is not the same in both.
    pub tag_differs: Measured<bool>,
    /// The registry and the tag name different commits.
    pub tag_differs_from_verified: Measured<bool>,
}

/// Puts together what the groups `archive`, `custody` and `repository` of one crate say; `group` gives them.
/// Nothing where fewer than two name a commit.
#[must_use]
pub fn statements<'f>(group: &dyn Fn(&str) -> Option<&'f Value>) -> Option<StatementFacts> {
    let at = |of: &str, path: &[&str]| -> Measured<&'f Value> {
        let mut value = group(of).ok_or_else(|| format!("nothing is known of its {of}"));
        for key in path {
            value = value.and_then(|value| match unknown_reason(value) {
                Some(why) => Err(why.to_owned()),
                None => value.get(key).ok_or_else(|| format!("{of} does not tell")),
            });
        }
        let value = value.and_then(|value| match unknown_reason(value) {
            Some(why) => Err(why.to_owned()),
            None => Ok(value),
        });
        value.into()
    };
    let text = |of: &str, path: &[&str]| -> Measured<String> {
        at(of, path).and_then(|value| match value.as_str().filter(|text| !text.is_empty()) {
            Some(text) => Measured::Known(text.to_lowercase()),
            None => Measured::Unknown(format!("{of} names none")),
        })
    };
    let recorded = text("archive", &["vcs", "sha1"]);
    let verified = text("custody", &["published_from_commit"]);
    let tagged = text("repository", &["tag", "commit"]);
    let agrees = text("repository", &["tag", "agrees"]);
    // Where the archive names no commit, it is compared with the tag's own.
    let of_record = text("repository", &["named_by"]).known().is_some_and(|by| by == "record");
    let said = [&recorded, &verified, &tagged].into_iter().filter(|one| one.known().is_some());
    if said.count() < 2 {
        return None;
    }
    Some(StatementFacts {
        verified_differs: differ(&recorded, &verified),
        tag_differs: match differ(&recorded, &tagged) {
            Measured::Known(true) if of_record => agrees.map(|word| word == "differs"),
            other => other,
        },
        tag_differs_from_verified: differ(&verified, &tagged),
        tag: at("repository", &["tag", "name"])
            .and_then(|name| name.as_str().map(str::to_owned).ok_or("it is no text").into()),
        recorded,
        verified,
        tagged,
    })
}

/// Whether two commits differ; one may be told by its first digits only.
fn differ(a: &Measured<String>, b: &Measured<String>) -> Measured<bool> {
    match (a, b) {
        (Measured::Known(a), Measured::Known(b)) if a.len().min(b.len()) >= 7 => {
            Measured::Known(!a.starts_with(b.as_str()) && !b.starts_with(a.as_str()))
        }
        (Measured::Known(_), Measured::Known(_)) => Measured::unknown("a commit is cut too short"),
        (Measured::Unknown(why), _) | (_, Measured::Unknown(why)) => Measured::Unknown(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e";
    const TWO: &str = "2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b";

    fn of(recorded: &Value, verified: &Value, tag: &Value) -> StatementFacts {
        let archive = json!({"vcs": {"sha1": recorded}});
        let custody = json!({"published_from_commit": verified});
        let repository = json!({"named_by": "record", "tag": tag});
        let group = |name: &str| match name {
            "archive" => Some(&archive),
            "custody" => Some(&custody),
            "repository" if !tag.is_null() => Some(&repository),
            _ => None,
        };
        statements(&group).expect("two of them said something")
    }

    fn tag(commit: &str, agrees: &str) -> Value {
        json!({"name": "v1.0.0", "commit": commit, "agrees": agrees})
    }

    #[test]
    fn three_statements_that_agree_are_known_to_agree() {
        let facts = of(&ONE.into(), &ONE.to_uppercase().into(), &tag(ONE, "commit"));
        assert_eq!(facts.verified_differs, Measured::Known(false));
        assert_eq!(facts.tag_differs, Measured::Known(false));
        assert_eq!(facts.tag_differs_from_verified, Measured::Known(false));
    }

    #[test]
    fn a_record_that_stands_alone_differs_from_both() {
        let facts = of(&TWO.into(), &ONE.into(), &tag(ONE, "differs"));
        assert_eq!(facts.verified_differs, Measured::Known(true));
        assert_eq!(facts.tag_differs, Measured::Known(true));
        assert_eq!(facts.tag_differs_from_verified, Measured::Known(false));
    }

    #[test]
    fn a_squashed_request_has_the_same_folder_at_another_commit() {
        let facts = of(&TWO.into(), &json!({"$unknown": "nobody said"}), &tag(ONE, "folder"));
        assert_eq!(facts.tag_differs, Measured::Known(false));
        assert!(facts.verified_differs.known().is_none());
    }

    #[test]
    fn what_was_not_said_neither_agrees_nor_disagrees() {
        let unknown = json!({"$unknown": "the archive names no commit"});
        let facts = of(&unknown, &ONE.into(), &tag(ONE, "commit"));
        assert!(facts.verified_differs.known().is_none() && facts.tag_differs.known().is_none());
        assert_eq!(facts.tag_differs_from_verified, Measured::Known(false));
        let alone = json!({"vcs": {"sha1": ONE}});
        assert_eq!(statements(&|name| (name == "archive").then_some(&alone)), None);
        let short = of(&"1f0e".into(), &ONE.into(), &Value::Null);
        assert!(short.verified_differs.known().is_none(), "four digits prove nothing");
        assert_eq!(
            of(&ONE[..12].into(), &ONE.into(), &Value::Null).verified_differs,
            Measured::Known(false)
        );
    }
}
