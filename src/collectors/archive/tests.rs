use schemars::schema_for;

use super::*;
use crate::domain::Measured;
use crate_read::file_kind::FileClass;
use custody_bytes::gzip_tar::sample::{crate_archive, gzip, member, seal};

const MANIFEST: &str = "[package]\nname = 'a'\nversion = '1.0.0'\n";
const VCS: &[u8] =
    br#"{"git":{"sha1":"0123456789abcdef0123456789abcdef01234567"},"path_in_vcs":"crates/a"}"#;

fn scan(packed: &[u8]) -> ArchiveRecord {
    measure("a", "1.0.0", packed, &BenignProfiles::embedded(), &mut ()).unwrap()
}

fn scan_files(files: &[(&str, &[u8])]) -> ArchiveRecord {
    scan(&crate_archive("a-1.0.0", files))
}

fn scan_manifest(manifest: &str, files: &[&str]) -> ArchiveFacts {
    let mut all: Vec<(&str, &[u8])> = files.iter().map(|path| (*path, &b"\0\x01"[..])).collect();
    all.push(("Cargo.toml", manifest.as_bytes()));
    scan_files(&all).facts
}

fn scan_members(members: &[Vec<u8>]) -> ArchiveRecord {
    scan(&gzip(&members.concat()))
}

fn oddities(record: &ArchiveRecord) -> Vec<Oddity> {
    record.facts.odd_entries.iter().map(|entry| entry.oddity).collect()
}

fn role(facts: &ArchiveFacts, path: &str) -> FileRole {
    facts.binaries.iter().find(|file| file.path == path).unwrap().role
}

#[test]
fn an_ordinary_crate_has_nothing_odd() {
    let record = scan_files(&[
        (".cargo_vcs_info.json", VCS),
        ("Cargo.toml", MANIFEST.as_bytes()),
        ("Cargo.toml.orig", b"[package]"),
        ("src/lib.rs", b"pub fn f() {}\n"),
    ]);
    let facts = &record.facts;
    assert_eq!((facts.files, facts.classes.text), (4, 4));
    assert!(facts.binaries.is_empty() && facts.odd_entries.is_empty());
    assert_eq!(facts.bytes_after_gzip, Measured::Known(0));
    assert_eq!(facts.vcs.dirty, Measured::Known(false));
    assert_eq!(facts.vcs.path_in_vcs, Measured::Known("crates/a".to_owned()));
    assert!(facts.has_original_manifest);
    assert!(facts.manifest.known().unwrap().declares_expected);
    let paths: Vec<&str> = record.listing.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [".cargo_vcs_info.json", "Cargo.toml", "Cargo.toml.orig", "src/lib.rs"]);
}

#[test]
fn a_file_is_told_with_its_hash_entropy_and_disguise() {
    let noise: Vec<u8> =
        (0..5000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let record = scan_files(&[("tests/data.txt", &noise), ("tests/data.bin", b"\0\xff")]);
    let [small, large] = &record.facts.binaries[..] else { panic!("two binaries") };
    assert_eq!(
        (large.path.as_str(), large.class, large.size),
        ("tests/data.txt", FileClass::Opaque, 5000)
    );
    assert!(large.extension_disagrees && !small.extension_disagrees);
    assert!(*large.entropy.known().unwrap() > 7.5);
    assert_eq!(small.entropy.known(), None);
    // printf '\000\377' | sha256sum
    assert_eq!(small.sha256, "06eb7d6a69ee19e5fbdf749018d3d2abfa04bcbd1365db312eb86dc7169389b8");
}

#[test]
fn links_devices_and_unknown_types_are_facts() {
    let mut link = member(b'2', b"a-1.0.0/link", b"");
    link[157..163].copy_from_slice(b"/etc/x");
    seal(&mut link);
    let record = scan_members(&[
        link,
        member(b'1', b"a-1.0.0/hard", b""),
        member(b'3', b"a-1.0.0/device", b""),
        member(b'6', b"a-1.0.0/pipe", b""),
        member(b'Z', b"a-1.0.0/unknown", b"cargo writes this\n"),
        member(b'5', b"a-1.0.0/folder/", b""),
    ]);
    assert_eq!(
        oddities(&record),
        [
            Oddity::Symlink,
            Oddity::HardLink,
            Oddity::Device,
            Oddity::Fifo,
            Oddity::UnknownType,
            Oddity::LinkLeadsOut,
        ]
    );
    assert_eq!(record.facts.odd_entries[0].target.as_deref(), Some("/etc/x"));
    // What cargo would write as a file is listed as one.
    assert_eq!(record.facts.files, 3);
}

/// Keeps the last bytes of every path.
#[derive(Default)]
struct Seen(BTreeMap<String, Vec<u8>>);

impl Observer for Seen {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        self.0.insert(file.path.clone(), bytes.to_vec());
    }
}

fn link(kind: u8, path: &[u8], target: &[u8]) -> Vec<u8> {
    let mut header = member(kind, path, b"");
    header[157..157 + target.len()].copy_from_slice(target);
    seal(&mut header);
    header
}

#[test]
fn what_a_link_points_to_stands_at_the_links_place() {
    let packed = gzip(
        &[
            member(b'0', b"a-1.0.0/Cargo.toml", MANIFEST.as_bytes()),
            member(b'0', b"a-1.0.0/notes.txt", b"fn main() {}"),
            link(b'1', b"a-1.0.0/build.rs", b"a-1.0.0/notes.txt"),
            member(b'0', b"a-1.0.0/real/x.rs", b"before"),
            link(b'2', b"a-1.0.0/linked", b"real"),
            member(b'0', b"a-1.0.0/linked/x.rs", b"after"),
        ]
        .concat(),
    );
    let mut seen = Seen::default();
    let record = measure("a", "1.0.0", &packed, &BenignProfiles::embedded(), &mut seen).unwrap();
    assert_eq!(seen.0["build.rs"], b"fn main() {}");
    assert_eq!(seen.0["real/x.rs"], b"after", "written through the link");
    assert_eq!(record.facts.manifest.known().unwrap().build_scripts, ["build.rs"]);
}

#[test]
fn links_that_lead_out_are_facts_and_links_without_end_stop_the_reader() {
    let out = scan_members(&[link(b'2', b"a-1.0.0/build.rs", b"../b-1.0.0/x.rs")]);
    assert_eq!(oddities(&out), [Oddity::Symlink, Oddity::LinkLeadsOut]);
    let around =
        gzip(&[member(b'0', b"a-1.0.0/x.rs", b"x"), link(b'2', b"a-1.0.0/l", b".")].concat());
    let stopped = measure("a", "1.0.0", &around, &BenignProfiles::embedded(), &mut ());
    assert!(stopped.unwrap_err().to_string().contains("what links repeat"));
}

#[test]
fn odd_paths_are_facts() {
    for (path, expected) in [
        (&b"a-1.0.0/../../x"[..], &[Oddity::DotDot][..]),
        (b"/etc/x", &[Oddity::Absolute, Oddity::OutsideRoot]),
        (b"C:/x", &[Oddity::Absolute, Oddity::OutsideRoot]),
        (b"b-1.0.0/x", &[Oddity::OutsideRoot]),
        (b"a-1.0.0-evil/x", &[Oddity::OutsideRoot]),
        (b"a-1.0.0/x\\y", &[Oddity::Backslash]),
        (b"a-1.0.0/\xff", &[Oddity::NotUtf8]),
        ("a-1.0.0/x\u{202e}sr.".as_bytes(), &[Oddity::HiddenCharacters]),
        (b"a-1.0.0/x\ny", &[Oddity::HiddenCharacters]),
        (b"a-1.0.0//x", &[Oddity::Respelled]),
        (b"a-1.0.0/./x", &[Oddity::Respelled]),
        (b"a-1.0.0/x/", &[Oddity::Respelled]),
        (b"a-1.0.0/x/.", &[Oddity::Respelled]),
        (b"a-1.0.0/a.b/..c", &[]),
    ] {
        assert_eq!(oddities(&scan_members(&[member(b'0', path, b"x")])), expected, "{path:?}");
    }
}

#[test]
fn a_file_is_read_under_the_path_at_which_cargo_writes_it() {
    for path in [&b"a-1.0.0//build.rs"[..], b"a-1.0.0/build.rs/", b"a-1.0.0/.//build.rs/."] {
        let packed = gzip(
            &[
                member(b'0', b"a-1.0.0/Cargo.toml", MANIFEST.as_bytes()),
                member(b'5', b"a-1.0.0/src/", b""),
                member(b'0', b"a-1.0.0/build.rs", b"fn main() {}"),
                member(b'0', path, b"fn main() { other() }"),
            ]
            .concat(),
        );
        let mut seen = Seen::default();
        let record =
            measure("a", "1.0.0", &packed, &BenignProfiles::embedded(), &mut seen).unwrap();
        assert_eq!(seen.0["build.rs"], b"fn main() { other() }", "{path:?}");
        assert_eq!(oddities(&record), [Oddity::Respelled, Oddity::Duplicate]);
    }
}

#[test]
fn in_the_oldest_format_a_name_with_a_slash_is_a_folder() {
    let mut block = member(b'0', b"a-1.0.0/build.rs/", b"");
    block[257..265].fill(0);
    seal(&mut block[..512]);
    let record = scan_members(&[member(b'0', b"a-1.0.0/build.rs", b"x"), block]);
    assert_eq!(oddities(&record), []);
    assert_eq!(record.listing.files[0].size, 1);
}

#[test]
fn a_path_that_is_not_utf8_keeps_its_bytes_readable() {
    let record = scan_members(&[member(b'0', b"a-1.0.0/caf\xe9.txt", b"x")]);
    assert_eq!(record.listing.files[0].path, "caf\\xe9.txt");
}

#[test]
fn of_two_members_of_one_path_the_last_is_listed() {
    let record = scan_members(&[
        member(b'0', b"a-1.0.0/x", b"first"),
        member(b'0', b"a-1.0.0/./x", b"the second"),
        member(b'0', b"a-1.0.0/X", b""),
    ]);
    assert_eq!(oddities(&record), [Oddity::Respelled, Oddity::Duplicate, Oddity::CaseClash]);
    assert_eq!(record.facts.files, 2);
    assert_eq!(record.listing.files[1].size, 10);
}

#[test]
fn an_import_library_is_noise_inside_its_profile_and_counted_outside() {
    let mut stub = vec![0_u8, 0, 0xff, 0xff, 0, 0, 0x64, 0x86, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
    stub.extend(b"f\0d\0");
    let mut library = b"!<arch>\n".to_vec();
    library.extend(format!("{:<16}{:<32}{:<10}`\n", "d/", 0, stub.len()).as_bytes());
    library.extend(stub);
    let packed = crate_archive("windows_x86_64_msvc-0.52.6", &[("lib/windows.lib", &library)]);
    let profiles = BenignProfiles::embedded();
    let inside =
        measure("windows_x86_64_msvc", "0.52.6", &packed, &profiles, &mut ()).unwrap().facts;
    assert_eq!((inside.import_libraries, inside.import_libraries_outside_profiles), (1, 0));
    let outside = scan_files(&[("lib/windows.lib", &library)]).facts;
    assert_eq!((outside.import_libraries, outside.import_libraries_outside_profiles), (1, 1));
    assert!(inside.binaries.is_empty() && outside.binaries.is_empty());
}

#[test]
fn a_profile_covers_a_class_and_not_a_name() {
    let profiles = BenignProfiles::embedded();
    let path = "pregenerated/aesni-x86_64-nasm.o";
    assert_eq!(profiles.covering("ring", path, FileClass::Object), Some("ring-pregenerated"));
    assert_eq!(profiles.covering("ring", path, FileClass::Executable), None);
    assert_eq!(profiles.covering("rlng", path, FileClass::Object), None);
    assert_eq!(profiles.covering("ring", "pregenerated/x/y.o", FileClass::Object), None);
}

#[test]
fn the_manifest_tells_roles_wherever_it_comes_in_the_archive() {
    let manifest = format!(
        "{MANIFEST}build = 'build/main.rs'\n[[example]]\nname = 'e'\npath = 'demo/e.bin'\n"
    );
    let files = [
        "a/x.bin",
        "build/main.rs",
        "build/table.bin",
        "demo/e.bin",
        "tests/files/x.xz",
        "benches/b.bin",
        "src/table.bin",
        "docs/logo.bin",
        "vendor/x.S",
    ];
    let facts = scan_manifest(&manifest, &files);
    assert_eq!(facts.manifest.known().unwrap().build_scripts, ["build/main.rs"]);
    for (path, expected) in [
        ("a/x.bin", FileRole::Other),
        ("build/main.rs", FileRole::BuildInput),
        ("build/table.bin", FileRole::BuildInput),
        ("demo/e.bin", FileRole::Example),
        ("tests/files/x.xz", FileRole::Fixture),
        ("benches/b.bin", FileRole::Bench),
        ("src/table.bin", FileRole::Source),
        ("docs/logo.bin", FileRole::Doc),
        ("vendor/x.S", FileRole::VendoredNative),
    ] {
        assert_eq!(role(&facts, path), expected, "{path}");
    }
}

#[test]
fn a_build_script_is_found_as_cargo_finds_it() {
    let scripts = |build: &str, files: &[&str]| {
        let facts = scan_manifest(&format!("{MANIFEST}{build}"), files);
        facts.manifest.known().unwrap().build_scripts.clone()
    };
    assert_eq!(scripts("", &["build.rs"]), ["build.rs"]);
    assert_eq!(scripts("build = true", &["build.rs"]), ["build.rs"]);
    assert_eq!(scripts("build = false", &["build.rs"]), [""; 0]);
    assert_eq!(scripts("", &["src/build.rs"]), [""; 0]);
    assert_eq!(scripts("build = './gen.rs'", &["build.rs"]), ["gen.rs"]);
    assert_eq!(scripts("build = ['a.rs', 'b.rs']", &[]), ["a.rs", "b.rs"]);
}

#[test]
fn build_dependencies_go_by_the_names_of_their_crates() {
    let facts = scan_manifest(
        &format!(
            "{MANIFEST}links = 'z'\n[lib]\nproc-macro = true\n[build-dependencies]\ncc = '1'\n\
             http = {{ package = 'ureq', version = '2' }}\n\
             [target.'cfg(unix)'.build-dependencies.bindgen]\nversion = '1'\n"
        ),
        &[],
    );
    let manifest = facts.manifest.known().unwrap();
    assert_eq!(manifest.build_dependencies, ["bindgen", "cc", "ureq"]);
    assert!(manifest.proc_macro);
    assert_eq!(manifest.links.as_deref(), Some("z"));
}

#[test]
fn a_missing_or_malformed_manifest_is_unknown_and_not_empty() {
    assert_eq!(scan_files(&[]).facts.manifest, Measured::unknown("the archive has no Cargo.toml"));
    for manifest in ["[package", "package = 3", "[dependencies]\n", "\u{feff}[package]\nname='"] {
        let facts = scan_manifest(manifest, &[]);
        assert!(facts.manifest.known().is_none(), "{manifest}");
    }
    let deep = format!("{MANIFEST}x = {}", "[".repeat(100_000));
    assert!(scan_manifest(&deep, &[]).manifest.known().is_none());
}

#[test]
fn another_crate_under_this_name_is_seen() {
    let facts = scan_manifest("[package]\nname = 'b'\nversion = '1.0.0'\n", &[]);
    assert!(!facts.manifest.known().unwrap().declares_expected);
}

#[test]
fn vcs_information_is_unknown_where_it_cannot_be_read() {
    for malformed in [&b"{}"[..], b"<html>", br#"{"git":{"sha1":"HEAD"}}"#] {
        let vcs = scan_files(&[(".cargo_vcs_info.json", malformed)]).facts.vcs;
        assert!(vcs.present && vcs.sha1.known().is_none());
    }
    let missing = scan_files(&[]).facts.vcs;
    assert!(!missing.present && missing.dirty.known().is_none());
    let dirty = br#"{"git":{"sha1":"0123456789abcdef0123456789abcdef01234567","dirty":true}}"#;
    let vcs = scan_files(&[(".cargo_vcs_info.json", dirty)]).facts.vcs;
    assert_eq!(vcs.dirty, Measured::Known(true));
}

#[test]
fn a_broken_archive_names_its_reason_and_keeps_what_was_read() {
    let mut tar = member(b'0', b"a-1.0.0/Cargo.toml", MANIFEST.as_bytes());
    tar.extend(member(b'0', b"a-1.0.0/cut", &[1; 600]));
    tar.truncate(tar.len() - 512);
    let broken = measure("a", "1.0.0", &gzip(&tar), &BenignProfiles::embedded(), &mut ());
    let Err(ArchiveError::Broken { partial, source, .. }) = broken else { panic!("not broken") };
    assert!(matches!(source, GzipTarError::ShortMember { .. }));
    assert_eq!(partial.facts.files, 1);
    let html = measure("a", "1.0.0", b"<html>", &BenignProfiles::embedded(), &mut ());
    assert!(html.unwrap_err().to_string().contains("not a gzip file"));
}

#[test]
fn a_long_list_keeps_what_tells_most_and_counts_the_rest() {
    let profiles = BenignProfiles::embedded();
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let mut tar = Vec::new();
    for number in 0..LISTED {
        tar.extend(member(b'0', format!("a-1.0.0/{number}.png").as_bytes(), picture));
    }
    tar.extend(member(b'0', b"a-1.0.0/zzz.bin", b"\0\x01\x02"));
    let facts = measure("a", "1.0.0", &gzip(&tar), &profiles, &mut ()).unwrap().facts;
    assert_eq!((facts.binaries.len(), facts.binaries_omitted), (LISTED, 1));
    assert_eq!(facts.binaries.last().unwrap().path, "zzz.bin");
}

#[test]
fn the_observer_sees_every_file_with_its_bytes() {
    struct Sum(u64);
    impl Observer for Sum {
        fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
            assert_eq!(file.size, bytes.len() as u64);
            self.0 += file.size;
        }
    }
    let mut sum = Sum(0);
    let packed = crate_archive("a-1.0.0", &[("x", b"12345"), ("y", b"678")]);
    measure("a", "1.0.0", &packed, &BenignProfiles::embedded(), &mut sum).unwrap();
    assert_eq!(sum.0, 8);
}

#[test]
fn a_record_comes_back_from_json_as_it_was() {
    let record = scan_files(&[("Cargo.toml", MANIFEST.as_bytes()), ("x.bin", &[0; 5000])]);
    let json = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<ArchiveRecord>(&json).unwrap(), record);
}

#[test]
fn the_collector_version_is_raised_when_the_facts_change_their_form() {
    let mut crc = flate2::Crc::new();
    for schema in [schema_for!(ArchiveFacts), schema_for!(ArchiveListing)] {
        let mut schema = serde_json::to_value(schema).unwrap();
        without_prose(&mut schema);
        crc.update(schema.to_string().as_bytes());
    }
    // Changed on purpose? Then raise COLLECTOR_VERSION and write the new pair here.
    assert_eq!((COLLECTOR_VERSION, crc.sum()), (3, 1_530_029_360));
}

/// Takes the descriptions out of a schema: their wording is not part of the form.
fn without_prose(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(map) => {
            map.remove("description");
            map.values_mut().for_each(without_prose);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_prose),
        _ => {}
    }
}
