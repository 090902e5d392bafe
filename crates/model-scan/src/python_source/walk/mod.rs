//! The pass over the tokens: which scope a line stands in, which name is called with what.
//!
//! Made twice: the first pass learns what names stand for over the whole file, so that a function defined
//! above an import is understood; the second lists calls.

mod brackets;
mod calls;
mod statements;

use super::aliases::Aliases;
use super::lexer::{Kind, Lexer, Token};
use super::value::Value;
use super::{IMPORTS_LIMIT, PythonScope, PythonSource};
use brackets::Group;

/// Brackets in each other beyond which calls are no longer told apart.
const DEPTH_LIMIT: usize = 1000;
/// Scopes in each other beyond which deeper ones count as the last.
const SCOPES_LIMIT: usize = 200;
/// Most arguments of a call that are kept in mind.
const ARGUMENTS_LIMIT: usize = 64;
/// A literal of this many bytes is not written by hand.
const LONG_LITERAL: usize = 100_000;

/// Reads the whole source.
pub(super) fn walk(text: &str, facts: &mut PythonSource) {
    let mut scratch = PythonSource::default();
    let aliases = Walk::new(Aliases::default(), &mut scratch).run(text);
    let aliases = Walk::new(aliases, facts).run(text);
    if aliases.full {
        facts.anomalies.note("too-deep", None, "more names of functions than are remembered");
    }
    facts.imports = aliases.imports.into_iter().take(IMPORTS_LIMIT).collect();
}

/// A class, function or guard whose body is being read.
struct Scope {
    kind: PythonScope,
    name: String,
    column: usize,
}

/// What the statement at hand began with.
#[derive(PartialEq, Clone, Copy)]
enum Statement {
    Plain,
    Import,
    From,
    Definition,
    Class,
    Decorator,
    If,
}

struct Walk<'f> {
    aliases: Aliases,
    facts: &'f mut PythonSource,
    scopes: Vec<Scope>,
    groups: Vec<Group>,
    /// Brackets beyond [`DEPTH_LIMIT`].
    ignored: usize,
    statement: Statement,
    column: usize,
    /// Whether this is the first token of a statement.
    first: bool,
    /// The words of an import, or of a definition's or a condition's head.
    words: Vec<String>,
    current: Value,
    /// Value left of a `+`.
    left: Option<Value>,
    /// Whether `current` ends in something that can be called or indexed.
    operand: bool,
    after_dot: bool,
    /// Targets of the assignment at hand.
    targets: Vec<String>,
    /// The name that an assignment or a walrus would give a value to.
    candidate: Option<String>,
    /// Where `current` began.
    offset: usize,
    line: u64,
}

impl<'f> Walk<'f> {
    fn new(aliases: Aliases, facts: &'f mut PythonSource) -> Self {
        Walk {
            aliases,
            facts,
            scopes: Vec::new(),
            groups: Vec::new(),
            ignored: 0,
            statement: Statement::Plain,
            column: 0,
            first: true,
            words: Vec::new(),
            current: Value::Unknown,
            left: None,
            operand: false,
            after_dot: false,
            targets: Vec::new(),
            candidate: None,
            offset: 0,
            line: 1,
        }
    }

    fn run(mut self, text: &str) -> Aliases {
        let mut lexer = Lexer::new(text);
        for token in lexer.by_ref() {
            self.token(&token);
        }
        self.end_statement();
        if lexer.depth() > 0 {
            let detail = format!("{} brackets are not closed", lexer.depth());
            self.facts.anomalies.note("unbalanced-brackets", None, detail);
        }
        self.aliases
    }

    fn token(&mut self, token: &Token<'_>) {
        match &token.kind {
            Kind::LineStart(column) => self.line_start(*column),
            Kind::Newline => self.end_statement(),
            Kind::Name(name) => self.name(name, token),
            Kind::Number(number) => {
                let value = number.parse().map_or(Value::Unknown, Value::Number);
                self.slice_part(number);
                self.literal(value);
            }
            Kind::Text { content, length } => {
                if *length >= LONG_LITERAL {
                    let detail = format!("a string of {length} bytes");
                    self.facts.anomalies.note("long-literal", token.offset as u64, detail);
                }
                let value = Value::Text(content.clone());
                // Strings side by side are one.
                if self.operand && matches!(self.current, Value::Text(_)) {
                    self.current = self.current.plus(&value);
                } else {
                    self.literal(value);
                }
            }
            Kind::Op(op) => self.operator(op, token),
            Kind::Unterminated => {
                let at = token.offset as u64;
                self.facts.anomalies.note("unterminated-string", at, "no closing quote");
                self.literal(Value::Unknown);
            }
        }
    }

    fn literal(&mut self, value: Value) {
        // `exec "..."` of Python 2 is no call by its form.
        self.reference();
        self.candidate = None;
        self.current = value;
        self.operand = true;
        self.after_dot = false;
        self.first = false;
    }

    fn line_start(&mut self, column: usize) {
        while self.scopes.last().is_some_and(|scope| column <= scope.column) {
            self.scopes.pop();
        }
        self.column = column;
        self.begin_statement();
    }

    fn begin_statement(&mut self) {
        self.statement = Statement::Plain;
        self.first = true;
        self.words.clear();
        self.targets.clear();
        self.candidate = None;
        self.clear();
        self.left = None;
    }

    fn clear(&mut self) {
        self.current = Value::Unknown;
        self.operand = false;
        self.after_dot = false;
    }

    fn name(&mut self, name: &str, token: &Token<'_>) {
        if self.first {
            self.first = false;
            if self.opens_statement(name) {
                return;
            }
        }
        self.first = false;
        if matches!(self.statement, Statement::Import | Statement::From) {
            self.words.push(name.to_owned());
            return;
        }
        if self.words.len() < ARGUMENTS_LIMIT {
            self.words.push(name.to_owned());
        }
        if self.after_dot {
            self.after_dot = false;
            self.attribute(name, token);
            return;
        }
        let naming = matches!(self.statement, Statement::Definition | Statement::Class)
            && self.groups.is_empty();
        if is_keyword(name) || naming {
            self.keyword(name);
            return;
        }
        self.reference();
        let parameter =
            self.groups.last().is_some_and(|group| group.parameters && group.keyword.is_none());
        self.current = if parameter { Value::Unknown } else { self.aliases.get(name) };
        self.candidate = Some(name.to_owned());
        self.pending_keyword(name);
        self.operand = true;
        (self.offset, self.line) = (token.offset, token.line);
    }

    /// Remembers a name that may turn out to be that of a keyword argument.
    fn pending_keyword(&mut self, name: &str) {
        if let Some(group) = self.groups.last_mut()
            && group.slice.is_empty()
        {
            group.slice = format!("={name}");
        }
    }

    fn attribute(&mut self, name: &str, token: &Token<'_>) {
        const INTERNALS: [&str; 5] =
            ["__subclasses__", "__globals__", "gi_frame", "f_globals", "f_builtins"];
        self.candidate = None;
        let value = std::mem::take(&mut self.current);
        if INTERNALS.contains(&name) {
            self.facts.anomalies.note("internals", token.offset as u64, name);
        }
        self.current = value.attribute(name);
        self.operand = true;
    }

    fn keyword(&mut self, word: &str) {
        self.reference();
        if word == "lambda" {
            match self.groups.last_mut() {
                Some(group) => group.lambda = true,
                None => self.words.push("lambda".into()),
            }
        }
        if word == "True"
            && let Some(group) = self.groups.last_mut()
        {
            match group.keyword.as_deref() {
                Some("trust_remote_code") => group.remote_code = true,
                Some("weights_only") => group.weights_only = true,
                _ => {}
            }
        }
        self.clear();
        self.left = None;
    }

    fn operator(&mut self, op: &'static str, token: &Token<'_>) {
        if matches!(self.statement, Statement::Import | Statement::From) {
            match op {
                ";" => self.end_statement(),
                _ => self.words.push(op.to_owned()),
            }
            return;
        }
        if self.first && op == "@" {
            self.statement = Statement::Decorator;
        }
        self.first = false;
        match op {
            "." => {
                self.after_dot = self.operand;
                if !self.operand {
                    self.clear();
                }
            }
            "(" | "[" | "{" => self.open(op, token),
            ")" | "]" | "}" => self.close(),
            "," => self.comma(),
            "=" => self.equals(),
            ":=" => {
                let name = self.candidate.take();
                if let Some(group) = self.groups.last_mut() {
                    group.walrus = name;
                }
                self.clear();
            }
            "+" => self.plus(),
            ":" => self.colon(),
            ";" => self.end_statement(),
            _ => {
                if op == "==" {
                    self.words.push("==".into());
                }
                self.slice_part(op);
                self.reference();
                self.settle();
                self.clear();
                self.left = None;
            }
        }
    }

    fn slice_part(&mut self, part: &str) {
        if let Some(group) = self.groups.last_mut()
            && group.bracket == "["
            && group.slice.len() < 8
        {
            group.slice.push_str(part);
        }
    }

    /// Joins what stands left of a `+` with what stands right.
    fn settle(&mut self) {
        if let Some(left) = self.left.take() {
            self.current = left.plus(&self.current);
        }
        let current = std::mem::take(&mut self.current);
        self.taint(&current);
        self.current = current;
    }

    fn plus(&mut self) {
        self.reference();
        self.settle();
        self.left = self.operand.then(|| std::mem::take(&mut self.current));
        self.clear();
    }

    fn equals(&mut self) {
        let target = self.candidate.take();
        match self.groups.last_mut() {
            Some(group) => {
                group.keyword = group.slice.strip_prefix('=').map(str::to_owned);
                group.slice.clear();
            }
            // `os.system = x` names nothing.
            None => self.targets.extend(target),
        }
        self.clear();
        self.left = None;
    }

    fn colon(&mut self) {
        self.slice_part(":");
        if !self.groups.is_empty() || self.ignored > 0 {
            self.reference();
            // Annotations and defaults follow a parameter's name.
            if let Some(group) = self.groups.last_mut() {
                if group.parameters {
                    group.keyword = Some(String::new());
                }
                if group.bracket == "{" {
                    group.slice.clear();
                }
            }
            self.clear();
            return;
        }
        self.reference();
        self.clear();
        if self.is_head() {
            self.head();
            // What follows on the same line is a statement of the body.
            self.begin_statement();
        }
    }
}

fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "False"
            | "None"
            | "True"
            | "and"
            | "as"
            | "assert"
            | "async"
            | "await"
            | "break"
            | "class"
            | "continue"
            | "def"
            | "del"
            | "elif"
            | "else"
            | "except"
            | "finally"
            | "for"
            | "from"
            | "global"
            | "if"
            | "import"
            | "in"
            | "is"
            | "lambda"
            | "nonlocal"
            | "not"
            | "or"
            | "pass"
            | "raise"
            | "return"
            | "try"
            | "while"
            | "with"
            | "yield"
    )
}
