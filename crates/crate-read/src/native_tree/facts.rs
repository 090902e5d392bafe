//! What is found in one file of a native tree.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything found in one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NativeFile {
    /// Upstream versions that the file names.
    pub upstreams: Vec<Upstream>,
    /// Repositories that a `.gitmodules` names.
    pub submodules: Vec<Submodule>,
    /// Commands that turn data into commands and run them.
    pub chains: Vec<CommandChain>,
    /// Feature probes that cannot compile.
    pub broken_probes: Vec<BrokenProbe>,
    /// Code that runs before `main`, or that the linker calls.
    pub early: Vec<Early>,
    /// What the file's commands fetch and run, decode and run, or send.
    pub acts: Vec<ScriptAct>,
}

/// Something that the commands of a build file do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScriptAct {
    /// What it does.
    #[serde(flatten)]
    pub act: crate::script::Act,
    /// The file inside the crate.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A version that a vendored tree gives itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Upstream {
    /// Name of the upstream project in lower case, such as `xz`, `zstd` or `openssl`; one spelling for
    /// projects with several. Where no table knows it, what the file calls it.
    pub name: String,
    /// Version as the file gives it, such as `5.6.1` or `8.22.0-DEV`.
    pub version: String,
    /// Folder of the vendored tree inside the crate, empty for the crate's root. A guess from the path:
    /// everything before the first folder called `src`, `include`, `lib` and the like.
    pub tree: String,
    /// The file inside the crate.
    pub path: String,
    /// Line, from 1.
    pub line: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A git submodule that the tree names: where vendored sources come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Submodule {
    /// Folder that it is checked out to.
    pub folder: String,
    /// Address as it stands in the file.
    pub url: String,
    /// The `.gitmodules` file inside the crate.
    pub path: String,
    /// Line of the address, from 1.
    pub line: u64,
}

/// What makes code run before `main`, or lets the linker call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyKind {
    /// A function with the attribute `constructor`.
    Constructor,
    /// A function with the attribute `destructor`: it runs at exit.
    Destructor,
    /// A section whose pointers are called at start.
    InitArray,
    /// A resolver that the dynamic linker calls to choose an implementation.
    Ifunc,
}

/// A place in native code that gives it an early start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Early {
    /// By what means.
    pub kind: EarlyKind,
    /// The line, at most 120 characters.
    pub text: String,
    /// The file inside the crate.
    pub path: String,
    /// Line, from 1.
    pub line: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A feature probe whose source cannot compile, so that the feature is always off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokenProbe {
    /// The macro or function that compiles the probe, such as `check_c_source_compiles`.
    pub probe: String,
    /// The variable that receives the answer, where the text names it; else empty.
    pub decides: String,
    /// Why it cannot compile, in a few words.
    pub why: String,
    /// The security option that it speaks of, such as `landlock`: found in the variable, the source, or
    /// the lines right before. Empty where none is found.
    pub security: String,
    /// The file inside the crate.
    pub path: String,
    /// Line of the fault, from 1.
    pub line: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// What a step of a command chain does with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChainKind {
    /// Looks for files by their contents or names (`grep -r`, `find`).
    Search,
    /// Cuts bytes out by position (`head -c`, `tail -c`, `dd skip=`).
    Slice,
    /// Replaces characters by others (`tr`, `sed y`).
    Map,
    /// Decompresses or decodes (`xz -d`, `base64 -d`, ...).
    Decode,
    /// Decrypts (`openssl enc -d`, `gpg -d`).
    Decrypt,
    /// Gives the result to an interpreter (`| sh`, `eval`, `. ./file`).
    Run,
}

/// One step of a command chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainStep {
    /// What it does.
    pub what: ChainKind,
    /// Line, from 1.
    pub line: u64,
    /// The command, at most 120 characters.
    pub text: String,
}

/// Commands of a build file that turn data into commands and run them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandChain {
    /// What happens to the data, in order, at most 16 steps; the last one runs it.
    pub steps: Vec<ChainStep>,
    /// The file inside the crate.
    pub path: String,
    /// Line where the result is run, from 1.
    pub line: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}
