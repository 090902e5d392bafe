//! From kept files to facts.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::facts::{BuildFacts, BuildRecord, LibraryFacts, SecretFacts, SecretModule};
use super::hosts::{self, HOSTS, Stated};
use super::keeper::SourceKeeper;
use super::manifest::ManifestInput;
use super::marks::Marks;
use crate::domain::Measured;
use crate_read::rust_source::{
    self, Capability, CapabilityHit, CapabilityTable, CodeFacts, Entry, Flow, Sources, StepKind,
    Unread,
};

/// Most entries of the small lists.
const FEW: usize = 32;
/// Most modules, and most files that are parsed for them.
const MODULES: usize = 64;
/// Most includes of ordinary code.
const INCLUDES: usize = 500;
/// Most code that is read for the flows of a library, in bytes and in files.
const FLOWS_SIZE: usize = 1 << 20;
const FLOWS_FILES: usize = 48;

/// How much of a file tells whether it is text.
const TEXT_HEAD: usize = 8 << 10;
/// How much of a script is read for the names of others, and most names in it.
const SCRIPT_SIZE: usize = 256 << 10;
const SCRIPT_WORDS: usize = 500;
/// Endings under which one script starts or sources another.
const SCRIPTS: [&str; 12] =
    [".sh", ".bash", ".py", ".pl", ".rb", ".js", ".mjs", ".cjs", ".ps1", ".bat", ".cmd", ".lua"];

/// Measures one crate.
pub(super) fn record(keeper: &SourceKeeper, table: &CapabilityTable) -> BuildRecord {
    let sources: Sources<'_> =
        keeper.files.iter().map(|(path, bytes)| (path.clone(), bytes.as_slice())).collect();
    let manifest = match &keeper.manifest {
        Some(text) => ManifestInput::parse(text, |path| keeper.files.contains_key(path)),
        None => Err("the crate has no Cargo.toml".to_owned()),
    };
    let scanned = scan(keeper, &sources, table);
    let mut facts = CodeFacts::default();
    if let Ok(manifest) = &manifest
        && manifest.runs()
    {
        let mut roots = manifest.build_scripts.clone();
        if manifest.proc_macro {
            roots.push(manifest.library.clone());
        }
        let (renames, compiled) = (manifest.renames.clone(), compiled(&scanned));
        let entry = Entry { roots, at_build: true, renames, compiled, ..Entry::default() };
        facts = rust_source::read(&sources, &entry, table);
        // What lies in cargo's own folder did not come with the crate.
        facts.flows.retain(|flow| keeper.has_target || !is_from_target(flow));
    }
    facts.files.extend(scripts(keeper, &facts));
    let mut build = build_facts(facts, &manifest);
    build.inputs_sha256 = inputs_digest(&build.files, &sources, &keeper.cut);
    if keeper.refused > 0 {
        build.limits.push(format!("{} files that the code names were not kept", keeper.refused));
    }
    for file in build.files.iter().filter(|file| keeper.cut.contains_key(*file)).take(FEW) {
        build.limits.push(format!("{file} is longer than what is read of one file"));
    }
    let cut_short = build
        .unparsed
        .iter()
        .filter(|file| file.why == Unread::Limit && !keeper.cut.contains_key(&file.file));
    let told = cut_short.map(|file| format!("{}: {}", file.file, file.reason));
    build.limits.extend(told.collect::<BTreeSet<_>>().into_iter().take(FEW));
    let running: BTreeSet<String> = build.files.iter().cloned().collect();
    let mut library =
        Library::read(keeper, &sources, (scanned, &running), manifest.as_ref().ok(), table);
    library.secrets.left_out += keeper.dropped;
    build.reads.extend(library.reads);
    let named = manifest.map(|manifest| manifest.build_dependencies).unwrap_or_default();
    BuildRecord {
        build,
        secrets: library.secrets,
        at_run_time: library.facts,
        library: library.uses,
        library_flows: library.flows,
        build_dependencies: named.into_iter().collect(),
    }
}

fn build_facts(facts: CodeFacts, manifest: &Result<ManifestInput, String>) -> BuildFacts {
    let said = |f: &dyn Fn(&ManifestInput) -> bool| Measured::from(manifest.as_ref().map(f));
    let programs: BTreeSet<String> = facts
        .spawned
        .iter()
        .map(|spawned| spawned.program.clone())
        .filter(|program| !program.contains("{}"))
        .collect();
    BuildFacts {
        runs_at_build: said(&ManifestInput::runs),
        build_scripts: Measured::from(manifest.as_ref().map(|m| m.build_scripts.clone())),
        proc_macro: said(&|manifest| manifest.proc_macro),
        inputs_sha256: String::new(),
        capability_names: names(facts.capabilities.iter().filter(|hit| !hit.generated)),
        generated_names: names(facts.capabilities.iter().filter(|hit| hit.generated)),
        through: Vec::new(),
        through_names: Measured::unknown("the crates that it calls were not read"),
        programs: programs.into_iter().collect(),
        files: facts.files,
        capabilities: facts.capabilities,
        spawned: facts.spawned,
        urls: facts.urls,
        variables: facts.variables,
        reads: facts.reads,
        flows: facts.flows,
        literals: facts.literals,
        directives: facts.directives,
        downloads: facts.downloads,
        crates: facts.crates,
        checks: facts.checks,
        unparsed: facts.unparsed,
        left_out: facts.left_out,
        limits: Vec::new(),
    }
}

/// Whether all that a flow reads lies below `target`, as far as it is known.
fn is_from_target(flow: &Flow) -> bool {
    let mut reads = flow.steps.iter().filter(|step| step.kind == StepKind::Read).peekable();
    flow.source == StepKind::Read
        && reads.clone().any(|step| step.detail.starts_with("target/"))
        && reads.all(|step| step.detail.starts_with("target/") || step.detail == "{}")
}

/// Texts that the code starts as scripts, and scripts that these name.
fn scripts(keeper: &SourceKeeper, facts: &CodeFacts) -> Vec<String> {
    let known: BTreeSet<&String> = facts.files.iter().collect();
    let mut found = BTreeSet::new();
    let mut waiting = facts.scripts.clone();
    while let Some(path) = waiting.pop() {
        let Some(bytes) = keeper.files.get(&path) else { continue };
        if known.contains(&path) || !is_text(bytes) || !found.insert(path.clone()) {
            continue;
        }
        waiting.extend(named_by_script(&path, bytes).filter(|named| !found.contains(named)));
    }
    found.into_iter().collect()
}

/// Whether these bytes can be a script, and not a program or data.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    !bytes[..bytes.len().min(TEXT_HEAD)].contains(&0)
}

/// What may be other scripts of the crate in the words of one: below the crate's root, and beside it.
pub(super) fn named_by_script<'b>(
    path: &'b str,
    bytes: &'b [u8],
) -> impl Iterator<Item = String> + 'b {
    let beside = path.rsplit_once('/').map(|(folder, _)| folder);
    let apart = |byte: &u8| {
        !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'_' | b'-' | b'+'))
    };
    let words = bytes[..bytes.len().min(SCRIPT_SIZE)].split(apart);
    let words = words.filter_map(|word| std::str::from_utf8(word).ok()).filter(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        word.len() <= 200 && SCRIPTS.iter().any(|ending| name.ends_with(ending))
    });
    words.take(SCRIPT_WORDS).flat_map(move |word| {
        let word = word.trim_start_matches('/');
        let near = beside.map(|folder| rust_source::plain_path(&format!("{folder}/{word}")));
        near.into_iter().chain([rust_source::plain_path(word)])
    })
}

/// What the tokens of each marked file say.
type Scanned = Vec<(String, Marks, CodeFacts)>;

fn scan(keeper: &SourceKeeper, sources: &Sources<'_>, table: &CapabilityTable) -> Scanned {
    let marked = keeper.marked.iter().filter_map(|(file, marks)| {
        let bytes = sources.get(file)?;
        Some((file.clone(), *marks, rust_source::scan(file, bytes, table, false)))
    });
    marked.collect()
}

/// Paths that library code compiles with `include!`.
fn compiled(scanned: &Scanned) -> BTreeSet<String> {
    let reads = scanned.iter().flat_map(|(_, _, tokens)| &tokens.reads);
    let compiled = reads.filter(|read| read.kind == rust_source::ReadKind::Source);
    compiled.map(|read| read.path.clone()).collect()
}

/// Each capability once, sorted.
pub(super) fn names<'h>(hits: impl Iterator<Item = &'h CapabilityHit>) -> Vec<Capability> {
    hits.map(|hit| hit.capability).collect::<BTreeSet<_>>().into_iter().collect()
}

/// SHA-256 over path, length and bytes of each file, in order of path; over the digest of the whole file
/// where only its beginning was kept.
fn inputs_digest(
    files: &[String],
    sources: &Sources<'_>,
    cut: &BTreeMap<String, [u8; 32]>,
) -> String {
    let files: BTreeSet<&String> = files.iter().collect();
    if files.is_empty() {
        return String::new();
    }
    let mut digest = Sha256::new();
    for file in files {
        let kept = sources.get(file).copied().unwrap_or(b"");
        let bytes = cut.get(file).map_or(kept, |digest| digest.as_slice());
        digest.update(file.as_bytes());
        digest.update([0]);
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    }
    let digest = digest.finalize();
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// What ordinary code does.
#[derive(Default)]
struct Library {
    secrets: SecretFacts,
    facts: LibraryFacts,
    reads: Vec<rust_source::Read>,
    uses: Vec<CapabilityHit>,
    flows: Vec<Flow>,
}

impl Library {
    fn read(
        keeper: &SourceKeeper,
        sources: &Sources<'_>,
        (scanned, running): (Scanned, &BTreeSet<String>),
        manifest: Option<&ManifestInput>,
        table: &CapabilityTable,
    ) -> Self {
        let mut library = Self::default();
        library.secrets.files_with_secrets = keeper.only_named;
        let mut suspects = Vec::new();
        let stated = manifest.map(|m| Stated::new(&m.name, &m.addresses)).unwrap_or_default();
        library.flows(keeper, sources, (&scanned, running), manifest, table);
        for (file, marks, tokens) in scanned {
            if running.contains(&file) {
                continue;
            }
            library.take(&tokens, marks);
            library.hosts(&tokens, &stated, table);
            if is_suspect(&tokens, marks) {
                suspects.push(file);
            }
        }
        if suspects.len() > MODULES {
            library.secrets.left_out += (suspects.len() - MODULES) as u64;
            suspects.truncate(MODULES);
        }
        let renames = manifest.map(|manifest| manifest.renames.clone()).unwrap_or_default();
        for file in suspects {
            let files = vec![file.clone()];
            let renames = renames.clone();
            let entry = Entry { files, renames, ..Entry::default() };
            let facts = rust_source::read(sources, &entry, table);
            library.module(file, &facts);
        }
        library.facts.capability_names = names(library.uses.iter());
        library.facts.hosts.sort();
        library
    }

    /// Data that library code starts, loads or links. Only a crate with both ends is read for it.
    fn flows(
        &mut self,
        keeper: &SourceKeeper,
        sources: &Sources<'_>,
        (scanned, running): (&Scanned, &BTreeSet<String>),
        manifest: Option<&ManifestInput>,
        table: &CapabilityTable,
    ) {
        let ends = scanned.iter().filter(|(file, marks, tokens)| {
            !running.contains(file)
                && (marks.links
                    || marks.early
                    || (marks.starts && starts(tokens))
                    || (marks.asks && reaches_network(tokens)))
        });
        let ends: BTreeSet<&String> = ends.map(|(file, ..)| file).collect();
        let begins = scanned.iter().filter(|(_, marks, tokens)| {
            marks.network || marks.includes || marks.asks || !tokens.literals.is_empty()
        });
        let begins: BTreeSet<&String> =
            begins.map(|(file, ..)| file).chain(&keeper.origins).collect();
        if ends.is_empty() {
            return;
        }
        let mut files: Vec<String> = ends.iter().map(|file| (*file).clone()).collect();
        let more =
            begins.into_iter().filter(|file| !ends.contains(file) && !running.contains(*file));
        files.extend(more.cloned());
        let mut size = 0;
        files.retain(|file| {
            size += sources.get(file).map_or(0, |bytes| bytes.len());
            size <= FLOWS_SIZE
        });
        files.truncate(FLOWS_FILES);
        let renames = manifest.map(|manifest| manifest.renames.clone()).unwrap_or_default();
        // As build code: it is that where a build script calls it.
        let entry = Entry { files, at_build: true, renames, ..Entry::default() };
        let facts = rust_source::read(sources, &entry, table);
        let runs = |flow: &&Flow| flow.executed && flow.source != StepKind::Secret;
        self.flows = facts.flows.iter().filter(runs).take(FEW).cloned().collect();
        let starts =
            self.flows.iter().filter(|f| f.sink == StepKind::Spawn || f.sink == StepKind::Load);
        self.facts.flows = starts.cloned().collect();
        self.facts.acts.clone_from(&facts.acts);
        self.facts.checks.clone_from(&facts.checks);
        let hits = facts.capabilities.into_iter().filter(|hit| !hit.generated);
        let outside = hits.filter(|hit| {
            hit.capability == Capability::WriteOutsideOutDir && !table.place(&hit.detail).is_empty()
        });
        let outside: Vec<CapabilityHit> = outside.take(FEW).collect();
        let starting = outside.iter().filter(|hit| table.starts_by_itself(&hit.detail));
        self.facts.autostart = starting.cloned().collect();
        self.uses.extend(outside);
    }

    /// What the tokens of a marked file say.
    fn take(&mut self, tokens: &CodeFacts, marks: Marks) {
        for read in &tokens.reads {
            let include =
                matches!(read.kind, rust_source::ReadKind::Include | rust_source::ReadKind::Source);
            if include && marks.includes {
                if self.reads.len() < INCLUDES {
                    self.reads.push(read.clone());
                } else {
                    self.secrets.left_out += 1;
                }
            }
        }
        let has = |wanted: &[Capability]| {
            tokens.capabilities.iter().any(|hit| wanted.contains(&hit.capability))
        };
        self.secrets.files_with_secrets += u64::from(has(&SECRETS));
        self.secrets.files_with_network += u64::from(has(&NETWORK));
        for hit in &tokens.capabilities {
            if USEFUL.contains(&hit.capability) && self.uses.len() < FEW {
                let known =
                    self.uses.iter().any(|k| k.capability == hit.capability && k.api == hit.api);
                if !known {
                    self.uses.push(hit.clone());
                }
            }
        }
    }

    /// Hosts that a file which reaches the network names.
    fn hosts(&mut self, tokens: &CodeFacts, stated: &Stated, table: &CapabilityTable) {
        if !reaches_network(tokens) {
            return;
        }
        for host in tokens.urls.iter().filter_map(|url| hosts::host(url, stated, table)) {
            let known =
                self.facts.hosts.iter().any(|k| (&k.host, k.kind) == (&host.host, host.kind));
            if known {
                continue;
            }
            if self.facts.hosts.len() < HOSTS {
                self.facts.hosts.push(host);
            } else {
                self.secrets.left_out += 1;
            }
        }
    }

    /// What the code of a suspect file says.
    fn module(&mut self, file: String, facts: &CodeFacts) {
        let of = |wanted: &[Capability]| -> Vec<CapabilityHit> {
            let hits = facts.capabilities.iter().filter(|hit| !hit.generated);
            hits.filter(|hit| wanted.contains(&hit.capability)).take(FEW).cloned().collect()
        };
        self.secrets.unparsed.extend(facts.unparsed.iter().cloned());
        self.secrets.pre_main.extend(of(&[Capability::PreMain]));
        let (secrets, network, started) = (of(&SECRETS), of(&NETWORK), of(&STARTS));
        let flows: Vec<_> = facts
            .flows
            .iter()
            .filter(|flow| match flow.source {
                StepKind::Fetch => flow.executed || flow.sink == StepKind::Permission,
                StepKind::Secret => flow.sink == StepKind::Send,
                _ => false,
            })
            .take(FEW)
            .cloned()
            .collect();
        let acts = !network.is_empty() && (!secrets.is_empty() || !started.is_empty());
        if acts || !flows.is_empty() {
            let gates = of(&[Capability::Gate]);
            self.secrets.modules.push(SecretModule {
                file,
                secrets,
                network,
                started,
                gates,
                flows,
            });
        }
    }
}

const SECRETS: [Capability; 2] = [Capability::SecretRead, Capability::EnvironmentWideRead];
const NETWORK: [Capability; 3] = [Capability::Network, Capability::Download, Capability::RawSocket];
const STARTS: [Capability; 3] = [Capability::Spawn, Capability::Shell, Capability::DynamicLoad];
/// What a crate passes on to crates whose build code calls it.
const USEFUL: [Capability; 9] = [
    Capability::Network,
    Capability::Download,
    Capability::RawSocket,
    Capability::Spawn,
    Capability::Shell,
    Capability::SecretRead,
    Capability::EnvironmentWideRead,
    Capability::HomeOrCredentialRead,
    Capability::DynamicLoad,
];

/// Whether code reaches the network.
fn reaches_network(tokens: &CodeFacts) -> bool {
    tokens.capabilities.iter().any(|hit| NETWORK.contains(&hit.capability))
}

/// Whether code starts programs or loads libraries.
fn starts(tokens: &CodeFacts) -> bool {
    tokens.capabilities.iter().any(|hit| STARTS.contains(&hit.capability))
}

/// Whether a file is worth parsing: secrets or programs beside the network, or early code.
fn is_suspect(tokens: &CodeFacts, marks: Marks) -> bool {
    let has = |wanted: &[Capability]| {
        tokens.capabilities.iter().any(|hit| wanted.contains(&hit.capability))
    };
    (has(&NETWORK) && (has(&SECRETS) || (marks.starts && has(&STARTS))))
        || (marks.early && (has(&[Capability::PreMain]) || marks.secrets))
        || (marks.early && tokens.capabilities.is_empty())
}
