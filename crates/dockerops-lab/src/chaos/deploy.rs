//! The kinds of deploys that are killed, undisturbed and disturbed.

use std::fmt;
use std::time::{Duration, Instant};

use dockerops_lab::{LabError, Write};

use super::moment::{Moment, Phase};
use super::site::{Revision, Site};
use super::snapshot::Snapshot;

/// From one revision to another, or to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deploy {
    /// Everything is made.
    First,
    /// Everything changes, some of it goes, and with it a stack.
    Forward,
    /// The same the other way.
    Back,
    /// A service does not start: the whole stack returns to what it was.
    Failing,
    /// `stop`.
    Stop,
}

/// The order in which they take turns: each starts where the one before it ended.
pub(super) const ROUND: [Deploy; 10] = [
    Deploy::Forward,
    Deploy::Back,
    Deploy::Failing,
    Deploy::Forward,
    Deploy::Back,
    Deploy::Failing,
    Deploy::Forward,
    Deploy::Back,
    Deploy::Stop,
    Deploy::First,
];

/// How it is when nobody disturbs it.
pub(super) struct Reference {
    pub(super) took: Duration,
    /// How many writes it sends.
    pub(super) writes: usize,
    /// How many of them come before only removals are left.
    pub(super) made: usize,
    /// How often the job ran.
    runs: u64,
    end: Snapshot,
}

impl Deploy {
    /// Where it starts.
    pub(super) fn start(self) -> Revision {
        match self {
            Self::First => Revision::Nothing,
            Self::Forward | Self::Failing | Self::Stop => Revision::Old,
            Self::Back => Revision::New,
        }
    }

    fn target(self) -> Revision {
        match self {
            Self::First | Self::Back => Revision::Old,
            Self::Forward => Revision::New,
            Self::Failing => Revision::Failing,
            Self::Stop => Revision::Nothing,
        }
    }

    /// Runs it to its end.
    pub(super) fn undisturbed(self, site: &mut Site<'_>) -> Result<Reference, LabError> {
        site.commit(self.target())?;
        site.recorder.clear();
        let (start, before) = (Instant::now(), site.job_runs()?);
        site.finish(self.target())?;
        let took = start.elapsed();
        let writes = site.recorder.writes();
        let removals = writes.iter().rev().take_while(|write| is_removal(write));
        let made = writes.len() - removals.count();
        Ok(Reference {
            took,
            writes: writes.len(),
            made,
            runs: runs(before, site.job_runs()?),
            end: Snapshot::of(site)?,
        })
    }

    /// Kills it at `moment`, runs it again, and compares the end with that of `reference`.
    pub(super) fn killed(
        self,
        site: &mut Site<'_>,
        moment: Moment,
        reference: &Reference,
    ) -> Result<Phase, LabError> {
        site.commit(self.target())?;
        site.recorder.clear();
        let before = site.job_runs()?;
        let sent = site.kill(self.target(), moment)?;
        site.finish(self.target())?;
        Snapshot::of(site)?.must_equal(&reference.end)?;
        let runs = runs(before, site.job_runs()?);
        if runs != reference.runs {
            let wanted = reference.runs;
            return Err(LabError::Claim(format!(
                "the job ran {wanted} times (it ran {runs} times)"
            )));
        }
        Ok(reference.phase(sent))
    }
}

impl Reference {
    fn phase(&self, sent: usize) -> Phase {
        match sent {
            0 => Phase::Before,
            sent if sent < self.made => Phase::Between,
            sent if sent >= self.writes && self.made < self.writes => Phase::After,
            sent if sent == self.made => Phase::Waiting,
            _ => Phase::Removing,
        }
    }
}

fn is_removal(write: &Write) -> bool {
    write.method == "DELETE"
}

/// From the numbers of the last run, of which the first is 0; `None` without a job.
fn runs(before: Option<u64>, after: Option<u64>) -> u64 {
    match (before, after) {
        (None, Some(after)) => after + 1,
        (Some(before), Some(after)) => after - before,
        (_, None) => 0,
    }
}

impl fmt::Display for Deploy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "the first deploy",
            Self::Forward => "an update",
            Self::Back => "the update back",
            Self::Failing => "an update that fails",
            Self::Stop => "`stop`",
        })
    }
}
