//! One table of a policy file, read key by key; every error knows its line and column.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{At, ConfigError};
use crate::domain::text::shown;

/// A file's text, to turn byte offsets into lines and columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'a> {
    /// Name of the file.
    pub(super) file: &'a str,
    /// Its text.
    pub(super) text: &'a str,
}

impl<'a> Document<'a> {
    /// Parses the text.
    pub(super) fn parse(self) -> Result<Spanned<DeTable<'a>>, ConfigError> {
        DeTable::parse(self.text).map_err(|error| ConfigError::Syntax {
            at: self.at(error.span().unwrap_or(0..0)),
            message: shown(error.message()),
        })
    }

    /// The place of a span.
    pub(super) fn at(self, span: Range<usize>) -> At {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        At {
            file: self.file.to_owned(),
            line: number(before.matches('\n').count() + 1),
            column: number(column + 1),
        }
    }
}

/// One table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    document: Document<'a>,
    name: &'a str,
    table: &'a DeTable<'a>,
    at: usize,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Told<T> {
    pub(super) value: T,
    pub(super) at: At,
}

impl<'a> Section<'a> {
    /// The top of a file, or a table inside a manifest.
    pub(super) fn new(
        document: Document<'a>,
        name: &'a str,
        table: &'a DeTable<'a>,
        span: Range<usize>,
    ) -> Self {
        Self { document, name, table, at: span.start }
    }

    /// Refuses keys that are not in the list.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ConfigError> {
        for (key, _) in self.table {
            if !known.contains(&key.get_ref().as_ref()) {
                let what = match self.name {
                    "" => "key".to_owned(),
                    name => format!("key in [{name}]"),
                };
                return Err(ConfigError::Unknown {
                    at: self.document.at(key.span()),
                    what,
                    name: key.get_ref().to_string(),
                    known: known.iter().map(|&key| key.to_owned()).collect(),
                });
            }
        }
        Ok(())
    }

    /// Where the table begins.
    pub(super) fn at(&self) -> At {
        self.document.at(self.at..self.at)
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, must: &str) -> ConfigError {
        ConfigError::Value {
            at: self.document.at(value.span()),
            key: key.to_owned(),
            problem: format!("must be {must}, not {}", value.get_ref().type_str()),
        }
    }

    /// An error about the value of a key.
    pub(super) fn problem(at: At, key: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::Value { at, key: key.to_owned(), problem: problem.into() }
    }

    /// A text that is not blank.
    pub(super) fn text(&self, key: &str) -> Result<Option<Told<&'a str>>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let text = value.get_ref().as_str().ok_or_else(|| self.wrong(key, value, "a text"))?;
        let at = self.document.at(value.span());
        if text.trim().is_empty() {
            return Err(Self::problem(at, key, "must not be empty"));
        }
        Ok(Some(Told { value: text, at }))
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &'static str) -> Result<Told<&'a str>, ConfigError> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// An error about a key that must be there.
    pub(super) fn missing(&self, key: &'static str) -> ConfigError {
        let section = match self.name {
            "" => "the file".to_owned(),
            name => format!("[[{name}]]"),
        };
        ConfigError::Missing { at: self.at(), section, key }
    }

    /// Whether the key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A whole number.
    pub(super) fn number(&self, key: &str) -> Result<Option<Told<i64>>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value.get_ref().as_integer();
        let number = number.and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        let value_of = number.ok_or_else(|| self.wrong(key, value, "a whole number"))?;
        Ok(Some(Told { value: value_of, at: self.document.at(value.span()) }))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.get_ref().as_bool().map(Some).ok_or_else(|| self.wrong(key, value, "true or false"))
    }

    /// A day, as a TOML date or as a text `YYYY-MM-DD`.
    pub(super) fn day(&self, key: &str) -> Result<Option<String>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(date) => date.to_string(),
            _ => return Err(self.wrong(key, value, "a date")),
        };
        let day: Option<jiff::civil::Date> =
            Some(&text).filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
        match day {
            Some(day) => Ok(Some(day.to_string())),
            None => Err(Self::problem(
                self.document.at(value.span()),
                key,
                format!("must be a day like 2027-01-31, not `{}`", shown(&text)),
            )),
        }
    }

    /// A list of texts that are not blank.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<Told<&'a str>>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let list =
            value.get_ref().as_array().ok_or_else(|| self.wrong(key, value, "a list of texts"))?;
        list.iter()
            .map(|item| {
                let text =
                    item.get_ref().as_str().ok_or_else(|| self.wrong(key, item, "a text"))?;
                let at = self.document.at(item.span());
                if text.trim().is_empty() {
                    return Err(Self::problem(at, key, "must not have an empty entry"));
                }
                Ok(Told { value: text, at })
            })
            .collect()
    }

    /// One text, or a list of them; empty where there is neither.
    pub(super) fn text_or_texts(&self, key: &str) -> Result<Vec<Told<&'a str>>, ConfigError> {
        match self.get(key) {
            Some(value) if value.get_ref().as_array().is_some() => self.texts(key),
            _ => Ok(self.text(key)?.into_iter().collect()),
        }
    }

    /// A table below this one.
    pub(super) fn table(&self, key: &'a str) -> Result<Option<Section<'a>>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let table = value.get_ref().as_table().ok_or_else(|| self.wrong(key, value, "a table"))?;
        Ok(Some(Section::new(self.document, key, table, value.span())))
    }

    /// A list of tables, `[[key]]`.
    pub(super) fn tables(&self, key: &'a str) -> Result<Vec<Section<'a>>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let must = format!("a list of tables, [[{key}]]");
        let list = value.get_ref().as_array().ok_or_else(|| self.wrong(key, value, &must))?;
        list.iter()
            .map(|item| {
                let table =
                    item.get_ref().as_table().ok_or_else(|| self.wrong(key, item, &must))?;
                Ok(Section::new(self.document, key, table, item.span()))
            })
            .collect()
    }

    /// Every entry of a table whose keys are names, with the place of the name.
    pub(super) fn names(&self) -> Vec<Told<&'a str>> {
        self.table
            .keys()
            .map(|key| Told { value: key.get_ref().as_ref(), at: self.document.at(key.span()) })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_characters() {
        let document = Document { file: "f", text: "a\né = 1\n" };
        assert_eq!(document.at(0..1).to_string(), "f:1:1");
        assert_eq!(document.at(4..5).to_string(), "f:2:2");
        assert_eq!(document.at(99..100).to_string(), "f:3:1");
    }
}
