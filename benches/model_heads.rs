//! Heads of large model files: time, and the bytes that were really read (`benches/README.md` has figures).
//!
//! The files are sparse: half a gibibyte of weights that nobody may touch.

use std::fs::File;
use std::hint::black_box;
use std::io::{Seek, SeekFrom, Write};

use cargo_custody::formats::{gguf, onnx, safetensors};
use criterion::{Criterion, criterion_group, criterion_main};

/// Length of the sparse files, in bytes.
const SIZE: u64 = 512 * 1024 * 1024;

/// A temporary file that starts with `head` and is extended with a hole to at least `len` bytes.
fn sparse(head: &[u8], len: u64) -> File {
    let mut file = tempfile::tempfile().expect("a temporary file");
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

fn heads(criterion: &mut Criterion) {
    let (head, len) = safetensors_head();
    let file = sparse(&head, len);
    let facts = safetensors::read(rewound(&file), len).expect("readable");
    assert!(facts.complete && facts.anomalies.is_empty(), "{:?}", facts.anomalies);
    assert!(facts.bytes_read < 64 * 1024, "{} bytes", facts.bytes_read);
    criterion.bench_function("safetensors 512 MB", |bench| {
        bench.iter(|| safetensors::read(black_box(rewound(&file)), len).expect("readable"));
    });

    let file = sparse(&gguf_head(0), SIZE);
    let facts = gguf::read(rewound(&file), SIZE).expect("readable");
    assert!(facts.complete && facts.bytes_read < 64 * 1024, "{} bytes", facts.bytes_read);
    criterion.bench_function("gguf 512 MB", |bench| {
        bench.iter(|| gguf::read(black_box(rewound(&file)), SIZE).expect("readable"));
    });

    let file = sparse(&gguf_head(128 * 1024), SIZE);
    let facts = gguf::read(rewound(&file), SIZE).expect("readable");
    assert_eq!(facts.vocabulary, Some(128 * 1024));
    criterion.bench_function("gguf 512 MB, 128k tokens", |bench| {
        bench.iter(|| gguf::read(black_box(rewound(&file)), SIZE).expect("readable"));
    });

    let (head, len) = onnx_head();
    let file = sparse(&head, len);
    let facts = onnx::read(rewound(&file), len).expect("readable");
    assert!(facts.complete && facts.bytes_read < 64 * 1024, "{facts:?}");
    criterion.bench_function("onnx 512 MB", |bench| {
        bench.iter(|| onnx::read(black_box(rewound(&file)), len).expect("readable"));
    });
}

criterion_group!(benches, heads);
criterion_main!(benches);
