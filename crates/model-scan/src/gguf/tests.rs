//! Files are assembled here value by value, so that each test shows the one thing that is wrong.

use std::io::Cursor;

use super::*;

/// A file under construction, in the byte order and with the widths of its version.
struct Sample {
    bytes: Vec<u8>,
    version: u32,
    big: bool,
}

impl Sample {
    fn new(version: u32, big: bool, tensors: u64, entries: u64) -> Self {
        let mut sample = Sample { bytes: b"GGUF".to_vec(), version, big };
        sample.u32(version).count(tensors).count(entries);
        sample
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes.extend(if self.big { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    fn count(&mut self, value: u64) -> &mut Self {
        if self.version == 1 { self.u32(u32::try_from(value).unwrap()) } else { self.u64(value) }
    }

    fn string(&mut self, text: &str) -> &mut Self {
        self.count(text.len() as u64);
        self.bytes.extend(text.as_bytes());
        self
    }

    fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.string(key).u32(8).string(value)
    }

    fn number(&mut self, key: &str, value: u32) -> &mut Self {
        self.string(key).u32(4).u32(value)
    }

    fn tensor(&mut self, name: &str, shape: &[u64], kind: u32, offset: u64) -> &mut Self {
        self.string(name).u32(u32::try_from(shape.len()).unwrap());
        for n in shape {
            self.count(*n);
        }
        self.u32(kind).u64(offset)
    }

    fn data(&mut self, size: usize) -> &mut Self {
        let start = self.bytes.len().next_multiple_of(32);
        self.bytes.resize(start + size, 0);
        self
    }

    fn facts(&self) -> Gguf {
        facts(&self.bytes)
    }
}

fn facts(bytes: &[u8]) -> Gguf {
    read(Cursor::new(bytes), bytes.len() as u64).unwrap()
}

fn kinds(facts: &Gguf) -> Vec<&str> {
    facts.anomalies.seen.iter().map(|anomaly| anomaly.kind.as_ref()).collect()
}

fn ordinary(version: u32, big: bool) -> Sample {
    let mut sample = Sample::new(version, big, 2, 9);
    sample
        .text("general.architecture", "llama")
        .text("general.license", "apache-2.0")
        .text("general.source.url", "https://example.invalid/o/n")
        .number("general.base_model.count", 1)
        .text("general.base_model.0.name", "Base")
        .text("general.base_model.0.organization", "Org")
        .text("tokenizer.chat_template", "{{ messages }}")
        .number("llama.block_count", 1);
    sample.string("tokenizer.ggml.tokens").u32(9).u32(8).count(3);
    sample.string("a").string("b").string("c");
    sample.tensor("one", &[2, 4], 0, 0).tensor("two", &[64], 2, 32).data(64 + 32);
    sample
}

#[test]
fn every_version_and_byte_order_reads_the_same() {
    for (version, big) in [(1, false), (2, false), (3, false), (3, true)] {
        let facts = ordinary(version, big).facts();
        assert!(facts.anomalies.is_empty(), "{version} {big}: {:?}", facts.anomalies);
        assert!(facts.complete);
        assert_eq!(facts.version, Some(version));
        assert_eq!(facts.architecture.as_deref(), Some("llama"));
        assert_eq!(facts.license.as_deref(), Some("apache-2.0"));
        assert_eq!(facts.base_models[0].organization.as_deref(), Some("Org"));
        assert_eq!(facts.general["general.base_model.count"], "1");
        assert_eq!(facts.vocabulary, Some(3));
        assert_eq!(facts.templates[0].text, "{{ messages }}");
        assert_eq!((facts.tensors, facts.parameters), (2, 72));
    }
}

#[test]
fn what_the_gguf_library_writes_is_quiet() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/models/benign/gguf/tiny.gguf");
    let facts = facts(&std::fs::read(path).unwrap());
    assert!(facts.complete && facts.anomalies.is_empty(), "{:?}", facts.anomalies);
    assert_eq!(facts.name.as_deref(), Some("Tiny"));
    assert_eq!(facts.base_models[0].name.as_deref(), Some("Tiny Base"));
    assert_eq!((facts.vocabulary, facts.templates.len()), (Some(4), 1));
    assert_eq!(facts.tensor_types["F32"], 2);
}

#[test]
fn every_template_is_found_whatever_its_key() {
    let mut sample = Sample::new(3, false, 0, 3);
    sample.text("tokenizer.chat_template", "a").text("tokenizer.chat_template.tool_use", "b");
    sample.string("my.chat_templates").u32(9).u32(8).count(2).string("c").string("d");
    let facts = sample.facts();
    assert!(facts.anomalies.is_empty(), "{:?}", facts.anomalies);
    let texts: Vec<_> = facts.templates.iter().map(|template| template.text.as_str()).collect();
    assert_eq!(texts, ["a", "b", "c", "d"]);
}

#[test]
fn absurd_counts_take_no_memory_and_no_time() {
    for (tensors, entries) in [(u64::MAX, 0), (0, u64::MAX), (1 << 40, 1 << 40)] {
        let facts = Sample::new(3, false, tensors, entries).facts();
        assert_eq!(kinds(&facts), ["count-past-end"]);
        assert!(facts.bytes_read <= 24);
    }
    let mut sample = Sample::new(3, false, 0, 1);
    sample.string("k").u32(9).u32(8).count(1 << 60);
    assert_eq!(kinds(&sample.facts()), ["count-past-end"]);
    let mut sample = Sample::new(3, false, 0, 1);
    sample.string("k").u32(9).u32(10).count(u64::MAX / 8);
    assert_eq!(kinds(&sample.facts()), ["count-past-end"]);
    let mut sample = Sample::new(3, false, 0, 1);
    sample.count(u64::MAX).u64(0);
    assert_eq!(kinds(&sample.facts()), ["truncated"]);
    let mut sample = Sample::new(3, false, 0, 1);
    sample.string("general.name").u32(8).count(u64::MAX);
    assert_eq!(kinds(&sample.facts()), ["truncated"]);
}

#[test]
fn arrays_in_arrays_end_at_the_limit() {
    let nested = |depth: usize| {
        let mut sample = Sample::new(3, false, 0, 1);
        sample.string("k").u32(9);
        for _ in 1..depth {
            sample.u32(9).count(1);
        }
        sample.u32(0).count(0);
        sample.facts()
    };
    assert!(nested(4).anomalies.is_empty());
    assert_eq!(kinds(&nested(5)), ["nested-too-deep"]);
    assert_eq!(kinds(&nested(100_000)), ["nested-too-deep"]);
}

#[test]
fn each_broken_rule_of_the_metadata_is_named() {
    let mut sample = Sample::new(3, false, 0, 2);
    sample.text("general.name", "a").text("general.name", "b");
    assert_eq!(kinds(&sample.facts()), ["duplicate-key"]);
    for (alignment, expected) in [(64, &[][..]), (0, &["bad-alignment"]), (48, &["bad-alignment"])]
    {
        let mut sample = Sample::new(3, false, 0, 1);
        sample.number("general.alignment", alignment);
        assert_eq!(kinds(&sample.facts()), expected, "{alignment}");
    }
    let mut sample = Sample::new(3, false, 0, 1);
    sample.string("k").u32(13).u64(0);
    assert_eq!(kinds(&sample.facts()), ["unknown-value-type"]);
    let mut sample = Sample::new(3, false, 0, 1);
    sample.string("k").u32(9).u32(99).count(1).u64(0);
    assert_eq!(kinds(&sample.facts()), ["unknown-value-type"]);
    let mut sample = Sample::new(3, false, 0, 1);
    sample.string("general.name").u32(8).count(2);
    sample.bytes.extend([0xff, 0xfe]);
    assert_eq!(kinds(&sample.facts()), ["not-utf8"]);
    assert_eq!(kinds(&Sample::new(4, false, 0, 0).facts()), ["unknown-version"]);
}

#[test]
fn each_broken_rule_of_the_tensors_is_named() {
    let one = |shape: &[u64], kind: u32, offset: u64, data: usize| {
        let mut sample = Sample::new(3, false, 1, 0);
        sample.tensor("t", shape, kind, offset).data(data);
        sample.facts()
    };
    assert_eq!(kinds(&one(&[8], 0, 0, 32)), [""; 0]);
    assert_eq!(kinds(&one(&[8], 0, 0, 31)), ["past-end"]);
    assert_eq!(kinds(&one(&[8], 0, u64::MAX - 31, 32)), ["past-end"]);
    assert_eq!(kinds(&one(&[8], 0, 8, 64)), ["misaligned"]);
    assert_eq!(kinds(&one(&[8], 0, 0, 512)), ["trailing-bytes"]);
    assert_eq!(kinds(&one(&[8, 1, 1, 1, 1], 0, 0, 32)), ["too-many-dimensions"]);
    assert_eq!(kinds(&one(&[1 << 40, 1 << 40], 0, 0, 32)), ["overflow", "trailing-bytes"]);
    assert_eq!(kinds(&one(&[1 << 62], 0, 0, 32)), ["overflow", "trailing-bytes"]);
    assert_eq!(kinds(&one(&[8], 77, 0, 32)), ["unknown-tensor-type"]);
    assert_eq!(kinds(&one(&[33], 2, 0, 64)), ["ragged-rows"]);
    let mut sample = Sample::new(3, false, 2, 0);
    sample.tensor("t", &[8], 0, 0).tensor("t", &[8], 0, 0).data(32);
    assert_eq!(kinds(&sample.facts()), ["duplicate-tensor", "overlap"]);
    let mut sample = Sample::new(3, false, 1, 0);
    sample.tensor(&"n".repeat(65), &[8], 0, 0).data(32);
    assert_eq!(kinds(&sample.facts()), ["long-tensor-name"]);
}

#[test]
fn an_ancestor_is_named_by_its_magic() {
    for (magic, name) in
        [(b"lmgg", "ggml"), (b"fmgg", "ggmf"), (b"tjgg", "ggjt"), (b"algg", "ggla")]
    {
        let mut bytes = magic.to_vec();
        bytes.extend(1_u32.to_le_bytes());
        let facts = facts(&bytes);
        assert_eq!(facts.container, name);
        assert_eq!(kinds(&facts), ["legacy-format"]);
    }
    assert_eq!(kinds(&facts(b"GGUX1234")), ["not-gguf"]);
}

#[test]
fn truncation_at_every_byte_is_noticed() {
    for (version, big) in [(1, false), (3, false), (3, true)] {
        let bytes = ordinary(version, big).bytes;
        for end in 0..bytes.len() {
            let facts = facts(&bytes[..end]);
            // The padding behind the last tensor may be missing.
            let padding = end >= bytes.len() - 28;
            assert!(!facts.anomalies.is_empty() || padding, "{version} {end}");
        }
    }
}

#[test]
fn any_flipped_byte_is_survived() {
    let bytes = ordinary(3, false).bytes;
    for at in 0..bytes.len() {
        for mask in [0x01, 0x10, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= mask;
            facts(&changed);
        }
    }
}
