//! Who brought the opaque files: a history with the dates of xz, day by day, and innocent ones beside it.

use base64::Engine as _;
use std::collections::{BTreeMap, BTreeSet};

use crate::make::{Made, Word};
use crate::sample::Sample;
use crate::{Audit, told};

/// Day of the first commit, 2019-01-01, and of others, in days since 1970.
pub const BEGIN: i64 = 17_897;
const HEIR_CAME: i64 = 19_030; // 2022-02-07
pub const FIRST_FILES: i64 = 19_745; // 2024-01-23
pub const IGNORED: i64 = 19_768; // 2024-02-15
const LAST_FILES: i64 = 19_776; // 2024-02-23
pub const RELEASED: i64 = 19_777; // 2024-02-24

const MANIFEST: &str = "[package]\nname = \"packer\"\nversion = \"1.2.0\"\nedition = \"2021\"\n\
    license = \"MIT\"\ndescription = \"d\"\nexclude = [\"/corpus\"]\n\
    repository = \"https://host.example/owner/sample\"\n";

/// Bytes that look random and do nothing.
pub fn noise(name: &str) -> Vec<u8> {
    Made::Word(Word::Noise(9_000)).bytes(name)
}

/// What somebody does on a day beyond the daily work.
pub struct Deed {
    day: i64,
    who: &'static str,
    path: &'static str,
    bytes: Vec<u8>,
}

pub fn deed(day: i64, who: &'static str, path: &'static str, bytes: Vec<u8>) -> Deed {
    Deed { day, who, path, bytes }
}

/// A history of daily work in which the heir slowly takes over, and of these deeds.
pub fn history(has_heir: bool, deeds: Vec<Deed>) -> Sample {
    let sample = Sample::new();
    let mut stream = Vec::new();
    let first: [(&str, &[u8]); 2] =
        [("Cargo.toml", MANIFEST.as_bytes()), ("src/lib.rs", b"pub fn a() {}\n")];
    Sample::stream(&mut stream, "Founder", BEGIN, &first);
    let mut deeds = deeds.into_iter().peekable();
    for week in 1.. {
        let day = BEGIN + week * 7;
        while let Some(deed) = deeds.next_if(|deed| deed.day < day.min(RELEASED + 1)) {
            Sample::stream(&mut stream, deed.who, deed.day, &[(deed.path, &deed.bytes)]);
        }
        if day > RELEASED {
            break;
        }
        let text = format!("// {day}\n");
        Sample::stream(&mut stream, "Founder", day, &[("src/a.rs", text.as_bytes())]);
        // From 2022-12 on as much as the founder, from 2023-06 on three times as much.
        let shares = i64::from(day > HEIR_CAME && week % 9 == 0)
            + i64::from(day > HEIR_CAME + 300)
            + 2 * i64::from(day > HEIR_CAME + 480);
        for number in 0..if has_heir { shares } else { 0 } {
            let text = format!("// {day} {number}\n");
            Sample::stream(&mut stream, "Heir", day, &[("src/b.rs", text.as_bytes())]);
        }
    }
    sample.import(&stream);
    sample
}

/// What is said on a day of what cargo packs on that day.
fn on(sample: &Sample, day: &str) -> BTreeSet<String> {
    sample.checkout(day);
    let archives = BTreeMap::from([("packer".to_owned(), sample.package("packer", "1.2.0"))]);
    let report = Audit::of(&archives).report_as_of(day, &[sample.at()]);
    told(&report).remove("packer").unwrap_or_default()
}

fn one(line: &str) -> BTreeSet<String> {
    BTreeSet::from([line.to_owned()])
}

#[test]
fn a_history_with_the_dates_of_xz_is_silent_then_high_then_critical() {
    let deeds = vec![
        deed(FIRST_FILES, "Heir", "tests/files/good-1.bin", noise("a")),
        deed(IGNORED, "Heir", "m4/.gitignore", b"build-to-host.m4\n".to_vec()),
        deed(LAST_FILES, "Heir", "tests/files/bad-2.bin", noise("b")),
        deed(RELEASED, "Heir", "CHANGES", b"1.2.0\n".to_vec()),
    ];
    let sample = history(true, deeds);
    for day in ["2021-06-01", "2023-03-18", "2023-10-01", "2024-01-22"] {
        assert_eq!(on(&sample, day), BTreeSet::new(), "{day}");
    }
    for day in ["2024-01-23", "2024-01-26", "2024-02-14"] {
        assert_eq!(on(&sample, day), one("high successor-adds-opaque-file"), "{day}");
    }
    assert_eq!(on(&sample, "2024-02-24"), one("critical successor-adds-opaque-build-input"));
}

#[test]
fn a_small_file_beside_a_hidden_build_input_is_seen_and_neither_alone_is() {
    let small = || deed(LAST_FILES, "Heir", "tests/files/bad-3.bin", noise("b")[..484].to_vec());
    let ignored = || deed(IGNORED, "Heir", "m4/.gitignore", b"build-to-host.m4\n".to_vec());
    let sample = history(true, vec![ignored(), small()]);
    let both = on(&sample, "2024-02-24");
    assert_eq!(both, one("medium build-input-newly-ignored-by-successor"));
    for (what, deeds) in [("a small file", vec![small()]), ("a pattern", vec![ignored()])] {
        assert_eq!(on(&history(true, deeds), "2024-02-24"), BTreeSet::new(), "{what}");
    }
    let founders = deed(LAST_FILES, "Founder", "tests/files/bad-3.bin", noise("b")[..484].to_vec());
    let twin = history(true, vec![ignored(), founders]);
    assert_eq!(on(&twin, "2024-02-24"), BTreeSet::new(), "the founder brought the file");
}

#[test]
fn what_the_history_tells_is_weighed_as_signals_and_shown_to_people() {
    let sample =
        history(true, vec![deed(FIRST_FILES, "Heir", "tests/files/good-1.bin", noise("a"))]);
    let key = |name: &str| {
        let blob = format!("SSHSIG\0\0\0\u{1}\0\0\0\u{3}{name}rest");
        let text = base64::engine::general_purpose::STANDARD.encode(blob);
        format!("-----BEGIN SSH SIGNATURE-----\n{text}\n-----END SSH SIGNATURE-----\n")
    };
    let mut stream = Vec::new();
    for (tag, who, day, text) in [
        ("v0.9.0", "Founder", HEIR_CAME - 500, key("one")),
        ("v1.0.0", "Founder", HEIR_CAME + 100, key("one")),
        ("v1.1.0", "Heir", RELEASED - 60, key("two")),
    ] {
        let head = format!(
            "tag {tag}\nfrom refs/heads/main\ntagger {who} <{}@mail.example> ",
            who.to_lowercase()
        );
        let rest = format!("{} +0000\ndata {}\n{text}\n", day * 86_400, text.len());
        stream.extend((head + &rest).into_bytes());
    }
    sample.import(&stream);
    sample.checkout("2024-02-24");
    let archives = BTreeMap::from([("packer".to_owned(), sample.package("packer", "1.2.0"))]);
    let audit = Audit::of(&archives);
    let told: serde_json::Value =
        serde_json::from_str(&audit.inspect("packer@1.2.0", sample.at(), &["--json"]))
            .expect("JSON");
    let signals: BTreeSet<&str> = told["signals"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|s| s["id"].as_str())
        .collect();
    for id in ["git-newcomer", "git-flip", "git-release-succession", "git-new-signing-key"] {
        assert!(signals.contains(id), "{id}: {signals:?}");
    }
    let facts = &told["sheet"]["facts"]["repository"];
    assert_eq!(facts["named_by"], "record");
    assert_eq!(facts["history"]["lines"][0]["integrators"][0]["name"], "Heir");
    let page = audit.inspect("packer@1.2.0", sample.at(), &[]);
    for line in [
        "2 generated",
        "let in by Heir",
        "v1.1.0 by Heir, 60 days ago: the first by this person, new key",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
}

/// A history in which somebody brings a file at the end under a date, and the founder goes on.
fn brought(who: &str, day: i64) -> Sample {
    let sample = history(true, vec![]);
    let mut stream = Vec::new();
    Sample::stream(&mut stream, who, day, &[("tests/files/good-1.bin", &noise("a"))]);
    let message = b"data 1\nc\n";
    let at = stream.windows(message.len()).position(|w| w == message).expect("a message");
    let at = at + message.len();
    stream.splice(at..at, b"from refs/heads/main^0\n".iter().copied());
    Sample::stream(&mut stream, "Founder", RELEASED, &[("src/a.rs", b"// last\n")]);
    sample.import(&stream);
    sample
}

#[test]
fn a_date_that_the_committer_chose_hides_nobody() {
    for day in [RELEASED - 1, RELEASED - 800, RELEASED + 400] {
        let told = on(&brought("Heir", day), "2024-02-24");
        assert_eq!(told, one("high successor-adds-opaque-file"), "{day}");
    }
}

#[test]
fn a_file_that_came_under_the_name_of_a_program_is_of_nobody_known() {
    let told = on(&brought("release-bot[bot]", RELEASED - 1), "2024-02-24");
    assert!(told.contains("medium program-adds-opaque-file"), "{told:?}");
    assert!(told.iter().any(|line| line.starts_with("undetermined: tests/files/")), "{told:?}");
    // The twin: nobody was followed, and a program changes a text.
    let sample = history(false, vec![]);
    assert_eq!(on(&sample, "2024-02-24"), BTreeSet::new());
}

#[test]
fn innocent_histories_are_quiet() {
    let picture = Made::Word(Word::Picture(3)).bytes("");
    let ignored = || deed(IGNORED, "Heir", ".gitignore", b"*.m4\n".to_vec());
    let twins = [
        ("a healthy succession", true, vec![]),
        ("an ignored build input alone", true, vec![ignored()]),
        (
            "a corpus that the archive leaves out",
            true,
            vec![deed(FIRST_FILES, "Heir", "corpus/a.bin", noise("a")), ignored()],
        ),
        (
            "a picture and a small file",
            true,
            vec![
                deed(FIRST_FILES, "Heir", "a.png", picture),
                deed(FIRST_FILES, "Heir", "tests/b.bin", noise("b")[..900].to_vec()),
            ],
        ),
        (
            "the founder's own file",
            true,
            vec![deed(FIRST_FILES, "Founder", "tests/a.bin", noise("a")), ignored()],
        ),
        (
            "a file from before the succession",
            true,
            vec![deed(HEIR_CAME + 100, "Heir", "tests/a.bin", noise("a"))],
        ),
        (
            "one maintainer and a stranger's file",
            false,
            vec![deed(FIRST_FILES, "Stranger", "tests/a.bin", noise("a"))],
        ),
    ];
    for (what, has_heir, deeds) in twins {
        assert_eq!(on(&history(has_heir, deeds), "2024-02-24"), BTreeSet::new(), "{what}");
    }
}

#[test]
fn a_shallow_clone_tells_nothing_of_who_brought_a_file() {
    let sample =
        history(true, vec![deed(FIRST_FILES, "Heir", "tests/files/good-1.bin", noise("a"))]);
    sample.checkout("2024-02-24");
    let archives = BTreeMap::from([("packer".to_owned(), sample.package("packer", "1.2.0"))]);
    let folder = tempfile::tempdir().expect("a folder");
    let source = format!("file://{}", sample.at().display());
    let clone = folder.path().join("owner+sample");
    let clone = clone.to_str().expect("UTF-8");
    sample.git(&["checkout", "-q", "main"]);
    sample.git(&["clone", "-q", "--depth=3", &source, clone]);
    let audit = Audit::of(&archives);
    let lines = told(&audit.report_as_of("2024-02-24", &[folder.path()])).remove("packer");
    let lines = lines.expect("it is told");
    assert!(lines.iter().all(|line| line.starts_with("undetermined: ")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("the clone is not complete")), "{lines:?}");
}

#[test]
fn the_file_of_a_submodule_is_followed_in_the_submodules_repository() {
    let upstream =
        history(true, vec![deed(FIRST_FILES, "Heir", "tests/files/good-1.bin", noise("a"))]);
    let url = "https://host.example/owner/upstream.git";
    upstream.git(&["remote", "set-url", "origin", url]);
    let head = upstream.git(&["rev-parse", "main"]);
    let sample = Sample::new();
    let manifest = MANIFEST.replace("packer", "packer-sys");
    sample.write("Cargo.toml", format!("{manifest}build = \"build.rs\"\n"));
    sample.write("src/lib.rs", "");
    sample.write(
        "build.rs",
        "fn main() {\n    let _ = std::fs::read(\"vendor/tests/files/good-1.bin\");\n}\n",
    );
    sample.write(".gitmodules", "[submodule \"v\"]\n\tpath = vendor\n\turl = ../upstream\n");
    sample.write("vendor/tests/files/good-1.bin", noise("a"));
    sample.git(&["add", "Cargo.toml", "src", "build.rs", ".gitmodules"]);
    sample.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},vendor")]);
    sample.git(&["commit", "-q", "-m", "c"]);
    let commit = sample.git(&["rev-parse", "HEAD"]);
    let mut files = crate::sample::Files::new();
    for path in ["src/lib.rs", "build.rs", "vendor/tests/files/good-1.bin"] {
        files.insert(path.to_owned(), std::fs::read(sample.at().join(path)).expect("is there"));
    }
    let manifest = std::fs::read(sample.at().join("Cargo.toml")).expect("is there");
    files.insert("Cargo.toml".to_owned(), manifest.clone());
    files.insert("Cargo.toml.orig".to_owned(), manifest);
    let record = format!("{{\"git\":{{\"sha1\":\"{commit}\"}},\"path_in_vcs\":\"\"}}");
    files.insert(".cargo_vcs_info.json".to_owned(), record.into_bytes());
    let audit = Audit::of(&BTreeMap::from([("packer-sys".to_owned(), files)]));
    let lines = |repos: &[&std::path::Path]| {
        told(&audit.report_as_of("2024-02-24", repos)).remove("packer-sys").unwrap_or_default()
    };
    let both = lines(&[sample.at(), upstream.at()]);
    assert_eq!(both, one("critical successor-adds-opaque-build-input"));
    let alone = lines(&[sample.at()]);
    assert!(
        !alone.is_empty() && alone.iter().all(|line| line.starts_with("undetermined: ")),
        "{alone:?}"
    );
    assert!(alone.iter().any(|line| line.contains("no clone of owner+upstream")), "{alone:?}");
}
