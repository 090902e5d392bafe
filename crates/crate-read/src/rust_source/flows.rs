//! Flows: data that comes from a source and ends somewhere. The end decides: what is started, loaded,
//! linked or compiled counts whatever happened to it on the way.

use super::facts::{Flow, LISTED, Step, StepKind};
use super::paths;
use super::value::Taint;
use super::walk::Walk;

/// Where data can come from; what says more is named first, for data that is sent and for the rest.
const SENT: [StepKind; 4] = [StepKind::Secret, StepKind::Fetch, StepKind::Literal, StepKind::Read];
pub(super) const SOURCES: [StepKind; 5] =
    [StepKind::Fetch, StepKind::Literal, StepKind::Read, StepKind::Secret, StepKind::Compute];
const DECODERS: [StepKind; 3] = [StepKind::Decode, StepKind::Decompress, StepKind::Decrypt];
/// Steps after which data is not what it was: those that decode, and changes of the code's own.
pub(super) const CHANGES: [StepKind; 4] =
    [StepKind::Decode, StepKind::Decompress, StepKind::Decrypt, StepKind::Alter];
/// Methods that give a started program an argument.
const ARGUMENTS: [&str; 3] = ["arg", "args", "raw_arg"];

impl Walk<'_> {
    /// Data ends: a flow, where it comes from a source; and what parameters lead to it, for callers.
    pub(super) fn emit(&mut self, taint: &Taint, sink: u32) {
        let Some(end) = self.steps.get(sink as usize).cloned() else { return };
        // Literals inside source code are no code.
        let is_source = end.kind == StepKind::Include;
        let taint = if is_source { taint.clone() } else { taint.whole() };
        if taint.parameters != 0 && self.sinks.len() < 256 {
            let mut steps: Vec<u32> = taint.steps.iter().copied().collect();
            steps.push(sink);
            self.sinks.push((taint.parameters, steps));
        }
        let steps = self.ordered(&taint, end.kind);
        let Some(flow) = flow(steps, end) else { return };
        if self.facts.flows.len() >= LISTED {
            self.facts.left_out += 1;
        } else if !self.facts.flows.iter().any(|known| is_same(known, &flow)) {
            self.facts.flows.push(flow);
        }
    }

    /// The steps of data in the order of a flow.
    fn ordered(&self, taint: &Taint, end: StepKind) -> Vec<Step> {
        let mut steps: Vec<(u32, &Step)> = taint
            .steps
            .iter()
            .filter_map(|index| Some((*index, self.steps.get(*index as usize)?)))
            .filter(|(_, step)| step.kind != StepKind::Digest)
            .filter(|(_, step)| end != StepKind::Send || step.kind != StepKind::Fetch)
            .collect();
        steps.sort_by_key(|(index, step)| (rank(step.kind), *index));
        // Of a chain of calls into one crate, the first says it.
        let mut seen: Vec<(StepKind, &str, &str)> = Vec::new();
        steps.retain(|(_, step)| {
            let first = step.api.split("::").next().unwrap_or("");
            let key = (step.kind, first, step.file.as_str());
            let new = step.kind != StepKind::Fetch || !seen.contains(&key);
            seen.push(key);
            new
        });
        steps.into_iter().map(|(_, step)| step.clone()).collect()
    }
}

/// The flow that steps make, where it says something.
fn flow(mut steps: Vec<Step>, end: Step) -> Option<Flow> {
    let order = if end.kind == StepKind::Send { &SENT[..] } else { &SOURCES[..] };
    let decoded = steps.iter().any(|step| DECODERS.contains(&step.kind));
    let runs =
        matches!(end.kind, StepKind::Spawn | StepKind::Load | StepKind::Link | StepKind::Include);
    // What is found elsewhere on the machine did not come with the crate.
    // A name that is not known says too little where honest builds read generated sources and bindings, and
    // where it is handed on to a program of which nothing is known.
    let starts = matches!(end.kind, StepKind::Spawn | StepKind::Load);
    let is_origin = |step: &Step| {
        step.kind != StepKind::Read
            || !runs
            || is_own(step, decoded && starts && !is_argument(&end))
    };
    let found = |kind| steps.iter().any(|step| step.kind == kind && is_origin(step));
    let source = order.iter().copied().find(|kind| found(*kind))?;
    // What a build makes is compiled and linked by design; it starts nothing of it.
    if source == StepKind::Compute && !starts {
        return None;
    }
    let flow = Flow {
        source,
        decoded,
        altered: steps.iter().any(is_own_change),
        disguised: is_disguised(&steps, &end),
        executed: is_executed(&steps, &end),
        sink: end.kind,
        steps: Vec::new(),
        through: String::new(),
    };
    if !is_wanted(&flow, &steps, &end) {
        return None;
    }
    steps.truncate(11);
    steps.push(end);
    Some(Flow { steps, ..flow })
}

/// Whether the data runs: not where it only names a program, or is an argument of one that is not known
/// to run its arguments.
fn is_executed(steps: &[Step], end: &Step) -> bool {
    match end.kind {
        StepKind::Spawn => !(is_argument(end) || is_name(end)) || is_written(steps),
        StepKind::Link => {
            is_written(steps) || steps.iter().any(|step| DECODERS.contains(&step.kind))
        }
        StepKind::Load | StepKind::Include => true,
        _ => false,
    }
}

fn is_wanted(flow: &Flow, steps: &[Step], end: &Step) -> bool {
    let changed = flow.decoded || flow.altered;
    let fetched = flow.source == StepKind::Fetch;
    let made = matches!(flow.source, StepKind::Literal | StepKind::Compute);
    let opaque = changed || flow.disguised || made;
    match end.kind {
        StepKind::Send => true,
        StepKind::Write | StepKind::Permission => flow.decoded || fetched,
        _ if flow.source == StepKind::Secret => flow.decoded,
        StepKind::Include => fetched || opaque,
        // What the user's environment is a part of, as of the flags of a compiler, is no payload of the
        // crate where it is an argument of a program that is not known.
        StepKind::Spawn if is_argument(end) => {
            // Nor is what the code has put together itself: the report of one tool, handed on to the next.
            let given = flow.source == StepKind::Compute
                || steps.iter().any(|step| step.kind == StepKind::Secret);
            fetched
                || (flow.decoded && !given)
                || (flow.executed && opaque && !given && is_written(steps))
        }
        _ => fetched || flow.decoded || flow.executed,
    }
}

/// Whether a file that is read can be one of the crate: not one in a folder that the build has made, not
/// one elsewhere, and one whose name is not known only where it is decoded.
fn is_own(step: &Step, decoded: bool) -> bool {
    let path = paths::from_root(&step.detail);
    let is_named = !path.is_empty() && !path.starts_with("{}");
    !paths::is_beyond(&path) && !path.starts_with("$OUT_DIR") && (is_named || decoded)
}

/// Whether the code changes bytes itself: xor and turning around are told as decoding, and are that too.
fn is_own_change(step: &Step) -> bool {
    matches!(step.kind, StepKind::Alter | StepKind::Compute)
        || (step.kind == StepKind::Decode && matches!(step.api.as_str(), "^" | "^=" | "reverse"))
}

/// Whether the data lies in a file on its way.
fn is_written(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.kind == StepKind::Write)
}

/// An argument of a program of which nothing is known.
fn is_argument(end: &Step) -> bool {
    end.kind == StepKind::Spawn && ARGUMENTS.contains(&end.api.as_str())
}

/// The API that starts a program: what it is given is the program's name.
fn is_name(end: &Step) -> bool {
    end.kind == StepKind::Spawn && end.api.contains("::")
}

/// Whether two flows begin and end at the same places.
fn is_same(one: &Flow, other: &Flow) -> bool {
    one.source == other.source
        && (one.decoded, one.altered) == (other.decoded, other.altered)
        && one.steps.first() == other.steps.first()
        && one.steps.last() == other.steps.last()
}

/// Whether a file is named as one thing and used as another.
fn is_disguised(steps: &[Step], end: &Step) -> bool {
    let own = |step: &&Step| step.kind == StepKind::Read && is_own(step, true);
    let mut read = steps.iter().filter(own).peekable();
    if read.peek().is_none() {
        return false;
    }
    let written = steps.iter().rev().find(|step| step.kind == StepKind::Write);
    let target = match (written, end.kind) {
        (Some(written), _) => written.detail.as_str(),
        (None, StepKind::Load | StepKind::Link) => end.detail.as_str(),
        (None, _) => "",
    };
    read.any(|step| {
        let from = paths::kind_of_name(&step.detail);
        match (end.kind, paths::kind_of_name(target)) {
            // What is linked from a place that only the build knows is no file of the crate.
            (StepKind::Include | StepKind::Link, _) if from.is_none() => false,
            (StepKind::Include, _) => !paths::is_source(from),
            // Text that a compiler takes is no library under another name: where it is packed into one, an
            // object was, whose name a branch gives.
            (StepKind::Link, _) if matches!(from, Some("asm" | "s" | "c" | "cc" | "cpp")) => false,
            (StepKind::Spawn, None) => !paths::is_script(from),
            (_, None) => false,
            (_, Some(to)) => !paths::is_same_kind(from, to),
        }
    })
}

/// Order of steps in a flow: sources, then what transforms, then what writes.
fn rank(kind: StepKind) -> u8 {
    match kind {
        StepKind::Read
        | StepKind::Literal
        | StepKind::Compute
        | StepKind::Fetch
        | StepKind::Secret => 0,
        StepKind::Decode
        | StepKind::Decompress
        | StepKind::Decrypt
        | StepKind::Alter
        | StepKind::Digest => 1,
        StepKind::Write => 2,
        StepKind::Permission => 3,
        _ => 4,
    }
}
