//! Who made a commit or a tag, and when. Names, mails and dates are whatever the maker wrote.

use super::GitError;

/// Longest name or mail that is kept, in bytes.
const TEXT_LIMIT: usize = 200;

/// A name, a mail and a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Name, as it was written; bytes that are no UTF-8 are replaced.
    pub name: String,
    /// Mail address, as it was written.
    pub mail: String,
    /// Seconds since 1970-01-01 UTC.
    pub seconds: i64,
}

impl Signature {
    /// From `NAME <MAIL> SECONDS ZONE`.
    fn read(line: &[u8]) -> Option<Self> {
        let open = line.iter().position(|&byte| byte == b'<')?;
        let close = open + line[open..].iter().position(|&byte| byte == b'>')?;
        let text = |bytes: &[u8]| {
            let bytes = &bytes[..bytes.len().min(TEXT_LIMIT)];
            String::from_utf8_lossy(bytes).trim().to_owned()
        };
        let time = std::str::from_utf8(&line[close + 1..]).ok()?;
        let seconds = time.split_whitespace().next()?.parse().ok()?;
        Some(Self { name: text(&line[..open]), mail: text(&line[open + 1..close]), seconds })
    }
}

/// Author and committer of a commit.
pub fn signatures(commit: &[u8]) -> Result<(Signature, Signature), GitError> {
    let damaged = GitError::Damaged { what: "commit" };
    match (header(commit, b"author "), header(commit, b"committer ")) {
        (Some(author), Some(committer)) => Ok((author, committer)),
        _ => Err(damaged),
    }
}

/// Who made an annotated tag; none where the tag does not tell.
#[must_use]
pub fn tagger(tag: &[u8]) -> Option<Signature> {
    header(tag, b"tagger ")
}

/// A line of the header, which ends with the first empty line.
fn header(object: &[u8], key: &[u8]) -> Option<Signature> {
    let lines = object.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty());
    lines.into_iter().find_map(|line| line.strip_prefix(key)).and_then(Signature::read)
}
