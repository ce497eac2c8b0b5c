//! A socket in front of an engine that writes down every request: whole, what could change
//! something; by its path, what only reads.
//!
//! Bytes pass through unchanged in both directions, so streams and taken-over connections work.
//! Only what the client sends is read along: request line, headers, body.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;

use crate::error::{Doing, LabError};

/// A request other than `GET` and `HEAD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// `POST`, `DELETE`…
    pub method: String,
    /// Path and query, without the leading `/v1.41`.
    pub path: String,
    /// The body, chunks put together.
    pub body: Vec<u8>,
}

impl Write {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A recording socket; dropping it removes the socket.
#[derive(Debug)]
pub struct Recorder {
    socket: PathBuf,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    writes: Vec<Write>,
    reads: Vec<String>,
}

impl Recorder {
    /// Records what goes to `engine`, on a new socket in `folder`.
    pub(crate) fn start(folder: &Path, engine: &Path) -> Result<Self, LabError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let socket = folder.join(format!("r{}-{number}.sock", std::process::id()));
        let listener = UnixListener::bind(&socket)
            .doing(|| format!("cannot listen on `{}`", socket.display()))?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (engine, record) = (engine.to_owned(), Arc::clone(&seen));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (engine, record) = (engine.clone(), Arc::clone(&record));
                thread::spawn(move || serve(client, &engine, &record));
            }
        });
        Ok(Self { socket, seen })
    }

    /// The socket to use in the engine's place.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What `DOCKER_HOST` must be to go through it.
    pub fn docker_host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Every write so far, in the order of their arrival.
    pub fn writes(&self) -> Vec<Write> {
        self.seen().writes.clone()
    }

    /// How many writes there were so far.
    pub fn count(&self) -> usize {
        self.seen().writes.len()
    }

    /// The path and query of every `GET` and `HEAD` so far, in the order of their arrival.
    pub fn reads(&self) -> Vec<String> {
        self.seen().reads.clone()
    }

    /// Forgets what was recorded.
    pub fn clear(&self) {
        *self.seen() = Seen::default();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
    }
}

/// Passes requests on, each recorded before the engine sees it.
fn serve(client: UnixStream, engine: &Path, record: &Mutex<Seen>) -> io::Result<()> {
    let mut engine = UnixStream::connect(engine)?;
    let (mut answers, mut back) = (engine.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut answers, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut client = BufReader::new(client);
    while let Some(request) = read_request(&mut client)? {
        note(
            request.write,
            &mut record.lock().unwrap_or_else(PoisonError::into_inner),
        );
        engine.write_all(&request.raw)?;
        if request.upgrade {
            io::copy(&mut client, &mut engine)?;
            break;
        }
    }
    engine.shutdown(Shutdown::Write)
}

fn note(request: Write, seen: &mut Seen) {
    match request.method.as_str() {
        "GET" | "HEAD" => seen.reads.push(request.path),
        _ => seen.writes.push(request),
    }
}

struct Request {
    /// As it came, to be passed on.
    raw: Vec<u8>,
    write: Write,
    /// Whether the client takes the connection over after it.
    upgrade: bool,
}

/// The next request, or none at the end of the connection.
fn read_request(from: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut raw = Vec::new();
    while !raw.ends_with(b"\r\n\r\n") {
        if from.read_until(b'\n', &mut raw)? == 0 {
            return Ok(None);
        }
    }
    let head = String::from_utf8_lossy(&raw).into_owned();
    let length = header(&head, "content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let body = if header(&head, "transfer-encoding").is_some_and(|kind| kind.contains("chunked")) {
        read_chunks(from, &mut raw)?
    } else {
        read_exactly(from, length, &mut raw)?
    };
    let mut words = head.split(' ').map(ToOwned::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let write = Write {
        method,
        path: without_version(&path),
        body,
    };
    Ok(Some(Request {
        raw,
        write,
        upgrade: header(&head, "upgrade").is_some(),
    }))
}

fn read_exactly(from: &mut impl Read, length: usize, raw: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    raw.extend_from_slice(&body);
    Ok(body)
}

fn read_chunks(from: &mut impl BufRead, raw: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        raw.extend_from_slice(line.as_bytes());
        let size = usize::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16);
        let size = size.map_err(io::Error::other)?;
        body.extend(read_exactly(from, size, raw)?);
        read_exactly(from, 2, raw)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn without_version(path: &str) -> String {
    let versioned = path
        .strip_prefix("/v")
        .filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    let rest = versioned.and_then(|rest| rest.find('/').and_then(|slash| rest.get(slash..)));
    rest.unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Request {
        read_request(&mut text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_chunked_body_is_put_together_and_passed_on_as_it_came() {
        let text = "POST /v1.41/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let request = read(text);
        assert_eq!(
            request.write,
            Write {
                method: "POST".into(),
                path: "/x".into(),
                body: b"abcde".to_vec()
            }
        );
        assert_eq!(request.raw, text.as_bytes());
    }

    #[test]
    fn a_body_ends_where_its_length_says() {
        let request = read("DELETE /volumes/v1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nokGET /next");
        assert_eq!(
            (request.write.path.as_str(), request.write.body.as_slice()),
            ("/volumes/v1", &b"ok"[..])
        );
        assert!(!request.upgrade);
    }
}
