//! Safetensors: the header is read and checked against the file's length, the weights never are.
//!
//! Layout: 8 bytes length (little-endian), a JSON object of that length, the tensors without gaps.
//! Source: <https://huggingface.co/docs/safetensors/index#format>.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly): `truncated`, `lfs-pointer`, `header-too-large`,
//! `header-past-end`, `leading-byte`, `not-utf8`, `not-json`, `not-an-object`, `duplicate-key`,
//! `metadata-not-text`, `malformed-tensor`, `unknown-field`, `unknown-dtype`, `overflow`, `size-mismatch`,
//! `past-end`, `overlap`, `hole`, `trailing-bytes`, `too-many-tensors`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Read, Seek};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words_of_code;
use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;
use custody_bytes::json::{Event, Json, JsonError, JsonReader};
use custody_bytes::stream::{Stream, StreamError};

/// Longest header that the reference implementation takes, in bytes.
pub const HEADER_LIMIT: u64 = 100_000_000;
/// Most entries of a header that are looked at; the largest real models have some tens of thousands.
const TENSOR_LIMIT: usize = 1_000_000;
/// Most `__metadata__` entries that are kept.
const METADATA_LIMIT: usize = 64;
/// Longest key or value of `__metadata__` that is kept, in characters.
const METADATA_CHARS: usize = 300;
/// Most values in the description of one tensor, its keys included.
const ENTRY_LIMIT: usize = 256;

/// What the header of a safetensors file says.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct Safetensors {
    /// Length of the file in bytes.
    pub file_size: u64,
    /// Length of the JSON header in bytes, as the first 8 bytes claim; absent when there are fewer.
    pub header_size: Option<u64>,
    /// Whether the header was read to its end; when not, `anomalies` says why.
    pub complete: bool,
    /// Number of tensors described.
    pub tensors: u64,
    /// Number of elements in all tensors, where shapes do not overflow; sub-byte types count elements too.
    pub parameters: u64,
    /// Number of tensors for each data type, such as `BF16`; unknown ones are counted under `unknown`.
    pub dtypes: BTreeMap<String, u64>,
    /// The first 64 entries of `__metadata__`, each cut to 300 characters.
    pub metadata: BTreeMap<String, String>,
    /// Number of entries in `__metadata__`.
    pub metadata_entries: u64,
    /// Bytes that were read to learn this.
    pub bytes_read: u64,
    /// What a well-formed file does not show; offsets count from the start of the file.
    pub anomalies: Anomalies,
}

/// Reads the header of the `len` bytes long file `source`.
///
/// # Errors
/// Only when the system refuses to read; everything about the content is an anomaly.
pub fn read<R: Read + Seek>(source: R, len: u64) -> Result<Safetensors, StreamError> {
    let mut stream = Stream::new(source, len);
    let mut facts = Safetensors { file_size: len, ..Safetensors::default() };
    let header = match header(&mut stream, &mut facts) {
        Ok(header) => header,
        Err(StreamError::Truncated { offset, wanted, left }) => {
            let detail = format!("{wanted} bytes announced, {left} left");
            facts.anomalies.note("truncated", offset, detail);
            None
        }
        Err(error) => return Err(error),
    };
    if let Some(header) = header {
        let mut check = Check { facts: &mut facts, spans: Vec::new(), names: Vec::new() };
        match check.header(&header) {
            Ok(()) => check.layout(8 + header.len() as u64),
            Err(error) => check.broken(&error),
        }
    }
    facts.bytes_read = stream.fetched();
    Ok(facts)
}

/// The bytes of the header, unless something about the file's frame is wrong.
fn header<R: Read + Seek>(
    stream: &mut Stream<R>,
    facts: &mut Safetensors,
) -> Result<Option<Vec<u8>>, StreamError> {
    let prefix = stream.array::<8>()?;
    if &prefix == b"version " {
        let detail = "a Git LFS pointer stands where the weights should be";
        facts.anomalies.note("lfs-pointer", 0, detail);
        return Ok(None);
    }
    let size = u64::from_le_bytes(prefix);
    facts.header_size = Some(size);
    if size > HEADER_LIMIT {
        let detail = format!("header of {size} bytes, {HEADER_LIMIT} are allowed");
        facts.anomalies.note("header-too-large", 0, detail);
        return Ok(None);
    }
    if size > stream.left() {
        let detail = format!("header of {size} bytes, {} are left", stream.left());
        facts.anomalies.note("header-past-end", 0, detail);
        return Ok(None);
    }
    let bytes = stream.take(size)?;
    match bytes.first() {
        Some(b'{') => Ok(Some(bytes)),
        Some(byte) => {
            facts.anomalies.note("leading-byte", 8, format!("0x{byte:02x} instead of {{"));
            Ok(None)
        }
        None => {
            facts.anomalies.note("not-json", 8, "an empty header");
            Ok(None)
        }
    }
}

/// Where a tensor's bytes lie, relative to the end of the header.
struct Span {
    begin: u64,
    end: u64,
    /// Where the tensor is described, in bytes from the start of the file.
    described_at: u64,
}

/// The work on one header.
struct Check<'f, 'h> {
    facts: &'f mut Safetensors,
    spans: Vec<Span>,
    names: Vec<(Cow<'h, str>, u64)>,
}

impl<'h> Check<'_, 'h> {
    fn note(&mut self, kind: &'static str, offset: u64, detail: impl Into<String>) {
        self.facts.anomalies.note(kind, offset, detail);
    }

    fn broken(&mut self, error: &JsonError) {
        let kind = match error {
            JsonError::NotUtf8 { .. } => "not-utf8",
            JsonError::TooMany { .. } => "malformed-tensor",
            JsonError::Syntax { .. } | JsonError::TooDeep { .. } => "not-json",
        };
        self.note(kind, 8 + error.offset() as u64, error.to_string());
    }

    fn header(&mut self, bytes: &'h [u8]) -> Result<(), JsonError> {
        let mut reader = JsonReader::new(bytes)?;
        if reader.next_event()? != Some(Event::MapStart) {
            self.note("not-an-object", 8, "the header is no JSON object");
            return Ok(());
        }
        while let Some(event) = reader.next_event()? {
            let at = 8 + reader.event_start() as u64;
            let Event::Key(name) = event else { continue };
            if self.names.len() >= TENSOR_LIMIT {
                self.note("too-many-tensors", at, format!("more than {TENSOR_LIMIT} entries"));
                return Ok(());
            }
            if name == "__metadata__" {
                self.metadata(&mut reader)?;
            } else {
                let description = reader.value(&mut ENTRY_LIMIT.clone())?;
                self.tensor(&name, at, &description);
            }
            self.names.push((name, at));
        }
        self.facts.complete = true;
        self.duplicates();
        Ok(())
    }

    fn duplicates(&mut self) {
        let mut names = std::mem::take(&mut self.names);
        names.sort();
        for pair in names.windows(2) {
            if pair[0].0 == pair[1].0 {
                self.note("duplicate-key", pair[1].1, format!("{} stands twice", pair[0].0));
            }
        }
    }

    /// The strings beside the tensors. Values can be long (training logs), so only their start is kept.
    fn metadata(&mut self, reader: &mut JsonReader<'h>) -> Result<(), JsonError> {
        let first = reader.next_event()?;
        if first != Some(Event::MapStart) {
            let at = 8 + reader.event_start() as u64;
            self.note("metadata-not-text", at, "__metadata__ is no object of strings");
            if let Some(event) = first {
                reader.value_from(event, &mut ENTRY_LIMIT.clone())?;
            }
            return Ok(());
        }
        let mut keys = Vec::new();
        loop {
            let event = reader.next_event()?;
            let at = 8 + reader.event_start() as u64;
            let Some(Event::Key(key)) = event else { break };
            match reader.next_event()? {
                Some(Event::Text(text)) => {
                    if let Some(found) = words_of_code::of(&text) {
                        self.note(found, at, format!("{key}: {}", excerpt(&text, 200)));
                    }
                    if self.facts.metadata.len() < METADATA_LIMIT {
                        let kept = excerpt(&text, METADATA_CHARS);
                        self.facts.metadata.insert(excerpt(&key, METADATA_CHARS), kept);
                    }
                }
                Some(other) => {
                    self.note("metadata-not-text", at, format!("{key} is no string"));
                    reader.value_from(other, &mut ENTRY_LIMIT.clone())?;
                }
                None => break,
            }
            self.facts.metadata_entries += 1;
            keys.push((key, at));
        }
        keys.sort();
        for pair in keys.windows(2) {
            if pair[0].0 == pair[1].0 {
                self.note("duplicate-key", pair[1].1, format!("{} in __metadata__", pair[0].0));
            }
        }
        Ok(())
    }

    fn tensor(&mut self, name: &str, at: u64, description: &Json<'_>) {
        self.facts.tensors += 1;
        let (mut dtype, mut shape, mut offsets) = (None, None, None);
        for (key, value) in description.members() {
            let slot = match key.as_ref() {
                "dtype" => &mut dtype,
                "shape" => &mut shape,
                "data_offsets" => &mut offsets,
                _ => {
                    self.note("unknown-field", at, format!("{name} has {key}"));
                    continue;
                }
            };
            if slot.replace(value).is_some() {
                self.note("duplicate-key", at, format!("{name} has {key} twice"));
            }
        }
        let bits = self.dtype(name, at, dtype.and_then(Json::text));
        let shape = shape.and_then(whole_numbers);
        let (Some(shape), Some([begin, end])) = (shape, offsets.and_then(pair)) else {
            self.note("malformed-tensor", at, format!("{name}: dtype, shape and data_offsets"));
            return;
        };
        if begin > end {
            self.note("malformed-tensor", at, format!("{name}: begins at {begin}, ends at {end}"));
            return;
        }
        self.spans.push(Span { begin, end, described_at: at });
        let elements = shape.iter().try_fold(1_u64, |product, n| product.checked_mul(*n));
        let Some((elements, size)) = elements.and_then(|n| Some((n, n.checked_mul(bits?)?))) else {
            if bits.is_some() {
                self.note("overflow", at, format!("{name}: the shape's product passes 64 bits"));
            }
            return;
        };
        self.facts.parameters = self.facts.parameters.saturating_add(elements);
        if size.div_ceil(8) != end - begin {
            let detail = format!("{name}: {} bytes by shape, {} by offsets", size / 8, end - begin);
            self.note("size-mismatch", at, detail);
        }
    }

    /// Counts the data type and returns the bits of one element.
    fn dtype(&mut self, name: &str, at: u64, dtype: Option<&str>) -> Option<u64> {
        let bits = dtype.and_then(bits_of);
        let known = match (dtype, bits) {
            (Some(dtype), Some(_)) => dtype,
            (dtype, _) => {
                let said = excerpt(dtype.unwrap_or("nothing"), 40);
                self.note("unknown-dtype", at, format!("{name}: {said}"));
                "unknown"
            }
        };
        *self.facts.dtypes.entry(known.to_owned()).or_insert(0) += 1;
        bits
    }

    /// The tensors have to fill the rest of the file without gap, overlap or tail.
    fn layout(&mut self, data_start: u64) {
        if !self.facts.complete {
            return;
        }
        let data = self.facts.file_size - data_start;
        let mut spans = std::mem::take(&mut self.spans);
        spans.sort_by_key(|span| (span.begin, span.end));
        let mut reached = 0;
        for span in &spans {
            if span.end > data {
                let detail = format!("ends at {} of {data} bytes of data", span.end);
                self.note("past-end", span.described_at, detail);
            }
            if span.begin < reached && span.end > span.begin {
                let detail = format!("{} bytes belong to two tensors", reached - span.begin);
                self.note("overlap", span.described_at, detail);
            } else if span.begin > reached {
                let detail = format!("{} bytes belong to no tensor", span.begin - reached);
                self.note("hole", data_start.saturating_add(reached), detail);
            }
            reached = reached.max(span.end);
        }
        if reached < data {
            let detail = format!("{} bytes after the last tensor", data - reached);
            self.note("trailing-bytes", data_start + reached, detail);
        }
    }
}

/// A list of whole numbers.
fn whole_numbers(value: &Json<'_>) -> Option<Vec<u64>> {
    let Json::List(elements) = value else { return None };
    elements.iter().map(Json::u64).collect()
}

/// A list of two whole numbers.
fn pair(value: &Json<'_>) -> Option<[u64; 2]> {
    whole_numbers(value)?.try_into().ok()
}

/// Bits of one element, for the types of safetensors 0.7.
fn bits_of(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ"
        | "F8_E5M2FNUZ" => 8,
        "U16" | "I16" | "F16" | "BF16" => 16,
        "U32" | "I32" | "F32" => 32,
        "U64" | "I64" | "F64" | "C64" => 64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(vec![0; data]);
        bytes
    }

    fn facts(bytes: &[u8]) -> Safetensors {
        read(Cursor::new(bytes), bytes.len() as u64).unwrap()
    }

    fn kinds(header: &str, data: usize) -> Vec<String> {
        let facts = facts(&file(header, data));
        facts.anomalies.seen.iter().map(|anomaly| anomaly.kind.to_string()).collect()
    }

    const TWO: &str = r#"{"__metadata__":{"format":"pt"},
        "a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
        "b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}  "#;

    #[test]
    fn a_well_formed_file_shows_its_facts_and_nothing_odd() {
        let facts = facts(&file(TWO, 32));
        assert!(facts.anomalies.is_empty(), "{:?}", facts.anomalies);
        assert!(facts.complete);
        assert_eq!((facts.tensors, facts.parameters), (2, 10));
        assert_eq!(facts.dtypes["BF16"], 1);
        assert_eq!(facts.metadata["format"], "pt");
    }

    #[test]
    fn what_the_safetensors_library_writes_is_quiet() {
        for (file, tensors) in [("model", 4), ("no-tensors", 0)] {
            let folder =
                concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/models/benign/safetensors");
            let facts = facts(&std::fs::read(format!("{folder}/{file}.safetensors")).unwrap());
            assert!(facts.complete && facts.anomalies.is_empty(), "{file}: {:?}", facts.anomalies);
            assert_eq!(facts.tensors, tensors, "{file}");
        }
    }

    #[test]
    fn a_scalar_an_empty_tensor_and_a_four_bit_tensor_are_well_formed() {
        let header = r#"{"s":{"dtype":"I64","shape":[],"data_offsets":[0,8]},
            "e":{"dtype":"F32","shape":[0,9],"data_offsets":[8,8]},
            "q":{"dtype":"F4","shape":[4],"data_offsets":[8,10]}}"#;
        assert_eq!(kinds(header, 10), [""; 0]);
        assert_eq!(kinds("{}", 0), [""; 0]);
    }

    #[test]
    fn each_broken_rule_is_named() {
        let one = |dtype: &str, shape: &str, offsets: &str| {
            format!(r#"{{"a":{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}}}}}"#)
        };
        let two = |first: &str, second: &str| {
            format!(
                r#"{{"a":{{"dtype":"U8","shape":[4],"data_offsets":{first}}},
                "b":{{"dtype":"U8","shape":[4],"data_offsets":{second}}}}}"#
            )
        };
        for (header, data, expected) in [
            (two("[0,4]", "[2,6]"), 6, "overlap"),
            (two("[0,4]", "[0,4]"), 4, "overlap"),
            (two("[0,4]", "[8,12]"), 12, "hole"),
            (two("[4,8]", "[8,12]"), 12, "hole"),
            (two("[0,4]", "[4,8]"), 9, "trailing-bytes"),
            (two("[0,4]", "[4,8]"), 7, "past-end"),
            (one(r#""U8""#, "[4]", "[4,0]"), 4, "malformed-tensor"),
            (one(r#""U8""#, "[-4]", "[0,4]"), 4, "malformed-tensor"),
            (one(r#""U8""#, "[1.5]", "[0,4]"), 4, "malformed-tensor"),
            (one(r#""U8""#, "[4]", "[0,4,4]"), 4, "malformed-tensor"),
            (one(r#""U8""#, "{}", "[0,4]"), 4, "malformed-tensor"),
            (one(r#""U7""#, "[4]", "[0,4]"), 4, "unknown-dtype"),
            (one("8", "[4]", "[0,4]"), 4, "unknown-dtype"),
            (one(r#""U8""#, "[5]", "[0,4]"), 4, "size-mismatch"),
            (one(r#""U8""#, "[4294967296,4294967296]", "[0,4]"), 4, "overflow"),
            (r#"{"a":1}"#.into(), 0, "malformed-tensor"),
            (r#"{"a":{}}"#.into(), 0, "malformed-tensor"),
            (r#"{"__metadata__":{"a":1}}"#.into(), 0, "metadata-not-text"),
            (r#"{"__metadata__":"a"}"#.into(), 0, "metadata-not-text"),
            (r#"{"__metadata__":{"a":"","a":""}}"#.into(), 0, "duplicate-key"),
            (r#"{"__metadata__":{},"__metadata__":{}}"#.into(), 0, "duplicate-key"),
            ("{".into(), 0, "not-json"),
            ("{} x".into(), 0, "not-json"),
            (String::new(), 0, "not-json"),
            ("[1]".into(), 0, "leading-byte"),
            (" {}".into(), 0, "leading-byte"),
        ] {
            let kinds = kinds(&header, data);
            assert!(kinds.iter().any(|kind| kind == expected), "{header}: {kinds:?}");
        }
    }

    #[test]
    fn a_tensor_named_twice_is_seen() {
        let header = r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
            "a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#;
        assert_eq!(kinds(header, 8), ["duplicate-key"]);
    }

    #[test]
    fn an_lfs_pointer_is_named_as_such() {
        let facts = facts(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n");
        assert!(facts.anomalies.has("lfs-pointer"));
        assert!(!facts.complete);
    }

    #[test]
    fn absurd_header_lengths_take_no_memory() {
        for (size, expected) in [
            (u64::MAX, "header-too-large"),
            (100_000_001, "header-too-large"),
            (99, "header-past-end"),
        ] {
            let mut bytes = size.to_le_bytes().to_vec();
            bytes.extend(b"{}");
            let facts = facts(&bytes);
            assert!(facts.anomalies.has(expected), "{size}");
            assert!(facts.bytes_read <= 10);
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_named() {
        let mut bytes = 8_u64.to_le_bytes().to_vec();
        bytes.extend(b"{\"\xff\":{}}");
        assert!(facts(&bytes).anomalies.has("not-utf8"));
    }

    #[test]
    fn truncation_at_every_byte_is_noticed() {
        let bytes = file(TWO, 32);
        for end in 0..bytes.len() {
            assert!(!facts(&bytes[..end]).anomalies.is_empty(), "{end}");
        }
    }

    #[test]
    fn any_flipped_byte_is_survived() {
        let bytes = file(TWO, 32);
        for at in 0..bytes.len() - 32 {
            for mask in [0x01, 0x20, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= mask;
                facts(&changed);
            }
        }
    }
}
