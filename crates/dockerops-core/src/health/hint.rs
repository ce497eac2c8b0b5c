//! What to do about a problem.

use super::problem::{Problem, ProblemKind};

impl Problem {
    /// One sentence that gets the reader unstuck.
    pub fn hint(&self) -> Option<String> {
        let hint = match self.kind {
            ProblemKind::ImageNotFound => {
                "Check the image's name and tag, and that every node reaches the registry and may pull from it."
            }
            ProblemKind::NoSuitableNode => {
                "Compare the service's placement with `docker node ls` and the nodes' labels."
            }
            ProblemKind::NoResources => {
                "Lower the service's reservations, or add memory or processors to the Swarm."
            }
            ProblemKind::PortInUse => {
                "Free the port on the nodes, choose another one, or lower the replicas: a host port serves one task a node."
            }
            ProblemKind::OwnPortInUse => {
                "A host port serves one task a node: with `order: start-first` the new task waits for a port that the old one keeps. Use `order: stop-first`, or publish the port with `mode: ingress`."
            }
            ProblemKind::VolumeNotReady => {
                "Check that the node reaches the volume's server, and the options of the volume's driver."
            }
            ProblemKind::NodeAway => {
                "See `docker node ls`; the engine on that node, or the way to it, is down."
            }
            ProblemKind::Missing => "Run `dockerops reconcile`, or see who removed it.",
            ProblemKind::MountMissing => {
                "Create the path on every node, or use a binding of `volumes.yaml`."
            }
            ProblemKind::Unhealthy => {
                return Some(self.hint_of_health_check());
            }
            ProblemKind::CannotStart => "Correct the service's command or entrypoint.",
            ProblemKind::Exited(137) => {
                "It was killed: see its logs, and whether its memory limit is too low."
            }
            ProblemKind::Exited(0) => {
                "It is to run for ever: keep its command in the foreground, or say that it may end with `restart_policy: {condition: on-failure}` or `mode: replicated-job`."
            }
            ProblemKind::Exited(_) => "See all of its log: `dockerops logs STACK SERVICE`.",
            ProblemKind::UpdatePaused | ProblemKind::RollbackPaused => {
                "Mend what made its task fail."
            }
            ProblemKind::RolledBack | ProblemKind::Other => return None,
        };
        Some(hint.to_owned())
    }

    fn hint_of_health_check(&self) -> String {
        let (Some(container), Some(node)) = (&self.container, &self.node) else {
            return "See what its health check says: `docker inspect` of its container, or `dockerops logs STACK SERVICE`.".to_owned();
        };
        let short = container.get(..12).unwrap_or(container);
        format!("See what its health check says: `docker inspect {short}` on node `{node}`.")
    }
}
