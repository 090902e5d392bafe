#![no_main]

use cargo_custody_fuzz::formats::model_config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _facts = model_config::read(bytes);
});
