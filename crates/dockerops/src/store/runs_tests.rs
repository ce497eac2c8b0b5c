//! What is remembered of runs, and how long; and what is suspended.

use super::*;
use crate::store::{Deployed, Status};
use dockerops_core::repository_url::RepositoryUrl;
use dockerops_core::revision::Revision;

const URL: &str = "https://Git.example/u/r.git";

fn owner() -> Owner {
    RepositoryUrl::parse(URL).unwrap().normalised()
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("d.db")).unwrap();
    (folder, store)
}

fn ended(stack: &str, outcome: &str, hash: &str) -> Ended {
    let pinned = Resolution::Pinned {
        digest: format!("sha256:{}", "a".repeat(64)),
        platforms: Vec::new(),
    };
    Ended {
        repository: owner(),
        stack: stack.to_owned(),
        commit: Some(CommitReport {
            revision: "3".repeat(40),
            author: "Ann <ann@example.org>".to_owned(),
            subject: "app 2".to_owned(),
        }),
        trigger: "reconcile".to_owned(),
        outcome: outcome.to_owned(),
        reason: String::new(),
        healthy: outcome == "changed",
        hash: hash.to_owned(),
        pins: BTreeMap::from([("web:1".to_owned(), pinned)]),
        secrets: BTreeMap::from([("db".to_owned(), "k:1".to_owned())]),
        report: serde_json::json!({"name": stack}),
        started_at: "2026-01-02T03:04:05Z".to_owned(),
        ended_at: "2026-01-02T03:04:15Z".to_owned(),
    }
}

fn told(store: &Store, stack: &str) -> Vec<(String, u32)> {
    let runs = store.runs(Some(stack), 100).unwrap().into_iter();
    runs.map(|run| (run.ended.hash, run.repeated)).collect()
}

#[test]
fn a_run_is_read_as_it_was_written() {
    let (_folder, mut store) = store();
    let written = ended("web", "changed", "h");
    store.record_run(&written).unwrap();
    let id = store.newest_run(&owner(), "web").unwrap().unwrap().id;
    let run = store.run(id).unwrap().unwrap();
    assert_eq!(
        (run.ended, run.repeated, run.repeated_at),
        (written, 0, None)
    );
    assert_eq!(store.run(id + 1).unwrap(), None);
}

#[test]
fn runs_are_listed_newest_first_and_by_stack_across_repositories() {
    let (_folder, mut store) = store();
    store.record_run(&ended("web", "changed", "1")).unwrap();
    store.record_run(&ended("db", "changed", "2")).unwrap();
    let elsewhere = Ended {
        repository: Owner("https://other.example/r".to_owned()),
        ..ended("web", "changed", "3")
    };
    store.record_run(&elsewhere).unwrap();
    let hashes = |stack, limit| -> Vec<String> {
        let runs = store.runs(stack, limit).unwrap().into_iter();
        runs.map(|run| run.ended.hash).collect()
    };
    assert_eq!(hashes(None, 100), ["3", "2", "1"]);
    assert_eq!(hashes(Some("web"), 100), ["3", "1"]);
    assert_eq!(hashes(None, 2), ["3", "2"]);
}

#[test]
fn the_same_failure_again_counts_up_its_row() {
    let (_folder, mut store) = store();
    let failed = Ended {
        reason: "image not found".to_owned(),
        ..ended("web", "failed", "1")
    };
    store.record_run(&failed).unwrap();
    let again = Ended {
        ended_at: "later".to_owned(),
        ..failed.clone()
    };
    store.record_run(&again).unwrap();
    store.record_run(&again).unwrap();
    assert_eq!(told(&store, "web"), [("1".to_owned(), 2)]);
    let newest = store.newest_run(&owner(), "web").unwrap().unwrap();
    assert_eq!(newest.repeated_at.as_deref(), Some("later"));

    let other_reason = Ended {
        reason: "no node".to_owned(),
        ..failed.clone()
    };
    store.record_run(&other_reason).unwrap();
    store.record_run(&failed).unwrap();
    assert_eq!(told(&store, "web").len(), 3);
}

#[test]
fn a_change_is_a_row_of_its_own_each_time() {
    let (_folder, mut store) = store();
    store.record_run(&ended("web", "changed", "1")).unwrap();
    store.record_run(&ended("web", "changed", "1")).unwrap();
    assert_eq!(told(&store, "web").len(), 2);
}

#[test]
fn a_stack_keeps_its_newest_runs_and_always_the_newest_that_ended_well() {
    let (_folder, mut store) = store();
    store.record_run(&ended("db", "changed", "db")).unwrap();
    store.record_run(&ended("web", "changed", "old")).unwrap();
    store.record_run(&ended("web", "changed", "well")).unwrap();
    for n in 0..60 {
        let failed = ended("web", "failed", &format!("bad {n}"));
        store.record_run(&failed).unwrap();
    }
    let kept = told(&store, "web");
    assert_eq!(kept.len(), 51);
    assert_eq!(kept.first().unwrap().0, "bad 59");
    assert_eq!(kept.last().unwrap().0, "well");
    assert_eq!(told(&store, "db").len(), 1);

    let mut store = store.keep_runs(2);
    store.record_run(&ended("web", "failed", "newest")).unwrap();
    let kept: Vec<_> = told(&store, "web")
        .into_iter()
        .map(|(hash, _)| hash)
        .collect();
    assert_eq!(kept, ["newest", "bad 59", "well"]);
}

#[test]
fn the_newest_run_that_ended_well_is_what_a_rollback_returns_to() {
    let (_folder, mut store) = store();
    store.record_run(&ended("web", "changed", "1")).unwrap();
    store.record_run(&ended("web", "changed", "2")).unwrap();
    store.record_run(&ended("web", "failed", "3")).unwrap();
    let healthy = store.newest_healthy(&owner(), "web").unwrap();
    assert_eq!(healthy.unwrap().ended.hash, "2");
    assert_eq!(store.newest_healthy(&owner(), "db").unwrap(), None);
}

#[test]
fn history_outlives_the_stack_and_the_repository() {
    let (_folder, mut store) = store();
    store.record_run(&ended("web", "changed", "1")).unwrap();
    store.remove_stack(&owner(), "web").unwrap();
    store.remove_repository(URL).unwrap();
    store.clear_all().unwrap();
    assert_eq!(told(&store, "web").len(), 1);
}

fn deploy(store: &mut Store, stack: &str) {
    let deployed = Deployed {
        revision: Revision::parse(&"a".repeat(40)).unwrap(),
        at: "2026-01-02T03:04:05Z".to_owned(),
    };
    store
        .record_deployed(URL, stack, "compose.yml", "h", &deployed)
        .unwrap();
}

fn statuses(store: &Store) -> Vec<Status> {
    let stacks = store.stacks().unwrap().into_iter();
    stacks.map(|stack| stack.status).collect()
}

#[test]
fn what_is_suspended_stays_so_until_resumed_and_its_row_says_stopped() {
    let (_folder, mut store) = store();
    deploy(&mut store, "db");
    deploy(&mut store, "web");
    assert!(store.suspend(&owner(), Some("web"), "then").unwrap());
    assert!(!store.suspend(&owner(), Some("web"), "later").unwrap());
    assert_eq!(statuses(&store), [Status::Deployed, Status::Stopped]);
    let [suspended] = &store.suspensions().unwrap()[..] else {
        panic!("one is suspended");
    };
    assert_eq!(suspended.stack.as_deref(), Some("web"));
    assert_eq!(suspended.since, "then");
    // It is ours all the same: `stop` must find it.
    assert_eq!(store.listed_as_deployed("web").unwrap(), [owner()]);
    assert!(store.resume(&owner(), Some("web")).unwrap());
    assert!(!store.resume(&owner(), Some("web")).unwrap());
    assert_eq!(statuses(&store), [Status::Deployed, Status::Deployed]);
}

#[test]
fn a_suspended_repository_stops_all_its_stacks_and_a_suspended_stack_outlasts_it() {
    let (_folder, mut store) = store();
    deploy(&mut store, "db");
    deploy(&mut store, "web");
    store.suspend(&owner(), Some("web"), "then").unwrap();
    store.suspend(&owner(), None, "then").unwrap();
    assert_eq!(statuses(&store), [Status::Stopped, Status::Stopped]);
    store.resume(&owner(), None).unwrap();
    assert_eq!(statuses(&store), [Status::Deployed, Status::Stopped]);
}

#[test]
fn a_removed_stack_is_no_longer_suspended() {
    let (_folder, mut store) = store();
    deploy(&mut store, "web");
    store.suspend(&owner(), Some("web"), "then").unwrap();
    store.suspend(&owner(), None, "then").unwrap();
    store.remove_stack(&owner(), "web").unwrap();
    assert_eq!(store.suspensions().unwrap().len(), 1);
    store.remove_repository(URL).unwrap();
    assert_eq!(store.suspensions().unwrap(), []);
}
