//! From one source to all pickles in it: stacked streams without a cap, both ends of a frame that
//! disagree, junk between streams, storages of old torch files, strings that are pickles themselves.

use std::io::Cursor;
use std::ops::Range;

use super::Scan;
use super::event::{Event, What};
use super::log::{Candidate, Log};
use super::machine::{Machine, StreamEnd};
use super::nested;
use super::opcode;
use super::reader::{Halt, Window};
use super::text;
use super::value::Form;
use custody_bytes::source::Source;

/// Bytes searched for another pickle after junk.
const SEARCHED: u64 = 16 << 20;

/// Bytes searched at once, and how far pieces overlap.
const PIECE: usize = 64 * 1024;
const OVERLAP: usize = nested::PREFIX;

/// Opcodes spent on places that only may begin a pickle.
const TENTATIVE: u64 = 4_000_000;

/// Depth of pickles in strings of pickles.
const DEPTH: u8 = 4;

/// Scans everything in `range`; `depth` strings deep already.
pub(super) fn scan(
    source: &mut dyn Source,
    range: Range<u64>,
    depth: u8,
    strings_left: &mut u64,
) -> Scan {
    let mut log = Log::default();
    let (streams, end) = {
        let window = Window::new(&mut *source, range.clone());
        let mut reading = Reading {
            machine: Machine::new(window, &mut log),
            streams: 0,
            alternatives: Vec::new(),
            tentative_left: TENTATIVE,
        };
        let end = reading.all(&range);
        (reading.streams, end)
    };
    let mut scan = Scan { streams, end, ..Scan::from_log(&mut log) };
    let candidates = std::mem::take(&mut log.candidates);
    look_into(source, &candidates, depth, strings_left, &mut scan);
    scan
}

struct Reading<'s, 'l> {
    machine: Machine<'s, 'l>,
    streams: u32,
    alternatives: Vec<u64>,
    tentative_left: u64,
}

impl Reading<'_, '_> {
    fn all(&mut self, range: &Range<u64>) -> u64 {
        let (mut at, broken) = self.stacked(range.start);
        if !broken {
            at = self.pass_storages(at);
            if at < self.machine.window.end() && self.streams > 0 {
                let bytes = self.machine.window.end() - at;
                self.machine.log.note(at, "", What::Trailing { bytes });
            }
        }
        self.resynchronise(at);
        for start in std::mem::take(&mut self.alternatives) {
            self.attempt(start);
        }
        self.machine.probe_arrays();
        at
    }

    /// Streams that follow one another; where they end, and whether the last one broke off.
    fn stacked(&mut self, start: u64) -> (u64, bool) {
        let mut at = start;
        while at < self.machine.window.end() {
            let first = at == start;
            if !first && !self.may_begin(at) {
                break;
            }
            let marked = self.starts_with_proto(at);
            let before = self.machine.log.checkpoint();
            self.machine.log.stream = self.streams;
            match self.machine.run(at, u64::MAX) {
                StreamEnd::Stop { frame_end } => {
                    self.streams += 1;
                    at = self.machine.window.offset();
                    self.leftover(at, frame_end);
                }
                StreamEnd::Broken { at: broken, halt } => {
                    if !first && !marked && !self.machine.log.imported_since(&before) {
                        self.machine.log.roll_back(&before);
                        break;
                    }
                    self.broken(broken, &halt);
                    return (broken.saturating_add(1).min(self.machine.window.end()), true);
                }
                StreamEnd::Budget => break,
            }
        }
        (at, false)
    }

    fn broken(&mut self, at: u64, halt: &Halt) {
        let opcode = match halt {
            Halt::End if at >= self.machine.window.end() => "",
            _ => opcode::name(self.machine.op),
        };
        self.machine.log.note(at, opcode, What::Broken { why: halt.to_string() });
    }

    /// The Python unpickler drops what is left of a frame at STOP; the C one does not.
    fn leftover(&mut self, at: u64, frame_end: Option<u64>) {
        let Some(frame_end) = frame_end else { return };
        let detail = format!("{} bytes of the frame follow STOP", frame_end - at);
        self.machine.log.note(at, "STOP", What::FrameDivergence { detail });
        if self.alternatives.len() < 64 {
            self.alternatives.push(frame_end);
        }
    }

    fn peek(&mut self, at: u64) -> Vec<u8> {
        let left = self.machine.window.end().saturating_sub(at);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(nested::PREFIX);
        self.machine.window.text(at, count).unwrap_or_default()
    }

    fn starts_with_proto(&mut self, at: u64) -> bool {
        matches!(self.peek(at).as_slice(), [0x80, 0..=5, next, ..] if opcode::is_opcode(*next))
    }

    fn may_begin(&mut self, at: u64) -> bool {
        let bytes = self.peek(at);
        bytes.first().is_some_and(|byte| opcode::is_opcode(*byte))
    }

    /// Passes the storages of an old torch file, by the sizes that its persistent ids declare.
    fn pass_storages(&mut self, at: u64) -> u64 {
        if self.machine.log.storages.is_empty() || nested::begins_pickle(&self.peek(at)) {
            return at;
        }
        let sizes = self.machine.log.storages.values();
        let total = sizes.fold(0_u64, |sum, size| sum.saturating_add(*size).saturating_add(8));
        match at.checked_add(total) {
            Some(after) if after <= self.machine.window.end() => after,
            _ => at,
        }
    }

    /// Looks for further pickles behind junk.
    fn resynchronise(&mut self, from: u64) {
        let end = self.machine.window.end();
        let stop = end.min(from.saturating_add(SEARCHED));
        let mut at = from;
        while at < stop && self.tentative_left > 0 {
            let count = usize::try_from(stop - at).unwrap_or(usize::MAX).min(PIECE);
            let Some(piece) = self.machine.window.text(at, count) else { return };
            match self.search(&piece, at) {
                Some(next) => at = next,
                None if count < PIECE => return,
                None => at += (PIECE - OVERLAP) as u64,
            }
        }
    }

    /// Tries every place of a piece that may begin a pickle; where reading went on, once one did.
    fn search(&mut self, piece: &[u8], base: u64) -> Option<u64> {
        let last = piece.len().saturating_sub(if piece.len() < PIECE { 0 } else { OVERLAP });
        for offset in memchr::memchr3_iter(0x80, b'c', b'(', &piece[..last]) {
            let prefix = &piece[offset..piece.len().min(offset + nested::PREFIX)];
            if nested::begins_pickle(prefix)
                && let Some(next) = self.attempt(base + offset as u64)
            {
                return Some(next);
            }
        }
        None
    }

    /// Reads a place that may begin a pickle; keeps what was found where it is one that imports.
    fn attempt(&mut self, at: u64) -> Option<u64> {
        let marked = self.starts_with_proto(at);
        let before = self.machine.log.checkpoint();
        let opcodes = self.machine.log.opcodes;
        self.machine.log.stream = self.streams;
        let end = self.machine.run(at, self.tentative_left);
        let used = self.machine.log.opcodes - opcodes;
        self.tentative_left = self.tentative_left.saturating_sub(used.max(16));
        let stopped = matches!(end, StreamEnd::Stop { .. });
        if !self.machine.log.imported_since(&before) || !(stopped || marked) {
            self.machine.log.roll_back(&before);
            return None;
        }
        self.streams += 1;
        if let StreamEnd::Broken { at: broken, halt } = end {
            self.broken(broken, &halt);
        }
        Some(self.machine.window.offset().max(at + 1))
    }
}

/// Opcodes that are tried, and how many without a defect tell a pickle that is cut from other bytes.
const PROBED: u64 = 4_096;
const PROBED_CUT: u64 = 12;

/// See [`super::probe`].
pub(super) fn probe(source: &mut dyn Source, range: Range<u64>, text: bool) -> bool {
    let end = range.end;
    let from = range.start;
    let mut log = Log::default();
    let mut machine = Machine::new(Window::new(source, range).in_small_steps(), &mut log);
    match machine.peek_op() {
        Some(first) if opcode::is_opcode(first) => {}
        _ => return false,
    }
    let stop = machine.run(from, PROBED);
    let whole = machine.window.offset() == end;
    let named = log.globals.iter().any(|name: &super::GlobalName| {
        nested::is_name(&name.module) && nested::is_name(&name.name)
    });
    match stop {
        StreamEnd::Budget => true,
        StreamEnd::Stop { .. } => whole || named,
        StreamEnd::Broken { halt: Halt::End, .. } => named || log.opcodes >= PROBED_CUT,
        // A list of words may begin like the import of one; a program goes on to do something with it.
        StreamEnd::Broken { .. } => {
            named && (!text || log.events.iter().any(|event| event.what.kind().contains("call")))
        }
    }
}

/// Reads the strings that may be pickles and appends what they hold.
fn look_into(
    source: &mut dyn Source,
    candidates: &[Candidate],
    depth: u8,
    strings_left: &mut u64,
    scan: &mut Scan,
) {
    for candidate in candidates {
        if depth >= DEPTH || candidate.len > *strings_left {
            scan.strings_unread = scan.strings_unread.saturating_add(1);
            continue;
        }
        let Some(found) = nested_scan(source, *candidate, depth, strings_left) else { continue };
        let (encoding, inner) = found;
        scan.omitted = scan.omitted.saturating_add(inner.omitted);
        scan.strings_unread = scan.strings_unread.saturating_add(inner.strings_unread);
        scan.opcodes = scan.opcodes.saturating_add(inner.opcodes);
        let step = format!("{encoding}@{}", candidate.at);
        let what = What::Nested { encoding, length: candidate.len };
        scan.events.push(Event {
            offset: candidate.at,
            opcode: "",
            stream: 0,
            inside: Vec::new(),
            what,
        });
        scan.events.extend(inner.events.into_iter().map(|mut event| {
            event.inside.insert(0, step.clone());
            event
        }));
    }
}

fn nested_scan(
    source: &mut dyn Source,
    candidate: Candidate,
    depth: u8,
    strings_left: &mut u64,
) -> Option<(String, Scan)> {
    let Candidate { at, len, form } = candidate;
    *strings_left = strings_left.checked_sub(len)?;
    let count = usize::try_from(len).ok()?.min(nested::PREFIX);
    let prefix = source.bytes_at(at, count).ok()?;
    let (encoding, marked, inner) = if form == Form::Raw && nested::begins_pickle(&prefix) {
        let inner = scan_range(source, at..at.checked_add(len)?, depth, strings_left);
        ("bytes".to_owned(), prefix.first() == Some(&0x80), inner)
    } else {
        let whole = source.bytes_at(at, usize::try_from(len).ok()?.min(nested::DECODED)).ok()?;
        let (names, bytes) = nested::decode(text::unescape(&whole, form))?;
        *strings_left = strings_left.checked_sub(bytes.len() as u64)?;
        let marked = bytes.first() == Some(&0x80);
        let end = bytes.len() as u64;
        let inner = scan_range(&mut Cursor::new(bytes), 0..end, depth, strings_left);
        let name = if names.is_empty() { "text".to_owned() } else { names.join("+") };
        (name, marked, inner)
    };
    let imports = inner.events.iter().any(|event| {
        matches!(event.what, What::Import(_) | What::DynamicGlobal { .. } | What::Extension { .. })
            || !event.inside.is_empty()
    });
    (imports && (marked || inner.streams > 0)).then_some((encoding, inner))
}

fn scan_range(
    source: &mut dyn Source,
    range: Range<u64>,
    depth: u8,
    strings_left: &mut u64,
) -> Scan {
    scan(source, range, depth + 1, strings_left)
}
