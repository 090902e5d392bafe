//! Changes that somebody makes to an archive between the repository and the registry.

use crate::sample::Files;

/// Manifest of the workspace.
pub const ROOT: &str = "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n\
    [workspace.package]\nversion = \"1.2.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
    repository = \"https://host.example/owner/sample\"\n";

/// Files of a member.
pub fn member(name: &str) -> Vec<(&'static str, String)> {
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\n\
         license.workspace = true\nrepository.workspace = true\ndescription = \"d\"\n\
         readme = \"../../README.md\"\n\n[features]\ndefault = [\"std\"]\nstd = []\n"
    );
    vec![
        ("Cargo.toml", manifest),
        ("src/lib.rs", "pub fn a() {}\n".to_owned()),
        ("src/b.rs", "pub fn b() {}\n".to_owned()),
        ("src/other.rs", "pub fn other() {}\n".to_owned()),
        ("tests/a.rs", "#[test]\nfn a() {}\n".to_owned()),
        ("tests/data.bin", "\u{1}\u{2}\u{3}\u{4}".to_owned()),
    ]
}

/// One change.
pub struct Graft {
    what: &'static str,
    /// How the line that notices it begins.
    pub expected: &'static str,
    change: fn(&mut Files, &str),
}

impl Graft {
    /// The crate that it is made to.
    pub fn name(&self) -> String {
        format!("graft-{}", self.what)
    }

    /// Makes the change; `older` is an older commit of the repository.
    pub fn apply(&self, files: &mut Files, older: &str) {
        let before = files.clone();
        (self.change)(files, older);
        assert_ne!(before, *files, "{} changes something", self.what);
    }
}

const CODE: &str = "high archive-not-in-repository";
const OPAQUE: &str = "medium opaque-file-not-in-repository";
const OTHER: &str = "low file-not-in-repository";

fn put(files: &mut Files, path: &str, bytes: impl AsRef<[u8]>) {
    files.insert(path.to_owned(), bytes.as_ref().to_vec());
}

fn append(files: &mut Files, path: &str, text: &str) {
    files.get_mut(path).expect("is there").extend_from_slice(text.as_bytes());
}

fn replace(files: &mut Files, path: &str, from: &str, to: &str) {
    let text = String::from_utf8(files[path].clone()).expect("UTF-8");
    assert!(text.contains(from), "{path} holds {from:?}: {text}");
    put(files, path, text.replacen(from, to, 1));
}

const DEPENDENCY: &str = "\n[dependencies.evil]\nversion = \"1\"\n";
const RECORD: &str = ".cargo_vcs_info.json";

/// All of them: those of the first study, then further ones.
pub fn all() -> Vec<Graft> {
    let mut all = studied();
    all.extend(further());
    all
}

fn studied() -> Vec<Graft> {
    let graft = |what, expected, change| Graft { what, expected, change };
    vec![
        graft("line", CODE, |f, _| append(f, "src/lib.rs", "pub fn c() {}\n")),
        graft("source", CODE, |f, _| put(f, "src/new.rs", "pub fn n() {}\n")),
        graft("swapped", CODE, |f, _| {
            let (one, two) = (f["src/b.rs"].clone(), f["src/other.rs"].clone());
            put(f, "src/b.rs", two);
            put(f, "src/other.rs", one);
        }),
        graft("build-script", CODE, |f, _| put(f, "build.rs", "fn main() {}\n")),
        graft("dependency", CODE, |f, _| append(f, "Cargo.toml", DEPENDENCY)),
        graft("dependency-in-both", CODE, |f, _| {
            append(f, "Cargo.toml", DEPENDENCY);
            append(f, "Cargo.toml.orig", DEPENDENCY);
        }),
        graft("opaque", OPAQUE, |f, _| put(f, "tests/bad-3.bin", [1_u8, 0, 2, 255, 254, 7])),
        graft("macro", CODE, |f, _| put(f, "m4/build-to-host.m4", "AC_DEFUN([x], [])\n")),
        graft("bare-cr", CODE, |f, _| put(f, "src/lib.rs", "pub fn a() {}\r\nmod\r b;\n")),
        graft("line-separator", CODE, |f, _| {
            put(f, "src/lib.rs", "pub fn a() {}\n// \u{2028}\nmod b;\n");
        }),
        graft("older-commit", CODE, |f, older| {
            let text = format!("{{\"git\":{{\"sha1\":\"{older}\"}},\"path_in_vcs\":\"\"}}");
            put(f, RECORD, text);
        }),
        graft("invented-commit", "undetermined: ", |f, _| {
            put(f, RECORD, format!("{{\"git\":{{\"sha1\":\"{}\"}}}}", "ab".repeat(20)));
        }),
        graft("no-record", "undetermined: ", |f, _| {
            f.remove(RECORD);
        }),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table, one row after another")]
fn further() -> Vec<Graft> {
    let graft = |what, expected, change| Graft { what, expected, change };
    vec![
        graft("feature", CODE, |f, _| {
            replace(f, "Cargo.toml", "std = []", "std = []\nextra = []");
        }),
        graft("default-feature", CODE, |f, _| {
            replace(f, "Cargo.toml", "default = [\"std\"]", "default = []");
        }),
        graft("links", CODE, |f, _| {
            replace(f, "Cargo.toml", "[package]", "[package]\nlinks = \"z\"");
        }),
        graft("other-build-script", CODE, |f, _| {
            replace(f, "Cargo.toml", "build = false", "build = \"src/other.rs\"");
        }),
        graft("other-library", CODE, |f, _| {
            replace(f, "Cargo.toml", "path = \"src/lib.rs\"", "path = \"src/other.rs\"");
        }),
        graft("macro-crate", CODE, |f, _| {
            replace(f, "Cargo.toml", "[lib]", "[lib]\nproc-macro = true");
        }),
        graft("dependency-of-a-target", CODE, |f, _| {
            let text = "\n[target.'cfg(unix)'.dependencies.evil]\nversion = \"1\"\n";
            append(f, "Cargo.toml", text);
        }),
        graft("build-dependency", CODE, |f, _| {
            append(f, "Cargo.toml", "\n[build-dependencies.evil]\nversion = \"1\"\n");
        }),
        graft("edition", CODE, |f, _| replace(f, "Cargo.toml", "2021", "2018")),
        graft("byte-order-mark", CODE, |f, _| {
            put(f, "src/b.rs", "\u{feff}pub fn b() {}\n");
        }),
        graft("last-line-end", CODE, |f, _| put(f, "src/b.rs", "pub fn b() {}")),
        graft("one-line-end", CODE, |f, _| {
            put(f, "src/lib.rs", "pub fn a() {}\r\nmod b;\n");
        }),
        graft("blank", CODE, |f, _| put(f, "src/b.rs", "pub fn b() {} \n")),
        graft("hidden-in-a-comment", CODE, |f, _| {
            append(f, "src/b.rs", "// \u{202e}\u{2066}\n");
        }),
        graft("object", CODE, |f, _| {
            put(f, "src/native.o", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
        }),
        graft("emptied", CODE, |f, _| put(f, "src/b.rs", "")),
        graft("test", OTHER, |f, _| put(f, "tests/b.rs", "#[test]\nfn b() {}\n")),
        graft("test-data", OPAQUE, |f, _| put(f, "tests/data.bin", [0_u8, 159, 1, 2, 3])),
        graft("read-me", OTHER, |f, _| append(f, "README.md", "install from elsewhere\n")),
        graft("manifest-of-the-author", CODE, |f, _| {
            append(f, "Cargo.toml.orig", "# harmless\n");
        }),
        graft("hidden-behind-many", CODE, |f, _| {
            for number in 0..250 {
                put(f, &format!("a/{number}.md"), "read\n");
            }
            append(f, "src/other.rs", "pub fn more() {}\n");
        }),
        graft("lockfile-of-code", CODE, |f, _| put(f, "Cargo.lock", "fn main() {}\n")),
        graft("record-that-holds-more", CODE, |f, _| {
            replace(f, RECORD, "{", "{\"more\": \"aGk=\",");
        }),
        graft("path-that-leaves", CODE, |f, _| {
            replace(
                f,
                RECORD,
                "crates/graft-path-that-leaves",
                "crates/graft-path-that-leaves/../x/..",
            );
        }),
        graft("notice-of-another-kind", CODE, |f, _| {
            let text = f["tests/a.rs"].clone();
            put(f, "NOTICE.inc", text);
        }),
        graft("library-name", CODE, |f, _| {
            replace(f, "Cargo.toml", "name = \"graft_library_name\"", "name = \"serde\"");
        }),
        graft("library-type", CODE, |f, _| {
            replace(f, "Cargo.toml", "[lib]", "[lib]\ncrate-type = [\"proc-macro\"]");
        }),
        graft("patch", CODE, |f, _| {
            append(f, "Cargo.toml", "\n[patch.x.y]\npath = \"src\"\n");
        }),
        graft("feature-called-like-a-helper", CODE, |f, _| {
            replace(f, "Cargo.toml", "default = [\"std\"]", "default = [\"std\", \"evil\"]");
            append(f, "Cargo.toml", "\n[dev-dependencies.evil]\npath = \"x\"\n");
        }),
        graft("other-repository", CODE, |f, _| {
            replace(f, "Cargo.toml", "owner/sample", "owner/sample/tree/main");
        }),
        graft("target-twice", CODE, |f, _| {
            let text = "\n[target.'cfg( unix)'.build-dependencies.evil]\nversion = \"1\"\n";
            append(f, "Cargo.toml", text);
        }),
        graft("nested-name", CODE, |f, _| put(f, "src/README.md.rs", "licence\n")),
        graft("other-folder", CODE, |f, _| {
            let text = String::from_utf8(f[RECORD].clone()).expect("UTF-8");
            put(f, RECORD, text.replace("crates/graft-other-folder", "crates/untouched-one"));
        }),
    ]
}
