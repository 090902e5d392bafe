//! What is remembered of one project of a fleet, and the sum over all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Audit, group_of};
use crate::collectors::custody::{self, AccountKind, CustodyFacts};
use crate::domain::fleet::{
    AccountHere, FLEET_SCHEMA, FleetAccount, FleetFinding, FleetSummary, LockedCrate, NotAudited,
    NotPassed, ProjectLine, ProjectRecord, Struck,
};
use crate::domain::{Change, Level, Measured, Origin, Subject};
use crate::walker::ExposureFacts;

/// What is remembered of a project that was audited.
#[must_use]
pub fn record(project: &str, audit: &Audit) -> ProjectRecord {
    let report = &audit.report;
    let fresh = report
        .findings
        .iter()
        .filter(|finding| finding.waived.is_none() && finding.change != Some(Change::Existing));
    let findings = fresh.map(|finding| Struck {
        rule: finding.rule.clone(),
        level: finding.level,
        subject: named(&finding.subject),
    });
    let locked: BTreeSet<LockedCrate> = audit
        .sheets
        .iter()
        .filter(|sheet| of_registry(&sheet.subject))
        .map(|sheet| LockedCrate {
            name: sheet.subject.name.clone(),
            version: sheet.subject.version.clone(),
        })
        .collect();
    let required = report.undetermined.iter().filter(|entry| entry.required);
    let incomplete: BTreeSet<String> =
        required.map(|entry| format!("{}: {}", entry.what, entry.reason)).collect();
    ProjectRecord {
        line: ProjectLine {
            schema: FLEET_SCHEMA.to_owned(),
            project: project.to_owned(),
            exit: report.exit,
            error: None,
            crates: locked.len(),
            findings: findings.collect(),
            incomplete: incomplete.into_iter().collect(),
        },
        as_of: String::new(),
        run: String::new(),
        lockfile: None,
        locked: locked.into_iter().collect(),
        accounts: accounts(audit),
    }
}

/// What is remembered of a project that could not be audited.
#[must_use]
pub fn refused(project: &str, why: &str) -> ProjectRecord {
    ProjectRecord {
        line: ProjectLine {
            schema: FLEET_SCHEMA.to_owned(),
            project: project.to_owned(),
            exit: 2,
            error: Some(why.to_owned()),
            crates: 0,
            findings: Vec::new(),
            incomplete: Vec::new(),
        },
        as_of: String::new(),
        run: String::new(),
        lockfile: None,
        locked: Vec::new(),
        accounts: Vec::new(),
    }
}

fn of_registry(subject: &Subject) -> bool {
    matches!(subject.origin, Origin::Registry | Origin::AlternativeRegistry { .. })
}

fn named(subject: &Subject) -> String {
    format!("{} {}", subject.name, subject.version).trim_end().to_owned()
}

/// Crates of one account, those that run at build first.
#[derive(Default)]
struct Hands {
    team: bool,
    at_build: BTreeSet<String>,
    others: BTreeSet<String>,
}

fn accounts(audit: &Audit) -> Vec<AccountHere> {
    let mut all: BTreeMap<String, Hands> = BTreeMap::new();
    for sheet in audit.sheets.iter().filter(|sheet| sheet.subject.origin == Origin::Registry) {
        let facts: Measured<CustodyFacts> = group_of(sheet, custody::GROUP);
        let Measured::Known(CustodyFacts { owners: Measured::Known(owners), .. }) = facts else {
            continue;
        };
        let exposure: Measured<ExposureFacts> = group_of(sheet, "exposure");
        let runs = matches!(exposure, Measured::Known(facts) if facts.runs_at_build == Measured::Known(true));
        for owner in owners {
            let hands = all.entry(owner.login).or_default();
            hands.team |= owner.kind == AccountKind::Team;
            let names = if runs { &mut hands.at_build } else { &mut hands.others };
            names.insert(sheet.subject.name.clone());
        }
    }
    all.into_iter()
        .map(|(login, hands)| AccountHere {
            login,
            team: hands.team,
            // A crate that is there in two versions and runs at build in one of them runs at build.
            others: hands.others.difference(&hands.at_build).cloned().collect(),
            at_build: hands.at_build.into_iter().collect(),
        })
        .collect()
}

/// The sum over a fleet, one record after the other.
#[derive(Default)]
pub struct Fleet {
    summary: FleetSummary,
    findings: BTreeMap<(String, String), (Level, usize)>,
    accounts: BTreeMap<String, Account>,
    versions: BTreeSet<LockedCrate>,
}

#[derive(Default)]
struct Account {
    team: bool,
    projects: usize,
    build_projects: usize,
    crates: BTreeSet<String>,
}

impl Fleet {
    /// Adds a project.
    pub fn add(&mut self, record: &ProjectRecord) {
        let line = &record.line;
        self.summary.projects += 1;
        match line.exit {
            1 => self.summary.failed += 1,
            3 => self.summary.incomplete += 1,
            _ => {}
        }
        if let Some(why) = &line.error {
            let (project, why) = (line.project.clone(), why.clone());
            self.summary.not_audited.push(NotAudited { project, why });
            return;
        }
        if line.exit != 0 {
            self.summary.not_passed.push(NotPassed {
                project: line.project.clone(),
                exit: line.exit,
                level: line.findings.iter().map(|one| one.level).max(),
                findings: line.findings.len(),
            });
        }
        let struck: BTreeMap<(String, String), Level> = line
            .findings
            .iter()
            .map(|one| ((one.rule.clone(), one.subject.clone()), one.level))
            .collect();
        for (key, level) in struck {
            let (highest, projects) = self.findings.entry(key).or_insert((level, 0));
            *highest = level.max(*highest);
            *projects += 1;
        }
        self.summary.without_custody +=
            usize::from(record.accounts.is_empty() && !record.locked.is_empty());
        for here in &record.accounts {
            let account = self.accounts.entry(here.login.clone()).or_default();
            account.team |= here.team;
            account.projects += 1;
            account.build_projects += usize::from(!here.at_build.is_empty());
            account.crates.extend(here.at_build.iter().chain(&here.others).cloned());
        }
        self.versions.extend(record.locked.iter().cloned());
    }

    /// What all of them together say.
    #[must_use]
    pub fn summary(self, as_of: &str) -> FleetSummary {
        let mut summary = self.summary;
        FLEET_SCHEMA.clone_into(&mut summary.schema);
        as_of.clone_into(&mut summary.as_of);
        summary.crate_versions = self.versions.len();
        summary.not_audited.sort_by(|a, b| a.project.cmp(&b.project));
        summary.not_passed.sort_by(|a, b| {
            let worst = |one: &NotPassed| (one.exit == 1, one.level, one.findings);
            worst(b).cmp(&worst(a)).then_with(|| a.project.cmp(&b.project))
        });
        summary.not_passed_left_out =
            summary.not_passed.len().saturating_sub(FleetSummary::ACCOUNTS);
        summary.not_passed.truncate(FleetSummary::ACCOUNTS);
        let findings = self.findings.into_iter();
        summary.findings = findings
            .map(|((rule, subject), (level, projects))| FleetFinding {
                rule,
                level,
                subject,
                projects,
            })
            .collect();
        summary.findings.sort_by(|a, b| {
            (b.projects, b.level).cmp(&(a.projects, a.level)).then_with(|| a.rule.cmp(&b.rule))
        });
        let accounts = self.accounts.into_iter();
        summary.accounts = accounts
            .map(|(login, account)| FleetAccount {
                login,
                team: account.team,
                projects: account.projects,
                build_projects: account.build_projects,
                crates: account.crates.len(),
            })
            .collect();
        summary.accounts.sort_by_key(|one| std::cmp::Reverse((one.build_projects, one.projects)));
        summary.accounts_left_out = summary.accounts.len().saturating_sub(FleetSummary::ACCOUNTS);
        summary.accounts.truncate(FleetSummary::ACCOUNTS);
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str, accounts: &[(&str, &[&str], &[&str])]) -> ProjectRecord {
        let mut record = refused(name, "");
        record.line.error = None;
        record.line.exit = 1;
        let struck =
            Struck { rule: "r".to_owned(), level: Level::High, subject: "x 1.0.0".to_owned() };
        record.line.findings = vec![struck.clone(), struck];
        record.locked = vec![LockedCrate { name: "x".to_owned(), version: "1.0.0".to_owned() }];
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        record.accounts = accounts
            .iter()
            .map(|(login, at_build, others)| AccountHere {
                login: (*login).to_owned(),
                team: false,
                at_build: all(at_build),
                others: all(others),
            })
            .collect();
        record
    }

    #[test]
    fn who_runs_at_build_in_most_projects_comes_first() {
        let mut fleet = Fleet::default();
        fleet.add(&project("a", &[("often", &[], &["p", "q"]), ("build", &["x"], &[])]));
        fleet.add(&project("b", &[("often", &[], &["p"]), ("build", &["x"], &[])]));
        fleet.add(&project("c", &[("often", &[], &["p"])]));
        fleet.add(&refused("d", "no lockfile"));
        let summary = fleet.summary("2026-11-23");
        let told: Vec<_> = summary
            .accounts
            .iter()
            .map(|a| (a.login.as_str(), a.projects, a.build_projects, a.crates))
            .collect();
        assert_eq!(told, [("build", 2, 2, 1), ("often", 3, 0, 2)]);
        assert_eq!((summary.projects, summary.failed, summary.not_audited.len()), (4, 3, 1));
        let told: Vec<&str> = summary.not_passed.iter().map(|one| one.project.as_str()).collect();
        assert_eq!(told, ["a", "b", "c"], "what could not be audited has a list of its own");
    }

    #[test]
    fn the_worst_project_comes_first_and_one_that_passes_is_not_among_them() {
        let mut fleet = Fleet::default();
        let mut add = |name: &str, exit: u8, level: Option<Level>| {
            let mut record = project(name, &[]);
            record.line.exit = exit;
            record.line.findings.truncate(usize::from(level.is_some()));
            for one in &mut record.line.findings {
                one.level = level.unwrap_or(Level::High);
            }
            fleet.add(&record);
        };
        add("passes", 0, Some(Level::Low));
        add("incomplete", 3, Some(Level::Medium));
        add("high", 1, Some(Level::High));
        add("critical", 1, Some(Level::Critical));
        let summary = fleet.summary("2026-11-23");
        let told: Vec<&str> = summary.not_passed.iter().map(|one| one.project.as_str()).collect();
        assert_eq!(told, ["critical", "high", "incomplete"]);
    }

    #[test]
    fn a_finding_counts_once_a_project() {
        let mut fleet = Fleet::default();
        fleet.add(&project("a", &[]));
        fleet.add(&project("b", &[]));
        let summary = fleet.summary("2026-11-23");
        assert_eq!(summary.findings.len(), 1);
        assert_eq!(summary.findings[0].projects, 2);
        assert_eq!((summary.crate_versions, summary.without_custody), (1, 2));
    }
}
