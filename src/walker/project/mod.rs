//! What the project's own files set up around the graph: facts group `project`, one for the whole
//! project.
//!
//! Programs that cargo would run, sources that stand in for others, crates put in the place of
//! others, declarations that leave the lockfile's protection. Each is listed with file and line;
//! nothing is run, and whether it matters is for the rules.

mod config;

pub use config::folders;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::facts::git_reference;
use super::manifest::{Declaration, DeclaredSource, Patch};
use super::tree::{MANIFEST_LIMIT, Tree};
use super::workspace::Workspace;
use crate::domain::Sources;
use crate::domain::hash::hex;

/// Most entries of one list.
pub const LIST_LIMIT: usize = 500;

/// Longest value that is kept, in characters.
const VALUE_CHARS: usize = 300;

/// What the project's own files set up.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
pub struct ProjectFacts {
    /// Number of manifests that were read: the root's, its members' and those of path dependencies
    /// inside the audited folder.
    pub manifests: u32,
    /// Programs that cargo configuration inside the audited folder names: `build.rustc`,
    /// `build.rustc-wrapper`, `build.rustc-workspace-wrapper`, `build.rustdoc`, `doc.browser`,
    /// linkers and runners of targets, target specifications (`build.target` with a `.json`), credential
    /// providers. Cargo runs them where it is started
    /// inside the folder. Source: `.cargo/config.toml`, `.cargo/config` and what they include.
    pub programs: Vec<Setting>,
    /// Flags that cargo configuration inside the folder passes to the compiler (`rustflags`,
    /// `rustdocflags`), and what it says in the place of a build script (`target.<triple>.<links>.rustc-...`).
    pub flags: Vec<Setting>,
    /// `[env]` entries of cargo configuration inside the folder. A value with `relative = true` begins with
    /// `./`, for the folder that holds `.cargo`.
    pub environment: Vec<Setting>,
    /// `[source]` entries of cargo configuration inside the folder that replace another source or
    /// name a place.
    pub source_replacements: Vec<Setting>,
    /// `[registries]` and `[registry]` entries with an index, and `[http]` entries that change how
    /// cargo reaches the network (`proxy`, `cainfo`, `check-revoke`, ...), of cargo configuration
    /// inside the folder.
    pub network: Vec<Setting>,
    /// `[alias]` entries of cargo configuration inside the folder. An alias takes precedence over an
    /// external subcommand of the same name.
    pub aliases: Vec<Setting>,
    /// `paths` overrides of cargo configuration inside the folder.
    pub path_overrides: Vec<Setting>,
    /// `path` of `rust-toolchain.toml` or `rust-toolchain`: the folder whose compiler and cargo
    /// rustup runs.
    pub toolchain_paths: Vec<Setting>,
    /// `[patch]` and `[replace]` entries of manifests and of cargo configuration inside the folder.
    pub patches: Vec<PatchFact>,
    /// Path dependencies that lead out of the audited folder; they are not read.
    pub outside_paths: Vec<Setting>,
    /// Git dependencies that manifests declare.
    pub git_dependencies: Vec<GitDependency>,
    /// Dependencies from another registry than the default one, as manifests declare them.
    pub alternative_registries: Vec<Setting>,
    /// Dependencies whose version requirement admits every version (`*`).
    pub wildcards: Vec<Setting>,
    /// Build scripts of the project's own crates.
    pub build_scripts: Vec<OwnFile>,
    /// Where a file of the project sets `HF_ENDPOINT`, which sends model downloads elsewhere: cargo
    /// configuration, `.env` and `.envrc` in the folder.
    pub hub_endpoints: Vec<Setting>,
    /// Entries that the lists above leave out, beyond 500 each.
    pub left_out: u32,
}

/// One setting and where it stands.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// File, relative to the audited folder.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// The key with its tables (`build.rustc-wrapper`), or the name of the crate.
    pub name: String,
    /// What it is set to, at most 300 characters.
    pub value: String,
}

/// One crate put in the place of another.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PatchFact {
    /// File, relative to the audited folder.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Name of the crate.
    pub name: String,
    /// What is patched: the registry's name or URL, or `replace`.
    pub of: String,
    /// What stands in: `path`, `git`, `registry` or `alternative-registry`.
    #[schemars(extend("enum" = ["path", "git", "registry", "alternative-registry"]))]
    pub source: String,
    /// Its folder, URL or version.
    pub value: String,
}

/// One git dependency as a manifest declares it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitDependency {
    /// File, relative to the audited folder.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Name of the crate.
    pub name: String,
    /// URL of the repository.
    pub url: String,
    /// `branch=x`, `tag=x`, `rev=x`; empty for the default branch.
    pub reference: String,
    /// Whether `cargo update` can move it without a change to the manifest: it is not asked for by
    /// `rev = "<hexadecimal commit>"`.
    pub floating: bool,
}

/// One file of the project.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnFile {
    /// File, relative to the audited folder.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// Measures a project. Files that could not be read are added to `unread` with the reason; texts
/// that settings point into are added to `sources`.
pub(super) fn measure(
    tree: &Tree,
    workspace: &Workspace,
    sources: &mut Sources,
    unread: &mut Vec<(String, String)>,
) -> ProjectFacts {
    let mut facts = ProjectFacts {
        manifests: u32::try_from(workspace.manifests.len()).unwrap_or(u32::MAX),
        ..ProjectFacts::default()
    };
    declarations(workspace, &mut facts);
    config::read(tree, workspace, sources, &mut facts, unread);
    build_scripts(tree, workspace, sources, &mut facts, unread);
    facts.bound();
    facts
}

fn declarations(workspace: &Workspace, facts: &mut ProjectFacts) {
    for (file, declaration) in workspace.outside_paths() {
        if let DeclaredSource::Path(path) = &declaration.source {
            facts.outside_paths.push(setting(file, declaration, path));
        }
    }
    for (manifest, declaration) in workspace.declarations() {
        let file = manifest.file.as_str();
        match &declaration.source {
            DeclaredSource::Git { url, reference } => facts.git_dependencies.push(GitDependency {
                path: file.to_owned(),
                line: declaration.location.line,
                name: declaration.package.clone(),
                url: shortened(url),
                reference: shortened(reference.as_deref().unwrap_or_default()),
                floating: git_reference(reference.as_deref()).1,
            }),
            DeclaredSource::AlternativeRegistry(name) => {
                facts.alternative_registries.push(setting(file, declaration, name));
            }
            DeclaredSource::Registry if is_wildcard(declaration.requirement.as_deref()) => {
                facts.wildcards.push(setting(file, declaration, "*"));
            }
            DeclaredSource::Registry | DeclaredSource::Path(_) | DeclaredSource::Workspace => {}
        }
    }
    for manifest in workspace.manifests.values() {
        let patches = manifest.patches.iter();
        facts.patches.extend(patches.map(|patch| PatchFact::new(&manifest.file, patch)));
    }
}

/// `*` admits everything; so does a missing requirement.
fn is_wildcard(requirement: Option<&str>) -> bool {
    requirement.is_none_or(|text| matches!(text.trim(), "" | "*"))
}

fn setting(file: &str, declaration: &Declaration, value: &str) -> Setting {
    Setting {
        path: file.to_owned(),
        line: declaration.location.line,
        name: shortened(&declaration.package),
        value: shortened(value),
    }
}

/// A value, cut to what is kept of one.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(VALUE_CHARS).collect()
}

impl PatchFact {
    fn new(file: &str, patch: &Patch) -> Self {
        let requirement = patch.with.requirement.as_deref().unwrap_or_default();
        let (source, value) = match &patch.with.source {
            DeclaredSource::Path(folder) => ("path", folder.as_str()),
            DeclaredSource::Git { url, .. } => ("git", url.as_str()),
            DeclaredSource::AlternativeRegistry(name) => ("alternative-registry", name.as_str()),
            DeclaredSource::Registry | DeclaredSource::Workspace => ("registry", requirement),
        };
        Self {
            path: file.to_owned(),
            line: patch.with.location.line,
            name: shortened(&patch.with.package),
            of: shortened(&patch.of),
            source: source.to_owned(),
            value: shortened(value),
        }
    }
}

fn build_scripts(
    tree: &Tree,
    workspace: &Workspace,
    sources: &mut Sources,
    facts: &mut ProjectFacts,
    unread: &mut Vec<(String, String)>,
) {
    for path in workspace.build_scripts(tree) {
        match tree.read(&path, MANIFEST_LIMIT) {
            Ok(Some(text)) => {
                facts.build_scripts.push(OwnFile {
                    path: path.clone(),
                    size: text.len() as u64,
                    sha256: hex(&Sha256::digest(text.as_bytes())),
                });
                sources.insert(path, text);
            }
            Ok(None) => {}
            Err(error) => unread.push((path, error.to_string())),
        }
    }
}

impl ProjectFacts {
    /// Adds settings of files that the reading of manifests and configuration does not open.
    pub fn add_hub_endpoints(&mut self, settings: &[Setting]) {
        self.hub_endpoints.extend_from_slice(settings);
        let left_out = cut(&mut self.hub_endpoints);
        self.left_out = self.left_out.saturating_add(u32::try_from(left_out).unwrap_or(u32::MAX));
    }

    /// Sorts every list and cuts it to its limit.
    fn bound(&mut self) {
        let mut left_out = 0;
        for list in [
            &mut self.programs,
            &mut self.flags,
            &mut self.environment,
            &mut self.source_replacements,
            &mut self.network,
            &mut self.aliases,
            &mut self.path_overrides,
            &mut self.toolchain_paths,
            &mut self.outside_paths,
            &mut self.alternative_registries,
            &mut self.wildcards,
            &mut self.hub_endpoints,
        ] {
            left_out += cut(list);
        }
        left_out += cut(&mut self.patches);
        left_out += cut(&mut self.git_dependencies);
        left_out += cut(&mut self.build_scripts);
        self.left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
    }
}

fn cut<T: Ord>(list: &mut Vec<T>) -> usize {
    list.sort();
    list.dedup();
    let left_out = list.len().saturating_sub(LIST_LIMIT);
    list.truncate(LIST_LIMIT);
    left_out
}

#[cfg(test)]
mod tests;
