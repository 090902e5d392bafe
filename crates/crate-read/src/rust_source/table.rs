//! The capability table: which API path, method, program, variable or place means what. It is data,
//! handed in by the caller; nothing here knows a name by itself.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};

use aho_corasick::AhoCorasick;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What code can do when it runs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Speaks to the network by any means.
    Network,
    /// Fetches something: an HTTP, OCI or git client, or a program that is one.
    Download,
    /// Opens sockets itself.
    RawSocket,
    /// Starts a program.
    Spawn,
    /// Starts a shell.
    Shell,
    /// Reads the whole environment.
    EnvironmentWideRead,
    /// Reads a variable or file whose name says that it is a secret.
    SecretRead,
    /// Reads the user's home or configuration folder.
    HomeOrCredentialRead,
    /// Writes to a place that is known not to be `OUT_DIR`.
    WriteOutsideOutDir,
    /// Changes the mode or owner of a file.
    PermissionChange,
    /// Loads a library into the running process.
    DynamicLoad,
    /// Tells the linker an argument.
    LinkArgument,
    /// Puts a program between cargo and rustc.
    RustcWrapper,
    /// Decodes text or scrambled bytes (base64, hexadecimal, xor).
    Decode,
    /// Decompresses.
    Decompress,
    /// Decrypts.
    Decrypt,
    /// Declares or calls foreign functions.
    Ffi,
    /// Runs before `main` or when a library is loaded.
    PreMain,
    /// Acts only at some time or place: clock, host name, user name, debugger, CI.
    Gate,
}

impl Capability {
    /// The kebab-case word, as it stands in tables, facts and rules.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Download => "download",
            Self::RawSocket => "raw-socket",
            Self::Spawn => "spawn",
            Self::Shell => "shell",
            Self::EnvironmentWideRead => "environment-wide-read",
            Self::SecretRead => "secret-read",
            Self::HomeOrCredentialRead => "home-or-credential-read",
            Self::WriteOutsideOutDir => "write-outside-out-dir",
            Self::PermissionChange => "permission-change",
            Self::DynamicLoad => "dynamic-load",
            Self::LinkArgument => "link-argument",
            Self::RustcWrapper => "rustc-wrapper",
            Self::Decode => "decode",
            Self::Decompress => "decompress",
            Self::Decrypt => "decrypt",
            Self::Ffi => "ffi",
            Self::PreMain => "pre-main",
            Self::Gate => "gate",
        }
    }
}

/// A question about the machine that code can make itself depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// What time it is.
    Clock,
    /// Which host or user this is.
    Host,
    /// Whether this is a continuous integration service.
    Ci,
}

/// What an API does with its arguments, for reads, writes and flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads the file that its first argument names.
    ReadFile,
    /// Lists the folder that its first argument names.
    ReadFolder,
    /// Expands the pattern that is its first argument.
    Glob,
    /// Writes the file that its first argument names (with its second, where there is one).
    WriteFile,
    /// Copies its first argument to its second.
    Copy,
    /// Moves bytes from its first argument to its second.
    Pipe,
    /// Starts the program that its first argument names.
    Spawn,
    /// Reads the environment variable that its first argument names.
    Variable,
    /// Removes the file or folder that its first argument names.
    Remove,
    /// Reads the whole environment.
    Environment,
    /// Sets a variable of its own environment, which children inherit.
    SetVariable,
    /// Gives the folder in which the program runs: for build scripts, that of their crate.
    Here,
    /// Fetches from the network.
    Fetch,
    /// Decodes, decompresses or decrypts its arguments.
    Decode,
    /// Computes a digest.
    Digest,
    /// Changes the mode of the file that its first argument names.
    Permission,
    /// Loads the library that its first argument names.
    Load,
    /// Compiles or links the file that its first argument names.
    Compile,
}

/// API paths and what they mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiRule {
    /// Full paths; everything below a path is meant, too.
    pub paths: Vec<String>,
    /// What using one of them means.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// What its result answers.
    #[serde(default)]
    pub asks: Option<Asks>,
    /// What it does with its arguments.
    #[serde(default)]
    pub role: Option<Role>,
    /// Why it stands here.
    pub why: String,
}

/// Method names that mean something whatever the receiver is, or on receivers of one type.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodRule {
    /// Method names.
    pub names: Vec<String>,
    /// Type of the receiver, where the name alone says too little.
    #[serde(default)]
    pub on: Option<String>,
    /// What calling one of them means.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// What it does with its receiver and arguments.
    #[serde(default)]
    pub role: Option<Role>,
    /// Why it stands here.
    pub why: String,
}

/// Programs that a spawn can name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramRule {
    /// File names without folder and extension.
    pub names: Vec<String>,
    /// Only with one of these among the constant arguments; empty: always. `~x`: an argument that holds x.
    #[serde(default)]
    pub with: Vec<String>,
    /// What starting one of them means, beyond `spawn`.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// What it does with the files and texts that it is given.
    #[serde(default)]
    pub data: Option<DataUse>,
    /// Why it stands here.
    pub why: String,
}

/// What a program does with the data that it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataUse {
    /// Fetches it from elsewhere, or sends it there.
    Fetches,
    /// Decodes, decompresses or decrypts it.
    Decodes,
    /// Moves, packs, shows or measures it.
    Moves,
    /// Reads it as a program.
    Interprets,
    /// Compiles or links it.
    Compiles,
    /// Starts the program that its arguments name.
    Wraps,
    /// Fetches what its arguments name, and runs it.
    RunsFetched,
}

/// What an option or a variable of a child names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// A program, with its arguments.
    Program,
    /// A folder whose files are started by their names.
    Programs,
    /// A file that is run as a script.
    Script,
    /// A library that is loaded.
    Library,
    /// A folder whose libraries are loaded.
    Libraries,
    /// Text that is run.
    Code,
}

/// Options of programs that name code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionRule {
    /// File names of the programs, without folder and extension.
    pub programs: Vec<String>,
    /// Options: those that end in `=` have their value behind it, others in the next argument.
    pub options: Vec<String>,
    /// What the value names.
    pub given: Given,
    /// Why it stands here.
    pub why: String,
}

/// Environment variables of a child that change what it runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildRule {
    /// Whole names.
    pub names: Vec<String>,
    /// What the value names.
    pub given: Given,
    /// Why it stands here.
    pub why: String,
}

/// Names of environment variables.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableRule {
    /// Whole names, or runs of words between underscores.
    pub names: Vec<String>,
    /// Whether a run of words inside a longer name counts (`MY_API_KEY`).
    #[serde(default)]
    pub inside: bool,
    /// What reading one of them means.
    pub capabilities: Vec<Capability>,
    /// What its value answers.
    #[serde(default)]
    pub asks: Option<Asks>,
    /// Why it stands here.
    pub why: String,
}

/// Places in the file system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceRule {
    /// Runs of path segments (`.ssh`, `.cargo/credentials`), matched on segment borders, whatever the case.
    pub names: Vec<String>,
    /// Whether what lies there starts by itself.
    #[serde(default)]
    pub starts: bool,
    /// What a constant that names one means.
    pub capabilities: Vec<Capability>,
    /// Why it stands here.
    pub why: String,
}

/// Services where anybody can receive or leave data without a name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRule {
    /// Hosts with the hosts below them, or a host with the beginning of a path.
    pub names: Vec<String>,
    /// Why it stands here.
    pub why: String,
}

/// Settings of a project that start something.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartRule {
    /// Ends of paths, or folders inside them.
    pub names: Vec<String>,
    /// Why it stands here.
    pub why: String,
}

/// The table as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    api: Vec<ApiRule>,
    #[serde(default)]
    method: Vec<MethodRule>,
    #[serde(default)]
    program: Vec<ProgramRule>,
    #[serde(default)]
    variable: Vec<VariableRule>,
    #[serde(default)]
    place: Vec<PlaceRule>,
    #[serde(default)]
    option: Vec<OptionRule>,
    #[serde(default)]
    child: Vec<ChildRule>,
    #[serde(default)]
    host: Vec<HostRule>,
    #[serde(default)]
    start: Vec<StartRule>,
}

/// The capability table, ready for look-ups.
#[derive(Clone, Debug, Default)]
pub struct CapabilityTable {
    written: Written,
    paths: HashMap<String, usize>,
    methods: HashMap<String, Vec<usize>>,
    places: Option<AhoCorasick>,
    /// Rule of each pattern of `places`.
    place_rules: Vec<usize>,
    /// Every proper prefix of a listed path: a glob can bring one of these.
    parents: HashSet<String>,
    /// First segments of all listed paths.
    heads: HashSet<String>,
}

/// The table could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the capability table is not valid")]
pub struct TableError(#[from] toml::de::Error);

impl CapabilityTable {
    /// Reads the table from TOML.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let written: Written = toml::from_str(text)?;
        let mut table = Self::default();
        for (index, rule) in written.api.iter().enumerate() {
            for path in &rule.paths {
                table.paths.insert(path.clone(), index);
                let parents = path.match_indices("::").map(|(at, _)| path[..at].to_owned());
                table.parents.extend(parents);
                table.heads.extend(path.split("::").next().map(str::to_owned));
            }
        }
        for (index, rule) in written.method.iter().enumerate() {
            for name in &rule.names {
                table.methods.entry(name.clone()).or_default().push(index);
            }
        }
        let mut names = Vec::new();
        for (index, rule) in written.place.iter().enumerate() {
            names.extend(rule.names.iter().map(String::as_str));
            table.place_rules.resize(names.len(), index);
        }
        table.places = AhoCorasick::builder().ascii_case_insensitive(true).build(names).ok();
        table.written = written;
        Ok(table)
    }

    /// Why each entry stands in the table, in the order of the file.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        let written = &self.written;
        (written.api.iter().map(|rule| rule.why.as_str()))
            .chain(written.method.iter().map(|rule| rule.why.as_str()))
            .chain(written.program.iter().map(|rule| rule.why.as_str()))
            .chain(written.variable.iter().map(|rule| rule.why.as_str()))
            .chain(written.place.iter().map(|rule| rule.why.as_str()))
            .chain(written.option.iter().map(|rule| rule.why.as_str()))
            .chain(written.child.iter().map(|rule| rule.why.as_str()))
            .chain(written.host.iter().map(|rule| rule.why.as_str()))
            .chain(written.start.iter().map(|rule| rule.why.as_str()))
    }

    /// The rule of the longest listed prefix of a full path.
    #[must_use]
    pub fn api<S: Borrow<str>>(&self, segments: &[S]) -> Option<&ApiRule> {
        // Nearly every path of a program begins with no crate that is listed.
        if !self.heads.contains(segments.first()?.borrow()) {
            return None;
        }
        let mut path = segments.join("::");
        loop {
            if let Some(index) = self.paths.get(path.as_str()) {
                return self.written.api.get(*index);
            }
            let shorter = path.rfind("::")?;
            path.truncate(shorter);
        }
    }

    /// Whether listed paths begin with this name: the name of a crate.
    #[must_use]
    pub fn is_head(&self, name: &str) -> bool {
        self.heads.contains(name)
    }

    /// Whether a path is listed, lies below a listed one, or leads to one.
    #[must_use]
    pub fn knows(&self, segments: &[String]) -> bool {
        self.parents.contains(&segments.join("::")) || self.api(segments).is_some()
    }

    /// Rules for a method call on a receiver of this type.
    pub fn methods<'t>(
        &'t self,
        name: &str,
        receiver: Option<&'t str>,
    ) -> impl Iterator<Item = &'t MethodRule> {
        self.methods
            .get(name)
            .into_iter()
            .flatten()
            .filter_map(|index| self.written.method.get(*index))
            .filter(move |rule| rule.on.is_none() || rule.on.as_deref() == receiver)
    }

    /// What starting this program with these constant arguments means, beyond `spawn`.
    pub fn program<'t>(
        &'t self,
        program: &str,
        arguments: &'t [String],
    ) -> impl Iterator<Item = Capability> + 't {
        self.programs(program, arguments).flat_map(|rule| rule.capabilities.iter().copied())
    }

    /// Rules for a program that is started with these constant arguments.
    fn programs<'t>(
        &'t self,
        program: &str,
        arguments: &'t [String],
    ) -> impl Iterator<Item = &'t ProgramRule> + 't {
        let name = program_name(program);
        self.written.program.iter().filter(move |rule| rule.names.contains(&name)).filter(|rule| {
            rule.with.is_empty()
                || rule.with.iter().any(|word| match word.strip_prefix('~') {
                    Some(part) => arguments.iter().any(|argument| argument.contains(part)),
                    None => arguments.contains(word),
                })
        })
    }

    /// What this program does with the data that it is given, where that is known.
    #[must_use]
    pub fn data_use(&self, program: &str, arguments: &[String]) -> Option<DataUse> {
        self.programs(program, arguments).find_map(|rule| rule.data)
    }

    /// What an argument names to this program, by itself or by the option before it; and its value.
    #[must_use]
    pub fn option<'w>(
        &self,
        program: &str,
        before: &str,
        text: &'w str,
    ) -> Option<(Given, &'w str)> {
        let name = program_name(program);
        for rule in self.written.option.iter().filter(|rule| rule.programs.contains(&name)) {
            for option in &rule.options {
                if before == option {
                    return Some((rule.given, text));
                }
                let value = text.strip_prefix(option.as_str());
                if let Some(value) =
                    value.filter(|value| option.ends_with('=') && !value.is_empty())
                {
                    return Some((rule.given, value));
                }
            }
        }
        None
    }

    /// What a variable of a child's environment names.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<Given> {
        let found = self.written.child.iter().find(|rule| {
            rule.names.iter().any(|known| {
                known == name
                    || known.strip_suffix('*').is_some_and(|start| name.starts_with(start))
            })
        });
        found.map(|rule| rule.given)
    }

    /// What reading this environment variable means.
    pub fn variable(&self, name: &str) -> impl Iterator<Item = Capability> + '_ {
        self.variables(name).flat_map(|rule| rule.capabilities.iter().copied())
    }

    /// What the value of this environment variable answers.
    #[must_use]
    pub fn asks(&self, name: &str) -> Option<Asks> {
        self.variables(name).find_map(|rule| rule.asks)
    }

    /// Rules for this environment variable.
    fn variables(&self, name: &str) -> impl Iterator<Item = &VariableRule> + '_ {
        let upper = name.to_ascii_uppercase();
        let padded = format!("_{upper}_");
        self.written.variable.iter().filter(move |rule| {
            rule.names.iter().any(|known| {
                *known == upper || (rule.inside && padded.contains(&format!("_{known}_")))
            })
        })
    }

    /// Whether a path names settings of a project that start something.
    #[must_use]
    pub fn starts(&self, path: &str) -> bool {
        self.written.start.iter().flat_map(|rule| &rule.names).any(|name| {
            let ends = path.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('/'));
            ends || path.contains(&format!("/{name}/"))
        })
    }

    /// What a constant that names this place means.
    #[must_use]
    pub fn place(&self, path: &str) -> Vec<Capability> {
        let rules = self.place_rules_of(path);
        let means = rules.flat_map(|rule| rule.capabilities.iter().copied());
        means.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// Whether what is written to this place starts by itself.
    #[must_use]
    pub fn starts_by_itself(&self, path: &str) -> bool {
        self.place_rules_of(path).any(|rule| rule.starts)
    }

    /// Whether a host, or the address behind it, is of a service where anybody can receive data.
    #[must_use]
    pub fn is_drop(&self, host: &str, path: &str) -> bool {
        self.written.host.iter().flat_map(|rule| &rule.names).any(|name| {
            let (known, below) = name.split_once('/').unwrap_or((name, ""));
            let is_host =
                host == known || host.strip_suffix(known).is_some_and(|front| front.ends_with('.'));
            is_host && path.trim_start_matches('/').starts_with(below)
        })
    }

    fn place_rules_of<'t>(&'t self, path: &'t str) -> impl Iterator<Item = &'t PlaceRule> + 't {
        let bytes = path.as_bytes();
        let border = |byte: Option<&u8>| byte.is_none_or(|b| matches!(b, b'/' | b'\\'));
        let found = self.places.iter().flat_map(move |places| places.find_overlapping_iter(path));
        found.filter_map(move |found| {
            let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
            let whole = border(before) && border(bytes.get(found.end()));
            let rule = self.place_rules.get(found.pattern().as_usize()).filter(|_| whole)?;
            self.written.place.get(*rule)
        })
    }
}

/// The name of a program without folder and extension; of one that a variable names (`$CC`), the
/// variable's name in lower case.
fn program_name(program: &str) -> String {
    let file = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    let file = file.strip_suffix(".exe").unwrap_or(&file);
    file.trim_start_matches('$').to_owned()
}
