//! The directory of a wheel, read with two requests by range: the end of the file, and the directory where it
//! does not lie in that end. What the directory says is believed only as far as names go.

use std::io::{self, Read, Seek, SeekFrom};

use custody_bytes::zip_reader;

use crate::net::package_index::PackageIndex;

/// Bytes of the end that are asked for: the end record, its longest comment, and the directory of most wheels.
const TAIL: u64 = 128 * 1024;
/// Largest directory that is asked for, 8 MiB: a hundred thousand files.
const DIRECTORY_LIMIT: u64 = 8 * 1024 * 1024;
/// Most files that are told.
const LISTED: usize = 50;

/// A wheel that an index names.
pub(super) struct Wheel<'p> {
    pub(super) url: &'p str,
    pub(super) size: u64,
    pub(super) sha256: &'p str,
}

/// Names in the wheel that Python runs at every start, sorted; the error says why they could not be told.
pub(super) async fn startup_files(
    index: &PackageIndex,
    page: &str,
    wheel: &Wheel<'_>,
) -> Result<Vec<String>, String> {
    let names = names(index, page, wheel).await?;
    let mut found: Vec<String> = names.into_iter().filter(|name| runs_at_start(name)).collect();
    found.sort();
    found.dedup();
    found.truncate(LISTED);
    Ok(found)
}

/// Whether the `site` module of Python runs a file of this name, which lies at the top of what is installed.
fn runs_at_start(name: &str) -> bool {
    // `NAME.data/purelib/x.pth` is installed at the top too.
    let parts: Vec<&str> = name.split('/').collect();
    let file = match parts.as_slice() {
        [file] => file,
        [data, "purelib" | "platlib" | "data", file] if data.rsplit('.').next() == Some("data") => {
            file
        }
        _ => return false,
    };
    let pth = file.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("pth"));
    pth || matches!(*file, "sitecustomize.py" | "usercustomize.py")
}

async fn names(index: &PackageIndex, page: &str, wheel: &Wheel<'_>) -> Result<Vec<String>, String> {
    if wheel.size < 22 {
        return Err("the wheel is too short to be one".to_owned());
    }
    let from = wheel.size.saturating_sub(TAIL);
    let part = |range| index.part(page, wheel.url, range, wheel.sha256);
    let tail = part((from, wheel.size - 1)).await.map_err(|error| error.to_string())?;
    let mut parts = Parts { size: wheel.size, at: 0, held: vec![(from, tail)], wanted: None };
    loop {
        match zip_reader::names(&mut parts, wheel.size) {
            Ok(Some(names)) => return Ok(names),
            Ok(None) => return Err("the wheel has no directory".to_owned()),
            Err(error) => {
                let Some(start) = parts.wanted.take().filter(|_| parts.held.len() == 1) else {
                    return Err(format!("the directory of the wheel cannot be read: {error}"));
                };
                let end = from - 1;
                if end - start >= DIRECTORY_LIMIT {
                    return Err(format!("the directory is longer than {DIRECTORY_LIMIT} bytes"));
                }
                let bytes = part((start, end)).await.map_err(|error| error.to_string())?;
                parts.held.push((start, bytes));
            }
        }
    }
}

/// Parts of a file; reading outside of them is an error that says where it was.
struct Parts {
    size: u64,
    at: u64,
    held: Vec<(u64, Vec<u8>)>,
    wanted: Option<u64>,
}

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size || into.is_empty() {
            return Ok(0);
        }
        let inside = self.held.iter().find_map(|(from, bytes)| {
            bytes
                .get(usize::try_from(self.at.checked_sub(*from)?).ok()?..)
                .filter(|b| !b.is_empty())
        });
        let Some(bytes) = inside else {
            self.wanted = Some(self.at);
            return Err(io::Error::other("that part was not asked for"));
        };
        let count = bytes.len().min(into.len());
        into[..count].copy_from_slice(&bytes[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Parts {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the start"))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::loopback::{Loopback, Reply};
    use crate::net::{Client, Options};

    /// What the wheel of these bytes holds, and how many requests that took.
    fn listed(bytes: Vec<u8>, told: u64) -> (Result<Vec<String>, String>, usize) {
        let server = Loopback::with_heads(move |head, _| {
            let range = head.lines().find_map(|line| line.strip_prefix("range: bytes=")).unwrap();
            let (from, to) = range.trim().split_once('-').unwrap();
            let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
            match bytes.get(from..=to) {
                Some(part) => {
                    let extra = format!("content-range: bytes {from}-{to}/{}\r\n", bytes.len());
                    Reply::status("206 Partial Content", "application/octet-stream", &extra, part)
                }
                None => Reply::status("416 Range Not Satisfiable", "text/plain", "", b""),
            }
        });
        let client = Client::online(Options { retries: 0, ..Options::default() });
        let index = PackageIndex::new(&client, &server.base);
        let wheel = Wheel { url: "files/a.whl", size: told, sha256: "00" };
        let found =
            crate::net::runtime().unwrap().block_on(startup_files(&index, &server.base, &wheel));
        (found, server.requests().len())
    }

    fn archive(names: &[&str], padding: usize) -> Vec<u8> {
        let entry = |name: &&str| zip_reader::sample::entry(name, b"import os");
        let mut entries: Vec<_> = names.iter().map(entry).collect();
        let filler = vec![0_u8; padding];
        entries.insert(0, zip_reader::sample::entry("a/weights.bin", &filler));
        zip_reader::sample::archive(&entries)
    }

    #[test]
    fn one_request_tells_what_runs_at_the_start_of_python() {
        let names = [
            "a/__init__.py",
            "a_init.pth",
            "a/deep.pth",
            "a.data/purelib/b.pth",
            "sitecustomize.py",
        ];
        let bytes = archive(&names, 1 << 20);
        let size = bytes.len() as u64;
        let (found, requests) = listed(bytes, size);
        assert_eq!(found.unwrap(), ["a.data/purelib/b.pth", "a_init.pth", "sitecustomize.py"]);
        assert_eq!(requests, 1);
    }

    #[test]
    fn a_long_directory_takes_two_requests() {
        let many: Vec<String> = (0..4_000).map(|n| format!("a/module_number_{n}.py")).collect();
        let mut names: Vec<&str> = many.iter().map(String::as_str).collect();
        names.push("z.pth");
        let bytes = archive(&names, 1 << 20);
        let size = bytes.len() as u64;
        let (found, requests) = listed(bytes, size);
        assert_eq!((found.unwrap(), requests), (vec!["z.pth".to_owned()], 2));
    }

    #[test]
    fn a_wheel_that_lies_is_not_determined_and_ends() {
        let honest = archive(&["z.pth"], 1 << 20);
        let size = honest.len();
        let end = honest.len() - 22;
        // A directory said to begin somewhere else, to be longer than the file, and no directory at all.
        for (at, value) in [(end + 16, 7_u32), (end + 12, u32::MAX), (end + 16, u32::MAX)] {
            let mut lying = honest.clone();
            lying[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let (_, requests) = listed(lying, size as u64);
            assert!(requests <= 2);
        }
        assert!(listed(vec![0; 1 << 20], 1 << 20).0.is_err());
        assert!(listed(honest.clone(), 1 << 40).0.is_err(), "another size than the index says");
        assert!(listed(honest, 3).0.is_err());
    }
}
