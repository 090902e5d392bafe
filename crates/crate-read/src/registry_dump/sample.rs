//! Hand-made dumps for tests, in the layout and quoting of the registry.
#![expect(clippy::missing_panics_doc, reason = "a sample that cannot be written ends its test")]

use std::io::Write;

/// A gzip tar of these members, each path below the dated folder.
pub fn dump(members: &[(&str, &str)]) -> Vec<u8> {
    gzip(&tar(members))
}

/// The tar alone.
pub fn tar(members: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, text) in members {
        out.extend_from_slice(&header(&format!("2026-03-14-020043/{path}"), text.len() as u64));
        out.extend_from_slice(text.as_bytes());
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// One ustar header.
pub fn header(path: &str, size: u64) -> [u8; 512] {
    let mut header = [0_u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// How a zip is written, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Nothing is compressed.
    pub stored: bool,
    /// Sizes, offsets and counts stand in zip64 fields.
    pub zip64: bool,
    /// Another method in the directory.
    pub method: Option<u16>,
    /// Another method in the local headers.
    pub local_method: Option<u16>,
    /// Added to the unpacked sizes of the directory.
    pub more: u64,
    /// Added to its checksums.
    pub crc: u32,
    /// Added to its offsets, but for the first.
    pub moved: u64,
    /// Added to the number of entries that the end record tells.
    pub entries: u64,
    /// The first table is listed twice.
    pub twice: bool,
}

impl Form {
    /// An honest one.
    pub const PLAIN: Self = Self {
        stored: false,
        zip64: false,
        method: None,
        local_method: None,
        more: 0,
        crc: 0,
        moved: 0,
        entries: 0,
        twice: false,
    };
}

/// A zip of these members, with no folder before them, as the registry writes it.
pub fn zip(members: &[(&str, &str)], form: Form) -> Vec<u8> {
    let small = |n: usize| u32::try_from(n).expect("small");
    let honest = if form.stored { 0_u16 } else { 8 };
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0_u64);
    for (path, text) in members {
        let at = out.len() as u64;
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        let data = if form.stored { text.as_bytes().to_vec() } else { deflate(text.as_bytes()) };
        out.extend(b"PK\x03\x04\x2d\0\0\0");
        out.extend(form.local_method.unwrap_or(honest).to_le_bytes());
        out.extend([0; 4]);
        out.extend(crc.sum().to_le_bytes());
        out.extend(small(data.len()).to_le_bytes());
        out.extend(small(text.len()).to_le_bytes());
        out.extend(u16::try_from(path.len()).expect("small").to_le_bytes());
        out.extend([0, 0]);
        out.extend(path.as_bytes());
        out.extend(&data);
        let listed = if form.twice && path.ends_with("owners.csv") { 2 } else { 1 };
        for _ in 0..listed {
            count += 1;
            let moved = if at == 0 { 0 } else { form.moved };
            let sizes =
                [text.len() as u64 + form.more, data.len() as u64, at.saturating_sub(moved)];
            let crc = crc.sum().wrapping_add(form.crc);
            entry(&mut directory, path, (form.method.unwrap_or(honest), crc), sizes, form.zip64);
        }
    }
    let (at, length) = (out.len() as u64, directory.len() as u64);
    out.extend(&directory);
    end_record(&mut out, count + form.entries, length, at, form.zip64);
    out
}

fn entry(out: &mut Vec<u8>, path: &str, (method, crc): (u16, u32), sizes: [u64; 3], zip64: bool) {
    let narrow = |n: u64| if zip64 { u32::MAX } else { u32::try_from(n).expect("small") };
    out.extend(b"PK\x01\x02\x2d\x03\x2d\0\0\0");
    out.extend(method.to_le_bytes());
    out.extend([0; 4]);
    out.extend(crc.to_le_bytes());
    out.extend(narrow(sizes[1]).to_le_bytes());
    out.extend(narrow(sizes[0]).to_le_bytes());
    out.extend(u16::try_from(path.len()).expect("small").to_le_bytes());
    out.extend(if zip64 { 28_u16 } else { 0 }.to_le_bytes());
    out.extend([0; 10]);
    out.extend(narrow(sizes[2]).to_le_bytes());
    out.extend(path.as_bytes());
    if zip64 {
        out.extend([1, 0, 24, 0]);
        out.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
    }
}

fn end_record(out: &mut Vec<u8>, count: u64, length: u64, at: u64, zip64: bool) {
    let record = out.len() as u64;
    if zip64 {
        out.extend(b"PK\x06\x06");
        out.extend(44_u64.to_le_bytes());
        out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.extend([count, count, length, at].iter().flat_map(|n| n.to_le_bytes()));
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(record.to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    let (count, length, at) = if zip64 {
        (u16::MAX, u32::MAX, u32::MAX)
    } else {
        let small = |n: u64| u32::try_from(n).expect("small");
        (u16::try_from(count).expect("small"), small(length), small(at))
    };
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([length, at].iter().flat_map(|n| n.to_le_bytes()));
    out.extend([0, 0]);
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("small");
    encoder.finish().expect("small")
}

/// Compresses.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("small");
    encoder.finish().expect("small")
}

/// The tables of a small registry: one crate, two owners and a team, three versions.
pub const MEMBERS: [(&str, &str); 8] = [
    ("README.md", "# hello\n"),
    ("data/crate_owners.csv", OWNERS),
    ("data/crates.csv", CRATES),
    (
        "data/deleted_crates.csv",
        "available_at,created_at,deleted_at,deleted_by,id,message,name\n,2026-03-01 00:00:00+00,2026-03-02 10:00:00+00,17,9,malicious,acme-tensro\n",
    ),
    ("data/teams.csv", "avatar,github_id,id,login,name,org_id\n,1,55,github:acme:core,core,2\n"),
    ("data/users.csv", USERS),
    ("data/versions.csv", VERSIONS),
    (
        "metadata.json",
        "{\"timestamp\":\"2026-03-14T02:00:43.5Z\",\"crates_io_commit\":\"57fa0006\"}",
    ),
];

/// Founder 17, then user 7001 added by 17, then a team.
pub const OWNERS: &str = "crate_id,created_at,created_by,owner_id,owner_kind\n\
4242,2021-05-02 10:00:00+00,17,17,0\n\
4242,2026-02-20 17:03:11.120000+00,17,7001,0\n\
4242,2022-01-01 00:00:00+00,,55,1\n";

/// With a readme that spans lines and doubles its quotes.
pub const CRATES: &str = "created_at,description,documentation,homepage,id,max_features,max_upload_size,name,readme,repository,trustpub_only,updated_at\n\
2021-05-02 10:00:00+00,\"Fast, \"\"small\"\"\ntensors\",,,4242,,,acme-tensor,\"# Acme\n\nline, \"\"two\"\"\n\",https://forge.invalid/acme/tensor,f,2026-03-14 09:26:53+00\n";

/// The second was made ten weeks before it published.
pub const USERS: &str = "created_at,gh_id,gh_login,id,name,username\n\
2016-01-01 00:00:00+00,1,olga,17,\"Olga \"\"O\"\" K\",olga\n\
2025-12-30 08:00:00+00,2,mira-k,7001,,mira-k\n";

/// Bin names are an array; the first version names no publisher.
pub const VERSIONS: &str = "bin_names,crate_id,created_at,num,published_by,yanked,repository,homepage\n\
{},4242,2021-05-02 10:00:00+00,0.1.0,,f,,\n\
\"{a,b}\",4242,2023-05-02 10:00:00.5+00,0.2.0,17,t,https://forge.invalid/acme/tensor,\n\
{},4242,2026-03-14 09:26:53.123456+00,0.4.1,7001,f,https://forge.invalid/acme/tensor,https://acme.invalid\n";
