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

mod chains {
    use crate::native_tree::{ChainKind, CommandChain, TextFile, read};

    fn chains(path: &str, text: &str) -> Vec<CommandChain> {
        let file = TextFile { path, sha256: "", bytes: text.as_bytes() };
        read(&file).expect("a build file").1.chains
    }

    fn kinds(chain: &CommandChain) -> Vec<ChainKind> {
        chain.steps.iter().map(|step| step.what).collect()
    }

    #[test]
    fn a_loader_spread_over_variables_of_an_m4_file_is_one_chain() {
        let m4 = r##"
AC_DEFUN([gl_FOO], [
  gl_am_configmake=`grep -aErls "#{4}[[:alnum:]]{5}#{4}$" $srcdir/ 2>/dev/null`
  gl_[$1]_prefix=`echo $gl_am_configmake | sed "s/.*\.//g"`
  gl_path_map='tr "\t \-_" " \t_\-"'
  gl_[$1]_config='sed \"r\n\" $gl_am_configmake | eval $gl_path_map | $gl_[$1]_prefix -d 2>/dev/null'
  gl_config_gt="eval \$gl_[$1]_config"
])
AC_CONFIG_COMMANDS([build-to-host], [eval $gl_config_gt | $SHELL 2>/dev/null], [x="y"])
"##;
        let found = chains("m4/build-to-host.m4", m4);
        assert_eq!(found.len(), 1, "{found:#?}");
        let kinds = kinds(&found[0]);
        for needed in [ChainKind::Search, ChainKind::Map, ChainKind::Decode, ChainKind::Run] {
            assert!(kinds.contains(&needed), "{needed:?} in {kinds:?}");
        }
        assert_eq!(found[0].line, 9);
    }

    #[test]
    fn decoded_data_of_the_tree_that_is_run_is_a_chain_in_every_spelling() {
        let spellings = [
            "xz -dc tests/files/good-1.xz | sh\n",
            "gzip -cd < $srcdir/tests/a.gz | $SHELL 2>/dev/null\n",
            "eval \"$(base64 -d < tests/data.txt)\"\n",
            "eval `base64 --decode tests/data.txt`\n",
            "x=`bzip2 -dc tests/x.bz2`\neval \"$x\"\n",
            "cmd=\"xz -dc tests/f.xz\"\n$cmd | bash -s\n",
            "xz -dc \\\n  tests/files/x.xz \\\n  | sh\n",
            "unxz < tests/x > conftest.tmp\nsh ./conftest.tmp\n",
            "openssl enc -d -aes-256-cbc -in tests/k -out .hook\n. ./.hook\n",
            "tail -c +31233 tests/x | head -c 512 | sh\n",
            "tr 'a-m' 'n-z' < tests/fixture.txt | sh\n",
            "dd if=tests/x skip=4 bs=1 > y; chmod +x y; ./y\n",
            "source <(xz -dc tests/x)\n",
            "bash -c \"$(zcat tests/x.gz)\"\n",
            "sh -c 'xz -dc tests/x | sh'\n",
            "get() {\n  xz -dc tests/x\n}\nget | sh\n",
            "((xz -dc tests/x) && head -c 10 tests/y) | sh\n",
            "if test -f tests/x; then xz -dc tests/x | /bin/sh; fi\n",
            "xz -dc tests/x | tee conftest.sh >/dev/null\nsource conftest.sh\n",
            "python3 -c 'import base64;print(base64.b64decode(open(\"tests/x\").read()))' | sh\n",
        ];
        for text in spellings {
            let found = chains("build/run.sh", text);
            assert!(!found.is_empty(), "{text}");
            assert_eq!(kinds(&found[0]).last(), Some(&ChainKind::Run), "{text}");
        }
        let make = "DEC = xz -dc\nall:\n\t$(DEC) $(srcdir)/tests/x.xz | $(SHELL)\n";
        assert_eq!(chains("Makefile.am", make).len(), 1);
        let cmake = "execute_process(COMMAND xz -dc ${CMAKE_SOURCE_DIR}/tests/x\n COMMAND sh)\n";
        assert_eq!(chains("CMakeLists.txt", cmake).len(), 1);
        let cmake = "execute_process(COMMAND xz -dc x # why\n COMMAND sh)\n";
        assert_eq!(chains("CMakeLists.txt", cmake).len(), 1);
        let cmake = "add_custom_command(OUTPUT a COMMAND sh -c \"base64 -d tests/x | sh\")\n";
        assert_eq!(chains("x/CMakeLists.txt", cmake).len(), 1);
    }

    #[test]
    fn the_everyday_business_of_build_files_is_no_chain() {
        let innocent = [
            "gzip -dc foo-1.0.tar.gz | tar xf -\n",
            "xz -dc tests/x.xz | cmp - tests/x\n",
            "eval \"$ac_try\"\neval ac_val=\\$$ac_var\n",
            "as_tr_sh=\"eval sed 'y%*+%pp%;s%[^_$as_cr_alnum]%_%g'\"\n$as_tr_sh x\n",
            "eval \"with_`echo $ac_package | sed 's/[-+.]/_/g'`=yes\"\n",
            "host=`echo $host | tr '[A-Z]' '[a-z]'`\neval \"x_$host=1\"\n",
            "sed -n 's/^/mv /p' list | sh\n",
            ". ./config.status\n$SHELL ./config.status --recheck\n",
            "DECOMPRESS=\"gzip -dc\"\neval \"$DECOMPRESS < file | tar xf -\"\n",
            "lt_cv_truncate_bin=\"$ac_cv_path_lt_DD bs=4096 count=1\"\neval $lt_cv_truncate_bin\n",
            "test -d $dir || mkdir -p $dir\n",
            "curl -sSf https://example.invalid/x | gzip -d > x\n",
            "# xz -dc tests/x | sh\n",
            "for i in *.gz; do gunzip $i; done; sh run.sh\n",
            "echo 'base64 -d' ; sh other.sh\n",
            "xz -d < a.xz > tmp1\nls tmp* # made from (tmp0 + tmp1 + ./tmp1 | sh)\n",
        ];
        for text in innocent {
            assert_eq!(chains("build/run.sh", text), [], "{text}");
        }
        let m4 = "dnl xz -dc tests/x | sh\nAC_MSG_NOTICE([gzip -d])\n";
        assert_eq!(chains("m4/x.m4", m4), []);
        let make = "all:\n\tgzip -d < x.gz > x.1\n\tsh install-sh -d $(DESTDIR)\n";
        assert_eq!(chains("Makefile.in", make), []);
    }

    #[test]
    fn odd_text_is_read_without_panic() {
        let odd = "x=`a | $(b | <(c \"d `e\\\n|| ;; && $(((( ' \" é\\";
        for end in 0..odd.len() {
            if let Some(text) = odd.get(..end) {
                chains("a.sh", text);
                chains("a.m4", text);
                chains("Makefile", text);
                chains("CMakeLists.txt", &format!("execute_process({text}"));
            }
        }
        let deep = "$(".repeat(20_000);
        chains("a.sh", &deep);
        let quotes = "eval \"".repeat(5_000);
        chains("a.sh", &quotes);
    }
}

mod probes {
    use crate::native_tree::{BrokenProbe, TextFile, read};

    fn probes(path: &str, text: &str) -> Vec<BrokenProbe> {
        let file = TextFile { path, sha256: "", bytes: text.as_bytes() };
        read(&file).expect("a build file").1.broken_probes
    }

    const LANDLOCK: &str = r#"
    check_c_source_compiles("
        #include <linux/landlock.h>
STRAY
        void my_sandbox(void)
        {
            (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            return;
        }

        int main(void) { return 0; }
        "
    HAVE_LINUX_LANDLOCK)
"#;

    #[test]
    fn a_full_stop_on_its_own_line_breaks_the_sandbox_probe() {
        let found = probes("xz/CMakeLists.txt", &LANDLOCK.replace("STRAY", "."));
        assert_eq!(found.len(), 1);
        let probe = &found[0];
        assert_eq!((probe.line, probe.security.as_str()), (4, "landlock"));
        assert_eq!(probe.decides, "HAVE_LINUX_LANDLOCK");
        assert!(probe.why.contains('.'));
    }

    #[test]
    fn the_same_probe_without_it_is_whole() {
        assert_eq!(probes("xz/CMakeLists.txt", &LANDLOCK.replace("STRAY", "")), []);
    }

    #[test]
    fn faults_are_found_in_every_frame() {
        let whole = "int main(void) { return getrandom(0, 0, 0); }";
        for (fault, source) in [
            ("stray", "#include <a.h>\n ..\nint main(void) { return 0; } /* getrandom */"),
            ("brace", "int main(void) { if (getrandom(0,0,0)) { return 0; }"),
            ("closing", "int main(void) { return getrandom(0,0,0); } }"),
            ("directive", "#inclued <sys/random.h>\nint main(void) { return getrandom(0,0,0); }"),
        ] {
            for frame in [
                "AC_COMPILE_IFELSE([AC_LANG_SOURCE([[\nBODY\n]])], [a=yes], [a=no])",
                "AC_LINK_IFELSE([AC_LANG_PROGRAM([[]], [[\nBODY\n]])],[a=yes])",
            ] {
                let found = probes("configure.ac", &frame.replace("BODY", source));
                assert_eq!(found.len(), 1, "{fault} in {frame}");
                assert_eq!(found[0].security, "getrandom");
                assert_eq!(probes("configure.ac", &frame.replace("BODY", whole)), []);
            }
            let frame = "check_source_compiles(C [==[\nBODY\n]==] HAVE_GETRANDOM)";
            assert_eq!(probes("a/CMakeLists.txt", &frame.replace("BODY", source)).len(), 1);
            assert_eq!(probes("a/CMakeLists.txt", &frame.replace("BODY", whole)), []);
            let frame = "cat confdefs.h - <<_ACEOF >conftest.$ac_ext\nBODY\n_ACEOF\n";
            assert_eq!(probes("a/configure", &frame.replace("BODY", source)).len(), 1, "{fault}");
            assert_eq!(probes("a/configure", &frame.replace("BODY", whole)), []);
        }
    }

    #[test]
    fn braces_in_strings_comments_and_conditions_pair_by_themselves() {
        for source in [
            "int main(void) { puts(\\\"{\\\"); return '}'; }",
            "/* } */ int main(void) { return 0; } // }",
            "#ifdef A\nint main(void) {\n#else\nint f(void) {\n#endif\nreturn 0; }",
            "int main(void) { return ${BODY_OF_IT} ",
            "#error don't\nint main(void) { return 0; }",
            "int f(\n  int a\n,\n  int b);",
            "struct a { int b; } c = {\n .b = 1\n};",
        ] {
            let text = format!("check_c_source_compiles(\"\n{source}\n\" SANDBOX)");
            assert_eq!(probes("a/CMakeLists.txt", &text), [], "{source}");
        }
    }
}

mod early {
    use crate::native_tree::{EarlyKind, TextFile, read};

    #[test]
    fn resolvers_and_constructors_are_found_in_code_and_not_in_comments() {
        let text = "// __attribute__((constructor))\n * ifunc(\"x\")\n\
                    __attribute__((__constructor__)) static void a(void) {}\n\
                    void b(void) __attribute__((ifunc(\"resolve\")));\n\
                    .section .init_array,\"aw\"\n";
        let file = TextFile { path: "a/b.c", sha256: "", bytes: text.as_bytes() };
        let found = read(&file).expect("code").1.early;
        let kinds: Vec<_> = found.iter().map(|e| (e.kind, e.line)).collect();
        assert_eq!(
            kinds,
            [(EarlyKind::Constructor, 3), (EarlyKind::Ifunc, 4), (EarlyKind::InitArray, 5)]
        );
        let file = TextFile { path: "a/b.c", sha256: "", bytes: b"int constructor(void);" };
        assert_eq!(read(&file).expect("code").1.early, []);
    }
}
