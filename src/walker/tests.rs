use std::fs;

use super::*;
use crate::domain::Measured;

const LOCK: &str = "version = 4\n\n\
    [[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"dep\"]\n\n\
    [[package]]\nname = \"dep\"\nversion = \"1.0.0\"\nsource = \"git+https://x.invalid/dep#0123456789012345678901234567890123456789\"\ndependencies = [\"deep\"]\n\n\
    [[package]]\nname = \"deep\"\nversion = \"1.0.0\"\nsource = \"sparse+https://r.invalid/\"\n";

fn put(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn walked(path: &Path) -> Result<Walk, WalkError> {
    walk(path, &Options::default())
}

#[test]
fn a_folder_that_holds_only_a_lockfile_is_walked() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "Cargo.lock", LOCK);
    for path in [folder.path().to_owned(), folder.path().join("Cargo.lock")] {
        let walk = walked(&path).unwrap();
        assert_eq!(walk.lockfile, "Cargo.lock");
        assert_eq!(walk.root, folder.path().canonicalize().unwrap());
        assert_eq!(walk.graph.nodes.len(), 3);
        assert_eq!(walk.graph.roots, [0]);
        let deep = walk.graph.nodes.iter().position(|n| n.subject.name == "deep").unwrap();
        let way = &walk.graph.ways().to(deep);
        assert_eq!(way.len(), 3);
        let step = &walk.graph.steps(way)[2];
        assert_eq!(step.location.as_ref().unwrap().line, 15);
        assert_eq!(walk.graph.nodes[deep].location.line, 16);
        assert_eq!(walk.sources.line("Cargo.lock", 16), Some("version = \"1.0.0\""));
        assert_eq!(walk.locks[&deep].direct, Measured::Known(false));
        let middle = walk.graph.nodes.iter().position(|n| n.subject.name == "dep").unwrap();
        assert_eq!(walk.locks[&middle].direct, Measured::Known(true));
        assert!(walk.locks[&middle].git_floating && walk.locks[&middle].git_commit_known);
        assert!(walk.undetermined.is_empty());
    }
}

#[test]
fn nothing_to_audit_says_what_was_looked_for_and_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let error = walked(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no Cargo.lock found"), "{error}");
    assert!(error.contains("help: run `cargo generate-lockfile`"), "{error}");
    let absent = walked(&folder.path().join("absent")).unwrap_err();
    assert!(matches!(absent, WalkError::Path { .. }));
}

#[test]
fn a_member_leads_to_the_lockfile_of_its_workspace_but_not_out_of_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    put(top, "Cargo.lock", LOCK);
    put(top, "Cargo.toml", "[workspace]\nmembers = [\"repo/app\"]\n");
    put(top, "repo/.git/HEAD", "ref: refs/heads/main\n");
    put(top, "repo/app/Cargo.toml", "[package]\nname = \"app\"\n");
    let member = top.join("repo/app");
    assert!(matches!(walked(&member), Err(WalkError::NothingToAudit { .. })));
    put(top, "repo/Cargo.lock", LOCK);
    assert!(matches!(walked(&member), Err(WalkError::NothingToAudit { .. })), "no workspace");
    put(top, "repo/Cargo.toml", "[workspace]\nmembers = [\"app\"]\n");
    for path in [member.clone(), member.join("Cargo.toml")] {
        assert_eq!(walked(&path).unwrap().root, top.join("repo").canonicalize().unwrap());
    }
}

#[test]
fn without_a_repository_the_search_goes_up_as_cargos_does() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "Cargo.lock", LOCK);
    put(folder.path(), "Cargo.toml", "[workspace]\nmembers = [\"app\"]\n");
    put(folder.path(), "app/Cargo.toml", "[package]\nname = \"app\"\n");
    put(folder.path(), "app/src/deep/x.rs", "");
    put(folder.path(), "alone/x.rs", "");
    for below in ["app", "app/src/deep"] {
        let walk = walked(&folder.path().join(below)).unwrap();
        assert_eq!(walk.root, folder.path().canonicalize().unwrap(), "{below}");
    }
    fs::remove_file(folder.path().join("Cargo.lock")).unwrap();
    let error = walked(&folder.path().join("app/src")).unwrap_err();
    assert!(matches!(error, WalkError::NothingToAudit { .. }));
}

#[test]
fn a_lockfile_without_a_package_is_nothing_to_audit() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "version = 4\n", "# nothing\n"] {
        put(folder.path(), "Cargo.lock", text);
        let error = walked(folder.path()).unwrap_err();
        assert!(matches!(error, WalkError::NoPackage { .. }), "{text:?}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_lockfile_that_links_out_of_the_folder_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "Cargo.lock", LOCK);
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("Cargo.lock");
    std::os::unix::fs::symlink(outside.path().join("Cargo.lock"), &link).unwrap();
    for path in [folder.path(), &link] {
        let error = walked(path).unwrap_err();
        let refused =
            matches!(error, WalkError::Lockfile(TreeError::Leaves { .. } | TreeError::Link { .. }));
        assert!(refused, "{error}");
    }
}

#[test]
fn a_lockfile_without_own_crates_has_what_nothing_needs_as_roots() {
    let folder = tempfile::tempdir().unwrap();
    let lock = LOCK.replacen(
        "version = \"0.1.0\"\n",
        "version = \"0.1.0\"\nsource = \"sparse+https://r.invalid/\"\n",
        1,
    );
    put(folder.path(), "Cargo.lock", &lock);
    let walk = walked(folder.path()).unwrap();
    assert_eq!(walk.graph.roots.len(), 1);
    assert!(walk.locks.values().all(|facts| facts.direct.known().is_none() && !facts.member));
}

#[test]
fn what_the_lockfile_leaves_open_is_undetermined() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "Cargo.lock", &LOCK.replace("[\"deep\"]", "[\"deep\", \"gone\"]"));
    let walk = walked(folder.path()).unwrap();
    assert_eq!(walk.undetermined.len(), 1);
    assert_eq!(walk.undetermined[0].subject.name, "dep");
    assert_eq!(
        walk.undetermined[0].reason,
        "line 12: depends on `gone`, which the lockfile does not list"
    );
}

fn node(walk: &Walk, name: &str) -> NodeIndex {
    walk.graph.nodes.iter().position(|node| node.subject.name == name).unwrap()
}

#[test]
fn manifests_say_where_and_why_a_crate_is_declared() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    put(top, "Cargo.lock", LOCK);
    put(
        top,
        "Cargo.toml",
        "[workspace]\nmembers = [\"app\"]\n[workspace.dependencies]\ndep = { git = \"https://x.invalid/dep\" }\n",
    );
    let manifest = "[package]\nname = \"app\"\nversion = \"0.1.0\"\n[dev-dependencies]\ndep.workspace = true\n";
    put(top, "app/Cargo.toml", manifest);
    let walk = walked(top).unwrap();
    assert!(walk.undetermined.is_empty(), "{:?}", walk.undetermined);
    let declared = &walk.graph.nodes[node(&walk, "dep")].declared;
    let places: Vec<_> = declared.iter().map(|place| (&*place.file, place.line)).collect();
    assert_eq!(places, [("Cargo.toml", 4), ("app/Cargo.toml", 5)]);
    assert_eq!(walk.exposure[&node(&walk, "deep")].dev_only, Measured::Known(true));
    assert_eq!(walk.project.git_dependencies.len(), 1);
    assert_eq!(walk.sources.text("app/Cargo.toml"), Some(manifest));
}

#[test]
fn a_path_dependency_outside_the_folder_is_not_the_projects_own() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    let lock = LOCK.replace(
        "source = \"git+https://x.invalid/dep#0123456789012345678901234567890123456789\"\n",
        "",
    );
    put(top, "Cargo.lock", &lock);
    let manifest = |path: &str| {
        format!(
            "[package]\nname=\"app\"\nversion=\"0.1.0\"\n[dependencies]\ndep={{path=\"{path}\"}}\n"
        )
    };
    put(top, "Cargo.toml", &manifest("../dep"));
    let walk = walked(top).unwrap();
    assert!(!walk.graph.nodes[node(&walk, "dep")].member);
    assert_eq!(walk.graph.roots, [node(&walk, "app")]);
    assert_eq!(walk.project.outside_paths.len(), 1);
    put(top, "Cargo.toml", &manifest("dep"));
    put(
        top,
        "dep/Cargo.toml",
        "[package]\nname=\"dep\"\nversion=\"1.0.0\"\n[dependencies]\ndeep=\"1\"\n",
    );
    let walk = walked(top).unwrap();
    assert!(walk.graph.nodes[node(&walk, "dep")].member);
    assert_eq!(walk.graph.nodes[node(&walk, "deep")].declared[0].file, "dep/Cargo.toml");
}

#[test]
fn of_several_versions_the_declared_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let registry = "source = \"sparse+https://r.invalid/\"\n";
    put(
        folder.path(),
        "Cargo.lock",
        &format!(
            "version = 4\n[[package]]\nname=\"app\"\nversion=\"0.1.0\"\ndependencies=[\"d 1.5.0\", \"d 2.0.0\"]\n\
             [[package]]\nname=\"d\"\nversion=\"1.5.0\"\n{registry}[[package]]\nname=\"d\"\nversion=\"2.0.0\"\n{registry}"
        ),
    );
    put(
        folder.path(),
        "Cargo.toml",
        "[package]\nname=\"app\"\nversion=\"0.1.0\"\n[dependencies]\nd={version=\"1.2\",registry=\"r\"}\nnew={package=\"d\",version=\"2\",registry=\"r\"}\ngone=\"1\"\n",
    );
    let walk = walked(folder.path()).unwrap();
    let lines: Vec<_> = walk.graph.nodes.iter().flat_map(|n| &n.declared).map(|l| l.line).collect();
    assert_eq!(lines, [5, 6]);
    assert_eq!(walk.locks[&1].versions_of_name, 2);
    assert_eq!(
        walk.undetermined[0].reason,
        "line 7: the lockfile does not list `gone` here: it may be out of date"
    );
}

#[test]
fn the_fixtures_are_walked_without_a_question() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects");
    for (name, nodes, direct) in [("ai-app", 326, "ort"), ("xz-in-the-graph", 12, "liblzma-sys")] {
        let walk = walked(&fixtures.join(name)).unwrap();
        assert_eq!(walk.undetermined, []);
        assert_eq!(walk.graph.nodes.len(), nodes);
        let direct = node(&walk, direct);
        assert_eq!(walk.graph.nodes[direct].declared.len(), 1);
        assert_eq!(walk.exposure[&direct].depth, Measured::Known(1));
        assert_eq!(walk.exposure[&direct].dev_only, Measured::Known(false));
        assert!(walk.exposure.values().all(|facts| facts.dev_only.known().is_some()));
    }
}

#[test]
fn learning_natures_settles_what_runs_at_build_time() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "Cargo.lock", LOCK);
    let manifest = "[package]\nname=\"app\"\nversion=\"0.1.0\"\n[dependencies]\ndep.git=\"https://x.invalid/dep\"\n";
    put(folder.path(), "Cargo.toml", manifest);
    let mut walk = walked(folder.path()).unwrap();
    let deep = node(&walk, "deep");
    assert!(walk.exposure[&deep].build_machine.known().is_none());
    let quiet = Nature::default();
    walk.learn(BTreeMap::from([(node(&walk, "dep"), quiet.clone()), (deep, quiet)]));
    assert_eq!(walk.exposure[&deep].runs_at_build, Measured::Known(false));
}

#[test]
fn a_lockfile_of_one_long_line_is_read_in_linear_time() {
    let packages: Vec<String> = (0..20_000)
        .map(|n| format!("{{name=\"p{n}\",version=\"1.0.0\",dependencies=[\"p{}\"]}}", n + 1))
        .collect();
    let text = format!("package=[{}]", packages.join(","));
    let lock = lockfile::parse(&text, "Cargo.lock").unwrap();
    assert_eq!(lock.packages.len(), 20_000);
    assert_eq!(lock.notes.len(), 1);
}

fn registry() -> String {
    format!("registry+{}", tame_index::index::git::CRATES_IO_INDEX)
}

/// A lockfile with one crate of a registry, for a manifest that says `dep`.
fn registry_lock(version: &str, more: &str) -> String {
    format!(
        "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"dep\"]\n\n\
         [[package]]\nname = \"dep\"\nversion = \"{version}\"\nsource = \"{}\"\nchecksum = \"{}\"\n{more}",
        registry(),
        "0".repeat(64)
    )
}

/// The names that cargo would lock anew for a manifest beside that lockfile.
fn unlocked(manifest: &str, lock: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let package = "[package]\nname = \"app\"\nversion = \"0.1.0\"\n";
    put(folder.path(), "Cargo.toml", &format!("{package}{manifest}"));
    put(folder.path(), "Cargo.lock", lock);
    let fork = "[package]\nname = \"dep\"\nversion = \"1.0.0\"\n";
    put(folder.path(), "fork/Cargo.toml", fork);
    put(folder.path(), "other/Cargo.toml", &fork.replace("1.0.0", "2.0.0"));
    walked(folder.path()).unwrap().declared.unlocked.into_iter().collect()
}

#[test]
fn what_the_manifest_asks_for_in_another_version_or_from_elsewhere_is_not_locked() {
    let lock = registry_lock("1.0.9", "");
    for stale in [
        "[dependencies]\ndep = \"2\"\n",
        "[dependencies]\ndep = { path = \"fork\" }\n",
        "[dependencies]\ndep = { version = \"1\", path = \"fork\" }\n",
        "[dependencies]\ndep = { git = \"https://git.example.invalid/dep\" }\n",
        "[dependencies]\ndep = \"1\"\n[patch.crates-io]\ndep = { path = \"fork\" }\n",
        "[dependencies]\ndep = \"1\"\n[patch.crates-io]\ndep = { git = \"https://git.example.invalid/dep\" }\n",
        "[dependencies]\nx = { package = \"dep\", version = \"1\" }\n[patch.crates-io]\nx = { package = \"dep\", path = \"fork\" }\n",
        "[dependencies]\ndep = \"1\"\n[replace]\n\"dep:1.0.9\" = { path = \"fork\" }\n",
    ] {
        assert_eq!(unlocked(stale, &lock), ["dep"], "{stale}");
    }
    for kept in [
        "[dependencies]\ndep = \"1\"\n",
        "[dependencies]\ndep = { version = \"1.0\", optional = true }\n",
        "[target.'cfg(windows)'.dependencies]\ndep = \"=1.0.9\"\n",
        "[dependencies]\ndep = \"*\"\n",
        "[dependencies]\ndep = \"1\"\n[patch.crates-io]\nother = { path = \"fork\" }\n",
        "[dependencies]\ndep = \"1\"\n[patch.crates-io]\ndep = { path = \"other\" }\n",
    ] {
        assert!(unlocked(kept, &lock).is_empty(), "{kept}");
    }
    let unused =
        registry_lock("1.0.9", "\n[[patch.unused]]\nname = \"dep\"\nversion = \"1.0.0\"\n");
    let patched = "[dependencies]\ndep = \"1\"\n[patch.crates-io]\ndep = { path = \"fork\" }\n";
    assert!(unlocked(patched, &unused).is_empty());
}

#[test]
fn one_of_two_locked_versions_is_enough() {
    let more = format!(
        "\n[[package]]\nname = \"dep\"\nversion = \"2.1.0\"\nsource = \"{}\"\n",
        registry()
    );
    let lock = registry_lock("1.0.9", &more).replace("[\"dep\"]", "[\"dep 1.0.9\", \"dep 2.1.0\"]");
    let both = "[dependencies]\ndep = \"1\"\nnewer = { package = \"dep\", version = \"2\" }\n";
    assert!(unlocked(both, &lock).is_empty());
    assert_eq!(unlocked("[dependencies]\ndep = \"3\"\n", &lock), ["dep"]);
}

#[test]
fn a_member_that_the_lockfile_lacks_is_not_locked() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    let workspace = "[workspace]\nmembers = [\"app\", \"more/*\"]\nexclude = [\"apart\"]\n";
    put(top, "Cargo.toml", workspace);
    put(top, "Cargo.lock", &registry_lock("1.0.0", ""));
    let package = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n{more}")
    };
    let depends = "[dependencies]\ndep = \"1\"\n";
    put(top, "app/Cargo.toml", &package("app", depends));
    put(top, "apart/Cargo.toml", &package("apart", ""));
    put(top, "app/example/Cargo.toml", &package("example", "[workspace]\n"));
    let unlocked = || walked(top).unwrap().declared.unlocked.into_iter().collect::<Vec<_>>();
    assert!(unlocked().is_empty());
    put(top, "more/new/Cargo.toml", &package("new", ""));
    put(top, "app/Cargo.toml", &package("app", &format!("{depends}own = {{ path = \"own\" }}\n")));
    put(top, "app/own/Cargo.toml", &package("own", ""));
    assert_eq!(unlocked(), ["new", "own"]);
}

#[test]
fn a_lockfile_left_in_a_member_is_not_the_one_that_cargo_uses() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    put(top, "Cargo.toml", "[workspace]\nmembers = [\"app\"]\nexclude = [\"apart\"]\n");
    put(top, "Cargo.lock", LOCK);
    let package = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n");
    for name in ["app", "apart", "own", "stranger"] {
        put(top, &format!("{name}/Cargo.toml"), &package(name));
        put(top, &format!("{name}/Cargo.lock"), LOCK);
    }
    put(top, "own/Cargo.toml", &format!("{}[workspace]\n", package("own")));
    let top = top.canonicalize().unwrap();
    let root = |name: &str| audited(&top.join(name)).unwrap().0;
    assert_eq!(root("app"), top);
    assert_eq!(root("app/Cargo.toml"), top);
    for name in ["apart", "own", "stranger"] {
        assert_eq!(root(name), top.join(name));
    }
    fs::remove_file(top.join("Cargo.lock")).unwrap();
    assert_eq!(root("app"), top.join("app"));
}
