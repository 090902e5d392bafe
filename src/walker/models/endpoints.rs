//! Where a file of the project sends a Hub's clients to another host: `HF_ENDPOINT` with an address, or
//! an address handed to `with_endpoint`. A token that is sent along goes there as well.

use super::reference::is_test_path;
use crate::walker::project::{Setting, shortened};

/// The variable that every client of the Hub reads.
const VARIABLE: &str = "HF_ENDPOINT";
/// The method of `hf-hub`'s builder.
const METHOD: &str = "with_endpoint";
/// Where the clients go by themselves.
const DEFAULT: &str = "https://huggingface.co";
/// Most settings of one project.
pub(super) const LIMIT: usize = 500;

/// Adds the settings of one file. Tests and comments set nothing that a build or a program would use.
pub(super) fn scan(path: &str, text: &str, found: &mut Vec<Setting>) {
    let named = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    if is_test_path(path) || !(named(VARIABLE) || named(METHOD)) {
        return;
    }
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let Some((name, rest)) = setter(line) else { continue };
        // Kubernetes writes `name: HF_ENDPOINT` and the value on the next line.
        let next = lines.peek().map(|(_, next)| next.trim_start());
        let next = next.filter(|next| name == VARIABLE && next.starts_with("value"));
        let Some(address) = address(rest).or_else(|| address(next?)) else { continue };
        if address.trim_end_matches('/') != DEFAULT && found.len() < LIMIT {
            found.push(Setting {
                path: path.to_owned(),
                line: u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1),
                name: name.to_owned(),
                value: shortened(address),
            });
        }
    }
}

/// The word that sets the endpoint and what follows it on the line.
fn setter(line: &str) -> Option<(&'static str, &str)> {
    let code = line.trim_start();
    if ["#", "//", "*", "--", ";"].iter().any(|comment| code.starts_with(comment)) {
        return None;
    }
    [VARIABLE, METHOD].into_iter().find_map(|word| {
        let at = line.find(word)?;
        let before = line[..at].chars().next_back();
        let whole = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        whole.then(|| (word, &line[at + word.len()..]))
    })
}

/// The first address of a text.
fn address(text: &str) -> Option<&str> {
    let at = [text.find("http://"), text.find("https://")].into_iter().flatten().min()?;
    let rest = &text[at..];
    let end = rest.find(|c: char| c.is_whitespace() || "\"'`),;}]<>".contains(c));
    Some(&rest[..end.unwrap_or(rest.len())])
}

#[cfg(test)]
#[path = "endpoints_tests.rs"]
mod tests;
