//! `fleet who`: which projects lock a crate, answered from what the last run wrote down.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use super::records::Records;
use crate::cli::arguments::WhoArguments;
use crate::cli::{Failure, output};
use crate::domain::fleet::FLEET_SCHEMA;
use crate::domain::text::shown;
use crate::reporter;

/// Prints the projects that lock a crate, by version.
pub fn run(arguments: &WhoArguments) -> Result<u8, Failure> {
    let (name, version) = match arguments.spec.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (arguments.spec.as_str(), None),
    };
    let mut projects = 0_usize;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in &arguments.out {
        let (all, naming) = Records::naming(folder, name)?;
        projects += all;
        for record in naming {
            for locked in &record.locked {
                if locked.name == name && version.is_none_or(|wanted| wanted == locked.version) {
                    let of = found.entry(locked.version.clone()).or_default();
                    of.push(record.line.project.clone());
                }
            }
        }
    }
    if arguments.json {
        let answer =
            json!({"schema": FLEET_SCHEMA, "crate": name, "projects": projects, "locked": found});
        return output::stdout((reporter::json_line(&answer)? + "\n").as_bytes()).map(|()| 0);
    }
    let mut text = String::new();
    for (version, who) in &found {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{} {}: {} of {projects} projects",
            shown(name),
            shown(version),
            who.len()
        );
        for project in who {
            let _ = writeln!(text, "  {}", shown(project));
        }
    }
    if found.is_empty() {
        let _ = writeln!(text, "{}: none of {projects} projects", shown(&arguments.spec));
    }
    output::stdout(text.as_bytes())?;
    Ok(0)
}
