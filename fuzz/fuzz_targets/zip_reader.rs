#![no_main]

use cargo_custody_fuzz::formats::zip_reader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let size = bytes.len() as u64;
    let archive = zip_reader::read(&mut std::io::Cursor::new(bytes), size).expect("memory is readable");
    for member in &archive.members {
        assert!(member.data_at.min(size) + member.packed <= size);
    }
});
