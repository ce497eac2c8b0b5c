//! What is not tried again, and what was begun: the tables `holds` and `rollouts`.

use std::collections::BTreeMap;

use dockerops_core::names::Owner;
use dockerops_core::recovery::{Hold, HoldState};
use rusqlite::{OptionalExtension, Row, params};

use super::{Store, StoreError};

/// A deploy that began to write and is not known to have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// What it deploys.
    pub revision: String,
    /// Since when, RFC 3339.
    pub at: String,
    /// Whether anything of the stack ran before.
    pub ran: bool,
}

impl Store {
    /// Why `stack` is not tried, if so.
    pub fn hold(&self, owner: &Owner, stack: &str) -> Result<Option<Hold>, StoreError> {
        self.read(|connection| {
            connection
                .query_row(
                    "SELECT revision, hash, reason, state, target, since FROM holds
                     WHERE repository = ?1 AND stack = ?2",
                    params![owner.0, stack],
                    hold,
                )
                .optional()
        })
    }

    /// The stacks of `owner` that are held, and what became of them.
    pub fn held(&self, owner: &Owner) -> Result<BTreeMap<String, HoldState>, StoreError> {
        self.read(|connection| {
            let select = "SELECT stack, state FROM holds WHERE repository = ?1";
            let mut statement = connection.prepare(select)?;
            let rows = statement.query_map([&owner.0], |row| {
                Ok((row.get(0)?, HoldState::parse(&row.get::<_, String>(1)?)))
            })?;
            rows.collect()
        })
    }

    /// Holds `stack`, in place of what it was held for before.
    pub fn record_hold(
        &mut self,
        owner: &Owner,
        stack: &str,
        hold: &Hold,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO holds VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    owner.0,
                    stack,
                    hold.revision,
                    hold.hash,
                    hold.reason,
                    hold.state.as_str(),
                    hold.target,
                    hold.since
                ],
            )?;
            Ok(())
        })
    }

    /// Holds `stack` no longer. Writes nothing when it was not held.
    pub fn lift_hold(&mut self, owner: &Owner, stack: &str) -> Result<(), StoreError> {
        if self.hold(owner, stack)?.is_none() {
            return Ok(());
        }
        self.delete_from("holds", owner, stack)
    }

    /// The deploy of `stack` that began to write and is not known to have ended.
    pub fn begun(&self, owner: &Owner, stack: &str) -> Result<Option<Begun>, StoreError> {
        self.read(|connection| {
            connection
                .query_row(
                    "SELECT revision, started_at, ran FROM rollouts
                     WHERE repository = ?1 AND stack = ?2",
                    params![owner.0, stack],
                    |row| {
                        Ok(Begun {
                            revision: row.get(0)?,
                            at: row.get(1)?,
                            ran: row.get(2)?,
                        })
                    },
                )
                .optional()
        })
    }

    /// Notes that a deploy of `stack` begins to write.
    pub fn begin(&mut self, owner: &Owner, stack: &str, begun: &Begun) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO rollouts VALUES (?1, ?2, ?3, ?4, ?5)",
                params![owner.0, stack, begun.revision, begun.at, begun.ran],
            )?;
            Ok(())
        })
    }

    /// Notes that the deploy of `stack` came to an end. Writes nothing when none had begun.
    pub fn end(&mut self, owner: &Owner, stack: &str) -> Result<(), StoreError> {
        if self.begun(owner, stack)?.is_none() {
            return Ok(());
        }
        self.delete_from("rollouts", owner, stack)
    }

    fn delete_from(&mut self, table: &str, owner: &Owner, stack: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            let delete = format!("DELETE FROM {table} WHERE repository = ?1 AND stack = ?2");
            transaction.execute(&delete, params![owner.0, stack])?;
            Ok(())
        })
    }
}

fn hold(row: &Row<'_>) -> rusqlite::Result<Hold> {
    Ok(Hold {
        revision: row.get(0)?,
        hash: row.get(1)?,
        reason: row.get(2)?,
        state: HoldState::parse(&row.get::<_, String>(3)?),
        target: row.get(4)?,
        since: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store, Owner) {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&home.path().join("d.db")).unwrap();
        (home, store, Owner("https://example.com/repo".to_owned()))
    }

    #[test]
    fn a_hold_is_kept_as_it_was_noted_until_it_is_lifted() {
        let (_home, mut store, owner) = store();
        let hold = Hold {
            revision: "b".repeat(40),
            hash: "h".to_owned(),
            reason: "service web_a failed".to_owned(),
            state: HoldState::Returning,
            target: None,
            since: "2026-01-01T00:00:00Z".to_owned(),
        };
        assert_eq!(store.hold(&owner, "web").unwrap(), None);
        store.record_hold(&owner, "web", &hold).unwrap();
        assert_eq!(store.hold(&owner, "web").unwrap(), Some(hold.clone()));
        let arrived = Hold {
            state: HoldState::Returned,
            target: Some("a".repeat(40)),
            ..hold
        };
        store.record_hold(&owner, "web", &arrived).unwrap();
        assert_eq!(store.hold(&owner, "web").unwrap(), Some(arrived));
        store.lift_hold(&owner, "web").unwrap();
        assert_eq!(store.hold(&owner, "web").unwrap(), None);
    }

    fn begun(revision: &str) -> Begun {
        Begun {
            revision: revision.to_owned(),
            at: "2026".to_owned(),
            ran: true,
        }
    }

    #[test]
    fn a_deploy_that_did_not_end_is_known() {
        let (_home, mut store, owner) = store();
        assert_eq!(store.begun(&owner, "web").unwrap(), None);
        store.begin(&owner, "web", &begun("abc")).unwrap();
        store.begin(&owner, "web", &begun("def")).unwrap();
        assert_eq!(store.begun(&owner, "web").unwrap(), Some(begun("def")));
        store.end(&owner, "web").unwrap();
        assert_eq!(store.begun(&owner, "web").unwrap(), None);
    }

    #[test]
    fn a_stack_that_is_forgotten_is_neither_held_nor_begun() {
        let (_home, mut store, owner) = store();
        store.begin(&owner, "web", &begun("abc")).unwrap();
        store.remove_stack(&owner, "web").unwrap();
        assert_eq!(store.begun(&owner, "web").unwrap(), None);
    }
}
