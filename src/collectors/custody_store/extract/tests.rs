use std::fmt::Write as _;

use super::*;
use crate_read::registry_dump::sample::{MEMBERS, dump};

/// A store of many crates, the sample among them, and its extract.
fn extract() -> (tempfile::TempDir, Store, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("custody.redb");
    let mut members = MEMBERS.to_vec();
    let mut crates = MEMBERS[2].1.to_owned();
    let header: Vec<&str> = MEMBERS[2].1.lines().next().unwrap().split(',').collect();
    for id in 1..=700 {
        let row = header.iter().map(|column| match *column {
            "id" => id.to_string(),
            "name" => format!("made-{id:03}"),
            "created_at" => "2020-01-01 00:00:00+00".to_owned(),
            "trustpub_only" => "f".to_owned(),
            _ => String::new(),
        });
        crates.push_str(&row.collect::<Vec<_>>().join(","));
        crates.push('\n');
    }
    members[2].1 = &crates;
    Store::import(&dump(&members)[..], &store).unwrap();
    let store = Store::open(&store).unwrap();
    let path = folder.path().join("registry.custody");
    let written = write_extract(&store, &path).unwrap();
    assert_eq!(written.crates, 702);
    assert_eq!(written.bytes, path.metadata().unwrap().len());
    (folder, store, path)
}

#[test]
fn an_extract_says_of_every_crate_what_the_store_says() {
    let (_folder, store, path) = extract();
    let extract = Extract::verify(&path).unwrap();
    assert_eq!((extract.crates(), extract.stamp().taken), (702, store.stamp().taken));
    let mut seen = 0;
    store
        .each(|name, row| {
            seen += 1;
            let stamp = extract.stamp();
            assert_eq!(extract.row(name)?.unwrap(), CrateCustody { stamp, ..row }, "{name}");
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, 702);
    for name in ["", "acme", "made-", "made-7000", "zzz"] {
        assert_eq!(extract.row(name).unwrap(), None, "{name}");
    }
    assert!(extract.answer("nobody").known().is_none());
}

/// Three thousand settled crates with downloads, one that is needed and nobody downloads, a young one that
/// everybody downloads.
#[test]
fn the_popular_names_are_those_of_the_downloads_and_dependents_and_no_young_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("custody.redb");
    let mut members = MEMBERS.to_vec();
    let mut crates = "id,name,created_at\n".to_owned();
    let mut downloads = "crate_id,downloads\n".to_owned();
    for id in 1..=3_100 {
        writeln!(crates, "{id},made-{id:04},2020-01-01 00:00:00+00").unwrap();
        writeln!(downloads, "{id},{}", 1_000_000 - id).unwrap();
    }
    crates.push_str("5000,needed,2020-01-01 00:00:00+00\n5001,pumped,2026-03-01 00:00:00+00\n");
    downloads.push_str("5001,900000000\n");
    members[2].1 = &crates;
    let defaults = "crate_id,num_versions,version_id\n1,1,11\n2,1,12\n3,1,13\n";
    let dependencies =
        "crate_id,kind,version_id\n5000,0,11\n5000,1,11\n5000,0,12\n5000,2,13\n5000,0,99\n";
    members.push(("data/crate_downloads.csv", &downloads));
    members.push(("data/default_versions.csv", defaults));
    members.push(("data/dependencies.csv", dependencies));
    Store::import(&dump(&members)[..], &path).unwrap();
    let store = Store::open(&path).unwrap();
    let to = folder.path().join("registry.custody");
    write_extract(&store, &to).unwrap();
    let popular = Extract::open(&to).unwrap().popular();
    assert_eq!(popular, store.popular());
    assert_eq!(popular.len(), 3_001);
    let find = |name: &str| popular.iter().find(|one| one.name == name);
    let needed = find("needed").expect("two crates need it");
    assert_eq!(
        (needed.downloads, needed.dependents),
        (0, Some(2)),
        "tests and old versions do not count"
    );
    assert_eq!(find("made-0001").map(|one| one.downloads), Some(999_999));
    assert!(find("made-3001").is_none() && find("pumped").is_none());
    // Dependencies that come before the default versions cannot be counted, and are not taken for none.
    members.swap(9, 10);
    std::fs::remove_file(&path).unwrap();
    Store::import(&dump(&members)[..], &path).unwrap();
    let popular = Store::open(&path).unwrap().popular();
    assert_eq!(popular.len(), 3_000);
    assert!(popular.iter().all(|one| one.dependents.is_none()));
}

#[test]
fn the_same_store_gives_the_same_bytes() {
    let (folder, store, path) = extract();
    let again = folder.path().join("again");
    write_extract(&store, &again).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), std::fs::read(again).unwrap());
}

#[test]
fn an_extract_that_is_cut_or_edited_is_refused_and_never_another_answer() {
    let (folder, _, path) = extract();
    let whole = std::fs::read(&path).unwrap();
    let bad = folder.path().join("bad");
    for end in 0..whole.len() {
        std::fs::write(&bad, &whole[..end]).unwrap();
        assert!(Extract::open(&bad).is_err(), "cut at {end}");
    }
    let honest = Extract::open(&path).unwrap().row("acme-tensor").unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x11;
        std::fs::write(&bad, &bytes).unwrap();
        if let Ok(open) = Extract::open(&bad)
            && let Ok(row) = open.row("acme-tensor")
        {
            let taken = open.stamp();
            let honest = honest.clone().map(|row| CrateCustody { stamp: taken, ..row });
            assert!(row.is_none() || row == honest, "byte {at}");
        }
        assert!(Extract::verify(&bad).is_err(), "byte {at}");
        let cache = folder.path();
        let named = folder.path().join("named");
        if at % 7 == 0 {
            std::fs::create_dir_all(&named).unwrap();
            std::fs::copy(&bad, named.join("x.custody")).unwrap();
            let opened = crate::collectors::custody_store::open(&named.join("x.custody"), cache);
            assert!(opened.is_err(), "byte {at} of a file that somebody names");
        }
    }
}

#[test]
fn an_extract_of_a_newer_form_is_named_as_that() {
    let (folder, _, path) = extract();
    let whole = std::fs::read(&path).unwrap();
    let at = memchr::memmem::find(&whole, b"extract/3").unwrap();
    let mut newer = whole;
    newer[at + 8] = b'4';
    let path = folder.path().join("newer");
    std::fs::write(&path, newer).unwrap();
    let error = Extract::open(&path).err().unwrap().to_string();
    assert!(error.contains("another version"), "{error}");
}

#[test]
fn numbers_of_all_sizes_come_back_and_overlong_ones_do_not() {
    for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
        let mut bytes = Vec::new();
        rows::number(&mut bytes, value);
        assert_eq!(rows::take_number(&mut &bytes[..]), Some(value));
    }
    assert_eq!(rows::take_number(&mut &[0xff; 10][..]), None);
    assert_eq!(rows::take_number(&mut &[0x80][..]), None);
}
