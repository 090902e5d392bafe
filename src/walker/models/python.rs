//! Models in Python code: arguments of the libraries that load from the Hub.

use std::collections::BTreeMap;

use super::address;
use super::code::{self, Argument, Token, Value};
use super::id::{is_foreign, is_named, is_otherwise, is_repository};
use super::reference::{Confidence, Form, RevisionKind, revision_kind};
use super::scan::{Named, Scan};
use super::text::LOADER_PREFIXES;
use crate::domain::SubjectKind;

/// Which argument of a call names the repository: its keywords, and whether the first one does.
struct Loader {
    name: &'static str,
    form: Form,
    keywords: &'static [&'static str],
    first: bool,
    dataset: bool,
}

const fn loader(
    name: &'static str,
    form: Form,
    keywords: &'static [&'static str],
    first: bool,
) -> Loader {
    Loader { name, form, keywords, first, dataset: false }
}

const LOADERS: [Loader; 14] = [
    loader(
        "from_pretrained",
        Form::PythonFromPretrained,
        &["pretrained_model_name_or_path", "model_id", "repo_id"],
        true,
    ),
    loader("snapshot_download", Form::PythonDownload, &["repo_id"], true),
    loader("hf_hub_download", Form::PythonDownload, &["repo_id"], true),
    loader("cached_download", Form::PythonDownload, &["repo_id"], false),
    loader("pipeline", Form::PythonPipeline, &["model"], false),
    loader("SentenceTransformer", Form::PythonConstructor, &["model_name_or_path"], true),
    loader("CrossEncoder", Form::PythonConstructor, &["model_name", "model_name_or_path"], true),
    loader("SparseEncoder", Form::PythonConstructor, &["model_name_or_path"], true),
    loader("LLM", Form::PythonConstructor, &["model"], false),
    loader("HuggingFaceEmbeddings", Form::PythonConstructor, &["model_name", "model"], false),
    loader("WhisperModel", Form::PythonConstructor, &["model_size_or_path"], false),
    loader("TextEmbedding", Form::PythonConstructor, &["model_name"], true),
    Loader {
        name: "load_dataset",
        form: Form::PythonLoadDataset,
        keywords: &["path"],
        first: true,
        dataset: true,
    },
    Loader {
        name: "load_dataset_builder",
        form: Form::PythonLoadDataset,
        keywords: &["path"],
        first: true,
        dataset: true,
    },
];

/// Paths of `load_dataset` that are file formats.
const LOCAL_DATASETS: [&str; 8] =
    ["json", "csv", "text", "parquet", "arrow", "imagefolder", "audiofolder", "pandas"];

struct PythonFile<'s, 'a> {
    scan: &'s mut Scan<'a>,
    tokens: Vec<Token>,
    constants: BTreeMap<String, usize>,
    used: Vec<bool>,
}

/// Reads one file.
pub(super) fn scan(scan: &mut Scan<'_>) {
    let tokens = code::python_tokens(scan.text);
    let constants = code::constants(&tokens, true);
    let used = vec![false; tokens.len()];
    let mut file = PythonFile { scan, tokens, constants, used };
    file.calls();
    file.rest();
}

impl PythonFile<'_, '_> {
    fn calls(&mut self) {
        for at in 0..self.tokens.len().saturating_sub(1) {
            if !self.tokens[at + 1].is(b'(') {
                continue;
            }
            let Some(name) = self.tokens[at].name() else { continue };
            if let Some(loader) = LOADERS.iter().find(|loader| loader.name == name) {
                self.call(at, loader);
            }
        }
    }

    fn call(&mut self, at: usize, loader: &Loader) {
        let (arguments, _) = code::arguments(&self.tokens, at + 1);
        let keyword = |names: &[&str]| {
            arguments.iter().find(|a| a.keyword.as_deref().is_some_and(|k| names.contains(&k)))
        };
        let first = arguments.first().filter(|a| loader.first && a.keyword.is_none());
        let Some(id) = keyword(loader.keywords).or(first).and_then(|a| self.literal(a)) else {
            return;
        };
        let text = self.text(id).to_owned();
        if !is_named(&text) || (loader.dataset && LOCAL_DATASETS.contains(&text.as_str())) {
            return;
        }
        let (revision, computed) = match keyword(&["revision"]) {
            None => (None, false),
            Some(argument) => match self.literal(argument) {
                Some(at) => (Some(self.text(at).to_owned()), false),
                None => (None, self.tokens[argument.from].name() != Some("None")),
            },
        };
        let trust =
            keyword(&["trust_remote_code"]).and_then(|a| match self.tokens[a.from].name() {
                Some("True") => Some(true),
                Some("False") => Some(false),
                _ => None,
            });
        let code_pinned = keyword(&["code_revision"]).map(|argument| {
            let literal = self.literal(argument).map(|at| self.text(at));
            literal.is_some() && revision_kind(literal) == RevisionKind::Commit
        });
        let dataset = loader.dataset
            || keyword(&["repo_type"])
                .and_then(|a| self.literal(a))
                .is_some_and(|at| self.text(at) == "dataset");
        let kind = if dataset { SubjectKind::Dataset } else { SubjectKind::Model };
        self.used[id] = true;
        let place = self.tokens[id].at + 1;
        let base = Named::model(text, loader.form, Confidence::High);
        self.scan.push(place, Named { kind, revision, computed, trust, code_pinned, ..base });
    }

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

    /// Addresses, and ids under names that speak of models.
    fn rest(&mut self) {
        for at in 0..self.tokens.len() {
            let Some(text) = self.tokens[at].text() else { continue };
            if self.used[at] {
                continue;
            }
            let place = (self.tokens[at].at + 1).min(self.scan.text.len());
            let short = text.len() < 300;
            for address in address::find(text) {
                let loads = address.form != Form::HubUrl && short;
                let confidence = if loads { Confidence::High } else { Confidence::Low };
                let base = Named::model(address.id, address.form, confidence);
                let named = Named { kind: address.kind, revision: address.revision, ..base };
                self.scan.push(place, named);
            }
            if let Some(id) = LOADER_PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix))
                && is_repository(id)
                && !is_foreign(id)
            {
                self.scan.push(place, Named::model(id, Form::Constant, Confidence::Medium));
                continue;
            }
            if !is_repository(text) || is_otherwise(text) || at < 2 {
                continue;
            }
            let assigned = self.tokens[at - 1].is(b'=') || self.tokens[at - 1].is(b':');
            let key = self.tokens[at - 2].name().or(self.tokens[at - 2].text());
            // The default of an argument of the command line: the flag stands before it.
            let flag = |token: &Token| {
                let text = token.text()?;
                text.starts_with("--").then(|| text.to_owned())
            };
            let before = || self.tokens[at.saturating_sub(14)..at].iter().rev().find_map(flag);
            let key = match key {
                Some("default") => before(),
                key => key.map(str::to_owned),
            };
            let model = key.is_some_and(|key| {
                let key = key.to_ascii_lowercase();
                // Two words are an id only where nothing else can be meant.
                if is_foreign(text) {
                    return key.ends_with("repo_id") || key.ends_with("model_id");
                }
                key.contains("model") || key.contains("repo_id") || key.contains("tokenizer")
            });
            if assigned && model {
                self.scan.push(place, Named::model(text, Form::Constant, Confidence::Medium));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walker::models::reference::Reference;

    fn read(text: &str) -> Vec<Reference> {
        let mut scan = Scan::new("a.py", text);
        super::scan(&mut scan);
        scan.found
    }

    #[test]
    fn loaders_are_read_with_their_revision_and_what_they_allow() {
        use SubjectKind::{Dataset, Model};

        let text = "MODEL = 'o/one'\nm = AutoModel.from_pretrained(MODEL, revision='refs/pr/1',\n    trust_remote_code=True)\nt = AutoTokenizer.from_pretrained('gpt2')\np = pipeline('x', model='o/two')\nd = load_dataset('o/data')\nj = load_dataset('json', data_files='x')\nf = hf_hub_download('o/three', 'a.json', repo_type='dataset', revision=rev)\n";
        let found = read(text);
        let told: Vec<_> =
            found.iter().map(|r| (r.id.as_str(), r.line, r.kind, r.revision_kind)).collect();
        assert_eq!(
            told,
            [
                ("o/one", 1, Model, RevisionKind::PullRequest),
                ("gpt2", 4, Model, RevisionKind::None),
                ("o/two", 5, Model, RevisionKind::None),
                ("o/data", 6, Dataset, RevisionKind::None),
                ("o/three", 8, Dataset, RevisionKind::Variable),
            ]
        );
        assert_eq!(found[0].trust_remote_code, Some(true));
    }

    #[test]
    fn a_commit_for_code_of_a_second_repository_is_read() {
        for (argument, told) in [
            ("", None),
            (", code_revision='main'", Some(false)),
            (", code_revision='c9745ed1d9f207416be6d2e6f8de32d1f16199bf'", Some(true)),
            (", code_revision=anything", Some(false)),
        ] {
            let found = read(&format!("AutoModel.from_pretrained('o/n'{argument})\n"));
            assert_eq!(found[0].code_pinned, told, "{argument}");
        }
    }

    #[test]
    fn the_default_of_a_flag_that_speaks_of_models_is_one() {
        let found = read("p.add_argument('--model', type=str, default='org/n-1', help='x')\n");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].id.as_str(), found[0].confidence), ("org/n-1", Confidence::Medium));
        assert_eq!(read("REPO_ID = 'oruk/orukeet'\nKIND = 'some/thing'\n").len(), 1);
        assert_eq!(read("p.add_argument('--timezone', default='Europe/Paris-1')\n"), []);
    }

    #[test]
    fn local_folders_are_no_repositories() {
        assert_eq!(
            read("AutoModel.from_pretrained('./out')\nSentenceTransformer('/models/x')\n"),
            []
        );
        assert_eq!(
            read("AutoModel.from_pretrained('a/b/c')\nAutoModel.from_pretrained(path)\n"),
            []
        );
    }

    #[test]
    fn every_truncation_ends() {
        let text =
            "m = AutoModel.from_pretrained('o/é', revision=\"main\", trust_remote_code=True)\n";
        for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)) {
            let _ = read(&text[..end]);
        }
    }
}
