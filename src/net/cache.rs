//! Answers kept between runs, one file each, with what is needed to ask whether they still hold.
//!
//! A file is written beside its place and then renamed into it, so none is ever half-written. A file
//! that cannot be read back whole counts as absent: the worst case is one more request.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Once;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::hash::hex;

/// Room for the header line before the body, in bytes.
const HEADER_LIMIT: u64 = 64 * 1024;
/// Most bytes that all answers together may take; the oldest go first.
const TOTAL_LIMIT: u64 = 1024 * 1024 * 1024;

/// One kept answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub headers: BTreeMap<String, String>,
    pub tag: Option<String>,
    pub body: Vec<u8>,
    /// Seconds since 1970 by this machine's clock at which the server sent or confirmed it.
    pub at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    key: String,
    tag: Option<String>,
    headers: BTreeMap<String, String>,
    length: u64,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
}

const VERSION: u32 = 1;

/// A folder of kept answers.
#[derive(Debug)]
pub(super) struct AnswerCache {
    folder: PathBuf,
    pruned: Once,
}

impl AnswerCache {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, pruned: Once::new() }
    }

    /// What distinguishes answers: the address, and who asked.
    pub fn key(url: &str, secret: Option<&str>) -> String {
        secret.map_or_else(|| url.to_owned(), |s| format!("{url}\n{}", hex(&Sha256::digest(s))))
    }

    fn path(&self, key: &str) -> PathBuf {
        let name = hex(&Sha256::digest(key));
        self.folder.join(&name[..2]).join(&name[2..])
    }

    /// The kept answer, if it is whole and within `limit` bytes.
    pub fn get(&self, key: &str, limit: u64) -> Option<Kept> {
        let file = crate::disk::open(&self.path(key)).ok()?;
        let most = limit.saturating_add(HEADER_LIMIT);
        if file.metadata().ok()?.len() > most {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).ok()?;
        let end = memchr::memchr(b'\n', &bytes)?;
        let header: Header = serde_json::from_slice(&bytes[..end]).ok()?;
        bytes.drain(..=end);
        let whole = header.version == VERSION
            && header.key == key
            && header.length == u64::try_from(bytes.len()).ok()?
            && header.sha256 == hex(&Sha256::digest(&bytes));
        whole.then_some(Kept {
            headers: header.headers,
            tag: header.tag,
            body: bytes,
            at: header.at,
        })
    }

    /// Keeps an answer in place of the former one.
    pub fn put(&self, key: &str, kept: &Kept) -> std::io::Result<()> {
        self.pruned.call_once(|| prune(&self.folder, TOTAL_LIMIT));
        let path = self.path(key);
        let folder = path.parent().expect("the path has two parts below the folder");
        fs::create_dir_all(folder)?;
        let header = Header {
            version: VERSION,
            key: key.to_owned(),
            tag: kept.tag.clone(),
            headers: kept.headers.clone(),
            length: kept.body.len() as u64,
            sha256: hex(&Sha256::digest(&kept.body)),
            at: kept.at,
        };
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, &header)?;
        file.write_all(b"\n")?;
        file.write_all(&kept.body)?;
        file.persist(path)?;
        Ok(())
    }
}

/// Deletes the oldest answers until the rest fits. Errors are left to the next run.
fn prune(folder: &Path, limit: u64) {
    let mut files = Vec::new();
    let mut total = 0_u64;
    for entry in walkdir::WalkDir::new(folder).max_depth(2).into_iter().flatten() {
        let Ok(data) = entry.metadata() else { continue };
        if data.is_file() {
            total = total.saturating_add(data.len());
            files.push((data.modified().ok(), entry.into_path(), data.len()));
        }
    }
    files.sort();
    for (_, path, length) in files {
        if total <= limit {
            break;
        }
        if fs::remove_file(path).is_ok() {
            total = total.saturating_sub(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(body: &[u8]) -> Kept {
        Kept {
            headers: BTreeMap::from([("etag".to_owned(), "\"a\"".to_owned())]),
            tag: None,
            body: body.to_vec(),
            at: Some(1_764_400_000),
        }
    }

    #[test]
    fn what_is_kept_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let cache = AnswerCache::new(folder.path().to_owned());
        let key = AnswerCache::key("http://127.0.0.1/a", None);
        assert_eq!(cache.get(&key, 100), None);
        cache.put(&key, &kept(b"line\nline")).unwrap();
        assert_eq!(cache.get(&key, 100), Some(kept(b"line\nline")));
        assert_eq!(cache.get(&AnswerCache::key("http://127.0.0.1/a", Some("token")), 100), None);
    }

    #[test]
    fn a_file_cut_at_any_byte_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let cache = AnswerCache::new(folder.path().to_owned());
        cache.put("k", &kept(b"body")).unwrap();
        let path = cache.path("k");
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(cache.get("k", 100), None, "cut at {cut}");
        }
    }

    #[test]
    fn the_oldest_answers_go_when_there_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let cache = AnswerCache::new(folder.path().to_owned());
        cache.put("a", &kept(&[0; 1000])).unwrap();
        cache.put("b", &kept(&[0; 1000])).unwrap();
        prune(folder.path(), 1500);
        let left = [cache.get("a", 2000), cache.get("b", 2000)];
        assert_eq!(left.iter().flatten().count(), 1);
    }
}
