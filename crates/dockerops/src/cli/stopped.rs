//! Ctrl-C and SIGTERM: a run ends where it is, says so, and exits with 130.
//!
//! What was being waited for is dropped: that kills Git's processes and frees the
//! lock. The next run goes on from what the Swarm says.

use dockerops_core::report::Problem;
use tokio::signal::unix::{SignalKind, signal};

/// Does `work`; nothing when the process is asked to stop first.
pub(super) async fn until_stopped<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = asked_to_stop() => None,
        done = work => Some(done),
    }
}

/// What is said then.
pub(super) fn stopped() -> Problem {
    Problem::new(
        "interrupted; what was written until then stays",
        Some("Run the command again: it goes on from there.".to_owned()),
    )
}

/// Ready when one of the signals came; never, where they cannot be listened to.
async fn asked_to_stop() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
