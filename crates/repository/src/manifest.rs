//! Whether the manifest in force says what the author's manifest says, with what it takes over from the
//! workspace. Compared is what decides which code runs: dependencies, build script, library, features.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

/// Whether one follows from the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// It does.
    Yes,
    /// It does not: what differs.
    No(String),
    /// It cannot be told, and why.
    Unknown(String),
}

/// What is compared: a name that a person understands, and its value in one form.
type Said = BTreeMap<String, String>;

/// Whether this text is the manifest of a workspace.
pub(crate) fn is_workspace(text: &str) -> bool {
    text.parse::<Table>().is_ok_and(|table| table.contains_key("workspace"))
}

/// Compares the manifest in force with the author's.
pub(crate) fn follows(
    force: &str,
    author: &str,
    root: Option<&str>,
    has_build_script: bool,
) -> Follows {
    let (Ok(force), Ok(author)) = (force.parse::<Table>(), author.parse::<Table>()) else {
        return Follows::Unknown("a manifest is malformed".to_owned());
    };
    let root = root.and_then(|text| text.parse::<Table>().ok());
    let workspace = root.as_ref().and_then(|root| root.get("workspace")).and_then(Value::as_table);
    let asked = Asked { workspace, has_build_script, is_force: false };
    let Some(expected) = said(&author, &asked) else {
        let why = "the manifest of its workspace, from which it takes values over, is not at hand";
        return Follows::Unknown(why.to_owned());
    };
    let asked = Asked { workspace: None, has_build_script, is_force: true };
    let Some(found) = said(&force, &asked) else {
        let what = "inheritance, or a dependency without a version, in the manifest in force";
        return Follows::No(what.to_owned());
    };
    let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let differing = names.into_iter().filter(|name| expected.get(*name) != found.get(*name));
    let (aliases, others): (Vec<&String>, Vec<&String>) =
        differing.partition(|name| is_alias(expected.get(*name), found.get(*name)));
    match (others.first(), aliases.first()) {
        (Some(name), _) => Follows::No((*name).clone()),
        (None, Some(name)) => Follows::Unknown(format!(
            "which registry the {name} is from: its author calls it by a name"
        )),
        (None, None) => Follows::Yes,
    }
}

/// What stands before the registry of a dependency, and before one that is called by a name.
const REGISTRY: &str = "\u{1f}";
const ALIAS: &str = "\u{1e}";

/// Whether two dependencies are the same but for the registry, which cargo gives its address and the author the
/// name that it has in a configuration.
fn is_alias(expected: Option<&String>, found: Option<&String>) -> bool {
    let parts = |text: Option<&String>| {
        text.and_then(|text| text.split_once(REGISTRY))
            .map(|(what, registry)| (what.to_owned(), registry.to_owned()))
    };
    match (parts(expected), parts(found)) {
        (Some((one, registry)), Some((other, index))) => {
            one == other && registry.starts_with(ALIAS) && !index.is_empty()
        }
        _ => false,
    }
}

/// From which side a manifest is read.
struct Asked<'a> {
    workspace: Option<&'a Table>,
    has_build_script: bool,
    /// It is the one in force, in which cargo has resolved everything.
    is_force: bool,
}

/// Tables that cargo never writes into the manifest in force: they count for whoever builds the workspace.
const AUTHORS_ONLY: [&str; 3] = ["workspace", "patch", "replace"];

/// What a manifest says; none where it takes something over that is not at hand.
fn said(manifest: &Table, asked: &Asked<'_>) -> Option<Said> {
    let Asked { workspace, has_build_script, is_force } = *asked;
    let mut said = Said::new();
    for name in AUTHORS_ONLY.iter().filter(|name| is_force && manifest.contains_key(**name)) {
        said.insert(format!("the table `{name}`"), String::new());
    }
    said.insert("cargo-features".to_owned(), shown(manifest.get("cargo-features")));
    let package = manifest.get("package").or_else(|| manifest.get("project"))?.as_table()?;
    let above = workspace.and_then(|table| table.get("package")).and_then(Value::as_table);
    for key in ["name", "version", "edition", "repository"] {
        let value = match package.get(key) {
            Some(Value::Table(table)) if table.contains_key("workspace") => Some(above?.get(key)?),
            other => other,
        };
        said.insert(format!("package.{key}"), value.map(Value::to_string).unwrap_or_default());
    }
    for key in ["links", "metadata"] {
        said.insert(format!("package.{key}"), shown(package.get(key)));
    }
    let build = match package.get("build") {
        None | Some(Value::Boolean(true)) if has_build_script => "\"build.rs\"".to_owned(),
        None | Some(Value::Boolean(_)) => String::new(),
        Some(script) => script.to_string().replace("./", ""),
    };
    said.insert("package.build".to_owned(), build);
    let library = manifest.get("lib").and_then(Value::as_table);
    of_library(library, package, &mut said);
    let mut stripped = BTreeSet::new();
    dependencies("", manifest, asked, &mut said, &mut stripped)?;
    let mut targets: BTreeMap<String, usize> = BTreeMap::new();
    for (target, table) in manifest.get("target").and_then(Value::as_table).into_iter().flatten() {
        let target = target.replace(char::is_whitespace, "");
        // The same target in two forms: each is looked at by itself.
        let time = targets.entry(target.clone()).or_default();
        *time += 1;
        let again = if *time > 1 { format!(" ({time})") } else { String::new() };
        let place = format!("target {target}{again}: ");
        dependencies(&place, table.as_table()?, asked, &mut said, &mut stripped)?;
    }
    for (name, items) in manifest.get("features").and_then(Value::as_table).into_iter().flatten() {
        let items: BTreeSet<&str> = items
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|item| !stripped.contains(item.split(['/', '?']).next().unwrap_or(item)))
            .collect();
        said.insert(format!("feature `{name}`"), format!("{items:?}"));
    }
    Some(said)
}

/// What of the library decides which code runs, and under which name.
fn of_library(library: Option<&Table>, package: &Table, said: &mut Said) {
    let of = |keys: [&str; 2]| library.and_then(|l| keys.iter().find_map(|key| l.get(*key)));
    let types: BTreeSet<&str> = of(["crate-type", "crate_type"])
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let is_macro = of(["proc-macro", "proc_macro"]).and_then(Value::as_bool).unwrap_or_default();
    let is_macro = is_macro || types.contains("proc-macro");
    said.insert("lib.proc-macro".to_owned(), is_macro.to_string());
    // Of a library for procedural macros cargo writes its kind in one form or in both.
    let types = if is_macro { BTreeSet::new() } else { types };
    said.insert("lib.crate-type".to_owned(), format!("{types:?}"));
    let path = of(["path", "path"]).and_then(Value::as_str).unwrap_or("src/lib.rs");
    said.insert("lib.path".to_owned(), path.trim_start_matches("./").replace('\\', "/"));
    let name = package.get("name").and_then(Value::as_str).unwrap_or_default();
    let name = of(["name", "name"]).and_then(Value::as_str).unwrap_or(name).replace('-', "_");
    said.insert("lib.name".to_owned(), name);
}

/// Where the author's manifest says that its workspace is, if it says so: beside, not above.
pub(crate) fn named_workspace(author: &str) -> Option<String> {
    let table = author.parse::<Table>().ok()?;
    let package = table.get("package").or_else(|| table.get("project"))?;
    package.get("workspace")?.as_str().map(|path| path.replace('\\', "/"))
}

/// The name of a manifest's package.
pub(crate) fn package_name(text: &str) -> Option<String> {
    let table = text.parse::<Table>().ok()?;
    let package = table.get("package").or_else(|| table.get("project"))?;
    package.get("name")?.as_str().map(str::to_owned)
}

/// Files that the author's manifest names as readme and licence, wherever they are: cargo copies them. Each with
/// whether its path starts from the workspace's folder.
pub(crate) fn legal_files(author: &str, root: Option<&str>) -> Vec<(bool, String)> {
    let Ok(table) = author.parse::<Table>() else { return Vec::new() };
    let package = table.get("package").or_else(|| table.get("project"));
    let root = root.and_then(|root| root.parse::<Table>().ok());
    let above = root.as_ref().and_then(|root| root.get("workspace")?.get("package"));
    let named = |key: &str| match package?.get(key)? {
        Value::String(path) => Some((false, path.replace('\\', "/"))),
        Value::Table(table) if table.contains_key("workspace") => {
            Some((true, above?.get(key)?.as_str()?.replace('\\', "/")))
        }
        _ => None,
    };
    ["readme", "license-file"].into_iter().filter_map(named).collect()
}

fn shown(value: Option<&Value>) -> String {
    value.map(Value::to_string).unwrap_or_default()
}

/// The dependencies of one place. `stripped` gets those that cargo leaves out: for tests, by path only.
fn dependencies(
    place: &str,
    table: &Table,
    asked: &Asked<'_>,
    said: &mut Said,
    stripped: &mut BTreeSet<String>,
) -> Option<()> {
    let kinds = [
        ("dependency", ["dependencies", "dependencies"]),
        ("build-dependency", ["build-dependencies", "build_dependencies"]),
        ("dev-dependency", ["dev-dependencies", "dev_dependencies"]),
    ];
    for (kind, keys) in kinds {
        let Some(all) = keys.iter().find_map(|key| table.get(*key)) else { continue };
        for (name, value) in all.as_table()? {
            let Some(text) = dependency(name, value, asked)? else {
                if kind == "dev-dependency" && !asked.is_force {
                    stripped.insert(name.clone());
                    continue;
                }
                return None;
            };
            said.insert(format!("{place}{kind} `{name}`"), text);
        }
    }
    Some(())
}

/// One dependency in one form: its inner value is none where it has no version; the outer where it is
/// taken over from a workspace that is not at hand.
#[expect(clippy::option_option, reason = "two ways of not being there")]
fn dependency(name: &str, value: &Value, asked: &Asked<'_>) -> Option<Option<String>> {
    let own = match value {
        Value::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    let inherits = own.get("workspace").and_then(Value::as_bool) == Some(true);
    let base = if inherits {
        match asked.workspace?.get("dependencies")?.as_table()?.get(name)? {
            Value::Table(table) => table.clone(),
            version => Table::from_iter([("version".to_owned(), version.clone())]),
        }
    } else {
        Table::new()
    };
    let pick = |key: &str| own.get(key).or_else(|| base.get(key));
    let Some(version) = pick("version") else { return Some(None) };
    let defaults = |table: &Table| {
        ["default-features", "default_features"]
            .iter()
            .find_map(|key| table.get(*key))
            .and_then(Value::as_bool)
    };
    // A member can add the default features to what the workspace says, not take them away.
    let default = match (defaults(&own), defaults(&base)) {
        (Some(true), _) | (None, None) => true,
        (_, Some(base)) => base,
        (Some(false), None) => inherits,
    };
    let features: BTreeSet<&str> = [&own, &base]
        .into_iter()
        .filter_map(|table| table.get("features").and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let package = pick("package").and_then(Value::as_str).unwrap_or(name);
    let optional = own.get("optional").and_then(Value::as_bool).unwrap_or_default();
    let elsewhere = match (pick("registry-index"), pick("registry")) {
        (Some(index), _) => index.to_string(),
        (None, Some(name)) => format!("{ALIAS}{name}"),
        (None, None) => String::new(),
    };
    let places = ["path", "git", "branch", "tag", "rev", "base"];
    let own: Vec<&str> =
        places.into_iter().filter(|key| asked.is_force && pick(key).is_some()).collect();
    Some(Some(format!(
        "{package} {version} {features:?} {default} {optional} {own:?}{REGISTRY}{elsewhere}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: &str = "[package]\nname = \"x-y\"\nversion = \"1.0.0\"\n";

    fn told(author: &str, force: &str) -> Follows {
        follows(&format!("{PACKAGE}{force}"), &format!("{PACKAGE}{author}"), None, false)
    }

    #[test]
    fn what_cargo_writes_in_another_form_follows() {
        for (author, force) in [
            ("", "build = false\n[lib]\nname = \"x_y\"\npath = \"src/lib.rs\"\n"),
            ("[lib]\ncrate-type = [\"proc-macro\"]\n", "[lib]\nproc-macro = true\n"),
            ("[workspace]\n[patch.a]\nb = { path = \"c\" }\n", ""),
            (
                "[target.'cfg( unix )'.dependencies]\na = \"1\"\n",
                "[target.\"cfg(unix)\".dependencies.a]\nversion = \"1\"\n",
            ),
            (
                "[dependencies]\na = { git = \"g\", version = \"1\" }\n",
                "[dependencies.a]\nversion = \"1\"\n",
            ),
            (
                "[dev-dependencies]\nt = { path = \"../t\" }\n[features]\nf = [\"t/x\"]\n",
                "[features]\nf = []\n",
            ),
        ] {
            assert_eq!(told(author, force), Follows::Yes, "{author} {force}");
        }
    }

    #[test]
    fn what_the_manifest_in_force_says_beyond_the_authors_does_not_follow() {
        for (author, force) in [
            (
                "[target.'cfg(unix)'.build-dependencies]\na = \"1\"\n",
                "[target.'cfg(unix)'.build-dependencies]\na = \"1\"\n\
                 [target.'cfg( unix)'.build-dependencies]\na = \"=9.9.9\"\n",
            ),
            ("", "[dev-dependencies.evil]\npath = \"x\"\n[features]\ndefault = [\"evil\"]\n"),
            (
                "[dev-dependencies]\nt = { path = \"../t\" }\n[features]\ndefault = []\n",
                "[features]\ndefault = [\"t\"]\n",
            ),
            ("", "[lib]\ncrate-type = [\"proc-macro\"]\n"),
            ("", "[lib]\ncrate-type = [\"cdylib\"]\n"),
            ("", "[lib]\nname = \"serde\"\n"),
            ("", "[workspace]\n"),
            ("", "[patch.a]\nb = { path = \"c\" }\n"),
            ("[dependencies]\na = \"1\"\n", "[dependencies.a]\nversion = \"1\"\npath = \"p\"\n"),
            (
                "[dependencies]\na = \"1\"\n",
                "[dependencies.a]\nversion = \"1\"\nregistry-index = \"e\"\n",
            ),
            ("repository = \"a\"\n", "repository = \"b\"\n"),
        ] {
            assert!(matches!(told(author, force), Follows::No(_)), "{author} {force}");
        }
    }

    #[test]
    fn a_registry_that_the_author_calls_by_a_name_cannot_be_told() {
        let author = "[dependencies]\na = { version = \"1\", registry = \"corp\" }\n";
        let force =
            "[dependencies.a]\nversion = \"1\"\nregistry-index = \"https://corp.example\"\n";
        assert!(matches!(told(author, force), Follows::Unknown(_)));
        let other = force.replace("\"1\"", "\"2\"");
        assert!(matches!(told(author, &other), Follows::No(_)));
        let same =
            author.replace("registry = \"corp\"", "registry-index = \"https://corp.example\"");
        assert_eq!(told(&same, force), Follows::Yes);
    }
}
