//! Where a project's policy is: one place, never two of them silently.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::error::ConfigError;
use super::policy::Policy;
use crate::disk;

/// Files that can hold a policy, relative to the project's folder. The manifest comes last.
pub const CONFIG_FILES: [&str; 3] = ["custody.toml", ".cargo/custody.toml", "Cargo.toml"];

/// Largest policy that is read, in bytes.
pub const POLICY_BYTES: u64 = 1 << 20;

/// Texts of the [`CONFIG_FILES`] that exist, wherever they were read from: a folder, or a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// `custody.toml`.
    pub custody: Option<String>,
    /// `.cargo/custody.toml`.
    pub cargo_custody: Option<String>,
    /// `Cargo.toml`, whose metadata is looked at.
    pub manifest: Option<String>,
}

impl Texts {
    /// The one policy among them; the default one where there is none.
    pub fn policy(&self) -> Result<Policy, ConfigError> {
        Ok(self.found()?.map(|(_, policy)| policy).unwrap_or_default())
    }

    /// The one policy among them, and the file that holds it.
    fn found(&self) -> Result<Option<(&'static str, Policy)>, ConfigError> {
        let [custody, cargo_custody, manifest] = CONFIG_FILES;
        let mut found: Option<(&'static str, Policy)> = None;
        let candidates = [
            self.custody.as_deref().map(|text| (custody, Policy::from_toml(text, custody))),
            self.cargo_custody
                .as_deref()
                .map(|text| (cargo_custody, Policy::from_toml(text, cargo_custody))),
            self.manifest.as_deref().and_then(|text| {
                // A manifest that is not TOML is the walker's to report.
                let policy = Policy::from_manifest(text, manifest);
                let policy = match policy {
                    Err(ConfigError::Syntax { .. }) => return None,
                    other => other.transpose()?,
                };
                Some((manifest, policy))
            }),
        ];
        for (file, policy) in candidates.into_iter().flatten() {
            if let Some((first, _)) = &found {
                return Err(ConfigError::Ambiguous {
                    first: (*first).to_owned(),
                    second: file.to_owned(),
                });
            }
            found = Some((file, policy?));
        }
        Ok(found)
    }
}

/// Which file of a folder holds its policy; nothing where it has none.
///
/// # Errors
/// As [`load`].
pub fn place(folder: &Path) -> Result<Option<&'static str>, ConfigError> {
    Ok(texts(folder)?.found()?.map(|(file, _)| file))
}

/// The policy of a project's folder, or of the file that `--config` names.
///
/// A file that the project brings is not followed through a link; one that the user names is.
pub fn load(folder: &Path, named: Option<&Path>) -> Result<Policy, ConfigError> {
    if let Some(path) = named {
        let name = path.to_string_lossy();
        let text = read(path, &name)?.ok_or_else(|| ConfigError::Read {
            file: name.clone().into_owned(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        return Policy::from_toml(&text, &name);
    }
    texts(folder)?.policy()
}

fn texts(folder: &Path) -> Result<Texts, ConfigError> {
    let [custody, cargo_custody, manifest] = CONFIG_FILES;
    let plain = |file: &str| -> Result<Option<String>, ConfigError> {
        let path = folder.join(file);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => read(&path, file),
            Ok(_) => Err(ConfigError::NotPlain { file: file.to_owned() }),
            Err(error) => absent(error, file),
        }
    };
    Ok(Texts {
        custody: plain(custody)?,
        cargo_custody: plain(cargo_custody)?,
        manifest: read(&folder.join(manifest), manifest)?,
    })
}

/// Nothing for a file that is not there, an error for one that cannot be read.
fn absent(source: std::io::Error, file: &str) -> Result<Option<String>, ConfigError> {
    match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Ok(None),
        _ => Err(ConfigError::Read { file: file.to_owned(), source }),
    }
}

fn read(path: &Path, name: &str) -> Result<Option<String>, ConfigError> {
    let handle = match disk::open(path) {
        Ok(handle) => handle,
        Err(error) => return absent(error, name),
    };
    let failed = |source| ConfigError::Read { file: name.to_owned(), source };
    let size = handle.metadata().map_err(failed)?.len();
    let too_large =
        |size| ConfigError::TooLarge { file: name.to_owned(), size, limit: POLICY_BYTES };
    if size > POLICY_BYTES {
        return Err(too_large(size));
    }
    let mut text = String::new();
    // Sizes of special files lie, so the reader is bounded as well.
    handle.take(POLICY_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    match u64::try_from(text.len()) {
        Ok(size) if size > POLICY_BYTES => Err(too_large(size)),
        _ => Ok(Some(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FailOn;
    use crate::domain::Level;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".cargo")).unwrap();
        for (file, text) in files {
            fs::write(folder.path().join(file), text).unwrap();
        }
        folder
    }

    const LOW: &str = "fail-on = \"low\"\n";

    #[test]
    fn no_file_is_the_default_policy() {
        assert_eq!(load(folder(&[]).path(), None).unwrap(), Policy::default());
        assert_eq!(place(folder(&[("Cargo.toml", "[package]\n")]).path()).unwrap(), None);
    }

    #[test]
    fn each_place_is_found() {
        let manifest = format!("[workspace.metadata.custody]\n{LOW}");
        for (file, text) in
            [("custody.toml", LOW), (".cargo/custody.toml", LOW), ("Cargo.toml", &manifest)]
        {
            let policy = load(folder(&[(file, text)]).path(), None).unwrap();
            assert_eq!(policy.fail_on, Some(FailOn::At(Level::Low)), "{file}");
            assert_eq!(place(folder(&[(file, text)]).path()).unwrap(), Some(file));
        }
    }

    #[test]
    fn two_places_are_an_error() {
        let project = folder(&[("custody.toml", LOW), (".cargo/custody.toml", LOW)]);
        let error = load(project.path(), None).unwrap_err();
        assert_eq!(error.to_string(), "both custody.toml and .cargo/custody.toml hold a policy");
        let manifest = format!("[package.metadata.custody]\n{LOW}");
        let project = folder(&[("custody.toml", LOW), ("Cargo.toml", &manifest)]);
        assert!(matches!(load(project.path(), None), Err(ConfigError::Ambiguous { .. })));
    }

    #[test]
    fn a_broken_manifest_is_not_the_policys_business() {
        let project = folder(&[("custody.toml", LOW), ("Cargo.toml", "<<<<<<< HEAD\n")]);
        assert!(load(project.path(), None).is_ok());
    }

    #[test]
    fn a_named_file_goes_before_the_projects_own_and_must_exist() {
        let project = folder(&[("custody.toml", LOW), ("other.toml", "offline = true\n")]);
        let named = project.path().join("other.toml");
        assert!(load(project.path(), Some(&named)).unwrap().offline);
        let missing = project.path().join("missing.toml");
        assert!(matches!(load(project.path(), Some(&missing)), Err(ConfigError::Read { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_the_project_brings_is_not_followed() {
        let project = folder(&[("real.toml", LOW)]);
        let link = project.path().join("custody.toml");
        std::os::unix::fs::symlink("real.toml", link).unwrap();
        assert!(matches!(load(project.path(), None), Err(ConfigError::NotPlain { .. })));
    }

    #[test]
    fn a_file_larger_than_any_policy_is_not_read() {
        let project = folder(&[("custody.toml", &"# x\n".repeat(300_000))]);
        assert!(matches!(load(project.path(), None), Err(ConfigError::TooLarge { .. })));
    }
}
