//! Two releases of a crate, held against each other file by file and use by use.

use std::collections::{BTreeMap, BTreeSet};

use super::CloseLook;
use crate::collectors::archive::ListedFile;
use crate::collectors::cargo_home::CargoHome;
use crate::collectors::gather::{Options, client};
use crate::collectors::index_files::{IndexFiles, Lookup, Wanted};
use crate::domain::inspection::{DIFF, DiffFile, Release, Use, VersionDiff};
use crate::domain::{Measured, Origin};
use crate_read::cargo_index::IndexDependency;
use crate_read::file_kind::FileClass;
use crate_read::rust_source::CapabilityHit;

/// The dependencies of some versions of a crate, development ones left out, as
/// `package requirement (kind)`. From the index.
#[must_use]
pub fn dependencies(
    name: &str,
    versions: [&str; 2],
    options: &Options,
) -> [Measured<BTreeSet<String>>; 2] {
    let lookup = || -> std::io::Result<Lookup> {
        let runtime = crate::net::runtime()?;
        let home = CargoHome::open(&options.cargo_home)?;
        let index = IndexFiles::new(home, &client(options), &options.urls).anew(options.refresh);
        let here = |version| index.in_cargos_cache(name, &Origin::Registry, Some(version));
        if index.can_ask() && !versions.into_iter().all(here) {
            let versions = versions.map(str::to_owned).to_vec();
            let wanted = Wanted { name: name.to_owned(), versions };
            runtime.block_on(index.fetch(&[wanted], &|| {}));
        }
        Ok(index.find(name, &Origin::Registry, None))
    };
    let found = match lookup() {
        Ok(Lookup::Found(found)) => found,
        Ok(Lookup::NoSuchCrate) => return versions.map(|_| Measured::unknown("no such crate")),
        Ok(Lookup::Unknown(reason)) => return versions.map(|_| Measured::unknown(reason.clone())),
        Err(error) => return versions.map(|_| Measured::unknown(error.to_string())),
    };
    versions.map(|version| {
        let Some(line) = found.file.lines.iter().find(|line| line.version == version) else {
            return Measured::unknown(format!("the index does not list {version}"));
        };
        let all: Measured<Vec<IndexDependency>> = found.file.dependencies(line).into();
        all.map(|all| {
            let all = all.into_iter().filter(|dependency| dependency.kind != "dev");
            all.map(|d| format!("{} {} ({})", d.package, d.requirement, d.kind)).collect()
        })
    })
}

/// Holds `new` against `old`. What the bytes do not tell (dates, publishers) is unknown in the
/// [`Release`]s until it is filled in.
#[must_use]
pub fn compare(
    name: &str,
    (old_version, old): (&str, &CloseLook),
    (new_version, new): (&str, &CloseLook),
    [before, after]: [Measured<BTreeSet<String>>; 2],
) -> VersionDiff {
    let files = Files::of(old, new);
    let gained = |from: &Measured<BTreeSet<String>>, to: &Measured<BTreeSet<String>>| {
        from.as_ref().and_then(|from| {
            to.as_ref().map(|to| to.difference(from).cloned().collect::<Vec<String>>())
        })
    };
    VersionDiff {
        schema: DIFF.to_owned(),
        name: name.to_owned(),
        old: release(old_version, old),
        new: release(new_version, new),
        added: files.added,
        changed: files.changed,
        removed: files.removed,
        dependencies_gained: gained(&before, &after),
        dependencies_lost: gained(&after, &before),
        capabilities_gained: uses(new, old),
        capabilities_lost: uses(old, new),
        patch: None,
        build_code_changed: old.contents.code.build.inputs_sha256
            != new.contents.code.build.inputs_sha256,
    }
}

fn release(version: &str, look: &CloseLook) -> Release {
    let facts = &look.contents.archive.facts;
    let build = &look.contents.code.build;
    let mut runs = match &build.build_scripts {
        Measured::Known(scripts) => scripts.clone(),
        Measured::Unknown(why) => vec![format!("not determined: {why}")],
    };
    if build.proc_macro == Measured::Known(true) {
        runs.push("proc macro".to_owned());
    }
    Release {
        version: version.to_owned(),
        published: Measured::unknown("the index was not asked"),
        published_by: Measured::unknown("nobody was asked"),
        sha256: facts.sha256.clone(),
        files: facts.files,
        unpacked_bytes: facts.unpacked_bytes,
        runs_at_build: runs,
        upstreams: look
            .contents
            .native
            .upstreams
            .iter()
            .map(|u| format!("{} {}", u.name, u.version))
            .collect(),
    }
}

/// The files that differ, in the order in which a reader wants them.
#[derive(Default)]
struct Files {
    added: Vec<DiffFile>,
    changed: Vec<DiffFile>,
    removed: Vec<DiffFile>,
}

impl Files {
    fn of(old: &CloseLook, new: &CloseLook) -> Self {
        let by_path = |look: &CloseLook| -> BTreeMap<String, ListedFile> {
            let files = look.contents.archive.listing.files.iter();
            files.map(|file| (file.path.clone(), file.clone())).collect()
        };
        let (then, now) = (by_path(old), by_path(new));
        let mut files = Self::default();
        for (path, file) in &now {
            let head = new.heads.get(path).cloned().unwrap_or_default();
            match then.get(path) {
                None => files.added.push(different(None, Some(file), file, head)),
                Some(before) if before.sha256 != file.sha256 => {
                    files.changed.push(different(Some(before), Some(file), file, head));
                }
                Some(_) => {}
            }
        }
        let gone = then.iter().filter(|(path, _)| !now.contains_key(*path));
        files
            .removed
            .extend(gone.map(|(_, file)| different(Some(file), None, file, String::new())));
        for list in [&mut files.added, &mut files.changed, &mut files.removed] {
            // Stable: by path within each half.
            list.sort_by_key(|file| !file.binary);
        }
        files
    }
}

fn different(
    before: Option<&ListedFile>,
    after: Option<&ListedFile>,
    shown: &ListedFile,
    head: String,
) -> DiffFile {
    DiffFile {
        path: shown.path.clone(),
        class: shown.class.as_str().to_owned(),
        binary: !matches!(shown.class, FileClass::Text | FileClass::Empty),
        size_before: before.map(|file| file.size),
        size: after.map(|file| file.size),
        sha256: shown.sha256.clone(),
        head,
    }
}

/// The uses of `here` that `there` has not: the same use on another line is none.
fn uses(here: &CloseLook, there: &CloseLook) -> Vec<Use> {
    let what = |hit: &CapabilityHit| (hit.capability, hit.api.clone(), hit.detail.clone());
    let known: BTreeSet<_> = there.contents.code.build.capabilities.iter().map(what).collect();
    let hits =
        here.contents.code.build.capabilities.iter().filter(|hit| !known.contains(&what(hit)));
    hits.map(|hit| Use {
        capability: hit.capability.as_str().to_owned(),
        api: hit.api.clone(),
        detail: hit.detail.clone(),
        file: hit.file.clone(),
        line: hit.line,
        code: here.line(&hit.file, hit.line).unwrap_or_default(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use custody_bytes::gzip_tar::sample::crate_archive;

    fn look(files: &[(&str, &[u8])]) -> CloseLook {
        let manifest: (&str, &[u8]) =
            ("Cargo.toml", b"[package]\nname = \"x\"\nversion = \"1.0.0\"\nbuild = \"build.rs\"\n");
        let files: Vec<_> = [manifest].into_iter().chain(files.iter().copied()).collect();
        read("x", "1.0.0", &crate_archive("x-1.0.0", &files)).expect("reads")
    }

    #[test]
    fn binaries_come_first_and_a_moved_line_is_no_gain() {
        let old = look(&[
            ("build.rs", b"fn main() { std::process::Command::new(\"cc\"); }"),
            ("z.bin", &[0, 159, 1]),
        ]);
        let new = look(&[
            ("build.rs", b"\n\nfn main() { std::process::Command::new(\"cc\"); }"),
            ("a.txt", b"text"),
            ("z.bin", &[0, 159, 2]),
        ]);
        let nothing = || Measured::Known(BTreeSet::new());
        let diff = compare("x", ("1.0.0", &old), ("1.0.1", &new), [nothing(), nothing()]);
        let changed: Vec<&str> = diff.changed.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(changed, ["z.bin", "build.rs"]);
        assert_eq!(diff.changed[0].head, "00 9f 02");
        assert!(diff.build_code_changed);
        assert_eq!(diff.capabilities_gained, []);
        assert_eq!(diff.added.len(), 1);
        assert_eq!(diff.removed, []);
    }
}
