//! Files of build systems, put into the words of a shell: what `CMake`, make, ninja, meson and the others
//! start, in the order in which it stands there.

use super::{Act, Language, foreign, programs, shell};
use crate::native_tree::shell as native_shell;

/// Longest call that is read, in bytes.
const LONGEST: usize = 8 << 10;
/// Most calls of a file.
const CALLS: usize = 4_000;

/// Reads a file that a build system runs.
pub(super) fn read(path: &str, text: &str) -> Vec<Act> {
    let name = programs::base(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match name.as_str() {
        "cmakelists.txt" => return shell::read(&cmake(text)),
        "meson.build" => return shell::read(&calls(text, "run_command", ' ')),
        "sconstruct" | "sconscript" | "setup.py" | "wscript" => {
            return foreign::read(Language::Python, text);
        }
        "configure" => return shell::read(text),
        "configure.ac" | "configure.in" => return shell::read(&autoconf(text)),
        _ => {}
    }
    let is_make =
        matches!(name.as_str(), "makefile" | "gnumakefile" | "makefile.in" | "makefile.am");
    match extension {
        "cmake" => shell::read(&cmake(text)),
        "ninja" => shell::read(&ninja(text)),
        "m4" => shell::read(&autoconf(text)),
        "gradle" | "kts" => shell::read(&calls(text, "commandLine", ' ')),
        "mk" | "mak" => shell::read(&make(text)),
        _ if is_make => shell::read(&make(text)),
        _ => Vec::new(),
    }
}

/// `cmd` as a shell: other slashes, other variables, `@` in front.
pub(super) fn batch(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim_start().trim_start_matches('@');
        let folded = line.to_ascii_lowercase();
        let is_comment = folded.starts_with("rem ") || folded.starts_with("::");
        if !is_comment && !line.starts_with(':') {
            let line = line.replace('\\', "/").replace('^', "");
            out.push_str(&line.replace('\'', " "));
        }
        out.push('\n');
    }
    out
}

/// Calls that start, fetch or include, as commands; all other lines are left empty.
fn cmake(text: &str) -> String {
    const NAMES: [&str; 8] = [
        "execute_process",
        "add_custom_command",
        "add_custom_target",
        "exec_program",
        "file",
        "set",
        "include",
        "externalproject_add",
    ];
    let folded = text.to_ascii_lowercase();
    let mut found: Vec<(usize, String)> = Vec::new();
    for name in NAMES {
        for (at, inside) in native_shell::calls(text, &folded, name, LONGEST) {
            let begins = text[..at].chars().next_back().is_none_or(char::is_whitespace);
            if begins && found.len() < CALLS {
                found.push((at, cmake_call(name, inside)));
            }
        }
    }
    found.sort_by_key(|(at, _)| *at);
    in_place(text, found)
}

fn cmake_call(name: &str, inside: &str) -> String {
    let inside = inside.replace('\n', " ");
    let words: Vec<&str> = inside.split_whitespace().collect();
    let first = words.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
    let word = |at: usize| words.get(at).copied().unwrap_or("");
    match (name, first.as_str()) {
        ("file", "DOWNLOAD") => format!("curl -o {} {}", word(2), word(1)),
        ("file", "READ") => {
            let cuts = words.iter().any(|word| matches!(*word, "OFFSET" | "LIMIT" | "HEX"));
            let by = if cuts { "tail -c +1" } else { "cat" };
            format!("{}=$({by} {})", word(2), word(1))
        }
        ("file", _) => String::new(),
        ("set", _) => format!("{}={}", word(0), words.get(1..).unwrap_or_default().join(" ")),
        ("include", _) => format!("call {}", word(0)),
        ("execute_process", _) => {
            let output = words.iter().position(|word| *word == "OUTPUT_VARIABLE");
            let output = output.and_then(|at| words.get(at + 1)).copied();
            let line = commands(&inside, " | ");
            match output {
                Some(variable) => format!("{variable}=$({line})"),
                None => line,
            }
        }
        ("exec_program", _) => inside,
        _ => commands(&inside, " ; "),
    }
}

/// The commands of a call, without its other words.
fn commands(inside: &str, between: &str) -> String {
    const OTHER: [&str; 24] = [
        "WORKING_DIRECTORY",
        "RESULT_VARIABLE",
        "RESULTS_VARIABLE",
        "OUTPUT_VARIABLE",
        "ERROR_VARIABLE",
        "OUTPUT_QUIET",
        "ERROR_QUIET",
        "TIMEOUT",
        "COMMAND_ECHO",
        "COMMAND_ERROR_IS_FATAL",
        "OUTPUT_STRIP_TRAILING_WHITESPACE",
        "ERROR_STRIP_TRAILING_WHITESPACE",
        "DEPENDS",
        "COMMENT",
        "VERBATIM",
        "BYPRODUCTS",
        "OUTPUT",
        "TARGET",
        "POST_BUILD",
        "PRE_BUILD",
        "USES_TERMINAL",
        "INPUT_FILE",
        "OUTPUT_FILE",
        "ENCODING",
    ];
    let parts = inside.split("COMMAND ").skip(1).map(|part| {
        let end = OTHER.iter().filter_map(|word| part.find(&format!(" {word}"))).min();
        part[..end.unwrap_or(part.len())].trim()
    });
    parts.collect::<Vec<_>>().join(between)
}

/// Calls of one name whose arguments are quoted words of a command.
fn calls(text: &str, name: &str, by: char) -> String {
    let mut found = Vec::new();
    for at in memchr::memmem::find_iter(text.as_bytes(), name.as_bytes()).take(CALLS) {
        let start = at + name.len();
        let end = text.floor_char_boundary(start + LONGEST);
        let rest = text[start..end].trim_start();
        let inside = match rest.strip_prefix('(') {
            Some(rest) => &rest[..native_shell::closing(rest)],
            None => rest.lines().next().unwrap_or("").trim_end_matches('}'),
        };
        let words: Vec<String> = split_arguments(inside);
        found.push((at, words.join(&by.to_string())));
    }
    in_place(text, found)
}

/// Arguments between commas, as words of a shell; named ones are left out.
fn split_arguments(inside: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (String::new(), None);
    for c in inside.chars() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, ',') => words.push(std::mem::take(&mut word)),
            (None, c) if c.is_whitespace() => {}
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words
        .into_iter()
        .filter(|word| !word.contains("check:") && !word.is_empty())
        .map(|word| format!("'{}'", word.replace('\'', "'\\''")))
        .collect()
}

/// `command = line` of ninja, whose `$$` is a dollar.
fn ninja(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some((name, value)) = line.split_once('=')
            && name.trim() == "command"
        {
            out.push_str(&value.replace("$$", "$"));
        }
        out.push('\n');
    }
    out
}

/// Recipes, variables and `$(shell ..)` of make.
fn make(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let (recipe, line) = match line.strip_prefix('\t') {
            Some(line) => (true, line.trim_start_matches(['@', '-', '+', ' '])),
            None => (false, line),
        };
        let plain = in_shell(line);
        let assigned = plain.split_once('=').filter(|_| !recipe);
        match assigned {
            Some((name, value)) => {
                let name = name.trim_end_matches([':', '?', '+', '!', ' ', ':']).trim();
                let name = name.trim_start_matches("export ").trim();
                if super::parse::is_name(name) {
                    let value = value.trim().replace('"', "\\\"");
                    out.push_str(&[name, "=\"", &value, "\""].concat());
                }
            }
            None if recipe => out.push_str(&plain),
            // A function that stands alone, or in the head of a rule.
            None if plain.contains("$(") => out.push_str(&[": \"", &plain, "\""].concat()),
            None => {}
        }
        out.push('\n');
    }
    out
}

/// `$(NAME)` to `${NAME}`, `$(shell x)` to `$(x)`, `$$` to `$`.
fn in_shell(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('(') {
            let end = after.find(')').unwrap_or(after.len());
            if super::parse::is_name(&after[..end]) {
                out.push_str(&["${", &after[..end], "}"].concat());
                rest = after.get(end + 1..).unwrap_or("");
            } else {
                out.push_str("$(");
                rest = after.strip_prefix("shell ").unwrap_or(after);
            }
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}

/// What m4 leaves of its quotes around commands.
fn autoconf(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if !line.trim_start().starts_with("dnl") {
            let mut line = line.to_owned();
            for bracket in ["([", "], [", "],[", "])", ", ["] {
                line = line.replace(bracket, " ; ");
            }
            out.push_str(&line);
        }
        out.push('\n');
    }
    out
}

/// Texts at the lines where they were found.
fn in_place(text: &str, found: Vec<(usize, String)>) -> String {
    let mut out = String::new();
    let (mut at, mut line) = (0, 0);
    for (start, call) in found {
        let lines = memchr::memchr_iter(b'\n', &text.as_bytes()[at..start]).count();
        at = start;
        for _ in 0..lines {
            out.push('\n');
        }
        if lines == 0 && line > 0 {
            out.push(';');
        }
        out.push_str(&call.replace('\n', " "));
        line += 1;
    }
    out
}
