//! The smallest samples of every format, damaged at every byte: cut there, one bit of it flipped, all of them
//! flipped. No parser may panic, and none may leave a file out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use cargo_custody::collectors::model_files::{ModelFacts, PARSER_FAILED, Reading};
use rayon::prelude::*;

use super::{Label, Sample, benign, shapes};

/// Larger samples are left to the tests of their parsers.
const SMALL: usize = 2_300;

/// What has to be among them: kinds of files, flavours of archives, and parts that have a parser.
const FORMATS: [&str; 39] = [
    "7z",
    "bzip2",
    "config",
    "ggml",
    "gguf",
    "gzip",
    "hdf5",
    "joblib",
    "json",
    "keras",
    "keras zip",
    "lz4",
    "lzma",
    "npy",
    "npz",
    "onnx",
    "pickle",
    "pickle in gzip",
    "pickle in tar",
    "pickle in zip",
    "pmml",
    "python",
    "safetensors",
    "skops",
    "tar",
    "target",
    "template",
    "tensorflow",
    "text",
    "tokenizer",
    "torch",
    "torch legacy",
    "torchscript",
    "xml",
    "xz",
    "yaml",
    "zip",
    "zlib",
    "zstd",
];

fn scan(name: &str, bytes: &[u8]) -> ModelFacts {
    let mut reading = Reading::default();
    reading.file(&mut Cursor::new(bytes), bytes.len() as u64, name);
    reading.facts()
}

/// Which of [`FORMATS`] a sample is good for.
fn formats(sample: &Sample, facts: &ModelFacts) -> BTreeSet<String> {
    let file = &facts.files[0];
    let mut all = BTreeSet::from([file.format.clone()]);
    all.extend(file.flavour.clone());
    if file.pickles > 0 && file.format != "pickle" {
        all.insert(format!("pickle in {}", file.format));
    }
    let parts = [
        ("config", facts.configs.len()),
        ("keras", facts.keras.len()),
        ("pmml", facts.pmml.len()),
        ("python", facts.python.len()),
        ("skops", facts.skops.len()),
        ("target", facts.targets.len()),
        ("template", facts.templates.len()),
        ("tokenizer", facts.tokenizers.len()),
        ("torchscript", facts.torchscript.len()),
    ];
    all.extend(parts.iter().filter(|(_, count)| *count > 0).map(|(part, _)| (*part).to_owned()));
    let named = [
        ("joblib", sample.name.contains("joblib")),
        ("keras zip", file.format == "zip" && !facts.keras.is_empty()),
        ("torch legacy", sample.name.contains("legacy")),
        ("yaml", sample.name.contains(".yaml")),
    ];
    all.extend(named.iter().filter(|(_, it_is)| *it_is).map(|(format, _)| (*format).to_owned()));
    all
}

/// The smallest sample, honest and not, of each format.
fn smallest() -> BTreeMap<(String, Label), Sample> {
    let old = Sample {
        label: Label::Corrupt,
        format: "ggml".to_owned(),
        name: "old.bin".to_owned(),
        bytes: [&b"tjgg\x03\0\0\0"[..], &[1; 40]].concat(),
        expected: &[],
    };
    let mut smallest: BTreeMap<(String, Label), Sample> = BTreeMap::new();
    let all = [shapes::all(), benign(), vec![old]].into_iter().flatten();
    for sample in all.filter(|sample| sample.bytes.len() <= SMALL) {
        for format in formats(&sample, &scan(&sample.name, &sample.bytes)) {
            let key = (format, sample.label);
            if smallest.get(&key).is_none_or(|other| other.bytes.len() > sample.bytes.len()) {
                smallest.insert(key, sample.clone());
            }
        }
    }
    smallest
}

#[test]
fn every_format_is_read_however_it_is_damaged() {
    let smallest = smallest();
    let met: BTreeSet<&str> = smallest.keys().map(|(format, _)| format.as_str()).collect();
    let missing: Vec<_> = FORMATS.iter().filter(|format| !met.contains(**format)).collect();
    assert!(missing.is_empty(), "no small sample of {missing:?} among {met:?}");
    let samples: BTreeMap<&str, &[u8]> =
        smallest.values().map(|sample| (sample.name.as_str(), sample.bytes.as_slice())).collect();
    let failed: Vec<String> = samples
        .par_iter()
        .flat_map(|(name, whole)| (0..whole.len()).into_par_iter().map(move |at| (name, whole, at)))
        .flat_map_iter(|(name, whole, at)| {
            let flipped = |mask: u8| {
                let mut bytes = whole.to_vec();
                bytes[at] ^= mask;
                bytes
            };
            let damaged = [whole[..at].to_vec(), flipped(1 << (at % 8)), flipped(0xff)];
            damaged.into_iter().enumerate().filter_map(move |(how, bytes)| {
                let facts = scan(name, &bytes);
                let panicked = facts.unscannable.iter().any(|one| one.reason == PARSER_FAILED);
                (panicked || facts.file_count != 1)
                    .then(|| format!("{name}, byte {at}, damage {how}"))
            })
        })
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
