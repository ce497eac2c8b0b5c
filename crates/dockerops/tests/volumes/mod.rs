//! Volumes that stacks leave behind, over whole runs.

use dockerops::reconcile::{Request, Target, run};
use dockerops_core::plan::{KeptWhy, PruneVolumes};
use dockerops_core::report::Report;

use super::*;

fn request(app: &crate::git_server::Repository, prune: PruneVolumes) -> Request {
    let mut request = bench::request(vec![Target::parse(&app.url())]);
    request.policy.prune_volumes = prune;
    request
}

fn with_volume(services: &[&str]) -> String {
    compose(services, "one").replace("environment", "volumes: ['data:/data'], environment")
        + "volumes: {data: {}}\n"
}

fn kept(report: &Report) -> Vec<(String, KeptWhy)> {
    let kept = report.stacks().flat_map(|stack| &stack.kept);
    let kept = kept.filter(|kept| kept.why == KeptWhy::VolumeStays);
    kept.map(|kept| (kept.name.clone(), kept.why)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_is_declared_no_more_goes_only_with_prune_volumes() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    app.commit(&[("app/compose.yml", &with_volume(&["a"]))]);
    bench.reconcile(&[&app]).await;
    for volume in ["app_data", "app_old"] {
        bench.swarm.add_volume("app", volume);
    }
    app.commit(&[("app/compose.yml", &compose(&["a"], "one"))]);
    bench.reconcile(&[&app]).await;
    assert_eq!(bench.swarm.volume_names(), ["app_data", "app_old"]);
    bench.swarm.take_writes();

    let report = run(&bench.world, &request(&app, PruneVolumes::Remove))
        .await
        .unwrap();

    assert_eq!(outcomes(&report), [Outcome::Changed]);
    assert_eq!(
        changes(&report),
        ["remove volume app_data", "remove volume app_old"]
    );
    assert_eq!(bench.swarm.volume_names(), Vec::<String>::new());
    let again = run(&bench.world, &request(&app, PruneVolumes::Remove))
        .await
        .unwrap();
    assert_eq!(outcomes(&again), [Outcome::Unchanged]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_volume_goes_while_the_stack_is_not_well() {
    let bench = Bench::new();
    let app = repository("app", &["a"], "one");
    bench.reconcile(&[&app]).await;
    bench.swarm.add_volume("app", "app_old");
    app.commit(&[("app/compose.yml", &compose(&["a"], "two"))]);
    bench
        .swarm
        .script("app_a", Script::Fail("crash".to_owned()));

    let report = run(&bench.world, &request(&app, PruneVolumes::Remove))
        .await
        .unwrap();

    assert!(report.failed());
    assert_eq!(bench.swarm.volume_names(), ["app_old"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_of_a_stack_that_left_are_named_and_go_only_with_prune_volumes() {
    for prune in [PruneVolumes::Keep, PruneVolumes::Remove] {
        let bench = Bench::new();
        let app = repository("app", &["a"], "one");
        app.commit(&[
            ("stacks.yaml", "- name: app\n- name: old\n"),
            ("old/compose.yml", &compose(&["a"], "one")),
            (
                "volumes.yaml",
                "- {id: d, type: volume, path: old_listed}\n",
            ),
        ]);
        bench.reconcile(&[&app]).await;
        for volume in ["old_data", "old_listed"] {
            bench.swarm.add_volume("old", volume);
        }
        app.commit(&[("stacks.yaml", "- name: app\n")]);

        let report = run(&bench.world, &request(&app, prune)).await.unwrap();

        assert_eq!(outcomes(&report), [Outcome::Unchanged, Outcome::Removed]);
        match prune {
            PruneVolumes::Keep => {
                assert_eq!(bench.swarm.volume_names(), ["old_data", "old_listed"]);
                assert_eq!(
                    kept(&report),
                    [("old_data".to_owned(), KeptWhy::VolumeStays)]
                );
            }
            PruneVolumes::Remove => {
                assert_eq!(bench.swarm.volume_names(), ["old_listed"]);
                assert!(changes(&report).contains(&"remove volume old_data".to_owned()));
            }
        }
    }
}
