//! Hosts that library code names beside the network, and whether the crate says elsewhere that they are its.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate_read::rust_source::{CapabilityTable, WebAddress};

/// Most hosts of one crate.
pub(super) const HOSTS: usize = 64;
/// Shortest label of a host that a crate's name can hold by intent.
const LABEL: usize = 4;

/// What kind of host it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum HostKind {
    /// A number instead of a name, other than of this machine or network.
    Address,
    /// A service where anybody can receive or leave data without a name.
    Drop,
    /// Any other.
    Named,
}

/// A host that library code names in a file that reaches the network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// The host, in lower case.
    pub host: String,
    /// What kind of host it is.
    pub kind: HostKind,
    /// Whether the crate's name or the addresses in its manifest speak of the same.
    pub stated: bool,
    /// File inside the crate.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
}

/// The host and the path of an address; none where it is no constant, or this machine.
fn parts(url: &str) -> Option<(String, &str)> {
    let (_, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.split(':').next().unwrap_or(host).trim_end_matches('.').to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_';
    let whole = host.contains('.') && host.chars().all(plain);
    let ours = ["localhost", "local", "internal", "svc"];
    let last = host.rsplit('.').next().unwrap_or("");
    (whole && !ours.contains(&last)).then_some((host, path))
}

fn is_number(host: &str) -> bool {
    host.split('.').count() == 4 && host.split('.').all(|part| part.parse::<u8>().is_ok())
}

/// Addresses of this machine, of private networks, of clouds' own services, and for documentation.
fn is_near(host: &str) -> bool {
    let parts: Vec<u8> = host.split('.').filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [0 | 10 | 127 | 255, ..]
        | [192, 168, ..]
        | [169, 254, ..]
        | [192, 0, 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [100, 100, 100, _] => true,
        [172, second, ..] => (16..32).contains(second),
        [first, ..] if *first >= 224 => true,
        // Resolvers that everybody knows.
        [1, 1, 1, 1] | [1, 0, 0, 1] | [8, 8, 8, 8] | [8, 8, 4, 4] | [9, 9, 9, 9] => true,
        _ => false,
    }
}

/// The last two labels.
fn domain(host: &str) -> &str {
    match host.rmatch_indices('.').nth(1) {
        Some((at, _)) => &host[at + 1..],
        None => host,
    }
}

/// Hosts of everybody's repositories.
const FORGES: [&str; 6] =
    ["github.com", "gitlab.com", "codeberg.org", "bitbucket.org", "sourceforge.net", "github.io"];

/// What a crate says about itself: its name, and the hosts of the addresses in its manifest.
#[derive(Clone, Debug, Default)]
pub(super) struct Stated {
    name: String,
    domains: BTreeSet<String>,
}

impl Stated {
    pub(super) fn new(name: &str, addresses: &[String]) -> Self {
        let domains = addresses.iter().filter_map(|url| parts(url));
        let domains = domains.map(|(host, _)| domain(&host).to_owned());
        // Where everybody's repository is says nothing about whose host it is.
        let domains = domains.filter(|domain| !FORGES.contains(&domain.as_str())).collect();
        let name = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        Self { name: name.to_ascii_lowercase(), domains }
    }

    fn speaks_of(&self, host: &str) -> bool {
        let label = domain(host).split('.').next().unwrap_or("").replace('-', "");
        let is_named = label.len() >= LABEL
            && (self.name.contains(&label)
                || (self.name.len() >= LABEL && label.contains(&self.name)));
        is_named || self.domains.contains(domain(host))
    }
}

/// The host of an address in library code.
pub(super) fn host(address: &WebAddress, stated: &Stated, table: &CapabilityTable) -> Option<Host> {
    let (host, path) = parts(&address.url)?;
    let kind = if is_number(&host) {
        if is_near(&host) {
            return None;
        }
        HostKind::Address
    } else if table.is_drop(&host, path) {
        HostKind::Drop
    } else {
        HostKind::Named
    };
    let stated = stated.speaks_of(&host);
    Some(Host { host, kind, stated, file: address.file.clone(), line: address.line })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Option<(String, HostKind, bool)> {
        let stated = Stated::new("acme-client", &["https://github.com/acme/client".to_owned()]);
        let address = WebAddress { url: url.to_owned(), file: "src/lib.rs".to_owned(), line: 1 };
        let table = super::super::capability_table();
        host(&address, &stated, table).map(|host| (host.host, host.kind, host.stated))
    }

    #[test]
    fn a_host_is_told_with_its_kind_and_whether_the_crate_speaks_of_it() {
        let told = |host: &str, kind, stated| Some((host.to_owned(), kind, stated));
        assert_eq!(of("https://api.acme.io/v1"), told("api.acme.io", HostKind::Named, true));
        assert_eq!(
            of("https://u@api.other.io:8443/"),
            told("api.other.io", HostKind::Named, false)
        );
        assert_eq!(of("http://45.9.148.3/x"), told("45.9.148.3", HostKind::Address, false));
        let hook = "https://discord.com/api/webhooks/1/x";
        assert_eq!(of(hook), told("discord.com", HostKind::Drop, false));
        assert_eq!(of("https://discord.com/api/v10"), told("discord.com", HostKind::Named, false));
        assert_eq!(
            of("https://a-1.ngrok-free.app/"),
            told("a-1.ngrok-free.app", HostKind::Drop, false)
        );
        assert_eq!(of("https://api.github.com/"), told("api.github.com", HostKind::Named, false));
    }

    #[test]
    fn this_machine_and_what_is_not_constant_are_no_hosts() {
        for url in [
            "http://127.0.0.1:80/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest",
            "https://{}/x",
            "http://localhost/",
            "https://8.8.8.8/dns-query",
        ] {
            assert_eq!(of(url), None, "{url}");
        }
    }
}
