//! The keeper on made-up crates.

use super::{ConcealmentFacts, ConcealmentKeeper, links_taken_over, newly_ignored};
use crate::collectors::archive::{FileRole, ListedFile};
use crate::domain::Measured;
use crate_read::concealment::{DifferenceKind, HiddenKind, Place};
use crate_read::file_kind::classify;

fn measured(files: &[(&str, &[u8])]) -> ConcealmentFacts {
    let mut keeper = ConcealmentKeeper::new();
    for (path, bytes) in files {
        let file = ListedFile {
            path: (*path).to_owned(),
            size: bytes.len() as u64,
            mode: 0o644,
            sha256: "00".to_owned(),
            class: classify(bytes).class,
        };
        keeper.file(&file, bytes);
    }
    keeper.finish()
}

#[test]
fn a_bidi_override_is_told_with_place_role_and_line() {
    let code = "fn a() {}\n// \u{202E} looks like code\n".as_bytes();
    let facts = measured(&[("build.rs", code), ("tests/a.rs", code)]);
    let all: Vec<_> = facts
        .hidden_text
        .iter()
        .map(|h| (h.path.as_str(), h.kind, h.place, h.role, h.line))
        .collect();
    assert_eq!(all[1], ("tests/a.rs", HiddenKind::Bidi, Place::Comment, FileRole::Test, 2));
    assert_eq!(all[0].4, 2);
}

#[test]
fn manifests_that_packaging_made_are_alike_and_others_are_not() {
    let original: &[u8] =
        b"[package]\nname = \"a\"\nversion = \"1.0.0\"\n[dependencies]\nb = \"1\"\n";
    let same: &[u8] = b"[package]\nname = \"a\"\nversion = \"1.0.0\"\nbuild = false\n\
                        [dependencies.b]\nversion = \"1\"\n";
    let other: &[u8] = b"[package]\nname = \"a\"\nversion = \"1.0.0\"\nbuild = \"hidden.rs\"\n\
                         [dependencies.b]\nversion = \"1\"\n[build-dependencies.c]\nversion = \"2\"\n";
    let facts = measured(&[("Cargo.toml", same), ("Cargo.toml.orig", original)]);
    assert_eq!(facts.manifest_differences, Measured::Known(Vec::new()));
    let facts = measured(&[("Cargo.toml", other), ("Cargo.toml.orig", original)]);
    let kinds: Vec<_> =
        facts.manifest_differences.known().expect("both").iter().map(|d| d.kind).collect();
    assert_eq!(kinds, [DifferenceKind::BuildScript, DifferenceKind::BuildDependency]);
    let facts = measured(&[("Cargo.toml", same)]);
    assert!(facts.manifest_differences.known().is_none(), "nothing to compare is not alike");
}

#[test]
fn two_releases_show_what_is_newly_ignored_and_what_links_took_over() {
    let manifest: &[u8] = b"[package]\nname = \"a\"\nlinks = \"lzma\"\n";
    let before =
        measured(&[("Cargo.toml", b"[package]\nname = \"a\"\n"), (".gitignore", b"/target\n")]);
    let now = measured(&[("Cargo.toml", manifest), (".gitignore", b"/target\n*.m4\n")]);
    let new = newly_ignored(&now, &before);
    assert_eq!((new.len(), new[0].pattern.as_str(), new[0].line), (1, "*.m4", 2));
    assert_eq!(links_taken_over(&now, &before).as_deref(), Some("lzma"));
    assert_eq!(newly_ignored(&before, &before), []);
    assert_eq!(links_taken_over(&before, &now), None);
}

#[test]
fn an_ordinary_crate_hides_nothing() {
    let facts = measured(&[
        (
            "src/lib.rs",
            "/// für Größe\npub const E: &str = \"👩\u{200D}👩\u{200D}👧\";\n".as_bytes(),
        ),
        ("Cargo.toml", b"[package]\nname = \"a\"\nexclude = [\"/tests\", \".github\"]\n"),
        (".gitignore", b"/target\nCargo.lock\n*.swp\n"),
        ("logo.png", b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82"),
    ]);
    assert!(facts.hidden_text.is_empty() && facts.trailing.is_empty());
    assert!(facts.ignored_inputs.is_empty() && facts.look_alikes.is_empty());
}
