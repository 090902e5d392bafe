//! The stream with items that a test holds in its hand.

use super::*;
use crate::domain::Subject;

fn lines_of(input: &str, way: &Way, measure: &Arc<impl Measure>) -> Vec<Value> {
    let mut output = Vec::new();
    run(input.as_bytes(), &mut output, way, measure).expect("runs");
    let text = String::from_utf8(output).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn an_item_that_takes_too_long_costs_its_own_line_only() {
    let (free, wait) = sync_channel::<()>(0);
    let wait = Mutex::new(wait);
    let measure = Arc::new(move |request: &Request| {
        if request.id.as_deref() == Some("slow@1") {
            let _ = wait.lock().unwrap_or_else(PoisonError::into_inner).recv();
        }
        Ok(FactSheet::new(Subject::registry_crate("x", "1.0.0")))
    });
    // Long enough for what does nothing, and never enough for what waits for the end of the test.
    let way = Way { threads: 1, item_time: Duration::from_secs(2) };
    let lines = lines_of("quick@1\nslow@1\nquick@2\n", &way, &measure);
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["id"], &lines[0]["subject"]["name"]), (&json!("quick@1"), &json!("x")));
    assert_eq!(lines[1]["error"]["kind"], "too-slow");
    assert_eq!((&lines[2]["id"], &lines[2]["subject"]["name"]), (&json!("quick@2"), &json!("x")));
    drop(free);
}

#[test]
fn a_panic_costs_its_own_line_only() {
    let measure = Arc::new(|request: &Request| {
        assert!(request.id.as_deref() != Some("bad@1"), "as a parser's mistake would");
        Err(Refusal("archive", "as told".to_owned()))
    });
    let way = Way { threads: 2, item_time: Duration::from_mins(1) };
    let lines = lines_of("a@1\nbad@1\na@2\n", &way, &measure);
    let kinds: Vec<&Value> = lines.iter().map(|line| &line["error"]["kind"]).collect();
    assert_eq!(kinds, ["archive", "internal", "archive"]);
}

/// Takes one line and is gone.
struct Gone(usize);

impl Write for Gone {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.0 -= 1;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_gone_away_ends_the_stream_without_an_error() {
    let measure = Arc::new(|_: &Request| Err(Refusal("archive", "as told".to_owned())));
    let way = Way { threads: 2, item_time: Duration::from_mins(1) };
    let input = "a@1\n".repeat(1_000);
    assert!(run(input.as_bytes(), Gone(1), &way, &measure).is_ok());
}

#[test]
fn a_line_of_the_most_bytes_is_read_and_one_more_is_not() {
    let mut text = format!("{}@1", "x".repeat(LINE_BYTES - 2));
    assert_eq!(text.len(), LINE_BYTES);
    let measure = Arc::new(|_: &Request| Err(Refusal("archive", "as told".to_owned())));
    let way = Way { threads: 1, item_time: Duration::from_mins(1) };
    let kind = |lines: &[Value]| lines[0]["error"]["kind"].clone();
    assert_eq!(kind(&lines_of(&format!("{text}\r\n"), &way, &measure)), "archive");
    text.insert(0, 'x');
    assert_eq!(kind(&lines_of(&text, &way, &measure)), "line-too-long");
}
