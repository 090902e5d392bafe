//! Submodules of a commit: which repository and which commit of it stand in a folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate_read::git_objects::{EntryKind, ObjectId};

use crate::place::Address;
use crate::tree::Snapshot;
use crate::{Place, ReadError, Repository};

/// Longest list of submodules that is read.
const LIST_LIMIT: usize = 256 * 1024;
/// Most submodules of one folder, most folders that are looked into for them, and the deepest one.
const LISTED_LIMIT: usize = 16;
const FOLDERS_LIMIT: usize = 20_000;
const DEPTH_LIMIT: usize = 64;

/// Where submodules are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Neighbours<'a> {
    /// Clones on this machine.
    pub place: &'a Place,
    /// The repository that they are submodules of; relative addresses start from it.
    pub address: &'a Address,
}

/// A submodule whose clone is at hand.
#[derive(Debug)]
pub struct Submodule {
    /// The folder of its clone.
    pub clone: PathBuf,
    /// Its commit.
    pub commit: ObjectId,
    repository: Repository,
}

impl Submodule {
    /// Its clone.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }
}

/// The submodules of one commit, opened when they are needed.
#[derive(Debug, Default)]
pub(crate) struct Submodules {
    /// By folder; a reason where there is none.
    open: BTreeMap<String, Result<Submodule, String>>,
}

impl Submodules {
    /// The submodule of a folder.
    pub(crate) fn of(
        &mut self,
        snapshot: &Snapshot<'_>,
        neighbours: Option<Neighbours<'_>>,
        folder: &str,
        commit: &ObjectId,
    ) -> &Result<Submodule, String> {
        let made = || {
            find(snapshot, neighbours, folder, commit)
                .unwrap_or_else(|error| Err(error.to_string()))
        };
        self.open.entry(folder.to_owned()).or_insert_with(made)
    }

    /// Those whose clones are at hand.
    pub(crate) fn found(self) -> BTreeMap<String, Submodule> {
        let all = self.open.into_iter();
        all.filter_map(|(folder, found)| Some((folder, found.ok()?))).collect()
    }
}

/// The submodules below a folder of a commit that have an address, each with its commit; at most 16.
pub fn submodules(
    repository: &Repository,
    commit: &ObjectId,
    folder: &str,
    address: &Address,
) -> Result<BTreeMap<Address, ObjectId>, ReadError> {
    let mut found = BTreeMap::new();
    let objects = repository.objects();
    let Some(snapshot) = Snapshot::of(objects, commit)? else { return Ok(found) };
    let crate::tree::Found::File { id, .. } = snapshot.find(".gitmodules")? else {
        return Ok(found);
    };
    let list = snapshot.blob(&id)?.filter(|list| list.len() <= LIST_LIMIT);
    let Some(list) = list else { return Ok(found) };
    let list = String::from_utf8_lossy(&list);
    let Some(root) = snapshot.folder_at(folder)? else { return Ok(found) };
    let folder = folder.trim_matches('/').to_owned();
    let (mut open, mut seen) = (vec![(folder, root, 0)], 0);
    while let Some((at, id, depth)) = open.pop() {
        seen += 1;
        if seen > FOLDERS_LIMIT || depth > DEPTH_LIMIT {
            break;
        }
        for entry in objects.folder(&id)? {
            let name = String::from_utf8_lossy(&entry.name);
            let path = if at.is_empty() { name.into_owned() } else { format!("{at}/{name}") };
            match entry.kind {
                EntryKind::Folder => open.push((path, entry.id, depth + 1)),
                EntryKind::Submodule if found.len() < LISTED_LIMIT => {
                    let of = url_of(&list, &path).and_then(|url| address.relative(&url));
                    found.extend(of.map(|address| (address, entry.id)));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

fn find(
    snapshot: &Snapshot<'_>,
    neighbours: Option<Neighbours<'_>>,
    folder: &str,
    commit: &ObjectId,
) -> Result<Result<Submodule, String>, ReadError> {
    let missing = |why: &str| Ok(Err(format!("it is in the submodule `{folder}`, {why}")));
    let Some(neighbours) = neighbours else {
        return missing("for which no clones were looked at");
    };
    let list = match snapshot.find(".gitmodules")? {
        crate::tree::Found::File { id, .. } => snapshot.blob(&id)?,
        _ => return missing("of which .gitmodules says nothing"),
    };
    let Some(list) = list.filter(|list| list.len() <= LIST_LIMIT) else {
        return missing("and the clone has not the contents of .gitmodules");
    };
    let Some(url) = url_of(&String::from_utf8_lossy(&list), folder) else {
        return missing("of which .gitmodules says nothing");
    };
    let Some(address) = neighbours.address.relative(&url) else {
        return missing("whose address is not one of a host");
    };
    let Some(clone) = neighbours.place.of(&address) else {
        return missing(&format!("and no clone of {} is at hand", address.folder_name()));
    };
    let repository = Repository::open(clone)?;
    Ok(Ok(Submodule { clone: clone.to_owned(), commit: *commit, repository }))
}

/// The address of the submodule in a folder.
fn url_of(list: &str, folder: &str) -> Option<String> {
    let (mut path, mut url) = (None, None);
    for line in list.lines().map(str::trim).chain(["["]) {
        if line.starts_with('[') {
            if path.take().is_some_and(|path: String| path.trim_matches('/') == folder) {
                return url;
            }
            url = None;
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim().trim_matches('"').to_owned();
            match key.trim() {
                "path" => path = Some(value),
                "url" => url = Some(value),
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_submodule_is_found_by_its_folder() {
        let list = "[submodule \"a\"]\n\tpath = xz\n\turl = https://host.example/o/xz.git\n\
            [submodule \"b\"]\n\turl = ../zlib\n\tpath = \"src/zlib\"\n";
        assert_eq!(url_of(list, "xz").as_deref(), Some("https://host.example/o/xz.git"));
        assert_eq!(url_of(list, "src/zlib").as_deref(), Some("../zlib"));
        assert_eq!(url_of(list, "src"), None);
        let own = Address::parse("https://host.example/o/main").expect("an address");
        let name = |url: &str| own.relative(url).map(|address| address.folder_name());
        assert_eq!(name("../zlib").as_deref(), Some("o+zlib"));
        assert_eq!(name("../../p/zlib.git").as_deref(), Some("p+zlib"));
        assert_eq!(name("https://host.example/q/z").as_deref(), Some("q+z"));
        for odd in ["../../../../etc", "/etc/passwd", "--upload-pack=x", "file:///etc/x"] {
            assert_eq!(name(odd), None, "{odd}");
        }
    }
}
