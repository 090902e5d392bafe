//! The part of CycloneDX that is written, as it stands in the file.

use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bom {
    #[serde(rename = "bomFormat")]
    pub(super) format: &'static str,
    pub(super) spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) components: Vec<Component>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) services: Vec<Service>,
    pub(super) dependencies: Vec<Dependency>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Serialize)]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timestamp: Option<String>,
    pub(super) tools: Tools,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) component: Option<Component>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
}

#[derive(Serialize)]
pub(super) struct Tools {
    pub(super) components: [Component; 1],
}

#[derive(Default, Serialize)]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<Named>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) authors: Vec<Named>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<License>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
}

#[derive(Serialize)]
pub(super) struct Named {
    pub(super) name: String,
}

/// An SPDX expression, or a licence by whatever name it goes.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum License {
    Expression(String),
    License(Named),
}

#[derive(Serialize)]
pub(super) struct Service {
    #[serde(rename = "bom-ref")]
    pub(super) reference: String,
    pub(super) name: String,
    pub(super) properties: Vec<Property>,
}

#[derive(Serialize)]
pub(super) struct Hash {
    pub(super) alg: &'static str,
    pub(super) content: String,
}

#[derive(Serialize)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dependency {
    #[serde(rename = "ref")]
    pub(super) reference: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) depends_on: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Vulnerability {
    #[serde(rename = "bom-ref")]
    pub(super) bom_ref: String,
    pub(super) id: String,
    pub(super) source: Source,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) references: Vec<Reference>,
    pub(super) ratings: Vec<Rating>,
    pub(super) description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) recommendation: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) advisories: Vec<Advisory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) published: Option<String>,
    pub(super) analysis: Analysis,
    pub(super) affects: Vec<Affects>,
}

#[derive(Serialize)]
pub(super) struct Source {
    pub(super) name: &'static str,
    pub(super) url: &'static str,
}

/// The same issue elsewhere.
#[derive(Serialize)]
pub(super) struct Reference {
    pub(super) id: String,
    pub(super) source: Source,
}

#[derive(Serialize)]
pub(super) struct Rating {
    pub(super) severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vector: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Advisory {
    pub(super) url: String,
}

#[derive(Serialize)]
pub(super) struct Analysis {
    pub(super) state: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) response: Vec<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) detail: String,
}

#[derive(Serialize)]
pub(super) struct Affects {
    #[serde(rename = "ref")]
    pub(super) reference: String,
}
