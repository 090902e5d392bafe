//! Repositories in odd shapes: each gives a right answer or a gap with a name, and none takes long.

use super::*;
use crate::history::{History, integrators, releases, successors};
use crate::tests::Sample;

fn file(path: &str, text: &str) -> ArchiveFile {
    ArchiveFile::new(path, text.as_bytes())
}

/// What is said of these files at the head of a sample, in the folder `x`.
fn told(sample: &Sample, files: &[ArchiveFile]) -> Vec<(String, FileOutcome)> {
    told_in(sample, "x", files)
}

fn told_in(sample: &Sample, folder: &str, files: &[ArchiveFile]) -> Vec<(String, FileOutcome)> {
    let repository = Repository::open(sample.at()).expect("opens");
    let compared = compare(&repository, &sample.head(), Some(folder), files, None);
    compared.expect("reads").expect("the commit is there").files.into_iter().collect()
}

fn is_same(outcome: &FileOutcome) -> bool {
    matches!(outcome, FileOutcome::Explained(Explanation::Same))
}

fn is_unexplained(outcome: &FileOutcome) -> bool {
    matches!(outcome, FileOutcome::Unexplained(_))
}

const PERSON: (&str, &str) = ("Somebody", "somebody@one.example");

fn made(files: &[(&str, &str)]) -> Sample {
    let sample = Sample::empty();
    let mut stream = String::new();
    sample.stream(&mut stream, PERSON, 1_700_000_000, files);
    sample.import(&stream);
    sample
}

#[test]
fn names_that_collide_by_case_or_form_are_different_files() {
    let sample = made(&[("x/README", "upper"), ("x/readme", "lower"), ("x/caf\u{e9}", "composed")]);
    let told = told(
        &sample,
        &[
            file("README", "upper"),
            file("readme", "lower"),
            file("Readme", "upper"),
            file("caf\u{e9}", "composed"),
            file("cafe\u{301}", "composed"),
        ],
    );
    let same: Vec<&str> =
        told.iter().filter(|(_, o)| is_same(o)).map(|(path, _)| &**path).collect();
    assert_eq!(same, ["README", "caf\u{e9}", "readme"]);
    // A copy of a readme lies above under the same name.
    let of = |path: &str| told.iter().find(|(p, _)| p == path).map(|(_, outcome)| outcome);
    assert!(of("Readme").is_some_and(is_unexplained));
    assert!(of("cafe\u{301}").is_some_and(is_unexplained));
}

#[test]
fn a_path_that_leaves_its_folder_finds_nothing_outside_the_repository() {
    let sample = made(&[("x/a", "a"), ("y/b", "b")]);
    for folder in ["..", "../..", "x/../../..", "/etc", "x/../../../etc"] {
        let told = told_in(&sample, folder, &[file("passwd", "a"), file("a/../a", "z")]);
        assert!(told.iter().all(|(_, outcome)| is_unexplained(outcome)), "{folder}: {told:?}");
    }
    assert!(told_in(&sample, "", &[file("x/a", "a")]).iter().all(|(_, outcome)| is_same(outcome)));
}

#[test]
fn submodules_in_a_circle_and_of_nobody_are_gaps_with_names() {
    let sample = Sample::empty();
    let at = "a".repeat(40);
    let list = "[submodule \"x\"]\n\tpath = x\n\turl = ../sample\n\tupdate = !touch ran\n";
    let mut stream = String::new();
    sample.stream(&mut stream, PERSON, 1_700_000_000, &[(".gitmodules", list)]);
    stream.truncate(stream.len() - 1);
    write!(stream, "M 160000 {at} x\nM 160000 {at} y\n\n").expect("memory takes it");
    sample.import(&stream);
    let repository = Repository::open(sample.at()).expect("opens");
    let address = Address::parse("https://host.example/owner/sample").expect("an address");
    // The clone of the submodule is the repository itself, which has not that commit.
    let config = sample.at().join(".git/config");
    let text = "[remote \"origin\"]\n\turl = https://host.example/owner/sample\n";
    fs::write(config, text).expect("written");
    let place = Place::look(&[sample.at().to_owned()]);
    let neighbours = Some(Neighbours { place: &place, address: &address });
    let why = |folder: &str| {
        let files = [file("a", "a")];
        let told = compare(&repository, &sample.head(), Some(folder), &files, neighbours);
        match told.expect("reads").expect("is there").files.into_values().next() {
            Some(FileOutcome::Undetermined(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    assert!(why("x").contains("has not aaaa"), "{}", why("x"));
    assert!(why("y").contains(".gitmodules says nothing"), "{}", why("y"));
    assert!(why("x/x/x").contains("has not aaaa"));
    assert!(!sample.at().join("ran").exists());
}

#[test]
fn the_record_of_somebody_elses_commit_is_absent_or_differs() {
    let (one, other) = (made(&[("x/a", "a")]), made(&[("x/a", "b")]));
    let repository = Repository::open(one.at()).expect("opens");
    let files = [file("a", "b")];
    let theirs = compare(&repository, &other.head(), Some("x"), &files, None).expect("reads");
    assert!(theirs.is_none(), "the clone has not the commit");
    assert!(told(&one, &files).iter().all(|(_, outcome)| is_unexplained(outcome)));
    // A tree or a file where a commit is named.
    let tree = folder(&repository, &one.head(), "x").expect("reads").expect("is there");
    assert!(compare(&repository, &tree, Some("x"), &files, None).expect("reads").is_none());
}

#[test]
fn commits_from_the_future_and_from_before_all_time_are_left_out_or_first() {
    let sample = Sample::empty();
    let mut stream = String::new();
    for (who, seconds) in [("Old", -10), ("Now", 1_700_000_000), ("Later", 9_000_000_000)] {
        sample.stream(&mut stream, (who, "m@one.example"), seconds, &[("log", who)]);
    }
    // git itself writes no time before 1970: such a commit is made of bytes.
    let stream = stream.replace(" -10 +0000", " 0 +0000");
    sample.import(&stream);
    let repository = Repository::open(sample.at()).expect("opens");
    let until = 1_800_000_000;
    let mut history =
        History::of(&repository, &sample.head(), until).expect("reads").expect("is there");
    assert_eq!((history.changes.len(), history.later), (2, 1));
    // The head is dated later: the line begins with the newest commit that is not.
    let found = integrators(&history, &sample.head(), until);
    assert_eq!(found.people.len(), 1, "one mail is one person");
    assert_eq!(found.people[0].all, 2);
    assert!(successors(&history).is_empty());
    assert!(releases(&repository, &mut history, until).expect("reads").is_empty());
}

#[test]
fn a_repository_without_commits_and_one_without_branches_have_no_head() {
    let empty = Sample::empty();
    let repository = Repository::open(empty.at()).expect("opens");
    assert_eq!(repository.head().expect("reads"), None);
    assert!(ReachWalk::of(&repository, &[]).expect("reads").complete);
    let detached = made(&[("x/a", "a")]);
    let head = detached.head();
    fs::remove_file(detached.at().join(".git/refs/heads/main")).expect("removed");
    let repository = Repository::open(detached.at()).expect("opens");
    assert_eq!(repository.head().expect("reads"), None, "HEAD names a branch that is not there");
    fs::write(detached.at().join(".git/HEAD"), format!("{head}\n")).expect("written");
    assert_eq!(repository.head().expect("reads"), Some(head));
    let walk = ReachWalk::of(&repository, &[head]).expect("reads");
    assert_eq!(walk.class(&head), Some(Reach::Nothing));
}

#[test]
fn references_to_nothing_to_themselves_and_to_files_are_passed_over() {
    let sample = made(&[("x/a", "a")]);
    let refs = sample.at().join(".git/refs");
    let blob = ObjectId::of(Kind::Blob, b"a").to_string();
    for (name, text) in [
        ("tags/v1.0.0", "f".repeat(40)),
        ("tags/v1.0.1", blob),
        ("tags/v1.0.2", "ref: refs/tags/v1.0.2".to_owned()),
        ("tags/v1.0.3", "not a name".to_owned()),
    ] {
        fs::create_dir_all(refs.join("tags")).expect("made");
        fs::write(refs.join(name), text + "\n").expect("written");
    }
    let repository = Repository::open(sample.at()).expect("opens");
    let tag = |version: &str| version_tag(&repository, "x", version).expect("reads");
    assert_eq!(tag("1.0.0").map(|tag| tag.commit), Some(None), "what it names is not here");
    assert_eq!(tag("1.0.1").map(|tag| tag.commit), Some(None), "a file");
    assert_eq!((tag("1.0.2"), tag("1.0.3")), (None, None));
    let walk = ReachWalk::of(&repository, &[sample.head()]).expect("reads");
    assert_eq!(walk.class(&sample.head()), Some(Reach::DefaultBranch));
    let mut history =
        History::of(&repository, &sample.head(), i64::MAX).expect("reads").expect("is");
    assert!(releases(&repository, &mut history, i64::MAX).expect("reads").is_empty());
}

#[test]
fn worktrees_and_borrowed_objects_are_read_and_lost_ones_are_gaps() {
    let sample = made(&[("x/a", "a")]);
    let folder = tempfile::tempdir().expect("a folder");
    let git = |arguments: &[&str]| {
        let status = std::process::Command::new("git")
            .args(arguments)
            .current_dir(sample.at())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", sample.at())
            .status();
        assert!(status.expect("git runs").success());
    };
    let tree = folder.path().join("tree");
    git(&["worktree", "add", "-q", "--detach", tree.to_str().expect("UTF-8"), "main"]);
    let worktree = Repository::open(&tree).expect("opens");
    assert!(worktree.objects().has(&sample.head()).expect("reads"));
    assert_eq!(worktree.head().expect("reads"), Some(sample.head()));
    let shared = folder.path().join("shared.git");
    git(&["clone", "-q", "--bare", "--shared", ".", shared.to_str().expect("UTF-8")]);
    let borrowing = Repository::open(&shared).expect("opens");
    assert!(borrowing.objects().has(&sample.head()).expect("reads"));
    fs::write(shared.join("objects/info/alternates"), "/nowhere/objects\n").expect("written");
    let lost = Repository::open(&shared).expect("opens");
    let told = compare(&lost, &sample.head(), Some("x"), &[file("a", "a")], None);
    assert!(told.expect("reads").is_none(), "its objects are gone");
    let walk = ReachWalk::of(&lost, &[sample.head()]).expect("reads");
    assert!(!walk.complete);
}

#[test]
fn a_folder_of_a_hundred_thousand_files_is_compared_by_name() {
    let sample = made(&[("x/a", "a")]);
    let blob = ObjectId::of(Kind::Blob, b"a");
    let mut tree = Vec::new();
    for number in 0..100_000 {
        tree.extend(format!("100644 f{number:06}\0").into_bytes());
        tree.extend(blob.as_bytes());
    }
    let tree = loose(&sample, Kind::Tree, &tree);
    let text = format!("tree {tree}\nauthor S <s@x> 1 +0000\ncommitter S <s@x> 1 +0000\n\nc\n");
    let commit = loose(&sample, Kind::Commit, text.as_bytes());
    let repository = Repository::open(sample.at()).expect("opens");
    let files: Vec<ArchiveFile> =
        (0..100_000).map(|number| file(&format!("f{number:06}"), "a")).collect();
    let told = compare(&repository, &commit, Some(""), &files, None);
    let told = told.expect("reads").expect("is there").files;
    assert_eq!(told.len(), 100_000);
    assert!(told.values().all(is_same));
}

#[test]
fn a_tree_with_one_name_twice_is_damage_and_not_an_answer() {
    let sample = made(&[("x/a", "a")]);
    let blobs = [b"a", b"b"].map(|bytes| ObjectId::of(Kind::Blob, bytes));
    let mut tree = Vec::new();
    for blob in blobs {
        tree.extend(b"100644 a\0");
        tree.extend(blob.as_bytes());
    }
    let tree = loose(&sample, Kind::Tree, &tree);
    let text = format!("tree {tree}\nauthor S <s@x> 1 +0000\ncommitter S <s@x> 1 +0000\n\nc\n");
    let commit = loose(&sample, Kind::Commit, text.as_bytes());
    let repository = Repository::open(sample.at()).expect("opens");
    let told = compare(&repository, &commit, Some(""), &[file("a", "b")], None);
    let told = told.expect("reads").expect("the commit is there").files;
    let FileOutcome::Undetermined(why) = &told["a"] else { panic!("{told:?}") };
    assert!(why.contains("a name stands in it twice"), "{why}");
}

#[test]
fn commits_that_name_no_tree_no_people_or_no_time_are_damage() {
    let sample = made(&[("x/a", "a")]);
    for text in ["", "tree\n", "tree zz\n", "parent x\n", "tree \u{0}\n"] {
        let commit = loose(&sample, Kind::Commit, text.as_bytes());
        let repository = Repository::open(sample.at()).expect("opens");
        let told = compare(&repository, &commit, None, &[file("a", "a")], None);
        assert!(told.is_err(), "{text:?}");
        assert!(History::of(&repository, &commit, i64::MAX).is_err(), "{text:?}");
    }
    let tree = folder(&Repository::open(sample.at()).expect("opens"), &sample.head(), "")
        .expect("reads")
        .expect("is there");
    let nameless = loose(&sample, Kind::Commit, format!("tree {tree}\n\nc\n").as_bytes());
    let repository = Repository::open(sample.at()).expect("opens");
    assert!(History::of(&repository, &nameless, i64::MAX).is_err(), "nobody made it");
    let told = compare(&repository, &nameless, Some("x"), &[file("a", "a")], None);
    assert!(told.expect("reads").expect("is there").files.values().all(is_same));
}

/// Writes a loose object under its true name.
pub(crate) fn loose(sample: &Sample, kind: Kind, bytes: &[u8]) -> ObjectId {
    use std::io::Write as _;
    let id = ObjectId::of(kind, bytes);
    let hex = id.to_string();
    let folder = sample.at().join(".git/objects").join(&hex[..2]);
    fs::create_dir_all(&folder).expect("made");
    let file = fs::File::create(folder.join(&hex[2..])).expect("made");
    let mut encoder = flate2::write::ZlibEncoder::new(file, flate2::Compression::fast());
    write!(encoder, "{} {}\0", kind.as_str(), bytes.len()).expect("written");
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("written");
    id
}

#[test]
fn a_history_that_was_rewritten_and_one_that_was_moved_are_told_as_they_stand() {
    // The same work twice: before the rewrite nobody else has it, after it nothing leads to the old commits.
    let sample = made(&[("x/a", "a")]);
    let old = sample.head();
    let mut stream = String::new();
    sample.stream(&mut stream, PERSON, 1_700_000_001, &[("x/a", "a"), ("y", "y")]);
    let stream = stream.replace("refs/heads/main", "refs/heads/again");
    sample.import(&stream);
    let refs = sample.at().join(".git/refs/heads");
    let again = fs::read_to_string(refs.join("again")).expect("is there");
    fs::write(refs.join("main"), &again).expect("written");
    let repository = Repository::open(sample.at()).expect("opens");
    let walk = ReachWalk::of(&repository, &[old]).expect("reads");
    assert_eq!(walk.class(&old), Some(Reach::Nothing));
    let contents = folder(&repository, &old, "x").expect("reads").expect("is there");
    assert_eq!(main_line_has(&repository, "x", &contents, None).expect("reads"), Some(true));
    let empty = ObjectId::of(Kind::Tree, b"");
    assert_eq!(main_line_has(&repository, "x", &empty, None).expect("reads"), Some(false));
}

#[test]
fn a_second_package_of_the_name_is_found_where_people_look_and_a_copy_aside_is_not() {
    let package = "[package]\nname = \"x\"\n";
    let sample = made(&[
        ("Cargo.toml", package),
        ("tests/fixtures/dep/Cargo.toml", package),
        ("crates/x/Cargo.toml", package),
        ("crates/y/Cargo.toml", "[package]\nname = \"y\"\n"),
    ]);
    let repository = Repository::open(sample.at()).expect("opens");
    let of = |folder| nearer_folders(&repository, &sample.head(), folder, "x").expect("reads");
    assert_eq!(of(""), Vec::<String>::new());
    assert_eq!(of("crates/x"), [""]);
    assert_eq!(of("tests/fixtures/dep"), ["", "crates/x"]);
    let moved = made(&[("crates/x/Cargo.toml", package), ("old/tests/x/Cargo.toml", package)]);
    let repository = Repository::open(moved.at()).expect("opens");
    let of = |folder| nearer_folders(&repository, &moved.head(), folder, "x").expect("reads");
    assert_eq!(of("crates/x"), Vec::<String>::new());
}

#[test]
fn a_file_under_the_name_of_a_folder_is_damage_and_not_a_folder() {
    let sample = made(&[("x/a", "")]);
    let blob = ObjectId::of(Kind::Blob, b"");
    let mut tree = b"40000 x\0".to_vec();
    tree.extend(blob.as_bytes());
    let tree = loose(&sample, Kind::Tree, &tree);
    let text = format!("tree {tree}\nauthor S <s@x> 1 +0000\ncommitter S <s@x> 1 +0000\n\nc\n");
    let commit = loose(&sample, Kind::Commit, text.as_bytes());
    let repository = Repository::open(sample.at()).expect("opens");
    // No bytes would be an empty folder, too.
    let told = compare(&repository, &commit, Some(""), &[file("x/a", "a")], None);
    let told = told.expect("reads").expect("the commit is there").files;
    let damage = FileOutcome::Undetermined(format!("{blob}: damaged tree"));
    assert_eq!(told["x/a"], damage);
    assert!(lacking(&repository, &commit).is_err());
    assert!(matches!(repository.objects().commit(&blob), Ok(None)));
}
