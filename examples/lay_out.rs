//! Lays out a report that was written as JSON: `cargo run --example lay_out -- html report.json > page.html`.
//! The browser test makes its hostile pages with it.

use std::error::Error;

use cargo_custody::domain::report::Context;
use cargo_custody::domain::{Report, Sources};
use cargo_custody::reporter::{Format, Options, render};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(format), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: lay_out FORMAT REPORT.json".into());
    };
    let report: Report = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let sources = Sources::default();
    let context = Context { rules: &[], sources: &sources, prefix: "" };
    print!("{}", render(format.parse::<Format>()?, &report, &context, &Options::default())?);
    Ok(())
}
