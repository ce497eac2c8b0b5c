//! The store on real files.

use std::collections::BTreeMap;
use std::fs;

use dockerops_core::names::Owner;
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;
use rusqlite::Connection;

use super::*;

const NOW: &str = "2026-01-02T03:04:05Z";
const URL: &str = "https://Git.example/u/r.git";

/// The schema that dockerops 0.0.21 made, and one row in each table.
const EARLIER: &str = "
CREATE TABLE images (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, reference_count INTEGER NOT NULL DEFAULT 0);
CREATE TABLE stacks (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, repository_url TEXT NOT NULL, compose_path TEXT NOT NULL,
    hash TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'stopped', UNIQUE(name, repository_url));
CREATE TABLE repository_cache (id INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL UNIQUE, last_watch TEXT NOT NULL);
INSERT INTO images VALUES (1, 'r.example/web:1', 1);
INSERT INTO stacks VALUES (1, 'app', 'https://git.example/u/r', 'app/docker-compose.yml', '47c0', 'deployed');
INSERT INTO repository_cache VALUES (1, 'https://git.example/u/r', '2025-07-21T00:00:48.123456789+00:00');
";

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/d.db");
    Place {
        _folder: folder,
        path,
    }
}

fn with_sql(sql: &str) -> Place {
    let place = place();
    fs::create_dir(place.path.parent().unwrap()).unwrap();
    Connection::open(&place.path)
        .unwrap()
        .execute_batch(sql)
        .unwrap();
    place
}

fn url() -> RepositoryUrl {
    RepositoryUrl::parse(URL).unwrap()
}

fn owner() -> Owner {
    url().normalised()
}

fn deployed(digit: &str) -> Deployed {
    Deployed {
        revision: Revision::parse(&digit.repeat(40)).unwrap(),
        at: NOW.to_owned(),
    }
}

fn counts(pairs: &[(&str, u32)]) -> BTreeMap<String, u32> {
    pairs
        .iter()
        .map(|(image, count)| ((*image).to_owned(), *count))
        .collect()
}

fn uses(stack: &str, pairs: Option<&[(&str, u32)]>) -> ImageUses {
    ImageUses {
        owner: owner(),
        stack: stack.to_owned(),
        counts: pairs.map(counts),
    }
}

fn shown(store: &Store) -> String {
    let images = store.images().unwrap();
    let images: Vec<String> = images
        .iter()
        .map(|i| format!("{}={}", i.name, i.reference_count))
        .collect();
    images.join(" ")
}

#[test]
fn a_new_database_has_the_documented_tables_and_columns() {
    let place = place();
    drop(Store::open(&place.path).unwrap());
    let connection = Connection::open(&place.path).unwrap();
    let mut columns = Vec::new();
    for table in ["images", "stacks", "repository_cache"] {
        let sql = format!("SELECT group_concat(name, ',') FROM pragma_table_info('{table}')");
        let names: String = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        columns.push(names);
    }
    assert_eq!(
        columns,
        [
            "id,name,reference_count",
            "id,name,repository_url,compose_path,hash,status",
            "id,url,last_watch"
        ]
    );
}

#[test]
fn credentials_in_an_address_of_an_earlier_database_stay_in_its_tables() {
    let kept = EARLIER.replace("https://git", "https://bob:hunter2@git");
    let place = with_sql(&kept);
    let mut store = Store::open(&place.path).unwrap();
    let (repositories, stacks) = (store.repositories().unwrap(), store.stacks().unwrap());
    let told = format!("{repositories:?} {stacks:?} {:?}", stacks[0].owner());
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(repositories[0].owner(), stacks[0].owner());
    store.remove_repository(&repositories[0].url).unwrap();
    assert!(store.repositories().unwrap().is_empty(), "it can be named");
    assert!(store.stacks().unwrap().is_empty());
}

#[test]
fn an_earlier_database_opens_and_goes_on_working() {
    let place = with_sql(EARLIER);
    let mut store = Store::open(&place.path).unwrap();
    let row = store.repository(&url()).unwrap().unwrap();
    assert_eq!(row.url, "https://git.example/u/r");
    assert_eq!(store.listed_as_deployed("app").unwrap(), [owner()]);
    assert_eq!(store.deployed(&owner(), "app").unwrap(), None);
    store
        .record_deployed(
            &row.url,
            "app",
            "app/docker-compose.yml",
            "new",
            &deployed("a"),
        )
        .unwrap();
    store
        .record_images(&[uses("app", Some(&[("r.example/web:2", 2)]))])
        .unwrap();
    let stacks = store.stacks().unwrap();
    assert_eq!((stacks.len(), stacks[0].hash.as_str()), (1, "new"));
    assert_eq!(shown(&store), "r.example/web:1=0 r.example/web:2=2");
    drop(store);
    assert_eq!(
        Store::open(&place.path).unwrap().repositories().unwrap(),
        [row]
    );
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_stays_as_it_is() {
    let foreign = [
        "CREATE TABLE bookmarks (id); INSERT INTO bookmarks VALUES (1)",
        "CREATE TABLE images (id, picture BLOB)",
        "PRAGMA application_id = 7; CREATE TABLE images (id, name, reference_count)",
        "PRAGMA user_version = 3; CREATE TABLE t (x)",
    ];
    for sql in foreign {
        let place = with_sql(sql);
        let before = fs::read(&place.path).unwrap();
        assert!(
            matches!(Store::open(&place.path), Err(StoreError::Foreign { .. })),
            "{sql}"
        );
        assert_eq!(fs::read(&place.path).unwrap(), before);
    }
    let place = place();
    fs::create_dir(place.path.parent().unwrap()).unwrap();
    fs::write(
        &place.path,
        "not a database, but long enough to be read as one".repeat(40),
    )
    .unwrap();
    let before = fs::read(&place.path).unwrap();
    let error = Store::open(&place.path).unwrap_err();
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
    assert_eq!(fs::read(&place.path).unwrap(), before);
    assert!(error.hint().unwrap().contains("DOCKEROPS_DB_PATH"));
    let folder = place.path.parent().unwrap();
    assert!(matches!(
        Store::open(folder),
        Err(StoreError::NotAFile { .. })
    ));
}

#[test]
fn a_newer_format_is_refused() {
    let place = place();
    drop(Store::open(&place.path).unwrap());
    let connection = Connection::open(&place.path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(&place.path).unwrap_err().to_string();
    assert!(error.contains("newer DockerOps (format 99"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = place();
    fs::write(place.path.parent().unwrap(), "a file in the way").unwrap();
    let error = Store::open(&place.path).unwrap_err();
    assert!(error.to_string().contains("new"), "{error}");
}

#[test]
fn a_full_disk_is_told_with_the_path_and_changes_nothing() {
    let place = place();
    let mut store = Store::open(&place.path).unwrap();
    store.add_repository(&url(), NOW).unwrap();
    store
        .connection
        .execute_batch("PRAGMA max_page_count = 1")
        .unwrap();
    let many: Vec<ImageUses> = (0..500)
        .map(|n| uses(&format!("stack-{n}"), Some(&[("image", 1)])))
        .collect();
    let error = store.record_images(&many).unwrap_err();
    assert!(
        matches!(&error, StoreError::DiskFull { path } if *path == place.path),
        "{error}"
    );
    assert_eq!(shown(&store), "");
}

#[test]
fn two_spellings_are_one_repository_and_the_first_is_kept() {
    let place = place();
    let mut store = Store::open(&place.path).unwrap();
    store.add_repository(&url(), NOW).unwrap();
    store
        .add_repository(&RepositoryUrl::parse("git.example/u/r/").unwrap(), "later")
        .unwrap();
    let rows = store.repositories().unwrap();
    assert_eq!(
        rows,
        [Repository {
            url: URL.to_owned(),
            last_watch: "later".to_owned()
        }]
    );
}

#[test]
fn a_hash_is_stored_by_success_alone() {
    let place = place();
    let mut store = Store::open(&place.path).unwrap();
    let status = |store: &Store| {
        let row = store.stacks().unwrap().remove(0);
        (row.hash, row.status)
    };
    store
        .record_status(URL, "web", "web/compose.yml", Status::Error)
        .unwrap();
    assert_eq!(status(&store), (String::new(), Status::Error));
    store
        .record_deployed(URL, "web", "web/compose.yml", "h1", &deployed("a"))
        .unwrap();
    assert_eq!(status(&store), ("h1".to_owned(), Status::Deployed));
    store
        .record_status(URL, "web", "web/compose.yml", Status::Error)
        .unwrap();
    assert_eq!(status(&store), ("h1".to_owned(), Status::Error));
    assert_eq!(
        store.deployed(&owner(), "web").unwrap(),
        Some(deployed("a"))
    );
}

#[test]
fn what_swarm_rolled_back_is_held_until_it_is_not() {
    let place = place();
    let mut store = Store::open(&place.path).unwrap();
    let attempt = Attempt {
        service: "web_a".to_owned(),
        hash: "h".to_owned(),
        reason: "rolled back".to_owned(),
        at: NOW.to_owned(),
    };
    store
        .record_attempts(&owner(), "web", std::slice::from_ref(&attempt))
        .unwrap();
    assert_eq!(store.attempts(&owner(), "web").unwrap(), [attempt]);
    store.record_attempts(&owner(), "web", &[]).unwrap();
    assert!(store.attempts(&owner(), "web").unwrap().is_empty());
}

#[test]
fn images_count_the_services_of_all_stacks() {
    let place = place();
    let mut store = Store::open(&place.path).unwrap();
    store
        .record_images(&[
            uses("a", Some(&[("x", 2), ("y", 1)])),
            uses("b", Some(&[("x", 1)])),
        ])
        .unwrap();
    assert_eq!(shown(&store), "x=3 y=1");
    store
        .record_images(&[uses("a", Some(&[("x", 1)]))])
        .unwrap();
    assert_eq!(shown(&store), "x=1 y=0");
    store.remove_image("y").unwrap();
    assert_eq!(shown(&store), "x=1");
}

#[test]
fn a_stack_that_cannot_be_read_keeps_its_last_counts() {
    let place = place();
    let mut store = Store::open(&place.path).unwrap();
    store
        .record_images(&[uses("a", Some(&[("x", 2)])), uses("b", Some(&[("y", 1)]))])
        .unwrap();
    store
        .record_images(&[uses("a", None), uses("b", Some(&[]))])
        .unwrap();
    assert_eq!(shown(&store), "x=2 y=0");
}

#[test]
fn counts_of_an_earlier_database_stay_while_a_stack_is_unread() {
    let place = with_sql(EARLIER);
    let mut store = Store::open(&place.path).unwrap();
    store
        .record_images(&[uses("app", None), uses("other", Some(&[("z", 1)]))])
        .unwrap();
    assert_eq!(shown(&store), "r.example/web:1=1 z=1");
}

#[test]
fn recording_what_is_recorded_writes_nothing() {
    let place = place();
    let mut store = Store::open(&place.path).unwrap();
    store.add_repository(&url(), NOW).unwrap();
    let mut run = |at: &str| {
        let again = Deployed {
            at: at.to_owned(),
            ..deployed("a")
        };
        store
            .record_deployed(URL, "web", "web/compose.yml", "h", &again)
            .unwrap();
        store
            .record_images(&[uses("web", Some(&[("x", 1)]))])
            .unwrap();
        store.record_attempts(&owner(), "web", &[]).unwrap();
        drop(Store::open(&place.path).unwrap());
        fs::read(&place.path).unwrap()
    };
    assert!(run(NOW) == run("later"), "the file changed");
}

#[test]
fn a_removed_repository_leaves_nothing_behind() {
    let place = with_sql(EARLIER);
    let mut store = Store::open(&place.path).unwrap();
    store
        .record_deployed(URL, "app", "p", "h", &deployed("a"))
        .unwrap();
    store
        .record_images(&[uses("app", Some(&[("x", 1)]))])
        .unwrap();
    store.remove_repository(URL).unwrap();
    assert!(store.repositories().unwrap().is_empty() && store.stacks().unwrap().is_empty());
    assert_eq!(store.deployed(&owner(), "app").unwrap(), None);
    store.record_images(&[]).unwrap();
    assert_eq!(shown(&store), "r.example/web:1=0 x=0");
}

#[test]
fn clearing_empties_the_documented_tables() {
    let place = with_sql(EARLIER);
    let mut store = Store::open(&place.path).unwrap();
    store.clear_all().unwrap();
    assert!(store.repositories().unwrap().is_empty() && store.stacks().unwrap().is_empty());
    assert_eq!(shown(&store), "");
}

#[test]
fn two_processes_that_open_a_new_database_at_once_both_succeed() {
    let place = place();
    let open = || Store::open(&place.path).map(drop);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
}

#[test]
fn a_snapshot_is_read_from_a_database_that_a_killed_run_left_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.db");
    Store::open(&path).unwrap();
    // A transaction that spilt its pages to the file, cut short: the copy has its journal.
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;
             WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
             INSERT INTO images (name, reference_count) SELECT 'image-' || i, 1 FROM n;",
        )
        .unwrap();
    let killed = folder.path().join("killed.db");
    let journal = |path: &Path| path.with_extension("db-journal");
    fs::copy(&path, &killed).unwrap();
    fs::copy(journal(&path), journal(&killed)).unwrap();
    assert_eq!(Store::snapshot(&killed).unwrap().images().unwrap(), []);
}

#[test]
fn a_snapshot_makes_no_file_and_keeps_what_is_written_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/d.db");
    let mut store = Store::snapshot(&path).unwrap();
    let url = RepositoryUrl::parse("https://example.org/a").unwrap();
    store.add_repository(&url, "2026-01-01T00:00:00Z").unwrap();
    assert_eq!(store.repositories().unwrap().len(), 1);
    assert!(!folder.path().join("new").exists());
}

#[test]
fn what_was_sent_is_remembered_for_services_that_live() {
    use dockerops_core::credentials::{Moment, Sent};
    let place = place();
    let mut store = Store::open(&place.path).unwrap();
    let sent = |fingerprint: &str, ends: Option<i64>| Sent {
        fingerprint: fingerprint.to_owned(),
        at: Moment(1_800_000_000),
        ends: ends.map(Moment),
    };
    let known = BTreeMap::from([
        ("one".to_owned(), sent("k:1", Some(1_800_003_600))),
        ("two".to_owned(), sent("k:2", None)),
    ]);
    let all = known.keys().cloned().collect();
    store.record_credentials(&known, &all).unwrap();
    assert_eq!(store.credentials().unwrap(), known);
    let before = fs::read(&place.path).unwrap();
    store.record_credentials(&known, &all).unwrap();
    assert_eq!(
        fs::read(&place.path).unwrap(),
        before,
        "written without need"
    );

    let live = ["two".to_owned()].into();
    store.record_credentials(&BTreeMap::new(), &live).unwrap();
    assert_eq!(
        store.credentials().unwrap().into_keys().collect::<Vec<_>>(),
        ["two"]
    );
    store.clear_all().unwrap();
    assert!(store.credentials().unwrap().is_empty());
}
