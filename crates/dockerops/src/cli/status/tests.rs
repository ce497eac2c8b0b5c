//! The status as a person reads it on a terminal of 80 columns.

use dockerops_core::names::StackName;
use dockerops_core::report::CommitReport;
use dockerops_core::status::LastRun;

use super::*;

fn task(slot: u64, state: &str, error: Option<&str>) -> TaskStatus {
    TaskStatus {
        id: format!("t{slot}"),
        slot,
        node: Some("node1".into()),
        image: "app:1".into(),
        state: state.into(),
        age: 200,
        error: error.map(str::to_owned),
    }
}

fn service(name: &str, health: Status, tasks: Vec<TaskStatus>) -> ServiceStatus {
    let digest = "a".repeat(64);
    ServiceStatus {
        name: name.into(),
        image: Some(format!(
            "registry.example.org/team/application:1@sha256:{digest}"
        )),
        health,
        doing: "running".into(),
        reason: None,
        hint: None,
        running: 1,
        wanted: 2,
        tasks,
    }
}

fn stack(name: &str, sync: Sync, services: Vec<ServiceStatus>) -> StackStatus {
    StackStatus {
        name: StackName::parse(name).unwrap(),
        sync,
        difference: None,
        health: services
            .iter()
            .map(|s| s.health)
            .max()
            .unwrap_or(Status::Healthy),
        suspended: None,
        held: None,
        held_since: None,
        last_run: Some(LastRun {
            id: 12,
            outcome: "changed".into(),
            revision: None,
            ended_at: "2026-01-02T03:04:05Z".into(),
        }),
        services,
    }
}

fn repository(stacks: Vec<StackStatus>) -> RepositoryStatus {
    RepositoryStatus {
        url: "https://example.org/r".into(),
        commit: Some(CommitReport {
            revision: "3f2a9c41b07e55aa".into(),
            author: "Ann <ann@example.org>".into(),
            subject: "app 2".into(),
        }),
        last_watch: None,
        suspended: None,
        problem: None,
        outdated_files: 0,
        stacks,
    }
}

#[test]
fn a_status_says_what_runs_where_how_well_and_why_not() {
    let reason = "task: non-zero exit (3), 3 times (on node `node1`)";
    let mut ill = service(
        "web_app",
        Status::Degraded,
        vec![
            task(1, "failed", Some("task: non-zero exit (3)")),
            task(2, "running", None),
        ],
    );
    ill.reason = Some(reason.into());
    ill.hint = Some(
        "See what it wrote with `dockerops logs`; the command ended by itself with an error."
            .into(),
    );
    let mut web = stack("web", Sync::OutOfSync, vec![ill]);
    web.difference = Some("update service web_app".into());
    web.held = Some(Problem::new(
        "held: 3f2a9c41b07e failed",
        Some("Push a commit.".into()),
    ));
    web.held_since = Some("2026-01-02T03:04:05Z".into());
    let mut db = stack(
        "db",
        Sync::Unknown,
        vec![service("db_db", Status::Healthy, vec![])],
    );
    db.suspended = Some(
        "suspended by hand since 2026-01-02: nothing of it is changed until `dockerops resume db`"
            .into(),
    );
    let text = text(&[repository(vec![web, db])], Some(80)).plain();
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{text}");
    insta::assert_snapshot!(text, @r"
    https://example.org/r
      3f2a9c41b07e app 2 (Ann <ann@example.org>)
      web  OUT OF SYNC  DEGRADED  run 12: changed 2026-01-02 03:04:05Z
        held: 3f2a9c41b07e failed
        hint: Push a commit.
        since 2026-01-02 03:04:05Z
        update service web_app
        web_app  1/2  DEGRADED  registry.example.org/team/…on:1@sha256:aaaaaaaaaaaa…
          task: non-zero exit (3), 3 times (on node `node1`)
          hint: See what it wrote with `dockerops logs`; the command ended by itself
          with an error.
          1  node1  failed  3m
          2  node1  running  3m
      db  suspended  healthy  run 12: changed 2026-01-02 03:04:05Z
        suspended by hand since 2026-01-02: nothing of it is changed until
        `dockerops resume db`
        db_db  1/2  healthy  registry.example.org/team/a…tion:1@sha256:aaaaaaaaaaaa…
    ");
}

#[test]
fn a_repository_that_cannot_be_read_says_so_and_its_stacks_are_shown() {
    let mut unread = repository(vec![stack("web", Sync::Unknown, vec![])]);
    unread.commit = None;
    unread.problem = Some(Problem::new(
        "the server does not answer",
        Some("Look there.".into()),
    ));
    insta::assert_snapshot!(text(&[unread], None).plain(), @r"
    https://example.org/r
      the server does not answer
      hint: Look there.
      web  sync unknown  healthy  run 12: changed 2026-01-02 03:04:05Z
    ");
    let none = text(&[], None).plain();
    assert!(none.contains("dockerops watch"), "{none}");
}
