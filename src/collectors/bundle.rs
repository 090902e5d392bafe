//! All that is kept of one archive as a single value, which machines can hand to each other: the entries
//! of the local store as they are, behind a hash over all of them.
//!
//! Layout: [`MAGIC`], SHA-256 of the rest, then for each entry its table, key and value, each behind its
//! length (32 bits, little endian). A value that is not wholly in order is none. With a secret the hash is a
//! keyed one (HMAC), so that only who knows the secret can write what is believed.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::store::{Entry, Kind};

/// First bytes; its number is the version of this layout.
const MAGIC: &[u8] = b"custody-bundle/1\n";
/// Bytes of a SHA-256.
const HASH: usize = 32;

/// Packs entries, sealed with a secret where there is one.
#[must_use]
pub fn pack(entries: &[Entry], seal: Option<&[u8]>) -> Vec<u8> {
    let mut body = Vec::new();
    for entry in entries {
        for part in [entry.kind().table_name().as_bytes(), entry.key().as_bytes(), entry.value()] {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            body.extend_from_slice(&length.to_le_bytes());
            body.extend_from_slice(part);
        }
    }
    [MAGIC, &hash(&body, seal), &body].concat()
}

/// The keyed hash of `body`, or the plain one.
fn hash(body: &[u8], seal: Option<&[u8]>) -> Vec<u8> {
    match seal.and_then(|secret| Hmac::<Sha256>::new_from_slice(secret).ok()) {
        Some(keyed) => keyed.chain_update(body).finalize().into_bytes().to_vec(),
        None => Sha256::digest(body).to_vec(),
    }
}

/// Whose secret this is, in a few characters that give nothing of it away. Values under another one, or
/// under none, have other names, so that nobody takes them for damaged and writes over them.
#[must_use]
pub fn seal_id(secret: &[u8]) -> String {
    let hash = hash(b"custody-bundle: whose", Some(secret));
    crate::domain::hash::hex(&hash[..8])
}

/// The entries under `key` of a packed value, one for each of `kinds` and in their order; `None` where
/// anything is missing, too much, of another key, damaged, or sealed with another secret.
#[must_use]
pub fn unpack(
    bytes: &[u8],
    key: &str,
    kinds: &[(Kind, u64)],
    seal: Option<&[u8]>,
) -> Option<Vec<Entry>> {
    let (told, mut body) = bytes.strip_prefix(MAGIC)?.split_at_checked(HASH)?;
    if !is_same(told, &hash(body, seal)) {
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

/// Whether two hashes are the same, in a time that does not tell how much of them is.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |other, (a, b)| other | (a ^ b)) == 0
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
        pack(&KINDS.map(entry), None)
    }

    #[test]
    fn what_was_packed_comes_out_the_same() {
        let entries = unpack(&bundle(), "k", &KINDS, None).unwrap();
        assert_eq!(pack(&entries, None), bundle());
    }

    #[test]
    fn a_value_cut_anywhere_or_with_another_byte_anywhere_is_none() {
        let bytes = bundle();
        for at in 0..bytes.len() {
            assert!(unpack(&bytes[..at], "k", &KINDS, None).is_none(), "cut at {at}");
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(unpack(&other, "k", &KINDS, None).is_none(), "changed at {at}");
        }
        assert!(unpack(&[bytes, vec![0]].concat(), "k", &KINDS, None).is_none());
    }

    #[test]
    fn another_key_another_version_or_another_order_is_none() {
        assert!(unpack(&bundle(), "other", &KINDS, None).is_none());
        assert!(unpack(&bundle(), "k", &[(Kind::ARCHIVE, 1), (Kind::LISTING, 3)], None).is_none());
        assert!(unpack(&bundle(), "k", &[(Kind::LISTING, 2), (Kind::ARCHIVE, 1)], None).is_none());
        assert!(unpack(&bundle(), "k", &KINDS[..1], None).is_none());
    }

    #[test]
    fn who_does_not_know_the_secret_writes_nothing_that_is_believed() {
        let entries = unpack(&bundle(), "k", &KINDS, None).unwrap();
        let sealed = pack(&entries, Some(b"ours"));
        assert!(unpack(&sealed, "k", &KINDS, Some(b"ours")).is_some());
        for other in [None, Some(b"others".as_slice()), Some(b"".as_slice())] {
            assert!(unpack(&sealed, "k", &KINDS, other).is_none(), "{other:?}");
            assert!(unpack(&pack(&entries, other), "k", &KINDS, Some(b"ours")).is_none());
        }
        // A published vector (RFC 4231, case 2), so that another program can check a value.
        let told = hash(b"what do ya want for nothing?", Some(b"Jefe"));
        assert!(crate::domain::hash::hex(&told).starts_with("5bdcc146bf60754e6a042426089575c7"));
        assert_ne!(seal_id(b"ours"), seal_id(b"others"));
    }
}
