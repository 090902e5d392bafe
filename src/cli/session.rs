//! What every measuring subcommand needs: environment, rules, policy, ready for the conductor.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use super::arguments::{CheckArguments, CommonArguments};
use super::cargo_age;
use super::environment::{Environment, today};
use super::gate::Gate;
use crate::audit::{self, Request};
use crate::collectors;
use crate::collectors::cooldown::CooldownPolicy;
use crate::collectors::malware::Malware;
use crate::collectors::repository::fetch::{Fetching, Histories};
use crate::config::custody_lock::{LOCK_FILE, LOCK_LIMIT, parse_pins};
use crate::config::{FailOn, Policy};
use crate::domain::ledger::Acceptance;
use crate::domain::{Level, Pins};
use crate::heuristics::ruleset::{RuleFile, read_named};
use crate::heuristics::{self, Ruleset};
use crate::net::Token;
use crate::net::git::Limits;
use crate::net::shared_store::SharedStore;
use crate::reporter::Format;
use crate::walker::{self, MetadataMode};

/// The day that the audit speaks of.
pub fn day(common: &CommonArguments) -> Result<jiff::civil::Date, Failure> {
    Ok(match common.as_of {
        Some(day) => day,
        None => today()?,
    })
}

/// The embedded rules and those of `folders`.
pub fn ruleset(folders: &[PathBuf]) -> Result<Ruleset, Failure> {
    let mut files: Vec<RuleFile> = Vec::new();
    for folder in folders {
        files.extend(read_named(folder)?);
    }
    Ok(heuristics::load(audit::schema(), &files)?)
}

/// How facts are gathered under these flags.
pub fn gather_options(
    common: &CommonArguments,
    offline: bool,
) -> Result<collectors::Options, Failure> {
    let environment = Environment::read(common.cache_dir.clone())?;
    let offline = common.offline || offline;
    if common.refresh && offline {
        return Err(Failure::text(REFRESH_OFFLINE));
    }
    let today = today()?;
    let as_of = common.as_of.unwrap_or(today);
    // The API tells the state of today, which says nothing about a day in the past.
    let api_budget = if as_of < today { Duration::ZERO } else { common.api_budget };
    let fetched = || environment.cache_dir.join(collectors::FETCHED);
    let is_auto = |folder: &&PathBuf| folder.as_os_str() == AUTO;
    let fetching = common.repos.iter().find(is_auto).map(|_| fetching()).transpose()?;
    if let Some(folder) = common.repos.iter().find(|f| !is_auto(f) && !f.is_dir()) {
        let text = format!("--repos {}: there is no such folder", folder.display());
        return Err(Failure::text(text));
    }
    let repos = common.repos.iter();
    let repos = repos.map(|folder| if is_auto(&folder) { fetched() } else { folder.clone() });
    let repos = repos.collect();
    let malware = environment.malware.as_deref().map(Malware::open).transpose()?.map(Arc::new);
    Ok(collectors::Options {
        as_of,
        today,
        offline,
        refresh: common.refresh,
        cargo_home: environment.cargo_home,
        cache_dir: environment.cache_dir,
        urls: environment.urls,
        advisory_db: common.advisory_db.clone(),
        dump: common.dump.clone().or(environment.dump),
        repos,
        fetching,
        data: environment.data,
        malware,
        api_budget,
        deadline: None,
        changed: BTreeSet::new(),
        requirements: std::collections::BTreeMap::new(),
        pins: None,
        cooldown: None,
        publish_ages: None,
        hub_cache: environment.hub_cache,
        hub_token: hub_token(common)?,
        jobs: common.jobs,
        progress: !common.quiet,
        store: store(common, offline)?,
        equipment: None,
    })
}

/// Why a run that may not ask cannot look again.
const REFRESH_OFFLINE: &str = "--refresh asks again, and this run opens no socket (--offline, its variable, or \
                               `offline` in the policy)";

/// The word in `--repos` for what is fetched into the cache.
const AUTO: &str = "auto";
/// How much one call of git may take where nobody said.
const GIT_LIMITS: Limits = Limits { time: Duration::from_mins(2), bytes: 256 << 20 };

/// How repositories are fetched by the way.
fn fetching() -> Result<Fetching, Failure> {
    let base = super::repos::base()?;
    Ok(Fetching { base, limits: GIT_LIMITS, histories: Histories::OfOpaque })
}

/// Adds what the policy says of repositories: `fetch` means the same as `--repos auto`.
fn with_policy(
    mut options: collectors::Options,
    policy: &Policy,
) -> Result<collectors::Options, Failure> {
    if policy.fetch_repositories && options.fetching.is_none() {
        options.fetching = Some(fetching()?);
        options.repos.push(options.cache_dir.join(collectors::FETCHED));
    }
    Ok(options)
}

/// The secret of a shared store's values. It is in no option: a command line is read by the whole machine.
const STORE_KEY: &str = "CARGO_CUSTODY_STORE_KEY";

/// The shared store that the command line or the environment names.
fn store(common: &CommonArguments, offline: bool) -> Result<Option<SharedStore>, Failure> {
    let Some(url) = &common.store else { return Ok(None) };
    let secret = std::env::var_os(STORE_KEY).unwrap_or_default();
    let store = SharedStore::open(url, common.offline || offline)?;
    Ok(Some(store.sealed_with(secret.as_encoded_bytes())))
}

/// The Hub token in the variable that the command line names; without that flag there is none, so that
/// a change under review cannot make a run send one.
fn hub_token(common: &CommonArguments) -> Result<Option<Token>, Failure> {
    let Some(name) = &common.hub_token_env else { return Ok(None) };
    match std::env::var(name) {
        Ok(secret) if !secret.is_empty() => Ok(Some(Token::new(secret))),
        _ => Err(Failure::text(format!("--hub-token-env {name}: the variable is not set"))),
    }
}

/// The pins of a project, where it has some.
pub fn pins(project: &Path) -> Result<Option<Pins>, Failure> {
    let path = project.join(LOCK_FILE);
    match std::fs::symlink_metadata(&path) {
        Ok(data) if !data.is_file() => {
            return Err(Failure::text(format!("{} is not a regular file", path.display())));
        }
        Ok(data) if data.len() > LOCK_LIMIT as u64 => {
            return Err(Failure::text(format!(
                "{} is larger than {LOCK_LIMIT} bytes",
                path.display()
            )));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Failure::text(format!("cannot read {}: {error}", path.display())));
        }
    }
    let text = crate::disk::text(&path, LOCK_LIMIT as u64)
        .map_err(|error| Failure::text(format!("cannot read {}: {error}", path.display())))?;
    Ok(Some(parse_pins(&text, LOCK_FILE)?))
}

/// The policy's cooldown, as the collector wants it.
fn cooldown(policy: &Policy) -> Option<CooldownPolicy> {
    let cooldown = policy.cooldown.as_ref()?;
    let registries = cooldown.registries.iter();
    let exempt = cooldown.exempt.iter();
    Some(CooldownPolicy {
        global_hours: cooldown.min_publish_age.hours,
        registries: registries.map(|(name, age)| (name.clone(), age.hours)).collect(),
        exempt: exempt.map(|e| (e.package.clone(), e.reason.clone())).collect(),
    })
}

/// What the audits of many projects share.
pub struct Shared {
    /// How facts are gathered, with the equipment for it.
    pub gathering: collectors::Options,
    /// The rules of a project that has none of its own.
    pub ruleset: Arc<Ruleset>,
}

/// Reads the policy and prepares an audit of `arguments.path`.
pub fn request(arguments: &CheckArguments) -> Result<Request, Failure> {
    request_within(arguments, None)
}

/// [`request`] for one of many projects.
pub fn request_within(
    arguments: &CheckArguments,
    shared: Option<&Shared>,
) -> Result<Request, Failure> {
    let path = arguments.manifest_path.clone().unwrap_or_else(|| arguments.path.clone());
    let gate = Gate::open(arguments, &path)?;
    let mut policy = gate.policy(arguments)?;
    policy.accept_unread.extend(arguments.allow_unread.iter().map(|name| Acceptance {
        package: name.clone(),
        reason: "--allow-unread".to_owned(),
        expires: None,
    }));
    let baseline = gate.baseline(arguments)?;
    let own = gate.rule_folders(&policy);
    let ruleset = match shared {
        Some(shared) if own.is_empty() && is_plain(arguments, &policy) => {
            check_names(&policy, &shared.ruleset)?;
            Arc::clone(&shared.ruleset)
        }
        _ => Arc::new(rules_of(arguments, &policy, own)?),
    };
    let fail_on = match &arguments.fail_on {
        Some(word) => word.parse().map_err(|e| Failure::text(format!("--fail-on {e}")))?,
        None => policy.fail_on.unwrap_or_default(),
    };
    let gathering = match shared {
        Some(shared) => collectors::Options {
            offline: shared.gathering.offline || policy.offline,
            ..shared.gathering.clone()
        },
        None => gather_options(&arguments.common, policy.offline)?,
    };
    let gathering = with_policy(gathering, &policy)?;
    Ok(Request {
        path,
        walk: walker::Options {
            metadata: if arguments.metadata && !policy.offline {
                MetadataMode::Auto
            } else {
                MetadataMode::Never
            },
        },
        gather: collectors::Options {
            pins: if gate.has_pins() { pins(gate.judge())? } else { None },
            cooldown: cooldown(&policy),
            publish_ages: cargo_age::read(&gathering.cargo_home, gate.judge(), gate.project())?,
            deadline: arguments.deadline,
            dump: gathering.dump.clone().or_else(|| gate.dump(&policy)),
            ..gathering
        },
        fail_on: FailOn::level(fail_on),
        base: gate.side(&policy)?,
        baseline,
        policy,
        ruleset,
        strict_unknown: arguments.strict_unknown,
        notes: shows_notes(&arguments.format),
    })
}

/// Whether one of the formats shows more than the findings.
fn shows_notes(formats: &[String]) -> bool {
    let names = formats.iter().map(|text| text.split_once('=').map_or(&**text, |(name, _)| name));
    names.filter_map(|name| name.parse::<Format>().ok()).any(Format::shows_notes)
}

/// Whether the rules are taken as they are.
fn is_plain(arguments: &CheckArguments, policy: &Policy) -> bool {
    policy.disabled.is_empty() && policy.levels.is_empty() && arguments.disable.is_empty()
}

fn check_names(policy: &Policy, ruleset: &Ruleset) -> Result<(), Failure> {
    Ok(policy.check_names(
        &ruleset.rules().map(|rule| rule.info.id.as_str()).collect(),
        &ruleset.schema().names().collect(),
    )?)
}

/// The rules under this policy, those of the project's own folders included.
fn rules_of(
    arguments: &CheckArguments,
    policy: &Policy,
    own: Vec<PathBuf>,
) -> Result<Ruleset, Failure> {
    let mut folders = arguments.common.rules.clone();
    folders.extend(own);
    let mut ruleset = ruleset(&folders)?;
    check_names(policy, &ruleset)?;
    let disabled = policy.disabled.iter().chain(&arguments.disable).map(String::as_str);
    ruleset.disable(disabled).map_err(Failure::text)?;
    for (id, level) in &policy.levels {
        ruleset.set_level(id, *level).map_err(Failure::text)?;
    }
    Ok(ruleset)
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
