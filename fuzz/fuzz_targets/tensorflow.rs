#![no_main]

use std::io::Cursor;

use cargo_custody_fuzz::formats::tensorflow;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let size = bytes.len() as u64;
    let _facts = tensorflow::read_saved_model(Cursor::new(bytes), size);
    let _facts = tensorflow::read_graph(Cursor::new(bytes), size);
    let _facts = tensorflow::read_keras_metadata(Cursor::new(bytes), size);
});
