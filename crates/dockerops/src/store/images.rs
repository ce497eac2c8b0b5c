//! The table `images`: how many services, over all repositories, name each image.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::names::Owner;
use rusqlite::{Connection, params};

use super::{Store, StoreError};

/// A row of `images`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// As written in compose files, after interpolation.
    pub name: String,
    /// How many services name it; 0 means that it may go.
    pub reference_count: u32,
}

/// The images of one stack, as read in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUses {
    /// The repository.
    pub owner: Owner,
    /// The stack.
    pub stack: String,
    /// Image → number of services; `None` for a stack that could not be read, whose last counts stay.
    pub counts: Option<BTreeMap<String, u32>>,
}

type Key = (String, String);
type Uses = BTreeMap<Key, BTreeMap<String, u32>>;

impl Store {
    /// All recorded images, by name.
    pub fn images(&self) -> Result<Vec<Image>, StoreError> {
        self.read(|connection| {
            let all = recorded(connection)?.into_iter();
            let image = |(name, reference_count)| Image {
                name,
                reference_count,
            };
            Ok(all.map(image).collect())
        })
    }

    /// Sets all counts from `stacks`, which names every stack of every watched repository.
    ///
    /// What is not in it counts no more. An image that nothing names any more
    /// stays with 0, until [`Store::remove_image`]. The counts of an earlier
    /// database, which do not say whose they are, stay while a stack is unread.
    pub fn record_images(&mut self, stacks: &[ImageUses]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let before = uses(transaction)?;
            let (after, complete) = merged(&before, stacks);
            write_uses(transaction, &before, &after)?;
            let mut sums: BTreeMap<&str, u32> = BTreeMap::new();
            for (image, count) in after.values().flatten() {
                *sums.entry(image).or_default() += count;
            }
            write_counts(transaction, &sums, complete)
        })
    }

    /// Forgets an image that was removed from this node.
    pub fn remove_image(&mut self, name: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM images WHERE name = ?1", [name])?;
            Ok(())
        })
    }
}

/// The uses after this run, and whether every stack's are known.
fn merged(before: &Uses, stacks: &[ImageUses]) -> (Uses, bool) {
    let mut after = Uses::new();
    let mut complete = true;
    for stack in stacks {
        let key = (stack.owner.0.clone(), stack.stack.clone());
        match stack.counts.as_ref().or_else(|| before.get(&key)) {
            Some(counts) => {
                let named = counts.iter().filter(|(_, count)| **count > 0);
                after.insert(key, named.map(|(i, c)| (i.clone(), *c)).collect());
            }
            None => complete = false,
        }
    }
    (after, complete)
}

fn uses(connection: &Connection) -> rusqlite::Result<Uses> {
    let mut statement =
        connection.prepare("SELECT repository, stack, image, services FROM image_uses")?;
    let mut uses = Uses::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let stack = uses.entry((row.get(0)?, row.get(1)?)).or_default();
        stack.insert(row.get(2)?, row.get(3)?);
    }
    Ok(uses)
}

fn write_uses(transaction: &Connection, before: &Uses, after: &Uses) -> rusqlite::Result<()> {
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    for key in keys {
        if before.get(key) == after.get(key) {
            continue;
        }
        transaction.execute(
            "DELETE FROM image_uses WHERE repository = ?1 AND stack = ?2",
            params![key.0, key.1],
        )?;
        for (image, count) in after.get(key).into_iter().flatten() {
            transaction.execute(
                "INSERT INTO image_uses VALUES (?1, ?2, ?3, ?4)",
                params![key.0, key.1, image, count],
            )?;
        }
    }
    Ok(())
}

fn recorded(connection: &Connection) -> rusqlite::Result<BTreeMap<String, u32>> {
    let mut statement = connection.prepare("SELECT name, reference_count FROM images")?;
    let rows = statement.query_map([], |row| {
        let count: i64 = row.get(1)?;
        Ok((row.get(0)?, u32::try_from(count).unwrap_or(0)))
    })?;
    rows.collect()
}

fn write_counts(
    transaction: &Connection,
    sums: &BTreeMap<&str, u32>,
    complete: bool,
) -> rusqlite::Result<()> {
    let recorded = recorded(transaction)?;
    for (image, count) in sums {
        if !recorded.contains_key(*image) {
            transaction.execute(
                "INSERT INTO images (name, reference_count) VALUES (?1, ?2)",
                params![image, count],
            )?;
        }
    }
    for (image, old) in &recorded {
        let new = match sums.get(image.as_str()) {
            Some(sum) if complete => *sum,
            Some(sum) => *sum.max(old),
            None if complete => 0,
            None => *old,
        };
        if new != *old {
            transaction.execute(
                "UPDATE images SET reference_count = ?2 WHERE name = ?1",
                params![image, new],
            )?;
        }
    }
    Ok(())
}
