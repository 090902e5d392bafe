//! `custody-baseline.toml`: the findings of the day on which a project switched its gate on.
//!
//! They stay listed, as existing and with their date, and do not fail a run; what is new or grows
//! does. The file is written by `cargo custody baseline`, read in review like any other, and in a
//! pull request taken from the target branch.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::error::ConfigError;
use super::policy::level_of;
use super::section::{Document, Section};
use crate::domain::hash::hex;
use crate::domain::{Change, Evidence, Finding, Level, RuleId};

/// Name of the file, beside `custody.toml`.
pub const BASELINE_FILE: &str = "custody-baseline.toml";

const HEADER: &str = "\
# Findings that stood when this project switched its gate on, written by `cargo custody baseline`.
# They stay listed as existing; a new finding, a higher level or new evidence still fails the run.

";

/// One finding that was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaselineEntry {
    /// Rule that fired.
    pub rule: RuleId,
    /// Name of the crate or model.
    pub package: String,
    /// Its version or revision; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Level on that day.
    pub level: Level,
    /// One short hash for every item of evidence that names a file, bytes, an address or an account;
    /// notes are left out, because their numbers grow older every day.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub evidence: BTreeSet<String>,
}

/// The findings of one day, with one reason for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Baseline {
    /// The day, `YYYY-MM-DD`.
    pub recorded: String,
    /// Why they are accepted for now.
    pub reason: String,
    /// Ordered by rule, package and version.
    #[serde(rename = "finding", skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<BaselineEntry>,
}

impl Baseline {
    /// Records findings; those that a waiver covers are left out, it says more.
    #[must_use]
    pub fn record(findings: &[Finding], day: jiff::civil::Date, reason: &str) -> Self {
        let mut entries: BTreeMap<(&str, &str, &str), BaselineEntry> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.waived.is_none()) {
            let subject = &finding.subject;
            let entry = entries
                .entry((&finding.rule, &subject.name, &subject.version))
                .or_insert_with(|| BaselineEntry {
                    rule: finding.rule.clone(),
                    package: subject.name.clone(),
                    version: Some(subject.version.clone()).filter(|version| !version.is_empty()),
                    level: finding.level,
                    evidence: BTreeSet::new(),
                });
            entry.level = entry.level.max(finding.level);
            entry.evidence.extend(finding.evidence.iter().filter_map(evidence_hash));
        }
        Self {
            recorded: day.to_string(),
            reason: reason.trim().to_owned(),
            entries: entries.into_values().collect(),
        }
    }

    /// Reads the text of a `custody-baseline.toml`; `file` is its name in errors.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, ConfigError> {
        let document = Document { file, text };
        let table = document.parse()?;
        let top = Section::new(document, "", table.get_ref(), 0..0);
        top.only(&["recorded", "reason", "finding"])?;
        Ok(Self {
            recorded: top.day("recorded")?.ok_or_else(|| top.missing("recorded"))?,
            reason: top.required("reason")?.value.trim().to_owned(),
            entries: top.tables("finding")?.iter().map(entry).collect::<Result<_, _>>()?,
        })
    }

    /// The text of the file; equal baselines give equal bytes.
    ///
    /// # Panics
    /// Never: texts, lists and tables are what TOML consists of.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let body = toml::to_string(self).expect("a baseline consists of texts, lists and tables");
        format!("{HEADER}{body}")
    }

    /// What happened to a finding since: it is existing while its level does not rise, it has no
    /// evidence that was not there, and its subject is the same version or ships the same bytes.
    #[must_use]
    pub fn change(&self, finding: &Finding) -> Change {
        let evidence: BTreeSet<String> =
            finding.evidence.iter().filter_map(evidence_hash).collect();
        let has_bytes = finding.evidence.iter().any(|item| item.sha256.is_some());
        let mut change = Change::Introduced;
        for entry in &self.entries {
            if entry.rule != finding.rule || entry.package != finding.subject.name {
                continue;
            }
            let same_version = entry.version.as_deref().unwrap_or("") == finding.subject.version;
            let known = evidence.is_subset(&entry.evidence);
            if (same_version || has_bytes) && known && finding.level <= entry.level {
                return Change::Existing;
            }
            if same_version || (has_bytes && known) {
                change = Change::Raised;
            }
        }
        change
    }
}

fn entry(section: &Section<'_>) -> Result<BaselineEntry, ConfigError> {
    section.only(&["rule", "package", "version", "level", "evidence"])?;
    Ok(BaselineEntry {
        rule: section.required("rule")?.value.to_owned(),
        package: section.required("package")?.value.to_owned(),
        version: section.text("version")?.map(|told| told.value.to_owned()),
        level: level_of("level", &section.required("level")?)?,
        evidence: section
            .texts("evidence")?
            .into_iter()
            .map(|told| told.value.to_owned())
            .collect(),
    })
}

/// 16 hexadecimal digits over what does not change from day to day; none where there is nothing.
fn evidence_hash(evidence: &Evidence) -> Option<String> {
    let parts = [&evidence.file, &evidence.sha256, &evidence.url, &evidence.account];
    if parts.iter().all(|part| part.is_none()) {
        return None;
    }
    let mut hash = Sha256::new();
    // Only models have members: the hashes of everything else stay what they were.
    let member = evidence.member.is_some().then_some(&evidence.member);
    for part in parts.into_iter().chain(member) {
        let part = part.as_deref().unwrap_or("");
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part.as_bytes());
    }
    Some(hex(&hash.finalize()[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Waived;
    use crate::domain::{Location, Subject};

    fn finding(version: &str) -> Finding {
        Finding {
            rule: "opaque-new".to_owned(),
            level: Level::Medium,
            score: 8.5,
            subject: Subject::registry_crate("codec", version),
            message: "codec brings a new file, 3 days ago".to_owned(),
            evidence: vec![bytes("a.bin", "aa"), note("3 days ago")],
            location: Location::line("Cargo.lock", 7),
            related: Vec::new(),
            path: Vec::new(),
            change: None,
            arithmetic: Vec::new(),
            terms: Vec::new(),
            clear: String::new(),
            waived: None,
            advisory: None,
            baselined: None,
        }
    }

    fn bytes(file: &str, hash: &str) -> Evidence {
        Evidence {
            file: Some(file.to_owned()),
            sha256: Some(hash.repeat(32)),
            ..Evidence::default()
        }
    }

    fn note(text: &str) -> Evidence {
        Evidence { note: text.to_owned(), ..Evidence::default() }
    }

    fn of_day_one(findings: &[Finding]) -> Baseline {
        Baseline::record(findings, "2026-11-23".parse().unwrap(), "looked at on day one")
    }

    #[test]
    fn what_was_there_is_existing_on_any_later_day() {
        let mut later = finding("1.0.0");
        later.evidence[1] = note("90 days ago");
        later.location.line = 99;
        assert_eq!(of_day_one(&[finding("1.0.0")]).change(&later), Change::Existing);
    }

    #[test]
    fn growth_is_raised() {
        let baseline = of_day_one(&[finding("1.0.0")]);
        let mut worse = finding("1.0.0");
        worse.level = Level::High;
        assert_eq!(baseline.change(&worse), Change::Raised);
        let mut more = finding("1.0.0");
        more.evidence.push(bytes("b.bin", "bb"));
        assert_eq!(baseline.change(&more), Change::Raised);
    }

    #[test]
    fn less_than_before_is_still_existing() {
        let mut before = finding("1.0.0");
        before.evidence.push(bytes("b.bin", "bb"));
        before.level = Level::High;
        assert_eq!(of_day_one(&[before]).change(&finding("1.0.0")), Change::Existing);
    }

    #[test]
    fn an_update_with_the_same_bytes_is_existing_and_one_with_others_is_new() {
        let baseline = of_day_one(&[finding("1.0.0")]);
        assert_eq!(baseline.change(&finding("1.0.1")), Change::Existing);
        let mut other = finding("1.0.1");
        other.evidence = vec![bytes("a.bin", "cc")];
        assert_eq!(baseline.change(&other), Change::Introduced);
        // Without bytes, only the version says that it is the same thing: "1.0.1 is yanked, too".
        other.evidence = vec![note("yanked")];
        assert_eq!(baseline.change(&other), Change::Introduced);
    }

    #[test]
    fn another_package_or_rule_is_introduced() {
        let baseline = of_day_one(&[finding("1.0.0")]);
        let mut other = finding("1.0.0");
        other.subject.name = "other".to_owned();
        assert_eq!(baseline.change(&other), Change::Introduced);
        let mut other = finding("1.0.0");
        other.rule = "yanked-in-lock".to_owned();
        assert_eq!(baseline.change(&other), Change::Introduced);
    }

    #[test]
    fn waived_findings_are_not_recorded() {
        let mut waived = finding("1.0.0");
        waived.waived = Some(Waived { reason: "r".to_owned(), expires: None });
        assert!(of_day_one(&[waived]).entries.is_empty());
    }

    #[test]
    fn a_baseline_survives_the_way_through_its_file_in_any_order() {
        let mut hostile = finding("1.0.0");
        hostile.subject.name = "a\"]\n[[finding]]\nrule = \"x".to_owned();
        let findings = [finding("2.0.0"), hostile, finding("1.0.0")];
        let baseline = of_day_one(&findings);
        let text = baseline.to_toml();
        assert_eq!(Baseline::from_toml(&text, BASELINE_FILE).unwrap(), baseline);
        let reversed: Vec<Finding> = findings.into_iter().rev().collect();
        assert_eq!(of_day_one(&reversed).to_toml(), text);
        assert!(text.starts_with("# Findings that stood"));
    }

    #[test]
    fn an_empty_baseline_is_a_valid_file() {
        let baseline = of_day_one(&[]);
        assert_eq!(Baseline::from_toml(&baseline.to_toml(), BASELINE_FILE).unwrap(), baseline);
    }

    #[test]
    fn a_file_without_a_reason_or_with_an_unknown_key_is_refused() {
        let refused = |text: &str| Baseline::from_toml(text, "b.toml").unwrap_err().to_string();
        assert_eq!(refused("recorded = 2026-11-23\n"), "b.toml:1:1: the file has no `reason`");
        assert_eq!(refused("reason = \"r\"\n"), "b.toml:1:1: the file has no `recorded`");
        let finding = "recorded = 2026-11-23\nreason = \"r\"\n[[finding]]\nrule = \"a\"\n\
                       package = \"b\"\nlevel = \"low\"\nreasn = \"x\"\n";
        assert_eq!(refused(finding), "b.toml:7:1: unknown key in [finding] `reasn`");
    }
}
