//! What tasks wrote: `GET /services/{id}/logs` and `GET /tasks/{id}/logs` → lines.
//!
//! The lines are an application's own words. What leads them (`details`) may hold labels
//! and variables of the container, of which only the ids of task and node are kept.

use dockerops_core::observed::Moment;
use reqwest::Response;
use tokio::sync::mpsc;

use super::client::{Call, Client, segment};
use super::error::EngineError;

/// How many lines may wait to be read.
const WAITING: usize = 64;

/// Longer lines are cut: nobody reads them, and a container could fill the memory.
const LONGEST: usize = 64 * 1024;

/// Which lines to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRequest {
    /// Whose.
    pub of: LogSource,
    /// The last so many of each task; all when not said.
    pub tail: Option<u64>,
    /// Only those since then.
    pub since: Option<Moment>,
    /// Whether to go on with lines as they are written.
    pub follow: bool,
}

/// Whose lines to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSource {
    /// Of all tasks of a service, by its id or name.
    Service(String),
    /// Of one task, by its id.
    Task(String),
}

/// Where a line was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output, and everything of a service with a terminal.
    Stdout,
    /// Standard error.
    Stderr,
    /// By the engine itself: why lines are missing.
    Engine,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Where it was written to.
    pub stream: LogStream,
    /// The id of the task that wrote it; empty for the engine's own.
    pub task: String,
    /// The id of the node that the task ran on.
    pub node: String,
    /// When, RFC 3339; empty for the engine's own.
    pub at: String,
    /// The line, without its end. Not checked: it may hold control characters.
    pub text: String,
}

/// Lines as they come. An error is the last item; the channel closes at the end.
pub type LogLines = mpsc::Receiver<Result<LogLine, EngineError>>;

/// Asks for lines.
pub(super) async fn read(client: &Client, request: &LogRequest) -> Result<LogLines, EngineError> {
    let (path, name) = match &request.of {
        LogSource::Service(id) => (format!("/services/{}/logs", segment(id)), id),
        LogSource::Task(id) => (format!("/tasks/{}/logs", segment(id)), id),
    };
    let tail = request
        .tail
        .map_or("all".to_owned(), |tail| tail.to_string());
    let mut call = Call::get(&path).about(name).query("tail", tail);
    for switch in ["stdout", "stderr", "details", "timestamps"] {
        call = call.query(switch, "1");
    }
    if let Some(Moment(since)) = request.since {
        let since = format!("{}.{:09}", since.as_secs(), since.subsec_nanos());
        call = call.query("since", since);
    }
    if request.follow {
        call = call.query("follow", "1");
    }
    let response = client.send(call).await?;
    Ok(forward(response, format!("GET {path}")))
}

/// Reads until the stream or the receiver ends.
fn forward(mut response: Response, doing: String) -> LogLines {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let mut frames = Frames::default();
        loop {
            let chunk = tokio::select! {
                chunk = response.chunk() => chunk,
                () = sender.closed() => return,
            };
            let lines = match chunk {
                Ok(Some(bytes)) => frames.add(&bytes),
                Ok(None) => frames.end(),
                Err(error) => {
                    let source = error.into();
                    let _ = sender
                        .send(Err(EngineError::BadAnswer { doing, source }))
                        .await;
                    return;
                }
            };
            let is_end = frames.is_ended;
            for line in lines {
                if sender.send(Ok(line)).await.is_err() {
                    return;
                }
            }
            if is_end {
                return;
            }
        }
    });
    receiver
}

/// Bytes of an answer → lines. Without a terminal each line comes in a frame: one byte for
/// the stream, three zeros, four bytes for its length. With one there are only lines.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    is_ended: bool,
}

impl Frames {
    fn add(&mut self, bytes: &[u8]) -> Vec<LogLine> {
        self.bytes.extend(bytes);
        let mut lines = Vec::new();
        while let Some((stream, line)) = self.next() {
            lines.push(LogLine::parse(stream, &line));
        }
        lines
    }

    /// What is left is a line without an end.
    fn end(&mut self) -> Vec<LogLine> {
        self.is_ended = true;
        let rest = std::mem::take(&mut self.bytes);
        let is_line = !rest.is_empty() && header(&rest).is_none();
        let line = is_line.then(|| LogLine::parse(LogStream::Stdout, &rest));
        line.into_iter().collect()
    }

    fn next(&mut self) -> Option<(LogStream, Vec<u8>)> {
        if could_be_header(&self.bytes) {
            let (stream, length) = header(&self.bytes)?;
            let whole = self.bytes.len() >= 8 + length;
            return whole.then(|| (stream, self.bytes.drain(..8 + length).skip(8).collect()));
        }
        let end = self.bytes.iter().position(|byte| *byte == b'\n');
        let end = end.or((self.bytes.len() > LONGEST).then_some(LONGEST))?;
        Some((LogStream::Stdout, self.bytes.drain(..=end).collect()))
    }
}

/// No line of a service with a terminal begins so: the moment that leads it is text.
fn could_be_header(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| *first < 4)
}

fn header(bytes: &[u8]) -> Option<(LogStream, usize)> {
    let [stream, 0, 0, 0, a, b, c, d, ..] = bytes else {
        return None;
    };
    let stream = match stream {
        0 | 1 => LogStream::Stdout,
        2 => LogStream::Stderr,
        3 => LogStream::Engine,
        _ => return None,
    };
    let length = u32::from_be_bytes([*a, *b, *c, *d]);
    Some((stream, usize::try_from(length).ok()?))
}

impl LogLine {
    /// `2026-01-01T00:00:00.5Z com.docker.swarm.node.id=a,com.docker.swarm.task.id=b the line`
    fn parse(stream: LogStream, line: &[u8]) -> Self {
        let line = String::from_utf8_lossy(line.get(..LONGEST).unwrap_or(line));
        let line = line.trim_end_matches(['\n', '\r']);
        let mut words = line.splitn(3, ' ');
        let (at, details, text) = (words.next(), words.next(), words.next());
        match (at, details, text) {
            (Some(at), Some(details), Some(text)) if stream != LogStream::Engine => Self {
                stream,
                task: detail(details, "com.docker.swarm.task.id"),
                node: detail(details, "com.docker.swarm.node.id"),
                at: at.to_owned(),
                text: text.to_owned(),
            },
            _ => Self {
                stream,
                task: String::new(),
                node: String::new(),
                at: String::new(),
                text: line.to_owned(),
            },
        }
    }
}

fn detail(details: &str, key: &str) -> String {
    let mut pairs = details.split(',').filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(name, _)| *name == key);
    found.map_or(String::new(), |(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-01-01T00:00:00.5Z";
    const DETAILS: &str =
        "com.docker.swarm.node.id=n1,com.docker.swarm.service.id=s1,com.docker.swarm.task.id=t1";

    fn frame(stream: u8, text: &str) -> Vec<u8> {
        let mut frame = vec![stream, 0, 0, 0];
        frame.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        frame.extend(text.as_bytes());
        frame
    }

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut frames = Frames::default();
        let mut lines: Vec<_> = pieces.iter().flat_map(|piece| frames.add(piece)).collect();
        lines.extend(frames.end());
        let say = |line: &LogLine| {
            format!(
                "{:?} {} {}: {}",
                line.stream, line.task, line.node, line.text
            )
        };
        lines.iter().map(say).collect()
    }

    #[test]
    fn frames_become_lines_however_they_are_cut() {
        let mut bytes = frame(1, &format!("{AT} {DETAILS} hello  world\n"));
        bytes.extend(frame(2, &format!("{AT} {DETAILS} \n")));
        bytes.extend(frame(3, "Error grabbing logs: no reader\n"));
        let expected = [
            "Stdout t1 n1: hello  world",
            "Stderr t1 n1: ",
            "Engine  : Error grabbing logs: no reader",
        ];
        assert_eq!(lines(&[&bytes]), expected);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(lines(&single), expected);
    }

    #[test]
    fn lines_of_a_terminal_come_without_frames() {
        let text = format!("{AT} {DETAILS} one\r\n{AT} {DETAILS} two");
        assert_eq!(
            lines(&[text.as_bytes()]),
            ["Stdout t1 n1: one", "Stdout t1 n1: two"]
        );
    }

    #[test]
    fn what_details_say_besides_ids_is_dropped() {
        let text = format!("{AT} PASSWORD=hunter2,{DETAILS} ready\n");
        let line = LogLine::parse(LogStream::Stdout, text.as_bytes());
        assert_eq!((line.text.as_str(), line.task.as_str()), ("ready", "t1"));
        assert!(!format!("{line:?}").contains("hunter2"));
    }
}
