//! The shipped tables that discovery looks things up in: what fastembed's variants load, which crates
//! carry AI, which hosts and crates belong to a hosted service. Knowledge as data; it judges nothing.

use std::collections::BTreeMap;

use serde::Deserialize;

/// All tables of discovery.
#[derive(Clone, Debug)]
pub struct Tables {
    fastembed: BTreeMap<String, BTreeMap<String, String>>,
    services: Vec<Service>,
    roles: Vec<Group>,
}

/// One hosted service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Service {
    /// Who runs it.
    pub vendor: String,
    /// Its hosts; the first is its usual address. `*` stands for anything.
    pub hosts: Vec<String>,
    /// Crates that ask there.
    #[serde(default)]
    pub crates: Vec<String>,
    /// Environment variables that hold its key.
    #[serde(default)]
    pub variables: Vec<String>,
    /// Names of models that are asked of it, as routers write them; `*` at the end stands for anything.
    #[serde(default)]
    pub models: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Group {
    role: String,
    #[serde(default)]
    crates: Vec<String>,
    #[serde(default)]
    families: Vec<String>,
}

#[derive(Deserialize)]
struct FastembedTable {
    model: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct ServiceTable {
    service: Vec<Service>,
}

#[derive(Deserialize)]
struct RoleTable {
    role: Vec<Group>,
}

impl Tables {
    /// The tables that are part of the program.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub fn embedded() -> Self {
        let fastembed: FastembedTable =
            toml::from_str(include_str!("../../../rules/tables/fastembed-models.toml"))
                .expect("the shipped table is TOML");
        let services: ServiceTable =
            toml::from_str(include_str!("../../../rules/tables/ai-services.toml"))
                .expect("the shipped table is TOML");
        let roles: RoleTable = toml::from_str(include_str!("../../../rules/tables/ai-crates.toml"))
            .expect("the shipped table is TOML");
        Self { fastembed: fastembed.model, services: services.service, roles: roles.role }
    }

    /// What a variant of one of fastembed's enums loads.
    #[must_use]
    pub fn fastembed(&self, owner: &str, variant: &str) -> Option<&str> {
        self.fastembed.get(owner)?.get(variant).map(String::as_str)
    }

    /// What a crate does with models; nothing where it is not known to do anything with them.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&str> {
        let listed = self.roles.iter().find(|role| role.crates.iter().any(|krate| krate == name));
        let family = || {
            self.roles
                .iter()
                .find(|role| role.families.iter().any(|prefix| name.starts_with(prefix.as_str())))
        };
        listed.or_else(family).map(|role| role.role.as_str())
    }

    /// Whether a crate fetches or holds models, so that literals of the project may name them.
    #[must_use]
    pub fn loads_models(&self, name: &str) -> bool {
        matches!(
            self.role(name),
            Some(
                "hub client"
                    | "inference and training"
                    | "language-model runtime"
                    | "ready-made pipeline"
                    | "tokenizer"
            )
        )
    }

    /// The service that a crate speaks to.
    #[must_use]
    pub fn service_of_crate(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.crates.iter().any(|krate| krate == name))
    }

    /// The service that answers at a host.
    #[must_use]
    pub fn service_of_host(&self, host: &str) -> Option<&Service> {
        let host = host.to_ascii_lowercase();
        self.services.iter().find(|service| service.hosts.iter().any(|known| matches(known, &host)))
    }

    /// The service that is asked for a model of this name, by itself or by way of a router.
    #[must_use]
    pub fn service_of_model(&self, id: &str) -> Option<&Service> {
        let fits = |known: &String| match known.strip_suffix('*') {
            Some(start) => id.len() > start.len() && id.starts_with(start),
            None => known == id,
        };
        self.services.iter().find(|service| service.models.iter().any(fits))
    }

    /// The service whose key a variable holds.
    #[must_use]
    pub fn service_of_variable(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.variables.iter().any(|known| known == name))
    }
}

/// Whether a host fits a pattern with at most one `*`, which stands for at least one character.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == host,
        Some((before, after)) => {
            host.len() > before.len() + after.len()
                && host.starts_with(before)
                && host.ends_with(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_tables_are_read() {
        let tables = Tables::embedded();
        assert_eq!(
            tables.fastembed("EmbeddingModel", "BGEBaseENV15"),
            Some("Xenova/bge-base-en-v1.5")
        );
        assert_eq!(tables.role("candle-core"), Some("inference and training"));
        assert_eq!(tables.role("burn-wgpu"), Some("inference and training"));
        assert_eq!(tables.role("serde"), None);
        assert_eq!(tables.service_of_crate("async-openai").unwrap().vendor, "OpenAI");
        let host = "bedrock-runtime.eu-west-1.amazonaws.com";
        assert_eq!(tables.service_of_host(host).unwrap().vendor, "Amazon Bedrock");
        let vendor = |id: &str| tables.service_of_model(id).map(|service| service.vendor.as_str());
        assert_eq!(vendor("openai/gpt-4o-mini"), Some("OpenAI"));
        assert_eq!(vendor("openrouter/auto"), Some("OpenRouter"));
        for id in ["openai/gpt-oss-20b", "openai/whisper-large-v3", "google/gemma-2-9b", "ollama/"]
        {
            assert_eq!(vendor(id), None, "{id}");
        }
        assert!(tables.service_of_host("api.openai.com.example.invalid").is_none());
        assert!(tables.service_of_host("notapi.openai.com").is_none());
    }
}
