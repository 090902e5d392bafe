use std::collections::BTreeSet;
use std::fs;

use super::*;
use crate::domain::Measured;

const UV: &str = r#"version = 1
requires-python = ">=3.11"

[[package]]
name = "my-app"
version = "0.1.0"
source = { virtual = "." }

[[package]]
name = "Torch_X"
version = "2.0"
source = { registry = "https://me:secret@index.example.invalid/simple" }
sdist = { url = "https://files.example.invalid/t.tar.gz", hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", size = 3, upload-time = "2026-11-20T09:00:00Z" }
wheels = [
    { url = "https://files.example.invalid/t.whl", hash = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", size = 3, upload-time = "2026-11-21T09:00:00Z" },
]

[[package]]
name = "built"
version = "1"
source = { registry = "https://index.example.invalid/simple" }
sdist = { url = "https://files.example.invalid/b.tar.gz", hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }

[[package]]
name = "forked"
version = "3"
source = { git = "https://code.example.invalid/f?rev=x#0123456789012345678901234567890123456789" }
"#;

fn entries(path: &str, text: &str) -> Vec<Entry> {
    parse(path, text).unwrap().entries
}

#[test]
fn a_lock_of_uv_tells_hashes_uploads_and_what_is_built() {
    let all = entries("uv.lock", UV);
    let names: Vec<&str> = all.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["torch-x", "built", "forked"], "the project itself is no package");
    let [torch, built, forked] = all.as_slice() else { panic!("three") };
    assert_eq!(torch.uploaded.as_deref(), Some("2026-11-21"));
    assert_eq!(torch.address.as_deref(), Some("https://index.example.invalid/simple"));
    assert_eq!((torch.hashed, torch.only_source, torch.line), (true, Some(false), 10));
    assert_eq!((built.only_source, built.uploaded.clone()), (Some(true), None));
    assert_eq!((forked.source, forked.hashed), (PackageSource::Git, true));
}

#[test]
fn poetry_and_pylock_are_read_too() {
    let poetry = r#"[[package]]
name = "a"
version = "1"
files = [{file = "a-1-py3-none-any.whl", hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]

[[package]]
name = "b"
version = "2"
files = []
[package.source]
type = "git"
url = "https://code.example.invalid/b"
resolved_reference = "abc"
"#;
    let all = entries("poetry.lock", poetry);
    assert_eq!((all[0].hashed, all[0].only_source), (true, Some(false)));
    assert_eq!((all[1].source, all[1].hashed), (PackageSource::Git, true));
    let pylock = r#"lock-version = "1.0"
[[packages]]
name = "c"
version = "3"
sdist = { url = "https://files.example.invalid/c.tar.gz", upload-time = 2026-11-01T00:00:00Z, hashes = { sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } }
"#;
    let all = entries("pylock.dev.toml", pylock);
    assert_eq!((all[0].only_source, all[0].uploaded.as_deref()), (Some(true), Some("2026-11-01")));
    assert!(all[0].hashed);
}

#[test]
fn requirement_lines_are_read_as_pip_reads_them() {
    let text = "# comment\n\
        Torch==2.0 ; python_version >= '3.8'\n\
        numpy>=1 # any\n\
        a.b_c[extra]==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n\
        d @ https://me:pw@files.example.invalid/d.whl\n\
        git+https://code.example.invalid/e@0123456789012345678901234567890123456789#egg=e\n\
        ./local\n-e .\n==1\nf==1.*\n";
    let all = entries("requirements.txt", text);
    let told: Vec<_> =
        all.iter().map(|e| (e.name.as_str(), e.version.as_str(), e.hashed, e.line)).collect();
    assert_eq!(
        told,
        [
            ("torch", "2.0", false, 2),
            ("numpy", "", false, 3),
            ("a-b-c", "1.0", true, 4),
            ("d", "", false, 7),
            ("e", "", true, 8),
            ("f", "", false, 12),
        ]
    );
    assert_eq!(all[3].address.as_deref(), Some("https://files.example.invalid/d.whl"));
}

#[test]
fn a_lock_of_npm_tells_install_scripts() {
    let text = r#"{
  "lockfileVersion": 3,
  "packages": {
    "": {"name": "app"},
    "packages/own": {"version": "1.0.0"},
    "node_modules/own": {"resolved": "packages/own", "link": true},
    "node_modules/@s/a": {
      "version": "1.0.0", "resolved": "https://index.example.invalid/@s/a/-/a-1.0.0.tgz", "integrity": "sha512-x", "hasInstallScript": true
    },
    "node_modules/b/node_modules/c": {"version": "2.0.0", "resolved": "git+ssh://git@code.example.invalid/c.git#abc"}
  }
}"#;
    let all = entries("package-lock.json", text);
    assert_eq!((all[0].name.as_str(), all[0].install_script, all[0].line), ("@s/a", Some(true), 7));
    assert_eq!((all[1].name.as_str(), all[1].source), ("c", PackageSource::Git));
    assert_eq!(all.len(), 2);
    let old = parse("package-lock.json", r#"{"lockfileVersion": 1, "dependencies": {}}"#);
    assert!(matches!(old, Err(PackageError::Version(version)) if version == "1"));
}

#[test]
fn files_that_include_one_another_are_counted_once() {
    let one = |path: &str, text: &str| (path.to_owned(), parse(path, text).unwrap());
    let all = BTreeMap::from([
        one("requirements.txt", "-r requirements/base.txt\n-r ../outside.txt\na==1\n"),
        one(
            "requirements/base.txt",
            "--extra-index-url https://t:secret@extra.example.invalid/simple\n-r ../requirements.txt\nb\n",
        ),
    ]);
    let file = summed(&all["requirements.txt"], &all);
    assert_eq!((file.packages, file.unhashed), (2, 2));
    let [extra] = file.extra_indexes.as_slice() else { panic!("one index") };
    assert_eq!(extra.address, "https://extra.example.invalid/simple");
    assert!(extra.credentials);
    assert_eq!((extra.file.as_str(), extra.line), ("requirements/base.txt", 1));
}

#[test]
fn what_is_no_lock_is_an_error_and_never_a_panic() {
    for (path, text) in [
        ("uv.lock", "= ["),
        ("uv.lock", "package = 3"),
        ("package-lock.json", "{"),
        ("package-lock.json", "[]"),
    ] {
        assert!(parse(path, text).is_err(), "{path} {text}");
    }
    for cut in 0..UV.len() {
        if UV.is_char_boundary(cut) {
            let _ = parse("uv.lock", &UV[..cut]);
            let _ = parse("requirements.txt", &UV[..cut]);
        }
    }
}

#[test]
fn imports_are_held_against_the_locks() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("Cargo.lock"),
        "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n",
    )
    .unwrap();
    fs::write(folder.path().join("uv.lock"), UV.replace("Torch_X", "pillow")).unwrap();
    let mut walk = crate::walker::walk(folder.path(), &crate::walker::Options::default()).unwrap();
    let mut packages = attach(&mut walk, &["uv.lock".to_owned()]);
    packages.count_ages("2026-11-29".parse().unwrap());
    let ages: Vec<_> = packages.nodes.values().map(|facts| facts.age_days).collect();
    assert_eq!(ages[0], Some(8));
    assert_eq!(ages[1], None);
    let locked = Locked::of(&walk.graph, &packages);
    let own = BTreeSet::from(["configuration_x".to_owned()]);
    let modules: Vec<String> =
        ["os", "PIL.Image", "torch.nn", ".configuration_x", "configuration_x", "nobody_knows"]
            .map(str::to_owned)
            .to_vec();
    let (facts, found) =
        imports(&locked, &own, [("m/modeling_x.py", modules.as_slice())].into_iter());
    let names = |list: &[Imported]| -> Vec<String> {
        list.iter().map(|one| one.distribution.clone()).collect()
    };
    assert_eq!(names(&facts.unlocked), ["torch"]);
    assert_eq!(names(&facts.untold), ["nobody-knows"]);
    let days = |days: &[(&str, i64)]| {
        days.iter().map(|(name, days)| ((*name).to_owned(), *days)).collect::<BTreeMap<_, _>>()
    };
    let first = found.first().map_or("", |one| one.distribution.as_str()).to_owned();
    assert!(!first.is_empty(), "something that is locked is imported");
    let told = younger(&found[..1], Some(400), &days(&[(first.as_str(), 10)]));
    assert_eq!(told.known().map(Vec::len), Some(1));
    let told = younger(&found[..1], Some(400), &days(&[(first.as_str(), 4_000)]));
    assert_eq!(told, Measured::Known(Vec::new()), "the package was there before");
    assert!(younger(&found[..1], None, &days(&[])).known().is_none());
    assert!(younger(&found[..1], Some(400), &days(&[])).known().is_none());
}

#[test]
fn a_package_is_one_node_however_many_files_name_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("Cargo.lock"),
        "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n",
    )
    .unwrap();
    fs::write(folder.path().join("uv.lock"), UV).unwrap();
    fs::write(folder.path().join("requirements.txt"), "torch.x==2.0\n").unwrap();
    let mut walk = crate::walker::walk(folder.path(), &crate::walker::Options::default()).unwrap();
    let packages = attach(&mut walk, &["requirements.txt".to_owned(), "uv.lock".to_owned()]);
    assert_eq!(packages.nodes.len(), 3);
    let (node, facts) = packages.nodes.first_key_value().unwrap();
    assert_eq!(facts.files, ["requirements.txt", "uv.lock"]);
    assert!(!facts.hashed, "one of the files leaves it open");
    assert_eq!(facts.uploaded.as_deref(), Some("2026-11-21"));
    let purl = walk.graph.nodes[*node].subject.purl();
    assert_eq!(purl.as_deref(), Some("pkg:pypi/torch-x@2.0"));
}

#[test]
fn needs_lead_to_the_nearest_folder_and_every_circle_is_reached() {
    let entry = |name: &str, folder: &str, requires: &[&str]| {
        let mut one = parse("requirements.txt", &format!("{name}==1\n")).unwrap().entries.remove(0);
        one.folder = folder.to_owned();
        one.requires = requires.iter().map(|need| (*need).to_owned()).collect();
        one
    };
    let npm = [
        entry("a", "node_modules/a", &["b", "c"]),
        entry("b", "node_modules/b", &[]),
        entry("b", "node_modules/a/node_modules/b", &["c"]),
        entry("c", "node_modules/c", &["missing", "c"]),
    ];
    let found = edges::of(&npm);
    assert_eq!(found.pairs, [(0, 2), (0, 3), (2, 3)]);
    assert_eq!(found.first, [0, 1]);
    let circle = [entry("x", "", &["y"]), entry("y", "", &["x"]), entry("z", "", &["z"])];
    let found = edges::of(&circle);
    assert_eq!(found.pairs, [(0, 1), (1, 0)]);
    assert_eq!(found.first, [2, 0], "one of each circle is where it is entered");
}

fn extra_of(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut graph = Graph::default();
    let mut undetermined = Vec::new();
    let into = Into {
        root: folder.path(),
        graph: &mut graph,
        undetermined: &mut undetermined,
        manifests: &BTreeMap::new(),
    };
    let found = attach_to(into, &files_below(folder.path()));
    let indexes = found.files.files.iter().flat_map(|file| &file.extra_indexes);
    let mut indexes: Vec<String> = indexes.map(|index| index.address.clone()).collect();
    indexes.dedup();
    (indexes, undetermined.into_iter().filter_map(|one| one.file).collect())
}

#[test]
fn an_extra_index_is_seen_in_every_spelling_that_pip_takes() {
    for text in [
        "--extra-index-url http://x.invalid/s\n",
        "--extra-index-url=http://x.invalid/s\n",
        "--extra-index http://x.invalid/s\n",
        "--ext 'http://x.invalid/s'\n",
        "--extra-\\\nindex-url http://x.invalid/s\n",
        "\u{feff}--extra-index-url http://x.invalid/s\n",
        "numpy==1.26.0\r--extra-index-url http://x.invalid/s\r",
        "--no-index --extra-index-url http://x.invalid/s # more\n",
    ] {
        let (indexes, _) = extra_of(&[("requirements.txt", text)]);
        assert_eq!(indexes, ["http://x.invalid/s"], "{text:?}");
    }
    for text in ["# --extra-index-url http://x.invalid\n", "--e http://x.invalid/s\n", "numpy==1\n"]
    {
        assert!(extra_of(&[("requirements.txt", text)]).0.is_empty(), "{text:?}");
    }
    let conf = "[global]\nextra-index-url =\n    http://x.invalid/s\ntimeout = 3\n";
    assert_eq!(extra_of(&[("pip.conf", conf)]).0, ["http://x.invalid/s"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pip.conf"), conf).unwrap();
    fs::write(folder.path().join("requirements.txt"), "numpy==1.26.0\n").unwrap();
    let tree = Tree::open(folder.path()).unwrap();
    let paths = ["pip.conf".to_owned(), "requirements.txt".to_owned()];
    let all = read_all(&tree, &paths, &mut Vec::new());
    let told = summed(&all["requirements.txt"], &all);
    assert_eq!((told.unhashed, told.extra_indexes.len()), (1, 1));
    let constraints = "--extra-index-url http://x.invalid/s\n";
    assert_eq!(extra_of(&[("constraints.txt", constraints)]).0, ["http://x.invalid/s"]);
}

#[test]
fn what_a_list_includes_is_read_whatever_it_is_called_and_what_is_not_read_is_named() {
    let (indexes, _) = extra_of(&[
        ("requirements.txt", "-r a.in\n"),
        ("a.in", "-r requirements.txt\n--extra-index-url http://x.invalid/s\n"),
    ]);
    assert_eq!(indexes, ["http://x.invalid/s"]);
    for text in ["-r http://x.invalid/r.txt\n", "-r ../../etc/passwd\n", "-r /etc/passwd\n"] {
        assert_eq!(extra_of(&[("requirements.txt", text)]).1, ["requirements.txt"], "{text}");
    }
    assert_eq!(extra_of(&[("requirements.txt", "-r gone.txt\n")]).1, ["gone.txt"]);
    for (name, text) in [
        ("uv.lock", ""),
        ("poetry.lock", ""),
        ("uv.lock", "version = 99\n"),
        ("pylock.toml", "lock-version = \"9.0\"\npackages = []\n"),
        ("package-lock.json", "null"),
        ("package-lock.json", "{\"lockfileVersion\": 99, \"packages\": {}}"),
        ("yarn.lock", "# yarn lockfile v1\n"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
    ] {
        assert_eq!(extra_of(&[(name, text)]).1, [name], "{name}");
    }
    for (name, text) in [
        ("requirements.txt", ""),
        ("uv.lock", "version = 1\nrequires-python = \">=3.9\"\n"),
        ("poetry.lock", "package = []\n\n[metadata]\nlock-version = \"2.1\"\n"),
        ("package-lock.json", "{\"lockfileVersion\": 3, \"packages\": {}}"),
    ] {
        assert!(extra_of(&[(name, text)]).1.is_empty(), "{name}");
    }
}

#[test]
fn prose_in_a_file_of_that_name_is_no_package() {
    let prose = "The product shall:\n1. be fast\n2. be small\n";
    assert!(lines::read("requirements.txt", prose).unwrap().entries.is_empty());
    let real = "numpy == 1.26\nrequests [socks] >= 2 ; python_version < '3.9'\nzope.interface\n";
    assert_eq!(lines::read("requirements.txt", real).unwrap().entries.len(), 3);
}
