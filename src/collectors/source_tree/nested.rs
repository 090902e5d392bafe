//! Packages below a package: cargo leaves them out of it. Code can lead into them all the same, by `mod`,
//! `#[path]` and `include!`, and a manifest by the path of a target; then they are part of what is
//! compiled. Told from the text alone, and where it cannot be told they count as reached.

use std::collections::BTreeSet;

use super::TreeFile;
use super::folder;

/// Which folders of these names the files of a package may lead into.
pub(super) fn reached<'n>(own: &[&TreeFile], names: &[&'n [u8]]) -> BTreeSet<&'n [u8]> {
    let mut open: BTreeSet<&[u8]> = names.iter().copied().collect();
    let mut found = BTreeSet::new();
    for file in own.iter().filter(|file| folder::is_code(&file.path)) {
        if open.is_empty() {
            break;
        }
        // What cannot be read is told where it is read.
        let Ok(bytes) = folder::read(&file.real) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let leads: Box<dyn Fn(&str) -> bool> = if file.path == b"Cargo.toml" {
            targets(&text)
        } else if computes(&text) {
            Box::new(|_| true)
        } else {
            let literals = literals_of_includes(&text);
            let text = text.into_owned();
            Box::new(move |name| mentions(&text, name) || literals.contains(&format!("{name}/")))
        };
        let now: Vec<&[u8]> =
            open.iter().copied().filter(|name| leads(&String::from_utf8_lossy(name))).collect();
        for name in now {
            open.remove(name);
            found.insert(name);
        }
    }
    found
}

/// Whether a manifest puts a target or a build script into a folder.
fn targets(text: &str) -> Box<dyn Fn(&str) -> bool> {
    let Ok(table) = text.parse::<toml::Table>() else { return Box::new(|_| true) };
    let mut paths = Vec::new();
    for key in ["lib", "bin", "example", "test", "bench"] {
        match table.get(key) {
            Some(toml::Value::Array(all)) => paths.extend(all.iter().filter_map(|t| t.get("path"))),
            Some(one) => paths.extend(one.get("path")),
            None => {}
        }
    }
    for key in ["package", "project"] {
        match table.get(key).and_then(|package| package.get("build")) {
            Some(toml::Value::Array(all)) => paths.extend(all),
            Some(one) => paths.push(one),
            None => {}
        }
    }
    let paths: Vec<String> =
        paths.into_iter().filter_map(toml::Value::as_str).map(|p| p.replace('\\', "/")).collect();
    Box::new(move |name| paths.iter().any(|path| path.split('/').any(|part| part == name)))
}

/// Whether a source names modules or files in a way that its text does not tell.
fn computes(text: &str) -> bool {
    let after_mod = words(text, "mod").any(|rest| rest.starts_with(['$', '/']));
    let odd = |argument: &str| argument.contains(['$', '\\']);
    after_mod
        || INCLUDES.iter().any(|word| {
            words(text, word).any(|rest| match rest.strip_prefix('!') {
                Some(rest) => odd(argument(rest)),
                // `include as other`, or a comment before the mark
                None => rest.starts_with("as ") || rest.starts_with('/'),
            })
        })
        || words(text, "path").any(|rest| {
            rest.strip_prefix('=').is_some_and(|rest| {
                let rest = rest.trim_start();
                let literal = rest.strip_prefix('"').and_then(|rest| rest.split('"').next());
                literal.map_or(rest.starts_with(['$', '/']), |literal| literal.contains('\\'))
            })
        })
}

const INCLUDES: [&str; 3] = ["include", "include_str", "include_bytes"];

/// Whether a source speaks of a folder, or of a module of this name.
fn mentions(text: &str, name: &str) -> bool {
    let module = name.replace('-', "_");
    text.contains(&format!("{name}/"))
        || text.contains(&format!("/{name}"))
        || text.contains(&format!("\"{name}\""))
        || words(text, "mod").any(|rest| {
            let rest = rest.strip_prefix("r#").unwrap_or(rest);
            rest.strip_prefix(&*module).is_some_and(|rest| !rest.starts_with(is_word))
        })
}

/// The texts in the arguments of each `include!`, joined: `concat!` puts them together.
fn literals_of_includes(text: &str) -> String {
    let mut joined = String::new();
    for word in INCLUDES {
        for rest in words(text, word).filter_map(|rest| rest.strip_prefix('!')) {
            joined.extend(argument(rest).split('"').skip(1).step_by(2));
            joined.push('\n');
        }
    }
    joined
}

/// What stands behind each occurrence of a whole word, spaces skipped.
fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(word).filter_map(move |(at, _)| {
        let before = text[..at].chars().next_back();
        let rest = &text[at + word.len()..];
        let whole = !before.is_some_and(is_word) && !rest.starts_with(is_word);
        whole.then(|| rest.trim_start())
    })
}

/// The argument of a macro, up to the end of the statement.
fn argument(rest: &str) -> &str {
    let end = rest.find(';').unwrap_or(rest.len()).min(ARGUMENT);
    let mut end = end;
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    &rest[..end]
}

/// Longest argument that is looked at.
const ARGUMENT: usize = 600;

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(text: &str) -> bool {
        computes(text) || mentions(text, "tools") || literals_of_includes(text).contains("tools/")
    }

    #[test]
    fn code_that_may_lead_into_another_package_is_seen() {
        for text in [
            "mod tools;",
            "pub mod r#tools ;",
            "#[path = \"tools/a.rs\"] mod a;",
            "#[path = \"../x/tools/a.rs\"] mod a;",
            "#[path = \"\\x74ools/a.rs\"] mod a;",
            "#[cfg_attr(unix, path = \"tools/a.rs\")] mod a;",
            "include!(\"tools/a.rs\");",
            "include!(concat!(\"too\", \"ls/a.rs\"));",
            "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/tools/a.rs\"));",
            "macro_rules! m { ($n:ident) => { mod $n; } } m!(tools);",
            "macro_rules! i { ($n:expr) => { include!($n); } }",
            "use std::include as i; i!(concat!(\"too\", \"ls/a.rs\"));",
            "mod /* */ tools;",
            "fn main() { Command::new(\"sh\").current_dir(\"tools\"); }",
        ] {
            assert!(leads(text), "{text}");
        }
    }

    #[test]
    fn ordinary_code_leads_nowhere() {
        for text in [
            "mod toolsets; mod a; mod b { }",
            "include!(concat!(env!(\"OUT_DIR\"), \"/bindings.rs\"));",
            "let path = argument; let modulus = 5 % 3; // mod of it",
            "#[path = \"unix/a.rs\"] mod a;",
            "const T: &str = include_str!(\"../words.txt\");",
        ] {
            assert!(!leads(text), "{text}");
        }
    }

    #[test]
    fn a_manifest_leads_where_its_targets_lie() {
        let leads = |text: &str| targets(text)("tools");
        assert!(leads("[lib]\npath = \"tools/lib.rs\""));
        assert!(leads("[[bin]]\nname = \"x\"\npath = \"./tools/x.rs\""));
        assert!(leads("[package]\nbuild = \"tools/build.rs\""));
        assert!(leads("no manifest"));
        assert!(!leads(
            "[workspace]\nmembers = [\"tools\"]\n[dependencies]\na = { path = \"tools/a\" }"
        ));
    }
}
