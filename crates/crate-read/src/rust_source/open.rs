//! What a function leaves open because a parameter decides it: a path that it reads, a variable that it
//! asks for, a program that it starts. It is settled where the function is called.

use std::rc::Rc;

use proc_macro2::Span;

use super::calls::carried;
use super::facts::ReadKind;
use super::value::{Taint, Text, Value};
use super::walk::Walk;

/// Most uses that one function leaves open.
const OPEN: usize = 128;

/// What is done with the text that is open.
#[derive(Clone, Debug)]
pub(super) enum Use {
    /// A path is reached.
    Read(ReadKind),
    /// An environment variable is read.
    Variable {
        /// By this API.
        api: String,
    },
    /// A program is started: index among the started ones.
    Program(usize),
    /// A file holds data from then on.
    Held(Box<Taint>),
    /// The parameter is called with these arguments.
    Call(Rc<Vec<Value>>),
}

/// A use whose text has one unknown part, which parameters give.
#[derive(Clone, Debug)]
pub(super) struct OpenUse {
    pub what: Use,
    /// The text, with `{}` for the unknown part.
    pub text: Text,
    /// Parameters, by bit.
    pub parameters: u64,
}

/// What is open about a program's arguments: position and parameters, by bit.
pub(super) type OpenArguments = Vec<(usize, u64)>;

/// The parameters that a value hangs on, where it is a text with one unknown part.
pub(super) fn opened(value: &Value) -> Option<u64> {
    let parameters = value.taint.parameters;
    let text = value.shown();
    let one = !text.whole && text.text.matches("{}").count() == 1;
    (parameters.is_power_of_two() && one && value.list.is_none()).then_some(parameters)
}

/// The value that one parameter was given.
fn given(parameters: u64, values: &[Value]) -> Option<&Value> {
    values.get(parameters.trailing_zeros() as usize).filter(|_| parameters != 0)
}

impl Walk<'_> {
    pub(super) fn leave_open(&mut self, open: OpenUse) {
        if self.open.len() < OPEN {
            self.open.push(open);
        }
    }

    /// Settles what a called function left open, with the arguments of the call.
    pub(super) fn settle(&mut self, uses: &[OpenUse], values: &[Value], span: Span) {
        for open in uses {
            let known = given(open.parameters, values);
            match &open.what {
                Use::Program(index) => self.started_by_call(*index, open, values, span),
                Use::Call(arguments) => self.called_later(open, arguments, values, span),
                Use::Held(data) => {
                    let path = known.map_or_else(|| open.text.clone(), |v| filled(&open.text, v).0);
                    self.holds(&path, &carried(data, values), known);
                }
                Use::Read(kind) => {
                    let Some(value) = known else { continue };
                    let (text, still) = filled(&open.text, value);
                    if text != open.text {
                        self.reached(*kind, &text, span);
                        self.place(&text.text, span);
                    }
                    if let Some(parameters) = still {
                        let what = Use::Read(*kind);
                        self.leave_open(OpenUse { what, text, parameters });
                    }
                }
                Use::Variable { api } => {
                    let Some(value) = known else { continue };
                    let (text, still) = filled(&open.text, value);
                    let taint = value.taint.clone();
                    let taint = still.map(|_| taint).unwrap_or_default();
                    let name = Value { text: Some(text), ..Value::of_taint(taint) };
                    self.variable(api, &name, span);
                }
            }
        }
    }
}

/// A text with the unknown part replaced by what a parameter was given; and the parameters of the
/// calling function that this still hangs on.
pub(super) fn filled(text: &Text, value: &Value) -> (Text, Option<u64>) {
    let part = value.shown();
    let filled = Text {
        text: text.text.replacen("{}", &part.text, 1),
        whole: part.whole && text.text.matches("{}").count() == 1,
    };
    (filled, opened(value))
}
