//! Flows: data that comes from a source, is transformed or fetched, and ends somewhere.

use super::facts::{Flow, LISTED, Step, StepKind};
use super::value::Taint;
use super::walk::Walk;

/// Where data can come from; what says more is named first.
const SOURCES: [StepKind; 4] =
    [StepKind::Secret, StepKind::Fetch, StepKind::Literal, StepKind::Read];
const DECODERS: [StepKind; 3] = [StepKind::Decode, StepKind::Decompress, StepKind::Decrypt];

impl Walk<'_> {
    /// Data ends: a flow, where it comes from a source and was transformed, fetched or run; and what
    /// parameters lead to it, for callers.
    pub(super) fn emit(&mut self, taint: &Taint, sink: u32) {
        if taint.parameters != 0 && self.sinks.len() < 256 {
            let mut steps: Vec<u32> = taint.steps.iter().copied().collect();
            steps.push(sink);
            self.sinks.push((taint.parameters, steps));
        }
        let Some(end) = self.steps.get(sink as usize).cloned() else { return };
        let mut steps: Vec<(u32, Step)> = taint
            .steps
            .iter()
            .filter_map(|index| Some((*index, self.steps.get(*index as usize)?.clone())))
            .filter(|(_, step)| step.kind != StepKind::Digest)
            .collect();
        if end.kind == StepKind::Send {
            steps.retain(|(_, step)| step.kind != StepKind::Fetch);
        }
        steps.sort_by_key(|(index, step)| (rank(step.kind), *index));
        // Of a chain of calls into one crate, the first says it.
        let mut seen: Vec<(StepKind, String, String)> = Vec::new();
        steps.retain(|(_, step)| {
            let first = step.api.split("::").next().unwrap_or("").to_owned();
            let key = (step.kind, first, step.file.clone());
            let new = step.kind != StepKind::Fetch || !seen.contains(&key);
            seen.push(key);
            new
        });
        let has = |kind: StepKind| steps.iter().any(|(_, step)| step.kind == kind);
        let Some(source) = SOURCES.into_iter().find(|kind| has(*kind)) else { return };
        let decoded = steps.iter().any(|(_, step)| DECODERS.contains(&step.kind));
        let executed = matches!(end.kind, StepKind::Spawn | StepKind::Link | StepKind::Load);
        let fetched = steps.iter().any(|(_, step)| step.kind == StepKind::Fetch);
        let written = steps.iter().any(|(_, step)| step.kind == StepKind::Write);
        let wanted = match end.kind {
            StepKind::Send => true,
            StepKind::Write => decoded || fetched,
            _ => decoded || fetched || (written && executed && source == StepKind::Literal),
        };
        if !wanted {
            return;
        }
        let mut steps: Vec<_> = steps.into_iter().map(|(_, step)| step).take(11).collect();
        steps.push(end.clone());
        let flow = Flow { source, decoded, executed, sink: end.kind, steps };
        if self.facts.flows.len() >= LISTED {
            self.facts.left_out += 1;
        } else if !self.facts.flows.iter().any(|known| is_same(known, &flow)) {
            self.facts.flows.push(flow);
        }
    }
}

/// Whether two flows begin and end at the same places.
fn is_same(one: &Flow, other: &Flow) -> bool {
    one.source == other.source
        && one.decoded == other.decoded
        && one.steps.first() == other.steps.first()
        && one.steps.last() == other.steps.last()
}

/// Order of steps in a flow: sources, then what transforms, then what writes.
fn rank(kind: StepKind) -> u8 {
    match kind {
        StepKind::Read | StepKind::Literal | StepKind::Fetch | StepKind::Secret => 0,
        StepKind::Decode | StepKind::Decompress | StepKind::Decrypt | StepKind::Digest => 1,
        StepKind::Write => 2,
        StepKind::Permission => 3,
        _ => 4,
    }
}
