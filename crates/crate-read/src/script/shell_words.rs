//! What the words of a shell are worth: variables, outputs, arrays, and what files hold.

use super::evaluate;
use super::parse::{self, Piece, Word};
use super::shell::{Data, LONGEST, NAMES, Reading};

impl Reading {
    /// Words to data; unquoted variables and outputs of constant text are several words.
    pub(super) fn words(&mut self, words: &[Word]) -> Vec<Data> {
        let mut all = Vec::new();
        for word in words {
            if let [Piece::Variable(name, operation, _)] = word.as_slice()
                && operation.starts_with('[')
                && let Some(array) = self.arrays.get(name)
            {
                all.extend(array.iter().take(64).cloned());
                continue;
            }
            let data = self.word(word);
            let splits = word
                .iter()
                .any(|piece| matches!(piece, Piece::Variable(_, _, false) | Piece::Output(_)));
            match data.text.as_deref().filter(|_| splits) {
                Some(text) => {
                    for part in text.split_ascii_whitespace().take(64) {
                        all.push(Data { text: Some(part.to_owned()), ..data.clone() });
                    }
                    if text.trim().is_empty() && !data.is_clean() {
                        all.push(data);
                    }
                }
                None => all.push(data),
            }
        }
        all
    }

    pub(super) fn word(&mut self, word: &Word) -> Data {
        let mut all = Data::of_text("");
        for piece in word {
            let part = match piece {
                Piece::Text(text) => Data::of_text(home(text)),
                Piece::Quoted(text) => Data::of_text(text.clone()),
                Piece::Variable(name, operation, _) => self.variable(name, operation),
                Piece::Output(list) => {
                    let line = self.line;
                    let mut output = self.list(list, &Data::default(), 0);
                    self.line = line;
                    output.text = output.text.map(|text| text.trim_end().to_owned());
                    output
                }
                Piece::Array(words) => {
                    let mut merged = Data::default();
                    for word in words {
                        merged.merge(&self.word(word));
                    }
                    merged
                }
            };
            all.merge(&part);
            all.text = match (all.text.take(), part.text) {
                (Some(text), Some(more)) if text.len() + more.len() < LONGEST => Some(text + &more),
                _ => None,
            };
        }
        all
    }

    pub(super) fn variable(&mut self, name: &str, operation: &str) -> Data {
        if name == "IFS" {
            return Data::of_text(" ");
        }
        let Some(held) = self.names.get(name).cloned() else {
            // A variable from outside stands for itself, so that a path with it stays the same.
            let default = evaluate::expand(None, operation);
            return Data::of_text(default.unwrap_or_else(|| format!("${name}")));
        };
        let text = evaluate::expand(held.text.as_deref(), operation);
        let text =
            if operation.is_empty() || operation.starts_with('[') { held.text } else { text };
        Data { text, ..held }
    }

    pub(super) fn assign(&mut self, name: &str, data: Data) {
        if self.names.len() < NAMES || self.names.contains_key(name) {
            self.names.insert(name.to_owned(), data);
        }
    }

    pub(super) fn keep(&mut self, name: &str, data: Data) {
        let name = plain_path(name);
        if matches!(name, "" | "/dev/null" | "-") || name.starts_with("&1") || name == "&2" {
            return;
        }
        if self.files.len() < NAMES || self.files.contains_key(name) {
            let held = self.files.entry(name.to_owned()).or_default();
            held.merge(&data);
            held.text = data.text;
        }
    }

    /// What a file holds, or a folder above it that was filled.
    pub(super) fn file(&self, name: &str) -> Data {
        let name = plain_path(name);
        if name.is_empty() {
            return Data::default();
        }
        if let Some(data) = self.files.get(name) {
            return data.clone();
        }
        let mut folder = name;
        while let Some((above, _)) = folder.rsplit_once('/') {
            if let Some(data) = self.files.get(&format!("{above}/")) {
                return Data { text: None, ..data.clone() };
            }
            folder = above;
        }
        Data::default()
    }

    /// Takes in `name=value`; the answer is whether the word was that.
    pub(super) fn assignment(&mut self, word: &Word) -> bool {
        let Some((Piece::Text(first), rest)) = word.split_first() else { return false };
        let Some((name, value)) = first.split_once('=') else { return false };
        let adds = name.ends_with('+');
        let name = name.trim_end_matches('+');
        if name.is_empty() || !parse::is_name(name) {
            return false;
        }
        if let [Piece::Array(words)] = rest {
            let words = self.words(words);
            let mut all = Data::default();
            for data in &words {
                all.merge(data);
            }
            all.text = words.first().and_then(|data| data.text.clone());
            if self.arrays.len() < NAMES {
                self.arrays.insert(name.to_owned(), words);
            }
            self.assign(name, all);
            return true;
        }
        let mut all = vec![Piece::Text(value.to_owned())];
        all.extend(rest.iter().cloned());
        let mut data = self.word(&all);
        if adds && let Some(before) = self.names.get(name).cloned() {
            data.text = before.text.clone().zip(data.text).map(|(a, b)| a + &b);
            data.merge(&before);
        }
        self.assign(name, data);
        true
    }
}

pub(super) fn plain_path(name: &str) -> &str {
    name.strip_prefix("./").unwrap_or(name)
}

fn home(text: &str) -> String {
    match text.strip_prefix("~/") {
        Some(rest) => format!("$HOME/{rest}"),
        None => text.to_owned(),
    }
}
