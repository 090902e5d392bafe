//! `repos`: the repositories behind the crates of a graph.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::Failure;
use super::arguments::{FetchHistory, ReposArguments, ReposCommand};
use super::{output, session};
use crate::collectors::{self, Options, repository};
use crate::domain::text::shown;
use crate::net::git::{Base, Git, Limits};
use crate::walker;

/// Where a test's server stands, instead of the hosts; another machine is refused.
const BASE: &str = "CARGO_CUSTODY_GIT_BASE";

/// Runs one of the subcommands.
pub fn run(arguments: &ReposArguments) -> Result<u8, Failure> {
    if arguments.common.offline {
        return Err(Failure::text("fetching repositories needs the network, and --offline is on"));
    }
    // The archives are read as they lie here; only git is to open sockets.
    let options = session::gather_options(&arguments.common, true)?;
    match &arguments.command {
        ReposCommand::Fetch { path, history, time, mib } => {
            fetch(&options, path, *history, *time, *mib)
        }
    }
}

/// The hosts, or the server of a test.
pub(super) fn base() -> Result<Base, Failure> {
    match std::env::var(BASE) {
        Ok(address) => Base::loopback(&address)
            .ok_or_else(|| Failure::text(format!("{BASE}: only http://127.0.0.1:PORT is taken"))),
        Err(_) => Ok(Base::hosts()),
    }
}

fn fetch(
    options: &Options,
    path: &Path,
    history: FetchHistory,
    time: Duration,
    mib: u64,
) -> Result<u8, Failure> {
    let base = base()?;
    let walk = walker::walk(path, &walker::Options::default())?;
    let gathered = collectors::gather(&walk.graph, options)?;
    let histories = match history {
        FetchHistory::Auto => repository::fetch::Histories::OfOpaque,
        FetchHistory::All => repository::fetch::Histories::All,
        FetchHistory::None => repository::fetch::Histories::None,
    };
    let (wanted, mut left) = repository::fetch::wanted(&gathered.sheets, histories);
    let limits = Limits { time, bytes: mib << 20 };
    let git = Git::new(options.cache_dir.join(collectors::FETCHED), base, limits);
    let result = repository::fetch::fetch(&git, &wanted, None, &|| {});
    left.extend(result.left);
    left.sort();
    let mut text = format!(
        "{} commits fetched, {} were there; compare with `cargo custody check --repos auto`\n",
        result.fetched, result.kept
    );
    for (name, why) in &left {
        let _ = writeln!(text, "not fetched: {}: {}", shown(name), shown(why));
    }
    output::stdout(text.as_bytes())?;
    Ok(0)
}
