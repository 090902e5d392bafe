//! What is told about one archive: the facts that rules see, and the listing of all its files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Measured;
use crate_read::file_kind::FileClass;

/// What one crate archive holds. Rules see it as the group `archive`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArchiveFacts {
    /// SHA-256 of the archive, lower-case hexadecimal; computed from its bytes.
    pub sha256: String,
    /// Size of the archive in bytes.
    pub packed_bytes: u64,
    /// Size of the inflated tar in bytes.
    pub unpacked_bytes: u64,
    /// Files that cargo would write, of whatever class.
    pub files: u64,
    /// Files a class, told from their bytes.
    pub classes: ClassCounts,
    /// Files that are neither text nor empty nor import libraries, ordered by path; at most 2,000.
    pub binaries: Vec<FileFacts>,
    /// Further such files that are not listed in `binaries`. Pictures, sounds, fonts and files of
    /// known harmless profiles are left out first.
    pub binaries_omitted: u64,
    /// `ar` archives that hold import stubs only (Windows support crates ship thousands).
    pub import_libraries: u64,
    /// Those of them that no profile in the table of harmless blobs covers.
    pub import_libraries_outside_profiles: u64,
    /// Members that are no plain file or folder below the archive's root folder, in the order of the
    /// archive; at most 2,000.
    pub odd_entries: Vec<OddEntry>,
    /// Further such members that are not listed in `odd_entries`.
    pub odd_entries_omitted: u64,
    /// Bytes other than zero behind the end of the tar, inside the compressed data; cargo ignores them.
    pub bytes_after_tar: u64,
    /// Bytes behind the end of the compressed data; cargo ignores them. Unknown where the compressed
    /// data is damaged behind the end of the tar.
    pub bytes_after_gzip: Measured<u64>,
    /// The bytes behind the end begin as another gzip member, which some tools read and cargo does not.
    pub second_gzip_member: bool,
    /// What `.cargo_vcs_info.json` says.
    pub vcs: VcsFacts,
    /// What the archive's `Cargo.toml` says; unknown where it is missing or malformed.
    pub manifest: Measured<ManifestFacts>,
    /// Whether `Cargo.toml.orig`, the author's own manifest, is there.
    pub has_original_manifest: bool,
}

/// Number of files a class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClassCounts {
    /// ELF, PE and Mach-O programs.
    pub executable: u64,
    /// Object files and byte code.
    pub object: u64,
    /// `ar` archives of objects.
    pub static_library: u64,
    /// ELF, PE and Mach-O libraries.
    pub dynamic_library: u64,
    /// `ar` archives of import stubs only.
    pub import_library: u64,
    /// WebAssembly.
    pub wasm: u64,
    /// Compressed streams.
    pub compressed: u64,
    /// Zip, tar, 7z and the like.
    pub archive: u64,
    /// Pictures.
    pub image: u64,
    /// Sound and film.
    pub audio: u64,
    /// Fonts.
    pub font: u64,
    /// DER structures: certificates, keys and the like.
    pub certificate: u64,
    /// Automata of `regex-automata`.
    pub dfa_table: u64,
    /// PDF and the like.
    pub document: u64,
    /// Model weights, pickles included.
    pub model_weights: u64,
    /// Bytes that match nothing known and are not text.
    pub opaque: u64,
    /// Text.
    pub text: u64,
    /// Empty files.
    pub empty: u64,
}

impl ClassCounts {
    /// Counts one more file of a class.
    pub(super) fn add(&mut self, class: FileClass) {
        let count = match class {
            FileClass::Executable => &mut self.executable,
            FileClass::Object => &mut self.object,
            FileClass::StaticLibrary => &mut self.static_library,
            FileClass::DynamicLibrary => &mut self.dynamic_library,
            FileClass::ImportLibrary => &mut self.import_library,
            FileClass::Wasm => &mut self.wasm,
            FileClass::Compressed => &mut self.compressed,
            FileClass::Archive => &mut self.archive,
            FileClass::Image => &mut self.image,
            FileClass::Audio => &mut self.audio,
            FileClass::Font => &mut self.font,
            FileClass::Certificate => &mut self.certificate,
            FileClass::DfaTable => &mut self.dfa_table,
            FileClass::Document => &mut self.document,
            FileClass::ModelWeights => &mut self.model_weights,
            FileClass::Opaque => &mut self.opaque,
            FileClass::Text => &mut self.text,
            FileClass::Empty => &mut self.empty,
        };
        *count += 1;
    }
}

/// One file that is not text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FileFacts {
    /// Path below the archive's root folder, with `/` between its parts.
    pub path: String,
    /// What part it plays in the crate, from the manifest and the path.
    pub role: FileRole,
    /// What it is, from its bytes.
    pub class: FileClass,
    /// Size in bytes.
    pub size: u64,
    /// Permission bits in the archive, as a number (493 is octal 755).
    pub mode: u32,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// Shannon entropy in bits a byte, 0 to 8, over at most 1 MiB of it; unknown below 4,096 bytes, where
    /// it says nothing.
    pub entropy: Measured<f64>,
    /// The format in a few words, such as `xz stream` or `ELF program`.
    pub magic: String,
    /// Its extension promises another class than its bytes show.
    pub extension_disagrees: bool,
    /// Name of the profile in the table of harmless blobs that covers it.
    pub in_profile: Option<String>,
}

/// What part a file plays in its crate.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FileRole {
    /// Compiled into the crate, or lies among what is.
    Source,
    /// A build script or its modules.
    BuildInput,
    /// Source of a test.
    Test,
    /// Source or input of a benchmark.
    Bench,
    /// Source or input of an example.
    Example,
    /// Lies among the tests and is no Rust source.
    Fixture,
    /// Documentation, licences, change logs.
    Doc,
    /// C, C++, assembler and what builds them.
    VendoredNative,
    /// `Cargo.toml`, `Cargo.toml.orig`, `Cargo.lock`, `.cargo_vcs_info.json`.
    Manifest,
    /// Everything else.
    Other,
}

/// A member that is no plain file or folder below the root folder of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OddEntry {
    /// Path as it stands in the archive; bytes that are not UTF-8 as `\xNN`.
    pub path: String,
    /// What is odd about it.
    pub oddity: Oddity,
    /// Target of a link, or the path that it collides with.
    pub target: Option<String>,
}

/// What is odd about a member.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Oddity {
    /// A symbolic link.
    Symlink,
    /// A hard link.
    HardLink,
    /// A symbolic link that leads out of the archive's own folder, or nowhere after too many turns: what
    /// cargo would read there is not in the archive.
    LinkLeadsOut,
    /// A character or block device; cargo writes it as a file.
    Device,
    /// A named pipe; cargo writes it as a file.
    Fifo,
    /// A sparse file; size and hash are those of the stored bytes.
    Sparse,
    /// A type that tar does not define; cargo writes it as a file.
    UnknownType,
    /// The path has a `..`.
    DotDot,
    /// The path begins at the root of the file system, or with a Windows drive.
    Absolute,
    /// A second member has this path; cargo keeps the last one, which is the one that is listed.
    Duplicate,
    /// Another path differs in upper and lower case only: one file on Windows and macOS.
    CaseClash,
    /// The path is not UTF-8.
    NotUtf8,
    /// The path has a backslash, which separates folders on Windows.
    Backslash,
    /// The path has control characters, or invisible ones.
    HiddenCharacters,
    /// The path has an empty part, a `.`, or a slash behind the name of a file: cargo writes the file that is
    /// meant, under its plain path.
    Respelled,
    /// The path does not begin with the folder `name-version`; cargo refuses such an archive.
    OutsideRoot,
    /// The set-user or set-group bit is set.
    SetId,
}

/// What `.cargo_vcs_info.json` says: the commit that the archive was made from, by its maker's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VcsFacts {
    /// Whether the file is there.
    pub present: bool,
    /// Git commit, 40 hexadecimal digits; unknown where the file is missing or malformed.
    pub sha1: Measured<String>,
    /// Whether the working copy differed from the commit; unknown where the file is missing or malformed.
    pub dirty: Measured<bool>,
    /// Folder of the crate in its repository, empty for the root; unknown where the file is missing,
    /// malformed, or of a cargo from before 2021.
    pub path_in_vcs: Measured<String>,
}

/// What the archive's `Cargo.toml` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestFacts {
    /// `package.name`.
    pub declared_name: Option<String>,
    /// `package.version`.
    pub declared_version: Option<String>,
    /// Name and version are those that the archive was asked for by.
    pub declares_expected: bool,
    /// Build scripts that cargo would compile and run, as `package.build` names them, or `build.rs`
    /// where it is there and the manifest does not say otherwise.
    pub build_scripts: Vec<String>,
    /// It is a procedural macro: its code runs inside the compiler.
    pub proc_macro: bool,
    /// `package.links`, the native library that it binds.
    pub links: Option<String>,
    /// Crates that the build script depends on, on any target, by their own names, in order; at most
    /// 2,000.
    pub build_dependencies: Vec<String>,
    /// `package.repository`.
    pub repository: Option<String>,
    /// `package.license`; absent where there is none, or only a file.
    #[serde(default)]
    pub license: Option<String>,
    /// `package.authors`, as far as they are words; at most 8.
    #[serde(default)]
    pub authors: Vec<String>,
}

impl ManifestFacts {
    /// Whether code of the crate runs while something that depends on it is built.
    #[must_use]
    pub fn runs_at_build(&self) -> bool {
        self.proc_macro || !self.build_scripts.is_empty()
    }
}

/// One file of an archive; no room is spent on more than a comparison needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedFile {
    /// Path below the archive's root folder, with `/` between its parts.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Permission bits in the archive.
    pub mode: u32,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// What it is, from its bytes.
    pub class: FileClass,
}

/// All files of an archive, ordered by path, for comparing releases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArchiveListing {
    /// The files that cargo would write.
    pub files: Vec<ListedFile>,
}

/// Everything measured about one archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArchiveRecord {
    /// What rules see.
    pub facts: ArchiveFacts,
    /// All its files.
    pub listing: ArchiveListing,
}
