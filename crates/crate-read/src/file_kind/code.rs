//! Machine and byte code: ELF, PE, COFF, Mach-O, WebAssembly and a few virtual machines.

use super::{FileClass, FileKind, kind, u16_le, u32_be, u32_le, u64_le};

/// Program headers looked at in an ELF file; linkers write a dozen.
const MAX_SEGMENTS: usize = 128;
/// Entries of an ELF dynamic section looked at.
const MAX_DYNAMIC: usize = 4096;

pub(super) fn signature(bytes: &[u8]) -> Option<FileKind> {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => elf(bytes),
        [b'M', b'Z', ..] => pe(bytes),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Some(kind(FileClass::Wasm, "WebAssembly module")),
        [0, b'a', b's', b'm', _, 0, 1, 0, ..] => {
            Some(kind(FileClass::Wasm, "WebAssembly component"))
        }
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xcf | 0xce, ..] => mach_o(bytes),
        [0xca, 0xfe, 0xba, 0xbe | 0xbf, ..] => fat_or_java(bytes),
        [b'B', b'C', 0xc0, 0xde, ..] | [0xde, 0xc0, 0x17, 0x0b, ..] => {
            Some(kind(FileClass::Object, "LLVM bitcode"))
        }
        [b'M', b'T', b'L', b'B', _, 0 | 0x80, ..] => Some(kind(FileClass::Object, "Metal library")),
        [b'd', b'e', b'x', b'\n', b'0', b'0'..=b'9', b'0'..=b'9', 0, ..] => {
            Some(kind(FileClass::Object, "Android byte code"))
        }
        [0x1b, b'L', b'u', b'a', 0x50..=0x5f, ..] => Some(kind(FileClass::Object, "Lua byte code")),
        [0x1b, b'L', b'J', 1 | 2, ..] => Some(kind(FileClass::Object, "LuaJIT byte code")),
        [3, 2, 0x23, 7, ..] | [7, 0x23, 2, 3, ..] if bytes.len() >= 20 => {
            Some(kind(FileClass::Object, "SPIR-V"))
        }
        [0x50, 0xed, 0x55, 0xba, ..] => Some(kind(FileClass::Object, "CUDA fat binary")),
        _ => None,
    }
}

/// COFF objects and Python byte code have no signature worth the name.
pub(super) fn weak_signature(bytes: &[u8]) -> Option<FileKind> {
    if is_coff(bytes) {
        return Some(kind(FileClass::Object, "COFF object"));
    }
    if is_big_coff(bytes) {
        return Some(kind(FileClass::Object, "COFF object with many sections"));
    }
    // `marshal` writes a code object as 'c' or, with its reference flag, as 0xe3.
    match bytes {
        [_, 0x0c..=0x0e, b'\r', b'\n', ..]
            if [8, 12, 16].iter().any(|at| matches!(bytes.get(*at), Some(b'c' | 0xe3))) =>
        {
            Some(kind(FileClass::Object, "Python byte code"))
        }
        _ => None,
    }
}

fn elf(bytes: &[u8]) -> Option<FileKind> {
    let (class, order) = (*bytes.get(4)?, *bytes.get(5)?);
    if !matches!(class, 1 | 2) || !matches!(order, 1 | 2) || *bytes.get(6)? != 1 {
        return None;
    }
    let elf = Elf { bytes, wide: class == 2, big_endian: order == 2 };
    Some(match elf.number(16, 2)? {
        1 => kind(FileClass::Object, "ELF object"),
        2 => kind(FileClass::Executable, "ELF program"),
        3 if elf.is_program() => kind(FileClass::Executable, "ELF program, position-independent"),
        3 => kind(FileClass::DynamicLibrary, "ELF shared library"),
        4 => kind(FileClass::Opaque, "ELF core dump"),
        _ => kind(FileClass::Object, "ELF of an unusual type"),
    })
}

/// Reads the fields of either width and byte order.
struct Elf<'a> {
    bytes: &'a [u8],
    wide: bool,
    big_endian: bool,
}

impl Elf<'_> {
    fn number(&self, at: usize, width: usize) -> Option<u64> {
        let field = self.bytes.get(at..at.checked_add(width)?)?;
        let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big_endian {
            field.iter().fold(0, push)
        } else {
            field.iter().rev().fold(0, push)
        })
    }

    fn place(&self, at: usize) -> Option<usize> {
        let width = if self.wide { 8 } else { 4 };
        usize::try_from(self.number(at, width)?).ok()
    }

    /// A shared object is a program where it asks for an interpreter or is flagged as one (static-pie
    /// programs ask for none).
    fn is_program(&self) -> bool {
        self.segments().is_some_and(|program| program)
    }

    fn segments(&self) -> Option<bool> {
        let (table, size, count) = if self.wide {
            (self.place(32)?, self.number(54, 2)?, self.number(56, 2)?)
        } else {
            (self.place(28)?, self.number(42, 2)?, self.number(44, 2)?)
        };
        let (size, count) = (usize::try_from(size).ok()?, usize::try_from(count).ok()?);
        for index in 0..count.min(MAX_SEGMENTS) {
            let at = table.checked_add(index * size)?;
            match self.number(at, 4)? {
                3 => return Some(true),
                2 => {
                    let (offset, length) = if self.wide { (8, 32) } else { (4, 16) };
                    let offset = self.place(at.checked_add(offset)?)?;
                    let length = self.place(at.checked_add(length)?)?;
                    if self.dynamic_says_program(offset, length) {
                        return Some(true);
                    }
                }
                _ => {}
            }
        }
        Some(false)
    }

    /// `DF_1_PIE` in `DT_FLAGS_1`.
    fn dynamic_says_program(&self, offset: usize, length: usize) -> bool {
        let step = if self.wide { 8 } else { 4 };
        for index in 0..(length / (2 * step)).min(MAX_DYNAMIC) {
            let Some(at) = offset.checked_add(index * 2 * step) else { return false };
            let Some(value_at) = at.checked_add(step) else { return false };
            match (self.number(at, step), self.number(value_at, step)) {
                (Some(0) | None, _) | (_, None) => return false,
                (Some(0x6fff_fffb), Some(flags)) => return flags & 0x0800_0000 != 0,
                _ => {}
            }
        }
        false
    }
}

fn pe(bytes: &[u8]) -> Option<FileKind> {
    let header = usize::try_from(u32_le(bytes, 0x3c)?).ok()?;
    if bytes.get(header..header.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    let characteristics = u16_le(bytes, header.checked_add(22)?)?;
    Some(if characteristics & 0x2000 == 0 {
        kind(FileClass::Executable, "PE program")
    } else {
        kind(FileClass::DynamicLibrary, "PE library")
    })
}

/// Machines that a COFF object can be for, as Windows tools write them.
fn is_coff_machine(machine: u16) -> bool {
    matches!(machine, 0x014c | 0x8664 | 0xaa64 | 0xa641 | 0xa64e | 0x01c0 | 0x01c2 | 0x01c4)
}

/// A COFF object: known machine, and a section and symbol table that lie inside the file.
pub(super) fn is_coff(bytes: &[u8]) -> bool {
    coff_sections(bytes).is_some()
}

/// Where the section table of a COFF object begins and how many sections it has.
pub(super) fn coff_sections(bytes: &[u8]) -> Option<(usize, usize)> {
    let sections = usize::from(u16_le(bytes, 2)?);
    let symbols_at = usize::try_from(u32_le(bytes, 8)?).ok()?;
    let symbols = usize::try_from(u32_le(bytes, 12)?).ok()?;
    let optional_header = usize::from(u16_le(bytes, 16)?);
    if !is_coff_machine(u16_le(bytes, 0)?) || sections == 0 || optional_header != 0 {
        return None;
    }
    let table_end = 20 + sections * 40;
    let symbols_end = symbols_at.checked_add(symbols.checked_mul(18)?)?;
    let symbols_fit = symbols_at == 0 || (symbols_at >= table_end && symbols_end <= bytes.len());
    (table_end <= bytes.len() && symbols_fit).then_some((20, sections))
}

/// The variant for more than 65,279 sections: `0000 FFFF`, version 2 or more, a machine.
fn is_big_coff(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0, 0, 0xff, 0xff])
        && u16_le(bytes, 4).is_some_and(|version| version >= 2)
        && u16_le(bytes, 6).is_some_and(is_coff_machine)
        && bytes.len() >= 56
}

fn mach_o(bytes: &[u8]) -> Option<FileKind> {
    let file_type = if bytes[0] == 0xfe { u32_be(bytes, 12)? } else { u32_le(bytes, 12)? };
    Some(match file_type {
        1 => kind(FileClass::Object, "Mach-O object"),
        2 => kind(FileClass::Executable, "Mach-O program"),
        6 | 8 | 9 => kind(FileClass::DynamicLibrary, "Mach-O library"),
        3..=12 => kind(FileClass::Object, "Mach-O of an unusual type"),
        _ => return None,
    })
}

/// Java classes and fat Mach-O files share four bytes: the next number is a version of 45 or more, or
/// how many architectures follow.
fn fat_or_java(bytes: &[u8]) -> Option<FileKind> {
    let number = u32_be(bytes, 4)?;
    if number & 0xffff >= 45 && bytes[3] == 0xbe {
        return Some(kind(FileClass::Object, "Java class"));
    }
    let wide = bytes[3] == 0xbf;
    let first = if wide { u64_be(bytes, 16)? } else { u64::from(u32_be(bytes, 16)?) };
    let inner = bytes.get(usize::try_from(first).ok()?..)?;
    match inner {
        [b'!', b'<', b'a', b'r', ..] => {
            Some(kind(FileClass::StaticLibrary, "static library for several machines"))
        }
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xcf | 0xce, ..] => mach_o(inner),
        _ => None,
    }
}

fn u64_be(bytes: &[u8], at: usize) -> Option<u64> {
    u64_le(bytes, at).map(u64::swap_bytes)
}
