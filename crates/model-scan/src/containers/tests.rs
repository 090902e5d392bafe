use std::io::{Cursor, Write as _};

use super::*;
use custody_bytes::zip_reader::sample::{archive, entry};

const EVIL: &[u8] = b"\x80\x02cposix\nsystem\nX\x04\0\0\0echo\x85R.";

#[derive(Default)]
struct Notes {
    leaves: Vec<(String, ModelFileKind)>,
    anomalies: Vec<String>,
    unscannable: Vec<String>,
    calls: usize,
}

impl Visitor for Notes {
    fn container(&mut self, _: &Member, _: &[String]) {}
    fn leaf(&mut self, member: &Member, source: &mut dyn Source) {
        self.leaves.push((member.path.clone(), member.kind));
        if member.kind == ModelFileKind::Pickle {
            let scan = pickle::scan(source, 0..member.size);
            self.calls += scan.events.iter().filter(|event| event.what.kind() == "call").count();
        }
    }
    fn anomaly(&mut self, path: &str, anomaly: Anomaly) {
        self.anomalies.push(format!("{} in `{path}`", anomaly.kind));
    }
    fn unscannable(&mut self, path: &str, why: String) {
        self.unscannable.push(format!("`{path}`: {why}"));
    }
}

fn walked(bytes: &[u8]) -> Notes {
    let mut notes = Notes::default();
    walk(&mut Cursor::new(bytes), bytes.len() as u64, &mut notes);
    notes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(data: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflated(name: &str, bytes: &[u8]) -> zip_reader::sample::Entry {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    let mut packed = entry(name, bytes);
    packed.data = encoder.finish().unwrap();
    packed.method = 8;
    packed.local_method = 8;
    packed
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar(members: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, kind, data) in members {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        block[156] = *kind;
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(block);
        out.extend(*data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.extend([0; 1024]);
    out
}

fn npy(descr: &str, data: &[u8]) -> Vec<u8> {
    let dict = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}\n");
    let length = u16::try_from(dict.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], dict.as_bytes(), data].concat()
}

#[test]
fn a_call_is_found_through_every_container() {
    let zip = archive(&[entry("archive/version", b"3\n"), entry("archive/data.pkl", EVIL)]);
    for (name, bytes) in [
        ("raw", EVIL.to_vec()),
        ("torch zip", zip.clone()),
        ("deflated member", archive(&[deflated("data.pkl", EVIL)])),
        ("zip in zip", archive(&[entry("inner.bin", &zip)])),
        ("gzip", gzip(EVIL)),
        ("zlib", zlib(EVIL)),
        ("bzip2", bzip2(EVIL)),
        ("tar", tar(&[("sys_info", b'0', b"\x80\x02}."), ("pickle", b'0', EVIL)])),
        ("tar.gz", gzip(&tar(&[("pickle", b'0', EVIL)]))),
        ("npy", npy("'|O'", EVIL)),
        ("npz", archive(&[deflated("x.npy", &npy("'|O'", EVIL))])),
        ("gzip in tar in zip", archive(&[entry("x", &tar(&[("y", b'0', &gzip(EVIL))]))])),
    ] {
        let notes = walked(&bytes);
        assert_eq!(notes.calls, 1, "{name}: {:?} {:?}", notes.leaves, notes.unscannable);
    }
}

#[test]
fn what_stands_before_and_behind_an_archive_is_scanned() {
    let zip = archive(&[entry("weights.txt", b"harmless words")]);
    let before = walked(&[EVIL, &zip].concat());
    assert_eq!((before.calls, before.anomalies.len()), (1, 2), "{:?}", before.anomalies);
    assert!(before.anomalies.iter().any(|note| note.starts_with("polyglot")));
    let behind = walked(&[zip.as_slice(), EVIL].concat());
    assert_eq!(behind.calls, 1, "{:?}", behind.leaves);
}

#[test]
fn flags_and_checksums_do_not_hide_a_pickle() {
    let mut flagged = entry("data.pkl", EVIL);
    flagged.flags = 1;
    flagged.crc = 0;
    let notes = walked(&archive(&[flagged]));
    assert_eq!(notes.calls, 1);
    for wanted in ["flags-lie", "crc-mismatch", "zip-odd-flags"] {
        assert!(
            notes.anomalies.iter().any(|note| note.starts_with(wanted)),
            "{:?}",
            notes.anomalies
        );
    }
    let mut locked = entry("data.pkl", &[0xa7; 64]);
    locked.flags = 1;
    let notes = walked(&archive(&[locked]));
    assert_eq!(notes.unscannable, ["`data.pkl`: encrypted"]);
}

#[test]
fn a_bomb_is_named_and_stays_small() {
    let mut data = EVIL[..EVIL.len() - 1].to_vec();
    data.extend(b"B\0\0\x60\0");
    data.extend(vec![0; 6 << 20]);
    let notes = walked(&gzip(&data));
    assert!(notes.anomalies.iter().any(|note| note.starts_with("bomb")), "{:?}", notes.anomalies);
    assert_eq!(notes.calls, 1);
}

#[test]
fn zeros_that_compress_well_are_no_bomb() {
    let tensors =
        archive(&[deflated("data/0", &vec![0; 1 << 20]), entry("data.pkl", b"\x80\x02}.")]);
    let notes = walked(&tensors);
    assert!(notes.anomalies.is_empty(), "{:?}", notes.anomalies);
}

#[test]
fn nesting_ends_at_eight_levels_by_name() {
    let mut bytes = EVIL.to_vec();
    for level in 1..12 {
        bytes = archive(&[entry("inner", &bytes)]);
        let notes = walked(&bytes);
        let named = notes.anomalies.iter().any(|note| note.starts_with("nesting-too-deep"));
        assert_eq!((notes.calls == 1, named), (level <= 8, level > 8), "level {level}");
    }
}

#[test]
fn what_is_not_opened_is_said() {
    for head in [&b"7z\xbc\xaf\x27\x1c\0\x04 and so on"[..], b"\x04\x22\x4d\x18 lz4"] {
        assert_eq!(walked(head).unscannable.len(), 1);
    }
    for (head, wanted) in [
        (&b"Rar!\x1a\x07\0"[..], "``: a RAR archive is not opened"),
        (b"Rar!\x1a\x07\x01\0", "``: a RAR archive is not opened"),
        (b"MSCF\0\0\0\0 and so on", "``: a cabinet is not opened"),
    ] {
        let notes = walked(head);
        assert_eq!((notes.unscannable[0].as_str(), notes.anomalies.len()), (wanted, 1));
        assert!(notes.anomalies[0].starts_with("not-opened"), "{:?}", notes.anomalies);
    }
    let inside = walked(&archive(&[entry("weights", b"Rar!\x1a\x07\x01\0 and more of it")]));
    assert_eq!(inside.unscannable, ["`weights`: a RAR archive is not opened"]);
    let mut odd = entry("a", b"x");
    odd.method = 97;
    odd.local_method = 97;
    assert_eq!(walked(&archive(&[odd])).unscannable, ["`a`: zip method 97 is not read"]);
    assert!(!walked(b"PK\x03\x04").unscannable.is_empty());
}

#[test]
fn a_7z_archive_is_opened_and_its_cuts_are_named() {
    // Written by py7zr: `data.pkl` with the call, and a text.
    let hex = "377abcaf271c0004a7b716fe8e000000000000001400000000000000000a1aae01001f800263706f7369780a7379\
               7374656d0a58040000006563686f85522e6d6f726500e0006e00625d0000813307ae0fd04b393c9f3f4741057b\
               edd7d8f253ffc6201da50c8f7905812a7c5043f18eb86a591aa9223eb868081f783e1a1c77eb4e72c3814b31bd\
               3a3edd9f1c07f42b9bc9d553c8b12c5e6a8a05b263820b1e1687f67ba8c664de7e0a0000000017062401096a00\
               070b010001212101180c6f0000";
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    let notes = walked(&bytes);
    assert_eq!(
        (notes.calls, notes.leaves[0].0.as_str()),
        (1, "data.pkl"),
        "{:?}",
        notes.unscannable
    );
    for cut in 6..bytes.len() {
        assert!(!walked(&bytes[..cut]).unscannable.is_empty(), "cut at {cut}");
    }
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        walked(&flipped);
    }
}

/// Counts the bytes that are read.
struct Counted<'b>(Cursor<&'b [u8]>, &'b std::cell::Cell<u64>);

impl io::Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.0.read(into)?;
        self.1.set(self.1.get() + got as u64);
        Ok(got)
    }
}

impl io::Seek for Counted<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn of_a_torch_archive_little_more_than_the_pickle_is_read() {
    let tensor: Vec<u8> = (0..128 << 10).map(|at: u32| at.to_le_bytes()[at as usize % 3]).collect();
    let mut members = vec![entry("m/data.pkl", EVIL)];
    members.extend((0..200).map(|at| entry(&format!("m/data/{at}"), &tensor)));
    let bytes = archive(&members);
    let read = std::cell::Cell::new(0);
    let mut notes = Notes::default();
    walk(&mut Counted(Cursor::new(&bytes), &read), bytes.len() as u64, &mut notes);
    assert_eq!(notes.calls, 1);
    assert!(bytes.len() > 25 << 20 && read.get() < 256 << 10, "{} bytes were read", read.get());
}

#[test]
fn links_and_traversal_in_tar_are_named() {
    let notes = walked(&tar(&[("../up", b'0', b"x"), ("a", b'2', b""), ("a", b'0', b"")]));
    for wanted in ["tar-traversal", "tar-link", "tar-duplicate-member"] {
        assert!(
            notes.anomalies.iter().any(|note| note.starts_with(wanted)),
            "{:?}",
            notes.anomalies
        );
    }
}

#[test]
fn a_pickle_without_a_telling_start_is_found_and_word_lists_are_not_pickles() {
    let old = b"]q\0(K\x01K\x02ccopy_reg\n_reconstructor\nq\x01e.";
    assert_eq!(walked(old).leaves[0].1, ModelFileKind::Pickle);
    assert_eq!(walked(b"(lp0\nI1\na.").leaves[0].1, ModelFileKind::Pickle);
    for text in ["cat\ndog\nbird\n", "(c) 2020 somebody\nall rights\n", "Some words.\nNo more.\n"] {
        assert_eq!(walked(text.as_bytes()).leaves[0].1, ModelFileKind::Text, "{text}");
    }
}

#[test]
fn cut_and_flipped_containers_never_panic() {
    let tarred = gzip(&tar(&[("pickle", b'0', EVIL)]));
    let zip = archive(&[deflated("x.npy", &npy("'|O'", EVIL)), entry("t", &tarred)]);
    for bytes in [&tarred, &zip] {
        for cut in 0..bytes.len() {
            walked(&bytes[..cut]);
        }
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            walked(&flipped);
        }
    }
}

#[test]
fn a_large_compressed_pickle_is_read_beyond_what_is_kept() {
    // 4 MiB of strings that hardly compress, then the call.
    let mut state = 1_u64;
    let mut data = b"\x80\x02".to_vec();
    while data.len() < 4 << 20 {
        data.extend(b"B\0\0\x10\0");
        for _ in 0..1 << 14 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            data.extend([(state | 0xff).to_le_bytes(); 8].concat());
        }
        data.push(b'0');
    }
    data.extend(&EVIL[2..]);
    let notes = walked(&zlib(&data));
    assert_eq!((notes.calls, notes.anomalies.len()), (1, 0), "{:?}", notes.anomalies);
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let [.., a, b, c, _] = state.to_le_bytes();
        [0xff, a, b, c]
    };
    std::iter::repeat_with(next).flatten().take(length).collect()
}

/// Far more than is kept of decompressed data in tests.
fn long_archive() -> Vec<u8> {
    let tensor = noise(200 << 10);
    let mut members = vec![entry("first.pkl", EVIL)];
    members.extend((0..12).map(|at| entry(&format!("data/{at}"), &tensor)));
    members.push(deflated("middle.pkl", EVIL));
    members.extend((0..4).map(|at| deflated(&format!("packed/{at}.npy"), &npy("<f8", &tensor))));
    members.push(entry("last.pkl", EVIL));
    archive(&members)
}

#[test]
fn a_long_archive_inside_a_compressed_stream_is_read_without_holding_it() {
    let bytes = long_archive();
    assert!(bytes.len() > 3 << 20);
    for packed in [gzip(&bytes), lz4(&bytes), zlib(&bytes)] {
        let notes = walked(&packed);
        assert_eq!((notes.calls, notes.unscannable.len()), (3, 0), "{:?}", notes.unscannable);
        let odd = |note: &&String| !note.starts_with("npy-size");
        assert_eq!(notes.anomalies.iter().find(odd), None);
    }
    // Cut, so that the list at the end is missing: headers are followed from the start.
    let notes = walked(&gzip(&bytes[..bytes.len() - 30]));
    assert_eq!(notes.calls, 3, "{:?}", notes.unscannable);
    assert!(!notes.anomalies.is_empty());
}

#[test]
fn a_joblib_pickle_in_an_lz4_frame_is_read() {
    let notes = walked(&lz4(EVIL));
    assert_eq!((notes.calls, notes.anomalies.len()), (1, 0), "{:?}", notes.anomalies);
    let whole = lz4(EVIL);
    for cut in 8..whole.len() {
        assert!(!walked(&whole[..cut]).anomalies.is_empty(), "cut at {cut}");
    }
}

/// Local headers without a directory, each of which claims everything behind it.
#[test]
fn members_that_hold_one_another_end_by_name_and_soon() {
    let one = archive(&[entry("a.npy", &npy("<f8", &[0; 8]))]);
    let local = &one[..one.len() - 22 - 46 - 5];
    let mut bytes = Vec::new();
    for at in 0..200_u32 {
        let mut header = local.to_vec();
        let rest = (200 - at) * u32::try_from(local.len()).unwrap();
        header[18..22].copy_from_slice(&rest.to_le_bytes());
        header[22..26].copy_from_slice(&rest.to_le_bytes());
        bytes.extend(header);
    }
    // An end record whose directory is nowhere: the members are found by their own headers.
    bytes.extend(b"PK\x05\x06\0\0\0\0\x09\0\x09\0\xff\xff\0\0\xff\xff\0\0\0\0");
    let notes = walked(&bytes);
    assert!(notes.anomalies.iter().any(|note| note.starts_with("bomb")), "{:?}", notes.anomalies);
    assert!(notes.leaves.len() < 20_000, "{}", notes.leaves.len());
}

/// A 7z archive with one member that is not compressed.
fn seven(name: &str, data: &[u8]) -> Vec<u8> {
    let number = |number: usize| {
        let mut out = vec![0xff];
        out.extend((number as u64).to_le_bytes());
        out
    };
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    let name: Vec<u8> = format!("{name}\0").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut header = vec![1, 4, 6, 0, 1, 9];
    header.extend(number(data.len()));
    header.extend([0, 7, 0x0b, 1, 0, 1, 1, 0, 0x0c]);
    header.extend(number(data.len()));
    header.extend([0, 8, 0, 0, 5, 1, 0x11, u8::try_from(name.len() + 1).unwrap(), 0]);
    header.extend(name);
    header.extend([0, 0]);
    let mut start = (data.len() as u64).to_le_bytes().to_vec();
    start.extend((header.len() as u64).to_le_bytes());
    start.extend(crc(&header));
    let mut out = b"7z\xbc\xaf\x27\x1c\0\x04".to_vec();
    out.extend(crc(&start));
    out.extend(start);
    out.extend(data);
    out.extend(header);
    out
}

#[test]
fn a_long_member_of_a_7z_archive_is_a_named_limit() {
    assert_eq!(
        walked(&seven("m.pkl", EVIL)).calls,
        1,
        "{:?}",
        walked(&seven("m.pkl", EVIL)).unscannable
    );
    let mut pickle = b"\x80\x04X\x00\x00\x20\x01".to_vec();
    pickle.resize(19 << 20, b'a');
    let notes = walked(&seven("m.pkl", &pickle));
    assert!(
        notes.anomalies.contains(&"member-too-long in `m.pkl`".to_owned()),
        "{:?}",
        notes.anomalies
    );
    assert_eq!(notes.unscannable.len(), 1, "{:?}", notes.unscannable);
}
