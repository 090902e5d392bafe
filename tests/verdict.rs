//! What a run may and may not call passed: every case here once ended with exit code 0 and no word. The
//! program is run on small projects, offline unless a test starts a server of its own on 127.0.0.1.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const MANIFEST: &str =
    "[package]\nname = \"app\"\nversion = \"0.1.0\"\n[dependencies]\ncodec = \"1\"\n";

/// A lockfile of the project `app` and one crate of the default registry.
fn lock() -> String {
    format!(
        "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"codec\",\n]\n\n[[package]]\nname = \"codec\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{A}\"\n"
    )
}

struct Place {
    folder: tempfile::TempDir,
}

struct Run {
    code: i32,
    out: String,
    error: String,
}

impl Run {
    fn report(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{} {}", self.out, self.error))
    }
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for (file, text) in files {
            place.write(file, text);
        }
        place
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.at(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn at(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join(file)
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
        command
            .arg("check")
            .args(["--as-of", "2026-11-23", "--cache-dir"])
            .arg(self.at("home/cache"))
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("COLUMNS", "200")
            .env("HOME", self.at("home"))
            .env("CARGO_HOME", self.at("home/cargo"));
        command
    }

    /// `check` of the folder that the program stands in.
    fn check(&self, below: &str, arguments: &[&str]) -> Run {
        let output = self.command(&self.at(below), arguments).arg("--offline").output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A project whose one crate may stay unread.
fn project() -> Place {
    Place::new(&[("p/Cargo.toml", MANIFEST), ("p/Cargo.lock", &lock()), ("p/src/lib.rs", "")])
}

const ACCEPT: [&str; 2] = ["--allow-unread", "codec"];

#[test]
fn a_named_input_that_is_missing_or_unusable_ends_the_run() {
    let place = project();
    fs::create_dir_all(place.at("empty/crates")).unwrap();
    place.write("noise", "no custody data");
    assert_eq!(place.check("p", &ACCEPT).code, 0, "the same without them");
    for (arguments, told) in [
        (["--advisory-db", "../gone"], "it has no folder `crates`"),
        (["--advisory-db", "../empty"], "it holds no advisory"),
        (["--dump", "../gone"], "the custody data that was named cannot be used"),
        (["--dump", "../noise"], "the custody data that was named cannot be used"),
        (["--rules", "../gone"], "cannot read rules from"),
        (["--rules", "../empty"], "holds no rules"),
        (["--config", "../gone"], "reading ../gone"),
        (["--base-lockfile", "../gone"], "the base cannot be read"),
    ] {
        let run = place.check("p", &[&arguments[..], &ACCEPT[..]].concat());
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.error);
        assert!(run.error.contains(told), "{arguments:?}: {}", run.error);
    }
    place.write("p/custody.toml", "dump = \"custody.slim\"\n");
    let run = place.check("p", &ACCEPT);
    assert_eq!(run.code, 2, "a policy names it as well: {}", run.error);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_file_wherever_it_stands_and_nothing_waits_for_it() {
    let place = project();
    let pipe = |name: &str| {
        let _ = fs::remove_file(place.at(name));
        assert!(Command::new("mkfifo").arg(place.at(name)).status().unwrap().success());
    };
    pipe("pipe");
    for arguments in [
        ["--config", "../pipe"],
        ["--dump", "../pipe"],
        ["--base-lockfile", "../pipe"],
        ["--advisory-db", "../pipe"],
        ["--rules", "../pipe"],
    ] {
        let run = place.check("p", &[&arguments[..], &ACCEPT[..]].concat());
        assert_eq!(run.code, 2, "{arguments:?}: {} {}", run.out, run.error);
    }
    for name in ["custody.toml", "custody-baseline.toml", "custody.lock", "Cargo.lock"] {
        let place = project();
        let path = place.at("p").join(name);
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let run = place.check("p", &ACCEPT);
        assert_eq!(run.code, 2, "{name}: {} {}", run.out, run.error);
    }
    fs::remove_file(place.at("p/Cargo.toml")).unwrap();
    pipe("p/Cargo.toml");
    let run = place.check("p", &ACCEPT);
    assert_eq!(run.code, 2, "{} {}", run.out, run.error);
}

#[test]
fn a_lockfile_of_nothing_and_a_folder_without_one_are_nothing_to_audit() {
    let place = Place::new(&[
        ("empty/Cargo.lock", ""),
        ("header/Cargo.lock", "version = 4\n"),
        ("page/web/page.jinja", "{{ x }}"),
        ("page/README.md", "no model"),
    ]);
    fs::write(place.at("page/files.zip"), b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
        .unwrap();
    for folder in ["empty", "header", "page"] {
        let run = place.check(folder, &[]);
        assert_eq!(run.code, 2, "{folder}: {}", run.out);
        assert!(run.error.contains("nothing to audit"), "{}", run.error);
    }
}

#[test]
fn judging_comes_before_cutting_and_what_is_cut_is_counted_in_every_format() {
    let names: Vec<String> = (0..250).map(|number| format!("d{number:03} = \"*\"\n")).collect();
    let place = project();
    place.write("p/Cargo.toml", &format!("{MANIFEST}{}", names.concat()));
    let rule = |id: &str, level: &str, when: &str| {
        place.write(
            &format!("rules/findings/{id}.toml"),
            &format!(
                "title = \"t\"\nlevel = \"{level}\"\napplies-to = [\"project\"]\nwhen = \"{when}\"\nfor-each = \"project.wildcards.filter(w, {when})\"\nmessage = \"{{it.name}}\"\nclear = \"c\"\ndocs = \"d\"\n[[evidence]]\neach = \"[it]\"\nnote = \"{{it.name}}\"\n"
            )
            .replace(&format!("when = \"{when}\""), "when = \"project.wildcards.size() > 0\""),
        );
    };
    rule("one-of-many", "medium", "true");
    let rules = ["--rules", "../rules", "--format", "json"];
    let report = place.check("p", &rules).report();
    let listed = report["findings"].as_array().unwrap().iter();
    assert_eq!(listed.filter(|one| one["rule"] == "one-of-many").count(), 200);
    let cut = &report["findings_left_out"][0];
    assert_eq!((&cut["rule"], &cut["findings"]), (&"one-of-many".into(), &50.into()), "{cut}");
    // All of them are in the baseline; then one more comes, and it is grave.
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .args(["baseline", "--offline", "--as-of", "2026-11-23", "--reason", "old", "--cache-dir"])
        .arg(place.at("home/cache"))
        .args(["--rules", "../rules"])
        .current_dir(place.at("p"))
        .env_clear()
        .env("HOME", place.at("home"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    rule("new-and-grave", "critical", "w.name == 'd249'");
    let formats = ["markdown", "github", "gitlab", "sarif", "html"];
    let files = formats.map(|format| format!("{format}=out.{format}"));
    let mut arguments = rules.to_vec();
    arguments.extend(files.iter().flat_map(|file| ["--format", file.as_str()]));
    let run = place.check("p", &arguments);
    assert_eq!(run.code, 1, "{}", run.error);
    assert_eq!(run.report()["findings"][0]["rule"], "new-and-grave");
    for format in formats {
        let text = fs::read_to_string(place.at(&format!("p/out.{format}"))).unwrap();
        assert!(text.contains("50 more of one"), "{format}: {text}");
    }
}

#[test]
fn a_waived_and_a_baselined_finding_stay_visible_in_every_format() {
    let place = project();
    let rule = |id: &str| {
        place.write(
            &format!("rules/findings/{id}.toml"),
            "title = \"t\"\nlevel = \"medium\"\napplies-to = [\"crate\"]\nwhen = 'lock.source == \"registry\"'\nmessage = \"{subject}\"\nclear = \"c\"\ndocs = \"d\"\n",
        );
    };
    rule("first-rule");
    rule("second-rule");
    place.write("p/custody.toml", "[[waiver]]\nrule = \"first-rule\"\npackage = \"codec\"\nreason = \"because of the moon\"\nexpires = 2027-01-31\n");
    place.write("p/custody-baseline.toml", "recorded = \"2026-11-20\"\nreason = \"because of the sun\"\n\n[[finding]]\nrule = \"second-rule\"\npackage = \"codec\"\nversion = \"1.0.0\"\nlevel = \"medium\"\n");
    for format in ["human", "markdown", "github", "gitlab", "sarif", "html", "json", "cyclonedx"] {
        let arguments = ["--rules", "../rules", "--format", format, ACCEPT[0], ACCEPT[1]];
        let run = place.check("p", &arguments);
        assert_eq!(run.code, 0, "{format} {}", run.error);
        let told = run.out.replace("\\-", "-");
        for word in ["because of the moon", "2027-01-31"] {
            assert!(told.contains(word), "{format} lacks {word}: {told}");
        }
        assert!(told.contains("because of the sun"), "{format}: {told}");
        // What nobody read is told as well, although it is accepted.
        assert!(told.contains("codec"), "{format}");
    }
    let run = place.check("p", &["--rules", "../rules", "--format", "sarif", ACCEPT[0], ACCEPT[1]]);
    let results = run.report()["runs"][0]["results"].clone();
    let of = |rule: &str| {
        let mut all = results.as_array().unwrap().iter();
        all.find(|one| one["ruleId"] == rule).unwrap().clone()
    };
    assert_eq!(of("first-rule")["suppressions"][0]["status"], "accepted", "{results:#}");
    assert_eq!(of("second-rule")["baselineState"], "unchanged");
}

#[test]
fn a_root_without_a_lockfile_audits_every_one_below_it_in_one_report() {
    let place = Place::new(&[
        ("r/src-tauri/Cargo.toml", MANIFEST),
        ("r/src-tauri/Cargo.lock", &lock()),
        ("r/tools/one/Cargo.lock", &lock().replace("codec", "other")),
        ("r/web/chat_template.jinja", "{{ x }}"),
        ("r/target/x/Cargo.lock", "not a lockfile"),
    ]);
    let run = place.check("r", &["--format", "json"]);
    assert_eq!(run.code, 3, "{}", run.error);
    let report = run.report();
    let of = |section: usize| report["sections"][section]["lockfile"].clone();
    assert_eq!(
        (of(0), of(1), of(2)),
        ("src-tauri/Cargo.lock".into(), "tools/one/Cargo.lock".into(), Value::Null)
    );
    let names: Vec<&str> = report["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .filter(|name| ["codec", "other"].contains(name))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let told = place.check("r", &[]).out;
    assert!(
        told.contains("src-tauri/Cargo.lock: 2 crates") && told.contains("tools/one"),
        "{told}"
    );
    let both = ["--allow-unread", "codec", "--allow-unread", "other"];
    assert_eq!(place.check("r", &both).code, 0);
    // One that cannot be read ends the run as a whole.
    place.write("r/tools/two/Cargo.lock", "<<<<<<< ours\n");
    assert_eq!(place.check("r", &both).code, 2);
}

#[test]
fn the_policy_of_a_member_counts_wherever_it_stands_and_else_that_of_the_root() {
    let slip = "[package.metadata.custody]\nfail-onn = \"low\"\n";
    let place = Place::new(&[
        ("r/custody.toml", "fail-on = \"low\"\n"),
        ("r/one/Cargo.toml", &format!("{MANIFEST}{slip}")),
        ("r/one/Cargo.lock", &lock()),
    ]);
    let run = place.check("r", &[]);
    assert_eq!(run.code, 2, "the member's own policy is read: {}", run.error);
    assert!(run.error.contains("fail-onn"), "{}", run.error);
    place.write("r/one/Cargo.toml", MANIFEST);
    assert_eq!(place.check("r", &ACCEPT).code, 0, "the root's is");
    place.write("r/custody.toml", "fail-onn = \"low\"\n");
    assert_eq!(place.check("r", &ACCEPT).code, 2, "and what is wrong with it is told");
}

#[test]
fn lockfiles_below_an_audited_one_are_named_and_taken_in_when_asked() {
    let place = project();
    place.write("p/fuzz/Cargo.lock", &lock().replace("codec", "other"));
    let run = place.check("p", &["--format", "json", ACCEPT[0], ACCEPT[1]]);
    assert_eq!(run.code, 0, "{}", run.error);
    let told = run.report()["undetermined"].to_string();
    assert!(told.contains("fuzz/Cargo.lock") && told.contains("--recursive"), "{told}");
    let run = place.check("p", &["--recursive", "--format", "json", ACCEPT[0], ACCEPT[1]]);
    assert_eq!(run.code, 3, "{}", run.error);
    assert_eq!(run.report()["sections"].as_array().unwrap().len(), 2);
}

#[test]
fn the_lockfile_is_found_from_any_folder_of_the_package() {
    let place = project();
    place.write("p/src/deep/x.rs", "");
    for folder in ["p/src", "p/src/deep"] {
        let run = place.check(folder, &["--format", "json", ACCEPT[0], ACCEPT[1]]);
        assert_eq!(run.code, 0, "{}", run.error);
        let subjects = run.report()["subjects"].as_array().unwrap().len();
        assert_eq!(subjects, 2, "{folder}");
    }
}

#[test]
fn what_no_archive_tells_is_open_in_every_group_that_an_archive_tells() {
    let report = project().check("p", &["--format", "json", ACCEPT[0], ACCEPT[1]]).report();
    let all = report["undetermined"].as_array().unwrap().iter();
    let open: Vec<&str> = all
        .filter(|one| one["subject"]["name"] == "codec")
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    for group in ["archive", "build", "concealment", "library", "native", "secrets"] {
        assert!(open.contains(&group), "{group}: {open:?}");
        assert_eq!(report["coverage"][group], serde_json::json!({"known": 1, "of": 2}), "{group}");
    }
}
