//! What went wrong, without what may be secret in an address.

use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::net::NetError;

/// An address without what may be secret in it.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails only where an address can have no user name, and then there is none to hide.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

pub(super) fn refused(url: &Url, status: u16, headers: &HeaderMap) -> NetError {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let code = text("x-error-code").map(|code| code.chars().take(60).collect());
    // The one refusal that the Hub tells in words only.
    let disabled = text("x-error-message") == Some("Access to this resource is disabled.");
    let code = code.or_else(|| disabled.then(|| "DisabledRepo".to_owned()));
    NetError::Status { url: shown(url), status, code }
}

pub(super) fn unexpected(url: &Url, got: &str, expected: &str) -> NetError {
    NetError::Unexpected { url: shown(url), got: got.to_owned(), expected: expected.to_owned() }
}

pub(super) fn redirect_error(url: &Url, to: &Url, why: &'static str) -> NetError {
    NetError::Redirect { url: shown(url), to: shown(to), why }
}

pub(super) fn transport(url: &Url, error: &reqwest::Error) -> NetError {
    let url = shown(url);
    if error.is_timeout() {
        NetError::Timeout { url }
    } else if error.is_connect() {
        NetError::Connect { url, why: innermost(error) }
    } else {
        NetError::Broken { url, why: innermost(error) }
    }
}

/// The last cause of an error: the outer ones only repeat the address.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}
