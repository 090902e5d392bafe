#![no_main]

use cargo_custody_fuzz::formats::torchscript;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _facts = torchscript::read(bytes);
});
