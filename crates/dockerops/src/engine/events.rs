//! `GET /events` → wake-ups.

use reqwest::Response;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Sends a message whenever the stream `response` brings something. Events that
/// come while one is unread are one event. Ends with the stream or the receiver.
pub(super) fn forward(mut response: Response) -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let chunk = tokio::select! {
                chunk = response.chunk() => chunk,
                () = sender.closed() => return,
            };
            let Ok(Some(_)) = chunk else { return };
            if let Err(TrySendError::Closed(())) = sender.try_send(()) {
                return;
            }
        }
    });
    receiver
}
