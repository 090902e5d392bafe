//! Lists what is embedded: every rule under `rules/` and every facts sheet that their inline tests
//! name, so that a new rule needs no line of Rust. Takes a hash over the code that measures archives, so
//! that what another version of it measured is never taken for its own. Reads these folders, writes one
//! file to `OUT_DIR`, and does nothing else.

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
    println!("cargo::rustc-env=CUSTODY_MEASURING_CODE={:016x}", measuring_code(&root)?);
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("embedded.rs"), listing)
}

/// Where the code that measures archives lies. Outside of a checkout the libraries are not here; their
/// version is that of this package.
const MEASURING: [&str; 7] = [
    "crates/bytes/src",
    "crates/crate-read/src",
    "src/collectors/archive",
    "src/collectors/build_code",
    "src/collectors/concealment",
    "src/collectors/native",
    "src/collectors/window.rs",
];

/// FNV-1a over the names and the text of all files of [`MEASURING`], line ends aside.
fn measuring_code(root: &Path) -> io::Result<u64> {
    let mut files = Vec::new();
    for place in MEASURING {
        println!("cargo::rerun-if-changed={place}");
        let path = root.join(place);
        if path.is_file() { files.push(path) } else { collect(&path, "rs", &mut files)? }
    }
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().filter(|byte| **byte != b'\r') {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    add(env::var("CARGO_PKG_VERSION").expect("cargo sets it").as_bytes());
    for file in files {
        let name = file.strip_prefix(root).expect("below the root").to_string_lossy();
        add(name.replace('\\', "/").as_bytes());
        add(&fs::read(&file)?);
    }
    Ok(hash)
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
