//! Names in compiled Python that reach beyond arithmetic: programs, files, connections, other code, and the
//! interpreter's own machinery. Code that names none of them can still be crafted byte by byte; it is told as code.

const REACHING: &[&str] = &[
    // programs and processes
    "system",
    "popen",
    "Popen",
    "subprocess",
    "check_output",
    "check_call",
    "getoutput",
    "getstatusoutput",
    "pty",
    "spawn",
    "spawnv",
    "spawnve",
    "posix_spawn",
    "fork",
    "forkpty",
    "execl",
    "execv",
    "execve",
    "execvp",
    "execvpe",
    "startfile",
    "posix",
    "nt",
    "webbrowser",
    "multiprocessing",
    "signal",
    "kill",
    "fork_exec",
    "_posixsubprocess",
    // code
    "exec",
    "eval",
    "compile",
    "execfile",
    "runpy",
    "run_path",
    "run_module",
    "code",
    "codeop",
    "CodeType",
    "FunctionType",
    "ModuleType",
    "marshal",
    "pickle",
    "cloudpickle",
    "dill",
    "joblib",
    "loads",
    "ctypes",
    "cffi",
    "CDLL",
    "dlopen",
    "mmap",
    "objmode",
    "objectmode",
    // imports
    "__import__",
    "import_module",
    "importlib",
    "imp",
    "load_module",
    "exec_module",
    "pkgutil",
    "resolve_name",
    "pip",
    // reaching by name
    "builtins",
    "__builtins__",
    "__builtin__",
    "getattr",
    "setattr",
    "delattr",
    "globals",
    "locals",
    "vars",
    "attrgetter",
    "methodcaller",
    "__globals__",
    "__subclasses__",
    "__bases__",
    "__base__",
    "__mro__",
    "__class__",
    "__dict__",
    "__code__",
    "__closure__",
    "__getattribute__",
    "__reduce__",
    "__reduce_ex__",
    "__loader__",
    "__spec__",
    "f_globals",
    "f_locals",
    "f_back",
    "f_builtins",
    "gi_frame",
    "tb_frame",
    "_getframe",
    "sys",
    "inspect",
    "gc",
    // files
    "open",
    "shutil",
    "rmtree",
    "unlink",
    "removedirs",
    "rmdir",
    "write_text",
    "write_bytes",
    "read_text",
    "read_bytes",
    "tempfile",
    "pathlib",
    "fromfile",
    "tofile",
    "memmap",
    "io",
    "os",
    // connections and what is hidden
    "socket",
    "urllib",
    "urlopen",
    "urlretrieve",
    "requests",
    "httpx",
    "aiohttp",
    "http",
    "ftplib",
    "smtplib",
    "base64",
    "b64decode",
    "unhexlify",
    "codecs",
    "zlib",
    "environ",
    "getenv",
    "putenv",
];

/// Those that are told by a word anywhere in marshalled bytes, where paths and texts stand beside the names.
const IN_BYTES: [&str; 36] = [
    "exec",
    "eval",
    "compile",
    "system",
    "popen",
    "Popen",
    "subprocess",
    "check_output",
    "check_call",
    "__import__",
    "import_module",
    "importlib",
    "socket",
    "urllib",
    "urlopen",
    "requests",
    "builtins",
    "__builtins__",
    "getattr",
    "globals",
    "open",
    "ctypes",
    "pty",
    "spawn",
    "posix",
    "marshal",
    "pickle",
    "base64",
    "b64decode",
    "shutil",
    "rmtree",
    "runpy",
    "__globals__",
    "__subclasses__",
    "execve",
    "webbrowser",
];

/// Whether a word among marshalled bytes is such a name.
#[must_use]
pub fn reaches_by_word(word: &str) -> bool {
    IN_BYTES.contains(&word)
}

/// Whether a name in code reaches beyond arithmetic.
#[must_use]
pub fn reaches(name: &str) -> bool {
    REACHING.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_reaches_nothing_and_programs_do() {
        for name in ["sqrt", "np", "shape", "dot", "range", "len", "x", "int32", "prange", "zeros"]
        {
            assert!(!reaches(name), "{name}");
        }
        for name in ["os", "system", "__import__", "getattr", "objmode", "sys", "__globals__"] {
            assert!(reaches(name), "{name}");
        }
        assert!(IN_BYTES.iter().all(|word| reaches(word)));
    }
}
