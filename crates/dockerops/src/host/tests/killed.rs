//! Killing a run anywhere and running again ends as if it had not been killed.

use super::*;
use crate::host::apply::STEPS_LEFT;

/// Runs `act`, killed after `steps`; whether it was.
fn killed_after(steps: usize, act: impl FnOnce()) -> bool {
    STEPS_LEFT.with(|left| left.set(Some(steps)));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
    STEPS_LEFT.with(|left| left.set(None));
    result.is_err()
}

/// A first revision, then what a container did.
fn start() -> Shared {
    let shared = Shared::new();
    shared
        .deploy(&[
            wanted("conf", "conf/keep=1 conf/x=1 conf/mine=1 conf/d/e/gone=1"),
            wanted("old", "old/x=1"),
        ])
        .unwrap();
    shared.put("conf/mine", "container's");
    shared.put("conf/data", "container's");
    shared
}

fn second() -> Vec<WantedBinding> {
    vec![wanted(
        "conf",
        "conf/keep=1 conf/x=2 conf/mine=2 conf/new/y=2",
    )]
}

fn third() -> Vec<WantedBinding> {
    vec![wanted("conf", "conf/keep=3 conf/x=3 conf/mine=3 conf/z=3")]
}

fn killed_then(next: &[WantedBinding]) {
    let expected = {
        let shared = start();
        shared.deploy(&second()).unwrap();
        shared.deploy(next).unwrap();
        shared.tree()
    };
    for steps in 0.. {
        let shared = start();
        let killed = killed_after(steps, || {
            let _ = shared.deploy(&second());
        });
        shared.deploy(next).unwrap();
        assert_eq!(shared.tree(), expected, "killed after {steps} steps");
        let checked = shared.check(next).unwrap();
        assert!(checked.bindings.iter().all(|p| p.plan.actions.is_empty()));
        assert_eq!(checked.retired, []);
        if !killed {
            assert!(steps > 10, "{steps}");
            return;
        }
    }
}

#[test]
fn a_killed_run_is_completed_by_the_same_revision() {
    killed_then(&second());
}

#[test]
fn a_run_killed_twice_is_completed_too() {
    let expected = {
        let shared = start();
        shared.deploy(&second()).unwrap();
        shared.tree()
    };
    for first in (1..20).step_by(3) {
        for then in 0..5 {
            let shared = start();
            for steps in [first, then] {
                killed_after(steps, || {
                    let _ = shared.deploy(&second());
                });
            }
            shared.deploy(&second()).unwrap();
            assert_eq!(shared.tree(), expected, "killed after {first}, then {then}");
        }
    }
}

#[test]
fn a_killed_run_leaves_nothing_that_the_next_revision_takes_for_a_container_s() {
    let shared_files = |shared: &Shared| {
        let mut tree = shared.tree();
        // Whether the container's version met revision 2 or 3 first.
        tree.retain(|path, _| !path.contains("dockerops-saved"));
        tree
    };
    let expected = {
        let shared = start();
        shared.deploy(&second()).unwrap();
        shared.deploy(&third()).unwrap();
        shared_files(&shared)
    };
    for steps in 0..40 {
        let shared = start();
        killed_after(steps, || {
            let _ = shared.deploy(&second());
        });
        shared.deploy(&third()).unwrap();
        assert_eq!(
            shared_files(&shared),
            expected,
            "killed after {steps} steps"
        );
        assert_eq!(shared.text("conf/mine.dockerops-saved"), "container's");
        let saved = shared.tree().into_keys();
        assert_eq!(saved.filter(|path| path.contains("saved")).count(), 1);
    }
}
