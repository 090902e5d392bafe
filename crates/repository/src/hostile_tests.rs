//! Clones that somebody made to hurt whoever reads them: each ends in an error or in nothing, soon.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use sha1::{Digest as _, Sha1};

use super::*;
use crate::tests::Sample;

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// The head of a pack entry: its kind and its inflated size.
fn head(kind: u8, mut size: usize) -> Vec<u8> {
    let mut bytes = vec![kind << 4 | u8::try_from(size & 15).expect("4 bits")];
    size >>= 4;
    while size > 0 {
        *bytes.last_mut().expect("not empty") |= 0x80;
        bytes.push(u8::try_from(size & 127).expect("7 bits"));
        size >>= 7;
    }
    bytes
}

fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = u8::try_from(value & 127).expect("7 bits");
        value >>= 7;
        if value == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// Writes a pack of these entries under these names, and its index.
fn pack(at: &Path, entries: &[(ObjectId, Vec<u8>)]) {
    let mut bytes = b"PACK\0\0\0\x02".to_vec();
    bytes.extend(u32::try_from(entries.len()).expect("few").to_be_bytes());
    let mut places = Vec::new();
    for (id, entry) in entries {
        places.push((*id, u32::try_from(bytes.len()).expect("small")));
        bytes.extend(entry);
    }
    let sum: [u8; 20] = Sha1::digest(&bytes).into();
    bytes.extend(sum);
    places.sort();
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0..=255_u8 {
        let up_to = places.iter().filter(|(id, _)| id.as_bytes()[0] <= first).count();
        index.extend(u32::try_from(up_to).expect("few").to_be_bytes());
    }
    for (id, _) in &places {
        index.extend(id.as_bytes());
    }
    index.extend(vec![0; 4 * places.len()]);
    for (_, offset) in &places {
        index.extend(offset.to_be_bytes());
    }
    index.extend([0; 40]);
    let folder = at.join(".git/objects/pack");
    fs::create_dir_all(&folder).expect("made");
    fs::write(folder.join("pack-a.pack"), bytes).expect("written");
    fs::write(folder.join("pack-a.idx"), index).expect("written");
}

fn id(digit: char) -> ObjectId {
    ObjectId::from_hex(&digit.to_string().repeat(40)).expect("a name")
}

fn read(sample: &Sample, id: &ObjectId) -> Result<bool, String> {
    let repository = Repository::open(sample.at()).map_err(|error| error.to_string())?;
    let object = repository.objects().read(id).map_err(|error| error.to_string())?;
    Ok(object.is_some())
}

/// A delta whose base is another object.
fn delta(base: &ObjectId, instructions: &[u8]) -> Vec<u8> {
    let mut entry = head(7, instructions.len());
    entry.extend(base.as_bytes());
    entry.extend(zlib(instructions));
    entry
}

#[test]
fn deltas_in_a_circle_and_deltas_of_nothing_end() {
    let sample = Sample::empty();
    let instructions = [3, 3, 0x91, 0, 3];
    pack(
        sample.at(),
        &[
            (id('a'), delta(&id('b'), &instructions)),
            (id('b'), delta(&id('a'), &instructions)),
            (id('c'), delta(&id('c'), &instructions)),
            (id('d'), delta(&id('e'), &instructions)),
        ],
    );
    for circle in ['a', 'b', 'c'] {
        let error = read(&sample, &id(circle)).expect_err("a circle");
        assert!(error.contains("chain of deltas: it is too long"), "{error}");
    }
    assert_eq!(read(&sample, &id('d')), Ok(false), "its base is not there");
}

#[test]
fn a_chain_that_makes_much_of_little_is_cut_before_it_is_made() {
    let sample = Sample::empty();
    let size = 16 * 1024 * 1024;
    let mut whole = head(3, size);
    whole.extend(zlib(&vec![0; size]));
    let mut entries = vec![(id('0'), whole)];
    // Each copies 16 MiB in one piece after the other: 80 of them would be 1.3 GiB.
    let mut instructions = number(size);
    instructions.extend(number(size));
    // Copy 0x800000 bytes from 0, and again.
    instructions.extend([0xc0, 0x80, 0xc0, 0x80]);
    let name = |number: usize| {
        let text = format!("{number:040x}");
        if number == 0 { id('0') } else { ObjectId::from_hex(&text).expect("a name") }
    };
    for number in 1..=80 {
        entries.push((name(number), delta(&name(number - 1), &instructions)));
    }
    pack(sample.at(), &entries);
    let error = read(&sample, &name(80)).expect_err("too much");
    assert!(error.contains("chain of deltas: it is too long"), "{error}");
}

#[test]
fn sizes_that_lie_and_bytes_with_another_name_are_refused() {
    let sample = Sample::empty();
    let bomb = zlib(&vec![0; 4_000_000]);
    let entry = |kind, size, packed: &[u8]| [head(kind, size), packed.to_vec()].concat();
    pack(
        sample.at(),
        &[
            (id('1'), entry(3, 10, &bomb)),
            (id('2'), entry(3, 1 << 40, &bomb)),
            (id('3'), entry(3, 4_000_000, &bomb)),
            (id('4'), entry(5, 3, &zlib(b"abc"))),
            (id('5'), vec![0xff; 32]),
            (id('6'), entry(6, 3, &[0])),
        ],
    );
    for (digit, why) in [
        ('1', "damaged zlib stream"),
        ('2', "at most 16777216 are read"),
        ('3', "its bytes do not have its name"),
        ('4', "damaged pack"),
        ('5', "damaged pack"),
        ('6', "damaged pack"),
    ] {
        let error = read(&sample, &id(digit)).expect_err("refused");
        assert!(error.contains(why), "{digit}: {error}");
    }
}

#[test]
fn an_index_that_promises_millions_is_refused_without_room_for_them() {
    let sample = Sample::empty();
    pack(sample.at(), &[(id('1'), vec![0])]);
    let path = sample.at().join(".git/objects/pack/pack-a.idx");
    let mut index = fs::read(&path).expect("is there");
    for entry in index[8..8 + 1024].chunks_exact_mut(4) {
        entry.copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
    }
    fs::write(&path, &index).expect("written");
    assert_eq!(read(&sample, &id('1')), Ok(false), "none begins with that byte");
    let error = read(&sample, &id('0')).expect_err("too many");
    assert!(error.contains("more than"), "{error}");
    index.truncate(500);
    fs::write(&path, &index).expect("written");
    assert!(read(&sample, &id('1')).is_err());
}

#[test]
fn a_clone_that_points_elsewhere_or_at_itself_ends() {
    let sample = Sample::empty();
    let info = sample.at().join(".git/objects/info");
    fs::create_dir_all(&info).expect("made");
    fs::write(info.join("alternates"), "../objects\n.\n/dev/null\n/nowhere\n").expect("written");
    assert_eq!(read(&sample, &id('1')), Ok(false));
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(".git"), "gitdir: .git\n").expect("written");
    assert!(Repository::open(folder.path()).is_err());
    fs::write(folder.path().join(".git"), "gitdir: /dev/zero\n").expect("written");
    assert!(Repository::open(folder.path()).is_err());
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_and_out_of_the_commit_explain_nothing() {
    use std::os::unix::fs::symlink;
    let sample = Sample::empty();
    let at = sample.at();
    fs::create_dir(at.join("x")).expect("made");
    for (target, link) in
        [("b", "x/a"), ("a", "x/b"), ("../../../../etc/passwd", "x/c"), ("x", "x/d")]
    {
        symlink(target, at.join(link)).expect("linked");
    }
    let sample = sample.committed();
    let files = ["a", "b", "c", "d", "d/d/d"].map(|path| ArchiveFile::new(path, b"x"));
    let repository = Repository::open(sample.at()).expect("opens");
    let compared = compare(&repository, &sample.head(), Some("x"), &files, None);
    let compared = compared.expect("reads").expect("the commit is there");
    let unexplained = |outcome: &FileOutcome| matches!(outcome, FileOutcome::Unexplained(_));
    assert!(compared.files.values().all(unexplained), "{:?}", compared.files);
    let outside = compare(&repository, &sample.head(), Some("../.."), &files, None);
    let outside = outside.expect("reads").expect("the commit is there");
    assert!(outside.files.values().all(unexplained), "{:?}", outside.files);
}

#[test]
fn what_cannot_be_read_for_one_file_hides_no_other() {
    let sample = Sample::empty();
    let write = |path: &str, text: &str| {
        let path = sample.at().join(path);
        fs::create_dir_all(path.parent().expect("below")).expect("made");
        fs::write(path, text).expect("written");
    };
    write("build.rs", "fn main() {}\n");
    write("docs/a.md", "a\n");
    let sample = sample.committed();
    // The folder of the documents is lost, as in a clone that somebody damaged.
    let docs = folder(&Repository::open(sample.at()).expect("opens"), &sample.head(), "docs");
    let hex = docs.expect("reads").expect("is there").to_string();
    fs::remove_file(sample.at().join(".git/objects").join(&hex[..2]).join(&hex[2..]))
        .expect("removed");
    let repository = Repository::open(sample.at()).expect("opens");
    let files = [("build.rs", "fn main() { run() }\n"), ("docs/a.md", "a\n")]
        .map(|(path, text)| ArchiveFile::new(path, text.as_bytes()));
    let compared = compare(&repository, &sample.head(), Some(""), &files, None);
    let told = compared.expect("reads").expect("the commit is there").files;
    assert!(matches!(told["build.rs"], FileOutcome::Unexplained(_)), "{told:?}");
    assert!(matches!(told["docs/a.md"], FileOutcome::Undetermined(_)), "{told:?}");
}

#[test]
fn a_few_folders_that_stand_for_any_number_of_paths_are_walked_once() {
    let sample = Sample::empty();
    let mut below = odd_tests::loose(&sample, Kind::Blob, b"x");
    let mut mode = "100644";
    for _ in 0..40 {
        let mut tree = Vec::new();
        for name in ["a", "b"] {
            tree.extend(format!("{mode} {name}\0").into_bytes());
            tree.extend(below.as_bytes());
        }
        below = odd_tests::loose(&sample, Kind::Tree, &tree);
        mode = "40000";
    }
    let text = format!("tree {below}\nauthor S <s@x> 1 +0000\ncommitter S <s@x> 1 +0000\n\nc\n");
    let commit = odd_tests::loose(&sample, Kind::Commit, text.as_bytes());
    let repository = Repository::open(sample.at()).expect("opens");
    assert_eq!(nearer_folders(&repository, &commit, "a/a", "x").expect("reads"), [""; 0]);
    assert!(lacking(&repository, &commit).expect("reads").is_empty());
}

#[cfg(unix)]
#[test]
fn a_pipe_in_a_clone_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for name in ["objects/pack", "refs/heads"] {
        fs::create_dir_all(at(name)).expect("made");
    }
    fs::write(at("HEAD"), "ref: refs/heads/main\n").expect("written");
    let pipe = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(at(name)).status();
        assert!(made.expect("mkfifo starts").success());
    };
    pipe("packed-refs");
    pipe("refs/heads/main");
    let repository = Repository::open(folder.path()).expect("a bare repository");
    // Whether that is an error or nothing: it comes to an end.
    assert!(repository.references().unwrap_or_default().is_empty());
    pipe("objects/pack/pack-0.idx");
    assert!(Repository::open(folder.path()).is_err());
}
