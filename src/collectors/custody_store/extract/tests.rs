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
        if at > 400 {
            assert!(Extract::verify(&bad).is_err(), "byte {at} behind the header");
        }
    }
}

#[test]
fn an_extract_of_a_newer_form_is_named_as_that() {
    let (folder, _, path) = extract();
    let whole = std::fs::read(&path).unwrap();
    let at = memchr::memmem::find(&whole, b"extract/1").unwrap();
    let mut newer = whole;
    newer[at + 8] = b'2';
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
