//! Folders as cargo would see them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

fn put(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

fn place(folder: &Path, within: &Path, kind: PlaceKind) -> Place {
    Place {
        kind,
        folder: folder.to_owned(),
        within: within.to_owned(),
        without: BTreeSet::from([folder.join("nested")]),
        lacking: std::collections::BTreeMap::new(),
    }
}

/// Paths with their texts, in order, and what was left out.
fn seen(place: &Place) -> (Vec<(String, String)>, Vec<LeftOut>) {
    let mut tree = SourceTree::open(place).expect("a folder");
    let mut files = Vec::new();
    tree.each(|file, bytes| {
        files.push((shown(&file.path), String::from_utf8_lossy(bytes).into_owned()));
    });
    let left_out = tree.facts(0, 0).left_out;
    (files, left_out)
}

#[test]
fn only_the_root_target_the_repository_and_crates_of_the_graph_are_apart() {
    let top = tempfile::tempdir().expect("a folder");
    let root = top.path().join("crate");
    for file in [
        "Cargo.toml",
        "target/debug/x.rs",
        ".git/hooks/x.rs",
        "src/target/mod.rs",
        "src/lib.rs",
        "nested/Cargo.toml",
        "other/Cargo.toml",
        "data.bin",
    ] {
        put(&root, file, "x");
    }
    let (files, left_out) = seen(&place(&root, top.path(), PlaceKind::Path));
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        ["Cargo.toml", "src/lib.rs", "src/target/mod.rs", "data.bin", "other/Cargo.toml"]
    );
    assert_eq!(left_out, []);
    // Of a vendored crate cargo takes every file.
    let (files, _) = seen(&place(&root, top.path(), PlaceKind::Vendored));
    assert!(files.iter().any(|(path, _)| path == "target/debug/x.rs"));
}

#[cfg(unix)]
#[test]
fn links_are_what_they_point_to_inside_the_bound_and_told_outside_of_it() {
    use std::os::unix::fs::symlink;
    let top = tempfile::tempdir().expect("a folder");
    let (project, root) = (top.path().join("p"), top.path().join("p/crate"));
    put(&root, "Cargo.toml", "x");
    put(&project, "shared/code.rs", "shared");
    put(top.path(), "outside.rs", "outside");
    symlink("../shared/code.rs", root.join("build.rs")).expect("linked");
    symlink("../shared", root.join("src")).expect("linked");
    symlink("..", root.join("round")).expect("linked");
    symlink("../../outside.rs", root.join("out.rs")).expect("linked");
    symlink("nowhere", root.join("dangling")).expect("linked");
    let (files, left_out) = seen(&place(&root, &project, PlaceKind::Path));
    let text = |path: &str| files.iter().find(|(p, _)| p == path).map(|(_, t)| t.as_str());
    assert_eq!(text("build.rs"), Some("shared"));
    assert_eq!(text("src/code.rs"), Some("shared"));
    let told = |path: &str| left_out.iter().find(|l| l.path == path).map(|l| l.code);
    assert_eq!(told("out.rs"), Some(true));
    assert_eq!(told("dangling"), Some(false));
    assert_eq!(text("round/shared/code.rs"), Some("shared"));
    assert_eq!(told("round/crate"), Some(false));
}

#[test]
fn the_hash_changes_with_a_byte_and_with_a_name() {
    let top = tempfile::tempdir().expect("a folder");
    let hash = || {
        let place = place(top.path(), top.path(), PlaceKind::Path);
        SourceTree::open(&place).expect("a folder").each(|_, _| ())
    };
    put(top.path(), "a.rs", "x");
    let first = hash();
    assert_eq!(first, hash());
    put(top.path(), "a.rs", "y");
    let second = hash();
    fs::rename(top.path().join("a.rs"), top.path().join("b.rs")).expect("renamed");
    assert_eq!(BTreeSet::from([first, second, hash()]).len(), 3);
}

#[test]
fn vendored_crates_are_told_apart_by_their_manifests() {
    let top = tempfile::tempdir().expect("a folder");
    let manifest = |version: &str| format!("[package]\nname = \"a\"\nversion = \"{version}\"\n");
    put(top.path(), "a/Cargo.toml", &manifest("2.0.0"));
    put(top.path(), "whatever/Cargo.toml", &manifest("1.0.0"));
    put(top.path(), ".hidden/Cargo.toml", &manifest("3.0.0"));
    put(top.path(), "deep/er/Cargo.toml", &manifest("4.0.0"));
    let beside = Packages::beside(top.path());
    assert_eq!(beside.find("a", "1.0.0"), Ok(top.path().join("whatever").as_path()));
    assert!(beside.find("a", "3.0.0").is_err() && beside.find("a", "4.0.0").is_err());
    assert!(Packages::beside(&top.path().join("gone")).find("a", "1.0.0").is_err());
    let below = Packages::below(top.path());
    assert_eq!(below.find("a", "4.0.0"), Ok(top.path().join("deep/er").as_path()));
    put(top.path(), "twin/Cargo.toml", &manifest("4.0.0"));
    assert!(Packages::below(top.path()).find("a", "4.0.0").is_err());
}

#[test]
fn a_crate_of_a_checkout_can_inherit_its_version() {
    let top = tempfile::tempdir().expect("a folder");
    let version = "version.workspace = true\n[dependencies]\nb = { path = \"../b\" }\n";
    put(top.path(), "Cargo.toml", "[workspace]\n[workspace.package]\nversion = \"0.3.0\"\n");
    put(top.path(), "in/a/Cargo.toml", &format!("[package]\nname = \"a\"\n{version}"));
    let folder = top.path().join("in/a");
    assert_eq!(Packages::below(top.path()).find("a", "0.3.0"), Ok(folder.as_path()));
    let package = Package::at(&folder, top.path()).expect("a package");
    assert_eq!((package.version.as_str(), package.paths), ("0.3.0", vec!["../b".to_owned()]));
    assert_eq!(Package::at(&folder, &folder), None);
}

#[test]
fn only_the_whole_commit_tells_which_checkout_it_is() {
    let home = tempfile::tempdir().expect("a folder");
    let put = |file: &str, text: &str| put(home.path(), &format!("git/checkouts/{file}"), text);
    let rev = "0123456789".repeat(4);
    let twin = format!("0123456{}", "f".repeat(33));
    put("a-0000000000000000/0123456/.git/HEAD", &format!("{twin}\n"));
    assert!(checkout(home.path(), &rev).is_err());
    put("b-0000000000000000/0123456/.git/HEAD", "ref: refs/heads/main\n");
    put("b-0000000000000000/0123456/.git/packed-refs", &format!("{rev} refs/heads/main\n"));
    assert!(checkout(home.path(), &rev).is_err_and(|why| why.contains("finished")));
    put("b-0000000000000000/0123456/.cargo-ok", "");
    assert!(checkout(home.path(), &rev).is_ok_and(|at| at.ends_with("b-0000000000000000/0123456")));
    put("b-0000000000000000/0123456/.git/refs/heads/main", &format!("{twin}\n"));
    assert!(checkout(home.path(), &rev).is_err());
    assert!(checkout(home.path(), "").is_err());
}

#[test]
fn an_override_takes_the_place_of_every_version_of_its_name() {
    let top = tempfile::tempdir().expect("a folder");
    let manifest = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"1.0.7\"\n");
    put(top.path(), "fork/Cargo.toml", &manifest("dep"));
    let found = Packages::below(top.path());
    let fork = top.path().join("fork");
    assert_eq!(found.in_place_of("dep", "1.0.0"), Some(Ok(fork.as_path())));
    assert_eq!(found.in_place_of("de", "1.0.7"), None);
    assert_eq!(found.in_place_of("depp", "1.0.7"), None);
    put(top.path(), "two/Cargo.toml", &manifest("dep").replace("1.0.7", "2.0.0"));
    let found = Packages::below(top.path());
    assert_eq!(found.in_place_of("dep", "1.0.7"), Some(Ok(fork.as_path())));
    assert!(matches!(found.in_place_of("dep", "1.0.0"), Some(Err(_))));
    put(
        top.path(),
        "two/Cargo.toml",
        &format!("{}{}", manifest("x"), "# padding\n".repeat(300_000)),
    );
    assert!(matches!(Packages::below(top.path()).in_place_of("y", "1.0.0"), Some(Err(_))));
}
