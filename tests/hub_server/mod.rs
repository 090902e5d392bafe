//! A model Hub on 127.0.0.1 with a handful of repositories, in the shapes of the real one.
#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a test that cannot go on may stop, and its texts are small"
)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

/// The commit of this number, oldest is 1.
pub fn commit(number: u8) -> String {
    format!("{number:02x}").repeat(20)
}

/// A running server; it ends with the test's process.
pub struct HubServer {
    /// `http://127.0.0.1:PORT/`.
    pub base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Shared {
    base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl HubServer {
    /// Starts a server on a free port.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let base = format!("http://{}/", listener.local_addr().expect("bound"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let shared = Shared { base: base.clone(), requests: Arc::clone(&requests) };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let app = Router::new().fallback(answer).with_state(shared);
                axum::serve(listener, app).await.expect("serves");
            });
        });
        Self { base, requests }
    }

    /// Method and address of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic holds it").clone()
    }

    /// How many of them asked the API about the model itself; files and base models apart.
    pub fn api_requests(&self) -> usize {
        self.requests().iter().filter(|r| r.contains("/api/")).count()
    }
}

/// One file of a made-up repository.
#[derive(Clone)]
struct File {
    path: String,
    text: String,
    large: bool,
    /// Commit that touched it last.
    last: u8,
}

fn small(path: &str, text: &str, last: u8) -> File {
    File { path: path.to_owned(), text: text.to_owned(), large: false, last }
}

fn large(path: &str, text: &str, last: u8) -> File {
    File { path: path.to_owned(), text: text.to_owned(), large: true, last }
}

impl File {
    fn blob(&self) -> String {
        let mut hash = Sha1::new();
        hash.update(format!("blob {}\0", self.text.len()));
        hash.update(&self.text);
        hex(&hash.finalize())
    }

    fn sha256(&self) -> String {
        hex(&sha2::Sha256::digest(&self.text))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A repository: commits oldest first (account, day), and the files at a commit.
struct Repository {
    id: &'static str,
    commits: Vec<(&'static str, &'static str)>,
    card: Value,
    config: Value,
    tags: Vec<&'static str>,
}

fn repository(id: &str) -> Option<Repository> {
    let repository = |id, commits: &[_], card, config, tags: &[&'static str]| {
        Some(Repository { id, commits: commits.to_vec(), card, config, tags: tags.to_vec() })
    };
    let free = json!({"license": "apache-2.0"});
    match id {
        "org/taken-over" => repository(
            "org/taken-over",
            &[("system", "2023-01-01"), ("ann", "2023-12-01"), ("eve", "2026-10-08")],
            free,
            json!({"auto_map": {"AutoModel": "modeling_x.X"}}),
            &[],
        ),
        "org/quiet" | "former/quiet" => repository(
            "org/quiet",
            &[("system", "2023-01-01"), ("ann", "2023-12-01"), ("ann", "2024-12-01")],
            free,
            json!({"model_type": "bert"}),
            &[],
        ),
        "org/adapter" => repository(
            "org/adapter",
            &[("ann", "2026-01-01")],
            json!({"license": "apache-2.0", "base_model": "org/base"}),
            json!({}),
            &["base_model:adapter:org/base"],
        ),
        "org/base" => repository(
            "org/base",
            &[("ann", "2025-01-01")],
            json!({"license": "llama3.1", "base_model": ["org/gone", "org/adapter"]}),
            json!({}),
            &[],
        ),
        "org/huge" => repository("org/huge", &[("ann", "2025-01-01")], free, json!({}), &[]),
        _ => None,
    }
}

fn files(id: &str, at: u8) -> Vec<File> {
    let readme =
        small("README.md", "---\nlicense: apache-2.0\n---\n# Model\n## Training Data\n", 1);
    let config = small("config.json", "{\"model_type\":\"bert\"}", 1);
    match (id, at) {
        ("org/taken-over", 3..) => vec![
            readme,
            config,
            small("modeling_x.py", "print('echo')\n", 3),
            large("pytorch_model.bin", "inert bytes", 3),
        ],
        ("org/huge", _) => {
            (0..10_000).map(|n| small(&format!("\u{202e}part-{n}/../a"), "", 1)).collect()
        }
        _ => vec![readme, config, large("model.safetensors", "weights", 2)],
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let path =
        percent_encoding::percent_decode_str(request.uri().path()).decode_utf8_lossy().into_owned();
    let line = format!("{} {}", request.method(), request.uri());
    shared.requests.lock().expect("no panic holds it").push(line);
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["api", "models", owner, name, rest @ ..] => api(&shared, &format!("{owner}/{name}"), rest),
        ["api", "organizations", "org", "overview"] => ok(&json!({
            "name": "org", "fullname": "Org", "isVerified": true, "numUsers": 2, "numModels": 5
        })),
        ["api", ..] => refuse(404, "", "not found"),
        [owner, name, "resolve", revision, file @ ..] => {
            resolve(&format!("{owner}/{name}"), revision, &file.join("/"))
        }
        _ => refuse(404, "EntryNotFound", "Entry not found"),
    }
}

fn number(repository: &Repository, revision: &str) -> Option<u8> {
    let last = u8::try_from(repository.commits.len()).ok()?;
    (1..=last).find(|n| commit(*n) == revision).or((revision == "main").then_some(last))
}

fn api(shared: &Shared, id: &str, rest: &[&str]) -> Response<Body> {
    match id {
        "org/gated" => return refuse(403, "GatedRepo", "Access to this model is restricted."),
        "org/disabled" => return refuse(403, "", "Access to this resource is disabled."),
        _ => {}
    }
    let Some(repository) = repository(id) else {
        return refuse(401, "RepoNotFound", "Repository not found");
    };
    if id != repository.id {
        let target = format!("{}api/models/{}/{}", shared.base, repository.id, rest.join("/"));
        return build(307, &[("location", target)], Body::empty());
    }
    let revision = match rest {
        [] => "main",
        ["refs"] => return ok(&refs(&repository)),
        ["revision" | "tree" | "commits", revision, ..] => revision,
        _ => return refuse(404, "", "not found"),
    };
    let Some(at) = number(&repository, revision) else {
        return refuse(404, "RevisionNotFound", "Invalid rev id");
    };
    match rest.first() {
        Some(&"tree") => ok(&tree(&repository, at)),
        Some(&"commits") => ok(&commits(&repository, at)),
        _ => ok(&info(&repository, at)),
    }
}

fn info(repository: &Repository, at: u8) -> Value {
    let siblings: Vec<Value> = files(repository.id, at)
        .iter()
        .map(|file| {
            let mut entry =
                json!({"rfilename": file.path, "blobId": file.blob(), "size": file.text.len()});
            if file.large {
                entry["lfs"] =
                    json!({"sha256": file.sha256(), "size": file.text.len(), "pointerSize": 134});
            }
            entry
        })
        .collect();
    json!({
        "_id": "0", "id": repository.id, "modelId": repository.id, "author": "org", "sha": commit(at),
        "lastModified": stamp(repository, at), "createdAt": stamp(repository, 1), "private": false,
        "gated": false, "disabled": false, "downloads": 1, "likes": 0, "tags": repository.tags,
        "library_name": "transformers", "siblings": siblings, "cardData": repository.card,
        "config": repository.config, "spaces": []
    })
}

fn stamp(repository: &Repository, at: u8) -> String {
    format!("{}T00:00:00.000Z", repository.commits[usize::from(at) - 1].1)
}

fn tree(repository: &Repository, at: u8) -> Value {
    let entries: Vec<Value> = files(repository.id, at)
        .iter()
        .take(1_000)
        .map(|file| {
            let last = file.last.min(at);
            let mut entry = json!({
                "type": "file", "oid": file.blob(), "size": file.text.len(), "path": file.path,
                "lastCommit": {"id": commit(last), "title": "t", "date": stamp(repository, last)},
                "securityFileStatus": {"status": "safe", "avScan": {"status": "safe"}, "pickleImportScan": null}
            });
            if file.large {
                entry["lfs"] =
                    json!({"oid": file.sha256(), "size": file.text.len(), "pointerSize": 134});
            }
            entry
        })
        .collect();
    Value::Array(entries)
}

fn commits(repository: &Repository, at: u8) -> Value {
    let entries: Vec<Value> = (1..=at)
        .rev()
        .map(|n| {
            let (account, _) = repository.commits[usize::from(n) - 1];
            json!({"id": commit(n), "title": "t", "message": "", "date": stamp(repository, n),
                   "authors": [{"user": account}]})
        })
        .collect();
    Value::Array(entries)
}

fn refs(repository: &Repository) -> Value {
    let last = u8::try_from(repository.commits.len()).expect("few");
    json!({
        "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": commit(last)}],
        "converts": [], "tags": [], "pullRequests": []
    })
}

fn resolve(id: &str, revision: &str, path: &str) -> Response<Body> {
    let Some(repository) = repository(id) else {
        return refuse(401, "RepoNotFound", "Repository not found");
    };
    let Some(at) = number(&repository, revision) else {
        return refuse(404, "RevisionNotFound", "Invalid rev id");
    };
    let Some(file) = files(id, at).into_iter().find(|file| file.path == path) else {
        return refuse(404, "EntryNotFound", "Entry not found");
    };
    let etag = if file.large { file.sha256() } else { file.blob() };
    let headers = [
        ("x-repo-commit", commit(at)),
        ("etag", format!("\"{etag}\"")),
        ("content-type", "application/octet-stream".to_owned()),
        ("content-length", file.text.len().to_string()),
    ];
    build(200, &headers, Body::from(file.text))
}

fn ok(value: &Value) -> Response<Body> {
    let kind = ("content-type", "application/json; charset=utf-8".to_owned());
    build(200, &[kind], Body::from(value.to_string()))
}

fn refuse(status: u16, code: &str, message: &str) -> Response<Body> {
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("x-error-message", message.to_owned()),
    ];
    if !code.is_empty() {
        headers.push(("x-error-code", code.to_owned()));
    }
    build(status, &headers, Body::from(json!({"error": message}).to_string()))
}

fn build(status: u16, headers: &[(&str, String)], body: Body) -> Response<Body> {
    let mut response = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(body).expect("well-formed")
}
