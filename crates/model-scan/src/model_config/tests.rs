use super::*;

#[test]
fn code_of_this_and_of_another_repository_is_told_apart() {
    let facts = read(
        br#"{"model_type": "x", "architectures": ["XModel"], "auto_map": {
        "AutoModel": "modeling_x.XModel", "AutoTokenizer": ["org/other--tok.Slow", null],
        "AutoConfig": "org/other--configuration_x.XConfig"}}"#,
    );
    assert!(facts.complete && facts.anomalies.is_empty());
    let seen: Vec<_> = facts
        .code
        .iter()
        .map(|code| (code.repository.as_deref(), code.module.as_str(), code.name.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [
            (None, "modeling_x", Some("XModel")),
            (Some("org/other"), "tok", Some("Slow")),
            (Some("org/other"), "configuration_x", Some("XConfig")),
        ]
    );
    assert_eq!(facts.code[0].key, "auto_map.AutoModel");
}

#[test]
fn an_ordinary_config_names_no_code() {
    let facts = read(br#"{"_name_or_path": "org/base", "architectures": ["LlamaForCausalLM"], "eos_token_id": [1, 2],
        "rope_scaling": {"factor": 8.0}, "quantization_config": {"quant_method": "gptq", "bits": 4}, "init": NaN}"#);
    assert!(facts.complete);
    assert!(facts.code.is_empty() && facts.anomalies.is_empty() && !facts.trust_remote_code);
    assert_eq!(facts.quantization.as_deref(), Some("gptq"));
    assert_eq!(facts.name_or_path.as_deref(), Some("org/base"));
}

#[test]
fn every_other_way_to_name_code_is_seen() {
    for (text, module) in [
        (r#"{"custom_pipelines": {"t": {"impl": "pipe.P"}}}"#, "pipe"),
        (
            r#"{"auto_mapping": {"base_model_class": "M", "parent_library": "transformers_modules.o.r.f"}}"#,
            "transformers_modules.o.r.f",
        ),
        (r#"[{"idx": 0, "name": "0", "path": "", "type": "custom_st.Transformer"}]"#, "custom_st"),
        (
            r#"{"_class_name": "P", "_diffusers_version": "0.1", "unet": ["my_unet", "UNet"]}"#,
            "my_unet",
        ),
        (r#"{"_class_name": ["pipeline_x", "P"], "_diffusers_version": "0.1"}"#, "pipeline_x"),
        ("auto_map:\n  AutoModel: modeling_x.M\n", "modeling_x"),
    ] {
        let facts = read(text.as_bytes());
        assert_eq!(
            facts.code.iter().map(|code| code.module.as_str()).collect::<Vec<_>>(),
            [module],
            "{text}"
        );
    }
    for text in [
        r#"{"_class_name": "P", "_diffusers_version": "0.1", "unet": ["diffusers", "UNet"], "x": [null, null]}"#,
        r#"[{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"}]"#,
        r#"{"auto_mapping": null, "custom_pipelines": {}}"#,
    ] {
        assert!(read(text.as_bytes()).code.is_empty(), "{text}");
    }
}

#[test]
fn an_adapter_names_its_base() {
    let facts = read(
        br#"{"peft_type": "LORA", "base_model_name_or_path": "org/base", "revision": "main"}"#,
    );
    assert_eq!(facts.base_model.as_deref(), Some("org/base"));
    assert_eq!(facts.base_model_revision.as_deref(), Some("main"));
}

#[test]
fn an_index_that_leaves_the_folder_or_names_pickles_is_seen() {
    let facts = read(br#"{"metadata": {}, "weight_map": {"a": "m-1.safetensors", "b": "m-1.safetensors", "c": "x.bin"}}"#);
    assert_eq!((facts.weight_file_count, facts.pickled_weight_files), (2, 1));
    assert!(facts.anomalies.is_empty());
    for file in
        ["../x", "/etc/x", "a/../../x", "..\\\\x", "C:\\\\x", "~/x", "https://example.invalid/x"]
    {
        let facts = read(format!(r#"{{"weight_map": {{"a": "{file}"}}}}"#).as_bytes());
        assert!(facts.anomalies.has("path-leaves-folder"), "{file}");
    }
    assert!(!leaves("sub/model..v2.safetensors"));
}

#[test]
fn templates_are_found_in_every_shape() {
    for (text, keys) in [
        (r#"{"chat_template": "a"}"#, &["chat_template"][..]),
        (
            r#"{"chat_template": [{"name": "default", "template": "a"}, {"name": "rag", "template": "b"}]}"#,
            &["chat_template.default", "chat_template.rag"],
        ),
        (r#"{"x": {"chat_template": {"y": "a"}}}"#, &["x.chat_template.y"]),
        ("chat_template: |\n  a\n  b\n", &["chat_template"]),
        (r#"{"chat_template": null}"#, &[]),
    ] {
        assert_eq!(read(text.as_bytes()).template_keys, keys, "{text}");
    }
}

#[test]
fn hydra_targets_and_python_tags_are_seen() {
    let facts = read(b"model:\n  _target_: os.system\n  x: {_target_: nemo.core.X}\n");
    assert_eq!(facts.targets, ["os.system", "nemo.core.X"]);
    assert!(facts.anomalies.is_empty());
    let facts = read(b"x: !!python/object/apply:os.system ['echo']\n");
    assert!(facts.anomalies.has("yaml-python-tag"), "{:?}", facts.anomalies);
    let facts = read(b"trust_remote_code: yes\n");
    assert!(facts.trust_remote_code);
}

#[test]
fn an_alias_bomb_stays_small() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for n in 1..40 {
        let line = format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(","));
        text.push_str(&line);
    }
    let facts = read(text.as_bytes());
    assert!(facts.anomalies.has("yaml-alias"));
}

#[test]
fn what_hides_a_key_is_named() {
    assert!(read(br#"{"a": 1, "a": 2}"#).anomalies.has("duplicate-key"));
    assert!(read(br#"{"auto_map": "#).anomalies.has("not-json"));
    assert!(
        read(format!("{}1{}", "[".repeat(5000), "]".repeat(5000)).as_bytes())
            .anomalies
            .has("too-deep")
    );
    assert!(read(b"a: [1").anomalies.has("not-yaml"));
    let deep = format!("a: {}{}", "[".repeat(20_000), "]".repeat(20_000));
    assert!(!read(deep.as_bytes()).anomalies.is_empty());
    assert!(read(b"{\"a\": \"\xff\"}").anomalies.has("not-utf8"));
}

#[test]
fn truncation_at_every_byte_is_noticed_in_json_and_survived_in_yaml() {
    let text = br#"{"auto_map": {"AutoModel": "modeling_x.XModel"}, "chat_template": [{"name": "d", "template": "a"}]}"#;
    for end in 1..text.len() {
        assert!(!read(&text[..end]).complete, "{end}");
    }
    let text = b"a: &x\n  - !!str b\n  - 'c'\nchat_template: |\n  d\ne: *x\n";
    for end in 0..text.len() {
        read(&text[..end]);
    }
}
