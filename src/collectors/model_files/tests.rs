use std::fs;

use super::*;

const EVIL: &[u8] = b"\x80\x02cposix\nsystem\nX\x04\0\0\0echo\x85R.";

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let place = folder.path().join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
    }
    folder
}

#[test]
fn a_denied_import_is_told_with_its_place_and_reason() {
    let folder = folder(&[("weights/model.bin", EVIL)]);
    let facts = measure(folder.path()).unwrap();
    let file = &facts.files[0];
    assert_eq!((file.path.as_str(), file.format.as_str()), ("weights/model.bin", "pickle"));
    let import = &file.imports[0];
    assert_eq!(import.verdict, ImportVerdict::Denied);
    assert_eq!((import.offset, import.opcode.as_str()), (2, "GLOBAL"));
    assert_eq!(file.calls[0].arguments, "'echo'");
    assert_eq!((facts.denied_imports, facts.pickle_files), (1, 1));
}

#[test]
fn a_partial_is_as_harmless_as_its_function() {
    let partial = |function: &str| format!("cfunctools\npartial\n(c{function}\ntR.").into_bytes();
    let folder = folder(&[
        ("a.pkl", &partial("numpy\nlog1p")),
        ("b.pkl", &partial("os\nsystem")),
        ("c.pkl", &partial("mine\nthing")),
    ]);
    let facts = measure(folder.path()).unwrap();
    let verdicts: Vec<_> = facts.files.iter().map(|file| file.imports[0].verdict).collect();
    let wanted = [ImportVerdict::Allowed, ImportVerdict::Denied, ImportVerdict::Unknown];
    assert_eq!(verdicts, wanted);
    assert!(facts.files[0].calls.is_empty(), "{:?}", facts.files[0].calls);
}

#[test]
fn each_kind_is_handed_to_its_parser_whatever_it_is_called() {
    let folder = folder(&[
        ("a.bin", b"\x02\0\0\0\0\0\0\0{}"),
        ("config", br#"{"auto_map": {"AutoModel": "modeling_x.X"}}"#),
        ("helper", b"#!/usr/bin/env python\nimport os\nos.system('echo')\n"),
        ("README.md", b"import os\nos.system('echo')\n"),
        ("tokenizer.json", br#"{"chat_template": "{{ messages.__class__ }}"}"#),
    ]);
    let facts = measure(folder.path()).unwrap();
    assert_eq!(facts.safetensors.len(), 1);
    assert_eq!(facts.configs.len(), 2, "{:?}", facts.configs);
    assert_eq!((facts.python.len(), facts.python[0].path.as_str()), (1, "helper"));
    assert_eq!(facts.templates[0].member, "#chat_template");
    let template = facts.files.iter().find(|file| file.path == "tokenizer.json").unwrap();
    assert!(template.anomalies.iter().any(|anomaly| anomaly.source == "template"));
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_never_stops_the_next_file() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("a-empty", b""), ("z.pkl", EVIL)]);
    symlink(folder.path(), folder.path().join("loop")).unwrap();
    symlink("/does/not/exist", folder.path().join("nowhere")).unwrap();
    symlink("/dev/zero", folder.path().join("device")).unwrap();
    symlink(folder.path().join("z.pkl"), folder.path().join("link.pkl")).unwrap();
    let facts = measure(folder.path()).unwrap();
    assert_eq!(facts.denied_imports, 2);
    let reasons: Vec<_> =
        facts.unscannable.iter().map(|one| (one.path.as_str(), one.reason.as_str())).collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons.contains(&("loop", "a link to a folder is not followed")));
    assert!(reasons.contains(&("device", "no regular file")));
}

#[test]
fn measuring_twice_says_the_same() {
    let files: Vec<(String, &[u8])> = (0..40).map(|at| (format!("f{at}"), EVIL)).collect();
    let borrowed: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let folder = folder(&borrowed);
    assert_eq!(measure(folder.path()).unwrap(), measure(folder.path()).unwrap());
}

#[test]
fn a_trace_reads_like_a_listing() {
    let folder = folder(&[("model.bin", EVIL)]);
    let how = Look { trace: true, ..Look::default() };
    let (_, traces) = look(&folder.path().join("model.bin"), &how).unwrap();
    let text = traces[0].lines.join("\n");
    assert!(text.contains("GLOBAL           import posix.system"), "{text}");
    assert!(text.contains("REDUCE           call posix.system('echo')"), "{text}");
}

#[test]
fn facts_survive_being_saved() {
    let folder = folder(&[("model.bin", EVIL)]);
    let facts = measure(folder.path()).unwrap();
    let text = serde_json::to_string(&facts).unwrap();
    assert_eq!(serde_json::from_str::<ModelFacts>(&text).unwrap(), facts);
}

#[test]
fn benign_files_of_the_real_libraries_have_no_denied_import() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/benign");
    let facts = measure(&root).unwrap();
    let denied: Vec<_> = facts
        .files
        .iter()
        .flat_map(|file| &file.imports)
        .filter(|import| import.verdict == ImportVerdict::Denied)
        .collect();
    assert!(denied.is_empty(), "{denied:#?}");
    let odd: Vec<_> = facts
        .files
        .iter()
        .flat_map(|file| &file.anomalies)
        .map(|anomaly| anomaly.kind.as_str())
        .filter(|kind| !["carried-code", "lambda-layer", "npy-objects"].contains(kind))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
    assert_eq!((facts.unknown_imports, facts.unscannable.len()), (0, 0));
    assert!(facts.file_count > 0);
}

#[test]
fn a_file_that_vanishes_or_turns_into_something_else_is_told() {
    let folder = folder(&[("gone.pkl", EVIL), ("turned.pkl", EVIL), ("stays.pkl", EVIL)]);
    let entries = list(folder.path()).unwrap();
    fs::remove_file(folder.path().join("gone.pkl")).unwrap();
    fs::remove_file(folder.path().join("turned.pkl")).unwrap();
    fs::create_dir(folder.path().join("turned.pkl")).unwrap();
    let how = Look::default();
    let facts = gather(entries.iter().map(|entry| entry.scan(&how)).collect());
    assert_eq!(facts.denied_imports, 1);
    let told: Vec<_> = facts.unscannable.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(told, ["gone.pkl", "turned.pkl"]);
    assert_eq!(facts.unscannable[1].reason, "no regular file");
}

/// The memory of this process is a regular file by its mode, and nothing is mapped at its start.
#[cfg(target_os = "linux")]
#[test]
fn a_file_whose_reading_fails_is_told_and_the_next_one_scanned() {
    let folder = folder(&[("z.pkl", EVIL)]);
    std::os::unix::fs::symlink("/proc/self/mem", folder.path().join("a.bin")).unwrap();
    let facts = measure(folder.path()).unwrap();
    assert_eq!((facts.denied_imports, facts.file_count), (1, 2));
    let told: Vec<_> = facts.unscannable.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(told, ["a.bin"]);
    assert!(facts.unscannable[0].reason.contains("Input/output error"), "{facts:?}");
}

/// Bytes up to a place, then a disk that fails.
struct Failing(std::io::Cursor<Vec<u8>>, u64);

impl std::io::Read for Failing {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match usize::try_from(self.1.saturating_sub(self.0.position())).unwrap() {
            0 => Err(std::io::Error::other("the disk fails")),
            left => {
                let count = left.min(into.len());
                self.0.read(&mut into[..count])
            }
        }
    }
}

impl std::io::Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_disk_that_fails_anywhere_in_a_file_is_told_or_was_not_needed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/benign");
    for place in walkdir::WalkDir::new(root).into_iter().map(Result::unwrap) {
        if !place.file_type().is_file() || place.metadata().unwrap().len() > 2_000 {
            continue;
        }
        let bytes = fs::read(place.path()).unwrap();
        let size = bytes.len() as u64;
        let facts = |end| {
            let mut source = Failing(std::io::Cursor::new(bytes.clone()), end);
            gather(vec![scan::scan(&mut source, size, "m", false)])
        };
        let whole = facts(u64::MAX);
        for end in 0..size {
            let facts = facts(end);
            let told = !facts.unscannable.is_empty() || !facts.files[0].anomalies.is_empty();
            assert!(told || facts == whole, "{} at {end}: {facts:#?}", place.path().display());
        }
    }
}

#[test]
fn every_cut_and_every_flipped_bit_of_a_file_is_read_without_a_panic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/benign");
    for name in
        ["safetensors/model.safetensors", "gguf/tiny.gguf", "onnx/tiny.onnx", "numpy/objects.npz"]
    {
        let whole = fs::read(root.join(name)).unwrap();
        let scan = |bytes: &[u8]| {
            let size = bytes.len() as u64;
            scan::scan(&mut std::io::Cursor::new(bytes), size, "m", false)
        };
        assert!(scan(&whole).unscannable.is_empty(), "{name}");
        for cut in 0..whole.len() {
            scan(&whole[..cut]);
        }
        for at in 0..whole.len().min(600) * 8 {
            let mut flipped = whole.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            scan(&flipped);
        }
    }
}

#[test]
fn a_hash_is_for_small_files_and_for_who_asks() {
    let large = vec![0; usize::try_from(HASHED + 1).unwrap()];
    let folder = folder(&[("large", &large), ("small", b"abc")]);
    let hashes = |how: &Look| -> Vec<Option<String>> {
        look(folder.path(), how).unwrap().0.files.into_iter().map(|file| file.sha256).collect()
    };
    let some = hashes(&Look::default());
    assert_eq!(some[0], None);
    assert!(some[1].as_ref().unwrap().starts_with("ba7816bf8f01cfea"));
    assert!(hashes(&Look { hash: true, ..Look::default() })[0].is_some());
}

#[test]
fn what_a_package_says_of_itself_is_no_code_and_emoji_hide_nothing() {
    let said = "Name: x\n\n```\nfrom x import y\nimport os\nos.system('echo')\n```\n";
    let code = "import os\nprint('\u{1f937}\u{200d}\u{2642}\u{fe0f}')\n";
    let hidden = "import os\nprint('a\u{200d}b')\n";
    let folder = folder(&[
        ("x.dist-info/METADATA", said.as_bytes()),
        ("code.py", code.as_bytes()),
        ("hidden.py", hidden.as_bytes()),
    ]);
    let facts = measure(folder.path()).unwrap();
    let read: Vec<_> = facts.python.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(read, ["code.py", "hidden.py"]);
    let odd: Vec<_> = facts.files.iter().map(|file| file.anomalies.len()).collect();
    assert_eq!(odd, [0, 1, 0]);
}

/// As the real file begins, by field numbers: a version, a description of features, a program.
#[test]
fn core_ml_is_no_broken_onnx_and_hides_none() {
    let feature = b"\x0a\x07input_2\x1a\x02\x2a\x00";
    let mut description = vec![0x0a, u8::try_from(feature.len()).unwrap()];
    description.extend(feature);
    let model = |then: &[u8]| {
        let mut out = vec![0x08, 6, 0x12, u8::try_from(description.len()).unwrap()];
        out.extend(&description);
        out.extend(then);
        out
    };
    let program = model(b"\xb2\x1f\x02\x08\x01");
    // The same start, but a graph follows, with an operator of a stranger.
    let graph = model(b"\x3a\x0c\x0a\x0a\x22\x02Op\x3a\x04evil");
    let folder = folder(&[("a.mlmodel", &program), ("b.mlmodel", &graph)]);
    let facts = measure(folder.path()).unwrap();
    assert_eq!(facts.formats.get("coreml"), Some(&2), "{:?}", facts.formats);
    assert!(facts.files[0].anomalies.is_empty(), "{:?}", facts.files[0].anomalies);
    assert_eq!(facts.files[1].anomalies[0].kind, "custom-domain");
}

/// What is told of a file as not looked at, by its path.
fn reasons(folder: &Path) -> std::collections::BTreeMap<String, String> {
    let facts = measure(folder).unwrap();
    facts.unscannable.into_iter().map(|one| (one.path, one.reason)).collect()
}

#[test]
fn what_a_loader_would_open_and_nobody_understands_is_named() {
    // Bytes of no kind: a multiplicative sequence, with no zero at its start.
    let noise: Vec<u8> =
        (1..4_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x81).collect();
    let folder = folder(&[
        ("noise.pt", &noise),
        ("bare", &noise),
        ("empty.safetensors", b""),
        ("config.json", b""),
        ("page.ckpt", b"<html><body>404</body></html>"),
        ("words.pkl", b"the quick brown fox\n"),
        ("cut.safetensors", b"\xff\0\0\0\0\0\0\0{\"a\":"),
        ("cut.onnx", b"\x08\x07\x12\x07pytorch"),
        ("picture.png", &noise),
        ("README.md", b"words"),
        ("vocab.txt", b""),
        ("whole.safetensors", b"\x02\0\0\0\0\0\0\0{}"),
    ]);
    let told = reasons(folder.path());
    let names: Vec<&str> = told.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "bare",
            "config.json",
            "cut.onnx",
            "cut.safetensors",
            "empty.safetensors",
            "noise.pt",
            "page.ckpt",
            "words.pkl"
        ]
    );
    assert_eq!(told["noise.pt"], "its bytes are of no kind that is read");
    assert_eq!(told["words.pkl"], "it is text, and its name announces weights");
    assert!(told["cut.safetensors"].starts_with("it is cut or damaged"), "{told:?}");
}

#[test]
fn plain_numbers_beside_the_file_that_describes_them_are_understood() {
    let noise = [0x91_u8; 64];
    let folder = folder(&[
        ("a/openvino.xml", b"<?xml version=\"1.0\"?><net/>"),
        ("a/openvino.bin", &noise),
        ("b/lonely.bin", &noise),
    ]);
    assert_eq!(reasons(folder.path()).keys().collect::<Vec<_>>(), ["b/lonely.bin"]);
}

#[test]
fn a_page_is_no_model_unless_its_bytes_are_a_pickle() {
    let folder = folder(&[
        ("a.pdf", b"%PDF-1.4"),
        ("b.rs", b"fn main() {}"),
        ("c.md", EVIL),
        ("d.pt", b"x"),
        ("e", b"root:x:0:0:root:/root:/bin/sh\n"),
        ("0123456789abcdef0123456789abcdef01234567", b"{}"),
        ("f", b"{% for m in messages %}"),
        ("g", EVIL),
    ]);
    let blob = "0123456789abcdef0123456789abcdef01234567";
    let told: Vec<bool> = ["a.pdf", "b.rs", "c.md", "d.pt", "e", "gone.pt", blob, "f", "g"]
        .iter()
        .map(|name| may_be_model(&folder.path().join(name)))
        .collect();
    assert_eq!(told, [false, false, true, true, false, true, true, true, true]);
}

#[test]
fn code_or_configuration_alone_makes_a_model_folder() {
    for (name, text) in [
        ("config.json", r#"{"auto_map": {"AutoModel": "modeling_x.X"}}"#),
        ("modeling_x.py", "import torch\nclass X: pass\n"),
        ("handler.py", "class EndpointHandler: pass\n"),
        ("custom_generate/generate.py", "def generate(model): pass\n"),
        ("modules.json", r#"[{"idx": 0, "type": "custom.Module"}]"#),
        ("chat_template.json", "{}"),
        ("processor_config.json", "{}"),
        ("keras_metadata.pb", "x"),
    ] {
        let folder = folder(&[(name, text.as_bytes()), ("requirements.txt", b"torch\n")]);
        assert!(holds_models(folder.path()), "{name}");
    }
    for (name, text) in [
        ("config.json", r#"{"port": 80}"#),
        ("handler.py", "def handle(): pass\n"),
        ("generate.py", "def generate(): pass\n"),
        ("modeling_clay.py", "print('clay')\n"),
        ("modules.json", "[]"),
        ("requirements.txt", "torch\n"),
    ] {
        let folder = folder(&[(name, text.as_bytes())]);
        assert!(!holds_models(folder.path()), "{name}");
    }
}
