//! Models through the whole program on a Hub on 127.0.0.1: discovery in a project's files, measuring,
//! rules, report, pins. No crate registry is asked: the projects have no dependencies.
#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    reason = "a test that cannot go on may stop"
)]

mod hub_server;

use std::fs;
use std::path::Path;
use std::process::Command;

use hub_server::{HubServer, commit, sha256_of};
use serde_json::Value;

/// A project whose `load.py` loads models: one a line, from line 2 on.
struct Project {
    server: HubServer,
    folder: tempfile::TempDir,
    home: tempfile::TempDir,
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    fn report(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stderr))
    }

    /// `rule: level` of the findings about a model, ordered.
    fn findings(&self, id: &str) -> Vec<String> {
        let report = self.report();
        let findings = report["findings"].as_array().unwrap().iter();
        let mut all: Vec<String> = findings
            .filter(|finding| finding["subject"]["name"] == id)
            .map(|finding| {
                let word = |key: &str| finding[key].as_str().unwrap().to_owned();
                format!("{}: {}", word("rule"), word("level"))
            })
            .collect();
        all.sort();
        all
    }

    fn finding(&self, rule: &str) -> Value {
        let report = self.report();
        let findings = report["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["rule"] == rule).cloned();
        found.unwrap_or_else(|| panic!("{rule} did not fire: {:?}", report["findings"]))
    }
}

impl Project {
    fn of(models: &[(&str, &str)]) -> Self {
        let mut code = String::from("from huggingface_hub import snapshot_download\n");
        for (id, revision) in models {
            match *revision {
                "" => code.push_str(&format!("snapshot_download(\"{id}\")\n")),
                other => {
                    code.push_str(&format!("snapshot_download(\"{id}\", revision=\"{other}\")\n"));
                }
            }
        }
        let project = Self {
            server: HubServer::start(),
            folder: tempfile::tempdir().unwrap(),
            home: tempfile::tempdir().unwrap(),
        };
        project.write("load.py", &code);
        project.write("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\n");
        project.write(
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n",
        );
        project.write("src/lib.rs", "");
        project
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join(file)).unwrap()
    }

    fn command(&self, subcommand: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
        command
            .arg(subcommand)
            .arg(self.folder.path())
            .args(["--as-of", "2026-11-23", "--api-budget", "0s", "--cache-dir"])
            .arg(self.home.path().join("cache"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("CARGO_HOME", self.home.path().join("cargo"))
            .env("CARGO_CUSTODY_DATA", "off")
            .env("CARGO_CUSTODY_INDEX", format!("{}index/", self.server.base))
            .env("CARGO_CUSTODY_ADVISORY_DB", format!("{}advisories", self.server.base))
            .env("HF_HOME", self.home.path().join("hf"))
            .env("HF_ENDPOINT", &self.server.base);
        command
    }

    fn run(&self, subcommand: &str, arguments: &[&str]) -> Run {
        run(&mut self.command(subcommand, arguments))
    }

    /// Everything, notes included, as JSON.
    fn check(&self, arguments: &[&str]) -> Run {
        let all = [&["--format", "json", "--all"], arguments].concat();
        self.run("check", &all)
    }
}

fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// No finding about the model is above medium, and the join is none of them.
fn at_most_medium(id: &str) -> Vec<String> {
    let found = Project::of(&[(id, "")]).check(&[]).findings(id);
    let grave = |finding: &&String| finding.ends_with("high") || finding.ends_with("critical");
    assert_eq!(found.iter().find(grave), None, "{found:?}");
    found
}

#[test]
fn silence_alone_is_at_most_medium() {
    let found = at_most_medium("org/silence");
    assert!(!found.iter().any(|finding| finding.contains("new-hands")));
}

#[test]
fn a_new_committer_alone_is_at_most_medium() {
    at_most_medium("org/newcomer");
}

#[test]
fn an_heir_after_a_silence_who_publishes_better_weights_is_at_most_medium() {
    let found = at_most_medium("org/heir");
    assert!(found.contains(&"weights-by-newcomer: note".to_owned()), "{found:?}");
    let run = Project::of(&[("org/heir", "")]).check(&[]);
    let told = run.finding("weights-by-newcomer")["message"].to_string();
    assert!(told.contains("eve"), "{told}");
}

#[test]
fn safetensors_that_gave_way_to_a_pickle_are_medium_by_themselves() {
    let found = at_most_medium("org/pickled");
    assert!(found.contains(&"weights-format-downgraded: medium".to_owned()), "{found:?}");
    assert!(found.contains(&"weights-only-pickles: note".to_owned()), "{found:?}");
    // The commit of the pickle may just as well be the one that is pinned.
    let found = Project::of(&[("org/pickled", &commit(3))]).check(&[]).findings("org/pickled");
    assert!(found.contains(&"model-commit-brought-pickles: medium".to_owned()), "{found:?}");
    let found = Project::of(&[("org/pickled", &commit(2))]).check(&[]).findings("org/pickled");
    assert!(!found.iter().any(|finding| finding.contains("pickles")), "{found:?}");
}

#[test]
fn code_that_was_added_is_medium_by_itself() {
    let found = at_most_medium("org/coded");
    assert!(found.contains(&"code-added-with-weights: medium".to_owned()), "{found:?}");
}

#[test]
fn silence_new_hands_and_a_payload_together_are_critical_and_explained() {
    let project = Project::of(&[("org/quiet", ""), ("org/taken-over", "")]);
    let run = project.check(&[]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let join = run.finding("model-new-hands-new-payload");
    assert_eq!(join["level"], "critical");
    assert_eq!(join["subject"]["name"], "org/taken-over");
    let told = join["message"].as_str().unwrap();
    assert!(told.contains("1042 days without a commit"), "{told}");
    let evidence: Vec<String> = join["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            format!("{} {}", item["file"].as_str().unwrap_or("-"), item["note"].as_str().unwrap())
        })
        .collect();
    let has = |words: &[&str]| evidence.iter().any(|line| words.iter().all(|w| line.contains(w)));
    assert!(has(&["eve", "46 days ago", "1042 days without any"]), "{evidence:?}");
    assert!(has(&["pytorch_model.bin", &commit(2)]), "{evidence:?}");
    assert!(has(&["modeling_x.py", &commit(2)]), "{evidence:?}");
    assert!(!join["arithmetic"].is_null() && join["clear"].as_str().is_some());
    // Named in `load.py`, where the report points, and reached from the project's crate.
    assert_eq!(join["location"]["file"], "load.py");
    assert_eq!(join["location"]["line"], 3);
    assert_eq!(join["path"][0]["name"], "app");
    assert!(run.findings("org/quiet").iter().all(|finding| !finding.ends_with("critical")));
}

#[test]
fn a_pickle_that_would_call_is_told_and_weights_are_read_in_parts_only() {
    let project = Project::of(&[("org/calling", &commit(1))]);
    let run = project.check(&[]);
    let call = run.finding("pickle-calls-denied-name");
    assert_eq!(call["subject"]["name"], "org/calling");
    assert_eq!(call["evidence"][0]["file"], "pytorch_model.bin");
    let requests = project.server.requests();
    let weights: Vec<_> = requests.iter().filter(|r| r.contains(".bin")).collect();
    assert!(!weights.is_empty() && weights.iter().all(|r| r.contains("range=bytes=")));
}

#[test]
fn models_are_subjects_with_their_bases_and_sarif_points_at_the_line_that_names_them() {
    let project = Project::of(&[("org/adapter", &commit(1))]);
    let report = project.check(&[]).report();
    let subjects = report["subjects"].as_array().unwrap();
    let entry = |name: &str| subjects.iter().find(|entry| entry["name"] == name).unwrap();
    assert_eq!(entry("org/adapter")["location"]["line"], 2);
    assert_eq!(entry("org/adapter")["depends_on"][0], "pkg:huggingface/org/base");
    assert_eq!(entry("org/base")["location"]["file"], "load.py");
    assert_eq!(entry("org/base")["base_only"], true);
    assert!(entry("org/adapter")["base_only"].is_null());
    let sarif = project.run("check", &["--format", "sarif", "--all"]);
    let sarif: Value = serde_json::from_str(&sarif.stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let missing = results.iter().find(|result| result["ruleId"] == "base-model-missing").unwrap();
    let place = &missing["locations"][0]["physicalLocation"];
    assert!(place["artifactLocation"]["uri"].as_str().unwrap().ends_with("load.py"));
    assert_eq!(place["region"]["startLine"], 2);
}

#[test]
fn an_adapter_of_a_restricted_gated_and_cyclic_chain_is_told_so() {
    let run =
        Project::of(&[("org/adapter", &commit(1)), ("org/silent-adapter", &commit(1))]).check(&[]);
    let found = run.findings("org/adapter");
    for rule in
        ["base-model-missing", "base-model-cycle", "base-model-moved", "licence-contradiction"]
    {
        assert!(found.contains(&format!("{rule}: low")), "{rule}: {found:?}");
    }
    assert!(found.contains(&"base-model-closed: note".to_owned()), "{found:?}");
    assert!(run.findings("org/silent-adapter").contains(&"base-model-untold: low".to_owned()));
}

#[test]
fn pins_are_filled_and_a_second_check_asks_nobody() {
    let project = Project::of(&[("org/quiet", &commit(2)), ("org/signed", &commit(1))]);
    let pin = project.run("pin", &[]);
    assert_eq!(pin.code, 0, "{}", pin.stderr);
    let lock = project.read("custody.lock");
    let sha256 = sha256_of("org/quiet", 2, "model.safetensors");
    for text in [
        "repository = \"org/quiet\"",
        &commit(2),
        &sha256,
        "committers = [\"ann\"]",
        "seen = \"2026-11-23\"",
    ] {
        assert!(lock.contains(text), "{text} is not in\n{lock}");
    }
    let config = sha256_of("org/quiet", 2, "config.json");
    assert!(lock.contains(&config), "what was read whole is pinned as well");
    for text in ["namespace = \"organization\"", "signer = \"ann@example.invalid\""] {
        assert!(lock.contains(text), "{text} is not in\n{lock}");
    }
    for id in ["org/quiet", "org/signed"] {
        assert!(project.server.api_requests(id) <= 5, "{:?}", project.server.requests());
    }
    let asked = project.server.requests().len();
    let online = project.check(&[]);
    assert_eq!(project.server.requests().len(), asked, "the first run's answers still hold");
    let offline = project.check(&["--offline"]);
    assert_eq!(project.server.requests().len(), asked);
    assert_eq!(online.stdout, offline.stdout);
    assert_eq!(online.code, 0, "{}", online.stdout);
    let again = project.run("pin", &[]);
    assert!(again.stdout.starts_with("0 pinned, 0 renewed, 0 gone"), "{}", again.stdout);
    assert_eq!(project.read("custody.lock"), lock);
}

#[test]
fn another_hash_at_the_pinned_commit_is_critical() {
    let project = Project::of(&[("org/quiet", &commit(2))]);
    project.run("pin", &[]);
    let sha256 = sha256_of("org/quiet", 2, "model.safetensors");
    let lock = project.read("custody.lock").replace(&sha256, &"0".repeat(64));
    project.write("custody.lock", &lock);
    let run = project.check(&["--offline"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.finding("lfs-hash-drift")["level"], "critical");
    let pin = project.run("pin", &[]);
    assert!(pin.stdout.contains("org/quiet is not what was accepted"), "{}", pin.stdout);
    assert_eq!(project.read("custody.lock"), lock);
}

#[test]
fn a_branch_that_moved_since_the_pin_is_told_and_accepted_by_name_only() {
    let project = Project::of(&[("org/moving", "main")]);
    project.run("pin", &[]);
    // As if it had been pinned before the last commit.
    let lock = project.read("custody.lock").replace(&commit(3), &commit(2)).replace(
        &sha256_of("org/moving", 3, "model.safetensors"),
        &sha256_of("org/moving", 2, "model.safetensors"),
    );
    project.write("custody.lock", &lock);
    let found = project.check(&[]).findings("org/moving");
    assert!(found.contains(&"model-branch-moved: medium".to_owned()), "{found:?}");
    assert!(found.contains(&"unpinned-model: low".to_owned()), "{found:?}");
    project.run("pin", &[]);
    assert_eq!(project.read("custody.lock"), lock, "a branch that moved is not renewed by itself");
    let accepted =
        project.run("pin", &["--update", "org/moving", "--reason", "looked at the commit"]);
    assert_eq!(accepted.code, 0, "{}", accepted.stderr);
    let lock = project.read("custody.lock");
    assert!(lock.contains(&commit(3)) && lock.contains("looked at the commit"));
}

#[test]
fn a_copy_with_other_bytes_than_the_pin_is_critical_without_the_network() {
    let project = Project::of(&[("org/quiet", &commit(2))]);
    project.run("pin", &[]);
    let asked = project.server.requests().len();
    let snapshot = format!("hf/hub/models--org--quiet/snapshots/{}/model.safetensors", commit(2));
    let copy = project.home.path().join(snapshot);
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::write(&copy, b"other bytes").unwrap();
    // Nothing but the lock and the copy: the tool's own answers are gone.
    fs::remove_dir_all(project.home.path().join("cache")).unwrap();
    let run = project.check(&["--offline"]);
    assert_eq!(run.finding("cached-model-differs-from-pin")["level"], "critical");
    assert_eq!(project.server.requests().len(), asked);
}

#[test]
fn a_rewritten_history_a_pull_request_and_a_second_repository_are_told() {
    let project = Project::of(&[
        ("org/quiet", "main"),
        ("org/moving", "refs/pr/4"),
        ("org/borrowed-code", &commit(1)),
        ("org/signed", &commit(1)),
        ("former/quiet", &commit(2)),
        ("org/altered", &commit(1)),
        ("young/model", &commit(1)),
    ]);
    project.write(
        "custody.lock",
        &format!(
            "version = 1\n[[model]]\nrepository = \"org/quiet\"\nrevision = \"{}\"\nseen = \"2022-12-01\"\n",
            commit(9)
        ),
    );
    let run = project.check(&[]);
    for (id, finding) in [
        ("org/quiet", "model-history-rewritten: medium"),
        ("org/quiet", "model-recreated-since-pin: high"),
        ("org/moving", "model-from-pull-request-ref: medium"),
        ("org/borrowed-code", "remote-code-from-other-repository: high"),
        ("org/signed", "signature-incomplete: medium"),
        ("former/quiet", "model-renamed: medium"),
        ("former/quiet", "signature-absent: note"),
        ("former/quiet", "openness-evidence: note"),
        ("former/quiet", "ai-act-pointers: note"),
        ("former/quiet", "transparency-gaps: note"),
        ("org/altered", "model-file-altered: high"),
        ("young/model", "model-namespace-younger-than-history: medium"),
    ] {
        let found = run.findings(id);
        assert!(found.contains(&finding.to_owned()), "{id} {finding}: {found:?}");
    }
}

#[test]
fn a_pinned_commit_that_is_gone_under_a_name_that_is_young_is_high() {
    let project = Project::of(&[("young/model", &commit(9)), ("org/quiet", &commit(9))]);
    let pin = |id: &str, more: &str| {
        format!(
            "[[model]]\nrepository = \"{id}\"\nrevision = \"{}\"\nseen = \"2026-08-01\"\n{more}",
            commit(9)
        )
    };
    let lock =
        |more: &str| format!("version = 1\n{}{}", pin("org/quiet", more), pin("young/model", ""));
    project.write("custody.lock", &lock("namespace = \"organization\"\n"));
    let run = project.check(&[]);
    let taken = "model-pin-gone-name-taken: high".to_owned();
    assert!(run.findings("young/model").contains(&taken), "{:?}", run.findings("young/model"));
    // The same commit gone under a name that is in the same kind of hands.
    let found = run.findings("org/quiet");
    assert!(found.contains(&"model-commit-vanished: medium".to_owned()), "{found:?}");
    assert!(!found.contains(&taken), "{found:?}");
    project.write("custody.lock", &lock("namespace = \"user\"\n"));
    let found = project.check(&[]).findings("org/quiet");
    assert!(found.contains(&taken), "{found:?}");
    let asked = project.server.requests();
    assert!(asked.iter().any(|request| request.contains("/api/organizations/org/")), "{asked:?}");
}

#[test]
fn a_pin_lists_what_the_code_imports_and_who_signed_and_both_are_compared() {
    let project = Project::of(&[("org/coded", &commit(3)), ("org/signed", &commit(1))]);
    assert_eq!(project.run("pin", &[]).code, 0);
    let lock = project.read("custody.lock");
    let code = format!(
        "path = \"modeling_x.py\"\nsha256 = \"{}\"\nimports = [\"torch\"]\n",
        sha256_of("org/coded", 3, "modeling_x.py")
    );
    assert!(lock.contains(&code), "{code} is not in\n{lock}");
    let before = lock
        .replace("imports = [\"torch\"]", "imports = []")
        .replace("ann@example.invalid", "bob@example.invalid");
    project.write("custody.lock", &before);
    let run = project.check(&[]);
    let found = run.findings("org/coded");
    assert!(found.contains(&"model-imports-since-pin: note".to_owned()), "{found:?}");
    let found = run.findings("org/signed");
    assert!(found.contains(&"signer-changed-since-pin: low".to_owned()), "{found:?}");
    project.write("custody.lock", &lock);
    let run = project.check(&[]);
    let all = [run.findings("org/coded"), run.findings("org/signed")].concat();
    assert!(!all.iter().any(|finding| finding.contains("since-pin")), "{all:?}");
}

#[test]
fn a_hub_that_never_answers_ends_with_the_deadline_of_the_run() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut project = Project::of(&[("org/quiet", ""), ("org/taken-over", "")]);
    project.server.base = format!("http://{}/", silent.local_addr().unwrap());
    let run = project.check(&["--deadline", "1s"]);
    let report = run.report();
    let unknown = report["undetermined"].as_array().unwrap();
    for id in ["org/quiet", "org/taken-over"] {
        let told = |entry: &&Value| {
            let reason = entry["reason"].as_str().unwrap_or_default();
            entry["subject"]["name"] == id && reason.contains("deadline of the run")
        };
        assert!(unknown.iter().any(|entry| told(&entry)), "{id}: {unknown:?}");
    }
}

#[test]
fn what_the_hub_does_not_show_is_told_and_never_clean() {
    let models = ["org/gated", "org/disabled", "org/private", "org/deleted"];
    let run = Project::of(&models.map(|id| (id, ""))).check(&[]);
    for id in &models[1..] {
        let found = run.findings(id);
        assert!(found.contains(&"model-not-shown: low".to_owned()), "{id}: {found:?}");
    }
    let report = run.report();
    let unknown = report["undetermined"].as_array().unwrap();
    for id in models {
        assert!(unknown.iter().any(|entry| entry["subject"]["name"] == id), "{id}");
    }
}

#[test]
fn a_hub_that_is_not_there_is_asked_once_and_clears_nothing() {
    let mut project = Project::of(&[("org/quiet", ""), ("org/taken-over", "")]);
    "http://127.0.0.1:9/".clone_into(&mut project.server.base);
    let report = project.check(&[]).report();
    let unknown = report["undetermined"].as_array().unwrap();
    for id in ["org/quiet", "org/taken-over"] {
        assert!(unknown.iter().any(|entry| entry["subject"]["name"] == id), "{id}");
    }
}

#[test]
fn an_endpoint_set_in_the_tree_is_a_finding_and_is_not_obeyed() {
    let project = Project::of(&[("org/quiet", &commit(2))]);
    project.write("Dockerfile", "FROM x\nENV HF_ENDPOINT=https://mirror.example.invalid\n");
    let run = project.check(&[]);
    let finding = run.finding("hub-endpoint-in-tree");
    assert_eq!(finding["location"]["file"], "Dockerfile");
    assert_eq!(finding["location"]["line"], 2);
    assert!(!project.server.requests().is_empty(), "the user's own endpoint was asked");
}

#[test]
fn code_that_only_the_tokenizer_names_is_remote_code_of_a_second_repository() {
    let project = Project::of(&[("org/tokens", &commit(1))]);
    let found = project.check(&[]).findings("org/tokens");
    for finding in ["remote-code: low", "remote-code-from-other-repository: high"] {
        assert!(found.contains(&finding.to_owned()), "{found:?}");
    }
}

#[test]
fn the_inventory_tells_chains_of_kept_answers_and_local_adapters_without_a_socket() {
    let project = Project::of(&[("org/adapter", &commit(1)), ("org/quiet", "")]);
    project.write("models/lora/adapter_config.json", "{\"base_model_name_or_path\": \"o/base\"}");
    project.write("models/lora/adapter_model.safetensors", "x");
    project.check(&[]);
    let asked = project.server.requests().len();
    let inventory = project.run("inventory", &["--json"]);
    assert_eq!(project.server.requests().len(), asked);
    let json: Value = serde_json::from_str(&inventory.stdout).unwrap();
    let models = json["models"].as_array().unwrap();
    let model = |id: &str| models.iter().find(|model| model["id"] == id).unwrap();
    let ids = |base: &Value| {
        let ids =
            base.as_array().unwrap().iter().map(|base| base["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    let chain = ["org/base", "org/gone", "org/gated", "former/quiet"];
    assert_eq!(ids(&model("org/adapter")["base"]), chain);
    assert_eq!(model("org/adapter")["places"][0]["line"], 2);
    assert!(ids(&model("org/quiet")["base"]).is_empty());
    assert_eq!(ids(&json["local"][0]["base"]), ["o/base"]);
    let text = project.run("inventory", &[]).stdout;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let told =
        "built on org/base (as adapter), then org/gone (missing-or-private) and org/gated (gated)";
    assert!(flat.contains(told), "{text}");
}

#[test]
fn the_inventory_of_the_ai_application_is_that_of_the_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = tempfile::tempdir().unwrap();
    let inventory = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-custody"));
        command.args(["inventory", "fixtures/projects/ai-app"]).args(arguments);
        run(command.current_dir(root).env_clear().env("HOME", home.path()))
    };
    let text = inventory(&[]).stdout;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains(&text), "the README shows another output than\n{text}");
    let json: Value = serde_json::from_str(&inventory(&["--json"]).stdout).unwrap();
    let count = |kind: &str| json[kind].as_array().unwrap().len();
    assert_eq!((count("crates"), count("models"), count("services")), (9, 3, 1));
    let places = json["models"].as_array().unwrap().iter().map(|model| &model["places"][0]);
    assert!(places.into_iter().all(|place| place["file"] == "src/main.rs"));
}

/// The tokens that the server was sent, by host.
fn tokens(project: &Project) -> Vec<(bool, bool)> {
    let requests = project.server.requests();
    let sent =
        |request: &String| (request.contains("host=localhost"), request.contains("hf_secret"));
    requests.iter().map(sent).collect()
}

#[test]
fn no_token_is_sent_unless_its_variable_is_named() {
    let project = Project::of(&[("org/quiet", &commit(2))]);
    let mut check = project.command("check", &["--format", "json"]);
    let run = run(check.env("HF_TOKEN", "hf_secret").env("HUGGING_FACE_HUB_TOKEN", "hf_secret"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let sent = tokens(&project);
    assert!(!sent.is_empty() && sent.iter().all(|(_, token)| !token), "{sent:?}");
}

#[test]
fn a_named_token_goes_to_the_hub_and_not_where_the_hub_redirects() {
    let project = Project::of(&[("org/quiet", &commit(2))]);
    let mut check = project.command("check", &["--format", "json", "--hub-token-env", "MY_TOKEN"]);
    let run = run(check.env("MY_TOKEN", "hf_secret"));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let sent = tokens(&project);
    assert!(sent.iter().any(|(elsewhere, _)| *elsewhere), "a large file leads to another host");
    for (elsewhere, token) in sent {
        assert_eq!(token, !elsewhere, "the Hub gets it, the other host does not");
    }
    assert!(!run.stdout.contains("hf_secret") && !run.stderr.contains("hf_secret"));
}

#[test]
fn a_pull_request_sends_no_token_and_cannot_name_one() {
    let project = Project::of(&[("org/moving", &commit(2))]);
    git(project.folder.path(), &["init", "-q", "-b", "main"]);
    git(project.folder.path(), &["add", "-A"]);
    git(project.folder.path(), &["commit", "-q", "-m", "base"]);
    let code = project.read("load.py");
    project.write("load.py", &format!("{code}snapshot_download(\"org/quiet\")\n"));
    project.write(".env", "HF_TOKEN=hf_secret\n");
    let mut check = project.command("check", &["--format", "json", "--since", "main", "--all"]);
    check.env("HF_TOKEN", "hf_secret").env("PATH", std::env::var_os("PATH").unwrap());
    let run = run(&mut check);
    let sent = tokens(&project);
    assert!(!sent.is_empty() && sent.iter().all(|(_, token)| !token), "{sent:?}");
    // Only what the change brings in is asked about.
    assert!(project.server.requests().iter().all(|r| !r.contains("org/moving")), "{}", run.stderr);
    assert_eq!(run.finding("unpinned-model")["change"], "introduced");
    // The policy file knows no key for a token.
    project.write("custody.toml", "hub-token-env = \"HF_TOKEN\"\n");
    let mut refused = project.command("check", &["--offline"]);
    assert_eq!(self::run(&mut refused).code, 2);
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
