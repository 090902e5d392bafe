//! Cargo configuration inside a crate. Cargo does not read it from a dependency; it is read by whoever
//! builds inside the unpacked crate, and then it can name programs to run.

use toml::{Table, Value};

use super::line_at;

/// Largest file that is read.
const LARGEST: usize = 256 << 10;
/// Most entries.
const MOST: usize = 32;

/// A setting of cargo that names a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredProgram {
    /// The key, such as `build.rustc-wrapper`.
    pub key: String,
    /// The program, as it stands there.
    pub program: String,
    /// Line, from 1.
    pub line: u64,
}

/// Whether a path is one of cargo's configuration files.
fn is_config(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    matches!(parts.next(), Some("config.toml" | "config")) && parts.next() == Some(".cargo")
}

/// The programs that a `.cargo/config.toml` names; empty for other files and for what is no TOML.
#[must_use]
pub fn configured_programs(path: &str, bytes: &[u8]) -> Vec<ConfiguredProgram> {
    if !is_config(path) || bytes.len() > LARGEST {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let Ok(table) = text.parse::<Table>() else { return Vec::new() };
    let mut found = Vec::new();
    let mut add = |key: String, value: Option<&Value>| {
        let program = match value {
            Some(Value::String(program)) => program.clone(),
            Some(Value::Array(words)) => {
                words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
            }
            Some(Value::Table(inner)) => match inner.get("path").and_then(Value::as_str) {
                Some(path) => path.to_owned(),
                None => return,
            },
            _ => return,
        };
        if found.len() < MOST {
            let last = key.rsplit('.').next().unwrap_or(&key);
            let line = text.find(last).map_or(1, |at| line_at(&text, at));
            found.push(ConfiguredProgram { key, program, line });
        }
    };
    let inside = |name: &str| table.get(name).and_then(Value::as_table);
    for key in ["rustc", "rustc-wrapper", "rustc-workspace-wrapper", "rustdoc"] {
        add(format!("build.{key}"), inside("build").and_then(|build| build.get(key)));
    }
    for (target, settings) in inside("target").into_iter().flatten() {
        for key in ["linker", "runner"] {
            add(format!("target.{target}.{key}"), settings.get(key));
        }
    }
    add("credential-alias".to_owned(), table.get("credential-alias"));
    for key in ["credential-provider", "global-credential-providers"] {
        add(format!("registry.{key}"), inside("registry").and_then(|registry| registry.get(key)));
    }
    found
}
