use super::sample::{gzip, member, member_of_size, seal};
use super::*;

type Read = (Vec<(Vec<u8>, MemberKind, Vec<u8>)>, Result<Tail, GzipTarError>);

fn read_within(limits: Limits, packed: &[u8]) -> Read {
    let mut members = Vec::new();
    let mut archive = match GzipTar::new(packed, limits, Vec::new()) {
        Ok(archive) => archive,
        Err(error) => return (members, Err(error)),
    };
    loop {
        match archive.next() {
            Ok(Some(m)) => members.push((m.path.to_vec(), m.kind, m.bytes.to_vec())),
            Ok(None) => return (members, Ok(archive.finish(true).0)),
            Err(error) => return (members, Err(error)),
        }
    }
}

fn read(packed: &[u8]) -> Read {
    read_within(Limits::default(), packed)
}

fn two_files() -> Vec<u8> {
    let mut tar = member(b'0', b"a-1/one", b"first");
    tar.extend(member(b'0', b"a-1/two", &[7; 1000]));
    tar.extend([0; 2 * BLOCK]);
    tar
}

#[test]
fn members_come_in_order_with_their_bytes() {
    let (members, tail) = read(&gzip(&two_files()));
    assert_eq!(members[0], (b"a-1/one".to_vec(), MemberKind::File, b"first".to_vec()));
    assert_eq!(members[1].2, [7; 1000]);
    let expected = Tail { inflated_bytes: two_files().len() as u64, ..Tail::default() };
    assert_eq!(tail, Ok(expected));
}

#[test]
fn an_archive_cut_anywhere_is_an_error_that_keeps_what_was_read() {
    let packed = gzip(&two_files());
    for length in 0..packed.len() {
        let (members, tail) = read(&packed[..length]);
        // The end of the tar can be reached before the end of the gzip data: then cargo is content.
        let stopped = tail.map_or_else(Some, |tail| tail.damage);
        assert!(stopped.is_some(), "{length} bytes");
        assert!(members.len() <= 2);
    }
}

#[test]
fn an_archive_with_any_byte_changed_never_panics() {
    let packed = gzip(&two_files());
    for at in 0..packed.len() {
        for value in [0, 0x80, 0xff] {
            let mut changed = packed.clone();
            changed[at] = value;
            let _ = read(&changed);
        }
    }
}

#[test]
fn a_tar_with_any_header_byte_changed_never_panics() {
    let tar = two_files();
    for at in 0..BLOCK {
        let mut changed = tar.clone();
        changed[at] ^= 0xff;
        seal(&mut changed[..BLOCK]);
        let _ = read(&gzip(&changed));
    }
}

#[test]
fn a_long_name_wins_over_a_pax_record_and_that_over_the_header() {
    let pax = member(b'x', b"pax", b"19 path=a-1/by-pax\n");
    let long = member(b'L', b"././@LongLink", b"a-1/by-gnu\0");
    let file = member(b'0', b"a-1/header", b"x");
    let (members, _) = read(&gzip(&[pax.clone(), file.clone()].concat()));
    assert_eq!(members[0].0, b"a-1/by-pax");
    let (members, _) = read(&gzip(&[pax, long, file].concat()));
    assert_eq!(members[0].0, b"a-1/by-gnu");
}

#[test]
fn what_was_said_before_a_global_record_is_spent_on_it() {
    let tar = [
        member(b'L', b"././@LongLink", b"a-1/elsewhere\0"),
        member(b'g', b"global", b"13 comment=x\n"),
        member(b'0', b"a-1/header", b"x"),
    ];
    assert_eq!(read(&gzip(&tar.concat())).0[0].0, b"a-1/header");
}

#[test]
fn pax_records_about_which_readers_disagree_stop_the_reader() {
    for record in [&b"23 path=a-1/b\n9 path=x\n"[..], b"99 path=x\n", b"path=x\n", b"8 size=x\n"] {
        let tar = [member(b'x', b"pax", record), member(b'0', b"a-1/header", b"x")];
        let (_, tail) = read(&gzip(&tar.concat()));
        assert!(matches!(tail, Err(GzipTarError::Header { .. })), "{tail:?}");
    }
}

#[test]
fn links_devices_and_unknown_types_are_told_apart() {
    for (kind, expected) in [
        (b'1', MemberKind::HardLink),
        (b'2', MemberKind::Symlink),
        (b'3', MemberKind::Device),
        (b'4', MemberKind::Device),
        (b'5', MemberKind::Folder),
        (b'6', MemberKind::Fifo),
        (b'S', MemberKind::Sparse),
        (b'Z', MemberKind::Other(b'Z')),
        (b'0', MemberKind::File),
    ] {
        assert_eq!(read(&gzip(&member(kind, b"a-1/x", b""))).0[0].1, expected);
    }
}

#[test]
fn bytes_behind_either_end_are_counted() {
    let mut tar = two_files();
    tar.extend(member(b'0', b"a-1/hidden", b"not unpacked by cargo"));
    let mut packed = gzip(&tar);
    packed.extend(gzip(b"a second member"));
    let (members, tail) = read(&packed);
    let tail = tail.unwrap();
    assert_eq!(members.len(), 2);
    assert!(tail.bytes_after_tar > 0 && tail.bytes_after_gzip > 0 && tail.second_gzip_member);
}

#[test]
fn a_claimed_size_takes_no_memory_before_the_bytes_come() {
    let (_, tail) = read(&gzip(&member_of_size(b'0', b"a-1/x", b"few", 200 << 20)));
    assert!(matches!(tail, Err(GzipTarError::ShortMember { .. })), "{tail:?}");
}

#[test]
fn every_limit_stops_the_reader() {
    let packed = gzip(&two_files());
    let usual = Limits::default();
    for limits in [
        Limits { total_bytes: 100, ..usual },
        Limits { ratio: 2, ratio_free_bytes: 0, ..usual },
        Limits { members: 1, ..usual },
        Limits { path_bytes: 3, ..usual },
        Limits { member_bytes: 999, ..usual },
    ] {
        let (_, tail) = read_within(limits, &packed);
        assert!(matches!(tail, Err(GzipTarError::Limit { .. })), "{limits:?}");
    }
    assert!(read_within(usual, &packed).1.is_ok());
}

#[test]
fn a_file_of_many_pieces_comes_whole() {
    let bytes: Vec<u8> = (0..700_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    let (members, _) = read(&gzip(&member(b'0', b"a-1/big", &bytes)));
    assert_eq!(members[0].2, bytes);
}
