//! Names that would leave the folder, hide, or collide.

use std::collections::BTreeMap;

use super::super::anomaly::Anomalies;
use super::directory::Entry;

/// Notes what is odd about the names of the directory.
pub(super) fn check(entries: &[Entry], anomalies: &mut Anomalies) {
    let mut seen: BTreeMap<&[u8], usize> = BTreeMap::new();
    for entry in entries {
        let shown = String::from_utf8_lossy(&entry.name);
        *seen.entry(&entry.name).or_insert(0) += 1;
        if leaves(&shown) {
            anomalies.note("zip-traversal", entry.at, shown.as_ref());
        }
        if entry.name.iter().any(|byte| *byte < b' ') {
            anomalies.note("zip-name-control", entry.at, shown.escape_debug().to_string());
        }
        if entry.made_by >> 8 == 3 && (entry.external >> 16) & 0o170_000 == 0o120_000 {
            anomalies.note("zip-symlink", entry.at, shown.as_ref());
        }
        if entry.flags & (0x1 | 0x20 | 0x40 | 0x2000) != 0 {
            anomalies.note("zip-odd-flags", entry.at, format!("{:#06x} of {shown}", entry.flags));
        }
    }
    for (name, count) in seen.into_iter().filter(|(_, count)| *count > 1) {
        let detail = format!("{} stands {count} times", String::from_utf8_lossy(name));
        anomalies.note("zip-duplicate-member", None, detail);
    }
}

/// Whether a name leads out of the folder that it is unpacked into.
#[must_use]
pub fn leaves(name: &str) -> bool {
    let name = name.replace('\\', "/");
    name.starts_with('/')
        || name.as_bytes().get(1) == Some(&b':')
        || name.split('/').any(|part| part == "..")
}
