//! What is told about a model, sorted into present, absent and could not be checked. Evidence is counted;
//! whether it is enough, and for which law or framework, is for people.

use super::facts::{CardFacts, EvidenceFacts, HubFacts, HubFile};
use crate::domain::Measured;
use model_scan::hub::Card;

/// A yes, a no, or unknown.
type Answer = Option<bool>;

/// Yes where one is, no where both are.
fn either(a: Answer, b: Answer) -> Answer {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn both(a: Answer, b: Answer) -> Answer {
    either(a.map(|a| !a), b.map(|b| !b)).map(|either| !either)
}

fn sorted(all: &[(&str, Answer)]) -> EvidenceFacts {
    let mut facts = EvidenceFacts::default();
    for (name, answer) in all {
        let list = match answer {
            Some(true) => &mut facts.present,
            Some(false) => &mut facts.absent,
            None => &mut facts.unchecked,
        };
        list.push((*name).to_owned());
    }
    facts
}

/// What everything is read from.
struct Sources<'a> {
    card: &'a CardFacts,
    text: Option<&'a Card>,
    files: Option<&'a [HubFile]>,
    tags: Option<&'a [String]>,
}

impl Sources<'_> {
    fn topic(&self, topic: &str) -> Answer {
        if !self.card.present {
            return Some(false);
        }
        Some(self.text?.topics.contains(&topic))
    }

    fn file(&self, is: impl Fn(&HubFile) -> bool) -> Answer {
        Some(self.files?.iter().any(is))
    }

    fn named(&self, words: &[&str]) -> Answer {
        self.file(|file| {
            let name = file.path.to_ascii_lowercase();
            words.iter().any(|word| name.contains(word))
        })
    }

    fn data(&self) -> Answer {
        either(Some(self.card.datasets), self.card.training_data.known().copied())
    }

    /// A card whose template was filled in.
    fn card(&self) -> Answer {
        both(Some(self.card.present), self.card.placeholders.known().map(|count| *count == 0))
    }

    fn report(&self) -> Answer {
        let tag = self.tags.map(|tags| tags.iter().any(|tag| tag.starts_with("arxiv:")));
        let file = self.file(|file| file.path.to_ascii_lowercase().ends_with(".pdf"));
        either(either(tag, file), self.topic("technical-report"))
    }
}

/// Fills the three lists of evidence; unknown where the card's presence is.
pub(super) fn fill(facts: &mut HubFacts, text: Option<&Card>, tags: Option<&[String]>) {
    let card = match &facts.card {
        Measured::Known(card) => card,
        Measured::Unknown(reason) => {
            let unknown = || Measured::Unknown(reason.clone());
            (facts.transparency, facts.openness, facts.eu_ai_act) =
                (unknown(), unknown(), unknown());
            return;
        }
    };
    let files = facts.files.known().map(Vec::as_slice);
    let sources = Sources { card, text, files, tags };
    // Only of a model that is built on others can it be told on which.
    let base = match (card.base_model, &facts.base_models_untold) {
        (true, Measured::Known(untold)) => Some(("base model", Some(untold.is_empty()))),
        (false, Measured::Known(untold)) => {
            (!untold.is_empty()).then_some(("base model", Some(false)))
        }
        (_, Measured::Unknown(_)) => Some(("base model", None)),
    };
    let mut told = vec![
        ("model card", sources.card()),
        ("licence", Some(card.license)),
        ("training data", sources.data()),
        ("evaluation results", Some(card.evaluation)),
        ("limits and risks", card.limitations.known().copied()),
    ];
    told.extend(base);
    let architecture =
        either(sources.topic("architecture"), sources.named(&["config.json", ".gguf"]));
    let openness = [
        ("model architecture", either(architecture, sources.file(|file| file.code))),
        ("final parameters", both(sources.file(|file| file.weights), Some(card.license))),
        ("evaluation results", Some(card.evaluation)),
        ("model card", sources.card()),
        ("data card", sources.data()),
        ("technical report", sources.report()),
    ];
    let policy = sources.named(&["acceptable_use", "use_policy", "use-policy"]);
    let pointers = [
        ("architecture", architecture),
        ("information for integrators", sources.topic("usage")),
        ("copyright policy", sources.topic("copyright-policy")),
        (
            "summary of training content",
            either(sources.topic("training-content-summary"), sources.named(&["data_summary"])),
        ),
        ("acceptable use", either(sources.topic("acceptable-use"), policy)),
        ("contact", sources.topic("contact")),
    ];
    let lists = (sorted(&told), sorted(&openness), sorted(&pointers));
    facts.transparency = Measured::Known(lists.0);
    facts.openness = Measured::Known(lists.1);
    facts.eu_ai_act = Measured::Known(lists.2);
}

#[cfg(test)]
mod tests {
    use super::*;
    use model_scan::hub::read_card;

    fn facts(card: CardFacts) -> HubFacts {
        HubFacts {
            files: Measured::Known(Vec::new()),
            base_models_untold: Measured::Known(Vec::new()),
            card: Measured::Known(card),
            ..HubFacts::unknown("x")
        }
    }

    fn card(present: bool) -> CardFacts {
        CardFacts {
            present,
            license: false,
            base_model: false,
            datasets: false,
            evaluation: false,
            placeholders: Measured::Known(0),
            training_data: Measured::Known(false),
            limitations: Measured::Known(false),
        }
    }

    #[test]
    fn what_is_absent_and_what_could_not_be_read_are_told_apart() {
        let mut absent = facts(card(false));
        fill(&mut absent, None, Some(&[]));
        let openness = absent.openness.known().unwrap();
        assert_eq!((openness.present.len(), openness.absent.len()), (0, 6));
        assert!(openness.unchecked.is_empty());

        let mut unread = facts(CardFacts {
            placeholders: Measured::unknown("x"),
            training_data: Measured::unknown("x"),
            limitations: Measured::unknown("x"),
            ..card(true)
        });
        fill(&mut unread, None, Some(&["arxiv:1".to_owned()]));
        let openness = unread.openness.known().unwrap();
        assert_eq!(openness.present, ["technical report"]);
        assert_eq!(openness.unchecked, ["model architecture", "model card", "data card"]);
        let told = unread.transparency.known().unwrap();
        assert_eq!(told.unchecked, ["model card", "training data", "limits and risks"]);
    }

    #[test]
    fn a_card_that_points_at_everything_leaves_nothing_absent() {
        let text = read_card(
            b"---\nlicense: mit\n---\n# M\n## Architecture\n## How to use\ncopyright policy, summary of training content, acceptable use, contact\n",
        );
        let mut told = facts(CardFacts { license: true, ..card(true) });
        fill(&mut told, Some(&text), Some(&[]));
        let pointers = told.eu_ai_act.known().unwrap();
        assert!(pointers.absent.is_empty() && pointers.unchecked.is_empty(), "{pointers:?}");
    }

    #[test]
    fn nothing_known_of_the_card_is_nothing_known() {
        let mut facts = HubFacts::unknown("offline");
        fill(&mut facts, None, None);
        assert!(facts.openness.known().is_none() && facts.eu_ai_act.known().is_none());
    }
}
