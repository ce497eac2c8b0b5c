//! The table `repository_cache`: which repositories are watched.

use dockerops_core::names::Owner;
use dockerops_core::repository_url::{RepositoryUrl, without_credentials};
use rusqlite::{Connection, params};

use super::{OF_A_STACK, Store, StoreError};

/// A watched repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The URL as given to `watch`; the earlier tool checked less, so it may not parse.
    /// Credentials that are in it stay in the table.
    pub url: String,
    /// When it was last watched or reconciled, RFC 3339.
    pub last_watch: String,
}

impl Repository {
    /// The URL's one spelling; as it is, when it does not parse.
    pub fn owner(&self) -> Owner {
        owner_of(&self.url)
    }
}

impl Store {
    /// All watched repositories, in the order in which they were added.
    pub fn repositories(&self) -> Result<Vec<Repository>, StoreError> {
        self.read(all)
    }

    /// The row of `url` in any of its spellings.
    pub fn repository(&self, url: &RepositoryUrl) -> Result<Option<Repository>, StoreError> {
        let wanted = url.normalised();
        let all = self.repositories()?;
        Ok(all.into_iter().find(|row| row.owner() == wanted))
    }

    /// Watches `url`; one that is watched already only gets the new time.
    pub fn add_repository(&mut self, url: &RepositoryUrl, now: &str) -> Result<(), StoreError> {
        let known = self.repository(url)?;
        self.write(|transaction| {
            match known {
                Some(row) => transaction.execute(
                    "UPDATE repository_cache SET last_watch = ?2 WHERE url = ?1",
                    params![row.url, now],
                )?,
                None => transaction.execute(
                    "INSERT INTO repository_cache (url, last_watch) VALUES (?1, ?2)",
                    params![url.as_given(), now],
                )?,
            };
            Ok(())
        })
    }

    /// Sets `last_watch` of these repositories (as in [`Repository::url`]), all at once.
    pub fn touch(&mut self, urls: &[&str], now: &str) -> Result<(), StoreError> {
        if urls.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut update = transaction
                .prepare("UPDATE repository_cache SET last_watch = ?2 WHERE url = ?1")?;
            for url in urls {
                update.execute(params![url, now])?;
            }
            Ok(())
        })
    }

    /// Forgets the repository, its stacks and all that was remembered of them.
    ///
    /// Counts of images are set by the next [`Store::record_images`].
    pub fn remove_repository(&mut self, url: &str) -> Result<(), StoreError> {
        let owner = owner_of(url);
        self.write(|transaction| {
            for spelling in spellings(transaction, &owner)? {
                transaction.execute("DELETE FROM stacks WHERE repository_url = ?1", [&spelling])?;
                transaction.execute("DELETE FROM repository_cache WHERE url = ?1", [&spelling])?;
            }
            for table in OF_A_STACK {
                let delete = format!("DELETE FROM {table} WHERE repository = ?1");
                transaction.execute(&delete, [&owner.0])?;
            }
            Ok(())
        })
    }
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<Repository>> {
    let mut statement =
        connection.prepare("SELECT url, last_watch FROM repository_cache ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        Ok(Repository {
            url: shown(&row.get::<_, String>(0)?),
            last_watch: row.get(1)?,
        })
    })?;
    rows.collect()
}

/// How `owner` is spelt in the tables: once or, after the earlier tool, in several ways.
pub(super) fn spellings(connection: &Connection, owner: &Owner) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT url FROM repository_cache UNION SELECT repository_url FROM stacks ORDER BY 1",
    )?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let all: Vec<String> = rows.collect::<Result<_, _>>()?;
    Ok(all
        .into_iter()
        .filter(|url| owner_of(url) == *owner)
        .collect())
}

pub(super) fn owner_of(url: &str) -> Owner {
    match RepositoryUrl::parse(url) {
        Ok(parsed) => parsed.normalised(),
        Err(_) => Owner(shown(url)),
    }
}

/// What of `url` leaves the table.
pub(super) fn shown(url: &str) -> String {
    without_credentials(url).into_owned()
}
