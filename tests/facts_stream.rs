//! The contract of `facts --stdin`: one line out for each line in, in order, whatever stands in it.

#[path = "replicas/shelf.rs"]
mod shelf;

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use cargo_custody::domain::hash::hex;
use custody_bytes::gzip_tar::pack::{Packed, pack};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shelf::{Release, Shelf};

/// The stream, ready to be started.
fn worker(home: &Path, cache: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
    command
        .args(["facts", "--stdin", "--offline", "--as-of", "2026-11-23"])
        .args(more)
        .env("CARGO_HOME", home)
        .env("CARGO_CUSTODY_CACHE_DIR", cache)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Runs the stream over `input` with nothing on this machine; the answers, one a line.
fn stream(input: &[u8], jobs: &str) -> Vec<Value> {
    let home = tempfile::tempdir().expect("a folder");
    let (cargo, cache) = (home.path().join("cargo"), home.path().join("cache"));
    answers(&mut worker(&cargo, &cache, &["--jobs", jobs]), input)
}

/// The answers of a worker to `input`, one a line, each valid by the published schema.
fn answers(worker: &mut Command, input: &[u8]) -> Vec<Value> {
    let mut child = worker.spawn().expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input).expect("all is read"));
    let output = child.wait_with_output().expect("ends");
    feeder.join().expect("fed");
    assert!(output.status.success(), "{:?}", output.status);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let schema: Value =
        serde_json::from_str(include_str!("../schema/custody-facts-1.json")).expect("JSON");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("file:///facts.json", schema).expect("is added");
    let index = compiler.compile("file:///facts.json", &mut schemas).expect("is a schema");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for line in &lines {
        assert!(schemas.validate(line, index).is_ok(), "{line}");
    }
    lines
}

fn kinds(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["error"]["kind"].as_str().unwrap_or("none")).collect()
}

#[test]
fn every_line_has_one_answer_in_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("m.pkl");
    std::fs::write(&model, b"\x80\x04N.").expect("is written");
    let junk = folder.path().join("x-1.0.0.crate");
    std::fs::write(&junk, b"no gzip").expect("is written");
    let archive =
        |hash: String| json!({"id": "a", "crate": "x@1.0.0", "archive": junk, "sha256": hash});
    let right = hex(&Sha256::digest(b"no gzip"));
    let mut input = format!(
        "rubbish\n\n{}\r\n{}\n{}\nnobody@1.0.0\nnobody@1.0.0\n{{\"id\":\"q\"}}\n",
        json!({"id": "m", "model": model}),
        archive("00".repeat(32)),
        archive(right),
    )
    .into_bytes();
    input.extend(vec![b'x'; (1 << 20) + 1]);
    input.extend(b"\n\xff\xfe@1\n");
    input.extend(json!({"id": "last", "model": model}).to_string().bytes());
    let lines = stream(&input, "3");
    assert_eq!(
        kinds(&lines),
        [
            "bad-line",
            "bad-line",
            "none",
            "hash-mismatch",
            "archive",
            "unavailable",
            "unavailable",
            "bad-line",
            "line-too-long",
            "bad-line",
            "none",
        ]
    );
    assert_eq!((&lines[2]["id"], &lines[10]["id"]), (&json!("m"), &json!("last")));
    assert!(lines[2]["facts"]["model"].is_object(), "{}", lines[2]);
    assert_eq!(lines[5]["id"], "nobody@1.0.0");
}

#[test]
fn a_bad_line_keeps_its_id_and_a_mark_before_the_first_is_none_of_it() {
    let input = "\u{feff}nobody@1.0.0\n{\"id\":\"i\",\"crate\":\"x@1.0.0\",\"extra\":1}\n{\"id\":7}\n\
                 {\"id\":null,\"x\":1}\n{\"id\":\"cut\n";
    let lines = stream(input.as_bytes(), "2");
    let ids: Vec<&Value> = lines.iter().map(|line| &line["id"]).collect();
    let null = Value::Null;
    assert_eq!(ids, [&json!("nobody@1.0.0"), &json!("i"), &json!("7"), &null, &null]);
    assert_eq!(kinds(&lines), ["unavailable", "bad-line", "bad-line", "bad-line", "bad-line"]);
}

#[test]
fn what_acts_on_a_terminal_is_an_escape_in_the_answer() {
    let input = format!("{}\n", json!({"id": "a\u{202e}b\u{2028}c", "model": "/gone"}));
    let home = tempfile::tempdir().expect("a folder");
    let mut worker = worker(home.path(), &home.path().join("cache"), &[]);
    let mut child = worker.spawn().expect("starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("is read");
    let told = String::from_utf8(child.wait_with_output().expect("ends").stdout).expect("UTF-8");
    assert!(told.contains(r"a\u202eb\u2028c"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_is_no_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("runs").success());
    let input =
        format!("{}\n{}\n", json!({"id": "p", "model": pipe}), json!({"model": "/dev/zero"}));
    assert_eq!(kinds(&stream(input.as_bytes(), "1")), ["model", "model"]);
}

#[test]
fn the_order_holds_with_many_threads() {
    let input: Vec<u8> =
        (0..200).flat_map(|n| format!("{{\"id\":\"{n}\"}}\n").into_bytes()).collect();
    let ids: Vec<Value> = stream(&input, "8").iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, (0..200).map(|n| json!(n.to_string())).collect::<Vec<_>>());
}

fn library(text: &[u8]) -> Packed {
    ("src/lib.rs".to_owned(), text.to_vec())
}

#[test]
fn a_crate_and_its_archive_say_the_same_and_a_second_time_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut shelf = Shelf::new(folder.path());
    let files = vec![library(b"pub fn one() -> u8 { 1 }")];
    shelf.add(
        "plain",
        &[Release { version: "1.0.0", published: "2025-01-01T00:00:00Z", files }],
        &[],
    );
    let (_, home) = shelf.close();
    let archive = home
        .join("registry/cache/registry.example.invalid-0123456789abcdef")
        .join("plain-1.0.0.crate");
    let sha256 = hex(&Sha256::digest(std::fs::read(&archive).expect("is read")));
    let by_path = json!({"id": "p", "crate": "plain@1.0.0", "archive": archive, "sha256": sha256});
    let input = format!("plain@1.0.0\r\n{by_path}\nplain@1.0.0\nplain@2.0.0\n");
    let cache = folder.path().join("cache");
    let cold = answers(&mut worker(&home, &cache, &["--jobs", "2"]), input.as_bytes());
    assert_eq!(kinds(&cold), ["none", "none", "none", "unavailable"]);
    assert_eq!(cold[0], cold[2]);
    assert_eq!(cold[0]["subject"], cold[1]["subject"]);
    assert!(cold[1]["facts"]["build"].is_object(), "{}", cold[1]);
    for group in ["archive", "secrets", "library", "native", "concealment"] {
        assert!(cold[0]["facts"][group].is_object(), "{group}: {}", cold[0]);
        assert_eq!(cold[0]["facts"][group], cold[1]["facts"][group], "{group}");
    }
    let warm = answers(&mut worker(&home, &cache, &["--jobs", "1"]), input.as_bytes());
    assert_eq!(cold, warm);
}

#[test]
fn a_bomb_and_a_large_archive_cost_their_own_lines_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(format!("{name}.crate"));
        std::fs::write(&path, bytes).expect("is written");
        let sha256 = hex(&Sha256::digest(bytes));
        let of = format!("{name}@1.0.0");
        json!({"id": name, "crate": of, "archive": path, "sha256": sha256}).to_string() + "\n"
    };
    let mut tar = Vec::new();
    let stored = pack("bomb-1.0.0", &[library(&vec![7; 65 << 20])]).expect("packs");
    flate2::read::GzDecoder::new(&stored[..]).read_to_end(&mut tar).expect("is read");
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&tar).expect("in memory");
    let bomb = bomb.finish().expect("in memory");
    let plain = pack("plain-1.0.0", &[library(b"")]).expect("packs");
    let input =
        [line("bomb", &bomb), line("large", &vec![7; (1 << 20) + 1]), line("plain", &plain)];
    let home = folder.path().join("cargo");
    let mut worker = worker(&home, &folder.path().join("cache"), &["--item-mib", "1"]);
    let lines = answers(&mut worker, input.concat().as_bytes());
    assert_eq!(kinds(&lines), ["archive", "too-large", "none"]);
    assert!(
        lines[0]["error"]["message"].as_str().is_some_and(|m| m.contains("over the limit")),
        "{lines:?}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("cache");
    let mut child = worker(&folder.path().join("cargo"), &cache, &[])
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    drop(child.stdout.take());
    let feeder = std::thread::spawn(move || {
        // More than any pipe holds; it breaks when the worker has ended.
        let _ = stdin.write_all(&b"rubbish\n".repeat(1 << 20));
    });
    let mut told = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut told).expect("is read");
    assert!(child.wait().expect("ends").success());
    feeder.join().expect("fed");
    assert_eq!(told, "");
}

#[test]
fn facts_that_are_there_are_judged_without_an_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut shelf = Shelf::new(folder.path());
    let files = vec![library(b"pub fn one() -> u8 { 1 }")];
    let release = Release { version: "1.0.0", published: "2025-01-01T00:00:00Z", files };
    shelf.add("plain", &[release], &[]);
    let (_, home) = shelf.close();
    let input = b"plain@1.0.0\nrubbish\nplain@1.0.0\n";
    let lines = answers(&mut worker(&home, &folder.path().join("cache"), &[]), input);
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = lines.join("\n") + "\n";
    let facts = folder.path().join("facts.jsonl");
    std::fs::write(&facts, &text).expect("is written");
    std::fs::remove_dir_all(home).expect("is removed");
    let measure = || {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
        tool.args(["rules", "--measure", "--as-of", "2026-11-23", "--from"]).arg(&facts);
        tool.output().expect("runs")
    };
    let output = measure();
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    let table: toml::Table = told.parse().expect("TOML");
    assert_eq!(table["date"].as_str(), Some("2026-11-23"));
    let source = table["source"].as_str().expect("text");
    assert!(source.ends_with("facts of 1 different subjects; 1 lines had none"), "{source}");
    let rate = &table["signals"]["no-vcs-info"];
    assert_eq!((rate["fires"].as_integer(), rate["of"].as_integer()), (Some(1), Some(1)));
    assert!(told.contains("no-vcs-info = { fires = 1, of = 1 } # 20.65 to 100.00 %"), "{told}");
    std::fs::write(&facts, text + "no facts\n").expect("is written");
    let output = measure();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 4"));
}
