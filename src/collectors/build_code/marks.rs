//! The byte search that chooses which library files are read.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// Largest file that is read for the programs it starts, without the network in it.
pub(super) const STARTS_SIZE: usize = 256 << 10;

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
    pub(super) fn any(self) -> bool {
        self.includes || self.secrets || self.network || self.starts || self.early || self.links
    }

    /// Whether a file of this size is worth reading as tokens. Secrets matter beside the network, and
    /// what starts programs matters to crates whose build code calls it; bindings of whole operating
    /// systems name passwords and processes in megabytes of declarations.
    pub(super) fn worth_reading(self, size: usize) -> bool {
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

#[cfg(test)]
#[path = "marks_tests.rs"]
mod tests;
