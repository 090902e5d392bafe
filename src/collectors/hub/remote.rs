//! A file of a repository as something that can be read at any place: parts are fetched as they are
//! needed, so that headers, directories and pickles are looked at and weights stay where they are.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use tokio::runtime::Runtime;

use crate::net::hub::Hub;

/// Bytes of one part.
const BLOCK: u64 = 64 * 1024;
/// Most parts of one request, where a file is read on and on.
const RUN: u64 = 16;

/// What may still be asked of one repository.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: Cell<u64>,
    requests: Cell<u32>,
}

impl Budget {
    pub(super) fn new(bytes: u64, requests: u32) -> Self {
        Self { bytes: Cell::new(bytes), requests: Cell::new(requests) }
    }

    /// Takes one request of `bytes` out of it, or says that there is not enough left.
    pub(super) fn take(&self, bytes: u64) -> Result<(), String> {
        let (Some(left), Some(requests)) =
            (self.bytes.get().checked_sub(bytes), self.requests.get().checked_sub(1))
        else {
            return Err(
                "what may be read of one repository without downloading it is used up".to_owned()
            );
        };
        self.bytes.set(left);
        self.requests.set(requests);
        Ok(())
    }
}

/// Where the files of one repository at one commit are.
pub(super) struct Place<'a> {
    pub(super) hub: &'a Hub,
    pub(super) runtime: &'a Runtime,
    pub(super) id: &'a str,
    pub(super) commit: &'a str,
    pub(super) budget: &'a Budget,
}

/// One file.
pub(super) struct RemoteFile<'a> {
    place: &'a Place<'a>,
    path: &'a str,
    size: u64,
    position: u64,
    blocks: BTreeMap<u64, Vec<u8>>,
    /// The part after the one that was fetched last, and how many parts that request had.
    next: (u64, u64),
}

impl<'a> RemoteFile<'a> {
    pub(super) fn new(place: &'a Place<'a>, path: &'a str, size: u64) -> Self {
        Self { place, path, size, position: 0, blocks: BTreeMap::new(), next: (u64::MAX, 1) }
    }

    /// Fetches the first part, so that a file that cannot be had is told before it is scanned.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        if self.size == 0 { Ok(()) } else { self.fetch(0) }
    }

    fn fetch(&mut self, block: u64) -> io::Result<()> {
        let run = if self.next.0 == block { (self.next.1 * 2).min(RUN) } else { 1 };
        let from = block * BLOCK;
        let to = from.saturating_add(run * BLOCK).min(self.size) - 1;
        let Place { hub, runtime, id, commit, budget } = self.place;
        budget.take(to - from + 1).map_err(io::Error::other)?;
        let bytes = runtime
            .block_on(hub.range(id, commit, self.path, (from, to), commit))
            .map_err(|error| io::Error::other(error.to_string()))?;
        if bytes.len() as u64 != to - from + 1 {
            return Err(io::Error::other("the Hub sent another number of bytes than it lists"));
        }
        for (at, part) in bytes.chunks(usize::try_from(BLOCK).unwrap_or(usize::MAX)).enumerate() {
            self.blocks.insert(block + at as u64, part.to_vec());
        }
        self.next = (block + run, run);
        Ok(())
    }
}

impl Read for RemoteFile<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size || into.is_empty() {
            return Ok(0);
        }
        let block = self.position / BLOCK;
        if !self.blocks.contains_key(&block) {
            self.fetch(block)?;
        }
        let part = self.blocks.get(&block).map_or(&[][..], Vec::as_slice);
        let skip = usize::try_from(self.position % BLOCK).unwrap_or(usize::MAX);
        let from = part.get(skip..).unwrap_or(&[]);
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for RemoteFile<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the start"))?;
        Ok(self.position)
    }
}
