//! One call of git: what it may see and do, and when it is stopped.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Base, FetchError, Limits};

/// Variables of the user that are passed on: where programs are, which proxy and which roots to use.
const PASSED: [&str; 11] = [
    "PATH",
    "SYSTEMROOT",
    "TEMP",
    "TMPDIR",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
];
/// Settings that stand above every configuration.
const SETTINGS: [&str; 18] = [
    "protocol.allow=never",
    "http.followRedirects=false",
    "http.sslVerify=true",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.unpackLimit=1",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "fetch.showForcedUpdates=false",
    "transfer.bundleURI=false",
    "pack.threads=1",
    // Larger files are not held in memory, nor more than this of what deltas build on.
    "core.bigFileThreshold=16m",
    "core.deltaBaseCacheLimit=32m",
];
/// How often time and size are looked at.
const TICK: Duration = Duration::from_millis(25);
/// Most objects of one pack.
const OBJECTS_LIMIT: u64 = 5_000_000;
/// Most of what git says on stderr.
const SAID_LIMIT: u64 = 64 * 1024;

/// Runs git in a repository of ours.
pub(super) fn run(
    folder: &Path,
    arguments: &[&str],
    input: Option<String>,
    base: &Base,
    limits: Limits,
) -> Result<(), FetchError> {
    let mut command = command(folder, base);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    // Git starts programs of its own for each protocol: they are stopped with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(FetchError::Start)?;
    let feeder = input.zip(child.stdin.take()).map(|(text, mut stdin)| {
        // Git may end before it has read all.
        thread::spawn(move || drop(stdin.write_all(text.as_bytes())))
    });
    let listener = child.stderr.take().map(|stderr| {
        thread::spawn(move || {
            let mut said = Vec::new();
            let mut stderr = stderr;
            // What is said beyond the limit is read and forgotten, or git would wait for us.
            let _ = (&mut stderr).take(SAID_LIMIT).read_to_end(&mut said);
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            said
        })
    });
    let succeeded = match watch(&mut child, folder, limits) {
        Ok(succeeded) => succeeded,
        Err(error) => {
            stop(&mut child);
            return Err(error);
        }
    };
    if let Some(feeder) = feeder {
        let _ = feeder.join();
    }
    let said = listener.and_then(|listener| listener.join().ok()).unwrap_or_default();
    if succeeded { Ok(()) } else { Err(FetchError::Failed(last_line(&said))) }
}

fn command(folder: &Path, base: &Base) -> Command {
    let nowhere = if cfg!(windows) { "NUL" } else { "/dev/null" };
    let mut command = Command::new("git");
    command.env_clear().current_dir(folder);
    for name in PASSED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("GIT_DIR", ".")
        .env("HOME", ".")
        .env("XDG_CONFIG_HOME", ".")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_SYSTEM", nowhere)
        .env("GIT_CONFIG_GLOBAL", nowhere)
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("SSH_ASKPASS", "")
        .env("GIT_ALLOW_PROTOCOL", base.protocol())
        .env("GIT_PROTOCOL_FROM_USER", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("LC_ALL", "C")
        .arg("-c")
        .arg(format!("core.hooksPath={nowhere}"))
        .arg("-c")
        .arg(format!("protocol.{}.allow=always", base.protocol()));
    for setting in SETTINGS {
        command.arg("-c").arg(setting);
    }
    command
}

/// Stops git and what it started. What is left of it is not waited for.
fn stop(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Waits for the end, or for a limit; whether git succeeded.
fn watch(child: &mut Child, folder: &Path, limits: Limits) -> Result<bool, FetchError> {
    let start = Instant::now();
    loop {
        let ended = child.try_wait().map_err(FetchError::Start)?;
        if size(folder) > limits.bytes {
            return Err(FetchError::Bytes(limits.bytes >> 20));
        }
        if promised(folder) > OBJECTS_LIMIT {
            return Err(FetchError::Objects(OBJECTS_LIMIT));
        }
        if let Some(status) = ended {
            return Ok(status.success());
        }
        if start.elapsed() > limits.time {
            return Err(FetchError::Time(limits.time.as_secs()));
        }
        thread::sleep(TICK);
    }
}

/// Bytes of the packs, those that are being received included.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder.join("objects/pack")) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).sum()
}

/// How many objects the packs promise that are being received: git makes room for them by that number.
fn promised(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder.join("objects/pack")) else { return 0 };
    let is_new = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("tmp_pack_");
    let new = entries.flatten().filter(|entry| is_new(&entry.file_name()));
    let count = |entry: fs::DirEntry| {
        let mut head = [0; 12];
        crate::disk::open(&entry.path()).ok()?.read_exact(&mut head).ok()?;
        Some(head[8..].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    new.filter_map(count).max().unwrap_or_default()
}

/// What git said last that tells why.
fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let fatal = text.lines().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    crate::domain::text::shown(fatal.or_else(|| lines.next_back()).unwrap_or("it said nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_that_promises_too_many_objects_is_seen_while_it_is_received() {
        let folder = tempfile::tempdir().expect("a folder");
        let packs = folder.path().join("objects/pack");
        fs::create_dir_all(&packs).expect("made");
        assert_eq!(promised(folder.path()), 0);
        fs::write(packs.join("tmp_pack_a"), b"PACK\0\0\0\x02\0\0\x01\0rest").expect("written");
        fs::write(packs.join("pack-b.pack"), b"PACK\0\0\0\x02\xff\0\0\0").expect("written");
        fs::write(packs.join("tmp_pack_c"), b"PACK").expect("written");
        assert_eq!(promised(folder.path()), 256);
    }
}
