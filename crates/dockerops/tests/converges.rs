//! Random stacks on a Swarm in memory: a plan says what is written, and leaves nothing to plan.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bare_stack;

use bare_stack::{Stack, lines, states};
use dockerops::engine::{Engine, MemorySwarm};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What people do to a service by hand.
#[derive(Debug, Clone, Copy)]
enum Hand {
    Environment,
    Label,
    Image,
    Network,
    Nothing,
}

fn any_hand() -> impl Strategy<Value = Hand> {
    use Hand::{Environment, Image, Label, Network, Nothing};
    prop::sample::select(vec![Environment, Label, Image, Network, Nothing])
}

fn meddle(spec: &mut Value, hand: Hand) {
    let container = &mut spec["TaskTemplate"]["ContainerSpec"];
    match hand {
        Hand::Environment => container["Env"] = json!(["A=9", "HAND=1"]),
        Hand::Label => spec["Labels"]["team"] = json!("hand"),
        Hand::Image => container["Image"] = json!("other:1"),
        Hand::Network => {
            let template = spec["TaskTemplate"].as_object_mut().unwrap();
            template.remove("Networks");
        }
        Hand::Nothing => {}
    }
}

/// A Swarm in memory with a stack on it, as the stack of `seed` has it.
struct World {
    swarm: MemorySwarm,
    stack: Stack,
}

impl World {
    fn new() -> Self {
        Self {
            swarm: MemorySwarm::new(),
            stack: Stack::new("app", "web:1", format!("sha256:{}", "a".repeat(64))),
        }
    }

    fn files(&self, seed: u64) {
        for name in states::FILES {
            self.stack.file(name, &states::content(seed, name));
        }
    }

    /// What planning says, and how many writes applying that sent.
    async fn deploy(&mut self, seed: u64) -> (String, usize, usize) {
        self.files(seed);
        let compose = states::compose(seed);
        let (plan, observed) = self.stack.plan(&self.swarm, &compose).await;
        self.swarm.take_writes();
        self.stack.apply(&self.swarm, &plan).await.unwrap();
        let writes = self.swarm.take_writes().len();
        (lines(&plan, &observed), plan.changes.len(), writes)
    }

    async fn by_hand(&self, hand: Hand) {
        let services = self.swarm.services().await.unwrap();
        if let Some(service) = services.first() {
            self.swarm
                .edit_service(&service.name, |spec| meddle(spec, hand));
        }
    }
}

fn run<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(story)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_applied_leaves_nothing_to_plan_and_nothing_sends_no_write(before: u64, after: u64, hand in any_hand()) {
        let (first, second) = run(async {
            let mut world = World::new();
            world.deploy(before).await;
            world.by_hand(hand).await;
            (world.deploy(after).await, world.deploy(after).await)
        });
        prop_assert_eq!(first.1, first.2, "{}", first.0);
        prop_assert_eq!(&second, &("plan: nothing".to_owned(), 0, 0), "{}\n---\n{}", first.0, second.0);
    }
}
