//! The files of a repository, looked at without downloading weights: small texts whole, of everything
//! else the parts that the scanner of model files asks for. Small files are held against their git ids.

use std::io::Cursor;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

use super::facts::{HubFacts, HubFile};
use super::remote::{Budget, Place, RemoteFile};
use crate::collectors::model_files::{ModelFacts, Reading};
use crate::domain::Measured;
use crate::domain::hash::hex;
use crate::net::hub::Hub;

/// Largest text that is read whole, 1 MiB.
const TEXT_LIMIT: u64 = 1024 * 1024;
/// Most bytes that are read of one repository, 32 MiB.
const BYTES_LIMIT: u64 = 32 * 1024 * 1024;
/// Most requests for files of one repository; the Hub allows 3,000 in five minutes.
const REQUESTS_LIMIT: u32 = 150;
/// Most files of one repository.
const FILES_LIMIT: usize = 60;

/// What the files say, and which were left out.
#[derive(Debug)]
pub struct FilesRead {
    /// Facts group `model`.
    pub model: ModelFacts,
    /// Path and reason of every file that could run or configure something and was not looked at.
    pub left_out: Vec<(String, String)>,
}

/// How early a file is looked at, where not all of them can be; none where it is not at all.
fn order(file: &HubFile) -> Option<u8> {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let ending = name.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    match file.format.as_str() {
        "code" => Some(0),
        // Vocabularies configure nothing that a loader runs.
        "configuration" if matches!(ending.as_str(), "txt" | "model") => None,
        "configuration" if matches!(name, "vocab.json" | "merges.json") => None,
        "configuration" => Some(1),
        "pickle" => Some(2),
        "other" => None,
        _ => Some(3),
    }
}

/// Reads the files of a repository at a commit, and completes what is known of the small ones.
pub fn read_files(
    hub: &Hub,
    runtime: &Runtime,
    id: &str,
    facts: &mut HubFacts,
) -> Measured<FilesRead> {
    let commit = match &facts.commit {
        Measured::Known(commit) => commit.clone(),
        Measured::Unknown(reason) => return Measured::Unknown(reason.clone()),
    };
    let files = match &mut facts.files {
        Measured::Known(files) => files,
        Measured::Unknown(reason) => return Measured::Unknown(reason.clone()),
    };
    let budget = Budget::new(BYTES_LIMIT, REQUESTS_LIMIT);
    let place = Place { hub, runtime, id, commit: &commit, budget: &budget };
    let mut wanted: Vec<(u8, usize)> =
        files.iter().enumerate().filter_map(|(at, file)| Some((order(file)?, at))).collect();
    wanted.sort_unstable();
    let (mut reading, mut different) = (Reading::default(), Vec::new());
    let mut left_out: Vec<(String, String)> = Vec::new();
    for (count, &(_, at)) in wanted.iter().enumerate() {
        let file = &mut files[at];
        let read = if count < FILES_LIMIT {
            one(&place, file, &mut reading)
        } else {
            Err(format!(
                "only {FILES_LIMIT} files of a repository are looked at without downloading it"
            ))
        };
        match read {
            Ok(true) => different.push(file.path.clone()),
            Ok(false) => {}
            Err(reason) => left_out.push((file.path.clone(), reason)),
        }
    }
    if reading.is_empty()
        && let Some((_, reason)) = left_out.first()
    {
        return Measured::Unknown(reason.clone());
    }
    facts.files_altered = Measured::Known(different);
    let model = reading.facts();
    facts.add_remote_code(&model);
    Measured::Known(FilesRead { model, left_out })
}

impl HubFacts {
    /// Adds code that the configurations themselves name: the Hub's digest holds that of `config.json`
    /// only. What was not read leaves what is known as it is.
    pub fn add_remote_code(&mut self, model: &ModelFacts) {
        let code = || model.configs.iter().flat_map(|part| &part.facts.code);
        let named = |key: &str| key.split('.').any(|part| part.starts_with("auto_map"));
        if code().any(|reference| named(&reference.key)) {
            self.remote_code = Measured::Known(true);
        }
        let others = code().filter_map(|reference| reference.repository.clone());
        if let Measured::Known(known) = &mut self.remote_code_repositories {
            known.extend(others);
            known.sort();
            known.dedup();
        }
    }
}

/// Looks at one file; says whether its bytes are others than the Hub's own id of them.
fn one(place: &Place<'_>, file: &mut HubFile, reading: &mut Reading) -> Result<bool, String> {
    let size = *file.size.known().ok_or("the Hub did not tell its size")?;
    if !matches!(file.format.as_str(), "code" | "configuration") {
        let mut remote = RemoteFile::new(place, &file.path, size);
        remote.begin().map_err(|error| error.to_string())?;
        reading.file(&mut remote, size, &file.path);
        return Ok(false);
    }
    if size > TEXT_LIMIT {
        return Err(format!("a text of {size} bytes, more than {TEXT_LIMIT}"));
    }
    place.budget.take(size)?;
    let bytes = place
        .runtime
        .block_on(place.hub.file(place.id, place.commit, &file.path, TEXT_LIMIT, place.commit))
        .map_err(|error| error.to_string())?;
    let sha256 = hex(&Sha256::digest(&bytes));
    let altered = match (&file.sha256, &file.blob) {
        (Measured::Known(told), _) => *told != sha256,
        (Measured::Unknown(_), Measured::Known(blob)) => *blob != git_blob(&bytes),
        _ => false,
    };
    if !altered {
        file.sha256 = Measured::Known(sha256);
    }
    let length = bytes.len() as u64;
    reading.file(&mut Cursor::new(bytes), length, &file.path);
    Ok(altered)
}

/// The id under which git keeps these bytes (<https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>).
fn git_blob(bytes: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", bytes.len()));
    hash.update(bytes);
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_git_id_is_that_of_git() {
        // `printf 'hello\n' | git hash-object --stdin`
        assert_eq!(git_blob(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
    }
}
