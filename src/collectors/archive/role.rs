//! What part a file plays in its crate.

use super::facts::FileRole;
use super::manifest::Manifest;

/// The role of a file by its path alone, where the manifest is not at hand.
#[must_use]
pub fn role_of(path: &str) -> FileRole {
    of(path, &Manifest::unknown("not at hand"))
}

/// The role of a file: what the manifest says of it, else where it lies, else what it is called.
pub(super) fn of(path: &str, manifest: &Manifest) -> FileRole {
    if let Some(role) = manifest.targets.get(path) {
        return *role;
    }
    let (folders, name) =
        path.rsplit_once('/').map_or(("", path), |(folders, name)| (folders, name));
    if folders.is_empty()
        && matches!(name, "Cargo.toml" | "Cargo.toml.orig" | "Cargo.lock" | super::vcs::FILE)
    {
        return FileRole::Manifest;
    }
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_rust = extension == "rs";
    if is_beside_build_script(path, folders, is_rust, manifest) {
        return FileRole::BuildInput;
    }
    if let Some(role) = by_folder(folders, is_rust) {
        return role;
    }
    if is_native(name, extension) {
        FileRole::VendoredNative
    } else if is_rust || folders == "src" || folders.starts_with("src/") {
        FileRole::Source
    } else if is_doc(name, extension) || folders.split('/').any(|f| matches!(f, "doc" | "docs")) {
        FileRole::Doc
    } else {
        FileRole::Other
    }
}

/// Modules of a build script: below `build/`, or in its own folder where that is not the root or `src`.
fn is_beside_build_script(path: &str, folders: &str, is_rust: bool, manifest: &Manifest) -> bool {
    let Some(facts) = manifest.facts.known() else { return false };
    facts.build_scripts.iter().any(|script| {
        let folder = script.rsplit_once('/').map_or("", |(folder, _)| folder);
        let inside =
            folders.strip_prefix(folder).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        (is_rust && path.starts_with("build/")) || (!matches!(folder, "" | "src") && inside)
    })
}

/// The outermost telling folder decides: a test's helper library is part of the test.
fn by_folder(folders: &str, is_rust: bool) -> Option<FileRole> {
    folders.split('/').find_map(|folder| {
        Some(match folder.to_ascii_lowercase().as_str() {
            "tests" | "test" | "testing" | "integration-tests" | "integration_tests" => {
                if is_rust {
                    FileRole::Test
                } else {
                    FileRole::Fixture
                }
            }
            "corpus" | "samples" | "snapshots" | "fuzz" => FileRole::Fixture,
            "benches" | "bench" | "benchmark" | "benchmarks" => FileRole::Bench,
            "examples" | "example" | "demos" | "demo" => FileRole::Example,
            // testdata, test_files, test-vectors, testsamples, ...
            other if other.contains("fixture") || other.starts_with("test") => FileRole::Fixture,
            _ => return None,
        })
    })
}

fn is_native(name: &str, extension: &str) -> bool {
    matches!(
        extension,
        "c" | "cc"
            | "cpp"
            | "cxx"
            | "h"
            | "hh"
            | "hpp"
            | "hxx"
            | "inl"
            | "inc"
            | "s"
            | "S"
            | "asm"
            | "m"
            | "mm"
            | "cu"
            | "cuh"
            | "f"
            | "f90"
            | "m4"
            | "am"
            | "ac"
            | "cmake"
            | "mk"
            | "def"
    ) || matches!(
        name,
        "CMakeLists.txt" | "Makefile" | "configure" | "config.sub" | "config.guess" | "meson.build"
    )
}

fn is_doc(name: &str, extension: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    matches!(extension, "md" | "markdown" | "rst" | "adoc" | "mkd")
        || ["README", "LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "UNLICENSE", "NOTICE"]
            .iter()
            .chain(&["CHANGELOG", "CHANGES", "RELEASES", "AUTHORS", "CONTRIBUTORS", "SECURITY"])
            .any(|known| upper.starts_with(known))
}
