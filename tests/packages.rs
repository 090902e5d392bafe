//! Packages of Python and npm through the whole program: locks and lists, pins, the indexes that the user
//! named (on 127.0.0.1), records of malware, models beside them, and input that means harm.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use custody_bytes::zip_reader::sample;
use serde_json::{Value, json};

const HASH: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Two indexes in one: distributions of Python below `/simple/`, packages of npm below `/npm/`.
struct Index {
    base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// The wheel of a version: the last one brings a file that runs at every start.
fn wheel(version: &str) -> Vec<u8> {
    let mut entries = vec![sample::entry("litething/__init__.py", b"x = 1\n")];
    if version == "1.0.2" {
        entries.push(sample::entry("litething_init.pth", b"import os\n"));
    }
    sample::archive(&entries)
}

fn page(base: &str) -> Value {
    let file = |version: &str, day: &str, provenance: Value| {
        json!({"filename": format!("litething-{version}-py3-none-any.whl"),
               "url": format!("../../files/{version}"), "hashes": {"sha256": HASH},
               "size": wheel(version).len(), "upload-time": format!("{day}T10:00:00Z"),
               "yanked": false, "provenance": provenance})
    };
    let statement = json!(format!("{base}provenance"));
    json!({"name": "litething", "meta": {"api-version": "1.4"}, "files": [
        file("1.0.0", "2026-09-01", statement.clone()),
        file("1.0.1", "2026-10-01", statement),
        file("1.0.2", "2026-11-20", Value::Null)]})
}

impl Index {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let state = (base.clone(), Arc::clone(&requests));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let app = Router::new().fallback(answer).with_state(state);
                axum::serve(listener, app).await.unwrap();
            });
        });
        Self { base, requests }
    }

    fn asked(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

type Shared = (String, Arc<Mutex<Vec<String>>>);

async fn answer(State((base, requests)): State<Shared>, request: Request) -> Response<Body> {
    let header = |name: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned()
    };
    let line = format!(
        "{} authorization={} range={}",
        request.uri(),
        header("authorization"),
        header("range")
    );
    requests.lock().unwrap().push(line);
    let path = request.uri().path().to_owned();
    if let Some(version) = path.strip_prefix("/files/") {
        let bytes = wheel(version);
        let range = header("range");
        let (from, to) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
        return Response::builder()
            .status(206)
            .header("content-range", format!("bytes {from}-{to}/{}", bytes.len()))
            .body(Body::from(bytes[from..=to].to_vec()))
            .unwrap();
    }
    let told = match path.as_str() {
        "/simple/litething/" => Some(page(&base)),
        "/npm/@s%2Fworm" => Some(json!({
            "time": {"1.0.0": "2026-01-01T00:00:00Z", "1.0.1": "2026-11-01T00:00:00Z"},
            "versions": {"1.0.0": {"dist": {}}, "1.0.1": {"dist": {}, "scripts": {"postinstall": "x"}}}})),
        _ => None,
    };
    let status = if told.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let kind = "application/vnd.pypi.simple.v1+json";
    let body = told.map_or_else(String::new, |told| told.to_string());
    Response::builder().status(status).header("content-type", kind).body(Body::from(body)).unwrap()
}

/// A project with these files.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let own = [
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n"),
        ("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\n"),
        ("src/lib.rs", ""),
    ];
    for (name, text) in own.iter().chain(files) {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let place = folder.join(name);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
}

struct Run {
    code: i32,
    report: Value,
    text: String,
}

impl Run {
    /// `rule: level` of every finding about a package or model, in order.
    fn findings(&self) -> Vec<String> {
        let word = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
        let all = self.report["findings"].as_array().into_iter().flatten();
        let mut all: Vec<String> = all
            .filter(|one| one["subject"]["kind"] != "crate")
            .map(|one| {
                format!(
                    "{} {}: {}",
                    word(&one["subject"], "name"),
                    word(one, "rule"),
                    word(one, "level")
                )
            })
            .collect();
        all.sort();
        all
    }

    fn has(&self, finding: &str) -> bool {
        self.findings().iter().any(|one| one == finding)
    }

    fn subject(&self, name: &str) -> Value {
        let all = self.report["subjects"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).cloned().unwrap_or(Value::Null)
    }
}

fn command(folder: &Path, subcommand: &str, arguments: &[&str], home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
    command
        .arg(subcommand)
        .arg(folder)
        .args(["--as-of", "2026-11-23", "--api-budget", "0s", "--cache-dir"])
        .arg(home.join("cache"))
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("CARGO_HOME", home.join("cargo"))
        .env("CARGO_CUSTODY_DATA", "off")
        .env("CARGO_CUSTODY_INDEX", "http://127.0.0.1:9/")
        .env("CARGO_CUSTODY_ADVISORY_DB", "http://127.0.0.1:9/advisories");
    command
}

fn check(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let home = tempfile::tempdir().unwrap();
    let all = [&["--format", "json", "--all"], arguments].concat();
    let mut command = command(folder, "check", &all, home.path());
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{error}"));
    Run { code: output.status.code().unwrap(), report, text: format!("{text}{error}") }
}

fn uv(name: &str, version: &str, more: &str) -> String {
    format!(
        "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = {{ registry = \"https://me:hunter2@index.example.invalid/simple\" }}\n{more}wheels = [{{ url = \"https://files.example.invalid/x.whl\", hash = \"sha256:{HASH}\" }}]\n\n"
    )
}

#[test]
fn the_index_that_the_user_named_tells_tokens_new_start_files_and_new_scripts() {
    let index = Index::start();
    let npm = format!(
        "{{\"lockfileVersion\": 3, \"packages\": {{\"node_modules/@s/worm\": {{\"version\": \"1.0.1\", \"integrity\": \"sha512-x\", \"hasInstallScript\": true, \"resolved\": \"{}x/@s/worm/-/worm.tgz\"}}}}}}",
        index.base
    );
    let lock = format!("version = 1\n\n{}", uv("litething", "1.0.2", ""));
    let project = project(&[("uv.lock", &lock), ("package-lock.json", &npm)]);
    let simple = format!("{}simple/", index.base);
    let npm = format!("{}npm/", index.base);
    let named = [
        ("CARGO_CUSTODY_PYTHON_INDEX", simple.as_str()),
        ("CARGO_CUSTODY_NPM_INDEX", npm.as_str()),
    ];
    let run = check(project.path(), &[], &named);
    for finding in [
        "litething package-released-by-token: medium",
        "litething package-new-startup-file: high",
        "@s/worm package-new-install-script: medium",
    ] {
        assert!(run.has(finding), "{finding}: {:?}\n{:?}", run.findings(), index.asked());
    }
    let asked = index.asked();
    assert_eq!(asked.len(), 4, "one page each, and one part of two wheels: {asked:?}");
    assert!(asked.iter().all(|request| request.contains("authorization=-")), "{asked:?}");
    assert!(!run.text.contains("hunter2"), "credentials of the lock are shown");
    // The version before has the statement, no such file and no script.
    let before = format!("version = 1\n\n{}", uv("litething", "1.0.1", ""));
    write(project.path(), "uv.lock", &before);
    fs::remove_file(project.path().join("package-lock.json")).unwrap();
    let run = check(project.path(), &[], &named);
    assert_eq!(run.findings().iter().filter(|one| one.contains("litething")).count(), 0);
    // A name that the index does not have can be taken by anybody.
    write(project.path(), "uv.lock", &format!("version = 1\n\n{}", uv("nobody-has-it", "1", "")));
    assert!(check(project.path(), &[], &named).has("nobody-has-it package-not-in-index: low"));
}

#[test]
fn nobody_is_asked_where_nobody_was_named_or_offline() {
    let index = Index::start();
    let lock = format!("version = 1\n\n{}", uv("litething", "1.0.2", ""));
    let project = project(&[("uv.lock", &lock)]);
    let simple = format!("{}simple/", index.base);
    check(project.path(), &[], &[]);
    check(project.path(), &["--offline"], &[("CARGO_CUSTODY_PYTHON_INDEX", simple.as_str())]);
    assert_eq!(index.asked(), [""; 0]);
}

#[test]
fn a_record_of_malware_is_critical_and_a_folder_without_any_is_an_error() {
    let records = tempfile::tempdir().unwrap();
    let record = json!({"id": "MAL-2026-2144", "summary": "Malicious code in litething (PyPI)",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "litething"}, "versions": ["1.0.2"]}]});
    write(records.path(), "pypi/MAL-2026-2144.json", &record.to_string());
    let named = [("CARGO_CUSTODY_MALWARE", records.path().to_str().unwrap())];
    let project = project(&[("requirements.txt", "LiteThing==1.0.2\nother==1\n")]);
    let run = check(project.path(), &["--offline"], &named);
    assert_eq!(run.code, 1);
    assert!(run.has("litething package-malware-record: critical"), "{:?}", run.findings());
    assert!(!run.findings().iter().any(|one| one.starts_with("other package-malware")));
    write(project.path(), "requirements.txt", "litething==1.0.1\n");
    assert_eq!(check(project.path(), &["--offline"], &named).code, 0);
    let empty = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut command = command(project.path(), "check", &["--offline"], home.path());
    let output = command.env("CARGO_CUSTODY_MALWARE", empty.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "no records are no clean bill");
}

#[test]
fn pins_hold_packages_and_other_bytes_or_new_scripts_are_held() {
    let npm = |version: &str, script: bool| {
        format!(
            "{{\"lockfileVersion\": 3, \"packages\": {{\"node_modules/a\": {{\"version\": \"{version}\", \"integrity\": \"sha512-x\", \"hasInstallScript\": {script}}}}}}}"
        )
    };
    let project = project(&[
        ("requirements.txt", "plain==1\n"),
        ("uv.lock", &format!("version = 1\n\n{}", uv("hashed", "1", ""))),
        ("package-lock.json", &npm("1.0.0", false)),
    ]);
    let home = tempfile::tempdir().unwrap();
    let pin = || {
        let output = command(project.path(), "pin", &["--offline"], home.path()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}", text(&output.stderr));
        (text(&output.stdout), fs::read_to_string(project.path().join("custody.lock")).unwrap())
    };
    let (told, lock) = pin();
    assert!(told.starts_with("3 pinned"), "{told}");
    let block = format!(
        "[[package]]\necosystem = \"python\"\nname = \"hashed\"\nversion = \"1\"\nsha256 = \"{HASH}\"\nruns-on-install = false\n"
    );
    assert!(lock.contains(&block), "{lock}");
    assert!(
        check(project.path(), &["--offline"], &[])
            .findings()
            .iter()
            .all(|one| !one.contains("changed"))
    );
    let other =
        fs::read_to_string(project.path().join("uv.lock")).unwrap().replace(HASH, &"b".repeat(64));
    write(project.path(), "uv.lock", &other);
    write(project.path(), "package-lock.json", &npm("1.0.1", true));
    let run = check(project.path(), &["--offline"], &[]);
    assert!(run.has("hashed package-bytes-changed: high"), "{:?}", run.findings());
    assert!(run.has("a package-new-install-script: medium"), "{:?}", run.findings());
    let (told, after) = pin();
    assert!(told.contains("npm:a has other bytes, or runs code on install now"), "{told}");
    assert_eq!(after, lock, "nothing that has to be looked at is taken over by itself");
}

#[test]
fn packages_of_one_lock_hang_on_one_another_in_report_and_bill() {
    let lock = format!(
        "version = 1\n\n[[package]]\nname = \"app\"\nversion = \"0\"\nsource = {{ virtual = \".\" }}\ndependencies = [{{ name = \"top\" }}]\n\n{}{}{}{}",
        uv("top", "1", "dependencies = [{ name = \"Mid_Dle\" }]\n"),
        uv("mid-dle", "1", ""),
        uv("ring-a", "1", "dependencies = [{ name = \"ring-b\" }]\n"),
        uv("ring-b", "1", "dependencies = [{ name = \"ring-a\" }]\n"),
    );
    let npm = "{\"lockfileVersion\": 2, \"packages\": {\"node_modules/a\": {\"version\": \"1.0.0\", \"dependencies\": {\"b\": \"*\"}}, \"node_modules/b\": {\"version\": \"1.0.0\"}, \"node_modules/a/node_modules/b\": {\"version\": \"2.0.0\"}}}";
    let project = project(&[("uv.lock", &lock), ("package-lock.json", npm)]);
    let run = check(project.path(), &["--offline"], &[]);
    assert_eq!(run.subject("top")["depends_on"], json!(["pkg:pypi/mid-dle@1"]));
    assert_eq!(run.subject("ring-a")["depends_on"], json!(["pkg:pypi/ring-b@1"]));
    assert_eq!(run.subject("a")["depends_on"], json!(["pkg:npm/b@2.0.0"]), "the nearest one");
    let app = run.subject("app")["depends_on"].to_string();
    for (name, direct) in [("top", true), ("mid-dle", false), ("ring-a", true), ("ring-b", false)] {
        assert_eq!(app.contains(&format!("pkg:pypi/{name}@")), direct, "{name}: {app}");
    }
    let home = tempfile::tempdir().unwrap();
    let arguments = ["--offline", "--format", "cyclonedx"];
    let output = command(project.path(), "check", &arguments, home.path()).output().unwrap();
    let bill: Value = serde_json::from_slice(&output.stdout).unwrap();
    let component = |purl: &str| {
        bill["components"].as_array().unwrap().iter().find(|one| one["purl"] == purl).cloned()
    };
    let top = component("pkg:pypi/top@1").unwrap();
    assert_eq!(top["hashes"][0]["content"], HASH);
    let edges = bill["dependencies"].as_array().unwrap();
    let edge = edges.iter().find(|edge| edge["ref"] == "pkg:pypi/top@1").unwrap();
    assert_eq!(edge["dependsOn"], json!(["pkg:pypi/mid-dle@1"]));
}

#[test]
fn the_lists_of_a_model_that_is_audited_for_itself_are_read_with_it() {
    let model = tempfile::tempdir().unwrap();
    write(
        model.path(),
        "config.json",
        "{\"model_type\": \"x\", \"auto_map\": {\"AutoModel\": \"modeling_x.X\"}}",
    );
    write(model.path(), "modeling_x.py", "import torch\nimport PIL\nfrom . import other\n");
    write(
        model.path(),
        "requirements.txt",
        "torch==2.0 \\\n  --hash=sha256:00\n--extra-index-url https://u:pw@extra.example.invalid/simple\n",
    );
    let run = check(model.path(), &["--offline"], &[]);
    assert_eq!(run.subject("torch")["purl"], "pkg:pypi/torch@2.0");
    let unlocked = run.findings();
    assert!(
        unlocked.iter().any(|one| one.ends_with("model-imports-unlocked-package: low")),
        "{unlocked:?}"
    );
    let told = run.report["findings"].to_string();
    assert!(told.contains("pillow") && !told.contains("torch,"), "{told}");
    assert!(!run.text.contains("pw@"), "a password is shown");
    write(model.path(), "requirements.txt", "torch==2.0\npillow==1\n");
    let run = check(model.path(), &["--offline"], &[]);
    assert!(!run.findings().iter().any(|one| one.contains("unlocked")), "{:?}", run.findings());
}

#[cfg(unix)]
#[test]
fn lists_that_mean_harm_are_bounded_and_named() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "requirements.txt", "from-outside==1\n");
    let project = project(&[
        (
            "requirements.txt",
            "-r requirements/a.txt\n-r ../../../etc/hostname\nTorch.Vision==1 ; python_version < '4'\n",
        ),
        ("requirements/a.txt", "-r b.txt\n-c ../requirements.txt\n"),
        ("requirements/b.txt", "-r a.txt\nb__b.b==1\nb-b-b==1\n"),
        ("broken/uv.lock", "version = 1\n[[package]\n"),
        (
            "deep/package-lock.json",
            &format!("{{\"packages\": {}1{}}}", "[".repeat(5_000), "]".repeat(5_000)),
        ),
    ]);
    symlink(outside.path().join("requirements.txt"), project.path().join("requirements-out.txt"))
        .unwrap();
    symlink("/dev/zero", project.path().join("requirements-zero.txt")).unwrap();
    let pipe = project.path().join("poetry.lock");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let huge = fs::File::create(project.path().join("huge-requirements.txt")).unwrap();
    huge.set_len(100 << 20).unwrap();
    let run = check(project.path(), &["--offline"], &[]);
    assert!(run.subject("torch-vision").is_object() && run.subject("b-b-b").is_object());
    assert!(run.subject("from-outside").is_null(), "a link that leaves is not followed");
    let unknown = run.report["undetermined"].to_string();
    for file in ["broken/uv.lock", "deep/package-lock.json", "huge-requirements.txt"] {
        assert!(unknown.contains(file), "{file} is not named: {unknown}");
    }
}
