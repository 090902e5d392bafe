//! The key-value part of GGUF: what is kept, and what is jumped over.

use crate::words_of_code;
use std::io::{Read, Seek};

use super::types::{ARRAY, STRING, value_size};
use super::{GgufBaseModel, GgufFile, GgufTemplate, Stop};
use custody_bytes::excerpt::excerpt;

/// Most metadata entries that are followed; real files have some dozens.
const ENTRY_LIMIT: u64 = 65_536;
/// Longest key by the standard, in bytes.
const KEY_LIMIT: u64 = 65_535;
/// Longest value of a `general.` key that is kept, in characters.
const VALUE_CHARS: usize = 300;
/// Most `general.` entries that are kept.
const GENERAL_LIMIT: usize = 128;
/// Longest chat template that is kept, in bytes; real ones stay under 30 KB.
const TEMPLATE_LIMIT: u64 = 1024 * 1024;
/// Most chat templates that are kept.
const TEMPLATES_LIMIT: usize = 64;
/// Bytes of a text that are looked at for commands and programs.
const TEXT_LIMIT: u64 = 64 * 1024;
/// Most strings and arrays within arrays that are walked; the largest vocabularies hold a million with
/// their merges.
const WALKED_LIMIT: u64 = 8_000_000;
/// Deepest array in an array that is followed.
const NESTING_LIMIT: u32 = 4;
/// Highest number of a base model that is kept.
const BASE_MODELS_LIMIT: usize = 64;

impl<R: Read + Seek> GgufFile<R> {
    pub(super) fn metadata(&mut self, entries: u64) -> Result<(), Stop> {
        let at = self.stream.position();
        if entries > ENTRY_LIMIT {
            let detail = format!("{entries} metadata entries, {ENTRY_LIMIT} are followed");
            self.note("too-many-entries", at, detail);
            return Err(Stop::Noted);
        }
        for _ in 0..entries {
            self.entry()?;
        }
        Ok(())
    }

    fn entry(&mut self) -> Result<(), Stop> {
        let key = self.string(KEY_LIMIT)?;
        if key.cut {
            self.note("long-key", key.offset, format!("a key longer than {KEY_LIMIT} bytes"));
        }
        let (at, key) = (key.offset, key.content);
        let kind = self.u32()?;
        if self.keys.contains(&key) {
            self.note("duplicate-key", at, format!("{} stands twice", excerpt(&key, 100)));
        }
        if key.contains("chat_template") {
            self.template(&key, kind)?;
        } else if kind == ARRAY {
            let count = self.array(&key, 1)?;
            if key == "tokenizer.ggml.tokens" {
                self.facts.vocabulary = Some(count);
            }
        } else if kind == STRING {
            let text = self.string(TEXT_LIMIT)?;
            if let Some(found) = words_of_code::of(&text.content) {
                let detail = format!("{}: {}", excerpt(&key, 100), excerpt(&text.content, 200));
                self.note(found, text.offset, detail);
            }
            if key.starts_with("general.") {
                self.general(&key, excerpt(&text.content, VALUE_CHARS));
            }
        } else if key.starts_with("general.") {
            let value = self.scalar(kind)?;
            self.general(&key, value);
        } else {
            self.skip_scalar(kind)?;
        }
        self.keys.insert(key);
        Ok(())
    }

    /// Any key that names a chat template: `tokenizer.chat_template`, `tokenizer.chat_template.tool_use`,
    /// a list of them.
    fn template(&mut self, key: &str, kind: u32) -> Result<(), Stop> {
        match kind {
            STRING => self.one_template(key),
            ARRAY => {
                let kind = self.u32()?;
                let count = self.count()?;
                if kind != STRING {
                    return self.elements(key, kind, count, 1);
                }
                let width = self.width();
                self.check_count("templates", count, width)?;
                for _ in 0..count {
                    self.one_template(key)?;
                }
                Ok(())
            }
            _ => self.skip_scalar(kind),
        }
    }

    fn one_template(&mut self, key: &str) -> Result<(), Stop> {
        if self.facts.templates.len() >= TEMPLATES_LIMIT {
            let at = self.stream.position();
            self.note("too-many-entries", at, format!("more than {TEMPLATES_LIMIT} templates"));
            return self.skip_string();
        }
        let text = self.string(TEMPLATE_LIMIT)?;
        if text.cut {
            let detail = format!("{}: only the first MiB is looked at", excerpt(key, 100));
            self.note("template-too-long", text.offset, detail);
        }
        let key = excerpt(key, VALUE_CHARS);
        self.facts.template_keys.push(key.clone());
        self.facts.templates.push(GgufTemplate { key, offset: text.offset, text: text.content });
        Ok(())
    }

    /// Jumps over an array and returns how many elements it has.
    fn array(&mut self, key: &str, depth: u32) -> Result<u64, Stop> {
        let kind = self.u32()?;
        let count = self.count()?;
        self.elements(key, kind, count, depth)?;
        Ok(count)
    }

    fn elements(&mut self, key: &str, kind: u32, count: u64, depth: u32) -> Result<(), Stop> {
        let at = self.stream.position();
        let width = self.width();
        if let Some(size) = value_size(kind) {
            self.check_count("array elements", count, size)?;
            self.stream.skip(count * size)?;
        } else if kind == STRING {
            self.check_count("strings", count, width)?;
            self.spend(count)?;
            for _ in 0..count {
                self.skip_string()?;
            }
        } else if kind == ARRAY {
            if depth >= NESTING_LIMIT {
                let detail = format!("{}: deeper than {NESTING_LIMIT}", excerpt(key, 100));
                self.note("nested-too-deep", at, detail);
                return Err(Stop::Noted);
            }
            self.check_count("arrays", count, 4 + width)?;
            self.spend(count)?;
            for _ in 0..count {
                self.array(key, depth + 1)?;
            }
        } else {
            return self.unknown_type(kind, at);
        }
        Ok(())
    }

    /// Elements that have to be walked one by one are limited over the whole file.
    fn spend(&mut self, count: u64) -> Result<(), Stop> {
        self.walked = self.walked.saturating_add(count);
        if self.walked <= WALKED_LIMIT {
            return Ok(());
        }
        let at = self.stream.position();
        let detail = format!("{} strings and arrays in arrays, {WALKED_LIMIT} walked", self.walked);
        self.note("too-many-entries", at, detail);
        Err(Stop::Noted)
    }

    fn skip_string(&mut self) -> Result<(), Stop> {
        let length = self.count()?;
        Ok(self.stream.skip(length)?)
    }

    fn skip_scalar(&mut self, kind: u32) -> Result<(), Stop> {
        if kind == STRING {
            return self.skip_string();
        }
        if let Some(size) = value_size(kind) {
            return Ok(self.stream.skip(size)?);
        }
        let at = self.stream.position();
        self.unknown_type(kind, at)
    }

    fn unknown_type(&mut self, kind: u32, at: u64) -> Result<(), Stop> {
        self.note("unknown-value-type", at, format!("metadata value of type {kind}"));
        Err(Stop::Noted)
    }

    /// A scalar that is no string, as text.
    fn scalar(&mut self, kind: u32) -> Result<String, Stop> {
        let at = self.stream.position();
        let Some(size) = value_size(kind) else {
            self.unknown_type(kind, at)?;
            return Err(Stop::Noted);
        };
        let mut bytes = self.stream.take(size)?;
        if self.facts.big_endian {
            bytes.reverse();
        }
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(&bytes);
        let bits = u64::from_le_bytes(wide);
        let unused = 64 - 8 * u32::try_from(size).expect("a scalar has at most 8 bytes");
        let signed = (bits << unused).cast_signed() >> unused;
        Ok(match kind {
            6 => f32::from_le_bytes([wide[0], wide[1], wide[2], wide[3]]).to_string(),
            12 => f64::from_le_bytes(wide).to_string(),
            7 => (bits != 0).to_string(),
            1 | 3 | 5 | 11 => signed.to_string(),
            _ => bits.to_string(),
        })
    }

    fn general(&mut self, key: &str, value: String) {
        let name = key.strip_prefix("general.").unwrap_or(key);
        let facts = &mut self.facts;
        let slot = match name {
            "architecture" => Some(&mut facts.architecture),
            "name" => Some(&mut facts.name),
            "license" => Some(&mut facts.license),
            "source.url" => Some(&mut facts.source_url),
            "repo_url" | "source.repo_url" => Some(&mut facts.repo_url),
            "quantized_by" => Some(&mut facts.quantized_by),
            _ => None,
        };
        if let Some(slot) = slot {
            *slot = Some(value.clone());
        } else if let Some(rest) = name.strip_prefix("base_model.") {
            base_model(&mut facts.base_models, rest, &value);
        } else if name == "alignment" {
            self.alignment(&value);
        }
        if self.facts.general.len() < GENERAL_LIMIT {
            self.facts.general.insert(excerpt(key, VALUE_CHARS), value);
        }
    }

    fn alignment(&mut self, value: &str) {
        let at = self.stream.position();
        match value.parse::<u64>() {
            Ok(number) if number.is_power_of_two() => self.facts.alignment = number,
            _ => self.note("bad-alignment", at, format!("{value} is no power of two")),
        }
    }
}

/// Takes over `general.base_model.{number}.{field}`.
fn base_model(models: &mut Vec<GgufBaseModel>, rest: &str, value: &str) {
    let Some((number, field)) = rest.split_once('.') else { return };
    let Ok(number) = number.parse::<usize>() else { return };
    if number >= BASE_MODELS_LIMIT {
        return;
    }
    if models.len() <= number {
        models.resize(number + 1, GgufBaseModel::default());
    }
    let model = &mut models[number];
    let slot = match field {
        "name" => &mut model.name,
        "organization" => &mut model.organization,
        "repo_url" => &mut model.repo_url,
        _ => return,
    };
    *slot = Some(value.to_owned());
}
