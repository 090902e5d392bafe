//! Bytes in bounded memory: compressed streams, tar and zip archives, JSON and protobuf with limits, and
//! the one shape ([`anomaly`]) in which a parser reports what a well-formed file does not show.
//!
//! Pure but for [`disk`], the one door to files: no file is opened elsewhere and no socket, every size is checked before memory is taken, every parser
//! returns errors and none panics. Knows nothing of crates, models or findings.

pub mod anomaly;
pub mod codec;
pub mod disk;
pub mod excerpt;
pub mod gzip_tar;
pub mod json;
pub mod protobuf;
pub mod source;
pub mod stream;
pub mod zip_reader;
