//! Python pickles, read as the C unpickler reads them and never loaded: what would be imported and called,
//! in which order, from which bytes. States it and judges nothing; the lists of good and bad names are
//! data for [`globals`].
//!
//! How it works: [`machine`](self) executes all 68 opcodes of protocols 0 to 5 on a real stack, memo and
//! marks over abstract values, in one pass. Text is a place in the source until somebody asks for it, so
//! that a string of 512 MB costs a seek. Around it, [`scan`] reads every stacked stream, tries again
//! behind junk, reads frames in both ways where they differ, and looks into strings that are pickles.
//!
//! Limits: 1 M values on the stack, 1 M memo entries, 1 M marks, 64 k containers alive, 64 k different
//! globals, strings over 4 KiB not kept, four strings deep. Each one that is reached is an event.

mod arrays;
mod calls;
mod carried;
mod event;
pub mod globals;
mod log;
mod machine;
mod memo;
mod nested;
mod opcode;
mod reader;
mod render;
mod streams;
#[cfg(test)]
mod tests;
mod text;
mod value;

use std::io::Cursor;
use std::ops::Range;

pub use calls::HANDS_ON;
pub use carried::MODULE;
pub use event::{Event, First, GlobalName, What};
pub use nested::begins_pickle;

use custody_bytes::source::Source;

/// Longest string that is kept, for names and arguments.
const STRING_KEPT: usize = 4096;

/// What is left of the budget for pickles in strings, one file.
const STRINGS: u64 = 256 << 20;

/// Everything found in one run of bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// What was seen, in the order of the bytes; strings that are pickles come last.
    pub events: Vec<Event>,
    /// Events and strings that were not kept because a limit was reached. The fifth and later calls of one
    /// name are not counted: they say nothing new.
    pub omitted: u64,
    /// Strings that may be pickles and were not looked into: too deep, or beyond what one scan may read.
    pub strings_unread: u64,
    /// Pickles that were read to their STOP, and broken ones that import something.
    pub streams: u32,
    /// Opcodes executed.
    pub opcodes: u64,
    /// Where the last of the stacked pickles, and the storages that belong to it, end.
    pub end: u64,
}

impl Scan {
    fn from_log(log: &mut log::Log) -> Self {
        Self {
            events: std::mem::take(&mut log.events),
            omitted: log.omitted,
            opcodes: log.opcodes,
            ..Self::default()
        }
    }

    /// The names that are imported, in order.
    pub fn imports(&self) -> impl Iterator<Item = &GlobalName> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Import(name) => Some(name),
            _ => None,
        })
    }

    /// One line an event, for people. Holds strings of the file: clean before display.
    pub fn trace(&self) -> Vec<String> {
        self.events.iter().map(Event::line).collect()
    }
}

/// Scans the pickles that lie in `range` of a source, stacked ones and those in strings too. A source that
/// cannot be read ends in a [`What::Broken`]; nothing panics.
pub fn scan(source: &mut dyn Source, range: Range<u64>) -> Scan {
    let mut strings_left = STRINGS;
    streams::scan(source, range, 0, &mut strings_left)
}

/// Whether bytes without a telling start are a pickle all the same: they begin with opcodes and import
/// something by names that can be names, go on for thousands of opcodes, or end exactly at STOP. More is
/// asked of what is readable as `text`: a list of words can begin like an import.
pub fn probe(source: &mut dyn Source, range: Range<u64>, text: bool) -> bool {
    streams::probe(source, range, text)
}

/// Scans bytes in memory.
pub fn scan_bytes(bytes: &[u8]) -> Scan {
    scan(&mut Cursor::new(bytes), 0..bytes.len() as u64)
}
