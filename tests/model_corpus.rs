//! A labelled corpus of model files: what the real libraries write, what an attacker would, and what is
//! broken. Malicious samples are assembled here from `fixtures/models/gadgets.txt`; their payload would
//! only `echo`, and nobody loads them. The table is printed with `--nocapture`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use cargo_custody::collectors::model_files::{ImportVerdict, ModelFacts, measure};

const GADGETS: &str = include_str!("../fixtures/models/gadgets.txt");

/// One way to write the call of a name.
type Spelling = fn(&str, &str) -> Vec<u8>;

const SPELLINGS: [(&str, Spelling); 7] = [
    ("protocol 0", |module, name| format!("c{module}\n{name}\n(S'echo'\ntR.").into_bytes()),
    ("inst", |module, name| format!("(S'echo'\ni{module}\n{name}\n.").into_bytes()),
    ("obj", |module, name| format!("(c{module}\n{name}\nS'echo'\no.").into_bytes()),
    ("import only", |module, name| format!("\u{2}c{module}\n{name}\n.").into_bytes()[1..].to_vec()),
    ("stack global", |module, name| {
        let mut body = text(module);
        body.extend(text(name));
        body.extend(b"\x93\x8c\x04echo\x94\x85\x94R\x94.");
        let mut out = b"\x80\x04\x95".to_vec();
        out.extend((body.len() as u64).to_le_bytes());
        out.extend(body);
        out
    }),
    ("decoys", |module, name| {
        let mut out = b"\x80\x04]\x94".to_vec();
        out.extend(text("math"));
        out.extend(b"0");
        out.extend(text(module));
        out.extend(b"q\x050");
        out.extend(text(name));
        out.extend(b"q\x060(h\x051h\x05\x8c\x05decoy0h\x06\x93N\x85R.");
        out
    }),
    ("second stream", |module, name| {
        let mut out = b"\x80\x02}q\0.".to_vec();
        out.extend(
            format!("\u{1}c{module}\n{name}\n)\u{1}").into_bytes().iter().filter(|b| **b != 1),
        );
        out.extend(b"R.");
        out
    }),
];

fn text(text: &str) -> Vec<u8> {
    let mut out = vec![0x8c, u8::try_from(text.len()).expect("names are short")];
    out.extend(text.as_bytes());
    out.push(0x94);
    out
}

/// A pickle inside of what a loader opens.
fn wrapped(at: usize, pickle: &[u8]) -> (&'static str, Vec<u8>) {
    match at % 4 {
        0 => ("raw", pickle.to_vec()),
        1 => {
            let mut gzip =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            gzip.write_all(pickle).expect("memory");
            ("gzip", gzip.finish().expect("memory"))
        }
        2 => {
            let dict = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n";
            let mut out = b"\x93NUMPY\x01\0".to_vec();
            out.extend(u16::try_from(dict.len()).expect("short").to_le_bytes());
            out.extend(dict.as_bytes());
            out.extend(pickle);
            ("npy", out)
        }
        _ => {
            let mut outer = b"\x80\x03B".to_vec();
            outer.extend(u32::try_from(pickle.len()).expect("short").to_le_bytes());
            outer.extend(pickle);
            outer.push(b'.');
            ("pickle in bytes", outer)
        }
    }
}

/// Whether a file has something that a rule would stop it for.
fn stopped(facts: &ModelFacts) -> bool {
    facts.denied_imports > 0
        || facts.files.iter().any(|file| {
            file.calls
                .iter()
                .any(|call| call.kind == "call-on-result" || call.kind == "build-rebind")
        })
}

fn quiet(facts: &ModelFacts) -> bool {
    facts.unscannable.is_empty() && facts.files.iter().all(|file| file.anomalies.is_empty())
}

#[test]
fn every_gadget_in_every_spelling_and_container_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut labels = BTreeMap::new();
    let names = GADGETS.lines().filter(|line| !line.starts_with('#'));
    for (at, (module, name)) in names.filter_map(|line| line.split_once(' ')).enumerate() {
        for (index, (spelling, write)) in SPELLINGS.iter().enumerate() {
            let (container, bytes) = wrapped(at + index, &write(module, name));
            let file = format!("{at:03}-{index}.bin");
            fs::write(folder.path().join(&file), bytes).expect("a file");
            labels.insert(file, format!("{module} {name}, {spelling}, {container}"));
        }
    }
    let facts = measure(folder.path()).expect("the folder is there");
    let mut missed = Vec::new();
    for file in &facts.files {
        if !file.imports.iter().any(|import| import.verdict == ImportVerdict::Denied) {
            missed.push(&labels[&file.path]);
        }
    }
    println!("malicious: {} samples, {} missed", labels.len(), missed.len());
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(labels.len() >= 400 && facts.files_left_out == 0, "{}", labels.len());
}

#[test]
fn files_of_the_real_libraries_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/benign");
    let facts = measure(&root).expect("the fixtures are there");
    println!("benign: {} files, formats {:?}", facts.file_count, facts.formats);
    assert!(!stopped(&facts), "{facts:#?}");
    assert_eq!(facts.unknown_imports, 0);
}

#[test]
fn every_cut_file_of_a_real_library_is_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/benign");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut samples, mut silent) = (0, Vec::new());
    for entry in walkdir::WalkDir::new(&root).sort_by_file_name() {
        let entry = entry.expect("the fixtures are there");
        let name = entry.file_name().to_string_lossy().into_owned();
        // Formats whose parser has its own tests of cuts, and those where a cut is another whole file.
        let ours =
            [".pkl", ".npy", ".npz", ".joblib", ".gz", ".zlib", ".bz2", ".xz", ".lzma", ".keras"];
        if !entry.file_type().is_file() || !ours.iter().any(|ending| name.contains(ending)) {
            continue;
        }
        let bytes = fs::read(entry.path()).expect("the fixtures are there");
        for share in [35, 50, 80, 99] {
            let cut = &bytes[..bytes.len() * share / 100];
            let place = folder.path().join(&name);
            fs::write(&place, cut).expect("a file");
            let facts = measure(&place).expect("it was written");
            samples += 1;
            if quiet(&facts) {
                silent.push(format!("{name} cut to {share} %: {:?}", facts.formats));
            }
        }
    }
    println!("corrupt: {samples} samples, {} silent", silent.len());
    assert!(silent.is_empty(), "{silent:#?}");
}
