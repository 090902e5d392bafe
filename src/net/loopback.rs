//! A server on 127.0.0.1 for tests: answers every request as the test says, faults included.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server does with one request.
pub(crate) enum Reply {
    /// Writes these bytes and closes.
    Raw(Vec<u8>),
    /// Says nothing until the client gives up.
    Stall,
}

impl Reply {
    /// A well-formed answer.
    pub(crate) fn ok(kind: &str, extra: &str, body: &[u8]) -> Self {
        Self::status("200 OK", kind, extra, body)
    }

    /// A well-formed answer with any status.
    pub(crate) fn status(status: &str, kind: &str, extra: &str, body: &[u8]) -> Self {
        let mut out = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n{extra}\r\n",
            body.len()
        )
        .into_bytes();
        out.extend_from_slice(body);
        Self::Raw(out)
    }
}

/// A running server; it ends with the test's process.
pub(crate) struct Loopback {
    /// `http://127.0.0.1:PORT/`.
    pub(crate) base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Loopback {
    /// Starts a server. `answer` gets the path and the number of requests before this one.
    pub(crate) fn start(answer: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_heads(move |head, before| answer(head.split(' ').nth(1).unwrap_or(""), before))
    }

    /// The same; `answer` gets the whole head of the request, its names in lower case.
    pub(crate) fn with_heads(
        answer: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Self { base, requests }
    }

    /// The heads of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    answer: &(dyn Fn(&str, usize) -> Reply + Send + Sync),
) {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let before = {
        let mut seen = seen.lock().unwrap();
        seen.push(head.clone());
        seen.len() - 1
    };
    match answer(&head, before) {
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        Reply::Stall => {
            let _ = stream.read(&mut byte);
        }
    }
}
