//! The table `suspensions`: what nothing is done to until somebody resumes it.
//!
//! `stacks.status` says `stopped` of what is suspended, as documented.

use dockerops_core::names::Owner;
use rusqlite::{Connection, params};

use super::repositories::spellings;
use super::{Store, StoreError};

/// What was suspended by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// The repository.
    pub repository: Owner,
    /// The stack; `None` for the whole repository.
    pub stack: Option<String>,
    /// RFC 3339.
    pub since: String,
}

impl Store {
    /// Suspends a stack, or a whole repository; false when it was suspended already.
    pub fn suspend(
        &mut self,
        repository: &Owner,
        stack: Option<&str>,
        now: &str,
    ) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let anew = transaction.execute(
                "INSERT INTO suspensions VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![repository.0, stack.unwrap_or_default(), now],
            )?;
            mark(transaction, repository, stack, "status = 'stopped'", "TRUE")?;
            Ok(anew > 0)
        })
    }

    /// Ends a suspension; false when there was none.
    ///
    /// A stack whose repository is suspended stays so, and the other way round.
    pub fn resume(&mut self, repository: &Owner, stack: Option<&str>) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let ended = transaction.execute(
                "DELETE FROM suspensions WHERE repository = ?1 AND stack = ?2",
                params![repository.0, stack.unwrap_or_default()],
            )?;
            if ended > 0 {
                // The next run says better; until then, what was deployed counts as that.
                let was = "status = 'stopped' AND hash IS NOT ''";
                mark(transaction, repository, stack, "status = 'deployed'", was)?;
                stop_what_is_suspended(transaction, repository)?;
            }
            Ok(ended > 0)
        })
    }

    /// All that is suspended, by repository and stack.
    pub fn suspensions(&self) -> Result<Vec<Suspension>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT repository, stack, since FROM suspensions ORDER BY repository, stack",
            )?;
            let rows = statement.query_map([], |row| {
                let stack: String = row.get(1)?;
                Ok(Suspension {
                    repository: Owner(row.get(0)?),
                    stack: Some(stack).filter(|stack| !stack.is_empty()),
                    since: row.get(2)?,
                })
            })?;
            rows.collect()
        })
    }
}

/// Sets the row of `stack`, or the rows of all stacks of the repository.
fn mark(
    transaction: &Connection,
    repository: &Owner,
    stack: Option<&str>,
    set: &str,
    which: &str,
) -> rusqlite::Result<()> {
    let update = format!(
        "UPDATE stacks SET {set} WHERE repository_url = ?1 AND (?2 IS NULL OR name = ?2) AND {which}"
    );
    for spelling in spellings(transaction, repository)? {
        transaction.execute(&update, params![spelling, stack])?;
    }
    Ok(())
}

/// What is suspended for another reason than the one that just ended.
fn stop_what_is_suspended(transaction: &Connection, repository: &Owner) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare("SELECT stack FROM suspensions WHERE repository = ?1")?;
    let rows = statement.query_map([&repository.0], |row| row.get::<_, String>(0))?;
    for stack in rows {
        let stack = stack?;
        let stack = Some(stack.as_str()).filter(|stack| !stack.is_empty());
        mark(transaction, repository, stack, "status = 'stopped'", "TRUE")?;
    }
    Ok(())
}
