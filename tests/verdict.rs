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
