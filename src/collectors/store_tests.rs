use super::*;

const FACTS: Kind = Kind::small("test");
const LISTS: Kind = Kind::large("test-lists");

fn entry(kind: Kind, key: &str, version: u64, value: &str) -> Entry {
    Entry::encode(kind, key, version, &value).unwrap()
}

fn get(store: &FactStore, kind: Kind, key: &str, version: u64) -> Option<String> {
    store.get(kind, key, version).unwrap()
}

#[test]
fn what_was_written_is_read_by_the_next_run() {
    let cache = tempfile::tempdir().unwrap();
    let long = "long ".repeat(10_000);
    let store = FactStore::open(cache.path()).unwrap();
    let entries = [entry(FACTS, "a", 1, "small"), entry(LISTS, "a", 1, &long)];
    store.put_many(&entries).unwrap();
    drop(store);
    let store = FactStore::open(cache.path()).unwrap();
    assert_eq!(get(&store, FACTS, "a", 1).as_deref(), Some("small"));
    assert_eq!(get(&store, LISTS, "a", 1), Some(long));
    assert_eq!(get(&store, FACTS, "b", 1), None);
}

#[test]
fn a_value_of_another_version_is_not_there_and_is_replaced() {
    let cache = tempfile::tempdir().unwrap();
    let store = FactStore::open(cache.path()).unwrap();
    store.put_many(&[entry(FACTS, "a", 1, "old")]).unwrap();
    assert_eq!(get(&store, FACTS, "a", 2), None);
    store.put_many(&[entry(FACTS, "a", 2, "new")]).unwrap();
    assert_eq!(get(&store, FACTS, "a", 2).as_deref(), Some("new"));
    assert_eq!(get(&store, FACTS, "a", 1), None);
}

#[test]
fn a_value_of_another_form_is_not_there() {
    let cache = tempfile::tempdir().unwrap();
    let store = FactStore::open(cache.path()).unwrap();
    store.put_many(&[entry(FACTS, "a", 1, "text")]).unwrap();
    assert_eq!(store.get::<u64>(FACTS, "a", 1).unwrap(), None);
}

#[test]
fn a_large_file_is_not_opened_before_it_is_asked_for() {
    let cache = tempfile::tempdir().unwrap();
    let store = FactStore::open(cache.path()).unwrap();
    assert!(!cache.path().join("listings.redb").exists());
    assert_eq!(get(&store, LISTS, "a", 1), None);
    assert!(cache.path().join("listings.redb").exists());
}

#[test]
fn a_second_process_gets_a_reason_and_no_store() {
    let cache = tempfile::tempdir().unwrap();
    let _first = FactStore::open(cache.path()).unwrap();
    let Err(error) = FactStore::open(cache.path()) else { panic!("two writers") };
    assert!(error.to_string().contains("facts.redb"), "{error}");
}

#[test]
fn a_place_that_is_no_directory_gives_a_reason() {
    let cache = tempfile::tempdir().unwrap();
    let file = cache.path().join("file");
    fs::write(&file, "in the way").unwrap();
    assert!(matches!(FactStore::open(&file), Err(StoreError::Directory { .. })));
}

#[test]
fn a_file_that_is_no_store_is_started_anew() {
    let cache = tempfile::tempdir().unwrap();
    fs::write(cache.path().join("facts.redb"), "<html>not a store</html>".repeat(1000)).unwrap();
    let store = FactStore::open(cache.path()).unwrap();
    store.put_many(&[entry(FACTS, "a", 1, "x")]).unwrap();
    assert_eq!(get(&store, FACTS, "a", 1).as_deref(), Some("x"));
}

#[test]
fn a_damaged_or_cut_store_never_panics_and_never_gives_a_wrong_value() {
    let cache = tempfile::tempdir().unwrap();
    let store = FactStore::open(cache.path()).unwrap();
    let keys: Vec<String> = (0..200).map(|n| format!("key {n}")).collect();
    let entries: Vec<Entry> = keys.iter().map(|key| entry(FACTS, key, 1, key)).collect();
    store.put_many(&entries).unwrap();
    drop(store);
    let path = cache.path().join("facts.redb");
    let good = fs::read(&path).unwrap();
    for damage in 0..24_usize {
        let mut bad = good.clone();
        if damage % 4 == 3 {
            bad.truncate(good.len() / 24 * damage);
        } else {
            for step in 0..=damage {
                let at = (damage * 7919 + step * 104_729)
                    % if damage % 2 == 0 { 4096 } else { bad.len() };
                bad[at] ^= 0x55;
            }
        }
        fs::write(&path, &bad).unwrap();
        let Ok(store) = FactStore::open(cache.path()) else { continue };
        for key in &keys {
            if let Ok(Some(value)) = store.get::<String>(FACTS, key, 1) {
                assert_eq!(&value, key, "damage {damage}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_store_that_cannot_be_written_is_still_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let cache = tempfile::tempdir().unwrap();
    let store = FactStore::open(cache.path()).unwrap();
    store.put_many(&[entry(FACTS, "a", 1, "x")]).unwrap();
    drop(store);
    let path = cache.path().join("facts.redb");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        // Root writes everywhere: nothing to see.
        return;
    }
    let store = FactStore::open(cache.path()).unwrap();
    assert_eq!(get(&store, FACTS, "a", 1).as_deref(), Some("x"));
    assert!(matches!(store.put_many(&[entry(FACTS, "b", 1, "y")]), Err(StoreError::ReadOnly)));
}
