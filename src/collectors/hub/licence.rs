//! Licence ids of the Hub: their SPDX ids, and whether a derived model promises more than its base.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The table of licences.
#[derive(Debug)]
pub struct Licences {
    by_id: BTreeMap<String, (String, String)>,
}

#[derive(Deserialize)]
struct Table {
    licence: Vec<Class>,
}

#[derive(Deserialize)]
struct Class {
    r#use: String,
    ids: BTreeMap<String, String>,
}

impl Licences {
    /// The table that is part of the program.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn embedded() -> Self {
        let table: Table = toml::from_str(include_str!("../../../rules/tables/hub-licences.toml"))
            .expect("the shipped table is TOML");
        let mut by_id = BTreeMap::new();
        for class in table.licence {
            for (id, spdx) in class.ids {
                by_id.insert(id, (spdx, class.r#use.clone()));
            }
        }
        Self { by_id }
    }

    /// The SPDX id, where there is one.
    #[must_use]
    pub fn spdx(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(|(spdx, _)| spdx.as_str()).filter(|spdx| !spdx.is_empty())
    }

    /// What all of these licences together allow: the strictest of them; `unknown` for none.
    #[must_use]
    pub fn allows(&self, ids: &[String]) -> &str {
        let class = |id: &String| self.by_id.get(id).map_or("unknown", |(_, class)| class.as_str());
        let rank = |class: &&str| match *class {
            "non-commercial" => 3,
            "restricted" => 2,
            "open" => 1,
            _ => 0,
        };
        ids.iter().map(class).max_by_key(rank).unwrap_or("unknown")
    }

    /// Whether `derived` promises more than `base` allows.
    #[must_use]
    pub fn contradicts(&self, derived: &[String], base: &[String]) -> bool {
        matches!(
            (self.allows(derived), self.allows(base)),
            ("open", "restricted" | "non-commercial") | ("restricted", "non-commercial")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(id: &str) -> Vec<String> {
        vec![id.to_owned()]
    }

    #[test]
    fn a_free_licence_on_a_restricted_base_contradicts_and_unknown_does_not() {
        let table = Licences::embedded();
        assert_eq!(table.spdx("apache-2.0"), Some("Apache-2.0"));
        assert_eq!(table.spdx("llama3"), None);
        assert!(table.contradicts(&ids("apache-2.0"), &ids("llama3.1")));
        assert!(!table.contradicts(&ids("llama3.1"), &ids("llama3.1")));
        assert!(!table.contradicts(&ids("apache-2.0"), &ids("other")));
        assert!(!table.contradicts(&[], &ids("llama3")));
        assert_eq!(table.allows(&[]), "unknown");
    }
}
