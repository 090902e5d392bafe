//! `ar` archives: libraries of objects, import libraries, Debian packages.

use super::{FileClass, FileKind, code, kind, u16_le, u32_le};

const MAGIC: &[u8] = b"!<arch>\n";
const HEADER: usize = 60;
/// An import stub's jump is 6 to 12 bytes, padded.
const MAX_STUB_CODE: usize = 16;
/// Import tables of one stub: a few pointers and one (possibly mangled) name.
const MAX_STUB_DATA: usize = 4096;

pub(super) fn signature(bytes: &[u8]) -> Option<FileKind> {
    if bytes.starts_with(b"!<thin>\n") {
        return Some(kind(FileClass::StaticLibrary, "thin library, members elsewhere"));
    }
    let mut rest = bytes.strip_prefix(MAGIC)?;
    if rest.starts_with(b"debian-binary") {
        return Some(kind(FileClass::Archive, "Debian package"));
    }
    let mut stubs = 0_usize;
    let mut others = 0_usize;
    while let Some((name, member, next)) = member(rest) {
        if is_index(name) {
        } else if is_import_stub(member) {
            stubs += 1;
        } else {
            others += 1;
        }
        rest = next;
    }
    // What is left over could be anything: then it is no mere import library.
    Some(if stubs > 0 && others == 0 && rest.iter().all(|byte| *byte == b'\n') {
        kind(FileClass::ImportLibrary, "import library")
    } else {
        kind(FileClass::StaticLibrary, "ar archive of objects")
    })
}

/// Name, content and what follows of the first member.
fn member(rest: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (header, body) = rest.split_at_checked(HEADER)?;
    if &header[58..] != b"`\n" {
        return None;
    }
    let size: usize = std::str::from_utf8(&header[48..58]).ok()?.trim_end().parse().ok()?;
    let member = body.get(..size)?;
    let padded = size.checked_add(size % 2)?;
    Some((&header[..16], member, body.get(padded..).unwrap_or(&[])))
}

/// Symbol tables and tables of long names, of GNU, Microsoft and BSD tools.
fn is_index(name: &[u8]) -> bool {
    let name = name.trim_ascii_end();
    matches!(name, b"/" | b"//" | b"/SYM64/" | b"/<ECSYMBOLS>/" | b"/<XFGHASHMAP>/")
        || name.starts_with(b"__.SYMDEF")
}

/// A member that only names what a DLL has: Microsoft's short form, or a small object with import
/// tables and at most a jump through them.
fn is_import_stub(member: &[u8]) -> bool {
    if member.starts_with(&[0, 0, 0xff, 0xff]) && u16_le(member, 4) == Some(0) {
        // Twenty bytes of header, then two names with a NUL each: nothing else fits in honestly.
        let names = u32_le(member, 12).and_then(|size| usize::try_from(size).ok());
        return names.is_some_and(|size| member.len() == 20 + size && size <= MAX_STUB_DATA);
    }
    let Some((table, count)) = code::coff_sections(member) else { return false };
    let mut imports = false;
    for index in 0..count {
        let at = table + index * 40;
        let Some(size) = u32_le(member, at + 16).and_then(|size| usize::try_from(size).ok()) else {
            return false;
        };
        let name = &member[at..at + 8];
        let allowed = if name.starts_with(b".idata$") {
            imports = true;
            MAX_STUB_DATA
        } else if name.starts_with(b".text") {
            MAX_STUB_CODE
        } else if name.starts_with(b".debug$S") {
            256
        } else {
            0
        };
        if size > allowed {
            return false;
        }
    }
    // The rest is headers, relocations and symbol names.
    imports && member.len() <= 4 * MAX_STUB_DATA
}
