//! `check` and `inspect` on model files, folders, and projects that hold some: exit codes, places, limits,
//! and whatever a folder can hold that is no plain file.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Calls `posix.system('echo')`; nobody loads it.
const EVIL: &[u8] = b"\x80\x02cposix\nsystem\nX\x04\0\0\0echo\x85R.";
const SAFE: &[u8] = b"\x02\0\0\0\0\0\0\0{}";
const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n";

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let place = folder.path().join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
    }
    folder
}

/// Runs the program without a network; its exit code, and what it wrote.
fn run(arguments: &[&str], path: &Path) -> (i32, String, String) {
    run_by(&mut Command::new(env!("CARGO_BIN_EXE_cargo-custody")), arguments, path)
}

fn run_by(command: &mut Command, arguments: &[&str], path: &Path) -> (i32, String, String) {
    let cache = tempfile::tempdir().unwrap();
    let output = command
        .args(arguments)
        .arg(path)
        .args(["--offline", "--as-of", "2026-11-23", "--api-budget", "0s", "-q", "--cache-dir"])
        .arg(cache.path())
        .env_remove("CARGO_CUSTODY_DUMP")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn report(path: &Path) -> (i32, Value) {
    parsed(run(&["check", "--format", "json"], path))
}

fn parsed((code, out, error): (i32, String, String)) -> (i32, Value) {
    (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{error}")))
}

fn fired(report: &Value) -> Vec<(&str, &str)> {
    let findings = report["findings"].as_array().into_iter().flatten();
    findings
        .map(|one| (one["rule"].as_str().unwrap(), one["location"]["file"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_model_file_is_audited_for_itself() {
    let models = folder(&[("evil.bin", EVIL), ("safe.weights", SAFE)]);
    let (code, report) = report(&models.path().join("evil.bin"));
    assert_eq!((code, fired(&report)), (1, vec![("pickle-calls-denied-name", "evil.bin")]));
    let finding = &report["findings"][0];
    assert_eq!(finding["location"]["offset"], 2);
    assert_eq!(finding["subject"]["kind"], "model");
    let notes = finding["evidence"].to_string();
    assert!(notes.contains("GLOBAL imports posix.system"), "{notes}");
    assert!(notes.contains("REDUCE calls posix.system('echo')"), "{notes}");
    assert_eq!(report["subjects"][0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(self::report(&models.path().join("safe.weights")).0, 0);
}

#[test]
fn a_folder_without_a_lockfile_is_a_model_and_every_file_of_it_is_told() {
    let zeros = vec![0; 1 << 20];
    let model = folder(&[
        ("a-cut.safetensors", b"\x90\x01\0\0\0\0\0\0{\"a\""),
        ("b-empty", b""),
        ("weights/c.pt", EVIL),
        ("z-large.bin", &zeros),
    ]);
    let (code, report) = report(model.path());
    let fired = fired(&report);
    assert_eq!(code, 1);
    assert!(fired.contains(&("pickle-calls-denied-name", "weights/c.pt")), "{fired:?}");
    assert!(fired.contains(&("model-file-damaged", "a-cut.safetensors")), "{fired:?}");
}

#[test]
fn a_folder_of_something_else_is_nothing_to_audit() {
    let (code, _, error) = run(&["check"], folder(&[("notes.txt", b"hello")]).path());
    assert_eq!(code, 2);
    assert!(error.contains("no Cargo.lock found"), "{error}");
}

#[test]
fn what_could_not_be_looked_at_never_passes_as_clean() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
    let model = folder(&[("model.safetensors", SAFE), ("other.bin", pointer)]);
    let (code, report) = report(model.path());
    assert_eq!(code, 3);
    let entry = &report["undetermined"][0];
    assert_eq!((&entry["file"], &entry["required"]), (&"other.bin".into(), &true.into()));
    assert!(entry["reason"].as_str().unwrap().contains("Git LFS pointer"), "{entry}");
}

#[test]
fn bytes_that_nobody_understands_are_not_passed_and_a_page_is_no_model() {
    let folder = folder(&[
        ("noise.pt", &[0x93; 500]),
        ("empty.safetensors", b""),
        ("page.ckpt", b"<html>404</html>"),
        ("paper.pdf", b"%PDF-1.7"),
        ("README.md", b"# A model"),
        ("main.rs", b"fn main() {}"),
    ]);
    for (name, wanted) in [
        ("noise.pt", 3),
        ("empty.safetensors", 3),
        ("page.ckpt", 3),
        ("paper.pdf", 2),
        ("README.md", 2),
        ("main.rs", 2),
    ] {
        let (code, out, error) = run(&["check"], &folder.path().join(name));
        assert_eq!(code, wanted, "{name}: {out}{error}");
    }
}

#[test]
fn a_policy_that_lies_in_a_model_folder_is_not_ours() {
    let policy = b"[rules]\ndisable = [\"pickle-calls-denied-name\"]\n";
    let model = folder(&[("m.pkl", EVIL), ("custody.toml", policy)]);
    assert_eq!(report(model.path()).0, 1);
}

#[test]
fn models_in_a_project_are_audited_with_it() {
    let project = folder(&[
        ("Cargo.lock", LOCK.as_bytes()),
        ("Cargo.toml", b"[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("src/main.rs", b"fn main() {}\n"),
        ("models/bert/config.json", b"{\"model_type\": \"bert\"}"),
        ("models/bert/pytorch_model.bin", EVIL),
        ("models/bert/sub/more.pt", EVIL),
        ("tests/data/single.npz", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ]);
    let (code, report) = report(project.path());
    assert_eq!(code, 1);
    let fired = fired(&report);
    assert!(
        fired.contains(&("pickle-calls-denied-name", "models/bert/pytorch_model.bin")),
        "{fired:?}"
    );
    let names: Vec<&str> = report["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    // What lies in a model's folder is part of it, and no second subject.
    assert!(
        names.contains(&"models/bert") && !names.contains(&"models/bert/sub/more.pt"),
        "{names:?}"
    );
    let path = report["findings"][0]["path"].to_string();
    assert!(path.contains("\"app\"") && path.contains("models/bert"), "{path}");
}

/// A project with these files beside its own.
fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let own: [(&str, &[u8]); 3] = [
        ("Cargo.lock", LOCK.as_bytes()),
        ("Cargo.toml", b"[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("src/main.rs", b"fn main() {}\n"),
    ];
    folder(&own.iter().chain(files).copied().collect::<Vec<_>>())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn a_project_is_searched_by_content_places_and_configuration_and_not_by_endings_only() {
    const TEMPLATE: &[u8] = br#"{"chat_template": "{{ cycler.__init__.__globals__ }}"}"#;
    let packed = gzip(&gzip(EVIL));
    for (name, bytes) in [
        ("models/m.pkl.gz", packed.as_slice()),
        ("models/m.params", EVIL),
        ("models/m.pkl.bak", EVIL),
        ("vendor/x/m.pkl", EVIL),
        ("m.npy", EVIL),
        ("models/tokenizer_config.json", TEMPLATE),
        ("models/processor_config.json", TEMPLATE),
        ("models/chat_template.jinja", b"{{ cycler.__init__.__globals__ }}"),
        ("models/additional_chat_templates/a.jinja", b"{{ cycler.__init__.__globals__ }}"),
        ("tokenizer_config.json", TEMPLATE),
    ] {
        let project = project(&[(name, bytes)]);
        let (code, report) = report(project.path());
        assert_eq!(code, 1, "{name}: {report}");
    }
    for (name, bytes) in [
        ("models/pytorch_model.bin", &b"\x11\x22\x33"[..]),
        ("models/pytorch_model.bin", b"<!DOCTYPE html><html></html>"),
        ("models/m.pkl", b"\x11\x22\x33"),
    ] {
        let project = project(&[(name, bytes)]);
        let (code, report) = report(project.path());
        assert_eq!(code, 3, "{name}: {report}");
    }
}

#[test]
fn an_ordinary_project_with_files_that_are_called_alike_is_quiet() {
    let logs = gzip(b"a line of a log\n");
    let project = project(&[
        ("logs.txt.gz", logs.as_slice()),
        ("locales/messages.pt", "ola = Olá\n".as_bytes()),
        ("docs/guia.pt", b"# Guia\n"),
        ("assets/a.mar", &[0x91; 100]),
        ("firmware/blob.bin", &[0x91; 500]),
        ("config.json", b"{\"port\": 8080, \"auto_map\": false}"),
        ("modules.json", b"[{\"name\": \"auth\", \"type\": \"module\"}]"),
        ("handler.py", b"def handler(event, context):\n    return 1\n"),
        ("templates/nav.jinja", b"{{ request.__class__ }}"),
    ]);
    let (code, report) = report(project.path());
    assert_eq!((code, fired(&report)), (0, Vec::new()), "{report}");
    let subjects = report["subjects"].as_array().unwrap();
    assert!(subjects.iter().all(|one| one["kind"] != "model"), "{subjects:?}");
}

#[test]
fn what_lies_among_packages_of_others_is_named_and_said_once_a_folder() {
    let project = project(&[
        (".venv/lib/a.pkl", EVIL),
        (".venv/lib/b.pkl", EVIL),
        ("node_modules/x/m.pt", EVIL),
        ("target/m.joblib", EVIL),
    ]);
    let (_, report) = report(project.path());
    let told = report["undetermined"].as_array().unwrap().iter();
    let told: Vec<&str> = told.filter_map(|entry| entry["file"].as_str()).collect();
    assert_eq!(told, [".venv", "node_modules", "target"], "{report}");
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_hides_nothing_and_a_link_inside_is_followed() {
    use std::os::unix::ffi::OsStrExt as _;
    let project = project(&[("models/other.txt", b"x"), ("target/kept", EVIL)]);
    let name = std::ffi::OsStr::from_bytes(b"m\xff\xfe.pkl");
    fs::write(project.path().join("models").join(name), EVIL).unwrap();
    std::os::unix::fs::symlink("../target/kept", project.path().join("models/link.pkl")).unwrap();
    let (code, report) = report(project.path());
    assert_eq!(code, 1);
    let fired: Vec<&str> = fired(&report).into_iter().map(|(_, file)| file).collect();
    assert!(fired.contains(&"models/m\\xff\\xfe.pkl"), "{fired:?}");
    assert!(fired.contains(&"models/link.pkl"), "{fired:?}");
}

#[test]
fn a_folder_that_is_named_is_looked_at_and_a_text_that_no_loader_opens_is_not() {
    let packed = gzip(EVIL);
    let project = project(&[
        ("models/m.pkl.gz", packed.as_slice()),
        ("passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
    ]);
    assert_eq!(report(&project.path().join("models")).0, 1);
    // A folder of the project's own code leads to its lockfile.
    assert_eq!(run(&["check"], &project.path().join("src")).0, 1);
    assert_eq!(run(&["check"], &project.path().join("passwd")).0, 2);
    fs::rename(project.path().join("passwd"), project.path().join("model.pt")).unwrap();
    assert_eq!(run(&["check"], &project.path().join("model.pt")).0, 3);
}

#[test]
fn a_waiver_of_a_model_is_bound_to_its_bytes() {
    let project = project(&[("m/en.pkl", EVIL)]);
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .args(["waive", "pickle-calls-denied-name", "m/en.pkl", "--reason", "ours"])
        .args(["--offline", "--as-of", "2026-11-23", "--cache-dir"])
        .arg(project.path().join("target/cache"))
        .current_dir(project.path())
        .env("CARGO_CUSTODY_DATA", "off")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let policy = fs::read_to_string(project.path().join("custody.toml")).unwrap();
    assert!(policy.contains("sha256 = "), "{policy}");
    let (_, before) = report(project.path());
    let waived = |report: &Value| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings.filter(|one| !one["waived"].is_null()).count()
    };
    assert_eq!(waived(&before), 1, "{before}");
    fs::write(project.path().join("m/en.pkl"), [EVIL, b"."].concat()).unwrap();
    let (code, after) = report(project.path());
    assert_eq!((code, waived(&after)), (1, 0), "{after}");
}

#[test]
fn inspect_shows_the_trace_and_the_verdict() {
    let model = folder(&[("m.pkl", EVIL)]);
    let (code, out, _) = run(&["inspect"], &model.path().join("m.pkl"));
    assert_eq!(code, 0);
    for part in [
        "critical pickle-calls-denied-name",
        "! 0x000002 GLOBAL           import posix.system",
        "! 0x00001a REDUCE           call posix.system('echo')",
        "sha256",
    ] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    let (_, out, _) = run(&["inspect", "--json"], &model.path().join("m.pkl"));
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["schema"], "custody-model-inspection/1");
    assert_eq!(document["findings"][0]["rule"], "pickle-calls-denied-name");
}

#[cfg(unix)]
#[test]
fn pipes_devices_loops_and_dangling_links_end_by_name() {
    use std::os::unix::fs::symlink;
    let model = folder(&[("z.pkl", EVIL)]);
    let inside = |name: &str| model.path().join(name);
    symlink("/dev/zero", inside("device.bin")).unwrap();
    symlink(model.path(), inside("loop")).unwrap();
    symlink(inside("b"), inside("a")).unwrap();
    symlink(inside("a"), inside("b")).unwrap();
    symlink("/does/not/exist", inside("nowhere.bin")).unwrap();
    let pipe = inside("pipe.pkl");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (code, report) = report(model.path());
    assert_eq!((code, fired(&report)), (1, vec![("pickle-calls-denied-name", "z.pkl")]));
    let entries = report["undetermined"].as_array().unwrap();
    let told: Vec<&str> = entries.iter().filter_map(|entry| entry["file"].as_str()).collect();
    assert_eq!(told, ["a", "b", "device.bin", "loop", "nowhere.bin", "pipe.pkl"]);
    // Named by itself, too: it is refused and not waited for.
    let (code, report) = self::report(&pipe);
    assert_eq!((code, report["undetermined"][0]["reason"].as_str()), (3, Some("no regular file")));
}

/// The program as somebody who has to ask: root may read whatever the mode says, so root becomes nobody.
#[cfg(unix)]
fn as_an_ordinary_user(folder: &Path) -> Command {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65_534;
    let program = Path::new(env!("CARGO_BIN_EXE_cargo-custody"));
    if fs::metadata(folder).unwrap().uid() != 0 {
        return Command::new(program);
    }
    // Where the program was built, nobody may not be allowed to go.
    let near = folder.join("cargo-custody");
    fs::hard_link(program, &near).or_else(|_| fs::copy(program, &near).map(drop)).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(near);
    command.uid(NOBODY).gid(NOBODY).env("HOME", folder);
    command
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_told_and_the_next_file_is_scanned() {
    use std::os::unix::fs::PermissionsExt as _;
    let outer = tempfile::tempdir().unwrap();
    let mut command = as_an_ordinary_user(outer.path());
    let model = outer.path().join("model");
    let closed = model.join("closed");
    fs::create_dir_all(&closed).unwrap();
    for name in ["locked.pkl", "z.pkl", "closed/inside.pkl"] {
        fs::write(model.join(name), EVIL).unwrap();
    }
    let mode = |place: &Path, mode| {
        fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&model.join("locked.pkl"), 0);
    mode(&closed, 0);
    let ran = run_by(&mut command, &["check", "--format", "json", "--no-config"], &model);
    mode(&closed, 0o755);
    let (code, report) = parsed(ran);
    assert_eq!((code, fired(&report)), (1, vec![("pickle-calls-denied-name", "z.pkl")]));
    let told: Vec<(&str, bool)> = report["undetermined"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let reason = entry["reason"].as_str().unwrap();
            (entry["file"].as_str().unwrap(), reason.contains("Permission denied"))
        })
        .collect();
    assert_eq!(told, [("closed", true), ("locked.pkl", true)], "{report:#}");
}

#[test]
fn two_runs_give_the_same_bytes() {
    let model = folder(&[
        ("a.pkl", EVIL),
        ("b.safetensors", SAFE),
        ("c.py", b"import os\nos.system('echo')\n"),
    ]);
    let once = run(&["check", "--format", "json"], model.path());
    assert_eq!(once, run(&["check", "--format", "json"], model.path()));
}

#[test]
fn many_files_cost_no_rule_its_verdict() {
    let names: Vec<String> = (0..1_500).map(|n| format!("f{n}.weights")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), SAFE)).collect();
    let (code, report) = report(folder(&files).path());
    assert_eq!((code, &report["undetermined"]), (0, &Value::Array(Vec::new())));
}

#[test]
fn the_dangerous_file_behind_two_thousand_harmless_ones_is_found() {
    // More than are listed one by one, and the last of them by name.
    let names: Vec<String> = (0..2_100).map(|n| format!("f{n:04}.weights")).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), SAFE)).collect();
    let folder_of_harmless = folder(&files);
    assert_eq!(report(folder_of_harmless.path()).0, 0);
    files.push(("z/zz.bin", EVIL));
    let (code, report) = report(folder(&files).path());
    assert_eq!(code, 1);
    assert!(fired(&report).contains(&("pickle-calls-denied-name", "z/zz.bin")), "{report:#}");
}

/// A model of ONNX with one tensor whose numbers are in a file of its own.
fn onnx(location: &str) -> Vec<u8> {
    let field = |number: u8, content: &[u8]| {
        let mut out = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        out.extend(content);
        out
    };
    let pair = [field(1, b"location"), field(2, location.as_bytes())].concat();
    let tensor =
        [&[0x08, 1, 0x10, 1][..], &field(8, b"w"), &field(13, &pair), &[14 << 3, 1]].concat();
    let graph = [field(2, b"g"), field(5, &tensor)].concat();
    [&[0x08, 8][..], &field(7, &graph), &field(8, &[0x10, 17])].concat()
}

#[test]
fn external_data_below_the_folder_is_innocent_and_what_is_missing_is_named() {
    for location in ["b.bin", "a/../b.bin", "./b.bin"] {
        let model = folder(&[("m.onnx", &onnx(location)), ("b.bin", &[0; 16])]);
        let (code, report) = report(model.path());
        assert_eq!((code, fired(&report)), (0, Vec::new()), "{location}: {report:#}");
        assert_eq!(report["undetermined"], Value::Array(Vec::new()), "{location}");
    }
    let (code, report) = report(folder(&[("m.onnx", &onnx("b.bin"))]).path());
    assert_eq!(code, 3, "{report:#}");
    let reason = report["undetermined"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("b.bin"), "{reason}");
    let (code, report) = self::report(folder(&[("m.onnx", &onnx("../b.bin"))]).path());
    assert!(code != 0 && fired(&report).contains(&("model-path-escapes", "m.onnx")), "{report:#}");
}
