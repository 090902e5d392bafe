//! Real crates of the registry, each with the verdict that people gave it: the two poisoned families, the
//! honest downloaders of the AI world, and the hard negatives that every tool trips over. What knows the
//! answer by name (the hash table, advisories, yanked releases) is switched off. Run by CI with
//! `cargo test -- --ignored`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use cargo_custody::audit::{self, Audit, Request};
use cargo_custody::collectors;
use cargo_custody::config::Policy;
use cargo_custody::domain::Level;
use cargo_custody::heuristics;
use cargo_custody::net::BaseUrls;
use cargo_custody::walker;

/// Name, version, SHA-256 of the archive, and all findings above `note`.
type Verdict = (&'static str, &'static str, &'static str, &'static [&'static str]);

const CRATES: &[Verdict] = &[
    (
        "ort-sys",
        "2.0.0-rc.13",
        "cf211e3776eea6aec988552fa118dd746d70e1b1e5e244058d1c98015f3e5872",
        &["low build-download-verified"],
    ),
    (
        "ort-sys",
        "2.0.0-rc.15",
        "8d22b0417f1838db5a3ac0b3f98dfe39f6fb73624aa0a27c6bbb5040b9c7db2b",
        &["low build-download-verified"],
    ),
    (
        "torch-sys",
        "0.17.0",
        "ef116d446d79bb2447748550baee86850d2d32d366cc9bdd4b217bdbe10cac63",
        &["medium build-download-unverified"],
    ),
    (
        "torch-sys",
        "0.26.0",
        "5ae60ab95333c42adcc1a9e74057357e4324a1f344c403e48712a144ab731019",
        &["medium build-download-unverified"],
    ),
    (
        "intel-mkl-src",
        "0.8.1",
        "2ee70586cd5b3e772a8739a1bd43eaa90d4f4bf0fb2a4edc202e979937ee7f5e",
        &["medium build-download-unverified"],
    ),
    (
        "utoipa-swagger-ui",
        "9.0.2",
        "d047458f1b5b65237c2f6dc6db136945667f40a7668627b3490b9513a3d43a55",
        &["medium build-download-unverified"],
    ),
    ("ring", "0.17.14", "a4689e6c2294d81e88dc6261c768b63bc4fcdb852be6d1352498b114f61383b7", &[]),
    (
        "aws-lc-sys",
        "0.45.0",
        "9bff6c3b54fad79a2e60b8102caf565819711497c1f5f092f49508e2f5c31b27",
        &[],
    ),
    (
        "aws-lc-sys",
        "0.47.0",
        "8bfbe32ac36b3c428696ce315464181bc4029d689fd58e3f2a4e58c252242f52",
        &[],
    ),
    ("psm", "0.1.32", "4dcd034599e63b970727f70d79e02d62390a4a84f7c6b827c27c46d5ac3fa622", &[]),
    (
        "wit-bindgen",
        "0.57.1",
        "1ebf944e87a7c253233ad6766e082e3cd714b5d03812acc24c318f549614536e",
        &[],
    ),
    (
        "zstd-sys",
        "2.1.3+zstd.1.5.7",
        "f729a06d0257428fd9d997ac8db7e1407bd0262ab016b085b36bc52957c0052d",
        &[],
    ),
    (
        "bzip2-sys",
        "0.1.13+1.0.8",
        "225bff33b2141874fe80d71e07d6eec4f85c5c216453dd96388240f96e1acc14",
        &[],
    ),
    (
        "libgit2-sys",
        "0.18.8+1.9.7",
        "7f7c568b25d7489bc3fb2988ed69ab111d2944d2f5fec3d5c987fe545ea97b50",
        &[],
    ),
    (
        "openssl-sys",
        "0.9.118",
        "19c413d6ec9ebaf5e1c829d355cb3e9f783778d700f135be0921d52fce3c60ae",
        &[],
    ),
    (
        "libsqlite3-sys",
        "0.35.0",
        "133c182a6a2c87864fe97778797e46c7e999672690dc9fa3ee8e241aa4a9c13f",
        &[],
    ),
    ("esaxx-rs", "0.1.10", "d817e038c30374a4bcb22f94d0a8a0e216958d4c3dcde369b1439fec4bdda6e6", &[]),
    ("onig_sys", "69.9.3", "1e68317604e77e53b85896388e1a803c1d21b74c899ec9e5e1112db90735edd7", &[]),
    (
        "llama-cpp-sys-2",
        "0.1.161",
        "e9bea77fde41bbc15a278891cd5edd2ba07c5260d162614b41080ba1f100b39b",
        &[],
    ),
    (
        "tokenizers",
        "0.22.2",
        "b238e22d44a15349529690fb07bd645cf58149a1b1e44d6cb5bd1641ff1a6223",
        &[],
    ),
    (
        "tokenizers",
        "0.23.2",
        "7afbf6e88718afcc138bad01d6ccc3051dbbc3b2ce9793d8b8a3aeb610969cfc",
        &[],
    ),
    (
        "candle-kernels",
        "0.9.2",
        "b8455f84bd810047c7c41216683c1020c915a9f8a740b3b0eabdd4fb2fbaa660",
        &[],
    ),
    (
        "candle-onnx",
        "0.9.1",
        "8a8fa227a8176fd9b8fb58d63c908c08ad3af1503ee6fcd058be072a598044d2",
        &[],
    ),
    ("hf-hub", "0.4.3", "629d8f3bbeda9d148036d6b0de0a3ab947abd08ce90626327fc3547a49d59d97", &[]),
    ("serde", "1.0.228", "9a8e94ea7f378bd32cbbd37198a4a91436180c5bb472411e48b5ec2e2124ae9e", &[]),
    ("anyhow", "1.0.104", "330a5ed07fa54e4702c9d6c4174f74427fc0ef6e214bbd677ae50a5099946470", &[]),
    ("libc", "0.2.177", "2874a2af47a2325c2001a6e6fad9b16a53b802102b528163885171cf92b15976", &[]),
    (
        "proc-macro2",
        "1.0.103",
        "5ee95bc4ef87b8d5ba32e8b7714ccc834865276eab0aed5c9958d00ec45f49e8",
        &[],
    ),
    ("libm", "0.2.15", "f9fbbcab51052fe104eb5e5d351cf728d30a5be1fe14d9be8a3b097481fb97de", &[]),
    (
        "libloading",
        "0.8.9",
        "d7c4b02199fee7c5d21a5ae7d8cfa79a6ef5bb2fc834d6e9058e89c825efdc55",
        &[],
    ),
    ("flate2", "1.1.5", "bfe33edd8e85a12a67454e37f8c75e730830d83e313556ab9ebf9ee7fbeb3bfb", &[]),
    (
        "lazy_static",
        "1.5.0",
        "bbd2bcb4c963f2ddae06a2efc7e9f3591312473c50c6685e1f298068316e66fe",
        &[],
    ),
    (
        "windows_x86_64_msvc",
        "0.53.1",
        "d6bbff5f0aada427a1e5a6da5f1f98158182f26556f345ac9e04d36d0ebed650",
        &[],
    ),
    (
        "winapi-x86_64-pc-windows-gnu",
        "0.4.0",
        "712e227841d057c1ee1cd2fb22fa7e5a5461ae8e48fa2ca79ec42cfc1931183f",
        &[],
    ),
    ("hmac", "0.12.1", "6c49c37c09c17a53d937dfbb742eb3a961d65a994e6bcdcf37e7399d0cc8ab5e", &[]),
    (
        "serde_derive",
        "1.0.171",
        "389894603bd18c46fa56231694f8d827779c0951a667087194cf9de94ed24682",
        &[],
    ),
    (
        "serde_derive",
        "1.0.172",
        "d37fc147b26555e4a092321832edb03124603c0a456c449ecb589ed05bf91f89",
        &["high binary-in-proc-macro"],
    ),
    (
        "liblzma-sys",
        "0.2.1",
        "2f2e9322202b560a0bea52dfe18ce68ae7e965632817384200338554d73933da",
        &[],
    ),
    (
        "liblzma-sys",
        "0.2.5",
        "be9aaba5f9c8f8f615d41570909338b6284fbb1813dc057ecc68563d98a65097",
        &["low new-opaque-file-appeared"],
    ),
    (
        "liblzma-sys",
        "0.3.0",
        "ac1124ae12ab2748227b1302133d48a752c5f92340d85a28a53cee3d71b2c86b",
        &["high compromised-upstream-with-payload"],
    ),
    (
        "liblzma-sys",
        "0.3.1",
        "0019848912779cb63c3bf66aa80d523d5b3b6227961b767a6ab5c1ae0535ca6d",
        &[
            "high compromised-upstream-with-payload",
            "medium fixture-bytes-changed",
            "medium sabotaged-probe",
        ],
    ),
    (
        "liblzma-sys",
        "0.3.2",
        "480f1c082cb750fec42154161f91a1cdaa86a51e47a01d2aa7514a6bf6f7fb26",
        &["high compromised-upstream-with-payload", "medium sabotaged-probe"],
    ),
    (
        "liblzma-sys",
        "0.3.3",
        "2897528b23db157f02481ed7dd11d05421885fd5b5b4020c5ddb95bef6d47b4a",
        &["low compromised-upstream-sources", "medium sabotaged-probe"],
    ),
];

/// Rules that know the answer beforehand.
const KNOWN_ANSWERS: [&str; 6] = [
    "known-bad-file",
    "yanked-in-lock",
    "advisory-malicious",
    "advisory-vulnerability",
    "advisory-unmaintained",
    "advisory-unsound",
];

/// Crates of the registry that some of them call at build time.
const HELPERS: [(&str, &str, &str); 2] = [
    ("intel-mkl-tool", "0.8.1", "887a16b4537d82227af54d3372971cfa5e0cde53322e60f57584056c16ada1b4"),
    ("ocipkg", "0.2.9", "9bb3293021f06540803301af45e7ab81693d50e89a7398a3420bdab139e7ba5e"),
];

fn lockfile() -> String {
    let (mut names, mut packages) = (String::new(), String::new());
    let crates = CRATES.iter().map(|(name, version, hash, _)| (*name, *version, *hash));
    for (name, version, hash) in crates.chain(HELPERS) {
        let _ = writeln!(names, " \"{name} {version}\",");
        let _ = write!(
            packages,
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{}\"\nchecksum = \"{hash}\"\n",
            concat!("registry+https://github.com/rust-lang/", "crates.io-index")
        );
        if name == "intel-mkl-src" {
            packages.push_str("dependencies = [\n \"intel-mkl-tool\",\n \"ocipkg\",\n]\n");
        }
    }
    format!(
        "version = 4\n\n[[package]]\nname = \"live\"\nversion = \"0.0.0\"\ndependencies = [\n{names}]\n{packages}"
    )
}

/// Audits all of them at once, from Cargo's own cache as far as that has them.
fn audited() -> Audit {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("src")).expect("a folder");
    fs::write(folder.path().join("src/lib.rs"), "").expect("written");
    let manifest = "[package]\nname = \"live\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("written");
    fs::write(folder.path().join("Cargo.lock"), lockfile()).expect("written");
    let mut urls = BaseUrls::default();
    if let Ok(index) = std::env::var("CARGO_CUSTODY_INDEX") {
        urls.index = BaseUrls::checked("CARGO_CUSTODY_INDEX", &index).expect("an address");
    }
    let mut ruleset = heuristics::load(audit::schema(), &[]).expect("the rules load");
    ruleset.disable(KNOWN_ANSWERS).expect("there are such rules");
    let request = Request {
        notes: false,
        path: folder.path().to_owned(),
        walk: walker::Options::default(),
        gather: collectors::Options {
            urls,
            ..collectors::Options::new(
                "2026-11-23".parse().expect("a date"),
                home::cargo_home().expect("a home"),
                folder.path().join("cache"),
            )
        },
        policy: Policy::default(),
        fail_on: None,
        ruleset: Arc::new(ruleset),
        base: None,
        baseline: None,
        strict_unknown: false,
    };
    audit::run(&request).expect("audits")
}

#[test]
#[ignore = "live"]
fn live_every_named_crate_has_the_verdict_that_people_gave_it() {
    let audit = audited();
    let mut found: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    for finding in &audit.report.findings {
        if finding.level > Level::Note {
            let key = (finding.subject.name.as_str(), finding.subject.version.as_str());
            let told = format!("{} {}", finding.level.as_str(), finding.rule.as_str());
            found.entry(key).or_default().insert(told);
        }
    }
    let mut wrong = String::new();
    for (name, version, _, wanted) in CRATES {
        let fired = found.remove(&(name, version)).unwrap_or_default();
        let wanted: BTreeSet<String> = wanted.iter().map(|text| (*text).to_owned()).collect();
        if fired != wanted {
            let _ = writeln!(wrong, "{name} {version}\n  people {wanted:?}\n  tool   {fired:?}");
        }
    }
    // An archive that could not be had would look innocent.
    for sheet in &audit.sheets {
        if let Some(archive) = sheet.facts.get("archive")
            && let Some(reason) = archive.get("$unknown")
        {
            let _ = writeln!(wrong, "{} {}: {reason}", sheet.subject.name, sheet.subject.version);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");

    // 0.3.0 to 0.3.1: both carriers are among the four test files that changed under their names.
    let changed = audit.report.findings.iter().find(|finding| {
        finding.rule.as_str() == "fixture-bytes-changed" && finding.subject.version == "0.3.1"
    });
    let files: Vec<&str> = changed
        .expect("it is in the table")
        .evidence
        .iter()
        .filter_map(|evidence| evidence.file.as_deref())
        .collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for carrier in ["bad-3-corrupt_lzma2.xz", "good-large_compressed.lzma"] {
        assert!(files.iter().any(|file| file.ends_with(carrier)), "{carrier}: {files:?}");
    }
}
