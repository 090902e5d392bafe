//! What code writes that came from no file, no literal and no request: constant texts, which are read as the
//! scripts that they become, and bytes that it puts together itself.

use proc_macro2::Span;

use super::facts::StepKind;
use super::value::{TEXT_BYTES, Taint, Text, Value};
use super::walk::Walk;

/// Most files whose constant text is kept.
const SCRIPTS: usize = 256;

/// Whether anybody can read in the source what a value says: all of it, or what stands around its unknown
/// parts.
fn is_readable(value: &Value) -> bool {
    let printable = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
    value.text.is_some() || value.bytes.as_deref().is_some_and(|bytes| printable(bytes))
}

impl Walk<'_> {
    /// A value ends in a file.
    pub(super) fn write_value(
        &mut self,
        path: &Text,
        variable: Option<&str>,
        value: &Value,
        api: &str,
        span: Span,
    ) {
        self.keep_script(path, variable, value);
        let taint = self.written_data(value, api, span);
        self.write(path, variable, &taint, api, span);
    }

    /// The data of what is written: also where it comes from nothing that is known.
    pub(super) fn written_data(&mut self, value: &Value, api: &str, span: Span) -> Taint {
        if !value.taint.is_clean() || !self.at_build || is_readable(value) {
            return value.taint.clone();
        }
        Taint::step(self.step(StepKind::Computed, api, "", span))
    }

    fn keep_script(&mut self, path: &Text, variable: Option<&str>, value: &Value) {
        let text = value.shown();
        let is_line = text.text.contains([' ', '\n']);
        if !self.at_build || !is_line || text.text.len() > TEXT_BYTES {
            return;
        }
        let names = [Some(path.text.clone()), variable.map(|name| format!("@{name}"))];
        for name in names.into_iter().flatten().filter(|name| name.len() > 2) {
            if self.scripts.len() < SCRIPTS || self.scripts.contains_key(&name) {
                self.scripts.entry(name).or_insert_with(|| Text::whole("")).push(&text);
            }
        }
    }

    /// The constant text that was written to the file that a value names.
    pub(super) fn script_of(&self, named: &Value) -> Option<Text> {
        let by_path = |text: &Text| self.scripts.get(&text.text);
        let by_name = named.root.as_ref().and_then(|root| self.scripts.get(&format!("@{root}")));
        named.text.as_ref().and_then(by_path).or(by_name).cloned()
    }

    /// A program is started under the name of a file that was written as a script.
    pub(super) fn started_script(&mut self, program: &Value, step: u32, span: Span) {
        let Some(script) = self.script_of(program) else { return };
        if script.text.starts_with("#!") {
            self.line_of_code(&script.text, step, span);
        }
    }

    /// What an interpreter is given as the file of a script that was written.
    pub(super) fn given_scripts(&mut self, values: &[Value], step: u32, span: Span) {
        for value in values {
            let scripts: Vec<Text> = match &value.list {
                Some(list) => {
                    let named = |text: &Text| self.scripts.get(&text.text).cloned();
                    list.iter().filter_map(named).collect()
                }
                None => self.script_of(value).into_iter().collect(),
            };
            for script in scripts {
                self.line_of_code(&script.text, step, span);
            }
        }
    }

    /// What is handed to an interpreter as its input.
    pub(super) fn given_input(&mut self, value: &Value, step: u32, span: Span) {
        let text = value.shown();
        if text.text.contains([' ', '\n']) {
            self.line_of_code(&text.text, step, span);
        }
    }

    /// What a called function does with a parameter that is neither readable nor from anything that is known.
    pub(super) fn given_computed(
        &mut self,
        parameters: u64,
        values: &[Value],
        span: Span,
    ) -> Taint {
        let given = values.iter().enumerate().find(|(at, value)| {
            parameters >> (*at).min(63) & 1 == 1 && value.taint.is_clean() && !is_readable(value)
        });
        match given {
            Some((_, value)) => self.written_data(&value.clone(), "a call", span),
            None => Taint::default(),
        }
    }
}
