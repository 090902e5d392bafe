//! One tar header block: POSIX ustar, GNU and the old format, and the records of a pax member.

use super::MemberKind;

/// Tar is made of blocks of this size.
pub(super) const BLOCK: usize = 512;

/// The fields of a header that matter to a reader; path and link target are written apart.
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) ustar: bool,
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) sparse: bool,
    pub(super) sparse_extended: bool,
}

impl Header {
    /// Reads a block, `BLOCK` bytes long, into a header, its path and its link target.
    pub(super) fn parse(
        block: &[u8],
        path: &mut Vec<u8>,
        link_target: &mut Vec<u8>,
    ) -> Result<Self, &'static str> {
        let sum = block.iter().map(|byte| u64::from(*byte)).sum::<u64>()
            - block[148..156].iter().map(|byte| u64::from(*byte)).sum::<u64>()
            + 8 * u64::from(b' ');
        if number(&block[148..156]) != Some(sum) {
            return Err("the checksum does not match");
        }
        let ustar = &block[257..263] == b"ustar\0" && &block[263..265] == b"00";
        let gnu = &block[257..265] == b"ustar  \0";
        path.clear();
        if ustar && block[345] != 0 {
            path.extend_from_slice(text(&block[345..500]));
            path.push(b'/');
        }
        path.extend_from_slice(text(&block[..100]));
        link_target.clear();
        link_target.extend_from_slice(text(&block[157..257]));
        let mut kind = block[156];
        if matches!(kind, b'L' | b'K' | b'x') && !(ustar || gnu) {
            // Cargo's reader takes these for members of their own in the old format.
            kind = b'?';
        }
        let mode = number(&block[100..108]).ok_or("the mode is not a number")?;
        Ok(Self {
            kind,
            ustar,
            size: number(&block[124..136]).ok_or("the size is not a number")?,
            mode: u32::try_from(mode & 0o7777).unwrap_or(0),
            sparse: kind == b'S',
            sparse_extended: gnu && block[482] != 0,
        })
    }

    /// What the member at this path is. The formats before ustar have no folders: there a name that ends with
    /// a slash is one, for cargo's reader too.
    pub(super) fn member_kind(&self, path: &[u8]) -> MemberKind {
        match self.kind {
            0 | b'0' | b'7' if !self.ustar && path.ends_with(b"/") => MemberKind::Folder,
            _ if self.sparse => MemberKind::Sparse,
            0 | b'0' | b'7' => MemberKind::File,
            b'1' => MemberKind::HardLink,
            b'2' => MemberKind::Symlink,
            b'3' | b'4' => MemberKind::Device,
            b'5' => MemberKind::Folder,
            b'6' => MemberKind::Fifo,
            other => MemberKind::Other(other),
        }
    }
}

/// A field up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    &field[..memchr::memchr(0, field).unwrap_or(field.len())]
}

/// A number field: octal digits between blanks, or binary where the first bit is set (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        // Only the low 64 bits can be meant: more than that is no size of anything.
        let low = field.len() - 8;
        let high_is_zero = field[..low].iter().all(|byte| matches!(byte, 0 | 0x80));
        let bytes: [u8; 8] = field[low..].try_into().ok()?;
        let first = if low == 0 { bytes[0] & 0x7f } else { bytes[0] };
        let value = u64::from_be_bytes(bytes) & 0x00ff_ffff_ffff_ffff | u64::from(first) << 56;
        return high_is_zero.then_some(value);
    }
    let digits = std::str::from_utf8(text(field)).ok()?.trim();
    if digits.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(digits, 8).ok()
}

/// The records of a pax member that matter to a reader.
#[derive(Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link_target: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: bool,
}

impl Pax {
    /// Reads the records (`LENGTH KEY=VALUE\n`). The first of a key counts, as for cargo's reader.
    /// Records about which readers would disagree (broken ones, and values with a line break: some
    /// readers split at line breaks, others count) are an error: what is unpacked would be a guess.
    pub(super) fn parse(records: &[u8]) -> Result<Self, &'static str> {
        let mut pax = Self::default();
        let mut rest = records;
        while !rest.is_empty() {
            let (record, length) = record(rest).ok_or("a pax record is malformed")?;
            if memchr::memchr(b'\n', record).is_some() {
                return Err("a pax record holds a line break");
            }
            let equals = memchr::memchr(b'=', record).ok_or("a pax record has no value")?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => pax.path = pax.path.or_else(|| Some(value.to_vec())),
                b"linkpath" => pax.link_target = pax.link_target.or_else(|| Some(value.to_vec())),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok());
                    pax.size = pax.size.or(Some(size.ok_or("the pax size is not a number")?));
                }
                _ => pax.sparse |= key.starts_with(b"GNU.sparse."),
            }
            rest = &rest[length..];
        }
        Ok(pax)
    }
}

/// The next record without its length and line end, and the bytes it takes.
fn record(rest: &[u8]) -> Option<(&[u8], usize)> {
    let space = memchr::memchr(b' ', &rest[..rest.len().min(20)])?;
    let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
    Some((rest.get(space + 1..length)?.strip_suffix(b"\n")?, length))
}
