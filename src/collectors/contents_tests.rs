//! Code that cargo runs and that a reader could miss: names, orders and sizes that differ from the usual.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::collectors::source_tree::SourceTree;
use crate::domain::{Place, PlaceKind, Subject};
use crate_read::rust_source::Unparsed;
use custody_bytes::gzip_tar::sample::crate_archive;

const MANIFEST: &[u8] = b"[package]\nname = \"x\"\nversion = \"1.0.0\"\n";
const RUNS: &[u8] = b"fn run() { std::process::Command::new(\"made-up-program\").status(); }\n";

fn measurer(folder: &Path) -> Measurer {
    Measurer::new(Arc::new(Kept::open(folder)), Limits::default(), None)
}

/// What is started at build time, and the limits that were hit.
fn started(files: &[(&str, &[u8])]) -> (Vec<String>, Vec<String>) {
    let cache = tempfile::tempdir().expect("a folder");
    let archive = crate_archive("x-1.0.0", files);
    let contents = measurer(cache.path()).measure("00", "x", "1.0.0", &archive).expect("reads");
    (contents.code.build.programs, contents.code.build.limits)
}

fn seen(files: &[(&str, &[u8])]) -> bool {
    started(files).0 == ["made-up-program"]
}

#[test]
fn a_file_that_code_names_is_read_whatever_it_is_called() {
    let main = b"include!(\"steps.dat\");\n#[path = \"more\"]\nmod more;\nfn main() {}\n";
    assert!(seen(&[("Cargo.toml", MANIFEST), ("build.rs", main), ("steps.dat", RUNS)]));
    assert!(seen(&[("Cargo.toml", MANIFEST), ("build.rs", main), ("more", RUNS)]));
    // And what those name.
    let further = b"include!(\"further.txt.bak\");\n";
    let files: [(&str, &[u8]); 4] = [
        ("Cargo.toml", MANIFEST),
        ("build.rs", main),
        ("steps.dat", further),
        ("further.txt.bak", RUNS),
    ];
    assert!(seen(&files));
}

#[test]
fn the_last_manifest_counts_even_where_the_first_says_that_nothing_runs() {
    let idle = [MANIFEST, b"build = false\n".as_slice()].concat();
    let files: [(&str, &[u8]); 4] =
        [("Cargo.toml", &idle), ("build.rs", RUNS), ("src/lib.rs", b""), ("Cargo.toml", MANIFEST)];
    assert!(seen(&files));
}

#[test]
fn a_switch_in_another_table_switches_nothing_off() {
    let manifest = [MANIFEST, b"[package.metadata.x]\nbuild = false\n".as_slice()].concat();
    assert!(seen(&[("Cargo.toml", &manifest), ("build.rs", RUNS)]));
}

#[test]
fn a_procedural_macro_by_its_type_and_at_an_odd_path_is_read() {
    let manifest =
        [MANIFEST, b"[lib]\ncrate-type = [\"proc-macro\"]\npath = \"a/..//code/./lib.rs\"\n"]
            .concat();
    assert!(seen(&[("Cargo.toml", &manifest), ("code/lib.rs", RUNS)]));
}

#[test]
fn much_code_beside_the_build_script_hides_none_of_its_modules() {
    let filler = format!("//{}\n", "x".repeat(3 << 20)).into_bytes();
    let names: Vec<String> = (0..9).map(|at| format!("build/a{at}.rs")).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("Cargo.toml", MANIFEST)];
    files.extend(names.iter().map(|name| (name.as_str(), filler.as_slice())));
    files.push(("build.rs", b"#[path = \"build/z.rs\"]\nmod z;\nfn main() {}\n"));
    files.push(("build/z.rs", RUNS));
    assert_eq!(started(&files), (vec!["made-up-program".to_owned()], vec![]));
}

#[test]
fn a_build_script_that_is_padded_beyond_what_is_read_hits_a_limit() {
    let mut script = b"fn main() { run() }\n//".to_vec();
    script.resize(5 << 20, b'x');
    script.extend(b"\n");
    script.extend(RUNS);
    let (_, limits) = started(&[("Cargo.toml", MANIFEST), ("build.rs", &script)]);
    assert_eq!(limits.len(), 1, "{limits:?}");
}

#[test]
fn a_run_of_zeros_in_front_hides_nothing() {
    let zeros = vec![0; 40 << 20];
    assert!(seen(&[("a.bin", &zeros), ("Cargo.toml", MANIFEST), ("build.rs", RUNS)]));
}

#[test]
fn a_folders_code_beside_it_is_read_inside_the_bound_and_named_outside() {
    let (top, cache) = (tempfile::tempdir().expect("a"), tempfile::tempdir().expect("b"));
    let put = |file: &str, bytes: &[u8]| {
        let path = top.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    };
    put("project/x/Cargo.toml", MANIFEST);
    put("project/x/build.rs", b"#[path = \"../shared/y.rs\"]\nmod y;\nfn main() {}\n");
    put("project/shared/y.rs", RUNS);
    let read = |within: &str| {
        let place = Place {
            kind: PlaceKind::Path,
            folder: top.path().join("project/x"),
            within: top.path().join(within),
            without: BTreeSet::new(),
            lacking: std::collections::BTreeMap::new(),
        };
        let mut tree = SourceTree::open(&place).expect("a folder");
        measurer(cache.path()).measure_tree("x", "1.0.0", &mut tree).0.code.build
    };
    assert_eq!(read("project").programs, ["made-up-program"]);
    let build = read("project/x");
    assert!(build.programs.is_empty() && build.unparsed.iter().any(Unparsed::is_beyond));
}

#[test]
fn the_groups_of_an_archive_are_known_all_together_or_not_at_all() {
    let cache = tempfile::tempdir().expect("a folder");
    let archive = crate_archive("x-1.0.0", &[("Cargo.toml", MANIFEST), ("src/lib.rs", b"")]);
    let contents = measurer(cache.path()).measure("00", "x", "1.0.0", &archive).expect("reads");
    let subject = Subject::registry_crate("x", "1.0.0");
    let (mut known, mut unknown) = (FactSheet::new(subject.clone()), FactSheet::new(subject));
    contents.put(&mut known);
    Contents::put_unknown(&mut unknown, "it breaks off");
    assert!(known.facts.keys().eq(unknown.facts.keys()), "{:?}", known.facts.keys());
    assert_eq!(
        known.facts.keys().collect::<Vec<_>>(),
        ["archive", "build", "concealment", "library", "native", "secrets"]
    );
    for (group, facts) in &unknown.facts {
        assert_eq!(facts, &serde_json::json!({"$unknown": "it breaks off"}), "{group}");
    }
}

#[test]
fn who_looks_closer_reads_the_same_of_an_archive_and_of_a_folder_as_an_audit() {
    use crate::collectors::close_look;
    let main = b"include!(\"steps.dat\");\n#[path = \"../shared/y.rs\"]\nmod y;\nfn main() {}\n";
    let files: [(&str, &[u8]); 3] =
        [("Cargo.toml", MANIFEST), ("build.rs", main), ("steps.dat", RUNS)];
    let archive = crate_archive("x-1.0.0", &files);
    let cache = tempfile::tempdir().expect("a folder");
    let measurer = measurer(cache.path());
    let hash = archive::sha256(&archive);
    let audited = measurer.measure(&hash, "x", "1.0.0", &archive).expect("reads");
    let look = close_look::read("x", "1.0.0", &archive).expect("reads");
    assert_eq!(look.contents.code.build.programs, ["made-up-program"]);
    assert_eq!(put(&look.contents), put(&audited));

    let top = tempfile::tempdir().expect("a folder");
    for (path, bytes) in files {
        let path = top.path().join("project/x").join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    fs::create_dir_all(top.path().join("project/shared")).expect("made");
    let shared = b"fn again() { std::process::Command::new(\"second-program\").status(); }\n";
    fs::write(top.path().join("project/shared/y.rs"), shared).expect("written");
    let (folder, within) = (top.path().join("project/x"), top.path().join("project"));
    let place = Place::new(PlaceKind::Path, folder, within);
    let mut tree = SourceTree::open(&place).expect("a folder");
    let (audited, source) = measurer.measure_tree("x", "1.0.0", &mut tree);
    let folder = close_look::read_folder("x", "1.0.0", &place).expect("reads");
    assert!(audited.code.build.programs.contains(&"second-program".to_owned()));
    assert_eq!(put(&folder.look.contents), put(&audited));
    assert_eq!(
        serde_json::to_value(&folder.source).expect("facts"),
        serde_json::to_value(&source).expect("facts")
    );
}

fn put(contents: &Contents) -> FactSheet {
    let mut sheet = FactSheet::new(Subject::registry_crate("x", "1.0.0"));
    contents.put(&mut sheet);
    sheet
}
