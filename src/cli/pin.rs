//! `pin`: who holds the keys today, written down for later audits to compare with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::civil::Date;

use super::Failure;
use super::arguments::{CheckArguments, PinArguments};
use super::{output, session};
use crate::audit::{self, Request};
use crate::collectors::Gathered;
use crate::collectors::archive::ManifestFacts;
use crate::collectors::custody::{EventOrder, ReportCrate, custody_report};
use crate::collectors::pins::crate_pin;
use crate::config::custody_lock::{LOCK_FILE, Renewal, accept, renew, write_pins};
use crate::config::model_pins::{ModelNow, accept_model, renew_models};
use crate::config::package_pins::{accept_package, renew_packages};
use crate::domain::text::shown;
use crate::domain::{CratePin, Measured, Node, NodeIndex, Origin, PackagePin, Pins, SubjectKind};
use crate::walker::Walk;
use crate::walker::models::Attached;
use crate::{collectors, reporter, walker};

/// Most changes of hands that are told of what is accepted.
const TOLD: usize = 20;
/// What could be pinned today.
struct Now {
    crates: Vec<CratePin>,
    /// Crates of which too little was seen for a pin, with the reason.
    unseen: BTreeMap<String, String>,
    models: Vec<ModelNow>,
    packages: Vec<PackagePin>,
    /// Models that the project names, whether the Hub showed them or not.
    named: BTreeSet<String>,
}

/// Writes or updates custody.lock.
pub fn run(arguments: &PinArguments) -> Result<u8, Failure> {
    let check = CheckArguments::about(&arguments.path, &arguments.common);
    let request = session::request(&check)?;
    let mut walk = walker::walk(&request.path, &request.walk)?;
    let (attached, _) = audit::name_models(&mut walk, &request.policy);
    let gathered = collectors::gather(&walk.graph, &request.gather)?;
    for warning in &gathered.warnings {
        output::warning(warning);
    }
    let old = request.gather.pins.clone().unwrap_or_else(Pins::default);
    let build = arguments.build_code || old.crates.iter().any(|pin| pin.build.is_some());
    let now = now(&walk, &attached, &gathered, &request, build);
    if now.crates.is_empty() && now.models.is_empty() && now.packages.is_empty() {
        return Err(Failure::text(
            "nothing is known of who holds the keys, so nothing can be pinned",
        )
        .help("give the registry's API time (--api-budget 5m), or name a dump (--dump FILE)"));
    }
    let (pins, mut told) = match (&arguments.update, &arguments.reason) {
        (Some(name), Some(reason)) => update(old.clone(), &now, name, reason)?,
        _ => renewed(&old, &now),
    };
    told.push_str(&odd(&old, &pins, &walk, &gathered, &request));
    let path = walk.root.join(LOCK_FILE);
    output::file(&path, write_pins(&pins).as_bytes())?;
    output::stdout(format!("{told}wrote {}\n", path.display()).as_bytes())?;
    // What the project asked for and could not be done is no success.
    Ok(if now.unseen.is_empty() { 0 } else { 3 })
}

fn now(
    walk: &Walk,
    attached: &Attached,
    gathered: &Gathered,
    request: &Request,
    build: bool,
) -> Now {
    let (mut crates, mut unseen) = (Vec::new(), BTreeMap::new());
    for (index, node) in walk.graph.nodes.iter().enumerate() {
        if node.subject.origin != Origin::Registry {
            continue;
        }
        match seen(index, node, gathered, build, request.gather.as_of) {
            Ok(pin) => crates.push(pin),
            Err(why) => {
                unseen.insert(node.subject.name.clone(), why);
            }
        }
    }
    // A crate that is there in two versions is accepted as a whole.
    crates.retain(|pin| !unseen.contains_key(&pin.name));
    let models = gathered.models.iter().map(|(node, pin)| {
        let pinned = attached.references.get(node).map(|facts| &facts.pinned);
        ModelNow { pin: pin.clone(), moving: pinned != Some(&Measured::Known(true)) }
    });
    let nodes = walk.graph.nodes.iter().map(|node| &node.subject);
    let of_hub = nodes.filter(|s| s.kind == SubjectKind::Model && s.origin == Origin::Hub);
    Now {
        crates,
        unseen,
        models: models.collect(),
        packages: attached.packages.pins(&walk.graph, request.gather.as_of),
        named: of_hub.map(|subject| subject.name.clone()).collect(),
    }
}

/// The pin of a crate, or why nobody can accept what was not seen of it.
fn seen(
    index: NodeIndex,
    node: &Node,
    gathered: &Gathered,
    build: bool,
    as_of: Date,
) -> Result<CratePin, String> {
    let (name, version) = (&node.subject.name, &node.subject.version);
    let Some(custody) = gathered.custody.get(&index) else {
        return Err("nothing is known of who holds its keys".to_owned());
    };
    if let Measured::Unknown(why) = &custody.owners {
        return Err(format!("its owners are not known: {why}"));
    }
    // A version that no source lists was published by who knows whom.
    if let Measured::Unknown(why) = &custody.publisher_source {
        return Err(format!("who published {version} is not known: {why}"));
    }
    let pin = crate_pin(name, version, node.checksum.as_deref(), custody, as_of);
    if !build {
        return Ok(pin);
    }
    match gathered.build_pin(index) {
        Measured::Known(build) => Ok(CratePin { build: Some(build), ..pin }),
        Measured::Unknown(why) => Err(format!("what it runs at build time is not known: {why}")),
    }
}

/// What changed hands lately among the crates whose pins are other than before.
fn odd(old: &Pins, new: &Pins, walk: &Walk, gathered: &Gathered, request: &Request) -> String {
    let accepted: BTreeSet<&str> = new
        .crates
        .iter()
        .filter(|pin| !old.crates.contains(pin))
        .map(|pin| pin.name.as_str())
        .collect();
    let crates: Vec<ReportCrate<'_>> = gathered
        .custody
        .iter()
        .map(|(node, facts)| ReportCrate {
            name: &walk.graph.nodes[*node].subject.name,
            build_executed: gathered.manifests.get(node).is_some_and(ManifestFacts::runs_at_build),
            dependents: 0,
            facts,
        })
        .filter(|one| accepted.contains(one.name))
        .collect();
    let report = custody_report(&crates, EventOrder::BuildFirst, request.gather.as_of);
    if report.events.is_empty() {
        return String::new();
    }
    let mut told =
        "what changed hands in the last 24 months among what is accepted here:\n".to_owned();
    for event in report.events.iter().take(TOLD) {
        // Writing to a String cannot fail.
        let _ =
            writeln!(told, "  {}, {} days ago", reporter::change_of_hands(event), event.age_days);
    }
    let more = report.events.len().saturating_sub(TOLD) + report.events_left_out as usize;
    if more > 0 {
        let _ = writeln!(told, "  and {more} more: cargo custody report");
    }
    told
}

fn update(mut pins: Pins, now: &Now, name: &str, reason: &str) -> Result<(Pins, String), Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::text("the reason is empty").help("say who looked at what"));
    }
    let accepted = accept(&mut pins, &now.crates, name, reason)
        || accept_model(&mut pins.models, &now.models, name, reason)
        || accept_package(&mut pins.packages, &now.packages, name, reason);
    if let (false, Some(why)) = (accepted, now.unseen.get(name)) {
        return Err(Failure::text(format!("`{}` was not seen, and is not accepted: {}", shown(name), shown(why)))
            .help("give the registry's API time (--api-budget 5m), a dump (--dump FILE), or its archive (cargo fetch)"));
    }
    if !accepted {
        return Err(Failure::text(format!("`{}` is not in the graph", shown(name))));
    }
    Ok((pins, format!("accepted {} as it is now\n", shown(name))))
}

/// What can be pinned now, and the former pins of what was not seen: it is not gone.
fn kept_unseen(old: &Pins, now: &Now) -> Vec<CratePin> {
    let former = old.crates.iter().filter(|pin| now.unseen.contains_key(&pin.name));
    now.crates.iter().chain(former).cloned().collect()
}

fn renewed(old: &Pins, now: &Now) -> (Pins, String) {
    // Nothing known of any crate is not a graph without crates.
    let crates = if now.crates.is_empty() {
        Renewal { pins: old.clone(), ..Renewal::default() }
    } else {
        renew(old, &kept_unseen(old, now))
    };
    let models = renew_models(&old.models, &now.models, &now.named);
    let packages = renew_packages(&old.packages, &now.packages);
    let count = |all: [&Vec<String>; 3]| all.iter().map(|names| names.len()).sum::<usize>();
    let mut told = format!(
        "{} pinned, {} renewed, {} gone\n",
        count([&crates.added, &models.added, &packages.added]),
        count([&crates.renewed, &models.renewed, &packages.renewed]),
        count([&crates.removed, &models.removed, &packages.removed])
    );
    let of_crates = crates.held.iter().map(|name| (name, "changed hands or build code"));
    let of_models = models.held.iter().map(|name| (name, "is not what was accepted"));
    let of_packages = packages.held.iter();
    let of_packages =
        of_packages.map(|name| (name, "has other bytes, or runs code on install now,"));
    for (name, what) in of_crates.chain(of_models).chain(of_packages) {
        let name = shown(name);
        // Writing to a String cannot fail.
        let _ = writeln!(
            told,
            "{name} {what} and keeps its pin: --update {name} --reason \"...\" accepts it"
        );
    }
    for (name, why) in &now.unseen {
        let what = if old.crates.iter().any(|pin| pin.name == *name) {
            "keeps its pin"
        } else {
            "is not pinned"
        };
        let _ = writeln!(told, "{} was not seen and {what}: {}", shown(name), shown(why));
    }
    for name in &models.unseen {
        let _ = writeln!(told, "{} could not be looked at and keeps its pin", shown(name));
    }
    (Pins { models: models.pins, packages: packages.pins, ..crates.pins }, told)
}
