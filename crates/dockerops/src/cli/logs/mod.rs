//! `dockerops logs`: what the tasks of a stack wrote.

mod line;
mod merged;

use std::time::Duration;

use dockerops_core::names::StackName;
use dockerops_core::observed::{Moment, Service};
use dockerops_core::report::Problem;
use jiff::Timestamp;

use super::output::Output;
use super::reconcile::stack_name;
use super::session::{Key, Session, duration};
use super::{Exit, deployed};
use crate::engine::{LogRequest, LogSource, TaskFilter};
use crate::reconcile::problem;
use line::Writers;
use merged::Merged;

/// More tasks are not asked one by one: each is a connection.
const MOST_TASKS: usize = 100;

/// Show what the tasks of a stack wrote
///
/// Of any stack on the Swarm, whoever deployed it: all its services together in the order of
/// time, each line with its service, replica and node. With -f, lines come as they are written,
/// until Ctrl-C.
#[derive(Debug, clap::Args)]
pub(super) struct LogsArgs {
    /// The stack
    #[arg(value_parser = stack_name, value_name = "STACK")]
    stack: StackName,

    /// Only this service, by its name in the compose file
    #[arg(value_name = "SERVICE")]
    service: Option<String>,

    /// Go on with what is written from now on
    #[arg(long, short = 'f')]
    pub(super) follow: bool,

    /// Only what was written since then: `10m`, or a time such as 2026-01-31T12:00:00Z
    #[arg(long, value_parser = since, value_name = "DURATION|TIME")]
    since: Option<Moment>,

    /// Only the last so many lines of each task
    #[arg(long, value_name = "N")]
    tail: Option<u64>,

    /// Show when each line was written
    #[arg(long, short = 't')]
    timestamps: bool,
}

/// A moment, for `clap`.
fn since(text: &str) -> Result<Moment, String> {
    let moment = |time: Timestamp| {
        let passed = time.duration_since(Timestamp::UNIX_EPOCH);
        Moment(Duration::try_from(passed).unwrap_or_default())
    };
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(moment(time));
    }
    let ago = duration(text)
        .map_err(|error| format!("{error}, nor is it a time such as 2026-01-31T12:00:00Z"))?;
    let Moment(now) = moment(Timestamp::now());
    Ok(Moment(now.saturating_sub(ago)))
}

pub(super) async fn run(args: &LogsArgs, out: &mut Output) -> Result<Exit, Problem> {
    let session = Session::look(Key::Looked, out).await?;
    let all = deployed::services(&session, &args.stack).await?;
    let wanted: Vec<&Service> = match &args.service {
        Some(name) => vec![deployed::service(&args.stack, &all, name)?],
        None => all.iter().collect(),
    };
    let mut lines = Merged::new(args.follow);
    for (service, source) in args.sources(&session, &wanted).await? {
        let asked = session.world.engine.logs(&args.request(source)).await?;
        lines.add(&service, asked);
    }
    let mut writers = Writers::new(&session, &args.stack, args.timestamps).await?;
    let mut exit = Exit::Ok;
    while let Some((service, line)) = lines.next().await {
        match line {
            Ok(line) => {
                if !writers.write(&service, &line, out).await {
                    break;
                }
            }
            Err(error) => {
                // The others may still have something to say.
                exit = Exit::Failed;
                let message = problem(&error, None).message;
                out.warn(&format!("the rest of {service} is missing: {message}"));
            }
        }
    }
    Ok(exit)
}

impl LogsArgs {
    /// Whose lines to read. The engine puts the lines of one task in the order of time, but
    /// not those of a service; what is followed comes in that order by itself.
    async fn sources(
        &self,
        session: &Session,
        services: &[&Service],
    ) -> Result<Vec<(String, LogSource)>, Problem> {
        let whole = services.iter().map(|service| {
            let source = LogSource::Service(service.id.clone());
            (service.name.clone(), source)
        });
        if self.follow {
            return Ok(whole.collect());
        }
        let filter = TaskFilter {
            services: services.iter().map(|service| service.id.clone()).collect(),
            ..TaskFilter::default()
        };
        let mut tasks = session.world.engine.tasks(&filter).await?;
        tasks.retain(|task| !task.container.is_empty());
        if tasks.len() > MOST_TASKS {
            return Ok(whole.collect());
        }
        let name = |id: &str| services.iter().find(|s| s.id == id).map(|s| s.name.clone());
        let each = tasks
            .into_iter()
            .filter_map(|task| Some((name(&task.service_id)?, LogSource::Task(task.id))));
        Ok(each.collect())
    }

    fn request(&self, of: LogSource) -> LogRequest {
        LogRequest {
            of,
            tail: self.tail,
            since: self.since,
            follow: self.follow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_takes_a_span_or_a_time() {
        let time = since("1970-01-01T00:01:00Z").unwrap();
        assert_eq!(time, Moment(Duration::from_secs(60)));
        let (ago, now) = (since("10m").unwrap(), since("0s").unwrap());
        assert_eq!(ago.age(now).as_secs(), 600);
        assert!(since("yesterday").unwrap_err().contains("2026-01-31"));
    }
}
