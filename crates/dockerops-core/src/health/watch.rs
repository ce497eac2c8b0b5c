//! One service, followed from a change until it is well or has failed.
//!
//! Time comes as a duration since the watch began, so that this can be tested
//! without waiting.

use std::time::Duration;

use super::{Problem, Tally, Verdict};

/// How long a task may look ended for good before that is believed: its
/// successor may come with the next answer of the engine.
const GRACE: Duration = Duration::from_secs(2);

/// How a service ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It runs and went on running for the window, or has run to its end.
    Healthy(Tally),
    /// It failed for certain.
    Failed {
        /// How far it came.
        tally: Tally,
        /// Why.
        problem: Problem,
    },
    /// The time is up.
    TimedOut {
        /// How far it came.
        tally: Tally,
        /// What it did last.
        what: String,
        /// What is in its way, when something is.
        problem: Option<Problem>,
    },
    /// It was removed by somebody else.
    Gone,
}

/// Follows one service.
#[derive(Debug, Clone)]
pub struct Watch {
    window: Duration,
    full_since: Option<Duration>,
    degraded_since: Option<Duration>,
    /// What last ended a task that had run.
    ended_by: Option<Problem>,
}

impl Watch {
    /// A watch that wants the service to run for `window` without a break, as
    /// Docker's client waits for `update_config.monitor` (5 s by default).
    pub fn new(window: Duration) -> Self {
        Self {
            window,
            full_since: None,
            degraded_since: None,
            ended_by: None,
        }
    }

    /// Takes note of `verdict` at `now`; gives the outcome when there is one.
    pub fn see(&mut self, now: Duration, verdict: &Verdict) -> Option<Outcome> {
        let tally = verdict.tally();
        let full = tally.running == tally.wanted && !matches!(verdict, Verdict::Degraded { .. });
        self.full_since = full.then_some(self.full_since.unwrap_or(now));
        if let Some(problem) = verdict.problem().filter(|problem| problem.ends_a_task()) {
            self.ended_by = Some(problem.clone());
        }
        match verdict {
            Verdict::Completed(tally) => Some(Outcome::Healthy(*tally)),
            Verdict::Healthy(tally) => {
                self.degraded_since = None;
                let is_stable = lasted(self.full_since, now, self.window);
                is_stable.then_some(Outcome::Healthy(*tally))
            }
            Verdict::Progressing { .. } => {
                self.degraded_since = None;
                None
            }
            Verdict::Degraded { tally, problem } => {
                let since = *self.degraded_since.get_or_insert(now);
                let sure = problem.is_swarms_decision() || now.saturating_sub(since) >= GRACE;
                sure.then(|| Outcome::Failed {
                    tally: *tally,
                    problem: problem.clone(),
                })
            }
        }
    }

    /// The outcome of a service that is still `verdict` when the time is up. One that
    /// runs, but has not run for its window, has not shown that it is well: a crash
    /// loop also runs now and then.
    pub fn give_up(&self, verdict: &Verdict) -> Outcome {
        match verdict.clone() {
            Verdict::Completed(tally) => Outcome::Healthy(tally),
            Verdict::Healthy(tally) => Outcome::TimedOut {
                tally,
                what: "running, but not for long enough yet".to_owned(),
                problem: self.ended_by.clone(),
            },
            Verdict::Degraded { tally, problem } => Outcome::Failed { tally, problem },
            Verdict::Progressing {
                tally,
                what,
                problem,
            } => Outcome::TimedOut {
                tally,
                what,
                problem,
            },
        }
    }
}

fn lasted(since: Option<Duration>, now: Duration, window: Duration) -> bool {
    since.is_some_and(|since| now.saturating_sub(since) >= window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::ProblemKind;

    const WINDOW: Duration = Duration::from_secs(5);

    fn healthy() -> Verdict {
        Verdict::Healthy(Tally {
            running: 2,
            wanted: 2,
        })
    }

    fn progressing(running: u64) -> Verdict {
        Verdict::Progressing {
            tally: Tally { running, wanted: 2 },
            what: "starting".to_owned(),
            problem: None,
        }
    }

    fn degraded(kind: ProblemKind) -> Verdict {
        Verdict::Degraded {
            tally: Tally {
                running: 1,
                wanted: 2,
            },
            problem: Problem {
                kind,
                message: "task: non-zero exit (3)".to_owned(),
                task: None,
                node: None,
            },
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_container_that_dies_within_the_window_is_not_healthy() {
        let mut watch = Watch::new(WINDOW);
        assert_eq!(watch.see(at(1), &healthy()), None);
        assert_eq!(watch.see(at(4), &progressing(1)), None);
        assert_eq!(watch.see(at(7), &healthy()), None);
        assert_eq!(watch.see(at(11), &healthy()), None);
        assert!(matches!(
            watch.see(at(12), &healthy()),
            Some(Outcome::Healthy(_))
        ));
    }

    #[test]
    fn a_service_that_runs_too_short_when_the_time_is_up_is_no_success() {
        let outcome = Watch::new(WINDOW).give_up(&healthy());
        assert!(matches!(outcome, Outcome::TimedOut { problem: None, .. }));
    }

    #[test]
    fn a_crash_loop_that_runs_when_the_time_is_up_tells_what_ended_it_last() {
        let told = |kind| {
            let mut watch = Watch::new(WINDOW);
            watch.see(at(1), &degraded(kind));
            watch.see(at(2), &progressing(1));
            match watch.give_up(&healthy()) {
                Outcome::TimedOut { problem, .. } => problem.map(|problem| problem.kind),
                other => panic!("{other:?}"),
            }
        };
        let exited = ProblemKind::Exited(137);
        assert_eq!(told(exited), Some(exited));
        let overcome = ProblemKind::NoSuitableNode;
        assert_eq!(told(overcome), None, "what is overcome is not told");
    }

    #[test]
    fn the_window_runs_while_swarm_still_monitors_the_update() {
        let mut watch = Watch::new(WINDOW);
        assert_eq!(watch.see(at(1), &progressing(2)), None);
        assert!(matches!(
            watch.see(at(6), &healthy()),
            Some(Outcome::Healthy(_))
        ));
    }

    #[test]
    fn what_has_nothing_left_that_could_fail_is_healthy_at_once() {
        let verdict = Verdict::Completed(Tally::default());
        let outcome = Watch::new(WINDOW).see(at(0), &verdict);
        assert_eq!(outcome, Some(Outcome::Healthy(Tally::default())));
    }

    #[test]
    fn a_rollback_fails_at_once_and_an_ended_task_after_a_grace() {
        let failed = |outcome| matches!(outcome, Some(Outcome::Failed { .. }));
        assert!(failed(
            Watch::new(WINDOW).see(at(0), &degraded(ProblemKind::RolledBack))
        ));
        let mut watch = Watch::new(WINDOW);
        let exited = degraded(ProblemKind::Exited(3));
        assert_eq!(watch.see(at(1), &exited), None);
        assert!(failed(watch.see(at(3), &exited)));
        let mut watch = Watch::new(WINDOW);
        assert_eq!(watch.see(at(1), &exited), None);
        assert_eq!(watch.see(at(2), &progressing(1)), None);
        assert_eq!(
            watch.see(at(4), &exited),
            None,
            "a successor starts the grace anew"
        );
    }
}
