use std::fs;
use std::path::Path;

use super::*;

fn put(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn measured(folder: &Path) -> (ProjectFacts, Vec<(String, String)>) {
    let tree = Tree::open(folder).unwrap();
    let mut sources = Sources::default();
    let workspace = Workspace::read(&tree, &mut sources);
    let mut unread = Vec::new();
    let facts = measure(&tree, &workspace, &mut sources, &mut unread);
    (facts, unread)
}

fn seen(settings: &[Setting]) -> Vec<(&str, u32, &str, &str)> {
    settings.iter().map(|s| (&*s.path, s.line, &*s.name, &*s.value)).collect()
}

const CONFIG: &str = r#"paths = ["../elsewhere"]
include = "more.toml"
[build]
rustc-wrapper = "./steal.sh"
rustflags = ["-C", "linker=./ld.sh"]
jobs = 2
[target.'cfg(unix)']
runner = ["sh", "-c"]
[env]
HF_ENDPOINT = { value = "https://hub.invalid", force = true }
OTHER = "1"
[alias]
audit = "version"
[source.other]
replace-with = "mine"
[registries.mine]
index = "sparse+https://r.invalid/"
token = "secret"
credential-provider = ["sh", "x"]
[patch.other]
dep = { git = "https://x.invalid/d" }
"#;

#[test]
fn configuration_that_names_programs_is_listed_with_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), ".cargo/config.toml", CONFIG);
    put(folder.path(), ".cargo/more.toml", "include = [\"config.toml\"]\nbuild.rustc = \"x\"\n");
    let (facts, unread) = measured(folder.path());
    assert_eq!(unread, []);
    let file = ".cargo/config.toml";
    assert_eq!(
        seen(&facts.programs),
        [
            (file, 4, "build.rustc-wrapper", "./steal.sh"),
            (file, 8, "target.cfg(unix).runner", "sh -c"),
            (file, 19, "registries.mine.credential-provider", "sh x"),
            (".cargo/more.toml", 2, "build.rustc", "x"),
        ]
    );
    assert_eq!(seen(&facts.flags), [(file, 5, "build.rustflags", "-C linker=./ld.sh")]);
    assert_eq!(seen(&facts.hub_endpoints), [(file, 10, "HF_ENDPOINT", "https://hub.invalid")]);
    assert_eq!(facts.environment.len(), 2);
    assert_eq!(seen(&facts.aliases), [(file, 13, "alias.audit", "version")]);
    assert_eq!(seen(&facts.source_replacements), [(file, 15, "source.other.replace-with", "mine")]);
    assert_eq!(
        seen(&facts.network),
        [(file, 17, "registries.mine.index", "sparse+https://r.invalid/")]
    );
    assert_eq!(seen(&facts.path_overrides), [(file, 1, "paths", "../elsewhere")]);
    assert_eq!((facts.patches[0].line, &*facts.patches[0].source), (21, "git"));
    assert!(!format!("{facts:?}").contains("secret"));
}

#[test]
fn a_plain_project_sets_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), ".cargo/config.toml", "[build]\njobs = 2\n[term]\nquiet = true\n");
    put(folder.path(), "rust-toolchain.toml", "[toolchain]\nchannel = \"stable\"\n");
    put(folder.path(), "rust-toolchain", "nightly-2024-01-01\n");
    put(folder.path(), ".env", "HF_TOKEN=secret\n# HF_ENDPOINT=https://hub.invalid\n");
    put(folder.path(), "Cargo.toml", "[package]\nname=\"a\"\n[dependencies]\nb=\"1\"\n");
    let (facts, unread) = measured(folder.path());
    assert_eq!(unread, []);
    assert_eq!(facts, ProjectFacts { manifests: 1, ..ProjectFacts::default() });
}

#[test]
fn toolchain_paths_and_endpoints_are_found_beside_members_too() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    put(top, "Cargo.toml", "[workspace]\nmembers = [\"crates/a\"]\n");
    put(top, "crates/a/Cargo.toml", "[package]\nname=\"a\"\n");
    put(top, "crates/rust-toolchain.toml", "[toolchain]\npath = \"../evil\"\n");
    put(top, "crates/a/.env", "X=1\nexport HF_ENDPOINT='https://hub.invalid'\n");
    put(top, "crates/a/.cargo/config", "[build]\nrustdoc = \"./d\"\n");
    put(top, "crates/a/build.rs", "fn main() {}");
    let (facts, unread) = measured(top);
    assert_eq!(unread, []);
    assert_eq!(
        seen(&facts.toolchain_paths),
        [("crates/rust-toolchain.toml", 2, "toolchain.path", "../evil")]
    );
    assert_eq!(
        seen(&facts.hub_endpoints),
        [("crates/a/.env", 2, "HF_ENDPOINT", "https://hub.invalid")]
    );
    assert_eq!(facts.programs[0].path, "crates/a/.cargo/config");
    assert_eq!(facts.build_scripts[0].path, "crates/a/build.rs");
    assert_eq!(facts.build_scripts[0].sha256.len(), 64);
}

#[test]
fn declarations_that_leave_the_lockfiles_protection_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    put(
        folder.path(),
        "Cargo.toml",
        "[package]\nname=\"a\"\n[dependencies]\nany = \"*\"\nout = { path = \"../out\" }\nabs = { path = \"/abs\" }\n\
         g = { git = \"https://x.invalid/g\", branch = \"main\" }\nh = { git = \"https://x.invalid/h\", rev = \"0123456789\" }\n\
         r = { version = \"1\", registry = \"mine\" }\n[patch.other]\np = { path = \"vendored\" }\n",
    );
    let (facts, unread) = measured(folder.path());
    assert_eq!(unread, []);
    assert_eq!(seen(&facts.wildcards), [("Cargo.toml", 4, "any", "*")]);
    assert_eq!(
        seen(&facts.outside_paths),
        [("Cargo.toml", 5, "out", "../out"), ("Cargo.toml", 6, "abs", "/abs")]
    );
    let git: Vec<_> = facts.git_dependencies.iter().map(|g| (&*g.name, g.floating)).collect();
    assert_eq!(git, [("g", true), ("h", false)]);
    assert_eq!(seen(&facts.alternative_registries), [("Cargo.toml", 9, "r", "mine")]);
    assert_eq!((&*facts.patches[0].name, &*facts.patches[0].of), ("p", "other"));
}

#[test]
fn broken_configuration_is_named_and_lists_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), ".cargo/config.toml", "[build\n");
    let (_, unread) = measured(folder.path());
    assert_eq!(unread[0].0, ".cargo/config.toml");
    let many: Vec<String> = (0..700).map(|n| format!("V{n} = \"1\"")).collect();
    put(folder.path(), ".cargo/config.toml", &format!("[env]\n{}", many.join("\n")));
    let (facts, _) = measured(folder.path());
    assert_eq!((facts.environment.len(), facts.left_out), (500, 200));
}
