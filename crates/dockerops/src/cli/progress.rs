//! Progress of a run: live lines on a terminal, a quiet line per step otherwise.
//!
//! On a terminal each service has one line with its tasks and the time passed;
//! without one (cron, CI) a line is printed only when something changes.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::output::harmless;
use crate::reconcile::progress::{Event, Progress};

/// Shows events on stderr.
pub(super) struct Shown {
    live: Option<MultiProgress>,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    bars: BTreeMap<String, ProgressBar>,
    said: BTreeMap<String, String>,
}

impl Shown {
    pub(super) fn new() -> Self {
        let live = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        Self {
            live: live.then(MultiProgress::new),
            lines: Mutex::default(),
        }
    }

    /// Removes what is live, so that the summary starts on a clean screen.
    pub(super) fn clear(&self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for bar in std::mem::take(&mut lines.bars).into_values() {
            bar.finish_and_clear();
        }
    }

    fn show(&self, key: &str, line: &str) {
        let line = &*harmless(line);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = &self.live {
            let bar = lines
                .bars
                .entry(key.to_owned())
                .or_insert_with(|| live_line(live));
            bar.set_message(line.to_owned());
        } else if lines.said.get(key).is_none_or(|said| said != line) {
            lines.said.insert(key.to_owned(), line.to_owned());
            let _closed = writeln!(anstream::stderr().lock(), "{line}");
        }
    }

    fn done(&self, key: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = lines.bars.remove(key) {
            bar.finish_and_clear();
        }
    }
}

fn live_line(live: &MultiProgress) -> ProgressBar {
    let bar = live.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

impl Progress for Shown {
    fn event(&self, event: Event) {
        match event {
            Event::Fetching { url } if self.live.is_some() => {
                self.show(&url, &format!("fetching {url}"));
            }
            Event::Fetched { url, .. } => self.done(&url),
            Event::Pulling { image } => self.show(&image, &format!("pulling {image}")),
            Event::Pulled { image } => self.done(&image),
            Event::Applying { stack, what } => {
                self.show(stack.as_str(), &format!("{stack}: {what}"));
            }
            Event::Rollout {
                service,
                running,
                wanted,
                note,
            } => {
                let note = if note.is_empty() {
                    String::new()
                } else {
                    format!("  {note}")
                };
                self.show(
                    &service,
                    &format!("{service}  {running}/{wanted} tasks{note}"),
                );
            }
            Event::Finished { stack, services } => {
                for service in &services {
                    self.done(service);
                }
                self.done(stack.as_str());
            }
            Event::Fetching { .. } => {}
        }
    }
}
