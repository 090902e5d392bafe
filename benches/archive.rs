//! Scanning one archive, beside merely inflating the same archive: the ratio is what counts, the
//! times depend on the machine.

use std::hint::black_box;
use std::io::Read as _;
use std::time::Duration;

use cargo_custody::collectors::archive::{BenignProfiles, measure};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use custody_bytes::gzip_tar::sample;
use flate2::read::GzDecoder;

/// Four hundred sources of 1 to 40 KiB and twenty binary files: a crate of 8 MB, larger than nine in ten.
fn synthetic_archive() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words =
        ["let ", "mut ", "self.", "value", " = ", "fn ", "(", ")", ";\n", "match ", "Some", " {\n"];
    let mut files: Vec<(String, Vec<u8>)> =
        vec![("Cargo.toml".into(), b"[package]\nname = 'sample'\nversion = '1.0.0'\n".to_vec())];
    for number in 0..400 {
        let length = 1024 + usize::try_from(random() % 39_000).expect("small");
        let mut text = String::with_capacity(length + 8);
        while text.len() < length {
            text.push_str(words[usize::try_from(random()).unwrap_or(0) % words.len()]);
        }
        files.push((format!("src/module_{number}.rs"), text.into_bytes()));
    }
    for number in 0..20 {
        let bytes = (0..2048).flat_map(|_| random().to_le_bytes()).collect();
        files.push((format!("tests/data_{number}.bin"), bytes));
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    sample::crate_archive("sample-1.0.0", &files)
}

fn archive(criterion: &mut Criterion) {
    let packed = synthetic_archive();
    let mut inflated = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut inflated).expect("made above");
    let profiles = BenignProfiles::embedded();
    let mut group = criterion.benchmark_group("archive");
    group.throughput(Throughput::Bytes(inflated.len() as u64));
    group.measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    group.bench_function("inflate", |bencher| {
        let mut buffer = vec![0; 256 << 10];
        bencher.iter(|| {
            let mut decoder = GzDecoder::new(black_box(packed.as_slice()));
            let mut total = 0;
            loop {
                match decoder.read(&mut buffer).expect("made above") {
                    0 => break total,
                    read => total += read,
                }
            }
        });
    });
    group.bench_function("measure", |bencher| {
        bencher.iter(|| {
            measure("sample", "1.0.0", black_box(&packed), &profiles, &mut ()).expect("made above")
        });
    });
    group.finish();
}

criterion_group!(benches, archive);
criterion_main!(benches);
