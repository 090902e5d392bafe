//! `init`: a commented custody.toml, and a workflow for the code host.

use std::path::Path;

use super::Failure;
use super::arguments::InitArguments;
use super::output;
use crate::config;

/// Writes the policy file. Says what it wrote.
pub fn run(arguments: &InitArguments) -> Result<u8, Failure> {
    if !arguments.path.is_dir() {
        return Err(Failure::text(format!("{} is not a folder", arguments.path.display())));
    }
    write_new(&arguments.path.join("custody.toml"), config::init_text(), arguments.force)?;
    Ok(0)
}

/// Writes a file that is not there yet, or that may be overwritten.
fn write_new(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    if path.exists() && !force {
        return Err(Failure::text(format!("{} is there already", path.display()))
            .help("--force overwrites it"));
    }
    output::file(path, text.as_bytes())?;
    output::stdout(format!("wrote {}\n", path.display()).as_bytes())
}
