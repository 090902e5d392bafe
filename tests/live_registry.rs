//! The real registry, asked for one small crate. Run by CI with `cargo test -- --ignored`.

use cargo_custody::collectors::cargo_home::CargoHome;
use cargo_custody::collectors::crate_files::{CrateFile, CrateFiles, FoundIn, Want};
use cargo_custody::collectors::index_files::{IndexFiles, IndexSource, Lookup};
use cargo_custody::domain::Origin;
use cargo_custody::net::archives::ArchiveUrls;
use cargo_custody::net::index::SparseIndex;
use cargo_custody::net::{BaseUrls, Client, Options, runtime};

/// The user's own servers, as the command line reads them.
fn urls() -> BaseUrls {
    let mut urls = BaseUrls::default();
    if let Ok(index) = std::env::var("CARGO_CUSTODY_INDEX") {
        urls.index = BaseUrls::checked("CARGO_CUSTODY_INDEX", &index).expect("an address");
    }
    urls
}

#[test]
#[ignore = "live"]
fn live_one_crate_is_in_the_index_and_its_archive_has_the_indexs_hash() {
    let empty = tempfile::tempdir().expect("a folder");
    let client = Client::online(Options::default());
    let runtime = runtime().expect("a runtime");
    let home = CargoHome::open(empty.path()).expect("an empty home");
    let index = IndexFiles::new(home.clone(), &client, &urls());
    runtime.block_on(index.fetch(&["itoa".to_owned()], &|| ()));
    let Lookup::Found(found) = index.find("itoa", &Origin::Registry, None) else {
        panic!("{:?}", index.find("itoa", &Origin::Registry, None));
    };
    assert_eq!(found.source, IndexSource::Network);
    assert!(found.file.bad.is_empty());
    let line = found.file.lines.iter().find(|l| l.version == "1.0.0").expect("itoa 1.0.0");

    let config = runtime.block_on(SparseIndex::new(&client, &urls()).config()).expect("config");
    let files = CrateFiles::new(home, Some(empty.path().join("own")));
    let want = Want {
        name: "itoa".to_owned(),
        version: "1.0.0".to_owned(),
        checksum: line.checksum.clone(),
        origin: Origin::Registry,
    };
    runtime.block_on(files.fetch(&[&want], &client, &ArchiveUrls::Template(config.dl), &|| ()));
    let found = files.read(&want);
    assert!(matches!(found, CrateFile::Found { found_in: FoundIn::OwnCache, .. }), "{found:?}");
}
