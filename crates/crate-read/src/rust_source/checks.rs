//! Checks of what is fetched: which there are, and whether their result decides anything. A release that
//! has fewer of them than the one before is what rules ask for.

use proc_macro2::Span;
use syn::Pat;

use super::facts::{Check, CheckKind};
use super::value::Value;
use super::walk::Walk;

/// Most checks that one reading tells.
const CHECKS: usize = 64;
/// Beginnings of names of functions that say by their result whether something is genuine.
const VERIFYING: [&str; 5] =
    ["verify", "check_signature", "check_digest", "check_hash", "check_sum"];
/// Methods that turn the result into another one instead of acting on it.
const STILL: [&str; 9] =
    ["ok", "err", "is_ok", "is_err", "map_err", "unwrap_or", "unwrap_or_default", "and", "or"];
/// Parts of addresses that name a branch, which is whatever it is on the day.
const BRANCHES: [&str; 8] = [
    "/refs/heads/",
    "/archive/main.",
    "/archive/master.",
    "/raw/main/",
    "/raw/master/",
    "/tarball/main",
    "/tarball/master",
    "/zipball/main",
];

/// Whether a function's name says that its result is whether something is genuine.
pub(super) fn is_verifying(name: &str) -> bool {
    VERIFYING.iter().any(|beginning| name.starts_with(beginning))
}

/// Whether a value after this method still says only whether something is genuine.
pub(super) fn is_still_unread(name: &str) -> bool {
    STILL.contains(&name)
}

/// Whether a text names a whole commit.
pub(super) fn names_commit(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.into_iter().any(|word| word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl Walk<'_> {
    pub(super) fn check(&mut self, kind: CheckKind, note: &str, span: Span) {
        let (file, line) = (self.file().to_owned(), Self::line(span));
        self.push_check(Check { kind, note: super::cut(note), file, line });
    }

    fn push_check(&mut self, check: Check) {
        if self.facts.checks.len() < CHECKS && !self.facts.checks.contains(&check) {
            self.facts.checks.push(check);
        }
    }

    /// A call whose result says whether something is genuine.
    pub(super) fn verdict(&mut self, name: &str, value: &mut Value, span: Span) {
        if is_verifying(name) {
            self.check(CheckKind::Verified, name, span);
            value.is_verdict = true;
        }
    }

    /// A statement whose value nobody reads.
    pub(super) fn dropped(&mut self, value: &Value, span: Span) {
        if value.is_verdict {
            self.check(CheckKind::ResultDropped, "nothing depends on the result", span);
        }
    }

    /// `let _ = ...` and `let _ignored = ...`.
    pub(super) fn dropped_in(&mut self, pattern: &Pat, value: &Value, span: Span) {
        let unread = match pattern {
            Pat::Wild(_) => true,
            Pat::Ident(name) => name.ident.to_string().starts_with('_'),
            _ => false,
        };
        if unread {
            self.dropped(value, span);
        }
    }

    /// A method that switches checks of certificates off, by its name and what it is given.
    pub(super) fn certificates(&mut self, name: &str, arguments: &[Value], span: Span) {
        let given = arguments.first().and_then(|value| value.text.as_ref());
        let given = given.map_or("", |text| text.text.as_str());
        let off = match name {
            "danger_accept_invalid_certs"
            | "danger_accept_invalid_hostnames"
            | "accept_invalid_certs"
            | "accept_invalid_hostnames"
            | "tls_danger_accept_invalid_certs"
            | "disable_verification"
            | "use_rustls_insecure" => given != "false",
            "ssl_verify_peer" | "ssl_verify_host" | "verify_hostname" | "set_verify_hostname" => {
                given == "false"
            }
            "set_certificate_verifier" | "with_custom_certificate_verifier" => true,
            "set_verify" => arguments
                .iter()
                .any(|v| v.ty.as_deref().is_some_and(|ty| ty.ends_with("SslVerifyMode::NONE"))),
            _ => false,
        };
        if off {
            self.check(CheckKind::CertificatesIgnored, name, span);
        }
    }

    /// What programs and addresses say about checks: known when all was read.
    pub(super) fn checks(&mut self) {
        for spawned in self.facts.spawned.clone() {
            let note = format!("{} {}", spawned.program, spawned.arguments.join(" "));
            for kind in of_program(&spawned.program, &spawned.arguments) {
                let (file, line) = (spawned.file.clone(), spawned.line);
                self.push_check(Check { kind, note: super::cut(&note), file, line });
            }
        }
        for url in self.facts.urls.clone() {
            let kind = if names_commit(&url.url) {
                CheckKind::CommitPinned
            } else if BRANCHES.iter().any(|part| url.url.contains(part)) {
                CheckKind::BranchFetched
            } else {
                continue;
            };
            self.push_check(Check { kind, note: url.url, file: url.file, line: url.line });
        }
        self.facts.checks.sort();
    }
}

fn of_program(program: &str, arguments: &[String]) -> Vec<CheckKind> {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let has = |wanted: &[&str]| arguments.iter().any(|given| wanted.contains(&given.as_str()));
    // `-sLk`: short options of one letter stand together.
    let short = |letter: char| {
        arguments.iter().any(|given| {
            given.strip_prefix('-').is_some_and(|rest| {
                rest.contains(letter) && rest.chars().all(|c| c.is_ascii_alphabetic())
            })
        })
    };
    let mut kinds = Vec::new();
    match name {
        "curl" if has(&["--insecure", "--proxy-insecure"]) || short('k') => {
            kinds.push(CheckKind::CertificatesIgnored);
        }
        "wget" if has(&["--no-check-certificate"]) => kinds.push(CheckKind::CertificatesIgnored),
        "git" => {
            if arguments.iter().any(|given| given.eq_ignore_ascii_case("http.sslverify=false")) {
                kinds.push(CheckKind::CertificatesIgnored);
            }
            if arguments.iter().any(|given| names_commit(given)) {
                kinds.push(CheckKind::CommitPinned);
            } else if has(&["clone", "pull"]) {
                kinds.push(CheckKind::BranchFetched);
            }
        }
        "gpg" | "gpg2" | "minisign" | "cosign" | "signify" | "openssl"
            if arguments.iter().any(|given| given.contains("verify") || given == "-V") =>
        {
            kinds.push(CheckKind::Verified);
        }
        "sha256sum" | "shasum" | "sha512sum" | "b3sum" if has(&["-c", "--check"]) => {
            kinds.push(CheckKind::DigestCompared);
        }
        _ => {}
    }
    kinds
}
