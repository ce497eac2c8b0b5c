//! How long a stack may take: what the command says, else what `stacks.yaml` says.

use std::time::Duration;

use dockerops_core::manifest::StackOptions;

/// How long a stack may take, as far as the command says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Until its services are well; else what `stacks.yaml` says, else 5 minutes.
    pub forward: Option<Duration>,
    /// To return to what was well; else as forward.
    pub rollback: Option<Duration>,
}

/// How long a stack may take when nobody says.
const DEFAULT_LIMIT: Duration = Duration::from_secs(300);

impl Limits {
    /// What a stack with `options` may take to get well.
    pub(super) fn of(self, options: &StackOptions) -> Duration {
        let limit = self.forward.or(options.timeout);
        limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// The limits of a rollback, seen as a deploy.
    pub(super) fn backward(self) -> Self {
        Self {
            forward: self.rollback.or(self.forward),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_bounds_a_stack_else_stacks_yaml_does_and_the_way_back_has_its_own_bound() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let limits = |forward, rollback| Limits { forward, rollback };
        let of = |limits: Limits, timeout| {
            let options = StackOptions {
                timeout,
                ..StackOptions::default()
            };
            (
                limits.of(&options).as_secs(),
                limits.backward().of(&options).as_secs(),
            )
        };
        assert_eq!(of(limits(None, None), None), (300, 300));
        assert_eq!(of(limits(None, None), seconds(90)), (90, 90));
        assert_eq!(of(limits(seconds(60), None), seconds(90)), (60, 60));
        assert_eq!(of(limits(None, seconds(30)), seconds(90)), (90, 30));
        assert_eq!(of(limits(seconds(60), seconds(30)), seconds(90)), (60, 30));
    }
}
