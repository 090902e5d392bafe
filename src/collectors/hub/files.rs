//! Files of a repository: what each is by its name, who changed it last, and what is different from an
//! older commit.

use std::collections::BTreeMap;

use super::facts::{HubChange, HubFile, LISTED};
use crate::domain::Measured;
use model_scan::hub::{LastCommit, Sibling};

/// What a file is by its name, and whether it holds weights.
pub(super) fn format_of(path: &str) -> (&'static str, bool) {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let Some((stem, ending)) = name.rsplit_once('.') else { return ("other", false) };
    match ending {
        "safetensors" => ("safetensors", true),
        "gguf" | "ggml" => ("gguf", true),
        "bin" | "pt" | "pth" | "ckpt" | "pkl" | "pickle" | "joblib" | "mar" | "nemo" | "dill" => {
            // Trainers leave their own pickles beside the weights; all of them run when loaded.
            ("pickle", !matches!(stem, "training_args" | "optimizer" | "scheduler" | "rng_state"))
        }
        "onnx" => ("onnx", true),
        "h5" | "hdf5" | "keras" | "pb" => ("keras", true),
        "msgpack" => ("flax", true),
        "tflite" | "mlmodel" => ("tflite", true),
        "py" | "pyc" | "pyo" | "so" | "dll" | "dylib" | "sh" | "exe" | "jar" | "js" | "wasm"
        | "bat" | "ps1" => ("code", false),
        "json" | "yaml" | "yml" | "toml" | "jinja" | "txt" | "model" => ("configuration", false),
        _ => ("other", false),
    }
}

/// Who committed what: commit to account and days.
pub(super) struct People<'a> {
    /// Path to the commit that touched it last, where the Hub told it.
    pub last: BTreeMap<&'a str, &'a LastCommit>,
    /// Commit to its first author.
    pub authors: BTreeMap<&'a str, &'a str>,
}

/// One file with everything that is known of it.
pub(super) fn file(
    sibling: &Sibling,
    people: &People<'_>,
    days: &dyn Fn(&str) -> Option<i64>,
) -> HubFile {
    let (format, weights) = format_of(&sibling.rfilename);
    let told = |value: Option<String>, why: &str| {
        value.map_or_else(|| Measured::unknown(why), Measured::Known)
    };
    let last = people.last.get(sibling.rfilename.as_str()).copied();
    let lfs = sibling.lfs.as_ref();
    let author = last.and_then(|last| people.authors.get(last.id.as_str()));
    HubFile {
        path: sibling.rfilename.clone(),
        size: lfs
            .and_then(|lfs| lfs.size)
            .or(sibling.size)
            .map_or_else(|| Measured::unknown("the Hub did not tell its size"), Measured::Known),
        sha256: told(
            lfs.and_then(|lfs| lfs.sha256.clone()),
            "the file is kept in git, and the Hub tells no SHA-256 of it",
        ),
        blob: told(sibling.blob_id.clone(), "the Hub did not tell its blob"),
        format: format.to_owned(),
        weights,
        code: format == "code",
        account: told(
            author.map(|name| (*name).to_owned()),
            "the commit that touched it last is not among those listed",
        ),
        changed_days: last
            .and_then(|last| days(last.date.as_deref()?))
            .map_or_else(|| Measured::unknown("the Hub did not tell the day"), Measured::Known),
    }
}

/// What identifies the bytes of a file.
fn bytes(sibling: &Sibling) -> Option<&str> {
    let sha256 = sibling.lfs.as_ref().and_then(|lfs| lfs.sha256.as_deref());
    sha256.or(sibling.blob_id.as_deref())
}

/// What `now` has that `before` had not, or had with other bytes.
pub(super) fn compare(now: &[HubFile], siblings: &[Sibling], before: &[Sibling]) -> HubChange {
    let old: BTreeMap<&str, Option<&str>> =
        before.iter().map(|file| (file.rfilename.as_str(), bytes(file))).collect();
    let new: BTreeMap<&str, Option<&str>> =
        siblings.iter().map(|file| (file.rfilename.as_str(), bytes(file))).collect();
    let mut change = HubChange::nothing("");
    for file in now {
        let path = file.path.as_str();
        let added = !old.contains_key(path);
        // Bytes that one side does not tell are not called changed.
        let changed = matches!(
            (old.get(path), new.get(path)),
            (Some(Some(before)), Some(Some(after))) if before != after
        );
        let lists = [
            (added && file.code, &mut change.code_added),
            (changed && file.code, &mut change.code_changed),
            (added && file.weights, &mut change.weights_added),
            (changed && file.weights, &mut change.weights_changed),
            (added && file.format == "pickle", &mut change.pickles_added),
        ];
        for (belongs, list) in lists {
            if belongs && list.len() < LISTED {
                list.push(file.clone());
            }
        }
    }
    let gone =
        old.keys().filter(|path| format_of(path).0 == "safetensors" && !new.contains_key(*path));
    change.safetensors_removed = gone.take(LISTED).map(|path| (*path).to_owned()).collect();
    change
}

#[cfg(test)]
mod tests {
    use super::*;
    use model_scan::hub::Lfs;

    fn sibling(path: &str, hash: &str) -> Sibling {
        Sibling {
            rfilename: path.to_owned(),
            size: Some(1),
            blob_id: Some(hash.to_owned()),
            lfs: path
                .ends_with("safetensors")
                .then(|| Lfs { sha256: Some(hash.to_owned()), size: Some(9) }),
        }
    }

    fn files(siblings: &[Sibling]) -> Vec<HubFile> {
        let people = People { last: BTreeMap::new(), authors: BTreeMap::new() };
        siblings.iter().map(|s| file(s, &people, &|_| None)).collect()
    }

    #[test]
    fn safetensors_that_became_a_pickle_is_told_as_both() {
        let before = [sibling("model.safetensors", "a"), sibling("config.json", "b")];
        let now = [
            sibling("pytorch_model.bin", "c"),
            sibling("config.json", "b"),
            sibling("modeling.py", "d"),
        ];
        let change = compare(&files(&now), &now, &before);
        assert_eq!(change.safetensors_removed, ["model.safetensors"]);
        assert_eq!(change.pickles_added[0].path, "pytorch_model.bin");
        assert_eq!(change.code_added[0].path, "modeling.py");
        assert!(change.weights_changed.is_empty());
    }

    #[test]
    fn the_same_files_are_no_change() {
        let now = [sibling("model.safetensors", "a"), sibling("x.py", "b")];
        assert_eq!(compare(&files(&now), &now, &now), HubChange::nothing(""));
        let other = [sibling("model.safetensors", "z"), sibling("x.py", "b")];
        let change = compare(&files(&other), &other, &now);
        assert_eq!((change.weights_changed.len(), change.code_changed.len()), (1, 0));
    }

    #[test]
    fn hostile_names_are_files_like_others() {
        for path in ["", ".", "a/../../b.py", "\u{202e}x.bin", "..bin"] {
            let _ = format_of(path);
        }
        assert_eq!(format_of("training_args.bin"), ("pickle", false));
        assert_eq!(format_of("a/model-00001-of-2.SAFETENSORS"), ("safetensors", true));
    }
}
