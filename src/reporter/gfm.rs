//! Text of strangers in GitHub's and GitLab's Markdown: it stays text.

use std::fmt::Write as _;

use super::words::told;

/// Text that stays text: no markup, no HTML, no cell or line break, no mention, no reference to an
/// issue, no address that becomes a link by itself.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in unlinked(text).chars() {
        if is_markup(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The same inside an HTML element, where a backslash would be seen.
pub(super) fn escaped_in_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in unlinked(text).chars() {
        if is_markup(c) {
            let _ = write!(out, "&#{};", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn is_markup(c: char) -> bool {
    matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' | '{' | '}')
}

/// No HTML, and nothing that GitHub or GitLab link by themselves.
fn unlinked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut previous = ' ';
    for c in told(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A zero-width space keeps the sign and loses the meaning.
            '@' | '#' => {
                out.push(c);
                out.push_str("&#8203;");
            }
            '/' if previous == ':' => out.push_str("&#47;"),
            '.' if previous.eq_ignore_ascii_case(&'w') => out.push_str("&#46;"),
            _ => out.push(c),
        }
        previous = c;
    }
    out
}
