//! What the machine reports: imports, calls and oddities, each with its byte offset and opcode. States
//! what the bytes would make the unpickler do; whether that is dangerous is for the lists and rules.

use std::fmt;

/// A module-level name that a pickle asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlobalName {
    /// Module, as written.
    pub module: String,
    /// Name inside it, as written; may be dotted.
    pub name: String,
}

impl fmt::Display for GlobalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.name)
    }
}

/// What stands first among the arguments of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// There is none.
    Absent,
    /// A global.
    Global(GlobalName),
    /// What a call of this global returned, or an object of it.
    Of(GlobalName),
    /// A number, a text that does not begin with `__`, a truth value or nothing.
    Constant,
    /// Anything else.
    Other,
}

/// One observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Offset of the opcode in the scanned source; inside a decoded string, in the decoded bytes.
    pub offset: u64,
    /// Name of the opcode, as `pickletools` has it; empty where the event is not about one.
    pub opcode: &'static str,
    /// Which of the stacked pickles, from 0.
    pub stream: u32,
    /// How the bytes were reached: empty for the file itself, else for instance
    /// `base64@120` for a pickle in a base64 string at offset 120, the outermost first.
    pub inside: Vec<String>,
    /// What was seen.
    pub what: What,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A module is imported and a name taken from it (`GLOBAL`, `STACK_GLOBAL`, `INST`). Reported once a name.
    Import(GlobalName),
    /// A global is called; the first calls of each are reported.
    Call {
        /// Who is called.
        callee: GlobalName,
        /// Its arguments, readable and short.
        arguments: String,
        /// What stands first among the arguments, for `functools.partial` and its like.
        first: First,
        /// Whether every further argument is a plain constant, and no text among them begins with `__`.
        plain: bool,
        /// Whether the object is made without its constructor (`NEWOBJ`).
        built: bool,
    },
    /// A code object is built, by the type that `_builtin_type` looks up: the file holds compiled Python.
    Code {
        /// Who looked the type up.
        by: GlobalName,
        /// Names and single words that the code refers to.
        names: Vec<String>,
        /// Whether all of them could be read.
        whole: bool,
    },
    /// What a call returned is called, or something of which not even that is known.
    CallOnResult {
        /// The called expression.
        callee: String,
        /// The global at the root of that expression.
        root: Option<GlobalName>,
        /// Its arguments.
        arguments: String,
    },
    /// State is set on what a call returned; the first for each root.
    BuildOnResult {
        /// The global at the root.
        root: Option<GlobalName>,
        /// The state.
        state: String,
    },
    /// A module or name that is not a constant of the pickle.
    DynamicGlobal {
        /// What stands where the names should.
        detail: String,
    },
    /// State or items are set on a global itself: a module, class or function is changed.
    Rebind {
        /// The global.
        target: GlobalName,
        /// What is set.
        state: String,
    },
    /// An extension code, whose meaning is the registry of the machine that loads it.
    Extension {
        /// The code.
        code: i64,
    },
    /// A persistent id, resolved by the program that loads it. Only the first of a stream.
    PersistentId {
        /// The id, readable and short.
        id: String,
    },
    /// A lazy iterator over a callable is handed to a call that exhausts it: `tuple(map(f, xs))`.
    Drain {
        /// Who exhausts it.
        callee: GlobalName,
        /// The iterator's expression.
        iterator: String,
    },
    /// A few bytes that stand for a huge object, or for more work than was done.
    Expansion {
        /// The numbers.
        detail: String,
    },
    /// Reading broke off here; what was found before is kept.
    Broken {
        /// Why.
        why: String,
    },
    /// More than one PROTO in a stream, or PROTO not at its start.
    DuplicateProto,
    /// A protocol that no unpickler knows.
    UnsupportedProto {
        /// The number.
        protocol: u8,
    },
    /// The C unpickler (which minds no frame ends) and the Python one read different things here.
    FrameDivergence {
        /// What differs.
        detail: String,
    },
    /// Bytes after the last STOP that are no pickle.
    Trailing {
        /// How many.
        bytes: u64,
    },
    /// A string of the pickle is a pickle, too; its events follow.
    Nested {
        /// `bytes`, `base64`, `hex`, `zlib`, `gzip`, or several joined by `+`.
        encoding: String,
        /// Its length as it stands in the pickle, bytes.
        length: u64,
    },
}

impl What {
    /// A stable kebab-case word for the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Import(_) => "import",
            Self::Call { .. } => "call",
            Self::Code { .. } => "carried-code",
            Self::CallOnResult { .. } => "call-on-result",
            Self::BuildOnResult { .. } => "build-on-result",
            Self::DynamicGlobal { .. } => "dynamic-global",
            Self::Rebind { .. } => "build-rebind",
            Self::Extension { .. } => "extension",
            Self::PersistentId { .. } => "persistent-id",
            Self::Drain { .. } => "iterator-drained",
            Self::Expansion { .. } => "expansion",
            Self::Broken { .. } => "truncated",
            Self::DuplicateProto => "duplicate-proto",
            Self::UnsupportedProto { .. } => "unsupported-proto",
            Self::FrameDivergence { .. } => "frame-divergence",
            Self::Trailing { .. } => "trailing-bytes",
            Self::Nested { .. } => "nested-pickle",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Import(name) => write!(f, "import {name}"),
            Self::Call { callee, arguments, .. } => write!(f, "call {callee}({arguments})"),
            Self::Code { names, .. } => write!(f, "build code that names {}", names.join(", ")),
            Self::CallOnResult { callee, arguments, .. } => write!(f, "call {callee}({arguments})"),
            Self::BuildOnResult { root: Some(root), state } => {
                write!(f, "set state of {root}(..) to {state}")
            }
            Self::BuildOnResult { root: None, state } => {
                write!(f, "set state of a result to {state}")
            }
            Self::DynamicGlobal { detail } => write!(f, "import a computed name: {detail}"),
            Self::Rebind { target, state } => write!(f, "change {target} itself: {state}"),
            Self::Extension { code } => write!(f, "extension code {code}"),
            Self::PersistentId { id } => write!(f, "persistent id {id}"),
            Self::Drain { callee, iterator } => write!(f, "exhaust {iterator} by {callee}"),
            Self::Expansion { detail } => write!(f, "expansion: {detail}"),
            Self::Broken { why } => write!(f, "broken off: {why}"),
            Self::DuplicateProto => f.write_str("a second PROTO"),
            Self::UnsupportedProto { protocol } => write!(f, "protocol {protocol} does not exist"),
            Self::FrameDivergence { detail } => write!(f, "frames read two ways: {detail}"),
            Self::Trailing { bytes } => write!(f, "{bytes} bytes follow the last STOP"),
            Self::Nested { encoding, length } => {
                write!(f, "a pickle in a string of {length} bytes ({encoding})")
            }
        }
    }
}

impl Event {
    /// One line for a person: offset, opcode, what. Holds strings of the file: clean before display.
    pub fn line(&self) -> String {
        let inside = self.inside.iter().fold(String::new(), |text, step| text + step + " ");
        format!("{inside}{:#08x} {:<16} {}", self.offset, self.opcode, self.what)
    }
}
