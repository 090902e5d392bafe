//! An audit in this process, against a registry of 127.0.0.1, a dump, or both.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use cargo_custody::audit::{self, Audit, Request};
use cargo_custody::collectors;
use cargo_custody::config::Policy;
use cargo_custody::domain::Level;
use cargo_custody::heuristics::{self, Ruleset};
use cargo_custody::net::BaseUrls;
use cargo_custody::walker::{self, MetadataMode};
use jiff::civil::Date;

use super::registry::{Registry, World};

/// The embedded rules, loaded once for all runs of a test program.
fn rules() -> Arc<Ruleset> {
    static RULES: LazyLock<Arc<Ruleset>> =
        LazyLock::new(|| Arc::new(heuristics::load(audit::schema(), &[]).expect("the rules load")));
    Arc::clone(&RULES)
}

/// A project, its caches, and how it is audited.
pub struct Project {
    folder: tempfile::TempDir,
    pub request: Request,
}

impl Project {
    /// A project that asks this registry for its index and archives, and its API for nothing.
    pub fn new(registry: &Registry, as_of: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("project");
        std::fs::create_dir(&project).expect("a folder");
        let request = Request {
            notes: false,
            path: project,
            walk: walker::Options { metadata: MetadataMode::Never },
            gather: collectors::Options {
                urls: BaseUrls {
                    index: format!("{}index/", registry.base),
                    advisory_db: format!("{}advisories.tar.gz", registry.base),
                    ..BaseUrls::default()
                },
                jobs: Some(1),
                ..collectors::Options::new(
                    date(as_of),
                    folder.path().join("cargo"),
                    folder.path().join("cache"),
                )
            },
            policy: Policy::default(),
            fail_on: None,
            ruleset: rules(),
            base: None,
            baseline: None,
            strict_unknown: false,
        };
        Self { folder, request }
    }

    /// Custody comes from the world's dump of that day.
    pub fn with_dump(mut self, world: &World, day: &str) -> Self {
        let path = self.at("dump.tar.gz");
        std::fs::write(&path, world.dump(day)).expect("a dump");
        self.request.gather.dump = Some(path);
        self
    }

    /// A path beside the project.
    pub fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the lockfile.
    pub fn lock(&self, text: &str) {
        std::fs::write(self.request.path.join("Cargo.lock"), text).expect("a lockfile");
    }

    /// Audits.
    pub fn audit(&self) -> Audit {
        audit::run(&self.request).expect("an audit")
    }

    /// Audits as of a day.
    pub fn on(&mut self, day: Date) -> Verdict {
        self.request.gather.as_of = day;
        let audit = self.audit();
        let found = audit.report.findings.iter();
        let mut findings: Vec<(String, Level)> =
            found.map(|finding| (finding.rule.clone(), finding.level)).collect();
        findings.sort();
        let fired = audit.signals.iter();
        let mut signals: Vec<String> = fired.map(|signal| signal.hit.id.clone()).collect();
        signals.sort();
        signals.dedup();
        Verdict { findings, signals }
    }
}

/// What an audit says of one day.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Rule and level, ordered.
    pub findings: Vec<(String, Level)>,
    /// Signals that fired, ordered.
    pub signals: Vec<String>,
}

impl Verdict {
    /// The highest level among the findings.
    pub fn worst(&self) -> Option<Level> {
        self.findings.iter().map(|(_, level)| *level).max()
    }

    /// Whether a finding of that rule is there.
    pub fn has(&self, rule: &str) -> bool {
        self.findings.iter().any(|(id, _)| id == rule)
    }

    /// Whether one of these signals fired.
    pub fn any_signal(&self, ids: &[&str]) -> bool {
        self.signals.iter().any(|id| ids.contains(&id.as_str()))
    }
}

/// A day.
pub fn date(text: &str) -> Date {
    text.parse().expect("a day")
}

/// Every file below a folder, by path.
pub fn files_below(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                all.push(entry.path().strip_prefix(folder).expect("below").display().to_string());
            }
        }
    }
    all.sort();
    all
}
