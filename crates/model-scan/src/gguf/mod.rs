//! GGUF (versions 1 to 3, both byte orders) and the magics of its GGML ancestors: metadata and tensor
//! descriptions are read, tensor bytes never are.
//!
//! Source: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Counts and lengths are compared
//! with what is left of the file before memory is taken for them; token lists are jumped over.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `not-gguf`, `legacy-format`, `unknown-version`,
//! `truncated`, `count-past-end`, `too-many-entries`, `unknown-value-type`, `nested-too-deep`,
//! `duplicate-key`, `long-key`, `not-utf8`, `bad-alignment`, `template-too-long`, `too-many-dimensions`,
//! `overflow`, `unknown-tensor-type`, `long-tensor-name`, `duplicate-tensor`, `misaligned`, `past-end`,
//! `overlap`, `trailing-bytes`, `ragged-rows`.

mod metadata;
mod tensors;
mod types;

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Seek};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use custody_bytes::anomaly::Anomalies;
use custody_bytes::stream::{Stream, StreamError};

/// What the head of a GGUF or GGML file says.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct Gguf {
    /// Length of the file in bytes.
    pub file_size: u64,
    /// `gguf`, or the ancestor by its magic: `ggml`, `ggmf`, `ggjt`, `ggla`, `ggsn`; empty when none.
    pub container: String,
    /// Version of the container; absent in the oldest.
    pub version: Option<u32>,
    /// Whether numbers are stored with the high byte first (version 3 only).
    pub big_endian: bool,
    /// Whether everything up to the tensor data was read; when not, `anomalies` says why.
    pub complete: bool,
    /// Number of metadata entries that the file announces.
    pub metadata_entries: u64,
    /// Number of tensors that the file announces.
    pub tensors: u64,
    /// Number of elements in all tensors.
    pub parameters: u64,
    /// Number of tensors for each type, such as `Q4_K`; unknown ones are counted under `unknown`.
    pub tensor_types: BTreeMap<String, u64>,
    /// Bytes to which tensors are aligned; 32 unless the file says otherwise.
    pub alignment: u64,
    /// `general.architecture`, such as `llama`.
    pub architecture: Option<String>,
    /// `general.name`.
    pub name: Option<String>,
    /// `general.license`, an SPDX expression by the standard.
    pub license: Option<String>,
    /// `general.source.url`: what this file was made from.
    pub source_url: Option<String>,
    /// `general.repo_url` or `general.source.repo_url`.
    pub repo_url: Option<String>,
    /// `general.quantized_by`.
    pub quantized_by: Option<String>,
    /// `general.base_model.{i}.*`, in order of i.
    pub base_models: Vec<GgufBaseModel>,
    /// All scalar entries that begin with `general.`, as text cut to 300 characters; at most 128 of them.
    pub general: BTreeMap<String, String>,
    /// Number of tokens in `tokenizer.ggml.tokens`.
    pub vocabulary: Option<u64>,
    /// Keys of the chat templates found (any key that names one).
    pub template_keys: Vec<String>,
    /// The chat templates themselves, for the template parser; not part of the saved facts.
    #[serde(skip)]
    pub templates: Vec<GgufTemplate>,
    /// Bytes that were read to learn this.
    pub bytes_read: u64,
    /// What a well-formed file does not show; offsets count from the start of the file.
    pub anomalies: Anomalies,
}

/// A model that this one was made from, as the file itself says.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct GgufBaseModel {
    /// `general.base_model.{i}.name`.
    pub name: Option<String>,
    /// `general.base_model.{i}.organization`.
    pub organization: Option<String>,
    /// `general.base_model.{i}.repo_url`.
    pub repo_url: Option<String>,
}

/// A chat template found in the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GgufTemplate {
    /// The metadata key.
    pub key: String,
    /// Where the text begins, in bytes from the start of the file.
    pub offset: u64,
    /// The Jinja text, up to 1 MiB.
    pub text: String,
}

/// Reads the head of the `len` bytes long file `source`.
///
/// # Errors
/// Only when the system refuses to read; everything about the content is an anomaly.
pub fn read<R: Read + Seek>(source: R, len: u64) -> Result<Gguf, StreamError> {
    let mut file = GgufFile {
        stream: Stream::new(source, len),
        facts: Gguf { file_size: len, alignment: 32, ..Gguf::default() },
        keys: HashSet::new(),
        walked: 0,
    };
    match file.read() {
        Ok(()) | Err(Stop::Noted) => {}
        Err(Stop::Stream(StreamError::Truncated { offset, wanted, left })) => {
            let detail = format!("{wanted} bytes announced, {left} left");
            file.facts.anomalies.note("truncated", offset, detail);
        }
        Err(Stop::Stream(error)) => return Err(error),
    }
    file.facts.bytes_read = file.stream.fetched();
    Ok(file.facts)
}

/// Why reading ends early.
#[derive(Debug)]
enum Stop {
    /// An anomaly says it already.
    Noted,
    /// The bytes could not be had.
    Stream(StreamError),
}

impl From<StreamError> for Stop {
    fn from(error: StreamError) -> Self {
        Stop::Stream(error)
    }
}

/// One file on its way to facts.
struct GgufFile<R> {
    stream: Stream<R>,
    facts: Gguf,
    keys: HashSet<String>,
    /// Elements of arrays that were walked one by one.
    walked: u64,
}

impl<R: Read + Seek> GgufFile<R> {
    fn read(&mut self) -> Result<(), Stop> {
        if !self.container()? {
            return Ok(());
        }
        // Both counts come before anything that is counted.
        let tensors = self.count()?;
        let entries = self.count()?;
        self.facts.tensors = tensors;
        self.facts.metadata_entries = entries;
        let width = self.width();
        self.check_count("metadata entries", entries, width + 4 + 1)?;
        self.check_count("tensors", tensors, width + 4 + 4 + 8)?;
        self.metadata(entries)?;
        self.tensors(tensors)?;
        self.facts.complete = true;
        Ok(())
    }

    /// Reads magic and version; whether what follows is GGUF that we can read.
    fn container(&mut self) -> Result<bool, Stop> {
        let magic = self.stream.array::<4>()?;
        let legacy = match &magic {
            b"GGUF" => None,
            b"lmgg" => Some(("ggml", false)),
            b"fmgg" => Some(("ggmf", true)),
            b"tjgg" => Some(("ggjt", true)),
            b"algg" => Some(("ggla", true)),
            b"nsgg" => Some(("ggsn", true)),
            _ => {
                self.note("not-gguf", 0, "the magic is neither of GGUF nor of its ancestors");
                return Ok(false);
            }
        };
        if let Some((name, versioned)) = legacy {
            name.clone_into(&mut self.facts.container);
            if versioned {
                self.facts.version = Some(self.stream.u32()?);
            }
            self.note("legacy-format", 0, format!("{name}: loaders of it check no lengths"));
            return Ok(false);
        }
        "gguf".clone_into(&mut self.facts.container);
        let mut version = self.stream.u32()?;
        if version.trailing_zeros() >= 16 && version != 0 {
            version = version.swap_bytes();
            self.facts.big_endian = true;
        }
        self.facts.version = Some(version);
        if !(1..=3).contains(&version) {
            self.note("unknown-version", 4, format!("version {version}, 1 to 3 are known"));
            return Ok(false);
        }
        Ok(true)
    }

    fn note(&mut self, kind: &'static str, offset: u64, detail: impl Into<String>) {
        self.facts.anomalies.note(kind, offset, detail);
    }

    /// Bytes of a length or a count: four in version 1, eight since.
    fn width(&self) -> u64 {
        if self.facts.version == Some(1) { 4 } else { 8 }
    }

    fn u32(&mut self) -> Result<u32, Stop> {
        let bytes = self.stream.array()?;
        Ok(if self.facts.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn u64(&mut self) -> Result<u64, Stop> {
        let bytes = self.stream.array()?;
        Ok(if self.facts.big_endian {
            u64::from_be_bytes(bytes)
        } else {
            u64::from_le_bytes(bytes)
        })
    }

    /// A length or a count.
    fn count(&mut self) -> Result<u64, Stop> {
        if self.facts.version == Some(1) { self.u32().map(u64::from) } else { self.u64() }
    }

    /// Makes sure that `count` things of at least `least` bytes fit into the rest of the file.
    fn check_count(&mut self, what: &str, count: u64, least: u64) -> Result<(), Stop> {
        if count <= self.stream.left() / least {
            return Ok(());
        }
        let at = self.stream.position();
        let left = self.stream.left();
        self.note("count-past-end", at, format!("{count} {what} announced, {left} bytes left"));
        Err(Stop::Noted)
    }

    /// A string of at most `limit` bytes; a longer one is jumped over and only its start is returned.
    fn string(&mut self, limit: u64) -> Result<Text, Stop> {
        let length = self.count()?;
        let offset = self.stream.position();
        if length > self.stream.left() {
            let left = self.stream.left();
            let detail = format!("string of {length} bytes announced, {left} left");
            self.note("truncated", offset, detail);
            return Err(Stop::Noted);
        }
        let bytes = self.stream.take(length.min(limit))?;
        self.stream.skip(length.saturating_sub(limit))?;
        let content = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                if length <= limit || error.utf8_error().error_len().is_some() {
                    self.note("not-utf8", offset, "a string that is not UTF-8");
                }
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }
        };
        Ok(Text { content, offset, cut: length > limit })
    }
}

/// A string of the file.
struct Text {
    content: String,
    offset: u64,
    /// Whether the text goes on in the file.
    cut: bool,
}

#[cfg(test)]
mod tests;
