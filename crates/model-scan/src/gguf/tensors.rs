//! The tensor descriptions of GGUF, checked against each other and against the length of the file.

use std::collections::HashSet;
use std::io::{Read, Seek};

use super::types::tensor_type;
use super::{GgufFile, Stop};
use custody_bytes::excerpt::excerpt;

/// Most tensors that are followed; the largest real models have some tens of thousands.
const TENSOR_LIMIT: u64 = 1_000_000;
/// Longest name by the standard, in bytes.
const NAME_LIMIT: u64 = 64;
/// Most dimensions that ggml holds.
const DIMENSION_LIMIT: u32 = 4;

/// Where a tensor's bytes lie, relative to the start of the tensor data.
struct Span {
    begin: u64,
    size: u64,
    described_at: u64,
}

impl<R: Read + Seek> GgufFile<R> {
    pub(super) fn tensors(&mut self, count: u64) -> Result<(), Stop> {
        let at = self.stream.position();
        if count > TENSOR_LIMIT {
            self.note("too-many-entries", at, format!("{count} tensors, {TENSOR_LIMIT} followed"));
            return Err(Stop::Noted);
        }
        let mut spans = Vec::new();
        let mut names = HashSet::new();
        for _ in 0..count {
            spans.extend(self.tensor(&mut names)?);
        }
        self.layout(spans);
        Ok(())
    }

    /// One description; its span, where the size can be told.
    fn tensor(&mut self, names: &mut HashSet<String>) -> Result<Option<Span>, Stop> {
        let name = self.string(4 * NAME_LIMIT)?;
        let at = name.offset;
        if name.cut || name.content.len() as u64 > NAME_LIMIT {
            let detail =
                format!("{} is longer than {NAME_LIMIT} bytes", excerpt(&name.content, 80));
            self.note("long-tensor-name", at, detail);
        }
        let name = name.content;
        let dimensions = self.u32()?;
        if dimensions > DIMENSION_LIMIT {
            let detail = format!("{} has {dimensions} dimensions", excerpt(&name, 80));
            self.note("too-many-dimensions", at, detail);
            return Err(Stop::Noted);
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            shape.push(self.count()?);
        }
        let kind = self.u32()?;
        let offset = self.u64()?;
        if offset % self.facts.alignment != 0 {
            let detail = format!("{}: {offset} by {}", excerpt(&name, 80), self.facts.alignment);
            self.note("misaligned", at, detail);
        }
        let size = self.size(&name, at, kind, &shape);
        if !names.insert(name) {
            self.note("duplicate-tensor", at, "a tensor of this name was described before");
        }
        Ok(size.map(|size| Span { begin: offset, size, described_at: at }))
    }

    /// Bytes that a tensor takes.
    fn size(&mut self, name: &str, at: u64, kind: u32, shape: &[u64]) -> Option<u64> {
        let known = tensor_type(kind);
        let label = known.as_ref().map_or("unknown", |known| known.name);
        *self.facts.tensor_types.entry(label.to_owned()).or_insert(0) += 1;
        let elements = shape.iter().try_fold(1_u64, |product, n| product.checked_mul(*n));
        let name = excerpt(name, 80);
        let Some(elements) = elements.filter(|n| i64::try_from(*n).is_ok()) else {
            self.note("overflow", at, format!("{name}: {shape:?}"));
            return None;
        };
        self.facts.parameters = self.facts.parameters.saturating_add(elements);
        let Some(known) = known else {
            self.note("unknown-tensor-type", at, format!("{name}: type {kind}"));
            return None;
        };
        let row = shape.first().copied().unwrap_or(1);
        if row % known.block != 0 {
            let detail = format!("{name}: rows of {row}, blocks of {}", known.block);
            self.note("ragged-rows", at, detail);
        }
        let size = elements.div_ceil(known.block).checked_mul(known.bytes);
        if size.is_none() {
            self.note("overflow", at, format!("{name}: {elements} elements"));
        }
        size
    }

    /// Tensors may have padding between them but neither overlap nor pass the end.
    fn layout(&mut self, mut spans: Vec<Span>) {
        let alignment = self.facts.alignment;
        let end = self.facts.file_size;
        let start = self.stream.position().checked_next_multiple_of(alignment);
        let start = start.unwrap_or(end).min(end);
        let data = end - start;
        spans.sort_by_key(|span| (span.begin, span.size));
        let mut reached = 0_u64;
        for span in &spans {
            let stop = span.begin.saturating_add(span.size);
            if stop > data {
                let detail = format!("ends at {stop} of {data} bytes of data");
                self.note("past-end", span.described_at, detail);
            }
            if span.size > 0 && span.begin < reached {
                let detail = format!("{} bytes belong to two tensors", reached - span.begin);
                self.note("overlap", span.described_at, detail);
            }
            reached = reached.max(stop);
        }
        let padded = reached.checked_next_multiple_of(alignment).unwrap_or(u64::MAX);
        if padded < data && !self.facts.tensor_types.contains_key("unknown") {
            let detail = format!("{} bytes after the last tensor", data - padded);
            self.note("trailing-bytes", start + padded, detail);
        }
    }
}
