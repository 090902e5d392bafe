//! A crate registry on 127.0.0.1: index, archives, API and dump of a made-up world, in the shapes of the
//! real one. Archives are packed from text; nothing in them does more than `echo`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use cargo_custody::domain::hash::hex;
use custody_bytes::gzip_tar::sample;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A file of a crate: path and bytes.
pub type File = (&'static str, Vec<u8>);

/// Everything that was published.
#[derive(Clone, Default)]
pub struct World {
    pub crates: Vec<Crate>,
}

/// One crate with its people.
#[derive(Clone)]
pub struct Crate {
    pub name: String,
    /// Login to the moment at which the account was made.
    pub accounts: BTreeMap<String, String>,
    /// Login, since when, by whom.
    pub owners: Vec<(String, String, String)>,
    pub releases: Vec<Release>,
    /// When the registry took it away, and with which word.
    pub deleted: Option<(String, String)>,
}

/// One release.
#[derive(Clone, Default)]
pub struct Release {
    pub number: String,
    /// RFC 3339.
    pub published: String,
    /// Login; empty for a trusted workflow.
    pub publisher: String,
    pub repository: Option<String>,
    pub homepage: Option<String>,
    pub yanked: bool,
    /// Names of ordinary dependencies.
    pub dependencies: Vec<String>,
    /// Commit at which the workflow ran; that of the archive's record where it is not given.
    pub commit: Option<String>,
    /// Repository of the workflow; one of its own name where it is not given.
    pub workflow: Option<String>,
    /// The archive; empty where nobody packed one.
    pub archive: Vec<u8>,
}

impl Release {
    /// SHA-256 of the archive.
    pub fn checksum(&self) -> String {
        hex(&Sha256::digest(&self.archive))
    }

    /// `YYYY-MM-DD`.
    pub fn day(&self) -> &str {
        &self.published[..10]
    }
}

fn moment(text: &str) -> String {
    if text.contains('T') { text.to_owned() } else { format!("{text}T08:00:00Z") }
}

impl World {
    /// A file of `fixtures/registry`. The archives hold a manifest and nothing else.
    pub fn timeline(file: &str) -> Self {
        let path = format!("{}/fixtures/registry/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let timeline: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
        let crates = timeline["crates"].as_array().expect("crates").iter().map(Crate::of_timeline);
        Self { crates: crates.collect() }
    }

    /// A crate of this world.
    pub fn find(&self, name: &str) -> &Crate {
        self.crates.iter().find(|one| one.name == name).expect("a crate of this world")
    }

    /// Packs the archive of every release from what `files` gives; the manifest is added.
    pub fn packed(mut self, files: impl Fn(&str, &str) -> Vec<File>) -> Self {
        for one in &mut self.crates {
            for release in &mut one.releases {
                release.archive =
                    pack(&one.name, &release.number, &files(&one.name, &release.number));
            }
        }
        self
    }

    /// A lockfile that pins these versions; the project depends on all of them.
    pub fn lock(&self, pins: &[(&str, &str)]) -> String {
        let mut lock =
            "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n"
                .to_owned();
        for (name, _) in pins {
            let _ = writeln!(lock, " \"{name}\",");
        }
        lock.push_str("]\n");
        for (name, version) in pins {
            let releases = &self.find(name).releases;
            let release = releases.iter().find(|r| r.number == *version).expect("a release");
            let _ = write!(
                lock,
                "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \
                 \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{}\"\n",
                release.checksum()
            );
            let locked = release.dependencies.iter().filter(|d| pins.iter().any(|(n, _)| n == d));
            let locked: Vec<String> = locked.map(|name| format!(" \"{name}\",\n")).collect();
            if !locked.is_empty() {
                let _ = writeln!(lock, "dependencies = [\n{}]", locked.concat());
            }
        }
        lock
    }

    /// The registry's dump of the last second of a day, in its own layout.
    pub fn dump(&self, day: &str) -> Vec<u8> {
        let tables = Tables::of(self, day);
        let metadata = format!("{{\"timestamp\":\"{day}T23:59:59Z\",\"crates_io_commit\":\"0\"}}");
        let folder = format!("{day}-235959");
        let members = [
            ("data/crate_owners.csv", tables.owners),
            ("data/crates.csv", tables.crates),
            ("data/deleted_crates.csv", tables.deleted),
            ("data/teams.csv", tables.teams),
            ("data/users.csv", tables.users),
            ("data/versions.csv", tables.versions),
            ("metadata.json", metadata),
        ];
        let files: Vec<(String, &[u8])> = members
            .iter()
            .map(|(path, text)| (format!("{folder}/{path}"), text.as_bytes()))
            .collect();
        tar_gz(files.iter().map(|(path, bytes)| (path.as_str(), *bytes)))
    }

    /// All accounts with their numbers.
    fn users(&self) -> BTreeMap<&str, (usize, &str)> {
        let all: BTreeMap<&str, &str> = self
            .crates
            .iter()
            .flat_map(|one| {
                one.accounts.iter().map(|(login, made)| (login.as_str(), made.as_str()))
            })
            .collect();
        all.into_iter().enumerate().map(|(at, (login, made))| (login, (at + 1, made))).collect()
    }

    fn index_file(&self, name: &str) -> Option<String> {
        let one = self.crates.iter().find(|one| one.name == name)?;
        let mut lines = String::new();
        for release in &one.releases {
            let dependencies: Vec<Value> = release.dependencies.iter().map(dependency).collect();
            let line = json!({
                "name": one.name, "vers": release.number, "deps": dependencies,
                "cksum": release.checksum(), "features": {}, "yanked": release.yanked,
                "pubtime": release.published, "v": 2,
            });
            let _ = writeln!(lines, "{line}");
        }
        Some(lines)
    }

    fn versions(&self, name: &str) -> Option<Value> {
        let users = self.users();
        let one = self.crates.iter().find(|one| one.name == name)?;
        let rows = one.releases.iter().rev().map(|release| {
            let person = users.get(release.publisher.as_str()).map(|(id, made)| {
                json!({"id": id, "login": release.publisher, "name": null, "avatar": null,
                    "github_username_matches": true, "created_at": moment(made)})
            });
            let repository = release.workflow.clone().unwrap_or_else(|| format!("acme/{name}"));
            let workflow = json!({"provider": "github", "repository": repository,
                "run_id": "1", "sha": release.commit.as_deref().unwrap_or(RECORDED)});
            let trusted = person.is_none().then_some(workflow);
            json!({"num": release.number, "created_at": release.published, "yanked": release.yanked,
                "published_by": person, "trustpub_data": trusted, "audit_actions": [],
                "repository": release.repository, "homepage": release.homepage})
        });
        let rows: Vec<Value> = rows.collect();
        Some(json!({"meta": {"total": rows.len(), "next_page": null}, "versions": rows}))
    }

    fn owners(&self, name: &str) -> Option<Value> {
        let users = self.users();
        let one = self.crates.iter().find(|one| one.name == name)?;
        let rows = one.owners.iter().map(|(login, ..)| match users.get(login.as_str()) {
            Some((id, _)) => json!({"id": id, "login": login, "kind": "user",
                "name": null, "github_username_matches": true}),
            None => json!({"id": 500, "login": login, "kind": "team", "name": "core"}),
        });
        Some(json!({"users": rows.collect::<Vec<Value>>()}))
    }
}

fn dependency(name: &String) -> Value {
    json!({"name": name, "req": "^1", "features": [], "optional": false,
        "default_features": true, "target": null, "kind": "normal"})
}

impl Crate {
    /// A crate of one account with these releases.
    pub fn of(name: &str, login: &str, releases: &[(&str, &str)]) -> Self {
        let release = |(number, day): &(&str, &str)| Release {
            number: (*number).to_owned(),
            published: moment(day),
            publisher: login.to_owned(),
            archive: pack(name, number, &[]),
            ..Release::default()
        };
        Self {
            name: name.to_owned(),
            accounts: BTreeMap::from([(login.to_owned(), "2014-01-01".to_owned())]),
            owners: vec![(login.to_owned(), moment(releases[0].1), login.to_owned())],
            releases: releases.iter().map(release).collect(),
            deleted: None,
        }
    }

    fn of_timeline(one: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let need = |value: &Value| text(value).expect("a text");
        let accounts = one["accounts"].as_object().expect("accounts").iter();
        let owners = one["owners"].as_array().expect("owners").iter();
        let releases = one["releases"].as_array().expect("releases").iter();
        let name = need(&one["name"]);
        let release = |row: &Value| Release {
            number: need(&row[0]),
            published: moment(&need(&row[1])),
            publisher: text(&row[2]).unwrap_or_else(String::new),
            workflow: text(&row[2]["workflow"]),
            repository: text(&row[3]),
            homepage: text(&row[4]),
            archive: pack(&name, &need(&row[0]), &[]),
            ..Release::default()
        };
        Self {
            accounts: accounts.map(|(login, made)| (login.clone(), need(made))).collect(),
            owners: owners
                // Whom the registry removed with the crate was its owner until then.
                .filter(|owner| {
                    owner["removed"].is_null() || owner["removed"] == one["deleted"]["at"]
                })
                .map(|owner| {
                    let who = need(&owner["who"]);
                    let by = text(&owner["by"]).unwrap_or_else(|| who.clone());
                    (who, moment(&need(&owner["added"])), by)
                })
                .collect(),
            releases: releases.map(release).collect(),
            deleted: text(&one["deleted"]["at"])
                .map(|at| (moment(&at), need(&one["deleted"]["message"]))),
            name,
        }
    }

    /// Whether the registry has it no more on that day.
    fn is_gone(&self, day: &str) -> bool {
        self.deleted.as_ref().is_some_and(|(at, _)| at[..10] <= *day)
    }

    /// The newest release of that day or before.
    pub fn newest_on(&self, day: &str) -> Option<&Release> {
        self.releases.iter().filter(|release| release.day() <= day).max_by_key(|r| &r.published)
    }
}

/// The tables of a dump.
#[derive(Default)]
struct Tables {
    crates: String,
    owners: String,
    teams: String,
    users: String,
    versions: String,
    deleted: String,
}

impl Tables {
    fn of(world: &World, day: &str) -> Self {
        let space = |text: &str| format!("{}+00", moment(text).replace('T', " ").replace('Z', ""));
        let mut tables = Self {
            crates: "created_at,description,id,name,readme,trustpub_only\n".to_owned(),
            owners: "crate_id,created_at,created_by,owner_id,owner_kind\n".to_owned(),
            teams: "avatar,github_id,id,login,name,org_id\n".to_owned(),
            users: "created_at,gh_id,gh_login,id,name,username\n".to_owned(),
            versions: "bin_names,crate_id,created_at,homepage,num,published_by,repository,yanked\n"
                .to_owned(),
            deleted: "available_at,created_at,deleted_at,deleted_by,id,message,name\n".to_owned(),
        };
        let users = world.users();
        for (login, (id, made)) in &users {
            let _ = writeln!(tables.users, "{},{id},{login},{id},,{login}", space(made));
        }
        let id = |login: &str| users.get(login).map_or(String::new(), |(id, _)| id.to_string());
        for (at, one) in world.crates.iter().enumerate() {
            let at = at + 1;
            let first = space(&one.releases[0].published);
            if let Some((when, word)) = one.deleted.as_ref().filter(|_| one.is_gone(day)) {
                let when = space(when);
                let _ =
                    writeln!(tables.deleted, "{when},{first},{when},1,{at},{word},{}", one.name);
                continue;
            }
            let _ =
                writeln!(tables.crates, "{first},\"a, \"\"b\"\"\n\",{at},{},\"#\n\",f", one.name);
            for (login, added, by) in &one.owners {
                let (since, by) = (space(added), id(by));
                let _ = match id(login).as_str() {
                    // Only teams have no account.
                    "" => {
                        let _ = writeln!(tables.teams, ",1,{at},{login},core,2");
                        writeln!(tables.owners, "{at},{since},{by},{at},1")
                    }
                    who => writeln!(tables.owners, "{at},{since},{by},{who},0"),
                };
            }
            for release in &one.releases {
                let Release { number, published, publisher, repository, homepage, .. } = release;
                let (since, by) = (space(published), id(publisher));
                let text = |address: &Option<String>| address.clone().unwrap_or_default();
                let (repository, homepage) = (text(repository), text(homepage));
                let yanked = if release.yanked { 't' } else { 'f' };
                let _ = writeln!(
                    tables.versions,
                    "{{}},{at},{since},{homepage},{number},{by},{repository},{yanked}"
                );
            }
        }
        tables
    }
}

/// Commit that every archive names.
const RECORDED: &str = "1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e1f0e";

/// An archive as `cargo package` makes it.
pub fn pack(name: &str, version: &str, files: &[File]) -> Vec<u8> {
    let build = if files.iter().any(|(path, _)| *path == "build.rs") {
        "build = \"build.rs\"\n"
    } else {
        ""
    };
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n{build}\n[lib]\npath = \"src/lib.rs\"\n"
    );
    let vcs = format!("{{\"git\":{{\"sha1\":\"{RECORDED}\"}},\"path_in_vcs\":\"\"}}");
    let mut all: Vec<(String, &[u8])> = vec![
        (".cargo_vcs_info.json".to_owned(), vcs.as_bytes()),
        ("Cargo.toml".to_owned(), manifest.as_bytes()),
        ("Cargo.toml.orig".to_owned(), manifest.as_bytes()),
    ];
    all.extend(files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.as_slice())));
    if !files.iter().any(|(path, _)| *path == "src/lib.rs") {
        all.push(("src/lib.rs".to_owned(), b"pub fn one() -> u8 { 1 }\n"));
    }
    let root = format!("{name}-{version}");
    let named: Vec<(String, &[u8])> =
        all.iter().map(|(path, bytes)| (format!("{root}/{path}"), *bytes)).collect();
    tar_gz(named.iter().map(|(path, bytes)| (path.as_str(), *bytes)))
}

/// A gzip tar of these files.
pub fn tar_gz<'f>(files: impl Iterator<Item = (&'f str, &'f [u8])>) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, bytes) in files {
        tar.extend(sample::member(b'0', path.as_bytes(), bytes));
    }
    tar.extend([0; 1024]);
    sample::gzip(&tar)
}

/// Bytes that nobody can read, the same in every run.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// A whole answer with its head.
pub fn answer(status: &str, kind: &str, extra: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n{extra}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// What stands in for the honest answer to a path, if anything does.
type Fault = dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync;

/// A running registry; it ends with the test's process.
pub struct Registry {
    /// `http://127.0.0.1:PORT/`; `index/`, `static/` and `api/v1/` are below it.
    pub base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    /// Serves a world as it is on that day, which its clock says, too.
    pub fn start(world: World, day: &str) -> Self {
        Self::with_faults(world, day, |_| None)
    }

    /// The same; where `fault` has an answer to a path, it is given instead.
    pub fn with_faults(
        world: World,
        day: &str,
        fault: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}/", listener.local_addr().expect("bound"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut world = world;
        // What was taken away is not there any more.
        world.crates.retain(|one| !one.is_gone(day));
        let shared = Arc::new((world, base.clone(), http_date(day), Box::new(fault) as Box<Fault>));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, seen) = (Arc::clone(&shared), Arc::clone(&seen));
                thread::spawn(move || {
                    let (world, base, date, fault) = &*shared;
                    serve(stream, &seen, |path| {
                        fault(path).unwrap_or_else(|| honest(world, base, date, path))
                    });
                });
            }
        });
        Self { base, requests }
    }

    /// Paths of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic holds it").clone()
    }

    /// How many of them asked the API.
    pub fn api_requests(&self) -> usize {
        self.requests().iter().filter(|path| path.starts_with("/api/")).count()
    }
}

/// The HTTP date of noon on a day.
fn http_date(day: &str) -> String {
    let noon: jiff::civil::DateTime = format!("{day}T12:00:00").parse().expect("a day");
    noon.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, answer: impl Fn(&str) -> Vec<u8>) {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("").to_owned();
    seen.lock().expect("no panic holds it").push(path.clone());
    let _ = stream.write_all(&answer(&path));
}

fn honest(world: &World, base: &str, date: &str, path: &str) -> Vec<u8> {
    let dated = format!("date: {date}\r\netag: \"one\"\r\n");
    let json = |value: Option<Value>| match value {
        Some(value) => answer("200 OK", "application/json", &dated, value.to_string().as_bytes()),
        None => answer("404 Not Found", "application/json", &dated, b"{\"errors\":[]}"),
    };
    // What the default registry says of its index.
    let lasting = format!("{dated}cache-control: public,max-age=600\r\n");
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts[..] {
        ["index", "config.json"] => {
            let api = base.trim_end_matches('/');
            let config = json!({"dl": format!("{base}static/crates"), "api": api}).to_string();
            answer("200 OK", "application/json", &lasting, config.as_bytes())
        }
        ["index", .., name] => match world.index_file(name) {
            Some(lines) => answer("200 OK", "text/plain", &lasting, lines.as_bytes()),
            None => answer("404 Not Found", "text/plain", &dated, b""),
        },
        ["static", "crates", name, version, "download"] => {
            let one = world.crates.iter().find(|one| one.name == name);
            match one.and_then(|one| one.releases.iter().find(|r| r.number == version)) {
                Some(release) => answer("200 OK", "application/gzip", &dated, &release.archive),
                None => answer("404 Not Found", "text/plain", &dated, b""),
            }
        }
        ["api", "v1", "crates", name, "versions"] => json(world.versions(name)),
        ["api", "v1", "crates", name, "owners"] => json(world.owners(name)),
        _ => answer("404 Not Found", "text/plain", &dated, b""),
    }
}
