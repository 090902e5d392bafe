//! The contract of `facts --stdin`: one line out for each line in, in order, whatever stands in it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Runs the stream over `input`; the answers, one a line.
fn stream(input: &[u8], jobs: &str) -> Vec<Value> {
    let home = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cargo-custody"))
        .args(["facts", "--stdin", "--offline", "--jobs", jobs])
        .env("CARGO_HOME", home.path().join("cargo"))
        .env("CARGO_CUSTODY_CACHE_DIR", home.path().join("cache"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
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

/// Bytes in lower case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
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
fn the_order_holds_with_many_threads() {
    let input: Vec<u8> =
        (0..200).flat_map(|n| format!("{{\"id\":\"{n}\"}}\n").into_bytes()).collect();
    let ids: Vec<Value> = stream(&input, "8").iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, (0..200).map(|n| json!(n.to_string())).collect::<Vec<_>>());
}
