//! The history as a person reads it.

use std::collections::BTreeMap;

use dockerops_core::names::Owner;
use dockerops_core::plan::Resolution;
use dockerops_core::report::CommitReport;
use serde_json::json;

use super::*;

fn run(id: i64, stack: &str, outcome: &str) -> Run {
    Run {
        id,
        ended: Ended {
            repository: Owner("https://example.org/r".into()),
            stack: stack.into(),
            commit: Some(CommitReport {
                revision: "3f2a9c41b07e55aa".into(),
                author: "Ann <ann@example.org>".into(),
                subject: "app 2".into(),
            }),
            trigger: "reconcile".into(),
            outcome: outcome.into(),
            reason: String::new(),
            healthy: outcome == "changed",
            hash: "h".into(),
            pins: BTreeMap::from([("web:1".into(), Resolution::Local)]),
            secrets: BTreeMap::new(),
            report: json!({}),
            started_at: "2026-01-02T03:04:05.5Z".into(),
            ended_at: "2026-01-02T03:04:17.9Z".into(),
        },
        repeated: 0,
        repeated_at: None,
    }
}

#[test]
fn a_history_says_when_what_who_and_why_newest_first() {
    let mut failed = run(12, "web", "failed");
    failed.ended.reason = format!("service web_app failed: {}", "no such image, ".repeat(9));
    failed.ended.report = json!({"problem": {"details": ["first of all\nand more", "then this"]}});
    failed.repeated = 3;
    failed.repeated_at = Some("2026-01-02T06:00:00Z".into());
    let mut unread = run(11, "", "failed");
    unread.ended.commit = None;
    unread.ended.reason = "the repository cannot be reached".into();
    let text = text(&[failed, unread, run(10, "web", "changed")], Some(80)).plain();
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{text}");
    insta::assert_snapshot!(text, @r"
      12  2026-01-02 03:04:05Z  web  FAILED  (reconcile, 12s)
          3f2a9c41b07e app 2 (Ann <ann@example.org>)
          service web_app failed: no such image, no such image, no such image, no
          such image, no such image, no such image, no such image, no such image, no
          such image,
          first of all
          then this
          3 times more, last 2026-01-02 06:00:00Z
      11  2026-01-02 03:04:05Z  https://example.org/r  FAILED  (reconcile, 12s)
          the repository cannot be reached
      10  2026-01-02 03:04:05Z  web  changed  (reconcile, 12s)
          3f2a9c41b07e app 2 (Ann <ann@example.org>)
    ");
}

#[test]
fn one_run_is_told_whole() {
    let mut one = run(12, "web", "rolled-back");
    one.ended.report = json!({
        "changes": [{"verb": "update", "kind": "service", "name": "web_app", "reasons": ["changed since the last deploy"],
            "fields": [{"field": "image", "old": "a:1", "new": "a:2"}]}],
        "warnings": ["take care"],
        "problem": {"message": "service web_app failed", "hint": "Mend it.", "details": ["its last words"]},
        "rollback": {"revision": "0123456789abcdef", "changes": [], "problem": null},
    });
    insta::assert_snapshot!(whole::text(&one).plain(), @r"
      12  2026-01-02 03:04:05Z  web  FAILED and rolled back  (reconcile, 12s)
          3f2a9c41b07e app 2 (Ann <ann@example.org>)
          https://example.org/r
      update service web_app  changed since the last deploy
          image: a:1 → a:2
      warning: take care
      error: service web_app failed
      its last words
        hint: Mend it.
      rolled back to 0123456789ab
      image web:1  as it is written
    ");
    one.ended.report["rollback"]["problem"] = json!({"message": "no leader"});
    let text = whole::text(&one).plain();
    assert!(
        text.contains("rolling back to 0123456789ab FAILED\n  error: no leader"),
        "{text}"
    );
}

#[test]
fn a_stack_that_two_repositories_have_is_told_with_whose_it_was() {
    let mut other = run(12, "web", "failed");
    other.ended.repository = Owner("https://example.org/other".into());
    let runs = [other, run(11, "web", "changed"), run(10, "db", "changed")];
    let text = text(&runs, Some(80)).plain();
    let of = |url: &str| text.lines().filter(|line| line.trim() == url).count();
    assert_eq!(of("https://example.org/other"), 1, "{text}");
    assert_eq!(of("https://example.org/r"), 1, "{text}");
}
