//! `man`: the manual, made from what the command line itself knows.

use super::Failure;
use super::arguments::ManArguments;
use super::output;

/// Prints the page of the program, or writes the pages of all subcommands into a folder.
pub fn run(arguments: &ManArguments) -> Result<u8, Failure> {
    let command = super::help::command().name("cargo-custody").bin_name("cargo-custody");
    let Some(folder) = &arguments.folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        output::stdout(&page)?;
        return Ok(0);
    };
    let failed = |error: std::io::Error| {
        Failure::text(format!("cannot write the manual into {}: {error}", folder.display()))
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command, folder).map_err(failed)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("man1");
        assert_eq!(run(&ManArguments { folder: Some(folder.clone()) }).unwrap(), 0);
        for name in ["", "-check", "-inspect", "-rules", "-db-slim"] {
            let page = std::fs::read_to_string(folder.join(format!("cargo-custody{name}.1")));
            assert!(page.unwrap().contains(".SH"), "{name}");
        }
    }
}
