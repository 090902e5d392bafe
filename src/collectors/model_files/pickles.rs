//! From the events of a pickle to imports with verdicts, calls and anomalies.

use std::sync::LazyLock;

use super::carried;
use super::facts::{ConfigTarget, ImportVerdict, ModelAnomaly, ModelCall, ModelFile, ModelImport};
use model_scan::pickle::globals::{Globals, Verdict};
use model_scan::pickle::{Event, First, GlobalName, Scan, What};

/// Entries kept of imports and of calls.
const KEPT: usize = 200;

/// The lists, read once.
pub(super) static GLOBALS: LazyLock<Globals> = LazyLock::new(|| {
    let text = include_str!("../../../rules/tables/pickle-globals.toml");
    let classes = include_str!("../../../rules/tables/pickle-classes.toml");
    Globals::parse(text)
        .and_then(|globals| globals.with_classes(classes))
        .expect("our own tables of globals are valid")
});

/// Adds what a scan of `member` saw.
pub(super) fn add(file: &mut ModelFile, member: &str, scan: &Scan) {
    file.pickles += u64::from(scan.streams.max(1));
    let mut storage_seen = false;
    let carries = carried::only_functions(scan);
    for event in &scan.events {
        let place = place(member, event);
        match &event.what {
            // A library's own functions: told once, as code, and not once for every name on the way.
            What::Nested { encoding, .. } if carries && encoding == "bytes" => {}
            what if carries && carried::is_part(what) => {}
            // Where more than that is done, the calls and names on the way tell it.
            What::Code { .. } if !carries => code_call(file, place, event),
            What::Import(name) => import(file, place, event, name, scan),
            What::Call { callee, arguments, .. } => {
                let verdict = verdict_of(callee, scan);
                if verdict != ImportVerdict::Allowed {
                    call(file, place, event, &callee.to_string(), verdict, arguments);
                }
            }
            What::CallOnResult { callee, root, .. } if is_known_object(root.as_ref(), callee) => {}
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
            // Every tensor asks for its storage; one of them says as much as thousands.
            What::PersistentId { id }
                if id.starts_with("('storage',") && std::mem::replace(&mut storage_seen, true) => {}
            // Tensors pickle the bytes of their storages as a pickle of their own.
            What::Nested { .. } if is_plain(event, scan) => {}
            // Behind the pickle of a storage lie its numbers.
            What::Trailing { .. } if !event.inside.is_empty() => {}
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
        What::CallOnResult { callee, root, .. } if is_known_object(root.as_ref(), callee) => {
            ImportVerdict::Allowed
        }
        What::CallOnResult { .. }
        | What::Rebind { .. }
        | What::Drain { .. }
        | What::DynamicGlobal { .. }
        | What::Code { .. } => ImportVerdict::Denied,
        What::BuildOnResult { root, .. } => root_verdict(root.as_ref(), scan),
        What::Nested { encoding, .. } if encoding == "bytes" => ImportVerdict::Allowed,
        What::Trailing { .. } if !event.inside.is_empty() => ImportVerdict::Allowed,
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

/// A code object beside anything else that a pickle should not do: as bad as calling what a call returned.
fn code_call(file: &mut ModelFile, member: String, event: &Event) {
    let detail = event.what.to_string();
    call(file, member, event, "_builtin_type('CodeType')", ImportVerdict::Denied, &detail);
}

/// Whether what is called is a fresh object of a class whose objects may be.
fn is_known_object(root: Option<&GlobalName>, callee: &str) -> bool {
    root.is_some_and(|root| {
        GLOBALS.may_be_called(&root.module, &root.name) && callee == format!("{root}()")
    })
}

/// Whether a pickle in a string of bytes imports and calls nothing but what is allowed.
fn is_plain(nested: &Event, scan: &Scan) -> bool {
    let What::Nested { encoding, .. } = &nested.what else { return false };
    let step = format!("{encoding}@{}", nested.offset);
    let depth = nested.inside.len();
    let within = |event: &&Event| {
        event.inside.get(depth) == Some(&step) && event.inside[..depth] == nested.inside[..]
    };
    encoding == "bytes" && scan.events.iter().filter(within).all(|event| mark(event, scan) == ' ')
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
        Verdict::Denied | Verdict::AllowedChoosing => ImportVerdict::Denied,
        Verdict::Allowed => ImportVerdict::Allowed,
        // A loader calls what a configuration names.
        Verdict::Unknown | Verdict::AllowedOfAllowed | Verdict::AllowedUncalled => {
            ImportVerdict::Unknown
        }
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
        Verdict::AllowedChoosing => choosing(name, scan),
        Verdict::AllowedUncalled => uncalled(name, reason, scan),
    }
}

/// The calls of a name that the scan tells.
fn calls<'s>(name: &'s GlobalName, scan: &'s Scan) -> impl Iterator<Item = &'s What> {
    scan.events
        .iter()
        .map(|event| &event.what)
        .filter(move |what| matches!(what, What::Call { callee, .. } if callee == name))
}

/// A class of a library, or a method: harmless until somebody calls it.
fn uncalled(name: &GlobalName, reason: String, scan: &Scan) -> (ImportVerdict, String) {
    let called = calls(name, scan).any(|call| matches!(call, What::Call { built: false, .. }));
    let denied = GLOBALS.judge(&name.module, &name.name).family.is_some();
    if called && denied {
        (ImportVerdict::Denied, format!("{name} is called, and harmless only where it is not"))
    } else if called {
        (ImportVerdict::Unknown, format!("{name} is called, and known only where it is not"))
    } else {
        (ImportVerdict::Allowed, reason)
    }
}

/// `getattr` of something allowed with a constant name, `itemgetter` of constants. What else it is used for
/// reaches what no name in the file tells.
fn choosing(name: &GlobalName, scan: &Scan) -> (ImportVerdict, String) {
    let mut verdict = ImportVerdict::Allowed;
    let mut called = false;
    let getter = name.name.ends_with("getattr");
    for call in calls(name, scan) {
        let What::Call { first, plain, arguments, .. } = call else { continue };
        called = true;
        let of = match first {
            First::Global(of) | First::Of(of) if getter => part_of(of, scan),
            // A method of a text or a number: `'abc'.upper`.
            First::Constant if getter && is_method_of_a_constant(arguments) => {
                ImportVerdict::Allowed
            }
            // `Union[int, None]` and its like.
            First::Global(of) if name.name == "getitem" && of.module == "typing" => {
                verdict = verdict.min(part_of(of, scan));
                continue;
            }
            First::Constant if !getter && name.name != "getitem" => ImportVerdict::Allowed,
            _ => ImportVerdict::Denied,
        };
        verdict = verdict.min(if *plain { of } else { ImportVerdict::Denied });
    }
    match verdict {
        // The type of types stands in many objects.
        ImportVerdict::Allowed if !called && name.name == "type" => {
            (ImportVerdict::Unknown, "on no list where nobody calls it".to_owned())
        }
        ImportVerdict::Allowed if called => (verdict, format!("{name} by constants")),
        ImportVerdict::Unknown => (verdict, format!("{name} of a name on no list")),
        _ => {
            (ImportVerdict::Denied, "reaches attributes or items by a name that is data".to_owned())
        }
    }
}

/// Methods of texts and numbers that make another value of them and nothing else. `format` and its like reach
/// attributes of what they are handed.
const OF_CONSTANTS: [&str; 27] = [
    "upper",
    "lower",
    "title",
    "casefold",
    "capitalize",
    "swapcase",
    "strip",
    "lstrip",
    "rstrip",
    "split",
    "rsplit",
    "splitlines",
    "join",
    "startswith",
    "endswith",
    "count",
    "find",
    "index",
    "zfill",
    "isdigit",
    "isalpha",
    "isalnum",
    "isspace",
    "isupper",
    "islower",
    "bit_length",
    "is_integer",
];

/// Whether the last argument of a call, as it is written, names such a method.
fn is_method_of_a_constant(arguments: &str) -> bool {
    let name = arguments.rsplit_once(", ").map(|(_, name)| name.trim_matches(['\'', '"']));
    name.is_some_and(|name| OF_CONSTANTS.contains(&name))
}

/// What is said of an attribute of this name, or of an object that it made.
fn part_of(name: &GlobalName, scan: &Scan) -> ImportVerdict {
    let judgement = GLOBALS.judge(&name.module, &name.name);
    match judgement.verdict {
        Verdict::Allowed => ImportVerdict::Allowed,
        Verdict::AllowedUncalled => uncalled(name, String::new(), scan).0,
        Verdict::Unknown => ImportVerdict::Unknown,
        // An attribute of an attribute leads on, and a part of a waiting call too.
        Verdict::AllowedChoosing | Verdict::AllowedOfAllowed | Verdict::Denied => {
            ImportVerdict::Denied
        }
    }
}

fn of_allowed(name: &GlobalName, scan: &Scan) -> (ImportVerdict, String) {
    let mut verdict = ImportVerdict::Allowed;
    let mut reason = format!("{name} of allowed functions only");
    let mut called = false;
    for call in calls(name, scan) {
        let What::Call { first, .. } = call else { continue };
        called = true;
        let (next, what) = match first {
            First::Global(first) => match judged_simply(first, scan) {
                ImportVerdict::Allowed => continue,
                next => (next, first.to_string()),
            },
            // A bound method that waits.
            First::Of(of) if is_choosing(of) && choosing(of, scan).0 == ImportVerdict::Allowed => {
                continue;
            }
            First::Of(of) => (ImportVerdict::Denied, format!("what {of} returned")),
            _ => (ImportVerdict::Denied, "a computed value".to_owned()),
        };
        if next < verdict {
            verdict = next;
            reason = format!("{name} of {what}");
        }
    }
    if called { (verdict, reason) } else { (ImportVerdict::Unknown, format!("{name}, not called")) }
}

/// A function that is handed on. A method may be called later by whoever asks for the part.
fn judged_simply(name: &GlobalName, scan: &Scan) -> ImportVerdict {
    match GLOBALS.judge(&name.module, &name.name).verdict {
        Verdict::Allowed => ImportVerdict::Allowed,
        Verdict::AllowedUncalled => uncalled(name, String::new(), scan).0,
        Verdict::Unknown => ImportVerdict::Unknown,
        _ => ImportVerdict::Denied,
    }
}

fn is_choosing(name: &GlobalName) -> bool {
    GLOBALS.judge(&name.module, &name.name).verdict == Verdict::AllowedChoosing
}

fn verdict_of(name: &GlobalName, scan: &Scan) -> ImportVerdict {
    judged(name, scan).0
}

fn root_verdict(root: Option<&GlobalName>, scan: &Scan) -> ImportVerdict {
    // What an attribute is cannot be told: a class or a module would be changed.
    if root.is_some_and(is_choosing) {
        return ImportVerdict::Denied;
    }
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
