//! The table `runs`: what became of each run, per stack.
//!
//! **Invariants**
//!
//! - The same failure again is one row that counts.
//! - A stack keeps its newest runs, and always the newest that ended well: a rollback needs it.
//! - Rows outlive their stack: what was removed can still be looked up.

use std::collections::BTreeMap;

use dockerops_core::names::Owner;
use dockerops_core::plan::Resolution;
use dockerops_core::report::CommitReport;
use dockerops_core::revision::Revision;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::{Store, StoreError};

const COLUMNS: &str = "id, repository, stack, revision, author, subject, trigger, outcome, reason, \
     healthy, hash, pins, report, started_at, ended_at, repeated, repeated_at, secrets";

/// What became of one stack in one run, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The repository that owns the stack; `file` for compose files given by hand.
    pub repository: Owner,
    /// The stack; empty for what failed of the repository as a whole.
    pub stack: String,
    /// What was read, when something was.
    pub commit: Option<CommitReport>,
    /// What asked for the run.
    pub trigger: String,
    /// As reports have it: `changed`, `failed`, ….
    pub outcome: String,
    /// The problem's message; empty without one.
    pub reason: String,
    /// Whether the stack was well at the end: what a rollback may return to.
    pub healthy: bool,
    /// The keyed hash of all that decided what runs; empty when it is not known.
    pub hash: String,
    /// Image text → what it stood for.
    pub pins: BTreeMap<String, Resolution>,
    /// Id of a secret → keyed fingerprint of its value.
    pub secrets: BTreeMap<String, String>,
    /// The stack's report, as `-o json` shows it.
    pub report: Value,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub ended_at: String,
}

/// A row of `runs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its number, which grows.
    pub id: i64,
    /// What became of the stack, when it did so first.
    pub ended: Ended,
    /// How often the same came again.
    pub repeated: u32,
    /// When it did so last, RFC 3339.
    pub repeated_at: Option<String>,
}

impl Ended {
    /// Whether another run that ended so would say nothing new.
    fn is_told_by(&self, newest: &Run) -> bool {
        let revision = |ended: &Self| ended.commit.as_ref().map(|c| c.revision.clone());
        let told = &newest.ended;
        matches!(self.outcome.as_str(), "failed" | "rolled-back" | "held")
            && self.outcome == told.outcome
            && self.reason == told.reason
            && self.hash == told.hash
            && revision(self) == revision(told)
    }
}

impl Store {
    /// Keeps this many runs of each stack instead of 50.
    #[must_use]
    pub fn keep_runs(mut self, kept: u32) -> Self {
        self.runs_kept = kept;
        self
    }

    /// Appends what became of a stack, or counts up the newest row when that says the same.
    pub fn record_run(&mut self, ended: &Ended) -> Result<(), StoreError> {
        let (repository, stack) = (&ended.repository, ended.stack.as_str());
        let told = self
            .newest_run(repository, stack)?
            .filter(|newest| ended.is_told_by(newest));
        let kept = self.runs_kept;
        self.write(|transaction| {
            let Some(newest) = &told else {
                append(transaction, ended)?;
                return forget_old(transaction, repository, stack, kept);
            };
            transaction.execute(
                "UPDATE runs SET repeated = repeated + 1, repeated_at = ?2 WHERE id = ?1",
                params![newest.id, ended.ended_at],
            )?;
            Ok(())
        })
    }

    /// The newest runs first, of all stacks or of those named `stack`, whichever
    /// repository they belong to; at most `limit`.
    pub fn runs(&self, stack: Option<&str>, limit: u32) -> Result<Vec<Run>, StoreError> {
        let select = format!(
            "SELECT {COLUMNS} FROM runs WHERE ?1 IS NULL OR stack = ?1 ORDER BY id DESC LIMIT ?2"
        );
        self.read(|connection| {
            let mut statement = connection.prepare(&select)?;
            statement.query_map(params![stack, limit], run)?.collect()
        })
    }

    /// One run.
    pub fn run(&self, id: i64) -> Result<Option<Run>, StoreError> {
        self.one_run("id = ?1", params![id])
    }

    /// The newest run of a stack of `repository`.
    pub fn newest_run(&self, repository: &Owner, stack: &str) -> Result<Option<Run>, StoreError> {
        let of_stack = params![repository.0, stack];
        self.one_run("repository = ?1 AND stack = ?2", of_stack)
    }

    /// The newest run of a stack that ended well.
    ///
    /// What a rollback returns to: its commit and pins say what ran.
    pub fn newest_healthy(
        &self,
        repository: &Owner,
        stack: &str,
    ) -> Result<Option<Run>, StoreError> {
        let of_stack = params![repository.0, stack];
        self.one_run("repository = ?1 AND stack = ?2 AND healthy", of_stack)
    }

    /// The newest run of a stack that ended well at `revision`.
    pub fn newest_healthy_at(
        &self,
        repository: &Owner,
        stack: &str,
        revision: &Revision,
    ) -> Result<Option<Run>, StoreError> {
        self.one_run(
            "repository = ?1 AND stack = ?2 AND healthy AND revision = ?3",
            params![repository.0, stack, revision.to_string()],
        )
    }

    /// The newest run that `which` holds of.
    fn one_run(
        &self,
        which: &str,
        params: impl rusqlite::Params,
    ) -> Result<Option<Run>, StoreError> {
        let select = format!("SELECT {COLUMNS} FROM runs WHERE {which} ORDER BY id DESC LIMIT 1");
        self.read(|connection| connection.query_row(&select, params, run).optional())
    }
}

fn append(transaction: &Connection, ended: &Ended) -> rusqlite::Result<()> {
    let commit = ended.commit.as_ref();
    transaction.execute(
        "INSERT INTO runs (repository, stack, revision, author, subject, trigger, outcome, reason,
             healthy, hash, pins, report, started_at, ended_at, secrets)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            ended.repository.0,
            ended.stack,
            commit.map(|commit| &commit.revision),
            commit.map(|commit| &commit.author),
            commit.map(|commit| &commit.subject),
            ended.trigger,
            ended.outcome,
            ended.reason,
            ended.healthy,
            ended.hash,
            serde_json::to_string(&ended.pins).unwrap_or_default(),
            ended.report.to_string(),
            ended.started_at,
            ended.ended_at,
            serde_json::to_string(&ended.secrets).unwrap_or_default(),
        ],
    )?;
    Ok(())
}

fn forget_old(
    transaction: &Connection,
    repository: &Owner,
    stack: &str,
    kept: u32,
) -> rusqlite::Result<()> {
    transaction.execute(
        "DELETE FROM runs WHERE repository = ?1 AND stack = ?2
           AND id NOT IN (SELECT id FROM runs WHERE repository = ?1 AND stack = ?2
                          ORDER BY id DESC LIMIT ?3)
           AND id IS NOT (SELECT max(id) FROM runs WHERE repository = ?1 AND stack = ?2 AND healthy)",
        params![repository.0, stack, kept],
    )?;
    Ok(())
}

/// What an edited row says in bad JSON is as good as nothing: the history stays readable.
fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: row.get(0)?,
        ended: Ended {
            repository: Owner(row.get(1)?),
            stack: row.get(2)?,
            commit: commit(row)?,
            trigger: row.get(6)?,
            outcome: row.get(7)?,
            reason: row.get(8)?,
            healthy: row.get(9)?,
            hash: row.get(10)?,
            pins: serde_json::from_str(&row.get::<_, String>(11)?).unwrap_or_default(),
            report: serde_json::from_str(&row.get::<_, String>(12)?).unwrap_or_default(),
            started_at: row.get(13)?,
            ended_at: row.get(14)?,
            secrets: serde_json::from_str(&row.get::<_, String>(17)?).unwrap_or_default(),
        },
        repeated: row.get(15)?,
        repeated_at: row.get(16)?,
    })
}

fn commit(row: &Row<'_>) -> rusqlite::Result<Option<CommitReport>> {
    let Some(revision) = row.get(3)? else {
        return Ok(None);
    };
    Ok(Some(CommitReport {
        revision,
        author: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        subject: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
    }))
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
