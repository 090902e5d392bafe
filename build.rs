//! Lists what is embedded: every rule under `rules/` and every facts sheet that their inline tests
//! name, so that a new rule needs no line of Rust. Reads these two folders, writes one file to
//! `OUT_DIR`, and does nothing else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut listing = String::new();
    for (constant, folder, extension) in
        [("RULE_FILES", "rules", "toml"), ("FACT_SHEETS", "fixtures/facts", "json")]
    {
        println!("cargo::rerun-if-changed={folder}");
        let mut files = Vec::new();
        collect(&root.join(folder), extension, &mut files)?;
        files.sort();
        writeln!(listing, "static {constant}: &[(&str, &str)] = &[").expect("a String grows");
        for file in files {
            let name = file.strip_prefix(&root).expect("below the root").to_string_lossy();
            let name = name.replace('\\', "/");
            let file = file.to_str().expect("the checkout has a UTF-8 path");
            writeln!(listing, "    ({name:?}, include_str!({file:?})),").expect("a String grows");
        }
        listing.push_str("];\n");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("embedded.rs"), listing)
}

fn collect(folder: &Path, extension: &str, into: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, extension, into)?;
        } else if path.extension().is_some_and(|e| e == extension) {
            into.push(path);
        }
    }
    Ok(())
}
