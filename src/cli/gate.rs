//! What an audit is held against: the base of a change, and whose policy counts.
//!
//! With `--since` the base is the commit where the histories of the revision and of `HEAD` part. Policy,
//! waivers, baseline and the project's own rules come from the revision itself, so that a change cannot
//! excuse itself, nor one that starts from an old commit; how they differ from the base is a finding. What the command line
//! names is taken as it is: the caller chose it, and not the tree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Failure;
use super::arguments::CheckArguments;
use super::session::folder_of;
use crate::audit::{self, BaseFiles, BaseSide};
use crate::config::{self, BASELINE_FILE, Baseline, CONFIG_FILES, Policy};
use crate::domain::Measured;
use crate::heuristics::ruleset::read_folder;
use crate::walker::delta::{Base, PolicyFile};
use crate::walker::project::Setting;
use crate::walker::repository::{self, BaseTree, Parting, Repository};
use crate::walker::{self, WalkError};
use crate_read::git_objects::ObjectId;

/// Largest policy file that is compared, in bytes.
const COMPARED_BYTES: u64 = 2 * 1024 * 1024;

/// The folders of one run, and its base.
pub struct Gate {
    /// The audited folder.
    project: PathBuf,
    /// The base's files, kept until they are read.
    tree: Option<BaseTree>,
    /// The files of the revision itself, where that is not the base.
    tip: Option<BaseTree>,
    /// Folders of the base that are something else now.
    replaced: Vec<Setting>,
    /// The base's graph.
    base: Option<Base>,
    /// All files of the base.
    files: Option<BaseFiles>,
    /// A model is audited: what lies in its folder is its author's, and no policy for us.
    model: bool,
}

impl Gate {
    /// Reads the base that the command line names, if it names one.
    pub fn open(arguments: &CheckArguments, path: &Path) -> Result<Self, Failure> {
        if audit::is_model(path) {
            if arguments.since.is_some() || arguments.base_lockfile.is_some() {
                let why = "a model has no lockfile that could be compared with a base";
                return Err(Failure::text(why));
            }
            return Ok(Self::without_tree(folder_of(path), None, true));
        }
        let (project, lockfile) = match walker::audited(path) {
            Ok(found) => found,
            // The walk says the same with more words, or finds something else to audit.
            Err(_) if arguments.since.is_none() => (folder_of(path), String::new()),
            Err(error @ WalkError::NothingToAudit { .. }) => {
                return Err(Failure::new(&error)
                    .help("a change that deletes the lockfile leaves nothing that could be checked; it does not pass"));
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(revision) = &arguments.since {
            let repository = Repository::discover(&project)?;
            let prefix = repository::prefix(&project);
            let Parting { tip, base } = repository.parting(revision)?;
            let at = |commit: ObjectId| {
                repository::export(&repository, &commit.to_string(), &prefix, &lockfile)
            };
            let tree = at(base)?;
            let tip = if tip == base { None } else { Some(at(tip)?) };
            let label = format!("{revision} ({})", &tree.commit.to_string()[..12]);
            let base = Base::of_folder(tree.folder(), &lockfile, &label)
                .map_err(|error| of_base(&error))?;
            let replaced = repository::replaced(&project, repository.top(), &prefix, &tree.folders);
            let files = Some(BaseFiles::new(repository, tree.commit));
            let (tree, base) = (Some(tree), Some(base));
            return Ok(Self { project, tree, tip, replaced, base, files, model: false });
        }
        let base = arguments.base_lockfile.as_deref().map(Base::of_lockfile).transpose();
        let base = base.map_err(|error| of_base(&error))?;
        Ok(Self::without_tree(project, base, false))
    }

    fn without_tree(project: PathBuf, base: Option<Base>, model: bool) -> Self {
        let (tree, tip, files) = (None, None, None);
        Self { project, tree, tip, replaced: Vec::new(), base, files, model }
    }

    /// The audited folder.
    pub fn project(&self) -> &Path {
        &self.project
    }

    /// The folder whose policy counts.
    pub fn judge(&self) -> &Path {
        self.tip.as_ref().or(self.tree.as_ref()).map_or(&self.project, BaseTree::folder)
    }

    /// The policy that counts.
    pub fn policy(&self, arguments: &CheckArguments) -> Result<Policy, Failure> {
        if arguments.common.no_config || (self.model && arguments.common.config.is_none()) {
            return Ok(Policy::default());
        }
        Ok(config::load(self.judge(), arguments.common.config.as_deref())?)
    }

    /// Whether pins beside the audited thing count.
    pub fn has_pins(&self) -> bool {
        !self.model
    }

    /// The project's own rule folders, as far as they are there.
    pub fn rule_folders(&self, policy: &Policy) -> Vec<PathBuf> {
        policy.rules_dirs.iter().map(|folder| self.judge().join(folder)).collect()
    }

    /// The dump or slim file that the policy names. A change could bring a file of its own, so with
    /// `--since` only the command line can name one.
    pub fn dump(&self, policy: &Policy) -> Option<PathBuf> {
        let named = policy.dump.as_ref().filter(|_| self.tree.is_none())?;
        Some(self.project.join(named))
    }

    /// The baseline that counts.
    pub fn baseline(&self, arguments: &CheckArguments) -> Result<Option<Baseline>, Failure> {
        if arguments.common.no_config || self.model {
            return Ok(None);
        }
        let text = plain(self.judge(), BASELINE_FILE)?;
        Ok(text.map(|text| Baseline::from_toml(&text, BASELINE_FILE)).transpose()?)
    }

    /// What the audit needs to know of the base.
    pub fn side(self, policy: &Policy) -> Result<Option<BaseSide>, Failure> {
        let Some(base) = self.base else { return Ok(None) };
        let policy_files = match &self.tree {
            Some(tree) => Measured::Known(policy_files(tree.folder(), &self.project, policy)?),
            None => Measured::unknown("the base is given as a lockfile only"),
        };
        let replaced = match &self.tree {
            Some(_) => Measured::Known(self.replaced),
            None => Measured::unknown("the base is given as a lockfile only"),
        };
        Ok(Some(BaseSide { base, policy_files, replaced, files: self.files }))
    }
}

/// A change that deletes one of several lockfiles leaves less to check, and does not pass.
pub fn none_is_gone(revision: &str, root: &Path, folders: &[String]) -> Result<(), Failure> {
    let repository = Repository::discover(root)?;
    let base = repository.parting(revision)?.base.to_string();
    let tree = repository::export(&repository, &base, &repository::prefix(root), "Cargo.lock")?;
    let gone = tree.lockfiles.iter().find(|file| {
        let folder = file.strip_suffix("Cargo.lock").unwrap_or(file).trim_end_matches('/');
        !folder.split('/').any(walker::passes_over) && !folders.iter().any(|one| one == folder)
    });
    match gone {
        None => Ok(()),
        Some(file) => {
            let file = crate::domain::text::shown(file);
            Err(Failure::text(format!("the base has the lockfile {file}, and it is not there any more"))
                .help("a change that deletes a lockfile leaves nothing that could be checked in its place; it does not pass"))
        }
    }
}

fn of_base(error: &WalkError) -> Failure {
    Failure::new(error).context("the base cannot be read")
}

/// Every file that decides how the project is judged, on both sides.
fn policy_files(base: &Path, project: &Path, policy: &Policy) -> Result<Vec<PolicyFile>, Failure> {
    let [custody, cargo_custody, manifest] = CONFIG_FILES;
    let mut names: BTreeSet<String> =
        [custody, cargo_custody, BASELINE_FILE].map(str::to_owned).into();
    let theirs = config::load(project, None)?;
    for folder in policy.rules_dirs.iter().chain(&theirs.rules_dirs) {
        for side in [base, project] {
            if side.join(folder).is_dir() {
                names.extend(read_folder(&side.join(folder))?.into_iter().filter_map(|file| {
                    let below = Path::new(&*file.path).strip_prefix(side).ok()?.to_str()?;
                    Some(below.replace('\\', "/"))
                }));
            }
        }
    }
    let mut files = Vec::new();
    for path in names {
        let (before, after) = (plain(base, &path)?, plain(project, &path)?);
        files.push(PolicyFile { path, before, after });
    }
    let metadata = |folder: &Path| -> Result<Option<String>, Failure> {
        Ok(plain(folder, manifest)?.and_then(|text| custody_metadata(&text)))
    };
    let (before, after) = (metadata(base)?, metadata(project)?);
    files.push(PolicyFile { path: manifest.to_owned(), before, after });
    Ok(files)
}

/// The text of a policy file that may be there; never through a link.
fn plain(folder: &Path, name: &str) -> Result<Option<String>, Failure> {
    use std::io::Read as _;
    let path = folder.join(name);
    let failed = |e: std::io::Error| Failure::text(format!("cannot read {name}: {e}"));
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(Failure::text(format!("{name} is not a plain file"))),
        Err(_) => return Ok(None),
    }
    let mut text = String::new();
    let file = crate::disk::open(&path).map_err(failed)?;
    file.take(COMPARED_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > COMPARED_BYTES {
        return Err(Failure::text(format!("{name} has more than {COMPARED_BYTES} bytes")));
    }
    Ok(Some(text))
}

/// The policy in a manifest's metadata, its other lines blanked so that line numbers stay.
fn custody_metadata(manifest: &str) -> Option<String> {
    let mut inside = false;
    let mut found = false;
    let mut text = String::new();
    for line in manifest.lines() {
        if line.trim_start().starts_with('[') {
            inside = line.contains("metadata") && line.contains("custody");
        }
        // `metadata.custody.x = ...` and inline tables stand in other sections.
        if inside || (line.contains("custody") && line.contains('=')) {
            found = true;
            text.push_str(line);
        }
        text.push('\n');
    }
    found.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_policy_of_a_manifest_is_compared_and_its_lines_keep_their_numbers() {
        let text = "[package]\nname = \"x\"\n[package.metadata.custody]\noffline = true\n[dependencies]\nserde = \"1\"\n";
        let found = custody_metadata(text).unwrap();
        assert_eq!(found.lines().nth(3), Some("offline = true"));
        assert!(!found.contains("serde"));
        assert_eq!(custody_metadata("[package]\nname = \"x\"\n"), None);
    }
}
