//! What a policy may say, and how it is told what is wrong.

use super::*;
use crate::config::init_text;

fn policy(text: &str) -> Policy {
    Policy::from_toml(text, "custody.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// Error and help, as a user sees them.
fn refused(text: &str) -> String {
    let error = Policy::from_toml(text, "custody.toml").unwrap_err();
    match error.help() {
        Some(help) => format!("{error}; help: {help}"),
        None => error.to_string(),
    }
}

const WAIVER: &str = "[[waiver]]\nrule = \"yanked-in-lock\"\npackage = \"a\"\n";

#[test]
fn an_empty_policy_leaves_everything_open() {
    assert_eq!(policy(""), Policy::default());
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let text = r#"
fail-on = "medium"
min-level = "note"
offline = true
rules = ["./custody-rules/"]
dump = "ci/custody.slim"
repositories = "fetch"
require = ["advisories"]
disable = ["release-young"]
[level]
unpinned-model = "high"
[[waiver]]
rule = "known-bad-bytes"
package = "liblzma-sys"
version = "0.3.2"
reason = " kept as a test "
expires = 2027-01-31
sha256 = "480f1c082cb750fec42154161f91a1cdaa86a51e47a01d2aa7514a6bf6f7fb26"
[cooldown]
min-publish-age = "3 days"
registries.internal = "0"
[[cooldown.exempt]]
package = "hotfix"
reason = "ours"
[[model]]
id = "acme/embed-small"
revision = "refs/pr/7"
file = "models/embed"
"#;
    let policy = policy(text);
    assert_eq!(policy.fail_on, Some(FailOn::At(Level::Medium)));
    assert_eq!(policy.min_level, Some(Level::Note));
    assert!(policy.offline);
    assert_eq!(policy.rules_dirs, ["custody-rules"]);
    assert_eq!(policy.dump.as_deref(), Some("ci/custody.slim"));
    assert!(policy.fetch_repositories);
    assert_eq!(policy.require[0].name, "advisories");
    assert!(policy.disabled.contains("release-young"));
    assert_eq!(policy.levels["unpinned-model"], Level::High);
    let waiver = &policy.waivers[0];
    assert_eq!(
        (waiver.reason.as_str(), waiver.expires.as_deref()),
        ("kept as a test", Some("2027-01-31"))
    );
    assert_eq!((waiver.location.line, waiver.location.column), (13, Some(8)));
    let cooldown = policy.cooldown.unwrap();
    assert_eq!(cooldown.min_publish_age.hours, 72);
    assert_eq!(cooldown.registries["internal"].hours, 0);
    assert_eq!(cooldown.exempt[0].package, "hotfix");
    assert_eq!(policy.models[0].revision.as_deref(), Some("refs/pr/7"));
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_a_suggestion() {
    assert_eq!(
        refused("offline = true\nfial-on = \"high\"\n"),
        "custody.toml:2:1: unknown key `fial-on`; help: did you mean `fail-on`?"
    );
    assert_eq!(
        refused(&format!("{WAIVER}reason = \"r\"\nexpire = 2027-01-31\n")),
        "custody.toml:5:1: unknown key in [waiver] `expire`; help: did you mean `expires`?"
    );
}

#[test]
fn base_urls_and_the_advisory_database_cannot_be_set_by_a_project() {
    for key in ["index", "hub-endpoint", "api-url", "advisory-db", "cache-dir", "hub-token"] {
        let error = refused(&format!("{key} = \"https://evil.example.invalid/\"\n"));
        assert!(error.contains("unknown key"), "{error}");
    }
}

#[test]
fn a_waiver_needs_a_reason_in_words() {
    assert!(refused(WAIVER).starts_with("custody.toml:1:1: [[waiver]] has no `reason`; help: say"));
    let blank = refused(&format!("{WAIVER}reason = \"  \"\n"));
    assert_eq!(blank, "custody.toml:4:10: `reason` must not be empty");
}

#[test]
fn a_waiver_ends_on_a_day_that_exists() {
    for day in ["\"2027-02-30\"", "2027-01-31T10:00:00Z", "\"soon\"", "7", "\"2027-1-1\""] {
        let error = refused(&format!("{WAIVER}reason = \"r\"\nexpires = {day}\n"));
        assert!(error.contains("`expires` must be"), "{day}: {error}");
    }
    let text = format!("{WAIVER}reason = \"r\"\nexpires = \"2027-02-28\"\n");
    assert_eq!(policy(&text).waivers[0].expires.as_deref(), Some("2027-02-28"));
}

#[test]
fn a_content_hash_is_sixty_four_digits() {
    for hash in ["abc", &"A".repeat(64), &"g".repeat(64)] {
        let error = refused(&format!("{WAIVER}reason = \"r\"\nsha256 = \"{hash}\"\n"));
        assert!(error.contains("`sha256` must be 64"), "{error}");
    }
}

#[test]
fn paths_stay_inside_the_project() {
    for path in
        ["/etc", "../x", "a/../../x", "C:\\x", "c:x", ".", "a\\\\b", ".git/hooks", "\\u0007"]
    {
        let error = refused(&format!("rules = [\"{path}\"]\n"));
        assert!(error.contains("custody.toml:1:"), "{error}");
    }
    assert_eq!(policy("rules = [\"a/./b//\"]\n").rules_dirs, ["a/b"]);
    // Two dots inside a name are no way out.
    assert_eq!(policy("dump = \"a..b/c\"\n").dump.as_deref(), Some("a..b/c"));
}

#[test]
fn wrong_types_are_named() {
    assert_eq!(
        refused("offline = \"yes\"\n"),
        "custody.toml:1:11: `offline` must be true or false, not string"
    );
    assert!(refused("waiver = 3\n").contains("must be a list of tables, [[waiver]]"));
    assert!(refused("require = [1]\n").contains("must be a text, not integer"));
    assert!(refused("fail-on = \"severe\"\n").contains("low, medium, high, critical, never"));
}

#[test]
fn broken_toml_is_told_with_its_place() {
    let error = refused("offline = true\nfail-on = \n");
    assert!(error.starts_with("custody.toml:2:"), "{error}");
    // A merge conflict is no policy.
    assert!(refused("<<<<<<< HEAD\noffline = true\n").starts_with("custody.toml:1:"));
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    assert!(Policy::from_toml(&format!("rules = {}", "[".repeat(200_000)), "f").is_err());
    let keys = format!("{}x = 1", "a.".repeat(200_000));
    assert!(Policy::from_toml(&keys, "f").is_err());
}

#[test]
fn a_policy_cut_at_any_byte_is_read_or_refused() {
    let text = format!("fail-on = \"high\"\n{WAIVER}reason = \"é\"\nexpires = 2027-01-31\n");
    for end in 0..text.len() {
        if let Some(part) = text.get(..end) {
            let _ = Policy::from_toml(part, "f");
        }
    }
}

#[test]
fn a_hostile_model_id_is_refused() {
    for id in ["a/b/c", "../x", "a b", "a/", "https://x/y", "-/..", ""] {
        assert!(Policy::from_toml(&format!("[[model]]\nid = \"{id}\"\n"), "f").is_err(), "{id}");
    }
    assert_eq!(policy("[[model]]\nid = \"gpt2\"\n").models[0].id, "gpt2");
}

#[test]
fn names_are_held_against_those_that_exist() {
    let policy = policy("require = [\"advisory\"]\ndisable = [\"yanked-in-lok\"]\n");
    let rules = BTreeSet::from(["yanked-in-lock"]);
    let groups = BTreeSet::from(["advisories", "advisory"]);
    let error = policy.check_names(&rules, &groups).unwrap_err();
    assert_eq!(error.to_string(), "custody.toml:2:12: unknown rule `yanked-in-lok`");
    assert_eq!(error.help().as_deref(), Some("did you mean `yanked-in-lock`?"));
    let rules = BTreeSet::from(["yanked-in-lok"]);
    assert!(policy.check_names(&rules, &groups).is_ok());
}

#[test]
fn a_manifest_can_hold_the_policy_once() {
    let of = |text: &str| Policy::from_manifest(text, "Cargo.toml");
    assert_eq!(of("[package]\nname = \"a\"\n").unwrap(), None);
    let package = "[package.metadata.custody]\nfail-on = \"low\"\n";
    assert_eq!(of(package).unwrap().unwrap().fail_on, Some(FailOn::At(Level::Low)));
    let workspace = "[workspace.metadata.custody]\nfail-onn = \"low\"\n";
    assert!(of(workspace).unwrap_err().to_string().starts_with("Cargo.toml:2:1: unknown key"));
    let both = format!("{package}[workspace.metadata.custody]\noffline = true\n");
    assert!(matches!(of(&both), Err(ConfigError::Ambiguous { .. })));
}

#[test]
fn the_text_that_init_writes_changes_nothing() {
    assert_eq!(policy(init_text()), Policy::default());
}

#[test]
fn every_setting_that_init_shows_is_valid_and_none_is_missing() {
    // A setting is commented out as `#key`, prose as `# text`.
    let text: String = init_text()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let policy = policy(&text);
    assert!(policy.fail_on.is_some() && policy.min_level.is_some() && policy.offline);
    assert!(!policy.rules_dirs.is_empty() && policy.dump.is_some() && !policy.require.is_empty());
    assert!(!policy.disabled.is_empty() && !policy.levels.is_empty());
    assert!(policy.fetch_repositories);
    assert!(!policy.waivers.is_empty() && !policy.models.is_empty());
    let cooldown = policy.cooldown.unwrap();
    assert!(!cooldown.exempt.is_empty() && !cooldown.registries.is_empty());
}
