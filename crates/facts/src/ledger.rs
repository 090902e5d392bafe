//! The ledger: every question that the tool promises to answer about a subject, and what became of it.
//!
//! Coverage, headline, exit code and what is told as not determined are read from here and from nowhere
//! else: what nobody asked is not answered, and what was not answered is no pass. Questions with one cause
//! are told as one gap.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report::Coverage;
use super::{Subject, Undetermined};

/// Question whether the bytes that cargo would compile were read.
pub const SOURCE: &str = "source";
/// Question what the code does that runs at build time.
pub const BUILD_CODE: &str = "build-code";
/// Question whether every file of a model was read.
pub const FILES: &str = "files";

/// Whether a question is one about bytes being read: only these can be accepted as open.
#[must_use]
pub fn is_reading(question: &str) -> bool {
    [SOURCE, BUILD_CODE, FILES].contains(&question)
}

/// Of which kind a cause is. There are few, so that each can have a remedy.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// The run opens no socket, and this machine does not have it.
    Offline,
    /// No connection to a host, or no answer in time.
    Unreachable,
    /// A host answered with a refusal.
    Refused,
    /// The registry does not have it any more.
    Removed,
    /// It comes from a kind of place that is not read.
    UnsupportedSource,
    /// Nothing promises what its bytes should be.
    Unpinned,
    /// A manifest asks for it, and the lockfile does not list it.
    NotLocked,
    /// Time or requests that were granted are spent.
    BudgetSpent,
    /// A limit of the reader was hit.
    LimitHit,
    /// The bytes are there and cannot be read, or are not those that were promised.
    Damaged,
    /// It is encrypted.
    Encrypted,
    /// This machine does not have it.
    NotPresent,
    /// There is no advisory database.
    NoAdvisories,
    /// Something else, in the words of whoever met it.
    Other,
}

/// Why a question was not answered.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Cause {
    /// Of which kind it is.
    pub kind: CauseKind,
    /// What it hangs on: a host, a status, a kind of place, a limit; empty where the kind says all.
    pub on: String,
}

impl Cause {
    /// A cause of a kind that hangs on something.
    #[must_use]
    pub fn new(kind: CauseKind, on: impl Into<String>) -> Self {
        Self { kind, on: on.into() }
    }

    /// The cause behind the reason of an unknown fact. A reason that names no known cause is kept as it is.
    #[must_use]
    pub fn of_reason(reason: &str) -> Self {
        let has = |text: &str| reason.contains(text);
        let host = || host_of(reason).unwrap_or_default();
        if has("no advisory database") {
            // One that was asked for and did not come is another thing than one that nobody asked for.
            let tried = host_of(reason).map(|host| format!("no answer from {host}"));
            Self::new(CauseKind::NoAdvisories, tried.unwrap_or_default())
        } else if has("offline") {
            Self::new(CauseKind::Offline, "")
        } else if let Some((_, status)) = reason.split_once("answered with status ") {
            let status: String = status.chars().take_while(char::is_ascii_digit).collect();
            match status.as_str() {
                "404" | "410" | "451" => Self::new(CauseKind::Removed, host()),
                _ => Self::new(CauseKind::Refused, format!("{} with status {status}", host())),
            }
        } else if has("limits the rate of requests") {
            Self::new(CauseKind::Refused, format!("{} for its rate of requests", host()))
        } else if has("no connection for ") || has("did not answer in time") || has(" broke off: ")
        {
            Self::new(CauseKind::Unreachable, host())
        } else if has("pins no hash") {
            Self::new(CauseKind::Unpinned, "")
        } else if has("other bytes than the pinned ones") || has("are not the pinned ones") {
            Self::new(CauseKind::Damaged, "other bytes than the lockfile promises")
        } else if has("cannot be read to its end") {
            Self::new(CauseKind::Damaged, "an archive that cannot be read to its end")
        } else if has("the deadline of the run is over") {
            Self::new(CauseKind::BudgetSpent, "the deadline of the run is over")
        } else if has("budget") || has("deadline") {
            Self::new(CauseKind::BudgetSpent, reason)
        } else if has("encrypted") {
            Self::new(CauseKind::Encrypted, "")
        } else if has("is not on this machine") {
            Self::new(CauseKind::NotPresent, "")
        } else {
            Self::new(CauseKind::Other, reason)
        }
    }

    /// The cause in a few words, without its subjects.
    #[must_use]
    pub fn told(&self) -> String {
        let on = &self.on;
        match self.kind {
            CauseKind::Offline => "offline and not cached".to_owned(),
            CauseKind::Unreachable => format!("no answer from {on}"),
            CauseKind::Refused => format!("refused by {on}"),
            CauseKind::Removed => format!("not there any more at {on}"),
            CauseKind::UnsupportedSource => format!("{on} is not read"),
            CauseKind::Unpinned => "the lockfile pins no hash".to_owned(),
            CauseKind::NotLocked => format!("{on} names it, and the lockfile does not"),
            CauseKind::Encrypted => "encrypted".to_owned(),
            CauseKind::NotPresent => "not on this machine".to_owned(),
            CauseKind::NoAdvisories if on.is_empty() => "no advisory database".to_owned(),
            CauseKind::NoAdvisories => format!("no advisory database: {on}"),
            CauseKind::BudgetSpent
            | CauseKind::LimitHit
            | CauseKind::Damaged
            | CauseKind::Other => on.clone(),
        }
    }

    /// What would close the gap.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self.kind {
            CauseKind::Offline | CauseKind::NotPresent => {
                "run once without --offline, or first `cargo fetch` for sources and `cargo custody db update` for advisories"
            }
            CauseKind::NoAdvisories => {
                "run `cargo custody db update`, or name a checkout of one: --advisory-db"
            }
            CauseKind::Unreachable | CauseKind::Refused => "run again when the host answers",
            CauseKind::Removed => {
                "find out why it was removed; take it out of the lockfile until then"
            }
            CauseKind::UnsupportedSource => {
                "review it by hand, then accept it: --allow-unread NAME or [[accept-unread]]"
            }
            CauseKind::NotLocked => "run `cargo generate-lockfile` and commit the lockfile",
            CauseKind::Unpinned => "let cargo write the lockfile anew, with checksums",
            CauseKind::BudgetSpent => "grant more time: --api-budget 5m, --deadline 20m",
            CauseKind::Damaged => "remove the damaged file and fetch it again",
            CauseKind::LimitHit | CauseKind::Encrypted | CauseKind::Other => {
                "look at it by hand, then accept it: --allow-unread NAME or [[accept-unread]]"
            }
        }
    }
}

/// The host of the first web address in a text.
fn host_of(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("://")?;
    let end = rest.find(['/', ' ', '?', '#']);
    let host = &rest[..end.unwrap_or(rest.len())];
    Some(host.trim_end_matches(':').to_owned()).filter(|host| !host.is_empty())
}

/// What became of one question about one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was answered.
    Answered,
    /// There is nothing to ask, and why.
    NotApplicable(&'static str),
    /// It was not answered.
    Unanswered(Cause),
}

/// What one cause left open, as reports hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Why.
    pub cause: Cause,
    /// What would close it.
    pub remedy: String,
    /// The questions that it left open, sorted.
    pub questions: Vec<String>,
    /// Whom it struck, sorted.
    pub subjects: Vec<Subject>,
    /// The required ones among the questions; not empty leads to exit code 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// Why the project lives with it, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

/// A gap that the project accepts, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// Name of the crate or model.
    pub package: String,
    /// Why.
    pub reason: String,
    /// Last day on which it counts, `YYYY-MM-DD`.
    pub expires: Option<String>,
}

/// All questions of one run with their answers.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    answers: BTreeMap<String, BTreeMap<Subject, Answer>>,
    required: BTreeSet<String>,
    accepted: BTreeMap<String, String>,
}

impl Ledger {
    /// A ledger in which the source of crates, their build code and the files of models are required.
    #[must_use]
    pub fn new() -> Self {
        Self { required: [SOURCE, BUILD_CODE, FILES].map(str::to_owned).into(), ..Self::default() }
    }

    /// Writes an answer down; an answer that is there already is not made better by another one.
    pub fn write(&mut self, question: &str, subject: &Subject, answer: Answer) {
        let answers = self.answers.entry(question.to_owned()).or_default();
        match answers.get(subject) {
            Some(Answer::Unanswered(_)) => {}
            _ => {
                answers.insert(subject.clone(), answer);
            }
        }
    }

    /// Requires an answer to one more question.
    pub fn require(&mut self, question: &str) {
        self.required.insert(question.to_owned());
    }

    /// Takes over what the project accepts on the day `as_of`; the answer is who of them has no gap.
    pub fn accept(&mut self, all: &[Acceptance], as_of: &str) -> Vec<String> {
        let mut idle = Vec::new();
        for one in all {
            let over = one.expires.as_deref().is_some_and(|last| last < as_of);
            let open = self.answers.values().flatten().any(|(subject, answer)| {
                subject.name == one.package && matches!(answer, Answer::Unanswered(_))
            });
            if over || !open {
                idle.push(one.package.clone());
            }
            if !over {
                self.accepted.insert(one.package.clone(), one.reason.clone());
            }
        }
        idle
    }

    /// Whether the project accepts gaps of this subject.
    #[must_use]
    pub fn accepts(&self, subject: &Subject) -> bool {
        self.accepted.contains_key(&subject.name)
    }

    /// Question to how many of those to whom it applies it was answered for.
    #[must_use]
    pub fn coverage(&self) -> BTreeMap<String, Coverage> {
        let count = |answers: &BTreeMap<Subject, Answer>| {
            let known = answers.values().filter(|a| **a == Answer::Answered).count();
            let none = answers.values().filter(|a| matches!(a, Answer::NotApplicable(_))).count();
            Coverage { known, of: answers.len() - none }
        };
        self.answers
            .iter()
            .map(|(question, answers)| (question.clone(), count(answers)))
            .filter(|(question, coverage)| coverage.of > 0 || question == SOURCE)
            .collect()
    }

    /// Every unanswered question, with the cause and whether it is required.
    fn open(&self) -> impl Iterator<Item = (&str, &Subject, &Cause, bool)> {
        self.answers.iter().flat_map(|(question, answers)| {
            answers.iter().filter_map(|(subject, answer)| {
                let Answer::Unanswered(cause) = answer else { return None };
                let accepted = is_reading(question) && self.accepts(subject);
                let required = self.required.contains(question) && !accepted;
                Some((question.as_str(), subject, cause, required))
            })
        })
    }

    /// What is open, told once a cause; what is required comes first, then what struck most.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps: BTreeMap<(&Cause, Option<&String>), [BTreeSet<&str>; 2]> = BTreeMap::new();
        let mut struck: BTreeMap<(&Cause, Option<&String>), BTreeSet<&Subject>> = BTreeMap::new();
        for (question, subject, cause, required) in self.open() {
            let key = (cause, self.accepted.get(&subject.name));
            let [all, needed] = gaps.entry(key).or_default();
            all.insert(question);
            if required {
                needed.insert(question);
            }
            struck.entry(key).or_default().insert(subject);
        }
        let told = |set: BTreeSet<&str>| set.into_iter().map(str::to_owned).collect();
        let mut gaps: Vec<Gap> = gaps
            .into_iter()
            .zip(struck.into_values())
            .map(|(((cause, accepted), [all, needed]), subjects)| Gap {
                cause: cause.clone(),
                remedy: cause.remedy().to_owned(),
                questions: told(all),
                subjects: subjects.into_iter().cloned().collect(),
                required: told(needed),
                accepted: accepted.cloned(),
            })
            .collect();
        gaps.sort_by_key(|gap| {
            (gap.required.is_empty(), std::cmp::Reverse(gap.subjects.len()), gap.cause.clone())
        });
        gaps
    }

    /// The open questions that the tool requires by itself, as entries of the list of what is not
    /// determined.
    #[must_use]
    pub fn undetermined(&self) -> Vec<Undetermined> {
        self.open()
            .filter(|(question, ..)| is_reading(question) && *question != FILES)
            .map(|(question, subject, cause, required)| Undetermined {
                subject: subject.clone(),
                what: question.to_owned(),
                file: None,
                reason: cause.told(),
                required,
            })
            .collect()
    }

    /// Whether a question that is required was left open.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.open().any(|(.., required)| required)
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
