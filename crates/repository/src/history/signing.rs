//! Which key a signature names. Nothing is verified: whoever writes a signature can name any key, but a
//! stranger's signature under the known key is noticed by everybody who does verify.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

/// Longest signature that is looked at, in bytes of its text.
const TEXT_LIMIT: usize = 32 * 1024;
/// Subpackets that name the key: its number, and its fingerprint (RFC 9580, 5.2.3).
const ISSUER: u8 = 16;
const ISSUER_FINGERPRINT: u8 = 33;

/// How a tag is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// Not at all.
    None,
    /// By this key: the last 16 hexadecimal digits of an `OpenPGP` key, or `SHA256:` and the fingerprint of
    /// one of SSH.
    Key(String),
    /// It is signed, and the key is not told or not understood.
    Unknown,
}

impl Signing {
    /// The key in one word: empty for a tag that is not signed, `?` where it is not told.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::None => "",
            Self::Key(key) => key,
            Self::Unknown => "?",
        }
    }
}

/// Takes the key out of a signature's bytes.
type KeyOf = fn(&[u8]) -> Option<String>;

/// The key that the signature at the end of a tag names.
#[must_use]
pub fn signing(tag: &[u8]) -> Signing {
    let text = String::from_utf8_lossy(tag);
    let forms: [(&str, &str, KeyOf); 2] = [
        ("-----BEGIN PGP SIGNATURE-----", "-----END PGP SIGNATURE-----", open_pgp),
        ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----", ssh),
    ];
    for (begin, end, key) in forms {
        let Some((_, rest)) = text.rsplit_once(begin) else { continue };
        let body = rest.split_once(end).map_or("", |(body, _)| body);
        let key = decoded(body).and_then(|bytes| key(&bytes));
        return key.map_or(Signing::Unknown, Signing::Key);
    }
    if text.contains("-----BEGIN SIGNED MESSAGE-----") { Signing::Unknown } else { Signing::None }
}

/// The bytes of an armour: what stands after the first empty line, but for the sum after `=`.
fn decoded(body: &str) -> Option<Vec<u8>> {
    if body.len() > TEXT_LIMIT {
        return None;
    }
    let mut lines: Vec<&str> = body.lines().map(str::trim).collect();
    while lines.first().is_some_and(|line| line.contains(':') || line.is_empty()) {
        lines.remove(0);
    }
    let text: String = lines.into_iter().take_while(|line| !line.starts_with('=')).collect();
    STANDARD.decode(&text).or_else(|_| STANDARD_NO_PAD.decode(&text)).ok()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase()
}

/// The key of the first signature packet.
fn open_pgp(bytes: &[u8]) -> Option<String> {
    let (tag, body) = packet(bytes)?;
    if tag != 2 {
        return None;
    }
    match body.first()? {
        // Version 3 has the number of the key in a fixed place.
        3 => Some(hexadecimal(body.get(7..15)?)),
        4 => {
            let (hashed, rest) = counted(body.get(4..)?)?;
            let (unhashed, _) = counted(rest)?;
            let mut number = None;
            for area in [hashed, unhashed] {
                for (kind, value) in Subpackets(area) {
                    match kind {
                        // A version byte, then the fingerprint, whose end is the number.
                        ISSUER_FINGERPRINT if value.len() >= 21 => {
                            return Some(hexadecimal(value.get(value.len() - 8..)?));
                        }
                        ISSUER if value.len() == 8 => number = Some(hexadecimal(value)),
                        _ => {}
                    }
                }
            }
            number
        }
        _ => None,
    }
}

/// Tag and body of the first packet.
fn packet(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let first = *bytes.first()?;
    if first & 0x80 == 0 {
        return None;
    }
    if first & 0x40 != 0 {
        let (length, read) = length(bytes.get(1..)?)?;
        return Some((first & 0x3f, bytes.get(1 + read..(1 + read).checked_add(length)?)?));
    }
    let size = match first & 3 {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => return Some(((first >> 2) & 15, bytes.get(1..)?)),
    };
    let length = bytes.get(1..1 + size)?.iter().fold(0, |sum, &b| sum << 8 | usize::from(b));
    Some(((first >> 2) & 15, bytes.get(1 + size..(1 + size).checked_add(length)?)?))
}

/// A length as new packets and subpackets have it, and how many bytes tell it.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = usize::from(*bytes.first()?);
    match first {
        0..=191 => Some((first, 1)),
        192..=223 => Some((((first - 192) << 8) + usize::from(*bytes.get(1)?) + 192, 2)),
        255 => Some((bytes.get(1..5)?.iter().fold(0, |sum, &b| sum << 8 | usize::from(b)), 5)),
        _ => None,
    }
}

/// An area behind its length of two bytes, and what follows.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(usize::from(head[0]) << 8 | usize::from(head[1]))
}

struct Subpackets<'a>(&'a [u8]);

impl<'a> Iterator for Subpackets<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, read) = length(self.0)?;
        let body = self.0.get(read..read.checked_add(length)?)?;
        self.0 = &self.0[read + length..];
        let (kind, value) = body.split_first()?;
        Some((kind & 0x7f, value))
    }
}

/// The fingerprint of the key of an SSH signature (`SSHSIG`, version, public key, ...).
fn ssh(bytes: &[u8]) -> Option<String> {
    let rest = bytes.strip_prefix(b"SSHSIG")?.get(4..)?;
    let (head, rest) = rest.split_at_checked(4)?;
    let size = head.iter().fold(0, |sum, &b| sum << 8 | usize::from(b));
    let key = rest.get(..size)?;
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armoured(kind: &str, bytes: &[u8]) -> Vec<u8> {
        let text = STANDARD.encode(bytes);
        format!("object x\n\nv1\n-----BEGIN {kind}-----\n\n{text}\n=abcd\n-----END {kind}-----\n")
            .into_bytes()
    }

    fn version_4(subpackets: &[u8]) -> Vec<u8> {
        let mut body = vec![4, 0, 1, 8, 0];
        body.push(u8::try_from(subpackets.len()).expect("short"));
        body.extend(subpackets);
        body.extend([0, 0]);
        let mut packet = vec![0x88, u8::try_from(body.len()).expect("short")];
        packet.extend(body);
        packet
    }

    #[test]
    fn the_key_of_a_signature_is_told_by_number_and_by_fingerprint() {
        let number = [&[9, ISSUER][..], &[0xab; 8]].concat();
        let tag = armoured("PGP SIGNATURE", &version_4(&number));
        assert_eq!(signing(&tag), Signing::Key("ABABABABABABABAB".to_owned()));
        let print = [&[22, ISSUER_FINGERPRINT, 4][..], &[1; 12], &[0xcd; 8]].concat();
        let both = [number, print].concat();
        let tag = armoured("PGP SIGNATURE", &version_4(&both));
        assert_eq!(signing(&tag), Signing::Key("CDCDCDCDCDCDCDCD".to_owned()));
        let mut key = b"SSHSIG\0\0\0\x01\0\0\0\x03".to_vec();
        key.extend(b"keyrest");
        let Signing::Key(name) = signing(&armoured("SSH SIGNATURE", &key)) else {
            panic!("it names its key");
        };
        assert!(name.starts_with("SHA256:"), "{name}");
    }

    #[test]
    fn what_is_not_signed_and_what_is_damaged_are_told_apart() {
        assert_eq!(signing(b"object x\n\nrelease\n"), Signing::None);
        let whole = version_4(&[9, ISSUER, 1, 1, 1, 1, 1, 1, 1, 1]);
        for cut in 0..whole.len() {
            assert_eq!(signing(&armoured("PGP SIGNATURE", &whole[..cut])), Signing::Unknown);
        }
        for odd in [&[0xff; 40][..], &[0xc2, 0xff, 0xff, 0xff, 0xff, 0xff, 4], b"SSHSIG"] {
            assert_eq!(signing(&armoured("PGP SIGNATURE", odd)), Signing::Unknown);
            assert_eq!(signing(&armoured("SSH SIGNATURE", odd)), Signing::Unknown);
        }
        let endless = b"v\n-----BEGIN PGP SIGNATURE-----\n!!!!";
        assert_eq!(signing(endless), Signing::Unknown);
    }
}
