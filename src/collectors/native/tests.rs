//! The keeper on made-up crates.

use super::NativeKeeper;

#[test]
fn a_vendored_tree_is_named_with_its_file_and_line() {
    let mut keeper = NativeKeeper::new();
    keeper.file("src/lib.rs", "aa", b"fn main() {}");
    keeper.file("xz/version.h", "bb", b"#define LZMA_VERSION_STRING \"5.2.0\"\n");
    keeper.file("xz/version.h", "cc", b"\n#define LZMA_VERSION_STRING \"5.6.1\"\n");
    keeper.file("xz/CMakeLists.txt", "dd", b"project(xz)");
    let facts = keeper.finish();
    assert_eq!((facts.code_files, facts.build_files), (1, 1));
    assert_eq!(facts.upstreams.len(), 1, "the last file of a path counts");
    let xz = &facts.upstreams[0];
    assert_eq!((xz.name.as_str(), xz.version.as_str(), xz.line), ("xz", "5.6.1", 2));
    assert_eq!(xz.sha256, "cc");
}

#[test]
fn a_crate_without_native_files_has_none() {
    let mut keeper = NativeKeeper::new();
    keeper.file("src/lib.rs", "aa", b"// VERSION 5.6.1");
    assert_eq!(keeper.finish(), super::NativeFacts::default());
}

#[test]
fn lists_are_bounded_and_say_so() {
    let mut keeper = NativeKeeper::new();
    for index in 0..300 {
        let path = format!("t{index}/version.h");
        keeper.file(&path, "", b"#define LZMA_VERSION_STRING \"5.6.1\"\n");
    }
    let facts = keeper.finish();
    assert_eq!((facts.upstreams.len(), facts.left_out), (200, 100));
}
