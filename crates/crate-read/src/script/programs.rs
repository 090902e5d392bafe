//! What the programs that scripts call do with data, by name.

use super::Language;
use crate::native_tree::command::{CODECS, DECODERS, flag, undoes};

/// What a program does with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// Brings data from the network, or sends what it is given there.
    Fetch,
    /// Decodes, decompresses, decrypts or cuts out by position.
    Decode,
    /// Starts the program that its arguments name.
    Wrap,
    /// Prints its arguments.
    Print,
    /// Prints the files that it is given, or what comes in.
    Show,
    /// Puts files into folders.
    Place,
    /// Tells the whole environment, or a secret of a store.
    Secret,
    /// Nothing of this.
    Other,
}

const FETCH: [&str; 31] = [
    "curl",
    "wget",
    "wget2",
    "aria2c",
    "axel",
    "http",
    "https",
    "xh",
    "lynx",
    "nc",
    "ncat",
    "netcat",
    "socat",
    "telnet",
    "ftp",
    "tftp",
    "bitsadmin",
    "scp",
    "sftp",
    "rsync",
    "rclone",
    "fetch",
    "iwr",
    "irm",
    "invoke-webrequest",
    "invoke-restmethod",
    "start-bitstransfer",
    "dig",
    "nslookup",
    "host",
    "gsutil",
];
/// Decoders that only scripts are looked through for.
const MORE_DECODERS: [&str; 2] = ["funzip", "base91"];
/// Programs that decrypt, among much else, when told to.
const CIPHERS: [&str; 4] = ["openssl", "gpg", "gpg2", "age"];
const WRAPPERS: [&str; 27] = [
    "timeout",
    "gtimeout",
    "nice",
    "nohup",
    "setsid",
    "stdbuf",
    "ionice",
    "chrt",
    "taskset",
    "sudo",
    "doas",
    "runuser",
    "unshare",
    "setarch",
    "chroot",
    "time",
    "command",
    "builtin",
    "exec",
    "env",
    "busybox",
    "toybox",
    "xargs",
    "parallel",
    "flock",
    "start",
    "start-process",
];
const SHOW: [&str; 22] = [
    "cat", "tac", "rev", "tr", "sed", "cut", "grep", "egrep", "fgrep", "head", "tail", "sort",
    "uniq", "awk", "gawk", "tee", "dd", "fold", "paste", "jq", "strings", "type",
];
const PLACE: [&str; 12] =
    ["cp", "mv", "ln", "install", "tar", "bsdtar", "unzip", "7z", "cpio", "copy", "move", "ditto"];

/// The name of a program without folders and `.exe`.
pub(super) fn base(path: &str) -> String {
    let name = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(path);
    let name = name.to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name).to_owned()
}

/// The language that an interpreter reads; versions in its name do not matter.
pub(super) fn language(program: &str) -> Option<Language> {
    let name = base(program);
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    Some(match name {
        "sh" | "bash" | "dash" | "ksh" | "zsh" | "ash" | "mksh" | "rbash" | "fish" => {
            Language::Shell
        }
        "cmd" => Language::Batch,
        "python" | "py" | "pypy" => Language::Python,
        "node" | "nodejs" | "deno" | "bun" | "qjs" => Language::Script,
        "perl" => Language::Perl,
        "ruby" | "jruby" => Language::Ruby,
        "powershell" | "pwsh" => Language::PowerShell,
        _ => return None,
    })
}

/// What a program does, given these arguments.
pub(super) fn does(name: &str, arguments: &[String]) -> Does {
    let has = |words: &[&str]| arguments.iter().any(|a| words.contains(&a.as_str()));
    if FETCH.contains(&name) {
        return if arguments.is_empty() { Does::Other } else { Does::Fetch };
    }
    let is_codec = codecs().any(|known| known == name);
    match name {
        "git" | "gh" | "hg" | "svn"
            if has(&["clone", "fetch", "pull", "download", "archive", "push", "api"]) =>
        {
            Does::Fetch
        }
        "openssl" if has(&["s_client"]) => Does::Fetch,
        "aws" | "gcloud" | "az" if has(&["cp", "sync", "s3", "storage"]) => Does::Fetch,
        "certutil" if has(&["-urlcache"]) => Does::Fetch,
        "certutil" if has(&["-decode", "-decodehex"]) => Does::Decode,
        "xxd" if flag(arguments, 'r') => Does::Decode,
        _ if decoders().any(|known| known == name) => Does::Decode,
        _ if is_codec && undoes(arguments) => Does::Decode,
        "head" | "tail" if flag(arguments, 'c') => Does::Decode,
        "dd" if arguments.iter().any(|a| a.starts_with("skip=")) => Does::Decode,
        "env" | "printenv" | "export" | "set" if arguments.is_empty() => Does::Secret,
        "gh" if has(&["token"]) => Does::Secret,
        "git" if has(&["credential"]) => Does::Secret,
        "security" | "secret-tool" | "pass" | "keyring" if !arguments.is_empty() => Does::Secret,
        "echo" | "printf" | "print" | "write-output" => Does::Print,
        _ if WRAPPERS.contains(&name) => Does::Wrap,
        _ if PLACE.contains(&name) => Does::Place,
        _ if SHOW.contains(&name) || is_codec || name == "xxd" => Does::Show,
        _ => Does::Other,
    }
}

/// Programs that decode without being told to.
fn decoders() -> impl Iterator<Item = &'static str> {
    DECODERS.into_iter().chain(MORE_DECODERS)
}

/// Programs that decode when told to.
fn codecs() -> impl Iterator<Item = &'static str> {
    CODECS.into_iter().chain(CIPHERS)
}

/// Whether an argument of a wrapper is no program: an option, a number, an assignment.
pub(crate) fn is_option(text: &str) -> bool {
    text.is_empty()
        || text.starts_with('-')
        || text.starts_with(|c: char| c.is_ascii_digit())
        || (text.contains('=') && !text.contains('/'))
}

/// Programs that a pattern such as `/usr/bin/cur?` can mean.
pub(super) fn of_pattern(pattern: &str) -> Option<&'static str> {
    const SHELLS: [&str; 8] = ["sh", "bash", "dash", "zsh", "python3", "python", "perl", "node"];
    let name = pattern.rsplit('/').next().unwrap_or(pattern);
    let mut known = FETCH.into_iter().chain(SHELLS).chain(codecs()).chain(decoders());
    known.find(|known| super::evaluate::matches(name.as_bytes(), known.as_bytes()))
}

/// Parts of paths where keys, tokens and passwords lie.
const PLACES: [&str; 27] = [
    ".ssh",
    "id_rsa",
    "id_ed25519",
    ".aws",
    ".azure",
    ".gnupg",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".kube",
    ".config/gcloud",
    ".docker/config.json",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".vault-token",
    ".config/gh/hosts.yml",
    ".password-store",
    "login.keychain-db",
    "Library/Keychains",
    "wallet.dat",
    ".config/solana/id.json",
    "Login Data",
    "logins.json",
    "key4.db",
    "/etc/shadow",
];

/// Whether a text names a place of secrets, whole parts of a path only; or the environment of a process.
pub(super) fn is_secret_place(text: &str) -> bool {
    if text.contains("/proc/") && text.ends_with("/environ") {
        return true;
    }
    let border = |byte: Option<&u8>| {
        byte.is_none_or(|b| matches!(b, b'/' | b'\\' | b'"' | b'\'' | b'@' | b'=' | b' ' | b'<'))
    };
    PLACES.iter().any(|place| {
        text.match_indices(place).any(|(at, _)| {
            let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
            border(before) && border(text.as_bytes().get(at + place.len()))
        })
    })
}
