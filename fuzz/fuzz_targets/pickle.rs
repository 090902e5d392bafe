#![no_main]

use cargo_custody_fuzz::formats::pickle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let scan = pickle::scan_bytes(bytes);
    assert!(scan.end <= bytes.len() as u64);
    let _lines = scan.trace();
});
