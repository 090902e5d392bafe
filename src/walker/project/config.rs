//! Cargo's configuration inside the audited folder, `rust-toolchain` files and `.env` files, read as
//! data.
//!
//! Cargo takes the configuration of the folder that it is started in and of every folder above, so
//! every folder between the root and a manifest counts.

use std::collections::{BTreeSet, VecDeque};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{PatchFact, ProjectFacts, Setting, shortened};
use crate::domain::Sources;
use crate::walker::document::{self, Document};
use crate::walker::manifest;
use crate::walker::tree::{self, MANIFEST_LIMIT, Tree};
use crate::walker::workspace::Workspace;

/// The variable that sends downloads of models and data sets to another host.
const HUB_ENDPOINT: &str = "HF_ENDPOINT";

/// Most folders in which configuration is looked for.
const FOLDERS_LIMIT: usize = 20_000;

/// Reads all of them.
pub(super) fn read(
    tree: &Tree,
    workspace: &Workspace,
    sources: &mut Sources,
    facts: &mut ProjectFacts,
    unread: &mut Vec<(String, String)>,
) {
    let mut reading = Reading { tree, sources, facts, unread };
    let folders = folders(workspace);
    if folders.len() > FOLDERS_LIMIT {
        let reason = format!("configuration was looked for in {FOLDERS_LIMIT} folders only");
        reading.unread.push((".cargo/config.toml".to_owned(), reason));
    }
    for folder in folders.into_iter().take(FOLDERS_LIMIT) {
        reading.configuration(&folder);
        reading.toolchain(&tree::join(&folder, "rust-toolchain.toml"), false);
        reading.toolchain(&tree::join(&folder, "rust-toolchain"), true);
        for name in [".env", ".envrc"] {
            reading.dotenv(&tree::join(&folder, name));
        }
    }
}

/// The folders of all manifests and those above them, inside the tree.
pub fn folders(workspace: &Workspace) -> BTreeSet<String> {
    let mut folders = BTreeSet::from([String::new()]);
    for manifest in workspace.manifests.values() {
        let mut folder = manifest.folder();
        while !folder.is_empty() && folders.insert(folder.to_owned()) {
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }
    folders
}

struct Reading<'r> {
    tree: &'r Tree,
    sources: &'r mut Sources,
    facts: &'r mut ProjectFacts,
    unread: &'r mut Vec<(String, String)>,
}

impl Reading<'_> {
    /// The text of a file that may be there.
    fn text(&mut self, file: &str) -> Option<String> {
        match self.tree.read(file, MANIFEST_LIMIT) {
            Ok(text) => text,
            Err(error) => {
                self.unread.push((file.to_owned(), error.to_string()));
                None
            }
        }
    }

    /// `.cargo/config.toml` or `.cargo/config` of a folder, and what they include.
    fn configuration(&mut self, folder: &str) {
        let names = [".cargo/config.toml", ".cargo/config"];
        let mut queue: VecDeque<String> =
            names.into_iter().map(|name| tree::join(folder, name)).collect();
        let mut seen = BTreeSet::new();
        while let Some(file) = queue.pop_front() {
            // An included file may include again; a cycle ends here.
            if seen.len() >= super::LIST_LIMIT || !seen.insert(file.clone()) {
                continue;
            }
            let Some(text) = self.text(&file) else { continue };
            match Document::parse(&text) {
                Ok(document) => {
                    Settings { document: &document, file: &file, facts: self.facts }.read();
                    let above = file.rsplit_once('/').map_or("", |(folder, _)| folder);
                    for include in includes(&document.table) {
                        match tree::within(above, &include) {
                            Some(file) => queue.push_back(file),
                            None => self.unread.push((
                                file.clone(),
                                "includes a file outside the audited folder".to_owned(),
                            )),
                        }
                    }
                }
                Err(error) => self.unread.push((file.clone(), error.to_string())),
            }
            self.sources.insert(file, text);
        }
    }

    /// `[toolchain] path`. A file without the extension may instead hold one line, the name of a
    /// toolchain.
    fn toolchain(&mut self, file: &str, may_be_a_name: bool) {
        let Some(text) = self.text(file) else { return };
        match Document::parse(&text) {
            Ok(document) => {
                if let Some((key, value)) = document::table(&document.table, "toolchain")
                    .and_then(|toolchain| document::entry(toolchain, "path"))
                    && let Some(path) = value.get_ref().as_str()
                {
                    self.facts.toolchain_paths.push(Setting {
                        path: file.to_owned(),
                        line: document.lines.line(key.start),
                        name: "toolchain.path".to_owned(),
                        value: shortened(path),
                    });
                }
            }
            Err(_) if may_be_a_name && text.trim().lines().count() <= 1 => {}
            Err(error) => self.unread.push((file.to_owned(), error.to_string())),
        }
        self.sources.insert(file, text);
    }

    /// `HF_ENDPOINT=...`, with or without `export`. The rest of the file may hold secrets: neither
    /// its text nor its other values are kept.
    fn dotenv(&mut self, file: &str) {
        let Some(text) = self.text(file) else { return };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
            if let Some((name, value)) = line.split_once('=')
                && name.trim_end() == HUB_ENDPOINT
            {
                self.facts.hub_endpoints.push(Setting {
                    path: file.to_owned(),
                    line: u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1),
                    name: HUB_ENDPOINT.to_owned(),
                    value: shortened(value.trim().trim_matches(['"', '\''])),
                });
            }
        }
    }
}

/// `include = "file"`, a list of files, or a list of tables with `path`.
fn includes(root: &DeTable<'_>) -> Vec<String> {
    let path = |value: &DeValue<'_>| match value {
        DeValue::String(path) => Some(path.to_string()),
        DeValue::Table(table) => document::string(table, "path").map(str::to_owned),
        _ => None,
    };
    match root.get("include").map(Spanned::get_ref) {
        Some(DeValue::Array(list)) => list.iter().filter_map(|v| path(v.get_ref())).collect(),
        Some(value) => path(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Sorts the settings of one configuration file into the facts.
struct Settings<'d, 'i> {
    document: &'d Document<'i>,
    file: &'d str,
    facts: &'d mut ProjectFacts,
}

impl Settings<'_, '_> {
    fn read(mut self) {
        let document = self.document;
        let patches = manifest::patches_of(document, self.file);
        self.facts.patches.extend(patches.iter().map(|patch| PatchFact::new(self.file, patch)));
        for (key, value) in &document.table {
            let mut parts = vec![key.get_ref().to_string()];
            self.value(&mut parts, key.span().start, value.get_ref());
        }
    }

    /// Goes down to the values that are no tables. Nesting is bounded by the parser.
    fn value(&mut self, parts: &mut Vec<String>, at: usize, value: &DeValue<'_>) {
        let whole =
            matches!(parts.first().map(String::as_str), Some("env" | "alias")) && parts.len() == 2;
        match value {
            DeValue::Table(table) if !whole => {
                for (key, value) in table {
                    parts.push(key.get_ref().to_string());
                    self.value(parts, key.span().start, value.get_ref());
                    parts.pop();
                }
            }
            value => self.setting(parts, at, value),
        }
    }

    fn setting(&mut self, parts: &[String], at: usize, value: &DeValue<'_>) {
        let keys: Vec<&str> = parts.iter().map(String::as_str).collect();
        let setting = Setting {
            path: self.file.to_owned(),
            line: self.document.lines.line(at),
            name: shortened(&keys.join(".")),
            value: shortened(&flat(value)),
        };
        let facts = &mut *self.facts;
        match keys.as_slice() {
            ["env", HUB_ENDPOINT] => {
                facts
                    .hub_endpoints
                    .push(Setting { name: HUB_ENDPOINT.to_owned(), ..setting.clone() });
                facts.environment.push(setting);
            }
            ["env", _] => facts.environment.push(setting),
            ["alias", _] => facts.aliases.push(setting),
            ["paths"] => facts.path_overrides.push(setting),
            ["source", _, "replace-with" | "registry" | "directory" | "local-registry" | "git"] => {
                facts.source_replacements.push(setting);
            }
            ["registries", _, "index"] | ["registry", "index" | "default"] | ["http", _] => {
                facts.network.push(setting);
            }
            // A target specification names a linker and its arguments.
            ["build", "target"] if setting.value.split(' ').any(is_specification) => {
                facts.programs.push(setting);
            }
            [.., "rustflags" | "rustdocflags"] => facts.flags.push(setting),
            // In the place of what the build script of the crate that links it would print.
            ["target", _, _, told] if told.starts_with("rustc-") => facts.flags.push(setting),
            ["build", "rustc" | "rustc-wrapper" | "rustc-workspace-wrapper" | "rustdoc"]
            | ["doc", "browser"]
            | ["target" | "host", .., "linker" | "runner"]
            | ["registry", "credential-provider" | "global-credential-providers"]
            | ["registries", _, "credential-provider"]
            | ["credential-alias", _] => facts.programs.push(setting),
            _ => {}
        }
    }
}

/// Whether a target is a file of its own; cargo looks at the ending as it is written.
fn is_specification(target: &str) -> bool {
    target.rsplit_once('.').is_some_and(|(_, ending)| ending == "json")
}

/// A value in one line: text as it is, a list with spaces between its items, a table by its `value`.
fn flat(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(when) => when.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flat(item.get_ref())).collect();
            items.join(" ")
        }
        DeValue::Table(table) => {
            let told = table.get("value").or_else(|| table.get("path"));
            let told = told.map_or_else(String::new, |value| flat(value.get_ref()));
            // Cargo makes an absolute path of it: from the folder that holds `.cargo`.
            let relative = table.get("relative").and_then(|flag| flag.get_ref().as_bool());
            let is_path = !told.is_empty() && !told.starts_with(['/', '.']);
            if relative == Some(true) && is_path { format!("./{told}") } else { told }
        }
    }
}
