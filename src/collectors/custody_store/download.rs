//! The registry's dump from its static host into a store, without a copy on disk: of the zip form only the
//! members that are wanted, by range requests; where ranges are not to be had the tar, read on past the rest.
//!
//! A thread reads what the connection brings: neither waits for a whole file, and no more than a few chunks
//! are held between them.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::runtime::Runtime;

use crate::collectors::custody::{SourceKind, Stamp};
use crate::net::archives::{DUMP_ZIP, download_dump};
use crate::net::ranges::RangedFile;
use crate::net::{Client, NetError};
use crate_read::registry_dump::{
    DEPENDENCIES, DumpError, DumpLimits, DumpRow, METADATA, TAIL, TableReader, ZipMember,
    find_directory, open_member, read_dump, wanted_members,
};

use super::CustodyStoreError;
use super::assemble::{Assembly, ImportStats};
use super::database::{Store, not_older, write_store};

/// Chunks that may wait between connection and reader.
const WAITING: usize = 64;
/// How often the whole is begun anew because the file changed in the middle.
const RESTARTS: usize = 2;

/// How a dump was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Parts of the zip.
    Ranges,
    /// The whole tar.
    Whole,
}

/// What a download brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// When the dump was taken.
    pub taken: Timestamp,
    /// What was imported; nothing where the store has this dump already.
    pub imported: Option<ImportStats>,
    /// Bytes that were asked for.
    pub bytes: u64,
    /// How.
    pub way: Way,
}

/// Where a dump goes, and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The store.
    pub store: &'a Path,
    /// Read what depends on what, too.
    pub dependents: bool,
    /// The day of the clock: a dump of a later one is refused.
    pub today: Option<Date>,
}

/// Is told how many bytes came, and of how many where that is known.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Sync);

impl Store {
    /// Downloads the dump below `static_files` and imports it, as [`Store::import`] does. What
    /// depends on what, most of the bytes, is asked for where `dependents` says so; a tar has it anyway.
    ///
    /// # Errors
    /// See [`CustodyStoreError`]; the former store then stays as it is.
    pub fn download(
        client: &Client,
        runtime: &Runtime,
        static_files: &str,
        into: Target<'_>,
        progress: Progress<'_>,
    ) -> Result<Downloaded, CustodyStoreError> {
        let url = format!("{static_files}{DUMP_ZIP}");
        for _ in 0..RESTARTS {
            let Some(zip) = runtime.block_on(RangedFile::open(client, &url))? else {
                return whole(client, runtime, static_files, into, progress);
            };
            match by_ranges(&zip, runtime, into, progress) {
                Err(CustodyStoreError::Net(NetError::Changed { .. })) => {}
                done => return done,
            }
        }
        Err(NetError::Changed { url }.into())
    }
}

/// The members of the zip that are wanted.
fn by_ranges(
    zip: &RangedFile,
    runtime: &Runtime,
    into: Target<'_>,
    progress: Progress<'_>,
) -> Result<Downloaded, CustodyStoreError> {
    let tail_at = zip.size.saturating_sub(TAIL);
    let tail = runtime.block_on(zip.bytes(tail_at..zip.size))?;
    let directory = find_directory(&tail, zip.size)?;
    let listed = runtime.block_on(zip.bytes(directory.place.clone()))?;
    let mut members = wanted_members(&listed, &directory)?;
    members.retain(|member| into.dependents || member.path != DEPENDENCIES);
    // They can be counted once the default versions are known.
    members.sort_by_key(|member| member.path == DEPENDENCIES);
    let mut bytes = (tail.len() + listed.len()) as u64;
    // The smallest first: it says whether the others are wanted at all.
    let at = members.iter().position(|member| member.path == METADATA);
    let metadata = members.remove(at.ok_or(DumpError::Undated)?);
    bytes += length(&metadata);
    let taken = taken(&runtime.block_on(zip.bytes(metadata.place.clone()))?, &metadata)?;
    let stamp = Stamp { taken, source: SourceKind::Dump };
    if not_older(stamp, into.store, into.today)? == Some(stamp) {
        return Ok(Downloaded { taken, imported: None, bytes, way: Way::Ranges });
    }
    let of: u64 = members.iter().map(length).sum();
    let bring = async |into: &mut dyn Write| {
        for member in &members {
            zip.stream(member.place.clone(), into).await?;
        }
        Ok(())
    };
    let mut assembly = Assembly::default();
    let read = |feed: Feed| read_members(feed, &members, &mut assembly);
    through(runtime, &|came| progress(came, Some(of)), bring, read)?;
    bytes += of;
    let imported = Some(write_store(assembly, stamp, into.store, into.today)?);
    Ok(Downloaded { taken, imported, bytes, way: Way::Ranges })
}

/// Bytes that are asked for to have a member.
fn length(member: &ZipMember) -> u64 {
    member.place.end - member.place.start
}

/// When the dump was taken, by its metadata.
fn taken(bytes: &[u8], metadata: &ZipMember) -> Result<Timestamp, DumpError> {
    let mut nothing = |_: DumpRow<'_>| Ok(());
    let mut reader = TableReader::new(DumpLimits::default(), &mut nothing);
    reader.member(METADATA, open_member(bytes, metadata)?)?;
    reader.taken().ok_or(DumpError::Undated)
}

/// Reads the members one after the other out of one stream of their bytes.
fn read_members(
    mut feed: Feed,
    members: &[ZipMember],
    assembly: &mut Assembly,
) -> Result<(), DumpError> {
    let mut take = |row: DumpRow<'_>| assembly.take(row);
    let mut reader = TableReader::new(DumpLimits::default(), &mut take);
    for member in members {
        let mut place = (&mut feed).take(length(member));
        let content = open_member(&mut place, member)?;
        reader.member(&member.path, content)?;
        io::copy(&mut place, &mut io::sink())?;
    }
    reader.complete()
}

/// The whole tar, as it comes.
fn whole(
    client: &Client,
    runtime: &Runtime,
    static_files: &str,
    to: Target<'_>,
    progress: Progress<'_>,
) -> Result<Downloaded, CustodyStoreError> {
    let mut assembly = Assembly::default();
    let mut bytes = 0;
    let bring = async |into: &mut dyn Write| {
        bytes = download_dump(client, static_files, into).await?;
        Ok(())
    };
    let read = |feed: Feed| read_dump(feed, DumpLimits::default(), &mut |row| assembly.take(row));
    let taken = through(runtime, &|came| progress(came, None), bring, read)?;
    let stamp = Stamp { taken, source: SourceKind::Dump };
    not_older(stamp, to.store, to.today)?;
    let imported = Some(write_store(assembly, stamp, to.store, to.today)?);
    Ok(Downloaded { taken, imported, bytes, way: Way::Whole })
}

/// Sends on this thread and reads on another one. What the reader says of the bytes counts first: a sender
/// whose reader is gone only says that nobody listens.
fn through<T: Send>(
    runtime: &Runtime,
    progress: &dyn Fn(u64),
    bring: impl AsyncFnOnce(&mut dyn Write) -> Result<(), NetError>,
    read: impl FnOnce(Feed) -> Result<T, DumpError> + Send,
) -> Result<T, CustodyStoreError> {
    let (sender, receiver) = sync_channel(WAITING);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || read(Feed { receiver, chunk: Vec::new(), at: 0 }));
        let mut out = Chunks { sender, gone: false, sent: 0, progress };
        let sent = runtime.block_on(bring(&mut out));
        let gone = out.gone;
        if let Err(error) = &sent
            && !gone
        {
            // An end would read as the end of the file. Nobody listening is told below.
            let _ = out.sender.send(Err(io::Error::other(error.to_string())));
        }
        drop(out);
        let read = match reader.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        match (sent, read) {
            (Err(error), _) if !gone => Err(error.into()),
            (_, read) => Ok(read?),
        }
    })
}

/// What the connection brings, for the reader.
struct Chunks<'a> {
    sender: SyncSender<io::Result<Vec<u8>>>,
    gone: bool,
    sent: u64,
    progress: &'a dyn Fn(u64),
}

impl Write for Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.sender.send(Ok(bytes.to_vec())).is_err() {
            self.gone = true;
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads on"));
        }
        self.sent += bytes.len() as u64;
        (self.progress)(self.sent);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The reader's end.
struct Feed {
    receiver: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for Feed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.receiver.recv() {
                Ok(Ok(chunk)) => (self.chunk, self.at) = (chunk, 0),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Ok(0),
            }
        }
        let length = into.len().min(self.chunk.len() - self.at);
        into[..length].copy_from_slice(&self.chunk[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
#[path = "download_tests.rs"]
mod tests;
