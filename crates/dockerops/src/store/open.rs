//! Opening: whose file is it, and which format has it?
//!
//! `PRAGMA application_id` marks our files and `PRAGMA user_version` is their
//! format. The earlier `dockerops` 0.0.x set neither; its file is known by its
//! three tables.
//!
//! The journal stays SQLite's own default: one file, readable and copied by
//! anyone, also where a write-ahead log would not work (NFS).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::StoreError;

/// `DOps`.
pub(super) const APPLICATION_ID: i64 = 0x444f_7073;

/// What brings a file from format `n` to `n + 1`. The first also adopts the tables of 0.0.x.
const MIGRATIONS: [&str; 2] = [
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
];

/// The documented tables and the columns that 0.0.x gave them.
const DOCUMENTED: [(&str, &[&str]); 3] = [
    ("images", &["id", "name", "reference_count"]),
    ("repository_cache", &["id", "url", "last_watch"]),
    (
        "stacks",
        &[
            "id",
            "name",
            "repository_url",
            "compose_path",
            "hash",
            "status",
        ],
    ),
];

/// How long another writer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long between two looks whether it is done.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    check_place(path)?;
    let failed = |source| StoreError::of(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    if read_format(&mut connection, path)? < known() {
        migrate(&mut connection, path)?;
    }
    // SQLite falls back to reading when it may not write, and says nothing.
    if connection.is_readonly("main").map_err(failed)? {
        return Err(StoreError::ReadOnly {
            path: path.to_owned(),
        });
    }
    Ok(connection)
}

/// A copy in memory, brought to our format there.
pub(super) fn snapshot(path: &Path) -> Result<Connection, StoreError> {
    let failed = |source| StoreError::of(path, source);
    let mut copy = Connection::open_in_memory().map_err(failed)?;
    if fs::exists(path).unwrap_or(true) {
        check_file(path)?;
        copy_into(path, &mut copy).map_err(failed)?;
    }
    if read_format(&mut copy, path)? < known() {
        migrate(&mut copy, path)?;
    }
    Ok(copy)
}

fn copy_into(path: &Path, copy: &mut Connection) -> rusqlite::Result<()> {
    let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match copy_with(path, read_only, copy) {
        // A killed run left a journal: whoever opens the file next rolls it back, and to
        // read it at all that has to be us.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            let recover = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            copy_with(path, recover, copy)
        }
        copied => copied,
    }
}

fn copy_with(path: &Path, flags: OpenFlags, copy: &mut Connection) -> rusqlite::Result<()> {
    let file = Connection::open_with_flags(path, flags)?;
    file.busy_timeout(PATIENCE)?;
    let backup = Backup::new(&file, copy)?;
    let since = Instant::now();
    // All pages in one step: the copy is of one moment.
    while backup.step(-1)? != StepResult::Done {
        if since.elapsed() > PATIENCE {
            let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            return Err(rusqlite::Error::SqliteFailure(busy, None));
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn check_file(path: &Path) -> Result<(), StoreError> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(StoreError::NotAFile {
            path: path.to_owned(),
        });
    }
    Ok(())
}

fn check_place(path: &Path) -> Result<(), StoreError> {
    check_file(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(|source| StoreError::Folder {
        path: folder.to_owned(),
        source,
    })
}

/// The format, read as of one moment: another process may be making the file just now.
fn read_format(connection: &mut Connection, path: &Path) -> Result<i64, StoreError> {
    let moment = connection
        .transaction()
        .map_err(|source| StoreError::of(path, source))?;
    format_of(&moment, path)
}

/// The format of a file that is ours or free to become ours; only reads.
fn format_of(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let failed = |source| StoreError::of(path, source);
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let id = pragma("application_id").map_err(failed)?;
    let version = pragma("user_version").map_err(failed)?;
    let tables = tables(connection).map_err(failed)?;
    let unmarked = id == 0 && version == 0;
    let ours = id == APPLICATION_ID || (unmarked && (tables.is_empty() || is_earlier(&tables)));
    if !ours {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    if version > known() {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: version,
            known: known(),
        });
    }
    Ok(version)
}

type Tables = BTreeMap<String, BTreeSet<String>>;

/// The tables and their columns.
fn tables(connection: &Connection) -> rusqlite::Result<Tables> {
    let mut statement = connection.prepare(
        "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
         WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )?;
    let mut tables = Tables::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        tables.entry(row.get(0)?).or_default().insert(row.get(1)?);
    }
    Ok(tables)
}

/// Whether these are the tables of `dockerops` 0.0.x: all three, with at least these columns.
fn is_earlier(tables: &Tables) -> bool {
    DOCUMENTED.iter().all(|(table, columns)| {
        tables
            .get(*table)
            .is_some_and(|found| columns.iter().all(|column| found.contains(*column)))
    })
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::of(path, source);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    // Another process may have been first.
    let from = usize::try_from(format_of(&transaction, path)?).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .and_then(|()| transaction.pragma_update(None, "user_version", known()))
        .and_then(|()| transaction.commit())
        .map_err(failed)
}
