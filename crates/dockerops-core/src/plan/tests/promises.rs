//! Safety promises, held for arbitrary stacks on arbitrary Swarms.

use proptest::prelude::*;
use serde_json::json;

use super::world::{With, World, file, lines, service, tainted};
use crate::body::Body;
use crate::compose::model::Condition;
use crate::observed::Service;
use crate::plan::{Adopt, VolumeChange};
use crate::spec::{ServiceSpec, StackSpec};

const CANARY: &str = "canary";

prop_compose! {
    fn any_service(key: &'static str, port: u16)(
        image in prop_oneof![Just("web:1"), Just("web:2")],
        env in prop::option::of(0..3u8),
        token in prop::option::of(0..3u8),
        password in prop::option::of(0..3u8),
        replicas in prop::option::of(0..3u8),
        publish in any::<bool>(),
        config in any::<bool>(),
        secret in any::<bool>(),
        volume in prop::option::of(0..2u8),
        mode in 0..6u8,
        binding in any::<bool>(),
        label in prop::option::of(0..2u8),
    ) -> ServiceSpec {
        let mut spec = service(key).image(image);
        let mut items = vec![];
        if let Some(value) = env { items.push(Body::from(format!("A={value}"))); }
        if let Some(value) = token { items.push(tainted(&format!("TOKEN={CANARY}{value}"), "token")); }
        if token.is_some() { spec.secret_env = vec!["TOKEN".to_owned()]; }
        spec = spec.env(items);
        if let Some(value) = password {
            let args = vec![Body::from("-p"), tainted(&format!("{CANARY}{value}"), "password")];
            spec = spec.with("TaskTemplate.ContainerSpec.Args", Body::List(args));
            spec.body.get_mut("Labels").unwrap().set("auth", tainted(&format!("{CANARY}{value}"), "password"));
        }
        if let Some(value) = replicas { spec = spec.json("Mode", json!({"Replicated": {"Replicas": value}})); }
        if publish { spec = spec.port(port); }
        if config { spec = spec.config("app_conf"); }
        if secret { spec = spec.secret("app_key"); }
        if let Some(value) = volume { spec = spec.volume(&format!("v{value}")); }
        if mode == 0 { spec = spec.json("Mode", json!({"Global": {}})); }
        if mode == 1 { spec = spec.job(); }
        if binding { spec.bindings = vec!["conf".to_owned()]; }
        if let Some(value) = label { spec.body.get_mut("Labels").unwrap().set("team", value.to_string()); }
        spec
    }
}

prop_compose! {
    fn any_stack()(
        a in prop::option::of(any_service("a", 80)),
        b in prop::option::of(any_service("b", 81)),
        c in prop::option::of(any_service("c", 82)),
        config in 0..4u8,
        secret in 0..4u8,
        waits in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) -> StackSpec {
        let mut desired = World::new(vec![a, b, c].into_iter().flatten().collect()).desired;
        for (there, from, to) in [(waits.0, "app_a", "app_b"), (waits.1, "app_b", "app_c"), (waits.2, "app_a", "app_c")] {
            let known = desired.services.iter().any(|s| s.name == to);
            let service = desired.services.iter_mut().find(|s| s.name == from);
            if let Some(service) = service.filter(|_| there && known) {
                service.depends_on.push((to.to_owned(), Condition::Started));
            }
        }
        desired.configs = vec![file("app_conf", &format!("content {config}"))];
        desired.secrets = vec![file("app_key", &format!("{CANARY}{secret}"))];
        desired
    }
}

/// What people do to services by hand.
#[derive(Debug, Clone, Copy)]
enum Hand {
    Scale,
    Env,
    Image,
    Unlabel,
    Paused,
    Nothing,
}

fn any_hand() -> impl Strategy<Value = Hand> {
    use Hand::{Env, Image, Nothing, Paused, Scale, Unlabel};
    prop_oneof![
        Just(Scale),
        Just(Env),
        Just(Image),
        Just(Unlabel),
        Just(Paused),
        Just(Nothing)
    ]
}

fn meddle(world: &mut World, hand: Hand) {
    if world.swarm.observed.services.is_empty() {
        return;
    }
    let service = &mut world.swarm.observed.services[0];
    service.version += 1000;
    let spec = &mut service.spec;
    match hand {
        Hand::Scale if spec["Mode"].get("Replicated").is_some() => {
            spec["Mode"]["Replicated"]["Replicas"] = json!(7);
        }
        Hand::Env => {
            spec["TaskTemplate"]["ContainerSpec"]["Env"] =
                json!(["HAND=canary9", "A=9", "TOKEN=canary8"]);
        }
        Hand::Image => spec["TaskTemplate"]["ContainerSpec"]["Image"] = json!("web:9"),
        Hand::Unlabel => {
            let labels = spec["Labels"].as_object_mut().unwrap();
            labels.retain(|key, _| !key.starts_with("dockerops."));
        }
        Hand::Paused => {
            world.swarm.observed.services[0].update = Some(crate::observed::UpdateStatus {
                state: "paused".to_owned(),
                message: String::new(),
            });
        }
        Hand::Scale | Hand::Nothing => {}
    }
}

/// A Swarm on which `before` was deployed, somebody else's stack runs, and
/// somebody did something by hand; and `after`, to plan.
fn world(before: &StackSpec, after: &StackSpec, hand: Hand) -> World {
    let mut world = World::new(vec![]);
    world.policy.volumes = VolumeChange::Allow;
    world.desired = before.clone();
    world.deploy();
    meddle(&mut world, hand);
    add_foreign(&mut world);
    world.bindings.insert("conf".to_owned(), "1111".to_owned());
    world.desired = after.clone();
    world.policy.adopt = Adopt::Take;
    world
}

fn add_foreign(world: &mut World) {
    let spec = |name: &str, labels| {
        json!({"Name": name, "Labels": labels, "Mode": {"Global": {}},
        "TaskTemplate": {"ContainerSpec": {"Image": "x"}}})
    };
    for (name, labels) in [
        ("app_stray", json!({"com.docker.stack.namespace": "app"})),
        ("other_a", json!({"com.docker.stack.namespace": "other"})),
        (
            "theirs",
            json!({"com.docker.stack.namespace": "app", "dockerops.repository": "https://example.com/theirs"}),
        ),
        ("plain", json!({})),
    ] {
        world.swarm.observed.services.push(Service {
            id: name.to_owned(),
            version: 1,
            name: name.to_owned(),
            spec: spec(name, labels),
            update: None,
            job_iteration: None,
        });
    }
}

fn foreign(world: &World) -> Vec<Service> {
    let names = ["app_stray", "other_a", "theirs", "plain"];
    let services = world.swarm.observed.services.iter();
    services
        .filter(|s| names.contains(&s.name.as_str()))
        .cloned()
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn applying_a_plan_leaves_nothing_to_plan(before in any_stack(), after in any_stack(), hand in any_hand()) {
        let mut world = world(&before, &after, hand);
        let first = world.deploy();
        let second = world.plan();
        prop_assert!(second.changes.is_empty(), "{}\n---\n{}", lines(&first), lines(&second));
    }

    #[test]
    fn nothing_foreign_changes(before in any_stack(), after in any_stack(), hand in any_hand()) {
        let mut world = world(&before, &after, hand);
        let untouched = foreign(&world);
        world.deploy();
        prop_assert_eq!(untouched, foreign(&world));
    }

    #[test]
    fn the_same_inputs_give_the_same_plan(before in any_stack(), after in any_stack(), hand in any_hand()) {
        let world = world(&before, &after, hand);
        prop_assert_eq!(world.plan(), world.plan());
    }

    #[test]
    fn an_unchanged_stack_gets_no_write(stack in any_stack()) {
        let mut world = world(&stack, &stack, Hand::Nothing);
        world.policy.adopt = Adopt::Refuse;
        prop_assert!(world.plan().changes.is_empty(), "{}", lines(&world.plan()));
    }

    #[test]
    fn adopting_restarts_nothing(stack in any_stack()) {
        let mut world = world(&stack, &stack, Hand::Nothing);
        world.unlabel();
        world.swarm.observed.services.retain(|s| s.name != "theirs");
        let before = world.swarm.observed.services.clone();
        world.deploy();
        for (before, after) in before.iter().zip(&world.swarm.observed.services) {
            prop_assert_eq!(&before.spec["TaskTemplate"], &after.spec["TaskTemplate"]);
            prop_assert_eq!(&before.spec["EndpointSpec"], &after.spec["EndpointSpec"]);
        }
    }

    #[test]
    fn no_secret_shows(before in any_stack(), after in any_stack(), hand in any_hand()) {
        let world = world(&before, &after, hand);
        let plan = world.plan();
        let shown = format!("{plan:?}\n{}", lines(&plan));
        prop_assert!(!shown.contains(CANARY), "{}", shown);
    }
}
