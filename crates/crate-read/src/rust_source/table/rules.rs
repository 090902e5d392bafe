//! The rows of the capability table: what its words are and mean.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What code can do when it runs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Speaks to the network by any means.
    Network,
    /// Fetches something: an HTTP, OCI or git client, or a program that is one.
    Download,
    /// Opens sockets itself.
    RawSocket,
    /// Starts a program.
    Spawn,
    /// Starts a shell.
    Shell,
    /// Reads the whole environment.
    EnvironmentWideRead,
    /// Reads a variable or file whose name says that it is a secret.
    SecretRead,
    /// Reads the user's home or configuration folder.
    HomeOrCredentialRead,
    /// Writes to a place that is known not to be `OUT_DIR`.
    WriteOutsideOutDir,
    /// Changes the mode or owner of a file.
    PermissionChange,
    /// Loads a library into the running process.
    DynamicLoad,
    /// Tells the linker an argument.
    LinkArgument,
    /// Puts a program between cargo and rustc.
    RustcWrapper,
    /// Decodes text or scrambled bytes (base64, hexadecimal, xor).
    Decode,
    /// Decompresses.
    Decompress,
    /// Decrypts.
    Decrypt,
    /// Declares or calls foreign functions.
    Ffi,
    /// Runs before `main` or when a library is loaded.
    PreMain,
    /// Acts only at some time or place: clock, host name, user name, debugger, CI.
    Gate,
}

impl Capability {
    /// The kebab-case word, as it stands in tables, facts and rules.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Download => "download",
            Self::RawSocket => "raw-socket",
            Self::Spawn => "spawn",
            Self::Shell => "shell",
            Self::EnvironmentWideRead => "environment-wide-read",
            Self::SecretRead => "secret-read",
            Self::HomeOrCredentialRead => "home-or-credential-read",
            Self::WriteOutsideOutDir => "write-outside-out-dir",
            Self::PermissionChange => "permission-change",
            Self::DynamicLoad => "dynamic-load",
            Self::LinkArgument => "link-argument",
            Self::RustcWrapper => "rustc-wrapper",
            Self::Decode => "decode",
            Self::Decompress => "decompress",
            Self::Decrypt => "decrypt",
            Self::Ffi => "ffi",
            Self::PreMain => "pre-main",
            Self::Gate => "gate",
        }
    }
}

/// A question about the machine that code can make itself depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// What time it is.
    Clock,
    /// Which host or user this is.
    Host,
    /// Whether this is a continuous integration service.
    Ci,
}

/// What an API does with its arguments, for reads, writes and flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads the file that its first argument names.
    ReadFile,
    /// Lists the folder that its first argument names.
    ReadFolder,
    /// Expands the pattern that is its first argument.
    Glob,
    /// Writes the file that its first argument names (with its second, where there is one).
    WriteFile,
    /// Copies its first argument to its second.
    Copy,
    /// Moves bytes from its first argument to its second.
    Pipe,
    /// Starts the program that its first argument names.
    Spawn,
    /// Reads the environment variable that its first argument names.
    Variable,
    /// Removes the file or folder that its first argument names.
    Remove,
    /// Reads the whole environment.
    Environment,
    /// Sets a variable of its own environment, which children inherit.
    SetVariable,
    /// Gives the folder in which the program runs: for build scripts, that of their crate.
    Here,
    /// Fetches from the network.
    Fetch,
    /// Decodes, decompresses or decrypts its arguments.
    Decode,
    /// Computes a digest.
    Digest,
    /// Changes the mode of the file that its first argument names.
    Permission,
    /// Loads the library that its first argument names.
    Load,
    /// Compiles or links the file that its first argument names.
    Compile,
}

/// API paths and what they mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiRule {
    /// Full paths; everything below a path is meant, too.
    pub paths: Vec<String>,
    /// What using one of them means.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// What its result answers.
    #[serde(default)]
    pub asks: Option<Asks>,
    /// What it does with its arguments.
    #[serde(default)]
    pub role: Option<Role>,
    /// Why it stands here.
    pub why: String,
}

/// Method names that mean something whatever the receiver is, or on receivers of one type.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodRule {
    /// Method names.
    pub names: Vec<String>,
    /// Type of the receiver, where the name alone says too little.
    #[serde(default)]
    pub on: Option<String>,
    /// What calling one of them means.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// What it does with its receiver and arguments.
    #[serde(default)]
    pub role: Option<Role>,
    /// Why it stands here.
    pub why: String,
}

/// Programs that a spawn can name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramRule {
    /// File names without folder and extension.
    pub names: Vec<String>,
    /// Only with one of these among the constant arguments; empty: always. `~x`: an argument that holds x.
    #[serde(default)]
    pub with: Vec<String>,
    /// What starting one of them means, beyond `spawn`.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// What it does with the files and texts that it is given.
    #[serde(default)]
    pub data: Option<DataUse>,
    /// Why it stands here.
    pub why: String,
}

/// What a program does with the data that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataUse {
    /// Fetches it from elsewhere, or sends it there.
    Fetches,
    /// Decodes, decompresses or decrypts it.
    Decodes,
    /// Moves, packs, shows or measures it.
    Moves,
    /// Reads it as a program.
    Interprets,
    /// Compiles or links it.
    Compiles,
    /// Starts the program that its arguments name.
    Wraps,
    /// Fetches what its arguments name, and runs it.
    RunsFetched,
}

/// What an option or a variable of a child names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// A program, with its arguments.
    Program,
    /// A folder whose files are started by their names.
    Programs,
    /// A file that is run as a script.
    Script,
    /// A library that is loaded.
    Library,
    /// A folder whose libraries are loaded.
    Libraries,
    /// Text that is run.
    Code,
}

/// Options of programs that name code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionRule {
    /// File names of the programs, without folder and extension.
    pub programs: Vec<String>,
    /// Options: those that end in `=` have their value behind it, others in the next argument.
    pub options: Vec<String>,
    /// What the value names.
    pub given: Given,
    /// Why it stands here.
    pub why: String,
}

/// Environment variables of a child that change what it runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildRule {
    /// Whole names.
    pub names: Vec<String>,
    /// What the value names.
    pub given: Given,
    /// Why it stands here.
    pub why: String,
}

/// Names of environment variables.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableRule {
    /// Whole names, or runs of words between underscores.
    pub names: Vec<String>,
    /// Whether a run of words inside a longer name counts (`MY_API_KEY`).
    #[serde(default)]
    pub inside: bool,
    /// What reading one of them means.
    pub capabilities: Vec<Capability>,
    /// What its value answers.
    #[serde(default)]
    pub asks: Option<Asks>,
    /// Why it stands here.
    pub why: String,
}

/// Places in the file system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceRule {
    /// Runs of path segments (`.ssh`, `.cargo/credentials`), matched on segment borders, whatever the case.
    pub names: Vec<String>,
    /// Whether what lies there starts by itself.
    #[serde(default)]
    pub starts: bool,
    /// What a constant that names one means.
    pub capabilities: Vec<Capability>,
    /// Why it stands here.
    pub why: String,
}

/// Services where anybody can receive or leave data without a name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRule {
    /// Hosts with the hosts below them, or a host with the beginning of a path.
    pub names: Vec<String>,
    /// Why it stands here.
    pub why: String,
}

/// Settings of a project that start something.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartRule {
    /// Ends of paths, or folders inside them.
    pub names: Vec<String>,
    /// Why it stands here.
    pub why: String,
}
