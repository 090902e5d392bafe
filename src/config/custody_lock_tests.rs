use super::*;

fn pin(name: &str, version: &str, owners: &[&str]) -> CratePin {
    CratePin {
        name: name.to_owned(),
        version: version.to_owned(),
        sha256: Some("ab".repeat(32)),
        owners: Some(owners.iter().map(|&owner| owner.to_owned()).collect()),
        publishers: Some(vec!["ada".to_owned()]),
        trusted_publishing: Some(false),
        seen: "2026-03-14".to_owned(),
        reason: None,
        build: None,
    }
}

fn sample() -> Pins {
    Pins {
        crates: vec![
            CratePin {
                build: Some(BuildPin {
                    sha256: Some("ef".repeat(32)),
                    files: vec!["build.rs".to_owned(), "build/probe.rs".to_owned()],
                    can: vec!["spawn".to_owned()],
                }),
                ..pin("acme", "1.0.0", &["ada", "bea"])
            },
            CratePin {
                sha256: None,
                owners: None,
                publishers: Some(Vec::new()),
                trusted_publishing: None,
                reason: Some("handover announced".to_owned()),
                build: Some(BuildPin::default()),
                ..pin("zeta", "0.1.0", &[])
            },
        ],
        models: vec![ModelPin {
            repository: "acme/tiny".to_owned(),
            revision: "1f0e".repeat(10),
            files: vec![PinnedFile {
                path: "a/b.py".to_owned(),
                sha256: "cd".repeat(32),
                imports: Some(vec!["os".to_owned(), "torch.nn".to_owned()]),
            }],
            committers: Some(vec!["ada".to_owned()]),
            namespace: Some("organization".to_owned()),
            signer: Some("ann@example.invalid".to_owned()),
            seen: "2026-03-14".to_owned(),
            reason: None,
        }],
        packages: vec![PackagePin {
            ecosystem: "npm".to_owned(),
            name: "@s/x".to_owned(),
            version: "1.0.0".to_owned(),
            sha256: None,
            runs_on_install: Some(true),
            seen: "2026-03-14".to_owned(),
            reason: Some("builds a parser".to_owned()),
        }],
    }
}

#[test]
fn what_is_written_is_read_back_and_written_the_same() {
    let text = write_pins(&sample());
    let read = parse_pins(&text, "custody.lock").unwrap();
    assert_eq!(read, sample());
    assert_eq!(write_pins(&read), text);
    let mut turned = sample();
    turned.crates.reverse();
    turned.crates[1].owners.as_mut().unwrap().reverse();
    assert_eq!(write_pins(&turned), text, "the order in memory does not show");
    assert!(text.contains("owners = [\n    \"ada\",\n    \"bea\",\n]\n"), "{text}");
}

#[test]
fn a_model_that_nobody_signed_is_told_from_one_of_which_that_is_not_known() {
    for signer in [None, Some(String::new()), Some("ann@example.invalid".to_owned())] {
        let mut pins = sample();
        pins.models[0].signer.clone_from(&signer);
        let text = write_pins(&pins);
        assert_eq!(parse_pins(&text, "custody.lock").unwrap().models[0].signer, signer);
        assert_eq!(text.contains("signed = false"), signer.as_deref() == Some(""));
    }
}

#[test]
fn hostile_logins_stay_inside_their_quotes() {
    let logins = ["\"]\n[[crate]]\nname = \"x", "../../x", "\u{1b}[31m", "a\u{202e}b", "\\", "'''"];
    let long = "x".repeat(10_000);
    let mut pins = sample();
    pins.crates[0].owners = Some(logins.iter().map(ToString::to_string).chain([long]).collect());
    let text = write_pins(&pins);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    let mut owners = pins.crates[0].owners.clone().unwrap();
    owners.sort();
    assert_eq!(parse_pins(&text, "l").unwrap().crates[0].owners, Some(owners));
}

#[test]
fn a_file_that_was_edited_by_hand_is_read_or_refused_with_its_line() {
    let text = write_pins(&sample());
    for (edited, message) in [
        (text.replace("version = 1\n", "version = 2\n"), "custody.lock:3:11: `version` must be 1"),
        (text.replace("version = 1\n", ""), "`version` must be there, as 1"),
        (text.replacen("owners", "owner", 1), "unknown key in [crate] `owner`"),
        (text.replacen("seen = \"2026-03-14\"", "seen = \"soon\"", 1), "must be a day"),
        (text.replacen("seen = \"2026-03-14\"\n", "", 1), "[[crate]] has no `seen`"),
        (text.replace(&"ab".repeat(32), "AB"), "64 lower-case hexadecimal digits"),
        (
            text.replacen("name = \"zeta\"", "name = \"acme\"", 1)
                .replace("\"0.1.0\"", "\"1.0.0\""),
            "is pinned twice, first on line",
        ),
        (text.replacen("name = \"acme\"", "name = 7", 1), "must be a text"),
        (text.replacen("name = \"acme\"\n", "", 1), "[[crate]] has no `name`"),
        (text.replacen("[[crate]]", "[crate]", 1), "custody.lock:"),
        (
            text.replacen("[[crate]]", "<<<<<<< HEAD\n[[crate]]", 1),
            "custody.lock:5:1: an unresolved merge conflict",
        ),
        (format!("{text}\nfoo = 1\n"), "custody.lock:"),
    ] {
        assert_ne!(edited, text, "{message}");
        let error = parse_pins(&edited, "custody.lock").unwrap_err().to_string();
        assert!(error.contains(message) && error.contains("custody.lock:"), "{error}");
    }
    let dates = text.replace("\"2026-03-14\"", "2026-03-14");
    assert_eq!(parse_pins(&dates, "l").unwrap(), sample(), "a TOML date is a day, too");
}

#[test]
fn a_file_cut_anywhere_is_an_error_or_fewer_whole_blocks() {
    let text = write_pins(&sample());
    for end in 0..text.len() {
        if let Ok(pins) = parse_pins(&text[..end], "l") {
            assert!(pins.crates.iter().all(|pin| !pin.name.is_empty() && !pin.seen.is_empty()));
        }
    }
}

#[test]
fn a_renewal_takes_versions_and_holds_what_changed_hands() {
    let old = Pins {
        crates: vec![
            pin("bumped", "1.0.0", &["ada"]),
            pin("gone", "1.0.0", &["ada"]),
            pin("handed", "1.0.0", &["ada"]),
            CratePin { reason: Some("why".to_owned()), ..pin("same", "1.0.0", &["ada"]) },
            pin("swapped", "1.0.0", &["ada"]),
            pin("unclear", "1.0.0", &["ada"]),
        ],
        models: sample().models,
        ..Pins::default()
    };
    let later = |pin: CratePin| CratePin { seen: "2026-06-01".to_owned(), ..pin };
    let now = [
        later(pin("bumped", "1.1.0", &["ada"])),
        later(pin("handed", "1.0.0", &["ada", "mira"])),
        later(pin("new", "1.0.0", &["ada"])),
        later(pin("same", "1.0.0", &["ada"])),
        later(CratePin { sha256: Some("00".repeat(32)), ..pin("swapped", "1.0.0", &["ada"]) }),
        later(CratePin { owners: None, ..pin("unclear", "1.0.0", &[]) }),
    ];
    let renewal = renew(&old, &now);
    assert_eq!(renewal.added, ["new"]);
    assert_eq!(renewal.renewed, ["bumped"]);
    assert_eq!(renewal.removed, ["gone"]);
    assert_eq!(renewal.held, ["handed", "swapped", "unclear"]);
    let kept = |name: &str| renewal.pins.crates.iter().find(|pin| pin.name == name).unwrap();
    assert_eq!(kept("same"), &old.crates[3], "day and reason stay");
    assert_eq!(kept("bumped").version, "1.1.0");
    assert_eq!(kept("handed"), &old.crates[2]);
    assert_eq!(renewal.pins.models, old.models);
}

#[test]
fn accepting_one_change_keeps_its_reason_and_touches_nothing_else() {
    let mut pins = sample();
    let now = [pin("acme", "1.0.0", &["ada", "mira"])];
    assert!(accept(&mut pins, &now, "acme", "mira joined, see the announcement"));
    assert_eq!(pins.crates[0].reason.as_deref(), Some("mira joined, see the announcement"));
    assert_eq!(pins.crates[1], sample().crates[1]);
    assert!(!accept(&mut pins, &now, "nobody", "x"));
    let renewed = renew(&pins, &[CratePin { version: "1.0.1".to_owned(), ..now[0].clone() }]);
    assert_eq!(renewed.pins.crates[0].reason, pins.crates[0].reason, "it stays over a renewal");
}

#[test]
fn build_code_that_was_pinned_is_not_renewed_over_other_code() {
    let build = |byte: &str, can: &[&str]| {
        Some(BuildPin {
            sha256: Some(byte.repeat(32)),
            files: vec!["build.rs".to_owned()],
            can: can.iter().map(|&word| word.to_owned()).collect(),
        })
    };
    let old = Pins {
        crates: vec![CratePin { build: build("aa", &[]), ..pin("acme", "1.0.0", &["ada"]) }],
        ..Pins::default()
    };
    let now = |build| CratePin { build, sha256: None, ..pin("acme", "1.1.0", &["ada"]) };
    for other in [build("bb", &["network"]), Some(BuildPin::default()), None] {
        let renewal = renew(&old, &[now(other.clone())]);
        assert_eq!(
            (renewal.held.as_slice(), &renewal.pins),
            (&["acme".to_owned()][..], &old),
            "{other:?}"
        );
    }
    let renewal = renew(&old, &[now(build("aa", &[]))]);
    assert_eq!(renewal.renewed, ["acme"], "the same code in another version");
    let text = "version = 1\n\n[[crate]]\nname = \"a\"\nversion = \"1.0.0\"\nbuild-code = \"x\"\nseen = \"2026-01-01\"\n";
    let error = parse_pins(text, "custody.lock").unwrap_err().to_string();
    assert!(error.contains("custody.lock:6") && error.contains("build-code"), "{error}");
}
