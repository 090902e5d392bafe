//! Statements: their heads, the scopes that they open, imports and assignments.

use super::brackets::Group;
use super::{SCOPES_LIMIT, Scope, Statement, Walk};
use crate::python_source::PythonScope;
use crate::python_source::capability;
use crate::python_source::value::Value;
use custody_bytes::excerpt::excerpt;

impl Walk<'_> {
    /// Whether the word belongs to the statement's grammar.
    pub(super) fn opens_statement(&mut self, word: &str) -> bool {
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

    /// Whether the colon at hand ends the head of a compound statement.
    pub(super) fn is_head(&self) -> bool {
        let compound = matches!(
            self.words.first().map(String::as_str),
            Some("else" | "elif" | "try" | "finally" | "while" | "for" | "with" | "except")
        );
        compound
            || matches!(self.statement, Statement::Definition | Statement::Class | Statement::If)
    }

    /// A head's colon: a scope begins.
    pub(super) fn head(&mut self) {
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

    pub(super) fn scope(&self) -> (PythonScope, Option<String>) {
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

    pub(super) fn end_statement(&mut self) {
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
    pub(super) fn import(&mut self) {
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

    pub(super) fn imported(&mut self, module: &str, name: &str, alias: Option<String>) {
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
