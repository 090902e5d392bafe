//! Heads of large model files: time, and the bytes that were really read (`benches/README.md` has figures).
//!
//! The files are sparse: half a gibibyte of weights that nobody may touch. They are temporary, or stay in the
//! folder that `MODEL_HEADS` names, for whoever wants to hand them to the whole program.

use std::cell::Cell;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use cargo_custody::collectors::model_files;
use criterion::{Criterion, criterion_group, criterion_main};
use custody_bytes::anomaly::Anomaly;
use custody_bytes::source::Source;
use model_scan::containers::{self, Member, Visitor};
use model_scan::gguf;
use model_scan::model_kind::ModelFileKind;
use model_scan::onnx;
use model_scan::pickle;
use model_scan::safetensors;

/// Length of the sparse files, in bytes.
const SIZE: u64 = 512 * 1024 * 1024;

/// An empty file of this name, or without one.
fn empty(name: &str) -> File {
    let kept = std::env::var_os("MODEL_HEADS").map(|folder| {
        let options = File::options().read(true).write(true).create(true).truncate(true).clone();
        options.open(Path::new(&folder).join(name))
    });
    kept.unwrap_or_else(tempfile::tempfile).expect("a file")
}

/// A file that starts with `head` and is extended with a hole to at least `len` bytes.
fn sparse(name: &str, head: &[u8], len: u64) -> File {
    let mut file = empty(name);
    file.write_all(head).expect("room for a head");
    file.set_len(len.max(head.len() as u64)).expect("a sparse file");
    file
}

fn rewound(file: &File) -> &File {
    let mut handle = file;
    handle.seek(SeekFrom::Start(0)).expect("a file can be rewound");
    file
}

/// 300 tensors in half a gibibyte.
fn safetensors_head() -> (Vec<u8>, u64) {
    let each = SIZE / 300;
    let entries: Vec<_> = (0..300)
        .map(|n| {
            let (begin, end) = (n * each, (n + 1) * each);
            format!(
                r#""model.layers.{n}.weight":{{"dtype":"U8","shape":[{each}],"data_offsets":[{begin},{end}]}}"#
            )
        })
        .collect();
    let header = format!("{{{}}}", entries.join(","));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    let len = bytes.len() as u64 + 300 * each;
    (bytes, len)
}

fn gguf_string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// 300 tensors, and as many tokens as asked for, with scores, types and twice as many merges.
fn gguf_head(tokens: u64) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend(300_u64.to_le_bytes());
    bytes.extend(if tokens > 0 { 5_u64 } else { 1 }.to_le_bytes());
    gguf_string(&mut bytes, "general.architecture");
    bytes.extend(8_u32.to_le_bytes());
    gguf_string(&mut bytes, "llama");
    if tokens > 0 {
        for (key, count) in
            [("tokenizer.ggml.tokens", tokens), ("tokenizer.ggml.merges", 2 * tokens)]
        {
            gguf_string(&mut bytes, key);
            bytes.extend(9_u32.to_le_bytes());
            bytes.extend(8_u32.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            for n in 0..count {
                gguf_string(&mut bytes, &format!("tok{n}"));
            }
        }
        for (key, kind) in [("tokenizer.ggml.scores", 6_u32), ("tokenizer.ggml.token_type", 5)] {
            gguf_string(&mut bytes, key);
            bytes.extend(9_u32.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(tokens.to_le_bytes());
            bytes.extend(vec![0; usize::try_from(tokens).expect("a vocabulary fits") * 4]);
        }
    }
    let each = 1024 * 1024_u64;
    for n in 0..300 {
        gguf_string(&mut bytes, &format!("blk.{n}.ffn_down.weight"));
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend((each / 4).to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend((n * each).to_le_bytes());
    }
    bytes
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        out.push(if value > 0 { low | 0x80 } else { low });
        if value == 0 {
            return out;
        }
    }
}

/// A graph whose one initializer is a hole of half a gibibyte.
fn onnx_head() -> (Vec<u8>, u64) {
    let framed = |inner: u64, tag: u8| [vec![tag], varint(inner)].concat();
    let raw = framed(SIZE, 9 << 3 | 2);
    let tensor = framed(raw.len() as u64 + SIZE, 5 << 3 | 2);
    let graph = framed((tensor.len() + raw.len()) as u64 + SIZE, 7 << 3 | 2);
    let head = [graph, tensor, raw].concat();
    let len = head.len() as u64 + SIZE;
    (head, len)
}

/// A file whose bytes are counted as they are read.
struct Counted<'f>(&'f File, &'f Cell<u64>);

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.0.read(into)?;
        self.1.set(self.1.get() + got as u64);
        Ok(got)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// Scans what the containers hold, as the collector does.
#[derive(Default)]
struct Scanner {
    events: usize,
}

impl Visitor for Scanner {
    fn container(&mut self, _: &Member, _: &[String]) {}
    fn leaf(&mut self, member: &Member, source: &mut dyn Source) {
        if member.kind == ModelFileKind::Pickle {
            self.events += pickle::scan(source, 0..member.size).events.len();
        }
    }
    fn anomaly(&mut self, _: &str, anomaly: Anomaly) {
        panic!("{anomaly:?}");
    }
    fn unscannable(&mut self, path: &str, why: String) {
        panic!("{path}: {why}");
    }
}

/// Walks a file; how many bytes were read of it.
fn walked(file: &File, size: u64) -> u64 {
    let read = Cell::new(0);
    let mut scanner = Scanner::default();
    containers::walk(&mut Counted(rewound(file), &read), size, &mut scanner);
    black_box(scanner.events);
    read.get()
}

/// A zip archive as `torch.save` writes it: `data.pkl` and 128 storages of 4 MiB that are holes.
fn torch_zip() -> (File, u64) {
    const STORAGES: u32 = 128;
    let each = u32::try_from(SIZE / 128).expect("4 MiB");
    let mut pickle = b"\x80\x02}q\0(".to_vec();
    for n in 0..STORAGES {
        pickle.extend(
            format!("X\u{2}\0\0\0w{}ctorch._utils\n_rebuild_tensor_v2\n((X\u{7}\0\0\0storagectorch\nFloatStorage\nX\u{3}\0\0\0{n:03}X\u{3}\0\0\0cpuJ", n % 10)
                .into_bytes(),
        );
        pickle.extend((each / 4).to_le_bytes());
        pickle.extend(b"tQK\0J");
        pickle.extend((each / 4).to_le_bytes());
        pickle.extend(b"\x85K\x01\x85\x89NtR");
    }
    pickle.extend(b"u.");
    let mut file = empty("torch.pt");
    let mut directory = Vec::new();
    let mut at = 0_u64;
    let storages = (0..STORAGES).map(|n| (format!("archive/data/{n}"), each, None));
    let data =
        ("archive/data.pkl".to_owned(), u32::try_from(pickle.len()).expect("small"), Some(pickle));
    for (name, size, bytes) in [data].into_iter().chain(storages) {
        let length = u16::try_from(name.len()).expect("short").to_le_bytes();
        let mut sum = flate2::Crc::new();
        sum.update(bytes.as_deref().unwrap_or_default());
        let crc = sum.sum().to_le_bytes();
        let (size4, head) = (size.to_le_bytes(), [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x28]);
        file.seek(SeekFrom::Start(at)).expect("a file");
        for part in
            [&b"PK\x03\x04"[..], &head, &crc, &size4, &size4, &length, &[0, 0], name.as_bytes()]
        {
            file.write_all(part).expect("room for a header");
        }
        if let Some(bytes) = bytes {
            file.write_all(&bytes).expect("room for a pickle");
        }
        let place = u32::try_from(at).expect("half a gibibyte").to_le_bytes();
        for part in [
            &b"PK\x01\x02\x14\x03"[..],
            &head,
            &crc,
            &size4,
            &size4,
            &length,
            &[0; 12],
            &place,
            name.as_bytes(),
        ] {
            directory.extend(part);
        }
        at += 30 + name.len() as u64 + u64::from(size);
    }
    file.seek(SeekFrom::Start(at)).expect("a file");
    file.write_all(&directory).expect("room for a directory");
    let count = u16::try_from(STORAGES + 1).expect("few").to_le_bytes();
    let (length, place) = (
        u32::try_from(directory.len()).expect("small"),
        u32::try_from(at).expect("half a gibibyte"),
    );
    for part in [
        &b"PK\x05\x06\0\0\0\0"[..],
        &count,
        &count,
        &length.to_le_bytes(),
        &place.to_le_bytes(),
        &[0, 0],
    ] {
        file.write_all(part).expect("room for an end");
    }
    (file, at + u64::from(length) + 22)
}

fn pickles(criterion: &mut Criterion) {
    let (file, size) = torch_zip();
    let read = walked(&file, size);
    println!("torch zip of {size} bytes: {read} read");
    assert!(read < 256 * 1024, "{read} bytes");
    criterion.bench_function("torch zip 512 MB", |bench| bench.iter(|| walked(&file, size)));

    // `]`, then a million times a number, its memo entry and APPEND.
    let mut opcodes = b"\x80\x04]\x94".to_vec();
    opcodes.extend(b"K\x01\x94a".repeat(1_000_000));
    opcodes.push(b'.');
    let size = opcodes.len() as u64;
    let file = sparse("opcodes.pkl", &opcodes, 0);
    criterion.bench_function("pickle of 3 million opcodes", |bench| {
        bench.iter(|| pickle::scan(&mut Counted(rewound(&file), &Cell::new(0)), 0..size));
    });

    let mut head = b"\x80\x04\x8e".to_vec();
    head.extend((SIZE - 12).to_le_bytes());
    let mut file = sparse("bytes.pkl", &head, SIZE - 1);
    file.seek(SeekFrom::Start(SIZE - 1)).expect("a file");
    file.write_all(b".").expect("room for STOP");
    let read = walked(&file, SIZE);
    println!("BINBYTES8 of {SIZE} bytes: {read} read");
    criterion.bench_function("pickle with 512 MB of bytes", |bench| {
        bench.iter(|| walked(&file, SIZE));
    });

    let folder = tempfile::tempdir().expect("a temporary folder");
    for n in 0..1_000 {
        let bytes: &[u8] = match n % 4 {
            0 => b"\x80\x02}q\0.",
            1 => b"{\"architectures\": [\"Tiny\"], \"model_type\": \"tiny\"}",
            2 => b"\x02\0\0\0\0\0\0\0{}",
            _ => b"import torch\nclass Net(torch.nn.Module):\n    pass\n",
        };
        std::fs::write(folder.path().join(format!("f{n}")), bytes).expect("a small file");
    }
    criterion.bench_function("folder of 1,000 small files", |bench| {
        bench.iter(|| model_files::measure(folder.path()).expect("the folder is there"));
    });
}

fn heads(criterion: &mut Criterion) {
    let (head, len) = safetensors_head();
    let file = sparse("model.safetensors", &head, len);
    let facts = safetensors::read(rewound(&file), len).expect("readable");
    assert!(facts.complete && facts.anomalies.is_empty(), "{:?}", facts.anomalies);
    assert!(facts.bytes_read < 64 * 1024, "{} bytes", facts.bytes_read);
    criterion.bench_function("safetensors 512 MB", |bench| {
        bench.iter(|| safetensors::read(black_box(rewound(&file)), len).expect("readable"));
    });

    let file = sparse("plain.gguf", &gguf_head(0), SIZE);
    let facts = gguf::read(rewound(&file), SIZE).expect("readable");
    assert!(facts.complete && facts.bytes_read < 64 * 1024, "{} bytes", facts.bytes_read);
    criterion.bench_function("gguf 512 MB", |bench| {
        bench.iter(|| gguf::read(black_box(rewound(&file)), SIZE).expect("readable"));
    });

    let file = sparse("vocabulary.gguf", &gguf_head(128 * 1024), SIZE);
    let facts = gguf::read(rewound(&file), SIZE).expect("readable");
    assert_eq!(facts.vocabulary, Some(128 * 1024));
    println!("gguf with 128k tokens: {} read", facts.bytes_read);
    criterion.bench_function("gguf 512 MB, 128k tokens", |bench| {
        bench.iter(|| gguf::read(black_box(rewound(&file)), SIZE).expect("readable"));
    });

    let (head, len) = onnx_head();
    let file = sparse("model.onnx", &head, len);
    let facts = onnx::read(rewound(&file), len).expect("readable");
    assert!(facts.complete && facts.bytes_read < 64 * 1024, "{facts:?}");
    criterion.bench_function("onnx 512 MB", |bench| {
        bench.iter(|| onnx::read(black_box(rewound(&file)), len).expect("readable"));
    });
}

criterion_group!(benches, heads, pickles);
criterion_main!(benches);
