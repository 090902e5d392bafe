//! `contrib/install-release.sh` puts a program into place only if it is the one that was promised.
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Output};

use sha2::{Digest as _, Sha256};

/// A folder of releases that holds 1.2.3 for this machine; the answer is the hash of the archive.
fn release(root: &Path) -> String {
    let shell = |script: &str| {
        let done = Command::new("bash").args(["-euc", script]).current_dir(root).output();
        assert!(done.expect("bash runs").status.success(), "{script}");
    };
    shell(
        "case $(uname -s)-$(uname -m) in
           Linux-x86_64) t=x86_64-unknown-linux-gnu ;; Linux-aarch64) t=aarch64-unknown-linux-gnu ;;
           Darwin-x86_64) t=x86_64-apple-darwin ;; *) t=aarch64-apple-darwin ;;
         esac
         n=cargo-custody-v1.2.3-$t; mkdir -p v1.2.3 $n; echo program > $n/cargo-custody
         tar -czf v1.2.3/$n.tar.gz $n; echo v1.2.3/$n > name",
    );
    let name = std::fs::read_to_string(root.join("name")).expect("was written");
    let archive = std::fs::read(root.join(format!("{}.tar.gz", name.trim()))).expect("was packed");
    let hash =
        Sha256::digest(archive).iter().fold(String::new(), |text, b| format!("{text}{b:02x}"));
    let list = root.join(format!("{}.sha256", name.trim()));
    std::fs::write(list, format!("{hash}  archive.tar.gz\n")).expect("is written");
    hash
}

fn install(root: &Path, version: &str, hash: &str) -> Output {
    Command::new("bash")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/install-release.sh"))
        .args([version, root.join("bin").to_str().expect("UTF-8"), hash])
        .env("CUSTODY_RELEASES", format!("file://{}", root.display()))
        .env_remove("GH_TOKEN")
        .output()
        .expect("bash runs")
}

#[test]
fn what_is_promised_is_put_into_place_by_its_own_hash_or_by_that_of_the_release() {
    for given in [true, false] {
        let root = tempfile::tempdir().expect("a folder");
        let hash = release(root.path());
        let done = install(root.path(), "1.2.3", if given { &hash } else { "" });
        assert!(done.status.success(), "{done:?}");
        let program = std::fs::read_to_string(root.path().join("bin/cargo-custody"));
        assert_eq!(program.expect("is in place"), "program\n");
    }
}

#[test]
fn another_hash_leaves_nothing_behind_and_no_release_is_told_apart_from_it() {
    let root = tempfile::tempdir().expect("a folder");
    release(root.path());
    assert_eq!(install(root.path(), "1.2.3", &"0".repeat(64)).status.code(), Some(1));
    assert_eq!(install(root.path(), "9.9.9", "").status.code(), Some(4));
    assert!(!root.path().join("bin").exists());
}
