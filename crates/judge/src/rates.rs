//! How often each signal fires on honest code, and hence how much it weighs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use custody_facts::RuleId;

/// How often one signal was seen on a reference graph.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Subjects on which it fired.
    pub fires: u32,
    /// Subjects on which it could be determined.
    pub of: u32,
}

impl Rate {
    /// Surprisal in bits, `-log2 p`, with add-half smoothing so that a signal never seen on the
    /// reference graphs has a finite weight.
    #[must_use]
    pub fn bits(self) -> f64 {
        -((f64::from(self.fires) + 0.5) / (f64::from(self.of) + 1.0)).log2()
    }

    /// 95 % Wilson score interval of the rate, as two fractions.
    /// <https://www.itl.nist.gov/div898/handbook/prc/section2/prc241.htm>
    #[must_use]
    pub fn interval(self) -> (f64, f64) {
        let n = f64::from(self.of);
        if self.of == 0 {
            return (0.0, 1.0);
        }
        let z = 1.959_964_f64;
        let p = f64::from(self.fires) / n;
        let centre = p + z * z / (2.0 * n);
        let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z * z / n;
        (((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0))
    }

    /// The line of the table: the rate, and its interval in percent as a comment.
    #[must_use]
    pub fn line(self, signal: &str) -> String {
        let Self { fires, of } = self;
        let line = format!("{signal} = {{ fires = {fires}, of = {of} }}");
        if of == 0 {
            return line;
        }
        let (low, high) = self.interval();
        format!("{line} # {:.2} to {:.2} %", 100.0 * low, 100.0 * high)
    }
}

/// The table `rules/tables/base-rates.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Day of the measurement, `YYYY-MM-DD`.
    pub date: String,
    /// What was measured, and how.
    pub source: String,
    /// Signals whose rate is that of the nearest measure of git histories, until a registry dump was measured.
    #[serde(default, rename = "from-git-histories")]
    pub from_git_histories: BTreeSet<RuleId>,
    /// Signal id to its rate.
    pub signals: BTreeMap<RuleId, Rate>,
}

/// What a signal without a measured rate weighs: one in eight. Too little to matter alone.
pub const UNMEASURED: Rate = Rate { fires: 1, of: 11 };

impl Rates {
    /// Reads the table.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The rate of a signal, or [`UNMEASURED`].
    #[must_use]
    pub fn of(&self, signal: &str) -> Rate {
        self.signals.get(signal).copied().unwrap_or(UNMEASURED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_tells_its_interval_and_none_of_nothing() {
        let told = Rate { fires: 24, of: 1358 }.line("dirty-vcs-info");
        assert_eq!(told, "dirty-vcs-info = { fires = 24, of = 1358 } # 1.19 to 2.62 %");
        assert_eq!(Rate { fires: 0, of: 0 }.line("x"), "x = { fires = 0, of = 0 }");
    }

    #[test]
    fn a_rare_signal_weighs_more_than_a_common_one() {
        let rare = Rate { fires: 0, of: 1178 }.bits();
        let common = Rate { fires: 300, of: 1178 }.bits();
        assert!((rare - 11.2).abs() < 0.1, "{rare}");
        assert!((common - 2.0).abs() < 0.1, "{common}");
    }

    #[test]
    fn the_interval_of_nothing_seen_is_not_zero() {
        let (low, high) = Rate { fires: 0, of: 720 }.interval();
        assert!(low.abs() < 1e-9);
        assert!((high - 0.0053).abs() < 0.0003, "{high}");
    }
}
