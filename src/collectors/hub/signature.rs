//! The manifest of a model signature (`OpenSSF` Model Signing 1.0): a Sigstore bundle whose DSSE payload is
//! an in-toto statement with the hash of every file. Only the manifest is read; the signature is not
//! verified, and nothing here says that it is.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde::Deserialize;

use super::facts::{HubFile, SignatureFacts};

/// Longest manifest that is read, in bytes.
pub(super) const LIMIT: u64 = 8 * 1024 * 1024;
/// Statement types whose predicate lists resources.
const PREDICATES: [&str; 2] =
    ["https://model_signing/signature/v1.0", "https://model_signing/Digests/v0.1"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Envelope,
}

#[derive(Deserialize)]
struct Envelope {
    payload: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Deserialize)]
struct Predicate {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    digest: String,
    #[serde(default)]
    algorithm: String,
}

/// Compares a manifest with the weights of a repository; the error says why it could not be read.
pub(super) fn compare(
    path: &str,
    bytes: &[u8],
    files: &[HubFile],
) -> Result<SignatureFacts, String> {
    let bundle: Bundle = serde_json::from_slice(bytes).map_err(|e| format!("{path}: {e}"))?;
    let payload = base64::engine::general_purpose::STANDARD
        .decode(bundle.dsse_envelope.payload.as_bytes())
        .map_err(|e| format!("{path}: the payload is not base64: {e}"))?;
    let statement: Statement =
        serde_json::from_slice(&payload).map_err(|e| format!("{path}: {e}"))?;
    if !PREDICATES.contains(&statement.predicate_type.as_str()) {
        return Err(format!("{path}: it is no manifest of a model signature"));
    }
    let resources = &statement.predicate.resources;
    let listed: BTreeMap<&str, &Resource> =
        resources.iter().map(|resource| (resource.name.as_str(), resource)).collect();
    let mut facts = SignatureFacts {
        path: path.to_owned(),
        listed: u32::try_from(listed.len()).unwrap_or(u32::MAX),
        ..SignatureFacts::default()
    };
    for file in files.iter().filter(|file| file.weights) {
        match listed.get(file.path.as_str()) {
            None => facts.not_covered.push(file.path.clone()),
            Some(resource) => {
                let sha256 = resource.algorithm.is_empty() || resource.algorithm == "sha256";
                let other = file
                    .sha256
                    .known()
                    .is_some_and(|hash| !hash.eq_ignore_ascii_case(&resource.digest));
                if sha256 && other {
                    facts.different.push(file.path.clone());
                }
            }
        }
    }
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Measured;

    fn weights(path: &str, hash: &str) -> HubFile {
        HubFile {
            path: path.to_owned(),
            size: Measured::Known(1),
            sha256: Measured::Known(hash.to_owned()),
            blob: Measured::unknown("x"),
            format: "safetensors".to_owned(),
            weights: true,
            code: false,
            account: Measured::unknown("x"),
            changed_days: Measured::unknown("x"),
        }
    }

    fn bundle(resources: &str) -> String {
        let statement = format!(
            "{{\"predicateType\":\"https://model_signing/signature/v1.0\",\"predicate\":{{\"resources\":[{resources}]}}}}"
        );
        let payload = base64::engine::general_purpose::STANDARD.encode(statement);
        format!("{{\"dsseEnvelope\":{{\"payload\":\"{payload}\"}}}}")
    }

    #[test]
    fn shards_that_are_missing_or_different_are_told() {
        let text = bundle(
            "{\"name\":\"a.safetensors\",\"digest\":\"AA\",\"algorithm\":\"sha256\"},{\"name\":\"b.safetensors\",\"digest\":\"bb\",\"algorithm\":\"sha256\"}",
        );
        let files = [
            weights("a.safetensors", "aa"),
            weights("b.safetensors", "xx"),
            weights("c.safetensors", "cc"),
        ];
        let facts = compare("model.sig", text.as_bytes(), &files).unwrap();
        assert_eq!(facts.different, ["b.safetensors"]);
        assert_eq!(facts.not_covered, ["c.safetensors"]);
        for end in 0..text.len() {
            assert!(compare("model.sig", &text.as_bytes()[..end], &files).is_err());
        }
    }
}
