//! `facts --stdin`: one line in, exactly one line out, in order, flushed. No line ends the process.

use std::io::{self, BufRead, Read as _, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::item::{Refusal, Request, parse};
use crate::domain::FactSheet;
use crate_read::rust_source;

/// Version of an output line, for whoever reads it years later.
const SCHEMA: &str = "custody-facts/1";
/// Longest line that is read as an item; a longer one is skipped to its end.
const LINE_BYTES: usize = 1 << 20;
/// Lines that may be under way for each thread.
const AHEAD: usize = 4;
/// Threads that may be left behind with items that took too long. A thread cannot be stopped; with so
/// many at work the next item that takes too long is waited for.
const LEFT_BEHIND: usize = 16;

/// How a stream is worked on.
pub struct Way {
    /// Items at a time.
    pub threads: usize,
    /// How long one may take.
    pub item_time: Duration,
}

/// Measures one item.
pub trait Measure: Fn(&Request) -> Result<FactSheet, Refusal> + Send + Sync + 'static {}
impl<F: Fn(&Request) -> Result<FactSheet, Refusal> + Send + Sync + 'static> Measure for F {}

/// One line, as it was read.
enum Line {
    /// Its bytes, without the line's end.
    Whole(Vec<u8>),
    /// It has more than [`LINE_BYTES`].
    TooLong,
}

/// Measures what the lines of `input` name and writes a line for each.
pub fn run(
    input: impl BufRead,
    output: impl Write + Send,
    way: &Way,
    measure: &Arc<impl Measure>,
) -> io::Result<()> {
    let room = way.threads * AHEAD;
    let (to_workers, from_reader) = sync_channel::<(Line, SyncSender<String>)>(room);
    let (to_writer, in_order) = sync_channel::<Receiver<String>>(room);
    let queue = Mutex::new(from_reader);
    let left_behind = Arc::new(());
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || write_in_order(&in_order, output));
        for _ in 0..way.threads {
            scope.spawn(|| {
                let mut bench = Bench { hand: None, way, measure, left_behind: &left_behind };
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((line, answer)) = next else { break };
                    // A writer that is gone wants no more answers.
                    let _ = answer.send(bench.answer_to(&line));
                }
            });
        }
        let read = feed(input, &to_workers, &to_writer);
        drop((to_workers, to_writer));
        let written = writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer failed")));
        read.and(written)
    })
}

/// Hands lines to the workers until there are none or nobody listens.
fn feed(
    mut input: impl BufRead,
    workers: &SyncSender<(Line, SyncSender<String>)>,
    writer: &SyncSender<Receiver<String>>,
) -> io::Result<()> {
    while let Some(line) = next_line(&mut input)? {
        let (answer, later) = sync_channel(1);
        if writer.send(later).is_err() || workers.send((line, answer)).is_err() {
            break;
        }
    }
    Ok(())
}

fn write_in_order(answers: &Receiver<Receiver<String>>, mut output: impl Write) -> io::Result<()> {
    for later in answers {
        let Ok(mut text) = later.recv() else { continue };
        text.push('\n');
        match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

/// The next line without its end, in bounded memory.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let most = LINE_BYTES as u64 + 2;
    if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let ended = line.last() == Some(&b'\n');
    if ended {
        line.pop();
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    if line.len() <= LINE_BYTES {
        return Ok(Some(Line::Whole(line)));
    }
    if !ended {
        input.skip_until(b'\n')?;
    }
    Ok(Some(Line::TooLong))
}

/// A thread that measures items, until nobody gives it one.
struct Hand {
    items: SyncSender<Request>,
    answers: Receiver<String>,
}

/// Where one item after the other is worked on, by a hand that is replaced when it takes too long.
struct Bench<'a, M> {
    hand: Option<Hand>,
    way: &'a Way,
    measure: &'a Arc<M>,
    /// A copy is with every hand: their number tells how many there are.
    left_behind: &'a Arc<()>,
}

impl<M: Measure> Bench<'_, M> {
    fn answer_to(&mut self, line: &Line) -> String {
        match read(line) {
            Ok(request) => self.answer(request),
            Err((id, refusal)) => line_of(&error(&id.map_or(Value::Null, Value::String), &refusal)),
        }
    }

    fn answer(&mut self, request: Request) -> String {
        let id = id_of(&request);
        let internal = |why: &str| line_of(&error(&id, &Refusal("internal", why.to_owned())));
        let hand = match self.hand.take() {
            Some(hand) => hand,
            None => match hire(self.measure, Arc::clone(self.left_behind)) {
                Ok(hand) => hand,
                Err(why) => return internal(&format!("no thread for it: {why}")),
            },
        };
        if hand.items.send(request).is_err() {
            return internal("its thread is gone");
        }
        match hand.answers.recv_timeout(self.way.item_time) {
            Ok(answer) => {
                self.hand = Some(hand);
                answer
            }
            Err(RecvTimeoutError::Disconnected) => internal("its thread is gone"),
            Err(RecvTimeoutError::Timeout) => {
                if Arc::strong_count(self.left_behind) > LEFT_BEHIND + self.way.threads
                    && hand.answers.recv().is_ok()
                {
                    self.hand = Some(hand);
                }
                let why = format!("it took more than {:?}", self.way.item_time);
                line_of(&error(&id, &Refusal("too-slow", why)))
            }
        }
    }
}

/// An answer as the line that is written, in which nothing acts on a terminal.
fn line_of(answer: &Value) -> String {
    crate::reporter::json_line(answer).unwrap_or_else(|_| answer.to_string())
}

/// Starts a hand. It has a pool of its own thread alone, so that what it does in parallel elsewhere does
/// not wait for another item.
fn hire<M: Measure>(measure: &Arc<M>, alive: Arc<()>) -> io::Result<Hand> {
    let (items, given) = sync_channel::<Request>(1);
    let (done, answers) = sync_channel::<String>(1);
    let measure = Arc::clone(measure);
    std::thread::Builder::new().name("item".to_owned()).stack_size(STACK).spawn(move || {
        rust_source::with_room();
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        for request in given {
            let answer = match &alone {
                Ok(_) => measured(&request, &*measure),
                Err(why) => error(&id_of(&request), &Refusal("internal", why.to_string())),
            };
            if done.send(line_of(&answer)).is_err() {
                break;
            }
        }
        drop(alive);
    })?;
    Ok(Hand { items, answers })
}

/// As much as the main thread has on most systems, what is deep there is not too deep here; and room to parse
/// code. It is address space: what is never deep takes no memory.
const STACK: usize = (8 << 20) + rust_source::STACK;

fn measured(request: &Request, measure: &impl Measure) -> Value {
    let id = id_of(request);
    // A parser's mistake costs its item and not the thousands behind it.
    let measured = catch_unwind(AssertUnwindSafe(|| measure(request)))
        .unwrap_or_else(|_| Err(Refusal("internal", "measuring it failed".to_owned())));
    match measured {
        Ok(sheet) => {
            json!({"schema": SCHEMA, "id": id, "subject": sheet.subject, "facts": sheet.facts})
        }
        Err(refusal) => error(&id, &refusal),
    }
}

fn id_of(request: &Request) -> Value {
    request.id.clone().map_or(Value::Null, Value::String)
}

fn read(line: &Line) -> Result<Request, (Option<String>, Refusal)> {
    let Line::Whole(line) = line else {
        let why = format!("a line has at most {LINE_BYTES} bytes");
        return Err((None, Refusal("line-too-long", why)));
    };
    let text = std::str::from_utf8(line)
        .map_err(|_| (None, Refusal("bad-line", "the line is not UTF-8".to_owned())))?;
    // Some programs put a mark before the first line, and an engine that cuts a list before any.
    parse(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn error(id: &Value, Refusal(kind, message): &Refusal) -> Value {
    json!({"schema": SCHEMA, "id": id, "error": {"kind": kind, "message": message}})
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
