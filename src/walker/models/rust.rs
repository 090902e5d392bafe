//! Models in Rust code: arguments of hub calls, enum variants of fastembed, addresses, and the literals
//! that reach such calls by way of match arms, constants, fields and defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::address;
use super::around;
use super::code::{self, Argument, Kind, Token, Value};
use super::id::{is_foreign, is_named, is_oldest, is_part, is_repository};
use super::reference::{Confidence, Form, RevisionKind, revision_kind};
use super::scan::{Named, Scan};
use super::tables::Tables;
use super::text;
use crate::domain::SubjectKind;

/// Names in code that show that a file works with a hub.
const HUB_NAMES: [&str; 26] = [
    "hf_hub",
    "hf_hub_sys",
    "huggingface_hub",
    "huggingface",
    "HFClient",
    "HFClientSync",
    "ApiBuilder",
    "ApiRepo",
    "RepoType",
    "CacheRepo",
    "from_pretrained",
    "RemoteResource",
    "mistralrs",
    "mistralrs_core",
    "kalosm",
    "FromPretrainedParameters",
    "with_model_id",
    "from_hf",
    "hf_repo",
    "repo_id",
    "model_id",
    "tokenizer_repo",
    "hf_hub_download",
    "download_artifacts",
    "TextModelBuilder",
    "GgufModelBuilder",
];

/// Parts of names under which ids are kept.
const MODEL_WORDS: [&str; 15] = [
    "model",
    "repo",
    "tokenizer",
    "embed",
    "rerank",
    "checkpoint",
    "pretrained",
    "hf_",
    "hub",
    "weights",
    "llm",
    "which",
    "lora",
    "adapter",
    "hugging",
];

/// Parts of names that speak of something else.
const OTHER_WORDS: [&str; 10] =
    ["path", "file", "mime", "content_type", "dir", "folder", "prefix", "route", "media", "url"];

/// Parts of names of types and functions that take nothing but a model where they take an id at all.
const LOADER_WORDS: [&str; 11] = [
    "embedder",
    "embedding",
    "reranker",
    "tokenizer",
    "model",
    "pretrained",
    "hf_",
    "processor",
    "hub",
    "repo",
    "hugging",
];

/// Names that stand beside what a hosted service is asked for.
const SERVICE_NAMES: [&str; 5] = ["api_key", "backend", "env_key", "with_api_key", "base_url"];

/// Addresses under which the Hub's own hosts answer for a model: a service, and no download.
const ROUTERS: [&str; 2] = ["router.huggingface.co", "api-inference.huggingface.co"];

struct RustFile<'s, 'a> {
    scan: &'s mut Scan<'a>,
    tokens: Vec<Token>,
    constants: BTreeMap<String, usize>,
    /// Literals that are told already.
    used: BTreeSet<usize>,
    /// A call passes a revision that is computed.
    computed: bool,
    hub: bool,
}

/// Reads one file. `hub_crate` says whether the project's graph holds a crate that loads models.
pub(super) fn scan(scan: &mut Scan<'_>, tables: &Tables, hub_crate: bool) {
    let tokens = code::rust_tokens(scan.text);
    let constants = code::constants(&tokens, false);
    let hub = tokens.iter().any(|t| t.name().is_some_and(|n| HUB_NAMES.contains(&n)))
        || tokens.windows(4).any(wraps_hub);
    let routed = tokens
        .iter()
        .filter_map(Token::text)
        .any(|text| ROUTERS.iter().any(|router| text.contains(router)));
    let hub = hub && !routed;
    scan.tests = test_modules(&tokens);
    // A wrapper's own name of the enum leads to the same models.
    let fastembed = tokens
        .iter()
        .any(|t| t.name().is_some_and(|n| n.to_ascii_lowercase().contains("fastembed")));
    let mut file =
        RustFile { scan, tokens, constants, used: BTreeSet::new(), computed: false, hub };
    file.calls();
    if fastembed {
        file.variants(tables);
    }
    file.addresses();
    file.literals(hub_crate && !routed);
}

/// Where `#[cfg(test)] mod name { ... }` stands, in bytes.
fn test_modules(tokens: &[Token]) -> Vec<Range<usize>> {
    let opens = |at: usize| {
        let [hash, open, cfg, paren, test, ..] = &tokens[at..] else { return None };
        let attribute = hash.is(b'#')
            && open.is(b'[')
            && cfg.name() == Some("cfg")
            && paren.is(b'(')
            && test.name() == Some("test");
        if !attribute {
            return None;
        }
        // Over further attributes.
        let mut next = at + 7;
        while tokens.get(next)?.is(b'#') {
            next = behind_brackets(tokens, next + 1)?;
        }
        let body = tokens.get(next..next + 3)?;
        (body[0].name() == Some("mod") && body[2].is(b'{')).then_some(next + 2)
    };
    let mut found: Vec<Range<usize>> = Vec::new();
    for at in 0..tokens.len() {
        let start = tokens[at].at;
        if found.last().is_some_and(|last| last.contains(&start)) {
            continue;
        }
        let Some(body) = opens(at) else { continue };
        let mut depth = 0_usize;
        let close = tokens[body..].iter().find(|token| {
            match token.kind {
                Kind::Open(_) => depth += 1,
                Kind::Close(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        });
        found.push(start..close.map_or(usize::MAX, |token| token.at));
    }
    found
}

/// The token behind the brackets that open at a place.
fn behind_brackets(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let close = tokens.get(open..)?.iter().take(400).position(|token| {
        match token.kind {
            Kind::Open(_) => depth += 1,
            Kind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })?;
    Some(open + close + 1)
}

impl RustFile<'_, '_> {
    fn calls(&mut self) {
        for at in 0..self.tokens.len().saturating_sub(1) {
            if !self.tokens[at + 1].is(b'(') {
                continue;
            }
            let Some(name) = self.tokens[at].name() else { continue };
            let method = at > 0 && self.tokens[at - 1].is(b'.');
            let owner = self.owner(at);
            match (name, owner) {
                ("model", _) if method => self.method(at, SubjectKind::Model),
                ("dataset", _) if method => self.method(at, SubjectKind::Dataset),
                ("new" | "model" | "dataset" | "with_revision", Some("Repo")) => self.repo(at),
                ("from_pretrained", Some(_)) => self.pretrained(at),
                ("new", Some(builder)) if builder.ends_with("Builder") => self.builder(at),
                _ => {}
            }
        }
    }

    /// `Repo` of `Repo::new`.
    fn owner(&self, at: usize) -> Option<&str> {
        let colons = at >= 3 && self.tokens[at - 1].is(b':') && self.tokens[at - 2].is(b':');
        if colons { self.tokens[at - 3].name() } else { None }
    }

    /// The literal behind a value, by its token, if it can be told.
    fn literal(&self, argument: &Argument) -> Option<usize> {
        match code::value(&self.tokens, argument) {
            Value::Text(at) => Some(at),
            Value::Name(name) => self.constants.get(&name).copied(),
            Value::Other => None,
        }
    }

    fn text(&self, at: usize) -> &str {
        self.tokens[at].text().unwrap_or_default()
    }

    /// `.model("o/n")` and `.model("owner", "name")`.
    fn method(&mut self, at: usize, kind: SubjectKind) {
        let (arguments, after) = code::arguments(&self.tokens, at + 1);
        let literals: Vec<Option<usize>> = arguments.iter().map(|a| self.literal(a)).collect();
        let (id, first, form) = match literals.as_slice() {
            [Some(id)] if self.hub && is_named(self.text(*id)) && !self.asks_a_service(at) => {
                (self.text(*id).to_owned(), *id, Form::HfHubMethod)
            }
            [Some(owner), Some(name)]
                if is_part(self.text(*owner)) && is_part(self.text(*name)) =>
            {
                let id = format!("{}/{}", self.text(*owner), self.text(*name));
                self.used.insert(*name);
                (id, *owner, Form::HfHubClient)
            }
            _ => return,
        };
        let (revision, computed) = self.chained_revision(after);
        let named = Named { kind, revision, computed, ..Named::model(id, form, Confidence::High) };
        self.tell(first, named);
    }

    /// `.revision("...")` or `.with_revision(...)` further on in the same statement.
    fn chained_revision(&self, from: usize) -> (Option<String>, bool) {
        let until = self.tokens.len().min(from + 120);
        for at in from..until {
            if self.tokens[at].is(b';') {
                break;
            }
            let calls = self.tokens.get(at + 1).is_some_and(|t| t.is(b'('));
            let name = self.tokens[at].name();
            if calls
                && matches!(name, Some("revision" | "with_revision"))
                && self.tokens[at - 1].is(b'.')
            {
                return self.revision(code::arguments(&self.tokens, at + 1).0.first());
            }
        }
        (None, false)
    }

    /// The text of an argument that is a revision, and whether it is computed.
    fn revision(&self, argument: Option<&Argument>) -> (Option<String>, bool) {
        let Some(argument) = argument else { return (None, false) };
        if let Some(at) = self.literal(argument) {
            return (Some(self.text(at).to_owned()), false);
        }
        let none = self.tokens[argument.from].name() == Some("None");
        (None, !none)
    }

    /// `Repo::new(id, type)`, `Repo::model(id)`, `Repo::with_revision(id, type, revision)`.
    fn repo(&mut self, at: usize) {
        let (arguments, _) = code::arguments(&self.tokens, at + 1);
        let called = self.tokens[at].name().unwrap_or_default();
        let is_dataset = called == "dataset"
            || arguments.get(1).is_some_and(|a| {
                self.tokens[a.from..a.to].iter().any(|t| t.name() == Some("Dataset"))
            });
        let is_space = arguments
            .get(1)
            .is_some_and(|a| self.tokens[a.from..a.to].iter().any(|t| t.name() == Some("Space")));
        let (revision, computed) =
            if called == "with_revision" { self.revision(arguments.get(2)) } else { (None, false) };
        let Some(id) = arguments.first().and_then(|a| self.literal(a)) else {
            self.computed |= computed;
            return;
        };
        if is_space || !is_named(self.text(id)) {
            return;
        }
        let kind = if is_dataset { SubjectKind::Dataset } else { SubjectKind::Model };
        let text = self.text(id).to_owned();
        let base = Named::model(text, Form::HfHubRepo, Confidence::High);
        self.tell(id, Named { kind, revision, computed, ..base });
    }

    /// `Tokenizer::from_pretrained("o/n", Some(FromPretrainedParameters { revision: ... }))`.
    fn pretrained(&mut self, at: usize) {
        let (arguments, _) = code::arguments(&self.tokens, at + 1);
        let Some(id) = arguments.first().and_then(|a| self.literal(a)) else { return };
        let text = self.text(id);
        // Many types have a function of this name; what has no owner is a name of theirs, but for the Hub's own.
        let known = text.contains('/') || is_oldest(text);
        if !known || !is_named(text) || self.beside_address(id) {
            return;
        }
        let mut revision = (None, false);
        for argument in &arguments[1..] {
            for key in argument.from..argument.to.saturating_sub(2) {
                if self.tokens[key].name() == Some("revision") && self.tokens[key + 1].is(b':') {
                    let rest = Argument { keyword: None, from: key + 2, to: argument.to };
                    revision = self.revision(Some(&rest));
                }
            }
        }
        let (revision, computed) = revision;
        let text = self.text(id).to_owned();
        let base = Named::model(text, Form::RustFromPretrained, Confidence::High);
        self.tell(id, Named { revision, computed, ..base });
    }

    /// `TextModelBuilder::new("o/n")`.
    fn builder(&mut self, at: usize) {
        let (arguments, _) = code::arguments(&self.tokens, at + 1);
        let Some(id) = arguments.first().and_then(|a| self.literal(a)) else { return };
        let text = self.text(id);
        if self.hub && is_repository(text) && !is_foreign(text) {
            let named = Named::model(text, Form::ModelBuilder, Confidence::Medium);
            self.tell(id, named);
        }
    }

    /// `EmbeddingModel::BGESmallENV15`.
    fn variants(&mut self, tables: &Tables) {
        for at in 3..self.tokens.len() {
            let (Some(variant), Some(owner)) = (self.tokens[at].name(), self.owner(at)) else {
                continue;
            };
            // Wrappers give the enum of text embeddings a name of their own.
            let owner = if owner.starts_with("Fastembed") { "EmbeddingModel" } else { owner };
            let Some(id) = tables.fastembed(owner, variant) else { continue };
            let place = self.tokens[at - 3].at;
            self.scan.push(place, Named::model(id, Form::FastembedEnum, Confidence::High));
        }
    }

    fn addresses(&mut self) {
        for at in 0..self.tokens.len() {
            let Some(text) = self.tokens[at].text() else { continue };
            let found = address::find(text);
            if found.is_empty() {
                continue;
            }
            let prose = text.trim().contains(' ');
            for address in found {
                // A bare page in code is rather read by people than loaded.
                let loads = address.form != Form::HubUrl;
                let confidence = match (loads, prose) {
                    (true, false) => Confidence::High,
                    (false, false) if self.hub => Confidence::Medium,
                    _ => Confidence::Low,
                };
                let place = self.tokens[at].at + 1 + address.at;
                let base = Named::model(address.id, address.form, confidence);
                let named = Named { kind: address.kind, revision: address.revision, ..base };
                self.scan.push(place.min(self.scan.text.len()), named);
            }
            self.used.insert(at);
        }
    }

    /// Every other literal of the right shape, graded by what stands before it.
    fn literals(&mut self, hub_crate: bool) {
        for at in 0..self.tokens.len() {
            let Some(text) = self.tokens[at].text() else { continue };
            if let Some(id) = self.llama_argument(at, text) {
                self.tell(at, Named::model(id, Form::LlamaCpp, Confidence::High));
                continue;
            }
            let old = is_oldest(text);
            // `fastembed:o/n`: which library loads it stands before it.
            let text =
                text::LOADER_PREFIXES.iter().find_map(|p| text.strip_prefix(p)).unwrap_or(text);
            let named = old || (is_repository(text) && !is_foreign(text));
            let used = self.used.contains(&at);
            if used || !named || self.beside_address(at) || self.asks_a_service(at) {
                continue;
            }
            let (form, word) = self.context(at);
            let returned =
                (form == Form::Literal).then(|| around::returned(&self.tokens, at)).flatten();
            let (form, word) = match returned {
                Some(function) => (Form::DefaultValue, Some(function.to_owned())),
                None => (form, word),
            };
            let word = match form {
                Form::Literal => self.called(at).or(word),
                Form::MatchArm => {
                    // `=> Box::new(ColEmbedder::new("o/n"))`: what is called says more than the arm.
                    let called = self.called(at).filter(|called| speaks_of_loading(called));
                    called.or_else(|| self.function(at)).or(word)
                }
                _ => word,
            };
            if old && !self.says_model(at, form, word.as_deref()) {
                continue;
            }
            let revision = self.neighbour_revision(at);
            let graded = grade(form, word.as_deref(), self.hub, hub_crate);
            // Beside its revision an id stands for nothing else, whatever the file imports.
            let paired = (revision.is_some() && !old).then_some(Confidence::Medium);
            let Some(mut confidence) = graded.max(paired) else { continue };
            if self.is_scenario(at, form) {
                confidence = Confidence::Low;
            }
            let revision = revision.or_else(|| self.constant_revision(at));
            let computed = revision.is_none() && self.computed;
            let base = Named::model(text, form, confidence);
            self.tell(at, Named { revision, computed, ..base });
        }
    }

    /// Whether a literal of a test is a value that the test makes up: nothing in its function loads anything.
    fn is_scenario(&self, at: usize, form: Form) -> bool {
        let made_up = matches!(form, Form::StructField | Form::MatchArm | Form::Constant);
        // Examples load what they name, wherever in the file.
        let example = self.scan.path.split('/').any(|part| part == "examples");
        made_up
            && !example
            && self.scan.is_test(self.tokens[at].at)
            && !around::loads_nearby(&self.tokens, at)
    }

    /// The commit of the constant beside this one, where a call of the file passes a revision by a name.
    fn constant_revision(&self, at: usize) -> Option<String> {
        let commit =
            self.computed.then(|| around::sibling_revision(&self.tokens, &self.constants, at));
        commit.flatten().map(str::to_owned)
    }

    /// The id in `["-hf", "o/n:Q4"]` and `.arg("-hf").arg("o/n:Q4")`, what llama.cpp is started with.
    fn llama_argument(&self, at: usize, text: &str) -> Option<String> {
        let id = text.split(':').next()?;
        if self.used.contains(&at) || !is_repository(id) {
            return None;
        }
        let before = self.tokens[at.saturating_sub(5)..at].iter().rev().find_map(Token::text)?;
        text::LLAMA_FLAGS.contains(&before).then(|| id.to_owned())
    }

    /// Whether the next value of a pair is an address: then this one is the key of a cache.
    fn beside_address(&self, at: usize) -> bool {
        let comma = self.tokens.get(at + 1).is_some_and(|token| token.is(b','));
        let next = self.tokens.get(at + 2).and_then(Token::text);
        comma && next.is_some_and(|text| text.contains("://"))
    }

    /// Whether the statement or the value around a place also names a key or a backend: then a hosted service
    /// is asked for a model, under a name that the service gives.
    fn asks_a_service(&self, at: usize) -> bool {
        let says = |token: &&Token| {
            token.name().is_some_and(|name| SERVICE_NAMES.contains(&name))
                || token.text().is_some_and(|text| text.ends_with("_API_KEY"))
        };
        let ends = |token: &&Token| !token.is(b';');
        let before = self.tokens[at.saturating_sub(40)..at].iter().rev().take_while(ends);
        let after = self.tokens[at..].iter().take(40).take_while(ends);
        before.chain(after).any(|token| says(&token))
    }

    /// Whether something beside an id without an owner says that it is one: a revision, or the name
    /// that it is put under.
    fn says_model(&self, at: usize, form: Form, word: Option<&str>) -> bool {
        let bound = word.is_some_and(|word| word.to_ascii_lowercase().contains("model"));
        // What a call is handed is not what the name is bound to.
        let opened = at.checked_sub(1).is_some_and(|before| {
            let own = matches!(self.name_before(before), Some("from" | "Some" | "new"));
            (self.tokens[before].is(b'(') && !own) || self.tokens[before].is(b',')
        });
        let assigned = form == Form::Constant && bound && !opened;
        self.hub && (self.neighbour_revision(at).is_some() || assigned)
    }

    /// The revision in `=> ("o/n", "refs/pr/1")` and `f("o/n", "main")`.
    fn neighbour_revision(&self, at: usize) -> Option<String> {
        let mut next = at + 1;
        // Over `.to_string()` and the like.
        while next < at + 6 && !self.tokens.get(next)?.is(b',') {
            next += 1;
        }
        let token = self.tokens.get(next + 1)?;
        let token = if token.name() == Some("Some") { self.tokens.get(next + 3)? } else { token };
        let text = token.text()?;
        let revision = match revision_kind(Some(text)) {
            RevisionKind::TagOrBranch => text.starts_with("refs/"),
            _ => true,
        };
        revision.then(|| text.to_owned())
    }

    /// What stands before a literal, and the name it is put under.
    fn context(&self, at: usize) -> (Form, Option<String>) {
        let mut back = at;
        let mut called: Option<String> = None;
        for _ in 0..10 {
            let Some(before) = back.checked_sub(1) else { break };
            let token = &self.tokens[before];
            match &token.kind {
                Kind::Mark(b'>') if before > 0 && self.tokens[before - 1].is(b'=') => {
                    return (Form::MatchArm, called);
                }
                Kind::Mark(b'=') => {
                    let (name, default) = self.bound(before);
                    let form = if default { Form::DefaultValue } else { Form::Constant };
                    return (form, name.or(called));
                }
                Kind::Mark(b':') if before > 0 && !self.tokens[before - 1].is(b':') => {
                    let name = self.tokens[before - 1].name().map(str::to_owned);
                    return (Form::StructField, name.or(called));
                }
                Kind::Mark(b':') => back = before - 1,
                Kind::Mark(b'&') | Kind::Open(_) => back = before,
                Kind::Name(name) => {
                    if !matches!(name.as_str(), "String" | "from" | "Some" | "to_string" | "vec") {
                        called = called.or(Some(name.clone()));
                    }
                    back = before;
                }
                _ => break,
            }
        }
        (Form::Literal, called)
    }

    /// The function, or the type whose function it is, in whose call a literal stands behind other arguments:
    /// `model_repo(&client, "o/n")`, `ColEmbedder::new("o/n", None)`. `Self` is the type of the `impl`.
    fn called(&self, at: usize) -> Option<String> {
        let mut depth = 0_usize;
        let start = at.saturating_sub(48);
        let open = (start..at).rev().find(|&before| match self.tokens[before].kind {
            Kind::Close(_) => {
                depth += 1;
                false
            }
            Kind::Open(_) if depth > 0 => {
                depth -= 1;
                false
            }
            Kind::Open(b'(') => !matches!(self.name_before(before), Some("Some" | "from")),
            _ => false,
        })?;
        let function = self.name_before(open)?;
        let owner = open
            .checked_sub(3)
            .filter(|&at| self.tokens[at].is(b':') && self.tokens[at + 1].is(b':'));
        match owner.and_then(|colon| self.name_before(colon)) {
            Some("Self") => self.implemented(open),
            Some(owner) => Some(format!("{owner}::{function}")),
            None => Some(function.to_owned()),
        }
    }

    fn name_before(&self, at: usize) -> Option<&str> {
        self.tokens[at.checked_sub(1)?].name()
    }

    /// The type of the `impl` around a place.
    fn implemented(&self, at: usize) -> Option<String> {
        let start = (0..at).rev().take(2_000).find(|at| self.tokens[*at].name() == Some("impl"))?;
        let body = (start..at).find(|at| self.tokens[*at].is(b'{'))?;
        self.tokens[start..body].iter().rev().find_map(Token::name).map(str::to_owned)
    }

    /// The name of the function around a place, where it speaks of ids: `hf_model_id`.
    fn function(&self, at: usize) -> Option<String> {
        let keyword = (0..at).rev().take(600).find(|at| self.tokens[*at].name() == Some("fn"))?;
        let name = self.tokens.get(keyword + 1)?.name()?;
        let speaks = ["id", "repo", "hf", "hub", "model_name", "pretrained"];
        let lower = name.to_ascii_lowercase();
        speaks.iter().any(|word| lower.contains(word)).then(|| name.to_owned())
    }

    /// The name before `=`, over its type; and whether it is a default of clap's, whose name is the
    /// field that follows.
    fn bound(&self, equals: usize) -> (Option<String>, bool) {
        if let Some(name) = equals.checked_sub(1).and_then(|at| self.tokens[at].name())
            && name.starts_with("default_value")
        {
            let field = self.tokens[equals..]
                .windows(2)
                .take(60)
                .find(|pair| pair[1].is(b':'))
                .and_then(|pair| pair[0].name());
            return (field.map(str::to_owned), true);
        }
        let start = equals.saturating_sub(12);
        let name = (start..equals).rev().find_map(|at| {
            let keyword = at.checked_sub(1).and_then(|before| self.tokens[before].name());
            let bound = matches!(keyword, Some("const" | "static" | "let" | "mut"));
            if bound { self.tokens[at].name().map(str::to_owned) } else { None }
        });
        (name, false)
    }

    fn tell(&mut self, literal: usize, named: Named) {
        self.used.insert(literal);
        // The name begins after the quote; prefixes and hashes of raw texts are not counted.
        let at = (self.tokens[literal].at + 1).min(self.scan.text.len());
        self.scan.push(at, named);
    }
}

/// `hub::Api`: a project's own wrapper of a hub client.
fn wraps_hub(tokens: &[Token]) -> bool {
    tokens[0].name() == Some("hub") && tokens[1].is(b':') && tokens[3].name() == Some("Api")
}

fn speaks_of_loading(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    LOADER_WORDS.iter().any(|word| lower.contains(word))
}

/// How sure it is that a literal is an id; nothing where it is most likely something else.
fn grade(form: Form, word: Option<&str>, hub: bool, hub_crate: bool) -> Option<Confidence> {
    let lower = word.map(str::to_ascii_lowercase);
    let has = |words: &[&str]| lower.as_ref().is_some_and(|w| words.iter().any(|x| w.contains(x)));
    let model = has(&MODEL_WORDS);
    // A function that makes paths or addresses of ids loads nothing.
    if has(&OTHER_WORDS) && (!model || form == Form::Literal) {
        return hub.then_some(Confidence::Low);
    }
    match form {
        Form::MatchArm | Form::DefaultValue | Form::StructField | Form::Constant if hub => {
            Some(Confidence::Medium)
        }
        Form::DefaultValue | Form::StructField | Form::Constant if model && hub_crate => {
            Some(Confidence::Medium)
        }
        Form::MatchArm if model && hub_crate => Some(Confidence::Medium),
        Form::Literal if (hub || hub_crate) && has(&LOADER_WORDS) => Some(Confidence::Medium),
        Form::Literal if hub && (model || has(&["download", "fetch", "load", "get"])) => {
            Some(Confidence::Medium)
        }
        _ if hub || (hub_crate && model) => Some(Confidence::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walker::models::reference::Reference;

    fn read(text: &str) -> Vec<Reference> {
        let mut scan = Scan::new("src/main.rs", text);
        super::scan(&mut scan, &Tables::embedded(), true);
        scan.found
    }

    fn told(text: &str) -> Vec<(String, Option<String>, Form)> {
        read(text).into_iter().map(|r| (r.id, r.revision, r.form)).collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "the expected value beside `None`")]
    fn own(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn what_only_a_test_module_names_is_told_apart() {
        let found = read(
            r#"
            fn a(api: &hf_hub::api::sync::Api) { api.model("org/first".into()); }
            #[cfg(test)]
            mod tests {
                #[test]
                fn b() { if true { api().model("org/second".into()); } }
            }
            fn c(api: &hf_hub::api::sync::Api) { api.model("org/third".into()); }
            "#,
        );
        let told: Vec<_> = found.iter().map(|r| (r.id.as_str(), r.in_tests)).collect();
        assert_eq!(told, [("org/first", false), ("org/second", true), ("org/third", false)]);
    }

    #[test]
    fn a_test_module_with_further_attributes_is_one() {
        let found = read(
            r#"
            #[cfg(test)]
            #[allow(clippy::unwrap_used, reason = "tests")]
            mod tests { fn b() { hf_hub::api().model("org/second".into()); } }
            #[cfg(test)]
            use a::b;
            fn c(api: &hf_hub::api::sync::Api) { api.model("org/third".into()); }
            "#,
        );
        let told: Vec<_> = found.iter().map(|r| (r.id.as_str(), r.in_tests)).collect();
        assert_eq!(told, [("org/second", true), ("org/third", false)]);
    }

    #[test]
    fn calls_of_both_hub_clients_are_read() {
        let text = r#"
            use hf_hub::{Repo, RepoType, api::sync::Api};
            fn f() {
                api.model("o/one".to_string());
                api.repo(Repo::with_revision("o/two".into(), RepoType::Model, "refs/pr/1".into()));
                api.repo(Repo::new("gpt2".to_string(), RepoType::Model));
                api.dataset("o/data".to_string());
                HFClient::new()?.model("acme", "tiny-1").download_file().filename("x").revision("v1").send();
            }"#;
        assert_eq!(
            told(text),
            [
                ("o/one".to_owned(), None, Form::HfHubMethod),
                ("o/two".to_owned(), own("refs/pr/1"), Form::HfHubRepo),
                ("gpt2".to_owned(), None, Form::HfHubRepo),
                ("o/data".to_owned(), None, Form::HfHubMethod),
                ("acme/tiny-1".to_owned(), own("v1"), Form::HfHubClient),
            ]
        );
        assert_eq!(read(text)[3].kind, SubjectKind::Dataset);
    }

    #[test]
    fn ids_behind_other_arguments_and_in_the_types_own_functions_are_told() {
        let told = told(
            r#"
            fn a(client: &Client) { let tokens = model_repo(&client, "org/first-1"); }
            fn b() { Box::new(ColEmbedder::new("org/second-1", None)?); }
            impl Default for ClipEmbedder {
                fn default() -> Self { Self::new("org/third-1".to_string(), Some("refs/pr/15"), None) }
            }
            fn f() { LoraBuilder::from_text_model(TextBuilder::new("org/base-1").with_logging(), vec!["org/lora-1"]); }
            fn g() { match kind { Normal => Box::new(ColEmbedder::new("org/eleventh-1", None)?) } }
            impl Kind { fn hf_model_id(&self) -> &str { match self { Self::A => "org/fourth-1" } } }
            fn c() { config.set("fastembed:org/fifth-1"); load_model("fastembed:org/sixth-1"); }
            fn d() { router.route("org/seventh-1", get(page)); println!("{}", "org/eighth-1"); }
            "#,
        );
        let sure: Vec<(&str, Option<&str>)> =
            told.iter().map(|(id, revision, _)| (id.as_str(), revision.as_deref())).collect();
        for wanted in [
            ("org/first-1", None),
            ("org/second-1", None),
            ("org/third-1", Some("refs/pr/15")),
            ("org/fourth-1", None),
            ("org/sixth-1", None),
            ("org/lora-1", None),
            ("org/eleventh-1", None),
        ] {
            assert!(sure.contains(&wanted), "{wanted:?}: {sure:?}");
        }
        let source = "fn e() { FileSource::huggingface(\"org/tenth-1\".to_string(), \"main\".to_string()); }";
        let told = read(source);
        assert_eq!(
            (told[0].id.as_str(), told[0].revision.as_deref()),
            ("org/tenth-1", Some("main"))
        );
        let low = read("fn d() { router.route(\"org/seventh-1\", get(page)); }");
        assert!(low.iter().all(|one| one.confidence == Confidence::Low), "{low:?}");
        let ninth =
            "impl Shape { fn label(&self) -> &str { match self { Self::A => \"org/ninth-1\" } } }";
        assert!(read(ninth).iter().all(|one| one.confidence == Confidence::Low));
    }

    #[test]
    fn what_a_hosted_service_is_asked_for_is_no_repository() {
        let hub = "use hf_hub::api::sync::Api;\n";
        for text in [
            "fn f() { LLMBuilder::new().backend(B::OpenAI).api_key(key).model(\"gpt-5-nano\").build(); }",
            "fn f() { Config { env_key: \"GROQ_API_KEY\", model: \"org/hosted-1\" } }",
            "const URL: &str = \"https://router.huggingface.co/v1\"; const MODEL: &str = \"org/hosted-1\";",
            "fn f() { let model = BedrockModel::cross_region(\"ap-southeast-1\", X); }",
        ] {
            let found = read(&format!("{hub}{text}"));
            let sure = |one: &&Reference| {
                one.kind == SubjectKind::Model && one.confidence > Confidence::Low
            };
            assert_eq!(found.iter().find(sure), None, "{text}");
        }
        let text = "fn f() { let model = \"bert-base-uncased\"; let other = String::from(\"x\"); }";
        assert_eq!(told(&format!("{hub}{text}"))[0].0, "bert-base-uncased");
    }

    #[test]
    fn a_function_that_returns_nothing_but_an_id_names_a_default() {
        let text = r#"
            fn default_ner_model() -> String { "org/first-1".to_string() }
            fn greeting() -> &'static str { "org/second-1" }
            fn default_model_path() -> String { "org/third-1".into() }
            fn default_model() -> String { log("org/fourth-1"); "x".into() }
        "#;
        let sure: Vec<(String, Form)> = read(text)
            .into_iter()
            .filter(|one| one.confidence > Confidence::Low)
            .map(|one| (one.id, one.form))
            .collect();
        let wanted = |id: &str| (id.to_owned(), Form::DefaultValue);
        assert!(sure.contains(&wanted("org/first-1")), "{sure:?}");
        assert!(
            !sure.iter().any(|(id, _)| id == "org/second-1" || id == "org/fourth-1"),
            "{sure:?}"
        );
    }

    #[test]
    fn what_a_test_makes_up_is_no_model_and_what_it_loads_is() {
        let text = r#"
            use hf_hub::api::sync::Api;
            #[cfg(test)]
            mod tests {
                fn entry() -> Entry { Entry { id: "spy/made-up-1".to_string(), cost: 1 } }
                fn parse() { let text = "spy/parsed-1"; assert!(split(text).is_ok()); }
                fn real() { let id = "org/real-1"; let model = Model::from_hub(id).unwrap(); }
            }
            const MODEL: &str = "org/outside-1";
        "#;
        let sure: Vec<String> = read(text)
            .into_iter()
            .filter(|one| one.confidence > Confidence::Low)
            .map(|one| one.id)
            .collect();
        assert_eq!(sure, ["org/real-1", "org/outside-1"]);
    }

    #[test]
    fn what_an_example_names_is_loaded_by_it_wherever_that_stands() {
        let text = r#"
            use hf_hub::{api::sync::Api, Repo};
            impl Which {
                fn id(&self) -> &'static str { match self { Self::Tiny => "org/tiny-1" } }
            }
            fn main() { let repo = Api::new().unwrap().model(which.id().to_string()); }
        "#;
        let sure = |path: &str| {
            let mut scan = Scan::new(path, text);
            super::scan(&mut scan, &Tables::embedded(), true);
            scan.found.into_iter().any(|one| one.confidence > Confidence::Low)
        };
        assert!(sure("examples/tiny/main.rs") && sure("src/main.rs"));
        assert!(!sure("tests/parse.rs"), "nothing beside it loads anything");
    }

    #[test]
    fn a_name_without_an_owner_is_the_own_of_a_type_but_for_the_oldest_of_the_hub() {
        let text = r#"fn f() {
            LatticeEmbedding::from_pretrained("openai");
            LatticeEmbedding::from_pretrained("text-embedding-3-small");
            Tokenizer::from_pretrained("bert-base-cased", None);
            Tokenizer::from_pretrained("gpt2", None);
        }"#;
        let ids: Vec<String> = told(text).into_iter().map(|(id, ..)| id).collect();
        assert_eq!(ids, ["bert-base-cased", "gpt2"]);
    }

    #[test]
    fn the_commit_of_the_constant_beside_an_id_is_its_revision_where_one_is_passed() {
        let commit = "67f963b6a1d94fcd4678948237b3cc8bd69bf1d8";
        let pair = |call: &str| {
            format!(
                "use hf_hub::Repo;\npub const MODEL_REPOSITORY: &str = \"org/one-1\";\n\
                 pub const MODEL_REVISION: &str = \"{commit}\";\n{call}"
            )
        };
        let passed = pair(
            "fn f(r: Pin) { Repo::with_revision(r.id.0.into(), RepoType::Model, r.revision.0.into()); }",
        );
        assert_eq!(told(&passed)[0].1, own(commit));
        // Nobody passes a revision: what the constant says is not asked for.
        assert_eq!(told(&pair("fn f(r: Pin) { Repo::model(r.id.0.into()); }"))[0].1, None);
        // Another constant's commit is not this one's.
        let other = passed.replace("MODEL_REVISION", "TOKENS_REVISION").replace(
            "use hf_hub::Repo;",
            "use hf_hub::Repo;\nconst TOKENS_REPO: &str = \"org/tokens-1\";",
        );
        let found = read(&other);
        let of = |id: &str| found.iter().find(|one| one.id == id).unwrap().revision.clone();
        assert_eq!((of("org/one-1"), of("org/tokens-1")), (None, own(commit)));
    }

    #[test]
    fn a_wrapper_of_fastembed_leads_to_its_models() {
        let text =
            "use rig_fastembed::FastembedModel;\nfn f() { load(&FastembedModel::AllMiniLML6V2Q); }";
        assert_eq!(told(text)[0].0, "Xenova/all-MiniLM-L6-v2");
    }

    #[test]
    fn a_constant_is_told_once_where_its_text_stands() {
        let text = "use hf_hub::{Repo, RepoType};\nconst ID: &str = \"o/n-1\";\nconst REV: &str = \"c9745ed1d9f207416be6d2e6f8de32d1f16199bf\";\nfn f() { Repo::with_revision(ID.into(), RepoType::Model, REV.into()); }";
        let found = read(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].line, found[0].revision_kind), (2, RevisionKind::Commit));
    }

    #[test]
    fn ids_that_reach_a_call_by_a_variable_are_harvested() {
        let text = r#"
            use hf_hub::{Repo, RepoType};
            struct Args { #[arg(long, default_value = "org/default-1")] model_id: String }
            fn f(which: Which, revision: String) {
                let (id, rev) = match which {
                    Which::A => ("org/arm-1", "refs/pr/2"),
                    Which::B => "org/arm-2",
                    Which::C => ("t5-small", "refs/pr/15"),
                    Which::D => "not-an-id",
                };
                let repo = Repo::with_revision(id.to_string(), RepoType::Model, revision);
            }"#;
        let found = read(text);
        let ids: Vec<_> = found.iter().map(|r| (r.id.as_str(), r.form, r.revision_kind)).collect();
        assert_eq!(
            ids,
            [
                ("org/default-1", Form::DefaultValue, RevisionKind::Variable),
                ("org/arm-1", Form::MatchArm, RevisionKind::PullRequest),
                ("org/arm-2", Form::MatchArm, RevisionKind::Variable),
                ("t5-small", Form::MatchArm, RevisionKind::PullRequest),
            ]
        );
    }

    #[test]
    fn what_only_looks_like_an_id_is_left_out() {
        let text = r#"
            use hf_hub::api::sync::Api; // "org/in-a-comment-1"
            fn f() {
                header("content-type", "video/mp4");
                open("src/main.rs");
                api.get("onnx/model.onnx");
                let both = "and/or";
            }"#;
        assert_eq!(told(text), []);
        assert_eq!(told("fn f() { route(\"Some/Slug-1\"); }"), []);
    }

    #[test]
    fn what_llama_cpp_is_started_with_is_a_model_without_its_quantisation() {
        let text = r#"fn f() {
            Command::new("llama-server").args(["-hf", "org/one-GGUF:Q4_K_M"]);
            Command::new("llama-server").arg("-hf").arg("org/two-GGUF");
            Command::new("tar").arg("-x").arg("org/three-1");
        }"#;
        assert_eq!(
            told(text),
            [
                ("org/one-GGUF".to_owned(), None, Form::LlamaCpp),
                ("org/two-GGUF".to_owned(), None, Form::LlamaCpp)
            ]
        );
    }

    #[test]
    fn the_key_of_a_cache_beside_an_address_is_no_model() {
        let text = r#"use hf_hub; const X: (&str, &str) =
            ("xlnet-1/tokenizer-config", "https://huggingface.co/xlnet-1/resolve/main/a.json");"#;
        let found = told(text);
        assert_eq!(found, [("xlnet-1".to_owned(), own("main"), Form::ResolveUrl)]);
    }

    #[test]
    fn a_variant_of_fastembed_is_a_model() {
        let found = told("use fastembed::EmbeddingModel;\nlet m = EmbeddingModel::BGESmallENV15;");
        assert_eq!(found, [("Xenova/bge-small-en-v1.5".to_owned(), None, Form::FastembedEnum)]);
    }

    #[test]
    fn addresses_in_literals_are_read_and_pages_are_not_sure() {
        let text = r#"fn f() {
            get("https://huggingface.co/o/n/resolve/main/model.onnx");
            panic!("accept the terms at https://huggingface.co/o/gated-1 first");
        }"#;
        let found = read(text);
        assert_eq!((found[0].form, found[0].confidence), (Form::ResolveUrl, Confidence::High));
        assert_eq!((found[1].form, found[1].confidence), (Form::HubUrl, Confidence::Low));
    }

    #[test]
    fn every_truncation_ends() {
        let text = "use hf_hub; fn f() { Repo::with_revision(\"o/é\".into(), x, Some(\"main\")) } const A: &str = \"o/n-1\";";
        for end in 0..=text.len() {
            if text.is_char_boundary(end) {
                let _ = read(&text[..end]);
            }
        }
    }
}
