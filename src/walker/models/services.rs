//! Hosted inference: crates of the graph that speak to one, addresses and key variables in the project's
//! files. Also addresses of the same form that stay on the machine or its network.

use std::net::IpAddr;

use super::reference::{Confidence, Form, Reference, RevisionKind};
use super::scan::{Named, Scan};
use super::tables::Tables;
use crate::domain::SubjectKind;

/// Ends of addresses that only inference servers with an interface like `OpenAI`'s have.
const API_PATHS: [&str; 8] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/messages",
    "/api/generate",
    "/api/chat",
    "/v1/audio/transcriptions",
];

/// Finds addresses and variables in one text. `programs` says that it is code or configuration, and
/// not prose.
pub(super) fn scan(scan: &mut Scan<'_>, tables: &Tables) {
    let text = scan.text;
    for at in memchr::memmem::find_iter(text.as_bytes(), "://") {
        let scheme = text[..at].ends_with("http") || text[..at].ends_with("https");
        if !scheme || in_comment(text, at) {
            continue;
        }
        let rest = &text[at + 3..];
        let end = rest
            .bytes()
            .take(500)
            .take_while(|b| b.is_ascii_graphic() && !br#""'`<>()[]{}\|^,;"#.contains(b))
            .count();
        let address = &rest[..end];
        let Some(host) = host_of(address) else { continue };
        let path = &address[address.find('/').unwrap_or(address.len())..];
        let interface = API_PATHS.iter().any(|known| path.trim_end_matches('/').ends_with(known));
        if tables.service_of_host(&host).is_some() || (interface && !is_example(&host)) {
            let base = Named::model(host, Form::ServiceUrl, Confidence::High);
            scan.push(at + 3, Named { kind: SubjectKind::Service, ..base });
        }
    }
    variables(scan, tables);
}

/// Turns what a router or a client library calls a model into the service that is asked for it. A form that
/// only a Hub understands stays what it is, whatever the name.
pub(super) fn settle(found: &mut [Reference], tables: &Tables) {
    for reference in found {
        if reference.kind != SubjectKind::Model || only_of_a_hub(reference.form) {
            continue;
        }
        let host = tables.service_of_model(&reference.id).and_then(|service| service.hosts.first());
        if let Some(host) = host {
            reference.kind = SubjectKind::Service;
            reference.id.clone_from(host);
            reference.revision = None;
            reference.revision_kind = RevisionKind::None;
            reference.trust_remote_code = None;
        }
    }
}

/// Whether a form can name nothing but a repository.
fn only_of_a_hub(form: Form) -> bool {
    match form {
        Form::HfHubMethod
        | Form::HfHubRepo
        | Form::HfHubClient
        | Form::RustFromPretrained
        | Form::FastembedEnum
        | Form::PythonFromPretrained
        | Form::PythonDownload
        | Form::PythonPipeline
        | Form::PythonLoadDataset
        | Form::ResolveUrl
        | Form::HubUrl
        | Form::HubUri
        | Form::HubCli
        | Form::LlamaCpp
        | Form::GitSubmodule
        | Form::OllamaLibrary
        | Form::OciModel
        | Form::Policy => true,
        Form::ModelBuilder
        | Form::MatchArm
        | Form::Constant
        | Form::StructField
        | Form::DefaultValue
        | Form::Literal
        | Form::PythonConstructor
        | Form::CommandLine
        | Form::Ollama
        | Form::Environment
        | Form::ConfigKey
        | Form::ServiceCrate
        | Form::ServiceUrl
        | Form::ServiceVariable => false,
    }
}

/// Whether a host stands in examples only (RFC 2606).
fn is_example(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let within = |domain: &str| {
        name == domain || name.strip_suffix(domain).is_some_and(|before| before.ends_with('.'))
    };
    ["example.com", "example.org", "example.net", "example", "invalid", "test"]
        .into_iter()
        .any(within)
}

/// Names of key variables, wherever they stand.
fn variables(scan: &mut Scan<'_>, tables: &Tables) {
    let text = scan.text;
    for marker in ["_API_KEY", "_API_TOKEN", "_ENDPOINT"] {
        for at in memchr::memmem::find_iter(text.as_bytes(), marker) {
            let end = at + marker.len();
            let start = text[..at]
                .bytes()
                .rposition(|b| !(b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'))
                .map_or(0, |before| before + 1);
            // A continuation byte is no boundary; such a name is in no table anyway.
            let Some(name) = text.get(start..end) else { continue };
            let Some(service) = tables.service_of_variable(name) else { continue };
            if in_comment(text, start) {
                continue;
            }
            let Some(host) = service.hosts.first() else { continue };
            let base = Named::model(host.as_str(), Form::ServiceVariable, Confidence::Medium);
            scan.push(start, Named { kind: SubjectKind::Service, ..base });
        }
    }
}

/// Whether the line up to here is a comment of Rust, shell or Python.
fn in_comment(text: &str, at: usize) -> bool {
    let from = at.saturating_sub(1_000);
    let before = &text.as_bytes()[from..at];
    let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let line = before[start..].trim_ascii_start();
    line.starts_with(b"//") || line.starts_with(b"#") || line.starts_with(b"*")
}

/// The host, with its port where there is one.
fn host_of(address: &str) -> Option<String> {
    let authority = address.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let shape = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':');
    (!host.is_empty() && host.len() <= 253 && host.bytes().all(shape))
        .then(|| host.to_ascii_lowercase())
}

/// Whether an address stays on this machine or a private network, by its host alone.
#[must_use]
pub fn stays_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if let Ok(address) = name.parse::<IpAddr>() {
        return match address {
            IpAddr::V4(v4) => {
                v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()
            }
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified(),
        };
    }
    // A name without a dot is a container or a machine of the same network.
    name == "localhost"
        || name.ends_with(".localhost")
        || name.ends_with(".localdomain")
        || name.ends_with(".internal")
        || !name.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, u32)> {
        let mut scan = Scan::new("src/main.rs", text);
        super::scan(&mut scan, &Tables::embedded());
        scan.found.into_iter().map(|r| (r.id, r.line)).collect()
    }

    #[test]
    fn services_are_found_by_address_path_and_variable() {
        let text = "let a = \"https://api.openai.com/v1\";\nlet b = \"http://127.0.0.1:8080/v1/chat/completions\";\nlet c = env(\"ANTHROPIC_API_KEY\");\n";
        assert_eq!(
            read(text),
            [
                ("api.openai.com".to_owned(), 1),
                ("127.0.0.1:8080".to_owned(), 2),
                ("api.anthropic.com".to_owned(), 3)
            ]
        );
    }

    #[test]
    fn comments_and_other_addresses_are_left_out() {
        assert_eq!(
            read("// see https://api.openai.com/v1\nlet a = \"https://example.invalid/v1\";"),
            []
        );
        assert_eq!(read("const X: &str = \"MY_OPENAI_API_KEY\";"), []);
    }

    #[test]
    fn hosts_of_examples_are_no_services() {
        for host in ["example.com", "llm.example.com:8080", "api.example", "x.invalid", "a.test"] {
            assert_eq!(
                read(&format!("let a = \"https://{host}/v1/chat/completions\";")),
                [],
                "{host}"
            );
        }
        let real = "let a = \"https://myexample.com/v1/chat/completions\";";
        assert_eq!(read(real), [("myexample.com".to_owned(), 1)]);
    }

    #[test]
    fn what_stays_on_the_machine_is_told() {
        for host in ["127.0.0.1:8080", "localhost", "10.0.0.3", "tei:80", "x.internal"] {
            assert!(stays_local(host), "{host}");
        }
        assert!(!stays_local("api.openai.com") && !stays_local("8.8.8.8"));
    }
}
