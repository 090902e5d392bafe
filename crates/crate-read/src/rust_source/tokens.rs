//! What stands in a file that is not parsed: the same names, found among its tokens. Imports are
//! resolved; types, data and constants are not followed.

use std::collections::HashMap;

use super::constants::PHRASE;
use super::facts::{CapabilityHit, CodeFacts, LISTED, Read, ReadKind, Spawned, WebAddress};
use super::lexer::{Kind, Lexer, Token, text_of};
use super::names::needs_no_glob;
use super::table::{Capability, CapabilityTable, Role};
use super::{cut, limits, paths};

/// Longest path that is put together.
const SEGMENTS: usize = 16;
/// Most calls inside each other whose texts are kept apart.
const CALLS: usize = 64;

/// A scan of one file.
struct Scan<'a> {
    file: &'a str,
    bytes: &'a [u8],
    table: &'a CapabilityTable,
    facts: &'a mut CodeFacts,
    imports: HashMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    at_build: bool,
}

/// A call that is open.
struct Call {
    path: Vec<String>,
    line: u32,
    depth: usize,
    text: String,
}

impl Call {
    fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// Whether its text is the text of the call around it.
    fn passes_on(&self) -> bool {
        matches!(self.name(), "concat" | "env" | "option_env" | "format" | "from")
    }

    /// Adds a text among its arguments: joined where they make one text, else one a line.
    fn add(&mut self, text: &str) {
        if self.text.len() + text.len() > 4096 {
            return;
        }
        match self.name() {
            "env" | "option_env" => self.text.push('$'),
            "include_bytes" | "include_str" | "include" | "concat" => {}
            _ if self.text.is_empty() => {}
            _ => self.text.push('\n'),
        }
        self.text.push_str(text);
    }
}

/// Scans the tokens of a file and adds what they name. The first 4 MiB are read.
pub(super) fn scan(
    file: &str,
    bytes: &[u8],
    table: &CapabilityTable,
    at_build: bool,
    facts: &mut CodeFacts,
) {
    let bytes = &bytes[..bytes.len().min(limits::SCANNED_BYTES)];
    let (imports, globs) = (HashMap::new(), Vec::new());
    let mut scan = Scan { file, bytes, table, facts, imports, globs, at_build };
    let before = scan.facts.spawned.len();
    scan.imports();
    scan.paths();
    scan.programs(before);
}

impl Scan<'_> {
    fn word(&self, token: Token) -> &str {
        std::str::from_utf8(&self.bytes[token.start..token.end]).unwrap_or("")
    }

    /// `use a::{b as c, d::*};` wherever it stands.
    fn imports(&mut self) {
        let mut lexer = Lexer::new(self.bytes);
        while let Some(token) = lexer.next() {
            if token.kind == Kind::Ident && self.word(token) == "use" {
                self.import(&mut lexer);
            }
        }
    }

    fn import(&mut self, lexer: &mut Lexer<'_>) {
        let mut groups: Vec<usize> = Vec::new();
        let mut path: Vec<String> = Vec::new();
        let mut alias = None;
        let mut renamed = false;
        for token in lexer.by_ref().take(4096) {
            match token.kind {
                Kind::Ident if self.word(token) == "as" => renamed = true,
                Kind::Ident if renamed => {
                    alias = Some(self.word(token).to_owned());
                    renamed = false;
                }
                Kind::Ident if path.len() < SEGMENTS => path.push(self.word(token).to_owned()),
                Kind::Punct(b'*') => self.globs.push(path.clone()),
                Kind::Open(b'{') => groups.push(path.len()),
                Kind::Punct(b',' | b';') | Kind::Close(b'}') => {
                    self.imported(&path, alias.take());
                    if token.kind == Kind::Close(b'}') {
                        groups.pop();
                    }
                    path.truncate(groups.last().copied().unwrap_or(0));
                    if token.kind == Kind::Punct(b';') {
                        return;
                    }
                }
                Kind::Punct(b':') => {}
                _ => return,
            }
        }
    }

    fn imported(&mut self, path: &[String], alias: Option<String>) {
        let mut path = path.to_vec();
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(name) = alias.or_else(|| path.last().cloned()) {
            self.imports.insert(name, path);
        }
    }

    fn resolve(&self, path: &[String]) -> Vec<String> {
        let mut full = path.to_vec();
        for _ in 0..4 {
            let Some(first) = full.first() else { break };
            match self.imports.get(first) {
                Some(target) if target.first() != Some(first) => {
                    full.splice(0..1, target.iter().cloned());
                }
                Some(target) if target.len() > 1 && full.len() == path.len() => {
                    full.splice(0..1, target.iter().cloned());
                    break;
                }
                _ => break,
            }
        }
        if let Some(first) = full.first_mut()
            && (first == "core" || first == "alloc")
        {
            "std".clone_into(first);
        }
        if self.table.api(&full).is_some() {
            return full;
        }
        if path.first().is_some_and(|first| needs_no_glob(first) || self.table.is_head(first)) {
            return full;
        }
        for glob in self.globs.iter().take(32) {
            let mut below = glob.clone();
            below.extend_from_slice(path);
            if self.table.api(&below).is_some() {
                return below;
            }
        }
        full
    }

    fn paths(&mut self) {
        let mut path: Vec<String> = Vec::new();
        let (mut colons, mut line, mut depth) = (0, 0, 0usize);
        let mut calls: Vec<Call> = Vec::new();
        for token in Lexer::new(self.bytes) {
            self.facts.work += 1;
            match token.kind {
                Kind::Ident => {
                    if colons < 2 {
                        self.ended(&path, line);
                        path.clear();
                    }
                    if path.len() < SEGMENTS {
                        path.push(self.word(token).to_owned());
                    }
                    line = token.line;
                }
                Kind::Punct(b':') => {
                    colons += 1;
                    continue;
                }
                Kind::Open(_) => {
                    depth += 1;
                    self.used(&path, line);
                    if !path.is_empty() && calls.len() < CALLS {
                        let (path, text) = (std::mem::take(&mut path), String::new());
                        calls.push(Call { path, line, depth, text });
                    }
                }
                Kind::Close(_) => {
                    self.ended(&path, line);
                    path.clear();
                    if calls.last().is_some_and(|call| call.depth >= depth)
                        && let Some(call) = calls.pop()
                    {
                        match calls.last_mut() {
                            Some(outer) if call.passes_on() => outer.add(&call.text),
                            _ => self.called(&call),
                        }
                    }
                    depth = depth.saturating_sub(1);
                }
                Kind::Text => {
                    let text = text_of(&self.bytes[token.start..token.end]);
                    self.text(&text, token.line);
                    if let Some(call) = calls.last_mut() {
                        call.add(&text);
                    }
                    path.clear();
                }
                // `include_bytes!(`, `&"x"`
                Kind::Punct(b'!' | b'&') => {}
                _ => {
                    self.ended(&path, line);
                    path.clear();
                }
            }
            colons = 0;
        }
        self.ended(&path, line);
    }

    /// A call whose texts are known.
    fn called(&mut self, call: &Call) {
        if call.text.is_empty() {
            return;
        }
        if let [name] = call.path.as_slice()
            && matches!(name.as_str(), "arg" | "args")
        {
            let last = self.facts.spawned.iter_mut().rev().find(|s| s.file == self.file);
            if let Some(spawned) = last.filter(|spawned| spawned.arguments.len() < 16) {
                spawned.arguments.extend(call.text.split('\n').map(cut));
            }
            return;
        }
        self.argument(&call.path, &call.text, call.line);
    }

    fn hit(&mut self, capability: Capability, api: &str, line: u32, detail: &str) {
        let hit = CapabilityHit {
            capability,
            api: cut(api),
            file: self.file.to_owned(),
            line,
            detail: cut(detail),
            generated: false,
            through: String::new(),
        };
        if self.facts.capabilities.len() >= LISTED {
            self.facts.left_out += 1;
        } else if !self.facts.capabilities.contains(&hit) {
            self.facts.capabilities.push(hit);
        }
    }

    /// A path that is not called. One name alone is a variable, and not the crate of that name.
    fn ended(&mut self, path: &[String], line: u32) {
        let is_variable = path.len() == 1 && !self.imports.contains_key(&path[0]);
        if !is_variable || !self.table.is_head(&path[0]) {
            self.used(path, line);
        }
    }

    fn used(&mut self, path: &[String], line: u32) {
        if path.is_empty() {
            return;
        }
        let full = self.resolve(path);
        let table = self.table;
        if let Some(rule) = table.api(&full) {
            for capability in &rule.capabilities {
                self.hit(*capability, &full.join("::"), line, "");
            }
        }
        if let [name] = path {
            let rules: Vec<_> = table.methods(name, None).collect();
            for rule in rules {
                for capability in &rule.capabilities {
                    self.hit(*capability, name, line, "");
                }
            }
        }
    }

    /// What the programs of this file mean, once all their arguments are known.
    fn programs(&mut self, before: usize) {
        let table = self.table;
        for spawned in self.facts.spawned.get(before..).unwrap_or(&[]).to_vec() {
            let line = format!("{} {}", spawned.program, spawned.arguments.join(" "));
            for capability in table.program(&spawned.program, &spawned.arguments) {
                self.hit(capability, &spawned.program, spawned.line, line.trim());
            }
        }
    }

    /// The constant first argument of a call.
    fn argument(&mut self, path: &[String], text: &str, line: u32) {
        if let [name] = path
            && matches!(name.as_str(), "include_bytes" | "include_str" | "include")
        {
            let kind = if name == "include" { ReadKind::Source } else { ReadKind::Include };
            let folder = paths::parent(self.file);
            let path =
                if text.starts_with('$') { text.to_owned() } else { paths::join(&folder, text) };
            return self.read(kind, &path, line);
        }
        let text = text.split('\n').next().unwrap_or(text);
        let full = self.resolve(path);
        let table = self.table;
        let role = table.api(&full).and_then(|rule| rule.role);
        match role {
            Some(Role::Spawn) if self.facts.spawned.len() < LISTED => {
                let (program, arguments) = (cut(text), Vec::new());
                let file = self.file.to_owned();
                self.facts.spawned.push(Spawned { program, arguments, file, line });
            }
            Some(Role::Variable) => {
                let means: Vec<_> = table.variable(text).collect();
                for capability in means {
                    self.hit(capability, &full.join("::"), line, text);
                }
            }
            Some(Role::ReadFile) => self.read(ReadKind::File, text, line),
            Some(Role::ReadFolder) => self.read(ReadKind::Folder, text, line),
            Some(Role::Glob) => self.read(ReadKind::Glob, text, line),
            _ => {}
        }
    }

    fn read(&mut self, kind: ReadKind, path: &str, line: u32) {
        let path = paths::from_root(path);
        if self.facts.reads.len() < LISTED {
            let (beyond, at_build) = (paths::is_beyond(&path), self.at_build);
            let (path, file) = (cut(&path), self.file.to_owned());
            self.facts.reads.push(Read { path, kind, whole: true, beyond, at_build, file, line });
        }
    }

    fn text(&mut self, text: &str, line: u32) {
        if text.contains("://") && self.facts.urls.len() < LISTED {
            let (url, file) = (cut(text), self.file.to_owned());
            self.facts.urls.push(WebAddress { url, file, line });
        }
        let is_path = text.len() <= PHRASE || !text.contains(char::is_whitespace);
        if (3..=300).contains(&text.len()) && is_path {
            let means = self.table.place(text);
            for capability in means {
                self.hit(capability, "path", line, text);
            }
        }
    }
}
