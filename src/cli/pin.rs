//! `pin`: who holds the keys today, written down for later audits to compare with.

use std::fmt::Write as _;

use super::Failure;
use super::arguments::{CheckArguments, PinArguments};
use super::{output, session};
use crate::collectors::pins::crate_pin;
use crate::config::custody_lock::{LOCK_FILE, accept, renew, write_pins};
use crate::domain::text::shown;
use crate::domain::{CratePin, Pins};
use crate::{collectors, walker};

/// Writes or updates custody.lock.
pub fn run(arguments: &PinArguments) -> Result<u8, Failure> {
    let check = CheckArguments {
        path: arguments.path.clone(),
        common: arguments.common.clone(),
        ..CheckArguments::default()
    };
    let request = session::request(&check)?;
    let walk = walker::walk(&request.path, &request.walk)?;
    let gathered = collectors::gather(&walk.graph, &request.gather)?;
    for warning in &gathered.warnings {
        output::warning(warning);
    }
    let now: Vec<CratePin> = gathered
        .custody
        .iter()
        .map(|(node, custody)| {
            let node = &walk.graph.nodes[*node];
            let sha256 = node.checksum.as_deref();
            let (name, version) = (&node.subject.name, &node.subject.version);
            crate_pin(name, version, sha256, custody, request.gather.as_of)
        })
        .collect();
    if now.is_empty() {
        return Err(Failure::text(
            "nothing is known of who holds the keys, so nothing can be pinned",
        )
        .help("give the registry's API time (--api-budget 5m), or name a dump (--dump FILE)"));
    }
    let old = request.gather.pins.clone().unwrap_or_else(Pins::default);
    let (pins, told) = match (&arguments.update, &arguments.reason) {
        (Some(name), Some(reason)) => update(old, &now, name, reason)?,
        _ => renewed(&old, &now),
    };
    let path = walk.root.join(LOCK_FILE);
    output::file(&path, write_pins(&pins).as_bytes())?;
    output::stdout(format!("{told}wrote {}\n", path.display()).as_bytes())?;
    Ok(0)
}

fn update(
    mut pins: Pins,
    now: &[CratePin],
    name: &str,
    reason: &str,
) -> Result<(Pins, String), Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::text("the reason is empty").help("say who looked at what"));
    }
    if !accept(&mut pins, now, name, reason) {
        return Err(Failure::text(format!("`{}` is not in the graph", shown(name))));
    }
    Ok((pins, format!("accepted {} as it is now\n", shown(name))))
}

fn renewed(old: &Pins, now: &[CratePin]) -> (Pins, String) {
    let renewal = renew(old, now);
    let mut told = format!(
        "{} pinned, {} renewed, {} gone\n",
        renewal.added.len(),
        renewal.renewed.len(),
        renewal.removed.len()
    );
    for name in &renewal.held {
        let name = shown(name);
        // Writing to a String cannot fail.
        let _ = writeln!(
            told,
            "{name} changed hands and keeps its pin: --update {name} --reason \"...\" accepts it"
        );
    }
    (renewal.pins, told)
}
