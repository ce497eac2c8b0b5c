//! The table `credentials`: what services were last sent with. Fingerprints only, never a value.

use std::collections::{BTreeMap, BTreeSet};

use dockerops_core::credentials::{Moment, Sent};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Store, StoreError};

impl Store {
    /// What each service was last sent with, by its id.
    pub fn credentials(&self) -> Result<BTreeMap<String, Sent>, StoreError> {
        self.read(all)
    }

    /// Records what services were `sent` with, and forgets those that do not `live` any more.
    ///
    /// Writes only what differs.
    pub fn record_credentials(
        &mut self,
        sent: &BTreeMap<String, Sent>,
        live: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let known = self.credentials()?;
        let gone: Vec<_> = known.keys().filter(|id| !live.contains(*id)).collect();
        let new: Vec<_> = sent
            .iter()
            .filter(|(id, sent)| known.get(*id) != Some(sent))
            .collect();
        if gone.is_empty() && new.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            for id in gone {
                transaction.execute("DELETE FROM credentials WHERE service = ?1", [id])?;
            }
            for (id, sent) in new {
                transaction.execute(
                    "INSERT OR REPLACE INTO credentials VALUES (?1, ?2, ?3, ?4)",
                    params![id, sent.fingerprint, text(sent.at), sent.ends.map(text)],
                )?;
            }
            Ok(())
        })
    }
}

fn all(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Sent>> {
    let mut statement =
        connection.prepare("SELECT service, fingerprint, sent_at, expires_at FROM credentials")?;
    let mut found = BTreeMap::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let at: String = row.get(2)?;
        let ends: Option<String> = row.get(3)?;
        // A time that nobody can read is as good as no row.
        let Some(at) = moment(&at) else { continue };
        let sent = Sent {
            fingerprint: row.get(1)?,
            at,
            ends: ends.as_deref().and_then(moment),
        };
        found.insert(row.get(0)?, sent);
    }
    Ok(found)
}

/// RFC 3339; the farthest time that can be written for one that cannot.
fn text(moment: Moment) -> String {
    let time = Timestamp::from_second(moment.0).unwrap_or(Timestamp::MAX);
    time.to_string()
}

fn moment(text: &str) -> Option<Moment> {
    let time: Timestamp = text.parse().ok()?;
    Some(Moment(time.as_second()))
}
