#![no_main]

use cargo_custody_fuzz::formats::pmml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _facts = pmml::read(bytes);
});
