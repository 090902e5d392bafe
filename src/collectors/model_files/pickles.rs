//! From the events of a pickle to imports with verdicts, calls and anomalies.

use std::sync::LazyLock;

use super::facts::{ConfigTarget, ImportVerdict, ModelAnomaly, ModelCall, ModelFile, ModelImport};
use model_scan::pickle::globals::{Globals, Verdict};
use model_scan::pickle::{Event, GlobalName, Scan, What};

/// Entries kept of imports and of calls.
const KEPT: usize = 200;

/// The lists, read once.
static GLOBALS: LazyLock<Globals> = LazyLock::new(|| {
    let text = include_str!("../../../rules/tables/pickle-globals.toml");
    Globals::parse(text).expect("our own table of globals is valid")
});

/// Adds what a scan of `member` saw.
pub(super) fn add(file: &mut ModelFile, member: &str, scan: &Scan) {
    file.pickles += u64::from(scan.streams.max(1));
    for event in &scan.events {
        let place = place(member, event);
        match &event.what {
            What::Import(name) => import(file, place, event, name, scan),
            What::Call { callee, arguments, .. } => {
                let verdict = verdict_of(callee, scan);
                if verdict != ImportVerdict::Allowed {
                    call(file, place, event, &callee.to_string(), verdict, arguments);
                }
            }
            What::CallOnResult { callee, root, arguments } => {
                let verdict = root_verdict(root.as_ref(), scan);
                call(file, place, event, callee, verdict, arguments);
            }
            What::BuildOnResult { root, state } => {
                let verdict = root_verdict(root.as_ref(), scan);
                if verdict != ImportVerdict::Allowed {
                    let root = root.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
                    call(file, place, event, &root, verdict, state);
                }
            }
            What::Rebind { target, state } => {
                let verdict = verdict_of(target, scan);
                call(file, place, event, &target.to_string(), verdict, state);
            }
            What::Drain { callee, iterator } => {
                let verdict = verdict_of(callee, scan);
                call(file, place, event, &callee.to_string(), verdict, iterator);
            }
            _ => anomaly(file, place, event),
        }
    }
    if scan.omitted > 0 {
        file.anomalies.push(ModelAnomaly {
            path: file.path.clone(),
            source: "pickle".to_owned(),
            kind: "events-omitted".to_owned(),
            offset: None,
            detail: format!("{} more events like those reported", scan.omitted),
            member: member.to_owned(),
        });
    }
}

/// Marks a line of the trace: `!` before what the lists deny and what calls or changes a result, `?`
/// before what is on no list.
pub(super) fn mark(event: &Event, scan: &Scan) -> char {
    let verdict = match &event.what {
        What::Import(name) | What::Call { callee: name, .. } => verdict_of(name, scan),
        What::CallOnResult { .. }
        | What::Rebind { .. }
        | What::Drain { .. }
        | What::DynamicGlobal { .. } => ImportVerdict::Denied,
        What::BuildOnResult { root, .. } => root_verdict(root.as_ref(), scan),
        // Every checkpoint of torch asks for its tensors like this.
        What::PersistentId { id } if id.starts_with("('storage',") => ImportVerdict::Allowed,
        _ => ImportVerdict::Unknown,
    };
    match verdict {
        ImportVerdict::Denied => '!',
        ImportVerdict::Unknown => '?',
        ImportVerdict::Allowed => ' ',
    }
}

fn place(member: &str, event: &Event) -> String {
    let mut place = member.to_owned();
    for step in &event.inside {
        if !place.is_empty() {
            place.push_str("!/");
        }
        place.push_str(step);
    }
    place
}

fn import(file: &mut ModelFile, member: String, event: &Event, name: &GlobalName, scan: &Scan) {
    let (verdict, reason) = judged(name, scan);
    let judgement = GLOBALS.judge(&name.module, &name.name);
    file.imports.push(ModelImport {
        path: file.path.clone(),
        module: cut(&name.module),
        name: cut(&name.name),
        verdict,
        reason,
        family: judgement.family.map(str::to_owned),
        reference: judgement.reference.map(str::to_owned),
        url: judgement.reference.and_then(address),
        offset: event.offset,
        opcode: event.opcode.to_owned(),
        member,
    });
}

/// What the lists say of a dotted name in a configuration.
pub(super) fn target(path: &str, member: &str, target: &str) -> ConfigTarget {
    let (module, name) = target.rsplit_once('.').unwrap_or(("builtins", target));
    let judgement = GLOBALS.judge(module, name);
    let verdict = match judgement.verdict {
        Verdict::Denied => ImportVerdict::Denied,
        Verdict::Allowed => ImportVerdict::Allowed,
        Verdict::Unknown | Verdict::AllowedOfAllowed => ImportVerdict::Unknown,
    };
    ConfigTarget {
        path: path.to_owned(),
        member: member.to_owned(),
        target: cut(target),
        verdict,
        reason: judgement.reason.to_owned(),
    }
}

/// Where an advisory can be read.
fn address(reference: &str) -> Option<String> {
    match reference.split('-').next()? {
        "GHSA" => Some(format!("https://github.com/advisories/{reference}")),
        "CVE" => Some(format!("https://nvd.nist.gov/vuln/detail/{reference}")),
        _ => reference.starts_with("https://").then(|| reference.to_owned()),
    }
}

/// A verdict with its reason; what is allowed only of something allowed is decided by its calls.
fn judged(name: &GlobalName, scan: &Scan) -> (ImportVerdict, String) {
    let judgement = GLOBALS.judge(&name.module, &name.name);
    let reason = judgement.reason.to_owned();
    match judgement.verdict {
        Verdict::Allowed => (ImportVerdict::Allowed, reason),
        Verdict::Denied => (ImportVerdict::Denied, reason),
        Verdict::Unknown => (ImportVerdict::Unknown, reason),
        Verdict::AllowedOfAllowed => of_allowed(name, scan),
    }
}

fn of_allowed(name: &GlobalName, scan: &Scan) -> (ImportVerdict, String) {
    let mut verdict = ImportVerdict::Allowed;
    let mut reason = format!("{name} of allowed functions only");
    let mut called = false;
    for event in &scan.events {
        let What::Call { callee, first, .. } = &event.what else { continue };
        if callee != name {
            continue;
        }
        called = true;
        let of = first.as_ref().map(|first| GLOBALS.judge(&first.module, &first.name).verdict);
        let (next, what) = match (of, first) {
            (Some(Verdict::Allowed), _) => continue,
            (Some(Verdict::Unknown), Some(first)) => (ImportVerdict::Unknown, first.to_string()),
            (_, Some(first)) => (ImportVerdict::Denied, first.to_string()),
            (_, None) => (ImportVerdict::Denied, "a computed value".to_owned()),
        };
        if next < verdict {
            verdict = next;
            reason = format!("{name} of {what}");
        }
    }
    if called { (verdict, reason) } else { (ImportVerdict::Unknown, format!("{name}, not called")) }
}

fn verdict_of(name: &GlobalName, scan: &Scan) -> ImportVerdict {
    judged(name, scan).0
}

fn root_verdict(root: Option<&GlobalName>, scan: &Scan) -> ImportVerdict {
    root.map_or(ImportVerdict::Unknown, |root| verdict_of(root, scan))
}

fn call(
    file: &mut ModelFile,
    member: String,
    event: &Event,
    callee: &str,
    verdict: ImportVerdict,
    arguments: &str,
) {
    file.calls.push(ModelCall {
        path: file.path.clone(),
        kind: event.what.kind().to_owned(),
        callee: cut(callee),
        verdict,
        arguments: arguments.to_owned(),
        offset: event.offset,
        opcode: event.opcode.to_owned(),
        member,
    });
}

fn anomaly(file: &mut ModelFile, member: String, event: &Event) {
    file.anomalies.push(ModelAnomaly {
        path: file.path.clone(),
        source: "pickle".to_owned(),
        kind: event.what.kind().to_owned(),
        offset: Some(event.offset),
        detail: event.what.to_string(),
        member,
    });
}

/// Cuts a stranger's string to a length that facts can carry.
fn cut(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Keeps the gravest where there are too many, and restores their order.
pub(super) fn bound(file: &mut ModelFile) {
    file.imports_left_out = trim(&mut file.imports, |import| (import.verdict, 0));
    file.calls_left_out = trim(&mut file.calls, |call| {
        let direct = matches!(call.kind.as_str(), "call-on-result" | "build-rebind");
        (if direct { ImportVerdict::Denied } else { call.verdict }, u8::from(!direct))
    });
}

fn trim<T>(list: &mut Vec<T>, rank: impl Fn(&T) -> (ImportVerdict, u8)) -> u64 {
    if list.len() <= KEPT {
        return 0;
    }
    let left_out = list.len() - KEPT;
    let mut ranks: Vec<_> = list.iter().enumerate().map(|(at, item)| (rank(item), at)).collect();
    ranks.sort_unstable();
    let keep: std::collections::BTreeSet<usize> =
        ranks.iter().take(KEPT).map(|(_, at)| *at).collect();
    let mut at = 0;
    list.retain(|_| {
        at += 1;
        keep.contains(&(at - 1))
    });
    left_out as u64
}
