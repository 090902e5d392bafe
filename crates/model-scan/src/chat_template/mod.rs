//! Chat templates: Jinja that a loader renders. Here it is parsed and its constants are folded, and it is
//! never rendered.
//!
//! Kinds of [`Anomaly`](custody_bytes::anomaly::Anomaly), offsets counting from the start of the template:
//! `dangerous-attribute` (an attribute, item, filter argument or format field that leads to Python's
//! internals), `dangerous-string` (such a name as a folded constant elsewhere), `dunder-piece` (half of
//! one), `computed-attribute` (a name put together from parts that are not constant), `import` (another
//! template is loaded), `huge-range`, `huge-repeat`, `deep-loops`, `recursive-macro`, `instruction-text`
//! (wording that turns a model against its user), `content-trigger` (text that depends on a plain word in
//! the message), `address` (a URL in what the model reads), `hidden-text` (invisible or direction-changing
//! characters), `unparsed` (the parser gave up, tokens were searched instead), `too-complex`, `too-long`.

mod fold;
mod guard;
mod names;
mod prose;
mod tokens;
mod walk;

use minijinja::machinery::parse;
use minijinja::syntax::SyntaxConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use custody_bytes::anomaly::Anomalies;
use custody_bytes::excerpt::excerpt;

/// Longest template that is looked at, in bytes; real ones stay under 30 KB.
pub const SIZE_LIMIT: usize = 1024 * 1024;

/// What a chat template would do.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Default)]
pub struct ChatTemplate {
    /// Length in bytes.
    pub size: u64,
    /// Whether it was parsed as a whole; if not, tokens were searched and `unparsed` says why.
    pub parsed: bool,
    /// Why it was not parsed.
    pub unparsed: Option<String>,
    /// Names that lead to Python's internals, as accessed, each once; at most 64.
    pub dangerous_names: Vec<String>,
    /// Deepest nesting of loops.
    pub loop_depth: u32,
    /// What an ordinary template does not do.
    pub anomalies: Anomalies,
}

/// Reads one template.
pub fn read(text: &str) -> ChatTemplate {
    let mut facts = ChatTemplate { size: text.len() as u64, ..ChatTemplate::default() };
    let text = within_limit(text, &mut facts);
    prose::hidden(text, &mut facts);
    let jinja = without_generation_tags(text);
    let refused = guard::too_complex(&jinja).or_else(|| {
        match parse(&jinja, "template", SyntaxConfig::default()) {
            Ok(tree) => {
                walk::template(&tree, &mut facts);
                None
            }
            Err(error) => Some(excerpt(&error.to_string(), 200)),
        }
    });
    facts.parsed = refused.is_none();
    if let Some(why) = refused {
        facts.anomalies.note("unparsed", None, why.clone());
        facts.unparsed = Some(why);
        tokens::search(text, &mut facts);
    }
    facts
}

/// The part of the text that is looked at.
fn within_limit<'t>(text: &'t str, facts: &mut ChatTemplate) -> &'t str {
    if text.len() <= SIZE_LIMIT {
        return text;
    }
    let detail = format!("{} bytes, {SIZE_LIMIT} are looked at", text.len());
    facts.anomalies.note("too-long", SIZE_LIMIT as u64, detail);
    &text[..text.floor_char_boundary(SIZE_LIMIT)]
}

/// The text with `{% generation %}` and `{% endgeneration %}` (markers of transformers' training code, no
/// Jinja) turned into comments of the same length.
fn without_generation_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start);
        out.push_str(before);
        let end = tag.find("%}").map_or(tag.len(), |end| end + 2);
        let word = tag[..end].trim_matches(['{', '%', '}', '-', '+', ' ', '\n', '\t', '\r']);
        if end >= 4 && matches!(word, "generation" | "endgeneration") {
            out.push_str("{#");
            out.extend(std::iter::repeat_n(' ', end - 4));
            out.push_str("#}");
            rest = &tag[end..];
        } else {
            out.push_str("{%");
            rest = &tag[2..];
        }
    }
    out.push_str(rest);
    out
}

impl ChatTemplate {
    /// Notes a name that leads to Python's internals.
    fn dangerous(&mut self, kind: &'static str, name: &str, offset: u64, how: &str) {
        const NAMES_LIMIT: usize = 64;
        let name = excerpt(name, 80);
        self.anomalies.note(kind, offset, format!("{name} {how}"));
        if self.dangerous_names.len() < NAMES_LIMIT && !self.dangerous_names.contains(&name) {
            self.dangerous_names.push(name);
        }
    }
}

#[cfg(test)]
mod tests;
