//! Services: created, left alone, updated, replaced, held.

use std::collections::BTreeMap;

use serde_json::json;

use super::world::{With, World, digest, lines, service};
use crate::body::Body;
use crate::observed::{ApiVersion, Network};
use crate::plan::{
    Action, Force, NeedWhy, Platform, Prune, PullPolicy, Resolution, Retry, VolumeChange,
    images_needed, pins,
};
use crate::spec::External;

fn update(plan: &crate::plan::Plan) -> serde_json::Value {
    let mut bodies = plan
        .changes
        .iter()
        .filter_map(|change| match &change.action {
            Action::UpdateService { body, .. } => Some(body.expose()),
            _ => None,
        });
    bodies.next_back().unwrap()
}

#[test]
fn a_new_stack_is_made_in_the_order_networks_files_services() {
    let mut world = World::new(vec![service("api").port(80), service("db")]);
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    + network app_default [Missing]
    + app_api [Missing]
    + app_db [Missing]
    ");
    insta::assert_snapshot!(lines(&world.plan()), @r"
    app_api UpToDate
    app_db UpToDate
    ");
}

#[test]
fn only_the_service_that_differs_is_written() {
    let mut world = World::new(vec![service("api"), service("db")]);
    world.deploy();
    world.desired.services[0] = service("api")
        .env(vec![Body::from("TAG=2")])
        .json("Mode", json!({"Replicated": {"Replicas": 3}}));
    let plan = world.plan();
    insta::assert_snapshot!(lines(&plan), @r"
    ~ app_api (restarts) [Differs]
        deploy.replicas: 1 → 3
        environment.TAG: ∅ → 2
      app_db UpToDate
    ");
}

#[test]
fn what_the_engine_rewrites_is_no_difference() {
    let full = service("api")
        .json("UpdateConfig", json!({"Parallelism": 0, "FailureAction": "", "Order": "", "MaxFailureRatio": 0.0}))
        .json("RollbackConfig", json!({"Parallelism": 1, "MaxFailureRatio": 1.0}))
        .json("Mode", json!({"Replicated": {}}))
        .json("TaskTemplate.RestartPolicy", json!({"Delay": 5_000_000_000_u64}))
        .json("TaskTemplate.LogDriver", json!({"Name": "json-file", "Options": {"max-size": "1m"}}))
        .json("TaskTemplate.Placement.Constraints", json!(["node.role == manager", "node.labels.x == 1"]))
        .json("EndpointSpec.Ports", json!([{"TargetPort": 80, "PublishedPort": 8080}, {"TargetPort": 53, "Protocol": "udp"}]))
        .container("Args", json!(["sh", "-c", ""]))
        .container("Init", json!(false))
        .container("Mounts", json!([
            {"Type": "bind", "Source": "/a", "Target": "/a", "Consistency": "cached", "BindOptions": {"Propagation": "rprivate"}},
            {"Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": {"SizeBytes": 1}},
        ]))
        .container("Env", json!(["B=2", "A=1", "BARE", "EMPTY="]));
    let mut world = World::new(vec![full]);
    world.deploy();
    let live = world.live("api");
    live.spec["EndpointSpec"]["Ports"]
        .as_array_mut()
        .unwrap()
        .reverse();
    live.spec["TaskTemplate"]["ContainerSpec"]["Mounts"]
        .as_array_mut()
        .unwrap()
        .reverse();
    live.spec["TaskTemplate"]["ContainerSpec"]["Env"]
        .as_array_mut()
        .unwrap()
        .reverse();
    live.spec["RollbackConfig"]["MaxFailureRatio"] = json!(1);
    live.spec["TaskTemplate"]["ForceUpdate"] = json!(3);
    live.spec["TaskTemplate"]["Placement"]["Platforms"] = json!([{"OS": "linux"}]);
    insta::assert_snapshot!(lines(&world.plan()), @"  app_api UpToDate");
}

#[test]
fn what_was_changed_by_hand_is_named_and_undone() {
    let mut world = World::new(vec![service("api").port(80).env(vec![Body::from("A=1")])]);
    world.deploy();
    let before = world.live("api").spec.clone();
    let live = world.live("api");
    live.spec["Mode"]["Replicated"]["Replicas"] = json!(0);
    live.spec["EndpointSpec"]["Ports"][0]["PublishedPort"] = json!(81);
    live.spec["EndpointSpec"]["Mode"] = json!("dnsrr");
    live.spec["TaskTemplate"]["ContainerSpec"]["Env"] = json!(["A=2", "HAND=hunter2"]);
    live.spec["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"] = json!(90_000_000_000_u64);
    live.spec["TaskTemplate"]["ContainerSpec"]["Image"] = json!(format!("web:1@{}", digest('f')));
    live.spec["TaskTemplate"]["Resources"] = json!({"Limits": {"NanoCPUs": 500_000_000}});
    live.spec["TaskTemplate"]["Networks"][0]["Target"] = json!("gone");
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    ~ app_api (restarts) [Differs]
        deploy.endpoint_mode: dnsrr → vip
        deploy.replicas: 0 → 1
        deploy.resources.limits.cpus: 0.5 → ∅
        environment.A: 2 → 1
        environment.HAND: [not shown] → ∅
        image: web:1@sha256:ffff → web:1@sha256:aaaa
        networks: gone → app_default
        ports: 81:80/tcp → 80:80/tcp
        stop_grace_period: 90s → ∅
    ");
    assert_eq!(world.live("api").spec, before);
}

#[test]
fn a_field_that_is_not_known_is_kept_and_named() {
    let mut world = World::new(vec![service("api")]);
    world.deploy();
    let live = world.live("api");
    live.spec["TaskTemplate"]["ContainerSpec"]["Privileges"]["Seccomp"] =
        json!({"Mode": "unconfined"});
    live.spec["New"] = json!({"a.b": [1]});
    insta::assert_snapshot!(lines(&world.plan()), @r"
      app_api UpToDate
    ! service `app_api`: `New.a.b` was set by something else and is kept
    ! service `app_api`: `TaskTemplate.ContainerSpec.Privileges.Seccomp.Mode` was set by something else and is kept
    ");
    world.desired.services[0] = service("api").env(vec![Body::from("A=1")]);
    let body = update(&world.plan());
    assert_eq!(
        body["TaskTemplate"]["ContainerSpec"]["Privileges"]["Seccomp"]["Mode"],
        "unconfined"
    );
    assert_eq!(body["New"]["a.b"][0], 1);
}

#[test]
fn the_host_network_is_recognised_though_no_list_has_it() {
    let host = service("api").json("TaskTemplate.Networks", json!([{"Target": "host"}]));
    let mut world = World::new(vec![host]);
    world.swarm.observed.networks.push(Network {
        id: "hostid".to_owned(),
        name: "host".to_owned(),
        scope: "swarm".to_owned(),
        labels: [].into(),
        raw: json!({}),
    });
    world.deploy();
    world.swarm.observed.networks.retain(|n| n.name != "host");
    insta::assert_snapshot!(lines(&world.plan()), @"  app_api UpToDate");
}

#[test]
fn a_pin_is_kept_while_the_text_is_the_same() {
    let mut world = World::new(vec![service("api")]);
    world.deploy();
    world.images.insert(
        "web:1".to_owned(),
        Resolution::Pinned {
            digest: digest('c'),
            platforms: vec![],
        },
    );
    assert_eq!(world.plan().changes, []);
    world.images.clear();
    assert_eq!(world.plan().changes, []);
    world.policy.pull = PullPolicy::Always;
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_moved_digest_brings_its_platforms_and_a_kept_one_keeps_them() {
    let mut world = World::new(vec![service("api")]);
    world.deploy();
    let platform = |architecture: &str| Platform {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
    };
    let platforms = vec![platform("amd64"), platform("arm")];
    world.images.insert(
        "web:1".to_owned(),
        Resolution::Pinned {
            digest: digest('c'),
            platforms,
        },
    );
    world.policy.pull = PullPolicy::Always;
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    ~ app_api (restarts) [ImageMoved]
        image: web:1@sha256:aaaa → web:1@sha256:cccc
    ");
    let expected = json!([{"Architecture": "amd64", "OS": "linux"}, {"OS": "linux"}]);
    assert_eq!(
        world.live("api").spec["TaskTemplate"]["Placement"]["Platforms"],
        expected
    );
    world.desired.services[0] = service("api").env(vec![Body::from("A=1")]);
    world.images.clear();
    world.deploy();
    assert_eq!(
        world.live("api").spec["TaskTemplate"]["Placement"]["Platforms"],
        expected
    );
    assert_eq!(world.plan().changes, []);
}

#[test]
fn what_images_stand_for_is_told_of_those_asked_for_and_of_those_in_use() {
    let kept = service("a");
    let asked = service("b").image("web:2");
    let mut world = World::new(vec![kept, asked]);
    world.deploy();
    let told = pins(&world.desired, &world.swarm.observed, &BTreeMap::new());
    assert_eq!(told, world.images);
    let moved = Resolution::Pinned {
        digest: digest('c'),
        platforms: vec![],
    };
    let asked = BTreeMap::from([("web:2".to_owned(), moved.clone())]);
    let told = pins(&world.desired, &world.swarm.observed, &asked);
    assert_eq!(told["web:1"], world.images["web:1"]);
    assert_eq!(told["web:2"], moved);
}

#[test]
fn only_what_nothing_pins_yet_needs_a_digest() {
    let mut world = World::new(vec![
        service("api"),
        service("db").image("web:2"),
        service("fix").image(&format!("x@{}", digest('d'))),
    ]);
    let needs = |world: &World, pull| -> Vec<_> {
        let needs = images_needed(
            &world.desired,
            &world.swarm.observed,
            &world.ignore_drift,
            pull,
        );
        needs.into_iter().map(|n| (n.image, n.why)).collect()
    };
    let (one, two) = ("web:1".to_owned(), "web:2".to_owned());
    assert_eq!(
        needs(&world, PullPolicy::IfNotPresent),
        [(one.clone(), NeedWhy::New), (two.clone(), NeedWhy::New)]
    );
    world.deploy();
    assert_eq!(needs(&world, PullPolicy::IfNotPresent), []);
    assert_eq!(
        needs(&world, PullPolicy::Always),
        [(one, NeedWhy::Always), (two.clone(), NeedWhy::Always)]
    );
    world.desired.services[0] = service("api").image("web:2");
    assert_eq!(
        needs(&world, PullPolicy::IfNotPresent),
        [(two, NeedWhy::Changed)]
    );
}

#[test]
fn an_image_that_nobody_knows_is_refused_before_any_write() {
    let mut world = World::new(vec![service("api")]);
    world.images.clear();
    insta::assert_snapshot!(world.refusal(), @"unresolved-image: service `app_api`: the digest of its image is not known");
    world.images.insert("web:1".to_owned(), Resolution::Local);
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    + network app_default [Missing]
    + app_api [Missing]
    ! service `app_api`: no registry has its image; this node's is used unpinned, and other nodes cannot get it
    ");
    assert_eq!(world.plan().changes, []);
}

#[test]
fn what_an_old_engine_does_not_keep_is_told_and_never_a_difference() {
    let test = json!({"Test": ["CMD", "true"], "StartInterval": 1_000_000_000});
    let mut world = World::new(vec![service("api").container("Healthcheck", test)]);
    world.swarm.observed.api = ApiVersion::parse("1.41");
    world.deploy();
    let container = &mut world.live("api").spec["TaskTemplate"]["ContainerSpec"];
    let checks = container["Healthcheck"].as_object_mut().unwrap();
    checks.remove("StartInterval").unwrap();
    insta::assert_snapshot!(lines(&world.plan()), @r"
      app_api UpToDate
    ! service `app_api`: the engine is too old for `healthcheck.start_interval` and leaves it out
    ");
    world.swarm.observed.api = ApiVersion::parse("1.44");
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (restarts) [Differs]
        healthcheck.start_interval: ∅ → 1s
    ");
}

#[test]
fn where_tasks_may_run_moves_only_those_that_do_not_fit() {
    let placed = |constraint: &str| {
        let placement = json!({"Constraints": [constraint]});
        service("api").json("TaskTemplate.Placement", placement)
    };
    let mut world = World::new(vec![placed("node.role==manager")]);
    world.deploy();
    world.desired.services = vec![placed("node.role==worker")];
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (moves) [Differs]
        deploy.placement.constraints: node.role==manager → node.role==worker
    ");
    world.desired.services[0] = placed("node.role==worker").image("web:2");
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_api (restarts) [Differs]
        deploy.placement.constraints: node.role==manager → node.role==worker
        image: web:1@sha256:aaaa → web:2@sha256:bbbb
    ");
}

#[test]
fn a_changed_binding_restarts_what_mounts_it_and_nothing_else() {
    let mut api = service("api");
    api.bindings = vec!["conf".to_owned(), "logs".to_owned()];
    let mut job = service("job").job();
    job.bindings = vec!["conf".to_owned()];
    let mut world = World::new(vec![api, service("db"), job]);
    world.bindings = [
        ("conf".to_owned(), "1111".to_owned()),
        ("logs".to_owned(), "2222".to_owned()),
    ]
    .into();
    world.deploy();
    assert_eq!(world.plan().changes, []);
    world.bindings.insert("conf".to_owned(), "3333".to_owned());
    let plan = world.deploy();
    insta::assert_snapshot!(lines(&plan), @r#"
    ~ app_api (restarts) [BindingChanged(["conf"])]
      app_db UpToDate
      app_job JobDone
    "#);
    assert_eq!(update(&plan)["TaskTemplate"]["ForceUpdate"], 1);
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_binding_without_a_hash_on_the_swarm_is_a_baseline() {
    let mut api = service("api");
    api.bindings = vec!["conf".to_owned()];
    let mut world = World::new(vec![api]);
    world.deploy();
    world.bindings.insert("conf".to_owned(), "1111".to_owned());
    assert_eq!(world.plan().changes, []);
    world.desired.services[0] = world.desired.services[0]
        .clone()
        .json("Mode", json!({"Replicated": {"Replicas": 2}}));
    let body = update(&world.deploy());
    assert_eq!(body["TaskTemplate"]["ForceUpdate"], 0);
    assert_eq!(body["Labels"]["dockerops.bindings"], "conf=1111");
}

#[test]
fn a_job_is_written_only_when_what_decides_its_run_differs() {
    let mut world = World::new(vec![service("job").job()]);
    world.deploy();
    world.desired.services[0] = service("job")
        .job()
        .json("Labels.team", json!("x"))
        .json("TaskTemplate.Resources.Limits.MemoryBytes", json!(1));
    insta::assert_snapshot!(lines(&world.plan()), @"  app_job JobDone");
    world.policy.force = Force::Services;
    assert_eq!(world.plan().changes, []);
    world.policy.force = Force::ServicesAndJobs;
    assert_eq!(world.plan().changes.len(), 1);
    world.policy.force = Force::No;
    world.desired.services[0] = service("job").job().env(vec![Body::from("A=1")]);
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    ~ app_job (restarts) [Differs]
        environment.A: ∅ → 1
    ");
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_job_that_failed_runs_again_when_a_person_wants_it_tried_again_and_a_service_does_not_restart()
{
    let mut world = World::new(vec![service("api"), service("job").job()]);
    world.deploy();
    let services = world.swarm.observed.services.iter();
    world.tried_again = services.map(|service| service.id.clone()).collect();
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_job (restarts) [Retried]
      app_api UpToDate
    ");
    assert_eq!(update(&world.plan())["TaskTemplate"]["ForceUpdate"], 1);
}

#[test]
fn force_restarts_every_service() {
    let mut world = World::new(vec![service("api"), service("job").job()]);
    world.deploy();
    world.policy.force = Force::Services;
    let plan = world.plan();
    insta::assert_snapshot!(lines(&plan), @r"
    ~ app_api (restarts) [Forced]
      app_job JobDone
    ");
    assert_eq!(update(&plan)["TaskTemplate"]["ForceUpdate"], 1);
}

#[test]
fn a_paused_update_is_resumed_and_a_running_one_is_waited_for() {
    let mut world = World::new(vec![service("api")]);
    world.deploy();
    world.set_update("api", "paused");
    insta::assert_snapshot!(lines(&world.plan()), @"~ app_api (restarts) [Paused]");
    let counted = update(&world.plan());
    assert_eq!(
        counted.pointer("/TaskTemplate/ForceUpdate"),
        Some(&json!(1))
    );
    world.set_update("api", "updating");
    insta::assert_snapshot!(lines(&world.plan()), @"  app_api Updating");
    world.live("api").update = None;
    world
        .dirty
        .insert(world.swarm.observed.services[0].id.clone());
    insta::assert_snapshot!(lines(&world.plan()), @"  app_api Updating");
}

#[test]
fn what_swarm_rolled_back_is_held_until_it_changes() {
    let mut world = World::new(vec![service("api")]);
    world.deploy();
    world.desired.services[0] = service("api").env(vec![Body::from("BAD=1")]);
    world.attempted = world.plan().hashes;
    world.set_update("api", "rollback_completed");
    insta::assert_snapshot!(lines(&world.plan()), @"  app_api RolledBack");
    world.policy.force = Force::Services;
    assert_eq!(world.plan().changes.len(), 1);
    world.policy.force = Force::No;
    world.policy.retry = Retry::Yes;
    assert_eq!(world.plan().changes.len(), 1);
    world.policy.retry = Retry::No;
    world.desired.services[0] = service("api").env(vec![Body::from("BAD=2")]);
    assert_eq!(world.plan().changes.len(), 1);
    world.desired.services[0] = service("api");
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_changed_mode_replaces_the_service() {
    let mut world = World::new(vec![service("api").port(80)]);
    world.deploy();
    world.desired.services[0] = service("api").port(80).json("Mode", json!({"Global": {}}));
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    - app_api [Replaced]
    + app_api [Replaced]
    ");
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_port_is_free_before_it_is_taken() {
    let mut world = World::new(vec![
        service("a"),
        service("b").port(80),
        service("old").port(81),
    ]);
    world.deploy();
    world.desired.services = vec![
        service("a").port(80),
        service("b").port(82),
        service("new").port(81),
    ];
    insta::assert_snapshot!(lines(&world.deploy()), @r"
    - app_old [Undeclared]
    ~ app_b (restarts) [Differs]
        ports: 80:80/tcp → 82:80/tcp
    ~ app_a (restarts) [Differs]
        ports: ∅ → 80:80/tcp
    + app_new [Missing]
    ");
    assert_eq!(world.plan().changes, []);
}

#[test]
fn a_port_of_another_stack_is_refused() {
    let mut world = World::new(vec![service("api").port(80)]);
    world.deploy();
    let other = world.live("api");
    other.name = "demo_web".to_owned();
    other.spec["Name"] = json!("demo_web");
    other.spec["Labels"] = json!({"com.docker.stack.namespace": "demo"});
    insta::assert_snapshot!(world.refusal(), @"port-in-use: service `app_api` publishes port 80/tcp, which service `demo_web` publishes already");
}

#[test]
fn another_volume_at_the_same_place_is_refused_unless_allowed() {
    let mut world = World::new(vec![service("db").volume("app_data")]);
    world.deploy();
    world.desired.services[0] = service("db").volume("other");
    insta::assert_snapshot!(world.refusal(), @"volume-change: service `app_db` would get volume `other` instead of `app_data` at `/data`: its data stays behind");
    world.policy.volumes = VolumeChange::Allow;
    insta::assert_snapshot!(lines(&world.plan()), @r"
    ~ app_db (restarts) [Differs]
        volumes: app_data:/data → other:/data
    ");
}

#[test]
fn what_nobody_declares_goes_last_unless_it_is_to_stay() {
    let mut world = World::new(vec![
        service("api"),
        service("old"),
        service("keep").json("Labels.dockerops.prune", json!("x")),
    ]);
    world.desired.services[2]
        .body
        .get_mut("Labels")
        .unwrap()
        .set("dockerops.prune", "false");
    world.deploy();
    world.desired.services = vec![service("api"), service("new")];
    insta::assert_snapshot!(lines(&world.plan()), @r"
    + app_new [Missing]
    - app_old [Undeclared]
      app_api UpToDate
      app_keep PruneOff
    ");
    world.policy.prune = Prune::Keep;
    insta::assert_snapshot!(lines(&world.plan()), @r"
    + app_new [Missing]
      app_api UpToDate
      app_keep PruneOff
      app_old PruneOff
    ");
}

#[test]
fn a_network_that_nobody_declares_goes_and_one_that_differs_stays() {
    let mut world = World::new(vec![service("api")]);
    let mut other = world.desired.networks[0].clone();
    other.name = "app_other".to_owned();
    other.body.set("Name", "app_other");
    world.desired.networks.push(other);
    world.deploy();
    world.desired.networks.pop();
    world.desired.networks[0].body.set("Attachable", true);
    insta::assert_snapshot!(lines(&world.plan()), @r"
    - network app_other [Undeclared]
      app_api UpToDate
    ! network `app_default` differs from what is asked for in Attachable; Swarm cannot change a network: remove the stack and deploy it again to get it
    ");
}

#[test]
fn a_missing_external_object_is_refused_before_any_write() {
    let mut world = World::new(vec![service("api")]);
    let external = |name: &str| {
        vec![External {
            name: name.to_owned(),
            span: None,
        }]
    };
    world.desired.external_networks = external("proxy");
    world.desired.external_configs = external("conf");
    world.desired.external_secrets = external("key");
    insta::assert_snapshot!(world.refusal(), @r"
    external-network-missing: network `proxy` is declared as external, but does not exist
    external-file-missing: config `conf` is declared as external, but does not exist
    external-file-missing: secret `key` is declared as external, but does not exist
    ");
}
