//! From kept files to facts.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::facts::{BuildFacts, BuildRecord, SecretFacts, SecretModule};
use super::keeper::{Marks, SourceKeeper};
use super::manifest::ManifestInput;
use crate::domain::Measured;
use crate_read::rust_source::{
    self, Capability, CapabilityHit, CapabilityTable, CodeFacts, Entry, Sources, StepKind,
};

/// Most entries of the small lists.
const FEW: usize = 32;
/// Most modules, and most files that are parsed for them.
const MODULES: usize = 64;
/// Most includes of ordinary code.
const INCLUDES: usize = 500;

/// Measures one crate.
pub(super) fn record(keeper: &SourceKeeper, table: &CapabilityTable) -> BuildRecord {
    let sources: Sources<'_> =
        keeper.files.iter().map(|(path, bytes)| (path.clone(), bytes.as_slice())).collect();
    let manifest = match &keeper.manifest {
        Some(text) => ManifestInput::parse(text, |path| keeper.files.contains_key(path)),
        None => Err("the crate has no Cargo.toml".to_owned()),
    };
    let mut facts = CodeFacts::default();
    if let Ok(manifest) = &manifest
        && manifest.runs()
    {
        let mut roots = manifest.build_scripts.clone();
        if manifest.proc_macro {
            roots.push(manifest.library.clone());
        }
        let renames = manifest.renames.clone();
        let entry = Entry { roots, files: Vec::new(), at_build: true, renames };
        facts = rust_source::read(&sources, &entry, table);
    }
    let mut build = build_facts(facts, &manifest);
    build.inputs_sha256 = inputs_digest(&build.files, &sources, &keeper.cut);
    if keeper.dropped > 0 {
        build.limits.push(format!("{} source files were not kept", keeper.dropped));
    }
    let running: BTreeSet<String> = build.files.iter().cloned().collect();
    let library = Library::read(keeper, &sources, &running, manifest.as_ref().ok(), table);
    build.reads.extend(library.reads);
    let named = manifest.map(|manifest| manifest.build_dependencies).unwrap_or_default();
    BuildRecord {
        build,
        secrets: library.secrets,
        library: library.uses,
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
        unparsed: facts.unparsed,
        left_out: facts.left_out,
        limits: Vec::new(),
    }
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
    reads: Vec<rust_source::Read>,
    uses: Vec<CapabilityHit>,
}

impl Library {
    fn read(
        keeper: &SourceKeeper,
        sources: &Sources<'_>,
        running: &BTreeSet<String>,
        manifest: Option<&ManifestInput>,
        table: &CapabilityTable,
    ) -> Self {
        let mut library = Self::default();
        library.secrets.files_with_secrets = keeper.only_named;
        let mut suspects = Vec::new();
        for (file, marks) in &keeper.marked {
            let Some(bytes) = sources.get(file).filter(|_| !running.contains(file)) else {
                continue;
            };
            let tokens = rust_source::scan(file, bytes, table, false);
            library.take(&tokens, *marks);
            if is_suspect(&tokens, *marks) {
                suspects.push(file.clone());
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
            let entry = Entry { roots: Vec::new(), files, at_build: false, renames };
            let facts = rust_source::read(sources, &entry, table);
            library.module(file, &facts);
        }
        library
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

/// Whether a file is worth parsing: secrets or programs beside the network, or early code.
fn is_suspect(tokens: &CodeFacts, marks: Marks) -> bool {
    let has = |wanted: &[Capability]| {
        tokens.capabilities.iter().any(|hit| wanted.contains(&hit.capability))
    };
    (has(&NETWORK) && (has(&SECRETS) || (marks.starts && has(&STARTS))))
        || (marks.early && (has(&[Capability::PreMain]) || marks.secrets))
        || (marks.early && tokens.capabilities.is_empty())
}
