//! The pass over the tokens: which scope a line stands in, which name is called with what.
//!
//! Made twice: the first pass learns what names stand for over the whole file, so that a function defined
//! above an import is understood; the second lists calls.

use super::aliases::Aliases;
use super::capability::{self, Capability};
use super::lexer::{Kind, Lexer, Token};
use super::value::Value;
use super::{CALLS_LIMIT, IMPORTS_LIMIT, PythonCall, PythonScope, PythonSource};
use crate::formats::excerpt::excerpt;

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
    facts.imports = aliases.imports.into_iter().take(IMPORTS_LIMIT).collect();
}

/// An open bracket.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent marks of one argument list")]
struct Group {
    /// What is called or indexed; the module's own names are an empty path.
    callee: Value,
    /// `(`, `[` or `{`.
    bracket: &'static str,
    /// Whether `callee` means anything.
    applied: bool,
    arguments: Vec<Value>,
    /// Name of the keyword argument that is being read.
    keyword: Option<String>,
    /// Value of the enclosing expression left of a `+`.
    outer_left: Option<Value>,
    /// Whether an argument comes from decoding, and whether from the network.
    decoded: bool,
    fetched: bool,
    remote_code: bool,
    weights_only: bool,
    /// Name that `:=` gives the argument's value to.
    walrus: Option<String>,
    /// A slice `[::-1]` so far; `=name` while a name may turn out to be a keyword argument's.
    slice: String,
    /// Parameters of a definition, not values.
    parameters: bool,
    /// Whether a lambda's body is being read here.
    lambda: bool,
    offset: usize,
    line: u64,
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

    /// Whether the word belongs to the statement's grammar.
    fn opens_statement(&mut self, word: &str) -> bool {
        self.statement = match word {
            "import" => Statement::Import,
            "from" => Statement::From,
            "def" => Statement::Definition,
            "class" => Statement::Class,
            "if" => Statement::If,
            "async" => {
                self.first = true;
                return true;
            }
            _ => return false,
        };
        true
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

    /// Whether the colon at hand ends the head of a compound statement.
    fn is_head(&self) -> bool {
        let compound = matches!(
            self.words.first().map(String::as_str),
            Some("else" | "elif" | "try" | "finally" | "while" | "for" | "with" | "except")
        );
        compound
            || matches!(self.statement, Statement::Definition | Statement::Class | Statement::If)
    }

    /// A head's colon: a scope begins.
    fn head(&mut self) {
        let name = self.words.first().cloned().unwrap_or_default();
        let kind = match self.statement {
            Statement::Definition => match name.as_str() {
                "__init__"
                | "__new__"
                | "__post_init__"
                | "__setstate__"
                | "__reduce__"
                | "__reduce_ex__"
                | "__init_subclass__"
                | "__class_getitem__"
                | "__del__"
                | "from_pretrained"
                | "_from_config"
                | "_load_from_state_dict" => PythonScope::Construction,
                _ => PythonScope::Function,
            },
            Statement::Class => PythonScope::Class,
            Statement::If if self.words.iter().any(|word| word == "__name__") => PythonScope::Main,
            _ => return,
        };
        if self.scopes.len() < SCOPES_LIMIT {
            self.scopes.push(Scope { kind, name, column: self.column });
        }
    }

    fn open(&mut self, op: &'static str, token: &Token<'_>) {
        let applied = self.operand && op != "{";
        if self.groups.len() >= DEPTH_LIMIT {
            if self.ignored == 0 {
                let detail = format!("more than {DEPTH_LIMIT} brackets in each other");
                self.facts.anomalies.note("too-deep", token.offset as u64, detail);
            }
            self.ignored += 1;
            return;
        }
        let parameters = self.statement == Statement::Definition && self.groups.is_empty();
        self.groups.push(Group {
            callee: std::mem::take(&mut self.current),
            bracket: op,
            applied,
            outer_left: self.left.take(),
            parameters: parameters && op == "(",
            offset: if applied { self.offset } else { token.offset },
            line: if applied { self.line } else { token.line },
            ..Group::default()
        });
        self.clear();
    }

    fn argument(&mut self) {
        self.reference();
        self.settle();
        let value = std::mem::take(&mut self.current);
        if let Some(group) = self.groups.last_mut() {
            if let Some(name) = group.walrus.take() {
                self.aliases.set(&name, value.clone());
            }
            if group.arguments.len() < ARGUMENTS_LIMIT && self.operand {
                group.arguments.push(value);
            }
            group.keyword = None;
            group.slice.clear();
        }
        self.clear();
    }

    fn comma(&mut self) {
        if self.groups.is_empty() {
            self.reference();
            self.clear();
            self.left = None;
            return;
        }
        self.argument();
        if let Some(group) = self.groups.last_mut() {
            group.lambda = false;
        }
    }

    fn close(&mut self) {
        if self.ignored > 0 {
            self.ignored -= 1;
            self.clear();
            return;
        }
        let slice = self.groups.last().map(|group| group.slice.clone()).unwrap_or_default();
        self.argument();
        let Some(group) = self.groups.pop() else {
            self.clear();
            return;
        };
        let (decoded, fetched) = (group.decoded, group.fetched);
        self.left.clone_from(&group.outer_left);
        self.current = match (group.applied, group.bracket) {
            (true, "(") => self.called(&group),
            (true, _) => indexed(&group, &slice),
            // Brackets around a single value; the strings of a list stay available to `join`.
            (false, "{") => Value::Unknown,
            (false, _) => match <[Value; 1]>::try_from(group.arguments) {
                Ok([single]) => single,
                Err(several) => {
                    let texts: Option<Vec<_>> = several.iter().map(Value::text).collect();
                    texts.map_or(Value::Unknown, |texts| Value::Text(texts.concat()))
                }
            },
        };
        if let Some(outer) = self.groups.last_mut() {
            outer.decoded |= decoded;
            outer.fetched |= fetched;
        }
        self.operand = true;
        (self.offset, self.line) = (group.offset, group.line);
    }

    /// What a call gives, after it was listed if it matters.
    fn called(&mut self, group: &Group) -> Value {
        let first = group.arguments.first();
        match &group.callee {
            Value::Path(path) => {
                let name =
                    capability::canonical(path.trim_start_matches(capability::UNBOUND)).to_owned();
                let value = self.looked_up(&name, group);
                if group.remote_code {
                    self.list(&name, Capability::RemoteCode, group, true);
                } else if let Some((capability, function)) = capability::of(path)
                    && !(name == "torch.load" && group.weights_only)
                {
                    let function = function.to_owned();
                    self.list(&function, capability, group, true);
                }
                value.unwrap_or(Value::Result(name))
            }
            Value::Getter(name) => first.cloned().unwrap_or_default().attribute(name),
            Value::Result(path) => {
                if group.remote_code {
                    let path = path.clone();
                    self.list(&path, Capability::RemoteCode, group, true);
                }
                // `''.join([...])`, `'...'[::-1]`, `'...'.decode()` keep what they were made of.
                match path.rsplit_once('.') {
                    Some((_, "join")) => {
                        first.filter(|v| v.text().is_some()).cloned().unwrap_or_default()
                    }
                    Some((made, "decode" | "encode" | "strip" | "read" | "text")) => {
                        Value::Result(made.to_owned())
                    }
                    _ => Value::Result(format!("{path:.200}()")),
                }
            }
            _ => Value::Unknown,
        }
    }

    /// The value of a call that looks something up by name.
    fn looked_up(&mut self, name: &str, group: &Group) -> Option<Value> {
        let first = group.arguments.first();
        match name {
            "__import__" | "importlib.import_module" | "importlib.__import__" => {
                Some(Value::Path(first?.text()?.to_owned()))
            }
            "getattr" | "inspect.getattr_static" => {
                let root = first?.path().is_some_and(capability::is_root);
                if let Some(Value::Text(attribute)) = group.arguments.get(1) {
                    return Some(first?.clone().attribute(attribute));
                }
                if root {
                    let of = first?.path().unwrap_or_default();
                    let detail = format!("getattr on {of}");
                    self.facts.anomalies.note("computed-name", group.offset as u64, detail);
                }
                None
            }
            "globals" | "locals" => Some(Value::Path(String::new())),
            "vars" => first.cloned(),
            "operator.attrgetter" => Some(Value::Getter(first?.text()?.to_owned())),
            "chr" => match first? {
                Value::Number(code) => char::from_u32(*code).map(|c| Value::Text(c.to_string())),
                _ => None,
            },
            "str" | "bytes" | "bytearray" => first.filter(|value| value.path().is_none()).cloned(),
            _ => None,
        }
    }

    /// Marks the brackets around a value that comes from decoding or from the network.
    fn taint(&mut self, value: &Value) {
        let Value::Result(function) = value else { return };
        let name = function.split("()").next().unwrap_or(function);
        let Some((capability, _)) = capability::of(name) else { return };
        if let Some(group) = self.groups.last_mut() {
            group.decoded |= capability == Capability::Decode || name.starts_with("marshal.");
            group.fetched |= capability == Capability::Network;
        }
    }

    /// Lists a function that is named but not called here.
    fn reference(&mut self) {
        if !self.operand || self.after_dot {
            return;
        }
        let Value::Path(path) = &self.current else { return };
        let Some((capability, function)) = capability::of(path) else { return };
        if !matches!(capability, Capability::Code | Capability::Process | Capability::Import) {
            return;
        }
        let group = Group { offset: self.offset, line: self.line, ..Group::default() };
        let function = function.to_owned();
        self.list(&function, capability, &group, false);
    }

    fn list(&mut self, function: &str, capability: Capability, group: &Group, called: bool) {
        if self.facts.calls.len() >= CALLS_LIMIT {
            self.facts.calls_left_out += 1;
            return;
        }
        let (scope, within) = self.scope();
        self.facts.calls.push(PythonCall {
            function: excerpt(function, 200),
            capability,
            scope,
            within,
            line: group.line,
            offset: group.offset as u64,
            called,
            decoded_argument: group.decoded,
            fetched_argument: group.fetched,
            argument: group.arguments.iter().find_map(Value::text).map(|text| excerpt(text, 200)),
        });
    }

    fn scope(&self) -> (PythonScope, Option<String>) {
        let names: Vec<_> = self
            .scopes
            .iter()
            .filter(|scope| scope.kind != PythonScope::Main)
            .map(|scope| scope.name.as_str())
            .collect();
        let within = (!names.is_empty()).then(|| excerpt(&names.join("."), 200));
        let lambda = self.groups.iter().any(|group| group.lambda)
            || self.words.iter().any(|word| word == "lambda");
        let innermost = self
            .scopes
            .iter()
            .rev()
            .map(|scope| scope.kind)
            .find(|kind| *kind != PythonScope::Class);
        let kind = match innermost {
            Some(kind) => kind,
            None if lambda => PythonScope::Lambda,
            None if self.scopes.is_empty() => PythonScope::Module,
            None => PythonScope::Class,
        };
        (kind, within)
    }

    fn end_statement(&mut self) {
        match self.statement {
            Statement::Import | Statement::From => self.import(),
            Statement::Decorator => {
                // A decorator is called with what it decorates.
                if self.groups.is_empty()
                    && let Value::Path(path) = &self.current
                    && let Some((capability, function)) = capability::of(path)
                {
                    let group = Group { offset: self.offset, line: self.line, ..Group::default() };
                    let function = function.to_owned();
                    self.list(&function, capability, &group, true);
                }
            }
            _ => {
                self.reference();
                self.settle();
                let value = std::mem::take(&mut self.current);
                let assigned = if self.operand { value } else { Value::Unknown };
                for name in std::mem::take(&mut self.targets) {
                    if !matches!(&assigned, Value::Path(path) if path.trim_start_matches('~') == name)
                    {
                        self.aliases.set(&name, assigned.clone());
                    }
                }
            }
        }
        self.begin_statement();
    }

    /// `import a.b as c, d` and `from a import b as c, *`.
    fn import(&mut self) {
        let words = std::mem::take(&mut self.words);
        let mut words = words.into_iter().filter(|word| word != "(" && word != ")").peekable();
        let mut module = String::new();
        if self.statement == Statement::From {
            while let Some(word) = words.next_if(|word| word != "import") {
                module.push_str(&word);
            }
            words.next();
            self.aliases.import(&module);
        }
        while words.peek().is_some() {
            let mut name = String::new();
            while let Some(word) = words.next_if(|word| word != "as" && word != ",") {
                name.push_str(&word);
            }
            let alias = words.next_if(|word| word == "as").and_then(|_| words.next());
            words.next_if(|word| word == ",");
            self.imported(&module, &name, alias);
        }
    }

    fn imported(&mut self, module: &str, name: &str, alias: Option<String>) {
        if self.statement == Statement::Import {
            self.aliases.import(name);
            let root = name.split('.').next().unwrap_or(name);
            match alias {
                Some(alias) => self.aliases.set(&alias, Value::Path(name.to_owned())),
                None => self.aliases.set(root, Value::Path(root.to_owned())),
            }
        } else if name == "*" {
            self.aliases.star(module);
        } else {
            let path = format!("{module}.{name}");
            self.aliases.set(alias.as_deref().unwrap_or(name), Value::Path(path));
        }
    }
}

/// What `callee[...]` gives.
fn indexed(group: &Group, slice: &str) -> Value {
    match (&group.callee, group.arguments.first()) {
        (Value::Text(text), _) if slice == "::-1" => Value::Text(text.chars().rev().collect()),
        (Value::Path(path), Some(Value::Text(name))) if path == "sys.modules" => {
            Value::Path(name.clone())
        }
        (Value::Path(_), Some(Value::Text(name))) => group.callee.clone().attribute(name),
        (Value::Result(call), _) => Value::Result(call.clone()),
        _ => Value::Unknown,
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
