#![no_main]

use cargo_custody_fuzz::formats::onnx;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _facts = onnx::read(std::io::Cursor::new(bytes), bytes.len() as u64);
});
