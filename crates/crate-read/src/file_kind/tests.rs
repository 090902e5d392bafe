use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::*;

fn class(bytes: &[u8]) -> FileClass {
    classify(bytes).class
}

/// An ELF header for 64 bits, with one program header and one dynamic entry.
fn elf(file_type: u16, segment: u32, flags: u64) -> Vec<u8> {
    let mut elf = vec![0_u8; 64 + 56 + 32];
    elf[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
    elf[16..18].copy_from_slice(&file_type.to_le_bytes());
    elf[32..40].copy_from_slice(&64_u64.to_le_bytes());
    elf[54..56].copy_from_slice(&56_u16.to_le_bytes());
    elf[56..58].copy_from_slice(&1_u16.to_le_bytes());
    elf[64..68].copy_from_slice(&segment.to_le_bytes());
    elf[72..80].copy_from_slice(&120_u64.to_le_bytes());
    elf[96..104].copy_from_slice(&32_u64.to_le_bytes());
    elf[120..128].copy_from_slice(&0x6fff_fffb_u64.to_le_bytes());
    elf[128..136].copy_from_slice(&flags.to_le_bytes());
    elf
}

fn pe(characteristics: u16) -> Vec<u8> {
    let mut pe = vec![0_u8; 0x100];
    pe[..2].copy_from_slice(b"MZ");
    pe[0x3c] = 0x80;
    pe[0x80..0x84].copy_from_slice(b"PE\0\0");
    pe[0x96..0x98].copy_from_slice(&characteristics.to_le_bytes());
    pe
}

/// A COFF object of the given sections, each with a name and as many bytes.
fn coff(sections: &[(&[u8], u32)]) -> Vec<u8> {
    let mut coff = vec![0_u8; 20];
    coff[..2].copy_from_slice(&0x8664_u16.to_le_bytes());
    coff[2] = u8::try_from(sections.len()).unwrap();
    for (name, size) in sections {
        let mut header = [0_u8; 40];
        header[..name.len()].copy_from_slice(name);
        header[16..20].copy_from_slice(&size.to_le_bytes());
        coff.extend(header);
    }
    let content: u32 = sections.iter().map(|(_, size)| size).sum();
    coff.resize(coff.len() + content as usize, 0x90);
    coff
}

fn ar(members: &[Vec<u8>]) -> Vec<u8> {
    let mut ar = b"!<arch>\n".to_vec();
    for member in members {
        let header =
            format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "x/", 0, 0, 0, 644, member.len());
        ar.extend(header.as_bytes());
        ar.extend(member);
        if member.len() % 2 == 1 {
            ar.push(b'\n');
        }
    }
    ar
}

fn short_import() -> Vec<u8> {
    let mut stub = vec![0_u8; 20];
    stub[2..4].copy_from_slice(&[0xff, 0xff]);
    stub[6..8].copy_from_slice(&0x8664_u16.to_le_bytes());
    let names = b"CreateFileW\0KERNEL32.dll\0";
    stub[12] = u8::try_from(names.len()).unwrap();
    stub.extend(names);
    stub
}

fn long_import() -> Vec<u8> {
    coff(&[(b".text", 8), (b".idata$7", 4), (b".idata$5", 8), (b".idata$6", 20)])
}

#[test]
fn programs_and_libraries_are_told_apart() {
    const INTERPRETER: u32 = 3;
    const DYNAMIC: u32 = 2;
    assert_eq!(class(&elf(1, 0, 0)), FileClass::Object);
    assert_eq!(class(&elf(2, 0, 0)), FileClass::Executable);
    assert_eq!(class(&elf(3, INTERPRETER, 0)), FileClass::Executable);
    assert_eq!(class(&elf(3, DYNAMIC, 0)), FileClass::DynamicLibrary);
    assert_eq!(class(&pe(0x0002)), FileClass::Executable);
    assert_eq!(class(&pe(0x2002)), FileClass::DynamicLibrary);
    assert_eq!(
        class(&[&[0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1, 0, 0, 0, 0, 2][..], &[0; 99]].concat()),
        FileClass::Executable
    );
}

#[test]
fn a_static_program_without_an_interpreter_is_told_by_its_flag() {
    // The shape of the precompiled macro of serde_derive 1.0.172.
    assert_eq!(class(&elf(3, 2, 0x0800_0001)), FileClass::Executable);
}

#[test]
fn two_letters_are_no_program() {
    assert_eq!(
        class(b"MZ is how a DOS program begins, and how this sentence does.\n"),
        FileClass::Text
    );
    let broken = classify(&[&b"MZ"[..], &[0; 200]].concat());
    assert_eq!(broken.class, FileClass::Opaque);
    assert!(broken.magic.contains("no PE header"));
}

#[test]
fn java_classes_and_fat_programs_share_their_first_bytes() {
    let java = [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 20];
    assert_eq!(classify(&java).magic, "Java class");
    let mut fat = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1, 1, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 32];
    fat.resize(32, 0);
    fat.extend([0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1, 3, 0, 0, 0, 6, 0, 0, 0, 0, 0]);
    assert_eq!(class(&fat), FileClass::DynamicLibrary);
}

#[test]
fn libraries_of_import_stubs_hold_no_code() {
    assert_eq!(class(&ar(&[short_import(), short_import()])), FileClass::ImportLibrary);
    assert_eq!(class(&ar(&[long_import(), short_import()])), FileClass::ImportLibrary);
}

#[test]
fn one_real_object_among_the_stubs_makes_a_static_library() {
    let object = coff(&[(b".text", 64), (b".idata$5", 8)]);
    assert_eq!(class(&object), FileClass::Object);
    for odd in [object, coff(&[(b".text", 8)]), elf(1, 0, 0), b"anything".to_vec()] {
        assert_eq!(class(&ar(&[long_import(), odd])), FileClass::StaticLibrary);
    }
    let padded = [short_import(), vec![1; 40]].concat();
    assert_eq!(class(&ar(&[short_import(), padded])), FileClass::StaticLibrary);
    let trailing = [ar(&[short_import()]), b"what is this".to_vec()].concat();
    assert_eq!(class(&trailing), FileClass::StaticLibrary);
}

#[test]
fn compressed_streams_are_known_with_and_without_a_signature() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&[7; 4000]).unwrap();
    assert_eq!(class(&gzip.finish().unwrap()), FileClass::Compressed);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(&(0..4000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    assert_eq!(classify(&zlib.finish().unwrap()).magic, "zlib stream");
    // The header that `xz --format=lzma` writes, as in the carrier of the xz backdoor.
    let lzma = [0x5d, 0, 0, 0x80, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0x2f, 0xef, 1, 2];
    assert_eq!(classify(&lzma).magic, "lzma stream without signature");
    let odd_dictionary = [0x5d, 1, 2, 3, 4, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 2, 3, 4];
    assert_eq!(class(&odd_dictionary), FileClass::Opaque);
}

#[test]
fn two_bytes_that_could_begin_zlib_are_no_stream() {
    assert_eq!(class(&[0x78, 0x9c, 0xff, 0xff, 0xff, 0xff, 0, 1]), FileClass::Opaque);
    assert_eq!(class(b"x^2 + y^2\n"), FileClass::Text);
}

#[test]
fn text_in_latin1_and_utf16_is_text() {
    assert_eq!(
        classify(b"/* Gr\xfc\xdfe aus K\xf6ln, a test of onig */\nint x;\n").magic,
        "Latin-1 text"
    );
    let utf16: Vec<u8> =
        "\u{feff}line one\r\nline two".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(classify(&utf16).magic, "UTF-16 text");
    assert_eq!(class("läßt".as_bytes()), FileClass::Text);
}

#[test]
fn a_nul_or_two_in_a_source_are_still_a_source() {
    let source = format!("// {}\nassert_eq!(parse(\"\0\"), 0);\n", "words ".repeat(40));
    assert_eq!(class(source.as_bytes()), FileClass::Text);
}

#[test]
fn a_manual_page_underlined_with_backspaces_is_text() {
    assert_eq!(
        class(b"NAME\n  b\x08bz\x08zi\x08ip\x08p2\x082, a compressor. \xa9 Author\n"),
        FileClass::Text
    );
}

#[test]
fn bytes_behind_a_page_of_text_do_not_hide() {
    let mut bytes = "fn main() {}\n".repeat(2000).into_bytes();
    assert_eq!(class(&bytes), FileClass::Text);
    bytes.extend((0..2000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]));
    assert_eq!(class(&bytes), FileClass::Opaque);
}

#[test]
fn der_is_told_by_its_structure() {
    let sequence = [0x30, 7, 6, 3, 0x2b, 0x65, 0x70, 5, 0];
    assert_eq!(class(&sequence), FileClass::Certificate);
    // An algorithm identifier without its frame, as rustls-pki-types ships them.
    assert_eq!(class(&sequence[2..]), FileClass::Certificate);
    assert_eq!(class(&[0x30, 7, 6, 3, 0x2b, 0x65, 0x70, 5, 9]), FileClass::Opaque);
}

#[test]
fn weights_are_known_by_what_follows_their_length() {
    let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend([0; 4]);
    assert_eq!(classify(&file).magic, "safetensors");
    assert_eq!(class(b"GGUF\x03\0\0\0\0\0\0\0"), FileClass::ModelWeights);
    assert_eq!(class(b"\x80\x04\x95K\x01."), FileClass::ModelWeights);
}

#[test]
fn pictures_sounds_and_fonts_are_known() {
    for (bytes, expected) in [
        (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], FileClass::Image),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", FileClass::Image),
        (b"RIFF\x24\0\0\0WAVEfmt ", FileClass::Audio),
        (b"ttcf\0\x01\0\0\0\0\0\x02", FileClass::Font),
        (b"%PDF-1.7\n%\xff\xff\0", FileClass::Document),
        (b"PK\x03\x04\x14\0\0\0", FileClass::Archive),
        (b"\0asm\x01\0\0\0", FileClass::Wasm),
        (b"\0\0\0rust-regex-automata-dfa-dense\0", FileClass::DfaTable),
    ] {
        assert_eq!(class(bytes), expected, "{bytes:?}");
    }
}

#[test]
fn no_beginning_of_any_sample_panics() {
    let samples = [
        elf(3, 2, 0x0800_0001),
        pe(2),
        long_import(),
        ar(&[long_import(), short_import()]),
        b"PK\x03\x04aaaaaaaaaaaaaaaaaaaaaa\xff\xffaaname/data.pkl".to_vec(),
        b"\0\0\x01\0\x03\0aaaaaaaaaaaaaaaaaaaaaaaa".to_vec(),
        b"\x30\x84\xff\xff\xff\xff\x06\x03".to_vec(),
        [&[0xca, 0xfe, 0xba, 0xbf, 0, 0, 0, 1][..], &[0xff; 40]].concat(),
        [&[0xff; 8][..], b"{}"].concat(),
    ];
    for sample in samples {
        for end in 0..=sample.len() {
            let _ = classify(&sample[..end]);
            let mut changed = sample.clone();
            if let Some(byte) = changed.get_mut(end) {
                *byte = 0xff;
            }
            let _ = classify(&changed);
        }
    }
}

#[test]
fn entropy_is_measured_above_its_floor_only() {
    assert_eq!(bits_per_byte(&[0; ENTROPY_FLOOR - 1]), None);
    assert_eq!(bits_per_byte(&[0; ENTROPY_FLOOR]), Some(0.0));
    let every_byte: Vec<u8> = (0..=255_u8).cycle().take(3 * ENTROPY_SAMPLE).collect();
    assert_eq!(bits_per_byte(&every_byte), Some(8.0));
}

#[test]
fn entropy_of_a_long_file_is_taken_from_all_over_it() {
    let mut bytes = vec![0_u8; ENTROPY_SAMPLE];
    bytes.extend((0..=255_u8).cycle().take(3 * ENTROPY_SAMPLE));
    assert!(bits_per_byte(&bytes).unwrap() > 5.0);
}

#[test]
fn an_extension_promises_a_class() {
    assert!(expected("tests/a.XZ").unwrap().contains(&FileClass::Compressed));
    assert!(expected("lib/b.lib").unwrap().contains(&FileClass::ImportLibrary));
    assert_eq!(expected("Makefile"), None);
    assert_eq!(expected(".gitignore"), None);
    assert_eq!(expected("a.b/c"), None);
}

#[test]
fn every_class_has_the_word_that_it_is_serialised_as() {
    for class in FileClass::ALL {
        assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
    }
}
