//! The parsers of the program, compiled for the fuzz targets without the rest of it.

#[path = "../../src/formats/mod.rs"]
pub mod formats;
