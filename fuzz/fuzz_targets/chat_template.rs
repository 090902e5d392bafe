#![no_main]

use cargo_custody_fuzz::formats::chat_template;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _facts = chat_template::read(text);
});
