//! The recipe of a merge (`mergekit_config.yml`): which models went into it. Read as events, so that no
//! alias is followed.

use saphyr_parser::{Event, Parser};

/// Most events of a recipe.
const EVENTS_LIMIT: usize = 20_000;
/// Most models of a recipe.
const MODELS_LIMIT: usize = 64;
/// Longest id, in characters.
const CHARS: usize = 200;

/// The repositories that a recipe names, without repetition, in their order. What is broken ends the
/// reading; what was read stays.
#[must_use]
pub fn merged_models(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // For every open collection: whether it is a mapping, and the key that waits for its value.
    let mut open: Vec<(bool, Option<String>)> = Vec::new();
    for (event, _) in Parser::new_from_str(text).map_while(Result::ok).take(EVENTS_LIMIT) {
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                open.push((matches!(event, Event::MappingStart(..)), None));
            }
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                answered(&mut open);
            }
            Event::Alias(_) => answered(&mut open),
            Event::Scalar(value, ..) => match open.last_mut() {
                Some((true, key @ None)) => *key = Some(value.to_string()),
                Some((true, key)) => {
                    let names = matches!(key.as_deref(), Some("model" | "base_model" | "path"));
                    *key = None;
                    keep(&mut found, names, &value);
                }
                _ => {}
            },
            _ => {}
        }
    }
    found
}

/// The value of a waiting key has come to its end.
fn answered(open: &mut [(bool, Option<String>)]) {
    if let Some((true, key)) = open.last_mut() {
        *key = None;
    }
}

fn keep(found: &mut Vec<String>, names: bool, value: &str) {
    if names
        && is_repository(value)
        && found.len() < MODELS_LIMIT
        && !found.iter().any(|known| known == value)
    {
        found.push(value.to_owned());
    }
}

/// Whether a text is `owner/name` and no path of somebody's disk.
#[must_use]
pub fn is_repository(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let whole = text.chars().count() <= CHARS;
    whole && text.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_models_of_a_recipe_are_named_once_and_paths_are_none() {
        let text = "slices:\n- sources:\n  - model: o/one\n    layer_range: [0, 32]\n  - model: o/two\nmerge_method: slerp\nbase_model: o/one\nmodels:\n- model:\n    model:\n      path: o/three\n- model: ./local/four\n- model: /data/five\n";
        assert_eq!(merged_models(text), ["o/one", "o/two", "o/three"]);
    }

    #[test]
    fn bombs_and_every_truncation_are_read() {
        let text = "a: &a [x]\nmodels:\n- model: *a\n- model: o/n\n";
        assert_eq!(merged_models(text), ["o/n"]);
        for end in 0..=text.len() {
            let _ = merged_models(&text[..end]);
        }
        let _ = merged_models(&"[".repeat(100_000));
        assert!(merged_models(&"- model: o/n\n".repeat(50_000)).len() == 1);
    }

    #[test]
    fn a_repository_is_two_names() {
        assert!(is_repository("o/n-1.0"));
        for text in ["", "n", "o/n/x", "../n", "~/n", "/o/n", "o/", "o/ n", "https://x/y"] {
            assert!(!is_repository(text), "{text}");
        }
    }
}
