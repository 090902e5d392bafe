//! The rows of a dump, put together by crate. Tables come in any order, so what is needed of them is
//! held as numbers (32 bytes a version) with every text once, and joined when the last row was seen.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::collectors::custody::{
    Account, AccountKind, CrateCustody, Deleted, Owner, Publisher, Release, Stamp,
};
use crate::domain::Measured;
use crate_read::registry_dump::{CrateRow, DumpRow, OwnerRow, UserRow, VersionRow};

use super::popular::{PopularCrate, Usage};

/// Most rows of each table; ten times what the registry had in 2026.
const ROWS_LIMIT: usize = 30_000_000;
/// Most bytes of distinct texts: names, numbers, addresses.
const TEXT_LIMIT: usize = 1 << 30;
/// No user, text or address.
const NONE: u32 = u32::MAX;

/// What an import read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportStats {
    /// Crates.
    pub crates: usize,
    /// Versions.
    pub versions: usize,
    /// Owner rows.
    pub owners: usize,
    /// Accounts, users and teams.
    pub accounts: usize,
    /// Deleted crates.
    pub deleted: usize,
}

struct CrateEntry {
    id: u32,
    name: u32,
    created: i64,
    trusted_only: Option<bool>,
}

struct OwnerEntry {
    crate_id: u32,
    owner: u32,
    team: bool,
    added: i64,
    by: u32,
}

struct VersionEntry {
    crate_id: u32,
    number: u32,
    published: i64,
    publisher: u32,
    repository: u32,
    homepage: u32,
    yanked: bool,
}

struct UserEntry {
    login: u32,
    created: Option<i64>,
    relinked: Option<bool>,
}

/// Every text once.
#[derive(Default)]
struct Texts {
    places: HashMap<Box<str>, u32>,
    bytes: usize,
}

impl Texts {
    fn keep(&mut self, text: &str) -> Result<u32, String> {
        if let Some(&place) = self.places.get(text) {
            return Ok(place);
        }
        self.bytes += text.len();
        let place = u32::try_from(self.places.len()).ok().filter(|&place| place < NONE);
        match place {
            Some(place) if self.bytes <= TEXT_LIMIT => {
                self.places.insert(text.into(), place);
                Ok(place)
            }
            _ => Err("the dump has more text than any honest one".to_owned()),
        }
    }

    fn keep_some(&mut self, text: Option<&str>) -> Result<u32, String> {
        text.map_or(Ok(NONE), |text| self.keep(text))
    }

    fn in_order(self) -> Vec<Box<str>> {
        let mut texts: Vec<(Box<str>, u32)> = self.places.into_iter().collect();
        texts.sort_unstable_by_key(|&(_, place)| place);
        texts.into_iter().map(|(text, _)| text).collect()
    }
}

/// Takes the rows of a dump one by one.
#[derive(Default)]
pub(super) struct Assembly {
    texts: Texts,
    crates: Vec<CrateEntry>,
    owners: Vec<OwnerEntry>,
    users: HashMap<u32, UserEntry>,
    teams: HashMap<u32, u32>,
    versions: Vec<VersionEntry>,
    deleted: Vec<(u32, i64, u32)>,
    usage: Usage,
}

impl Assembly {
    /// Keeps what is needed of one row.
    pub(super) fn take(&mut self, row: DumpRow<'_>) -> Result<(), String> {
        match row {
            DumpRow::Crate(row) => self.take_crate(&row)?,
            DumpRow::Owner(row) => self.take_owner(&row)?,
            DumpRow::User(row) => self.take_user(&row)?,
            DumpRow::Team(row) => {
                let login = self.texts.keep(row.login)?;
                if self.teams.insert(small(row.id)?, login).is_some() {
                    return Err(format!("the dump has the team number {} twice", row.id));
                }
            }
            DumpRow::Version(row) => self.take_version(&row)?,
            DumpRow::Downloads(row) => self.usage.downloads(small(row.crate_id)?, row.downloads)?,
            DumpRow::DefaultVersion(version) => self.usage.default_version(small(version)?)?,
            DumpRow::Dependency(row) if row.dev => {}
            DumpRow::Dependency(row) => {
                self.usage.dependency(small(row.crate_id)?, small(row.version_id)?)?;
            }
            DumpRow::Deleted(row) => {
                let message = self.texts.keep_some(row.message)?;
                let name = self.texts.keep(row.name)?;
                self.deleted.push((name, row.deleted_at.as_second(), message));
            }
        }
        let most = [self.crates.len(), self.owners.len(), self.users.len(), self.versions.len()];
        if most.iter().chain([&self.deleted.len()]).any(|&rows| rows > ROWS_LIMIT) {
            return Err("the dump has more rows than any honest one".to_owned());
        }
        Ok(())
    }

    fn take_crate(&mut self, row: &CrateRow<'_>) -> Result<(), String> {
        self.crates.push(CrateEntry {
            id: small(row.id)?,
            name: self.texts.keep(row.name)?,
            created: row.created_at.as_second(),
            trusted_only: row.trusted_only,
        });
        Ok(())
    }

    fn take_owner(&mut self, row: &OwnerRow) -> Result<(), String> {
        self.owners.push(OwnerEntry {
            crate_id: small(row.crate_id)?,
            owner: small(row.owner_id)?,
            team: row.team,
            added: row.created_at.as_second(),
            by: row.created_by.map_or(Ok(NONE), small)?,
        });
        Ok(())
    }

    fn take_user(&mut self, row: &UserRow<'_>) -> Result<(), String> {
        let entry = UserEntry {
            login: self.texts.keep(row.login)?,
            created: row.created_at.map(Timestamp::as_second),
            relinked: row.username.map(|name| !name.eq_ignore_ascii_case(row.login)),
        };
        match self.users.insert(small(row.id)?, entry) {
            None => Ok(()),
            Some(_) => Err(format!("the dump has the account number {} twice", row.id)),
        }
    }

    fn take_version(&mut self, row: &VersionRow<'_>) -> Result<(), String> {
        self.versions.push(VersionEntry {
            crate_id: small(row.crate_id)?,
            number: self.texts.keep(row.number)?,
            published: row.created_at.as_second(),
            publisher: row.published_by.map_or(Ok(NONE), small)?,
            repository: self.texts.keep_some(row.repository)?,
            homepage: self.texts.keep_some(row.homepage)?,
            yanked: row.yanked,
        });
        Ok(())
    }

    /// Refuses a dump that has a crate twice, by number or by name, a version or an owner of a crate twice: one of
    /// the two would hide the other. And one without a single owner or version: what is left out of it is
    /// not nothing.
    pub(super) fn check(&mut self) -> Result<(), String> {
        if !self.crates.is_empty() && (self.owners.is_empty() || self.versions.is_empty()) {
            let what = if self.owners.is_empty() { "owner" } else { "version" };
            return Err(format!("the dump has crates and not one {what} of any"));
        }
        self.versions.sort_unstable_by_key(|one| (one.crate_id, one.number));
        let same = |two: &[VersionEntry]| {
            (two[0].crate_id, two[0].number) == (two[1].crate_id, two[1].number)
        };
        if let Some(two) = self.versions.windows(2).find(|two| same(two)) {
            let id = two[0].crate_id;
            return Err(format!("the dump has a version of the crate number {id} twice"));
        }
        self.owners.sort_unstable_by_key(|owner| (owner.crate_id, owner.team, owner.owner));
        let same = |two: &[OwnerEntry]| {
            let of = |one: &OwnerEntry| (one.crate_id, one.team, one.owner);
            of(&two[0]) == of(&two[1])
        };
        if let Some(two) = self.owners.windows(2).find(|two| same(two)) {
            let id = two[0].crate_id;
            return Err(format!("the dump has an owner of the crate number {id} twice"));
        }
        let mut ids: Vec<u32> = self.crates.iter().map(|one| one.id).collect();
        let mut names: Vec<u32> = self.crates.iter().map(|one| one.name).collect();
        ids.sort_unstable();
        names.sort_unstable();
        let twice =
            |sorted: &[u32]| sorted.windows(2).find(|two| two[0] == two[1]).map(|two| two[0]);
        if let Some(id) = twice(&ids) {
            return Err(format!("the dump has the crate number {id} twice"));
        }
        match twice(&names) {
            Some(name) => {
                let known = self.texts.places.iter().find(|(_, place)| **place == name);
                let name = known.map_or("?", |(text, _)| text);
                Err(format!("the dump has the crate `{}` twice", crate::domain::text::shown(name)))
            }
            None => Ok(()),
        }
    }

    /// Joins the tables and hands out one answer a crate, ordered by name, and in the end which are popular.
    pub(super) fn finish<E>(
        mut self,
        stamp: Stamp,
        mut each: impl FnMut(&str, CrateCustody) -> Result<(), E>,
    ) -> Result<(ImportStats, Vec<PopularCrate>), E> {
        let texts = std::mem::take(&mut self.texts).in_order();
        let usage = std::mem::take(&mut self.usage);
        let named = self.crates.iter().map(|one| (one.id, text(&texts, one.name), one.created));
        let popular = usage.popular(named, stamp.taken);
        let stats = ImportStats {
            crates: self.crates.len(),
            versions: self.versions.len(),
            owners: self.owners.len(),
            accounts: self.users.len() + self.teams.len(),
            deleted: self.deleted.len(),
        };
        self.versions
            .sort_unstable_by_key(|version| (version.crate_id, version.published, version.number));
        self.owners.sort_unstable_by_key(|owner| (owner.crate_id, owner.team, owner.owner));
        self.crates.sort_unstable_by(|a, b| text(&texts, a.name).cmp(text(&texts, b.name)));
        self.deleted
            .sort_unstable_by(|a, b| (text(&texts, a.0), a.1).cmp(&(text(&texts, b.0), b.1)));
        let (crates, mut deleted) = (&self.crates, self.deleted.iter().peekable());
        for entry in crates {
            let name = text(&texts, entry.name);
            while let Some(gone) = deleted.next_if(|gone| text(&texts, gone.0) < name) {
                each(text(&texts, gone.0), gone_answer(&texts, gone, stamp))?;
            }
            // A name that was taken again: what was deleted under it is another crate.
            while deleted.next_if(|gone| text(&texts, gone.0) == name).is_some() {}
            each(name, self.answer(entry, &texts, stamp))?;
        }
        for gone in deleted {
            each(text(&texts, gone.0), gone_answer(&texts, gone, stamp))?;
        }
        Ok((stats, popular))
    }

    fn answer(&self, entry: &CrateEntry, texts: &[Box<str>], stamp: Stamp) -> CrateCustody {
        let mut row = Row { assembly: self, texts, accounts: Vec::new(), addresses: Vec::new() };
        let owners: Vec<Owner> = of_crate(&self.owners, entry.id, |owner| owner.crate_id)
            .iter()
            .map(|owner| row.owner(owner))
            .collect();
        let releases: Vec<Release> = of_crate(&self.versions, entry.id, |one| one.crate_id)
            .iter()
            .map(|version| row.release(version))
            .collect();
        let Row { accounts, addresses, .. } = row;
        CrateCustody {
            stamp,
            accounts,
            addresses,
            created: Measured::Known(moment(entry.created)),
            // A crate that nobody owns and that has no version is none that a lockfile can pin.
            owners: some_of(owners, "the dump has no owner of it"),
            releases: some_of(releases, "the dump has no version of it"),
            trusted_only: entry.trusted_only.map_or_else(
                || Measured::unknown("the dump is of before this was recorded"),
                Measured::Known,
            ),
            deleted: None,
        }
    }
}

/// One crate's answer on its way.
struct Row<'a> {
    assembly: &'a Assembly,
    texts: &'a [Box<str>],
    accounts: Vec<Account>,
    addresses: Vec<String>,
}

impl Row<'_> {
    fn owner(&mut self, entry: &OwnerEntry) -> Owner {
        let kind = if entry.team { AccountKind::Team } else { AccountKind::User };
        let account = self.account(kind, entry.owner);
        let by = (entry.by != NONE).then_some(entry.by);
        let added_by = by.map(|id| self.account(AccountKind::User, id));
        Owner { account, added: Some(moment(entry.added)), added_by }
    }

    fn release(&mut self, entry: &VersionEntry) -> Release {
        let publisher = (entry.publisher != NONE).then_some(entry.publisher);
        let publisher = publisher.map(|id| self.account(AccountKind::User, id));
        Release {
            number: text(self.texts, entry.number).to_owned(),
            published: moment(entry.published),
            publisher: publisher.map_or(Publisher::Unnamed, Publisher::Account),
            repository: self.address(entry.repository),
            homepage: self.address(entry.homepage),
            yanked: entry.yanked,
        }
    }

    fn account(&mut self, kind: AccountKind, id: u32) -> u32 {
        let id_of = u64::from(id);
        if let Some(at) = self.accounts.iter().position(|a| a.kind == kind && a.id == id_of) {
            return place(at);
        }
        let user = self.assembly.users.get(&id);
        let team = self.assembly.teams.get(&id);
        let (login, created, relinked) = match kind {
            AccountKind::User => {
                user.map_or((NONE, None, None), |user| (user.login, user.created, user.relinked))
            }
            AccountKind::Team => (team.copied().unwrap_or(NONE), None, None),
        };
        let login = if login == NONE {
            // An id without its row: the account stays distinct, and nobody can take it for another.
            format!("#{id}")
        } else {
            text(self.texts, login).to_owned()
        };
        let created = created.map(moment);
        self.accounts.push(Account { kind, id: id_of, login, created, relinked });
        place(self.accounts.len() - 1)
    }

    fn address(&mut self, at: u32) -> Option<u32> {
        if at == NONE {
            return None;
        }
        let address = text(self.texts, at);
        let at = self.addresses.iter().rposition(|known| known == address).unwrap_or_else(|| {
            self.addresses.push(address.to_owned());
            self.addresses.len() - 1
        });
        Some(place(at))
    }
}

fn gone_answer(texts: &[Box<str>], gone: &(u32, i64, u32), stamp: Stamp) -> CrateCustody {
    let message = (gone.2 != NONE).then(|| text(texts, gone.2).to_owned());
    let at = moment(gone.1);
    CrateCustody {
        deleted: Some(Deleted { at, message }),
        ..CrateCustody::unknown(stamp, "the registry deleted the crate")
    }
}

/// A list that cannot be empty where it is whole.
fn some_of<T>(list: Vec<T>, why: &str) -> Measured<Vec<T>> {
    if list.is_empty() { Measured::unknown(why) } else { Measured::Known(list) }
}

/// The entries of one crate in a list that is ordered by crate.
fn of_crate<T>(list: &[T], id: u32, of: impl Fn(&T) -> u32) -> &[T] {
    let start = list.partition_point(|entry| of(entry) < id);
    let rest = &list[start..];
    &rest[..rest.partition_point(|entry| of(entry) == id)]
}

fn text(texts: &[Box<str>], place: u32) -> &str {
    &texts[place as usize]
}

fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("it was a timestamp when it was read")
}

fn place(at: usize) -> u32 {
    u32::try_from(at).expect("rows are limited far below 2^32")
}

fn small(id: u64) -> Result<u32, String> {
    u32::try_from(id)
        .ok()
        .filter(|&id| id < NONE)
        .ok_or_else(|| format!("the id {id} is larger than any that the registry gives"))
}
