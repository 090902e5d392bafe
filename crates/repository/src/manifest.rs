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
    let Some(expected) = said(&author, workspace, has_build_script) else {
        let why = "the manifest of its workspace, from which it takes values over, is not at hand";
        return Follows::Unknown(why.to_owned());
    };
    let Some(found) = said(&force, None, has_build_script) else {
        return Follows::No("inheritance in the manifest in force".to_owned());
    };
    let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    match names.into_iter().find(|name| expected.get(*name) != found.get(*name)) {
        None => Follows::Yes,
        Some(name) => Follows::No(name.clone()),
    }
}

/// What a manifest says; none where it takes something over that is not at hand.
fn said(manifest: &Table, workspace: Option<&Table>, has_build_script: bool) -> Option<Said> {
    let mut said = Said::new();
    let package = manifest.get("package").or_else(|| manifest.get("project"))?.as_table()?;
    let above = workspace.and_then(|table| table.get("package")).and_then(Value::as_table);
    for key in ["name", "version", "edition"] {
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
    let of_library =
        |keys: [&str; 2]| library.and_then(|l| keys.iter().find_map(|key| l.get(*key)));
    let is_macro = of_library(["proc-macro", "proc_macro"]).and_then(Value::as_bool);
    said.insert("lib.proc-macro".to_owned(), is_macro.unwrap_or_default().to_string());
    let path = of_library(["path", "path"]).and_then(Value::as_str).unwrap_or("src/lib.rs");
    said.insert("lib.path".to_owned(), path.trim_start_matches("./").replace('\\', "/"));
    let mut stripped = BTreeSet::new();
    dependencies("", manifest, workspace, &mut said, &mut stripped)?;
    for (target, table) in manifest.get("target").and_then(Value::as_table).into_iter().flatten() {
        let place = format!("target {}: ", target.replace(char::is_whitespace, ""));
        dependencies(&place, table.as_table()?, workspace, &mut said, &mut stripped)?;
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

fn shown(value: Option<&Value>) -> String {
    value.map(Value::to_string).unwrap_or_default()
}

/// The dependencies of one place. `stripped` gets those that cargo leaves out: for tests, by path only.
fn dependencies(
    place: &str,
    table: &Table,
    workspace: Option<&Table>,
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
            let Some(text) = dependency(name, value, workspace)? else {
                if kind == "dev-dependency" {
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
fn dependency(name: &str, value: &Value, workspace: Option<&Table>) -> Option<Option<String>> {
    let own = match value {
        Value::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    let inherits = own.get("workspace").and_then(Value::as_bool) == Some(true);
    let base = if inherits {
        match workspace?.get("dependencies")?.as_table()?.get(name)? {
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
    let elsewhere = pick("registry").or_else(|| pick("registry-index")).is_some();
    Some(Some(format!("{package} {version} {features:?} {default} {optional} {elsewhere}")))
}
