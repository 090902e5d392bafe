//! What the manifest says about code that runs at build time.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate_read::rust_source::plain_path;

/// Largest manifest that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// The parts of a `Cargo.toml` that say what runs at build time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestInput {
    /// Build scripts, as paths inside the crate.
    pub build_scripts: Vec<String>,
    /// Whether the library is a procedural macro.
    pub proc_macro: bool,
    /// Root file of the library.
    pub library: String,
    /// Build-dependencies, or for procedural macros also dependencies: name in code to package name.
    pub build_dependencies: BTreeMap<String, String>,
    /// `package.name`; empty where it is not said.
    pub name: String,
    /// Addresses of the homepage, the repository and the documentation.
    pub addresses: Vec<String>,
    /// All dependencies that are renamed: name in code to package name.
    pub renames: BTreeMap<String, String>,
}

impl ManifestInput {
    /// Reads a manifest; `has` says whether the crate holds a file.
    ///
    /// # Errors
    /// A short reason where it is no manifest.
    pub fn parse(text: &str, has: impl Fn(&str) -> bool) -> Result<Self, String> {
        if text.len() > LARGEST {
            return Err(format!("the manifest has {} bytes", text.len()));
        }
        let table: Table = text.parse().map_err(|_| "the manifest is no TOML".to_owned())?;
        let package = table
            .get("package")
            .or_else(|| table.get("project"))
            .and_then(Value::as_table)
            .ok_or("the manifest has no [package]")?;
        let library = table.get("lib").and_then(Value::as_table);
        let flag = |key: &str| library.and_then(|l| l.get(key)).and_then(Value::as_bool);
        let types = library.and_then(|l| l.get("crate-type").or_else(|| l.get("crate_type")));
        let types = types.and_then(Value::as_array).into_iter().flatten();
        let by_type = types.into_iter().any(|one| one.as_str() == Some("proc-macro"));
        let mut input = Self {
            build_scripts: build_scripts(package.get("build"), has),
            proc_macro: flag("proc-macro").or_else(|| flag("proc_macro")).unwrap_or(false)
                || by_type,
            library: library
                .and_then(|l| l.get("path"))
                .and_then(Value::as_str)
                .map_or_else(|| "src/lib.rs".to_owned(), clean),
            name: text_of(package, "name").unwrap_or_default(),
            addresses: ["homepage", "repository", "documentation"]
                .iter()
                .filter_map(|key| text_of(package, key))
                .collect(),
            ..Self::default()
        };
        input.dependencies(&table);
        let targets = table.get("target").and_then(Value::as_table);
        for target in targets.into_iter().flat_map(Table::values).filter_map(Value::as_table) {
            input.dependencies(target);
        }
        Ok(input)
    }

    /// Whether any code runs at build time.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.proc_macro || !self.build_scripts.is_empty()
    }

    fn dependencies(&mut self, table: &Table) {
        let kinds = ["dependencies", "build-dependencies", "build_dependencies"];
        for kind in kinds {
            let listed = table.get(kind).and_then(Value::as_table);
            for (name, given) in listed.into_iter().flatten() {
                let package = given.get("package").and_then(Value::as_str);
                let in_code = name.replace('-', "_");
                if let Some(package) = package {
                    self.renames.insert(in_code.clone(), package.to_owned());
                }
                if kind != "dependencies" || self.proc_macro {
                    let package = package.unwrap_or(name).to_owned();
                    self.build_dependencies.insert(in_code, package);
                }
            }
        }
    }
}

fn text_of(package: &Table, key: &str) -> Option<String> {
    package.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// `package.build`: a path, several, or a switch; without it cargo looks for `build.rs`.
fn build_scripts(given: Option<&Value>, has: impl Fn(&str) -> bool) -> Vec<String> {
    match given {
        Some(Value::String(path)) => vec![clean(path)],
        Some(Value::Array(paths)) => paths.iter().filter_map(Value::as_str).map(clean).collect(),
        Some(Value::Boolean(false)) => Vec::new(),
        _ if has("build.rs") => vec!["build.rs".to_owned()],
        _ => Vec::new(),
    }
}

/// A path as the crate's files are called: without `.`, `..` inside, and doubled slashes.
fn clean(path: &str) -> String {
    plain_path(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_script_is_found_wherever_the_manifest_puts_it() {
        let scripts = |text: &str, has: bool| {
            ManifestInput::parse(text, |_| has).expect("valid").build_scripts
        };
        assert_eq!(scripts("[package]\nname = 'a'", true), ["build.rs"]);
        assert_eq!(scripts("[package]\nname = 'a'", false), [""; 0]);
        assert_eq!(scripts("[package]\nbuild = false", true), [""; 0]);
        assert_eq!(scripts("[package]\nbuild = './b/main.rs'", false), ["b/main.rs"]);
        assert_eq!(scripts("[package]\nbuild = 'a/..//b/./main.rs'", false), ["b/main.rs"]);
        assert_eq!(scripts("[package]\nbuild = ['a.rs', 'b.rs']", false), ["a.rs", "b.rs"]);
    }

    #[test]
    fn a_procedural_macro_is_one_by_its_flag_or_its_type() {
        let is = |text: &str| ManifestInput::parse(text, |_| false).expect("valid").proc_macro;
        assert!(is("[package]\nname = 'a'\n[lib]\nproc_macro = true"));
        assert!(is("[package]\nname = 'a'\n[lib]\ncrate-type = ['proc-macro']"));
        assert!(!is("[package]\nname = 'a'\n[lib]\ncrate-type = ['cdylib']"));
    }

    #[test]
    fn renames_and_targets_are_seen() {
        let text = "[package]\nname='a'\n[build-dependencies.json]\npackage='ureq'\n\
                    [target.'cfg(unix)'.build-dependencies]\ncc='1'";
        let input = ManifestInput::parse(text, |_| false).expect("valid");
        assert_eq!(input.renames["json"], "ureq");
        assert_eq!(input.build_dependencies.keys().collect::<Vec<_>>(), ["cc", "json"]);
    }

    #[test]
    fn what_is_no_manifest_is_an_error() {
        for text in ["", "[lib]", "\u{0}", "[package", &"[".repeat(100_000)] {
            assert!(ManifestInput::parse(text, |_| false).is_err());
        }
    }
}
