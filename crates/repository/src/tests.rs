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
        .expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

const ROOT: &str = "[workspace]\nmembers = [\"x\"]\n[workspace.package]\nversion = \"1.2.0\"\n\
    [workspace.dependencies]\nserde = { version = \"1\", features = [\"std\"] }\n";
const ORIGINAL: &str = "[package]\nname = \"x\"\nversion.workspace = true\n[dependencies]\n\
    serde = { workspace = true, features = [\"derive\"] }\n[dev-dependencies]\nhelp = { path = \"../help\" }\n";
const IN_FORCE: &str = "[package]\nname = \"x\"\nversion = \"1.2.0\"\nbuild = \"build.rs\"\n[lib]\n\
    path = \"src/lib.rs\"\n[dependencies.serde]\nversion = \"1\"\nfeatures = [\"std\", \"derive\"]\n";

/// A workspace with one crate in `x`, whose licence is a link and whose readme lies above.
pub(crate) struct Sample {
    folder: tempfile::TempDir,
    commit: ObjectId,
}

impl Sample {
    /// A repository without commits.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        git(folder.path(), &["init", "-q", "-b", "main"]);
        let commit = ObjectId::from_hex(&"0".repeat(40)).expect("a name");
        Self { folder, commit }
    }

    pub(crate) fn at(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn head(&self) -> ObjectId {
        ObjectId::from_hex(&git(self.at(), &["rev-parse", "main"])).expect("a commit")
    }

    /// Adds a commit with these files to what `git fast-import` is told.
    #[expect(clippy::unused_self, reason = "reads as what it is done to")]
    pub(crate) fn stream(
        &self,
        stream: &mut String,
        (name, mail): (&str, &str),
        seconds: i64,
        files: &[(&str, &str)],
    ) {
        let head = format!("commit refs/heads/main\ncommitter {name} <{mail}> {seconds} +0000\n");
        stream.push_str(&head);
        stream.push_str("data 1\nc\n");
        for (path, text) in files {
            let file = format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len());
            stream.push_str(&file);
        }
        stream.push('\n');
    }

    pub(crate) fn import(&self, stream: &str) {
        use std::io::Write as _;
        let mut child = Command::new("git")
            .args(["fast-import", "--quiet"])
            .current_dir(self.at())
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("git runs");
        child.stdin.take().expect("piped").write_all(stream.as_bytes()).expect("is read");
        assert!(child.wait().expect("ends").success());
    }

    /// The same with all its files committed.
    pub(crate) fn committed(self) -> Self {
        git(self.at(), &["add", "-A"]);
        git(self.at(), &["commit", "-q", "-m", "c"]);
        Self { commit: self.head(), ..self }
    }

    fn new(pack: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        git(at, &["init", "-q", "-b", "main"]);
        for (path, text) in [
            ("Cargo.toml", ROOT),
            ("README.md", "read\n"),
            ("LICENSE-MIT", "licence\n"),
            ("x/Cargo.toml", ORIGINAL),
            ("x/build.rs", "fn main() {}\n"),
            ("x/src/lib.rs", "pub fn a() {}\n"),
            ("x/src/b.rs", "pub fn b() {}\n"),
        ] {
            let path = at.join(path);
            fs::create_dir_all(path.parent().expect("below")).expect("made");
            fs::write(path, text).expect("written");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("../LICENSE-MIT", at.join("x/LICENSE-MIT")).expect("linked");
        git(at, &["add", "-A"]);
        git(at, &["commit", "-q", "-m", "c"]);
        let commit = ObjectId::from_hex(&git(at, &["rev-parse", "HEAD"])).expect("a commit");
        if pack {
            git(at, &["repack", "-adq"]);
        }
        Self { folder, commit }
    }

    fn unexplained(&self, files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<ArchiveFile> =
            files.iter().map(|(path, text)| ArchiveFile::new(path, text.as_bytes())).collect();
        let repository = Repository::open(self.folder.path()).expect("opens");
        let compared = compare(&repository, &self.commit, Some("x"), &files, None).expect("reads");
        let compared = compared.expect("the commit is there").files.into_iter();
        compared.filter(|(_, o)| !matches!(o, FileOutcome::Explained(_))).map(|(p, _)| p).collect()
    }
}

fn honest() -> Vec<(&'static str, &'static str)> {
    vec![
        (".cargo_vcs_info.json", "{}"),
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"x\"\nversion = \"1.2.0\"\n"),
        ("Cargo.toml", IN_FORCE),
        ("Cargo.toml.orig", ORIGINAL),
        ("LICENSE-MIT", "licence\n"),
        ("README.md", "read\n"),
        ("build.rs", "fn main() {}\n"),
        ("src/b.rs", "pub fn b() {}\r\n"),
        ("src/lib.rs", "pub fn a() {}\n"),
    ]
}

/// The honest archive with one file changed or added.
fn grafted(path: &'static str, text: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut files = honest();
    files.retain(|(known, _)| *known != path);
    files.push((path, text));
    files
}

#[test]
fn an_honest_archive_is_explained_file_by_file() {
    for pack in [false, true] {
        assert_eq!(Sample::new(pack).unexplained(&honest()), Vec::<String>::new());
    }
}

#[test]
fn every_graft_is_noticed() {
    let sample = Sample::new(true);
    let more = "[package]\nname = \"x\"\nversion = \"1.2.0\"\nbuild = \"build.rs\"\n[lib]\n\
        path = \"src/lib.rs\"\n[dependencies.serde]\nversion = \"1\"\n\
        features = [\"std\", \"derive\"]\n[dependencies.evil]\nversion = \"1\"\n";
    for (path, text) in [
        ("src/lib.rs", "pub fn a() {}\npub fn c() {}\n"),
        ("src/new.rs", ""),
        ("build.rs", "fn main() { run() }\n"),
        ("Cargo.toml", more),
        ("Cargo.toml.orig", "[package]\nname = \"x\"\nversion = \"1.2.0\"\n"),
        ("tests/files/bad.xz", "\u{1}\u{2}"),
        ("m4/build-to-host.m4", "x"),
        ("src/lib.rs", "pub fn a()\r {}\n"),
        ("src/lib.rs", "pub fn a()\u{2028} {}\n"),
        ("src/lib.rs", "pub fn b() {}\n"),
        ("src/README.md", "read\n"),
        ("README.rs", "read\n"),
        ("NOTICE.inc", "licence\n"),
        ("COPYING", "licence\n"),
        ("Cargo.lock", "fn main() {}\n"),
        (".cargo_vcs_info.json", "{\"x\":\"aGk=\"}"),
        ("../Cargo.toml/x", ""),
    ] {
        let found = sample.unexplained(&grafted(path, text));
        assert!(found.iter().any(|seen| seen == path || seen == "Cargo.toml"), "{path} {text:?}");
    }
}

#[test]
fn an_lfs_pointer_explains_the_bytes_it_names() {
    let sample = Sample::new(false);
    let at = sample.folder.path();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:\
        ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\nsize 3\n";
    fs::write(at.join("x/weights"), pointer).expect("written");
    git(at, &["add", "-A"]);
    git(at, &["commit", "-q", "-m", "d"]);
    let commit = ObjectId::from_hex(&git(at, &["rev-parse", "HEAD"])).expect("a commit");
    let sample = Sample { commit, ..sample };
    assert!(sample.unexplained(&[("weights", "abc")]).is_empty());
    assert_eq!(sample.unexplained(&[("weights", "abd")]), ["weights"]);
}

#[test]
fn a_commit_is_reached_from_where_it_is() {
    let sample = Sample::new(false);
    let at = sample.folder.path();
    let main = sample.commit;
    let commit = |branch: &str| {
        git(at, &["commit", "-q", "--allow-empty", "-m", branch]);
        ObjectId::from_hex(&git(at, &["rev-parse", "HEAD"])).expect("a commit")
    };
    git(at, &["checkout", "-q", "-b", "side"]);
    let side = commit("side");
    let request = commit("request");
    git(at, &["update-ref", "refs/pull/7/head", &request.to_string()]);
    git(at, &["reset", "-q", "--hard", "HEAD~1"]);
    git(at, &["checkout", "-q", "main"]);
    let absent = ObjectId::from_hex(&"1".repeat(40)).expect("a name");
    let repository = Repository::open(at).expect("opens");
    let walk = ReachWalk::of(&repository, &[main, side, request, absent]).expect("walks");
    let classes = [main, side, request, absent].map(|id| walk.class(&id).expect("wanted"));
    let told = [Reach::DefaultBranch, Reach::OtherReference, Reach::RequestOnly, Reach::Absent];
    assert_eq!(classes, told);
    assert!(walk.complete);
}

#[test]
fn clones_are_found_by_their_remote_and_by_their_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("owner+two.git"));
    for at in [&one, &two] {
        fs::create_dir(at).expect("made");
    }
    git(&one, &["init", "-q"]);
    git(&one, &["remote", "add", "origin", "git@host.example:Owner/One.git"]);
    git(&two, &["init", "-q", "--bare"]);
    let place = Place::look(&[folder.path().to_owned()]);
    let find = |text: &str| place.of(&Address::parse(text)?).map(Path::to_owned);
    assert_eq!(find("https://host.example/owner/one/tree/main/x"), Some(one));
    assert_eq!(find("https://elsewhere.example/owner/two"), Some(two));
    assert_eq!(find("https://host.example/owner/three"), None);
    assert_eq!(find("nonsense"), None);
}
