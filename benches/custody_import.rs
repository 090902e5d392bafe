//! How long the import of a registry dump takes, and how much memory: 150,000 crates and 1.5 million
//! versions, with readmes and downloads that flow past, as in the real one.
//!
//! `cargo bench --bench custody_import`. Fails above 60 s or 200 MiB.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::time::{Duration, Instant};

use cargo_custody::collectors::custody_store::Store;

const CRATES: u64 = 150_000;
const VERSIONS: u64 = 1_500_000;
const USERS: u64 = 40_000;
const MOST_TIME: Duration = Duration::from_mins(1);
const MOST_MEMORY: u64 = 200 * 1024 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let dump = folder.path().join("db-dump.tar.gz");
    let start = Instant::now();
    write_dump(&dump)?;
    println!(
        "generated {} MiB of dump in {:.1} s",
        dump.metadata()?.len() >> 20,
        start.elapsed().as_secs_f64()
    );
    let before = peak_memory()?;
    let store = folder.path().join("custody.redb");
    let start = Instant::now();
    let stats = Store::import(BufReader::with_capacity(1 << 20, File::open(&dump)?), &store)?;
    let took = start.elapsed();
    let peak = peak_memory()?;
    println!(
        "imported {} crates, {} versions in {:.1} s, peak {} MiB (generator {} MiB), store {} MiB",
        stats.crates,
        stats.versions,
        took.as_secs_f64(),
        peak >> 20,
        before >> 20,
        store.metadata()?.len() >> 20
    );
    look_up(&store)?;
    assert!(took <= MOST_TIME, "the import takes too long");
    assert!(peak <= MOST_MEMORY, "the import takes too much memory");
    Ok(())
}

/// 500 crates out of the store, and out of a slim file made of it.
fn look_up(path: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    use cargo_custody::collectors::custody_store::{CustodySource, Slim};
    let names: Vec<String> = (0..500).map(|at| format!("crate-{}", at * 211)).collect();
    let start = Instant::now();
    let store = Store::open(path)?;
    let found = names.iter().filter(|name| store.answer(name).known().is_some()).count();
    let from_store = start.elapsed();
    let slim = store.slim(names.iter().map(String::as_str))?;
    let start = Instant::now();
    let read = Slim::read(&slim[..], path)?;
    let again = names.iter().filter(|name| read.answer(name).known().is_some()).count();
    println!(
        "{found} crates looked up in {:.0} ms; {again} in a slim file of {} KiB in {:.0} ms",
        from_store.as_secs_f64() * 1e3,
        slim.len() >> 10,
        start.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}

/// Highest resident memory of this process so far, in bytes.
fn peak_memory() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other("no VmHWM"))
}

/// A small generator of the same numbers each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

type Rows<'a> = &'a dyn Fn(&mut dyn Write) -> io::Result<()>;

fn write_dump(path: &std::path::Path) -> io::Result<()> {
    let file = BufWriter::new(File::create(path)?);
    let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let tables: [(&str, Rows<'_>); 7] = [
        ("data/crate_owners.csv", &owners),
        ("data/crates.csv", &crates),
        ("data/teams.csv", &|out| {
            writeln!(out, "avatar,github_id,id,login,name,org_id")?;
            (0..500).try_for_each(|id| writeln!(out, ",1,{id},github:org-{id}:core,core,{id}"))
        }),
        ("data/users.csv", &users),
        ("data/version_downloads.csv", &downloads),
        ("data/versions.csv", &versions),
        ("metadata.json", &|out| write!(out, "{{\"timestamp\":\"2026-03-14T02:00:43Z\"}}")),
    ];
    for (name, rows) in tables {
        let mut size = Counter(0);
        rows(&mut size)?;
        out.write_all(&header(&format!("2026-03-14-020043/{name}"), size.0))?;
        rows(&mut out)?;
        out.write_all(&vec![
            0;
            usize::try_from(size.0.next_multiple_of(512) - size.0).expect("small")
        ])?;
    }
    out.write_all(&[0; 1024])?;
    out.finish()?.flush()
}

struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn header(path: &str, size: u64) -> [u8; 512] {
    let mut header = [0_u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn day(dice: &mut Dice) -> String {
    format!("20{}-{:02}-{:02}", 15 + dice.below(11), 1 + dice.below(12), 1 + dice.below(28))
}

fn owners(out: &mut dyn Write) -> io::Result<()> {
    let mut dice = Dice(7);
    writeln!(out, "crate_id,created_at,created_by,owner_id,owner_kind")?;
    for id in 1..=CRATES {
        let founder = 1 + dice.below(USERS);
        writeln!(out, "{id},{} 10:00:00.123456+00,{founder},{founder},0", day(&mut dice))?;
        if dice.below(3) == 0 {
            let other = 1 + dice.below(USERS);
            writeln!(out, "{id},{} 10:00:00+00,{founder},{other},0", day(&mut dice))?;
        }
    }
    Ok(())
}

fn crates(out: &mut dyn Write) -> io::Result<()> {
    let mut dice = Dice(11);
    writeln!(
        out,
        "created_at,description,documentation,homepage,id,max_features,max_upload_size,name,readme,repository,trustpub_only,updated_at"
    )?;
    for id in 1..=CRATES {
        let readme = "A \"\"readme\"\" of some length,\nover lines. "
            .repeat(usize::try_from(10 + dice.below(60)).expect("small"));
        writeln!(
            out,
            "{} 10:00:00+00,\"a, crate\",,,{id},,,crate-{id},\"{readme}\",https://forge.invalid/u{}/crate-{id},f,2026-03-01 10:00:00+00",
            day(&mut dice),
            dice.below(USERS)
        )?;
    }
    Ok(())
}

fn users(out: &mut dyn Write) -> io::Result<()> {
    let mut dice = Dice(13);
    writeln!(out, "created_at,gh_id,gh_login,id,name,username")?;
    for id in 1..=USERS {
        writeln!(
            out,
            "{} 10:00:00+00,{id},user-{id},{id},\"User, {id}\",user-{id}",
            day(&mut dice)
        )?;
    }
    Ok(())
}

fn downloads(out: &mut dyn Write) -> io::Result<()> {
    let mut dice = Dice(17);
    writeln!(out, "date,downloads,version_id")?;
    for _ in 0..5_000_000 {
        writeln!(
            out,
            "2026-02-{:02},{},{}",
            1 + dice.below(28),
            dice.below(9000),
            dice.below(VERSIONS)
        )?;
    }
    Ok(())
}

fn versions(out: &mut dyn Write) -> io::Result<()> {
    let mut dice = Dice(19);
    writeln!(
        out,
        "bin_names,categories,crate_id,crate_size,created_at,description,documentation,downloads,edition,features,has_lib,homepage,id,keywords,license,links,num,num_no_build,published_by,repository,rust_version,tar_sha256,updated_at,yanked,zip_json_sha256,zip_sha256"
    )?;
    for id in 1..=VERSIONS {
        // Rows come in no order of crates.
        let owner = 1 + (id * 7919) % CRATES;
        let number = format!("{}.{}.{}", dice.below(3), dice.below(30), id / CRATES);
        writeln!(
            out,
            "{{}},\"{{a,b}}\",{owner},48211,{} 09:26:53.123456+00,\"What it, in a sentence, does\",,900,2021,\"{{\"\"default\"\": [\"\"std\"\"]}}\",t,,{id},{{}},MIT,,{number},{number},{},https://forge.invalid/u{owner}/crate-{owner},1.74,9f2c4e8d1b0a77e6c5d4b3a29180f7e6d5c4b3a2918070f6e5d4c3b2a1908f7e,2026-03-14 09:26:53+00,f,,",
            day(&mut dice),
            1 + dice.below(USERS)
        )?;
    }
    Ok(())
}
