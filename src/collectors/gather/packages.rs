//! The part of a run that looks at the packages of Python and npm: records of malware in a folder, and the
//! indexes that the user named. Without either, nothing is asked and nothing is said.

use super::{Gathering, Scope};
use crate::collectors::malware;
use crate::collectors::package_index::{self, PackageIndexFacts, Question};
use crate::domain::{Measured, NodeIndex, Origin, SubjectKind};
use crate::net::package_index::PackageIndex;

/// Most packages that are asked about in one run.
const QUESTIONS_LIMIT: usize = 200;

impl Gathering<'_> {
    /// What records and indexes say of every package.
    pub(super) fn packages(&mut self, scope: &Scope) {
        let packages: Vec<(NodeIndex, String)> = self
            .gathered
            .sheets
            .iter()
            .enumerate()
            .filter(|(_, sheet)| sheet.subject.kind == SubjectKind::Package)
            .filter_map(|(node, sheet)| match &sheet.subject.origin {
                Origin::PackageIndex { ecosystem } => Some((node, ecosystem.clone())),
                _ => None,
            })
            .collect();
        if let Some(records) = self.options.malware.clone() {
            for (node, ecosystem) in &packages {
                let sheet = &mut self.gathered.sheets[*node];
                let facts = records.of(ecosystem, &sheet.subject.name, &sheet.subject.version);
                sheet.put(malware::GROUP, &facts);
            }
        }
        self.ask_indexes(scope, &packages);
    }

    fn ask_indexes(&mut self, scope: &Scope, packages: &[(NodeIndex, String)]) {
        let urls = &self.options.urls;
        let client = self.equipment.client_for(self.options);
        let index =
            |base: &Option<String>| base.as_ref().map(|base| PackageIndex::new(&client, base));
        let (python, npm) = (index(&urls.python_index), index(&urls.npm_index));
        let mut asked = 0;
        let mut stopped: Option<String> = None;
        for (node, ecosystem) in packages {
            let index = if ecosystem == "npm" { npm.as_ref() } else { python.as_ref() };
            let Some(index) = index else { continue };
            if matches!(scope, Scope::Changed(changed) if !changed.contains_key(node)) {
                continue;
            }
            if asked == QUESTIONS_LIMIT && stopped.is_none() {
                stopped =
                    Some(format!("only {QUESTIONS_LIMIT} packages are asked about in one run"));
            }
            let facts = if let Some(reason) = &stopped {
                PackageIndexFacts::unknown(reason)
            } else {
                asked += 1;
                let facts = self.ask_index(index, *node, ecosystem);
                // An index that does not answer is not asked two hundred times.
                if let Measured::Unknown(reason) = &facts.status {
                    stopped = Some(reason.clone());
                }
                facts
            };
            if let Some(days) = facts.first_days.known() {
                self.gathered.package_days.insert(*node, *days);
            }
            self.gathered.sheets[*node].put(package_index::GROUP, &facts);
        }
    }

    fn ask_index(
        &self,
        index: &PackageIndex,
        node: NodeIndex,
        ecosystem: &str,
    ) -> PackageIndexFacts {
        let subject = &self.gathered.sheets[node].subject;
        let question =
            Question { name: &subject.name, version: &subject.version, as_of: self.options.as_of };
        self.runtime.block_on(async {
            match ecosystem {
                "npm" => package_index::npm(index, &question).await,
                _ => package_index::python(index, &question).await,
            }
        })
    }
}
