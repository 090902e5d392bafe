//! Crates read together: the answer hangs on the bytes of all their archives, and is kept under their hashes.

use sha2::{Digest as _, Sha256};

use super::Crates;
use crate::collectors::build_code::{
    BuildRecord, Code, Together, capability_table, is_library_code, read_together,
};
use crate::collectors::releases::Locked;
use crate::collectors::store::Kind;

/// Table of what crates do together, by the hashes of all archives.
const TOGETHER: Kind = Kind::small("together");

impl Crates<'_> {
    /// The build code of a release, read together with the libraries of others, in this order. Nothing
    /// where a hash is not pinned or the archive is not at hand.
    #[must_use]
    pub fn read_together(
        &self,
        of: &Locked,
        record: &BuildRecord,
        helpers: &[&Locked],
    ) -> Option<Together> {
        let mut key = Sha256::new();
        for locked in std::iter::once(&of).chain(helpers) {
            key.update(locked.name.as_bytes());
            key.update([0]);
            key.update(locked.checksum.as_ref()?.as_bytes());
        }
        let key = crate::domain::hash::hex(&key.finalize());
        let version = self.measurer.code_version();
        if let Some(known) = self.kept().get(TOGETHER, &key, version) {
            return Some(known);
        }
        let files = &record.build.files;
        let packed = self.bytes(of);
        let own = Code::of_archive(packed.known()?, |path| files.iter().any(|file| file == path))?;
        let beside: Vec<(String, Code)> = helpers
            .iter()
            .filter_map(|locked| {
                let packed = self.bytes(locked);
                let code = Code::of_archive(packed.known()?, is_library_code)?;
                Some((locked.name.clone(), code))
            })
            .collect();
        let together = read_together(&own, &beside, capability_table());
        self.kept().put(TOGETHER, &key, version, &together);
        Some(together)
    }
}
