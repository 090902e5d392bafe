//! What a release checks less than an older one did, and what of it can be reviewed less.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::archive::ListedFile;
use super::build_code::BuildRecord;
use super::window::{Against, Now};
use crate_read::rust_source::{Capability, Check, CheckKind, Verification};

/// Most entries of the list.
const LISTED: usize = 64;

/// What became weaker.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Weakness {
    /// What is fetched was compared with a pinned digest, and is not any more.
    DigestPinDropped,
    /// A signature or the like was verified, and is not any more.
    VerificationDropped,
    /// A verification or comparison is there, and its result decides nothing any more.
    ResultDropped,
    /// Certificates of servers were checked, and are not any more.
    CertificatesIgnored,
    /// A whole commit id said what is fetched, and a branch does now.
    CommitBecameBranch,
    /// A source file is gone, and a file of the same name that nobody can read is new.
    SourceBecameBinary,
    /// The build script writes into the crate's own sources, and did not.
    WritesIntoSources,
}

/// One thing that became weaker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Weakened {
    /// What became weaker.
    pub what: Weakness,
    /// What was there, and what is there now.
    pub note: String,
    /// File inside the crate where it is seen; of the older release where it is gone.
    pub file: String,
    /// Line in that file, from 1; 0 for a whole file.
    pub line: u32,
}

/// Whether a release holds anything that an older one can have done better.
pub(super) fn could_be(code: &BuildRecord) -> bool {
    code.build.downloads.is_some() || checks(code).next().is_some()
}

/// Checks of all code of a crate.
fn checks(code: &BuildRecord) -> impl Iterator<Item = &Check> {
    code.build.checks.iter().chain(&code.at_run_time.checks)
}

/// What a release checks less than an older one, sorted.
pub(super) fn compare(now: &Now<'_>, then: &Against<'_>) -> Vec<Weakened> {
    let mut found = of_checks(now.code, then.code);
    found.extend(pin_dropped(now.code, then.code));
    found.extend(became_binary(&now.archive.listing.files, &then.listing.files));
    found.extend(writes_into_sources(now.code, then.code));
    found.sort();
    found.dedup();
    found.truncate(LISTED);
    found
}

fn of_checks(now: &BuildRecord, then: &BuildRecord) -> Vec<Weakened> {
    let kinds = |code| checks(code).map(|check| check.kind).collect::<BTreeSet<_>>();
    let (has, had) = (kinds(now), kinds(then));
    // Code that fetches or checks nothing any more is not weaker.
    let still_fetches = fetches(now);
    let mut found = Vec::new();
    let mut add = |what, note: &str, checks: Vec<&Check>| {
        for check in checks.into_iter().take(4) {
            let note = format!("{note}: {}", check.note);
            found.push(Weakened { what, note, file: check.file.clone(), line: check.line });
        }
    };
    let of = |code, kind| checks(code).filter(|check| check.kind == kind).collect::<Vec<_>>();
    let gone = |kind| had.contains(&kind) && !has.contains(&kind);
    let new = |kind| has.contains(&kind) && !had.contains(&kind);
    let verified = [CheckKind::Verified, CheckKind::DigestCompared];
    let checked = verified.iter().any(|kind| had.contains(kind));
    if new(CheckKind::ResultDropped) && checked {
        add(Weakness::ResultDropped, "decides nothing now", of(now, CheckKind::ResultDropped));
    }
    if new(CheckKind::CertificatesIgnored) && still_fetches && fetches(then) {
        add(Weakness::CertificatesIgnored, "new", of(now, CheckKind::CertificatesIgnored));
    }
    if gone(CheckKind::CommitPinned) && has.contains(&CheckKind::BranchFetched) && still_fetches {
        add(Weakness::CommitBecameBranch, "was pinned", of(then, CheckKind::CommitPinned));
        add(Weakness::CommitBecameBranch, "now", of(now, CheckKind::BranchFetched));
    }
    if gone(CheckKind::Verified) && still_fetches && !has.contains(&CheckKind::DigestCompared) {
        add(Weakness::VerificationDropped, "gone", of(then, CheckKind::Verified));
    }
    found
}

/// Whether any code of a crate fetches something.
fn fetches(code: &BuildRecord) -> bool {
    code.build.downloads.is_some()
        || code.at_run_time.capability_names.contains(&Capability::Download)
}

fn pin_dropped(now: &BuildRecord, then: &BuildRecord) -> Option<Weakened> {
    let of = |code: &BuildRecord| code.build.downloads.as_ref().map(|d| d.verification);
    let weak = [Verification::None, Verification::CacheKeyOnly];
    let is = of(now).is_some_and(|verification| weak.contains(&verification))
        && of(then) == Some(Verification::PinnedDigest);
    let place = then.build.downloads.as_ref()?.evidence.first()?;
    is.then(|| Weakened {
        what: Weakness::DigestPinDropped,
        note: format!("gone: {}", place.note),
        file: place.file.clone(),
        line: place.line,
    })
}

/// Sources by folder and stem that are gone, beside binary files of the same stem that are new.
fn became_binary(now: &[ListedFile], then: &[ListedFile]) -> Vec<Weakened> {
    let paths = |files: &[ListedFile]| -> BTreeSet<String> {
        files.iter().map(|file| file.path.clone()).collect()
    };
    let (has, had) = (paths(now), paths(then));
    let gone: BTreeMap<String, &str> = then
        .iter()
        .filter(|file| is_source(&file.path) && !has.contains(&file.path))
        .map(|file| (stem(&file.path), file.path.as_str()))
        .collect();
    let new = now.iter().filter(|file| !had.contains(&file.path) && file.class.could_carry());
    let replaced = new.filter_map(|file| Some((file, gone.get(&stem(&file.path))?)));
    let weakened = replaced.map(|(file, source)| Weakened {
        what: Weakness::SourceBecameBinary,
        note: format!("instead of {source}"),
        file: file.path.clone(),
        line: 0,
    });
    weakened.take(LISTED).collect()
}

fn is_source(path: &str) -> bool {
    let known = [
        "rs", "c", "cc", "cpp", "cxx", "h", "hpp", "s", "asm", "m", "mm", "py", "sh", "js", "ts",
        "wat", "wit", "proto", "cu", "metal", "glsl", "hlsl", "wgsl", "json", "csv", "txt", "toml",
    ];
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| known.contains(&extension.as_str()))
}

/// The file's name without extension, without `lib` in front and what a target adds behind.
fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    stem.strip_prefix("lib").unwrap_or(stem).to_ascii_lowercase()
}

/// Build code that writes below the crate's own folder, where the older release's did not.
fn writes_into_sources(now: &BuildRecord, then: &BuildRecord) -> Vec<Weakened> {
    let into = |code: &BuildRecord| -> Vec<Weakened> {
        let hits = code.build.capabilities.iter().filter(|hit| !hit.generated);
        let writes = hits.filter(|hit| {
            hit.capability == Capability::WriteOutsideOutDir && is_own_source(&hit.detail)
        });
        let weakened = writes.map(|hit| Weakened {
            what: Weakness::WritesIntoSources,
            note: format!("writes {}", hit.detail),
            file: hit.file.clone(),
            line: hit.line,
        });
        weakened.collect()
    };
    if into(then).is_empty() && then.build.runs_at_build.known() == Some(&true) {
        into(now)
    } else {
        Vec::new()
    }
}

/// A place in the crate's own folder that is compiled.
fn is_own_source(path: &str) -> bool {
    let inside = path.strip_prefix("$CARGO_MANIFEST_DIR").unwrap_or(path);
    let inside = inside.trim_start_matches('/').trim_start_matches("./");
    let outside = inside.starts_with('$') || inside.starts_with("..") || path.starts_with('/');
    !outside && (inside.starts_with("src/") || is_source(inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::build_code::{SourceKeeper, capability_table};
    use crate_read::file_kind::FileClass;

    fn record(script: &str) -> BuildRecord {
        let mut keeper = SourceKeeper::new();
        keeper.file("Cargo.toml", b"[package]\nname = 'a'\nversion = '1.0.0'\n");
        keeper.file("build.rs", script.as_bytes());
        keeper.finish(capability_table())
    }

    /// What a change of the build script weakens.
    fn weakened(then: &str, now: &str) -> Vec<Weakness> {
        let (now, then) = (record(now), record(then));
        let mut found = of_checks(&now, &then);
        found.extend(pin_dropped(&now, &then));
        found.extend(writes_into_sources(&now, &then));
        let kinds: BTreeSet<Weakness> = found.into_iter().map(|one| one.what).collect();
        kinds.into_iter().collect()
    }

    const PINNED: &str = "use sha2::Digest;
        const PIN: &str = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\";
        fn main() {
            let b = ureq::get(\"https://example.invalid/a.tar\").call().unwrap().into_vec();
            let sum = hex::encode(sha2::Sha256::digest(&b));
            CHECK
            std::fs::write(concat!(env!(\"OUT_DIR\"), \"/a.tar\"), b).unwrap();
        }";

    #[test]
    fn a_digest_that_is_compared_no_more_is_told() {
        let pinned = PINNED.replace("CHECK", "if sum != PIN { panic!() }");
        let open = PINNED.replace("CHECK", "println!(\"{sum}\");");
        assert_eq!(weakened(&pinned, &open), [Weakness::DigestPinDropped]);
        assert_eq!(weakened(&pinned, &pinned), []);
        assert_eq!(weakened(&open, &pinned), [], "the other direction is stronger");
        let other = PINNED.replace("CHECK", "assert_eq!(sum, PIN);");
        assert_eq!(weakened(&pinned, &other), [], "compared in another way");
    }

    #[test]
    fn a_comparison_or_verification_whose_result_decides_nothing_is_told() {
        let pinned = PINNED.replace("CHECK", "if sum != PIN { panic!() }");
        for ignored in ["let _ = sum == PIN;", "let _same = sum == PIN;"] {
            let found = weakened(&pinned, &PINNED.replace("CHECK", ignored));
            assert!(found.contains(&Weakness::ResultDropped), "{ignored}: {found:?}");
        }
        let signed = |check: &str| {
            format!(
                "fn main() {{ let b = ureq::get(\"https://example.invalid/a\").call().unwrap().into_vec();
                 let key = minisign_verify::PublicKey::from_base64(\"RWQ\").unwrap();
                 {check} }}"
            )
        };
        let used = signed("key.verify(&b, &sig, false).unwrap();");
        for ignored in [
            "let _ = key.verify(&b, &sig, false);",
            "key.verify(&b, &sig, false).ok();",
            "key.verify(&b, &sig, false).is_ok();",
            "let _fine = key.verify(&b, &sig, false).is_ok();",
        ] {
            assert_eq!(weakened(&used, &signed(ignored)), [Weakness::ResultDropped], "{ignored}");
        }
        for still in [
            "key.verify(&b, &sig, false).expect(\"signed\");",
            "if key.verify(&b, &sig, false).is_err() { panic!() }",
            "match key.verify(&b, &sig, false) { Ok(()) => {} Err(_) => panic!() }",
            "let fine = key.verify(&b, &sig, false).is_ok(); assert!(fine);",
        ] {
            assert_eq!(weakened(&used, &signed(still)), [], "{still}");
        }
        assert_eq!(weakened(&used, &signed("")), [Weakness::VerificationDropped]);
    }

    #[test]
    fn certificates_that_are_checked_no_more_are_told() {
        let client = |how: &str| {
            format!(
                "fn main() {{ let c = reqwest::blocking::Client::builder(){how}.build().unwrap();
                 let b = c.get(\"https://example.invalid/a\").send().unwrap(); }}"
            )
        };
        let off = client(".danger_accept_invalid_certs(true)");
        assert_eq!(weakened(&client(""), &off), [Weakness::CertificatesIgnored]);
        assert_eq!(weakened(&client(""), &client(".danger_accept_invalid_certs(false)")), []);
        let curl = |flags: &str| {
            format!(
                "fn main() {{ std::process::Command::new(\"curl\").args([{flags}, \"https://example.invalid/a\"]).output().unwrap(); }}"
            )
        };
        assert_eq!(weakened(&curl("\"-sL\""), &curl("\"-sLk\"")), [Weakness::CertificatesIgnored]);
        assert_eq!(weakened(&curl("\"-sL\""), &curl("\"-fsSL\"")), []);
    }

    #[test]
    fn a_commit_that_became_a_branch_is_told() {
        let git = |last: &str| {
            format!("fn main() {{ std::process::Command::new(\"git\").args([\"clone\", \"https://example.invalid/a.git\", \"a\"]).status().unwrap();
             std::process::Command::new(\"git\").args([\"checkout\", \"{last}\"]).status().unwrap(); }}")
        };
        let commit = git("0123456789abcdef0123456789abcdef01234567");
        let found = weakened(&commit, &git("main"));
        assert!(found.contains(&Weakness::CommitBecameBranch), "{found:?}");
        assert_eq!(weakened(&commit, &git("fedcba9876543210fedcba9876543210fedcba98")), []);
    }

    #[test]
    fn a_build_script_that_begins_to_write_sources_is_told() {
        let write =
            |place: &str| format!("fn main() {{ std::fs::write({place}, \"x\").unwrap(); }}");
        let out = write("format!(\"{}/t.rs\", std::env::var(\"OUT_DIR\").unwrap())");
        let own = write("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/t.rs\")");
        assert_eq!(weakened(&out, &own), [Weakness::WritesIntoSources]);
        assert_eq!(weakened(&own, &own), []);
        assert_eq!(weakened(&own, &out), []);
    }

    #[test]
    fn a_source_that_gives_way_to_a_binary_of_its_name_is_told() {
        let file = |path: &str, class| ListedFile {
            path: path.to_owned(),
            size: 9,
            mode: 0o644,
            sha256: path.to_owned(),
            class,
        };
        let then = [file("src/simd.c", FileClass::Text), file("src/lib.rs", FileClass::Text)];
        let now = [file("lib/libsimd.a", FileClass::StaticLibrary), then[1].clone()];
        let found = became_binary(&now, &then);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].file.as_str(), found[0].note.as_str()),
            ("lib/libsimd.a", "instead of src/simd.c")
        );
        let beside = [now[0].clone(), then[0].clone(), then[1].clone()];
        assert_eq!(became_binary(&beside, &then), [], "the source is still there");
        let other = [file("lib/other.a", FileClass::StaticLibrary), then[1].clone()];
        assert_eq!(became_binary(&other, &then), []);
    }
}
