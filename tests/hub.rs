//! The xz question for models, end to end on a Hub on 127.0.0.1 that answers in the Hub's own shapes.
//! Whether these shapes are the real ones is checked by the `live` test with the real Python client.

mod hub_server;

use cargo_custody::collectors::hub::{ModelRecord, Question, look};
use cargo_custody::domain::Measured;
use cargo_custody::net::hub::Hub;
use cargo_custody::net::{BaseUrls, Client, Options};
use hub_server::{HubServer, commit};

const AS_OF: jiff::civil::Date = jiff::civil::date(2026, 11, 23);

fn client(cache: Option<&std::path::Path>) -> Client {
    Client::online(Options {
        cache: cache.map(std::path::Path::to_owned),
        retries: 0,
        ..Options::default()
    })
}

fn ask(client: &Client, base: &str, id: &str, revision: &str) -> ModelRecord {
    let urls = BaseUrls { hub: Some(base.to_owned()), ..BaseUrls::default() };
    let hub = Hub::new(client, &urls, None);
    let runtime = cargo_custody::net::runtime().expect("a runtime");
    runtime.block_on(look(&hub, &Question { id, revision, pin: None }, AS_OF))
}

#[test]
fn new_hands_that_bring_a_pickle_and_code_are_seen_with_their_silence() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "org/taken-over", "");
    let newcomers = record.custody.newcomers.known().expect("the history is complete");
    assert_eq!(newcomers.len(), 1);
    assert_eq!((newcomers[0].account.as_str(), newcomers[0].silence_days), ("eve", 1042));
    assert!(newcomers[0].weights && newcomers[0].code);
    let change = record.hub.change.known().expect("compared");
    assert_eq!(change.reason, "before-newcomer");
    assert_eq!(change.safetensors_removed, ["model.safetensors"]);
    assert_eq!(change.pickles_added[0].account, Measured::Known("eve".to_owned()));
    assert_eq!(change.code_added[0].path, "modeling_x.py");
    assert_eq!(record.hub.remote_code, Measured::Known(true));
    assert!(server.api_requests() <= 4, "{:?}", server.requests());
}

#[test]
fn a_quiet_repository_changes_nothing_and_costs_four_questions_at_most() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "org/quiet", "");
    assert_eq!(record.custody.newcomers, Measured::Known(Vec::new()));
    let change = record.hub.change.known().expect("compared");
    assert!(change.code_added.is_empty() && change.pickles_added.is_empty());
    assert!(server.api_requests() <= 4, "{:?}", server.requests());
}

#[test]
fn a_second_look_at_a_pinned_commit_asks_nothing() {
    let server = HubServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let client = client(Some(folder.path()));
    let first = ask(&client, &server.base, "org/quiet", &commit(2));
    let asked = server.requests().len();
    assert!(asked > 0);
    let second = ask(&client, &server.base, "org/quiet", &commit(2));
    assert_eq!(server.requests().len(), asked);
    assert_eq!(first, second);
    let offline = Client::offline_with_cache(folder.path().to_owned());
    assert_eq!(ask(&offline, &server.base, "org/quiet", &commit(2)), first);
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn refusals_are_words_and_never_an_empty_repository() {
    let server = HubServer::start();
    let client = client(None);
    for (id, revision, status) in [
        ("org/gated", "", "gated"),
        ("org/nothing", "", "missing-or-private"),
        ("org/disabled", "", "disabled"),
        ("org/quiet", "no-such-branch", "revision-not-found"),
    ] {
        let record = ask(&client, &server.base, id, revision);
        assert_eq!(record.hub.status, Measured::Known(status.to_owned()), "{id}");
        assert!(record.hub.files.known().is_none());
        assert!(record.custody.newcomers.known().is_none());
    }
}

#[test]
fn base_models_are_followed_without_end_or_cycle() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "org/adapter", "");
    let bases = record.hub.base_models.known().expect("followed");
    let told: Vec<(&str, u32)> = bases.iter().map(|base| (base.id.as_str(), base.depth)).collect();
    assert_eq!(told, [("org/base", 1), ("org/gone", 2)]);
    assert!(record.hub.base_model_cycle);
    assert_eq!(bases[1].status, Measured::Known("missing-or-private".to_owned()));
    let contradictions = record.hub.license_contradictions.known().expect("told");
    assert_eq!(contradictions, &["org/base: llama3.1, ours: apache-2.0"]);
}

#[test]
fn a_huge_tree_and_hostile_names_stay_bounded() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "org/huge", "");
    assert_eq!(record.hub.files.known().map(Vec::len), Some(2_000));
    assert_eq!(record.hub.files_left_out, 8_000);
    assert!(server.api_requests() <= 4);
}

#[test]
fn a_renamed_repository_is_told() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "former/quiet", "");
    assert_eq!(record.hub.renamed_to, Measured::Known("org/quiet".to_owned()));
}

/// The real `huggingface_hub` succeeds against this server: its shapes are the Hub's. Needs Python with
/// that package; `CUSTODY_PYTHON` names the interpreter.
#[test]
#[ignore = "live"]
fn live_the_real_client_reads_this_server() {
    let server = HubServer::start();
    let python = std::env::var("CUSTODY_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hub_client_check.py");
    let home = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(python)
        .arg(script)
        .env("HF_ENDPOINT", server.base.trim_end_matches('/'))
        .env("HF_HOME", home.path())
        .env("HF_HUB_DISABLE_XET", "1")
        .env("HF_HUB_DISABLE_TELEMETRY", "1")
        .output()
        .expect("Python starts");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("all five calls succeeded"), "{told}");
}
