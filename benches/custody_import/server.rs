//! A loopback host of static files, index, archives and API: files with ranges or without, everything else out of
//! a closure; it counts what it gives.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// What a server gives to a path.
pub enum Given {
    /// A file; in parts where `true`.
    File(PathBuf, bool),
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing.
    Missing,
}

type Answers = dyn Fn(&str) -> Given + Send + Sync;

/// Running until the process ends.
pub struct Server {
    /// `http://127.0.0.1:PORT/`.
    pub base: String,
    /// Bytes of bodies that were sent.
    pub bytes: Arc<AtomicU64>,
    /// Requests.
    pub requests: Arc<AtomicU64>,
    /// Requests of the API.
    pub api: Arc<AtomicU64>,
}

impl Server {
    /// Answers as the closure says.
    pub fn start(answers: impl Fn(&str) -> Given + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let base = format!("http://{}/", listener.local_addr()?);
        let answers: Arc<Answers> = Arc::new(answers);
        let server =
            Self { base, bytes: Arc::default(), requests: Arc::default(), api: Arc::default() };
        let counts =
            (Arc::clone(&server.bytes), Arc::clone(&server.requests), Arc::clone(&server.api));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                let (bytes, requests, api) = counts.clone();
                thread::spawn(move || {
                    requests.fetch_add(1, Ordering::Relaxed);
                    // A client that goes away is its own affair.
                    let _ = serve(stream, &*answers, &bytes, &api);
                });
            }
        });
        Ok(server)
    }
}

fn serve(
    mut stream: TcpStream,
    answers: &Answers,
    bytes: &AtomicU64,
    api: &AtomicU64,
) -> io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("").to_owned();
    api.fetch_add(u64::from(path.starts_with("/api/")), Ordering::Relaxed);
    let range = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let range = range.and_then(|text| {
        let (from, to) = text.trim().split_once('-')?;
        Some((from.parse::<u64>().ok()?, to.parse::<u64>().ok()?))
    });
    match answers(&path) {
        Given::Missing => stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        Given::Bytes(_) if head.to_lowercase().contains("if-none-match: \"one\"") => stream
            .write_all(b"HTTP/1.1 304 Not Modified\r\netag: \"one\"\r\nconnection: close\r\n\r\n"),
        Given::Bytes(body) => {
            let kind = match path.as_str() {
                json if json.starts_with("/api/")
                    || std::path::Path::new(json)
                        .extension()
                        .is_some_and(|ending| ending == "json") =>
                {
                    "application/json"
                }
                index if index.starts_with("/index/") => "text/plain",
                _ => "application/gzip",
            };
            // As the default registry says of its index.
            let lasts = if path.starts_with("/index/") { "public,max-age=600" } else { "no-cache" };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\netag: \"one\"\r\ncache-control: {lasts}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes())?;
            bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
            stream.write_all(&body)
        }
        Given::File(file, parts) => {
            let mut file = File::open(file)?;
            let size = file.metadata()?.len();
            let (from, to) = range.filter(|_| parts).unwrap_or((0, size.saturating_sub(1)));
            let length = to.min(size.saturating_sub(1)) + 1 - from;
            let status = if parts && range.is_some() {
                format!("206 Partial Content\r\ncontent-range: bytes {from}-{to}/{size}")
            } else {
                "200 OK".to_owned()
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\netag: \"one\"\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes())?;
            file.seek(SeekFrom::Start(from))?;
            let sent = io::copy(&mut file.take(length), &mut stream)?;
            bytes.fetch_add(sent, Ordering::Relaxed);
            Ok(())
        }
    }
}
