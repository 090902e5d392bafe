//! What a file's name promises, to be compared with what its bytes are.

use super::FileClass::{
    self, Archive, Audio, Certificate, Compressed, DfaTable, Document, DynamicLibrary, Empty,
    Executable, Font, Image, ImportLibrary, ModelWeights, Object, StaticLibrary, Text, Wasm,
};

/// The classes that a path's extension promises; nothing where it promises none. Case does not matter.
#[must_use]
pub fn expected(path: &str) -> Option<&'static [FileClass]> {
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    if stem.is_empty() || extension.len() > 12 {
        return None;
    }
    Some(match extension.to_ascii_lowercase().as_str() {
        "rs" | "toml" | "md" | "markdown" | "txt" | "c" | "cc" | "cpp" | "cxx" | "h" | "hh"
        | "hpp" | "json" | "yml" | "yaml" | "html" | "htm" | "css" | "js" | "ts" | "py" | "pl"
        | "rb" | "go" | "java" | "kt" | "swift" | "sh" | "bash" | "zsh" | "fish" | "bat"
        | "cmd" | "ps1" | "m4" | "am" | "ac" | "cmake" | "mk" | "lock" | "svg" | "xml" | "csv"
        | "tsv" | "s" | "asm" | "proto" | "wat" | "wit" | "stderr" | "stdout" | "rst" | "tex"
        | "cu" | "cuh" | "metal" | "wgsl" | "glsl" | "in" | "cfg" | "ini" | "log" | "snap"
        | "ron" | "x" | "ld" | "def" | "idl" | "pem" => &[Text, Empty],
        "exe" => &[Executable],
        "dll" | "so" | "dylib" | "pyd" => &[DynamicLibrary],
        "o" | "obj" => &[Object, Wasm],
        "a" | "lib" => &[StaticLibrary, ImportLibrary],
        "rlib" => &[StaticLibrary],
        "class" | "metallib" | "bc" | "pyc" | "spv" => &[Object],
        "wasm" => &[Wasm],
        "gz" | "xz" | "bz2" | "zst" | "lz4" | "lz" | "lzma" | "zz" | "z" | "zlib" | "sz" | "br"
        | "zstd" | "bz" | "tgz" | "txz" | "tbz2" | "tbz" => &[Compressed],
        "zip" | "tar" | "7z" | "rar" | "jar" | "aar" | "whl" | "cab" | "deb" | "rpm" => &[Archive],
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "bmp" | "tif" | "tiff" | "ico" | "icns"
        | "avif" | "heic" | "psd" | "qoi" | "dds" | "exr" | "jxl" => &[Image],
        "wav" | "flac" | "ogg" | "opus" | "mp3" | "aiff" | "mp4" | "m4a" | "mkv" | "webm"
        | "mid" | "ivf" | "avi" => &[Audio],
        "ttf" | "otf" | "woff" | "woff2" | "ttc" => &[Font],
        "der" | "cer" | "p12" | "pfx" | "p8" | "p7b" => &[Certificate],
        "crt" | "key" => &[Certificate, Text],
        "pdf" => &[Document],
        "dfa" => &[DfaTable],
        "safetensors" | "gguf" | "npy" | "npz" | "pt" | "pth" | "h5" | "tflite" | "pkl"
        | "pickle" => &[ModelWeights],
        _ => return None,
    })
}
