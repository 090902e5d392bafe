//! The arithmetic: what the signals of one subject weigh together.
//!
//! The sum over the axes of the strongest signal of each (two signals of one property must not
//! count twice), in bits of surprisal, times a factor for how closely the axes are linked.

use std::collections::{BTreeMap, BTreeSet};

use super::rates::{Rate, UNMEASURED};
use custody_facts::finding::Term;
use custody_facts::{Axis, Evidence, RuleId};

/// Two axes speak of the same file.
pub const SAME_FILE: f64 = 1.5;
/// Two axes speak of the same account.
pub const SAME_ACCOUNT: f64 = 1.3;
/// Two axes speak of what the same release changed.
pub const SAME_RELEASE: f64 = 1.2;

/// A signal that weighs so many bits is rarer than one crate in 128.
pub const RARE: f64 = 7.0;

/// A signal that fired, or that could not be determined.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalHit {
    /// Which signal.
    pub id: RuleId,
    /// What it states, in one line.
    pub title: String,
    /// What it speaks of.
    pub axis: Axis,
    /// How rare it is.
    pub rate: Rate,
    /// Fading of an old event, from 0 to 1.
    pub decay: f64,
    /// It speaks of something that this release changed.
    pub event: bool,
    /// What backs it.
    pub evidence: Vec<Evidence>,
}

impl SignalHit {
    /// Its weight in bits.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.rate.bits() * self.decay
    }
}

/// A score with the way it came about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// With every undetermined signal taken as not firing.
    pub low: f64,
    /// With every undetermined signal taken as firing.
    pub high: f64,
    /// Axes on which something fired.
    pub axes: BTreeSet<Axis>,
    /// Those of them on which the strongest signal is rarer than one crate in 128.
    pub rare_axes: usize,
    /// One line a term.
    pub arithmetic: Vec<String>,
    /// The same terms as data.
    pub terms: Vec<Term>,
}

impl Score {
    /// What findings can ask of it, as [`super::condition::SCORE`] names it. A sum is not rounded up.
    #[must_use]
    pub fn asked(&self) -> [(&'static str, i64); 3] {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        #[expect(clippy::cast_possible_truncation, reason = "a sum of a few dozen bits")]
        let bits = self.low.floor().clamp(0.0, 10_000.0) as i64;
        [("axes", count(self.axes.len())), ("rare_axes", count(self.rare_axes)), ("bits", bits)]
    }
}

/// Adds up the signals of one subject.
#[must_use]
pub fn score(fired: &[SignalHit], undetermined: &[SignalHit]) -> Score {
    let strongest = strongest_of(fired.iter());
    // The sum of nothing is -0.0.
    let sum = strongest.values().map(|hit| hit.weight()).sum::<f64>() + 0.0;
    let (factor, reason) = link(fired);
    let mut arithmetic: Vec<String> = strongest.values().map(|hit| term(hit)).collect();
    let low = sum * factor;
    match reason {
        Some(reason) => {
            arithmetic.push(format!("sum {sum:.1} bits x {factor} ({reason}) = {low:.1}"));
        }
        None if strongest.is_empty() => {}
        None => arithmetic.push(format!("sum {sum:.1} bits")),
    }
    let with_unknown = strongest_of(fired.iter().chain(undetermined));
    let high = with_unknown.values().map(|hit| hit.weight()).sum::<f64>() * factor;
    if high - low > 0.05 {
        let names: Vec<_> = with_unknown
            .values()
            .filter(|hit| undetermined.iter().any(|u| u.id == hit.id))
            .map(|hit| hit.id.as_str())
            .collect();
        arithmetic.push(format!("up to {high:.1} if it could be told: {}", names.join(", ")));
    }
    let terms = strongest.values().map(|hit| data(hit)).collect();
    let rare_axes = strongest.values().filter(|hit| hit.weight() >= RARE).count();
    let axes = strongest.keys().copied().collect();
    Score { low, high, axes, rare_axes, arithmetic, terms }
}

fn strongest_of<'h>(hits: impl Iterator<Item = &'h SignalHit>) -> BTreeMap<Axis, &'h SignalHit> {
    let mut strongest: BTreeMap<Axis, &SignalHit> = BTreeMap::new();
    for hit in hits {
        let best = strongest.entry(hit.axis).or_insert(hit);
        if hit.weight() > best.weight() {
            *best = hit;
        }
    }
    strongest
}

fn term(hit: &SignalHit) -> String {
    let Rate { fires, of } = hit.rate;
    let rate = match of {
        0 => "no base rate yet".to_owned(),
        _ => format!("on {fires} of {of} crates"),
    };
    let faded = if hit.decay < 1.0 {
        format!(", faded to {:.0} %", hit.decay * 100.0)
    } else {
        String::new()
    };
    let (axis, bits) = (hit.axis.as_str(), hit.weight());
    format!("{axis} {bits:.1} bits: {} ({rate}{faded})", hit.id)
}

/// A term for programs. A rate that nobody measured is none.
fn data(hit: &SignalHit) -> Term {
    let measured = hit.rate != UNMEASURED;
    let Rate { fires, of } = hit.rate;
    Term {
        axis: hit.axis,
        signal: hit.id.clone(),
        title: hit.title.clone(),
        bits: (hit.weight() * 10.0).round() / 10.0,
        fires: if measured { fires } else { 0 },
        of: if measured { of } else { 0 },
        decay: hit.decay,
        behind: false,
    }
}

/// The closest link between signals of different axes.
fn link(fired: &[SignalHit]) -> (f64, Option<String>) {
    if let Some(file) = shared(fired, |evidence| evidence.file.as_deref()) {
        return (SAME_FILE, Some(format!("same file {}", custody_facts::text::shown(file))));
    }
    if let Some(account) = shared(fired, |evidence| evidence.account.as_deref()) {
        return (
            SAME_ACCOUNT,
            Some(format!("same account {}", custody_facts::text::shown(account))),
        );
    }
    let axes: BTreeSet<Axis> = fired.iter().filter(|hit| hit.event).map(|hit| hit.axis).collect();
    if axes.len() > 1 {
        return (SAME_RELEASE, Some("changed in the same release".to_owned()));
    }
    (1.0, None)
}

/// The first value that evidence of two axes shares.
fn shared<'h>(
    fired: &'h [SignalHit],
    value: impl Fn(&'h Evidence) -> Option<&'h str>,
) -> Option<&'h str> {
    let mut axes_of: BTreeMap<&str, BTreeSet<Axis>> = BTreeMap::new();
    for hit in fired {
        for found in hit.evidence.iter().filter_map(&value) {
            axes_of.entry(found).or_default().insert(hit.axis);
        }
    }
    axes_of.into_iter().find(|(_, axes)| axes.len() > 1).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(id: &str, axis: Axis, fires: u32, file: Option<&str>) -> SignalHit {
        let evidence = Evidence { file: file.map(str::to_owned), ..Evidence::default() };
        SignalHit {
            id: id.to_owned(),
            title: String::new(),
            axis,
            rate: Rate { fires, of: 1000 },
            decay: 1.0,
            event: false,
            evidence: vec![evidence],
        }
    }

    #[test]
    fn two_signals_of_one_property_do_not_count_twice() {
        let one = score(&[hit("a", Axis::Means, 1, None)], &[]);
        let two = score(&[hit("a", Axis::Means, 1, None), hit("b", Axis::Means, 5, None)], &[]);
        assert!((one.low - two.low).abs() < 1e-9);
    }

    #[test]
    fn the_terms_as_data_are_the_strongest_of_each_axis_and_an_unmeasured_rate_is_none() {
        let mut unmeasured = hit("p", Axis::Path, 1, None);
        unmeasured.rate = UNMEASURED;
        let all = [hit("a", Axis::Means, 1, None), hit("b", Axis::Means, 5, None), unmeasured];
        let terms: Vec<_> =
            score(&all, &[]).terms.into_iter().map(|t| (t.signal, t.fires, t.of)).collect();
        assert_eq!(terms, [("a".to_owned(), 1, 1000), ("p".to_owned(), 0, 0)]);
    }

    #[test]
    fn the_same_file_links_two_axes() {
        let means = hit("a", Axis::Means, 1, Some("tests/x.bin"));
        let path = hit("b", Axis::Path, 1, Some("tests/x.bin"));
        let linked = score(&[means.clone(), path], &[]);
        let apart = score(&[means, hit("b", Axis::Path, 1, Some("build.rs"))], &[]);
        assert!((linked.low / apart.low - SAME_FILE).abs() < 1e-9);
        assert!(
            linked.arithmetic.last().is_some_and(|line| line.contains("same file tests/x.bin"))
        );
    }

    #[test]
    fn nothing_is_worth_nothing_and_has_no_arithmetic() {
        let Score { low, arithmetic, .. } = score(&[], &[]);
        assert_eq!((low.to_string(), arithmetic.len()), ("0".to_owned(), 0));
    }

    #[test]
    fn an_undetermined_signal_raises_only_the_upper_end() {
        let means = hit("a", Axis::Means, 1, None);
        let unknown = hit("owner-added", Axis::Opportunity, 1, None);
        let score = score(&[means], &[unknown]);
        assert!(score.high > score.low + 5.0);
        assert!(score.arithmetic.last().is_some_and(|line| line.contains("owner-added")));
    }
}
