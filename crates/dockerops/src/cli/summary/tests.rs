//! Reports as a person reads them.

use dockerops_core::names::StackName;
use dockerops_core::plan::{Effect, FieldChange, Kept, KeptWhy, Order, Risk, RiskKind};
use dockerops_core::report::{
    BindingReport, ChangeReport, CommitReport, FileReport, Outcome, Problem, Report,
    RepositoryReport, RollbackReport, StackReport, Verb,
};

use super::*;

fn stack(name: &str, outcome: Outcome) -> StackReport {
    StackReport::new(StackName::parse(name).unwrap(), outcome)
}

fn change(verb: Verb, kind: &'static str, name: &str, reason: &str) -> ChangeReport {
    ChangeReport {
        verb,
        kind,
        name: name.into(),
        reasons: vec![reason.into()],
        fields: Vec::new(),
        restarts: false,
        effect: None,
        diff: None,
        asked_anew: false,
    }
}

fn update() -> ChangeReport {
    ChangeReport {
        fields: vec![FieldChange {
            field: "image".into(),
            old: Some("a:1".into()),
            new: Some("a:2".into()),
        }],
        restarts: true,
        effect: Some(Effect::Restart {
            tasks: Some(3),
            at_once: 1,
            order: Order::StopFirst,
        }),
        ..change(
            Verb::Update,
            "service",
            "web_app",
            "changed since the last deploy",
        )
    }
}

fn report(stacks: Vec<StackReport>) -> Report {
    let repository = RepositoryReport {
        url: "https://example.org/r".into(),
        revision: Some("3f2a9c41b07e55aa".into()),
        stacks,
        ..RepositoryReport::default()
    };
    Report {
        repositories: vec![repository],
        ..Report::default()
    }
}

#[test]
fn a_summary_says_what_changed_what_failed_and_what_next() {
    let mut web = stack("web", Outcome::Changed);
    web.changes.push(update());
    let mut db = stack("db", Outcome::Failed);
    db.problem = Some(Problem::new(
        "secret `pw` has no value",
        Some("Write it to /nfs/secret/pw.".into()),
    ));
    let report = report(vec![web, stack("api", Outcome::Unchanged), db]);
    insta::assert_snapshot!(text(&report, View::Done, None).plain(), @r"
    web  changed
      ~ service  web_app  changed since the last deploy
          image: a:1 → a:2
    api  unchanged
    db  FAILED
      error: secret `pw` has no value
        hint: Write it to /nfs/secret/pw.
    1 stack changed, 1 unchanged, 1 failed.
    ");
}

#[test]
fn a_way_back_says_where_it_led_also_when_nothing_was_left_to_write() {
    let told = |outcome, problem| {
        let mut one = stack("web", outcome);
        one.rollback = Some(RollbackReport {
            revision: None,
            changes: Vec::new(),
            problem,
        });
        text(&report(vec![one]), View::Done, None).plain()
    };
    let back = told(Outcome::RolledBack, None);
    assert!(back.contains("rolled back to what ran before"), "{back}");
    let gone = told(Outcome::Failed, None);
    assert!(gone.contains("removed again"), "{gone}");
    let stuck = told(Outcome::Failed, Some(Problem::new("no leader", None)));
    assert!(
        stuck.contains("rolling back to what ran before FAILED"),
        "{stuck}"
    );
}

#[test]
fn a_plan_says_what_it_does_to_tasks_and_files_and_what_to_think_about() {
    let mut web = stack("web", Outcome::Changed);
    web.commit = Some(CommitReport {
        revision: "3f2a9c41b07e55aa".into(),
        author: "Alice <a@example.org>".into(),
        subject: "app 2".into(),
    });
    web.changes = vec![
        change(Verb::Create, "network", "web_back", "not deployed yet"),
        update(),
        ChangeReport {
            effect: Some(Effect::Replace { tasks: Some(1) }),
            ..change(
                Verb::Replace,
                "service",
                "web_job",
                "cannot be updated in place",
            )
        },
        change(Verb::Remove, "config", "web_old", "no longer declared"),
    ];
    web.risks.push(Risk {
        kind: RiskKind::DownMeanwhile,
        service: "web_job".into(),
        message: "nothing of it runs until it is made anew".into(),
    });
    let kept = |name: &str, why| Kept {
        name: name.into(),
        why,
        fields: Vec::new(),
    };
    web.kept = vec![
        kept("web_db", KeptWhy::UpToDate),
        kept("web_seed", KeptWhy::JobDone),
        kept("web_extra", KeptWhy::Foreign),
        Kept {
            fields: vec![FieldChange {
                field: "deploy.replicas".into(),
                old: Some("7".into()),
                new: Some("2".into()),
            }],
            ..kept("web_api", KeptWhy::Drifted)
        },
    ];
    let mut report = report(vec![web, stack("api", Outcome::Unchanged)]);
    report.repositories[0].bindings.push(BindingReport {
        path: "web/conf".into(),
        files: vec![FileReport {
            verb: Verb::Update,
            path: "web/conf/a".into(),
            diff: Some("@@ -1 +1 @@\n-x\n+y\n".into()),
        }],
        notes: Vec::new(),
    });
    insta::assert_snapshot!(text(&report, View::Plan, None).plain(), @r"
    https://example.org/r  3f2a9c41b07e
    web  changes
      commit 3f2a9c41b07e by Alice <a@example.org>: app 2
      + network  web_back  not deployed yet
      ~ service  web_app  changed since the last deploy
          image: a:1 → a:2
          (restarts 3 tasks, 1 at a time, stop-first)
      ± service  web_job  cannot be updated in place
          (stops 1 task, then starts anew)
      - config   web_old  no longer declared
      ! web_job: nothing of it runs until it is made anew
      = web_extra  not ours: left alone
      = web_api  changed by hand on the Swarm, left as it is (self_heal: false)
          deploy.replicas: 7 → 2
      = 2 services unchanged
    api  no change
    binding web/conf
      ~ web/conf/a
          @@ -1 +1 @@
          -x
          +y
    Plan: 1 to create, 1 to update, 1 to replace, 1 to remove, 1 file of bindings to write or remove, 1 left as a hand made it; 4 tasks restart.
    ");
}

#[test]
fn a_plan_fits_a_terminal_of_80_columns() {
    let image = |tag: u8, digit: &str| {
        format!(
            "registry.example.org/team/app:{tag}@sha256:{}",
            digit.repeat(64)
        )
    };
    let field = |field: &str, old: String, new: String| FieldChange {
        field: field.into(),
        old: Some(old),
        new: Some(new),
    };
    let mut change = update();
    change.fields = vec![
        field("image", image(1, "a"), image(2, "b")),
        field("environment.LONG", "x".repeat(200), "y\n".repeat(100)),
    ];
    let mut web = stack("web", Outcome::Changed);
    web.changes.push(change);
    let text = text(&report(vec![web]), View::Plan, Some(80)).plain();
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{text}");
    insta::assert_snapshot!(text, @r"
    https://example.org/r  3f2a9c41b07e
    web  changes
      ~ service  web_app  changed since the last deploy
          image: registry.example.org/team/app:1@sha256:aaaaaaaaaaaa…
            → registry.example.org/team/app:2@sha256:bbbbbbbbbbbb…
          environment.LONG: xxxxxxxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxxxxxxxxxxxx
            → y\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\…ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\n
          (restarts 3 tasks, 1 at a time, stop-first)
    Plan: 0 to create, 1 to update, 0 to replace, 0 to remove; 3 tasks restart.
    ");
}
