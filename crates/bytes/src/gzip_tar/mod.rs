//! A gzip-compressed tar, read as a stream from bytes in memory, the way cargo reads a `.crate`.
//!
//! Cargo inflates the first gzip member only and its tar reader stops at the first zero block; what
//! lies behind either end is not unpacked by cargo, so it is counted here and not followed. Nothing is
//! written anywhere, links are not followed, and names are handed out as the raw bytes that they are.

mod header;
mod inflate;
pub mod links;
pub mod pack;

use header::{BLOCK, Header, Pax};
use inflate::Inflater;

/// What a reader allows before it stops with an error. Sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Inflated bytes of the whole archive.
    pub total_bytes: u64,
    /// Inflated bytes for each packed byte, looked at above `ratio_free_bytes`.
    pub ratio: u64,
    /// Below this many inflated bytes the ratio does not matter.
    pub ratio_free_bytes: u64,
    /// Members, those that only describe the next one included.
    pub members: usize,
    /// Length of one path or link target.
    pub path_bytes: usize,
    /// Size of one member: as much memory is taken at most.
    pub member_bytes: u64,
}

impl Default for Limits {
    /// Far above honest archives: of 942 the largest inflates to 115 MB and has 2,090 files, and none
    /// gives more than 22 bytes for one. Cargo unpacks 512 MiB whatever the ratio, so that a run of zeros
    /// in front of a build script ends nothing below that.
    fn default() -> Self {
        Self {
            total_bytes: 2 << 30,
            ratio: 400,
            ratio_free_bytes: 512 << 20,
            members: 100_000,
            path_bytes: 1024,
            member_bytes: 256 << 20,
        }
    }
}

/// Why reading stopped. Everything handed out before stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GzipTarError {
    /// It does not begin as a gzip file.
    #[error("not a gzip file")]
    NotGzip,
    /// The compressed data ends in the middle.
    #[error("the gzip data ends too early, after {inflated} inflated bytes")]
    Truncated {
        /// Bytes that could be inflated.
        inflated: u64,
    },
    /// The compressed data cannot be inflated.
    #[error("the gzip data is corrupt after {inflated} inflated bytes")]
    Corrupt {
        /// Bytes that could be inflated.
        inflated: u64,
    },
    /// Checksum or length behind the compressed data is wrong.
    #[error("the gzip checksum does not match the inflated data")]
    Checksum,
    /// A tar header cannot be right.
    #[error("tar header at byte {offset}: {what}")]
    Header {
        /// Where in the inflated data.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The tar ends inside a member.
    #[error("the tar ends inside a member, at byte {offset}")]
    ShortMember {
        /// Where in the inflated data.
        offset: u64,
    },
    /// One of [`Limits`] was reached.
    #[error("{what} is over the limit of {limit}")]
    Limit {
        /// Which.
        what: &'static str,
        /// Its value.
        limit: u64,
    },
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
    /// A hard link.
    HardLink,
    /// A character or block device.
    Device,
    /// A named pipe.
    Fifo,
    /// A sparse file; its bytes are the stored ones, without the holes.
    Sparse,
    /// Something else; the type byte of its header.
    Other(u8),
}

/// One member of the archive; borrows the reader's buffer until the next is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Path as it stands in the archive, in whatever encoding.
    pub path: &'a [u8],
    /// Target of a link; empty for everything else.
    pub link_target: &'a [u8],
    /// What it is.
    pub kind: MemberKind,
    /// Permission bits, as in `chmod`.
    pub mode: u32,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What lies around the members, once all were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Inflated bytes of the first gzip member.
    pub inflated_bytes: u64,
    /// Bytes other than zero behind the end of the tar, inside the gzip data.
    pub bytes_after_tar: u64,
    /// Bytes behind the end of the gzip data.
    pub bytes_after_gzip: u64,
    /// Those bytes begin as another gzip member, which cargo does not read.
    pub second_gzip_member: bool,
    /// What was wrong with the gzip data behind the end of the tar, where cargo no longer looks.
    pub damage: Option<GzipTarError>,
}

/// Reads one archive member by member.
pub struct GzipTar<'a> {
    inflater: Inflater<'a>,
    limits: Limits,
    members: usize,
    /// Bytes of the buffer that the last member still occupies, its padding included.
    held: usize,
    path: Vec<u8>,
    link_target: Vec<u8>,
}

/// What extension members said about the next one.
#[derive(Default)]
struct Described {
    long_path: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    pax: Option<Vec<u8>>,
}

impl<'a> GzipTar<'a> {
    /// Starts on the packed bytes. `buffer` is working memory, best the one that
    /// [`finish`](Self::finish) gave back.
    pub fn new(packed: &'a [u8], limits: Limits, buffer: Vec<u8>) -> Result<Self, GzipTarError> {
        Ok(Self {
            inflater: Inflater::new(packed, limits, buffer)?,
            limits,
            members: 0,
            held: 0,
            path: Vec::new(),
            link_target: Vec::new(),
        })
    }

    /// The next member, or nothing at the end of the tar.
    #[expect(clippy::should_implement_trait, reason = "members borrow the reader: no Iterator")]
    pub fn next(&mut self) -> Result<Option<Member<'_>>, GzipTarError> {
        let mut described = Described::default();
        let header = loop {
            self.release();
            let Some(mut header) = self.header()? else {
                return Ok(None);
            };
            match header.kind {
                b'L' => self.describe(&header, &mut described.long_path)?,
                b'K' => self.describe(&header, &mut described.long_link)?,
                b'x' => self.describe(&header, &mut described.pax)?,
                // Cargo's reader writes nothing for a global record, and what was said before is
                // spent on it.
                b'g' => {
                    self.hold(header.size)?;
                    described = Described::default();
                }
                _ => {
                    self.apply(&mut header, described)?;
                    break header;
                }
            }
        };
        if header.kind == b'S' && header.sparse_extended {
            self.skip_sparse_map()?;
        }
        self.hold(header.size)?;
        let size = usize::try_from(header.size).unwrap_or(usize::MAX);
        Ok(Some(Member {
            path: &self.path,
            link_target: &self.link_target,
            kind: header.member_kind(&self.path),
            mode: header.mode,
            bytes: &self.inflater.available()[..size],
        }))
    }

    /// Tells what lies behind the tar, and gives the buffer back. Inflates what is left if the end of
    /// the tar was `reached`; after an error only the bytes inflated so far are told.
    pub fn finish(mut self, reached: bool) -> (Tail, Vec<u8>) {
        self.release();
        let mut tail = Tail::default();
        loop {
            let rest = self.inflater.available();
            tail.bytes_after_tar += rest.iter().filter(|byte| **byte != 0).count() as u64;
            let length = rest.len();
            self.inflater.consume(length);
            if !reached {
                break;
            }
            match self.inflater.fill(1) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tail.damage = Some(error);
                    break;
                }
            }
        }
        tail.inflated_bytes = self.inflater.inflated();
        let behind = self.inflater.unread();
        tail.bytes_after_gzip = behind.len() as u64;
        tail.second_gzip_member = behind.starts_with(&inflate::MAGIC);
        (tail, self.inflater.into_buffer())
    }

    /// Lets go of the last member's bytes.
    fn release(&mut self) {
        self.inflater.consume(std::mem::take(&mut self.held));
    }

    /// The next header; nothing at the end of the data or at the zero block that ends a tar.
    fn header(&mut self) -> Result<Option<Header>, GzipTarError> {
        if !self.inflater.fill(BLOCK)? {
            let left = self.inflater.available().len();
            return if left == 0 { Ok(None) } else { Err(self.short()) };
        }
        let offset = self.inflater.offset();
        let block = &self.inflater.available()[..BLOCK];
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        self.members += 1;
        if self.members > self.limits.members {
            let limit = self.limits.members as u64;
            return Err(GzipTarError::Limit { what: "the number of members", limit });
        }
        let header = Header::parse(block, &mut self.path, &mut self.link_target)
            .map_err(|what| GzipTarError::Header { offset, what })?;
        self.inflater.consume(BLOCK);
        Ok(Some(header))
    }

    /// Makes sure that a member's bytes and padding are in the buffer.
    fn hold(&mut self, size: u64) -> Result<(), GzipTarError> {
        let limit = self.limits.member_bytes;
        let size = usize::try_from(size)
            .ok()
            .filter(|size| *size as u64 <= limit)
            .ok_or(GzipTarError::Limit { what: "the size of a member", limit })?;
        let padded = size.next_multiple_of(BLOCK);
        if self.inflater.fill(padded)? {
            self.held = padded;
        } else if self.inflater.available().len() >= size {
            // The padding of the very last member may be missing: cargo's reader takes that.
            self.held = self.inflater.available().len();
        } else {
            return Err(self.short());
        }
        Ok(())
    }

    /// Reads a member that describes the next one.
    fn describe(
        &mut self,
        header: &Header,
        into: &mut Option<Vec<u8>>,
    ) -> Result<(), GzipTarError> {
        let offset = self.inflater.offset();
        if into.is_some() {
            let what = "two members of a kind describe the same member";
            return Err(GzipTarError::Header { offset, what });
        }
        // Room for a path, a link target and the usual records of one member.
        let limit = 16 * self.limits.path_bytes as u64;
        if header.size > limit {
            return Err(GzipTarError::Limit { what: "the description of a member", limit });
        }
        self.hold(header.size)?;
        let size = usize::try_from(header.size).unwrap_or(usize::MAX);
        *into = Some(self.inflater.available()[..size].to_vec());
        Ok(())
    }

    /// Applies what was said before about this member, in the order of cargo's reader: a GNU long name
    /// wins over a pax record, which wins over the header.
    fn apply(&mut self, header: &mut Header, said: Described) -> Result<(), GzipTarError> {
        let offset = self.inflater.offset();
        let pax = said.pax.as_deref().unwrap_or(&[]);
        let pax = Pax::parse(pax).map_err(|what| GzipTarError::Header { offset, what })?;
        if let Some(path) = said.long_path.map(without_nul).or(pax.path) {
            self.path = path;
        }
        if let Some(link) = said.long_link.map(without_nul).or(pax.link_target) {
            self.link_target = link;
        }
        header.size = pax.size.unwrap_or(header.size);
        header.sparse |= pax.sparse;
        if self.path.len().max(self.link_target.len()) > self.limits.path_bytes {
            let limit = self.limits.path_bytes as u64;
            return Err(GzipTarError::Limit { what: "the length of a path", limit });
        }
        Ok(())
    }

    /// Passes over the blocks that continue the map of a GNU sparse file.
    fn skip_sparse_map(&mut self) -> Result<(), GzipTarError> {
        loop {
            if !self.inflater.fill(BLOCK)? {
                return Err(self.short());
            }
            let more = self.inflater.available()[504] != 0;
            self.inflater.consume(BLOCK);
            if !more {
                return Ok(());
            }
        }
    }

    fn short(&self) -> GzipTarError {
        GzipTarError::ShortMember { offset: self.inflater.offset() }
    }
}

/// A GNU long name ends with a NUL that is not part of it.
fn without_nul(mut name: Vec<u8>) -> Vec<u8> {
    if name.last() == Some(&0) {
        name.pop();
    }
    name
}

#[cfg(any(test, feature = "samples"))]
pub mod sample;
#[cfg(test)]
mod tests;
