//! Facts in, findings out. Every subject is judged for itself; nothing is fetched or measured.

mod docket;
mod finding;

use std::collections::{BTreeMap, BTreeSet};

use cel::Value;
use rayon::prelude::*;

use super::condition::{Bindings, Outcome};
use super::rule::Rule;
use super::ruleset::Ruleset;
use super::score::{SignalHit, score};
use custody_facts::fact::unknown_reason;
use custody_facts::{FactSheet, Finding, Location, PathStep, Subject, SubjectKind, Undetermined};
use docket::Docket;
use finding::{evidence, findings};

/// One subject with its facts, and where a reviewer finds it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What was measured.
    pub sheet: FactSheet,
    /// Its own line.
    pub location: Location,
    /// Other lines worth a link.
    pub related: Vec<Location>,
    /// The way from the project to it.
    pub path: Vec<PathStep>,
}

/// A signal that fired on a subject, for those who want to see all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct FiredSignal {
    /// On whom.
    pub subject: Subject,
    /// What fired.
    pub hit: SignalHit,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// Findings, most important first.
    pub findings: Vec<Finding>,
    /// What a rule would have wanted to know.
    pub undetermined: Vec<Undetermined>,
    /// Every signal that fired, ordered by subject and id.
    pub signals: Vec<FiredSignal>,
    /// Signal id to the number of subjects on which it could be determined.
    pub determined: BTreeMap<String, u32>,
}

impl Judgement {
    /// Adds what was judged apart, and brings everything into order again.
    pub fn absorb(&mut self, other: Self) {
        self.add(other);
        self.findings.sort_by(rank);
        self.undetermined.sort();
        self.undetermined.dedup();
        self.signals.sort_by(|a, b| (&a.subject, &a.hit.id).cmp(&(&b.subject, &b.hit.id)));
    }

    fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.undetermined.extend(other.undetermined);
        self.signals.extend(other.signals);
        for (id, count) in other.determined {
            *self.determined.entry(id).or_insert(0) += count;
        }
    }
}

/// A rule's verdict on one subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The condition holds.
    Fires,
    /// It does not.
    Clear,
    /// A fact it needs is unknown.
    Undetermined,
    /// The rule is at fault.
    Broken(String),
}

impl Verdict {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Value(Value::Bool(true)) => Self::Fires,
            Outcome::Value(Value::Bool(false)) => Self::Clear,
            Outcome::Value(_) => Self::Broken("the condition is not a yes or no".to_owned()),
            Outcome::Undetermined => Self::Undetermined,
            Outcome::Broken(why) => Self::Broken(why),
        }
    }
}

/// Judges all cases with all rules. The result does not depend on the order of the cases.
#[must_use]
pub fn judge(ruleset: &Ruleset, cases: &[Case]) -> Judgement {
    let court = Court::new(ruleset, cases.iter().map(|case| &case.sheet));
    let each = cases.par_iter().map(|case| court.judge(case));
    // Taken together as they come, in their order: what is known of each alone is not kept for all.
    let mut all = each.reduce(Judgement::default, |mut all, one| {
        all.add(one);
        all
    });
    all.absorb(Judgement::default());
    all
}

/// Most important first; equals by subject, rule and message, so that the order is total.
pub(super) fn rank(a: &Finding, b: &Finding) -> std::cmp::Ordering {
    b.level
        .cmp(&a.level)
        .then_with(|| b.score.total_cmp(&a.score))
        .then_with(|| a.subject.cmp(&b.subject))
        .then_with(|| a.rule.cmp(&b.rule))
        .then_with(|| a.message.cmp(&b.message))
}

/// All verdicts on one sheet, by rule id: what the rules' own tests look at.
#[must_use]
pub fn verdicts(ruleset: &Ruleset, sheet: &FactSheet) -> BTreeMap<String, Verdict> {
    let court = Court::new(ruleset, std::iter::once(sheet));
    let mut bindings = court.bindings(sheet);
    let signals = court.signals(sheet, &mut bindings);
    bindings.bind_map("score", score(&signals.fired, &signals.undetermined).asked());
    let mut all: BTreeMap<String, Verdict> =
        signals.verdicts.into_iter().map(|(id, verdict)| (id.to_owned(), verdict)).collect();
    for rule in &court.docket(sheet).findings {
        all.insert(rule.info.id.clone(), verdict(rule, sheet, &mut bindings));
    }
    all
}

/// What came out of the signals on one sheet.
struct Signals<'r> {
    verdicts: BTreeMap<&'r str, Verdict>,
    fired: Vec<SignalHit>,
    undetermined: Vec<SignalHit>,
}

/// The rules, by the kind of subject that they are judged on.
struct Court<'r> {
    ruleset: &'r Ruleset,
    dockets: BTreeMap<SubjectKind, Docket<'r>>,
}

impl<'r> Court<'r> {
    fn new<'s>(ruleset: &'r Ruleset, sheets: impl Iterator<Item = &'s FactSheet>) -> Self {
        let mut kinds: BTreeMap<SubjectKind, BTreeSet<&str>> = BTreeMap::new();
        for sheet in sheets {
            let groups = sheet.facts.keys().map(String::as_str);
            kinds.entry(sheet.subject.kind).or_default().extend(groups);
        }
        let docket = |(kind, groups)| (kind, Docket::of(ruleset, kind, &groups));
        Self { ruleset, dockets: kinds.into_iter().map(docket).collect() }
    }

    fn docket(&self, sheet: &FactSheet) -> &Docket<'r> {
        self.dockets.get(&sheet.subject.kind).expect("made of the kinds of all subjects")
    }

    fn bindings<'v>(&self, sheet: &'v FactSheet) -> Bindings<'v>
    where
        'r: 'v,
    {
        let mut bindings = Bindings::new();
        let docket = self.docket(sheet);
        for (group, facts) in &sheet.facts {
            if let Some(wanted) = docket.fields.get(group.as_str()) {
                bindings.bind_fields(group, facts, wanted);
            }
        }
        let subject = &sheet.subject;
        bindings.bind_map(
            "subject",
            [
                ("kind", subject.kind.as_str()),
                ("name", &subject.name),
                ("version", &subject.version),
                ("origin", subject.origin.kind()),
            ],
        );
        bindings.bind("tables", self.ruleset.tables());
        bindings
    }

    /// Judges the signals and binds `signals` to what is determined. A signal that is switched off or
    /// that does not apply to this kind of subject is false, not unknown.
    fn signals<'v>(&self, sheet: &'v FactSheet, bindings: &mut Bindings<'v>) -> Signals<'r>
    where
        'r: 'v,
    {
        let mut signals =
            Signals { verdicts: BTreeMap::new(), fired: Vec::new(), undetermined: Vec::new() };
        let mut bound: BTreeMap<&'r str, bool> =
            self.ruleset.signals().iter().map(|id| (id.as_str(), false)).collect();
        for rule in self.docket(sheet).signals.iter().copied() {
            let verdict = verdict(rule, sheet, bindings);
            let id = rule.info.id.as_str();
            match verdict {
                Verdict::Fires => {
                    bound.insert(id, true);
                    signals.fired.push(hit(self.ruleset, rule, sheet, bindings));
                }
                Verdict::Clear => {
                    bound.insert(id, false);
                }
                // What asks only for groups that this subject has none of does not apply to it.
                Verdict::Undetermined if !applies(rule, sheet) => {
                    bound.insert(id, false);
                }
                Verdict::Undetermined | Verdict::Broken(_) => {
                    bound.remove(id);
                    signals.undetermined.push(unseen(self.ruleset, rule));
                }
            }
            signals.verdicts.insert(id, verdict);
        }
        bindings.bind_map("signals", bound);
        signals
    }

    fn judge(&self, case: &Case) -> Judgement {
        let ruleset = self.ruleset;
        let sheet = &case.sheet;
        let mut bindings = self.bindings(sheet);
        let signals = self.signals(sheet, &mut bindings);
        let sum = score(&signals.fired, &signals.undetermined);
        bindings.bind_map("score", sum.asked());
        let mut judgement = Judgement::default();
        let mut fired = Vec::new();
        let docket = self.docket(sheet);
        let mut missing = Missing::new(sheet);
        // Of facts that the subject has none of, none is missing.
        for rule in docket.findings.iter().copied().filter(|rule| concerns(rule, sheet)) {
            match decide(rule, &mut bindings) {
                Verdict::Fires => fired.push(rule),
                Verdict::Clear => {}
                Verdict::Undetermined => missing.of(ruleset, rule, &signals),
                Verdict::Broken(why) => judgement.undetermined.push(Undetermined {
                    subject: sheet.subject.clone(),
                    what: format!("rule {}", rule.info.id),
                    file: Some(rule.file.clone()),
                    reason: why,
                    required: true,
                }),
            }
        }
        judgement.undetermined.extend(missing.told());
        for rule in &fired {
            let superseded = fired.iter().any(|other| other.supersedes.contains(&rule.info.id));
            if !superseded {
                docket.widen(rule, sheet, &mut bindings);
                if let Some(hits) = rule.hits() {
                    hits.bind(&mut bindings);
                }
                let mut about = findings(rule, case, &sum, &mut bindings);
                mark_behind(ruleset, rule, &mut about);
                judgement.findings.extend(about);
            }
        }
        for (id, verdict) in &signals.verdicts {
            if matches!(verdict, Verdict::Fires | Verdict::Clear) {
                judgement.determined.insert((*id).to_owned(), 1);
            }
        }
        let subject = || sheet.subject.clone();
        judgement.signals =
            signals.fired.into_iter().map(|hit| FiredSignal { subject: subject(), hit }).collect();
        judgement
    }
}

/// Marks the terms whose signal reads what the rule reads: they alone say how unusual the finding is.
fn mark_behind(ruleset: &Ruleset, rule: &Rule, findings: &mut [Finding]) {
    let reads = rule.reads();
    for term in findings.iter_mut().flat_map(|finding| &mut finding.terms) {
        let signal = ruleset.rule(&term.signal);
        term.behind = signal.is_some_and(|signal| !signal.reads().is_disjoint(&reads))
            || rule.names_signal(&term.signal);
    }
}

/// A signal that could not be told: what it would count, and no evidence.
fn unseen(ruleset: &Ruleset, rule: &Rule) -> SignalHit {
    SignalHit {
        id: rule.info.id.clone(),
        title: rule.info.title.clone(),
        axis: rule.info.axis.expect("a signal has an axis, checked when it was loaded"),
        rate: ruleset.rates().of(&rule.info.id),
        decay: 1.0,
        event: rule.event,
        evidence: Vec::new(),
    }
}

fn verdict(rule: &Rule, sheet: &FactSheet, bindings: &mut Bindings) -> Verdict {
    if !concerns(rule, sheet) {
        return Verdict::Undetermined;
    }
    decide(rule, bindings)
}

/// Binds what the rule calls `hits`, and evaluates its condition.
fn decide(rule: &Rule, bindings: &mut Bindings) -> Verdict {
    if let Some(hits) = rule.hits() {
        hits.bind(bindings);
    }
    Verdict::of(rule.when().evaluate(bindings))
}

fn concerns(rule: &Rule, sheet: &FactSheet) -> bool {
    rule.concerns(|group| sheet.facts.contains_key(group))
}

/// Whether the sheet has one of the groups that a rule asks for.
fn applies(rule: &Rule, sheet: &FactSheet) -> bool {
    if !concerns(rule, sheet) {
        return false;
    }
    let mut groups = rule.when().paths().iter().filter_map(|path| path.split('.').next());
    groups.any(|group| sheet.facts.contains_key(group))
}

fn hit(ruleset: &Ruleset, rule: &Rule, sheet: &FactSheet, bindings: &mut Bindings) -> SignalHit {
    let decay = match rule.consequence().weight.as_ref().map(|weight| weight.evaluate(bindings)) {
        Some(Outcome::Value(Value::Float(x))) => x.clamp(0.0, 1.0),
        Some(Outcome::Value(Value::Int(0))) => 0.0,
        _ => 1.0,
    };
    SignalHit { decay, evidence: evidence(rule, sheet, bindings, None), ..unseen(ruleset, rule) }
}

/// Which facts kept the rules from deciding on one sheet, and why each is unknown: each told once, however
/// many rules ask for it. A graph of ten thousand crates of which nothing is known has millions of questions.
struct Missing<'r, 's> {
    sheet: &'s FactSheet,
    asked: BTreeSet<&'r str>,
    unknown: BTreeMap<String, String>,
}

impl<'r, 's> Missing<'r, 's> {
    fn new(sheet: &'s FactSheet) -> Self {
        Self { sheet, asked: BTreeSet::new(), unknown: BTreeMap::new() }
    }

    /// Adds what kept this rule from deciding.
    fn of(&mut self, ruleset: &'r Ruleset, rule: &'r Rule, signals: &Signals<'r>) {
        let unsure = rule
            .when()
            .signals()
            .iter()
            .filter(|id| matches!(signals.verdicts.get(id.as_str()), Some(Verdict::Undetermined)))
            .filter_map(|id| ruleset.rule(id));
        for path in unsure.chain([rule]).flat_map(|rule| rule.when().paths()) {
            if self.asked.insert(path)
                && let Some((at, reason)) = unknown_on(path, self.sheet)
            {
                self.unknown.insert(at, reason);
            }
        }
    }

    fn told(self) -> impl Iterator<Item = Undetermined> {
        self.unknown.into_iter().map(|(what, reason)| Undetermined {
            subject: self.sheet.subject.clone(),
            what,
            file: None,
            reason,
            required: false,
        })
    }
}

/// The first unknown value on the way along `path`, with its reason.
fn unknown_on(path: &str, sheet: &FactSheet) -> Option<(String, String)> {
    let mut parts = path.split('.');
    let mut at = parts.next()?.trim_end_matches("[]").to_owned();
    let mut here = vec![sheet.facts.get(&at)?];
    loop {
        if let Some(reason) = here.iter().find_map(|value| unknown_reason(value)) {
            return Some((at, reason.to_owned()));
        }
        let part = parts.next()?;
        let name = part.trim_end_matches("[]");
        let mut below = Vec::new();
        for value in here {
            match value {
                serde_json::Value::Array(items) => {
                    below.extend(items.iter().filter_map(|i| i.get(name)));
                }
                other => below.extend(other.get(name)),
            }
        }
        at = format!("{at}.{name}");
        here = below;
    }
}
