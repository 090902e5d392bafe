//! The `source` of a locked package: from its text to an [`Origin`].

use std::borrow::Cow;

use tame_index::index::{git::CRATES_IO_INDEX, sparse::CRATES_IO_HTTP_INDEX};

use crate::domain::Origin;

/// What a `source` text means, and what is odd about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Where the package comes from.
    pub origin: Origin,
    /// One short sentence, where the text is not what cargo writes.
    pub odd: Option<String>,
}

impl Source {
    fn plain(origin: Origin) -> Self {
        Self { origin, odd: None }
    }
}

/// Reads a `source` text. Only the two spellings that cargo itself writes for the default registry
/// count as that registry; a look-alike of them is an alternative registry.
pub(super) fn parse(text: &str) -> Source {
    if text == CRATES_IO_HTTP_INDEX || text.strip_prefix("registry+") == Some(CRATES_IO_INDEX) {
        return Source::plain(Origin::Registry);
    }
    if let Some(git) = text.strip_prefix("git+") {
        return parse_git(git);
    }
    for prefix in ["sparse+", "registry+"] {
        if let Some(index) = text.strip_prefix(prefix) {
            return Source::plain(Origin::AlternativeRegistry { index: index.to_owned() });
        }
    }
    if text.starts_with("path+") {
        let odd = "says on which path it lies, which cargo does not write";
        return Source { origin: Origin::Path, odd: Some(odd.to_owned()) };
    }
    Source {
        origin: Origin::AlternativeRegistry { index: text.to_owned() },
        odd: Some("has a source of a kind that cargo does not write".to_owned()),
    }
}

fn parse_git(text: &str) -> Source {
    let (rest, fragment) = text.split_once('#').map_or((text, ""), |(rest, at)| (rest, at));
    let (url, query) = rest.split_once('?').map_or((rest, ""), |(url, query)| (url, query));
    let reference = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| matches!(*key, "branch" | "tag" | "rev"))
        .map(|(key, value)| format!("{key}={}", decoded(value)));
    let full = matches!(fragment.len(), 40 | 64) && fragment.bytes().all(|b| b.is_ascii_hexdigit());
    let rev = if full { fragment.to_ascii_lowercase() } else { String::new() };
    let odd = if full {
        None
    } else if fragment.is_empty() {
        Some("comes from git, and the lockfile does not say at which commit".to_owned())
    } else {
        Some("comes from git, and what the lockfile gives as its commit is none".to_owned())
    };
    Source { origin: Origin::Git { url: url.to_owned(), rev, reference }, odd }
}

/// Lockfile version 4 escapes branch and tag names, where earlier ones do not; text that is no valid
/// escape stays as it is.
fn decoded(value: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8();
    decoded.map_or_else(|_| value.to_owned(), Cow::into_owned)
}

/// A `source` as dependencies name it: the commit after `#` is left out there since version 2.
pub(super) fn without_commit(source: &str) -> &str {
    source.split_once('#').map_or(source, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(url: &str, rev: &str, reference: Option<&str>) -> Origin {
        Origin::Git { url: url.into(), rev: rev.into(), reference: reference.map(Into::into) }
    }

    #[test]
    fn both_spellings_of_the_default_registry_are_known_and_their_look_alikes_are_not() {
        assert_eq!(parse(CRATES_IO_HTTP_INDEX).origin, Origin::Registry);
        assert_eq!(parse(&format!("registry+{CRATES_IO_INDEX}")).origin, Origin::Registry);
        for twin in [
            format!("registry+{CRATES_IO_INDEX}/"),
            format!("registry+{CRATES_IO_INDEX}2"),
            format!("registry+{}", CRATES_IO_INDEX.replace("rust-lang", "rust-1ang")),
            CRATES_IO_HTTP_INDEX.replace("https", "http"),
            "sparse+https://registry.example.invalid/index/".to_owned(),
        ] {
            assert!(matches!(parse(&twin).origin, Origin::AlternativeRegistry { .. }), "{twin}");
        }
    }

    #[test]
    fn git_sources_give_url_reference_and_commit() {
        let rev = "35d7ae7a0e4d2a5c1f2b3c4d5e6f708192a3b4c5";
        let url = "https://git.example.invalid/x.git";
        for (query, reference) in [
            ("", None),
            ("?branch=main", Some("branch=main")),
            ("?tag=v1", Some("tag=v1")),
            ("?rev=35d7ae7", Some("rev=35d7ae7")),
            ("?branch=feature%2Fnew%2Bone", Some("branch=feature/new+one")),
            ("?branch=a+b%zz", Some("branch=a+b%zz")),
        ] {
            let source = parse(&format!("git+{url}{query}#{rev}"));
            assert_eq!(source.origin, git(url, rev, reference), "{query}");
            assert_eq!(source.odd, None);
        }
    }

    #[test]
    fn a_git_source_without_a_commit_is_odd_and_its_commit_is_empty() {
        for text in ["git+https://x.invalid/y", "git+https://x.invalid/y#main", "git+#../../etc"] {
            let source = parse(text);
            assert!(matches!(&source.origin, Origin::Git { rev, .. } if rev.is_empty()));
            assert!(source.odd.is_some(), "{text}");
        }
    }
}
