use super::*;
use crate::collectors::cargo_home::CargoHome;
use crate::collectors::index_files::tests::{Version, home_with, write_cache};
use crate::net::{BaseUrls, Client};

fn releases(home: &tempfile::TempDir) -> Releases {
    let home = CargoHome::open(home.path()).unwrap();
    Releases::new(IndexFiles::new(home, &Client::offline(), &BaseUrls::default()))
}

fn locked(name: &str, version: &str) -> Locked {
    Locked {
        name: name.to_owned(),
        version: version.to_owned(),
        checksum: Some("aa".to_owned()),
        origin: Origin::Registry,
    }
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn known<T: Clone>(value: &Measured<T>) -> T {
    value.known().expect("known").clone()
}

/// The attack of 2026-08-20 with other names.
fn quiet_crate_gains_a_newborn() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    home_with(
        &home,
        "quiet",
        &[
            Version::at("0.3.8", "2023-01-01T00:00:00Z").yanked(),
            Version::at("0.3.9", "2024-09-14T00:00:00Z").yanked(),
            Version::at("0.3.10", "2026-08-20T10:00:00Z").needs("newborn"),
        ],
    );
    home_with(&home, "newborn", &[Version::at("1.0.0", "2026-08-20T07:00:00Z")]);
    home
}

#[test]
fn a_long_quiet_crate_gains_a_dependency_on_a_newborn_one() {
    let home = quiet_crate_gains_a_newborn();
    let facts = releases(&home).measure(&locked("quiet", "0.3.10"), day("2026-08-20"));
    assert_eq!(known(&facts.gap_days_before), 705);
    assert_eq!(known(&facts.age_days), 0);
    assert!(known(&facts.first_dependencies_ever));
    assert!(known(&facts.all_older_yanked));
    assert_eq!(known(&facts.yanked_run_before), 2);
    assert_eq!((known(&facts.yanked_versions), known(&facts.unyanked_versions)), (2, 1));
    assert_eq!(known(&facts.oldest_unyanked_age_days), 0);
    let new = &known(&facts.new_dependencies)[0];
    assert_eq!((new.name.as_str(), new.sibling, new.seen_before), ("newborn", false, false));
    assert_eq!(known(&new.first_published_age_days), 0);
}

#[test]
fn the_day_before_the_attack_knows_nothing_of_it() {
    let home = quiet_crate_gains_a_newborn();
    let releases = releases(&home);
    let facts = releases.measure(&locked("quiet", "0.3.10"), day("2026-08-19"));
    assert_eq!(known(&facts.known_versions), 2);
    assert!(matches!(facts.age_days, Measured::Unknown(_)));
    assert!(!known(&facts.vanished));
    let facts = releases.measure(&locked("quiet", "0.3.9"), day("2026-08-19"));
    assert_eq!(known(&facts.releases_behind), 0);
    assert_eq!(known(&facts.newest_version), "0.3.9");
}

#[test]
fn a_dependency_that_only_changed_its_place_is_not_new() {
    let home = tempfile::tempdir().unwrap();
    home_with(
        &home,
        "acme",
        &[
            Version::at("1.0.0", "2024-01-01T00:00:00Z").needs("log"),
            Version::at("1.1.0", "2024-02-01T00:00:00Z"),
            Version::at("1.2.0", "2024-03-01T00:00:00Z").needs("log"),
            Version::at("1.3.0", "2024-03-01T06:00:00Z").needs("log"),
        ],
    );
    let releases = releases(&home);
    let facts = releases.measure(&locked("acme", "1.2.0"), day("2024-03-02"));
    let new = &known(&facts.new_dependencies)[0];
    assert!(new.seen_before);
    assert!(matches!(new.first_published_age_days, Measured::Unknown(_)));
    assert!(!known(&facts.first_dependencies_ever));
    let facts = releases.measure(&locked("acme", "1.3.0"), day("2024-03-02"));
    assert_eq!(known(&facts.new_dependencies), []);
    assert_eq!(known(&facts.burst_24h), 2);
}

#[test]
fn a_release_on_an_old_line_continues_that_line() {
    let home = tempfile::tempdir().unwrap();
    home_with(
        &home,
        "acme",
        &[
            Version::at("1.0.0", "2024-01-01T00:00:00Z"),
            Version::at("2.0.0", "2024-02-01T00:00:00Z").needs("log"),
            Version::at("1.0.1", "2024-03-01T00:00:00Z"),
        ],
    );
    let facts = releases(&home).measure(&locked("acme", "1.0.1"), day("2024-03-11"));
    assert_eq!(known(&facts.previous_version), "1.0.0");
    assert_eq!(known(&facts.gap_days_before), 29);
    assert_eq!(known(&facts.gap_days_in_line), 60);
    assert_eq!(known(&facts.newest_version), "1.0.1");
    assert_eq!(known(&facts.days_since_newest_release), 10);
}

#[test]
fn a_version_that_an_old_cache_lacks_is_not_called_vanished() {
    let home = tempfile::tempdir().unwrap();
    home_with(&home, "acme", &[Version::at("1.0.0", "2024-01-01T00:00:00Z")]);
    let facts = releases(&home).measure(&locked("acme", "1.0.1"), day("2024-03-11"));
    assert!(matches!(facts.vanished, Measured::Unknown(_)));
    assert_eq!(known(&facts.known_versions), 1);
}

#[test]
fn a_first_release_has_no_gap_and_nothing_new() {
    let home = tempfile::tempdir().unwrap();
    home_with(&home, "acme", &[Version::at("1.0.0", "2024-01-01T00:00:00Z").needs("log")]);
    let facts = releases(&home).measure(&locked("acme", "1.0.0"), day("2024-01-01"));
    assert!(known(&facts.is_first_release) && known(&facts.only_version));
    assert!(matches!(facts.gap_days_before, Measured::Unknown(_)));
    assert_eq!(known(&facts.new_dependencies), []);
    assert!(!known(&facts.all_older_yanked));
}

#[test]
fn a_version_without_a_time_makes_order_unknown_and_not_zero() {
    let home = tempfile::tempdir().unwrap();
    let mut undated = Version::at("0.9.0", "");
    undated.published = None;
    home_with(&home, "acme", &[undated, Version::at("1.0.0", "2024-01-01T00:00:00Z")]);
    let facts = releases(&home).measure(&locked("acme", "1.0.0"), day("2024-01-02"));
    assert_eq!(known(&facts.age_days), 1);
    assert!(matches!(facts.gap_days_before, Measured::Unknown(_)));
    assert!(matches!(facts.is_first_release, Measured::Unknown(_)));
}

#[test]
fn another_hash_in_the_index_is_told() {
    let home = quiet_crate_gains_a_newborn();
    let mut other = locked("quiet", "0.3.9");
    other.checksum = Some("bb".to_owned());
    let facts = releases(&home).measure(&other, day("2026-08-20"));
    assert!(!known(&facts.index_checksum_matches));
}

#[test]
fn a_damaged_cache_file_is_unknown_with_its_reason() {
    let home = tempfile::tempdir().unwrap();
    write_cache(&home, "acme", b"<html>");
    let facts = releases(&home).measure(&locked("acme", "1.0.0"), day("2024-01-02"));
    assert!(matches!(facts.yanked, Measured::Unknown(reason) if reason.contains("cache")));
}
