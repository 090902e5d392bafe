//! Addresses of indexes and archives, without what must not be shown.

/// An address without user name, password, query and fragment, cut to a length that facts can carry; and
/// whether there were credentials.
pub(super) fn masked(address: &str) -> (String, bool) {
    let address = address.trim();
    let (scheme, rest) =
        address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (credentials, host) = match host.rsplit_once('@') {
        // `git@host` is no secret.
        Some((user, host)) => (user != "git", host),
        None => (false, host),
    };
    let shown = if scheme.is_empty() {
        format!("{host}{path}")
    } else {
        format!("{scheme}://{host}{path}")
    };
    (shown.chars().take(300).collect(), credentials)
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn nothing_secret_is_left() {
        for (address, shown, secret) in [
            (
                "https://me:pass@index.example.invalid/simple?token=1",
                "https://index.example.invalid/simple",
                true,
            ),
            ("https://token@index.example.invalid/", "https://index.example.invalid/", true),
            ("https://index.example.invalid/a@b", "https://index.example.invalid/a@b", false),
            ("ssh://git@code.example.invalid/a.git#x", "ssh://code.example.invalid/a.git", false),
        ] {
            assert_eq!(masked(address), (shown.to_owned(), secret), "{address}");
        }
    }
}
