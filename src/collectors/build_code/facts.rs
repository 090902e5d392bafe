//! The facts: what a crate's code can do at build time, and what its library does with secrets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hosts::Host;
use crate::domain::Measured;
use crate_read::rust_source::{
    Act, Capability, CapabilityHit, Check, Directive, Downloads, Flow, LargeLiteral, Read, Spawned,
    Unparsed, WebAddress,
};

/// What a crate's build script, or the crate itself if it is a procedural macro, can do at build time.
/// Read from the code; nothing was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuildFacts {
    /// Whether any code of the crate runs at build time: a build script or a procedural macro. Unknown
    /// where the manifest cannot be read.
    pub runs_at_build: Measured<bool>,
    /// Build scripts that cargo compiles and runs, as paths inside the crate. From the manifest.
    pub build_scripts: Measured<Vec<String>>,
    /// Whether the crate is a procedural macro: its code runs inside the compiler. From the manifest.
    pub proc_macro: Measured<bool>,
    /// SHA-256 over path and bytes of every file in `files`, of the files that this code starts, includes or
    /// opens under a constant name, and of the build files (shell, CMake, make, m4) in folders that it
    /// names; lower-case hexadecimal. A waiver that is bound to it ends when one of them changes. Empty
    /// where nothing runs.
    pub inputs_sha256: String,
    /// Files whose code runs at build time: the entry point, what it reaches by `mod`, `#[path]` and
    /// `include!`, scripts of the crate that it starts, and scripts that those name.
    pub files: Vec<String>,
    /// Uses of known APIs, programs, variables and places in that code, at most 500.
    pub capabilities: Vec<CapabilityHit>,
    /// The capabilities of that code, each once, sorted; generated code is left out.
    pub capability_names: Vec<Capability>,
    /// The capabilities of code that it generates (`quote!`), each once, sorted: they act in the crate
    /// that uses the macro.
    pub generated_names: Vec<Capability>,
    /// Uses that are reached through crates that the build code calls, one step, at most 32 a crate.
    /// Reads of a crate that does not reach the network are left out.
    pub through: Vec<CapabilityHit>,
    /// The capabilities in `through`, each once, sorted. Unknown where a crate that the build code calls
    /// was not read.
    pub through_names: Measured<Vec<Capability>>,
    /// Programs that are started, with their constant arguments, at most 500.
    pub spawned: Vec<Spawned>,
    /// The constant program names in `spawned`, each once, sorted.
    pub programs: Vec<String>,
    /// Web addresses in constants, at most 500.
    pub urls: Vec<WebAddress>,
    /// Names of the environment variables that are read, sorted, at most 500.
    pub variables: Vec<String>,
    /// Files, folders and patterns that build code reaches, and those that ordinary code includes
    /// (`at_build` tells them apart), at most 1,000.
    pub reads: Vec<Read>,
    /// Data that is read, transformed and written, linked or run, at most 500.
    pub flows: Vec<Flow>,
    /// Literals of 256 bytes or more that stand for bytes, at most 500.
    pub literals: Vec<LargeLiteral>,
    /// Messages to cargo, at most 500.
    pub directives: Vec<Directive>,
    /// What is fetched at build time, and whether it is verified; absent where nothing is known to be.
    pub downloads: Option<Downloads>,
    /// Crates that the build code names in its paths, sorted, `_` for `-`.
    pub crates: Vec<String>,
    /// How what is fetched is checked, at most 64.
    pub checks: Vec<Check>,
    /// Files that could not be parsed or found, with the reason. They were read as tokens where they
    /// exist.
    pub unparsed: Vec<Unparsed>,
    /// Entries that were left out because a list was full.
    pub left_out: u64,
    /// Limits that were hit: source files that were not kept because the crate holds too much code.
    pub limits: Vec<String>,
}

/// A source file of ordinary library code that touches secrets, or fetches and runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecretModule {
    /// The file inside the crate.
    pub file: String,
    /// Reads of secrets in it: variables, places, the whole environment; at most 32.
    pub secrets: Vec<CapabilityHit>,
    /// Uses of the network in it, at most 32.
    pub network: Vec<CapabilityHit>,
    /// Programs or libraries that are started or loaded in it, at most 32.
    pub started: Vec<CapabilityHit>,
    /// What it makes depend on time, host, user or CI, at most 32.
    pub gates: Vec<CapabilityHit>,
    /// Data that goes from a secret to the network, or from the network to a program; at most 32.
    pub flows: Vec<Flow>,
}

/// What a crate's library does at run time that concerns secrets. Files below `tests`, `examples`,
/// `benches` and `fuzz` are not library code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecretFacts {
    /// Files that read secrets and reach the network, or that fetch and start something; at most 64.
    pub modules: Vec<SecretModule>,
    /// Files that name a credential place or secret variable, whatever else they do (a count).
    pub files_with_secrets: u64,
    /// Files that reach the network (a count).
    pub files_with_network: u64,
    /// Code that runs before `main` or when a library is loaded, at most 64.
    pub pre_main: Vec<CapabilityHit>,
    /// Files that could not be parsed and were read as tokens, at most 64.
    pub unparsed: Vec<Unparsed>,
    /// Entries that were left out because a list was full.
    pub left_out: u64,
}

/// What a crate's library can do on its own account at run time. Files below `tests`, `examples`,
/// `benches` and `fuzz` are not library code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LibraryFacts {
    /// What its code can do, each once, sorted: network, programs, secrets, libraries that are loaded.
    pub capability_names: Vec<Capability>,
    /// Data that it takes from files of the crate, from literals or the network and starts or loads,
    /// whatever happens to it on the way; at most 32.
    pub flows: Vec<Flow>,
    /// What it does before `main`, or only under a date, for a host or user, or in continuous integration;
    /// at most 32.
    pub acts: Vec<Act>,
    /// Writes to places where what lies there starts by itself: shells, autostart, hooks; at most 32.
    pub autostart: Vec<CapabilityHit>,
    /// Hosts that it names in files that reach the network, each once, at most 64.
    pub hosts: Vec<Host>,
    /// How what it fetches is checked, at most 64.
    pub checks: Vec<Check>,
}

/// Everything that is measured about the code of one crate. It depends on the bytes of the archive and
/// on the capability table only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuildRecord {
    /// Group `build`.
    pub build: BuildFacts,
    /// Group `secrets`.
    pub secrets: SecretFacts,
    /// Group `library`.
    pub at_run_time: LibraryFacts,
    /// What the crate's library can do, for crates whose build code calls it; at most 32 uses.
    pub library: Vec<CapabilityHit>,
    /// Data that the crate's library takes from its own files, from literals or the network and starts,
    /// loads or links; at most 32.
    pub library_flows: Vec<Flow>,
    /// Names of the crate's build-dependencies in code, and the packages that they are.
    pub build_dependencies: Vec<(String, String)>,
}
