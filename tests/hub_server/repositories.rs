//! The made-up repositories: who committed when, and which files a commit holds. Payloads only `echo`.

use base64::Engine as _;
use cargo_custody::domain::hash::hex;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

/// A pickle of an empty dictionary.
const PICKLE: &[u8] = b"\x80\x02}q\x00.";
/// A pickle that would call `os.system("echo")` where a loader unpickled it.
const CALLING_PICKLE: &[u8] = b"cos\nsystem\n(S'echo'\ntR.";
/// A safetensors file of one tensor.
const TENSORS: &[u8] =
    b"\x36\0\0\0\0\0\0\0{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}\0\0\0\0";
const README: &str = "---\nlicense: apache-2.0\n---\n# Model\n## Training Data\n## Architecture\n";

/// The commit of this number, oldest is 1.
pub fn commit(number: u8) -> String {
    format!("{number:02x}").repeat(20)
}

/// SHA-256 of a file of a repository at a commit.
pub fn sha256_of(id: &str, at: u8, path: &str) -> String {
    files(id, at).into_iter().find(|file| file.path == path).expect("it is there").sha256()
}

/// One file.
#[derive(Clone)]
pub struct File {
    pub path: String,
    pub bytes: Vec<u8>,
    pub large: bool,
    /// Commit that touched it last.
    pub last: u8,
    /// Bytes that are served in the place of its own.
    pub instead: Option<Vec<u8>>,
}

fn small(path: &str, text: &str, last: u8) -> File {
    File {
        path: path.to_owned(),
        bytes: text.as_bytes().to_vec(),
        large: false,
        last,
        instead: None,
    }
}

fn large(path: &str, bytes: &[u8], last: u8) -> File {
    File { path: path.to_owned(), bytes: bytes.to_vec(), large: true, last, instead: None }
}

impl File {
    pub fn served(&self) -> Vec<u8> {
        self.instead.clone().unwrap_or_else(|| self.bytes.clone())
    }

    pub fn blob(&self) -> String {
        // Hashing fifty megabytes is not what a test waits for.
        if self.bytes.len() > 10 << 20 {
            return "ab".repeat(20);
        }
        let mut hash = Sha1::new();
        hash.update(format!("blob {}\0", self.bytes.len()));
        hash.update(&self.bytes);
        hex(&hash.finalize())
    }

    pub fn sha256(&self) -> String {
        hex(&sha2::Sha256::digest(&self.bytes))
    }
}

/// A repository: commits oldest first (account, day), and what its card and configuration say.
pub struct Repository {
    pub id: &'static str,
    pub commits: Vec<(&'static str, &'static str)>,
    pub card: Value,
    pub config: Value,
    pub tags: Vec<&'static str>,
}

const START: (&str, &str) = ("system", "2023-01-01");
const ANN: (&str, &str) = ("ann", "2023-12-01");

/// Repositories with one commit and nothing to say in their cards.
const ONE_COMMIT: [&str; 9] = [
    "org/altered",
    "org/bomb",
    "org/calling",
    "org/empty",
    "org/hostile",
    "org/huge",
    "org/long-card",
    "org/signed",
    "org/tokens",
];

pub fn repository(id: &str) -> Option<Repository> {
    let free = json!({"license": "apache-2.0"});
    let bert = json!({"model_type": "bert"});
    let plain = |id, commits: &[(&'static str, &'static str)]| {
        let commits = commits.to_vec();
        Repository { id, commits, card: free.clone(), config: bert.clone(), tags: Vec::new() }
    };
    if let Some(id) = ONE_COMMIT.into_iter().find(|known| *known == id) {
        return Some(plain(id, &[("ann", "2025-01-01")]));
    }
    let coded = json!({"auto_map": {"AutoModel": "modeling_x.X"}});
    Some(match id {
        "org/taken-over" => Repository {
            config: coded,
            ..plain("org/taken-over", &[START, ANN, ("eve", "2026-10-08")])
        },
        "org/quiet" | "former/quiet" => plain("org/quiet", &[START, ANN, ("ann", "2024-12-01")]),
        // The parts of the join, each alone.
        "org/silence" => plain("org/silence", &[START, ANN, ("ann", "2026-10-08")]),
        "org/newcomer" => {
            plain("org/newcomer", &[START, ANN, ("ann", "2026-09-01"), ("eve", "2026-10-08")])
        }
        "org/heir" => plain("org/heir", &[START, ANN, ("eve", "2026-10-08")]),
        "org/pickled" => plain("org/pickled", &[START, ANN, ("ann", "2026-10-08")]),
        "org/coded" => {
            Repository { config: coded, ..plain("org/coded", &[START, ANN, ("ann", "2026-10-08")]) }
        }
        "org/moving" => plain("org/moving", &[START, ANN, ("ann", "2026-10-08")]),
        "org/borrowed-code" => Repository {
            config: json!({"auto_map": {"AutoModel": "other/second--modeling_y.Y"}}),
            ..plain("org/borrowed-code", &[("ann", "2025-01-01")])
        },
        "young/model" => plain("young/model", &[("young", "2024-01-01")]),
        "org/adapter" => Repository {
            card: json!({"license": "apache-2.0", "base_model": "org/base"}),
            tags: vec!["base_model:adapter:org/base"],
            ..plain("org/adapter", &[("ann", "2026-01-01")])
        },
        "org/base" => Repository {
            card: json!({"license": "llama3.1",
                         "base_model": ["org/gone", "org/adapter", "org/gated", "former/quiet"]}),
            ..plain("org/base", &[("ann", "2025-01-01")])
        },
        "org/merge" => plain("org/merge", &[("ann", "2026-01-01")]),
        "org/silent-adapter" => plain("org/silent-adapter", &[("ann", "2026-01-01")]),
        _ => return None,
    })
}

pub fn files(id: &str, at: u8) -> Vec<File> {
    let base = |weights_last: u8, weights: &[u8]| {
        vec![
            small("README.md", README, 1),
            small("config.json", "{\"model_type\":\"bert\"}", 1),
            large("model.safetensors", weights, weights_last),
        ]
    };
    let code = small("modeling_x.py", "import torch\n\nclass X:\n    pass\n", 3);
    let with = |mut files: Vec<File>, more: Vec<File>| {
        files.extend(more);
        files
    };
    let without = |files: Vec<File>| {
        files.into_iter().filter(|file| file.path != "model.safetensors").collect::<Vec<_>>()
    };
    match (id, at) {
        ("org/taken-over", 3..) => {
            with(without(base(2, TENSORS)), vec![code, large("pytorch_model.bin", PICKLE, 3)])
        }
        ("org/pickled", 3..) => {
            with(without(base(2, TENSORS)), vec![large("pytorch_model.bin", PICKLE, 3)])
        }
        ("org/coded", 3..) => with(base(2, TENSORS), vec![code]),
        ("org/newcomer", 4..) | ("org/moving" | "org/heir", 3..) => {
            base(at, &[&TENSORS[..TENSORS.len() - 4], &[1, 0, 0, 0]].concat())
        }
        ("org/calling", _) => {
            // Far behind what one request brings, so that the way there goes by seeking.
            let mut members = vec![0; 3 << 20];
            members.extend_from_slice(b"not reached");
            with(
                base(1, TENSORS),
                vec![large("pytorch_model.bin", CALLING_PICKLE, 1), large("rest.bin", &members, 1)],
            )
        }
        ("org/tokens", _) => {
            let config = "{\"auto_map\":{\"AutoTokenizer\":[\"other/second--tokens.T\",null]}}";
            with(base(1, TENSORS), vec![small("tokenizer_config.json", config, 1)])
        }
        ("org/empty", _) => Vec::new(),
        ("org/huge", _) => {
            (0..10_000).map(|n| small(&format!("\u{202e}part-{n}/../a"), "", 1)).collect()
        }
        ("org/hostile", _) => hostile(),
        ("org/bomb", _) => {
            let bomb = "---\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nlicense: *c\n---\n# Model\n";
            with(base(1, TENSORS), vec![small("README.md", bomb, 1)]).split_off(1)
        }
        ("org/long-card", _) => {
            let card = format!("{README}{}", "lorem ipsum\n".repeat(50 * 1024 * 1024 / 12));
            with(base(1, TENSORS), vec![small("README.md", &card, 1)]).split_off(1)
        }
        ("org/altered", _) => {
            let served = Some(b"import os\nos.system('echo')\n".to_vec());
            let file = File { instead: served, ..small("modeling_x.py", "pass\n", 1) };
            with(base(1, TENSORS), vec![file])
        }
        ("org/signed", _) => with(
            base(1, TENSORS),
            vec![
                large("model-00002.safetensors", TENSORS, 1),
                small("model.sig", &signature("model.safetensors", TENSORS), 1),
            ],
        ),
        ("org/merge", _) => {
            let recipe = "models:\n- model: org/moving\n- model: org/quiet\nmerge_method: slerp\n";
            with(base(1, TENSORS), vec![small("mergekit_config.yml", recipe, 1)])
        }
        ("org/adapter" | "org/silent-adapter", _) => {
            let adapter = "{\"base_model_name_or_path\":\"org/base\",\"peft_type\":\"LORA\"}";
            with(
                without(base(1, TENSORS)),
                vec![
                    small("adapter_config.json", adapter, 1),
                    large("adapter_model.safetensors", TENSORS, 1),
                ],
            )
        }
        _ => base(2, TENSORS),
    }
}

/// File names that climb, that hide, and that break lines.
fn hostile() -> Vec<File> {
    let names = [
        "../../../etc/passwd.py",
        "/absolute.py",
        "a\nb.py",
        "\u{202e}yp.nib",
        "..",
        "a//b.json",
        "c:\\d.py",
        "%2e%2e/e.py",
        "model.safetensors",
    ];
    names.iter().map(|name| small(name, "pass\n", 1)).collect()
}

/// A signature manifest that covers one file as it is, another as it was, and one that is gone; its
/// certificate names an address of mail.
fn signature(path: &str, bytes: &[u8]) -> String {
    let digest = hex(&sha2::Sha256::digest(bytes));
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {"resources": [
            {"name": path, "digest": digest, "algorithm": "sha256"},
            {"name": "config.json", "digest": digest, "algorithm": "sha256"},
            {"name": "tokenizer.json", "digest": digest, "algorithm": "sha256"}
        ]}
    });
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"certificate": {"rawBytes": encode(&certificate())}},
        "dsseEnvelope": {"payload": encode(statement.to_string().as_bytes()),
                         "payloadType": "application/vnd.in-toto+json"}
    })
    .to_string()
}

/// As much of a certificate as leads to its alternative name.
fn certificate() -> Vec<u8> {
    let der = |tag: u8, parts: &[&[u8]]| {
        let content = parts.concat();
        let length = u8::try_from(content.len()).expect("short");
        [&[tag, length][..], &content].concat()
    };
    let names = der(0x04, &[&der(0x30, &[&der(0x81, &[b"ann@example.invalid"])])]);
    let extension = der(0x30, &[&der(0x06, &[&[0x55, 0x1d, 0x11]]), &names]);
    der(0x30, &[&der(0x30, &[&der(0xa3, &[&der(0x30, &[&extension])])])])
}
