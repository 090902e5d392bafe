//! A git server on 127.0.0.1: `git http-backend` behind a few lines of HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What it does with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Serves the repositories.
    Honest,
    /// Sends everybody to another address.
    Redirects,
    /// Never ends its answer.
    Endless,
}

/// Serves bare repositories below a folder, in threads of its own.
pub struct Server {
    pub base: String,
    /// Requests, each as `METHOD PATH`.
    pub asked: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicUsize>,
}

impl Server {
    pub fn start(root: &Path, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let sent = Arc::new(AtomicUsize::new(0));
        let (heard, counted, root) = (Arc::clone(&asked), Arc::clone(&sent), root.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (heard, counted, root) =
                    (Arc::clone(&heard), Arc::clone(&counted), root.clone());
                // A client that goes away is none of a test's business.
                thread::spawn(move || answer(stream, &root, manner, &heard, &counted));
            }
        });
        Self { base, asked, sent }
    }

    /// Bytes that were sent as bodies.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> usize {
        self.asked.lock().expect("not poisoned").len()
    }
}

fn answer(
    mut stream: TcpStream,
    root: &Path,
    manner: Manner,
    heard: &Mutex<Vec<String>>,
    counted: &AtomicUsize,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let header = |name: &str| {
        headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    };
    heard.lock().ok()?.push(format!("{method} {target}"));
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    match manner {
        Manner::Honest => {}
        Manner::Redirects => {
            let text = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/o/n.git/info/refs\r\n\
                        Content-Length: 0\r\nConnection: close\r\n\r\n";
            return stream.write_all(text.as_bytes()).ok();
        }
        Manner::Endless => {
            let text = "HTTP/1.1 200 OK\r\nConnection: close\r\n\
                        Content-Type: application/x-git-upload-pack-advertisement\r\n\r\n";
            stream.write_all(text.as_bytes()).ok()?;
            // Ends when the client goes away.
            let _ = std::io::copy(&mut reader, &mut std::io::sink());
            return None;
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let output = backend(root, &method, path, query, &header, &body)?;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n")?;
    let told = String::from_utf8_lossy(&output[..end]).into_owned();
    let status = told.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let body = &output[end + 4..];
    counted.fetch_add(body.len(), Ordering::SeqCst);
    let text = format!(
        "HTTP/1.1 {status}\r\n{told}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(text.as_bytes()).ok()?;
    stream.write_all(body).ok()
}

fn backend<'h>(
    root: &Path,
    method: &str,
    path: &str,
    query: &str,
    header: &dyn Fn(&str) -> &'h str,
    body: &[u8],
) -> Option<Vec<u8>> {
    let mut child = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(body).ok()?;
    Some(child.wait_with_output().ok()?.stdout)
}

/// Puts a repository below the folder of a server, and allows what hosts allow.
pub fn publish(from: &crate::sample::Sample, root: &Path, name: &str) -> PathBuf {
    let bare = root.join(format!("owner/{name}.git"));
    let text = bare.to_str().expect("UTF-8").to_owned();
    from.git(&["clone", "-q", "--bare", ".", &text]);
    for setting in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
        from.git(&["--git-dir", &text, "config", setting, "true"]);
    }
    bare
}
