//! How the rows of a block are packed: numbers, times and texts each in a stream of their own, so that like
//! lies beside like and compresses well. What reads says where the bytes are [`Damaged`].

use jiff::Timestamp;

use crate::collectors::custody::{
    Account, AccountKind, CrateCustody, Deleted, Owner, Publisher, Release, Stamp,
};
use crate::domain::Measured;

/// Most items of one list; bounds what a damaged count can ask for.
const ITEMS: u64 = 10_000_000;

/// The bytes are not those that were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

/// Writes a number: seven bits a byte, the lowest first.
pub(super) fn number(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Takes a number.
pub(super) fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A signed number as an unsigned one that is small where it is.
fn folded(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

fn unfolded(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Like beside like.
#[derive(Default)]
struct Streams {
    numbers: Vec<u8>,
    times: Vec<u8>,
    texts: Vec<u8>,
    last: i64,
}

impl Streams {
    fn number(&mut self, value: u64) {
        number(&mut self.numbers, value);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.texts.extend(text.as_bytes());
    }

    /// A moment in whole seconds, as the step from the one before.
    fn time(&mut self, at: Timestamp) {
        let second = at.as_second();
        number(&mut self.times, folded(second.wrapping_sub(self.last)));
        self.last = second;
    }

    /// A place in a list, or none.
    fn place(&mut self, at: Option<u32>) {
        self.number(at.map_or(0, |at| u64::from(at) + 1));
    }

    fn some<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn measured<T>(&mut self, value: &Measured<T>, write: impl FnOnce(&mut Self, &T)) {
        match value {
            Measured::Known(value) => {
                self.number(0);
                write(self, value);
            }
            Measured::Unknown(reason) => {
                self.number(1);
                self.text(reason);
            }
        }
    }

    fn row(&mut self, row: &CrateCustody) {
        self.number(row.accounts.len() as u64);
        for account in &row.accounts {
            let kind = u64::from(account.kind == AccountKind::Team);
            let relinked = account.relinked.map_or(0, |yes| 1 + u64::from(yes));
            self.number(kind + 2 * relinked);
            self.number(account.id);
            self.text(&account.login);
            self.some(account.created, Self::time);
        }
        self.number(row.addresses.len() as u64);
        for address in &row.addresses {
            self.text(address);
        }
        self.measured(&row.created, |out, at| out.time(*at));
        self.measured(&row.trusted_only, |out, yes| out.number(u64::from(*yes)));
        self.measured(&row.owners, |out, owners| {
            out.number(owners.len() as u64);
            for owner in owners {
                out.number(u64::from(owner.account));
                out.some(owner.added, Self::time);
                out.place(owner.added_by);
            }
        });
        self.measured(&row.releases, |out, releases| out.releases(releases));
        self.some(row.deleted.as_ref(), |out, deleted| {
            out.time(deleted.at);
            out.some(deleted.message.as_deref(), Self::text);
        });
    }

    fn releases(&mut self, releases: &[Release]) {
        self.number(releases.len() as u64);
        for release in releases {
            self.text(&release.number);
            self.time(release.published);
        }
        for release in releases {
            match &release.publisher {
                Publisher::Unnamed => self.number(0),
                Publisher::Trusted { provider, repository, commit } => {
                    self.number(1);
                    self.text(provider);
                    self.some(repository.as_deref(), Self::text);
                    self.some(commit.as_deref(), Self::text);
                }
                Publisher::Account(at) => self.number(2 + u64::from(*at)),
            }
        }
        for release in releases {
            self.place(release.repository);
        }
        for release in releases {
            self.place(release.homepage);
        }
        for release in releases {
            self.number(u64::from(release.yanked));
        }
    }
}

/// A block on its way.
#[derive(Default)]
pub(super) struct Packer {
    all: Streams,
    rows: usize,
}

impl Packer {
    /// Rows in it.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row. Its lengths come first, so that a reader can pass it.
    pub(super) fn push(&mut self, name: &str, row: &CrateCustody) {
        let mut one = Streams::default();
        one.row(row);
        self.rows += 1;
        self.all.text(name);
        for part in [&one.numbers, &one.times, &one.texts] {
            self.all.number(part.len() as u64);
        }
        self.all.numbers.extend(one.numbers);
        self.all.times.extend(one.times);
        self.all.texts.extend(one.texts);
    }

    /// The block, not compressed.
    pub(super) fn finish(self) -> Vec<u8> {
        let Streams { numbers, times, texts, .. } = self.all;
        let mut out = Vec::new();
        number(&mut out, numbers.len() as u64);
        number(&mut out, times.len() as u64);
        out.extend([numbers, times, texts].concat());
        out
    }
}

/// A length that this machine can have.
fn length(value: Option<u64>) -> Result<usize, Damaged> {
    value.and_then(|value| usize::try_from(value).ok()).ok_or(Damaged)
}

/// A place in a block.
pub(super) struct Cursor<'b> {
    numbers: &'b [u8],
    times: &'b [u8],
    texts: &'b [u8],
    last: i64,
    /// Lengths of the row whose name was read, which is passed unless it is wanted.
    row: [usize; 3],
}

impl<'b> Cursor<'b> {
    /// The beginning of a block.
    pub(super) fn open(block: &'b [u8]) -> Result<Self, Damaged> {
        let mut rest = block;
        let numbers = length(take_number(&mut rest))?;
        let times = length(take_number(&mut rest))?;
        let (numbers, rest) = rest.split_at_checked(numbers).ok_or(Damaged)?;
        let (times, texts) = rest.split_at_checked(times).ok_or(Damaged)?;
        Ok(Self { numbers, times, texts, last: 0, row: [0; 3] })
    }

    /// The name of the next row; the inner `None` at the end.
    pub(super) fn next_name(&mut self) -> Result<Option<&'b str>, Damaged> {
        let [numbers, times, texts] = std::mem::take(&mut self.row);
        self.numbers = self.numbers.get(numbers..).ok_or(Damaged)?;
        self.times = self.times.get(times..).ok_or(Damaged)?;
        self.texts = self.texts.get(texts..).ok_or(Damaged)?;
        if self.numbers.is_empty() {
            return Ok(None);
        }
        let name = self.text()?;
        for at in 0..self.row.len() {
            self.row[at] = length(self.number().ok())?;
        }
        Ok(Some(name))
    }

    /// The row whose name was read last.
    pub(super) fn row(&mut self, stamp: Stamp) -> Result<CrateCustody, Damaged> {
        let [numbers, times, texts] = self.row;
        let mut one = Cursor {
            numbers: self.numbers.get(..numbers).ok_or(Damaged)?,
            times: self.times.get(..times).ok_or(Damaged)?,
            texts: self.texts.get(..texts).ok_or(Damaged)?,
            last: 0,
            row: [0; 3],
        };
        let accounts = one.list(Self::account)?;
        let addresses = one.list(|one| one.text().map(str::to_owned))?;
        let created = one.measured(Self::time)?;
        let trusted_only = one.measured(|one| one.number().map(|yes| yes == 1))?;
        let owners = one.measured(|one| one.list(Self::owner))?;
        let releases = one.measured(Self::releases)?;
        let deleted = one.some(|one| {
            Ok(Deleted { at: one.time()?, message: one.some(|one| one.text().map(str::to_owned))? })
        })?;
        Ok(CrateCustody {
            stamp,
            accounts,
            addresses,
            created,
            owners,
            releases,
            trusted_only,
            deleted,
        })
    }

    fn number(&mut self) -> Result<u64, Damaged> {
        take_number(&mut self.numbers).ok_or(Damaged)
    }

    fn text(&mut self) -> Result<&'b str, Damaged> {
        let count = length(self.number().ok())?;
        let (text, rest) = self.texts.split_at_checked(count).ok_or(Damaged)?;
        self.texts = rest;
        std::str::from_utf8(text).map_err(|_| Damaged)
    }

    fn time(&mut self) -> Result<Timestamp, Damaged> {
        self.last = self.last.wrapping_add(unfolded(take_number(&mut self.times).ok_or(Damaged)?));
        Timestamp::from_second(self.last).map_err(|_| Damaged)
    }

    fn place(&mut self) -> Result<Option<u32>, Damaged> {
        match self.number()? {
            0 => Ok(None),
            at => u32::try_from(at - 1).map(Some).map_err(|_| Damaged),
        }
    }

    fn some<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Option<T>, Damaged> {
        if self.number()? == 0 { Ok(None) } else { read(self).map(Some) }
    }

    fn measured<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Measured<T>, Damaged> {
        if self.number()? == 0 {
            read(self).map(Measured::Known)
        } else {
            self.text().map(Measured::unknown)
        }
    }

    /// No room is made before an item is there: a count may lie.
    fn list<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, Damaged>,
    ) -> Result<Vec<T>, Damaged> {
        let count = self.number()?;
        if count > ITEMS {
            return Err(Damaged);
        }
        (0..count).map(|_| read(self)).collect()
    }

    fn account(&mut self) -> Result<Account, Damaged> {
        let bits = self.number()?;
        let kind = if bits & 1 == 1 { AccountKind::Team } else { AccountKind::User };
        let relinked = match bits >> 1 {
            0 => None,
            bit => Some(bit == 2),
        };
        let id = self.number()?;
        let login = self.text()?.to_owned();
        Ok(Account { kind, id, login, created: self.some(Self::time)?, relinked })
    }

    fn owner(&mut self) -> Result<Owner, Damaged> {
        let account = u32::try_from(self.number()?).map_err(|_| Damaged)?;
        Ok(Owner { account, added: self.some(Self::time)?, added_by: self.place()? })
    }

    fn releases(&mut self) -> Result<Vec<Release>, Damaged> {
        let mut releases = self.list(|one| {
            let number = one.text()?.to_owned();
            Ok(Release {
                number,
                published: one.time()?,
                publisher: Publisher::Unnamed,
                repository: None,
                homepage: None,
                yanked: false,
            })
        })?;
        for release in &mut releases {
            release.publisher = match self.number()? {
                0 => Publisher::Unnamed,
                1 => Publisher::Trusted {
                    provider: self.text()?.to_owned(),
                    repository: self.some(|one| one.text().map(str::to_owned))?,
                    commit: self.some(|one| one.text().map(str::to_owned))?,
                },
                at => Publisher::Account(u32::try_from(at - 2).map_err(|_| Damaged)?),
            };
        }
        for release in &mut releases {
            release.repository = self.place()?;
        }
        for release in &mut releases {
            release.homepage = self.place()?;
        }
        for release in &mut releases {
            release.yanked = self.number()? == 1;
        }
        Ok(releases)
    }
}
