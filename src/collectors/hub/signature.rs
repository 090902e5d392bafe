//! The manifest of a model signature (`OpenSSF` Model Signing 1.0): a Sigstore bundle whose DSSE payload is
//! an in-toto statement with the hash of every file. Only the manifest is read; the signature is not
//! verified, and nothing here says that it is.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use serde::Deserialize;
use serde_json::Value;

use super::facts::{HubFile, LISTED, SignatureFacts};
use model_scan::hub::claimed_signer;

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

/// A manifest as it was read, to hold against the files as more and more of them is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    path: String,
    signer: String,
    /// Path to the SHA-256 in lower case; nothing where it has a hash of another kind.
    listed: BTreeMap<String, Option<String>>,
}

/// Reads a manifest; the error says why it could not be.
pub(super) fn read(path: &str, bytes: &[u8]) -> Result<Manifest, String> {
    let told: Value = serde_json::from_slice(bytes).map_err(|e| format!("{path}: {e}"))?;
    // A signature that tells nobody is by nobody who could be compared.
    let signer = claimed_signer(&told).unwrap_or_default();
    let bundle = Bundle::deserialize(told).map_err(|e| format!("{path}: {e}"))?;
    let payload = base64::engine::general_purpose::STANDARD
        .decode(bundle.dsse_envelope.payload.as_bytes())
        .map_err(|e| format!("{path}: the payload is not base64: {e}"))?;
    let statement: Statement =
        serde_json::from_slice(&payload).map_err(|e| format!("{path}: {e}"))?;
    if !PREDICATES.contains(&statement.predicate_type.as_str()) {
        return Err(format!("{path}: it is no manifest of a model signature"));
    }
    let listed = statement.predicate.resources.into_iter().map(|resource| {
        let sha256 = resource.algorithm.is_empty() || resource.algorithm == "sha256";
        (resource.name, sha256.then(|| resource.digest.to_ascii_lowercase()))
    });
    Ok(Manifest { path: path.to_owned(), signer, listed: listed.collect() })
}

impl Manifest {
    /// Holds the manifest against the files of the repository.
    pub(super) fn compare(&self, files: &[HubFile]) -> SignatureFacts {
        let mut facts = SignatureFacts {
            path: self.path.clone(),
            signer: self.signer.clone(),
            listed: u32::try_from(self.listed.len()).unwrap_or(u32::MAX),
            ..SignatureFacts::default()
        };
        for file in files {
            let loaded = file.weights || file.code || file.format == "pickle";
            match self.listed.get(&file.path) {
                None if loaded => facts.not_covered.push(file.path.clone()),
                Some(Some(digest)) if file.sha256.known().is_some_and(|hash| hash != digest) => {
                    facts.different.push(file.path.clone());
                }
                _ => {}
            }
        }
        let there: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let gone = self.listed.keys().filter(|path| !there.contains(path.as_str()));
        facts.missing = gone.take(LISTED).cloned().collect();
        facts.not_covered.truncate(LISTED);
        facts.different.truncate(LISTED);
        facts
    }
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
    fn code_and_configuration_are_held_against_the_manifest_too() {
        let text = bundle(
            "{\"name\":\"config.json\",\"digest\":\"bb\",\"algorithm\":\"sha256\"},{\"name\":\"old.py\",\"digest\":\"xx\",\"algorithm\":\"blake2b\"}",
        );
        let plain =
            |path: &str, code: bool| HubFile { weights: false, code, ..weights(path, "aa") };
        let files = [plain("config.json", false), plain("new.py", true), plain("old.py", true)];
        let files = files.map(|file| HubFile { format: "other".to_owned(), ..file });
        let facts = read("model.sig", text.as_bytes()).unwrap().compare(&files);
        assert_eq!(facts.different, ["config.json"], "another kind of hash says nothing");
        assert_eq!(facts.not_covered, ["new.py"], "whatever runs has to be signed");
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
        let facts = read("model.sig", text.as_bytes()).unwrap().compare(&files);
        assert_eq!(facts.different, ["b.safetensors"]);
        assert_eq!(facts.not_covered, ["c.safetensors"]);
        assert_eq!(facts.missing, [""; 0]);
        let facts = read("model.sig", text.as_bytes()).unwrap().compare(&files[1..]);
        assert_eq!(facts.missing, ["a.safetensors"]);
        for end in 0..text.len() {
            assert!(read("model.sig", &text.as_bytes()[..end]).is_err());
        }
    }
}
