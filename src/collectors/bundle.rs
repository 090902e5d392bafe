//! All that is kept of one archive as a single value, which machines can hand to each other: the entries
//! of the local store as they are, behind a hash over all of them.
//!
//! Layout: [`MAGIC`], SHA-256 of the rest, then for each entry its table, key and value, each behind its
//! length (32 bits, little endian). A value that is not wholly in order is none.

use sha2::{Digest as _, Sha256};

use super::store::{Entry, Kind};

/// First bytes; its number is the version of this layout.
const MAGIC: &[u8] = b"custody-bundle/1\n";
/// Bytes of a SHA-256.
const HASH: usize = 32;

/// Packs entries.
#[must_use]
pub fn pack(entries: &[Entry]) -> Vec<u8> {
    let mut body = Vec::new();
    for entry in entries {
        for part in [entry.kind().table_name().as_bytes(), entry.key().as_bytes(), entry.value()] {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            body.extend_from_slice(&length.to_le_bytes());
            body.extend_from_slice(part);
        }
    }
    [MAGIC, Sha256::digest(&body).as_slice(), &body].concat()
}

/// The entries under `key` of a packed value, one for each of `kinds` and in their order; `None` where
/// anything is missing, too much, of another key or damaged.
#[must_use]
pub fn unpack(bytes: &[u8], key: &str, kinds: &[(Kind, u64)]) -> Option<Vec<Entry>> {
    let (hash, mut body) = bytes.strip_prefix(MAGIC)?.split_at_checked(HASH)?;
    if Sha256::digest(body).as_slice() != hash {
        return None;
    }
    let mut entries = Vec::with_capacity(kinds.len());
    for (kind, version) in kinds {
        let table = take(&mut body)?;
        let of = take(&mut body)?;
        let value = take(&mut body)?;
        if table != kind.table_name().as_bytes() || of != key.as_bytes() {
            return None;
        }
        entries.push(Entry::from_stored(*kind, key, *version, value)?);
    }
    body.is_empty().then_some(entries)
}

fn take<'b>(body: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, rest) = body.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (part, rest) = rest.split_at_checked(length)?;
    *body = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [(Kind, u64); 2] = [(Kind::ARCHIVE, 1), (Kind::LISTING, 2)];

    fn bundle() -> Vec<u8> {
        let entry =
            |(kind, version)| Entry::encode(kind, "k", version, &"x".repeat(9_000)).unwrap();
        pack(&KINDS.map(entry))
    }

    #[test]
    fn what_was_packed_comes_out_the_same() {
        let entries = unpack(&bundle(), "k", &KINDS).unwrap();
        assert_eq!(pack(&entries), bundle());
    }

    #[test]
    fn a_value_cut_anywhere_or_with_another_byte_anywhere_is_none() {
        let bytes = bundle();
        for at in 0..bytes.len() {
            assert!(unpack(&bytes[..at], "k", &KINDS).is_none(), "cut at {at}");
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(unpack(&other, "k", &KINDS).is_none(), "changed at {at}");
        }
        assert!(unpack(&[bytes, vec![0]].concat(), "k", &KINDS).is_none());
    }

    #[test]
    fn another_key_another_version_or_another_order_is_none() {
        assert!(unpack(&bundle(), "other", &KINDS).is_none());
        assert!(unpack(&bundle(), "k", &[(Kind::ARCHIVE, 1), (Kind::LISTING, 3)]).is_none());
        assert!(unpack(&bundle(), "k", &[(Kind::LISTING, 2), (Kind::ARCHIVE, 1)]).is_none());
        assert!(unpack(&bundle(), "k", &KINDS[..1]).is_none());
    }
}
