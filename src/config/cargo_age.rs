//! Cargo's own `min-publish-age`, out of its configuration files and variables
//! (<https://doc.rust-lang.org/cargo/reference/config.html>, RFC 3923; stable since cargo 1.100).
//!
//! Cargo holds the setting against what it resolves, and never against what is locked already. Here it is only
//! read: `registry.global-min-publish-age`, `registry.min-publish-age` for the default registry,
//! `registries.<name>.min-publish-age`, and `resolver.incompatible-publish-age = "allow"`, which switches all of
//! them off. A value that cargo would refuse makes the age unknown, and never none.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::domain::{AgeSetting, PublishAges};

/// A configuration file: what it is called in messages, and its text.
pub type ConfigText = (String, String);

/// Puts the files together, the least important first, and the variables over them. Nothing where none of them
/// has the setting, or where the last word is to allow every age.
#[must_use]
pub fn publish_ages(files: &[ConfigText], variables: &[(String, String)]) -> Option<PublishAges> {
    let mut read = Read::default();
    for (label, text) in files {
        match text.parse::<Table>() {
            Ok(table) => read.file(label, &table),
            Err(error) => {
                let seconds = Err(format!("{label} cannot be read: {}", error.message()));
                read.ages.global = Some(AgeSetting { seconds, set_by: label.clone() });
            }
        }
    }
    read.variables(variables);
    read.finish()
}

#[derive(Default)]
struct Read {
    ages: PublishAges,
    /// Name of a registry to its index.
    indexes: BTreeMap<String, String>,
    /// Name of a registry to its own age.
    named: BTreeMap<String, AgeSetting>,
    allowed: bool,
}

impl Read {
    fn file(&mut self, label: &str, table: &Table) {
        let of = |table: &Table, key: &str, full: &str| {
            let value = table.get(key)?;
            let set_by = format!("`{full}` in {label}");
            let seconds = value.as_str().map_or_else(|| Err("is no text".to_owned()), seconds);
            let seconds = seconds.map_err(|why| format!("{set_by} {why}"));
            Some(AgeSetting { seconds, set_by })
        };
        if let Some(registry) = table.get("registry").and_then(Value::as_table) {
            let global = of(registry, "global-min-publish-age", "registry.global-min-publish-age");
            self.ages.global = global.or(self.ages.global.take());
            let own = of(registry, "min-publish-age", "registry.min-publish-age");
            self.ages.default_registry = own.or(self.ages.default_registry.take());
        }
        for (name, registry) in
            table.get("registries").and_then(Value::as_table).into_iter().flatten()
        {
            let Some(registry) = registry.as_table() else { continue };
            let full = format!("registries.{name}.min-publish-age");
            if let Some(age) = of(registry, "min-publish-age", &full) {
                self.named.insert(name.clone(), age);
            }
            if let Some(index) = registry.get("index").and_then(Value::as_str) {
                self.indexes.insert(name.clone(), bare(index).to_owned());
            }
        }
        let resolver = table.get("resolver").and_then(Value::as_table);
        if let Some(word) = resolver.and_then(|of| of.get("incompatible-publish-age")) {
            self.allowed = word.as_str() == Some("allow");
        }
    }

    fn variables(&mut self, variables: &[(String, String)]) {
        for (key, value) in variables {
            let set_by = format!("the variable {key}");
            let seconds = seconds(value).map_err(|why| format!("{set_by} {why}"));
            let age = AgeSetting { seconds, set_by };
            match key.as_str() {
                "CARGO_REGISTRY_GLOBAL_MIN_PUBLISH_AGE" => self.ages.global = Some(age),
                "CARGO_REGISTRY_MIN_PUBLISH_AGE" => self.ages.default_registry = Some(age),
                "CARGO_RESOLVER_INCOMPATIBLE_PUBLISH_AGE" => self.allowed = value == "allow",
                other => {
                    let name = other.strip_prefix("CARGO_REGISTRIES_");
                    let Some(name) = name.and_then(|rest| rest.strip_suffix("_MIN_PUBLISH_AGE"))
                    else {
                        continue;
                    };
                    let same = |known: &&String| known.to_uppercase().replace('-', "_") == name;
                    if let Some(known) = self.indexes.keys().find(same).cloned() {
                        self.named.insert(known, age);
                    }
                }
            }
        }
    }

    fn finish(mut self) -> Option<PublishAges> {
        for (name, age) in self.named {
            if let Some(index) = self.indexes.get(&name) {
                self.ages.registries.insert(index.clone(), age);
            } else if name == "crates-io" {
                self.ages.default_registry = Some(age);
            }
        }
        let none = self.ages == PublishAges::default();
        (!none && !self.allowed).then_some(self.ages)
    }
}

/// An index as lockfiles have it, without the word for its protocol.
fn bare(index: &str) -> &str {
    index.trim_start_matches("sparse+").trim_start_matches("registry+")
}

/// "0", or a number with seconds, minutes, hours, days, weeks or months of 30 days, in either number.
fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("is `{}`, which is no time span", crate::domain::text::shown(text));
    if text.trim() == "0" {
        return Ok(0);
    }
    let (number, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit = unit.trim();
    let of = match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        "month" => 30 * 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(of).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ages(files: &[&str], variables: &[(&str, &str)]) -> Option<PublishAges> {
        let text = |(at, text): (usize, &&str)| (format!("file {at}"), (*text).to_owned());
        let files: Vec<ConfigText> = files.iter().enumerate().map(text).collect();
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let variables: Vec<(String, String)> = variables.iter().map(own).collect();
        publish_ages(&files, &variables)
    }

    fn of(age: Option<&AgeSetting>) -> Option<(Option<u64>, &str)> {
        age.map(|age| (age.seconds.clone().ok(), age.set_by.as_str()))
    }

    #[test]
    fn the_nearer_file_and_the_variable_have_the_last_word() {
        let user = "[registry]\nglobal-min-publish-age = \"7 days\"\n";
        let project = "registry.global-min-publish-age = \"1 week\"\nregistry.min-publish-age = \"36 hours\"\n";
        let found = ages(&[user, project], &[]).unwrap();
        let global = "`registry.global-min-publish-age` in file 1";
        assert_eq!(of(found.global.as_ref()), Some((Some(604_800), global)));
        assert_eq!(of(found.default_registry.as_ref()).unwrap().0, Some(129_600));
        let variable = [("CARGO_REGISTRY_GLOBAL_MIN_PUBLISH_AGE", "0")];
        let found = ages(&[user], &variable).unwrap();
        let named = "the variable CARGO_REGISTRY_GLOBAL_MIN_PUBLISH_AGE";
        assert_eq!(of(found.global.as_ref()), Some((Some(0), named)));
    }

    #[test]
    fn a_registry_of_its_own_is_known_by_its_index() {
        let text = "[registries.in-house]\nindex = \"sparse+https://index.example.invalid/\"\nmin-publish-age = \"0\"\n";
        let found = ages(&[text], &[]).unwrap();
        let age = found.registries.get("https://index.example.invalid/");
        assert_eq!(of(age).unwrap().0, Some(0));
        let found =
            ages(&[text], &[("CARGO_REGISTRIES_IN_HOUSE_MIN_PUBLISH_AGE", "2 days")]).unwrap();
        let age = found.registries.get("https://index.example.invalid/");
        assert_eq!(of(age).unwrap().0, Some(172_800));
    }

    #[test]
    fn no_setting_is_none_and_allow_switches_all_of_it_off() {
        assert_eq!(ages(&["[build]\njobs = 2\n"], &[]), None);
        let set = "[registry]\nglobal-min-publish-age = \"7 days\"\n[resolver]\nincompatible-publish-age = \"allow\"\n";
        assert_eq!(ages(&[set], &[]), None);
        let deny = [("CARGO_RESOLVER_INCOMPATIBLE_PUBLISH_AGE", "deny")];
        assert!(ages(&[set], &deny).is_some());
    }

    #[test]
    fn what_cargo_would_refuse_is_unknown_and_not_none() {
        for text in [
            "[registry]\nglobal-min-publish-age = \"soon\"\n",
            "[registry]\nglobal-min-publish-age = 7\n",
            "[registry]\nglobal-min-publish-age = \"99999999999999999999 days\"\n",
            "[registry\n",
        ] {
            let found = ages(&[text], &[]).expect("something is set");
            assert!(found.global.expect("it is").seconds.is_err(), "{text}");
        }
    }
}
