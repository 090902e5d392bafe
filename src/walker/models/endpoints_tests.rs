use super::*;

fn values(path: &str, text: &str) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    scan(path, text, &mut found);
    found.into_iter().map(|setting| (setting.line, setting.value)).collect()
}

#[test]
fn every_way_to_set_the_endpoint_is_seen() {
    let mirror = "https://mirror.example.invalid";
    for text in [
        format!("ENV HF_ENDPOINT={mirror}\n"),
        format!("ENV HF_ENDPOINT {mirror}\n"),
        format!("export HF_ENDPOINT=\"{mirror}\"\n"),
        format!("os.environ['HF_ENDPOINT'] = '{mirror}'\n"),
        format!("std::env::set_var(\"HF_ENDPOINT\", \"{mirror}\");\n"),
        format!("  HF_ENDPOINT: {mirror}\n"),
        format!("- name: HF_ENDPOINT\n  value: \"{mirror}\"\n"),
        format!("ApiBuilder::new().with_endpoint(\"{mirror}\".to_owned())\n"),
    ] {
        assert_eq!(values("deploy/x.yaml", &text), [(1, mirror.to_owned())], "{text}");
    }
}

#[test]
fn the_default_a_comment_a_test_and_a_reader_set_nothing() {
    for text in [
        "HF_ENDPOINT=https://huggingface.co/\n",
        "# HF_ENDPOINT=https://mirror.example.invalid\n",
        "// set_var(\"HF_ENDPOINT\", \"https://mirror.example.invalid\")\n",
        "let base = std::env::var(\"HF_ENDPOINT\");\n",
        "MY_HF_ENDPOINT=https://mirror.example.invalid\n",
    ] {
        assert!(values("src/main.rs", text).is_empty(), "{text}");
    }
    assert!(values("tests/a.rs", "HF_ENDPOINT=https://mirror.example.invalid\n").is_empty());
}

#[test]
fn a_file_full_of_settings_is_bounded() {
    let text = "HF_ENDPOINT=https://a.example.invalid\n".repeat(5_000);
    assert_eq!(values("a.sh", &text).len(), LIMIT);
}
