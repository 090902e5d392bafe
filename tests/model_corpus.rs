//! A labelled corpus of model files, judged by the rules: what the real libraries write, what an attacker
//! would, and what is broken. Malicious samples are assembled here, byte by byte; their payload would only
//! `echo`, and nobody loads them. The table is printed with `--nocapture`.

#[path = "model_corpus/damage.rs"]
mod damage;
#[path = "model_corpus/missed.rs"]
mod missed;
#[path = "model_corpus/shapes.rs"]
mod shapes;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use cargo_custody::audit;
use cargo_custody::collectors::model_files::measure;
use cargo_custody::domain::{FactSheet, Finding, Level, Location, Origin, Subject, SubjectKind};
use cargo_custody::heuristics::judge::{Case, judge};
use cargo_custody::heuristics::{self, Ruleset};
use rayon::prelude::*;

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

/// What a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Malicious,
    /// What a rule of level low or medium is meant for: commands in metadata, code that nothing runs.
    Suspicious,
    Benign,
    Corrupt,
}

/// Rules that tell of something that does not act by itself when a file is loaded: a name that nobody knows, code
/// that waits for whoever uses it, text that nobody runs, work that has no end. A sample that stands for nothing else is
/// suspicious, whatever the verdict turns out to be; every other one is an attack and has to be blocked.
const DOUBTFUL: [&str; 25] = [
    "pickle-extension-code",
    "pickle-persistent-id",
    "pickle-imports-unknown-name",
    "model-custom-operator",
    "archive-link",
    "archive-encrypted",
    "archive-not-opened",
    "native-code-in-model",
    "keras-lambda",
    "template-exhausts",
    "template-steers-model",
    "template-suspicious",
    "config-code-elsewhere",
    "config-maps-code",
    "config-trusts-code",
    "config-calls-unknown-name",
    "config-read-twice",
    "tokenizer-unusual",
    "pmml-active-content",
    "skops-foreign-type",
    "python-can-act",
    "python-unpickles",
    "python-obscured",
    "metadata-holds-commands",
    "metadata-holds-paths",
];

/// One sample. `expected`: rules of which one has to fire for the right reason; empty where any may.
#[derive(Clone)]
struct Sample {
    label: Label,
    format: String,
    name: String,
    bytes: Vec<u8>,
    expected: &'static [&'static str],
}

/// What the rules make of a file: `block` is high and above, `warn` low and medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Clean,
    Warn,
    Block,
    Unscannable,
}

struct Judged {
    verdict: Verdict,
    findings: Vec<Finding>,
}

fn judged(ruleset: &Ruleset, sample: &Sample) -> Judged {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = sample.name.rsplit('/').next().expect("a name");
    let place = folder.path().join(name);
    fs::write(&place, &sample.bytes).expect("a file");
    let facts = measure(&place).expect("it was written");
    let mut sheet = FactSheet::new(Subject {
        kind: SubjectKind::Model,
        name: sample.name.clone(),
        version: String::new(),
        origin: Origin::Local,
    });
    sheet.put("model", &facts);
    let location = Location::line(name, 1);
    let case = Case { sheet, location, related: Vec::new(), path: Vec::new() };
    let judgement = judge(ruleset, &[case]);
    assert!(
        !judgement.undetermined.iter().any(|entry| entry.required),
        "{}: {:?}",
        sample.name,
        judgement.undetermined
    );
    let highest = judgement.findings.iter().map(|finding| finding.level).max();
    let verdict = match highest {
        Some(Level::High | Level::Critical) => Verdict::Block,
        Some(Level::Low | Level::Medium) => Verdict::Warn,
        _ if !facts.unscannable.is_empty() => Verdict::Unscannable,
        _ => Verdict::Clean,
    };
    Judged { verdict, findings: judgement.findings }
}

/// Every gadget in every spelling, in turns in each container.
fn gadgets() -> Vec<Sample> {
    let names = GADGETS.lines().filter(|line| !line.starts_with('#'));
    let pairs: Vec<_> = names.filter_map(|line| line.split_once(' ')).collect();
    let mut samples = Vec::new();
    for (at, (module, name)) in pairs.iter().enumerate() {
        for (index, (spelling, write)) in SPELLINGS.iter().enumerate() {
            let (container, bytes) = wrapped(at + index, &write(module, name));
            samples.push(Sample {
                label: Label::Malicious,
                format: format!("pickle, {container}"),
                name: format!("{module} {name}, {spelling}.bin").replace('/', "_"),
                bytes,
                expected: &["pickle-calls-denied-name", "pickle-imports-denied-name"],
            });
        }
    }
    samples
}

/// The files of `benign/` and of `benign.tar.xz`: written by the real libraries.
fn benign() -> Vec<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models");
    let mut samples = Vec::new();
    for entry in walkdir::WalkDir::new(root.join("benign")).sort_by_file_name() {
        let entry = entry.expect("the fixtures are there");
        if entry.file_type().is_file() {
            let below = entry.path().strip_prefix(&root).expect("below the root");
            let name = below.to_string_lossy().replace('\\', "/");
            let bytes = fs::read(entry.path()).expect("the fixtures are there");
            samples.push(real(name.trim_start_matches("benign/").to_owned(), bytes));
        }
    }
    let packed = fs::read(root.join("benign.tar.xz")).expect("the fixtures are there");
    let mut tar = Vec::new();
    let mut reader = lzma_rust2::XzReader::new(Cursor::new(packed), true);
    reader.read_to_end(&mut tar).expect("our own archive");
    let mut rest = tar.as_slice();
    while let Some((header, data)) = rest.split_at_checked(512)
        && header[0] != 0
    {
        let text = |range: std::ops::Range<usize>| {
            let text = String::from_utf8_lossy(&header[range]).into_owned();
            text.trim_matches(['\0', ' ']).to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).expect("a size");
        let name = match text(345..500) {
            prefix if prefix.is_empty() => text(0..100),
            prefix => format!("{prefix}/{}", text(0..100)),
        };
        samples.push(real(name, data[..size].to_vec()));
        rest = &data[size.next_multiple_of(512)..];
    }
    samples
}

fn real(name: String, bytes: Vec<u8>) -> Sample {
    let format = name.split('/').next().unwrap_or_default().to_owned();
    Sample { label: Label::Benign, format, name, bytes, expected: &[] }
}

/// Files of the real libraries, cut: of the formats that tell where they end.
fn cut() -> Vec<Sample> {
    let told = [
        ".pkl",
        ".npy",
        ".npz",
        ".joblib",
        ".gz",
        ".zz",
        ".zlib",
        ".bz2",
        ".xz",
        ".lzma",
        ".keras",
        ".safetensors",
        ".gguf",
        ".h5",
        ".skops",
        ".pt",
        ".pth",
        ".zip",
        ".json",
    ];
    let mut samples = Vec::new();
    for (at, whole) in benign().into_iter().enumerate() {
        let ending = whole.name.rsplit('/').next().unwrap_or_default();
        let ours = told.iter().any(|told| ending.contains(told)) && !ending.contains(".tar");
        if at % 9 != 0 || !ours || whole.bytes.len() < 120 {
            continue;
        }
        for share in [35, 80, 99] {
            samples.push(Sample {
                label: Label::Corrupt,
                format: whole.format.clone(),
                name: format!("{share}/{}", whole.name),
                bytes: whole.bytes[..whole.bytes.len() * share / 100].to_vec(),
                expected: &[],
            });
        }
    }
    samples
}

/// Counts of verdicts by label and format.
type Table = BTreeMap<(Label, String), BTreeMap<Verdict, usize>>;

fn show(table: &Table) {
    println!(
        "{:<10} {:<30} {:>6} {:>6} {:>6} {:>12}",
        "label", "format", "block", "warn", "clean", "unscannable"
    );
    let mut totals: BTreeMap<Label, BTreeMap<Verdict, usize>> = BTreeMap::new();
    let line = |label: Label, format: &str, counts: &BTreeMap<Verdict, usize>| {
        let of = |verdict| counts.get(&verdict).copied().unwrap_or(0);
        println!(
            "{:<10} {format:<30} {:>6} {:>6} {:>6} {:>12}",
            format!("{label:?}").to_lowercase(),
            of(Verdict::Block),
            of(Verdict::Warn),
            of(Verdict::Clean),
            of(Verdict::Unscannable)
        );
    };
    for ((label, format), counts) in table {
        line(*label, format, counts);
        for (verdict, count) in counts {
            *totals.entry(*label).or_default().entry(*verdict).or_insert(0) += count;
        }
    }
    for (label, counts) in &totals {
        line(*label, "all", counts);
    }
}

#[test]
fn the_rules_tell_malicious_benign_and_corrupt_files_apart() {
    let ruleset = heuristics::load(audit::schema(), &[]).expect("the embedded rules load");
    let samples: Vec<Sample> =
        [gadgets(), shapes::all(), missed::all(), benign(), cut()].into_iter().flatten().collect();
    let verdicts: Vec<Judged> = samples.par_iter().map(|sample| judged(&ruleset, sample)).collect();
    let mut table = Table::new();
    let mut wrong = Vec::new();
    let (mut benign, mut warned) = (0_usize, 0_usize);
    for (sample, Judged { verdict, findings }) in samples.iter().zip(&verdicts) {
        let doubtful = !sample.expected.is_empty()
            && sample.expected.iter().all(|rule| DOUBTFUL.contains(rule));
        let label = match sample.label {
            Label::Malicious if doubtful => Label::Suspicious,
            label => label,
        };
        let key = (label, sample.format.clone());
        *table.entry(key).or_default().entry(*verdict).or_insert(0) += 1;
        let ids: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
        let right_reason =
            sample.expected.is_empty() || ids.iter().any(|id| sample.expected.contains(id));
        let right = match sample.label {
            Label::Malicious | Label::Suspicious => {
                matches!(verdict, Verdict::Block | Verdict::Warn) && right_reason
            }
            // Plain numbers, without the file that describes them.
            Label::Benign if sample.name == "onnx/external.bin" => *verdict == Verdict::Unscannable,
            Label::Benign if sample.format == missed::TWIN => *verdict == Verdict::Clean,
            Label::Benign => matches!(verdict, Verdict::Clean | Verdict::Warn),
            Label::Corrupt => *verdict != Verdict::Clean && right_reason,
        };
        if sample.label == Label::Benign {
            benign += 1;
            warned += usize::from(*verdict == Verdict::Warn);
        }
        if !right {
            wrong.push(format!(
                "{:?} {} ({}): {verdict:?} {ids:?}",
                sample.label, sample.name, sample.format
            ));
        }
    }
    show(&table);
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(benign >= 1_700 && warned * 50 <= benign, "{warned} of {benign} benign files warned");
    let of = |label: Label, verdict: Option<Verdict>| -> usize {
        let of_label =
            table.iter().filter(|((of, _), _)| *of == label).flat_map(|(_, counts)| counts);
        of_label
            .filter(|(of, _)| verdict.is_none_or(|verdict| verdict == **of))
            .map(|(_, n)| n)
            .sum()
    };
    let count = |label: Label, verdict: Verdict| of(label, Some(verdict));
    let (blocked, attacks) = (count(Label::Malicious, Verdict::Block), of(Label::Malicious, None));
    let doubtful = of(Label::Suspicious, None);
    let flagged = |label| count(label, Verdict::Block) + count(label, Verdict::Warn);
    println!(
        "attacks: {blocked} of {attacks} blocked, {} flagged; suspicious: {} of {doubtful} flagged, {} blocked; \
         benign: {} of {benign} blocked, {warned} warned; corrupt: {} of {} clean",
        flagged(Label::Malicious),
        flagged(Label::Suspicious),
        count(Label::Suspicious, Verdict::Block),
        count(Label::Benign, Verdict::Block),
        count(Label::Corrupt, Verdict::Clean),
        of(Label::Corrupt, None),
    );
    assert!(blocked * 1_000 >= attacks * 985, "{blocked} of {attacks} attacks are blocked");
    let all = attacks + doubtful;
    let told = flagged(Label::Malicious) + flagged(Label::Suspicious);
    assert!(told * 1_000 >= all * 997, "{told} of {all} are flagged");
    assert!(doubtful * 30 <= attacks, "few samples are no more than suspicious");
}
