//! Zip archives for tests, headers and directory apart.
#![expect(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "the names are those of the format; a sample too large for it ends its test"
)]

/// A member as the tests want it written, the two headers apart.
#[derive(Clone)]
pub struct Entry {
    pub name: Vec<u8>,
    pub local_name: Vec<u8>,
    pub data: Vec<u8>,
    pub method: u16,
    pub local_method: u16,
    pub flags: u16,
    pub crc: u32,
    pub unpacked: u32,
    pub external: u32,
    pub descriptor: bool,
    pub listed: bool,
}

pub fn entry(name: &str, data: &[u8]) -> Entry {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    Entry {
        name: name.into(),
        local_name: name.into(),
        data: data.to_vec(),
        method: 0,
        local_method: 0,
        flags: 0,
        crc: crc.sum(),
        unpacked: u32::try_from(data.len()).expect("small"),
        external: 0,
        descriptor: false,
        listed: true,
    }
}

fn local(entry: &Entry) -> Vec<u8> {
    let size = u32::try_from(entry.data.len()).expect("small");
    let flags = entry.flags | if entry.descriptor { 8 } else { 0 };
    let (crc, packed, unpacked) =
        if entry.descriptor { (0, 0, 0) } else { (entry.crc, size, entry.unpacked) };
    let mut out = b"PK\x03\x04\x14\0".to_vec();
    for field in [flags, entry.local_method, 0, 0] {
        out.extend(field.to_le_bytes());
    }
    for field in [crc, packed, unpacked] {
        out.extend(field.to_le_bytes());
    }
    out.extend(u16::try_from(entry.local_name.len()).expect("small").to_le_bytes());
    out.extend([0, 0]);
    out.extend(&entry.local_name);
    out.extend(&entry.data);
    if entry.descriptor {
        out.extend(b"PK\x07\x08");
        for field in [entry.crc, size, entry.unpacked] {
            out.extend(field.to_le_bytes());
        }
    }
    out
}

fn central(entry: &Entry, at: u32) -> Vec<u8> {
    let size = u32::try_from(entry.data.len()).expect("small");
    let flags = entry.flags | if entry.descriptor { 8 } else { 0 };
    let mut out = b"PK\x01\x02\x14\x03\x14\0".to_vec();
    for field in [flags, entry.method, 0, 0] {
        out.extend(field.to_le_bytes());
    }
    for field in [entry.crc, size, entry.unpacked] {
        out.extend(field.to_le_bytes());
    }
    out.extend(u16::try_from(entry.name.len()).expect("small").to_le_bytes());
    out.extend([0; 8]);
    out.extend(entry.external.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend(&entry.name);
    out
}

/// An archive whose offsets are written as if it began at 0.
pub fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    let mut listed: u16 = 0;
    for entry in entries {
        if entry.listed {
            directory.extend(central(entry, u32::try_from(out.len()).expect("small")));
            listed += 1;
        }
        out.extend(local(entry));
    }
    let at = u32::try_from(out.len()).expect("small");
    let length = u32::try_from(directory.len()).expect("small");
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(listed.to_le_bytes());
    out.extend(listed.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}
