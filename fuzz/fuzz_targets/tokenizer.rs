#![no_main]

use cargo_custody_fuzz::formats::tokenizer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _facts = tokenizer::read(bytes);
});
