//! Addresses that lead to the Hub, in any text: `https://huggingface.co/...`, `hf.co/...`, `hf://...`.

use percent_encoding::percent_decode_str;

use super::id::{is_part, is_repository};
use super::reference::Form;
use crate::domain::SubjectKind;

/// First parts of addresses of the Hub that are pages and no repositories.
const PAGES: [&str; 31] = [
    "api",
    "blog",
    "chat",
    "collections",
    "course",
    "docs",
    "enterprise",
    "inference-api",
    "inference-endpoints",
    "join",
    "kernels",
    "landing",
    "learn",
    "login",
    "logout",
    "models",
    "new",
    "organizations",
    "papers",
    "posts",
    "pricing",
    "privacy",
    "search",
    "settings",
    "spaces",
    "storage",
    "support",
    "tasks",
    "terms-of-service",
    "buckets",
    "front",
];

/// Longest address that is looked at, in bytes.
const ADDRESS_LIMIT: usize = 500;

/// One address of the Hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Offset of the id in the text that was searched.
    pub at: usize,
    pub kind: SubjectKind,
    pub id: String,
    pub revision: Option<String>,
    pub form: Form,
}

/// All addresses in a text, in order.
pub(super) fn find(text: &str) -> Vec<Address> {
    let mut found = Vec::new();
    for (marker, uri) in
        [("huggingface.co/", false), ("hf.co/", false), ("hf-mirror.com/", false), ("hf://", true)]
    {
        for at in memchr::memmem::find_iter(text.as_bytes(), marker) {
            let start = at + marker.len();
            let before = text[..at].chars().next_back();
            // `api-inference.huggingface.co` and `docs.hf.co` are other hosts.
            if before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) {
                let www = text[..at].ends_with("//www.");
                if !www {
                    continue;
                }
            }
            let rest = &text[start..];
            let length = rest
                .bytes()
                .take(ADDRESS_LIMIT)
                .take_while(|b| b.is_ascii_graphic() && !br#""'`<>()[]{}\|^,;"#.contains(b))
                .count();
            let parsed = if uri { from_uri(&rest[..length]) } else { from_path(&rest[..length]) };
            found.extend(parsed.map(|address| Address { at: start + address.at, ..address }));
        }
    }
    found.sort_by_key(|address| address.at);
    found
}

/// `owner/name/resolve/REV/file`, `datasets/owner/name`, `owner/name:Q4`.
fn from_path(path: &str) -> Option<Address> {
    let path = path.split(['?', '#']).next()?.trim_end_matches(['.', ':', '!']);
    let (kind, rest, skipped) = match path.strip_prefix("datasets/") {
        Some(rest) => (SubjectKind::Dataset, rest, "datasets/".len()),
        None => (SubjectKind::Model, path, 0),
    };
    let parts: Vec<&str> = rest.split('/').collect();
    let leads = |part: &str| matches!(part, "resolve" | "blob" | "raw" | "tree" | "commit");
    let (id, after) = match parts.as_slice() {
        [name, verb, after @ ..] if leads(verb) && !after.is_empty() => {
            ((*name).to_owned(), Some((*verb, after)))
        }
        [owner, name, after @ ..] => {
            let name = name.split([':', '@']).next()?;
            let after = match after {
                [verb, rest @ ..] if leads(verb) && !rest.is_empty() => Some((*verb, rest)),
                _ => None,
            };
            (format!("{owner}/{}", name.trim_end_matches(".git")), after)
        }
        _ => return None,
    };
    let owner = id.split('/').next()?;
    let named = is_repository(&id) || (is_part(&id) && after.is_some());
    if !named || PAGES.contains(&owner) {
        return None;
    }
    let revision = after.and_then(|(_, rest)| revision_of(rest));
    let form = match after {
        Some(("resolve", _)) => Form::ResolveUrl,
        _ => Form::HubUrl,
    };
    Some(Address { at: skipped, kind, id, revision, form })
}

/// The revision at the start of what follows `resolve/`; `refs/pr/1` may be written in three parts.
fn revision_of(rest: &[&str]) -> Option<String> {
    let text = match rest {
        ["refs", kind, number, ..] => format!("refs/{kind}/{number}"),
        [one, ..] => percent_decode_str(one).decode_utf8().ok()?.into_owned(),
        [] => return None,
    };
    (!text.is_empty() && text.len() <= 200 && !text.contains(['{', '}', '$'])).then_some(text)
}

/// `[models/|datasets/]owner/name[@revision][/path[@commit]]`.
fn from_uri(uri: &str) -> Option<Address> {
    let (kind, rest, at) = if let Some(rest) = uri.strip_prefix("datasets/") {
        (SubjectKind::Dataset, rest, "datasets/".len())
    } else if let Some(rest) = uri.strip_prefix("models/") {
        (SubjectKind::Model, rest, "models/".len())
    } else if uri.starts_with("spaces/") || uri.starts_with("buckets/") {
        return None;
    } else {
        (SubjectKind::Model, uri, 0)
    };
    let mut parts = rest.splitn(3, '/');
    let (owner, name) = (parts.next()?, parts.next()?);
    let (name, revision) = match name.split_once('@') {
        Some((name, revision)) => (
            name,
            percent_decode_str(revision).decode_utf8().ok().map(std::borrow::Cow::into_owned),
        ),
        None => (name, parts.next().and_then(commit_behind)),
    };
    let id = format!("{owner}/{name}");
    is_repository(&id).then_some(Address { at, kind, id, revision, form: Form::HubUri })
}

/// The commit behind the file, as some loaders write it: `hf://owner/name/file@commit`. Anything shorter than a
/// whole commit may belong to the file's name.
fn commit_behind(path: &str) -> Option<String> {
    let (_, commit) = path.rsplit_once('@')?;
    let whole = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
    whole.then(|| commit.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (SubjectKind, String, Option<String>, Form) {
        let found = find(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        let a = &found[0];
        (a.kind, a.id.clone(), a.revision.clone(), a.form)
    }

    #[test]
    fn addresses_of_every_form_are_read() {
        use SubjectKind::{Dataset, Model};
        let text = |t: &str| Some(t.to_owned());
        assert_eq!(
            one("https://huggingface.co/bert-base-uncased/resolve/main/rust_model.ot"),
            (Model, "bert-base-uncased".to_owned(), text("main"), Form::ResolveUrl)
        );
        assert_eq!(
            one("get https://huggingface.co/o/n-1/resolve/refs%2Fpr%2F3/x.onnx now"),
            (Model, "o/n-1".to_owned(), text("refs/pr/3"), Form::ResolveUrl)
        );
        assert_eq!(
            one("https://huggingface.co/datasets/o/n/resolve/refs/convert/parquet/x.parquet"),
            (Dataset, "o/n".to_owned(), text("refs/convert/parquet"), Form::ResolveUrl)
        );
        assert_eq!(
            one("hf.co/o/n-GGUF:Q4_K_M"),
            (Model, "o/n-GGUF".to_owned(), None, Form::HubUrl)
        );
        assert_eq!(
            one("hf://datasets/o/n@v1/a/b"),
            (Dataset, "o/n".to_owned(), text("v1"), Form::HubUri)
        );
        let commit = "427e3d61b276ed69fdd03de0d185fa8a8d97fc5b";
        assert_eq!(
            one(&format!("hf://o/n/weights.safetensors@{commit}")),
            (Model, "o/n".to_owned(), text(commit), Form::HubUri)
        );
        assert_eq!(one("hf://o/n/a@2x.png"), (Model, "o/n".to_owned(), None, Form::HubUri));
        assert_eq!(
            one("git clone https://huggingface.co/o/n.git"),
            (Model, "o/n".to_owned(), None, Form::HubUrl)
        );
    }

    #[test]
    fn pages_other_hosts_and_placeholders_are_no_repositories() {
        for text in [
            "https://huggingface.co/docs/hub/index",
            "https://huggingface.co/blog/x",
            "https://api-inference.huggingface.co/models/gpt2",
            "https://huggingface.co/{}/resolve/main/x",
            "https://huggingface.co/gpt2",
            "https://huggingface.co/",
            "hf://",
            "hf://spaces/o/n",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }
}
