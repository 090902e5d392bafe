//! Attribute names by which a template climbs from a harmless object to Python's internals.
//!
//! Jinja's sandbox refuses them; templates are also rendered without it, and the sandbox had holes
//! (CVE-2024-56326 by a kept reference to `str.format`, CVE-2025-27516 by way of `|attr`; CVE-2024-34359 in a
//! loader without a sandbox).

/// Names beside the double-underscore ones.
const INTERNALS: [&str; 24] = [
    "ag_code",
    "ag_frame",
    "builtins",
    "co_code",
    "cr_code",
    "cr_frame",
    "f_back",
    "f_builtins",
    "f_code",
    "f_globals",
    "f_locals",
    "func_code",
    "func_defaults",
    "func_globals",
    "gi_code",
    "gi_frame",
    "gi_yieldfrom",
    "im_class",
    "im_func",
    "mro",
    "popen",
    "subclasses",
    "tb_frame",
    "tb_next",
];

/// Whether accessing this attribute leads to Python's internals.
pub(super) fn is_dangerous(name: &str) -> bool {
    is_dunder(name)
        || INTERNALS.contains(&name)
        || name.starts_with("_TemplateReference__")
        || name.starts_with("_Undefined__")
}

/// Whether the name begins and ends with two underscores.
pub(super) fn is_dunder(name: &str) -> bool {
    let inner = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    inner.is_some_and(|inner| !inner.is_empty() && is_identifier(inner))
}

/// Whether the text is one half of a double-underscore name, as in `'__cla' ~ 'ss__'`.
pub(super) fn is_dunder_piece(text: &str) -> bool {
    let inner = text.strip_prefix("__").or_else(|| text.strip_suffix("__"));
    inner.is_some_and(|inner| !inner.is_empty() && is_identifier(inner)) && !is_dunder(text)
}

/// Double-underscore names anywhere in a text, such as a format string or an attribute path.
pub(super) fn dunders_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| is_dunder(word))
}

fn is_identifier(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}
