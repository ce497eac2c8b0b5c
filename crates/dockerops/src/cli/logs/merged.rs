//! The lines of several services as one.
//!
//! What was written is put in the order of time; what is still being written comes as it comes.

use futures_util::future::{join_all, select_all};

use crate::engine::{EngineError, LogLine, LogLines};

type Item = Result<LogLine, EngineError>;

/// Lines of several services.
pub(super) struct Merged {
    follow: bool,
    sources: Vec<Source>,
}

struct Source {
    service: String,
    lines: LogLines,
    /// Its next line, when it is known.
    head: Option<Item>,
    ended: bool,
}

impl Merged {
    /// Of services that are still to be added.
    pub(super) fn new(follow: bool) -> Self {
        Self {
            follow,
            sources: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, service: &str, lines: LogLines) {
        self.sources.push(Source {
            service: service.to_owned(),
            lines,
            head: None,
            ended: false,
        });
    }

    /// The next line and its service; nothing at the end of all.
    pub(super) async fn next(&mut self) -> Option<(String, Item)> {
        if self.follow {
            return self.newest().await;
        }
        join_all(self.sources.iter_mut().map(Source::fill)).await;
        self.sources.retain(|source| source.head.is_some());
        let first = self.sources.iter_mut().min_by(|a, b| a.at().cmp(b.at()))?;
        Some((first.service.clone(), first.head.take()?))
    }

    async fn newest(&mut self) -> Option<(String, Item)> {
        loop {
            self.sources.retain(|source| !source.ended);
            if self.sources.is_empty() {
                return None;
            }
            let coming = self.sources.iter_mut().map(|source| {
                Box::pin(async {
                    let line = source.lines.recv().await;
                    source.ended = line.is_none();
                    line.map(|line| (source.service.clone(), line))
                })
            });
            if let (Some(line), ..) = select_all(coming).await {
                return Some(line);
            }
        }
    }
}

impl Source {
    async fn fill(&mut self) {
        if self.head.is_none() {
            self.head = self.lines.recv().await;
        }
    }

    /// The engine writes all times equally long; its own words have none and come at once.
    fn at(&self) -> &str {
        match &self.head {
            Some(Ok(line)) => &line.at,
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::engine::LogStream;

    fn line(at: &str) -> LogLine {
        LogLine {
            stream: LogStream::Stdout,
            task: "t".to_owned(),
            node: "n".to_owned(),
            at: at.to_owned(),
            text: at.to_owned(),
        }
    }

    fn source(times: &[&str]) -> (mpsc::Sender<Item>, LogLines) {
        let (sender, lines) = mpsc::channel(10);
        for at in times {
            sender.try_send(Ok(line(at))).unwrap();
        }
        (sender, lines)
    }

    #[tokio::test]
    async fn lines_of_several_services_come_in_the_order_of_time() {
        let mut merged = Merged::new(false);
        merged.add("a", source(&["1", "4"]).1);
        merged.add("b", source(&["2", "3", "5"]).1);
        let mut told = String::new();
        while let Some((service, line)) = merged.next().await {
            told += &format!("{service}{} ", line.unwrap().text);
        }
        assert_eq!(told, "a1 b2 b3 a4 b5 ");
    }

    #[tokio::test]
    async fn followed_lines_come_though_another_service_is_silent() {
        let mut merged = Merged::new(true);
        let (_silent, lines) = source(&[]);
        merged.add("a", lines);
        let (sender, lines) = source(&["1"]);
        merged.add("b", lines);
        assert_eq!(merged.next().await.unwrap().0, "b");
        sender.send(Ok(line("2"))).await.unwrap();
        drop(sender);
        assert_eq!(merged.next().await.unwrap().1.unwrap().text, "2");
    }
}
