//! Data on its way through code, what code does by itself, and what it checks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CapabilityHit;

/// One step of a flow.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// A file is read.
    Read,
    /// A large literal.
    Literal,
    /// Bytes that code makes out of nothing that is known: they are in no file, literal or answer.
    Compute,
    /// Something is fetched from the network.
    Fetch,
    /// Environment variables or credentials are read.
    Secret,
    /// Text or scrambled bytes are decoded, xor included.
    Decode,
    /// Bytes are decompressed.
    Decompress,
    /// Bytes are decrypted.
    Decrypt,
    /// The code changes bytes itself: arithmetic, another order, a part of them.
    Alter,
    /// Bytes are hashed.
    Digest,
    /// A file is written.
    Write,
    /// A file's mode is changed.
    Permission,
    /// Something is handed to the linker or compiler.
    Link,
    /// A program is started.
    Spawn,
    /// A library is loaded.
    Load,
    /// It becomes source code that is compiled: `include!`, or tokens of a macro.
    Include,
    /// Something is sent to the network.
    Send,
}

/// One place that data passes.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Step {
    /// What happens to the data.
    pub kind: StepKind,
    /// The API that does it, or the loop's operator.
    pub api: String,
    /// The constant that it works on: a path, program or address; empty where none is constant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// File inside the crate.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
}

/// Data that comes from somewhere and ends somewhere, through calls, closures, fields and traits of the
/// crate. What changes it on the way is told, and not needed.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[expect(clippy::struct_excessive_bools, reason = "facts that rules read one by one")]
pub struct Flow {
    /// Where the data comes from: `read`, `literal`, `compute`, `fetch` or `secret`.
    pub source: StepKind,
    /// Whether it is decoded, decompressed or decrypted on the way, by an API that is known to or by xor.
    pub decoded: bool,
    /// Whether the code changes the bytes itself on the way: arithmetic, another order, a part of them.
    #[serde(default)]
    pub altered: bool,
    /// Whether the file that it comes from is named as something else than what it ends as: another
    /// extension than that under which it is started, loaded, linked or compiled, or none that is known.
    #[serde(default)]
    pub disguised: bool,
    /// Whether it ends in something that runs, links or compiles it, not only in a file or as an argument.
    pub executed: bool,
    /// Where it ends: `write`, `link`, `spawn`, `load`, `include`, `permission` or `send`.
    pub sink: StepKind,
    /// The crate whose code holds it; empty for the crate's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub through: String,
    /// The steps in order, at most 12.
    pub steps: Vec<Step>,
}

/// When code does something on its own account.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ActWhen {
    /// Before `main`, or when a library is loaded.
    BeforeMain,
    /// Under a date that is compared with a constant.
    ByDate,
    /// On a host or for a user of some name.
    ByHost,
    /// Where a variable of a continuous integration service is set, or where none is.
    InCi,
}

/// Something that code does by itself, or only where the machine is the right one.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Act {
    /// When it is done.
    pub when: ActWhen,
    /// What makes it run: the attribute, or `if`.
    pub on: String,
    /// What it does, through functions of the crate, too: programs, network, secrets, libraries, places
    /// outside; at most 8 uses.
    pub does: Vec<CapabilityHit>,
    /// File inside the crate of the attribute or condition.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
}

/// A check of what is fetched, or the lack of one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// A computed digest is compared.
    DigestCompared,
    /// A signature is verified, or something else by a function that says so in its name.
    Verified,
    /// The result of such a comparison or verification decides nothing.
    ResultDropped,
    /// Certificates of servers are not checked.
    CertificatesIgnored,
    /// A whole commit id says what is fetched.
    CommitPinned,
    /// A branch is fetched, whatever it holds on the day.
    BranchFetched,
}

/// One place where something fetched is checked, or is not.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Check {
    /// What is checked, or not.
    pub kind: CheckKind,
    /// The function, program or address.
    pub note: String,
    /// File inside the crate.
    pub file: String,
    /// Line in that file, from 1.
    pub line: u32,
}
