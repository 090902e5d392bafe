//! `pin`: who holds the keys today, written down for later audits to compare with.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Failure;
use super::arguments::{CheckArguments, PinArguments};
use super::{output, session};
use crate::audit::{self, Request};
use crate::collectors::Gathered;
use crate::collectors::pins::crate_pin;
use crate::config::custody_lock::{LOCK_FILE, Renewal, accept, renew, write_pins};
use crate::config::model_pins::{ModelNow, accept_model, renew_models};
use crate::domain::text::shown;
use crate::domain::{CratePin, Measured, Origin, Pins, SubjectKind};
use crate::walker::Walk;
use crate::walker::models::Attached;
use crate::{collectors, walker};

/// What could be pinned today.
struct Now {
    crates: Vec<CratePin>,
    models: Vec<ModelNow>,
    /// Models that the project names, whether the Hub showed them or not.
    named: BTreeSet<String>,
}

/// Writes or updates custody.lock.
pub fn run(arguments: &PinArguments) -> Result<u8, Failure> {
    let check = CheckArguments {
        path: arguments.path.clone(),
        common: arguments.common.clone(),
        ..CheckArguments::default()
    };
    let request = session::request(&check)?;
    let mut walk = walker::walk(&request.path, &request.walk)?;
    let (attached, _) = audit::name_models(&mut walk, &request.policy);
    let gathered = collectors::gather(&walk.graph, &request.gather)?;
    for warning in &gathered.warnings {
        output::warning(warning);
    }
    let now = now(&walk, &attached, &gathered, &request);
    if now.crates.is_empty() && now.models.is_empty() {
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

fn now(walk: &Walk, attached: &Attached, gathered: &Gathered, request: &Request) -> Now {
    let crates = gathered.custody.iter().map(|(node, custody)| {
        let node = &walk.graph.nodes[*node];
        let sha256 = node.checksum.as_deref();
        let (name, version) = (&node.subject.name, &node.subject.version);
        crate_pin(name, version, sha256, custody, request.gather.as_of)
    });
    let models = gathered.models.iter().map(|(node, pin)| {
        let pinned = attached.references.get(node).map(|facts| &facts.pinned);
        ModelNow { pin: pin.clone(), moving: pinned != Some(&Measured::Known(true)) }
    });
    let nodes = walk.graph.nodes.iter().map(|node| &node.subject);
    let of_hub = nodes.filter(|s| s.kind == SubjectKind::Model && s.origin == Origin::Hub);
    Now {
        crates: crates.collect(),
        models: models.collect(),
        named: of_hub.map(|subject| subject.name.clone()).collect(),
    }
}

fn update(mut pins: Pins, now: &Now, name: &str, reason: &str) -> Result<(Pins, String), Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::text("the reason is empty").help("say who looked at what"));
    }
    let accepted = accept(&mut pins, &now.crates, name, reason)
        || accept_model(&mut pins.models, &now.models, name, reason);
    if !accepted {
        return Err(Failure::text(format!("`{}` is not in the graph", shown(name))));
    }
    Ok((pins, format!("accepted {} as it is now\n", shown(name))))
}

fn renewed(old: &Pins, now: &Now) -> (Pins, String) {
    // Nothing known of any crate is not a graph without crates.
    let crates = if now.crates.is_empty() {
        Renewal { pins: old.clone(), ..Renewal::default() }
    } else {
        renew(old, &now.crates)
    };
    let models = renew_models(&old.models, &now.models, &now.named);
    let count = |crates: &[String], models: &[String]| crates.len() + models.len();
    let mut told = format!(
        "{} pinned, {} renewed, {} gone\n",
        count(&crates.added, &models.added),
        count(&crates.renewed, &models.renewed),
        count(&crates.removed, &models.removed)
    );
    let of_crates = crates.held.iter().map(|name| (name, "changed hands"));
    let of_models = models.held.iter().map(|name| (name, "is not what was accepted"));
    for (name, what) in of_crates.chain(of_models) {
        let name = shown(name);
        // Writing to a String cannot fail.
        let _ = writeln!(
            told,
            "{name} {what} and keeps its pin: --update {name} --reason \"...\" accepts it"
        );
    }
    for name in &models.unseen {
        let _ = writeln!(told, "{} could not be looked at and keeps its pin", shown(name));
    }
    (Pins { models: models.pins, ..crates.pins }, told)
}
