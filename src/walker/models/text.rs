//! Models in everything that is no program text: shell, Dockerfiles, compose and Kubernetes files,
//! workflows, TOML, JSON, YAML, environment files, Modelfiles, git submodules.

use super::address;
use super::id::{is_foreign, is_named, is_repository};
use super::reference::{Confidence, Form, RevisionKind, revision_kind};
use super::scan::{Named, Scan};
use super::words::{Word, words};
use crate::domain::SubjectKind;

/// Keys that name a model, with `_` for `-` and in lower case.
const MODEL_KEYS: [&str; 40] = [
    "model",
    "model_id",
    "model_name",
    "model_name_or_path",
    "model_repo",
    "model_path",
    "pretrained_model_name_or_path",
    "repo_id",
    "hf_repo",
    "hf_repo_id",
    "hf_model",
    "hf_model_id",
    "hub_model",
    "hub_model_id",
    "huggingface_model",
    "base_model",
    "base_model_name_or_path",
    "draft_model",
    "draft_model_id",
    "embedding_model",
    "embedding_model_id",
    "embedder",
    "embeddings_model",
    "rerank_model",
    "reranker_model",
    "reranker",
    "chat_model",
    "llm_model",
    "speech_model",
    "whisper_model",
    "tokenizer",
    "tokenizer_id",
    "tokenizer_name",
    "tokenizer_repo",
    "lora",
    "lora_repo",
    "adapter",
    "adapter_model",
    "adapter_name_or_path",
    "served_model_id",
];

/// Keys that name a data set.
const DATASET_KEYS: [&str; 6] = [
    "dataset_id",
    "dataset_name",
    "dataset_repo",
    "hf_dataset",
    "dataset_name_or_path",
    "hub_dataset_id",
];

/// Flags whose value is a model.
const MODEL_FLAGS: [&str; 17] = [
    "--model",
    "--model-id",
    "--model_id",
    "--model-name",
    "--model_name_or_path",
    "--model-repo",
    "--repo-id",
    "--hf-model",
    "--tokenizer",
    "--tokenizer-id",
    "--draft-model",
    "--lora",
    "--adapter",
    "--embedding-model",
    "--base-model",
    "--quantized-model-id",
    "-m",
];

/// Libraries that load from the Hub, where a name says which one is meant.
pub(super) const LOADER_PREFIXES: [&str; 4] = ["fastembed:", "huggingface:", "hf:", "candle:"];

/// llama.cpp's flags.
pub(super) const LLAMA_FLAGS: [&str; 7] =
    ["-hf", "-hfr", "--hf-repo", "-hfd", "-hfrd", "--hf-repo-draft", "-hfv"];

/// Words around a flag or key in which its revision is looked for.
const REACH: usize = 40;

/// Reads one file.
pub(super) fn scan(scan: &mut Scan<'_>, hash_comments: bool) {
    let words = words(scan.text, hash_comments);
    let submodules = scan.path.rsplit('/').next() == Some(".gitmodules");
    let modelfile = scan.path.rsplit('/').next().is_some_and(|n| n.contains("Modelfile"));
    for at in 0..words.len() {
        if scan.is_full() {
            break;
        }
        if address_word(scan, &words, at, submodules, modelfile) {
            continue;
        }
        if registry_name(scan, &words, at, modelfile) || prefixed(scan, &words, at) {
            continue;
        }
        command(scan, &words, at);
        key(scan, &words, at);
    }
}

/// An address of the Hub in one word.
fn address_word(
    scan: &mut Scan<'_>,
    words: &[Word<'_>],
    at: usize,
    submodules: bool,
    modelfile: bool,
) -> bool {
    let found = address::find(words[at].text);
    let any = !found.is_empty();
    for address in found {
        let before = at.checked_sub(1).map(|b| words[b].text.to_ascii_lowercase());
        let before2 = at.checked_sub(2).map(|b| words[b].text.to_ascii_lowercase());
        let ollama = modelfile && before.as_deref() == Some("from")
            || matches!(before.as_deref(), Some("run" | "pull"))
                && before2.as_deref() == Some("ollama");
        let cloned = words[at.saturating_sub(6)..at]
            .iter()
            .any(|w| matches!(w.text, "clone" | "wget" | "curl" | "aria2c"));
        let (form, confidence) = match address.form {
            Form::HubUrl if submodules => (Form::GitSubmodule, Confidence::High),
            Form::HubUrl if ollama => (Form::Ollama, Confidence::High),
            Form::HubUrl if cloned => (Form::HubUrl, Confidence::High),
            Form::HubUrl if model_key(words, at) => (Form::ConfigKey, Confidence::High),
            Form::HubUrl => (Form::HubUrl, Confidence::Low),
            form => (form, Confidence::High),
        };
        let revision = address.revision.or_else(|| near_flag(words, at, "revision"));
        let base = Named::model(address.id, form, confidence);
        let named = Named { kind: address.kind, revision, ..base };
        scan.push(words[at].at + address.at, named);
    }
    any
}

/// `ollama pull llama3.2:1b`, `docker model run ai/smollm2`, `FROM llama3.2` of a Modelfile: names in
/// libraries that are no Hub.
fn registry_name(scan: &mut Scan<'_>, words: &[Word<'_>], at: usize, modelfile: bool) -> bool {
    let before = |back: usize| at.checked_sub(back).map_or("", |place| words[place].text);
    let runs = |back: usize| matches!(before(back), "run" | "pull");
    // The first word of its line; further on it is prose.
    let leads = at == 1 || (at > 1 && words[at - 2].line < words[at - 1].line);
    let from = modelfile && leads && before(1).eq_ignore_ascii_case("from");
    let form = if (runs(1) && before(2) == "ollama") || from {
        Form::OllamaLibrary
    } else if runs(1) && before(2) == "model" && before(3) == "docker" {
        Form::OciModel
    } else {
        return false;
    };
    let text = words[at].text;
    let (name, revision) = match text.split_once('@') {
        Some((name, digest)) => (name.split(':').next().unwrap_or(name), Some(digest)),
        None => text.rsplit_once(':').map_or((text, None), |(name, tag)| (name, Some(tag))),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    let file = name.rsplit_once('.').is_some_and(|(_, end)| matches!(end, "gguf" | "safetensors"));
    if !first || file || !name.chars().all(plain) || !name.bytes().any(|b| b.is_ascii_alphabetic())
    {
        return false;
    }
    let revision = revision.filter(|tag| !tag.is_empty() && *tag != "latest").map(str::to_owned);
    let base = Named::model(name, form, Confidence::High);
    scan.push(words[at].at, Named { revision, ..base });
    true
}

/// `fastembed:o/n` and `huggingface:o/n`: which library loads it stands before it, in one word or as a word
/// of its own.
fn prefixed(scan: &mut Scan<'_>, words: &[Word<'_>], at: usize) -> bool {
    let text = words[at].text;
    let apart = at >= 2
        && words[at - 1].text == ":"
        && LOADER_PREFIXES.iter().any(|p| p.trim_end_matches(':') == words[at - 2].text);
    let joined = LOADER_PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
    let Some(id) = joined.or(apart.then_some(text)) else { return false };
    if !is_repository(id) || is_foreign(id) {
        return false;
    }
    let named = Named::model(id, Form::ConfigKey, Confidence::Medium);
    scan.push(words[at].at + text.len() - id.len(), named);
    true
}

/// Whether the word before a value is a key for models.
fn model_key(words: &[Word<'_>], at: usize) -> bool {
    at >= 2
        && matches!(words[at - 1].text, ":" | "=")
        && MODEL_KEYS.contains(&plain(words[at - 2].text).as_str())
}

fn plain(key: &str) -> String {
    key.trim_start_matches(['-', '$']).to_ascii_lowercase().replace('-', "_")
}

/// `hf download o/n`, `--model-id o/n`, `-hf o/n:Q4`, `vllm serve o/n`.
fn command(scan: &mut Scan<'_>, words: &[Word<'_>], at: usize) {
    let word = words[at].text;
    let form =
        if word == "download" && at > 0 && matches!(words[at - 1].text, "hf" | "huggingface-cli") {
            Form::HubCli
        } else if word == "serve" && at > 0 && words[at - 1].text == "vllm" {
            Form::CommandLine
        } else if LLAMA_FLAGS.contains(&word) {
            Form::LlamaCpp
        } else if MODEL_FLAGS.contains(&word) {
            Form::CommandLine
        } else {
            return;
        };
    let Some(value) = argument(words, at) else { return };
    let id = value.text.split([':', '@']).next().unwrap_or(value.text);
    let certain = matches!(form, Form::HubCli | Form::LlamaCpp);
    let shaped = is_repository(id) && (certain || !is_foreign(id));
    // One-letter and general flags take much else: only ids with an owner are believed.
    if !shaped && (form != Form::HubCli || !is_named(id)) {
        return;
    }
    let dataset = near_flag(words, at, "repo_type").is_some_and(|kind| kind == "dataset");
    let confidence = if word == "-m" { Confidence::Medium } else { Confidence::High };
    let kind = if dataset { SubjectKind::Dataset } else { SubjectKind::Model };
    let revision = near_flag(words, at, "revision");
    let computed = revision.as_deref().is_some_and(|r| r.starts_with('$'));
    let revision = revision.filter(|_| !computed);
    let trusts = |word: usize| {
        matches!(words[word].text, "--trust-remote-code" | "--trust_remote_code")
            && belongs(words, at, word)
    };
    let trust = reach(words, at).any(trusts).then_some(true);
    let code_pinned = near_flag(words, at, "code_revision")
        .map(|commit| revision_kind(Some(&commit)) == RevisionKind::Commit);
    let base = Named::model(id, form, confidence);
    let named = Named { kind, revision, computed, trust, code_pinned, ..base };
    scan.push(value.at, named);
}

/// The value of the flag or command at `at`: the next word that is neither a bullet nor a flag.
fn argument<'w, 'a>(words: &'w [Word<'a>], at: usize) -> Option<&'w Word<'a>> {
    let mut rest = words[at + 1..].iter().take(8).filter(|w| !matches!(w.text, "-" | "="));
    let first = rest.next()?;
    if !first.text.starts_with('-') {
        return (first.line <= words[at].line + 1).then_some(first);
    }
    // `hf download --revision x o/n`: flags with a value come first.
    if words[at].text == "download" { rest.find(|w| is_repository(w.text)) } else { None }
}

/// The words around the flag, key or command at `at` that can say more of its model. Another one of the
/// same name begins something else.
fn reach(words: &[Word<'_>], at: usize) -> impl Iterator<Item = usize> {
    let same = |w: &&Word<'_>| w.text != words[at].text;
    let back = if words[at].text == "download" { 0 } else { REACH };
    let from = at - words[at.saturating_sub(back)..at].iter().rev().take_while(same).count();
    let to = at + 1 + words[at + 1..].iter().take(REACH).take_while(same).count();
    from..to
}

/// The value of `--NAME` or the key `NAME` that belongs to the model named at `at`.
fn near_flag(words: &[Word<'_>], at: usize, name: &str) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    for flag in reach(words, at) {
        if plain(words[flag].text) != name {
            continue;
        }
        let dashed = words[flag].text.starts_with("--");
        let keyed = words.get(flag + 1).is_some_and(|w| matches!(w.text, ":" | "="));
        if !(dashed || keyed) || !belongs(words, at, flag) {
            continue;
        }
        let Some(value) = words[flag + 1..].iter().find(|w| !matches!(w.text, "-" | "=" | ":"))
        else {
            continue;
        };
        let distance = flag.abs_diff(at);
        if best.as_ref().is_none_or(|(known, _)| distance < *known) {
            best = Some((distance, value.text.to_owned()));
        }
    }
    best.map(|(_, value)| value)
}

/// Whether a flag or key speaks of the model that is named at `at` and of no other. A revision that is
/// given to the wrong model would make an unpinned one look pinned.
fn belongs(words: &[Word<'_>], at: usize, flag: usize) -> bool {
    let command = words[at].command;
    if words[flag].command == command {
        // The flag belongs to the model before it; where there is none, to the one after it.
        let names = |w: &&Word<'_>| w.command == command && names_a_model(w.text);
        return if flag > at {
            !words[at + 1..flag].iter().any(|w| names(&w))
        } else {
            !words[..flag].iter().rev().take(REACH).any(|w| names(&w))
                && !words[flag..at].iter().any(|w| names(&w))
        };
    }
    // In lists every argument has a line of its own; within a longer line it belongs to that line.
    let first = flag == 0
        || words[..flag]
            .iter()
            .rev()
            .find(|w| w.text != "-")
            .is_none_or(|w| w.line != words[flag].line);
    if words[flag].text.starts_with('-') && !first {
        return false;
    }
    let close = words[flag].line.abs_diff(words[at].line) <= 6;
    let own = words[at + 1..].iter().take(8).find(|w| is_mention(w.text)).map(|w| w.text);
    let other =
        |w: &Word<'_>| Some(w.text) != own && w.text != words[at].text && is_mention(w.text);
    let (low, high) = (at.min(flag), at.max(flag));
    let line = words[flag].line;
    let beside = |w: &&Word<'_>| w.line == line;
    let before = words[..flag].iter().rev().take_while(beside);
    let after = words[flag..].iter().take_while(beside);
    close && !words[low..high].iter().chain(before).chain(after).any(other)
}

/// Whether a word is a flag or command that a model follows.
fn names_a_model(text: &str) -> bool {
    MODEL_FLAGS.contains(&text)
        || LLAMA_FLAGS.contains(&text)
        || matches!(text, "download" | "serve")
}

/// Whether a word names some repository.
fn is_mention(text: &str) -> bool {
    let id = text.split([':', '@']).next().unwrap_or(text);
    (is_repository(id) && !is_foreign(id)) || !address::find(text).is_empty()
}

/// `model: o/n`, `MODEL_ID=o/n`, `ENV MODEL_ID o/n`, `name: MODEL_ID` and `value: o/n`.
fn key(scan: &mut Scan<'_>, words: &[Word<'_>], at: usize) {
    let Some(value) = words.get(at + 2) else { return };
    let word = words[at].text;
    if word.starts_with('-') && word.len() > 1 {
        return;
    }
    let assigned = matches!(words[at + 1].text, ":" | "=");
    let (key, value) = if assigned {
        (word, value)
    } else if matches!(word, "ENV" | "ARG") && is_repository(value.text) {
        (words[at + 1].text, value)
    } else if words[at + 1].text == "value" && value.text == ":" {
        match words.get(at + 3) {
            Some(value) => (word, value),
            None => return,
        }
    } else {
        return;
    };
    let name = plain(key);
    let (is_model, is_dataset) = (
        MODEL_KEYS.contains(&name.as_str())
            || name.ends_with("_model_id")
            || name.ends_with("_repo_id"),
        DATASET_KEYS.contains(&name.as_str()),
    );
    let id = value.text.split([':', '@']).next().unwrap_or(value.text);
    if !(is_model || is_dataset) || !is_repository(id) || is_foreign(id) {
        return;
    }
    let upper =
        key.bytes().any(|b| b.is_ascii_uppercase()) && !key.bytes().any(|b| b.is_ascii_lowercase());
    let form = if upper { Form::Environment } else { Form::ConfigKey };
    let confidence =
        if matches!(name.as_str(), "model" | "adapter" | "lora" | "tokenizer" | "model_path") {
            Confidence::Medium
        } else {
            Confidence::High
        };
    let kind = if is_dataset { SubjectKind::Dataset } else { SubjectKind::Model };
    let revision = near_flag(words, at, "revision");
    let trust = near_flag(words, at, "trust_remote_code").map(|v| v.eq_ignore_ascii_case("true"));
    let named = Named { kind, revision, trust, ..Named::model(id, form, confidence) };
    scan.push(value.at, named);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walker::models::reference::Reference;

    fn read(path: &str, text: &str) -> Vec<Reference> {
        let mut scan = Scan::new(path, text);
        super::scan(&mut scan, true);
        scan.found
    }

    fn told(path: &str, text: &str) -> Vec<(String, Option<String>, Form)> {
        read(path, text).into_iter().map(|r| (r.id, r.revision, r.form)).collect()
    }

    fn one(id: &str, revision: Option<&str>, form: Form) -> Vec<(String, Option<String>, Form)> {
        vec![(id.to_owned(), revision.map(str::to_owned), form)]
    }

    #[test]
    fn commands_are_read() {
        assert_eq!(
            told("a.sh", "hf download o/n --revision abc --local-dir x"),
            one("o/n", Some("abc"), Form::HubCli)
        );
        assert_eq!(
            told("a.sh", "./llama-server -hf o/n-GGUF:Q4_K_M"),
            one("o/n-GGUF", None, Form::LlamaCpp)
        );
        assert_eq!(
            told("a.sh", "vllm serve Qwen/Qwen2.5-0.5B"),
            one("Qwen/Qwen2.5-0.5B", None, Form::CommandLine)
        );
        assert_eq!(told("Modelfile", "FROM hf.co/o/n:Q4"), one("o/n", None, Form::Ollama));
        let tag = Some("1b");
        let ollama = Form::OllamaLibrary;
        assert_eq!(told("Modelfile", "FROM llama3.2:1b"), one("llama3.2", tag, ollama));
        assert_eq!(told("a.sh", "ollama pull llama3.2:1b"), one("llama3.2", tag, ollama));
        assert_eq!(told("Dockerfile", "RUN ollama run me/own"), one("me/own", None, ollama));
        let oci = Form::OciModel;
        assert_eq!(told("a.sh", "docker model run ai/smollm2"), one("ai/smollm2", None, oci));
        let digest = format!("sha256:{}", "a".repeat(64));
        let pinned = format!("docker model pull ai/smollm2:x@{digest}");
        assert_eq!(told("a.sh", &pinned), one("ai/smollm2", Some(&digest), oci));
        for innocent in [
            "ollama run ./own.gguf",
            "ollama pull $MODEL",
            "docker run ollama/ollama",
            "git pull x",
        ] {
            assert_eq!(told("a.sh", innocent), [], "{innocent}");
        }
        assert_eq!(told("Modelfile", "FROM ./own.gguf"), []);
        assert_eq!(told("Modelfile", "SYSTEM You are Mario from Super Mario"), []);
        assert_eq!(
            told("a.toml", "code_model = \"fastembed:org/n-1\""),
            one("org/n-1", None, Form::ConfigKey)
        );
        assert_eq!(
            told("a.sh", "git clone https://huggingface.co/o/n"),
            one("o/n", None, Form::HubUrl)
        );
        let found = read("x.sh", "hf download --repo-type dataset o/d-1");
        assert_eq!((found[0].kind, found[0].id.as_str()), (SubjectKind::Dataset, "o/d-1"));
    }

    #[test]
    fn containers_and_configurations_are_read() {
        assert_eq!(
            told("Dockerfile", "ENV MODEL_ID=BAAI/bge-m3\n"),
            one("BAAI/bge-m3", None, Form::Environment)
        );
        assert_eq!(
            told("Dockerfile", "ARG MODEL_ID BAAI/bge-m3\n"),
            one("BAAI/bge-m3", None, Form::Environment)
        );
        let compose = "services:\n  tei:\n    image: ghcr.io/x/y:1\n    command: --model-id BAAI/bge-m3 --revision refs/pr/4\n";
        assert_eq!(
            told("compose.yaml", compose),
            one("BAAI/bge-m3", Some("refs/pr/4"), Form::CommandLine)
        );
        let pod = "args:\n  - --model-id\n  - BAAI/bge-m3\nenv:\n  - name: MODEL_ID\n    value: BAAI/bge-2\n";
        let found = told("pod.yaml", pod);
        assert_eq!(found[0].2, Form::CommandLine);
        assert_eq!((found[1].0.as_str(), found[1].2), ("BAAI/bge-2", Form::Environment));
        let toml = "[embedder]\nmodel_id = \"BAAI/bge-m3\"\nrevision = \"main\"\n";
        assert_eq!(told("x.toml", toml), one("BAAI/bge-m3", Some("main"), Form::ConfigKey));
        let modules = "[submodule \"m\"]\n\tpath = m\n\turl = https://huggingface.co/o/n\n";
        assert_eq!(told(".gitmodules", modules), one("o/n", None, Form::GitSubmodule));
    }

    #[test]
    fn code_that_a_server_is_told_to_run_is_seen() {
        let found = read("a.sh", "vllm serve org/n-1 \\\n  --trust-remote-code");
        assert_eq!(found[0].trust_remote_code, Some(true));
    }

    #[test]
    fn a_revision_belongs_to_one_command_and_to_no_other() {
        let commit = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf";
        for text in [
            format!(
                "ENV MODEL_ID=org/a-1\nRUN hf download org/b-1 --revision {commit}\nCMD [\"--model-id\", \"org/c-1\"]\n"
            ),
            format!(
                "hf download org/b-1 --revision {commit}\nvllm serve org/a-1\ncurl https://huggingface.co/org/d-1/resolve/main/x\n"
            ),
            format!(
                "a:\n  command: --model-id org/b-1 --revision {commit}\nb:\n  environment:\n    MODEL_ID: org/a-1\n"
            ),
            format!(
                "args:\n- --model-id\n- org/a-1\nargs:\n- --model-id\n- org/b-1\n- --revision\n- {commit}\n"
            ),
            format!("- {{model: org/b-1, revision: {commit}}}\n- {{model: org/a-1}}\n"),
            format!("x --model-id org/b-1 --revision {commit} --draft-model org/a-1\n"),
        ] {
            for reference in read("deploy.yaml", &text) {
                let expected = (reference.id == "org/b-1").then_some(commit);
                assert_ne!(
                    reference.revision.as_deref() == Some(commit),
                    expected.is_none(),
                    "{} in {text}",
                    reference.id
                );
            }
            assert!(read("deploy.yaml", &text).len() >= 2, "{text}");
        }
        let lines = format!("hf download org/b-1 \\\n  --revision {commit}\n");
        assert_eq!(told("a.sh", &lines), one("org/b-1", Some(commit), Form::HubCli));
        let variables = format!("ENV MODEL_ID=org/b-1\nENV REVISION={commit}\n");
        assert_eq!(told("Dockerfile", &variables), one("org/b-1", Some(commit), Form::Environment));
        let trusted = read("a.sh", "vllm serve org/a-1\nvllm serve org/b-1 --trust-remote-code\n");
        let trusts: Vec<_> = trusted.iter().map(|r| r.trust_remote_code).collect();
        assert_eq!(trusts, [None, Some(true)]);
    }

    #[test]
    fn images_slugs_and_paths_are_no_models() {
        for text in [
            "uses: actions/checkout@v4",
            "image: library/postgres-16",
            "model: ./weights/model.gguf",
            "repo: rust-lang/rust-1",
            "-m pytest/x",
            "content-type: video/mp4",
            "# model: org/commented-1",
            "features = [\"candle/cuda\"]",
        ] {
            assert_eq!(told("x.yml", text), [], "{text}");
        }
    }
}
