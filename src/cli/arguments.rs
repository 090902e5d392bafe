//! What can be said on the command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::values;

/// Who holds the keys of every crate and model that this project pulls in, what changed hands, and
/// whether the bytes that would run look like xz.
#[derive(Debug, Parser)]
#[command(
    name = "cargo-custody",
    bin_name = "cargo custody",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
                  cargo custody                                  audit the project in this folder\n  \
                  cargo custody check --since origin/main        only what a change brings in\n  \
                  cargo custody check --format html=custody.html a page for a review\n  \
                  cargo custody inspect serde@1.0.228            one crate in depth\n  \
                  cargo custody explain known-bad-file           what a rule measures\n\n\
                  Exit codes: 0 nothing at or above --fail-on, 1 findings at or above it,\n\
                  2 usage, configuration or internal error, 3 a required check could not run."
)]
pub struct Cli {
    /// The subcommand; `check` without one.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Arguments of `check`.
    #[command(flatten)]
    pub check: CheckArguments,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit a project, a lockfile, or a model folder or file (the default command)
    Check(Box<CheckArguments>),
    /// Audit many projects in one process, and say what only all of them together can
    Fleet(Box<FleetArguments>),
    /// Look at one crate or model file in depth
    Inspect(InspectArguments),
    /// Print all facts of one crate as JSON, for rule authors
    Facts(FactsArguments),
    /// Compare two versions of a crate
    Diff(DiffArguments),
    /// Say what a rule measures, why it matters and when it is wrong
    Explain(ExplainArguments),
    /// List the rules, or run their tests
    Rules(RulesArguments),
    /// Say who holds the keys of this graph
    Report(ReportArguments),
    /// List the crates that carry AI, models, adapters, data sets and hosted services of a project
    Inventory(InventoryArguments),
    /// Write custody.lock: who holds the keys today
    Pin(PinArguments),
    /// Record today's findings, so that the gate starts green without hiding them
    Baseline(BaselineArguments),
    /// Write an exception for a finding into custody.toml, with its reason and the hashes it holds for
    Waive(WaiveArguments),
    /// Update what advisories speak of, where nothing but Cargo.lock has to change
    Fix(FixArguments),
    /// Update the advisories, import a registry dump, write a slim extract
    Db(DbArguments),
    /// Fetch the commits that the crates of a graph were made from, for `--repos auto`
    Repos(ReposArguments),
    /// Say who holds a git repository: who lets code in, who followed whom, who brought what
    Repository(Box<RepositoryArguments>),
    /// Write a commented custody.toml, and a workflow for your code host
    Init(InitArguments),
    /// Print shell completions
    Completions(CompletionsArguments),
    /// Print the manual page, or write those of all subcommands into a folder
    Man(ManArguments),
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Where the stream is a terminal, `NO_COLOR` and `CLICOLOR` obeyed.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags that every subcommand that measures something takes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Where facts come from, and how much is said")]
#[expect(clippy::struct_excessive_bools, reason = "one flag of the command line each")]
pub struct CommonArguments {
    /// Open no socket at all
    #[arg(global = true, long, env = "CARGO_CUSTODY_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    pub offline: bool,
    /// Ask the registry, the advisory database and the source of custody data again, although what is kept
    /// would do
    #[arg(global = true, long)]
    pub refresh: bool,
    /// The day the audit speaks of; only facts known by that day count [default: today]
    #[arg(global = true, long, value_name = "DATE")]
    pub as_of: Option<jiff::civil::Date>,
    /// A folder with more rules (repeatable)
    #[arg(global = true, long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// The policy file instead of the project's custody.toml
    #[arg(global = true, long, value_name = "FILE", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// Ignore the project's custody.toml
    #[arg(global = true, long)]
    pub no_config: bool,
    /// A checkout of the advisory database
    #[arg(global = true, long, value_name = "DIR")]
    pub advisory_db: Option<PathBuf>,
    /// A registry dump or slim file to read custody data from
    #[arg(global = true, long, value_name = "FILE", env = "CARGO_CUSTODY_DUMP")]
    pub dump: Option<PathBuf>,
    /// A folder with clones of the crates' repositories, to compare archives with, or `auto` for what
    /// can be fetched, or was and --offline is given (repeatable)
    #[arg(global = true, long, value_name = "DIR")]
    pub repos: Vec<PathBuf>,
    /// How long the registry's API may be asked, at one request a second, such as 60s or 5m
    #[arg(global = true, long, value_name = "TIME", default_value = "20s", value_parser = duration)]
    pub api_budget: std::time::Duration,
    /// Name of the environment variable that holds a Hub token; without it no token is sent
    #[arg(global = true, long, value_name = "NAME")]
    pub hub_token_env: Option<String>,
    /// Where measured facts and downloads are kept
    #[arg(global = true, long, value_name = "DIR", env = "CARGO_CUSTODY_CACHE_DIR")]
    pub cache_dir: Option<PathBuf>,
    /// A store of measured facts that machines share: `file:FOLDER`, or `s3://BUCKET/PREFIX`
    /// with credentials from the environment (needs the feature s3)
    #[arg(global = true, long, value_name = "URL", env = "CARGO_CUSTODY_STORE")]
    pub store: Option<String>,
    /// How many threads scan archives [default: one a core]
    #[arg(global = true, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// When to use colour
    #[arg(global = true, long, value_enum, default_value_t)]
    pub color: Color,
    /// Say less on stderr
    #[arg(global = true, short, long)]
    pub quiet: bool,
}

/// Arguments of `check`.
#[expect(clippy::struct_excessive_bools, reason = "one a flag")]
#[derive(Clone, Debug, Default, Args)]
pub struct CheckArguments {
    /// A project folder, a Cargo.lock, or a model folder or file
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// The project's Cargo.toml
    #[arg(long, value_name = "FILE")]
    pub manifest_path: Option<PathBuf>,
    /// Gate only what changed against this lockfile
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    pub base_lockfile: Option<PathBuf>,
    /// Gate only what changed since this git revision; policy is read from it, too
    #[arg(long, value_name = "GIT-REF")]
    pub since: Option<String>,
    /// How and where to report (repeatable): human, json, sarif, github, markdown, gitlab,
    /// cyclonedx, cyclonedx-1.7, html [default: human]
    #[arg(long, value_name = "FORMAT[=FILE]", value_parser = values::formats(), hide_possible_values = true)]
    pub format: Vec<String>,
    /// Fail from this level on: note, low, medium, high, critical, never [default: high]
    #[arg(long, value_name = "LEVEL", value_parser = values::gates(), hide_possible_values = true)]
    pub fail_on: Option<String>,
    /// Show findings from this level on [default: low]
    #[arg(long, value_name = "LEVEL", value_parser = values::levels(), hide_possible_values = true)]
    pub min_level: Option<String>,
    /// Leave a rule out (repeatable)
    #[arg(long, value_name = "RULE", value_parser = values::rules(), hide_possible_values = true)]
    pub disable: Vec<String>,
    /// Show everything: notes and signals, too
    #[arg(long)]
    pub all: bool,
    /// Show all evidence with hashes, the sums behind the scores, and what was measured
    #[arg(short, long)]
    pub verbose: bool,
    /// Fail on what would be a finding if the unknown turned out badly
    #[arg(long)]
    pub strict_unknown: bool,
    /// Pass although this crate or model could not be read (repeatable); it is named in the report
    #[arg(long, value_name = "NAME")]
    pub allow_unread: Vec<String>,
    /// How long all waiting for the network may take, such as 5m; what is missing then is named
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub deadline: Option<std::time::Duration>,
    /// Audit every lockfile below the folder as well, in one report
    #[arg(long)]
    pub recursive: bool,
    /// Ask `cargo metadata`, too, which features and targets are on (started outside the tree)
    #[arg(long)]
    pub metadata: bool,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

impl CheckArguments {
    /// A check of one path with common flags, and nothing else asked for.
    #[must_use]
    pub fn about(path: &Path, common: &CommonArguments) -> Self {
        Self { path: path.to_owned(), common: common.clone(), ..Self::default() }
    }
}

/// Arguments of `inspect`.
#[derive(Clone, Debug, Args)]
pub struct InspectArguments {
    /// NAME@VERSION, a .crate file, a crate's folder, or a model file or folder
    pub subject: String,
    /// Hash model files of whatever size, and not only those up to 1 MiB
    #[arg(long)]
    pub hash: bool,
    /// Fail from this level on: note, low, medium, high, critical, never [default: never]
    #[arg(long, value_name = "LEVEL", value_parser = values::gates(), hide_possible_values = true)]
    pub fail_on: Option<String>,
    /// How and where to report: human, json, html [default: human]
    #[arg(long, value_name = "FORMAT[=FILE]", value_parser = values::page_formats(), hide_possible_values = true)]
    pub format: Option<String>,
    /// Print JSON, as --format json does
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Arguments of `facts`.
#[derive(Clone, Debug, Args)]
pub struct FactsArguments {
    /// NAME@VERSION of a crate, or a model folder or file
    #[arg(required_unless_present = "stdin", conflicts_with = "stdin")]
    pub spec: Option<String>,
    /// Read one item a line from standard input and answer each with one line of JSON
    #[arg(long)]
    pub stdin: bool,
    /// How long one item of the stream may take, such as 30s or 5m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration, requires = "stdin")]
    pub item_time: std::time::Duration,
    /// Largest archive that the stream reads, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=512), requires = "stdin")]
    pub item_mib: u64,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Arguments of `fleet`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct FleetArguments {
    /// What to ask of a fleet that was audited.
    #[command(subcommand)]
    pub command: Option<FleetCommand>,
    /// What to audit.
    #[command(flatten)]
    pub run: FleetRun,
}

/// What a fleet consists of, and how it is audited.
#[derive(Clone, Debug, Args)]
pub struct FleetRun {
    /// Project folders, lockfiles, files with one of these a line, or - for a list on standard input
    #[arg(value_name = "LIST", required = true)]
    pub list: Vec<PathBuf>,
    /// Write a record, SARIF and HTML of each project and the page of the fleet here
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Leave out projects that an interrupted run with the same question has finished
    #[arg(long, requires = "out")]
    pub resume: bool,
    /// Audit only every Nth project, beginning with the Ith
    #[arg(long, value_name = "I/N")]
    pub shard: Option<super::fleet::Shard>,
    /// Gate only what changed in each project since this git revision
    #[arg(long, value_name = "GIT-REF")]
    pub since: Option<String>,
    /// Fail from this level on: note, low, medium, high, critical, never [default: high]
    #[arg(long, value_name = "LEVEL", value_parser = values::gates(), hide_possible_values = true)]
    pub fail_on: Option<String>,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Questions about a fleet that was audited.
#[derive(Clone, Debug, Subcommand)]
pub enum FleetCommand {
    /// Say which projects lock a crate
    Who(WhoArguments),
    /// Sum up the records of several runs or shards
    Sum {
        /// Folders of `fleet --out`
        #[arg(long, value_name = "DIR", required = true)]
        out: Vec<PathBuf>,
    },
}

/// Arguments of `fleet who`.
#[derive(Clone, Debug, Args)]
pub struct WhoArguments {
    /// NAME or NAME@VERSION
    pub spec: String,
    /// Folders of `fleet --out`
    #[arg(long, value_name = "DIR", required = true)]
    pub out: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `diff`.
#[derive(Clone, Debug, Args)]
pub struct DiffArguments {
    /// Crate name
    pub name: String,
    /// Older version
    pub old: String,
    /// Newer version
    pub new: String,
    /// Show what changed in build code line by line, with what is seen in each hunk, and the first bytes of
    /// files that are not text, old against new
    #[arg(long)]
    pub patch: bool,
    /// How and where to report: human, json, html (a page with the patch) [default: human]
    #[arg(long, value_name = "FORMAT[=FILE]", value_parser = values::page_formats(), hide_possible_values = true)]
    pub format: Option<String>,
    /// Print JSON, as --format json does
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Arguments of `explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArguments {
    /// Rule id, or `score` for how the sums behind the findings come about
    #[arg(value_parser = values::rules(), hide_possible_values = true)]
    pub rule: String,
    /// A folder with more rules (repeatable)
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
}

/// Arguments of `rules`.
#[derive(Clone, Debug, Args)]
pub struct RulesArguments {
    /// Run the tests inside the rules
    #[arg(long)]
    pub test: bool,
    /// Print the fact table that rule authors write conditions over
    #[arg(long, conflicts_with = "test")]
    pub facts: bool,
    /// Count how often each signal fires on the graphs of these lockfiles, as base-rates.toml
    #[arg(long, value_name = "LOCKFILE", num_args = 0.., conflicts_with_all = ["test", "facts"])]
    pub measure: Option<Vec<PathBuf>>,
    /// Count over facts that are there, without archives: JSON lines of `facts --stdin`, - for standard
    /// input, or Parquet with a column `line` (repeatable)
    #[arg(long, value_name = "FACTS", requires = "measure")]
    pub from: Vec<PathBuf>,
    /// Write a page about each rule into a folder, for a web server
    #[arg(long, value_name = "DIR", conflicts_with_all = ["test", "facts", "measure"])]
    pub book: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Arguments of `report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArguments {
    /// A project folder or a Cargo.lock
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// How and where to report: human, json, html [default: human]
    #[arg(long, value_name = "FORMAT[=FILE]", value_parser = values::page_formats(), hide_possible_values = true)]
    pub format: Option<String>,
    /// Print JSON, as --format json does
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Arguments of `inventory`.
#[derive(Clone, Debug, Args)]
pub struct InventoryArguments {
    /// A project folder
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Arguments of `pin`.
#[derive(Clone, Debug, Args)]
pub struct PinArguments {
    /// A project folder or a Cargo.lock
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Accept what changed of one crate or model, and keep everything else as it is
    #[arg(long, value_name = "NAME", requires = "reason")]
    pub update: Option<String>,
    /// Pin the code that runs at build time, too: its hash, its files, what it can do
    #[arg(long)]
    pub build_code: bool,
    /// Why the change is accepted; it stays in the file
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Arguments of `baseline`.
#[derive(Clone, Debug, Args)]
pub struct BaselineArguments {
    /// Why these findings are accepted for now
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Arguments of the audit.
    #[command(flatten)]
    pub check: CheckArguments,
}

/// Arguments of `waive`.
#[derive(Clone, Debug, Args)]
pub struct WaiveArguments {
    /// Rule id
    #[arg(value_parser = values::rules(), hide_possible_values = true)]
    pub rule: String,
    /// NAME or NAME@VERSION of the crate or model
    pub package: String,
    /// Why this is acceptable; it stays in the file and in every report
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Last day on which it counts
    #[arg(long, value_name = "DATE")]
    pub expires: Option<jiff::civil::Date>,
    /// Let it hold whatever the bytes become; not for a critical finding
    #[arg(long)]
    pub any_bytes: bool,
    /// A project folder, a Cargo.lock, or a model folder or file
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Arguments of `fix`.
#[derive(Clone, Debug, Args)]
pub struct FixArguments {
    /// A project folder or a Cargo.lock
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Print the commands and run none
    #[arg(long)]
    pub dry_run: bool,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Arguments of `db`.
#[derive(Clone, Debug, Args)]
pub struct DbArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: DbCommand,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Arguments of `repos`.
#[derive(Clone, Debug, Args)]
pub struct ReposArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: ReposCommand,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Subcommands of `repos`.
#[derive(Clone, Debug, Subcommand)]
pub enum ReposCommand {
    /// Fetch with git, from known hosts over https, into the tool's own cache
    Fetch {
        /// A project folder or a Cargo.lock
        #[arg(default_value = ".")]
        path: PathBuf,
        /// The commits before a release: of crates that hold opaque files, of all, of none
        #[arg(long, value_enum, default_value_t)]
        history: FetchHistory,
        /// How long one call of git may take, such as 60s or 5m
        #[arg(long, value_name = "TIME", default_value = "120s", value_parser = duration)]
        time: std::time::Duration,
        /// Most MiB of one repository
        #[arg(long, value_name = "MIB", default_value_t = 256)]
        mib: u64,
    },
}

/// Arguments of `repository`.
#[derive(Clone, Debug, Args)]
pub struct RepositoryArguments {
    /// A clone, or the address of a repository on a known host, which is fetched unless --offline is given
    #[arg(value_name = "URL-or-DIR")]
    pub subject: String,
    /// Print JSON, `custody-repository/1`
    #[arg(long, conflicts_with = "html")]
    pub json: bool,
    /// Print one HTML page with the timeline
    #[arg(long)]
    pub html: bool,
    /// How long git may take, such as 60s or 5m
    #[arg(long, value_name = "TIME", default_value = "300s", value_parser = duration)]
    pub time: std::time::Duration,
    /// Most MiB of the repository
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub mib: u64,
    /// Flags of all measuring subcommands.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// Of which crates the history is fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FetchHistory {
    /// Of those whose archive holds opaque files.
    #[default]
    Auto,
    /// Of all.
    All,
    /// Of none.
    None,
}

/// What `db update` fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DbData {
    /// The advisory database.
    Advisories,
    /// Who owns and who published, from the registry's dump.
    Custody,
}

/// Subcommands of `db`.
#[derive(Clone, Debug, Subcommand)]
pub enum DbCommand {
    /// Fetch what audits ask for: advisories, and custody data out of the registry's dump
    Update {
        /// Fetch this only
        #[arg(long, value_name = "DATA")]
        only: Option<DbData>,
        /// Read from the dump what depends on what, too, for the list of popular names: as much again
        #[arg(long)]
        dependents: bool,
    },
    /// Import the registry's database dump
    Import {
        /// The dump, a .tar.gz
        #[arg(required_unless_present = "download", conflicts_with = "download")]
        file: Option<PathBuf>,
        /// Fetch it, as `db update --only custody` does
        #[arg(long)]
        download: bool,
    },
    /// Write the extract of one graph, for CI to cache or commit, or of the whole registry
    Slim {
        /// The graph
        #[arg(long, value_name = "FILE", default_value = "Cargo.lock")]
        lockfile: PathBuf,
        /// Of every crate, as audits fetch it
        #[arg(long, conflicts_with = "lockfile")]
        all: bool,
        /// Where to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Say what is there and how old it is
    Status,
}

/// Arguments of `init`.
#[derive(Clone, Debug, Args)]
pub struct InitArguments {
    /// The project folder
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// The workflow to write [default: that of the code host that the folder names]
    #[arg(long, value_enum, value_name = "HOST")]
    pub workflow: Option<WorkflowHost>,
    /// Overwrite files that are there
    #[arg(long)]
    pub force: bool,
}

/// For which code host `init` writes a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorkflowHost {
    /// GitHub: .github/workflows/custody.yml.
    Github,
    /// GitLab: .gitlab/custody.yml.
    Gitlab,
    /// None.
    None,
}

/// Arguments of `man`.
#[derive(Clone, Debug, Args)]
pub struct ManArguments {
    /// Where the pages go, such as ~/.local/share/man/man1
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Arguments of `completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    pub shell: clap_complete::Shell,
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    let (digits, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = digits.parse().map_err(|_| "write a number and s, m or h".to_owned())?;
    let seconds = match unit {
        "" | "s" => Some(number),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3600),
        _ => None,
    };
    seconds
        .map(std::time::Duration::from_secs)
        .ok_or_else(|| "write a number and s, m or h".to_owned())
}
