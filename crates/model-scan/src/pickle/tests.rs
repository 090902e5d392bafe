use super::*;

/// Events as `kind: text`, without offsets.
fn seen(bytes: &[u8]) -> Vec<String> {
    scan_bytes(bytes)
        .events
        .iter()
        .map(|event| format!("{}: {}", event.what.kind(), event.what))
        .collect()
}

fn has(bytes: &[u8], wanted: &str) -> bool {
    let all = seen(bytes);
    let found = all.iter().any(|event| event.contains(wanted));
    assert!(found, "no `{wanted}` in {all:#?}");
    found
}

/// `module` and `name` as `STACK_GLOBAL`, with memo entries as the C pickler writes them.
fn stack_global(module: &str, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for text in [module, name] {
        out.push(opcode::SHORT_BINUNICODE);
        out.push(u8::try_from(text.len()).unwrap());
        out.extend(text.as_bytes());
        out.push(opcode::MEMOIZE);
    }
    out.push(opcode::STACK_GLOBAL);
    out
}

fn bytes(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

const ECHO: &[u8] = b"\x8c\x04echo\x85R";

/// A framed protocol-4 pickle that calls `posix.system('echo')`.
fn framed() -> Vec<u8> {
    let body = bytes(&[&stack_global("posix", "system"), ECHO, b"."]);
    let length = (body.len() as u64).to_le_bytes();
    bytes(&[b"\x80\x04\x95", &length, &body])
}

#[test]
fn a_call_is_seen_in_every_protocol_and_spelling() {
    for pickle in [
        b"cposix\nsystem\n(S'echo'\ntR.".to_vec(),
        b"(S'echo'\niposix\nsystem\n.".to_vec(),
        b"(cposix\nsystem\nS'echo'\no.".to_vec(),
        b"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00echoq\x01\x85q\x02Rq\x03.".to_vec(),
        framed(),
    ] {
        has(&pickle, "import: import posix.system");
        has(&pickle, "call: call posix.system('echo')");
        assert_eq!(scan_bytes(&pickle).end, pickle.len() as u64);
    }
}

#[test]
fn plain_data_says_nothing() {
    assert!(seen(b"\x80\x04\x95\x0b\0\0\0\0\0\0\0]\x94(K\x01K\x02K\x03e.").is_empty());
    assert!(seen(b"(lp0\nI1\naF2.5\naS'text'\np1\na.").is_empty());
}

#[test]
fn events_carry_their_offset_and_opcode() {
    let scan = scan_bytes(b"\x80\x02cposix\nsystem\nN\x85R.");
    let lines: Vec<_> = scan.events.iter().map(|e| (e.offset, e.opcode)).collect();
    assert_eq!(lines, [(2, "GLOBAL"), (18, "REDUCE")]);
    assert!(scan.trace()[1].starts_with("0x000012 REDUCE"), "{:?}", scan.trace());
}

#[test]
fn the_last_put_wins_and_pops_are_honoured() {
    // Memo 0 is first harmless, then the dangerous module.
    let pickle = b"\x80\x04\x8c\x04mathq\x000\x8c\x05posixq\x00h\x00\x8c\x06system\x93N\x85R.";
    has(pickle, "import posix.system");
    // A decoy between the names is popped again.
    has(b"\x80\x04\x8c\x05posix\x8c\x05decoy0\x8c\x06system\x93N\x85R.", "import posix.system");
    has(b"\x80\x04\x8c\x05posix(\x8c\x05decoyN1\x8c\x06system\x93N\x85R.", "import posix.system");
    has(b"\x80\x04\x8c\x05posix\x8c\x06system2\x93N\x85R.", "import system.system");
}

#[test]
fn names_may_be_strings_of_any_opcode() {
    has(b"\x80\x04S'os'\nS'sys\\x74em'\n\x93N\x85R.", "import os.system");
    has(b"\x80\x04Vo\\u0073\nU\x06system\x93N\x85R.", "import os.system");
    has(b"\x80\x04T\x02\0\0\0osX\x06\0\0\0system\x93N\x85R.", "import os.system");
}

#[test]
fn a_non_ascii_string_does_not_stop_the_reading() {
    has(b"S'\xe9\xff'\n0cos\nsystem\n(S'echo'\ntR.", "call os.system('echo')");
}

#[test]
fn a_name_that_is_computed_is_dynamic() {
    let pickle = b"\x80\x04\x8c\x02oscbuiltins\nstr\n\x8c\x06system\x85R\x93N\x85R.";
    has(pickle, "dynamic-global: import a computed name: 'os' . builtins.str('system')");
    has(pickle, "call-on-result: call ?(…)(None)");
    has(b"\x80\x04h\x07h\x08\x93.", "dynamic-global");
}

#[test]
fn calling_a_result_names_the_root() {
    let pickle =
        b"cbuiltins\ngetattr\n(cbuiltins\n__import__\n(S'os'\ntRS'system'\ntR(S'echo'\ntR.";
    let scan = scan_bytes(pickle);
    let found = scan.events.iter().find_map(|event| match &event.what {
        What::CallOnResult { root, arguments, .. } => Some((root.clone(), arguments.clone())),
        _ => None,
    });
    let (root, arguments) = found.unwrap();
    assert_eq!((root.unwrap().name.as_str(), arguments.as_str()), ("getattr", "'echo'"));
}

#[test]
fn changing_a_global_itself_is_a_rebinding_and_an_instance_is_not() {
    has(b"cnumpy\nsize\n}S'x'\nI1\nsb.", "build-rebind: change numpy.size itself: {'x': 1}");
    has(b"csys\nmodules\n(S'math'\nNu.", "build-rebind: change sys.modules itself");
    let instance = seen(b"cmine\nThing\n)\x81}S'x'\nI1\nsb.");
    assert!(instance.iter().all(|event| !event.starts_with("build-rebind")), "{instance:?}");
    has(b"cmine\nThing\n)\x81}S'x'\nI1\nsb.", "build-on-result");
}

#[test]
fn extension_codes_persistent_ids_and_drained_iterators_are_seen() {
    has(b"\x80\x02\x82\x07)R.", "extension: extension code 7");
    has(b"\x80\x02\x84\xff\xff\xff\xff)R.", "extension code -1");
    has(b"Psome id\n.", "persistent-id: persistent id some id");
    has(b"\x80\x02K\x05Q.", "persistent id 5");
    let drained =
        b"\x80\x02cbuiltins\ntuple\ncbuiltins\nmap\ncos\nsystem\n]S'echo'\na\x86\x81\x85\x81.";
    has(drained, "iterator-drained: exhaust builtins.map(os.system, ['echo']) by builtins.tuple");
}

#[test]
fn every_stacked_stream_is_read() {
    let mut many = b"N.".repeat(100);
    many.extend(b"cos\nsystem\n(S'echo'\ntR.");
    let scan = scan_bytes(&many);
    assert_eq!((scan.streams, scan.events[0].stream), (101, 100));
}

#[test]
fn reading_goes_on_after_junk_and_keeps_what_was_found() {
    let good = framed();
    let both = bytes(&[b"\x80\x02cmath\nsqrt\n.", &[0xff; 300], &good, &[0xfe; 10]]);
    has(&both, "import math.sqrt");
    has(&both, "trailing-bytes");
    has(&both, "call posix.system('echo')");
    let broken = bytes(&[b"cos\nsystem\n(S'echo'\ntR\xff\xff\xff", &good]);
    has(&broken, "import os.system");
    has(&broken, "truncated: broken off: byte 0xff is no opcode");
    has(&broken, "call posix.system('echo')");
}

#[test]
fn a_reading_that_was_given_up_hides_no_name_from_the_next() {
    // From `c` on this breaks at OBJ, which finds no mark; from `(` on it is a call of the same strings.
    let call = b"X\x02\0\0\0osX\x06\0\0\0system\x93X\x04\0\0\0echoo.";
    let both = bytes(&[b"\x80\x02N.\xff", b"ca\nb\nK(", call]);
    has(&both, "import os.system");
    has(&both, "call os.system('echo')");
    let lines = bytes(&[b"\x80\x02N.\xff", b"ca\nb\nK(", b"cos\nsystem\nX\x04\0\0\0echoo."]);
    has(&lines, "import os.system");
    has(&lines, "call os.system('echo')");
}

#[test]
fn calls_of_a_reading_that_was_given_up_do_not_count() {
    let given_up = b"cos\nsystem\n(S'echo'\ntR\xff".repeat(8);
    let real = b"cos\nsystem\n(S'real'\ntR.";
    let both = bytes(&[b"cos\nsystem\n.\xff", &given_up, real]);
    has(&both, "call os.system('real')");
}

#[test]
fn many_readings_given_up_behind_many_names_end_soon() {
    let mut bytes: Vec<u8> =
        (0..20_000).flat_map(|n| format!("cm\nf{n}\n)R0").into_bytes()).chain(*b"N.\xff").collect();
    bytes.extend(b"(K\x01\n\xff".repeat(100_000));
    let started = std::time::Instant::now();
    assert_eq!(scan_bytes(&bytes).imports().count(), 20_000);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn both_readings_of_a_frame_are_followed() {
    // C goes on after STOP; Python drops the rest of the frame.
    let tail = b"cos\nsystem\n.";
    let rest = b"cposix\npopen\n.";
    let body = bytes(&[b"N.", tail]);
    let length = (body.len() as u64).to_le_bytes();
    let pickle = bytes(&[b"\x80\x04\x95", &length, &body, b"\xff\xff", rest]);
    has(&pickle, "frame-divergence: frames read two ways: 12 bytes of the frame follow STOP");
    has(&pickle, "import os.system");
    has(&pickle, "import posix.popen");
    has(b"\x80\x04\x95\x03\0\0\0\0\0\0\0\x8c\x04abcd.", "reaches 3 bytes over the end");
    has(b"\x80\x04\x95\xff\xff\xff\xff\0\0\0\0N.", "bytes are left");
    assert!(!seen(&framed()).iter().any(|event| event.contains("frame-divergence")));
}

#[test]
fn odd_headers_are_named_and_read_on() {
    has(b"\x80\x09cos\nsystem\n.", "unsupported-proto: protocol 9 does not exist");
    has(b"\x80\x09cos\nsystem\n.", "import os.system");
    has(b"\x80\x02\x80\x02cos\nsystem\n.", "duplicate-proto");
    has(b"N0\x80\x02cos\nsystem\n.", "duplicate-proto");
}

#[test]
fn pickles_in_strings_are_found_through_encodings() {
    use base64::Engine as _;
    use std::io::Write as _;
    let inner = framed();
    let coded = base64::engine::general_purpose::STANDARD.encode(&inner);
    let mut squeezed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    squeezed.write_all(&inner).unwrap();
    let squeezed = squeezed.finish().unwrap();
    let hexed = inner.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    for (name, text) in [
        ("bytes", &inner),
        ("base64", &coded.into_bytes()),
        ("zlib", &squeezed),
        ("hex", &hexed.into_bytes()),
    ] {
        let length = u32::try_from(text.len()).unwrap().to_le_bytes();
        let outer = bytes(&[b"\x80\x03B", &length, text, b"."]);
        let scan = scan_bytes(&outer);
        let call = scan.events.iter().find(|event| event.what.kind() == "call");
        assert_eq!(call.unwrap().inside, [format!("{name}@7")]);
    }
    assert!(seen(b"\x80\x03C\x10ordinary textual.").is_empty());
}

#[test]
fn strings_are_followed_four_deep_and_no_deeper() {
    let mut pickle = framed();
    for depth in 1..=6_u32 {
        let length = u32::try_from(pickle.len()).unwrap().to_le_bytes();
        pickle = bytes(&[b"\x80\x03B", &length, &pickle, b"."]);
        let found = scan_bytes(&pickle).imports().count() == 1;
        assert_eq!(found, depth <= 4, "depth {depth}");
    }
}

#[test]
fn laughs_of_a_billion_are_an_expansion_and_a_long_list_is_not() {
    let mut memo = b"\x80\x04N\x85q\x000".to_vec();
    for level in 0..12_u8 {
        memo.push(b'(');
        memo.extend([b'h', level].repeat(10));
        memo.extend([b't', b'q', level + 1, b'0']);
    }
    memo.extend(b"h\x0c.");
    has(&memo, "expansion: expansion: ");
    let long = bytes(&[b"\x80\x04](", &b"K\x01".repeat(100_000), b"e."]);
    assert!(seen(&long).is_empty());
}

#[test]
fn caps_are_named_and_what_follows_is_still_read() {
    let deep = bytes(&[&b"N".repeat((1 << 20) + 10), b"cos\nsystem\n(S'echo'\ntR."]);
    has(&deep, "values on the stack");
    has(&deep, "import os.system");
    let nested = bytes(&[b"N", &b"\x85".repeat(100_000), b"0cos\nsystem\nN\x85R."]);
    has(&nested, "call os.system(None)");
    let marks = bytes(&[&b"(".repeat((1 << 20) + 10), b"."]);
    has(&marks, "open marks");
}

#[test]
fn a_cut_anywhere_neither_panics_nor_stays_silent() {
    let whole = bytes(&[
        b"\x80\x04(",
        &stack_global("posix", "system"),
        ECHO,
        b"N\x8c\x03abcK\x05\x86}(K\x01K\x02ubt.",
    ]);
    for cut in 0..whole.len() {
        let scan = scan_bytes(&whole[..cut]);
        let broken = scan.events.iter().any(|event| event.what.kind() == "truncated");
        assert_eq!(broken, cut > 0, "cut at {cut}");
    }
}

#[test]
fn flipped_bits_never_panic() {
    let whole = bytes(&[
        &framed(),
        b"(S'echo'\nios\nsystem\n.\x80\x02cposix\nsystem\n}(K\x01K\x02ub\x82\x01Q.",
    ]);
    for at in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        let _ = scan_bytes(&flipped);
    }
}

#[test]
fn absurd_lengths_take_no_memory() {
    for pickle in [
        &b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f."[..],
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"T\xff\xff\xff\xff.",
        b"\x8b\xff\xff\xff\x7f.",
        b"B\xff\xff\xff\xff.",
        b"Nr\xff\xff\xff\xff.",
        b"p99999999999999999999\n.",
    ] {
        let _ = scan_bytes(pickle);
    }
}

/// A wrapper as joblib pickles it, 3 floats, then the raw bytes.
fn joblib(dtype: &str, array: &[u8]) -> Vec<u8> {
    let text = |text: &str| {
        let length = u32::try_from(text.len()).unwrap().to_le_bytes();
        bytes(&[b"X", &length, text.as_bytes()])
    };
    bytes(&[
        b"\x80\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(",
        &text("subclass"),
        b"cnumpy\nndarray\n",
        &text("shape"),
        b"K\x03\x85",
        &text("dtype"),
        b"cnumpy\ndtype\n",
        &text(dtype),
        b"\x89\x88\x87R",
        &text("allow_mmap"),
        b"\x88",
        b"ub",
        array,
    ])
}

#[test]
fn arrays_that_joblib_writes_between_opcodes_are_passed() {
    let array = [0xff; 24];
    let pickle = bytes(&[&joblib("f8", &array), b"cos\nsystem\nN\x85R\x86."]);
    has(&pickle, "call os.system(None)");
    assert!(!seen(&pickle).iter().any(|event| event.starts_with("truncated")));
    // The same bytes read as opcodes by a plain unpickler.
    let hidden = b"0cos\nsystem\nN\x85R.      ";
    let pickle = bytes(&[&joblib("f8", hidden), b"."]);
    has(&pickle, "frame-divergence: frames read two ways: bytes that joblib reads");
    has(&pickle, "call os.system(None)");
}

#[test]
fn an_object_array_of_joblib_is_a_pickle_inside_the_pickle() {
    let inner = b"\x80\x02cos\nsystem\nN\x85R.";
    let pickle = bytes(&[&joblib("O8", inner), b"cmath\nsqrt\n\x86."]);
    has(&pickle, "call os.system(None)");
    has(&pickle, "import math.sqrt");
    assert_eq!(scan_bytes(&pickle).end, pickle.len() as u64);
}

#[test]
fn a_frame_that_joblib_ends_before_an_object_array_is_no_divergence() {
    let wrapper = joblib("O8", b"");
    let framed =
        bytes(&[b"\x80\x04\x95", &((wrapper.len() - 2) as u64).to_le_bytes(), &wrapper[2..]]);
    let inner = b"\x80\x02K\x01.";
    let pickle = bytes(&[&framed, inner, b"\x95\x03\0\0\0\0\0\0\0K\x01\x86."]);
    let told = seen(&pickle);
    assert!(!told.iter().any(|event| event.starts_with("frame-divergence")), "{told:?}");
}

#[test]
fn storages_of_old_torch_files_are_passed_by_their_declared_size() {
    let object =
        b"\x80\x02(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04NtQ.";
    let keys = b"\x80\x02]X\x01\0\0\x000a.";
    let storage = bytes(&[&4_u64.to_le_bytes(), &[0x63; 16]]);
    let file = bytes(&[b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", object, keys, &storage]);
    let scan = scan_bytes(&file);
    assert_eq!(scan.end, file.len() as u64);
    assert!(!seen(&file).iter().any(|event| event.starts_with("trailing")));
    let more = bytes(&[&file, &framed()]);
    has(&more, "call posix.system");
}

#[test]
fn half_a_gigabyte_of_bytes_is_passed_by_seeking() {
    /// 512 MB of zeros around a few real bytes, that counts what is read.
    struct Sparse {
        at: u64,
        head: Vec<u8>,
        tail: Vec<u8>,
        length: u64,
        read: u64,
    }
    impl std::io::Read for Sparse {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let tail_at = self.length - self.tail.len() as u64;
            let mut done = 0;
            for slot in into.iter_mut() {
                if self.at >= self.length {
                    break;
                }
                let at = usize::try_from(self.at).unwrap();
                *slot = match self.at.checked_sub(tail_at) {
                    Some(inside) => self.tail[usize::try_from(inside).unwrap()],
                    None => self.head.get(at).copied().unwrap_or(0),
                };
                self.at += 1;
                done += 1;
            }
            self.read += done as u64;
            Ok(done)
        }
    }
    impl std::io::Seek for Sparse {
        fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
            self.at = match to {
                std::io::SeekFrom::Start(at) => at,
                std::io::SeekFrom::End(_) => self.length,
                std::io::SeekFrom::Current(_) => self.at,
            };
            Ok(self.at)
        }
    }
    let size: u64 = 512 << 20;
    let head = bytes(&[b"\x80\x04\x8e", &size.to_le_bytes()]);
    let tail = b"0cos\nsystem\nN\x85R.".to_vec();
    let length = head.len() as u64 + size + tail.len() as u64;
    let mut source = Sparse { at: 0, head, tail, length, read: 0 };
    let scan = scan(&mut source, 0..length);
    assert_eq!(scan.imports().count(), 1);
    assert!(source.read <= 64 * 1024, "{} bytes were read", source.read);
}
