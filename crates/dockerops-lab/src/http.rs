//! The smallest HTTP client that talks to a unix socket: one request, one answer.
//!
//! HTTP/1.0, so that the server neither chunks its answer nor keeps the connection open.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Doing, LabError};

/// An answer of status 200 to 399.
#[derive(Debug)]
pub struct Answer {
    head: String,
    /// What follows the headers.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body read as JSON.
    pub fn json(&self) -> Result<Value, LabError> {
        serde_json::from_slice(&self.body).map_err(|_| LabError::Unreadable {
            what: format!("the answer `{}`", String::from_utf8_lossy(&self.body)),
        })
    }
}

/// `GET path`, as JSON where the answer is that.
pub fn get(socket: &Path, path: &str) -> Result<Answer, LabError> {
    request(socket, "GET", path, &[], &[])
}

/// Sends one request; an answer of status 400 and above is an error.
pub fn request(
    socket: &Path,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, LabError> {
    let raw = exchange(socket, method, path, headers, body)
        .doing(|| format!("{method} {path} got no answer from `{}`", socket.display()))?;
    let unreadable = || LabError::Unreadable {
        what: format!("the answer to {method} {path}"),
    };
    let end = raw
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or_else(unreadable)?;
    let head = String::from_utf8_lossy(raw.get(..end).unwrap_or_default()).into_owned();
    let body = raw.get(end + 4..).unwrap_or_default().to_vec();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .ok_or_else(unreadable)?;
    if status < 400 {
        return Ok(Answer { head, body });
    }
    let said = String::from_utf8_lossy(&body).trim().to_owned();
    Err(LabError::Http {
        method: method.to_owned(),
        path: path.to_owned(),
        status,
        said,
    })
}

fn exchange(
    socket: &Path,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut head = format!(
        "{method} {path} HTTP/1.0\r\nHost: lab\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head = head + name + ": " + value + "\r\n";
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
