//! Archives against the clones of their repositories.

use rayon::prelude::*;

use super::Gathering;
use crate::collectors::crates::Measured as MeasuredCrate;
use crate::collectors::repository::{self, Clones, RepositoryFacts};
use crate::domain::Measured;

impl Gathering<'_> {
    /// Compares every archive with the clone of its repository, where the user named folders of clones.
    /// Nobody who named none is told that clones are missing.
    pub(super) fn repositories(&mut self, measured: &[MeasuredCrate]) {
        if self.options.repos.is_empty() {
            return;
        }
        let clones = Clones::look(&self.options.repos, &self.options.cargo_home);
        let all: Vec<Measured<RepositoryFacts>> =
            self.locked
                .par_iter()
                .zip(measured)
                .map(|((_, locked), measured)| match &measured.contents {
                    Measured::Known(contents) => self.crates.bytes(locked).and_then(|bytes| {
                        clones.measure(locked, contents, &bytes, self.options.as_of)
                    }),
                    Measured::Unknown(reason) => Measured::Unknown(reason.clone()),
                })
                .collect();
        for (sheet, facts) in self.sheets().into_iter().zip(all) {
            sheet.put(repository::GROUP, &facts);
        }
    }
}
