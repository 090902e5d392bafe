//! Which projects a fleet consists of.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::cli::{Failure, output};
use crate::disk;
use crate::domain::hash::hex;
use crate::domain::text::shown;
use crate::walker;

/// Most lines of a list.
const LINES: usize = 1_000_000;
/// Longest line of a list.
const LINE_BYTES: u64 = 8 * 1024;
/// What some editors put before the first line.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// Lines of projects that were there before, of which the user is told one by one.
const TWICE: usize = 3;
/// Largest lockfile of which a hash is taken.
const LOCKFILE_BYTES: u64 = 64 << 20;

/// A project of the list.
pub struct Listed {
    /// As the list names it. A string of strangers.
    pub name: String,
    /// Where it is, or why it is not looked at.
    pub place: Result<PathBuf, String>,
}

/// Which part of a list: `I/N`, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    part: usize,
    of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text
            .split_once('/')
            .and_then(|(part, of)| Some(Self { part: part.parse().ok()?, of: of.parse().ok()? }));
        numbers
            .filter(|shard| shard.part >= 1 && shard.part <= shard.of)
            .ok_or_else(|| "write I/N with I from 1 to N".to_owned())
    }
}

impl Shard {
    /// Its projects: every Nth.
    pub fn of(self, projects: Vec<Listed>) -> Vec<Listed> {
        let mine = |at: &usize| at % self.of == self.part - 1;
        projects.into_iter().enumerate().filter(|(at, _)| mine(at)).map(|(_, one)| one).collect()
    }
}

/// Reads what the command line names: projects, files with one of them a line, `-` for standard input.
/// A project that comes twice is audited once.
pub fn read(named: &[PathBuf], stdin: &mut impl BufRead) -> Result<Vec<Listed>, Failure> {
    let mut all = Vec::new();
    for path in named {
        if path.as_os_str() == "-" {
            lines(stdin, Path::new("."), &mut all)
                .map_err(|why| Failure::text(format!("standard input: {why}")))?;
        } else if path.is_dir() || walker::is_project(path) {
            all.push(Listed { name: path.display().to_string(), place: Ok(path.clone()) });
        } else {
            let failed =
                |why: String| Failure::text(format!("cannot read {}: {why}", path.display()));
            let file = disk::open(path).map_err(|error| failed(error.to_string()))?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            lines(&mut BufReader::new(file), folder, &mut all).map_err(failed)?;
        }
    }
    Ok(once(all))
}

fn once(all: Vec<Listed>) -> Vec<Listed> {
    let (mut names, mut places) = (BTreeSet::new(), BTreeSet::new());
    let (mut kept, mut twice) = (Vec::with_capacity(all.len()), 0);
    for listed in all {
        let place = listed.place.as_deref().ok().and_then(identity);
        if names.insert(listed.name.clone()) && place.is_none_or(|place| places.insert(place)) {
            kept.push(listed);
            continue;
        }
        twice += 1;
        if twice <= TWICE {
            output::warning(&format!("{} is listed twice and audited once", shown(&listed.name)));
        }
    }
    if twice > TWICE {
        output::warning(&format!("{} more lines name what is listed before", twice - TWICE));
    }
    kept
}

/// What tells one project from another, however it is named: its folder, where it is told by its manifest
/// or lockfile.
fn identity(place: &Path) -> Option<PathBuf> {
    let real = place.canonicalize().ok()?;
    let of_folder =
        real.file_name().is_some_and(|name| name == "Cargo.lock" || name == "Cargo.toml");
    Some(if of_folder { real.parent()?.to_owned() } else { real })
}

fn lines(input: &mut impl BufRead, folder: &Path, into: &mut Vec<Listed>) -> Result<(), String> {
    for number in 1.. {
        let mut line = Vec::new();
        let read = input.by_ref().take(LINE_BYTES + 1).read_until(b'\n', &mut line);
        if read.map_err(|error| error.to_string())? == 0 {
            return Ok(());
        }
        if into.len() >= LINES {
            return Err(format!("there are more than {LINES} lines"));
        }
        if line.len() as u64 > LINE_BYTES && line.last() != Some(&b'\n') {
            input.skip_until(b'\n').map_err(|error| error.to_string())?;
            into.push(Listed {
                name: format!("line {number}"),
                place: Err(format!("the line has more than {LINE_BYTES} bytes")),
            });
            continue;
        }
        if number == 1 && line.starts_with(MARK) {
            line.drain(..MARK.len());
        }
        match String::from_utf8(line) {
            Ok(text) => {
                let name = text.trim();
                if !name.is_empty() && !name.starts_with('#') {
                    into.push(Listed { name: name.to_owned(), place: place(name, folder) });
                }
            }
            Err(_) => into.push(Listed {
                name: format!("line {number}"),
                place: Err("the line is not UTF-8".to_owned()),
            }),
        }
    }
    Ok(())
}

/// Where a line leads. A relative one may not leave the folder of its list, by `..` or by a link; an
/// absolute one says itself where it leads.
fn place(name: &str, folder: &Path) -> Result<PathBuf, String> {
    let path = Path::new(name);
    if path.is_absolute() {
        return project(path.to_owned());
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("the path leads out of the folder of the list".to_owned());
    }
    let joined = folder.join(path);
    let root = folder.canonicalize().map_err(|error| error.to_string())?;
    match joined.canonicalize() {
        Ok(real) if !real.starts_with(&root) => {
            Err("a link leads out of the folder of the list".to_owned())
        }
        Ok(_) => project(joined),
        Err(error) => Err(format!("it cannot be found: {error}")),
    }
}

/// A project, and no other file, which would pass as a model or as a lockfile of nothing.
fn project(place: PathBuf) -> Result<PathBuf, String> {
    if place.exists() && !place.is_dir() && !walker::is_project(&place) {
        return Err("it is no folder, manifest or lockfile".to_owned());
    }
    Ok(place)
}

/// SHA-256 of the lockfile that a project is told by, where it has one.
pub fn lockfile_hash(place: &Path) -> Option<String> {
    let path = if place.is_dir() { place.join("Cargo.lock") } else { place.to_owned() };
    if !path.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    disk::open(&path).ok()?.take(LOCKFILE_BYTES).read_to_end(&mut bytes).ok()?;
    Some(hex(&Sha256::digest(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_disjoint_and_together_everything() {
        let all = || (0..10).map(|n| Listed { name: n.to_string(), place: Err(String::new()) });
        let names = |part: usize| -> Vec<String> {
            let shard: Shard = format!("{part}/3").parse().unwrap();
            shard.of(all().collect()).into_iter().map(|one| one.name).collect()
        };
        let mut together = [names(1), names(2), names(3)].concat();
        together.sort();
        assert_eq!(together, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
        assert!(["0/3", "4/3", "1/0", "x", "1"].iter().all(|text| text.parse::<Shard>().is_err()));
    }

    #[cfg(unix)]
    #[test]
    fn a_line_does_not_leave_the_folder_of_its_list() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir_all(inner.join("a")).unwrap();
        std::os::unix::fs::symlink(folder.path(), inner.join("out")).unwrap();
        std::os::unix::fs::symlink(inner.join("a"), inner.join("in")).unwrap();
        std::fs::write(inner.join("list"), b"a\n\n# no project\r\n../x\nout\nin\ngone\na\n\xff\n")
            .unwrap();
        let all = read(&[inner.join("list")], &mut std::io::empty()).unwrap();
        let told: Vec<(&str, bool)> =
            all.iter().map(|one| (one.name.as_str(), one.place.is_ok())).collect();
        // `in` is a link to `a`, and `a` comes twice.
        assert_eq!(
            told,
            [("a", true), ("../x", false), ("out", false), ("gone", false), ("line 9", false)]
        );
    }

    #[test]
    fn ten_thousand_lines_are_ten_thousand_projects() {
        let lines: Vec<String> = (0..10_000).map(|n| format!("/nowhere/{n}")).collect();
        let text = lines.join("\n");
        let all = read(&[PathBuf::from("-")], &mut text.as_bytes()).unwrap();
        assert_eq!(all.len(), 10_000);
    }
}
