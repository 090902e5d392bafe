//! What is kept of a crate's files while its archive passes by: code that may run at build time, and
//! library code that a cheap byte search has marked. Everything else is looked at once and dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use sha2::{Digest as _, Sha256};

use super::facts::BuildRecord;
use super::manifest::ManifestInput;
use super::measure;
use crate_read::rust_source::{CapabilityTable, plain_path};

/// Most bytes kept of files near the crate's root and below `build`.
const NEAR: usize = 12 << 20;
/// Most bytes kept of other code.
const FAR: usize = 24 << 20;
/// Most bytes kept of one file: more than is parsed, so that a cut file is read as tokens and said to be.
const ONE: usize = 4 << 20;
/// Most bytes kept of files that only the code itself names.
const NAMED: usize = 64 << 20;
/// Largest text that is kept for the digests in it.
const TEXT: usize = 64 << 10;

/// Largest file that is read for the programs it starts, without the network in it.
const STARTS_SIZE: usize = 256 << 10;
/// Largest file that is read for the secrets it names, with nothing else in it.
const SECRETS_SIZE: usize = 64 << 10;

/// What the byte search looks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one flag a kind of word")]
pub(super) struct Marks {
    /// `include_bytes!`, `include_str!`, `#[path]`.
    pub includes: bool,
    /// Credential places, secret variables, the whole environment.
    pub secrets: bool,
    /// Network clients and sockets.
    pub network: bool,
    /// Programs and libraries that are started or loaded.
    pub starts: bool,
    /// Constructors that run early.
    pub early: bool,
    /// Messages to the linker, places that start by themselves, system calls that start.
    pub links: bool,
    /// Files that are read.
    pub reads: bool,
    /// Questions about the host, the user or continuous integration.
    pub asks: bool,
}

impl Marks {
    fn any(self) -> bool {
        self.includes || self.secrets || self.network || self.starts || self.early || self.links
    }

    /// Whether a file of this size is worth reading as tokens. Secrets matter beside the network, and
    /// what starts programs matters to crates whose build code calls it; bindings of whole operating
    /// systems name passwords and processes in megabytes of declarations.
    fn worth_reading(self, size: usize) -> bool {
        self.includes
            || self.network
            || self.early
            || self.links
            || (self.starts && size <= STARTS_SIZE)
            || (self.secrets && size <= SECRETS_SIZE)
    }
}

/// One kind of word that the byte search looks for.
#[derive(Clone, Copy)]
enum Mark {
    Includes,
    Secrets,
    Network,
    Starts,
    Early,
    Links,
    Reads,
    Asks,
}

/// Few, long and rare: a search for them runs at memory speed. They only choose files; what a file does
/// is then read from its code.
const WORDS: [(&str, Mark); 77] = [
    ("include!(", Mark::Includes),
    ("include_bytes!", Mark::Includes),
    ("include_str!", Mark::Includes),
    ("#[path", Mark::Includes),
    (".ssh", Mark::Secrets),
    (".aws", Mark::Secrets),
    ("id_rsa", Mark::Secrets),
    ("\".env", Mark::Secrets),
    ("/.env", Mark::Secrets),
    (".netrc", Mark::Secrets),
    (".npmrc", Mark::Secrets),
    (".kube", Mark::Secrets),
    (".docker", Mark::Secrets),
    (".gnupg", Mark::Secrets),
    ("credentials", Mark::Secrets),
    ("wallet", Mark::Secrets),
    ("PRIVATE_KEY", Mark::Secrets),
    ("_TOKEN\"", Mark::Secrets),
    ("_SECRET", Mark::Secrets),
    ("PASSWORD", Mark::Secrets),
    ("API_KEY\"", Mark::Secrets),
    ("MNEMONIC", Mark::Secrets),
    ("Login Data", Mark::Secrets),
    ("Keychains", Mark::Secrets),
    ("tdata", Mark::Secrets),
    ("authorized_keys", Mark::Secrets),
    ("huggingface/token", Mark::Secrets),
    ("env::vars", Mark::Secrets),
    ("dotenv", Mark::Secrets),
    ("TcpStream", Mark::Network),
    ("UdpSocket", Mark::Network),
    ("ureq", Mark::Network),
    ("reqwest", Mark::Network),
    ("minreq", Mark::Network),
    ("attohttpc", Mark::Network),
    ("hyper_util", Mark::Network),
    ("hyper::", Mark::Network),
    ("curl", Mark::Network),
    ("isahc", Mark::Network),
    ("tungstenite", Mark::Network),
    ("git2::", Mark::Network),
    ("process::", Mark::Starts),
    ("Command::new", Mark::Starts),
    ("libloading", Mark::Starts),
    ("cargo:rustc-link", Mark::Links),
    ("cargo::rustc-link", Mark::Links),
    (".bashrc", Mark::Links),
    (".zshrc", Mark::Links),
    ("profile\"", Mark::Links),
    ("/autostart", Mark::Links),
    ("LaunchAgents", Mark::Links),
    ("LaunchDaemons", Mark::Links),
    ("etc/cron", Mark::Links),
    ("systemd/user", Mark::Links),
    ("systemd/system", Mark::Links),
    (".git/hooks", Mark::Links),
    ("Programs/Startup", Mark::Links),
    ("Programs\\\\Startup", Mark::Links),
    ("CurrentVersion\\\\Run", Mark::Links),
    ("GITHUB_ACTIONS", Mark::Asks),
    ("\"CI\"", Mark::Asks),
    ("hostname", Mark::Asks),
    ("\"USER\"", Mark::Asks),
    ("is_ci", Mark::Asks),
    ("var(\"OUT_DIR\"", Mark::Links),
    ("var_os(\"OUT_DIR\"", Mark::Links),
    ("memfd_create", Mark::Links),
    ("libc::exec", Mark::Links),
    ("fs::read(", Mark::Reads),
    ("read_to_string(", Mark::Reads),
    ("File::open", Mark::Reads),
    ("read_dir(", Mark::Reads),
    ("fs::copy(", Mark::Reads),
    ("init_array", Mark::Early),
    ("[ctor", Mark::Early),
    ("ctor::ctor", Mark::Early),
    ("mod_init_func", Mark::Early),
];

/// Most words of one search. A search for more than 64 leaves the packed prefilter out and walks byte by byte:
/// over 101 MB of library code 77 words at once took five times as long as in two halves.
const AT_ONCE: usize = 40;

/// The searches, each for some of the words, with the place of its first word among [`WORDS`].
fn searches() -> &'static [(usize, AhoCorasick)] {
    static SEARCHES: OnceLock<Vec<(usize, AhoCorasick)>> = OnceLock::new();
    let build = |words: &[(&str, Mark)]| {
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(words.iter().map(|(word, _)| *word))
            .expect("a few dozen short words")
    };
    let firsts = (0..).step_by(AT_ONCE);
    SEARCHES.get_or_init(|| firsts.zip(WORDS.chunks(AT_ONCE).map(build)).collect())
}

/// Which words a file holds.
pub(super) fn marks(bytes: &[u8]) -> Marks {
    let mut marks = Marks::default();
    for (first, search) in searches() {
        for found in search.find_iter(bytes) {
            match WORDS.get(first + found.pattern().as_usize()).map(|(_, mark)| mark) {
                Some(Mark::Includes) => {
                    marks.includes |= !is_documentation(&bytes[..found.start()]);
                }
                Some(Mark::Secrets) => marks.secrets = true,
                Some(Mark::Network) => marks.network = true,
                Some(Mark::Starts) => marks.starts = true,
                Some(Mark::Early) => marks.early = true,
                Some(Mark::Links) => marks.links = true,
                Some(Mark::Reads) => marks.reads = true,
                Some(Mark::Asks) => marks.asks = true,
                None => {}
            }
        }
    }
    marks
}

/// Whether an include that comes next is `#![doc = include_str!(...)]`, as thousands of crates have it.
fn is_documentation(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    before.strip_suffix(b"=").is_some_and(|rest| rest.trim_ascii_end().ends_with(b"doc"))
}

/// Keeps what is needed of one crate's files. Give it every file, in any order, then finish it.
#[derive(Debug, Default)]
pub struct SourceKeeper {
    pub(super) manifest: Option<String>,
    /// Files by path: code, marked library code and small texts.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) marked: BTreeMap<String, Marks>,
    /// Library code that reads files.
    pub(super) origins: BTreeSet<String>,
    /// SHA-256 of the whole file, of files of which only the beginning is kept.
    pub(super) cut: BTreeMap<String, [u8; 32]>,
    near: usize,
    far: usize,
    /// The manifest came by and says that nothing runs at build time.
    idle: bool,
    /// Files that code names and that were not kept; while there are some, only they are taken in.
    wanted: BTreeSet<String>,
    named: usize,
    /// Files that code names and for which there was no room.
    pub(super) refused: u64,
    /// Code files that were not kept.
    pub(super) dropped: u64,
    /// Large library files that name secrets and do not reach the network.
    pub(super) only_named: u64,
}

impl SourceKeeper {
    /// Keeps nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one file of the crate: path below its root, `/` between its parts. A path that comes again
    /// replaces the earlier one, as cargo does.
    pub fn file(&mut self, path: &str, bytes: &[u8]) {
        if !self.wanted.is_empty() {
            if self.wanted.contains(path) {
                self.take_wanted(path, bytes);
            }
            return;
        }
        if path == "Cargo.toml" {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 20)]).into_owned();
            let said = ManifestInput::parse(&text, |_| true);
            self.idle = said.is_ok_and(|manifest| !manifest.runs());
            self.manifest = Some(text);
            return;
        }
        let code = has_extension(path, &["rs"]);
        let text = bytes.len() <= TEXT
            && has_extension(path, &["tsv", "csv", "txt", "json", "toml", "sha256", "inc", "in"]);
        if !code && !text {
            return;
        }
        self.marked.remove(path);
        self.origins.remove(path);
        self.files.remove(path);
        self.cut.remove(path);
        let library = code && is_library(path);
        let marks = if library { marks(bytes) } else { Marks::default() };
        let worth = marks.worth_reading(bytes.len());
        if worth {
            self.marked.insert(path.to_owned(), marks);
        } else if marks.any() {
            self.only_named += u64::from(marks.secrets);
        }
        // What starts can be in one file, and what is started come from another.
        let origin = marks.reads && bytes.len() <= STARTS_SIZE;
        if origin {
            self.origins.insert(path.to_owned());
        }
        if !self.idle || ((worth || origin) && code) {
            self.keep(path, bytes, code);
        }
    }

    fn keep(&mut self, path: &str, bytes: &[u8], code: bool) {
        let near = code && (!path.contains('/') || path.starts_with("build"));
        let (used, most) = if near { (&mut self.near, NEAR) } else { (&mut self.far, FAR) };
        let kept = &bytes[..bytes.len().min(ONE)];
        if *used + kept.len() > most {
            self.dropped += u64::from(code);
            return;
        }
        *used += kept.len();
        self.files.insert(path.to_owned(), kept.to_vec());
        if kept.len() < bytes.len() {
            self.cut.insert(path.to_owned(), Sha256::digest(bytes).into());
        }
    }

    /// A file that code names, whatever it is called and however much code there is.
    fn take_wanted(&mut self, path: &str, bytes: &[u8]) {
        let kept = &bytes[..bytes.len().min(ONE)];
        if self.named + kept.len() > NAMED {
            self.refused += 1;
            return;
        }
        self.named += kept.len();
        self.files.insert(path.to_owned(), kept.to_vec());
        self.cut.remove(path);
        if kept.len() < bytes.len() {
            self.cut.insert(path.to_owned(), Sha256::digest(bytes).into());
        }
    }

    /// Asks for the files that build-time code names, that the crate has and that were not kept. Where the
    /// answer is yes, all files have to be given once more.
    pub fn wants(&mut self, record: &BuildRecord, has: impl Fn(&str) -> bool) -> bool {
        let named = record.build.unparsed.iter().filter(|file| file.is_absent());
        let wanted: BTreeSet<String> = named
            .flat_map(|file| {
                let module = file.file.strip_suffix(".rs").map(|stem| format!("{stem}/mod.rs"));
                [Some(file.file.clone()), module]
            })
            .flatten()
            .chain(started(record))
            .filter(|path| !self.files.contains_key(path) && has(path))
            .collect();
        let new = !wanted.is_empty() && wanted != self.wanted;
        self.wanted = wanted;
        new
    }

    /// The files that it waits for.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().map(String::as_str)
    }

    /// Measures what was kept.
    #[must_use]
    pub fn measure(&self, table: &CapabilityTable) -> BuildRecord {
        measure::record(self, table)
    }

    /// [`SourceKeeper::measure`], where nothing more will come.
    #[must_use]
    pub fn finish(self, table: &CapabilityTable) -> BuildRecord {
        self.measure(table)
    }
}

/// What may be a file of the crate among the programs that build code starts and their arguments:
/// scripts are code that runs, whatever they are called.
fn started(record: &BuildRecord) -> impl Iterator<Item = String> + '_ {
    let words = record
        .build
        .spawned
        .iter()
        .flat_map(|spawned| std::iter::once(&spawned.program).chain(&spawned.arguments));
    words
        .map(|word| word.strip_prefix("$CARGO_MANIFEST_DIR/").unwrap_or(word))
        .filter(|word| !word.is_empty() && word.len() <= 300 && !word.contains("{}"))
        .map(plain_path)
}

fn has_extension(path: &str, known: &[&str]) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| known.contains(&extension))
}

/// Code of the library or its binaries, not of tests, examples or benches.
fn is_library(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or(path);
    !matches!(first, "tests" | "examples" | "benches" | "fuzz" | "test" | "testing")
        && !path.ends_with("/tests.rs")
        && !path.contains("/tests/")
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
