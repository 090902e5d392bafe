//! A registry of realistic size out of a seed: heavy-tailed owners, versions and downloads, readmes and
//! dependencies that make the dump large, as tar and as zip. The same seed gives the same bytes.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use crate_read::registry_dump::sample::header;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

/// Crates, about as many as the registry had in 2026.
pub const CRATES: u32 = 250_000;
const USERS: u32 = 60_000;
const TEAMS: u32 = 900;
/// Second of 2026-03-14 02:00:43 UTC, when the dump is taken.
pub const TAKEN: i64 = 1_773_453_643;
const DAY: i64 = 86_400;

/// Writes the rows of one table.
type Rows = fn(&World, &mut dyn Write) -> io::Result<()>;

/// A small generator of the same numbers each time.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    /// Of one seed and one purpose.
    pub fn new(seed: u64, of: u64) -> Self {
        let mut dice = Self((seed ^ of.wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1);
        for _ in 0..8 {
            let _ = dice.next();
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u32) -> u32 {
        u32::try_from(self.next() >> 33).expect("31 bits") % limit.max(1)
    }

    /// Above 0, at most 1.
    fn unit(&mut self) -> f64 {
        (f64::from(self.below(1_000_000)) + 1.0) / 1_000_000.0
    }

    /// 1 and more, with a tail as heavy as `shape` says, at most `most`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded by `most`"
    )]
    fn tail(&mut self, least: f64, shape: f64, most: u32) -> u32 {
        (least / self.unit().powf(shape)).min(f64::from(most)) as u32
    }
}

/// One crate of the made-up registry.
#[derive(Clone)]
pub struct Made {
    first: i64,
    versions: u32,
    founder: u32,
    second: Option<(u32, i64)>,
    team: bool,
}

/// The registry.
pub struct World {
    seed: u64,
    crates: Vec<Made>,
}

impl World {
    /// Of a seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 1);
        let crates = (0..CRATES).map(|_| {
            let first = TAKEN - DAY - i64::from(dice.below(3_900)) * DAY;
            let second = (dice.below(100) < 9).then(|| {
                let since = first + (TAKEN - first) / 100 * i64::from(dice.below(100));
                (1 + dice.below(USERS), since)
            });
            Made {
                first,
                // A mean of 7.2: 1.8 million versions.
                versions: dice.tail(3.0, 0.62, 900).max(1),
                // A few accounts found very many.
                founder: dice.tail(1.0, 1.6, USERS),
                second,
                team: dice.below(100) < 5,
            }
        });
        Self { seed, crates: crates.collect() }
    }

    /// Name of a crate by its number.
    pub fn name(at: u32) -> String {
        const WORDS: [&str; 24] = [
            "acme", "tensor", "quick", "json", "async", "core", "macro", "wasm", "http", "tiny",
            "safe", "stream", "codec", "graph", "index", "token", "pixel", "audio", "crypt",
            "parse", "shell", "store", "model", "proto",
        ];
        let word = |by: u32| WORDS[(at / by) as usize % WORDS.len()];
        format!("{}-{}-{at}", word(1), word(24))
    }

    /// Versions of all crates.
    pub fn versions_in_all(&self) -> u64 {
        self.crates.iter().map(|made| u64::from(made.versions)).sum()
    }

    /// Versions of a crate, with when each was published and by whom: nobody for a workflow.
    pub fn releases(&self, at: u32) -> impl Iterator<Item = (String, i64, Option<u32>)> + '_ {
        (0..self.crates[at as usize].versions).map(move |n| self.release_of(at, n))
    }

    /// One of them.
    fn release_of(&self, at: u32, n: u32) -> (String, i64, Option<u32>) {
        let made = &self.crates[at as usize];
        let (number, when) = release(made, n);
        let second = made.second.filter(|(_, since)| when > *since && n.is_multiple_of(2));
        let workflow = when > 1_751_328_000 && (at + n).is_multiple_of(19);
        let by = second.map_or(made.founder, |(user, _)| user);
        (number, when, (!workflow).then_some(by))
    }

    /// Both forms of the dump.
    pub fn write(&self, tar: &Path, zip: &Path) -> io::Result<()> {
        let tables: [(&str, Rows); 12] = [
            ("README.md", |_, out| writeln!(out, "# A registry that was made up")),
            ("data/crate_downloads.csv", Self::downloads),
            ("data/crate_owners.csv", Self::owners),
            ("data/crates.csv", Self::crates),
            ("data/default_versions.csv", Self::defaults),
            ("data/deleted_crates.csv", Self::deleted),
            ("data/dependencies.csv", Self::dependencies),
            ("data/teams.csv", Self::teams),
            ("data/users.csv", Self::users),
            ("data/version_downloads.csv", Self::version_downloads),
            ("data/versions.csv", Self::versions),
            ("metadata.json", |_, out| write!(out, "{{\"timestamp\":\"2026-03-14T02:00:43Z\"}}")),
        ];
        let file = BufWriter::with_capacity(1 << 20, File::create(tar)?);
        let mut gzip = GzEncoder::new(file, Compression::fast());
        let mut parts = ZipWriter::create(zip)?;
        for (name, rows) in tables {
            let mut size = Counter::default();
            parts.member(name, |out| rows(self, &mut Both(out, &mut size)))?;
            gzip.write_all(&header(&format!("2026-03-14-020043/{name}"), size.0))?;
            rows(self, &mut BufWriter::with_capacity(1 << 16, &mut gzip))?;
            let padding = size.0.next_multiple_of(512) - size.0;
            gzip.write_all(&vec![0; usize::try_from(padding).expect("small")])?;
        }
        gzip.write_all(&[0; 1024])?;
        gzip.finish()?.flush()?;
        parts.finish()
    }

    fn owners(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "crate_id,created_at,created_by,owner_id,owner_kind")?;
        for (at, made) in (1..).zip(&self.crates) {
            let founder = made.founder;
            writeln!(out, "{at},{},{founder},{founder},0", time(made.first))?;
            if let Some((user, since)) = made.second {
                writeln!(out, "{at},{},{founder},{user},0", time(since))?;
            }
            if made.team {
                writeln!(out, "{at},{},{founder},{},1", time(made.first + DAY), 1 + at % TEAMS)?;
            }
        }
        Ok(())
    }

    fn crates(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut dice = Dice::new(self.seed, 2);
        writeln!(
            out,
            "created_at,description,documentation,homepage,id,max_features,max_upload_size,name,readme,repository,trustpub_only,updated_at"
        )?;
        for (at, made) in (0_u32..).zip(&self.crates) {
            write!(out, "{},\"a, crate\",,,{},,,{},\"", time(made.first), at + 1, Self::name(at))?;
            // Mean of about 2 kB that do not compress away.
            for _ in 0..dice.tail(60.0, 0.5, 2_000) {
                write!(out, "{:x} \"\"word\"\",\nline ", dice.next() >> 30)?;
            }
            writeln!(
                out,
                "\",https://forge.invalid/u{}/{},f,{}",
                made.founder,
                at + 1,
                time(TAKEN)
            )?;
        }
        Ok(())
    }

    fn users(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut dice = Dice::new(self.seed, 3);
        writeln!(out, "created_at,gh_id,gh_login,id,name,username")?;
        for id in 1..=USERS {
            let made = time(TAKEN - i64::from(dice.below(4_300)) * DAY);
            writeln!(out, "{made},{id},{:x}-dev-{id},{id},\"User, {id}\",", dice.next() >> 40)?;
        }
        Ok(())
    }

    fn teams(_: &Self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "avatar,github_id,id,login,name,org_id")?;
        (1..=TEAMS).try_for_each(|id| writeln!(out, ",1,{id},github:org-{id}:core,core,{id}"))
    }

    fn deleted(_: &Self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "available_at,created_at,deleted_at,deleted_by,id,message,name")?;
        (0..3_000).try_for_each(|n| {
            writeln!(
                out,
                ",{},{},1,{n},malicious,gone-{n}",
                time(TAKEN - 9 * DAY),
                time(TAKEN - DAY)
            )
        })
    }

    fn downloads(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut dice = Dice::new(self.seed, 4);
        writeln!(out, "crate_id,downloads")?;
        (1..=CRATES).try_for_each(|id| writeln!(out, "{id},{}", dice.tail(40.0, 2.2, 900_000_000)))
    }

    fn version_downloads(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut dice = Dice::new(self.seed, 5);
        writeln!(out, "date,downloads,version_id")?;
        (0..9_000_000).try_for_each(|_| {
            let (day, version) = (1 + dice.below(28), dice.below(1_800_000));
            writeln!(out, "2026-02-{day:02},{},{version}", dice.below(9_000))
        })
    }

    /// Version by version over all crates, so that rows come in no order of crates.
    fn each_version(
        &self,
        mut each: impl FnMut(u32, u32, u32) -> io::Result<()>,
    ) -> io::Result<()> {
        let most = self.crates.iter().map(|made| made.versions).max().unwrap_or(0);
        let mut id = 0;
        let mut open: Vec<u32> = (0..CRATES).collect();
        for n in 0..most {
            open.retain(|&at| self.crates[at as usize].versions > n);
            for &at in &open {
                id += 1;
                each(id, at, n)?;
            }
        }
        Ok(())
    }

    fn versions(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut dice = Dice::new(self.seed, 6);
        writeln!(
            out,
            "bin_names,categories,crate_id,crate_size,created_at,description,documentation,downloads,edition,features,has_lib,homepage,id,keywords,license,links,num,num_no_build,published_by,repository,rust_version,tar_sha256,updated_at,yanked,zip_json_sha256,zip_sha256"
        )?;
        self.each_version(|id, at, n| {
            let made = &self.crates[at as usize];
            let (number, when, by) = self.release_of(at, n);
            let by = by.map_or(String::new(), |user| user.to_string());
            let (founder, since) = (made.founder, time(when));
            let yanked = if dice.below(40) == 0 { 't' } else { 'f' };
            writeln!(
                out,
                "{{}},\"{{a,b}}\",{},48211,{since},\"What it, in a sentence, does\",,900,2021,\"{{\"\"default\"\": [\"\"std\"\"]}}\",t,,{id},{{}},MIT,,{number},{number},{by},https://forge.invalid/u{founder}/{},1.74,{:032x}{:032x},{since},{yanked},,",
                at + 1, at + 1, dice.next(), dice.next(),
            )
        })
    }

    fn defaults(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "crate_id,num_versions,version_id")?;
        self.each_version(|id, at, n| {
            let of = self.crates[at as usize].versions;
            if n + 1 == of { writeln!(out, "{},{of},{id}", at + 1) } else { Ok(()) }
        })
    }

    fn dependencies(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut dice = Dice::new(self.seed, 7);
        writeln!(
            out,
            "crate_id,default_features,explicit_name,features,id,kind,optional,req,target,version_id"
        )?;
        let mut row = 0_u64;
        self.each_version(|id, _, _| {
            for _ in 0..4 {
                row += 1;
                let (of, kind) = (dice.tail(1.0, 1.9, CRATES), dice.below(3));
                writeln!(out, "{of},t,,{{}},{row},{kind},f,^1.{},,{id}", dice.below(90))?;
            }
            Ok(())
        })
    }
}

fn release(made: &Made, n: u32) -> (String, i64) {
    let step = (TAKEN - DAY - made.first) / i64::from(made.versions.max(1));
    (format!("0.{}.{}", n / 8, n % 8), made.first + step * i64::from(n))
}

/// A moment as the dump writes it.
fn time(second: i64) -> String {
    let at = jiff::Timestamp::from_second(second).expect("within the calendar");
    at.strftime("%Y-%m-%d %H:%M:%S.123456+00").to_string()
}

#[derive(Default)]
struct Counter(u64);

struct Both<'a>(&'a mut dyn Write, &'a mut Counter);

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        self.1.0 += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A plain zip, as the registry writes it.
struct ZipWriter {
    file: BufWriter<File>,
    directory: Vec<u8>,
    members: u16,
}

/// Counts and sums what goes past.
struct Summed<W> {
    into: W,
    crc: flate2::Crc,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.into.write_all(bytes)?;
        self.crc.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

impl ZipWriter {
    fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        Ok(Self { file, directory: Vec::new(), members: 0 })
    }

    fn member(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let small = |n: u64| u32::try_from(n).expect("below 4 GiB");
        let length = u16::try_from(name.len()).expect("short");
        let at = self.file.stream_position()?;
        let head = |crc: u32, packed: u32, unpacked: u32| {
            let mut head = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0".to_vec();
            for number in [crc, packed, unpacked] {
                head.extend(number.to_le_bytes());
            }
            head.extend(length.to_le_bytes());
            head.extend([0, 0]);
            head.extend(name.as_bytes());
            head
        };
        self.file.write_all(&head(0, 0, 0))?;
        let start = self.file.stream_position()?;
        let (crc, unpacked) = {
            let encoder = DeflateEncoder::new(&mut self.file, Compression::fast());
            let mut summed = Summed { into: encoder, crc: flate2::Crc::new() };
            let mut buffered = BufWriter::with_capacity(1 << 16, &mut summed);
            write(&mut buffered)?;
            buffered.flush()?;
            drop(buffered);
            let Summed { into, crc } = summed;
            into.finish()?;
            (crc.sum(), crc.amount())
        };
        let end = self.file.stream_position()?;
        let packed = small(end - start);
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(&head(crc, packed, unpacked))?;
        self.file.seek(SeekFrom::Start(end))?;
        self.directory.extend(b"PK\x01\x02\x14\x03\x14\0\0\0\x08\0\0\0\0\0");
        for number in [crc, packed, unpacked] {
            self.directory.extend(number.to_le_bytes());
        }
        self.directory.extend(length.to_le_bytes());
        self.directory.extend([0; 12]);
        self.directory.extend(small(at).to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.members += 1;
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        let at = self.file.stream_position()?;
        self.file.write_all(&self.directory)?;
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend([self.members, self.members].iter().flat_map(|n| n.to_le_bytes()));
        let length = u32::try_from(self.directory.len()).expect("small");
        end.extend(length.to_le_bytes());
        end.extend(u32::try_from(at).expect("below 4 GiB").to_le_bytes());
        end.extend([0, 0]);
        self.file.write_all(&end)?;
        self.file.flush()
    }
}
