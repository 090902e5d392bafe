//! Archives for tests and benches, made member by member so that they can be wrong on purpose.
#![expect(clippy::missing_panics_doc, reason = "a sample that cannot be written ends its test")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

const BLOCK: usize = 512;

/// One tar member: header in ustar form with a right checksum, content, padding. `path` has at most 100
/// bytes.
pub fn member(kind: u8, path: &[u8], bytes: &[u8]) -> Vec<u8> {
    member_of_size(kind, path, bytes, bytes.len() as u64)
}

/// [`member`] whose header claims another size.
pub fn member_of_size(kind: u8, path: &[u8], bytes: &[u8], size: u64) -> Vec<u8> {
    let mut block = vec![0_u8; BLOCK];
    block[..path.len()].copy_from_slice(path);
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut block);
    block.extend_from_slice(bytes);
    block.resize(block.len().next_multiple_of(BLOCK), 0);
    block
}

/// Writes the right checksum into a header block.
pub fn seal(block: &mut [u8]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block[..BLOCK].iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Compresses a tar.
pub fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(tar).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// An archive as `cargo package` makes it: `root` is `name-version`, paths lie below it.
pub fn crate_archive(root: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, bytes) in files {
        tar.extend(member(b'0', format!("{root}/{path}").as_bytes(), bytes));
    }
    tar.extend([0; 2 * BLOCK]);
    gzip(&tar)
}
