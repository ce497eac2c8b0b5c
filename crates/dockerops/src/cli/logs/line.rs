//! One line of a log, with who wrote it in front.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use dockerops_core::names::StackName;
use dockerops_core::report::Problem;
use serde_json::json;

use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::styled::{FAINT, PLAIN, Styled};
use crate::engine::{EngineError, LogLine, LogStream, TaskFilter};

const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Yellow,
    AnsiColor::BrightCyan,
];

/// Who wrote what.
pub(super) struct Writers<'a> {
    session: &'a Session,
    prefix: String,
    timestamps: bool,
    /// By task id: the replica's number, 0 of global services, and its node.
    tasks: BTreeMap<String, (u64, String)>,
    /// In the order in which they first said something.
    services: Vec<String>,
}

impl<'a> Writers<'a> {
    pub(super) async fn new(
        session: &'a Session,
        stack: &StackName,
        timestamps: bool,
    ) -> Result<Self, Problem> {
        let mut writers = Self {
            session,
            prefix: format!("{stack}_"),
            timestamps,
            tasks: BTreeMap::new(),
            services: Vec::new(),
        };
        let learnt = writers.learn().await;
        learnt?;
        Ok(writers)
    }

    /// Reads which tasks there are, and where.
    async fn learn(&mut self) -> Result<(), EngineError> {
        let engine = &self.session.world.engine;
        let all = TaskFilter::default();
        let (tasks, nodes) = tokio::try_join!(engine.tasks(&all), engine.nodes())?;
        let names: BTreeMap<_, _> = nodes.into_iter().map(|n| (n.id, n.hostname)).collect();
        self.tasks.extend(tasks.into_iter().map(|task| {
            let node = names.get(&task.node_id).cloned().unwrap_or(task.node_id);
            (task.id, (task.slot, node))
        }));
        Ok(())
    }

    /// Shows `line`; false when nobody reads any more.
    pub(super) async fn write(&mut self, service: &str, line: &LogLine, out: &mut Output) -> bool {
        if !line.task.is_empty() && !self.tasks.contains_key(&line.task) {
            // A task that is new since; where it cannot be asked for, its id says enough.
            let _ = self.learn().await;
            let unknown = || (0, line.node.clone());
            self.tasks.entry(line.task.clone()).or_insert_with(unknown);
        }
        if line.stream == LogStream::Engine && !out.is_json() {
            out.warn(&format!("{service}: {}", line.text));
            return true;
        }
        let (slot, node) = self.tasks.get(&line.task).cloned().unwrap_or_default();
        let text = self.text(service, slot, &node, line);
        out.block(&text, as_json(service, slot, &node, line))
    }

    fn text(&mut self, service: &str, slot: u64, node: &str, line: &LogLine) -> Styled {
        let mut text = Styled::default();
        if self.timestamps {
            // To the millisecond.
            text.add(
                FAINT,
                format!("{}Z ", line.at.get(..23).unwrap_or(&line.at)),
            );
        }
        let colour = self.colour(service);
        let name = service.strip_prefix(&self.prefix).unwrap_or(service);
        let slot = match slot {
            0 => String::new(),
            slot => format!(".{slot}"),
        };
        text.add(colour, format!("{name}{slot}@{node} | "));
        text.line(PLAIN, &line.text);
        text
    }

    fn colour(&mut self, service: &str) -> Style {
        let known = self.services.iter().position(|known| known == service);
        let place = known.unwrap_or_else(|| {
            self.services.push(service.to_owned());
            self.services.len() - 1
        });
        let colour = COLOURS.iter().cycle().nth(place);
        colour.map_or(PLAIN, |colour| colour.on_default())
    }
}

fn as_json(service: &str, slot: u64, node: &str, line: &LogLine) -> serde_json::Value {
    let stream = match line.stream {
        LogStream::Stdout => "stdout",
        LogStream::Stderr => "stderr",
        LogStream::Engine => "engine",
    };
    json!({
        "service": service, "slot": slot, "node": node, "task": line.task,
        "at": line.at, "stream": stream, "text": line.text,
    })
}
