//! SQLite: the three documented tables, what we remember besides, migrations.
//!
//! The database is history and cache: what runs is known from labels on the
//! Swarm. Every method blocks for a few milliseconds at most (longer only while
//! another process writes).
//!
//! **Invariants**
//!
//! - A file that is not ours is refused and stays byte for byte as it is.
//! - What is recorded already is not written again, so a run that changed
//!   nothing writes nothing but `last_watch`.
//! - Each method is one transaction: killed anywhere, the database is as before or after it.

mod credentials;
mod error;
mod holds;
mod images;
mod open;
mod orders;
mod repositories;
mod runs;
mod stacks;
mod suspensions;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

pub use error::StoreError;
pub use holds::Begun;
pub use images::{Image, ImageUses};
pub use repositories::Repository;
pub use runs::{Ended, Run};
pub use stacks::{Attempt, Deployed, Stack, Status};
pub use suspensions::Suspension;

/// How many runs of each stack are kept when nobody says.
const RUNS_KEPT: u32 = 50;

/// The tables that hold what is to be forgotten with a stack. The history is not.
const OF_A_STACK: [&str; 7] = [
    "deployments",
    "attempts",
    "image_uses",
    "holds",
    "rollouts",
    "suspensions",
    "orders",
];

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// How many runs of each stack are kept.
    runs_kept: u32,
}

impl Store {
    /// Opens the database at `path`; makes it, with its folders, when there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = open::open(path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            runs_kept: RUNS_KEPT,
        })
    }

    /// A copy of the database at `path`, in memory: nothing that is written to it stays.
    ///
    /// The file is only read; where there is none, the copy is empty.
    pub fn snapshot(path: &Path) -> Result<Self, StoreError> {
        let connection = open::snapshot(path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            runs_kept: RUNS_KEPT,
        })
    }

    /// An empty database in memory.
    pub fn none() -> Result<Self, StoreError> {
        Self::snapshot(Path::new(""))
    }

    /// Which file this is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What SQLite finds wrong with the file; nothing when all is well.
    pub fn faults(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare("PRAGMA quick_check(5)")?;
            let found = statement.query_map([], |row| row.get::<_, String>(0))?;
            let mut found: Vec<_> = found.collect::<Result<_, _>>()?;
            found.retain(|line| line != "ok");
            Ok(found)
        })
    }

    /// Empties the documented tables and forgets all but the history: the end of `stop`.
    pub fn clear_all(&mut self) -> Result<(), StoreError> {
        let others = ["images", "stacks", "repository_cache", "credentials"];
        self.write(|transaction| {
            for table in others.iter().chain(&OF_A_STACK) {
                transaction.execute(&format!("DELETE FROM {table}"), [])?;
            }
            Ok(())
        })
    }

    /// Makes all that `work` writes one transaction: one wait for the disk instead of many.
    pub fn together<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.read(|connection| connection.execute_batch("BEGIN IMMEDIATE"))?;
        let done = work(self);
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = self.read(|connection| connection.execute_batch(end));
        done.and_then(|value| ended.map(|()| value))
    }

    /// Runs `work` in one transaction that no other writer can get into.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let path = &self.path;
        let result = if self.connection.is_autocommit() {
            self.connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .and_then(|transaction| {
                    let value = work(&transaction)?;
                    transaction.commit()?;
                    Ok(value)
                })
        } else {
            work(&self.connection)
        };
        result.map_err(|source| StoreError::of(path, source))
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        work(&self.connection).map_err(|source| StoreError::of(&self.path, source))
    }
}

#[cfg(test)]
mod tests;
