use super::sample::{CRATES, Form, MEMBERS, OWNERS, dump, gzip, header, tar, zip};
use super::*;

fn rows(bytes: &[u8]) -> Result<(Timestamp, Vec<String>), DumpError> {
    let mut seen = Vec::new();
    let taken = read_dump(bytes, DumpLimits::default(), &mut |row| {
        seen.push(format!("{row:?}"));
        Ok(())
    })?;
    Ok((taken, seen))
}

/// The sample with one table replaced.
fn with(path: &str, text: &str) -> Vec<u8> {
    let members: Vec<(&str, &str)> =
        MEMBERS.iter().map(|&(p, t)| if p == path { (p, text) } else { (p, t) }).collect();
    dump(&members)
}

#[test]
fn a_dump_is_read_with_quotes_newlines_arrays_and_nulls() {
    let (taken, seen) = rows(&dump(&MEMBERS)).unwrap();
    assert_eq!(taken.to_string(), "2026-03-14T02:00:43.5Z");
    assert_eq!(seen.len(), 3 + 1 + 1 + 1 + 2 + 3);
    let mut versions = Vec::new();
    let mut crates = Vec::new();
    read_dump(&dump(&MEMBERS)[..], DumpLimits::default(), &mut |row| {
        match row {
            DumpRow::Version(v) => versions.push((
                v.number.to_owned(),
                v.created_at.to_string(),
                v.published_by,
                v.yanked,
                v.homepage.map(str::to_owned),
            )),
            DumpRow::Crate(c) => {
                crates.push((c.name.to_owned(), c.repository.map(str::to_owned), c.trusted_only));
            }
            _ => {}
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(
        crates,
        [(
            "acme-tensor".to_owned(),
            Some("https://forge.invalid/acme/tensor".to_owned()),
            Some(false)
        )]
    );
    assert_eq!(versions[0], ("0.1.0".into(), "2021-05-02T10:00:00Z".into(), None, false, None));
    assert_eq!(versions[2].1, "2026-03-14T09:26:53.123456Z");
    assert_eq!(versions[2].2, Some(7001));
    assert!(versions[1].3);
}

#[test]
fn shuffled_columns_are_found_by_their_names() {
    let shuffled = "owner_kind,owner_id,crate_id,created_by,surprise,created_at\n0,7001,4242,17,x,2026-02-20 17:03:11.12+00\n";
    let (_, seen) = rows(&with("data/crate_owners.csv", shuffled)).unwrap();
    assert!(seen.iter().any(|row| row.contains("owner_id: 7001") && row.contains("Some(17)")));
}

#[test]
fn a_missing_column_or_table_is_named() {
    let renamed = OWNERS.replace("created_by", "added_by");
    let error = rows(&with("data/crate_owners.csv", &renamed)).unwrap_err();
    assert_eq!(error.to_string(), "data/crate_owners.csv has no column `created_by`");
    let error = rows(&dump(&MEMBERS[..5])).unwrap_err();
    assert_eq!(error.to_string(), "the dump has no data/users.csv");
    assert!(rows(&dump(&MEMBERS[1..7])).unwrap().0.to_string().starts_with("2026-03-14T02:00:43Z"));
}

#[test]
fn an_older_dump_without_late_columns_says_nothing_of_them() {
    let old = "created_at,id,name\n2021-05-02 10:00:00+00,4242,acme-tensor\n";
    let (_, seen) = rows(&with("data/crates.csv", old)).unwrap();
    assert!(seen.iter().any(|row| row.contains("trusted_only: None")));
}

#[test]
fn a_dump_that_ends_early_is_an_error_wherever_it_ends() {
    let plain = tar(&MEMBERS);
    for end in (0..plain.len() - 512).step_by(61) {
        assert!(rows(&gzip(&plain[..end])).is_err(), "cut at {end}");
    }
    let packed = dump(&MEMBERS);
    for end in 0..packed.len() {
        assert!(rows(&packed[..end]).is_err(), "gzip cut at {end}");
    }
}

#[test]
fn a_damaged_row_is_named_with_table_and_number() {
    for (wrong, what) in [
        ("4242,yesterday,17,7001,0\n", "`created_at` is no time"),
        ("4242,2026-02-20 17:03:11+00,17,7001,2\n", "`owner_kind` is neither user nor team"),
        ("4242,2026-02-20 17:03:11+00,17\n", "fewer values than columns"),
        ("4242,2026-02-20 17:03:11+00,17,1,0,9\n", "more values than columns"),
        ("-1,2026-02-20 17:03:11+00,17,7001,0\n", "`crate_id` is no id"),
        (",2026-02-20 17:03:11+00,17,7001,0\n", "`crate_id` is empty"),
    ] {
        let text = format!("{OWNERS}{wrong}");
        let error = rows(&with("data/crate_owners.csv", &text)).unwrap_err();
        assert_eq!(error.to_string(), format!("data/crate_owners.csv, row 4: {what}"));
    }
}

#[test]
fn a_readme_of_megabytes_passes_and_a_name_of_megabytes_does_not() {
    let readme = CRATES.replace("# Acme", &"x".repeat(3_000_000));
    assert!(rows(&with("data/crates.csv", &readme)).is_ok());
    let name = CRATES.replace("acme-tensor", &"x".repeat(100_000));
    let error = rows(&with("data/crates.csv", &name)).unwrap_err();
    assert!(error.to_string().contains("longer than any honest one"), "{error}");
}

#[test]
fn a_quote_that_never_closes_is_an_error_and_not_a_short_table() {
    let open = format!("{OWNERS}4242,\"2026-02-20 17:03:11+00,17,7001,0\n");
    assert!(rows(&with("data/crate_owners.csv", &open)).is_err());
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let mut plain = Vec::from(header("2026-03-14-020043/data/keywords.csv", 50_000_000));
    plain.resize(plain.len() + 50_000_000, b'0');
    let limits = DumpLimits { unpacked: 1_000_000, field: 1024 };
    let error = read_dump(&gzip(&plain)[..], limits, &mut |_| Ok(())).unwrap_err();
    assert!(matches!(error, DumpError::TooLarge { .. }), "{error}");
}

#[test]
fn a_long_name_header_of_any_size_is_passed_and_not_kept() {
    let mut plain = Vec::new();
    let mut long = header("././@LongLink", 2_000);
    long[156] = b'L';
    long[148..156].copy_from_slice(b"        ");
    let sum: u32 = long.iter().map(|&byte| u32::from(byte)).sum();
    long[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    plain.extend_from_slice(&long);
    plain.resize(plain.len() + 2_048, b'x');
    plain.extend_from_slice(&tar(&MEMBERS));
    assert!(rows(&gzip(&plain)).is_ok());
}

#[test]
fn what_the_caller_refuses_ends_the_reading() {
    let error = read_dump(&dump(&MEMBERS)[..], DumpLimits::default(), &mut |_| Err("full".into()))
        .unwrap_err();
    assert_eq!(error.to_string(), "full");
}

#[test]
fn a_table_that_stands_twice_is_refused() {
    let mut members = MEMBERS.to_vec();
    members.push(MEMBERS[1]);
    assert!(matches!(rows(&dump(&members)), Err(DumpError::RepeatedTable { .. })));
}

/// Reads a zip of the dump as a client does that has only parts of it.
fn zip_rows(bytes: &[u8]) -> Result<usize, DumpError> {
    let size = bytes.len() as u64;
    let tail = &bytes[bytes.len() - usize::try_from(TAIL.min(size)).unwrap()..];
    let directory = find_directory(tail, size)?;
    let part = |place: &std::ops::Range<u64>| {
        let at = |n: u64| usize::try_from(n).unwrap();
        bytes.get(at(place.start)..at(place.end)).unwrap_or_default()
    };
    let members = wanted_members(part(&directory.place), &directory)?;
    let mut count = 0;
    let mut take = |_: DumpRow<'_>| {
        count += 1;
        Ok(())
    };
    let mut reader = TableReader::new(DumpLimits::default(), &mut take);
    for member in &members {
        reader.member(&member.path, open_member(part(&member.place), member)?)?;
    }
    reader.complete()?;
    reader.taken().ok_or(DumpError::Undated)?;
    Ok(count)
}

#[test]
fn the_zip_form_has_the_same_rows_packed_stored_and_in_zip64() {
    let (_, rows) = rows(&dump(&MEMBERS)).unwrap();
    for form in
        [Form::PLAIN, Form { stored: true, ..Form::PLAIN }, Form { zip64: true, ..Form::PLAIN }]
    {
        assert_eq!(zip_rows(&zip(&MEMBERS, form)).unwrap(), rows.len(), "{form:?}");
    }
}

#[test]
fn parts_of_the_zip_are_those_of_the_wanted_members_only() {
    let big = "x".repeat(400_000);
    let mut members = MEMBERS.to_vec();
    members.push(("data/version_downloads.csv", &big));
    let bytes = zip(&members, Form { stored: true, ..Form::PLAIN });
    let directory = find_directory(&bytes, bytes.len() as u64).unwrap();
    let at = |n: u64| usize::try_from(n).unwrap();
    let place = at(directory.place.start)..at(directory.place.end);
    let wanted = wanted_members(&bytes[place], &directory).unwrap();
    let asked: u64 = wanted.iter().map(|m| m.place.end - m.place.start).sum();
    let content: u64 = wanted.iter().map(|m| m.unpacked).sum();
    assert_eq!(wanted.len(), 7, "six tables and the metadata");
    assert!(asked < content + 7 * 64, "{asked} for {content}");
}

#[test]
fn a_zip_whose_directory_lies_is_refused() {
    let good = zip(&MEMBERS, Form::PLAIN);
    // Every byte of the directory and of the end record, each made another: refused, or of no effect.
    let directory = find_directory(&good, good.len() as u64).unwrap();
    let rows = zip_rows(&good).unwrap();
    for at in usize::try_from(directory.place.start).unwrap()..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x55;
        if let Ok(count) = zip_rows(&bytes) {
            // The one table that is not in every dump may be listed by another name.
            assert!(count == rows || count == rows - 1, "byte {at} changed what was read");
        }
    }
    for end in 0..good.len() {
        assert!(zip_rows(&good[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn a_zip_whose_content_is_another_than_its_directory_says_is_refused() {
    let lie = |form| zip_rows(&zip(&MEMBERS, form)).unwrap_err().to_string();
    assert!(lie(Form { method: Some(12), ..Form::PLAIN }).contains("method 12"));
    assert!(lie(Form { local_method: Some(0), ..Form::PLAIN }).contains("another method"));
    assert!(lie(Form { more: 1, ..Form::PLAIN }).contains("size"));
    assert!(lie(Form { crc: 1, ..Form::PLAIN }).contains("checksum"));
    assert!(lie(Form { twice: true, ..Form::PLAIN }).contains("twice"));
    assert!(lie(Form { entries: 1, ..Form::PLAIN }).contains("announced"));
    assert!(lie(Form { moved: 7, ..Form::PLAIN }).contains("header"));
    let mut behind = zip(&MEMBERS, Form::PLAIN);
    behind.extend(b"PK\x05\x06");
    assert!(zip_rows(&behind).is_err(), "something follows");
    assert!(zip_rows(&zip(&MEMBERS[..5], Form::PLAIN)).unwrap_err().to_string().contains("users"));
}
