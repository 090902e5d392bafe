//! What the links of an archive make of its members: the files that stand there once it is unpacked, each
//! with the member whose bytes it holds.
//!
//! Cargo unpacks members in their order, makes links where the archive has them, and writes through those
//! that stand in the way of a later member. So a build script can be a link to a text file, or be written
//! through a linked folder, and is compiled all the same. Nothing is written here; the folders are a table.

use std::collections::BTreeMap;

use super::{Member, MemberKind};

/// Most links on the way to one file, as systems have it.
const HOPS: usize = 40;
/// Linked folders inside one another.
const DEPTH: usize = 8;
/// Most files that stand there after unpacking, and most entries that are looked at for them.
const FILES: usize = 200_000;

/// Parts of a path below the folder that is unpacked into.
type Way = Vec<Vec<u8>>;

/// What stands at a path.
#[derive(Clone, Debug)]
enum Node {
    /// The bytes of a member, by its number.
    File(usize),
    /// A symbolic link to this text.
    Link(Vec<u8>),
}

/// The files of an archive after unpacking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Path to the number of the member whose bytes stand there.
    pub files: BTreeMap<Vec<u8>, usize>,
    /// Links that lead out of the archive's own folder, with their targets.
    pub outside: Vec<(Vec<u8>, Vec<u8>)>,
    /// Not all files are listed: links lead back to where they lie, or there are too many.
    pub cut: bool,
}

/// Takes the members in their order; see [`Unpacking::finish`].
#[derive(Clone, Debug, Default)]
pub struct Unpacking {
    nodes: BTreeMap<Way, Node>,
}

impl Unpacking {
    /// Takes the member with this number.
    pub fn member(&mut self, number: usize, member: &Member<'_>) {
        // A path that climbs is not unpacked.
        let Some(path) = parts(member.path) else { return };
        let Some((name, parent)) = path.split_last() else { return };
        let Some(mut at) = self.resolve(parent) else { return };
        at.push(name.clone());
        match member.kind {
            MemberKind::Folder => {}
            MemberKind::Symlink => {
                self.nodes.insert(at, Node::Link(member.link_target.to_vec()));
            }
            MemberKind::HardLink => {
                let Some(target) = parts(member.link_target) else { return };
                let Some((name, parent)) = target.split_last() else { return };
                let Some(mut from) = self.resolve(parent) else { return };
                from.push(name.clone());
                if let Some(node) = self.nodes.get(&from).cloned() {
                    self.nodes.insert(at, node);
                }
            }
            MemberKind::File
            | MemberKind::Device
            | MemberKind::Fifo
            | MemberKind::Sparse
            | MemberKind::Other(_) => {
                self.nodes.insert(at, Node::File(number));
            }
        }
    }

    /// Where a path leads once all links on it are followed; nothing where it leaves the folder.
    fn resolve(&self, path: &[Vec<u8>]) -> Option<Way> {
        let mut ahead: Way = path.iter().rev().cloned().collect();
        let (mut at, mut hops) = (Way::new(), 0);
        while let Some(part) = ahead.pop() {
            match part.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    at.pop()?;
                    continue;
                }
                _ => at.push(part),
            }
            let Some(Node::Link(target)) = self.nodes.get(&at) else { continue };
            hops += 1;
            if hops > HOPS || target.first() == Some(&b'/') {
                return None;
            }
            at.pop();
            ahead.extend(target.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
        }
        Some(at)
    }

    /// What stands there in the end; `root` is the archive's own folder.
    #[must_use]
    pub fn finish(&self, root: &[u8]) -> Standing {
        let mut list = List { root, steps: 0, standing: Standing::default() };
        self.list(&Way::new(), &Way::new(), 0, &mut list);
        list.standing
    }

    /// Lists all below a real folder under the path by which it is reached; the depth bounds the recursion.
    fn list(&self, real: &Way, shown: &Way, depth: usize, list: &mut List<'_>) {
        let below = self.nodes.range(real.clone()..);
        for (path, node) in below.take_while(|(path, _)| path.starts_with(real)) {
            list.steps += 1;
            if list.steps > FILES {
                list.standing.cut = true;
                return;
            }
            let name: Way = shown.iter().chain(&path[real.len()..]).cloned().collect();
            let target = match node {
                Node::File(number) => {
                    list.standing.files.insert(name.join(&b'/'), *number);
                    continue;
                }
                Node::Link(target) => target,
            };
            let to = self.resolve(path).filter(|to| to.first().is_some_and(|top| top == list.root));
            let Some(to) = to else {
                list.standing.outside.push((name.join(&b'/'), target.clone()));
                continue;
            };
            if let Some(Node::File(number)) = self.nodes.get(&to) {
                list.standing.files.insert(name.join(&b'/'), *number);
            } else if depth >= DEPTH {
                list.standing.cut = true;
            } else {
                self.list(&to, &name, depth + 1, list);
            }
        }
    }
}

/// A listing in the making.
struct List<'r> {
    root: &'r [u8],
    steps: usize,
    standing: Standing,
}

/// The parts of a path without those that say nothing; nothing where one climbs.
fn parts(path: &[u8]) -> Option<Way> {
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    let parts: Way = parts.map(<[u8]>::to_vec).collect();
    (!parts.iter().any(|part| part == b"..")).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(members: &[(&str, MemberKind, &str)]) -> Standing {
        let mut all = Unpacking::default();
        for (number, (path, kind, target)) in members.iter().enumerate() {
            let (path, link_target) = (path.as_bytes(), target.as_bytes());
            all.member(number, &Member { path, link_target, kind: *kind, mode: 0o644, bytes: b"" });
        }
        all.finish(b"a-1.0.0")
    }

    fn at(standing: &Standing, path: &str) -> Option<usize> {
        standing.files.get(path.as_bytes()).copied()
    }

    use MemberKind::{File, HardLink, Symlink};

    #[test]
    fn links_to_files_and_to_folders_hold_what_they_point_to() {
        let all = standing(&[
            ("a-1.0.0/x.txt", File, ""),
            ("a-1.0.0/build.rs", HardLink, "a-1.0.0/x.txt"),
            ("a-1.0.0/d/y.rs", File, ""),
            ("a-1.0.0/e", Symlink, "d"),
            ("a-1.0.0/sub/one", Symlink, ".././two"),
            ("a-1.0.0/two", Symlink, "x.txt"),
            ("a-1.0.0/gone", Symlink, "nothing"),
        ]);
        assert_eq!(at(&all, "a-1.0.0/build.rs"), Some(0));
        assert_eq!(at(&all, "a-1.0.0/e/y.rs"), Some(2));
        assert_eq!(at(&all, "a-1.0.0/sub/one"), Some(0));
        assert_eq!((at(&all, "a-1.0.0/gone"), all.cut, all.outside.len()), (None, false, 0));
    }

    #[test]
    fn a_member_below_a_linked_folder_is_written_through_it_and_the_last_one_stays() {
        let all = standing(&[
            ("a-1.0.0/d/build.rs", File, ""),
            ("a-1.0.0/l", Symlink, "d"),
            ("a-1.0.0//l/./build.rs", File, ""),
            ("a-1.0.0/x", Symlink, "d/build.rs"),
            ("a-1.0.0/x", File, ""),
            ("a-1.0.0/y/../z", File, ""),
        ]);
        assert_eq!(at(&all, "a-1.0.0/d/build.rs"), Some(2));
        assert_eq!(at(&all, "a-1.0.0/l/build.rs"), Some(2));
        assert_eq!(at(&all, "a-1.0.0/x"), Some(4), "a link makes room for a file");
        assert_eq!(at(&all, "a-1.0.0/z"), None, "what climbs is not unpacked");
    }

    #[test]
    fn what_leads_out_is_told_and_a_cycle_ends() {
        let all = standing(&[
            ("a-1.0.0/build.rs", Symlink, "../b-1.0.0/evil.rs"),
            ("a-1.0.0/etc", Symlink, "/etc/passwd"),
            ("a-1.0.0/up", Symlink, "../../.."),
            ("a-1.0.0/m", Symlink, "n"),
            ("a-1.0.0/n", Symlink, "m"),
            ("a-1.0.0/x.rs", File, ""),
        ]);
        let names: Vec<&[u8]> = all.outside.iter().map(|(path, _)| &path[8..]).collect();
        assert_eq!(names, [&b"build.rs"[..], b"etc", b"m", b"n", b"up"]);
        let around = standing(&[("a-1.0.0/x.rs", File, ""), ("a-1.0.0/l", Symlink, ".")]);
        assert!(around.cut && around.files.len() < 20, "{around:?}");
        assert_eq!(at(&around, "a-1.0.0/l/l/x.rs"), Some(0));
        // Links to links to links, and no file at all.
        let names: Vec<String> = (0..100).map(|number| format!("a-1.0.0/l{number}")).collect();
        let links: Vec<_> = names.iter().map(|name| (name.as_str(), Symlink, ".")).collect();
        assert!(standing(&links).cut);
    }
}
