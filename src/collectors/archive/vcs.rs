//! `.cargo_vcs_info.json`, which `cargo package` adds
//! (<https://doc.rust-lang.org/cargo/commands/cargo-package.html#cargo_vcs_infojson-format>).

use serde::Deserialize;

use super::facts::VcsFacts;
use crate::domain::Measured;

/// Its name.
pub(super) const FILE: &str = ".cargo_vcs_info.json";

#[derive(Deserialize)]
struct Raw {
    git: RawGit,
    path_in_vcs: Option<String>,
}

#[derive(Deserialize)]
struct RawGit {
    sha1: String,
    // Cargo writes the key only where it is true.
    #[serde(default)]
    dirty: bool,
}

/// Reads the file where it is there.
pub(super) fn facts(bytes: Option<&[u8]>) -> VcsFacts {
    let Some(bytes) = bytes else { return unknown(false, format!("the archive has no {FILE}")) };
    let raw: Raw = match serde_json::from_slice(bytes) {
        Ok(raw) => raw,
        Err(error) => return unknown(true, format!("{FILE} is malformed: {error}")),
    };
    let sha1 = if raw.git.sha1.len() == 40 && raw.git.sha1.bytes().all(|b| b.is_ascii_hexdigit()) {
        Measured::Known(raw.git.sha1)
    } else {
        Measured::unknown(format!("the commit in {FILE} is not 40 hexadecimal digits"))
    };
    let path_in_vcs = raw
        .path_in_vcs
        .map_or_else(|| Measured::unknown(format!("{FILE} has no path_in_vcs")), Measured::Known);
    VcsFacts { present: true, sha1, dirty: Measured::Known(raw.git.dirty), path_in_vcs }
}

fn unknown(present: bool, reason: String) -> VcsFacts {
    VcsFacts {
        present,
        sha1: Measured::unknown(reason.clone()),
        dirty: Measured::unknown(reason.clone()),
        path_in_vcs: Measured::Unknown(reason),
    }
}
