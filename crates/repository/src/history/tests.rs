use super::*;
use crate::tests::Sample;

const FOUNDER: (&str, &str) = ("Founder", "founder@one.example");
const HEIR: (&str, &str) = ("Heir", "heir@two.example");

/// 2020-01-01, and months after it.
fn month(number: i64) -> i64 {
    1_577_836_800 + number * MONTH
}

/// A history of so many commits a month, by month: how many by the founder, how many by the heir.
fn written(months: &[(usize, usize)]) -> Sample {
    let sample = Sample::empty();
    let mut stream = String::new();
    for (at, (founder, heir)) in months.iter().enumerate() {
        let all = [FOUNDER].repeat(*founder).into_iter().chain([HEIR].repeat(*heir));
        for (who, number) in all.zip(0..) {
            let at = month(i64::try_from(at).expect("few")) + number * 1_000;
            sample.stream(&mut stream, who, at, &[("log", &format!("{at}"))]);
        }
    }
    sample.import(&stream);
    sample
}

fn found(sample: &Sample, until: i64) -> Vec<(String, Measure)> {
    let repository = Repository::open(sample.at()).expect("opens");
    let history = History::of(&repository, &sample.head(), until).expect("reads").expect("there");
    assert!(history.complete);
    let all = successors(&history);
    all.iter().map(|s| (history.people.name(s.person).to_owned(), s.measure)).collect()
}

#[test]
fn an_heir_is_a_newcomer_first_and_the_first_author_later() {
    // 30 months alone, then a year together, then the heir does most.
    let months: Vec<_> = [(4, 0)].repeat(30).into_iter().chain([(4, 3)].repeat(12)).collect();
    let months: Vec<_> = months.into_iter().chain([(1, 4)].repeat(12)).collect();
    let sample = written(&months);
    assert_eq!(found(&sample, month(29)), []);
    let heir = |measure| ("Heir".to_owned(), measure);
    assert_eq!(found(&sample, month(41)), [heir(Measure::Newcomer)]);
    assert_eq!(found(&sample, month(54)), [heir(Measure::Newcomer), heir(Measure::Flip)]);
}

#[test]
fn a_project_of_many_and_a_helper_of_few_have_no_successor() {
    let helper: Vec<_> = [(4, 0)].repeat(30).into_iter().chain([(6, 1)].repeat(20)).collect();
    assert_eq!(found(&written(&helper), month(60)), []);
    let many: Vec<_> = [(2, 2)].repeat(50);
    assert_eq!(found(&written(&many), month(60)), []);
    let young: Vec<_> = [(4, 0)].repeat(10).into_iter().chain([(1, 6)].repeat(10)).collect();
    assert_eq!(found(&written(&young), month(60)), [], "in the first two years everybody is new");
}

#[test]
fn a_file_is_followed_to_who_brought_these_bytes() {
    let sample = Sample::empty();
    let mut stream = String::new();
    let data = ("tests/a/bad.xz", "first");
    sample.stream(&mut stream, FOUNDER, month(0), &[("x", "1"), data]);
    sample.stream(&mut stream, HEIR, month(1), &[("tests/a/bad.xz", "second")]);
    sample.stream(&mut stream, FOUNDER, month(2), &[("x", "2")]);
    sample.stream(&mut stream, FOUNDER, month(3), &[("tests/b", "3")]);
    sample.import(&stream);
    let repository = Repository::open(sample.at()).expect("opens");
    let head = sample.head();
    let history = History::of(&repository, &head, month(9)).expect("reads").expect("there");
    let arrivals = Arrivals::new(&repository, &history);
    let who = |path: &str, text: &str, since| {
        let blob = ObjectId::of(Kind::Blob, text.as_bytes());
        match arrivals.of(&head, path, &blob, since).expect("reads") {
            Arrival::By(change) => history.people.name(change.author.expect("a person")).to_owned(),
            Arrival::Before(_) => "before".to_owned(),
            Arrival::Unknown(why) => why.to_owned(),
        }
    };
    assert_eq!(who("tests/a/bad.xz", "second", 0), "Heir");
    assert_eq!(who("tests/b", "3", 0), "Founder");
    assert_eq!(who("x", "2", month(3)), "before");
    assert_eq!(who("tests/a/bad.xz", "first", 0), "the commit has no such file");
    assert_eq!(who("tests", "3", 0), "the commit has no such file");
}

#[test]
fn a_date_that_disagrees_with_those_around_it_is_not_believed() {
    // 40 days apart each, but for one commit that says to be of two years before, and one of a year ahead.
    let sample = Sample::empty();
    let mut stream = String::new();
    let day = |number: i64| month(0) + number * 40 * DAY;
    for number in 0..30 {
        let at = match number {
            20 => day(20) - 800 * DAY,
            24 => day(24) + 400 * DAY,
            number => day(number) + if number == 10 { -41 * DAY } else { 0 },
        };
        let file = format!("f{number}");
        sample.stream(&mut stream, FOUNDER, at, &[(&file, "x")]);
    }
    sample.import(&stream);
    let repository = Repository::open(sample.at()).expect("opens");
    let head = sample.head();
    let history = History::of(&repository, &head, month(60)).expect("reads").expect("there");
    assert_eq!((history.changes.len(), history.later), (30, 0));
    let arrivals = Arrivals::new(&repository, &history);
    let came = |path: &str| {
        let blob = ObjectId::of(Kind::Blob, b"x");
        match arrivals.of(&head, path, &blob, day(15)).expect("reads") {
            Arrival::By(change) => Some(change.seconds),
            _ => None,
        }
    };
    assert_eq!(came("f20"), Some(day(19)), "it is as old as its parent");
    assert_eq!(came("f24"), Some(day(23)), "it is not younger than its child");
    assert_eq!(came("f25"), Some(day(25)));
    assert_eq!(came("f5"), None, "what is old stays old");
}

#[test]
fn a_branch_is_not_older_than_where_it_began_nor_younger_than_its_merge() {
    let sample = Sample::empty();
    let mut stream = String::new();
    for number in 0..10 {
        sample.stream(&mut stream, FOUNDER, month(number), &[("x", &format!("{number}"))]);
    }
    sample.import(&stream);
    let person = "Heir <h@two.example>";
    let base = sample.head();
    let text = |at: i64, from: &str, more: &str| {
        format!(
            "commit refs/heads/side\ncommitter {person} {at} +0000\ndata 1\nc\nfrom {from}\n{more}\n"
        )
    };
    let early = text(month(0) - 900 * DAY, &base.to_string(), "M 100644 inline side\ndata 1\ns\n");
    sample.import(&early);
    let merge = format!(
        "commit refs/heads/main\ncommitter {person} {} +0000\ndata 1\nm\nfrom {base}\nmerge refs/heads/side^0\n\
         M 100644 inline side\ndata 1\ns\n\n",
        month(11)
    );
    sample.import(&merge);
    let repository = Repository::open(sample.at()).expect("opens");
    let head = sample.head();
    let history = History::of(&repository, &head, month(60)).expect("reads").expect("there");
    let arrivals = Arrivals::new(&repository, &history);
    let blob = ObjectId::of(Kind::Blob, b"s");
    let Arrival::By(change) = arrivals.of(&head, "side", &blob, month(5)).expect("reads") else {
        panic!("it came within memory");
    };
    assert_eq!(change.seconds, month(9));
}
