//! Which repositories may be fetched, and from where.

/// Hosts that are asked. Others are named as not fetched: an address in a manifest is a stranger's, and
/// could point into the user's own network.
const HOSTS: [&str; 4] = ["github.com", "gitlab.com", "codeberg.org", "bitbucket.org"];
/// Longest part of a path.
const PART_LIMIT: usize = 100;

/// A repository of a known host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remote {
    host: String,
    path: Vec<String>,
}

impl Remote {
    /// From host and path, lower case, without `.git`; none where the host is not known or a part is not
    /// one that these hosts give.
    #[must_use]
    pub fn new(host: &str, path: &[String]) -> Option<Self> {
        // Only one of these hosts has folders of repositories.
        let most = if host == "gitlab.com" { 6 } else { 2 };
        let path: Vec<String> = path.iter().take(most).cloned().collect();
        let known = HOSTS.contains(&host) && path.len() >= 2;
        (known && path.iter().all(|part| is_part(part)))
            .then(|| Self { host: host.to_owned(), path })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        format!("https://{}/{}", self.host, self.path.join("/"))
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The name of its folder in a cache: the parts of its path with `+` between them.
    #[must_use]
    pub fn folder_name(&self) -> String {
        self.path.join("+")
    }
}

fn is_part(part: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !part.is_empty()
        && part.len() <= PART_LIMIT
        && !part.starts_with(['-', '.'])
        && part.chars().all(fits)
}

/// Where repositories are fetched from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    loopback: Option<String>,
}

impl Base {
    /// The hosts themselves.
    #[must_use]
    pub fn hosts() -> Self {
        Self::default()
    }

    /// A server of a test, `http://127.0.0.1:PORT`; none for any other address.
    #[must_use]
    pub fn loopback(address: &str) -> Option<Self> {
        let port = address.strip_prefix("http://127.0.0.1:")?.trim_end_matches('/');
        let port: u16 = port.parse().ok()?;
        Some(Self { loopback: Some(format!("http://127.0.0.1:{port}")) })
    }

    /// The address of a repository, composed of checked parts.
    pub(super) fn url(&self, remote: &Remote) -> String {
        let path = remote.path.join("/");
        match &self.loopback {
            None => format!("https://{}/{path}.git", remote.host),
            Some(base) => format!("{base}/{path}.git"),
        }
    }

    /// The one protocol that git may speak.
    pub(super) fn protocol(&self) -> &'static str {
        if self.loopback.is_some() { "http" } else { "https" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(host: &str, path: &[&str]) -> Option<String> {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        Remote::new(host, &path).map(|remote| Base::hosts().url(&remote))
    }

    #[test]
    fn addresses_are_composed_of_checked_parts_only() {
        assert_eq!(
            remote("github.com", &["o", "n"]).as_deref(),
            Some("https://github.com/o/n.git")
        );
        let deep = remote("gitlab.com", &["g", "s", "n"]);
        assert_eq!(deep.as_deref(), Some("https://gitlab.com/g/s/n.git"));
        for (host, path) in [
            ("localhost", ["o", "n"]),
            ("169.254.169.254", ["latest", "meta-data"]),
            ("github.com.evil.example", ["o", "n"]),
            ("github.com", ["--upload-pack=x", "n"]),
            ("github.com", ["..", "n"]),
            ("github.com", ["o", "n\n[core]"]),
            ("github.com", ["o", "n?x"]),
            ("github.com", ["o", ""]),
            ("github.com", ["o@p", "n"]),
        ] {
            assert_eq!(remote(host, &path), None, "{host} {path:?}");
        }
        assert_eq!(remote("github.com", &["o"]), None);
    }

    #[test]
    fn the_address_of_a_test_is_this_machine() {
        assert!(Base::loopback("http://127.0.0.1:8080").is_some());
        for wrong in [
            "http://127.0.0.1",
            "http://127.0.0.1:80@evil.example",
            "http://evil.example:80",
            "https://127.0.0.1:80",
            "file:///tmp",
        ] {
            assert_eq!(Base::loopback(wrong), None, "{wrong}");
        }
    }
}
