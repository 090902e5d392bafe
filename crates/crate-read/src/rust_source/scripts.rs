//! Scripts that build code starts: shipped with the crate, or given as code. They are code that runs here,
//! so that what they fetch and run, decode and run, or send are flows like those of Rust.

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
        for act in script::read(language, text) {
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
        for act in script::read(by_file.or(language).unwrap_or(Language::Shell), &text) {
            self.act(&act, program, Some(&path), span);
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
