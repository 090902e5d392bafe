//! One model at a time on a Hub on 127.0.0.1 that answers in the Hub's own shapes: what is measured, what
//! is refused, and how often is asked. Whether the shapes are the real ones is checked by the live test
//! with the Hub's own client.

mod hub_server;

use cargo_custody::collectors::hub::{FilesRead, ModelRecord, Question, look, read_files};
use cargo_custody::domain::{Measured, ModelPin};
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

fn hub(client: &Client, base: &str) -> Hub {
    let urls = BaseUrls { hub: Some(base.to_owned()), ..BaseUrls::default() };
    Hub::new(client, &urls, None)
}

fn ask_about(client: &Client, base: &str, question: &Question<'_>) -> ModelRecord {
    let runtime = cargo_custody::net::runtime().expect("a runtime");
    runtime.block_on(look(&hub(client, base), question, AS_OF))
}

fn ask(client: &Client, base: &str, id: &str, revision: &str) -> ModelRecord {
    ask_about(client, base, &Question { id, revision, pin: None })
}

/// What is measured of a model, its files included.
fn read(server: &HubServer, id: &str) -> (ModelRecord, Measured<FilesRead>) {
    let client = client(None);
    let mut record = ask(&client, &server.base, id, "");
    let runtime = cargo_custody::net::runtime().expect("a runtime");
    let files = read_files(&hub(&client, &server.base), &runtime, id, &mut record.hub);
    (record, files)
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
    assert!(server.api_requests("org/taken-over") <= 5, "{:?}", server.requests());
}

#[test]
fn a_quiet_repository_changes_nothing_and_costs_four_questions_at_most() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "org/quiet", "");
    assert_eq!(record.custody.newcomers, Measured::Known(Vec::new()));
    let change = record.hub.change.known().expect("compared");
    assert!(change.code_added.is_empty() && change.pickles_added.is_empty());
    assert!(server.api_requests("org/quiet") <= 4, "{:?}", server.requests());
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

/// A refusal is a word, and nothing of the repository counts as empty.
fn refused(id: &str, revision: &str, status: &str) {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, id, revision);
    assert_eq!(record.hub.status, Measured::Known(status.to_owned()), "{id}");
    assert!(record.hub.files.known().is_none());
    assert!(record.custody.newcomers.known().is_none());
    assert_eq!(server.requests().len(), 1, "nothing else is asked");
}

#[test]
fn a_gated_repository_is_gated_and_not_empty() {
    refused("org/gated", "", "gated");
}

#[test]
fn a_disabled_repository_is_disabled_and_not_empty() {
    refused("org/disabled", "", "disabled");
}

#[test]
fn of_a_private_repository_nobody_can_tell_whether_it_exists() {
    refused("org/private", "", "missing-or-private");
}

#[test]
fn a_deleted_repository_is_missing_and_not_empty() {
    refused("org/deleted", "", "missing-or-private");
    refused("org/nothing", "", "missing-or-private");
}

#[test]
fn a_vanished_revision_is_told_apart_from_a_vanished_repository() {
    refused("org/quiet", "no-such-branch", "revision-not-found");
}

#[test]
fn a_renamed_repository_is_told() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "former/quiet", "");
    assert_eq!(record.hub.renamed_to, Measured::Known("org/quiet".to_owned()));
}

#[test]
fn an_empty_repository_has_no_files_and_no_card() {
    let server = HubServer::start();
    let (record, files) = read(&server, "org/empty");
    assert_eq!(record.hub.files, Measured::Known(Vec::new()));
    assert!(!record.hub.card.known().expect("the files are known").present);
    assert_eq!(files.known().map(|files| files.model.file_count), Some(0));
}

#[test]
fn base_models_are_followed_without_end_or_cycle() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "org/adapter", "");
    let bases = record.hub.base_models.known().expect("followed");
    let told: Vec<(&str, &str, u32)> =
        bases.iter().map(|base| (&*base.id, &*base.named_by, base.depth)).collect();
    assert_eq!(
        told,
        [
            ("org/base", "org/adapter", 1),
            ("org/gone", "org/base", 2),
            ("org/gated", "org/base", 2),
            ("former/quiet", "org/base", 2)
        ]
    );
    assert!(record.hub.base_model_cycle);
    let statuses: Vec<_> =
        bases.iter().map(|base| base.status.known().map(String::as_str)).collect();
    assert_eq!(statuses, [Some("found"), Some("missing-or-private"), Some("gated"), Some("found")]);
    assert_eq!(bases[3].renamed_to, Measured::Known("org/quiet".to_owned()));
    let contradictions = record.hub.license_contradictions.known().expect("told");
    assert_eq!(contradictions, &["org/base: llama3.1, ours: apache-2.0"]);
    assert!(server.api_requests("org/adapter") <= 4, "{:?}", server.requests());
}

#[test]
fn a_recipe_and_an_adapter_name_bases_that_the_card_leaves_out() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "org/merge", "");
    let untold = record.hub.base_models_untold.known().expect("read");
    assert_eq!(untold, &["mergekit_config.yml: org/moving", "mergekit_config.yml: org/quiet"]);
    assert!(!record.hub.base_model_cycle, "two parents are no cycle");
    let record = ask(&client(None), &server.base, "org/silent-adapter", "");
    let bases = record.hub.base_models.known().expect("followed");
    assert_eq!(
        (bases[0].id.as_str(), bases[0].source.as_str()),
        ("org/base", "adapter_config.json")
    );
    let record = ask(&client(None), &server.base, "org/adapter", "");
    assert_eq!(record.hub.base_models_untold, Measured::Known(Vec::new()));
}

#[test]
fn a_huge_tree_and_hostile_names_stay_bounded() {
    let server = HubServer::start();
    let (record, _) = read(&server, "org/huge");
    assert_eq!(record.hub.files.known().map(Vec::len), Some(2_000));
    assert_eq!(record.hub.files_left_out, 8_000);
    assert!(server.api_requests("org/huge") <= 4);
}

#[test]
fn names_that_climb_are_never_asked_for() {
    let server = HubServer::start();
    let (record, files) = read(&server, "org/hostile");
    assert_eq!(record.hub.files.known().map(Vec::len), Some(9));
    let files = files.known().expect("some could be read");
    let left_out: Vec<&str> = files.left_out.iter().map(|(path, _)| path.as_str()).collect();
    assert!(left_out.contains(&"../../../etc/passwd.py"), "{left_out:?}");
    for request in server.requests() {
        let path = request.split(' ').nth(1).expect("an address");
        assert!(!path.contains("..") && !path.contains("etc/passwd"), "{request}");
    }
}

#[test]
fn a_front_matter_bomb_is_not_expanded() {
    let server = HubServer::start();
    let (record, _) = read(&server, "org/bomb");
    assert!(record.hub.card.known().expect("read").present);
    assert_eq!(record.hub.status, Measured::Known("found".to_owned()));
}

#[test]
fn of_a_card_of_fifty_megabytes_the_beginning_is_read() {
    let server = HubServer::start();
    let (record, _) = read(&server, "org/long-card");
    let card = record.hub.card.known().expect("read");
    assert_eq!(card.training_data, Measured::Known(true));
    let asked = server.requests();
    let of_card: Vec<_> = asked.iter().filter(|r| r.contains("README.md")).collect();
    assert!(of_card.iter().all(|r| r.contains("range=bytes=0-1048575")), "{of_card:?}");
}

#[test]
fn files_are_looked_at_in_parts_and_weights_stay_where_they_are() {
    let server = HubServer::start();
    let (_, files) = read(&server, "org/calling");
    let model = &files.known().expect("read").model;
    let calls: Vec<&str> = model
        .files
        .iter()
        .filter(|file| !file.calls.is_empty())
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(calls, ["pytorch_model.bin"]);
    assert_eq!(model.safetensors.len(), 1);
    let weights: Vec<_> =
        server.requests().into_iter().filter(|r| r.contains("/rest.bin")).collect();
    assert!(
        !weights.is_empty() && weights.iter().all(|r| r.contains("range=bytes=")),
        "{weights:?}"
    );
}

#[test]
fn bytes_that_are_not_those_of_their_git_id_are_told() {
    let server = HubServer::start();
    let (record, _) = read(&server, "org/altered");
    assert_eq!(record.hub.files_altered, Measured::Known(vec!["modeling_x.py".to_owned()]));
    let (record, _) = read(&server, "org/quiet");
    assert_eq!(record.hub.files_altered, Measured::Known(Vec::new()));
    let config = record.hub.files.known().expect("listed").iter().find(|f| f.path == "config.json");
    assert!(config.expect("it is there").sha256.known().is_some(), "what was read has a hash");
}

#[test]
fn a_signature_that_leaves_out_a_shard_is_told() {
    let server = HubServer::start();
    let (mut record, _) = read(&server, "org/signed");
    record.hold_signature();
    let signature = record.hub.signature.known().expect("read");
    assert_eq!((signature.path.as_str(), signature.listed), ("model.sig", 3));
    assert_eq!(signature.signer, "ann@example.invalid");
    assert_eq!(signature.not_covered, ["model-00002.safetensors"]);
    // A small file has no SHA-256 on the Hub: it is known once the file was read.
    assert_eq!(signature.different, ["config.json"]);
    assert_eq!(signature.missing, ["tokenizer.json"]);
}

#[test]
fn the_commit_before_is_asked_for_only_where_there_are_pickles() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "org/quiet", &commit(3));
    assert_eq!(record.hub.parent.known().expect("nothing to ask").reason, "no-pickles");
    let record = ask(&client(None), &server.base, "org/pickled", &commit(3));
    let parent = record.hub.parent.known().expect("compared");
    assert_eq!((parent.reason.as_str(), parent.commit.as_str()), ("parent", &*commit(2)));
    assert_eq!(parent.safetensors_removed, ["model.safetensors"]);
    assert_eq!(parent.pickles_added.len(), 1);
    assert!(server.api_requests("org/pickled") <= 5, "{:?}", server.requests());
}

#[test]
fn of_a_commit_that_is_gone_it_is_asked_who_holds_the_name() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "young/model", &commit(9));
    assert_eq!(record.hub.status, Measured::Known("revision-not-found".to_owned()));
    assert_eq!(record.custody.namespace_kind, Measured::Known("user".to_owned()));
    assert_eq!(record.custody.namespace_days, Measured::Known(83));
    assert!(record.custody.committers.known().is_none());
}

#[test]
fn code_from_a_second_repository_is_told() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "org/borrowed-code", "");
    let other = vec!["other/second".to_owned()];
    assert_eq!(record.hub.remote_code_repositories, Measured::Known(other));
}

#[test]
fn a_namespace_younger_than_its_model_is_told() {
    let server = HubServer::start();
    let record = ask(&client(None), &server.base, "young/model", "");
    assert_eq!(record.custody.namespace_kind, Measured::Known("user".to_owned()));
    assert_eq!(record.custody.namespace_younger_than_history, Measured::Known(true));
}

#[test]
fn a_pinned_commit_that_left_the_history_is_told() {
    let server = HubServer::start();
    for (revision, belongs) in [(commit(2), true), (commit(9), false)] {
        let pin = ModelPin { repository: "org/quiet".to_owned(), revision, ..ModelPin::default() };
        let question = Question { id: "org/quiet", revision: "main", pin: Some(&pin) };
        let record = ask_about(&client(None), &server.base, &question);
        assert_eq!(record.hub.pinned_commit_in_history, Measured::Known(belongs));
    }
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
    assert!(told.contains("all calls succeeded"), "{told}");
}
