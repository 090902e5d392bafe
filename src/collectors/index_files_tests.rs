use super::*;
use crate::collectors::cargo_home::tests::default_folder;
use crate::net::Options;
use crate::net::loopback::{Loopback, Reply};

/// One version of an index file that a test writes.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) number: String,
    pub(crate) published: Option<String>,
    pub(crate) yanked: bool,
    pub(crate) needs: Vec<String>,
    pub(crate) checksum: String,
}

impl Version {
    pub(crate) fn at(version: &str, published: &str) -> Self {
        Self {
            number: version.to_owned(),
            published: Some(published.to_owned()),
            yanked: false,
            needs: Vec::new(),
            checksum: "aa".to_owned(),
        }
    }

    pub(crate) fn yanked(mut self) -> Self {
        self.yanked = true;
        self
    }

    pub(crate) fn needs(mut self, name: &str) -> Self {
        self.needs.push(name.to_owned());
        self
    }

    pub(crate) fn json(&self, name: &str) -> String {
        let deps: Vec<_> = self
            .needs
            .iter()
            .map(|n| serde_json::json!({"name": n, "req": "^1", "kind": "normal", "optional": false}))
            .collect();
        serde_json::json!({
            "name": name, "vers": self.number, "deps": deps, "cksum": self.checksum,
            "features": {}, "yanked": self.yanked, "pubtime": self.published,
        })
        .to_string()
    }
}

fn cache_bytes(name: &str, versions: &[Version]) -> Vec<u8> {
    let mut out = b"\x03\x02\0\0\0Unknown\0".to_vec();
    for version in versions {
        out.extend_from_slice(version.number.as_bytes());
        out.push(0);
        out.extend_from_slice(version.json(name).as_bytes());
        out.push(0);
    }
    out
}

/// Writes a cache file of the default registry.
pub(crate) fn write_cache(home: &tempfile::TempDir, name: &str, bytes: &[u8]) {
    write_cache_of(home, &default_folder(), name, bytes);
}

fn write_cache_of(home: &tempfile::TempDir, folder: &str, name: &str, bytes: &[u8]) {
    let path = home
        .path()
        .join("registry/index")
        .join(folder)
        .join(".cache")
        .join(crate_path(name).unwrap());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Writes versions into the default registry's cache.
pub(crate) fn home_with(home: &tempfile::TempDir, name: &str, versions: &[Version]) {
    write_cache(home, name, &cache_bytes(name, versions));
}

fn index(home: &tempfile::TempDir, client: &Client, base: &str) -> IndexFiles {
    let urls = BaseUrls { index: base.to_owned(), ..BaseUrls::default() };
    IndexFiles::new(CargoHome::open(home.path()).unwrap(), client, &urls)
}

fn fetch(files: &IndexFiles, name: &str) {
    fetch_with(files, name, &[]);
}

fn fetch_with(files: &IndexFiles, name: &str, versions: &[&str]) {
    let versions = versions.iter().map(|version| (*version).to_owned()).collect();
    let wanted = [Wanted { name: name.to_owned(), versions }];
    crate::net::runtime().unwrap().block_on(files.fetch(&wanted, &|| ()));
}

const ONE: &str = "2024-01-01T00:00:00Z";

#[test]
fn of_several_registries_the_one_with_the_pinned_hash_is_meant() {
    let home = tempfile::tempdir().unwrap();
    let theirs = Version { checksum: "bb".to_owned(), ..Version::at("1.0.0", ONE) };
    home_with(&home, "acme", &[theirs]);
    let mirror = cache_bytes("acme", &[Version::at("1.0.0", ONE)]);
    write_cache_of(&home, "mirror.example.invalid-0123456789abcdef", "acme", &mirror);
    let files = index(&home, &Client::offline(), "http://127.0.0.1:1/");
    let find = |checksum| {
        let pin = Pin { version: "1.0.0", checksum };
        match files.find("acme", &Origin::Registry, Some(pin)) {
            Lookup::Found(found) => found.file.lines[0].checksum.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(find("aa"), "aa");
    assert_eq!(find("bb"), "bb");
    // Neither agrees: only the default registry's own folder proves anything.
    assert_eq!(find("cc"), "bb");
}

#[test]
fn the_index_is_asked_and_its_answer_serves_the_next_run_offline() {
    let home = tempfile::tempdir().unwrap();
    let body = Version::at("1.0.0", ONE).json("acme");
    let server = Loopback::start(move |_, _| {
        let headers = "etag: \"a\"\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        Reply::ok("text/plain", headers, body.as_bytes())
    });
    let cache = home.path().join("answers");
    let options = Options { cache: Some(cache.clone()), ..Options::default() };
    let online = index(&home, &Client::online(options), &server.base);
    fetch(&online, "acme");
    let Lookup::Found(found) = online.find("acme", &Origin::Registry, None) else { panic!() };
    assert_eq!(found.source, IndexSource::Network);
    assert_eq!(found.date, Measured::Known("1994-11-06T08:49:37Z".to_owned()));
    assert!(server.requests()[0].starts_with("GET /ac/me/acme "));
    assert!(server.requests()[0].contains("cargo-protocol: version=1"));
    let offline = index(&home, &Client::offline_with_cache(cache), &server.base);
    let Lookup::Found(kept) = offline.find("acme", &Origin::Registry, None) else { panic!() };
    assert_eq!(kept.source, IndexSource::OwnCache);
    assert_eq!(kept.file, found.file);
}

#[test]
fn as_long_as_the_registry_says_that_its_answer_holds_nobody_is_asked_for_what_is_in_it() {
    for (control, asked) in [("public,max-age=3600", 1), ("max-age=0", 3), ("no-cache", 3)] {
        let home = tempfile::tempdir().unwrap();
        let body = Version::at("1.0.0", ONE).json("acme");
        let server = Loopback::start(move |_, _| {
            let headers = format!("etag: \"a\"\r\ncache-control: {control}\r\n");
            Reply::ok("text/plain", &headers, body.as_bytes())
        });
        let run = |versions: &[&str], anew: bool| {
            let cache = Some(home.path().join("answers"));
            let client = Client::online(Options { cache, ..Options::default() });
            let files = index(&home, &client, &server.base).anew(anew);
            fetch_with(&files, "acme", versions);
            match files.find("acme", &Origin::Registry, None) {
                Lookup::Found(found) => found.source,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(run(&["1.0.0"], false), IndexSource::Network);
        let again = [run(&["1.0.0"], false), run(&[], false)];
        assert_eq!(server.requests().len(), asked, "{control}");
        let source = if asked == 1 { IndexSource::OwnCache } else { IndexSource::Network };
        assert_eq!(again, [source, source], "what nobody confirmed is not called confirmed");
        assert_eq!(run(&["1.0.0", "1.0.1"], false), IndexSource::Network);
        assert_eq!(server.requests().len(), asked + 1, "a version that is not in it");
        assert_eq!(run(&["1.0.0"], true), IndexSource::Network);
        assert_eq!(server.requests().len(), asked + 2, "and whoever wants it fresh");
    }
}

#[test]
fn whoever_wants_it_fresh_is_told_of_a_yank_that_cargos_cache_does_not_know() {
    let home = tempfile::tempdir().unwrap();
    home_with(&home, "acme", &[Version::at("1.0.0", ONE)]);
    let body = Version::at("1.0.0", ONE).yanked().json("acme");
    let server = Loopback::start(move |_, _| Reply::ok("text/plain", "", body.as_bytes()));
    for anew in [false, true] {
        let files = index(&home, &Client::online(Options::default()), &server.base).anew(anew);
        assert_eq!(files.in_cargos_cache("acme", &Origin::Registry, Some("1.0.0")), !anew);
        if anew {
            fetch_with(&files, "acme", &["1.0.0"]);
        }
        let Lookup::Found(found) = files.find("acme", &Origin::Registry, None) else { panic!() };
        assert_eq!(found.file.lines[0].yanked, Some(anew));
    }
    let offline = index(&home, &Client::offline(), &server.base).anew(true);
    assert!(offline.in_cargos_cache("acme", &Origin::Registry, None), "nobody can be asked");
}

#[test]
fn three_statuses_mean_that_there_is_no_such_crate() {
    for status in ["404 Not Found", "410 Gone", "451 Unavailable For Legal Reasons"] {
        let home = tempfile::tempdir().unwrap();
        let server = Loopback::start(move |head, _| {
            if head == "/config.json" {
                return Reply::ok("application/json", "", b"{\"dl\":\"http://127.0.0.1/\"}");
            }
            Reply::status(status, "text/plain", "", b"")
        });
        let files = index(&home, &Client::online(Options::default()), &server.base);
        fetch(&files, "acme");
        assert_eq!(files.find("acme", &Origin::Registry, None), Lookup::NoSuchCrate);
    }
}

#[test]
fn an_index_that_has_nothing_at_all_has_not_removed_a_crate() {
    let home = tempfile::tempdir().unwrap();
    let server = Loopback::start(|_, _| Reply::status("404 Not Found", "text/plain", "", b""));
    let files = index(&home, &Client::online(Options::default()), &server.base);
    fetch(&files, "acme");
    let found = files.find("acme", &Origin::Registry, None);
    assert!(matches!(found, Lookup::Unknown(reason) if reason.contains("no configuration")));
}

#[test]
fn an_outage_is_unknown_and_not_a_missing_crate() {
    let home = tempfile::tempdir().unwrap();
    let server = Loopback::start(|_, _| Reply::ok("text/html", "", b"<html>back soon</html>"));
    let files = index(&home, &Client::online(Options::default()), &server.base);
    fetch(&files, "acme");
    let found = files.find("acme", &Origin::Registry, None);
    assert!(matches!(found, Lookup::Unknown(reason) if reason.contains("HTML")));
}

#[test]
fn an_answer_of_another_crate_or_of_none_is_unknown_and_removes_nothing() {
    for (body, why) in [
        (Version::at("1.0.0", ONE).json("other"), "another crate, `other`"),
        (String::new(), "without a single version"),
        ("\n\n".to_owned(), "without a single version"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let server = Loopback::start(move |_, _| {
            let headers = "etag: \"a\"\r\ncache-control: max-age=3600\r\n";
            Reply::ok("text/plain", headers, body.as_bytes())
        });
        for cache in [None, Some(home.path().join("answers"))] {
            let client = Client::online(Options { cache, ..Options::default() });
            for _ in 0..2 {
                let files = index(&home, &client, &server.base);
                fetch(&files, "acme");
                let found = files.find("acme", &Origin::Registry, None);
                assert!(matches!(&found, Lookup::Unknown(said) if said.contains(why)), "{found:?}");
            }
        }
        assert_eq!(server.requests().len(), 4, "and it is not kept as an answer that holds");
    }
    let home = tempfile::tempdir().unwrap();
    let body = Version::at("1.0.0", ONE).json("Acme");
    let server = Loopback::start(move |_, _| Reply::ok("text/plain", "", body.as_bytes()));
    let files = index(&home, &Client::online(Options::default()), &server.base);
    fetch(&files, "acme");
    let found = files.find("acme", &Origin::Registry, None);
    assert!(matches!(found, Lookup::Found(_)), "the registry's own spelling");
}

#[test]
fn another_registrys_index_is_never_asked() {
    let home = tempfile::tempdir().unwrap();
    let files = index(&home, &Client::online(Options::default()), "http://127.0.0.1:1/");
    let origin = Origin::AlternativeRegistry { index: "https://r.example.invalid/".to_owned() };
    assert!(matches!(files.find("acme", &origin, None), Lookup::Unknown(_)));
}
