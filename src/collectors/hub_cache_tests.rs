use super::*;

const COMMIT: &str = "1111111111111111111111111111111111111111";

/// A cache with `org/m` as Hub clients lay it out: blobs, links to them, one reference.
fn cache(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("models--org--m");
    let snapshot = repository.join("snapshots").join(COMMIT);
    fs::create_dir_all(repository.join("blobs")).unwrap();
    fs::create_dir_all(repository.join("refs/refs/pr")).unwrap();
    fs::create_dir_all(&snapshot).unwrap();
    fs::write(repository.join("refs/main"), COMMIT).unwrap();
    fs::write(repository.join("refs/refs/pr/1"), COMMIT).unwrap();
    for (path, bytes) in files {
        let id = hex(&Sha256::digest(bytes));
        let blob = repository.join("blobs").join(&id);
        fs::write(&blob, bytes).unwrap();
        let place = snapshot.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        link(&blob, &place);
    }
    folder
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) {
    std::os::unix::fs::symlink(to, at).unwrap();
}

#[cfg(not(unix))]
fn link(to: &Path, at: &Path) {
    fs::copy(to, at).unwrap();
}

fn pin(bytes: &[u8]) -> ModelPin {
    ModelPin {
        repository: "org/m".to_owned(),
        revision: COMMIT.to_owned(),
        files: vec![PinnedFile {
            path: "model.safetensors".to_owned(),
            sha256: hex(&Sha256::digest(bytes)),
            imports: None,
        }],
        ..ModelPin::default()
    }
}

#[test]
fn a_copy_is_found_by_branch_commit_and_pull_request_and_equals_its_pin() {
    let folder = cache(&[("model.safetensors", b"weights"), ("a/config.json", b"{}")]);
    for revision in ["", "main", COMMIT, "refs/pr/1"] {
        let found = find(folder.path(), "org/m", revision, &[pin(b"weights")]).unwrap();
        let paths: Vec<&str> = found.facts.files.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, ["a/config.json", "model.safetensors"]);
        assert_eq!(found.facts.different_from_pin, Measured::Known(Vec::new()));
        assert_eq!(found.facts.commit_is_pinned, Measured::Known(true));
        assert!(found.facts.altered.is_empty());
    }
    assert!(find(folder.path(), "org/other", "", &[]).is_none());
    assert!(find(folder.path(), "org/m", "v1", &[]).is_none());
}

#[cfg(unix)]
#[test]
fn bytes_that_are_not_those_of_their_id_are_told() {
    let folder = cache(&[("model.safetensors", b"weights")]);
    let blobs = folder.path().join("models--org--m/blobs");
    let blob = fs::read_dir(blobs).unwrap().next().unwrap().unwrap().path();
    fs::write(blob, b"other bytes").unwrap();
    let found = find(folder.path(), "org/m", "", &[pin(b"weights")]).unwrap();
    assert_eq!(found.facts.altered.len(), 1);
    let different = vec!["model.safetensors".to_owned()];
    assert_eq!(found.facts.different_from_pin, Measured::Known(different));
}

#[test]
fn another_commit_than_the_pinned_one_is_not_called_different() {
    let folder = cache(&[("model.safetensors", b"weights")]);
    let other = ModelPin { revision: "2".repeat(40), ..pin(b"old") };
    let found = find(folder.path(), "org/m", "", &[other]).unwrap();
    assert_eq!(found.facts.commit_is_pinned, Measured::Known(false));
    assert!(found.facts.different_from_pin.known().is_none());
}

#[test]
fn names_that_climb_find_nothing() {
    let folder = cache(&[("a", b"x")]);
    for id in ["../m", "org/../m", "org/m/x", "", "/etc", "org\\m"] {
        assert!(find(folder.path(), id, "", &[]).is_none(), "{id}");
    }
    for revision in ["../../x", "a//b", "..\\x"] {
        assert!(find(folder.path(), "org/m", revision, &[]).is_none(), "{revision}");
    }
}
