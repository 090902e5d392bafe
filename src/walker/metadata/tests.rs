use std::fs;

use super::*;
use crate::walker::lockfile;

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"macros\",\n]\n\n\
    [[package]]\nname = \"macros\"\nversion = \"0.1.0\"\n";

fn put(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A project of two own crates that needs no registry.
fn project(top: &Path) -> Graph {
    put(top, "Cargo.lock", LOCK);
    put(
        top,
        "Cargo.toml",
        "[workspace]\n[package]\nname=\"app\"\nversion=\"0.1.0\"\n[build-dependencies]\nmacros={path=\"macros\"}\n",
    );
    put(top, "build.rs", "fn main() {}");
    put(top, "src/lib.rs", "");
    put(
        top,
        "macros/Cargo.toml",
        "[package]\nname=\"macros\"\nversion=\"0.1.0\"\n[lib]\nproc-macro=true\n",
    );
    put(top, "macros/src/lib.rs", "");
    crate::walker::graph(&lockfile::parse(LOCK, "Cargo.lock").unwrap(), "Cargo.lock")
}

fn asked(top: &Path, graph: &Graph) -> Result<BTreeMap<NodeIndex, Nature>, MetadataError> {
    natures(&top.join("Cargo.toml"), top, graph, TIME_LIMIT)
}

#[test]
fn cargo_tells_what_crates_are() {
    let folder = tempfile::tempdir().unwrap();
    let graph = project(folder.path());
    let natures = asked(folder.path(), &graph).unwrap();
    assert!(natures[&0].build_script && !natures[&0].proc_macro);
    assert_eq!(natures[&0].build_dependencies.iter().collect::<Vec<_>>(), ["macros"]);
    assert!(natures[&1].proc_macro && !natures[&1].build_script);
}

#[test]
fn its_failure_has_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let graph = project(folder.path());
    put(folder.path(), "macros/Cargo.toml", "[package]\nname=\"macros\"\nversion=\"0.2.0\"\n");
    let error = asked(folder.path(), &graph).unwrap_err().to_string();
    assert!(error.starts_with("cargo failed: "), "{error}");
}

/// A program that leaves a mark where it is run, and does nothing else.
#[cfg(unix)]
fn trap(top: &Path, file: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    put(top, file, &format!("#!/bin/sh\necho run > '{}'\n", top.join("mark").display()));
    fs::set_permissions(top.join(file), fs::Permissions::from_mode(0o755)).unwrap();
}

/// `cargo metadata` as a careless tool would start it: inside the tree.
#[cfg(unix)]
fn careless(top: &Path) {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version", "1", "--locked", "--offline"]).current_dir(top);
    command.env_remove("RUSTC_WRAPPER").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    drop(command.stdout(Stdio::null()).stderr(Stdio::null()).status());
}

#[cfg(unix)]
#[test]
fn programs_that_the_tree_configures_are_not_run() {
    for key in ["rustc", "rustc-wrapper", "rustc-workspace-wrapper"] {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let graph = project(&top);
        trap(&top, "trap.sh");
        let config = format!("[build]\n{key} = \"{}\"\n", top.join("trap.sh").display());
        put(&top, ".cargo/config.toml", &config);
        let natures = asked(&top, &graph).unwrap();
        assert_eq!(natures.len(), 2);
        assert!(!top.join("mark").exists(), "{key} was run");
        // The trap works: started inside the tree, cargo springs it.
        careless(&top);
        assert!(top.join("mark").exists(), "{key} is no trap");
    }
}

#[cfg(unix)]
#[test]
fn the_toolchain_that_the_tree_names_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().canonicalize().unwrap();
    let graph = project(&top);
    for program in ["bin/cargo", "bin/rustc"] {
        trap(&top, &format!("toolchain/{program}"));
    }
    let path = top.join("toolchain");
    put(&top, "rust-toolchain.toml", &format!("[toolchain]\npath = \"{}\"\n", path.display()));
    assert_eq!(asked(&top, &graph).unwrap().len(), 2);
    assert!(!top.join("mark").exists());
}

#[cfg(unix)]
#[test]
fn a_cargo_that_does_not_end_is_ended() {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec tail -f /dev/null"]);
    let error = answer(command, Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, MetadataError::Slow(_)));
}

#[test]
fn the_first_error_line_is_the_reason() {
    assert_eq!(first_error("warning: x\nerror: no `a`\n\nCaused by:\n"), "no `a`");
    assert_eq!(first_error(""), "it gave no reason");
}
