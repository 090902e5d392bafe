//! Macros: the ones whose meaning is known, and a token scan for the others.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Expr, Token};

use super::calls::union;
use super::facts::{CapabilityHit, Directive, LISTED, ReadKind, StepKind};
use super::names::{path_span, segments};
use super::paths;
use super::table::Capability;
use super::value::{Taint, Text, Value};
use super::walk::Walk;

/// Largest included file that is searched for digests, in bytes.
const DIGEST_FILE: usize = 1 << 20;

impl Walk<'_> {
    pub(super) fn call_macro(&mut self, mac: &syn::Macro) -> Value {
        let written = segments(&mac.path);
        let name = written.last().cloned().unwrap_or_default();
        let tokens = &mac.tokens;
        let span = path_span(&mac.path);
        match name.as_str() {
            "println" | "print" | "eprintln" | "eprint" | "format" | "format_args" | "panic" => {
                let (text, _) = self.formatted(tokens, 0);
                if name.starts_with("print") {
                    self.directives(&text, span);
                }
                text
            }
            "write" | "writeln" => {
                let (text, to) = self.formatted(tokens, 1);
                self.directives(&text, span);
                if let Some(to) = to.filter(|_| !text.taint.is_clean()) {
                    self.written_out(&to, &text, span);
                }
                text
            }
            "concat" => self.concat(tokens),
            "env" | "option_env" => {
                let arguments = self.macro_arguments(tokens);
                let first = arguments.first().cloned().unwrap_or_default();
                self.variable(&name, &first, span)
            }
            "include_bytes" | "include_str" => self.include(tokens, ReadKind::Include, &name, span),
            "include" => self.include(tokens, ReadKind::Source, &name, span),
            "vec" => self.vector(tokens, span),
            "assert_eq" | "assert_ne" | "debug_assert_eq" | "ensure_eq" => {
                let arguments = self.macro_arguments(tokens);
                if let [left, right, ..] = arguments.as_slice() {
                    self.comparison(left, right, span);
                }
                Value::default()
            }
            "quote" | "quote_spanned" | "parse_quote" | "parse_quote_spanned" => {
                self.scan_tokens(tokens.clone(), true);
                Value::default()
            }
            "cfg" | "compile_error" | "line" | "file" | "column" | "module_path" => {
                Value::default()
            }
            _ => match self.expansion(mac) {
                Some(value) => value,
                None => self.other_macro(&written, tokens, span),
            },
        }
    }

    fn other_macro(
        &mut self,
        written: &[String],
        tokens: &TokenStream,
        span: proc_macro2::Span,
    ) -> Value {
        let known = self.use_segments(written, span);
        let path = self.resolved(written);
        let role = self.table.api(&path).and_then(|rule| rule.role);
        let parsed = arguments(tokens);
        let Ok(parsed) = parsed else {
            self.scan_tokens(tokens.clone(), false);
            return known;
        };
        let arguments: Vec<Value> = parsed.iter().map(|argument| self.value(argument)).collect();
        match role {
            Some(role) => self.apply(role, &path.join("::"), &arguments, span),
            None => Value::of_taint(union(&arguments, &Taint::default())),
        }
    }

    fn macro_arguments(&mut self, tokens: &TokenStream) -> Vec<Value> {
        if let Ok(parsed) = arguments(tokens) {
            return parsed.iter().map(|argument| self.value(argument)).collect();
        }
        self.scan_tokens(tokens.clone(), false);
        Vec::new()
    }

    fn vector(&mut self, tokens: &TokenStream, span: proc_macro2::Span) -> Value {
        if let Ok(parsed) = arguments(tokens) {
            let parts: Vec<&Expr> = parsed.iter().collect();
            return self.array(parts.into_iter(), span);
        }
        self.scan_tokens(tokens.clone(), false);
        Value::default()
    }

    fn concat(&mut self, tokens: &TokenStream) -> Value {
        let mut joined = Text::whole("");
        for part in self.macro_arguments(tokens) {
            joined.push(&part.shown());
        }
        let found = joined.clone();
        let first = tokens.clone().into_iter().next();
        let span = first.map_or_else(proc_macro2::Span::call_site, |token| token.span());
        self.addresses(&found.text, span);
        Value::of_text(joined)
    }

    fn include(
        &mut self,
        tokens: &TokenStream,
        kind: ReadKind,
        name: &str,
        span: proc_macro2::Span,
    ) -> Value {
        let arguments = self.macro_arguments(tokens);
        let path = arguments.first().cloned().unwrap_or_default();
        let text = path.shown();
        let file = self.file();
        // Relative to the file that includes, not to the crate's root.
        let relative = !text.text.starts_with('$') && !text.text.starts_with("{}");
        let folder = paths::parent(file);
        let place = if relative { paths::join(&folder, &text.text) } else { text.text.clone() };
        let reached = Text { text: place, whole: text.whole };
        self.reached(kind, &reached, span);
        let secret = self.place(&reached.text, span);
        let source = if secret { StepKind::Secret } else { StepKind::Read };
        let step = self.step(source, name, &reached.text, span);
        let found = paths::from_root(&reached.text);
        if let Some(bytes) = self.sources.get(&found) {
            let bytes = &bytes[..bytes.len().min(DIGEST_FILE)];
            let text = String::from_utf8_lossy(bytes);
            self.addresses(&text, span);
            if text.split(|c: char| !c.is_ascii_alphanumeric()).any(super::is_digest) {
                self.pin(&format!("a digest in {}", super::cut(&found)), span);
            }
        }
        let mut taint = path.taint;
        if kind == ReadKind::Source {
            let mut read = taint.clone();
            read.merge(&self.held(&text.text));
            self.emit(&read, step);
        }
        taint.merge(&Taint::step(step));
        Value::of_taint(taint)
    }

    /// `write!(to, ...)`: what was put together goes to the first argument.
    fn written_out(&mut self, to: &Value, text: &Value, span: proc_macro2::Span) {
        if let Some(index) = to.spawned {
            self.command_arguments(index, "write_fmt", std::slice::from_ref(text), span);
        }
        if let Some((path, variable)) = &to.writes {
            self.write(path, variable.as_deref(), &text.taint, "write!", span);
        }
        if let Some(root) = &to.root {
            self.add(root, &text.taint);
        }
    }

    /// `cargo:key=value` and `cargo::key=value` lines of a text that a build script prints.
    fn directives(&mut self, value: &Value, span: proc_macro2::Span) {
        let Some(text) = value.text.clone().filter(|_| self.at_build) else { return };
        for line in text.text.lines() {
            let Some(rest) = line.strip_prefix("cargo:") else { continue };
            let rest = rest.strip_prefix(':').unwrap_or(rest);
            let Some((key, given)) = rest.split_once('=') else { continue };
            let directive = Directive {
                key: super::cut(key),
                value: super::cut(given),
                file: self.file().to_owned(),
                line: Self::line(span),
            };
            self.directive(&directive, value, text.whole, span);
            if self.facts.directives.len() < LISTED {
                self.facts.directives.push(directive);
            } else {
                self.facts.left_out += 1;
            }
        }
    }

    fn directive(
        &mut self,
        directive: &Directive,
        value: &Value,
        whole: bool,
        span: proc_macro2::Span,
    ) {
        let given = directive.value.as_str();
        let key = directive.key.as_str();
        let path = given.split_once('=').filter(|(kind, _)| !kind.contains('/'));
        let path = Text { text: path.map_or(given, |(_, path)| path).to_owned(), whole };
        match key {
            "rerun-if-changed" => self.reached(ReadKind::Watched, &path, span),
            "rustc-link-search" => {
                self.reached(ReadKind::Folder, &path, span);
            }
            "rustc-link-lib" => {
                let step = self.step(StepKind::Link, "cargo:rustc-link-lib", given, span);
                // `static:+whole-archive=name`
                let name = path.text.rsplit(':').next().unwrap_or(&path.text).to_owned();
                if self.libraries.len() < LISTED {
                    self.libraries.push((name, step));
                }
            }
            _ if is_link_argument(key) => {
                self.hit(Capability::LinkArgument, key, span, given);
                let step = self.step(StepKind::Link, "cargo:rustc-link-arg", given, span);
                let mut taint = value.taint.clone();
                for (written, data) in self.held_files() {
                    if given.contains(written.as_str()) {
                        taint.merge(data);
                    }
                }
                self.emit(&taint, step);
            }
            "rustc-env" if given.starts_with("RUSTC_WRAPPER") => {
                self.hit(Capability::RustcWrapper, key, span, given);
            }
            _ => {}
        }
    }

    /// Libraries that the linker takes, where they were written here: known when all was read.
    pub(super) fn linked_libraries(&mut self) {
        for (name, step) in std::mem::take(&mut self.libraries) {
            let any = name.is_empty() || name.contains("{}");
            let mut taint = Taint::default();
            for (path, data) in self.held_files() {
                let file = path.rsplit('/').next().unwrap_or(path);
                let Some((stem, kind)) = file.rsplit_once('.') else { continue };
                let is_library = matches!(kind, "a" | "so" | "dylib" | "lib" | "dll" | "o" | "obj");
                let bare = stem.strip_prefix("lib").unwrap_or(stem);
                if is_library && (any || bare == name || stem == name) {
                    taint.merge(data);
                }
            }
            self.emit(&taint, step);
        }
    }

    /// Paths in tokens that are not parsed: bodies of macros, and code that macros generate.
    pub(super) fn scan_tokens(&mut self, tokens: TokenStream, generated: bool) {
        let mut streams = vec![tokens.into_iter()];
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut called = None;
        while let Some(stream) = streams.last_mut() {
            let Some(token) = stream.next() else {
                self.end_path(&mut path, None, generated);
                streams.pop();
                continue;
            };
            match token {
                TokenTree::Ident(name) => {
                    if colons < 2 {
                        self.end_path(&mut path, Some(name.span()), generated);
                    }
                    path.push(name.to_string().trim_start_matches("r#").to_owned());
                    called = Some(name.span());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end_path(&mut path, called, generated);
                    colons = 0;
                    streams.push(group.stream().into_iter());
                }
                TokenTree::Literal(literal) => {
                    self.end_path(&mut path, called, generated);
                    colons = 0;
                    if !generated
                        && let Ok(text) =
                            syn::parse2::<syn::LitStr>(TokenTree::from(literal).into())
                    {
                        self.value(&Expr::Lit(syn::ExprLit {
                            attrs: Vec::new(),
                            lit: syn::Lit::Str(text),
                        }));
                    }
                }
                TokenTree::Punct(_) => {
                    self.end_path(&mut path, called, generated);
                    colons = 0;
                }
            }
        }
    }

    fn end_path(
        &mut self,
        path: &mut Vec<String>,
        span: Option<proc_macro2::Span>,
        generated: bool,
    ) {
        let written = std::mem::take(path);
        let Some(span) = span.filter(|_| !written.is_empty()) else { return };
        if !generated {
            if written.len() > 1 || !self.locals.contains_key(&written[0]) {
                self.use_segments(&written, span);
            }
            return;
        }
        let full = self.resolved(&written);
        let Some(rule) = self.table.api(&full) else { return };
        for capability in &rule.capabilities {
            self.push_hit(CapabilityHit {
                capability: *capability,
                api: super::cut(&full.join("::")),
                file: self.file().to_owned(),
                line: Self::line(span),
                detail: String::new(),
                generated: true,
                through: String::new(),
            });
        }
    }
}

/// The arguments of a macro that takes expressions.
pub(super) fn arguments(tokens: &TokenStream) -> syn::Result<Punctuated<Expr, Token![,]>> {
    Punctuated::parse_terminated.parse2(tokens.clone())
}

/// Whether a message to cargo gives the linker or the compiler arguments, for whatever target.
fn is_link_argument(key: &str) -> bool {
    key.starts_with("rustc-link-arg") || matches!(key, "rustc-cdylib-link-arg" | "rustc-flags")
}
