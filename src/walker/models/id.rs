//! What looks like the id of a repository on the Hub, and what only looks like one.

/// Longest part of an id, as the Hub allows.
const PART_LIMIT: usize = 96;

/// First parts of MIME types, and file kinds written like ids.
const MIME: [&str; 11] = [
    "application",
    "audio",
    "example",
    "font",
    "haptics",
    "image",
    "message",
    "multipart",
    "text",
    "video",
    "chemical",
];

/// Folders and other first words of paths, ratios and time zones.
const FOREIGN_OWNERS: [&str; 62] = [
    "src",
    "tests",
    "test",
    "examples",
    "example",
    "benches",
    "docs",
    "doc",
    "assets",
    "data",
    "models",
    "model",
    "onnx",
    "target",
    "usr",
    "bin",
    "etc",
    "var",
    "tmp",
    "dev",
    "home",
    "opt",
    "lib",
    "libs",
    "include",
    "build",
    "dist",
    "out",
    "output",
    "outputs",
    "input",
    "inputs",
    "config",
    "configs",
    "scripts",
    "tools",
    "resources",
    "static",
    "templates",
    "crates",
    "packages",
    "refs",
    "heads",
    "origin",
    "http",
    "https",
    "file",
    "ftp",
    "v1",
    "v2",
    "api",
    "kernels",
    "weights",
    "checkpoints",
    "tokenizer",
    "node_modules",
    ".github",
    "actions",
    "america",
    "europe",
    "asia",
    "africa",
];

/// Endings of files. An id of the Hub may hold a dot, but not these.
const FILE_ENDINGS: [&str; 50] = [
    ".rs",
    ".py",
    ".json",
    ".jsonl",
    ".toml",
    ".yaml",
    ".yml",
    ".txt",
    ".md",
    ".safetensors",
    ".bin",
    ".pt",
    ".pth",
    ".onnx",
    ".gguf",
    ".ggml",
    ".npz",
    ".npy",
    ".pkl",
    ".h5",
    ".ckpt",
    ".model",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".webp",
    ".wav",
    ".mp3",
    ".mp4",
    ".flac",
    ".csv",
    ".parquet",
    ".zip",
    ".gz",
    ".tar",
    ".so",
    ".dll",
    ".lock",
    ".html",
    ".js",
    ".cu",
    ".metal",
    ".git",
    ".pdf",
    ".docx",
    ".doc",
    ".xml",
    ".svg",
    ".mov",
];

/// Owners and names that stand for any of them in examples.
const ANY_OWNER: [&str; 8] = [
    "owner",
    "user",
    "username",
    "your-username",
    "your_username",
    "your-org",
    "namespace",
    "someone",
];
const ANY_NAME: [&str; 12] = [
    "repo",
    "name",
    "model",
    "ds",
    "dataset",
    "repo-name",
    "model-name",
    "model_name",
    "my-model",
    "your-model",
    "new-model",
    "repository",
];

/// Whether a text has the shape `owner/name` of a repository.
#[must_use]
pub fn is_repository(text: &str) -> bool {
    let Some((owner, name)) = text.split_once('/') else { return false };
    is_part(owner) && is_part(name)
}

/// Whether an id only says where one would stand: `owner/repo`.
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower
        .split_once('/')
        .is_some_and(|(owner, name)| ANY_OWNER.contains(&owner) && ANY_NAME.contains(&name))
}

/// Whether a text can be one part of an id.
#[must_use]
pub fn is_part(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !text.is_empty()
        && text.len() <= PART_LIMIT
        && text.bytes().all(inner)
        && !text.starts_with(['.', '-'])
        && !text.ends_with(['.', '-'])
        && !text.contains("..")
        && !text.contains("--")
}

/// Whether a text that stands in a place meant for ids is one: `owner/name`, or one of the Hub's
/// oldest ids without an owner. Paths are not.
#[must_use]
pub fn is_named(text: &str) -> bool {
    if text.contains('/') {
        return is_repository(text) && !is_file(text);
    }
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    is_part(text) && letters >= 2 && !is_file(text)
}

/// Families of the Hub's oldest ids, which have no owner. Nobody can make new ones: a repository without an owner
/// has not been possible for years.
const OLDEST: [&str; 15] = [
    "albert-",
    "bert-",
    "camembert-",
    "ctrl",
    "distilbert-",
    "distilgpt2",
    "distilroberta-",
    "gpt2",
    "openai-gpt",
    "roberta-",
    "t5-",
    "transfo-xl-",
    "xlm-",
    "xlnet-",
    "bart-large",
];

/// Whether a text is one of the Hub's oldest ids: `bert-base-uncased`.
#[must_use]
pub fn is_oldest(text: &str) -> bool {
    let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let family = OLDEST.iter().find_map(|family| Some((family, text.strip_prefix(family)?)));
    family.is_some_and(|(family, rest)| {
        let whole = family.ends_with('-') && !rest.is_empty();
        is_part(text)
            && text.bytes().all(lower)
            && (whole || rest.is_empty() || rest.starts_with('-'))
    })
}

/// Whether a text of the right shape is something else: a MIME type, a path, a date, a ratio, or two words.
#[must_use]
pub fn is_foreign(text: &str) -> bool {
    is_otherwise(text) || !text.split_once('/').is_some_and(|(_, name)| is_telling(name))
}

/// Whether a text of the right shape is a MIME type, a path, a date or a ratio: what it is not even where a
/// name says that it is an id.
#[must_use]
pub fn is_otherwise(text: &str) -> bool {
    let Some((owner, name)) = text.split_once('/') else { return true };
    let lower = owner.to_ascii_lowercase();
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    MIME.contains(&lower.as_str())
        || FOREIGN_OWNERS.contains(&lower.as_str())
        || is_file(text)
        || digits(owner)
        || digits(name)
        || name.len() < 2
        || owner.len() < 2
}

/// Names of models carry a digit, a capital or a hyphen nearly always; words of prose joined by a
/// slash (`and/or`) do not.
fn is_telling(name: &str) -> bool {
    name.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'-')
        || name.len() >= 12
}

fn is_file(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    FILE_ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_hub_are_told_from_what_is_written_alike() {
        for id in [
            "BAAI/bge-m3",
            "sentence-transformers/all-MiniLM-L6-v2",
            "microsoft/phi-1_5",
            "Qwen/Qwen2.5-0.5B",
        ] {
            assert!(is_repository(id) && !is_foreign(id), "{id}");
        }
        for other in [
            "video/mp4",
            "application/json",
            "src/main",
            "onnx/model.onnx",
            "2024/01",
            "and/or",
            "16/9",
            "Europe/Paris",
            "tokenizer/special",
            "http/1.1",
        ] {
            assert!(!is_repository(other) || is_foreign(other), "{other}");
        }
        for shape in ["a/b/c", "/a", "a/", "../a", "a--b/c", "a b/c", "{}/x", "", "/"] {
            assert!(!is_repository(shape), "{shape}");
        }
    }

    #[test]
    fn an_example_of_an_id_is_none() {
        for id in ["owner/repo", "user/model", "your-username/new-model", "Owner/Name"] {
            assert!(is_placeholder(id), "{id}");
        }
        for id in ["owner/bert", "google/model", "user"] {
            assert!(!is_placeholder(id), "{id}");
        }
        assert!(is_foreign("test_files/attention-1.pdf"));
    }

    #[test]
    fn the_oldest_ids_have_no_owner() {
        assert!(is_named("gpt2") && is_named("bert-base-uncased"));
        assert!(!is_named("./model") && !is_named("model.gguf") && !is_named("1"));
        for id in [
            "gpt2",
            "gpt2-medium",
            "bert-base-uncased",
            "t5-small",
            "xlnet-base-cased",
            "distilgpt2",
        ] {
            assert!(is_oldest(id), "{id}");
        }
        for other in
            ["openai", "text-embedding-3-small", "all-minilm-l6-v2", "gpt20", "bert-", "BERT-Base"]
        {
            assert!(!is_oldest(other), "{other}");
        }
    }
}
