//! Plans that are only shown: which commit is named, and that nothing is held back that a run would say.

use dockerops::reconcile::{Mode, Request, Target, run};
use dockerops_core::report::Report;

use crate::bench::{Bench, repository, request};
use crate::git_server::Repository;

impl Bench {
    async fn plan(&self, target: Target) -> Report {
        let request = Request {
            mode: Mode::Preview,
            ..request(vec![target])
        };
        run(&self.world, &request).await.unwrap()
    }

    async fn plan_of(&self, repository: &Repository) -> Report {
        self.plan(Target::parse(&repository.url())).await
    }
}

/// The revision that the plan puts the first stack's changes down to.
fn blamed(report: &Report) -> Option<&str> {
    let commit = report.repositories[0].stacks[0].commit.as_ref();
    commit.map(|commit| commit.revision.as_str())
}

/// A stack with a binding outside its folder, and a config from another folder.
fn spread(nfs: &std::path::Path) -> Repository {
    let compose = "\
services:
  a:
    image: \"web:1\"
    volumes: [\"conf:/c\"]
    configs: [shared]
    deploy: {update_config: {monitor: 1ms}}
volumes: {conf: {}}
configs: {shared: {file: ../shared/x.conf}}
";
    let nfs = format!("path: {}\n", nfs.display());
    Repository::with(&[
        ("stacks.yaml", "- name: app\n"),
        ("app/compose.yml", compose),
        ("shared/x.conf", "one"),
        ("conf/file", "one"),
        ("other/file", "one"),
        ("volumes.yaml", "- {id: conf, type: binding, path: conf}\n"),
        ("nfs.yaml", &nfs),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_the_newest_commit_of_any_file_that_the_stack_is_made_from() {
    let bench = Bench::new();
    let nfs = tempfile::tempdir().unwrap();
    let app = spread(nfs.path());
    bench.reconcile(&[&app]).await;
    for (name, text) in [
        ("shared/x.conf", "two"),
        ("conf/file", "two"),
        ("volumes.yaml", "- {id: conf, type: binding, path: other}\n"),
    ] {
        let wanted = app.commit(&[(name, text)]);
        app.commit(&[("README.md", name)]);
        let report = bench.plan_of(&app).await;
        assert_eq!(blamed(&report), Some(wanted.as_str()), "{name}: {report:?}");
        bench.reconcile(&[&app]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_was_listed_just_now_is_put_down_to_the_commit_that_lists_it() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    app.commit(&[("stacks.yaml", "[]\n")]);
    let listed = app.commit(&[("stacks.yaml", "- name: app\n")]);
    app.commit(&[("README.md", "x")]);

    assert_eq!(blamed(&bench.plan_of(&app).await), Some(listed.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_of_a_binding_that_no_stack_mounts_and_that_a_run_would_fail_at() {
    let bench = Bench::new();
    let nfs = tempfile::tempdir().unwrap();
    std::fs::create_dir(nfs.path().join("conf")).unwrap();
    std::fs::write(nfs.path().join("conf/file"), "not ours").unwrap();
    let app = repository("app", &["a"], "one");
    app.commit(&[
        ("conf/file", "ours"),
        ("volumes.yaml", "- {id: conf, type: binding, path: conf}\n"),
        ("nfs.yaml", &format!("path: {}\n", nfs.path().display())),
    ]);

    let planned = bench.plan_of(&app).await;
    let run = bench.reconcile(&[&app]).await;

    assert_eq!(planned.problems.len(), 1, "{planned:?}");
    assert_eq!(planned.problems, run.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worktree_knows_where_it_was_cloned_from_and_a_folder_within_does_not() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    app.git(&["remote", "add", "origin", "https://git.example.org/a"]);
    let beside = app.root().join("worktree");
    app.git(&["worktree", "add", "--quiet", beside.to_str().unwrap()]);
    std::fs::create_dir(app.path().join("app/.git")).unwrap();

    let git = &bench.world.git;
    for folder in [app.path(), &beside] {
        let origin = git.origin(folder).await;
        assert_eq!(origin.as_deref(), Some("https://git.example.org/a"));
    }
    assert_eq!(git.origin(&app.path().join("app")).await, None);
    assert_eq!(git.listed(&app.path().join("app")).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_lists_what_its_next_commit_would_have_and_runs_nothing() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    app.commit(&[(".gitignore", "*.swp\n"), ("app/tracked", "")]);
    for name in ["app/new", "app/x.swp"] {
        std::fs::write(app.path().join(name), "").unwrap();
    }
    let ran = app.root().join("ran");
    let program = format!("touch {};", ran.display());
    app.git(&["config", "core.fsmonitor", &program]);

    let listed = bench.world.git.listed(app.path()).await.unwrap();

    let mut listed: Vec<_> = listed.iter().map(|path| path.to_str().unwrap()).collect();
    listed.sort_unstable();
    let files = [".gitignore", "app/compose.yml", "app/new", "app/tracked"];
    assert_eq!(listed[..4], files);
    assert!(!ran.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_unknown_origin_is_said_to_be_compared_with_whatever_runs() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    let folder = || Target::folder(app.path().to_owned());
    let warned = |report: &Report| {
        let warnings = report.repositories[0].warnings.iter();
        warnings.filter(|w| w.contains("cloned from")).count()
    };

    assert_eq!(warned(&bench.plan(folder()).await), 1);
    app.git(&["remote", "add", "origin", &app.url()]);
    assert_eq!(warned(&bench.plan(folder()).await), 0);
}
