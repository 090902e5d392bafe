//! The record of one scan: interned globals, bounded and deduplicated events, and what is left to look at
//! once the stream is through. A flood of one kind of event never crowds out another.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use super::event::{Event, GlobalName, What};
use super::value::{Form, GlobalId};

/// Distinct globals that are told apart.
pub(super) const GLOBALS: usize = 65_536;

/// Events of one kind that are kept, apart from imports, which [`GLOBALS`] bounds.
const EVENTS_PER_KIND: usize = 2_048;

/// Events kept for one callee and kind.
const EVENTS_PER_CALLEE: u8 = 4;

/// Ways of calling one callee that are told apart, in all.
const WAYS: usize = 4_096;

/// Places and lines of names that are remembered, and the longest lines.
const PAIRS: usize = 65_536;
const LINES_KEPT: usize = 256;

/// Strings remembered as possible pickles.
pub(super) const CANDIDATES: usize = 4_096;

/// Storages of a legacy torch file that are told apart.
const STORAGES: usize = 100_000;

/// What an event says about a callee; each is counted for itself.
#[derive(Clone, Copy)]
pub(super) enum About {
    Call,
    Built,
    CallOnResult,
    BuildOnResult,
    Rebind,
    Drained,
}

/// Events seen, by [`About`].
type Counts = [u8; 6];

/// One way of calling: the callee, the global of its first argument, and how that and the others look.
pub(super) type Way = (GlobalId, Option<GlobalId>, u8);

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
    counted: usize,
    ways: usize,
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
    /// What `callees` counted, in order, so that it can be taken back.
    counted: Vec<(GlobalId, About)>,
    /// How callees that hand on their arguments were called, in the order in which it was seen.
    ways: Vec<Way>,
    known_ways: HashSet<Way>,
    /// Places of module and name to the global, so that repeated pairs are not read again.
    pairs: HashMap<(u64, u64), GlobalId>,
    /// The two lines of a `GLOBAL` to the global, for the same purpose.
    lines: HashMap<Box<[u8]>, GlobalId>,
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

    /// The global whose module and name stand at these places, where it was read from there before.
    pub(super) fn at_places(&self, module: u64, name: u64) -> Option<GlobalId> {
        self.pairs.get(&(module, name)).copied()
    }

    /// Remembers where a global was read.
    pub(super) fn remember_places(&mut self, module: u64, name: u64, id: GlobalId) {
        if self.pairs.len() >= PAIRS {
            self.pairs.clear();
        }
        self.pairs.insert((module, name), id);
    }

    /// The global that these two lines named before.
    pub(super) fn of_lines(&self, lines: &[u8]) -> Option<GlobalId> {
        self.lines.get(lines).copied()
    }

    /// Remembers what two lines name.
    pub(super) fn remember_lines(&mut self, lines: &[u8], id: GlobalId) {
        if lines.len() <= LINES_KEPT && self.lines.len() < PAIRS {
            self.lines.insert(lines.into(), id);
        }
    }

    /// The name of a global.
    pub(super) fn global(&self, id: GlobalId) -> Option<&GlobalName> {
        self.globals.get(usize::try_from(id).ok()?)
    }

    /// Whether another event of this kind about this callee is worth the work of rendering it.
    pub(super) fn wants(&mut self, callee: GlobalId, about: About) -> bool {
        let seen = &mut self.callees.entry(callee).or_default()[about as usize];
        let wanted = *seen < EVENTS_PER_CALLEE;
        if wanted {
            *seen += 1;
            self.counted.push((callee, about));
        }
        wanted
    }

    /// Whether a callee that hands on its arguments was not called in this way before.
    pub(super) fn is_new_way(&mut self, way: Way) -> bool {
        if self.known_ways.contains(&way) {
            return false;
        }
        if self.ways.len() >= WAYS {
            self.omitted = self.omitted.saturating_add(1);
            return false;
        }
        self.known_ways.insert(way);
        self.ways.push(way);
        true
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
            counted: self.counted.len(),
            ways: self.ways.len(),
        }
    }

    /// Whether something was imported since, known before or not.
    pub(super) fn imported_since(&self, checkpoint: &Checkpoint) -> bool {
        self.imports > checkpoint.imports
    }

    /// Forgets what was recorded since. Takes as long as that is much, not as what stood before: a file may
    /// ask for this a hundred thousand times.
    pub(super) fn roll_back(&mut self, checkpoint: &Checkpoint) {
        for event in self.events.drain(checkpoint.events..) {
            if let Some(count) = self.kinds.get_mut(event.what.kind()) {
                *count = count.saturating_sub(1);
            }
        }
        for (callee, about) in self.counted.drain(checkpoint.counted..) {
            if let Some(counts) = self.callees.get_mut(&callee) {
                counts[about as usize] = counts[about as usize].saturating_sub(1);
            }
        }
        for way in self.ways.drain(checkpoint.ways..) {
            self.known_ways.remove(&way);
        }
        if self.globals.len() > checkpoint.globals {
            for name in self.globals.drain(checkpoint.globals..) {
                self.ids.remove(&name);
            }
            // They may lead to numbers that are given to other names from now on.
            self.pairs = HashMap::new();
            self.lines = HashMap::new();
        }
        self.candidates.truncate(checkpoint.candidates);
        self.imports = checkpoint.imports;
    }
}
