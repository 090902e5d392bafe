//! What every measuring subcommand needs: environment, rules, policy, ready for the conductor.

use std::path::{Path, PathBuf};

use super::Failure;
use super::arguments::{CheckArguments, CommonArguments};
use super::environment::{Environment, today};
use crate::audit::{self, Request};
use crate::collectors;
use crate::config::{self, FailOn, Policy};
use crate::domain::Level;
use crate::heuristics::Ruleset;
use crate::heuristics::ruleset::{RuleFile, read_folder};
use crate::walker::{self, MetadataMode};

/// The embedded rules and those of `folders`.
pub fn ruleset(folders: &[PathBuf]) -> Result<Ruleset, Failure> {
    let mut files: Vec<RuleFile> = Vec::new();
    for folder in folders {
        files.extend(read_folder(folder)?);
    }
    Ok(Ruleset::load(audit::schema(), &files)?)
}

/// How facts are gathered under these flags.
pub fn gather_options(
    common: &CommonArguments,
    offline: bool,
) -> Result<collectors::Options, Failure> {
    let environment = Environment::read(common.cache_dir.clone())?;
    Ok(collectors::Options {
        as_of: common.as_of.map_or_else(today, Ok)?,
        offline: common.offline || offline,
        cargo_home: environment.cargo_home,
        cache_dir: environment.cache_dir,
        urls: environment.urls,
        advisory_db: common.advisory_db.clone(),
        dump: common.dump.clone().or(environment.dump),
        api_budget: common.api_budget,
        jobs: common.jobs,
        progress: !common.quiet,
    })
}

/// Reads the policy and prepares an audit of `arguments.path`.
pub fn request(arguments: &CheckArguments) -> Result<Request, Failure> {
    let path = arguments.manifest_path.clone().unwrap_or_else(|| arguments.path.clone());
    let policy = policy(arguments, &path)?;
    let project = folder_of(&path);
    let mut folders = arguments.common.rules.clone();
    folders.extend(policy.rules_dirs.iter().map(|folder| project.join(folder)));
    let mut ruleset = ruleset(&folders)?;
    policy.check_names(
        &ruleset.rules().map(|rule| rule.info.id.as_str()).collect(),
        &ruleset.schema().groups().map(|(group, _)| group).collect(),
    )?;
    let disabled = policy.disabled.iter().chain(&arguments.disable).map(String::as_str);
    ruleset.disable(disabled).map_err(Failure::text)?;
    for (id, level) in &policy.levels {
        ruleset.set_level(id, *level).map_err(Failure::text)?;
    }
    let fail_on = match &arguments.fail_on {
        Some(word) => word.parse().map_err(|e| Failure::text(format!("--fail-on {e}")))?,
        None => policy.fail_on.unwrap_or_default(),
    };
    Ok(Request {
        path,
        walk: walker::Options {
            metadata: if arguments.metadata && !policy.offline {
                MetadataMode::Auto
            } else {
                MetadataMode::Never
            },
        },
        gather: gather_options(&arguments.common, policy.offline)?,
        fail_on: FailOn::level(fail_on),
        policy,
        ruleset,
        strict_unknown: arguments.strict_unknown,
    })
}

/// The lowest level to show.
pub fn min_level(arguments: &CheckArguments, policy: &Policy) -> Result<Level, Failure> {
    let Some(word) = &arguments.min_level else {
        return Ok(policy.min_level.unwrap_or(Level::Low));
    };
    Level::ALL
        .into_iter()
        .find(|level| level.as_str() == word)
        .ok_or_else(|| Failure::text(format!("--min-level: there is no level `{word}`")))
}

fn policy(arguments: &CheckArguments, path: &Path) -> Result<Policy, Failure> {
    if arguments.common.no_config {
        return Ok(Policy::default());
    }
    Ok(config::load(&folder_of(path), arguments.common.config.as_deref())?)
}

/// The folder of a project that is named by its folder, its manifest or its lockfile.
pub fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
