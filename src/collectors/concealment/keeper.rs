//! Reads the files of one crate as they pass by.

use std::collections::BTreeMap;

use toml::Table;

use super::facts::{
    CargoProgram, ConcealmentFacts, EncodedText, HiddenText, IgnoredInput, LookAlikeName,
    TrailingData,
};
use crate::collectors::archive::{FileRole, ListedFile, Observer, role_of};
use crate::domain::Measured;
use crate_read::concealment::{self, Syntax, syntax_of};
use crate_read::file_kind::FileClass;

/// Most entries of a list.
const LISTED: usize = 200;
/// Largest source text that is read.
const TEXT: usize = 8 << 20;
/// Largest manifest that is read.
const MANIFEST: usize = 1 << 20;

/// What one file held.
#[derive(Debug, Default)]
struct Found {
    trailing: Option<TrailingData>,
    hidden_text: Vec<HiddenText>,
    look_alikes: Vec<LookAlikeName>,
    encoded: Option<EncodedText>,
    cargo_programs: Vec<CargoProgram>,
    ignored_inputs: Vec<IgnoredInput>,
}

/// Keeps what is found in one crate's files. Give it every file, in any order, then finish it.
#[derive(Debug, Default)]
pub struct ConcealmentKeeper {
    /// By path: a path that comes again replaces the earlier one, as cargo does.
    files: BTreeMap<String, Found>,
    manifest: Option<Vec<u8>>,
    original: Option<Vec<u8>>,
}

impl ConcealmentKeeper {
    /// Keeps nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one file of the crate: as the archive lists it, with its bytes.
    pub fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        self.files.remove(&file.path);
        let kept = &bytes[..bytes.len().min(MANIFEST)];
        match file.path.as_str() {
            "Cargo.toml" => self.manifest = Some(kept.to_vec()),
            "Cargo.toml.orig" => self.original = Some(kept.to_vec()),
            _ => {}
        }
        let found = read(file, bytes);
        if !found.is_empty() {
            self.files.insert(file.path.clone(), found);
        }
    }

    /// Draws the sums of a folder: its manifest is the author's own, so that there is nothing from which it
    /// could differ.
    #[must_use]
    pub fn finish_folder(mut self) -> ConcealmentFacts {
        self.original = self.original.or_else(|| self.manifest.clone());
        self.finish()
    }

    /// Draws the sums.
    #[must_use]
    pub fn finish(self) -> ConcealmentFacts {
        let manifest = table("Cargo.toml", self.manifest.as_deref());
        let original = table("Cargo.toml.orig", self.original.as_deref());
        let mut facts = ConcealmentFacts {
            trailing: Vec::new(),
            hidden_text: Vec::new(),
            look_alikes: Vec::new(),
            encoded: Vec::new(),
            cargo_programs: Vec::new(),
            ignored_inputs: Vec::new(),
            manifest_differences: differences(&manifest, &original),
            links: manifest.known().and_then(links),
            left_out: 0,
        };
        let excluded =
            manifest.known().map(|manifest| inputs("Cargo.toml", concealment::excluded(manifest)));
        add(&mut facts.ignored_inputs, excluded.into_iter().flatten(), &mut facts.left_out);
        for found in self.files.into_values() {
            let left_out = &mut facts.left_out;
            add(&mut facts.trailing, found.trailing, left_out);
            add(&mut facts.hidden_text, found.hidden_text, left_out);
            add(&mut facts.look_alikes, found.look_alikes, left_out);
            add(&mut facts.encoded, found.encoded, left_out);
            add(&mut facts.cargo_programs, found.cargo_programs, left_out);
            add(&mut facts.ignored_inputs, found.ignored_inputs, left_out);
        }
        facts
    }
}

impl Observer for ConcealmentKeeper {
    fn file(&mut self, file: &ListedFile, bytes: &[u8]) {
        Self::file(self, file, bytes);
    }
}

impl Found {
    fn is_empty(&self) -> bool {
        let Self { trailing, hidden_text, look_alikes, encoded, cargo_programs, ignored_inputs } =
            self;
        trailing.is_none()
            && encoded.is_none()
            && hidden_text.is_empty()
            && look_alikes.is_empty()
            && cargo_programs.is_empty()
            && ignored_inputs.is_empty()
    }
}

/// Appends up to the bound and counts what did not fit.
fn add<T>(list: &mut Vec<T>, more: impl IntoIterator<Item = T>, left_out: &mut u64) {
    for item in more {
        if list.len() < LISTED {
            list.push(item);
        } else {
            *left_out += 1;
        }
    }
}

fn read(file: &ListedFile, bytes: &[u8]) -> Found {
    let role = role_of(&file.path);
    if file.class != FileClass::Text {
        return Found { trailing: trailing(file, role, bytes), ..Found::default() };
    }
    let mut found = Found {
        encoded: encoded(file, role, bytes),
        cargo_programs: cargo_programs(file, bytes),
        ignored_inputs: inputs(&file.path, concealment::ignored(&file.path, bytes)),
        ..Found::default()
    };
    let text = &bytes[..bytes.len().min(TEXT)];
    if let Some(syntax) = syntax_of(&file.path)
        && !text.is_ascii()
    {
        characters(file, role, &String::from_utf8_lossy(text), syntax, &mut found);
    }
    found
}

fn trailing(file: &ListedFile, role: FileRole, bytes: &[u8]) -> Option<TrailingData> {
    let found = concealment::trailing(bytes)?;
    Some(TrailingData {
        format: found.format.to_owned(),
        at: found.at,
        size: found.length,
        path: file.path.clone(),
        role,
        sha256: file.sha256.clone(),
    })
}

fn encoded(file: &ListedFile, role: FileRole, bytes: &[u8]) -> Option<EncodedText> {
    let found = concealment::encoded_line(bytes)?;
    Some(EncodedText {
        encoding: found.encoding,
        length: found.length,
        path: file.path.clone(),
        role,
        line: found.line,
        sha256: file.sha256.clone(),
    })
}

fn characters(file: &ListedFile, role: FileRole, text: &str, syntax: Syntax, found: &mut Found) {
    for hidden in concealment::hidden_characters(text, syntax) {
        found.hidden_text.push(HiddenText {
            kind: hidden.kind,
            place: hidden.place,
            character: hidden.character,
            path: file.path.clone(),
            role,
            line: hidden.line,
            sha256: file.sha256.clone(),
        });
    }
    if syntax != Syntax::Rust {
        return;
    }
    for name in concealment::look_alikes(text) {
        found.look_alikes.push(LookAlikeName {
            name: name.name,
            looks_like: name.looks_like,
            path: file.path.clone(),
            role,
            line: name.line,
            sha256: file.sha256.clone(),
        });
    }
}

fn cargo_programs(file: &ListedFile, bytes: &[u8]) -> Vec<CargoProgram> {
    let programs = concealment::configured_programs(&file.path, bytes).into_iter();
    programs
        .map(|program| CargoProgram {
            key: program.key,
            program: program.program,
            path: file.path.clone(),
            line: program.line,
            sha256: file.sha256.clone(),
        })
        .collect()
}

fn inputs(path: &str, patterns: Vec<concealment::IgnorePattern>) -> Vec<IgnoredInput> {
    let patterns = patterns.into_iter();
    patterns
        .map(|pattern| IgnoredInput {
            pattern: pattern.pattern,
            matches: pattern.matches.to_owned(),
            path: path.to_owned(),
            line: pattern.line,
        })
        .collect()
}

/// A manifest as a table.
fn table(name: &str, bytes: Option<&[u8]>) -> Measured<Table> {
    match bytes {
        None => Measured::unknown(format!("the archive has no {name}")),
        Some(bytes) if bytes.len() >= MANIFEST => {
            Measured::unknown(format!("{name} is larger than 1 MiB"))
        }
        Some(bytes) => match toml::from_slice(bytes) {
            Ok(table) => Measured::Known(table),
            Err(_) => Measured::unknown(format!("{name} is no TOML")),
        },
    }
}

fn differences(
    manifest: &Measured<Table>,
    original: &Measured<Table>,
) -> Measured<Vec<concealment::Difference>> {
    match (manifest, original) {
        (Measured::Known(manifest), Measured::Known(original)) => {
            Measured::Known(concealment::differences(manifest, original))
        }
        (Measured::Unknown(reason), _) | (_, Measured::Unknown(reason)) => {
            Measured::Unknown(reason.clone())
        }
    }
}

fn links(manifest: &Table) -> Option<String> {
    Some(manifest.get("package")?.get("links")?.as_str()?.to_owned())
}
