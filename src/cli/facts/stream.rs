//! `facts --stdin`: one line in, exactly one line out, in order, flushed. No line ends the process.

use std::fs::File;
use std::io::{self, BufRead, Read as _, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::audit;
use crate::collectors::{self, Options, close_look, model_files};
use crate::domain::hash::hex;
use crate::domain::{FactSheet, Subject};

/// Version of an output line, for whoever reads it years later.
const SCHEMA: &str = "custody-facts/1";
/// Longest line that is read as an item; a longer one is skipped to its end.
const LINE_BYTES: usize = 1 << 20;
/// Largest archive that is read from a path.
const ARCHIVE_BYTES: u64 = 512 << 20;
/// Lines that may be under way for each thread.
const AHEAD: usize = 4;

/// An item in JSON: an archive on disk, or a model file or folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    id: Option<String>,
    #[serde(rename = "crate")]
    release: Option<String>,
    archive: Option<String>,
    sha256: Option<String>,
    model: Option<String>,
}

/// Why an item has no facts: a word for programs, a sentence for people.
struct Refusal(&'static str, String);

/// One line, as it was read.
enum Line {
    /// Its bytes, without the line's end.
    Whole(Vec<u8>),
    /// It has more than [`LINE_BYTES`].
    TooLong,
}

/// Measures what the lines of `input` name and writes a line for each, with `threads` at a time.
pub fn run(
    input: impl BufRead,
    output: impl Write + Send,
    options: &Options,
    threads: usize,
) -> io::Result<()> {
    let (to_workers, from_reader) = sync_channel::<(Line, SyncSender<String>)>(threads * AHEAD);
    let (to_writer, in_order) = sync_channel::<Receiver<String>>(threads * AHEAD);
    let queue = Mutex::new(from_reader);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || write_in_order(&in_order, output));
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((line, answer)) = next else { break };
                    // A writer that is gone wants no more answers.
                    let _ = answer.send(answer_to(&line, options).to_string());
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

fn answer_to(line: &Line, options: &Options) -> Value {
    let line = match line {
        Line::Whole(line) => line,
        Line::TooLong => {
            let why = format!("a line has at most {LINE_BYTES} bytes");
            return error(&Value::Null, &Refusal("line-too-long", why));
        }
    };
    let Ok(text) = std::str::from_utf8(line) else {
        return error(&Value::Null, &Refusal("bad-line", "the line is not UTF-8".to_owned()));
    };
    let request = match parse(text) {
        Ok(request) => request,
        Err(refusal) => return error(&Value::Null, &refusal),
    };
    let id = request.id.clone().map_or(Value::Null, Value::String);
    // A parser's mistake costs its item and not the thousands behind it.
    let measured = catch_unwind(AssertUnwindSafe(|| measure(&request, options)))
        .unwrap_or_else(|_| Err(Refusal("internal", "measuring it failed".to_owned())));
    match measured {
        Ok(sheet) => {
            json!({"schema": SCHEMA, "id": id, "subject": sheet.subject, "facts": sheet.facts})
        }
        Err(refusal) => error(&id, &refusal),
    }
}

fn error(id: &Value, Refusal(kind, message): &Refusal) -> Value {
    json!({"schema": SCHEMA, "id": id, "error": {"kind": kind, "message": message}})
}

fn parse(text: &str) -> Result<Request, Refusal> {
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|why| Refusal("bad-line", why.to_string()));
    }
    release(text)?;
    let name = Some(text.to_owned());
    Ok(Request { id: name.clone(), release: name, archive: None, sha256: None, model: None })
}

fn release(text: &str) -> Result<(&str, &str), Refusal> {
    text.split_once('@')
        .filter(|(name, version)| !name.is_empty() && !version.is_empty())
        .ok_or_else(|| {
            Refusal("bad-line", "the line is neither NAME@VERSION nor a JSON object".to_owned())
        })
}

fn measure(request: &Request, options: &Options) -> Result<FactSheet, Refusal> {
    match (&request.model, &request.release, &request.archive, &request.sha256) {
        (Some(model), None, None, None) => of_model(Path::new(model)),
        (None, Some(spec), None, None) => of_release(spec, options),
        (None, Some(spec), Some(archive), Some(sha256)) => {
            of_archive(spec, Path::new(archive), sha256)
        }
        _ => Err(Refusal(
            "bad-line",
            "wanted is `model`, or `crate`, or `crate` with `archive` and `sha256`".to_owned(),
        )),
    }
}

fn of_model(path: &Path) -> Result<FactSheet, Refusal> {
    let facts = model_files::measure(path).map_err(|why| Refusal("model", why.to_string()))?;
    let mut sheet = FactSheet::new(audit::model_subject(path));
    sheet.put(model_files::GROUP, &facts);
    Ok(sheet)
}

fn of_release(spec: &str, options: &Options) -> Result<FactSheet, Refusal> {
    let unavailable = |why: collectors::GatherError| Refusal("unavailable", why.to_string());
    let (name, version) = release(spec)?;
    let graph = collectors::single(name, version, options).map_err(unavailable)?;
    let gathered = collectors::gather(&graph, options).map_err(unavailable)?;
    let first = gathered.sheets.into_iter().next();
    first.ok_or_else(|| Refusal("internal", "nothing was measured".to_owned()))
}

fn of_archive(spec: &str, path: &Path, sha256: &str) -> Result<FactSheet, Refusal> {
    let unread = |why: &dyn std::fmt::Display| Refusal("archive", why.to_string());
    let (name, version) = release(spec)?;
    // Opening a pipe or a device would wait for ever.
    if !path.is_file() {
        return Err(unread(&"it is no regular file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|why| unread(&why))?;
    file.take(ARCHIVE_BYTES + 1).read_to_end(&mut bytes).map_err(|why| unread(&why))?;
    if bytes.len() as u64 > ARCHIVE_BYTES {
        return Err(unread(&format!("it has more than {ARCHIVE_BYTES} bytes")));
    }
    let found = hex(&Sha256::digest(&bytes));
    if !found.eq_ignore_ascii_case(sha256) {
        return Err(Refusal("hash-mismatch", format!("its SHA-256 is {found}")));
    }
    let look = close_look::read(name, version, &bytes).map_err(|why| unread(&why))?;
    let mut sheet = FactSheet::new(Subject::registry_crate(name, version));
    look.put(&mut sheet);
    Ok(sheet)
}
