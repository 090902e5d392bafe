use super::*;
use custody_bytes::zip_reader::sample;
use std::io::{Cursor, Write as _};

const PICKLE: &[u8] = b"\x80\x02cposix\nsystem\nX\x04\0\0\0echo\x85R.";

fn of(path: &str, bytes: &[u8]) -> Option<Sign> {
    sign(path, bytes.len() as u64, &mut u64::MAX.clone(), || Ok(Cursor::new(bytes.to_vec())))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn a_pickle_is_found_under_any_name_and_any_layer_of_compression() {
    for name in ["m.pkl", "m.pck", "m.params", "m.fai", "m.pkl.bak", "m.npy", "m.0", "m", "m.txt"] {
        assert_eq!(of(name, PICKLE), Some(Sign::Weights), "{name}");
    }
    let mut packed = PICKLE.to_vec();
    for layers in 1..=5 {
        packed = gzip(&packed);
        assert_eq!(of("models/m.pkl.gz", &packed), Some(Sign::Weights), "{layers}");
        assert_eq!(of("anything", &packed), Some(Sign::Weights), "{layers}");
    }
    let zip = sample::archive(&[sample::entry("archive/data.pkl", PICKLE)]);
    for name in ["m.zip", "m.mar", "m.whl", "m.bin"] {
        assert_eq!(of(name, &zip), Some(Sign::Weights), "{name}");
    }
    assert_eq!(of("logs.txt.gz", &gzip(b"one line\n")), None);
    assert_eq!(of("data.csv.gz", &gzip(b"a,b\n1,2\n")), None);
    assert_eq!(of("a.zip", &sample::archive(&[sample::entry("a.txt", b"hi")])), None);
    assert_eq!(of("a.mar", &[0x91; 100]), None);
}

#[test]
fn what_loaders_ask_for_by_name_is_found_whatever_it_holds() {
    for name in [
        "pytorch_model.bin",
        "adapter_model.bin",
        "training_args.bin",
        "pytorch_model-00001-of-00002.bin",
    ] {
        for bytes in [&b"\x11\x22\x33"[..], b"<!DOCTYPE html><html></html>", b"\x89PNG\r\n\x1a\n"] {
            assert_eq!(of(name, bytes), Some(Sign::Weights), "{name}");
        }
    }
    assert_eq!(of("m.pkl", b"\x11\x22\x33"), Some(Sign::Weights));
    assert_eq!(of("firmware/blob.bin", b"\x11\x22\x33"), None);
    assert_eq!(of("config.pkl", b"amends \"pkl:Project\"\n"), None);
}

#[test]
fn text_that_only_ends_like_weights_is_told_apart() {
    assert_eq!(of("locales/messages.pt", "ola = Olá\n".as_bytes()), Some(Sign::Text));
    assert_eq!(of("model.pt", b"<html></html>"), Some(Sign::Weights));
    assert_eq!(of("x.pt", b"cposix\nsystem\n(S'echo'\ntR."), Some(Sign::Weights));
}

#[test]
fn configuration_and_templates_tell_by_what_they_say() {
    for (name, text) in [
        ("m/config.json", "{\"auto_map\": {\"AutoModel\": \"evil/x--m.C\"}}"),
        ("m/config.json", "{\"\\u0061uto_map\"\n: {\"AutoModel\": \"x.Y\"}}"),
        ("m/tokenizer_config.json", "{\"chat_template\": \"{{ x }}\"}"),
        ("m/processor_config.json", "{\"chat_template\": \"{{ x }}\"}"),
        ("m/chat_template.json", "{\"chat_template\": \"{{ x }}\"}"),
        ("m/chat_template.jinja", "{{ x }}"),
        ("m/additional_chat_templates/a.jinja", "{{ x }}"),
        ("m/adapter_config.json", "{\"peft_type\": \"LORA\"}"),
        ("m/keras_metadata.pb", "\n@"),
        ("m/modules.json", "[{\"idx\": 0, \"type\": \"evil.X\"}]"),
        ("m/handler.py", "class EndpointHandler: pass"),
        ("m/custom_generate/generate.py", "import os\nos.listdir()"),
    ] {
        assert_eq!(of(name, text.as_bytes()), Some(Sign::Tells), "{name}");
    }
    for (name, text) in [
        ("tokenizer_config.json", "{}"),
        ("handler.py", "def handler(event, context): pass"),
        ("generate.py", "def generate(): pass"),
        ("templates/nav.jinja", "{{ request.__class__ }}"),
        ("tests/inputs/attr.jinja", "{{ foo.__class__ }}"),
    ] {
        assert_eq!(of(name, text.as_bytes()), None, "{name}");
    }
    let common = [
        ("config.json", "{\"port\": 8080, \"auto_map\": false}"),
        ("modules.json", "[{\"name\": \"auth\", \"type\": \"module\"}]"),
    ];
    for (name, text) in common {
        assert_eq!(of(name, text.as_bytes()), Some(Sign::Configuration), "{name}");
    }
}
