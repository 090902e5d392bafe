use super::*;

const MANIFEST: &str = r#"[package]
name = "app"
version.workspace = true
build = ["build/a.rs", "build/b.rs"]

[lib]
proc-macro = true

[dependencies]
plain = "1"
renamed = { package = "real", version = "2" }
branch = { git = "https://x.invalid/b", branch = "main" }
[dependencies.table]
git = "https://x.invalid/t"
rev = "0123456"

[build-dependencies]
cc.workspace = true

[dev_dependencies]
own = { path = "../own", version = "*" }

[target.'cfg(unix)'.dependencies]
unix = { version = "1", registry = "other", optional = true }

[workspace]
members = ["crates/*"]
exclude = ["crates/old"]
package.version = "3.0.0"
[workspace.dependencies]
cc = "1.0"

[patch.other]
plain = { path = "vendored/plain" }

[replace]
"plain:1.0.0" = { git = "https://x.invalid/p" }
"#;

fn find<'m>(manifest: &'m Manifest, key: &str) -> &'m Declaration {
    manifest.dependencies.iter().find(|d| d.key == key).unwrap()
}

#[test]
fn every_table_is_read_with_the_place_of_its_keys() {
    let manifest = parse(MANIFEST, "crates/app/Cargo.toml").unwrap();
    assert_eq!(manifest.folder(), "crates/app");
    assert_eq!(manifest.dependencies.len(), 7);
    let plain = find(&manifest, "plain");
    assert_eq!((plain.location.line, plain.location.column), (10, Some(1)));
    assert_eq!(plain.location.end_column, Some(6));
    assert_eq!(plain.requirement.as_deref(), Some("1"));
    let renamed = find(&manifest, "renamed");
    assert_eq!(
        (renamed.package.as_str(), renamed.source.clone()),
        ("real", DeclaredSource::Registry)
    );
    let table = find(&manifest, "table");
    assert_eq!((table.location.line, table.location.column), (13, Some(15)));
    assert!(
        matches!(&table.source, DeclaredSource::Git { reference: Some(r), .. } if r == "rev=0123456")
    );
    let cc = find(&manifest, "cc");
    assert_eq!((cc.kind, &cc.source), (DependencyKind::Build, &DeclaredSource::Workspace));
    let own = find(&manifest, "own");
    assert_eq!(
        (own.kind, &own.source),
        (DependencyKind::Dev, &DeclaredSource::Path("../own".into()))
    );
    let unix = find(&manifest, "unix");
    assert_eq!(unix.target.as_deref(), Some("cfg(unix)"));
    assert!(unix.optional);
    assert_eq!(unix.source, DeclaredSource::AlternativeRegistry("other".into()));
}

#[test]
fn package_workspace_and_patches_are_read() {
    let manifest = parse(MANIFEST, "Cargo.toml").unwrap();
    assert_eq!(manifest.folder(), "");
    let package = manifest.package.unwrap();
    assert_eq!(package.version, PackageVersion::Inherited);
    assert_eq!(package.build, BuildKey::Files(vec!["build/a.rs".into(), "build/b.rs".into()]));
    assert!(package.proc_macro);
    let workspace = manifest.workspace.unwrap();
    assert_eq!(workspace.members, ["crates/*"]);
    assert_eq!(workspace.version.as_deref(), Some("3.0.0"));
    assert_eq!(workspace.dependencies[0].location.line, 31);
    let patches: Vec<_> =
        manifest.patches.iter().map(|p| (&*p.of, &*p.with.key, p.with.location.line)).collect();
    assert_eq!(patches, [("other", "plain", 34), ("replace", "plain:1.0.0", 37)]);
}

#[test]
fn shapes_that_cargo_refuses_are_left_out_and_broken_texts_are_errors() {
    let odd = "[dependencies]\na = 1\nb = []\nc = { version = 1 }\n[package]\nname = 3\n[lib]\nproc-macro = 1\n";
    let manifest = parse(odd, "Cargo.toml").unwrap();
    assert_eq!(manifest.dependencies.len(), 1);
    assert_eq!(manifest.package, None);
    let error = parse("a = 1\n<<<<<<< ours\n", "Cargo.toml").unwrap_err();
    assert_eq!(error.to_string(), "Cargo.toml: line 2 is a merge conflict marker (`<<<<<<<`)");
    for end in 0..MANIFEST.len() {
        let _ = parse(&MANIFEST[..end], "Cargo.toml");
    }
}
