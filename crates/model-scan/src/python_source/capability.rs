//! Which library function can do what. Knowledge about Python's names only; whether a use of one matters
//! is for the rules.

use std::collections::HashMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a function can do beyond computing.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Runs Python code given as text or bytes.
    Code,
    /// Starts a program.
    Process,
    /// Opens a connection.
    Network,
    /// Turns text into bytes or code objects that are not readable as such: base64, hex, zlib, marshal.
    Decode,
    /// Builds objects from bytes and calls what they name: pickle and its relatives.
    Deserialize,
    /// Loads machine code or calls into it.
    Native,
    /// Imports a module whose name is a value.
    Import,
    /// Installs packages.
    Install,
    /// Removes or changes files it did not make.
    Destroy,
    /// Loads a model with `trust_remote_code=True`.
    RemoteCode,
}

/// Function or, ending in `.`, everything below a module.
const FUNCTIONS: [(Capability, &[&str]); 9] = [
    (
        Capability::Code,
        &[
            "exec",
            "eval",
            "compile",
            "execfile",
            "runpy.",
            "code.interact",
            "code.InteractiveConsole",
            "code.InteractiveInterpreter",
            "codeop.",
            "types.FunctionType",
            "types.CodeType",
            "timeit.timeit",
            "timeit.repeat",
            "cProfile.run",
            "cProfile.runctx",
            "profile.run",
            "profile.runctx",
            "trace.Trace",
            "bdb.Bdb",
            "pdb.run",
            "pdb.runeval",
            "doctest.debug_script",
            "numexpr.evaluate",
            "idlelib.",
        ],
    ),
    (
        Capability::Process,
        &[
            "os.system",
            "os.popen",
            "os.popen2",
            "os.popen3",
            "os.popen4",
            "os.startfile",
            "os.fork",
            "os.forkpty",
            "os.execl",
            "os.execle",
            "os.execlp",
            "os.execlpe",
            "os.execv",
            "os.execve",
            "os.execvp",
            "os.execvpe",
            "os.spawnl",
            "os.spawnle",
            "os.spawnlp",
            "os.spawnlpe",
            "os.spawnv",
            "os.spawnve",
            "os.spawnvp",
            "os.spawnvpe",
            "os.posix_spawn",
            "os.posix_spawnp",
            "posix.system",
            "posix.popen",
            "nt.system",
            "subprocess.",
            "_posixsubprocess.",
            "commands.",
            "popen2.",
            "pty.spawn",
            "platform.popen",
            "asyncio.create_subprocess_shell",
            "asyncio.create_subprocess_exec",
            "asyncio.subprocess.",
            "pexpect.",
            "plumbum.",
            "webbrowser.open",
            "distutils.spawn.spawn",
            "multiprocessing.util.spawnv_passfds",
        ],
    ),
    (
        Capability::Network,
        &[
            "socket.",
            "ssl.",
            "urllib.request.",
            "urllib.urlopen",
            "urllib.urlretrieve",
            "urllib2.",
            "urllib3.",
            "requests.",
            "httpx.",
            "aiohttp.",
            "http.client.",
            "httplib.",
            "ftplib.",
            "smtplib.",
            "telnetlib.",
            "paramiko.",
            "xmlrpc.",
            "websocket.",
            "websockets.",
            "asyncio.open_connection",
            "boto3.",
            "socketserver.",
            "http.server.",
            "imaplib.",
            "poplib.",
            "nntplib.",
            "pycurl.",
            "dns.resolver.",
        ],
    ),
    (
        Capability::Decode,
        &[
            "base64.b64decode",
            "base64.b32decode",
            "base64.b16decode",
            "base64.b85decode",
            "base64.a85decode",
            "base64.urlsafe_b64decode",
            "base64.standard_b64decode",
            "base64.decodebytes",
            "base64.decodestring",
            "codecs.decode",
            "codecs.getdecoder",
            "binascii.unhexlify",
            "binascii.a2b_base64",
            "binascii.a2b_hex",
            "bytes.fromhex",
            "bytearray.fromhex",
            "zlib.decompress",
            "gzip.decompress",
            "bz2.decompress",
            "lzma.decompress",
            "cryptography.fernet.",
        ],
    ),
    (
        Capability::Deserialize,
        &[
            "pickle.load",
            "pickle.loads",
            "pickle.Unpickler",
            "cPickle.load",
            "cPickle.loads",
            "_pickle.load",
            "_pickle.loads",
            "dill.load",
            "dill.loads",
            "cloudpickle.load",
            "cloudpickle.loads",
            "joblib.load",
            "marshal.load",
            "marshal.loads",
            "shelve.open",
            "jsonpickle.decode",
            "yaml.load",
            "yaml.unsafe_load",
            "yaml.full_load",
            "pandas.read_pickle",
            "torch.load",
            "numpy.load",
        ],
    ),
    (
        Capability::Native,
        &[
            "ctypes.",
            "_ctypes.",
            "cffi.",
            "torch.ops.load_library",
            "torch.classes.load_library",
            "torch.utils.cpp_extension.load",
            "torch.utils.cpp_extension.load_inline",
            "tensorflow.load_op_library",
            "tensorflow.load_library",
        ],
    ),
    (
        Capability::Import,
        &[
            "__import__",
            "importlib.import_module",
            "importlib.__import__",
            "importlib.util.spec_from_file_location",
            "importlib.util.module_from_spec",
            "importlib.machinery.SourceFileLoader",
            "importlib.machinery.ExtensionFileLoader",
            "importlib.reload",
            "imp.load_source",
            "imp.load_module",
            "imp.load_dynamic",
            "pkgutil.resolve_name",
            "zipimport.zipimporter",
            "sys.path.append",
            "sys.path.insert",
            "sys.meta_path.append",
            "sys.meta_path.insert",
        ],
    ),
    (
        Capability::Install,
        &["pip.main", "pip._internal.", "setuptools.", "distutils.", "ensurepip.", "easy_install."],
    ),
    (
        Capability::Destroy,
        &[
            "shutil.rmtree",
            "os.remove",
            "os.unlink",
            "os.rmdir",
            "os.removedirs",
            "os.chmod",
            "os.kill",
        ],
    ),
];

/// Modules whose members are looked up by computed names only by those who have something to hide.
const ROOTS: [&str; 10] = [
    "os",
    "posix",
    "nt",
    "subprocess",
    "builtins",
    "__builtins__",
    "__builtin__",
    "ctypes",
    "importlib",
    "sys",
];

/// The name without the module of the built-ins.
pub(super) fn canonical(path: &str) -> &str {
    let mut path = path;
    for module in ["builtins.", "__builtins__.", "__builtin__."] {
        path = path.strip_prefix(module).unwrap_or(path);
    }
    path
}

/// Mark of a name that this file neither imports nor assigns, such as a parameter.
pub(super) const UNBOUND: char = '~';

/// What the function of this full name can do, and its name without detours such as `torch.os.system`.
pub(super) fn of(path: &str) -> Option<(Capability, &str)> {
    let bound = !path.starts_with(UNBOUND);
    let path = canonical(path.trim_start_matches(UNBOUND));
    if let Some(capability) = exactly(path, bound) {
        return Some((capability, path));
    }
    // A module is an attribute of every module that imports it.
    for root in ["os.", "subprocess.", "builtins.", "posix."] {
        for (at, _) in path.match_indices(root) {
            let whole = at > 0 && path.as_bytes()[at - 1] == b'.';
            let inner = canonical(&path[at..]);
            let local = path.starts_with("self.") || path.starts_with("cls.");
            if whole
                && !local
                && let Some(capability) = exactly(inner, true)
            {
                return Some((capability, inner));
            }
        }
    }
    None
}

/// A whole module counts only where the file imports it: `requests` and `socket` are also good names for
/// variables.
fn exactly(path: &str, bound: bool) -> Option<Capability> {
    let root = path.split('.').next().unwrap_or(path);
    for (capability, name) in BY_ROOT.get(root)? {
        let found = if name.ends_with('.') {
            let taken = bound || matches!(*name, "subprocess." | "ctypes.");
            taken && path.strip_prefix(name).is_some_and(|member| !is_plain_data(member))
        } else {
            path == *name
        };
        if found {
            return Some(*capability);
        }
    }
    None
}

/// The table by the first part of the name: it is asked for every name of a source.
static BY_ROOT: LazyLock<HashMap<&str, Vec<(Capability, &str)>>> = LazyLock::new(|| {
    let mut by_root: HashMap<_, Vec<_>> = HashMap::new();
    for (capability, names) in FUNCTIONS {
        for name in names {
            let root = name.split('.').next().unwrap_or(name);
            by_root.entry(root).or_default().push((capability, *name));
        }
    }
    by_root
});

/// Members of those modules that only hold or check data.
fn is_plain_data(member: &str) -> bool {
    let last = member.rsplit('.').next().unwrap_or(member);
    if last == "CDLL" {
        return false;
    }
    last.is_empty()
        || last.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
        || last.ends_with("Error")
        || last.ends_with("Exception")
        || last.ends_with("Warning")
        || matches!(
            last,
            "gethostname"
                | "c_int"
                | "c_void_p"
                | "c_char_p"
                | "sizeof"
                | "byref"
                | "POINTER"
                | "Structure"
                | "c_float"
                | "c_uint8"
                | "c_int32"
                | "c_int64"
                | "c_size_t"
                | "c_double"
                | "c_bool"
                | "Response"
                | "exceptions"
                | "status_codes"
                | "codes"
                | "adapters"
        )
}

/// Whether a member of this module that is looked up by a computed name is worth a note.
pub(super) fn is_root(path: &str) -> bool {
    ROOTS.contains(&path.trim_start_matches(UNBOUND))
}

/// Whether something of this name may be listed: a module or a function above.
pub(super) fn matters(path: &str) -> bool {
    is_root(path.split('.').next().unwrap_or(path)) || of(path).is_some()
}
