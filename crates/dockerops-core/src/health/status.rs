//! The words for how well something is, and how those of a stack come from its services.

use serde::{Deserialize, Serialize};

/// How well a service or a stack is, in the words of Argo CD.
///
/// The order is that of Argo CD (`healthOrder` in gitops-engine `pkg/health/health.go`):
/// of several the greatest is the worst, and a stack is what its worst service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All that is wanted runs, has run to its end, or nothing is wanted.
    Healthy,
    /// Swarm paused its update: it stays as it is until somebody acts.
    Suspended,
    /// Not yet, and nothing says that it will not be.
    Progressing,
    /// It is not there.
    Missing,
    /// It will not get well by waiting.
    Degraded,
    /// It cannot be known: nodes that should run it do not answer, or the engine does not.
    Unknown,
}

impl Status {
    /// As in `-o json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Suspended => "suspended",
            Self::Progressing => "progressing",
            Self::Missing => "missing",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a stack is whose services are `services`; one without services is healthy.
pub fn stack(services: impl IntoIterator<Item = Status>) -> Status {
    services.into_iter().max().unwrap_or(Status::Healthy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_what_its_worst_service_is() {
        use Status::{Degraded, Healthy, Missing, Progressing, Suspended, Unknown};
        let order = [Healthy, Suspended, Progressing, Missing, Degraded, Unknown];
        for (better, worse) in order.iter().zip(&order[1..]) {
            assert_eq!(stack([*worse, *better, Healthy]), *worse);
        }
        assert_eq!(stack([]), Healthy);
    }

    #[test]
    fn its_word_is_the_same_in_text_and_json() {
        let json = serde_json::to_string(&Status::Degraded).unwrap();
        assert_eq!(json, format!("\"{}\"", Status::Degraded));
    }
}
