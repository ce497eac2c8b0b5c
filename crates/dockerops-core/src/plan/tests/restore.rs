//! What a rollback sends: what ran before, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::world::{With, World, file, lines, service};
use crate::compose::model::Condition;
use crate::observed::Observed;
use crate::plan::{Change, Plan, Restore, restore};

/// A stack that was deployed, then changed by `change` and deployed again: what was before
/// the second deploy, and what that wrote before it was seen to have failed.
struct Failed {
    world: World,
    before: Observed,
    written: Vec<Change>,
}

impl Failed {
    fn new(mut world: World, change: impl FnOnce(&mut World)) -> Self {
        world.deploy();
        let before = world.swarm.observed.clone();
        change(&mut world);
        let written = world.plan().writes().to_vec();
        world.swarm.write(&written);
        Self {
            world,
            before,
            written,
        }
    }

    fn plan(&self, bindings: &[&str]) -> Plan {
        let bindings: BTreeSet<_> = bindings.iter().map(|&name| name.to_owned()).collect();
        restore(&Restore {
            stack: &self.world.desired.name,
            owner: &self.world.owner,
            before: &self.before,
            now: &self.world.swarm.observed,
            written: &self.written,
            bindings: &bindings,
        })
    }

    fn restored(mut self) -> (World, Observed) {
        let plan = self.plan(&[]);
        self.world.swarm.carry_out(&plan);
        (self.world, self.before)
    }
}

/// What runs, by name, without ids and versions.
fn specs(observed: &Observed) -> Vec<(String, Value)> {
    let services = observed.services.iter();
    let mut specs: Vec<_> = services.map(|s| (s.name.clone(), s.spec.clone())).collect();
    let files = observed.configs.iter().chain(&observed.secrets);
    specs.extend(files.map(|f| (f.name.clone(), f.spec.clone())));
    let networks = observed.networks.iter();
    specs.extend(networks.map(|n| (n.name.clone(), n.raw.clone())));
    specs.sort_by(|a, b| a.0.cmp(&b.0));
    specs
}

#[test]
fn everything_that_a_failed_deploy_wrote_is_taken_back() {
    let mut world = World::new(vec![
        service("api").config("app_conf"),
        service("old").port(80),
        service("same"),
    ]);
    world.desired.configs = vec![file("app_conf", "one")];
    let failed = Failed::new(world, |world| {
        world.desired.configs = vec![file("app_conf", "two")];
        world.desired.services = vec![
            service("api").config("app_conf").image("web:2"),
            service("new").port(80),
            service("same"),
        ];
    });
    insta::assert_snapshot!(lines(&failed.plan(&[])), @r"
    - app_new [Restored]
    ~ app_api (restarts) [Restored]
    + app_old [Restored]
    - Config app_conf_3fc4ccfe7458 [Restored]
    ");
    let same = |observed: &Observed| {
        let mut services = observed.services.iter();
        services.find(|s| s.name == "app_same").unwrap().version
    };
    let before = same(&failed.before);
    let (world, then) = failed.restored();
    let observed = &world.swarm.observed;
    assert_eq!(
        same(observed),
        before,
        "what was not written is not touched"
    );
    assert_eq!(specs(observed), specs(&then));
}

#[test]
fn what_returned_is_what_the_revision_before_asks_for() {
    let before = vec![service("api").env(vec![json!("A=1").into()])];
    let world = World::new(before.clone());
    let failed = Failed::new(world, |world| {
        world.desired.services = vec![service("api").env(vec![json!("A=2").into()]).image("web:2")];
    });
    let (mut world, _) = failed.restored();
    world.desired.services = before;
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_job_that_has_run_stays_as_it_is_with_all_that_it_uses() {
    let world = World::new(vec![service("web"), service("old-job").job()]);
    let failed = Failed::new(world, |world| {
        world.desired.secrets = vec![file("app_key", "k")];
        world.desired.services = vec![
            service("web").image("web:2"),
            service("old-job").image("web:2").job(),
            service("migrate").secret("app_key").job(),
        ];
    });
    insta::assert_snapshot!(lines(&failed.plan(&[])), @r"
    ~ app_web (restarts) [Restored]
      app_migrate JobDone
      app_old-job JobDone
    ");
}

#[test]
fn a_service_whose_mode_changed_is_made_anew() {
    let world = World::new(vec![service("web")]);
    let failed = Failed::new(world, |world| {
        world.desired.services = vec![service("web").json("Mode", json!({"Global": {}}))];
    });
    insta::assert_snapshot!(lines(&failed.plan(&[])), @r"
    - app_web [Restored]
    + app_web [Restored]
    ");
    let (world, before) = failed.restored();
    assert_eq!(specs(&world.swarm.observed), specs(&before));
}

#[test]
fn what_swarm_went_back_to_by_itself_is_sent_again_without_a_restart() {
    let world = World::new(vec![service("web")]);
    let mut failed = Failed::new(world, |world| {
        world.desired.services = vec![service("web").image("web:2")];
    });
    let spec = failed.before.services[0].spec.clone();
    failed.world.live("web").spec = spec;
    failed.world.set_update("web", "rollback_completed");
    assert_eq!(lines(&failed.plan(&[])), "~ app_web [Restored]");
    failed.world.set_update("web", "rollback_paused");
    assert_eq!(lines(&failed.plan(&[])), "~ app_web (restarts) [Restored]");
    failed.world.live("web").update = None;
    assert_eq!(lines(&failed.plan(&[])), "");
}

#[test]
fn a_service_whose_files_were_put_back_restarts() {
    let world = World::new(vec![service("web"), service("other")]);
    let failed = Failed::new(world, |_| {});
    assert_eq!(
        lines(&failed.plan(&["app_web"])),
        "~ app_web (restarts) [Restored]"
    );
}

#[test]
fn a_stack_that_was_taken_over_and_failed_is_still_ours() {
    let mut world = World::new(vec![service("web")]);
    world.deploy();
    world.unlabel();
    let before = world.swarm.observed.clone();
    world.policy.adopt = crate::plan::Adopt::Take;
    world.desired.services = vec![service("web").image("web:2")];
    let written = world.deploy().changes;
    let failed = Failed {
        world,
        before,
        written,
    };
    let (mut world, before) = failed.restored();
    let labels = world.live("web").spec["Labels"].clone();
    assert_eq!(labels["dockerops.repository"], "https://example.com/repo");
    let template = before.services[0].spec["TaskTemplate"].clone();
    assert_eq!(world.live("web").spec["TaskTemplate"], template);
}

#[test]
fn a_revision_that_is_deployed_again_runs_no_job_and_removes_none() {
    let mut world = World::new(vec![
        service("web"),
        service("ran").image("web:2").job(),
        service("new").job(),
    ]);
    world.deploy();
    world.desired.services = vec![service("web"), service("ran").job(), service("never").job()];
    world.policy.jobs = crate::plan::Jobs::Leave;
    insta::assert_snapshot!(lines(&world.plan()), @r"
      app_never JobDone
      app_new JobDone
      app_ran JobDone
      app_web UpToDate
    ");
}

#[test]
fn what_comes_back_comes_in_its_order() {
    let mut api = service("api");
    api.depends_on = vec![("app_db".to_owned(), Condition::Started)];
    let failed = Failed::new(World::new(vec![api.clone(), service("db")]), |world| {
        world.desired.services = vec![api.image("web:2"), service("db").image("web:2")];
    });
    let plan = failed.plan(&[]);
    assert_eq!(plan.waves, [["app_db"], ["app_api"]]);
    insta::assert_snapshot!(lines(&plan), @r"
    ~ app_db (restarts) [Restored]
    ~ app_api (restarts) [Restored]
    ");
}
