//! What code does by itself or under a condition, in several spellings, each with its twin.

use super::tests::build;
use super::*;

fn acts(text: &str) -> Vec<(ActWhen, Vec<&'static str>)> {
    let told = build(text).acts.into_iter();
    told.map(|act| {
        let mut does: Vec<_> = act.does.iter().map(|hit| hit.capability.as_str()).collect();
        does.dedup();
        (act.when, does)
    })
    .collect()
}

const ACT: &str = "fn act() { std::process::Command::new(\"sh\").status().ok(); }";

#[test]
fn what_runs_before_main_is_told_with_what_it_does_through_other_functions() {
    for early in [
        "#[ctor::ctor] fn start() { act() }",
        "use ctor::ctor; #[ctor] fn start() { inner() } fn inner() { act() }",
        "#[used] #[link_section = \".init_array\"] static A: extern \"C\" fn() = start; extern \"C\" fn start() { act() }",
        "#[used] #[unsafe(link_section = \".CRT$XCU\")] static A: [extern \"C\" fn(); 1] = [start]; extern \"C\" fn start() { act() }",
        "#[ctor::ctor] fn start() { let f = act; f() }",
        "#[ctor::ctor] fn start() { std::thread::spawn(|| act()); }",
        "#[ctor::ctor] static TABLE: u32 = { act(); 4 };",
    ] {
        let found = acts(&format!("{early} {ACT}"));
        assert!(
            found.iter().any(|(when, does)| *when == ActWhen::BeforeMain
                && (does.contains(&"shell") || does.contains(&"spawn"))),
            "{early}: {found:?}"
        );
    }
    for twin in [
        "#[ctor::ctor] fn start() { println!(\"x\"); } pub fn other() { act() }",
        "fn start() { act() }",
        "#[used] #[link_section = \".rodata\"] static A: extern \"C\" fn() = start; extern \"C\" fn start() { act() }",
    ] {
        assert_eq!(acts(&format!("{twin} {ACT}")), [], "{twin}");
    }
}

#[test]
fn what_is_done_under_a_condition_on_the_machine_is_told() {
    for (code, when) in [
        ("if std::env::var(\"CI\").is_ok() { act() }", ActWhen::InCi),
        ("if std::env::var_os(\"GITHUB_ACTIONS\").is_some() { return; } act();", ActWhen::InCi),
        ("if let Ok(_) = std::env::var(\"GITLAB_CI\") { act() }", ActWhen::InCi),
        ("let ci = std::env::var(\"CI\").is_ok(); if !ci && true { act() }", ActWhen::InCi),
        ("std::env::var(\"CI\").is_ok().then(|| act());", ActWhen::InCi),
        ("if hostname::get().unwrap() == \"build01\" { act() }", ActWhen::ByHost),
        ("let h = whoami::username(); if h.starts_with(\"root\") { act() }", ActWhen::ByHost),
        ("match whoami::username().as_str() { \"ada\" => act(), _ => {} }", ActWhen::ByHost),
        (
            "if std::env::var(\"USER\").unwrap_or_default().contains(\"runner\") { act() }",
            ActWhen::ByHost,
        ),
        (
            "let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(); if now > 1_790_000_000 { act() }",
            ActWhen::ByDate,
        ),
        (
            "if std::time::SystemTime::now() > std::time::UNIX_EPOCH + std::time::Duration::from_secs(1790000000) { act() }",
            ActWhen::ByDate,
        ),
        ("if chrono::Utc::now().month() == 12 { act() }", ActWhen::ByDate),
        ("if armed() { act() }", ActWhen::InCi),
    ] {
        let text = format!(
            "fn main() {{ {code} }} fn armed() -> bool {{ std::env::var(\"CI\").is_ok() }} {ACT}"
        );
        let found = acts(&text);
        assert!(found.iter().any(|(is, _)| *is == when), "{code}: {found:?}");
    }
    for twin in [
        "if std::env::var(\"PROFILE\").is_ok() { act() }",
        "if std::env::var(\"CI\").is_ok() { println!(\"x\") } act();",
        "let end = std::time::SystemTime::now() + std::time::Duration::from_secs(5); if std::time::SystemTime::now() < end { act() }",
        "if std::time::Instant::now().elapsed().as_secs() > 5 { act() }",
        "let user = std::env::var(\"USER\").unwrap(); if !user.is_empty() { act() }",
        "let name = whoami::username(); println!(\"{name}\"); act();",
    ] {
        assert_eq!(acts(&format!("fn main() {{ {twin} }} {ACT}")), [], "{twin}");
    }
}

#[test]
fn a_macro_that_is_given_less_than_it_asks_for_breaks_nothing() {
    for (pattern, given) in
        [("$l:lifetime", "a"), ("$a:ident $l:lifetime", "a b"), ("$($l:lifetime),*", "a, b")]
    {
        let text = format!(
            "macro_rules! m {{ ({pattern}) => {{ act() }}; ($($t:tt)*) => {{ act() }}; }} fn main() {{ m!({given}); }} {ACT}"
        );
        let facts = build(&text);
        assert!(facts.unparsed.is_empty(), "{pattern}: {:?}", facts.unparsed);
        assert!(facts.spawned.iter().any(|spawned| spawned.program == "sh"), "{pattern}");
    }
}
