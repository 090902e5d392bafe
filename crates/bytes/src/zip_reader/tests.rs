use std::io::Cursor;

use super::*;

use super::sample::*;

fn listed(bytes: &[u8]) -> Archive {
    read(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
}

fn kinds(archive: &Archive) -> Vec<String> {
    archive.anomalies.seen.iter().map(|anomaly| anomaly.kind.to_string()).collect()
}

fn data<'b>(bytes: &'b [u8], member: &Member) -> &'b [u8] {
    let at = usize::try_from(member.data_at).unwrap();
    &bytes[at..at + usize::try_from(member.packed).unwrap()]
}

#[test]
fn an_ordinary_archive_is_listed_without_remarks() {
    let mut second = entry("b.bin", b"second");
    second.descriptor = true;
    let bytes = archive(&[entry("a/", b""), entry("a/data.pkl", b"first"), second]);
    let archive = listed(&bytes);
    assert_eq!(kinds(&archive), [""; 0]);
    let names: Vec<_> =
        archive.members.iter().map(|m| (m.name.as_str(), data(&bytes, m))).collect();
    let wanted: [(&str, &[u8]); 3] = [("a/", b""), ("a/data.pkl", b"first"), ("b.bin", b"second")];
    assert_eq!(names, wanted);
}

#[test]
fn a_comment_of_64_kib_and_bytes_behind_it_are_passed() {
    let mut bytes = archive(&[entry("a", b"data")]);
    let length = bytes.len();
    bytes[length - 2..].copy_from_slice(&0xffff_u16.to_le_bytes());
    bytes.extend(vec![b'x'; 0xffff]);
    assert_eq!(listed(&bytes).members.len(), 1);
    let mut behind = archive(&[entry("a", b"data")]);
    behind.extend(b"more");
    let found = listed(&behind);
    assert_eq!((kinds(&found), found.members.len()), (vec!["zip-trailing".to_owned()], 1));
}

#[test]
fn a_prefix_moves_the_offsets() {
    let bytes = [b"cos\nsystem\n.".as_slice(), &archive(&[entry("a", b"data")])].concat();
    let found = listed(&bytes);
    assert_eq!((found.prefix, kinds(&found)), (12, vec!["zip-prefix".to_owned()]));
    assert_eq!(data(&bytes, &found.members[0]), b"data");
}

#[test]
fn headers_that_disagree_are_both_read() {
    let mut lying = entry("harmless.txt", b"0123456789");
    lying.local_name = b"data.pkl".to_vec();
    lying.local_method = 8;
    let found = listed(&archive(&[lying]));
    assert_eq!(kinds(&found), ["zip-name-mismatch", "zip-header-mismatch"]);
    let methods: Vec<_> = found.members.iter().map(|m| (m.listing, m.method)).collect();
    assert_eq!(methods, [(Listing::Directory, 0), (Listing::Local, 8)]);
}

#[test]
fn members_that_the_directory_hides_are_found() {
    let mut hidden = entry("hidden.pkl", b"secret");
    hidden.listed = false;
    let bytes = archive(&[entry("a", b"1"), hidden, entry("b", b"2")]);
    let found = listed(&bytes);
    assert_eq!(kinds(&found), ["zip-hidden-member"]);
    assert!(found.members.iter().any(|m| m.name == "hidden.pkl" && data(&bytes, m) == b"secret"));
}

#[test]
fn two_directories_are_both_read() {
    let first = archive(&[entry("a", b"first")]);
    let second = archive(&[entry("a", b"second")]);
    let found = listed(&[first, second].concat());
    assert!(kinds(&found).contains(&"zip-several-directories".to_owned()), "{:?}", kinds(&found));
    assert!(found.members.len() >= 2);
}

#[test]
fn odd_names_flags_and_links_are_named() {
    let mut locked = entry("locked", b"1");
    locked.flags = 1;
    let mut link = entry("link", b"/etc/passwd");
    link.external = 0o120_777 << 16;
    let bytes = archive(&[
        locked,
        link,
        entry("../up", b""),
        entry("C:\\up", b""),
        entry("a\nb", b""),
        entry("twice", b"1"),
        entry("twice", b"2"),
    ]);
    let found = kinds(&listed(&bytes));
    let wanted = [
        "zip-odd-flags",
        "zip-symlink",
        "zip-traversal",
        "zip-traversal",
        "zip-name-control",
        "zip-duplicate-member",
    ];
    assert_eq!(found, wanted);
}

#[test]
fn overlapping_members_are_named() {
    let mut bytes = archive(&[entry("a", b"0123456789"), entry("b", b"0123456789")]);
    // The first member's length in the directory reaches into the second.
    let at = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    bytes[at + 20..at + 24].copy_from_slice(&30_u32.to_le_bytes());
    let found = kinds(&listed(&bytes));
    assert!(found.contains(&"zip-overlap".to_owned()), "{found:?}");
    assert!(found.contains(&"zip-header-mismatch".to_owned()), "{found:?}");
}

#[test]
fn an_archive_without_its_directory_is_followed_by_its_headers() {
    let bytes = archive(&[entry("a", b"first"), entry("b", b"second")]);
    let cut = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    let found = listed(&bytes[..cut]);
    assert_eq!((kinds(&found), found.members.len()), (vec!["zip-no-directory".to_owned()], 2));
}

#[test]
fn a_cut_or_a_flipped_bit_anywhere_is_no_panic() {
    let bytes = archive(&[entry("a", b"first"), entry("b", b"second")]);
    for cut in 0..bytes.len() {
        assert!(!listed(&bytes[..cut]).anomalies.is_empty());
    }
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        let _ = listed(&flipped);
    }
}

#[test]
fn zip64_sizes_are_taken_from_the_extra_field() {
    let (mut unpacked, mut packed, mut offset) = (0xffff_ffff, 5, 0xffff_ffff);
    let extra = [&[9, 9, 1, 0, 0][..], &[1, 0, 16, 0], &7_u64.to_le_bytes(), &8_u64.to_le_bytes()];
    directory::widen(&extra.concat(), &mut unpacked, &mut packed, Some(&mut offset));
    assert_eq!((unpacked, packed, offset), (7, 5, 8));
}

#[test]
fn half_a_million_announced_entries_take_no_memory() {
    let mut bytes = archive(&[entry("a", b"1")]);
    let end = bytes.len();
    bytes[end - 12..end - 10].copy_from_slice(&[0xff, 0xff]);
    bytes[end - 10..end - 6].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(!listed(&bytes).anomalies.is_empty());
}
