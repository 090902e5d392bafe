//! How old a release has to be, as Cargo's own `min-publish-age` writes it.

use std::str::FromStr;

/// The least age of a release, in hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinAge {
    /// Whole hours; 0 switches the check off.
    pub hours: u32,
}

impl MinAge {
    /// The age in days.
    #[must_use]
    pub fn days(self) -> f64 {
        f64::from(self.hours) / 24.0
    }
}

impl FromStr for MinAge {
    type Err = String;

    /// "0", "36 hours", "3 days", "2 weeks", "1 month" (30 days).
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be \"0\" or like \"36 hours\", \"3 days\", \"2 weeks\"".to_owned();
        if text.trim() == "0" {
            return Ok(Self::default());
        }
        let (number, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let number: u32 = number.parse().map_err(|_| wrong())?;
        let hours = match unit.trim().trim_end_matches('s') {
            "hour" => 1,
            "day" => 24,
            "week" => 24 * 7,
            "month" => 24 * 30,
            _ => return Err(wrong()),
        };
        let hours = number.checked_mul(hours).ok_or_else(|| "is too long".to_owned())?;
        Ok(Self { hours })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_written_as_cargo_writes_them() {
        for (text, hours) in
            [("0", 0), ("1 hour", 1), ("3 days", 72), ("2 weeks", 336), ("1 month", 720)]
        {
            assert_eq!(text.parse(), Ok(MinAge { hours }), "{text}");
        }
    }

    #[test]
    fn an_age_without_a_unit_is_refused() {
        for text in ["", "3", "3d", "-1 days", "1.5 days", "days", "4000000000 weeks", "3 years"] {
            assert!(text.parse::<MinAge>().is_err(), "{text}");
        }
    }
}
