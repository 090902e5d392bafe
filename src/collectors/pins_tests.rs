use jiff::civil::date;

use super::*;
use crate::collectors::custody::{EventKind, History, custody_facts, timeline};

fn facts(file: &str, version: &str, as_of: Date) -> CustodyFacts {
    let timelines = timeline::all();
    custody_facts(&timelines[file].crates[0].history(), version, as_of)
}

fn pinned(file: &str, version: &str, as_of: Date) -> Pins {
    let custody = facts(file, version, as_of);
    let hash = "ab".repeat(32);
    Pins { crates: vec![crate_pin("x", version, Some(&hash), &custody, as_of)], ..Pins::default() }
}

#[test]
fn a_crate_without_a_pin_is_new_and_nothing_else_is_known() {
    let custody = facts("lone-maintainer", "1.0.9", date(2026, 11, 23));
    let facts =
        pin_facts(&Pins::default(), "x", "1.0.9", None, (&custody, &unseen()), date(2026, 11, 23));
    assert!(facts.new_to_you && facts.changed_hands.known().is_none());
}

#[test]
fn what_did_not_change_is_known_not_to_have_changed() {
    let as_of = date(2026, 11, 23);
    let pins = pinned("lone-maintainer", "1.0.9", as_of);
    assert_eq!(pins.crates[0].seen, "2026-11-22", "the day of the data, not of the pin");
    let custody = facts("lone-maintainer", "1.0.9", as_of);
    let hash = "ab".repeat(32);
    let facts = pin_facts(&pins, "x", "1.0.9", Some(&hash), (&custody, &unseen()), as_of);
    assert_eq!(facts.changed_hands, Measured::Known(false));
    assert_eq!(facts.compared_with, Measured::Known("2026-11-22".to_owned()));
    assert_eq!((facts.seen_days, facts.new_to_you), (Measured::Known(1), false));
}

#[test]
fn owners_who_came_and_went_are_told_with_both_days() {
    let pins = pinned("removed-and-back", "1.0.0", date(2026, 1, 2));
    let custody = facts("removed-and-back", "1.0.0", date(2026, 6, 2));
    let facts = pin_facts(&pins, "x", "1.0.0", None, (&custody, &unseen()), date(2026, 6, 2));
    assert_eq!(facts.owners_removed, Measured::Known(vec!["cyd".to_owned()]));
    assert_eq!(facts.owners_added, Measured::Known(Vec::new()));
    assert_eq!(facts.seen, Measured::Known("2026-01-01".to_owned()));
    assert_eq!(facts.compared_with, Measured::Known("2026-06-01".to_owned()));
    assert_eq!(facts.changed_hands, Measured::Known(true));
}

#[test]
fn the_loss_of_trusted_publishing_shows_against_the_pin() {
    let pins = pinned("token-after-trusted", "1.8.0", date(2028, 2, 1));
    let custody = facts("token-after-trusted", "1.9.0", date(2028, 2, 1));
    let facts = pin_facts(&pins, "x", "1.9.0", None, (&custody, &unseen()), date(2028, 2, 1));
    assert_eq!(facts.trusted_publishing_lost, Measured::Known(true));
    assert_eq!(facts.version_changed, Measured::Known(true));
    assert_eq!(facts.archive_changed, Measured::Known(false));
}

#[test]
fn other_bytes_under_the_same_version_change_hands_even_offline() {
    let pins = pinned("lone-maintainer", "1.0.9", date(2026, 11, 23));
    let nothing = custody_facts(&History::new("x", Vec::new()), "1.0.9", date(2027, 1, 1));
    let other = "cd".repeat(32);
    let facts =
        pin_facts(&pins, "x", "1.0.9", Some(&other), (&nothing, &unseen()), date(2027, 1, 1));
    assert_eq!(facts.archive_changed, Measured::Known(true));
    assert_eq!(facts.changed_hands, Measured::Known(true));
    let same = "ab".repeat(32);
    let facts =
        pin_facts(&pins, "x", "1.0.9", Some(&same), (&nothing, &unseen()), date(2027, 1, 1));
    assert!(facts.changed_hands.known().is_none(), "without owner data nobody can say");
}

#[test]
fn a_pin_is_an_owner_list_of_its_day() {
    let pins = pinned("removed-and-back", "1.0.0", date(2026, 1, 2));
    let pin = pinned_custody(&pins, "x").unwrap();
    let timelines = timeline::all();
    let now = timelines["removed-and-back"].crates[0].history().answers()[2].clone();
    let history = History::new("x", vec![now, pin]);
    let facts = custody_facts(&history, "1.0.0", date(2026, 6, 2));
    let removed: Vec<&str> = facts
        .owner_events
        .known()
        .unwrap()
        .iter()
        .filter(|event| event.is(&[EventKind::OwnerRemoved]) && event.who == "cyd")
        .map(|event| event.date.as_str())
        .collect();
    assert_eq!(removed, ["2026-06-01"]);
    assert_eq!(facts.source, Measured::Known("dump".to_owned()));
    let offline = History::new("x", vec![pinned_custody(&pins, "x").unwrap()]);
    let facts = custody_facts(&offline, "1.0.0", date(2026, 6, 2));
    assert_eq!(facts.source, Measured::Known("pin".to_owned()));
    assert_eq!(facts.owner_users, Measured::Known(3));
}

#[test]
fn a_model_whose_bytes_changed_under_one_revision_is_told() {
    let file = |path: &str, digit: &str| PinnedFile {
        path: path.to_owned(),
        sha256: digit.repeat(64),
        imports: path.ends_with("py").then(|| vec!["torch".to_owned()]),
    };
    let pins = Pins {
        models: vec![ModelPin {
            repository: "acme/tiny".to_owned(),
            revision: "r1".to_owned(),
            files: vec![file("a.bin", "0"), file("b.bin", "1"), file("m.py", "5")],
            committers: Some(vec!["ada".to_owned()]),
            namespace: Some("organization".to_owned()),
            signer: Some("ada@example.invalid".to_owned()),
            seen: "2026-03-01".to_owned(),
            reason: None,
        }],
        ..Pins::default()
    };
    let as_of = date(2026, 4, 1);
    let now = Measured::Known(vec![file("a.bin", "2"), file("c.bin", "3"), file("m.py", "5")]);
    let committers = Measured::Known(vec!["ada".to_owned(), "mira".to_owned()]);
    let told = |text: &str| Measured::Known(text.to_owned());
    let state = ModelState {
        files: now,
        committers,
        namespace: told("user"),
        signer: told("eve@example.invalid"),
        imports: Measured::Known(vec!["socket".to_owned(), "torch".to_owned()]),
    };
    let facts = model_pin_facts(&pins, "acme/tiny", "r1", &state, as_of);
    assert_eq!(facts.namespace_kind_changed, Measured::Known(true));
    assert_eq!(facts.signer_changed, Measured::Known(true));
    assert_eq!(facts.signer_before, told("ada@example.invalid"));
    assert_eq!(facts.imports_added, Measured::Known(vec!["socket".to_owned()]));
    assert_eq!(facts.files_changed, Measured::Known(vec!["a.bin".to_owned()]));
    assert_eq!(facts.files_added, Measured::Known(vec!["c.bin".to_owned()]));
    assert_eq!(facts.files_removed, Measured::Known(vec!["b.bin".to_owned()]));
    assert_eq!(facts.changed_at_same_revision, Measured::Known(true));
    assert_eq!(facts.committers_added, Measured::Known(vec!["mira".to_owned()]));
    let unknown = Measured::unknown("not listed");
    let quiet = ModelState {
        files: unknown,
        namespace: told("organization"),
        signer: told("ada@example.invalid"),
        imports: Measured::unknown("not read"),
        ..state.clone()
    };
    let facts = model_pin_facts(&pins, "acme/tiny", "r2", &quiet, as_of);
    assert_eq!(facts.namespace_kind_changed, Measured::Known(false));
    assert_eq!(facts.signer_changed, Measured::Known(false));
    assert!(facts.imports_added.known().is_none());
    assert_eq!(facts.revision_changed, Measured::Known(true));
    assert!(facts.changed_at_same_revision.known().is_none());
    let mut older = pins.clone();
    (older.models[0].signer, older.models[0].namespace) = (None, None);
    older.models[0].files[2].imports = None;
    let facts = model_pin_facts(&older, "acme/tiny", "r1", &state, as_of);
    let left_open = [facts.signer_changed.known(), facts.namespace_kind_changed.known()];
    assert_eq!(left_open, [None, None], "an older pin does not tell them");
    assert!(facts.imports_added.known().is_none());
    older.models[0].signer = Some(String::new());
    let facts = model_pin_facts(&older, "acme/tiny", "r1", &state, as_of);
    assert_eq!(facts.signer_changed, Measured::Known(false), "a first signature is no change");
    assert!(model_pin_facts(&pins, "other/x", "r1", &state, as_of).new_to_you);
}

/// The code at build time of nobody knows what.
fn unseen() -> Measured<BuildPin> {
    Measured::unknown("its archive was not read")
}

#[test]
fn build_code_is_held_against_the_pin_with_what_it_gained() {
    let as_of = date(2026, 11, 23);
    let custody = facts("lone-maintainer", "1.0.9", as_of);
    let build = |hash: &str, files: &[&str], can: &[&str]| {
        let words = |all: &[&str]| all.iter().map(|&word| word.to_owned()).collect();
        BuildPin { sha256: Some(hash.to_owned()), files: words(files), can: words(can) }
    };
    let mut pins = pinned("lone-maintainer", "1.0.8", as_of);
    let of = |pins: &Pins, now: Measured<BuildPin>| {
        pin_facts(pins, "x", "1.0.9", None, (&custody, &now), as_of)
    };
    let now = build("bb", &["build.rs", "build/get.rs"], &["network", "spawn"]);
    let none = of(&pins, Measured::Known(now.clone()));
    assert!(none.build_code_changed.known().is_none(), "it was not pinned");
    pins.crates[0].build = Some(build("aa", &["build.rs", "build/old.rs"], &["spawn"]));
    let facts = of(&pins, Measured::Known(now));
    assert_eq!(facts.build_code_changed, Measured::Known(true));
    assert_eq!(facts.build_files_added, Measured::Known(vec!["build/get.rs".to_owned()]));
    assert_eq!(facts.build_files_removed, Measured::Known(vec!["build/old.rs".to_owned()]));
    assert_eq!(facts.build_capabilities_gained, Measured::Known(vec!["network".to_owned()]));
    assert_eq!(facts.build_code_before, Measured::Known("aa".to_owned()));
    assert!(of(&pins, unseen()).build_code_changed.known().is_none(), "unread is not unchanged");
    pins.crates[0].build = Some(BuildPin::default());
    let same = of(&pins, Measured::Known(BuildPin::default()));
    assert_eq!(same.build_code_changed, Measured::Known(false), "nothing ran, and nothing runs");
}
