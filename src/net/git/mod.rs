//! Git repositories of known hosts, fetched by a child `git` that is told everything: where to, what, and
//! nothing else. It gets an environment of our own and a repository whose configuration we wrote; it
//! runs no hook, asks nobody, follows no redirect, speaks https only, and is stopped at limits of time and
//! bytes. Started only where the user asked for it.

mod child;
mod remote;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use remote::{Base, Remote};

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file of the cache cannot be written or read.
    #[error("cannot write `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// There is no git, or it cannot be started.
    #[error("cannot start git: {0}")]
    Start(std::io::Error),
    /// It took too long.
    #[error("git was stopped after {0} seconds")]
    Time(u64),
    /// It received too much.
    #[error("git was stopped at {0} MiB")]
    Bytes(u64),
    /// It was promised too many objects.
    #[error("git was stopped: the host sends more than {0} objects")]
    Objects(u64),
    /// Git refused or the host did.
    #[error("git failed: {0}")]
    Failed(String),
}

/// How much one fetch may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time of one call of git.
    pub time: Duration,
    /// Bytes that the repository may have on disk afterwards.
    pub bytes: u64,
}

/// How much of a history is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The one commit and its folders.
    Commit,
    /// All commits before it and their folders: who brought what.
    History,
}

/// What else leads to commits, besides the default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// All branches.
    Branches,
    /// All tags.
    Tags,
}

/// How long it counts that nothing was found to lead to a commit.
const ASKED_FOR: Duration = Duration::from_hours(7 * 24);
/// Longest name of a tag.
const TAG_LIMIT: usize = 200;

/// Whether a name can be that of a tag and means nothing else to git.
fn is_tag(name: &str) -> bool {
    let fits =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@' | '+');
    let parts = || name.split('/');
    name.len() <= TAG_LIMIT
        && name.chars().all(fits)
        && !name.contains("..")
        && !name.contains("//")
        && parts().all(|part| !part.is_empty() && !part.starts_with('.'))
}

fn tag_pattern(name: &String) -> String {
    format!("+refs/tags/{name}*:refs/tags/{name}*")
}

/// Fetches into folders of a cache.
#[derive(Clone, Debug)]
pub struct Git {
    cache: PathBuf,
    base: Base,
    limits: Limits,
    whole: bool,
}

impl Git {
    /// Into this cache; from the hosts themselves or from the address of a test.
    #[must_use]
    pub fn new(cache: PathBuf, base: Base, limits: Limits) -> Self {
        Self { cache, base, limits, whole: false }
    }

    /// The same for repositories with all their file contents.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// Where the clone of a repository lies.
    #[must_use]
    pub fn folder(&self, remote: &Remote) -> PathBuf {
        self.cache.join(remote.host()).join(remote.folder_name())
    }

    /// Makes an empty repository whose configuration is ours, where there is none. Nothing is taken from
    /// a template of the machine.
    pub fn prepare(&self, remote: &Remote) -> Result<PathBuf, FetchError> {
        let folder = self.folder(remote);
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| FetchError::Io { path, source }
        };
        for below in ["objects/info", "objects/pack", "refs/heads"] {
            let path = folder.join(below);
            fs::create_dir_all(&path).map_err(io(&path))?;
        }
        let url = self.base.url(remote);
        let config = if self.whole {
            format!(
                "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\
                 [remote \"origin\"]\n\turl = {url}\n"
            )
        } else {
            format!(
                "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\
                 \tpartialClone = origin\n[remote \"origin\"]\n\turl = {url}\n\tpromisor = true\n\
                 \tpartialclonefilter = blob:none\n"
            )
        };
        // Written again each time: git may have added to it.
        for (name, text) in [("config", config.as_str()), ("HEAD", "ref: refs/heads/none\n")] {
            let path = folder.join(name);
            fs::write(&path, text).map_err(io(&path))?;
        }
        Ok(folder)
    }

    /// Fetches one commit, 40 hexadecimal digits, and tags that begin with one of these names, where there are
    /// such.
    pub fn commit(
        &self,
        remote: &Remote,
        commit: &str,
        depth: Depth,
        tags: &[String],
    ) -> Result<(), FetchError> {
        let folder = self.prepare(remote)?;
        let reference = format!("{commit}:refs/custody/{commit}");
        // With a star a tag that is not there is no error, and the host tells of no others.
        let tags: Vec<String> = tags.iter().filter(|tag| is_tag(tag)).map(tag_pattern).collect();
        let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
        let shallow = folder.join("shallow").exists();
        match depth {
            Depth::Commit => arguments.extend(["--depth=1", "--filter=blob:none"]),
            Depth::History if shallow => arguments.extend(["--unshallow", "--filter=blob:none"]),
            Depth::History => arguments.push("--filter=blob:none"),
        }
        arguments.extend(["--end-of-options", "origin", &reference]);
        arguments.extend(tags.iter().map(String::as_str));
        child::run(&folder, &arguments, None, &self.base, self.limits)
    }

    /// Fetches the default branch and either all other branches or all tags: the commits alone that lead to them,
    /// in a clone of single commits those since a time. These commits are asked for with them, or a host that has
    /// nothing as young would refuse.
    pub fn lines(
        &self,
        remote: &Remote,
        commits: &[String],
        since: i64,
        what: Lines,
    ) -> Result<(), FetchError> {
        let folder = self.prepare(remote)?;
        let since = format!("--shallow-since={since}");
        let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
        if folder.join("shallow").exists() {
            arguments.push(&since);
        }
        arguments.extend([
            "--filter=tree:0",
            "--end-of-options",
            "origin",
            "+HEAD:refs/custody/HEAD",
        ]);
        arguments.push(match what {
            Lines::Branches => "+refs/heads/*:refs/heads/*",
            Lines::Tags => "+refs/tags/*:refs/tags/*",
        });
        let own: Vec<String> =
            commits.iter().map(|commit| format!("{commit}:refs/custody/{commit}")).collect();
        arguments.extend(own.iter().map(String::as_str));
        child::run(&folder, &arguments, None, &self.base, self.limits)
    }

    /// Writes down, as a reference below `at`, that branches and tags were asked for what leads to a commit.
    pub fn was_asked(&self, remote: &Remote, at: &str, commit: &str) -> Result<(), FetchError> {
        let path = self.folder(remote).join(at).join(commit);
        let io = |source| FetchError::Io { path: path.clone(), source };
        fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(io)?;
        fs::write(&path, format!("{commit}\n")).map_err(io)
    }

    /// Whether that was written down within a week: maintainers push what was forgotten.
    #[must_use]
    pub fn is_asked(&self, remote: &Remote, at: &str, commit: &str) -> bool {
        let path = self.folder(remote).join(at).join(commit);
        let written = fs::metadata(path).and_then(|data| data.modified());
        written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age < ASKED_FOR))
    }

    /// Fetches the default branch and all tags with everything that leads to them.
    pub fn everything(&self, remote: &Remote) -> Result<PathBuf, FetchError> {
        let folder = self.prepare(remote)?;
        let arguments = [
            "fetch",
            "--quiet",
            "--no-write-fetch-head",
            "--end-of-options",
            "origin",
            "+HEAD:refs/custody/HEAD",
            "+refs/tags/*:refs/tags/*",
        ];
        child::run(&folder, &arguments, None, &self.base, self.limits)?;
        Ok(folder)
    }

    /// Fetches objects by their names, which the host's repository is known to have.
    pub fn objects(&self, remote: &Remote, ids: &[String]) -> Result<(), FetchError> {
        let folder = self.prepare(remote)?;
        let input: String = ids.join("\n") + "\n";
        // What git itself calls for objects of a partial clone that it lacks.
        let arguments = [
            "-c",
            "fetch.negotiationAlgorithm=noop",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--filter=blob:none",
            "--stdin",
            "--end-of-options",
            "origin",
        ];
        child::run(&folder, &arguments, Some(input), &self.base, self.limits)
    }
}
