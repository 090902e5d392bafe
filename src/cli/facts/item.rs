//! One item of the stream: what a line asks for, and its facts or why there are none.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::audit;
use crate::collectors::{self, Equipment, Options, model_files};
use crate::domain::hash::hex;
use crate::domain::{FactSheet, Subject};

/// An item: a release of the default registry, an archive on disk, or a model file or folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What the answer is named by.
    pub id: Option<String>,
    #[serde(rename = "crate")]
    release: Option<String>,
    archive: Option<String>,
    sha256: Option<String>,
    model: Option<String>,
}

/// Why an item has no facts: a word for programs, a sentence for people.
#[derive(Debug)]
pub struct Refusal(pub &'static str, pub String);

impl Refusal {
    fn bad_line(why: impl Into<String>) -> Self {
        Self("bad-line", why.into())
    }

    fn archive(why: impl std::fmt::Display) -> Self {
        Self("archive", why.to_string())
    }
}

/// Reads a line. Where it is none, the other answer is its id as far as there is one: an engine that hands lines
/// around has to know which one it was.
pub fn parse(text: &str) -> Result<Request, (Option<String>, Refusal)> {
    if text.starts_with('{') {
        return serde_json::from_str(text)
            .map_err(|why| (id_in(text), Refusal::bad_line(why.to_string())));
    }
    release(text).map_err(|refusal| (None, refusal))?;
    let name = Some(text.to_owned());
    Ok(Request { id: name.clone(), release: name, archive: None, sha256: None, model: None })
}

/// The id of an object that is no item.
fn id_in(text: &str) -> Option<String> {
    match serde_json::from_str::<Value>(text).ok()?.get("id")? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn release(text: &str) -> Result<(&str, &str), Refusal> {
    text.split_once('@')
        .filter(|(name, version)| !name.is_empty() && !version.is_empty())
        .ok_or_else(|| Refusal::bad_line("the line is neither NAME@VERSION nor a JSON object"))
}

/// Measures items; shared by all threads.
pub struct Items {
    /// Where facts come from; `equipment` is in it, too.
    pub options: Options,
    /// What all items share.
    pub equipment: Arc<Equipment>,
    /// Largest archive that is read from a path.
    pub archive_bytes: u64,
}

impl Items {
    /// The facts of one item.
    pub fn measure(&self, request: &Request) -> Result<FactSheet, Refusal> {
        match (&request.model, &request.release, &request.archive, &request.sha256) {
            (Some(model), None, None, None) => of_model(Path::new(model)),
            (None, Some(spec), None, None) => self.of_release(spec),
            (None, Some(spec), Some(archive), Some(sha256)) => {
                self.of_archive(spec, Path::new(archive), sha256)
            }
            _ => Err(Refusal::bad_line(
                "wanted is `model`, or `crate`, or `crate` with `archive` and `sha256`",
            )),
        }
    }

    fn of_release(&self, spec: &str) -> Result<FactSheet, Refusal> {
        let unavailable = |why: collectors::GatherError| Refusal("unavailable", why.to_string());
        let (name, version) = release(spec)?;
        let graph = collectors::single(name, version, &self.options).map_err(unavailable)?;
        let gathered = collectors::gather(&graph, &self.options).map_err(unavailable)?;
        let first = gathered.sheets.into_iter().next();
        first.ok_or_else(|| Refusal("internal", "nothing was measured".to_owned()))
    }

    fn of_archive(&self, spec: &str, path: &Path, sha256: &str) -> Result<FactSheet, Refusal> {
        let (name, version) = release(spec)?;
        let bytes = self.read(path)?;
        let found = hex(&Sha256::digest(&bytes));
        if !found.eq_ignore_ascii_case(sha256) {
            return Err(Refusal("hash-mismatch", format!("its SHA-256 is {found}")));
        }
        let measurer = self.equipment.measurer();
        let contents = if let Some(known) = self.equipment.known(&found, name, version) {
            known
        } else {
            let made = measurer.measure(&found, name, version, &bytes);
            let made = made.map_err(Refusal::archive)?;
            self.equipment.give(&found, name, version);
            made
        };
        let mut sheet = FactSheet::new(Subject::registry_crate(name, version));
        contents.put(&mut sheet);
        Ok(sheet)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        // Opening a pipe or a device would wait for ever.
        if !path.is_file() {
            return Err(Refusal::archive("it is no regular file"));
        }
        let mut bytes = Vec::new();
        let file = crate::disk::open(path).map_err(Refusal::archive)?;
        file.take(self.archive_bytes + 1).read_to_end(&mut bytes).map_err(Refusal::archive)?;
        if bytes.len() as u64 > self.archive_bytes {
            let why = format!("it has more than {} bytes", self.archive_bytes);
            return Err(Refusal("too-large", why));
        }
        Ok(bytes)
    }
}

fn of_model(path: &Path) -> Result<FactSheet, Refusal> {
    // A pipe or a device would be no file that could not be scanned, and not an item that has no facts.
    let is_there = std::fs::metadata(path).is_ok_and(|it| it.is_file() || it.is_dir());
    if !is_there {
        return Err(Refusal("model", "there is no file or folder of that name".to_owned()));
    }
    let facts = model_files::measure(path).map_err(|why| Refusal("model", why.to_string()))?;
    let mut sheet = FactSheet::new(audit::model_subject(path));
    sheet.put(model_files::GROUP, &facts);
    Ok(sheet)
}
