//! A model Hub on 127.0.0.1 with a handful of repositories, in the shapes of the real one: whether they
//! are is checked by the live test with the Hub's own client.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "every test file uses a part of it, a test that cannot go on may stop, and texts are small"
)]

mod repositories;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};

use repositories::{File, Repository, files, repository};
pub use repositories::{commit, sha256_of};

/// Entries of one page of a tree, and of one page of commits.
const PAGE: usize = 1_000;

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

    /// Method, address, host, token and range of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic holds it").clone()
    }

    /// How many of them asked the API about one model or about namespaces; files apart.
    pub fn api_requests(&self, id: &str) -> usize {
        let about =
            [format!("/api/models/{id}/"), "/api/organizations/".into(), "/api/users/".into()];
        self.requests().iter().filter(|r| about.iter().any(|path| r.contains(path))).count()
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let path =
        percent_encoding::percent_decode_str(request.uri().path()).decode_utf8_lossy().into_owned();
    let headers = request.headers();
    let told = |name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned()
    };
    shared.requests.lock().expect("no panic holds it").push(format!(
        "{} {} host={} token={} range={}",
        request.method(),
        request.uri(),
        told("host"),
        told("authorization"),
        told("range")
    ));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let page = cursor(request.uri().query());
    match parts.as_slice() {
        ["api", "models", owner, name, rest @ ..] => {
            api(&shared, &format!("{owner}/{name}"), rest, page)
        }
        ["api", "organizations", "org", "overview"] => ok(&json!({
            "name": "org", "fullname": "Org", "isVerified": true, "numUsers": 2, "numModels": 5
        })),
        ["api", "users", "young", "overview"] => ok(&json!({
            "user": "young", "fullname": "Young", "isPro": false, "numModels": 1,
            "createdAt": "2026-09-01T00:00:00.000Z"
        })),
        ["api", ..] => refuse(404, "", "not found"),
        ["cdn", owner, name, revision, file @ ..] => {
            bytes(&format!("{owner}/{name}"), revision, &file.join("/"), headers)
        }
        [owner, name, "resolve", revision, file @ ..] => {
            resolve(&shared, &format!("{owner}/{name}"), revision, &file.join("/"), headers)
        }
        _ => refuse(404, "EntryNotFound", "Entry not found"),
    }
}

fn cursor(query: Option<&str>) -> usize {
    let cursor = query.unwrap_or("").split('&').find_map(|pair| pair.strip_prefix("cursor="));
    cursor.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn number(repository: &Repository, revision: &str) -> Option<u8> {
    let last = u8::try_from(repository.commits.len()).ok()?;
    (1..=last).find(|n| commit(*n) == revision).or((revision == "main").then_some(last))
}

/// Repositories that are refused, as the Hub does it.
fn refusal(id: &str) -> Option<Response<Body>> {
    match id {
        "org/gated" => Some(refuse(403, "GatedRepo", "Access to this model is restricted.")),
        "org/disabled" => Some(refuse(403, "", "Access to this resource is disabled.")),
        // Without a token the Hub does not say whether it is private or was never there.
        "org/private" => Some(refuse(401, "", "Invalid username or password.")),
        "org/deleted" => Some(refuse(404, "RepoNotFound", "Repository not found")),
        _ => None,
    }
}

fn api(shared: &Shared, id: &str, rest: &[&str], page: usize) -> Response<Body> {
    if let Some(refused) = refusal(id) {
        return refused;
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
    let here = format!("{}api/models/{id}/{}", shared.base, rest.join("/"));
    match rest.first() {
        Some(&"tree") => paged(tree(&repository, at), page, &here),
        Some(&"commits") => paged(commits(&repository, at), page, &here),
        _ => ok(&info(&repository, at)),
    }
}

/// One page of a list, with the address of the next one.
fn paged(entries: Vec<Value>, from: usize, here: &str) -> Response<Body> {
    let more = entries.len() > from + PAGE;
    let page: Vec<Value> = entries.into_iter().skip(from).take(PAGE).collect();
    let mut headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
    if more {
        let next =
            format!("<{here}?recursive=true&expand=true&cursor={}>; rel=\"next\"", from + PAGE);
        headers.push(("link", next));
    }
    build(200, &headers, Body::from(Value::Array(page).to_string()))
}

fn info(repository: &Repository, at: u8) -> Value {
    let siblings: Vec<Value> = files(repository.id, at)
        .iter()
        .map(|file| {
            let mut entry =
                json!({"rfilename": file.path, "blobId": file.blob(), "size": file.bytes.len()});
            if file.large {
                entry["lfs"] =
                    json!({"sha256": file.sha256(), "size": file.bytes.len(), "pointerSize": 134});
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

fn tree(repository: &Repository, at: u8) -> Vec<Value> {
    let entry = |file: &File| {
        let last = file.last.min(at);
        let mut entry = json!({
            "type": "file", "oid": file.blob(), "size": file.bytes.len(), "path": file.path,
            "lastCommit": {"id": commit(last), "title": "t", "date": stamp(repository, last)},
            "securityFileStatus": {"status": "safe", "avScan": {"status": "safe"}, "pickleImportScan": null}
        });
        if file.large {
            entry["lfs"] =
                json!({"oid": file.sha256(), "size": file.bytes.len(), "pointerSize": 134});
        }
        entry
    };
    files(repository.id, at).iter().map(entry).collect()
}

fn commits(repository: &Repository, at: u8) -> Vec<Value> {
    (1..=at)
        .rev()
        .map(|n| {
            let (account, _) = repository.commits[usize::from(n) - 1];
            json!({"id": commit(n), "title": "t", "message": "", "date": stamp(repository, n),
                   "authors": [{"user": account}]})
        })
        .collect()
}

fn refs(repository: &Repository) -> Value {
    let last = u8::try_from(repository.commits.len()).expect("few");
    json!({
        "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": commit(last)}],
        "converts": [], "tags": [], "pullRequests": []
    })
}

/// A small file, or the way to a large one on another host, as the Hub answers.
fn resolve(
    shared: &Shared,
    id: &str,
    revision: &str,
    path: &str,
    headers: &HeaderMap,
) -> Response<Body> {
    let Some(repository) = repository(id) else {
        return refuse(401, "RepoNotFound", "Repository not found");
    };
    let Some(at) = number(&repository, revision) else {
        return refuse(404, "RevisionNotFound", "Invalid rev id");
    };
    let Some(file) = files(id, at).into_iter().find(|file| file.path == path) else {
        return refuse(404, "EntryNotFound", "Entry not found");
    };
    if !file.large {
        return bytes(id, revision, path, headers);
    }
    let cdn = shared.base.replace("127.0.0.1", "localhost");
    let told = [
        ("location", format!("{cdn}cdn/{id}/{revision}/{path}")),
        ("x-repo-commit", commit(at)),
        ("x-linked-etag", format!("\"{}\"", file.sha256())),
        ("x-linked-size", file.bytes.len().to_string()),
    ];
    build(302, &told, Body::empty())
}

/// The bytes of a file, or the part of them that was asked for.
fn bytes(id: &str, revision: &str, path: &str, headers: &HeaderMap) -> Response<Body> {
    let found = repository(id).and_then(|repository| {
        let at = number(&repository, revision)?;
        Some((at, files(id, at).into_iter().find(|file| file.path == path)?))
    });
    let Some((at, file)) = found else { return refuse(404, "EntryNotFound", "Entry not found") };
    let etag = if file.large { file.sha256() } else { file.blob() };
    let mut told = vec![
        ("x-repo-commit", commit(at)),
        ("etag", format!("\"{etag}\"")),
        ("accept-ranges", "bytes".to_owned()),
        ("content-type", "application/octet-stream".to_owned()),
    ];
    let served = file.served();
    let range = headers.get("range").and_then(|range| range.to_str().ok()).and_then(|range| {
        let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((from.parse::<usize>().ok()?, to.parse::<usize>().ok()?))
    });
    match range {
        Some((from, to)) if from < served.len() => {
            let to = to.min(served.len() - 1);
            told.push(("content-range", format!("bytes {from}-{to}/{}", served.len())));
            build(206, &told, Body::from(served[from..=to].to_vec()))
        }
        Some(_) => refuse(416, "", "out of range"),
        None => {
            told.push(("content-length", served.len().to_string()));
            build(200, &told, Body::from(served))
        }
    }
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
