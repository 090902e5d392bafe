use std::io::Write as _;

use super::*;

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_name_is_the_one_that_git_gives() {
    // `git hash-object -t blob /dev/null` and the tree of nothing, known to everybody.
    let empty = ObjectId::of(Kind::Blob, b"");
    assert_eq!(empty.to_string(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    let nothing = ObjectId::of(Kind::Tree, b"");
    assert_eq!(nothing.to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    assert_eq!(ObjectId::from_hex(&empty.to_string()), Some(empty));
    assert_eq!(ObjectId::from_hex("e69de29"), None);
    assert_eq!(ObjectId::from_hex(&"g".repeat(40)), None);
}

#[test]
fn a_loose_object_is_read_and_a_truncated_one_is_refused() {
    let whole = packed(b"blob 3\0abc");
    assert_eq!(loose(&whole[..]).unwrap(), Object { kind: Kind::Blob, bytes: b"abc".to_vec() });
    for length in 0..whole.len() - 4 {
        assert!(loose(&whole[..length]).is_err(), "{length}");
    }
    for wrong in [&b"blob 4\0abc"[..], b"blob 2\0abc", b"blub 3\0abc", b"blob x\0abc", b"blob 3"] {
        assert!(loose(&packed(wrong)[..]).is_err());
    }
    let huge = packed(format!("blob {}\0", OBJECT_LIMIT + 1).as_bytes());
    assert_eq!(loose(&huge[..]).unwrap_err(), GitError::TooLarge { size: OBJECT_LIMIT + 1 });
}

#[test]
fn a_tree_is_read_and_truncation_at_any_byte_is_refused() {
    let id = [7; ID_BYTES];
    let mut bytes = Vec::new();
    let kinds = [
        ("100644", "Cargo.lock", EntryKind::File),
        ("120000", "link", EntryKind::Link),
        ("160000", "module", EntryKind::Submodule),
        ("40000", "src", EntryKind::Folder),
    ];
    let mut ends = vec![0];
    for (mode, name, _) in kinds {
        bytes.extend(format!("{mode} {name}\0").bytes());
        bytes.extend(id);
        ends.push(bytes.len());
    }
    let found: Vec<_> = tree(&bytes).unwrap().into_iter().map(|entry| entry.kind).collect();
    assert_eq!(found, kinds.map(|(_, _, kind)| kind));
    for length in (0..bytes.len()).filter(|length| !ends.contains(length)) {
        assert!(tree(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_commit_names_its_tree_and_parents() {
    let (a, b) = ("a".repeat(40), "b".repeat(40));
    let text = format!("tree {a}\nparent {b}\nparent {a}\nauthor x\n\nparent {b}\n");
    let read = commit(text.as_bytes()).unwrap();
    assert_eq!(read.tree.to_string(), a);
    assert_eq!(read.parents.len(), 2, "a line of the message is no parent");
    assert!(commit(b"tree 12\n").is_err());
    assert!(commit(b"").is_err());
    assert_eq!(tag_target(format!("object {a}\ntype commit\n").as_bytes()).unwrap().to_string(), a);
}

#[test]
fn a_delta_copies_and_inserts() {
    // From 5 bytes to 6: copy 3 from 1, insert "xyz".
    let delta = [5, 6, 0x91, 1, 3, 3, b'x', b'y', b'z'];
    assert_eq!(apply_delta(b"abcde", &delta).unwrap(), b"bcdxyz");
    for length in 0..delta.len() {
        assert!(apply_delta(b"abcde", &delta[..length]).is_err(), "{length}");
    }
    assert!(apply_delta(b"abcd", &delta).is_err(), "another base");
    assert!(apply_delta(b"abcde", &[5, 3, 0x91, 3, 3]).is_err(), "a copy past the end");
    assert!(apply_delta(b"abcde", &[5, 2, 0x91, 0, 3]).is_err(), "more than announced");
    assert!(apply_delta(b"abcde", &[5, 0, 0]).is_err(), "the reserved instruction");
    let huge = [5, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert!(matches!(apply_delta(b"abcde", &huge), Err(GitError::TooLarge { .. })));
}

#[test]
fn pack_entries_tell_their_base() {
    assert_eq!(
        entry(&[0xb5, 0x01]).unwrap(),
        Entry { base: Base::Whole(Kind::Blob), size: 0x15, header: 2 }
    );
    assert_eq!(
        entry(&[0x65, 0x80, 0x00]).unwrap(),
        Entry { base: Base::Before(128), size: 5, header: 3 }
    );
    assert!(entry(&[0x65, 0x00]).is_err(), "an entry that is told from itself");
    assert!(entry(&[0x75, 1, 2, 3]).is_err());
    assert!(entry(&[0x05]).is_err());
    assert!(entry(&[0xff; 32]).is_err());
    assert!(entry(&[]).is_err());
}

#[test]
fn an_index_that_is_none_is_refused() {
    let mut head = b"\xfftOc\0\0\0\x02".to_vec();
    assert!(Layout::read(&head).is_err());
    head.extend([0; FANOUT_BYTES]);
    assert_eq!(Layout::read(&head).unwrap().objects(), 0);
    head[8] = 1;
    assert!(Layout::read(&head).is_err(), "the counts fall");
    head[7] = 3;
    assert!(matches!(Layout::read(&head), Err(GitError::Unsupported(_))));
}
