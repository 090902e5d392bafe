//! `init`: a commented custody.toml, and a workflow for the code host.
//!
//! Which host is told by what stands in the folder, read as text: a folder or file that only one of them
//! uses, else the address of a remote. Nothing is run, and nothing that exists is overwritten unasked.

use std::path::{Path, PathBuf};

use super::Failure;
use super::arguments::{InitArguments, WorkflowHost};
use super::output;
use crate::config;

const GITHUB: &str = include_str!("github.yml");
const GITLAB: &str = include_str!("gitlab.yml");
/// Largest repository configuration that is looked at, in bytes.
const CONFIG_BYTES: u64 = 256 * 1024;

/// A code host that runs workflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    GitHub,
    GitLab,
}

impl Host {
    /// The host of a project's folder, if something tells.
    fn of(folder: &Path) -> Option<Self> {
        if folder.join(".github").is_dir() {
            return Some(Self::GitHub);
        }
        if folder.join(".gitlab-ci.yml").exists() || folder.join(".gitlab").is_dir() {
            return Some(Self::GitLab);
        }
        Self::of_remote(&remotes(folder))
    }

    /// The host in the addresses of remotes.
    fn of_remote(configuration: &str) -> Option<Self> {
        let mut urls = configuration.lines().filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "url").then_some(value.trim())
        });
        urls.find_map(|url| match url {
            _ if url.contains("github") => Some(Self::GitHub),
            _ if url.contains("gitlab") => Some(Self::GitLab),
            _ => None,
        })
    }

    /// Where the workflow goes, and its text.
    fn workflow(self) -> (PathBuf, String) {
        let (file, text) = match self {
            Self::GitHub => (".github/workflows/custody.yml", GITHUB),
            Self::GitLab => (".gitlab/custody.yml", GITLAB),
        };
        (PathBuf::from(file), text.replace("VERSION", env!("CARGO_PKG_VERSION")))
    }
}

/// The text of the repository's configuration; empty where there is none that can be read.
fn remotes(folder: &Path) -> String {
    use std::io::Read as _;
    let mut text = String::new();
    if let Ok(file) = crate::disk::open(&folder.join(".git").join("config")) {
        // What cannot be read tells nothing, and the user is told that no host was found.
        let _ = file.take(CONFIG_BYTES).read_to_string(&mut text);
    }
    text
}

/// Writes the policy file and the workflow. Says what it wrote and what is left to do.
pub fn run(arguments: &InitArguments) -> Result<u8, Failure> {
    let folder = &arguments.path;
    if !folder.is_dir() {
        return Err(Failure::text(format!("{} is not a folder", folder.display())));
    }
    let mut files = vec![(PathBuf::from("custody.toml"), config::init_text().to_owned())];
    let host = match arguments.workflow {
        None => Host::of(folder),
        Some(WorkflowHost::Github) => Some(Host::GitHub),
        Some(WorkflowHost::Gitlab) => Some(Host::GitLab),
        Some(WorkflowHost::None) => None,
    };
    files.extend(host.map(Host::workflow));
    // All or nothing: a half-written set would be taken for a whole one.
    for (file, _) in &files {
        let path = folder.join(file);
        if path.symlink_metadata().is_ok() && !arguments.force {
            return Err(Failure::text(format!("{} is there already", path.display()))
                .help("--force overwrites it"));
        }
    }
    let mut said = String::new();
    for (file, text) in &files {
        let path = folder.join(file);
        if let Some(above) = path.parent() {
            std::fs::create_dir_all(above).map_err(|error| {
                Failure::text(format!("cannot create {}: {error}", above.display()))
            })?;
        }
        output::file(&path, text.as_bytes())?;
        said.push_str(&format_line(&path));
    }
    said.push_str(match host {
        Some(Host::GitHub) => "",
        Some(Host::GitLab) => {
            "include it in .gitlab-ci.yml: `include: [{local: .gitlab/custody.yml}]`\n"
        }
        None if arguments.workflow.is_some() => "",
        None => "no workflow: nothing here says whether this is on GitHub or GitLab; --workflow HOST does\n",
    });
    said.push_str(
        "next: `cargo custody check`, and if it finds what you accept for now: `cargo custody baseline --reason TEXT`\n",
    );
    output::stdout(said.as_bytes())?;
    Ok(0)
}

fn format_line(path: &Path) -> String {
    format!("wrote {}\n", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_told_by_a_remote_where_no_folder_tells() {
        let config = |url: &str| format!("[remote \"origin\"]\n\turl = {url}\n");
        assert_eq!(Host::of_remote(&config("git@github.com:a/b.git")), Some(Host::GitHub));
        assert_eq!(
            Host::of_remote(&config("https://gitlab.example.invalid/a/b")),
            Some(Host::GitLab)
        );
        assert_eq!(Host::of_remote(&config("https://example.invalid/a/b")), None);
        assert_eq!(Host::of_remote("[core]\n\tpager = github\n"), None);
    }

    #[test]
    fn what_is_written_parses_and_names_this_version() {
        assert!(config::Policy::from_toml(config::init_text(), "custody.toml").is_ok());
        for host in [Host::GitHub, Host::GitLab] {
            let (file, text) = host.workflow();
            assert!(text.contains(env!("CARGO_PKG_VERSION")) && !text.contains("VERSION "));
            let mut parser = saphyr_parser::Parser::new_from_str(&text);
            let broken = parser.find_map(Result::err);
            assert!(broken.is_none(), "{}: {broken:?}", file.display());
        }
    }

    /// Every example of the template at once, as somebody has it who takes the signs away.
    #[test]
    fn every_setting_of_the_template_is_one_and_names_rules_that_exist() {
        let lines = config::init_text().lines();
        let settings = lines
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| !line.starts_with(' ') && !line.is_empty());
        let text = settings.collect::<Vec<_>>().join("\n");
        let policy = config::Policy::from_toml(&text, "custody.toml").unwrap();
        assert!(policy.disabled.len() == 1 && policy.waivers.len() == 1, "{text}");
        let ruleset = super::super::session::ruleset(&[]).unwrap();
        let rules = ruleset.rules().map(|rule| rule.info.id.as_str()).collect();
        policy.check_names(&rules, &ruleset.schema().names().collect()).unwrap();
    }

    #[test]
    fn every_action_is_pinned_by_its_commit() {
        let uses = GITHUB.lines().filter_map(|line| line.split_once("uses: "));
        let mut seen = 0;
        for (_, action) in uses {
            let (_, reference) = action.split_once('@').unwrap();
            let (commit, version) = reference.split_once(" # v").unwrap();
            assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()));
            assert!(version.split('.').count() == 3);
            seen += 1;
        }
        assert_eq!(seen, 3);
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_half_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".github")).unwrap();
        let mut arguments =
            InitArguments { path: folder.path().to_owned(), workflow: None, force: false };
        assert!(run(&arguments).is_ok());
        std::fs::remove_file(folder.path().join("custody.toml")).unwrap();
        assert!(run(&arguments).is_err());
        assert!(!folder.path().join("custody.toml").exists());
        arguments.force = true;
        assert!(run(&arguments).is_ok());
    }

    #[test]
    fn a_workflow_is_written_on_request_and_not_against_it() {
        for (workflow, file) in [
            (WorkflowHost::Github, ".github/workflows/custody.yml"),
            (WorkflowHost::Gitlab, ".gitlab/custody.yml"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().to_owned();
            let arguments = InitArguments { path, workflow: Some(workflow), force: false };
            assert!(run(&arguments).is_ok());
            assert!(folder.path().join(file).is_file(), "{file}");
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".github")).unwrap();
        let path = folder.path().to_owned();
        let none = InitArguments { path, workflow: Some(WorkflowHost::None), force: false };
        assert!(run(&none).is_ok());
        assert!(!folder.path().join(".github/workflows").exists());
    }
}
