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

/// A path as build code names it, seen from the crate's root: `$CARGO_MANIFEST_DIR` is the root.
pub(super) fn from_root(path: &str) -> String {
    let path = path.replace('\\', "/");
    let inside = path.strip_prefix("$CARGO_MANIFEST_DIR").map(|rest| rest.trim_start_matches('/'));
    normalise(inside.unwrap_or(&path))
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
