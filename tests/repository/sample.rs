//! Git repositories made from text, and archives that the real `cargo package` makes of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use custody_bytes::gzip_tar::{GzipTar, Limits};

/// The files of an archive, by path below the crate's folder.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A working copy and its repository.
pub struct Sample {
    folder: tempfile::TempDir,
}

impl Sample {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let sample = Self { folder };
        sample.git(&["init", "-q", "-b", "main"]);
        sample.git(&["remote", "add", "origin", "https://host.example/owner/sample.git"]);
        sample
    }

    pub fn at(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git, with no configuration but ours; what it says.
    pub fn git(&self, arguments: &[&str]) -> String {
        let date = "2026-01-01T00:00:00Z";
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"])
            .args(arguments)
            .current_dir(self.at())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.at())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", date)
            .env("GIT_COMMITTER_DATE", date)
            .output()
            .expect("git runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at().join(path);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }

    /// Commits all there is; the commit.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Adds a commit to what `git fast-import` is told, on the branch `main`: who, when in days since
    /// 1970, and files with their contents.
    pub fn stream(stream: &mut Vec<u8>, who: &str, day: i64, files: &[(&str, &[u8])]) {
        let seconds = day * 86_400 + i64::try_from(stream.len() % 40_000).expect("small");
        let mail = who.to_lowercase();
        let head = format!(
            "commit refs/heads/main\ncommitter {who} <{mail}@mail.example> {seconds} +0000\n\
             data 1\nc\n"
        );
        stream.extend(head.into_bytes());
        for (path, bytes) in files {
            let file = format!("M 100644 inline {path}\ndata {}\n", bytes.len());
            stream.extend(file.into_bytes());
            stream.extend_from_slice(bytes);
            stream.push(b'\n');
        }
        stream.push(b'\n');
    }

    /// Makes the commits of a stream, and checks the last one out.
    pub fn import(&self, stream: &[u8]) {
        use std::io::Write as _;
        let mut child = Command::new("git")
            .args(["fast-import", "--quiet"])
            .current_dir(self.at())
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("git runs");
        child.stdin.take().expect("piped").write_all(stream).expect("is read");
        assert!(child.wait().expect("ends").success());
        self.git(&["reset", "-q", "--hard", "main"]);
    }

    /// Checks out the last commit before the end of a day.
    pub fn checkout(&self, day: &str) {
        let until = format!("--until={day}T23:59:59Z");
        let commit = self.git(&["rev-list", "-1", &until, "main"]);
        self.git(&["checkout", "-q", "--detach", &commit]);
    }

    /// The archive that cargo makes of a member of the workspace.
    pub fn package(&self, name: &str, version: &str) -> Files {
        self.package_all(&[name], version).remove(name).expect("packed")
    }

    /// The archives that cargo makes of members of the workspace, in one run.
    pub fn package_all(&self, names: &[impl AsRef<str>], version: &str) -> BTreeMap<String, Files> {
        self.package_in(".", None, names, version)
    }

    /// The same from a folder of the working copy, with what cargo is to find in its home.
    pub fn package_in(
        &self,
        folder: &str,
        home: Option<&Path>,
        names: &[impl AsRef<str>],
        version: &str,
    ) -> BTreeMap<String, Files> {
        let target = tempfile::tempdir().expect("a folder");
        let members = names.iter().flat_map(|name| ["-p", name.as_ref()]);
        let mut command = Command::new(env!("CARGO"));
        command
            .args(["package", "--offline", "--no-verify", "--quiet"])
            .args(members)
            .arg("--target-dir")
            .arg(target.path())
            .current_dir(self.at().join(folder));
        if let Some(home) = home {
            command.env("CARGO_HOME", home);
        }
        let output = command.output().expect("cargo runs");
        assert!(
            output.status.success(),
            "{}: {}",
            names[0].as_ref(),
            String::from_utf8_lossy(&output.stderr)
        );
        let archives = names.iter().map(|name| {
            let root = format!("{}-{version}", name.as_ref());
            let archive = target.path().join("package").join(format!("{root}.crate"));
            (name.as_ref().to_owned(), unpacked(&fs::read(archive).expect("is there"), &root))
        });
        archives.collect()
    }
}

fn unpacked(archive: &[u8], root: &str) -> Files {
    let mut files = Files::new();
    let mut tar = GzipTar::new(archive, Limits::default(), Vec::new()).expect("is a gzip stream");
    while let Some(member) = tar.next().expect("is well formed") {
        let path = String::from_utf8(member.path.to_vec()).expect("UTF-8");
        let path = path.strip_prefix(&format!("{root}/")).expect("below the root").to_owned();
        files.insert(path, member.bytes.to_vec());
    }
    files
}
