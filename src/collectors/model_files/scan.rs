//! One file: every member is handed to the parser of its kind.

use std::collections::BTreeMap;

use super::facts::{
    ConfigTarget, ImportVerdict, ModelAnomaly, ModelCard, ModelFile, Part, Unscannable,
};
use super::pickles;
use custody_bytes::anomaly::{Anomalies, Anomaly};
use custody_bytes::source::Source;
use model_scan::chat_template::{self, ChatTemplate};
use model_scan::containers::{self, Member, Visitor};
use model_scan::gguf::{self, Gguf};
use model_scan::hdf5::{self, Hdf5};
use model_scan::hub;
use model_scan::keras::{self, Keras};
use model_scan::model_config::{self, ModelConfig};
use model_scan::model_kind::ModelFileKind as Kind;
use model_scan::onnx::{self, Onnx};
use model_scan::pickle;
use model_scan::pmml::{self, Pmml};
use model_scan::python_source::{self, PythonScope, PythonSource};
use model_scan::safetensors::{self, Safetensors};
use model_scan::skops::{self, Skops};
use model_scan::tensorflow::{self, Tensorflow};
use model_scan::tokenizer::{self, Tokenizer};
use model_scan::torchscript::{self, TorchScript};

/// Anomalies kept of one file, and of one source and kind.
const ANOMALIES: usize = 500;
const OF_ONE_KIND: usize = 32;

/// Files that quote code and that nobody runs: what Python packages say of themselves.
const PROSE: [&str; 5] = ["METADATA", "PKG-INFO", "RECORD", "LICENSE", "NOTICE"];

/// How a file of `torch.save` begins that is no zip archive: a number that says so, as a pickle.
const TORCH_LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// Lines of a text that the trace quotes.
const QUOTED: usize = 60;

/// Longest text that is handed to a parser.
const TEXT: u64 = 32 << 20;

/// Everything that one file yields.
#[derive(Default)]
pub(super) struct Scanned {
    pub(super) file: ModelFile,
    pub(super) unscannable: Vec<Unscannable>,
    pub(super) safetensors: Vec<Part<Safetensors>>,
    pub(super) gguf: Vec<Part<Gguf>>,
    pub(super) onnx: Vec<Part<Onnx>>,
    pub(super) tensorflow: Vec<Part<Tensorflow>>,
    pub(super) hdf5: Vec<Part<Hdf5>>,
    pub(super) keras: Vec<Part<Keras>>,
    pub(super) configs: Vec<Part<ModelConfig>>,
    pub(super) templates: Vec<Part<ChatTemplate>>,
    pub(super) python: Vec<Part<PythonSource>>,
    pub(super) torchscript: Vec<Part<TorchScript>>,
    pub(super) pmml: Vec<Part<Pmml>>,
    pub(super) skops: Vec<Part<Skops>>,
    pub(super) tokenizers: Vec<Part<Tokenizer>>,
    pub(super) targets: Vec<ConfigTarget>,
    pub(super) cards: Vec<ModelCard>,
    /// Readable lines, where they were asked for.
    pub(super) trace: Option<Vec<String>>,
    kinds: BTreeMap<(String, String), usize>,
}

/// Scans a file of `size` bytes; its facts are named `path`.
pub(super) fn scan(source: &mut dyn Source, size: u64, path: &str, trace: bool) -> Scanned {
    let mut scanned = Scanned { trace: trace.then(Vec::new), ..Scanned::default() };
    path.clone_into(&mut scanned.file.path);
    scanned.file.size = size;
    containers::walk(source, size, &mut scanned);
    pickles::bound(&mut scanned.file);
    scanned
}

impl Visitor for Scanned {
    fn container(&mut self, member: &Member, names: &[String]) {
        self.met(member);
        if member.path.is_empty() {
            self.file.flavour = flavour(names).map(str::to_owned);
        }
        self.say(|| {
            format!("{} ({}): {} members", shown(member), member.kind.as_str(), names.len())
        });
    }

    fn leaf(&mut self, member: &Member, source: &mut dyn Source) {
        self.met(member);
        self.say(|| format!("{} ({}, {} bytes)", shown(member), member.kind.as_str(), member.size));
        // torch opens it by this name, whatever it holds.
        let expected = member.path.to_ascii_lowercase().ends_with(".pkl");
        if expected && matches!(member.kind, Kind::Other | Kind::Text | Kind::Empty) {
            let why = format!("a pickle by its name, {} by its bytes", member.kind.as_str());
            self.unscannable(&member.path, why);
        }
        self.parse(member, source);
    }

    fn anomaly(&mut self, path: &str, anomaly: Anomaly) {
        self.note("container", path, anomaly);
    }

    fn unscannable(&mut self, path: &str, why: String) {
        self.say(|| match path {
            "" => format!("not scanned: {why}"),
            path => format!("{path}: not scanned: {why}"),
        });
        let file = self.file.path.clone();
        let (member, reason) = (path.to_owned(), why);
        self.unscannable.push(Unscannable { path: file, member, reason });
    }
}

impl Scanned {
    /// How much a file has to say, for what is kept where there are too many: denied names and calls before
    /// what could be run, that before anomalies and what could not be read.
    pub(super) fn weight(&self) -> u8 {
        let denied = self.file.imports.iter().any(|import| import.verdict == ImportVerdict::Denied)
            || !self.file.calls.is_empty()
            || self.targets.iter().any(|target| target.verdict == ImportVerdict::Denied);
        let dangerous = self.templates.iter().any(|part| !part.facts.dangerous_names.is_empty())
            || self.python.iter().any(|part| {
                part.facts.calls.iter().any(|call| {
                    matches!(
                        call.scope,
                        PythonScope::Module | PythonScope::Class | PythonScope::Construction
                    )
                })
            });
        let runs = !self.keras.is_empty()
            || !self.tensorflow.is_empty()
            || self.python.iter().any(|part| !part.facts.calls.is_empty())
            || self.configs.iter().any(|part| !part.facts.code.is_empty())
            || self.file.imports.iter().any(|import| import.verdict != ImportVerdict::Allowed);
        let odd = !self.file.anomalies.is_empty() || !self.unscannable.is_empty();
        match (denied || dangerous, runs, odd) {
            (true, ..) => 3,
            (false, true, _) => 2,
            (false, false, odd) => u8::from(odd),
        }
    }

    fn met(&mut self, member: &Member) {
        if member.path.is_empty() {
            member.kind.as_str().clone_into(&mut self.file.format);
        } else {
            self.file.members += 1;
        }
    }

    fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    /// Quotes a text of the file in the trace.
    fn quote(&mut self, title: &str, text: &str) {
        self.say(|| title.to_owned());
        let lines = text.lines().count();
        for line in text.lines().take(QUOTED) {
            self.say(|| format!("  | {line}"));
        }
        if lines > QUOTED {
            self.say(|| format!("  … and {} more lines", lines - QUOTED));
        }
    }

    fn parse(&mut self, member: &Member, source: &mut dyn Source) {
        let size = member.size;
        match member.kind {
            Kind::Pickle => self.pickle(member, source),
            Kind::Safetensors => {
                let read = safetensors::read(source, size);
                self.read(member, "safetensors", read, |s| &mut s.safetensors, |f| &f.anomalies);
            }
            Kind::Gguf | Kind::Ggml => self.gguf(member, source),
            Kind::Onnx => {
                let read = onnx::read(source, size);
                self.read(member, "onnx", read, |s| &mut s.onnx, |f| &f.anomalies);
            }
            // Two formats without a magic number share their first bytes; what has a graph is ONNX.
            Kind::CoreMl => {
                let read = onnx::read(source, size);
                if !read.as_ref().is_ok_and(|facts| facts.anomalies.has("no-graph")) {
                    self.read(member, "onnx", read, |s| &mut s.onnx, |f| &f.anomalies);
                }
            }
            Kind::TensorFlow => self.tensorflow(member, source),
            Kind::Hdf5 => self.hdf5(member, source),
            Kind::Json => self.json(member, source),
            Kind::Text => self.text(member, source),
            Kind::Xml => self.xml(member, source),
            Kind::Other if has_name(member, &self.file.path, "keras_metadata.pb") => {
                self.tensorflow(member, source);
            }
            Kind::NativeCode | Kind::PythonBytecode => {
                let detail = format!("{size} bytes");
                let kind = member.kind.as_str();
                let anomaly = Anomaly { kind: kind.into(), offset: None, detail };
                self.note("container", &member.path, anomaly);
            }
            Kind::LfsPointer => {
                self.unscannable(
                    &member.path,
                    "a Git LFS pointer: the file itself is not here".into(),
                );
            }
            _ => {}
        }
    }

    fn pickle(&mut self, member: &Member, source: &mut dyn Source) {
        let legacy = |source: &mut dyn Source| source.bytes_at(0, TORCH_LEGACY.len());
        if member.path.is_empty() && legacy(source).is_ok_and(|head| head == TORCH_LEGACY) {
            self.file.flavour = Some("torch-legacy".to_owned());
        }
        let scan = pickle::scan(source, 0..member.size);
        for event in &scan.events {
            self.say(|| format!("{} {}", pickles::mark(event, &scan), event.line()));
        }
        let before = self.file.anomalies.len();
        pickles::add(&mut self.file, &member.path, &scan);
        let added = self.file.anomalies.split_off(before);
        for ModelAnomaly { kind, offset, detail, member, .. } in added {
            self.keep_anomaly("pickle", &member, Anomaly { kind: kind.into(), offset, detail });
        }
    }

    /// Keeps what a parser says, and its anomalies with those of the file.
    fn read<T>(
        &mut self,
        member: &Member,
        parser: &str,
        read: Result<T, custody_bytes::stream::StreamError>,
        list: impl Fn(&mut Self) -> &mut Vec<Part<T>>,
        anomalies: impl Fn(&T) -> &Anomalies,
    ) {
        match read {
            Ok(facts) => self.keep(&member.path, parser, facts, list, anomalies),
            Err(error) => self.unscannable(&member.path, error.to_string()),
        }
    }

    fn keep<T>(
        &mut self,
        member: &str,
        parser: &str,
        facts: T,
        list: impl Fn(&mut Self) -> &mut Vec<Part<T>>,
        anomalies: impl Fn(&T) -> &Anomalies,
    ) {
        for anomaly in &anomalies(&facts).seen {
            self.note(parser, member, anomaly.clone());
        }
        self.file.anomalies_left_out += anomalies(&facts).left_out;
        let (path, member) = (self.file.path.clone(), member.to_owned());
        list(self).push(Part { path, member, facts });
    }

    fn note(&mut self, parser: &str, member: &str, anomaly: Anomaly) {
        self.say(|| {
            let at = anomaly.offset.map(|at| format!("{at:#08x} ")).unwrap_or_default();
            format!("? {at}{}: {}", anomaly.kind, anomaly.detail)
        });
        self.keep_anomaly(parser, member, anomaly);
    }

    fn keep_anomaly(&mut self, parser: &str, member: &str, anomaly: Anomaly) {
        let same = self.kinds.entry((parser.to_owned(), anomaly.kind.to_string())).or_insert(0);
        *same += 1;
        if *same > OF_ONE_KIND || self.file.anomalies.len() >= ANOMALIES {
            self.file.anomalies_left_out += 1;
            return;
        }
        self.file.anomalies.push(ModelAnomaly {
            path: self.file.path.clone(),
            source: parser.to_owned(),
            kind: anomaly.kind.into_owned(),
            offset: anomaly.offset,
            detail: anomaly.detail,
            member: member.to_owned(),
        });
    }

    fn gguf(&mut self, member: &Member, source: &mut dyn Source) {
        let read = gguf::read(source, member.size);
        for template in read.iter().flat_map(|facts| &facts.templates) {
            self.template(&format!("{}#{}", member.path, template.key), &template.text);
        }
        self.read(member, "gguf", read, |s| &mut s.gguf, |f| &f.anomalies);
    }

    fn template(&mut self, place: &str, text: &str) {
        let facts = chat_template::read(text);
        self.quote(&format!("template {place}"), text);
        self.keep(place, "template", facts, |s| &mut s.templates, |f| &f.anomalies);
    }

    fn tensorflow(&mut self, member: &Member, source: &mut dyn Source) {
        let first = source.bytes_at(0, 1);
        let read = if has_name(member, &self.file.path, "keras_metadata.pb") {
            tensorflow::read_keras_metadata(source, member.size)
        } else if first.is_ok_and(|first| first == [0x08]) {
            tensorflow::read_saved_model(source, member.size)
        } else {
            tensorflow::read_graph(source, member.size)
        };
        if let Some(keras) = read.as_ref().ok().and_then(|facts| facts.keras.clone()) {
            self.keep(&member.path, "keras", keras, |s| &mut s.keras, |f| &f.anomalies);
        }
        self.read(member, "tensorflow", read, |s| &mut s.tensorflow, |f| &f.anomalies);
    }

    fn hdf5(&mut self, member: &Member, source: &mut dyn Source) {
        let read = hdf5::read(source, member.size);
        if let Some(keras) = read.as_ref().ok().and_then(|facts| facts.keras.clone()) {
            self.keep(&member.path, "keras", keras, |s| &mut s.keras, |f| &f.anomalies);
        }
        self.read(member, "hdf5", read, |s| &mut s.hdf5, |f| &f.anomalies);
    }

    /// The bytes of a text, where it is not too long.
    fn bytes(&mut self, member: &Member, source: &mut dyn Source) -> Option<Vec<u8>> {
        if member.size > TEXT {
            let why = format!("text of {} bytes, more than {TEXT}", member.size);
            self.unscannable(&member.path, why);
            return None;
        }
        match source.bytes_at(0, usize::try_from(member.size).ok()?) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.unscannable(&member.path, format!("reading failed: {error}"));
                None
            }
        }
    }

    fn json(&mut self, member: &Member, source: &mut dyn Source) {
        let Some(bytes) = self.bytes(member, source) else { return };
        self.config(member, model_config::read_json(&bytes));
        let has = |key: &str| memchr::memmem::find(&bytes, key.as_bytes()).is_some();
        if has("\"__loader__\"") {
            let facts = skops::read(&bytes);
            self.keep(&member.path, "skops", facts, |s| &mut s.skops, |f| &f.anomalies);
        }
        if has("\"added_tokens\"") {
            let facts = tokenizer::read(&bytes);
            self.keep(&member.path, "tokenizer", facts, |s| &mut s.tokenizers, |f| &f.anomalies);
        }
        if has("\"class_name\"") {
            let facts = keras::read(&bytes);
            if facts.objects > 0 {
                self.keep(&member.path, "keras", facts, |s| &mut s.keras, |f| &f.anomalies);
            }
        }
    }

    fn config(&mut self, member: &Member, facts: ModelConfig) {
        for template in &facts.templates {
            self.template(&format!("{}#{}", member.path, template.key), &template.text);
        }
        for target in &facts.targets {
            let judged = pickles::target(&self.file.path, &member.path, target);
            self.targets.push(judged);
        }
        // Most JSON beside weights says nothing that a loader acts on.
        let silent = ModelConfig {
            complete: facts.complete,
            anomalies: facts.anomalies.clone(),
            ..ModelConfig::default()
        };
        if facts != silent || !facts.anomalies.is_empty() {
            self.keep(&member.path, "config", facts, |s| &mut s.configs, |f| &f.anomalies);
        }
    }

    fn text(&mut self, member: &Member, source: &mut dyn Source) {
        let name = name_of(member, &self.file.path);
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        let Some(bytes) = self.bytes(member, source) else { return };
        if PROSE.contains(&name.as_str()) {
            return;
        }
        match ending.as_str() {
            "md" if name.eq_ignore_ascii_case("README.md") && member.path.is_empty() => {
                self.card(&bytes);
            }
            "txt" if is_template_name(&name) && memchr::memmem::find(&bytes, b"{%").is_some() => {
                self.template(&member.path, &String::from_utf8_lossy(&bytes));
            }
            "md" | "rst" | "txt" | "csv" | "tsv" => {}
            "yaml" | "yml" => self.config(member, model_config::read_yaml(&bytes)),
            "jinja" | "jinja2" | "j2" => {
                self.template(&member.path, &String::from_utf8_lossy(&bytes));
            }
            "py" | "pyw" | "pyi" => self.python(member, &bytes),
            _ if is_python(&bytes) => self.python(member, &bytes),
            _ if memchr::memmem::find(&bytes, b"{%").is_some() => {
                self.template(&member.path, &String::from_utf8_lossy(&bytes));
            }
            _ => {}
        }
    }

    fn card(&mut self, bytes: &[u8]) {
        let card = hub::read_card(bytes);
        if card.front_matter {
            let (path, base_models) = (self.file.path.clone(), card.base_models);
            self.cards.push(ModelCard { path, base_models, licenses: card.licenses });
        }
    }

    fn xml(&mut self, member: &Member, source: &mut dyn Source) {
        let Some(bytes) = self.bytes(member, source) else { return };
        let facts = pmml::read(&bytes);
        self.keep(&member.path, "pmml", facts, |s| &mut s.pmml, |f| &f.anomalies);
    }

    fn python(&mut self, member: &Member, bytes: &[u8]) {
        // The code of TorchScript is read by torch and never by Python.
        if self.file.flavour.as_deref() == Some("torchscript") && member.path.contains("code/") {
            let facts = torchscript::read(bytes);
            return self.keep(
                &member.path,
                "torchscript",
                facts,
                |s| &mut s.torchscript,
                |f| &f.anomalies,
            );
        }
        let facts = python_source::read(bytes);
        for call in &facts.calls {
            let wanted = usize::try_from(call.line.saturating_sub(1)).unwrap_or(usize::MAX);
            self.say(|| {
                let line = bytes.split(|byte| *byte == b'\n').nth(wanted).unwrap_or_default();
                let code = String::from_utf8_lossy(&line[..line.len().min(400)]);
                format!("  line {}, {}: {}", call.line, call.function, code.trim())
            });
        }
        self.keep(&member.path, "python", facts, |s| &mut s.python, |f| &f.anomalies);
    }
}

/// Whether text that is not called `.py` reads like Python: an import at the start of a line.
fn is_python(bytes: &[u8]) -> bool {
    bytes.starts_with(b"#!") && bytes.split(|b| *b == b'\n').next().is_some_and(has_python)
        || bytes.split(|byte| *byte == b'\n').take(2_000).any(|line| {
            let rest = line.strip_prefix(b"import ").or_else(|| line.strip_prefix(b"from "));
            rest.is_some_and(|rest| {
                let rest = rest.trim_ascii();
                let word = rest.split(|b| !b.is_ascii_alphanumeric() && !b"._".contains(b)).next();
                let only = word == Some(rest);
                !rest.is_empty() && (only || memchr::memmem::find(rest, b" import ").is_some())
            })
        })
}

/// Whether a text is called like what is rendered.
fn is_template_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("template") || name.contains("prompt")
}

fn has_python(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"python").is_some()
}

/// The name of a member, or of the file where it is one.
fn name_of(member: &Member, path: &str) -> String {
    let path = if member.path.is_empty() { path } else { &member.path };
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

fn has_name(member: &Member, path: &str, name: &str) -> bool {
    name_of(member, path) == name
}

fn shown(member: &Member) -> &str {
    if member.path.is_empty() { "file" } else { &member.path }
}

fn is_array(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending == "npy")
}

/// What the names of an archive make it.
fn flavour(names: &[String]) -> Option<&'static str> {
    let ends = |wanted: &str| names.iter().any(|name| name.rsplit('/').next() == Some(wanted));
    if ends("constants.pkl") && names.iter().any(|name| name.contains("code/")) {
        Some("torchscript")
    } else if ends("data.pkl") {
        Some("torch")
    } else if ends("config.json") && ends("metadata.json") && ends("model.weights.h5") {
        Some("keras")
    } else if !names.is_empty() && names.iter().all(|name| is_array(name)) {
        Some("npz")
    } else {
        None
    }
}
