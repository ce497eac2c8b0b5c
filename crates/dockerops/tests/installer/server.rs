//! A host of releases, with the addresses that GitHub has, that can misbehave.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::release::Release;

/// What becomes of a file that is asked for.
#[derive(Clone)]
enum Answer {
    Whole(Vec<u8>),
    /// Half of it, then the connection ends.
    Half(Vec<u8>),
    /// Half of it, then silence.
    Stuck(Vec<u8>),
    Redirect(String),
}

/// Serves until the test's process ends.
pub(crate) struct Server {
    address: String,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A host with these releases, the last being the newest.
    pub(crate) fn with(releases: &[Release]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            answers: Arc::default(),
            asked: Arc::default(),
        };
        for release in releases {
            server.add(release);
        }
        let (answers, asked) = (Arc::clone(&server.answers), Arc::clone(&server.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                std::thread::spawn(move || serve(stream, &answers, &asked));
            }
        });
        server
    }

    /// What `DOCKEROPS_RELEASES` is to be.
    pub(crate) fn address(&self) -> String {
        format!("{}/releases", self.address)
    }

    /// Adds a release, which becomes the newest.
    pub(crate) fn add(&self, release: &Release) {
        let mut answers = self.answers.lock().unwrap();
        let tag = &release.version;
        for (name, file) in &release.files {
            answers.insert(download(tag, name), Answer::Whole(file.clone()));
        }
        let page = format!("/releases/tag/{tag}");
        answers.insert(page.clone(), Answer::Whole(Vec::new()));
        answers.insert("/releases/latest".to_owned(), Answer::Redirect(page));
    }

    /// The connection breaks in the middle of this file.
    pub(crate) fn break_off(&self, tag: &str, name: &str) {
        self.change(tag, name, Answer::Half);
    }

    /// The connection falls silent in the middle of this file.
    pub(crate) fn get_stuck(&self, tag: &str, name: &str) {
        self.change(tag, name, Answer::Stuck);
    }

    fn change(&self, tag: &str, name: &str, how: impl Fn(Vec<u8>) -> Answer) {
        let mut answers = self.answers.lock().unwrap();
        let answer = answers.get_mut(&download(tag, name)).unwrap();
        if let Answer::Whole(file) = answer.clone() {
            *answer = how(file);
        }
    }

    /// How often a file of this name was asked for.
    pub(crate) fn times_asked(&self, name: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|path| path.ends_with(name)).count()
    }
}

fn download(tag: &str, name: &str) -> String {
    format!("/releases/download/{tag}/{name}")
}

/// One request a connection.
fn serve(
    mut stream: TcpStream,
    answers: &Mutex<BTreeMap<String, Answer>>,
    asked: &Mutex<Vec<String>>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else {
        return;
    };
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = answers.lock().unwrap().get(&path).cloned();
    asked.lock().unwrap().push(path);
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n")
    };
    let (head, body) = match &answer {
        None => (head("404 Not Found", 0, ""), &[][..]),
        Some(Answer::Redirect(to)) => (
            head("302 Found", 0, &format!("Location: {to}\r\n")),
            &[][..],
        ),
        Some(Answer::Whole(file)) => (head("200 OK", file.len(), ""), &file[..]),
        Some(Answer::Half(file) | Answer::Stuck(file)) => {
            (head("200 OK", file.len(), ""), &file[..file.len() / 2])
        }
    };
    let body = if request.starts_with("HEAD ") {
        &[]
    } else {
        body
    };
    // The client may have been killed meanwhile.
    let _gone = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body));
    if matches!(answer, Some(Answer::Stuck(_))) {
        std::thread::sleep(Duration::from_secs(60));
    }
}
