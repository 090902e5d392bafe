#![no_main]

use cargo_custody_fuzz::formats::anomaly::Anomaly;
use cargo_custody_fuzz::formats::containers::{Member, Visitor, walk};
use cargo_custody_fuzz::formats::model_kind::ModelFileKind;
use cargo_custody_fuzz::formats::pickle;
use cargo_custody_fuzz::formats::source::Source;
use libfuzzer_sys::fuzz_target;

struct Scanner;

impl Visitor for Scanner {
    fn container(&mut self, _: &Member, _: &[String]) {}
    fn leaf(&mut self, member: &Member, source: &mut dyn Source) {
        if member.kind == ModelFileKind::Pickle {
            let _scan = pickle::scan(source, 0..member.size);
        }
    }
    fn anomaly(&mut self, _: &str, _: Anomaly) {}
    fn unscannable(&mut self, _: &str, _: String) {}
}

fuzz_target!(|bytes: &[u8]| walk(&mut std::io::Cursor::new(bytes), bytes.len() as u64, &mut Scanner));
