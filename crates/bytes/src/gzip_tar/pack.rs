//! Packs files into a gzip-compressed tar in memory, so that a folder can pass the same readers as an
//! archive. Stores, does not compress: nobody keeps the result.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::header::BLOCK;

/// Longest path that the header itself has room for, in bytes.
const NAME_BYTES: usize = 100;

/// A file to be packed: path below the root, with `/`, and its bytes.
pub type Packed = (String, Vec<u8>);

/// The files as members `root/path`, as `cargo package` lays them out. Errors are the compressor's,
/// which on memory has none to give.
pub fn pack(root: &str, files: &[Packed]) -> std::io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::none());
    for (path, bytes) in files {
        let path = format!("{root}/{path}");
        if path.len() > NAME_BYTES {
            // GNU's way of a long name: a member of its own that describes the next one.
            member(&mut out, b'L', b"././@LongLink", path.as_bytes())?;
        }
        let name = path.as_bytes();
        member(&mut out, b'0', &name[..name.len().min(NAME_BYTES)], bytes)?;
    }
    out.write_all(&[0; 2 * BLOCK])?;
    out.finish()
}

fn member(out: &mut impl Write, kind: u8, name: &[u8], bytes: &[u8]) -> std::io::Result<()> {
    let mut block = [0_u8; BLOCK];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.write_all(&block)?;
    out.write_all(bytes)?;
    let padding = bytes.len().next_multiple_of(BLOCK) - bytes.len();
    out.write_all(&[0; BLOCK][..padding])
}

#[cfg(test)]
mod tests {
    use super::super::{GzipTar, Limits};
    use super::*;

    #[test]
    fn what_is_packed_can_be_read_again() {
        let long = format!("{}.rs", "deep/".repeat(40));
        let files = vec![("a.rs".to_owned(), b"one".to_vec()), (long.clone(), b"two".to_vec())];
        let packed = pack("x-1.0.0", &files).expect("packs");
        let mut reader = GzipTar::new(&packed, Limits::default(), Vec::new()).expect("gzip");
        for (path, bytes) in &files {
            let member = reader.next().expect("reads").expect("is there");
            assert_eq!(member.path, format!("x-1.0.0/{path}").as_bytes());
            assert_eq!(member.bytes, bytes);
        }
        assert!(reader.next().expect("reads").is_none());
    }
}
