//! Paths inside a crate, as text: joining, normalising and saying whether they leave it.

/// The folder of a file; empty for the crate's root.
pub(super) fn parent(file: &str) -> String {
    file.rfind('/').map_or("", |at| &file[..at]).to_owned()
}

/// `src/a.rs` to `src/a`: where a module keeps its children.
pub(super) fn without_extension(file: &str) -> String {
    file.strip_suffix(".rs").unwrap_or(file).to_owned()
}

/// Joins and normalises; a path that leaves the crate keeps its leading `..`, an absolute one its `/`.
pub(super) fn join(base: &str, path: &str) -> String {
    let path = path.replace('\\', "/");
    if is_absolute(&path) || path.starts_with('$') || base.is_empty() {
        return normalise(&path);
    }
    normalise(&format!("{base}/{path}"))
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.as_bytes().get(1) == Some(&b':')
}

/// Takes out `.`, inner `..` and doubled slashes.
pub(super) fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." && !last.starts_with('$') && last != "{}" => {
                    parts.pop();
                }
                _ => parts.push(".."),
            },
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}

/// A path of a manifest as the files of the crate are called: with `/`, and without `.`, inner `..` and
/// doubled slashes. One that leaves the crate keeps its leading `..`, an absolute one its `/`.
#[must_use]
pub fn plain_path(path: &str) -> String {
    normalise(&path.replace('\\', "/"))
}

/// A path as build code names it, seen from the crate's root: `$CARGO_MANIFEST_DIR` is the root.
pub(super) fn from_root(path: &str) -> String {
    let path = path.replace('\\', "/");
    let inside = path.strip_prefix("$CARGO_MANIFEST_DIR").map(|rest| rest.trim_start_matches('/'));
    normalise(inside.unwrap_or(&path))
}

/// What the name of a file says that it is: its extension without the endings of templates, empty where
/// it has none; nothing where the name is not constant.
pub(super) fn kind_of_name(path: &str) -> Option<&str> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    if name.is_empty() || name.ends_with("{}") || name.ends_with('…') {
        return None;
    }
    let mut name = name;
    for ending in [".in", ".template", ".tmpl", ".tpl", ".tera", ".hbs", ".j2"] {
        name = name.strip_suffix(ending).unwrap_or(name);
    }
    Some(name.rsplit_once('.').map_or("", |(_, extension)| extension))
}

/// Kinds of files that hold source code of Rust, or a template of it.
pub(super) fn is_source(kind: Option<&str>) -> bool {
    matches!(kind, Some("rs" | "inc" | "txt" | "rsx" | "in" | "template"))
}

/// Kinds of files that an interpreter is given by people.
pub(super) fn is_script(kind: Option<&str>) -> bool {
    const KINDS: [&str; 30] = [
        "sh",
        "bash",
        "zsh",
        "ksh",
        "fish",
        "py",
        "pyz",
        "pl",
        "pm",
        "rb",
        "rake",
        "gemspec",
        "js",
        "mjs",
        "cjs",
        "ts",
        "mts",
        "lua",
        "ps1",
        "psm1",
        "bat",
        "cmd",
        "vbs",
        "awk",
        "sql",
        "php",
        "tcl",
        "r",
        "jl",
        "applescript",
    ];
    kind.is_some_and(|kind| KINDS.contains(&kind.to_ascii_lowercase().as_str()))
}

/// Kinds of files that are programs by their names.
pub(super) fn is_program(kind: Option<&str>) -> bool {
    const KINDS: [&str; 9] = ["exe", "com", "bin", "out", "run", "elf", "appimage", "jar", "so"];
    kind.is_some_and(|kind| KINDS.contains(&kind.to_ascii_lowercase().as_str()))
}

/// Whether two names promise the same: the same extension, or both an object or library, or the new one
/// a text that a linker reads.
pub(super) fn is_same_kind(from: Option<&str>, to: &str) -> bool {
    const LINKED: [&str; 12] =
        ["a", "o", "obj", "lib", "so", "dll", "dylib", "bc", "wasm", "rlib", "tbd", "res"];
    const TEXTS: [&str; 9] = ["x", "ld", "lds", "map", "def", "sym", "ver", "list", "exp"];
    let both = from.is_some_and(|from| LINKED.contains(&from)) && LINKED.contains(&to);
    from == Some(to) || both || TEXTS.contains(&to)
}

/// Whether a path from the crate's root is known to leave the crate. `$OUT_DIR` is the crate's own.
pub(super) fn is_beyond(path: &str) -> bool {
    is_absolute(path)
        || path.starts_with("..")
        || path.starts_with('~')
        || (path.starts_with('$') && !path.starts_with("$OUT_DIR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_crate_keeps_its_dots() {
        assert_eq!(join("build", "../src/x.rs"), "src/x.rs");
        assert_eq!(join("src", "../../other/x.rs"), "../other/x.rs");
        assert_eq!(join("src", "/etc/passwd"), "/etc/passwd");
        assert!(is_beyond(&join("", "../x")) && !is_beyond(&join("src", "../x")));
    }

    #[test]
    fn the_manifest_folder_is_the_root() {
        assert_eq!(from_root("$CARGO_MANIFEST_DIR/lib/./a.bin"), "lib/a.bin");
        assert_eq!(from_root("$CARGO_MANIFEST_DIR/../a.bin"), "../a.bin");
        assert!(is_beyond(&from_root("$HOME/.ssh")));
        assert!(!is_beyond(&from_root("$OUT_DIR/x.o")));
    }
}
