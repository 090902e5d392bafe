//! What a model file is, by its bytes and never by its name: the one place that knows the magic numbers of
//! weights, containers and what ships beside them. Parses nothing.

use std::io::Read;

/// Bytes from the start of a file that decide.
pub const HEAD: usize = 4096;

/// A kind of file that is found among models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelFileKind {
    /// No byte at all.
    Empty,
    /// A Python pickle, or several.
    Pickle,
    /// A numpy array.
    Npy,
    /// A zip archive: torch, keras, npz and others.
    Zip,
    /// A tar archive.
    Tar,
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// LZMA in the older container.
    Lzma,
    /// Zstandard.
    Zstd,
    /// zlib, which joblib writes.
    Zlib,
    /// An lz4 frame.
    Lz4,
    /// A 7z archive.
    SevenZip,
    /// A RAR archive; not opened.
    Rar,
    /// A cabinet; not opened.
    Cabinet,
    /// An archive of `ar`: a static library or a Debian package; not opened.
    Ar,
    /// Weights in the safetensors format.
    Safetensors,
    /// Weights in the GGUF format.
    Gguf,
    /// Weights in a format before GGUF.
    Ggml,
    /// A protobuf that may be an ONNX model.
    Onnx,
    /// A protobuf that may be a TensorFlow saved model or graph.
    TensorFlow,
    /// HDF5, as Keras writes it.
    Hdf5,
    /// A TensorFlow Lite flatbuffer.
    TfLite,
    /// A protobuf of Core ML. Holds no code of its own.
    CoreMl,
    /// JSON.
    Json,
    /// XML, PMML for instance.
    Xml,
    /// Text of any other sort: Python, templates, YAML, prose.
    Text,
    /// The text file that Git LFS leaves instead of the real one.
    LfsPointer,
    /// A program or library of some processor.
    NativeCode,
    /// Compiled Python.
    PythonBytecode,
    /// Anything else: raw tensors, images.
    Other,
}

impl ModelFileKind {
    /// The word for facts and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Pickle => "pickle",
            Self::Npy => "npy",
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Zstd => "zstd",
            Self::Zlib => "zlib",
            Self::Lz4 => "lz4",
            Self::SevenZip => "7z",
            Self::Rar => "rar",
            Self::Cabinet => "cabinet",
            Self::Ar => "ar",
            Self::Safetensors => "safetensors",
            Self::Gguf => "gguf",
            Self::Ggml => "ggml",
            Self::Onnx => "onnx",
            Self::TensorFlow => "tensorflow",
            Self::Hdf5 => "hdf5",
            Self::TfLite => "tflite",
            Self::CoreMl => "coreml",
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Text => "text",
            Self::LfsPointer => "lfs-pointer",
            Self::NativeCode => "native-code",
            Self::PythonBytecode => "python-bytecode",
            Self::Other => "other",
        }
    }
}

/// The kind by the first bytes (up to [`HEAD`] of them) of a file of `size` bytes. A pickle without a
/// telling start is [`Other`](ModelFileKind::Other) or text here; `pickle::probe` finds it.
pub fn sniff(head: &[u8], size: u64) -> ModelFileKind {
    if size == 0 || head.is_empty() {
        return ModelFileKind::Empty;
    }
    by_magic(behind_skippable(head))
        .or_else(|| by_structure(head, size))
        .or_else(|| by_text(head))
        .unwrap_or(ModelFileKind::Other)
}

/// What follows the frames that zstd and lz4 skip; where they reach beyond the head, any of the two is as
/// good as the other, for reading it says what is wrong.
fn behind_skippable(mut head: &[u8]) -> &[u8] {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, length @ ..] = head
        && let Some((length, rest)) = length.split_first_chunk::<4>()
    {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        match rest.get(length..) {
            Some(next) if next.len() >= 4 => head = next,
            _ => return b"\x28\xb5\x2f\xfd",
        }
    }
    head
}

fn by_magic(head: &[u8]) -> Option<ModelFileKind> {
    use ModelFileKind as K;
    const MAGICS: &[(&[u8], ModelFileKind)] = &[
        (b"PK\x03\x04", K::Zip),
        (b"PK\x05\x06", K::Zip),
        (b"PK\x07\x08", K::Zip),
        (b"\x93NUMPY", K::Npy),
        (b"\x1f\x8b", K::Gzip),
        (b"\xfd7zXZ\0", K::Xz),
        (b"\x28\xb5\x2f\xfd", K::Zstd),
        (b"\x04\x22\x4d\x18", K::Lz4),
        (b"7z\xbc\xaf\x27\x1c", K::SevenZip),
        (b"Rar!\x1a\x07", K::Rar),
        (b"RE\x7e\x5e", K::Rar),
        (b"MSCF\0\0\0\0", K::Cabinet),
        (b"!<arch>\n", K::Ar),
        (b"GGUF", K::Gguf),
        (b"FUGG", K::Gguf),
        (b"lmgg", K::Ggml),
        (b"fmgg", K::Ggml),
        (b"tjgg", K::Ggml),
        (b"algg", K::Ggml),
        (b"\x89HDF\r\n\x1a\n", K::Hdf5),
        (b"\x7fELF", K::NativeCode),
        (b"MZ", K::NativeCode),
        (b"\xcf\xfa\xed\xfe", K::NativeCode),
        (b"\xce\xfa\xed\xfe", K::NativeCode),
        (b"\xca\xfe\xba\xbe", K::NativeCode),
        (b"\0asm\x01\0\0\0", K::NativeCode),
        (b"version https://git-lfs.github.com/spec/", K::LfsPointer),
    ];
    let found = MAGICS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind);
    match found {
        // Two letters are too few; a program has its header's length at 60.
        Some(K::NativeCode) if head.starts_with(b"MZ") && head.len() < 64 => None,
        Some(kind) => Some(kind),
        None if matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, ..]) => Some(K::Bzip2),
        None if head.get(4..8) == Some(b"TFL3") => Some(K::TfLite),
        None if matches!(head, [_, 0x0d, b'\r', b'\n', flags, 0, 0, 0, ..] if *flags < 4) => {
            Some(K::PythonBytecode)
        }
        None => None,
    }
}

fn by_structure(head: &[u8], size: u64) -> Option<ModelFileKind> {
    use ModelFileKind as K;
    if head.first() == Some(&0x80) && super::pickle::begins_pickle(head) {
        return Some(K::Pickle);
    }
    if is_safetensors(head, size) {
        return Some(K::Safetensors);
    }
    if super::containers::is_tar(head) {
        return Some(K::Tar);
    }
    // HDF5 may begin at 512, 1024 or 2048.
    if [512, 1024, 2048].iter().any(|at| head.get(*at..*at + 8) == Some(b"\x89HDF\r\n\x1a\n")) {
        return Some(K::Hdf5);
    }
    if is_zlib(head) {
        return Some(K::Zlib);
    }
    if is_lzma(head) {
        return Some(K::Lzma);
    }
    protobuf(head, size)
}

fn is_safetensors(head: &[u8], size: u64) -> bool {
    let Some((length, rest)) = head.split_first_chunk::<8>() else { return false };
    let length = u64::from_le_bytes(*length);
    let text = rest.iter().find(|byte| !byte.is_ascii_whitespace());
    // A wrong length is still such a file, as long as it begins like one.
    text == Some(&b'{') && (length < size || length < 1 << 40) && rest.contains(&b'"')
        || rest.starts_with(b"{}")
}

/// A zlib header, and bytes behind it that inflate.
fn is_zlib(head: &[u8]) -> bool {
    let [0x78, flags @ (0x01 | 0x5e | 0x9c | 0xda), ..] = head else { return false };
    if (0x7800 + u32::from(*flags)) % 31 != 0 {
        return false;
    }
    let mut out = [0; 16];
    flate2::read::ZlibDecoder::new(head).read(&mut out).is_ok_and(|got| got > 0)
}

/// The 13 bytes before an LZMA stream: properties, a dictionary of a usual size, a plausible length.
fn is_lzma(head: &[u8]) -> bool {
    let Some((header, rest)) = head.split_first_chunk::<13>() else { return false };
    let dictionary = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
    let mut length = [0; 8];
    length.copy_from_slice(&header[5..]);
    let length = u64::from_le_bytes(length);
    let usual = dictionary.is_power_of_two() || (dictionary / 3).is_power_of_two();
    header[0] == 0x5d
        && usual
        && dictionary >= 4096
        && (length == u64::MAX || length < 1 << 38)
        && rest.first() == Some(&0)
}

/// ONNX and TensorFlow have no magic: their first fields are looked at.
fn protobuf(head: &[u8], size: u64) -> Option<ModelFileKind> {
    use ModelFileKind as K;
    match head {
        // SavedModel: schema version 1, then a meta graph that begins with its own description.
        [0x08, 0x01, 0x12, rest @ ..] => {
            let (length, rest) = varint(rest)?;
            let graph = matches!(rest.first(), Some(0x0a | 0x12 | 0x1a | 0x22 | 0x2a));
            Some(if graph && length > 16 && length < size { K::TensorFlow } else { K::Onnx })
        }
        // Core ML's Model: specificationVersion, then a description, which is a message and no text.
        // ONNX has the name of the producer in that field.
        [0x08, 1..=32, 0x12, rest @ ..] if is_message(rest) => Some(K::CoreMl),
        // ModelProto: ir_version, then any of its fields.
        [0x08, 1..=32, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42 | 0x72 | 0xa2 | 0xca, ..] => {
            Some(K::Onnx)
        }
        // GraphDef: a node with a name and an operator.
        [0x0a, rest @ ..] => {
            let (node, rest) = varint(rest)?;
            let [0x0a, rest @ ..] = rest else { return None };
            let (name, rest) = varint(rest)?;
            let after = rest.get(usize::try_from(name).ok()?..)?;
            let text = rest.iter().take(usize::try_from(name).ok()?).all(u8::is_ascii_graphic);
            (node < size && name < node && text && after.first() == Some(&0x12))
                .then_some(K::TensorFlow)
        }
        _ => None,
    }
}

/// Whether a field holds a message of Core ML that begins with a feature (a message with a name) or with
/// metadata, and not the text that stands at the same place in ONNX.
fn is_message(field: &[u8]) -> bool {
    let Some((length, field)) = varint(field) else { return false };
    let [first @ (0x0a | 0x52 | 0x6a | 0xa2), rest @ ..] = field else { return false };
    let Some((inner, rest)) =
        varint(if *first == 0xa2 { rest.get(1..).unwrap_or(&[]) } else { rest })
    else {
        return false;
    };
    // A feature: its name, then its type.
    inner < length && rest.first() == Some(&0x0a)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(index * 7).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

fn by_text(head: &[u8]) -> Option<ModelFileKind> {
    use ModelFileKind as K;
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let whole = match std::str::from_utf8(text) {
        Ok(text) => text,
        // A character may be cut at the end of the head.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&text[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c' | '\x1b');
    if whole.contains(control) {
        return None;
    }
    let start = whole.trim_start();
    Some(
        if start.starts_with("<?xml")
            || start.starts_with("<PMML")
            || start.starts_with("<!DOCTYPE")
        {
            K::Xml
        } else if is_json(start) {
            K::Json
        } else {
            K::Text
        },
    )
}

fn is_json(start: &str) -> bool {
    let mut chars = start.chars().filter(|c| !c.is_whitespace());
    match (chars.next(), chars.next()) {
        (Some('{'), next) => matches!(next, Some('"' | '}') | None),
        (Some('['), next) => {
            matches!(next, Some('"' | '{' | '[' | ']' | '-' | '0'..='9' | 't' | 'f' | 'n') | None)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ModelFileKind as K;

    fn kind(head: &[u8]) -> K {
        sniff(head, head.len() as u64)
    }

    #[test]
    fn bytes_decide_and_not_names() {
        for (head, wanted) in [
            (&b"\x80\x04\x95\x05\0\0\0\0\0\0\0N."[..], K::Pickle),
            (b"PK\x03\x04\x14\0", K::Zip),
            (b"\x93NUMPY\x01\0v\0{'descr'", K::Npy),
            (b"\x10\0\0\0\0\0\0\0{\"__metadata__\":{}}", K::Safetensors),
            (b"GGUF\x03\0\0\0", K::Gguf),
            (b"\x08\x07\x12\x07pytorch", K::Onnx),
            (b"\x08\x0a\x12\x00", K::Onnx),
            (b"\x08\x04\x12\x1a\x0a\x0d\x0a\x07input_2\x1a\x02\x2a\0\x52\x07\x0a\x01o\x1a\x02", K::CoreMl),
            (b"Rar!\x1a\x07\x01\0", K::Rar),
            (b"\x08\x01\x12\x20\x0a\x10aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", K::TensorFlow),
            (b"\x0a\x20\x0a\x05input\x12\x0bPlaceholder\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", K::TensorFlow),
            (b"\x89HDF\r\n\x1a\n\0", K::Hdf5),
            (b"{\"model_type\": \"bert\"}", K::Json),
            (b"[1, 2]", K::Json),
            (b"<?xml version=\"1.0\"?><PMML/>", K::Xml),
            (b"import torch\n", K::Text),
            (b"{% for m in messages %}", K::Text),
            (b"version https://git-lfs.github.com/spec/v1\n", K::LfsPointer),
            (b"\0\0\0\0\0\0\0\0", K::Other),
            (b"", K::Empty),
        ] {
            assert_eq!(kind(head), wanted, "{head:?}");
        }
    }

    #[test]
    fn two_bytes_that_look_like_zlib_are_not_enough() {
        assert_eq!(kind(b"\x78\x9c\xff\xff\xff\xff\xff\xff\xff\xff"), K::Other);
        assert_eq!(kind(b"\x78\x9c\x4b\x04\x00\x00\x62\x00\x62"), K::Zlib);
    }
}
