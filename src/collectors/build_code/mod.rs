//! What a crate's code can do when it runs at build time, and what its library does with secrets:
//! groups `build`, `library` and `secrets`. Read from the bytes of the archive; nothing is run and nothing judged.
//!
//! A [`SourceKeeper`] sees every file during the pass over the archive and keeps what may matter; its
//! [`BuildRecord`] depends on those bytes and on the capability table only, so it can be kept under the
//! archive's hash (see [`store_version`]). What is reached through build-dependencies is added
//! afterwards, from their records ([`BuildRecord::follow`]), and by reading their code together with this
//! one's ([`read_together`]).

mod cover;
mod facts;
mod hosts;
mod keeper;
mod manifest;
mod marks;
mod measure;
mod through;
mod together;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

pub use facts::{BuildFacts, BuildRecord, LibraryFacts, SecretFacts, SecretModule};
pub use hosts::{Host, HostKind};
pub use keeper::SourceKeeper;
pub use manifest::ManifestInput;
pub use through::Helper;
pub use together::{Code, Together, is_library_code, read_together};

use super::archive::{ListedFile, Observer};
use crate_read::rust_source::CapabilityTable;

/// Name of the group with the build-time facts.
pub const GROUP: &str = "build";
/// Name of the group about secrets at run time.
pub const SECRETS_GROUP: &str = "secrets";

/// Name of the group about what libraries do at run time.
pub const LIBRARY_GROUP: &str = "library";

/// Has to be raised whenever the same archive gives another record than before.
pub const COLLECTOR_VERSION: u32 = 8;

const TABLE: &str = include_str!("../../../rules/tables/capabilities.toml");

/// The capability table that is built in.
///
/// # Panics
/// Never: a test reads the table.
#[must_use]
pub fn capability_table() -> &'static CapabilityTable {
    static PARSED: OnceLock<CapabilityTable> = OnceLock::new();
    PARSED.get_or_init(|| CapabilityTable::parse(TABLE).expect("the built-in table is valid"))
}

/// Version under which records are kept: the collector's and the table's.
#[must_use]
pub fn store_version() -> u64 {
    let digest = Sha256::digest(TABLE.as_bytes());
    let table = digest.iter().take(4).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    u64::from(COLLECTOR_VERSION) << 32 | table
}

impl Observer for SourceKeeper {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        Self::file(self, &file.path, bytes);
    }
}
