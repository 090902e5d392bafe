//! `repository`: who holds one git repository, whoever's it is.

use std::path::{Path, PathBuf};

use custody_repository::{Address, Place, Repository};

use super::arguments::RepositoryArguments;
use super::{Failure, output, repos, session};
use crate::collectors::repository::custody::custody;
use crate::collectors::{self, Options};
use crate::net::git::{Git, Limits, Remote};
use crate::reporter;

/// Prints the custody of a repository.
pub fn run(arguments: &RepositoryArguments) -> Result<u8, Failure> {
    let options = session::gather_options(&arguments.common, false)?;
    let folder = folder(arguments, &options)?;
    let repository = Repository::open(&folder)?;
    let told = custody(&repository, &arguments.subject, options.as_of)?;
    let text = if arguments.json {
        reporter::json_text(&told)?
    } else if arguments.html {
        reporter::repository::html(&told)?
    } else {
        reporter::repository::human(&told, output::width())
    };
    output::stdout(text.as_bytes())?;
    Ok(0)
}

/// The folder of a clone: the one that is named, else one of `--repos`, else one that is fetched.
fn folder(arguments: &RepositoryArguments, options: &Options) -> Result<PathBuf, Failure> {
    let named = Path::new(&arguments.subject);
    if named.is_dir() {
        return Ok(named.to_owned());
    }
    let address = Address::parse(&arguments.subject).ok_or_else(|| {
        Failure::text(format!(
            "`{}` is neither a folder nor the address of a repository",
            arguments.subject
        ))
    })?;
    if let Some(found) = Place::look(&options.repos).of(&address) {
        return Ok(found.to_owned());
    }
    let remote = Remote::new(address.host(), address.path()).ok_or_else(|| {
        Failure::text("the repository is not on a host that is asked")
            .help("clone it yourself and name the folder")
    })?;
    let limits = Limits { time: arguments.time, bytes: arguments.mib << 20 };
    let cache = options.cache_dir.join(collectors::WHOLE);
    let git = Git::new(cache, repos::base()?, limits).whole();
    if !options.offline {
        return Ok(git.everything(&remote)?);
    }
    let kept = git.folder(&remote);
    if kept.is_dir() {
        return Ok(kept);
    }
    Err(Failure::text("the repository was never fetched, and --offline is on"))
}
