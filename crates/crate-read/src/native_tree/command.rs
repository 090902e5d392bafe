//! What one command does with data.

use super::facts::ChainKind;
use super::shell::{variables, without_quotes};

/// One command: what it is called, and its arguments.
#[derive(Debug)]
pub(crate) struct Command<'w> {
    /// Name of the program, without folders; of a variable such as `$XZ`, its name in lower case.
    pub program: String,
    /// The program's name stands in a variable.
    pub computed: bool,
    pub arguments: Vec<&'w str>,
}

/// Words before the program that change nothing about what it does with data.
const PREFIXES: [&str; 18] = [
    "if", "then", "else", "elif", "do", "while", "until", "!", "time", "exec", "command", "env",
    "nice", "nohup", "builtin", "sudo", "{", "@",
];

/// Interpreters that run what they read.
const INTERPRETERS: [&str; 10] =
    ["sh", "bash", "dash", "ksh", "zsh", "ash", "python", "python3", "perl", "ruby"];

/// Programs that decode without being told to.
pub(crate) const DECODERS: [&str; 14] = [
    "xzcat",
    "unxz",
    "lzcat",
    "unlzma",
    "zcat",
    "gunzip",
    "bzcat",
    "bunzip2",
    "zstdcat",
    "unzstd",
    "unlz4",
    "uudecode",
    "uncompress",
    "lz4cat",
];
/// Programs that decode when told to by `-d`.
pub(crate) const CODECS: [&str; 15] = [
    "xz", "lzma", "gzip", "bzip2", "zstd", "lz4", "lzip", "lzop", "brotli", "pigz", "pbzip2",
    "base64", "base32", "basenc", "compress",
];

impl<'w> Command<'w> {
    /// The command that words make; `None` where they only assign or say nothing.
    pub fn of(words: &[&'w str]) -> Option<Self> {
        let mut rest = words;
        while let Some(first) = rest.first() {
            let plain = first.trim_start_matches(['@', '-', '+']);
            if PREFIXES.contains(first) || is_assignment(first) || plain.is_empty() {
                rest = &rest[1..];
            } else {
                break;
            }
        }
        let (first, arguments) = rest.split_first()?;
        let named = without_quotes(first).trim_start_matches(['@', '-', '+', '\\']);
        let computed = named.starts_with('$') || named.starts_with('@') || first.starts_with('@');
        let in_variable = variables(first).first().copied().filter(|_| {
            named.starts_with(['$', '@']) || (first.starts_with('@') && first.ends_with('@'))
        });
        let program = match in_variable {
            Some(variable) => variable.to_ascii_lowercase(),
            None => named.rsplit('/').next().unwrap_or(named).to_owned(),
        };
        Some(Self {
            program,
            computed: computed && in_variable.is_some(),
            arguments: arguments.to_vec(),
        })
    }

    /// What it does with the data that goes through it.
    pub fn kind(&self) -> Option<ChainKind> {
        let program = self.program.as_str();
        let is_codec = CODECS.contains(&program) || program == "snzip";
        if DECODERS.contains(&program) || (is_codec && undoes(&self.arguments)) {
            return Some(ChainKind::Decode);
        }
        match program {
            "openssl" if undoes(&self.arguments) => {
                let encoding = self.arguments.first() == Some(&"base64");
                Some(if encoding { ChainKind::Decode } else { ChainKind::Decrypt })
            }
            "gpg" | "gpg2" | "age" if undoes(&self.arguments) => Some(ChainKind::Decrypt),
            "xxd" if flag(&self.arguments, 'r') => Some(ChainKind::Decode),
            "perl" | "python" | "python3" if self.decodes_in_text() => Some(ChainKind::Decode),
            "head" | "tail" if self.counts_bytes() => Some(ChainKind::Slice),
            "dd" if self.arguments.iter().any(|a| a.starts_with("skip=")) => Some(ChainKind::Slice),
            "tr" if self.maps() => Some(ChainKind::Map),
            "sed" if self.arguments.iter().any(|a| is_long_y(a)) => Some(ChainKind::Map),
            "grep" | "egrep" | "fgrep"
                if flag(&self.arguments, 'r') || flag(&self.arguments, 'R') =>
            {
                Some(ChainKind::Search)
            }
            "find" => Some(ChainKind::Search),
            // `$prefix -d`, where the name of the program is found out at build time.
            _ if self.computed && self.decodes_by_flag() => Some(ChainKind::Decode),
            _ => None,
        }
    }

    /// Whether it runs what comes in through the pipe.
    pub fn interprets_input(&self) -> bool {
        self.is_interpreter()
            && self.arguments.iter().all(|argument| {
                argument.starts_with('-') && !argument.starts_with("-c")
                    || argument.contains('>')
                    || *argument == "/dev/null"
                    || *argument == "/dev/stdin"
            })
            && !self.arguments.iter().any(|a| matches!(*a, "-n" | "--version" | "--help"))
    }

    /// Whether it is a shell or the like, by its name or its usual variable.
    pub fn is_interpreter(&self) -> bool {
        let name = self.program.trim_start_matches("config_").trim_start_matches("posix_");
        INTERPRETERS.contains(&name) || (self.computed && name == "shell")
    }

    /// The text that it is given to run (`sh -c text`).
    pub fn inline(&self) -> Option<&'w str> {
        let at = self.arguments.iter().position(|a| a.starts_with('-') && a.ends_with('c'))?;
        self.is_interpreter().then(|| self.arguments.get(at + 1).copied())?
    }

    /// The file that it runs: `. file`, `source file`, `sh file`, `./file`.
    pub fn script(&self) -> Option<&'w str> {
        let sources = matches!(self.program.as_str(), "." | "source");
        if sources || self.is_interpreter() {
            return self.arguments.iter().find(|a| !a.starts_with('-')).copied();
        }
        None
    }

    /// `-d` or `-dc` and nothing that a compiler or `test` would be given.
    fn decodes_by_flag(&self) -> bool {
        !matches!(self.program.as_str(), "test" | "cc" | "mkdir_p" | "install" | "srcdir")
            && self.arguments.iter().any(|a| matches!(*a, "-d" | "-dc" | "-cd" | "--decompress"))
            && self.arguments.len() <= 4
    }

    fn counts_bytes(&self) -> bool {
        self.arguments.iter().any(|a| a.starts_with("-c") || a.starts_with("--bytes"))
    }

    /// `tr` with two sets that are more than a change of case or of a character or two.
    fn maps(&self) -> bool {
        let sets: Vec<&str> =
            self.arguments.iter().filter(|a| !a.starts_with('-')).copied().collect();
        let [from, to, ..] = sets[..] else { return false };
        let case = |set: &str| {
            set.contains(":upper:")
                || set.contains(":lower:")
                || matches!(set.trim_matches(['[', ']']), "a-z" | "A-Z")
                || set.contains("abcdefghij")
                || set.contains("ABCDEFGHIJ")
        };
        from.len() >= 3 && to.len() >= 3 && !(case(from) && case(to))
    }

    fn decodes_in_text(&self) -> bool {
        let text = self.arguments.join(" ");
        ["b64decode", "decode_base64", "decompress", "unhexlify", "fromhex", "unpack", "pack("]
            .iter()
            .any(|word| text.contains(word))
    }
}

/// `-d`, `-dc`, `--decompress`, `--decode`, `-D`.
pub(crate) fn undoes(arguments: &[impl AsRef<str>]) -> bool {
    let is_long = |a: &str| a.starts_with("--dec") || a.starts_with("--unc");
    flag(arguments, 'd')
        || flag(arguments, 'D')
        || arguments.iter().any(|argument| is_long(argument.as_ref()))
}

/// A letter in a bundle of short flags.
pub(crate) fn flag(arguments: &[impl AsRef<str>], letter: char) -> bool {
    arguments
        .iter()
        .filter_map(|argument| argument.as_ref().strip_prefix('-'))
        .any(|flags| !flags.starts_with('-') && flags.len() <= 8 && flags.contains(letter))
}

/// `name=value` in front of a command, or as a command.
pub(super) fn is_assignment(word: &str) -> bool {
    assigned(word).is_some()
}

/// Name and value of an assignment.
pub(super) fn assigned(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let name = name.strip_suffix(['+', ':', '?']).unwrap_or(name);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.len() <= 100 && name.chars().all(plain)).then_some((name, value))
}

/// `y/abcd/efgh/` of sed with four characters or more.
fn is_long_y(argument: &str) -> bool {
    let Some(rest) = argument.strip_prefix('y') else { return false };
    let Some(mark) = rest.chars().next().filter(char::is_ascii_punctuation) else { return false };
    let mut parts = rest.split(mark).skip(1);
    let (Some(from), Some(to)) = (parts.next(), parts.next()) else { return false };
    let case = from.contains("abcdefghij") || from.contains("ABCDEFGHIJ");
    from.len() >= 4 && to.len() >= 4 && !case
}
