//! Timelines of `fixtures/registry/`: what happened to a crate, and what each source would say of it on
//! each day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use crate::domain::Measured;

use super::history::{
    Account, AccountKind, CrateCustody, Deleted, History, Owner, Publisher, Release, SourceKind,
    Stamp, date,
};

/// A file of timelines.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Timeline {
    pub(crate) about: String,
    pub(crate) as_of: Date,
    pub(crate) crates: Vec<CrateTimeline>,
}

/// What happened to one crate, and what has to be seen of it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct CrateTimeline {
    pub(crate) name: String,
    accounts: BTreeMap<String, Moment>,
    owners: Vec<OwnerSpell>,
    releases: Vec<Vec<Value>>,
    dumps: Vec<Date>,
    #[serde(default)]
    api: Vec<Date>,
    deleted: Option<Deletion>,
    pub(crate) expect: Vec<Expected>,
}

#[derive(Deserialize)]
struct OwnerSpell {
    who: String,
    added: Moment,
    by: Option<String>,
    removed: Option<Moment>,
}

#[derive(Deserialize)]
struct Deletion {
    at: Moment,
    message: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Workflow { workflow: String },
}

/// An event that has to be seen, from its day on and not before.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expected {
    pub(crate) kind: super::EventKind,
    pub(crate) who: String,
    pub(crate) date: String,
}

/// A day (its first second) or a moment.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Moment(Timestamp);

impl TryFrom<String> for Moment {
    type Error = jiff::Error;
    fn try_from(text: String) -> Result<Self, jiff::Error> {
        let full = if text.contains('T') { text } else { format!("{text}T00:00:00Z") };
        full.parse().map(Moment)
    }
}

/// The same id for a login in every crate, as a registry gives it.
fn id_of(login: &str) -> u64 {
    login.bytes().fold(7, |id: u64, byte| (id * 31 + u64::from(byte)) % 1_000_003)
}

impl CrateTimeline {
    /// What the sources would have said, each on its days.
    pub(crate) fn history(&self) -> History {
        let dumps = self.dumps.iter().map(|&day| self.answer(day, SourceKind::Dump));
        let api = self.api.iter().map(|&day| self.answer(day, SourceKind::Api));
        History::new(&self.name, dumps.chain(api).collect())
    }

    fn answer(&self, day: Date, source: SourceKind) -> CrateCustody {
        let taken = Moment::try_from(format!("{day}T23:59:59Z")).unwrap().0;
        if let Some(deletion) = self.deleted.as_ref().filter(|deletion| deletion.at.0 <= taken) {
            // A dump of a later day has nothing left of it but this.
            let deleted = Deleted { at: deletion.at.0, message: Some(deletion.message.clone()) };
            return CrateCustody {
                deleted: Some(deleted),
                ..CrateCustody::unknown(Stamp { taken, source }, "the registry deleted the crate")
            };
        }
        let logins: Vec<&String> = self.accounts.keys().collect();
        let mut accounts: Vec<Account> = self
            .accounts
            .iter()
            .map(|(login, made)| Account {
                kind: AccountKind::User,
                id: id_of(login),
                login: login.clone(),
                created: Some(made.0),
                relinked: None,
            })
            .collect();
        let mut index = |login: &str| {
            if let Some(at) = logins.iter().position(|known| *known == login) {
                return u32::try_from(at).unwrap();
            }
            accounts.push(Account {
                kind: AccountKind::Team,
                id: 500,
                login: login.to_owned(),
                created: None,
                relinked: None,
            });
            u32::try_from(accounts.len() - 1).unwrap()
        };
        let dated = source == SourceKind::Dump;
        let owners = self
            .owners
            .iter()
            .filter(|spell| spell.added.0 <= taken && spell.removed.is_none_or(|r| r.0 > taken))
            .map(|spell| Owner {
                account: index(&spell.who),
                added: dated.then_some(spell.added.0),
                added_by: spell.by.as_deref().filter(|_| dated).map(&mut index),
            })
            .collect();
        let mut addresses = Vec::new();
        let releases: Vec<Release> = self
            .releases
            .iter()
            .map(|row| release(row, source, &mut index, &mut addresses))
            .filter(|release| release.published <= taken)
            .collect();
        CrateCustody {
            stamp: Stamp { taken, source },
            created: Measured::Known(releases[0].published),
            owners: Measured::Known(owners),
            releases: Measured::Known(releases),
            trusted_only: Measured::Known(false),
            deleted: None,
            accounts,
            addresses,
        }
        .checked()
        .unwrap()
    }

    /// First day on which there was anything to see.
    pub(crate) fn first_day(&self) -> Date {
        date(
            self.releases
                .iter()
                .map(|row| match &row[1] {
                    Value::Text(text) => Moment::try_from(text.clone()).unwrap().0,
                    Value::Workflow { .. } => panic!("a date is text"),
                })
                .min()
                .unwrap(),
        )
    }
}

/// One row: number, moment, publisher, repository, home page.
fn release(
    row: &[Value],
    source: SourceKind,
    index: &mut impl FnMut(&str) -> u32,
    addresses: &mut Vec<String>,
) -> Release {
    let text = |at: usize| match row.get(at) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let mut address = |at: usize| {
        text(at).map(|text| {
            addresses.push(text);
            u32::try_from(addresses.len() - 1).unwrap()
        })
    };
    Release {
        number: text(0).unwrap(),
        published: Moment::try_from(text(1).unwrap()).unwrap().0,
        publisher: match &row[2] {
            Value::Text(login) => Publisher::Account(index(login)),
            Value::Workflow { .. } if source == SourceKind::Dump => Publisher::Unnamed,
            Value::Workflow { workflow } => Publisher::Trusted {
                provider: "github".to_owned(),
                repository: Some(workflow.clone()),
                commit: None,
            },
        },
        repository: address(3),
        homepage: address(4),
        yanked: false,
    }
}

/// All timelines, by file name.
pub(crate) fn all() -> BTreeMap<String, Timeline> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/registry");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let timeline = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_stem().unwrap().to_string_lossy().into_owned(), timeline)
        })
        .collect()
}
