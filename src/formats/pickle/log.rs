//! The record of one scan: interned globals, bounded and deduplicated events, and what is left to look at
//! once the stream is through. A flood of one kind of event never crowds out another.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::event::{Event, GlobalName, What};
use super::value::{Form, GlobalId};

/// Distinct globals that are told apart.
pub(super) const GLOBALS: usize = 65_536;

/// Events of one kind that are kept, apart from imports, which [`GLOBALS`] bounds.
const EVENTS_PER_KIND: usize = 2_048;

/// Events kept for one callee and kind.
const EVENTS_PER_CALLEE: u8 = 4;

/// Strings remembered as possible pickles.
pub(super) const CANDIDATES: usize = 4_096;

/// Storages of a legacy torch file that are told apart.
const STORAGES: usize = 100_000;

/// What an event says about a callee; each is counted for itself.
#[derive(Clone, Copy)]
pub(super) enum About {
    Call,
    CallOnResult,
    BuildOnResult,
    Rebind,
    Drained,
}

/// Events seen, by [`About`].
type Counts = [u8; 5];

/// A hasher for numbers that we give out ourselves, so that nobody can choose colliding ones.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }
    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// A string that may hold a pickle.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) at: u64,
    pub(super) len: u64,
    pub(super) form: Form,
}

/// State of the log to which a tentative reading can be rolled back.
pub(super) struct Checkpoint {
    events: usize,
    globals: usize,
    candidates: usize,
    imports: u64,
}

/// The record.
#[derive(Default)]
pub(super) struct Log {
    pub(super) events: Vec<Event>,
    pub(super) omitted: u64,
    pub(super) globals: Vec<GlobalName>,
    ids: HashMap<GlobalName, GlobalId>,
    kinds: BTreeMap<&'static str, usize>,
    callees: HashMap<GlobalId, Counts, BuildHasherDefault<Spread>>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) probes: Vec<u64>,
    /// Storage key of a legacy torch file to its size in bytes.
    pub(super) storages: HashMap<String, u64>,
    pub(super) stream: u32,
    /// Imports met, repeated ones too.
    pub(super) imports: u64,
    /// Opcodes executed in all.
    pub(super) opcodes: u64,
}

impl Log {
    /// Number of a global; `None` where there are too many to tell apart.
    pub(super) fn intern(&mut self, name: GlobalName) -> Option<(GlobalId, bool)> {
        if let Some(&id) = self.ids.get(&name) {
            return Some((id, false));
        }
        let id = GlobalId::try_from(self.globals.len()).ok()?;
        if self.globals.len() >= GLOBALS {
            return None;
        }
        self.globals.push(name.clone());
        self.ids.insert(name, id);
        Some((id, true))
    }

    /// The name of a global.
    pub(super) fn global(&self, id: GlobalId) -> Option<&GlobalName> {
        self.globals.get(usize::try_from(id).ok()?)
    }

    /// Whether another event of this kind about this callee is worth the work of rendering it.
    pub(super) fn wants(&mut self, callee: GlobalId, about: About) -> bool {
        let seen = &mut self.callees.entry(callee).or_default()[about as usize];
        let wanted = *seen < EVENTS_PER_CALLEE;
        *seen += u8::from(wanted);
        wanted
    }

    /// Records one event.
    pub(super) fn note(&mut self, offset: u64, opcode: &'static str, what: What) {
        let kind = what.kind();
        if kind != "import" {
            let count = self.kinds.entry(kind).or_insert(0);
            *count += 1;
            if *count > EVENTS_PER_KIND {
                self.omitted = self.omitted.saturating_add(1);
                return;
            }
        }
        let inside = Vec::new();
        self.events.push(Event { offset, opcode, stream: self.stream, inside, what });
    }

    /// Remembers a string to look into later.
    pub(super) fn candidate(&mut self, candidate: Candidate) {
        if self.candidates.len() < CANDIDATES {
            self.candidates.push(candidate);
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    /// Remembers a storage that a persistent id names.
    pub(super) fn storage(&mut self, key: String, bytes: u64) {
        if self.storages.len() < STORAGES || self.storages.contains_key(&key) {
            self.storages.insert(key, bytes);
        }
    }

    /// Where a tentative reading begins.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            events: self.events.len(),
            globals: self.globals.len(),
            candidates: self.candidates.len(),
            imports: self.imports,
        }
    }

    /// Whether something was imported since, known before or not.
    pub(super) fn imported_since(&self, checkpoint: &Checkpoint) -> bool {
        self.imports > checkpoint.imports
    }

    /// Forgets what was recorded since.
    pub(super) fn roll_back(&mut self, checkpoint: &Checkpoint) {
        for event in self.events.drain(checkpoint.events..) {
            if let Some(count) = self.kinds.get_mut(event.what.kind()) {
                *count = count.saturating_sub(1);
            }
        }
        for name in self.globals.drain(checkpoint.globals..) {
            self.ids.remove(&name);
        }
        let known = self.globals.len();
        self.callees.retain(|id, _| usize::try_from(*id).is_ok_and(|id| id < known));
        self.candidates.truncate(checkpoint.candidates);
        self.imports = checkpoint.imports;
    }
}
