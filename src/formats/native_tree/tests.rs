//! Attack shapes and their innocent twins, written as text.

use super::{TextFile, TextKind, Upstream, kind_of, read};

fn upstreams(path: &str, text: &str) -> Vec<(String, String, u64)> {
    let file = TextFile { path, sha256: "00", bytes: text.as_bytes() };
    let (_, found) = read(&file).expect("a native file");
    found.upstreams.into_iter().map(|u| (u.name, u.version, u.line)).collect()
}

fn is(name: &str, version: &str, line: u64) -> Vec<(String, String, u64)> {
    vec![(name.to_owned(), version.to_owned(), line)]
}

#[test]
fn version_macros_name_the_upstream_and_its_version() {
    let lzma = "#define LZMA_VERSION_MAJOR 5\n#define LZMA_VERSION_MINOR 6\n\
                #define LZMA_VERSION_PATCH 1\n#define LZMA_VERSION_STABILITY LZMA_X\n\
                #define LZMA_VERSION (LZMA_VERSION_MAJOR * UINT32_C(10000000))\n";
    assert_eq!(upstreams("xz/src/liblzma/api/lzma/version.h", lzma), is("xz", "5.6.1", 1));
    let zstd = "#  define ZSTD_VERSION_MAJOR    1\n#define ZSTD_VERSION_MINOR 5\r\n\
                #define ZSTD_VERSION_RELEASE  7\n";
    assert_eq!(upstreams("zstd/lib/zstd.h", zstd), is("zstd", "1.5.7", 1));
    let git = "#define LIBGIT2_VERSION \"1.9.7\"\n#define LIBGIT2_VERSION_MAJOR 1\n";
    assert_eq!(upstreams("libgit2/include/git2/version.h", git), is("libgit2", "1.9.7", 1));
    let sqlite = "#define SQLITE_VERSION        \"3.54.1\"\n#define SQLITE_VERSION_NUMBER 3\n";
    assert_eq!(upstreams("sqlite3/sqlite3.h", sqlite), is("sqlite", "3.54.1", 1));
    let curl = "/* */\n#define LIBCURL_VERSION \"8.22.0-DEV\"\n";
    assert_eq!(upstreams("curl/include/curl/curlver.h", curl), is("curl", "8.22.0-DEV", 2));
    let text = "# define OPENSSL_VERSION_TEXT \"OpenSSL 1.1.1w  11 Sep 2023\"\n";
    assert_eq!(upstreams("o/include/openssl/opensslv.h", text), is("openssl", "1.1.1w", 1));
}

#[test]
fn a_protocol_version_in_some_header_is_no_upstream() {
    assert!(upstreams("a/http.c.h", "#define FOO_VERSION \"1.1\"\n").is_empty());
    assert!(upstreams("a/dom.h", "#define XML_VERSION \"1.0\"\n").is_empty());
    assert!(upstreams("a/zlib.h", "#define Z_VERSION_ERROR (-6)\n").is_empty());
    assert!(upstreams("a/version.h", "#define X_VERSION \"beta\"\n#define\n#define Y").is_empty());
}

#[test]
fn autotools_and_cmake_name_versions_too() {
    let ac = "dnl\nAC_INIT([XZ Utils], [5.6.0], [a@example.invalid], [xz])\n";
    assert_eq!(upstreams("xz/configure.ac", ac), is("xz", "5.6.0", 2));
    assert_eq!(upstreams("o/configure.ac", "AC_INIT(onig, 6.9.10)"), is("oniguruma", "6.9.10", 1));
    let computed = "AC_INIT([XZ Utils], m4_esyscmd([/bin/sh version.sh]),\n";
    assert!(upstreams("xz/configure.ac", computed).is_empty());
    let configure = "#! /bin/sh\nPACKAGE_TARNAME='xz'\nPACKAGE_VERSION='5.6.1'\n";
    assert_eq!(upstreams("xz/configure", configure), is("xz", "5.6.1", 3));
    let cmake = "set(V \"1.2.3\")\nproject(Foo\n  VERSION ${V}\n  LANGUAGES C)\n";
    assert_eq!(upstreams("foo/CMakeLists.txt", cmake), is("foo", "1.2.3", 2));
    assert_eq!(
        upstreams("s/CMakeLists.txt", "PROJECT(Snappy VERSION 1.1.8 LANGUAGES C)"),
        is("snappy", "1.1.8", 1)
    );
    assert!(upstreams("f/CMakeLists.txt", "project(foo C)\nproject(é").is_empty());
}

#[test]
fn version_files_are_named_by_their_folder() {
    assert_eq!(upstreams("mpfr-4.2.2-c/VERSION", "4.2.2\n"), is("mpfr", "4.2.2", 1));
    let openssl = "MAJOR=4\nMINOR=0\nPATCH=3\n";
    assert_eq!(upstreams("openssl/VERSION.dat", openssl), is("openssl", "4.0.3", 1));
    assert!(upstreams("VERSION", "1.2.3").is_empty(), "that is the crate's own");
    assert!(upstreams("a/VERSION", "the quick brown fox").is_empty());
}

#[test]
fn submodules_say_where_sources_come_from() {
    let text = "[submodule \"xz\"]\n\tpath = xz\n\turl = https://example.invalid/xz.git\n";
    let file = TextFile { path: ".gitmodules", sha256: "", bytes: text.as_bytes() };
    let (_, found) = read(&file).expect("a known name");
    assert_eq!(found.submodules[0].url, "https://example.invalid/xz.git");
    assert_eq!((found.submodules[0].folder.as_str(), found.submodules[0].line), ("xz", 3));
}

#[test]
fn the_tree_is_the_folder_above_its_inner_folders() {
    let text = "#define LZMA_VERSION_STRING \"5.6.1\"\n";
    for (path, tree) in [
        ("xz/src/liblzma/api/lzma/version.h", "xz"),
        ("third_party/xz/src/version.h", "third_party/xz"),
        ("src/version.h", ""),
        ("version.h", ""),
    ] {
        let file = TextFile { path, sha256: "", bytes: text.as_bytes() };
        let (_, found) = read(&file).expect("a header");
        let trees: Vec<&str> = found.upstreams.iter().map(|u: &Upstream| u.tree.as_str()).collect();
        assert_eq!(trees, [tree], "{path}");
    }
}

#[test]
fn scripts_are_known_by_name_and_by_first_line() {
    assert_eq!(kind_of("a/configure", b""), Some(TextKind::Autoconf));
    assert_eq!(kind_of("a/build-to-host.m4", b""), Some(TextKind::Autoconf));
    assert_eq!(kind_of("a/Makefile.in", b""), Some(TextKind::Make));
    assert_eq!(kind_of("a/foo.cmake.in", b""), Some(TextKind::Cmake));
    assert_eq!(kind_of("a/run", b"#!/usr/bin/env -S bash\nx"), Some(TextKind::Shell));
    assert_eq!(kind_of("a/run", b"#! /bin/sh"), Some(TextKind::Shell));
    assert_eq!(kind_of("a/run", b"#!/usr/bin/python3\n"), None);
    assert_eq!(kind_of("src/lib.rs", b"#![allow(x)]"), None);
}
