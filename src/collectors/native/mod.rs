//! What the vendored native sources of a crate are, and what their build files would do: group `native`.
//! Read from the bytes of the archive; nothing is run, nothing judged.
//!
//! A [`NativeKeeper`] reads every file once while the archive passes by and keeps findings only, no
//! bytes. The result depends on those bytes alone, so it can be kept under the archive's hash with
//! [`COLLECTOR_VERSION`].

mod facts;
mod keeper;

#[cfg(test)]
mod tests;

pub use facts::NativeFacts;
pub use keeper::NativeKeeper;

/// Name of the group.
pub const GROUP: &str = "native";

/// Has to be raised whenever the same archive gives other facts than before.
pub const COLLECTOR_VERSION: u64 = 3;
