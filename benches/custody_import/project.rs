//! A project of 325 crates of the made-up registry on a machine that has nothing yet: the first run, and the second.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cargo_custody::audit::{self, Request};
use cargo_custody::collectors;
use cargo_custody::config::Policy;
use cargo_custody::domain::hash::hex;
use cargo_custody::heuristics;
use cargo_custody::net::BaseUrls;
use cargo_custody::walker::{self, MetadataMode};
use custody_bytes::gzip_tar::sample::crate_archive;
use sha2::{Digest as _, Sha256};

use super::server::{Given, Server};
use super::world::World;

const CRATES: u32 = 325;
/// Of so many a release came after the extract was made: two requests of the API each.
const NEWER: u32 = 4;

/// What is served of one crate.
struct Served {
    number: String,
    archive: Vec<u8>,
    index: String,
    versions: String,
    owners: String,
}

/// Audits twice, and holds both runs against the limits.
pub fn check(extract: &Path, seed: u64) -> Result<(), Box<dyn std::error::Error>> {
    let world = World::new(seed);
    let answers: BTreeMap<String, Served> =
        (0..CRATES).map(|n| (World::name(n * 769), serve(&world, n * 769, n < NEWER))).collect();
    let lock = lock(&answers);
    let extract = extract.to_owned();
    let base = Arc::new(std::sync::OnceLock::new());
    let (own, files) = (Arc::clone(&base), answers);
    let advisories = advisories();
    let server = Server::start(move |path| {
        let base: &String = own.get().expect("set before anybody asks");
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let bytes = |text: &str| Given::Bytes(text.as_bytes().to_vec());
        match parts[..] {
            ["registry.custody"] => Given::File(extract.clone(), false),
            ["advisories.tar.gz"] => Given::Bytes(advisories.clone()),
            ["index", "config.json"] => bytes(&format!(
                "{{\"dl\":\"{base}static/crates\",\"api\":\"{}\"}}",
                base.trim_end_matches('/')
            )),
            ["index", .., name] => files.get(name).map_or(Given::Missing, |one| bytes(&one.index)),
            ["static", "crates", name, _, "download"] => {
                files.get(name).map_or(Given::Missing, |one| Given::Bytes(one.archive.clone()))
            }
            ["api", "v1", "crates", name, what] => {
                let what = what.split('?').next();
                files.get(name).map_or(Given::Missing, |one| {
                    bytes(if what == Some("owners") { &one.owners } else { &one.versions })
                })
            }
            _ => Given::Missing,
        }
    })?;
    base.set(server.base.clone()).map_err(|_| "set twice")?;
    let folder = tempfile::tempdir()?;
    let request = request(folder.path(), &server, &lock)?;
    for run in ["first", "second"] {
        let before = counts(&server);
        let start = Instant::now();
        let audit = audit::run(&request)?;
        let took = start.elapsed();
        let after = counts(&server);
        let (bytes, requests, api) = (after.0 - before.0, after.1 - before.1, after.2 - before.2);
        let custody = audit.report.coverage["custody"];
        println!(
            "   {run} run: hands of {} of {}, {:.1} s, {bytes} bytes, {requests} requests, {api} of them of the API, peak {} MiB",
            custody.known,
            custody.of,
            took.as_secs_f64(),
            super::peak_memory()? >> 20
        );
        assert_eq!((custody.known, custody.of), (CRATES as usize, CRATES as usize));
        match run {
            "first" => {
                assert!(bytes <= 16_000_000 && took <= Duration::from_secs(10) && api <= 20);
            }
            _ => assert!(requests == 0 && api == 0 && bytes == 0, "everything is there"),
        }
    }
    Ok(())
}

fn counts(server: &Server) -> (u64, u64, u64) {
    let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::SeqCst);
    (of(&server.bytes), of(&server.requests), of(&server.api))
}

fn request(
    folder: &Path,
    server: &Server,
    lock: &str,
) -> Result<Request, Box<dyn std::error::Error>> {
    let project = folder.join("project");
    std::fs::create_dir(&project)?;
    std::fs::write(project.join("Cargo.lock"), lock)?;
    Ok(Request {
        notes: false,
        path: project,
        walk: walker::Options { metadata: MetadataMode::Never },
        gather: collectors::Options {
            urls: BaseUrls {
                index: format!("{}index/", server.base),
                advisory_db: format!("{}advisories.tar.gz", server.base),
                ..BaseUrls::default()
            },
            data: Some(format!("{}registry.custody", server.base)),
            api_budget: Duration::from_secs(20),
            ..collectors::Options::new(
                "2026-03-15".parse()?,
                folder.join("cargo"),
                folder.join("cache"),
            )
        },
        policy: Policy::default(),
        fail_on: None,
        ruleset: Arc::new(heuristics::load(audit::schema(), &[])?),
        base: None,
        baseline: None,
        strict_unknown: false,
    })
}

fn serve(world: &World, at: u32, newer: bool) -> Served {
    let name = World::name(at);
    let mut releases: Vec<(String, i64, Option<u32>)> = world.releases(at).collect();
    if newer {
        releases.push(("99.0.0".to_owned(), super::world::TAKEN + 3_600, Some(7)));
    }
    let (mut index, mut versions) = (String::new(), Vec::new());
    let number = releases.last().expect("at least one").0.clone();
    let archive = pack(&name, &number);
    let checksum = hex(&Sha256::digest(&archive));
    for (number, when, by) in &releases {
        let at = jiff::Timestamp::from_second(*when).expect("within the calendar");
        // Writing to a String cannot fail.
        let _ = writeln!(
            index,
            "{{\"name\":\"{name}\",\"vers\":\"{number}\",\"deps\":[],\"cksum\":\"{checksum}\",\"features\":{{}},\"yanked\":false,\"pubtime\":\"{at}\",\"v\":2}}"
        );
        let by = by.map_or("null".to_owned(), |id| {
            format!(
                "{{\"id\":{id},\"login\":\"dev-{id}\",\"created_at\":\"2020-01-01T00:00:00Z\"}}"
            )
        });
        versions.push(format!(
            "{{\"num\":\"{number}\",\"created_at\":\"{at}\",\"published_by\":{by}}}"
        ));
    }
    Served {
        archive,
        index,
        versions: format!("{{\"versions\":[{}]}}", versions.join(",")),
        owners: "{\"users\":[{\"id\":7,\"login\":\"dev-7\",\"kind\":\"user\"}]}".to_owned(),
        number,
    }
}

fn lock(served: &BTreeMap<String, Served>) -> String {
    let mut lock =
        "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n"
            .to_owned();
    for name in served.keys() {
        let _ = writeln!(lock, " \"{name}\",");
    }
    lock.push_str("]\n");
    for (name, one) in served {
        let checksum = hex(&Sha256::digest(&one.archive));
        let _ = write!(
            lock,
            "\n[[package]]\nname = \"{name}\"\nversion = \"{}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{checksum}\"\n",
            one.number
        );
    }
    lock
}

/// An advisory database of one advisory about a crate that nobody has.
fn advisories() -> Vec<u8> {
    let text = b"```toml\n[advisory]\nid = \"RUSTSEC-2026-0001\"\npackage = \"nobody\"\ndate = \"2026-01-20\"\n\n[versions]\npatched = []\n```\n\n# A bad sum\n";
    let files: [(&str, &[u8]); 1] = [("crates/nobody/RUSTSEC-2026-0001.md", text)];
    crate_archive("advisory-db-main", &files)
}

/// A crate of a manifest and a line.
fn pack(name: &str, version: &str) -> Vec<u8> {
    let manifest =
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
    let files: [(&str, &[u8]); 2] =
        [("Cargo.toml", manifest.as_bytes()), ("src/lib.rs", b"pub fn one() -> u8 { 1 }\n")];
    crate_archive(&format!("{name}-{version}"), &files)
}
