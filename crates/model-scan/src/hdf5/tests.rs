use std::io::Cursor;

use super::*;

fn facts(bytes: &[u8]) -> Hdf5 {
    read(Cursor::new(bytes), bytes.len() as u64).unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../fixtures/models/benign/{name}", env!("CARGO_MANIFEST_DIR")))
        .unwrap()
}

#[test]
fn what_h5py_writes_is_read_in_every_shape() {
    for (file, version, user_block) in [
        ("keras2-v0.h5", 0, 0),
        ("keras2-v3.h5", 3, 0),
        ("user-block.h5", 0, 512),
        ("many-attributes.h5", 0, 0),
        ("dense-attributes.h5", 3, 0),
    ] {
        let facts = facts(&fixture(&format!("hdf5/{file}")));
        assert!(facts.complete && facts.anomalies.is_empty(), "{file}: {:?}", facts.anomalies);
        assert_eq!(facts.superblock_version, Some(version), "{file}");
        assert_eq!(facts.user_block, user_block, "{file}");
        let keras = facts.keras.unwrap_or_else(|| panic!("{file}: no model_config"));
        assert!(keras.complete && keras.lambdas.is_empty(), "{file}");
        assert_eq!(keras.class_name.as_deref(), Some("Sequential"), "{file}");
    }
    let facts = facts(&fixture("hdf5/keras2-v0.h5"));
    assert_eq!(facts.keras_version.as_deref(), Some("2.15.0"));
}

#[test]
fn what_keras_writes_is_read_and_its_lambda_is_seen() {
    let plain = facts(&fixture("keras/dense.h5"));
    let keras = plain.keras.unwrap();
    assert!(keras.anomalies.is_empty() && plain.anomalies.is_empty(), "{:?}", keras.anomalies);
    let doubling = facts(&fixture("keras/lambda-that-doubles.h5")).keras.unwrap();
    assert_eq!(doubling.lambdas.len(), 1, "{:?}", doubling.anomalies);
    assert!(doubling.lambdas[0].dangerous_names.is_empty());
    assert!(doubling.lambdas[0].code_size.is_some());
}

#[test]
fn a_file_without_a_model_is_complete_and_has_none() {
    let facts = facts(&fixture("hdf5/data-only.h5"));
    assert!(facts.complete && facts.keras.is_none() && facts.anomalies.is_empty());
}

#[test]
fn what_is_no_hdf5_is_named() {
    assert!(facts(b"").anomalies.has("not-hdf5"));
    assert!(facts(&vec![0; 100_000]).anomalies.has("not-hdf5"));
    let mut bytes = fixture("hdf5/keras2-v0.h5");
    bytes[8] = 9;
    assert!(facts(&bytes).anomalies.has("unknown-superblock"));
    bytes[8] = 0;
    bytes[13] = 3;
    assert!(facts(&bytes).anomalies.has("odd-sizes"));
}

#[test]
fn truncation_is_never_complete_with_a_model_missing() {
    for file in ["keras2-v0.h5", "dense-attributes.h5"] {
        let bytes = fixture(&format!("hdf5/{file}"));
        for end in 0..bytes.len() {
            let facts = facts(&bytes[..end]);
            assert!(!facts.complete || facts.keras.is_some(), "{file} {end}");
        }
    }
}

#[test]
fn any_flipped_byte_is_survived() {
    for file in ["keras2-v0.h5", "keras2-v3.h5", "dense-attributes.h5"] {
        let bytes = fixture(&format!("hdf5/{file}"));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            facts(&changed);
        }
    }
}
