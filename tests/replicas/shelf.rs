//! A registry on disk: archives and index files below a `CARGO_HOME`, and a lockfile that pins them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_custody::domain::hash::hex;
use custody_bytes::gzip_tar::pack::{Packed, pack};
use sha2::{Digest as _, Sha256};

/// One release of a crate.
pub struct Release {
    /// Version.
    pub version: &'static str,
    /// When it was published.
    pub published: &'static str,
    /// Its files.
    pub files: Vec<Packed>,
}

/// Writes a registry and a project that depends on all of it.
pub struct Shelf {
    home: PathBuf,
    project: PathBuf,
    packages: String,
    names: String,
}

/// The only registry folder of the home: Cargo's own name for one ends in 16 digits.
const FOLDER: &str = "registry.example.invalid-0123456789abcdef";

impl Shelf {
    pub fn new(at: &Path) -> Self {
        let (home, project) = (at.join("home"), at.join("project"));
        fs::create_dir_all(home.join("registry/cache").join(FOLDER)).expect("a folder");
        fs::create_dir_all(project.join("src")).expect("a folder");
        Self { home, project, packages: String::new(), names: String::new() }
    }

    /// Puts a crate's releases on the shelf, oldest first, and locks the last one. `needs` names crates
    /// of the shelf that the locked release depends on.
    pub fn add(&mut self, name: &str, releases: &[Release], needs: &[String]) {
        let mut index = b"\x03\x02\0\0\0Unknown\0".to_vec();
        let mut last = (String::new(), String::new());
        for release in releases {
            let archive =
                pack(&format!("{name}-{}", release.version), &release.files).expect("packs");
            let hash = hex(&Sha256::digest(&archive));
            let file = format!("{name}-{}.crate", release.version);
            let folder = self.home.join("registry/cache").join(FOLDER);
            fs::write(folder.join(file), &archive).expect("written");
            let line = serde_json::json!({
                "name": name, "vers": release.version, "deps": [], "cksum": hash, "features": {},
                "yanked": false, "pubtime": release.published,
            });
            index.extend_from_slice(format!("{}\0{line}\0", release.version).as_bytes());
            last = (release.version.to_owned(), hash);
        }
        assert!(name.len() > 3, "{name}: shorter names lie elsewhere in the index");
        let folder = self.home.join("registry/index").join(FOLDER).join(".cache");
        let folder = folder.join(&name[..2]).join(&name[2..4]);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(name), index).expect("written");
        let (version, hash) = last;
        write!(
            self.packages,
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{}\"\nchecksum = \"{hash}\"\n",
            concat!("registry+https://github.com/rust-lang/", "crates.io-index")
        )
        .expect("a String grows");
        if !needs.is_empty() {
            let needs: Vec<String> = needs.iter().map(|name| format!(" \"{name}\",\n")).collect();
            writeln!(self.packages, "dependencies = [\n{}]", needs.concat())
                .expect("a String grows");
        }
        writeln!(self.names, " \"{name}\",").expect("a String grows");
    }

    /// Writes the project; its folder and the home.
    pub fn close(self) -> (PathBuf, PathBuf) {
        let manifest = "[package]\nname = \"replicas\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
        fs::write(self.project.join("Cargo.toml"), manifest).expect("written");
        fs::write(self.project.join("src/lib.rs"), "").expect("written");
        let lock = format!(
            "version = 4\n\n[[package]]\nname = \"replicas\"\nversion = \"0.0.0\"\ndependencies = [\n{}]\n{}",
            self.names, self.packages
        );
        fs::write(self.project.join("Cargo.lock"), lock).expect("written");
        (self.project, self.home)
    }
}
