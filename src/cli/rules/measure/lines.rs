//! Lines of facts, from wherever a census left them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::disk;

/// Longest line of facts: the sheet of a crate with 2,000 listed files has some 300 kB.
const LINE_BYTES: u64 = 64 << 20;
/// How a Parquet file begins.
const PARQUET: &[u8] = b"PAR1";

/// What is done with one line.
pub type Take<'t> = dyn FnMut(&[u8]) -> Result<(), String> + 't;

/// Gives every line of a file to `take`: JSON lines, or the column `line` of Parquet, or of all Parquet
/// files of a folder, as an engine leaves them. `-` is standard input.
pub fn each(path: &Path, take: &mut Take<'_>) -> Result<(), String> {
    if path.as_os_str() == "-" {
        return of_text(&mut io::stdin().lock(), take);
    }
    if path.is_dir() {
        let parts = parts(path).map_err(|error| error.to_string())?;
        if parts.is_empty() {
            return Err("there is no Parquet file in this folder".to_owned());
        }
        return parts.iter().try_for_each(|part| of_file(part, take));
    }
    of_file(path, take)
}

fn parts(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut parts = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "parquet") {
            parts.push(path);
        }
    }
    parts.sort();
    Ok(parts)
}

fn of_file(path: &Path, take: &mut Take<'_>) -> Result<(), String> {
    let file = disk::open(path).map_err(|error| error.to_string())?;
    let mut input = BufReader::new(file);
    if input.fill_buf().map_err(|error| error.to_string())?.starts_with(PARQUET) {
        return of_parquet(input.into_inner(), take);
    }
    of_text(&mut input, take)
}

fn of_text(input: &mut impl BufRead, take: &mut Take<'_>) -> Result<(), String> {
    let mut line = Vec::new();
    for number in 1_usize.. {
        line.clear();
        let read = input.by_ref().take(LINE_BYTES + 1).read_until(b'\n', &mut line);
        if read.map_err(|error| error.to_string())? == 0 {
            break;
        }
        if line.len() as u64 > LINE_BYTES {
            return Err(format!("line {number} has more than {LINE_BYTES} bytes"));
        }
        take(&line).map_err(|why| format!("line {number}: {why}"))?;
    }
    Ok(())
}

#[cfg(feature = "parquet")]
fn of_parquet(file: File, take: &mut Take<'_>) -> Result<(), String> {
    super::columns::each(file, take)
}

#[cfg(not(feature = "parquet"))]
fn of_parquet(_: File, _: &mut Take<'_>) -> Result<(), String> {
    Err("this program was built without Parquet: install it with --features parquet, or give the \
         lines as text"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &Path) -> Result<Vec<String>, String> {
        let mut all = Vec::new();
        each(path, &mut |line| {
            all.push(String::from_utf8_lossy(line).trim_end().to_owned());
            if line.starts_with(b"bad") { Err("as told".to_owned()) } else { Ok(()) }
        })?;
        Ok(all)
    }

    #[test]
    fn text_is_lines_and_a_bad_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facts.jsonl");
        std::fs::write(&path, "one\ntwo").unwrap();
        assert_eq!(told(&path).unwrap(), ["one", "two"]);
        std::fs::write(&path, "one\nbad\n").unwrap();
        assert_eq!(told(&path).unwrap_err(), "line 2: as told");
        assert!(told(folder.path()).unwrap_err().contains("no Parquet file"));
        assert!(told(&folder.path().join("gone")).is_err());
    }

    #[cfg(not(feature = "parquet"))]
    #[test]
    fn parquet_without_the_feature_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("part-0.parquet"), b"PAR1").unwrap();
        assert!(told(folder.path()).unwrap_err().contains("--features parquet"));
    }
}
