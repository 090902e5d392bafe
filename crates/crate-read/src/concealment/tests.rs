//! Attack shapes and their innocent twins, made from text.

use std::io::Write as _;

use super::*;

mod trailing_data {
    use super::*;

    fn png() -> Vec<u8> {
        b"\x89PNG\r\n\x1a\n\0\0\0\x02tEXtab\x01\x02\x03\x04\0\0\0\0IEND\xae\x42\x60\x82".to_vec()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).expect("memory");
        encoder.finish().expect("memory")
    }

    fn wav() -> Vec<u8> {
        let mut bytes = b"RIFF\x0c\0\0\0WAVEdata\0\0\0\0".to_vec();
        bytes.truncate(20);
        bytes
    }

    #[test]
    fn data_behind_the_end_is_found_in_every_format() {
        for (format, whole) in [("png", png()), ("gzip", gzip(b"hello")), ("riff", wav())] {
            assert_eq!(trailing(&whole), None, "{format}");
            let mut hidden = whole.clone();
            hidden.extend(b"echo hidden");
            let found = trailing(&hidden).expect(format);
            assert_eq!((found.format, found.at, found.length), (format, whole.len() as u64, 11));
        }
    }

    #[test]
    fn padding_line_ends_and_further_members_are_innocent() {
        let mut padded = gzip(b"hello");
        padded.extend(gzip(b"again"));
        padded.extend([0; 512]);
        assert_eq!(trailing(&padded), None);
        let mut edited = png();
        edited.extend(b"\r\n");
        assert_eq!(trailing(&edited), None);
    }

    #[test]
    fn broken_streams_are_no_finding_and_no_panic() {
        for whole in [png(), gzip(b"hello"), wav(), b"PK\x03\x04".to_vec()] {
            for end in 0..whole.len() {
                let _ = trailing(&whole[..end]);
            }
        }
        let mut huge = b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXt".to_vec();
        huge.extend([0; 64]);
        assert_eq!(trailing(&huge), None);
        assert_eq!(trailing(b"RIFF\xff\xff\xff\xffWAVE"), None);
    }
}

mod text {
    use super::*;

    fn kinds(text: &str, syntax: Syntax) -> Vec<(HiddenKind, Place, u64)> {
        hidden_characters(text, syntax).into_iter().map(|h| (h.kind, h.place, h.line)).collect()
    }

    #[test]
    fn bidi_controls_are_told_by_place() {
        let text = "let a = \"\u{2066}\";\n/* \u{202E} */\nlet \u{2067}b = 1;\nr#\"\u{202A}\"#";
        assert_eq!(
            kinds(text, Syntax::Rust),
            [
                (HiddenKind::Bidi, Place::String, 1),
                (HiddenKind::Bidi, Place::Comment, 2),
                (HiddenKind::Bidi, Place::Code, 3),
                (HiddenKind::Bidi, Place::String, 4),
            ]
        );
        assert_eq!(
            kinds("x=1 # \u{202E}\ny\u{200B}=2\n", Syntax::Hash),
            [(HiddenKind::Bidi, Place::Comment, 1), (HiddenKind::Invisible, Place::Code, 2)]
        );
    }

    #[test]
    fn rows_of_selectors_carry_a_payload_and_one_does_not() {
        let payload = format!("eval('{}')", "\u{E0101}".repeat(40));
        assert_eq!(kinds(&payload, Syntax::C), [(HiddenKind::Payload, Place::String, 1)]);
        assert_eq!(kinds("let heart = \"❤\u{FE0F}\";", Syntax::Rust), []);
    }

    #[test]
    fn joiners_in_emoji_and_indic_text_and_a_leading_mark_are_innocent() {
        assert_eq!(kinds("// 👩\u{200D}🔬 क्\u{200D}ष می\u{200C}خواهم", Syntax::Rust), []);
        assert_eq!(kinds("\u{FEFF}fn a() {}", Syntax::Rust), []);
        assert_eq!(kinds("fn a\u{FEFF}() {}", Syntax::Rust).len(), 1);
        assert_eq!(kinds("// Ünïcödé straße → λ 中文", Syntax::Rust), []);
        assert_eq!(kinds("let a = '\u{202E}'; let b: &'a str;", Syntax::Rust)[0].1, Place::String);
    }

    #[test]
    fn names_that_look_like_others_are_found_and_mathematics_is_not() {
        // Cyrillic es and o, Latin p and y
        let found = look_alikes("fn \u{441}\u{43e}py() {}\n");
        assert_eq!((found[0].looks_like.as_str(), found[0].line), ("copy", 1));
        assert_eq!(look_alikes("let Δt = σ_x * α; let größe = ñandú; // \u{441}opy"), []);
        assert_eq!(look_alikes("let переменная = 1; let s = \"\u{441}opy\";"), []);
    }

    #[test]
    fn an_endless_encoded_line_is_found_and_wrapped_text_is_not() {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let line = format!("x\ndata={}\n", alphabet.repeat(80));
        let found = encoded_line(line.as_bytes()).expect("5,120 characters");
        assert_eq!((found.encoding, found.line), (Encoding::Base64, 2));
        let hex = "0123456789abcdef".repeat(300);
        assert_eq!(encoded_line(hex.as_bytes()).map(|e| e.encoding), Some(Encoding::Hex));
        let wrapped = format!("{alphabet}\n").repeat(200);
        assert_eq!(encoded_line(wrapped.as_bytes()), None);
        assert_eq!(encoded_line("-".repeat(9000).as_bytes()), None);
        assert_eq!(encoded_line("word and word ".repeat(900).as_bytes()), None);
    }

    #[test]
    fn a_long_line_is_told_by_its_number_wherever_it_stands() {
        let long = "0123456789abcdef".repeat(256);
        // Short lines before it, so that it begins everywhere in a step and at its borders.
        for before in [0, 1, 2, 63, 64, 65, 127, 128, 129, 500] {
            let short = format!("{}\n", "x".repeat(63)).repeat(before);
            for behind in ["", "\n", "\nend"] {
                let text = format!("{short}{long}{behind}");
                let found = encoded_line(text.as_bytes()).map(|found| (found.line, found.length));
                assert_eq!(found, Some((before as u64 + 1, 4096)), "{before} {behind:?}");
            }
            let two = format!("{short}{long}\n\n{long}0\n");
            let found = encoded_line(two.as_bytes()).map(|found| (found.line, found.length));
            assert_eq!(found, Some((before as u64 + 3, 4097)), "{before}");
        }
        assert_eq!(encoded_line(&long.as_bytes()[1..]), None);
    }

    #[test]
    fn cut_texts_are_read_without_panic() {
        let text = "fn \u{441}() { r##\"é\"# '\\u{1}' '\u{202E}' /* /* \u{2066} */ \"\\é";
        for end in 0..text.len() {
            if let Some(cut) = text.get(..end) {
                for syntax in [Syntax::Rust, Syntax::C, Syntax::Hash] {
                    let _ = hidden_characters(cut, syntax);
                }
                let _ = look_alikes(cut);
            }
        }
    }
}

mod settings {
    use super::*;

    #[test]
    fn cargo_configuration_that_names_programs_is_read() {
        let text =
            b"[build]\nrustc-wrapper = \"./tools/wrap\"\n[target.x86_64-unknown-linux-gnu]\n\
                     linker = \"./ld\"\nrustflags = [\"-C\"]\n";
        let found = configured_programs(".cargo/config.toml", text);
        let keys: Vec<_> = found.iter().map(|p| (p.key.as_str(), p.line)).collect();
        assert_eq!(
            keys,
            [("build.rustc-wrapper", 2), ("target.x86_64-unknown-linux-gnu.linker", 4)]
        );
        assert_eq!(configured_programs("config.toml", text), []);
        let harmless = b"[build]\nrustflags = [\"--cfg\", \"x\"]\n[alias]\nxtask = \"run\"\n";
        assert_eq!(configured_programs("a/.cargo/config", harmless), []);
    }

    #[test]
    fn patterns_that_hide_build_inputs_are_told_from_everyday_ones() {
        for (pattern, input) in [
            ("*.m4", Some("x.m4")),
            ("/m4/build-to-host.m4", Some("x.m4")),
            ("build.rs", Some("build.rs")),
            ("*.c", Some("x.c")),
            ("Makefile*", Some("Makefile.am")),
            ("*.cmake", Some("x.cmake")),
            ("/target", None),
            ("*.o", None),
            ("*", None),
            ("tests/*.c", None),
            ("Cargo.lock", None),
            ("*.rs.bk", None),
            ("# *.c", None),
            ("!*.c", None),
            ("build/", None),
        ] {
            assert_eq!(build_input(pattern), input, "{pattern}");
        }
    }

    #[test]
    fn manifests_are_compared_beyond_what_packaging_rewrites() {
        let table = |text: &str| text.parse::<toml::Table>().expect("TOML");
        let original = table(
            "[package]\nname=\"a\"\nversion.workspace=true\nlinks=\"z\"\n[lib]\nproc-macro=true\n\
             [dependencies]\nb={workspace=true}\nc={path=\"../c\",version=\"1\"}\n\
             [target.'cfg(unix)'.dependencies]\nd=\"1\"\n[dev-dependencies]\ne={path=\"x\"}\n[features]\nf=[]\n",
        );
        let same = table(
            "[package]\nname=\"a\"\nversion=\"1\"\nlinks=\"z\"\nbuild=\"build.rs\"\n[lib]\nproc-macro=true\n\
             [dependencies.b]\nversion=\"1\"\npackage=\"bee\"\n[dependencies.c]\nversion=\"1\"\n\
             [target.\"cfg(unix)\".dependencies.d]\nversion=\"1\"\n[features]\nf=[]\n",
        );
        assert_eq!(differences(&same, &original), []);
        let mut other = same.clone();
        other.insert("features".to_owned(), table("f=[]\ng=[]\n").into());
        other.insert(
            "dependencies".to_owned(),
            table("b=\"1\"\nc={version=\"1\",package=\"evil\"}\nx=\"1\"").into(),
        );
        let found = differences(&other, &original);
        let keys: Vec<_> = found.iter().map(|d| (d.kind, d.key.as_str())).collect();
        assert_eq!(
            keys,
            [
                (DifferenceKind::Dependency, "c"),
                (DifferenceKind::Dependency, "x"),
                (DifferenceKind::Feature, "g"),
            ]
        );
    }
}
