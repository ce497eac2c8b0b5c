//! The status in words: a line a repository, stack, service and task, and below each why.

use std::time::Duration;

use anstyle::Style;
use dockerops_core::health::Status;
use dockerops_core::report::Problem;
use dockerops_core::revision::short;
use dockerops_core::status::{RepositoryStatus, ServiceStatus, StackStatus, Sync, TaskStatus};

use crate::cli::styled::{BAD, CARE, FAINT, NEW, PLAIN, STRONG, Styled, shortened, wrapped};
use crate::cli::summary::digests_cut;
use crate::moment::{coarse, moment};

/// The whole status; lines have at most `width` characters.
pub(super) fn text(all: &[RepositoryStatus], width: Option<usize>) -> Styled {
    let mut shown = Shown {
        text: Styled::default(),
        width,
    };
    for status in all {
        shown.repository(status);
    }
    if all.is_empty() {
        let hint = "No repository is watched: `dockerops watch <url>` deploys one.";
        shown.text.line(PLAIN, hint);
    }
    shown.text
}

struct Shown {
    text: Styled,
    width: Option<usize>,
}

impl Shown {
    fn repository(&mut self, status: &RepositoryStatus) {
        let url = match status.url.as_str() {
            "file" => "compose files, by `dockerops deploy`",
            url => url,
        };
        self.text.line(STRONG, url);
        if let Some(commit) = &status.commit {
            let revision = short(&commit.revision);
            let line = format!("  {revision} {} ({})", commit.subject, commit.author);
            self.text.line(FAINT, shortened(&line, self.width));
        }
        if let Some(since) = &status.suspended {
            self.why(2, CARE, &format!("suspended since {}", moment(since)));
        }
        if let Some(problem) = &status.problem {
            self.problem(2, problem);
        }
        if status.outdated_files > 0 {
            let line = match status.outdated_files {
                1 => "1 file of a binding differs".to_owned(),
                n => format!("{n} files of bindings differ"),
            };
            self.why(2, CARE, &line);
        }
        let told = status.suspended.is_some();
        status
            .stacks
            .iter()
            .for_each(|stack| self.stack(stack, told));
        if status.stacks.is_empty() && status.problem.is_none() {
            self.text.line(FAINT, "  no stack");
        }
    }

    /// One stack; `told` is whether why nothing is done to it has been said.
    fn stack(&mut self, status: &StackStatus, told: bool) {
        let (style, word) = match (&status.suspended, status.sync) {
            (Some(_), _) => (CARE, "suspended"),
            (None, Sync::InSync) => (NEW, "in sync"),
            (None, Sync::OutOfSync) => (CARE, "OUT OF SYNC"),
            (None, Sync::Unknown) => (CARE, "sync unknown"),
        };
        self.text.add(STRONG, format!("  {}", status.name));
        self.text.add(style, format!("  {word}"));
        let (style, word) = health(status.health);
        self.text.add(style, format!("  {word}"));
        if let Some(run) = &status.last_run {
            let last = format!(
                "  run {}: {} {}",
                run.id,
                run.outcome,
                moment(&run.ended_at)
            );
            self.text.add(FAINT, last);
        }
        self.text.end();
        if let Some(suspended) = status.suspended.as_ref().filter(|_| !told) {
            self.why(4, CARE, suspended);
        }
        if let Some(held) = &status.held {
            self.problem(4, held);
            if let Some(since) = &status.held_since {
                self.why(4, PLAIN, &format!("since {}", moment(since)));
            }
        }
        if let Some(difference) = &status.difference {
            self.why(4, PLAIN, difference);
        }
        status
            .services
            .iter()
            .for_each(|service| self.service(service));
    }

    fn service(&mut self, status: &ServiceStatus) {
        let (style, word) = health(status.health);
        let image = status.image.as_deref().map(digests_cut).unwrap_or_default();
        let count = format!("{}/{}", status.running, status.wanted);
        let used = 4 + status.name.chars().count() + 2 + count.len() + 2 + word.len() + 2;
        let room = self.width.map(|width| width.saturating_sub(used).max(16));
        self.text
            .add(PLAIN, format!("    {}  {count}  ", status.name));
        self.text.add(style, word);
        self.text
            .line(FAINT, format!("  {}", shortened(&image, room)).trim_end());
        if let Some(reason) = &status.reason {
            self.why(6, style, reason);
        } else if status.health == Status::Progressing {
            self.why(6, PLAIN, &status.doing);
        }
        if let Some(hint) = &status.hint {
            self.why(6, PLAIN, &format!("hint: {hint}"));
        }
        status.tasks.iter().for_each(|task| self.task(status, task));
    }

    fn task(&mut self, service: &ServiceStatus, task: &TaskStatus) {
        let slot = match task.slot {
            0 => String::new(),
            slot => format!("{slot}  "),
        };
        let node = task.node.as_deref().unwrap_or("no node");
        let age = coarse(Duration::from_secs(task.age));
        self.text
            .add(FAINT, format!("      {slot}{node}  {}  {age}", task.state));
        // What a task says is often what the service says of it.
        let said = service.reason.as_deref().unwrap_or_default();
        if let Some(error) = task
            .error
            .as_ref()
            .filter(|error| !said.contains(error.as_str()))
        {
            self.text.end();
            self.why(8, PLAIN, error);
        } else {
            self.text.end();
        }
    }

    fn problem(&mut self, indent: usize, problem: &Problem) {
        self.why(indent, BAD, &problem.message);
        for detail in problem.details.iter().flat_map(|detail| detail.lines()) {
            self.text
                .line(PLAIN, format!("{:indent$}{detail}", "").trim_end());
        }
        if let Some(hint) = &problem.hint {
            self.why(indent, PLAIN, &format!("hint: {hint}"));
        }
    }

    fn why(&mut self, indent: usize, style: Style, words: &str) {
        let words = wrapped(words, indent, self.width);
        self.text.line(style, format!("{:indent$}{words}", ""));
    }
}

/// What is not well is in capitals: colour alone says nothing.
fn health(status: Status) -> (Style, &'static str) {
    match status {
        Status::Healthy => (NEW, "healthy"),
        Status::Progressing => (CARE, "progressing"),
        Status::Suspended => (CARE, "UPDATE PAUSED"),
        Status::Missing => (BAD, "MISSING"),
        Status::Degraded => (BAD, "DEGRADED"),
        Status::Unknown => (BAD, "UNKNOWN"),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
