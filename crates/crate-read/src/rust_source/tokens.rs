//! What stands in a file that is not parsed: the same names, found among its tokens. Imports are
//! resolved; types, data and constants are not followed.

use std::collections::HashMap;

use super::constants::PHRASE;
use super::facts::{CapabilityHit, CodeFacts, LISTED, Read, ReadKind, Spawned, WebAddress};
use super::lexer::{Kind, Lexer, Token, text_of};
use super::names::needs_no_glob;
use super::table::{ApiRule, Capability, CapabilityTable, Role};
use super::{cut, limits, paths};

/// Longest path that is put together.
const SEGMENTS: usize = 16;
/// Most calls inside each other whose texts are kept apart.
const CALLS: usize = 64;
/// Most imports of everything that are looked into.
const GLOBS: usize = 32;

/// A scan of one file.
struct Scan<'a> {
    file: &'a str,
    bytes: &'a [u8],
    table: &'a CapabilityTable,
    facts: &'a mut CodeFacts,
    imports: HashMap<&'a str, Vec<&'a str>>,
    /// Imported whole: only those below which something listed can lie.
    globs: Vec<Vec<&'a str>>,
    at_build: bool,
}

/// A call that is open.
struct Call<'a> {
    path: Vec<&'a str>,
    line: u32,
    depth: usize,
    text: String,
}

impl<'a> Call<'a> {
    fn name(&self) -> &'a str {
        self.path.last().copied().unwrap_or_default()
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

impl<'a> Scan<'a> {
    fn word(&self, token: Token) -> &'a str {
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
        let table = self.table;
        self.globs.truncate(GLOBS);
        self.globs.retain(|glob| glob.first().is_none_or(|first| table.is_head(first)));
    }

    fn import(&mut self, lexer: &mut Lexer<'_>) {
        let mut groups: Vec<usize> = Vec::new();
        let mut path: Vec<&'a str> = Vec::new();
        let mut alias = None;
        let mut renamed = false;
        for token in lexer.by_ref().take(4096) {
            match token.kind {
                Kind::Ident if self.word(token) == "as" => renamed = true,
                Kind::Ident if renamed => {
                    alias = Some(self.word(token));
                    renamed = false;
                }
                Kind::Ident if path.len() < SEGMENTS => path.push(self.word(token)),
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

    fn imported(&mut self, path: &[&'a str], alias: Option<&'a str>) {
        let mut path = path.to_vec();
        if path.last() == Some(&"self") {
            path.pop();
        }
        if let Some(name) = alias.or_else(|| path.last().copied()) {
            self.imports.insert(name, path);
        }
    }

    /// The full path of one that stands in the code, with what the table says of it.
    fn resolve(&self, path: &[&'a str]) -> (Vec<&'a str>, Option<&'a ApiRule>) {
        let mut full = path.to_vec();
        for _ in 0..4 {
            let Some(first) = full.first() else { break };
            match self.imports.get(first) {
                Some(target) if target.first() != Some(first) => {
                    full.splice(0..1, target.iter().copied());
                }
                Some(target) if target.len() > 1 && full.len() == path.len() => {
                    full.splice(0..1, target.iter().copied());
                    break;
                }
                _ => break,
            }
        }
        if let Some(first) = full.first_mut()
            && matches!(*first, "core" | "alloc")
        {
            *first = "std";
        }
        let rule = self.table.api(&full);
        if rule.is_some() || self.globs.is_empty() {
            return (full, rule);
        }
        if path.first().is_some_and(|first| needs_no_glob(first) || self.table.is_head(first)) {
            return (full, None);
        }
        for glob in &self.globs {
            let below = [glob.as_slice(), path].concat();
            if let Some(rule) = self.table.api(&below) {
                return (below, Some(rule));
            }
        }
        (full, None)
    }

    fn paths(&mut self) {
        let mut path: Vec<&'a str> = Vec::new();
        let (mut colons, mut line, mut depth) = (0, 0, 0usize);
        let mut calls: Vec<Call<'a>> = Vec::new();
        for token in Lexer::new(self.bytes) {
            self.facts.work += 1;
            match token.kind {
                Kind::Ident => {
                    if colons < 2 {
                        self.seen(&path, line, false);
                        path.clear();
                    }
                    if path.len() < SEGMENTS {
                        path.push(self.word(token));
                    }
                    line = token.line;
                }
                Kind::Punct(b':') => {
                    colons += 1;
                    continue;
                }
                Kind::Open(_) => {
                    depth += 1;
                    self.seen(&path, line, true);
                    if !path.is_empty() && calls.len() < CALLS {
                        let (path, text) = (std::mem::take(&mut path), String::new());
                        calls.push(Call { path, line, depth, text });
                    }
                }
                Kind::Close(_) => {
                    self.seen(&path, line, false);
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
                    self.seen(&path, line, false);
                    path.clear();
                }
            }
            colons = 0;
        }
        self.seen(&path, line, false);
    }

    /// A call whose texts are known.
    fn called(&mut self, call: &Call<'a>) {
        if call.text.is_empty() {
            return;
        }
        if let [name] = call.path.as_slice()
            && matches!(*name, "arg" | "args")
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

    /// A path that is called, or only named: one name alone is then a variable, and not the crate of that name.
    fn seen(&mut self, path: &[&'a str], line: u32, called: bool) {
        let Some(first) = path.first() else { return };
        let table = self.table;
        let (imported, head) = (self.imports.contains_key(first), table.is_head(first));
        if head && !imported && !called && path.len() == 1 {
            return;
        }
        // Most names of a program are its own: nothing has to be put together for them.
        if head || imported || !self.globs.is_empty() || matches!(*first, "core" | "alloc") {
            let (full, rule) = self.resolve(path);
            for capability in rule.map_or(&[][..], |rule| &rule.capabilities) {
                self.hit(*capability, &full.join("::"), line, "");
            }
        }
        if let [name] = path {
            for capability in table.methods(name, None).flat_map(|rule| &rule.capabilities) {
                self.hit(*capability, name, line, "");
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
    fn argument(&mut self, path: &[&'a str], text: &str, line: u32) {
        if let [name] = path
            && matches!(*name, "include_bytes" | "include_str" | "include")
        {
            let kind = if *name == "include" { ReadKind::Source } else { ReadKind::Include };
            let folder = paths::parent(self.file);
            let path =
                if text.starts_with('$') { text.to_owned() } else { paths::join(&folder, text) };
            return self.read(kind, &path, line);
        }
        let text = text.split('\n').next().unwrap_or(text);
        let (full, found) = self.resolve(path);
        let table = self.table;
        let role = found.and_then(|rule| rule.role);
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
