//! Which commit a revision names: a branch, a tag, a remote's branch, a commit or the first digits of
//! one, with `~N`, `^` and `^N` behind it. The order of the places is git's own
//! (<https://git-scm.com/docs/gitrevisions>).

use std::io::{BufRead as _, BufReader, Read as _};

use super::{Repository, RepositoryError, pointer};
use crate_read::git_objects::{self, Commit, Kind, Object, ObjectId};

/// Most references to references, and tags of tags.
const HOPS_LIMIT: usize = 10;
/// Most steps of one `~N`.
const STEPS_LIMIT: usize = 10_000;
/// Most bytes of `packed-refs` that are read.
const PACKED_LIMIT: u64 = 64 * 1024 * 1024;

impl Repository {
    /// The commit that a revision names.
    pub fn resolve(&self, revision: &str) -> Result<(ObjectId, Commit), RepositoryError> {
        let bad = |problem| RepositoryError::BadRevision { revision: revision.to_owned(), problem };
        let end = revision.find(['~', '^']).unwrap_or(revision.len());
        let (name, mut suffix) = revision.split_at(end);
        let id = self.named(revision, name)?;
        let (mut id, mut commit) = self.commit(id, revision)?;
        while !suffix.is_empty() {
            let sign = suffix.as_bytes()[0];
            let digits = suffix[1..].bytes().take_while(u8::is_ascii_digit).count();
            let number: Option<usize> =
                if digits == 0 { Some(1) } else { suffix[1..=digits].parse().ok() };
            let number = number.filter(|&number| number <= STEPS_LIMIT);
            let number = number.ok_or_else(|| bad("the number is too large"))?;
            suffix = &suffix[1 + digits..];
            if !suffix.is_empty() && !suffix.starts_with(['~', '^']) {
                return Err(bad("only ~N and ^N may follow a name"));
            }
            let (steps, parent) = if sign == b'~' { (number, 1) } else { (1, number) };
            // `^0` is the commit itself.
            for _ in 0..if parent == 0 { 0 } else { steps } {
                let next = commit.parents.get(parent - 1).copied();
                let next = next.ok_or_else(|| RepositoryError::UnknownRevision {
                    revision: revision.to_owned(),
                    shallow: self.shallow,
                })?;
                (id, commit) = self.commit(next, revision)?;
            }
        }
        Ok((id, commit))
    }

    /// What a name without suffixes stands for.
    fn named(&self, revision: &str, name: &str) -> Result<ObjectId, RepositoryError> {
        let name = if name == "@" { "HEAD" } else { name };
        if let Some(id) = ObjectId::from_hex(name) {
            return Ok(id);
        }
        check(name).map_err(|problem| RepositoryError::BadRevision {
            revision: revision.to_owned(),
            problem,
        })?;
        // Beside `HEAD` and its like, the repository's folder holds files that are no references.
        let own = name.starts_with("refs/")
            || name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        let places = ["refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
        for place in [""].into_iter().filter(|_| own).chain(places) {
            if let Some(id) = self.reference(&format!("{place}{name}"))? {
                return Ok(id);
            }
        }
        if let Some(id) = self.reference(&format!("refs/remotes/{name}/HEAD"))? {
            return Ok(id);
        }
        if (4..40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let found = self.objects.short(&name.to_ascii_lowercase())?;
            let mut commits = Vec::new();
            for id in found {
                let object = self.objects.read(&id)?;
                let names_commit = |o: &Object| matches!(o.kind, Kind::Commit | Kind::Tag);
                commits.extend(object.filter(names_commit).map(|_| id));
            }
            match commits.as_slice() {
                [] => {}
                [one] => return Ok(*one),
                _ => return Err(RepositoryError::Ambiguous { revision: revision.to_owned() }),
            }
        }
        if self.common.join("reftable").is_dir() {
            return Err(RepositoryError::BadRevision {
                revision: revision.to_owned(),
                problem: "this repository keeps its branches in the reftable format; name a commit by its 40 digits",
            });
        }
        Err(RepositoryError::UnknownRevision {
            revision: revision.to_owned(),
            shallow: self.shallow,
        })
    }

    /// What a full reference points to, symbolic ones followed.
    fn reference(&self, name: &str) -> Result<Option<ObjectId>, RepositoryError> {
        let mut name = name.to_owned();
        for _ in 0..HOPS_LIMIT {
            let folder = if name.starts_with("refs/") { &self.common } else { &self.own };
            let Some(text) = pointer(&folder.join(&name))? else { return self.packed(&name) };
            match text.strip_prefix("ref: ").map(str::trim) {
                Some(next) if next.starts_with("refs/") && check(next).is_ok() => {
                    next.clone_into(&mut name);
                }
                Some(_) => return Ok(None),
                None => return Ok(text.get(..40).and_then(ObjectId::from_hex)),
            }
        }
        Ok(None)
    }

    fn packed(&self, name: &str) -> Result<Option<ObjectId>, RepositoryError> {
        let path = self.common.join("packed-refs");
        let file = match crate::disk::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(RepositoryError::Io { path, source }),
        };
        for line in BufReader::new(file.take(PACKED_LIMIT)).split(b'\n') {
            let line = line.map_err(|source| RepositoryError::Io { path: path.clone(), source })?;
            // Lines are `<40 digits> <name>`; a `#` or `^` starts other ones.
            let Some((hex, rest)) = line.split_at_checked(40) else { continue };
            if rest.strip_prefix(b" ") == Some(name.as_bytes()) {
                return Ok(std::str::from_utf8(hex).ok().and_then(ObjectId::from_hex));
            }
        }
        Ok(None)
    }

    /// The commit that an object is, or that a tag stands for.
    fn commit(
        &self,
        mut id: ObjectId,
        revision: &str,
    ) -> Result<(ObjectId, Commit), RepositoryError> {
        let damaged = |source| RepositoryError::Format { what: revision.to_owned(), source };
        for _ in 0..HOPS_LIMIT {
            let object = self.needed(&id, revision)?;
            match object.kind {
                Kind::Commit => {
                    let commit = git_objects::commit(&object.bytes).map_err(damaged)?;
                    return Ok((id, commit));
                }
                Kind::Tag => id = git_objects::tag_target(&object.bytes).map_err(damaged)?,
                Kind::Tree | Kind::Blob => break,
            }
        }
        let problem = "it names no commit";
        Err(RepositoryError::BadRevision { revision: revision.to_owned(), problem })
    }

    /// An object that has to be there.
    pub(super) fn needed(&self, id: &ObjectId, role: &str) -> Result<Object, RepositoryError> {
        self.objects.read(id)?.ok_or_else(|| RepositoryError::Missing {
            id: *id,
            role: crate::domain::text::shown(role),
            shallow: self.shallow,
        })
    }
}

/// Whether a name can be that of a reference, and can be looked up below the repository's folder.
fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.contains("@{") || name.contains(':') || name.contains("..") {
        return Err("ranges, dates and search words are not read");
    }
    let odd = |c: char| c.is_control() || matches!(c, ' ' | '\\' | '?' | '*' | '[');
    let wrong = |part: &str| {
        part.is_empty() || part.starts_with('.') || part.strip_suffix(".lock").is_some()
    };
    if name.contains(odd) || name.split('/').any(wrong) || name.len() > 1_000 {
        return Err("git does not allow such a name");
    }
    Ok(())
}
