//! The report itself as JSON, and its published schema.
//!
//! Nothing is left out and nothing is added: `--min-level` and the like are for readers, this is
//! for programs. Keys keep the order of the structs, so equal reports are equal bytes.

use serde_json::Value;

use super::{Format, ReporterError, pretty};
use crate::domain::Report;

pub(super) fn render(report: &Report) -> Result<String, ReporterError> {
    pretty(Format::Json, report)
}

/// The JSON Schema (2020-12) of `custody-report/1`, as it stands in `schema/custody-report-1.json`.
#[must_use]
pub fn report_schema() -> Value {
    let mut schema = schemars::schema_for!(Report).to_value();
    schema["title"] = Value::from("custody-report/1");
    schema["properties"]["schema"]["const"] = Value::from(crate::domain::report::SCHEMA);
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::sample;

    #[test]
    fn the_committed_schema_is_current() {
        let text = format!("{}\n", serde_json::to_string_pretty(&report_schema()).unwrap());
        sample::golden("schema/custody-report-1.json", &text);
    }

    #[test]
    fn reports_are_valid_against_the_schema() {
        for report in [sample::report(), sample::clean_report(), sample::delta_report()] {
            let value = serde_json::from_str(&render(&report).unwrap()).unwrap();
            sample::validate(&report_schema(), &[], &value);
        }
    }

    #[test]
    fn a_report_with_a_wrong_level_is_refused_by_the_schema() {
        let mut value = serde_json::to_value(sample::report()).unwrap();
        value["findings"][0]["level"] = Value::from("catastrophic");
        assert!(sample::invalid(&report_schema(), &[], &value).is_some());
    }

    #[test]
    fn a_report_survives_the_way_through_json() {
        let report = sample::report();
        let again: Report = serde_json::from_str(&render(&report).unwrap()).unwrap();
        assert_eq!(again, report);
    }

    #[test]
    fn the_layout_is_stable() {
        sample::golden("fixtures/reports/sample.json", &render(&sample::report()).unwrap());
    }
}
