//! The model card: YAML between two `---` lines, then Markdown. Read as events, so that no anchor is
//! expanded; only the beginning of a card is looked at.

use saphyr_parser::{Event, Parser};

/// Bytes of a card that are looked at, 1 MiB.
pub const CARD_LIMIT: usize = 1024 * 1024;
/// Most events of the front matter.
const EVENTS_LIMIT: usize = 20_000;
/// Most values of one list.
const LIST_LIMIT: usize = 200;
/// Longest value that is kept, in characters.
const CHARS: usize = 300;

/// What is looked for in the text of a card, and phrases that speak of it, in lower case. A phrase is a
/// pointer: whether what it points at is there and good is for people to read.
const TOPICS: [(&str, &[&str]); 7] = [
    (
        "training-content-summary",
        &[
            "summary of training content",
            "summary of the training content",
            "training content summary",
            "training data summary",
            "summary of training data",
            "summary of the training data",
        ],
    ),
    ("copyright-policy", &["copyright policy", "copyright-policy", "copyright compliance"]),
    ("acceptable-use", &["acceptable use", "use policy", "prohibited use", "out-of-scope use"]),
    ("architecture", &["architecture"]),
    (
        "usage",
        &["how to use", "get started", "intended use", "direct use", "# usage", "quickstart"],
    ),
    ("contact", &["contact", "mailto:"]),
    ("technical-report", &["arxiv.org", "technical report", "doi.org", "aclanthology.org"]),
];

/// What a card says. Lists are empty where the key is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Whether there is a front matter that was read to its end.
    pub front_matter: bool,
    /// `license`: ids of the Hub's own list.
    pub licenses: Vec<String>,
    /// `license_name`, which `license: other` needs.
    pub license_name: Option<String>,
    /// `license_link`.
    pub license_link: Option<String>,
    /// `base_model`.
    pub base_models: Vec<String>,
    /// `base_model_relation`.
    pub relation: Option<String>,
    /// `datasets`.
    pub datasets: Vec<String>,
    /// Whether there is a `model-index` or `metrics`.
    pub evaluation: bool,
    /// Headings, in lower case, without `#`.
    pub headings: Vec<String>,
    /// How often the template's placeholder stands in the text.
    pub placeholders: u32,
    /// Bytes of Markdown after the front matter.
    pub text_bytes: usize,
    /// What the text speaks of, of [`TOPICS`], in their order.
    pub topics: Vec<&'static str>,
    /// The front matter uses an alias, which is not followed.
    pub aliases: bool,
}

/// Reads a card. What is broken is left out; a broken front matter reads as absent.
#[must_use]
pub fn read_card(bytes: &[u8]) -> Card {
    let cut = &bytes[..bytes.len().min(CARD_LIMIT)];
    let text = String::from_utf8_lossy(cut);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (front, body) = split(text);
    let mut card = Card { text_bytes: body.trim().len(), ..Card::default() };
    if let Some(front) = front {
        card.front_matter = read_front(front, &mut card);
    }
    for line in body.lines() {
        if let Some(heading) = line.strip_prefix('#')
            && card.headings.len() < LIST_LIMIT
        {
            card.headings.push(short(heading.trim_matches(['#', ' '])).to_lowercase());
        }
    }
    let found = memchr::memmem::find_iter(body.as_bytes(), "[More Information Needed]").count();
    card.placeholders = u32::try_from(found).unwrap_or(u32::MAX);
    card.topics = topics(body);
    card
}

fn topics(body: &str) -> Vec<&'static str> {
    let lower = body.to_lowercase();
    let has = |phrase: &&str| memchr::memmem::find(lower.as_bytes(), phrase.as_bytes()).is_some();
    let spoken = TOPICS.iter().filter(|(_, phrases)| phrases.iter().any(&has));
    spoken.map(|(topic, _)| *topic).collect()
}

/// The front matter and the rest.
fn split(text: &str) -> (Option<&str>, &str) {
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        return (None, text);
    };
    match memchr::memmem::find(rest.as_bytes(), b"\n---") {
        Some(end) => {
            let body = rest[end + 4..].split_once('\n').map_or("", |(_, body)| body);
            (Some(&rest[..end]), body)
        }
        None => (None, text),
    }
}

fn short(text: &str) -> String {
    text.chars().take(CHARS).collect()
}

/// Collects the keys of the top level; true where the text was read to its end.
fn read_front(text: &str, card: &mut Card) -> bool {
    let mut depth = 0_usize;
    let mut key: Option<String> = None;
    for (count, event) in Parser::new_from_str(text).enumerate() {
        let Ok((event, _)) = event else { return false };
        if count > EVENTS_LIMIT {
            return false;
        }
        match event {
            Event::Alias(_) => {
                card.aliases = true;
                if depth == 1 {
                    key = None;
                }
            }
            Event::Scalar(value, ..) => match (depth, key.take()) {
                (1, None) => key = Some(short(&value)),
                (1, Some(name)) => keep(card, &name, &value),
                (2, Some(name)) => {
                    keep(card, &name, &value);
                    key = Some(name);
                }
                (_, name) => key = name,
            },
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                depth += 1;
                if depth == 2 && matches!(key.as_deref(), Some("model-index" | "metrics")) {
                    card.evaluation = true;
                }
            }
            Event::SequenceEnd | Event::MappingEnd => {
                depth = depth.saturating_sub(1);
                if depth <= 1 {
                    key = None;
                }
            }
            _ => {}
        }
    }
    depth == 0
}

fn keep(card: &mut Card, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    let list = match name {
        "license" => &mut card.licenses,
        "base_model" => &mut card.base_models,
        "datasets" => &mut card.datasets,
        "license_name" => return card.license_name = Some(short(value)),
        "license_link" => return card.license_link = Some(short(value)),
        "base_model_relation" => return card.relation = Some(short(value)),
        "metrics" => return card.evaluation = true,
        _ => return,
    };
    if list.len() < LIST_LIMIT {
        list.push(short(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_read_with_lists_and_single_values() {
        let card = read_card(b"---\nlicense: apache-2.0\nbase_model:\n- o/one\n- o/two\ndatasets: [a/b]\nmodel-index:\n- name: x\n  license: not-this\n---\n# Model Card\n## Uses\n[More Information Needed]\n");
        assert_eq!(card.licenses, ["apache-2.0"]);
        assert_eq!(card.base_models, ["o/one", "o/two"]);
        assert_eq!(card.datasets, ["a/b"]);
        assert!(card.front_matter && card.evaluation);
        assert_eq!(
            (card.headings.as_slice(), card.placeholders),
            (&["model card".to_owned(), "uses".to_owned()][..], 1)
        );
    }

    #[test]
    fn pointers_are_found_in_the_text_and_not_in_the_front_matter() {
        let card = read_card(
            b"---\nlicense: mit\ntags: [contact]\n---\n# M\n## Model Architecture\nSee https://arxiv.org/abs/1\n",
        );
        assert_eq!(card.topics, ["architecture", "technical-report"]);
        assert!(read_card(b"# M\n").topics.is_empty());
    }

    #[test]
    fn anchors_are_not_expanded_and_huge_cards_are_cut() {
        let bomb = format!(
            "---\na: &a [x,x,x,x]\nb: &b [*a,*a]\nlicense: *b\n{}\n---\n",
            "c: 1\n".repeat(20)
        );
        let card = read_card(bomb.as_bytes());
        assert!(card.aliases && card.licenses.is_empty());
        let huge = vec![b'#'; 50 * 1024 * 1024];
        assert!(read_card(&huge).text_bytes <= CARD_LIMIT);
        let deep = format!("---\na: {}\n---\n", "[".repeat(100_000));
        assert!(!read_card(deep.as_bytes()).front_matter);
    }

    #[test]
    fn every_truncation_is_read() {
        let text = "---\nlicense: mit\nbase_model: [a/b]\n---\n# é\n";
        for end in 0..=text.len() {
            let _ = read_card(&text.as_bytes()[..end]);
        }
    }
}
