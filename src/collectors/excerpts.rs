//! The bytes at the places that findings speak of, and at the same places of an older release. Reads archives
//! that are on this machine already; asks nobody.

use std::collections::BTreeMap;

use custody_bytes::gzip_tar::{GzipTar, Limits, MemberKind};

use super::cargo_home::CargoHome;
use super::crate_files::{CrateFile, CrateFiles, Want};
use super::gather::{Options, client};
use super::index_files::{IndexFiles, Lookup};
use crate::domain::report::Excerpt;
use crate::domain::{Origin, Subject};

/// Bytes of one place.
const BYTES: usize = 256;

/// Files of one release whose bytes are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The crate, of the default registry.
    pub subject: Subject,
    /// SHA-256 of its archive.
    pub checksum: String,
    /// Path and SHA-256 of each file, and where to look in it.
    pub files: Vec<(String, String, u64)>,
    /// The older release that the audit compared it with.
    pub old_version: Option<String>,
}

/// The excerpts, in the order in which they are wanted. What is not at hand is left out.
#[must_use]
pub fn read(wanted: &[Wanted], options: &Options) -> Vec<Excerpt> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let Ok(home) = CargoHome::open(&options.cargo_home) else { return Vec::new() };
    let files = CrateFiles::new(home.clone(), Some(options.cache_dir.join("archives")));
    let index = IndexFiles::new(home, &client(options), &options.urls);
    let mut all = Vec::new();
    for one in wanted {
        let places: BTreeMap<String, u64> =
            one.files.iter().map(|(path, _, offset)| (path.clone(), *offset)).collect();
        let now = bytes_of(&files, &one.subject, &one.subject.version, &one.checksum);
        let Some(now) = now.map(|bytes| slices(&bytes, &places)) else { continue };
        let old = one.old_version.as_ref().and_then(|version| {
            let checksum = checksum(&index, &one.subject.name, version)?;
            let bytes = bytes_of(&files, &one.subject, version, &checksum)?;
            Some((version, slices(&bytes, &places)))
        });
        for (path, sha256, offset) in &one.files {
            let Some(bytes) = now.get(path) else { continue };
            all.push(Excerpt {
                subject: one.subject.clone(),
                file: path.clone(),
                sha256: sha256.clone(),
                offset: *offset,
                bytes: bytes.clone(),
                old_version: old.as_ref().map(|(version, _)| (*version).clone()),
                old_bytes: old.as_ref().and_then(|(_, old)| old.get(path).cloned()),
            });
        }
    }
    all
}

fn bytes_of(
    files: &CrateFiles,
    subject: &Subject,
    version: &str,
    checksum: &str,
) -> Option<Vec<u8>> {
    let want = Want {
        name: subject.name.clone(),
        version: version.to_owned(),
        checksum: checksum.to_owned(),
        origin: Origin::Registry,
    };
    match files.read(&want) {
        CrateFile::Found { bytes, .. } => Some(bytes),
        CrateFile::Mismatched(_) | CrateFile::Unavailable(_) => None,
    }
}

fn checksum(index: &IndexFiles, name: &str, version: &str) -> Option<String> {
    let Lookup::Found(found) = index.find(name, &Origin::Registry, None) else { return None };
    let line = found.file.lines.iter().find(|line| line.version == version)?;
    Some(line.checksum.clone())
}

/// The bytes at each place, in hexadecimal, by path below the crate's root. An archive that is damaged gives
/// what can be read of it.
fn slices(packed: &[u8], places: &BTreeMap<String, u64>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Ok(mut archive) = GzipTar::new(packed, Limits::default(), Vec::new()) else { return found };
    while let Ok(Some(member)) = archive.next() {
        if member.kind != MemberKind::File {
            continue;
        }
        let Ok(path) = std::str::from_utf8(member.path) else { continue };
        let Some((_, path)) = path.split_once('/') else { continue };
        let Some(offset) = places.get(path) else { continue };
        let from = usize::try_from(*offset).unwrap_or(usize::MAX).min(member.bytes.len());
        let bytes = &member.bytes[from..];
        found.insert(path.to_owned(), crate::domain::hash::hex(&bytes[..bytes.len().min(BYTES)]));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use custody_bytes::gzip_tar::sample::crate_archive;

    #[test]
    fn bytes_are_taken_at_their_place_and_no_more_than_256() {
        let blob: Vec<u8> = (0..=255).cycle().take(700).collect();
        let packed = crate_archive("x-1.0.0", &[("a.bin", &blob), ("b.bin", &[7; 3])]);
        let places = BTreeMap::from([
            ("a.bin".to_owned(), 16),
            ("b.bin".to_owned(), 99),
            ("c".to_owned(), 0),
        ]);
        let found = slices(&packed, &places);
        assert!(found["a.bin"].starts_with("10111213"), "{found:?}");
        assert_eq!(found["a.bin"].len(), 512);
        assert_eq!(found["b.bin"], "", "the place is behind the end");
        assert_eq!(found.len(), 2);
        assert!(slices(b"no archive", &places).is_empty());
    }
}
