#![no_main]

use cargo_custody_fuzz::formats::python_source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _facts = python_source::read(bytes);
});
