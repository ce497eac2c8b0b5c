//! The table `stacks`, and which revision each stack was deployed from.

use dockerops_core::names::Owner;
use dockerops_core::revision::Revision;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::repositories::{owner_of, shown, spellings};
use super::{OF_A_STACK, Store, StoreError};

/// A row of `stacks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Its name, unchecked: the earlier tool checked less.
    pub name: String,
    /// The repository as spelt in the table.
    pub repository_url: String,
    /// Relative to the repository.
    pub compose_path: String,
    /// Of all that decides what runs, at the last deploy that succeeded; empty before.
    pub hash: String,
    /// What became of it.
    pub status: Status,
}

/// The documented values of `stacks.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The last deploy succeeded.
    Deployed,
    /// Suspended; also what is not one of the three words.
    Stopped,
    /// The last deploy failed.
    Error,
}

/// What a stack was last deployed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// The revision.
    pub revision: Revision,
    /// RFC 3339.
    pub at: String,
}

/// What Swarm rolled back and is therefore held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The service's full name.
    pub service: String,
    /// The hash of what was asked for.
    pub hash: String,
    /// Swarm's sentence.
    pub reason: String,
    /// RFC 3339.
    pub at: String,
}

impl Status {
    /// As in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Stopped => "stopped",
            Self::Error => "error",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "deployed" => Self::Deployed,
            "error" => Self::Error,
            _ => Self::Stopped,
        }
    }
}

impl Stack {
    /// The repository's one spelling.
    pub fn owner(&self) -> Owner {
        owner_of(&self.repository_url)
    }

    /// Whether a deploy ever succeeded, also when the last one failed or it is suspended now.
    pub fn was_deployed(&self) -> bool {
        self.status == Status::Deployed || !self.hash.is_empty()
    }
}

impl Store {
    /// All stacks, by repository and name.
    pub fn stacks(&self) -> Result<Vec<Stack>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT name, repository_url, compose_path, hash, status FROM stacks
                 ORDER BY repository_url, name",
            )?;
            statement.query_map([], stack)?.collect()
        })
    }

    /// Records that a deploy succeeded; this alone stores a hash.
    ///
    /// `url` is as in [`super::Repository::url`]. What is held stays: see [`Store::record_attempts`].
    pub fn record_deployed(
        &mut self,
        url: &str,
        name: &str,
        compose_path: &str,
        hash: &str,
        deployed: &Deployed,
    ) -> Result<(), StoreError> {
        let owner = owner_of(url);
        self.write(|transaction| {
            put_stack(
                transaction,
                url,
                name,
                compose_path,
                Some(hash),
                Status::Deployed,
            )?;
            put_deployment(transaction, &owner, name, deployed)
        })
    }

    /// Records how a stack is, without a new hash: it failed, or is suspended.
    pub fn record_status(
        &mut self,
        url: &str,
        name: &str,
        compose_path: &str,
        status: Status,
    ) -> Result<(), StoreError> {
        self.write(|transaction| put_stack(transaction, url, name, compose_path, None, status))
    }

    /// Forgets a stack that was removed.
    pub fn remove_stack(&mut self, owner: &Owner, name: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            for spelling in spellings(transaction, owner)? {
                transaction.execute(
                    "DELETE FROM stacks WHERE name = ?1 AND repository_url = ?2",
                    params![name, spelling],
                )?;
            }
            for table in OF_A_STACK {
                let delete = format!("DELETE FROM {table} WHERE repository = ?1 AND stack = ?2");
                transaction.execute(&delete, params![owner.0, name])?;
            }
            Ok(())
        })
    }

    /// The repositories whose row says that `stack` is deployed.
    ///
    /// What the earlier tool deployed carries no label, but is ours by this.
    pub fn listed_as_deployed(&self, stack: &str) -> Result<Vec<Owner>, StoreError> {
        let all = self.stacks()?;
        let listed = all.into_iter();
        let listed = listed.filter(|row| row.name == stack && row.was_deployed());
        Ok(listed.map(|row| row.owner()).collect())
    }

    /// What `stack` was last deployed from; `None` also for stacks of an earlier database.
    pub fn deployed(&self, owner: &Owner, stack: &str) -> Result<Option<Deployed>, StoreError> {
        let row = self.read(|connection| {
            connection
                .query_row(
                    "SELECT revision, deployed_at FROM deployments WHERE repository = ?1 AND stack = ?2",
                    params![owner.0, stack],
                    |row| Ok((row.get::<_, String>(0)?, row.get(1)?)),
                )
                .optional()
        })?;
        Ok(row.and_then(|(revision, at)| {
            let revision = Revision::parse(&revision).ok()?;
            Some(Deployed { revision, at })
        }))
    }

    /// The revisions that the stacks of `owner` were last deployed from, each once.
    pub fn deployed_revisions(&self, owner: &Owner) -> Result<Vec<Revision>, StoreError> {
        let rows: Vec<String> = self.read(|connection| {
            let mut statement = connection
                .prepare("SELECT DISTINCT revision FROM deployments WHERE repository = ?1")?;
            statement.query_map([&owner.0], |row| row.get(0))?.collect()
        })?;
        Ok(rows
            .iter()
            .filter_map(|row| Revision::parse(row).ok())
            .collect())
    }

    /// What of `stack` is held because Swarm rolled it back.
    pub fn attempts(&self, owner: &Owner, stack: &str) -> Result<Vec<Attempt>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT service, hash, reason, failed_at FROM attempts
                 WHERE repository = ?1 AND stack = ?2 ORDER BY service",
            )?;
            let rows = statement.query_map(params![owner.0, stack], |row| {
                Ok(Attempt {
                    service: row.get(0)?,
                    hash: row.get(1)?,
                    reason: row.get(2)?,
                    at: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Sets what of `stack` is held to exactly `held`. Writes only what differs.
    pub fn record_attempts(
        &mut self,
        owner: &Owner,
        stack: &str,
        held: &[Attempt],
    ) -> Result<(), StoreError> {
        let mut wanted = held.to_vec();
        wanted.sort_by(|a, b| a.service.cmp(&b.service));
        if self.attempts(owner, stack)? == wanted {
            return Ok(());
        }
        self.write(|transaction| {
            transaction.execute(
                "DELETE FROM attempts WHERE repository = ?1 AND stack = ?2",
                params![owner.0, stack],
            )?;
            for attempt in &wanted {
                transaction.execute(
                    "INSERT OR REPLACE INTO attempts VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        owner.0,
                        stack,
                        attempt.service,
                        attempt.hash,
                        attempt.reason,
                        attempt.at
                    ],
                )?;
            }
            Ok(())
        })
    }
}

fn stack(row: &Row<'_>) -> rusqlite::Result<Stack> {
    Ok(Stack {
        name: row.get(0)?,
        repository_url: shown(&row.get::<_, String>(1)?),
        compose_path: row.get(2)?,
        hash: row.get(3)?,
        status: Status::parse(&row.get::<_, String>(4)?),
    })
}

/// Inserts or updates, and writes nothing when all is so already.
fn put_stack(
    transaction: &Connection,
    url: &str,
    name: &str,
    compose_path: &str,
    hash: Option<&str>,
    status: Status,
) -> rusqlite::Result<()> {
    let Some(known) = known_spelling(transaction, url, name)? else {
        transaction.execute(
            "INSERT INTO stacks (name, repository_url, compose_path, hash, status) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![name, url, compose_path, hash.unwrap_or_default(), status.as_str()],
        )?;
        return Ok(());
    };
    transaction.execute(
        "UPDATE stacks SET compose_path = ?3, hash = coalesce(?4, hash), status = ?5
         WHERE name = ?1 AND repository_url = ?2
           AND (compose_path, hash, status) IS NOT (?3, coalesce(?4, hash), ?5)",
        params![name, known, compose_path, hash, status.as_str()],
    )?;
    Ok(())
}

/// How the repository of this stack is spelt in the table; `None` when the stack is not in it.
fn known_spelling(
    connection: &Connection,
    url: &str,
    name: &str,
) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare("SELECT repository_url FROM stacks WHERE name = ?1")?;
    let rows = statement.query_map([name], |row| row.get::<_, String>(0))?;
    let all: Vec<String> = rows.collect::<Result<_, _>>()?;
    let owner = owner_of(url);
    Ok(all.into_iter().find(|known| owner_of(known) == owner))
}

/// The time alone is no reason to write: it is that of the first deploy of this revision.
fn put_deployment(
    transaction: &Connection,
    owner: &Owner,
    stack: &str,
    deployed: &Deployed,
) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO deployments VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET revision = excluded.revision, deployed_at = excluded.deployed_at
         WHERE revision IS NOT excluded.revision",
        params![owner.0, stack, deployed.revision.as_str(), deployed.at],
    )?;
    Ok(())
}
