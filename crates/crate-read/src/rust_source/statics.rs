//! Data that waits between functions: in a static, a cell of a thread, an environment variable of the process.
//! Each is remembered as a file is, under a name that no file has.

use super::names::segments;
use super::value::{Taint, Text, Value};
use super::walk::Walk;

const STATIC: &str = "static.";
const ENVIRONMENT: &str = "environment.";

/// Whether a variable is a static.
pub(super) fn is_static(root: &str) -> bool {
    root.starts_with(STATIC)
}

/// Under what an environment variable of the process is remembered.
pub(super) fn of_environment(name: &str) -> String {
    format!("{ENVIRONMENT}{name}")
}

/// The name of a static, by the way it is written.
fn named(path: &syn::Path) -> Option<String> {
    let name = segments(path).pop()?;
    let upper =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    (name.len() > 1 && name.chars().all(upper)).then(|| format!("{STATIC}{name}"))
}

impl Walk<'_> {
    /// Leaves data in a static or in the environment.
    pub(super) fn leave_in(&mut self, place: &str, taint: &Taint) {
        if !taint.is_clean() {
            self.left = true;
            self.holds(&Text::whole(place), taint, None);
        }
    }

    /// Gives the value of a static what was left in it, and the name under which more is left.
    pub(super) fn left_in(&self, path: &syn::Path, value: &mut Value) {
        if let Some(place) = named(path) {
            value.taint.merge(&self.held(&place));
            value.root = Some(place);
        }
    }

    /// Walks all functions; a second time where one has left data that an earlier one may have taken: of that
    /// only new flows count.
    pub(super) fn functions(&mut self) {
        let walk_all = |walk: &mut Self| {
            for index in 0..walk.names.functions.len() {
                walk.summary(index);
            }
        };
        walk_all(self);
        if !self.left {
            return;
        }
        let (facts, started, open) = (self.facts.clone(), self.started.len(), self.open.clone());
        let (libraries, acting) = (self.libraries.len(), self.acting.clone());
        self.done.clear();
        walk_all(self);
        let flows = std::mem::take(&mut self.facts.flows);
        let work = self.facts.work;
        self.started.truncate(started);
        self.libraries.truncate(libraries);
        (self.open, self.acting) = (open, acting);
        self.facts = super::CodeFacts { flows, work, ..facts };
    }
}
