use super::*;
use crate::collectors::cargo_home::tests::default_folder;
use crate::net::Options;
use crate::net::loopback::{Loopback, Reply};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn want(bytes: &[u8]) -> Want {
    Want {
        name: "acme".to_owned(),
        version: "1.0.0".to_owned(),
        checksum: sha256(bytes),
        origin: Origin::Registry,
    }
}

/// A `CARGO_HOME` with this file as `acme-1.0.0.crate` of the default registry.
fn home(bytes: Option<&[u8]>) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("registry/cache").join(default_folder());
    fs::create_dir_all(&folder).unwrap();
    if let Some(bytes) = bytes {
        fs::write(folder.join("acme-1.0.0.crate"), bytes).unwrap();
    }
    home
}

fn files(home: &tempfile::TempDir) -> CrateFiles {
    CrateFiles::new(CargoHome::open(home.path()).unwrap(), Some(home.path().join("own")))
}

fn fetch(files: &CrateFiles, want: &Want, base: &str) {
    let client = Client::online(Options { retries: 0, ..Options::default() });
    let urls = ArchiveUrls::Static(base.to_owned());
    crate::net::runtime().unwrap().block_on(files.fetch(&[want], &client, &urls, &|| ()));
}

fn nothing_is_left(home: &tempfile::TempDir) -> bool {
    walkdir::WalkDir::new(home.path().join("own"))
        .into_iter()
        .flatten()
        .all(|entry| !entry.file_type().is_file())
}

#[test]
fn the_pinned_bytes_come_out_of_cargos_cache() {
    let bytes = gzip("right");
    let home = home(Some(&bytes));
    let found = files(&home).read(&want(&bytes));
    assert_eq!(found.facts().checksum_mismatch, Measured::Known(false));
    assert!(matches!(found, CrateFile::Found { found_in: FoundIn::CargoCache, .. }));
}

#[test]
fn other_bytes_are_told_and_not_handed_out() {
    let home = home(Some(&gzip("wrong")));
    let found = files(&home).read(&want(&gzip("right")));
    assert_eq!(found.facts().checksum_mismatch, Measured::Known(true));
    assert!(matches!(found, CrateFile::Mismatched(m) if !m.unfinished));
}

#[test]
fn an_archive_that_another_process_is_writing_is_no_tampering() {
    let bytes = gzip("right");
    for cut in 0..bytes.len() {
        let home = home(Some(&bytes[..cut]));
        let found = files(&home).read(&want(&bytes));
        let facts = found.facts();
        assert!(matches!(facts.checksum_mismatch, Measured::Unknown(_)), "cut at {cut}");
        assert!(facts.mismatches[0].unfinished, "cut at {cut}");
    }
}

#[test]
fn a_download_heals_an_unfinished_file_but_not_a_changed_one() {
    let bytes = gzip("right");
    for (there, tampered) in [(bytes[..9].to_vec(), false), (gzip("wrong"), true)] {
        let home = home(Some(&there));
        let body = bytes.clone();
        let server = Loopback::start(move |_, _| Reply::ok("application/gzip", "", &body));
        let (files, want) = (files(&home), want(&bytes));
        fetch(&files, &want, &server.base);
        let found = files.read(&want);
        assert!(matches!(found, CrateFile::Found { found_in: FoundIn::OwnCache, .. }));
        assert_eq!(found.facts().checksum_mismatch, Measured::Known(tampered));
    }
}

#[test]
fn a_missing_archive_is_downloaded_once() {
    let bytes = gzip("right");
    let home = home(None);
    let body = bytes.clone();
    let server = Loopback::start(move |_, _| Reply::ok("application/gzip", "", &body));
    let (files, want) = (files(&home), want(&bytes));
    assert_eq!(files.missing(std::slice::from_ref(&want)), [&want]);
    fetch(&files, &want, &server.base);
    assert!(files.missing(std::slice::from_ref(&want)).is_empty());
    assert!(server.requests()[0].starts_with("GET /crates/acme/acme-1.0.0.crate "));
    assert!(matches!(files.read(&want), CrateFile::Found { .. }));
}

#[test]
fn a_download_with_other_bytes_is_a_mismatch_and_is_not_kept() {
    let home = home(None);
    let server = Loopback::start(|_, _| Reply::ok("application/gzip", "", &gzip("wrong")));
    let (files, want) = (files(&home), want(&gzip("right")));
    fetch(&files, &want, &server.base);
    assert!(
        matches!(files.read(&want), CrateFile::Mismatched(m) if m.found_in == FoundIn::Download)
    );
    assert!(nothing_is_left(&home));
}

#[test]
fn what_the_server_refuses_is_unavailable_with_the_reason() {
    for reply in ["404 Not Found", "500 Oops", "302 Found"] {
        let home = home(None);
        let server = Loopback::start(move |_, _| Reply::status(reply, "text/plain", "", b""));
        let (files, want) = (files(&home), want(b"x"));
        fetch(&files, &want, &server.base);
        assert!(matches!(files.read(&want), CrateFile::Unavailable(_)));
        assert!(nothing_is_left(&home));
    }
}

#[test]
fn a_download_that_breaks_off_leaves_nothing_behind() {
    let home = home(None);
    let server = Loopback::start(|_, _| {
        Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n\x1f\x8b".to_vec())
    });
    let (files, want) = (files(&home), want(&gzip("right")));
    fetch(&files, &want, &server.base);
    assert!(
        matches!(files.read(&want), CrateFile::Unavailable(reason) if reason.contains("broke off"))
    );
    assert!(nothing_is_left(&home));
}

#[test]
fn another_registrys_crate_of_the_same_name_is_not_a_mismatch() {
    let home = home(None);
    let other = home.path().join("registry/cache/other.example.invalid-0123456789abcdef");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("acme-1.0.0.crate"), gzip("theirs")).unwrap();
    let files = files(&home);
    assert!(matches!(files.read(&want(&gzip("ours"))), CrateFile::Unavailable(_)));
    assert!(matches!(files.read(&want(&gzip("theirs"))), CrateFile::Found { .. }));
}

#[test]
fn names_and_versions_that_climb_out_are_never_paths() {
    let home = home(None);
    let files = files(&home);
    for (name, version) in [("../acme", "1.0.0"), ("acme", "1.0.0/../../x"), ("", "1.0.0")] {
        let want = Want { name: name.to_owned(), version: version.to_owned(), ..want(b"x") };
        assert!(matches!(files.read(&want), CrateFile::Unavailable(_)));
    }
}

#[test]
fn only_the_default_registry_is_asked() {
    let home = home(None);
    let server = Loopback::start(|_, _| Reply::ok("application/gzip", "", &gzip("x")));
    let index = server.base.clone();
    let want = Want { origin: Origin::AlternativeRegistry { index }, ..want(&gzip("x")) };
    let files = files(&home);
    fetch(&files, &want, &server.base);
    assert!(server.requests().is_empty());
    assert!(matches!(files.read(&want), CrateFile::Unavailable(_)));
}
