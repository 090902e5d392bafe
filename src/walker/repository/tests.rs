use std::path::Path;
use std::process::Command;

use super::*;

/// Runs git in a folder, with no configuration but ours.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
        .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Three commits on `main`, a tag on the second.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    git(at, &["init", "-q", "-b", "main"]);
    for number in 1..=3 {
        // Large and alike, so that git packs it as a delta.
        let text = format!("{}# {number}\n", "[[package]]\nname = \"filler\"\n".repeat(400));
        write(at, "Cargo.lock", &text);
        write(at, "sub/dir/Cargo.toml", &format!("# {number}\n"));
        write(at, "sub/dir/build.rs", "fn main() {}\n");
        write(at, "sub/dir/src/lib.rs", "\n");
        write(at, "sub/dir/README.md", "\n");
        write(at, "sub/node_modules/x.py", "\n");
        git(at, &["add", "-A"]);
        git(at, &["commit", "-q", "-m", "c"]);
        if number == 2 {
            git(at, &["tag", "-a", "v2", "-m", "t"]);
        }
    }
    folder
}

fn lock_of(folder: &Path, revision: &str) -> String {
    let repository = Repository::discover(folder).unwrap();
    let base = export(&repository, revision, "", "Cargo.lock").unwrap();
    let text = fs::read_to_string(base.folder().join("Cargo.lock")).unwrap();
    text.lines().last().unwrap().to_owned()
}

fn failure(folder: &Path, revision: &str) -> String {
    Repository::discover(folder).unwrap().resolve(revision).unwrap_err().to_string()
}

#[test]
fn revisions_name_the_commits_that_git_says_loose_and_packed() {
    let folder = repository();
    let at = folder.path();
    for packed in [false, true] {
        if packed {
            git(at, &["gc", "-q", "--aggressive"]);
        }
        let repository = Repository::discover(at).unwrap();
        let short = git(at, &["rev-parse", "--short=7", "main"]);
        for revision in [
            "main",
            "HEAD",
            "@",
            "HEAD~1",
            "HEAD^",
            "main^1~1",
            "HEAD~2",
            "v2",
            "v2^0",
            "refs/heads/main",
            &short,
        ] {
            let ours = repository.resolve(revision).unwrap().0.to_string();
            let theirs = git(at, &["rev-parse", &format!("{revision}^{{commit}}")]);
            assert_eq!(ours, theirs, "{revision}, packed {packed}");
        }
        assert_eq!(lock_of(at, "HEAD~2"), "# 1");
        assert_eq!(lock_of(at, "v2"), "# 2");
        assert_eq!(lock_of(at, "main"), "# 3");
    }
}

#[test]
fn only_files_that_an_audit_reads_are_written() {
    let folder = repository();
    let repository = Repository::discover(folder.path()).unwrap();
    let base = export(&repository, "main", "sub", "Cargo.lock").unwrap();
    assert!(base.folder().join("dir/Cargo.toml").is_file());
    assert!(base.folder().join("dir/build.rs").is_file());
    assert!(base.folder().join("dir/src/lib.rs").is_file(), "it can name models");
    assert!(!base.folder().join("dir/README.md").exists());
    assert!(!base.folder().join("node_modules").exists());
    let nothing = export(&repository, "main", "sub/elsewhere", "Cargo.lock").unwrap();
    assert_eq!(fs::read_dir(nothing.folder()).unwrap().count(), 0);
}

#[test]
fn a_worktree_shares_objects_and_branches() {
    let folder = repository();
    let elsewhere = tempfile::tempdir().unwrap();
    let tree = elsewhere.path().join("w");
    git(folder.path(), &["worktree", "add", "-q", "--detach", tree.to_str().unwrap(), "v2"]);
    assert_eq!(lock_of(&tree, "HEAD"), "# 2");
    assert_eq!(lock_of(&tree, "main"), "# 3");
}

#[test]
fn a_borrowed_object_is_found() {
    let folder = repository();
    let elsewhere = tempfile::tempdir().unwrap();
    let clone = elsewhere.path().join("c");
    let source = folder.path().to_str().unwrap();
    git(folder.path(), &["clone", "-q", "--shared", source, clone.to_str().unwrap()]);
    assert_eq!(lock_of(&clone, "origin/main"), "# 3");
    assert_eq!(lock_of(&clone, "origin"), "# 3");
}

#[test]
fn what_a_shallow_clone_lacks_is_told_with_the_depth_to_fetch() {
    let folder = repository();
    let elsewhere = tempfile::tempdir().unwrap();
    let clone = elsewhere.path().join("c");
    let source = format!("file://{}", folder.path().display());
    git(folder.path(), &["clone", "-q", "--depth=1", &source, clone.to_str().unwrap()]);
    assert_eq!(lock_of(&clone, "HEAD"), "# 3");
    let parent = failure(&clone, "HEAD^1");
    assert!(parent.contains("shallow clone") && parent.contains("fetch-depth: 2"), "{parent}");
    let branch = failure(&clone, "origin/release");
    assert!(branch.contains("git fetch --depth=1 origin release"), "{branch}");
}

#[test]
fn a_revision_that_is_none_is_refused_and_never_a_path() {
    let folder = repository();
    write(folder.path(), "secret", &"a".repeat(40));
    for revision in [
        "nowhere",
        "",
        "HEAD~99",
        "main:Cargo.lock",
        "HEAD@{1}",
        "a..b",
        "../../secret",
        ".git/HEAD",
        "HEAD^{tree}",
        "/etc/passwd",
        "main~99999999999999999999",
    ] {
        assert!(
            Repository::discover(folder.path()).unwrap().resolve(revision).is_err(),
            "{revision}"
        );
    }
    let blob = git(folder.path(), &["rev-parse", "HEAD:Cargo.lock"]);
    assert!(failure(folder.path(), &blob).contains("names no commit"));
}

#[test]
fn an_object_with_other_bytes_than_its_name_says_ends_the_run() {
    let folder = repository();
    let at = folder.path();
    let right = git(at, &["rev-parse", "HEAD:Cargo.lock"]);
    let wrong = git(at, &["rev-parse", "HEAD~1:Cargo.lock"]);
    let path = |hex: &str| at.join(".git/objects").join(&hex[..2]).join(&hex[2..]);
    fs::remove_file(path(&right)).unwrap();
    fs::copy(path(&wrong), path(&right)).unwrap();
    let repository = Repository::discover(at).unwrap();
    let error = export(&repository, "HEAD", "", "Cargo.lock").unwrap_err().to_string();
    assert!(error.contains("do not have its name"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_linked_lockfile_or_policy_in_the_base_is_refused() {
    for file in ["Cargo.lock", "custody.toml"] {
        let folder = repository();
        let at = folder.path();
        let _ = fs::remove_file(at.join(file));
        std::os::unix::fs::symlink("sub/dir/Cargo.toml", at.join(file)).unwrap();
        git(at, &["add", "-A"]);
        git(at, &["commit", "-q", "-m", "link"]);
        let repository = Repository::discover(at).unwrap();
        assert!(matches!(
            export(&repository, "HEAD", "", "Cargo.lock"),
            Err(RepositoryError::NotPlain { .. })
        ));
    }
}

#[test]
fn a_folder_in_no_repository_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = Repository::discover(folder.path()).unwrap_err().to_string();
    assert!(error.contains("in no git repository"), "{error}");
}
