//! The parsers of the program under one name, without the rest of it.

/// Every parser that a target may want.
pub mod formats {
    pub use crate_read::*;
    pub use custody_bytes::*;
    pub use model_scan::*;
}
