//! The facts about vendored native sources.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate_read::native_tree::{BrokenProbe, CommandChain, Early, ScriptAct, Submodule, Upstream};

/// What the vendored C and C++ sources of a crate are, and what their build files would do. Read from
/// the bytes of the archive; nothing was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NativeFacts {
    /// C, C++, CUDA and assembler files, headers included (a count).
    pub code_files: u64,
    /// Autotools, make, CMake and shell files (a count).
    pub build_files: u64,
    /// Upstream versions that the trees name, ordered by path; at most 200.
    pub upstreams: Vec<Upstream>,
    /// Git submodules that the trees name, ordered by path; at most 200.
    pub submodules: Vec<Submodule>,
    /// Commands in build files that turn data into commands and run them, ordered by path; at most 200.
    pub chains: Vec<CommandChain>,
    /// Feature probes that cannot compile, ordered by path; at most 200.
    pub broken_probes: Vec<BrokenProbe>,
    /// Code that runs before `main`, or that the dynamic linker calls, ordered by path; at most 200.
    pub early: Vec<Early>,
    /// What the commands of build files fetch and run, decode and run, or send, ordered by path; at most
    /// 200.
    #[serde(default)]
    pub acts: Vec<ScriptAct>,
    /// Entries that were left out because a list was full.
    pub left_out: u64,
    /// Files that were read in part because they are larger than 4 MiB, at most 64.
    pub cut_files: Vec<String>,
}
