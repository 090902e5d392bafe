//! Custody data at the size of the registry: 250,000 crates and 1.8 million versions out of a seed.
//!
//! `cargo bench --bench custody_import [-- SEED]` makes the dump in both forms, imports it by ranges and as a whole
//! tar, writes the extract of everything, opens it, and audits a project of 325 crates on a fresh machine. Each
//! step runs in a process of its own, whose peak memory is that of the step. Fails where a limit is passed.

mod project;
mod server;
mod world;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use cargo_custody::collectors::custody_store::{
    CustodySource as _, Extract, Store, Target, write_extract,
};
use cargo_custody::net::{self, Client};

use server::{Given, Server};
use world::World;

/// Most memory of an import, and of writing the extract, in MiB.
const IMPORT_MEMORY: u64 = 400;
const EXTRACT_MEMORY: u64 = 512;
const EXTRACT_BYTES: u64 = 15_000_000;
const EXTRACT_TIME: Duration = Duration::from_mins(2);
const OPEN_TIME: Duration = Duration::from_millis(50);

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|one| !one.starts_with("--")).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["import", base, store] => import(base, Path::new(store)),
        ["slim", store, extract] => slim(Path::new(store), Path::new(extract)),
        ["open", extract] => open(Path::new(extract)),
        ["check", extract, seed] => project::check(Path::new(extract), seed.parse()?),
        ["make", seed, folder] => make(seed.parse()?, Path::new(folder)),
        [seed] => all(seed.parse()?),
        _ => all(20_261_129),
    }
}

fn all(seed: u64) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    make(seed, folder.path())?;
    let at = |name: &str| folder.path().join(name);
    let wanted = wanted_bytes(&at("db-dump.zip"))?;
    let (tar, zip) = (at("db-dump.tar.gz"), at("db-dump.zip"));
    for (form, file, store) in [("ranges", &zip, at("ranges.redb")), ("tar", &tar, at("tar.redb"))]
    {
        let (parts, file) = (form == "ranges", file.clone());
        let server = Server::start(move |path| match path {
            "/db-dump.zip" if parts => Given::File(file.clone(), true),
            "/db-dump.tar.gz" if !parts => Given::File(file.clone(), false),
            _ => Given::Missing,
        })?;
        println!("-- {form}");
        step(&["import", &server.base, &shown(&store)])?;
        let came = server.bytes.load(std::sync::atomic::Ordering::Relaxed);
        println!("   {came} bytes came, {wanted} of the members that are wanted");
        let most = wanted + wanted / 100;
        assert!(!parts || came <= most, "more than the wanted members and 1 %");
    }
    println!("-- extract");
    step(&["slim", &shown(&at("ranges.redb")), &shown(&at("registry.custody"))])?;
    step(&["open", &shown(&at("registry.custody"))])?;
    println!("-- 325 crates on a fresh machine");
    step(&["check", &shown(&at("registry.custody")), &seed.to_string()])
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// One step in a process of its own.
fn step(arguments: &[&str]) -> Result<(), Failed> {
    let done = Command::new(std::env::current_exe()?).args(arguments).status()?;
    if done.success() { Ok(()) } else { Err(format!("{} failed", arguments[0]).into()) }
}

fn make(seed: u64, folder: &Path) -> Result<(), Failed> {
    let start = Instant::now();
    let world = World::new(seed);
    let (tar, zip) = (folder.join("db-dump.tar.gz"), folder.join("db-dump.zip"));
    world.write(&tar, &zip)?;
    let mib = |path: &PathBuf| path.metadata().map(|data| data.len() >> 20);
    println!(
        "-- seed {seed}: {} crates, {} versions; tar {} MiB, zip {} MiB, made in {:.0} s",
        world::CRATES,
        world.versions_in_all(),
        mib(&tar)?,
        mib(&zip)?,
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Bytes of the members that an import wants, their headers included.
fn wanted_bytes(zip: &Path) -> Result<u64, Failed> {
    use cargo_custody::disk;
    use crate_read::registry_dump::{TAIL, find_directory, wanted_members};
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = disk::open(zip)?;
    let size = file.metadata()?.len();
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    file.read_to_end(&mut tail)?;
    let directory = find_directory(&tail, size)?;
    file.seek(SeekFrom::Start(directory.place.start))?;
    let mut listed = vec![0; usize::try_from(directory.place.end - directory.place.start)?];
    file.read_exact(&mut listed)?;
    let members = wanted_members(&listed, &directory)?;
    Ok(members.iter().map(|member| member.place.end - member.place.start).sum())
}

fn import(base: &str, store: &Path) -> Result<(), Failed> {
    let start = Instant::now();
    let client = Client::online(net::Options::default());
    let to = Target { store, dependents: true, today: None };
    let done = Store::download(&client, &net::runtime()?, base, to, &|_, _| {})?;
    let peak = peak_memory()? >> 20;
    println!(
        "   {:?}: {:?} in {:.1} s, peak {peak} MiB, store {} MiB",
        done.way,
        done.imported,
        start.elapsed().as_secs_f64(),
        store.metadata()?.len() >> 20
    );
    assert!(peak <= IMPORT_MEMORY, "the import takes too much memory");
    Ok(())
}

fn slim(store: &Path, extract: &Path) -> Result<(), Failed> {
    let start = Instant::now();
    let written = write_extract(&Store::open(store)?, extract)?;
    let (took, peak) = (start.elapsed(), peak_memory()? >> 20);
    println!(
        "   {} crates in {} bytes, {:.1} s, peak {peak} MiB",
        written.crates,
        written.bytes,
        took.as_secs_f64()
    );
    assert!(peak <= EXTRACT_MEMORY && took <= EXTRACT_TIME, "writing the extract takes too much");
    assert!(written.bytes <= EXTRACT_BYTES, "the extract is too large");
    Ok(())
}

fn open(path: &Path) -> Result<(), Failed> {
    let start = Instant::now();
    let extract = Extract::open(path)?;
    let opened = start.elapsed();
    let start = Instant::now();
    let popular = extract.popular().len();
    let listed = start.elapsed();
    let start = Instant::now();
    let names = (0..325).map(|at| World::name(at * 769));
    let found = names.filter(|name| extract.answer(name).known().is_some()).count();
    println!(
        "   opened in {:.1} ms; {popular} popular names in {:.1} ms; {found} of 325 crates looked up in {:.0} ms; peak {} MiB",
        opened.as_secs_f64() * 1e3,
        listed.as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3,
        peak_memory()? >> 20
    );
    assert!(opened <= OPEN_TIME, "opening takes too long");
    assert_eq!(found, 325);
    Ok(())
}

/// Highest resident memory of this process so far, in bytes.
pub fn peak_memory() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other("no VmHWM"))
}
