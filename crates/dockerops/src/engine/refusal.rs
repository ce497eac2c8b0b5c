//! The engine's sentences → [`EngineError`].
//!
//! The only place that reads them; all others match on the error.

use reqwest::StatusCode;

use super::error::EngineError;

/// What the engine's refusal means. `doing` is `POST /services/create`, `name`
/// the object that it is about.
///
/// Sentences: swarm-mode errors of engines 20.10 to 28 (`daemon/cluster`,
/// swarmkit `manager/controlapi`), as measured.
pub(super) fn classify(doing: &str, name: &str, status: StatusCode, message: &str) -> EngineError {
    let name = name.to_owned();
    let has = |text: &str| message.contains(text);
    if has("update out of sequence") {
        return EngineError::OutOfSequence { name };
    }
    if has("The swarm does not have a leader") {
        return EngineError::NoLeader;
    }
    if has("Swarm is encrypted and needs to be unlocked") {
        return EngineError::Locked;
    }
    if has("Worker nodes can't be used") {
        return EngineError::NotManager;
    }
    if has("This node is not a swarm manager") || has("This node is not part of a swarm") {
        return EngineError::NotSwarm;
    }
    if has(" is in use by ")
        || has("has active endpoints")
        || has("is being used by")
        || has("volume is in use")
    {
        let message = plain(message);
        return EngineError::InUse { name, message };
    }
    if let Some(network) = vanished_network(message).filter(|_| doing.contains("/services")) {
        return EngineError::NetworkVanished { name, network };
    }
    if status == StatusCode::CONFLICT
        && (has("already exists") || has("name conflicts") || has("AlreadyExists"))
    {
        let message = plain(message);
        return EngineError::NameConflict { name, message };
    }
    if status == StatusCode::NOT_FOUND {
        return EngineError::NotFound {
            what: kind_of(doing),
            name,
        };
    }
    EngineError::Refused {
        doing: doing.to_owned(),
        status: status.as_u16(),
        message: plain(message),
    }
}

/// The network in `network web_default not found`, as services are refused with it.
fn vanished_network(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("network ")?;
    let (network, _) = rest.split_once(" not found")?;
    (!network.contains(' ')).then(|| network.to_owned())
}

fn kind_of(doing: &str) -> &'static str {
    let kinds = [
        ("/services", "service"),
        ("/networks", "network"),
        ("/configs", "config"),
        ("/secrets", "secret"),
        ("/images", "image"),
        ("/volumes", "volume"),
    ];
    kinds
        .iter()
        .find(|(path, _)| doing.contains(path))
        .map_or("object", |(_, kind)| kind)
}

/// Without the wrapping of gRPC: `rpc error: code = InvalidArgument desc = `.
fn plain(message: &str) -> String {
    match message.rsplit_once(" desc = ") {
        Some((before, after)) if before.contains("rpc error") => after.to_owned(),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(status: u16, message: &str) -> EngineError {
        let status = StatusCode::from_u16(status).unwrap();
        classify("POST /services/create", "web_a", status, message)
    }

    #[test]
    fn the_engines_sentences_are_understood() {
        use EngineError as E;
        let out_of_sequence = meaning(
            500,
            "rpc error: code = Unknown desc = update out of sequence",
        );
        assert!(matches!(out_of_sequence, E::OutOfSequence { .. }));
        assert!(out_of_sequence.is_stale());
        let sentence = "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this command on a manager node or promote the current node to a manager.";
        assert!(matches!(meaning(503, sentence), E::NotManager));
        let sentence = r#"This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again."#;
        assert!(matches!(meaning(503, sentence), E::NotSwarm));
        let sentence = "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online.";
        assert!(matches!(meaning(500, sentence), E::NoLeader));
        let sentence = "rpc error: code = InvalidArgument desc = config 'c1_2' is in use by the following service: sw-d_a";
        assert!(matches!(meaning(400, sentence), E::InUse { .. }));
        let sentence =
            "rpc error: code = FailedPrecondition desc = network x is in use by task 4b2";
        assert!(matches!(meaning(400, sentence), E::InUse { .. }));
        let sentence = "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service sw-e_a already exists";
        assert!(matches!(meaning(409, sentence), E::NameConflict { .. }));
        assert!(matches!(
            meaning(404, "service x not found"),
            E::NotFound {
                what: "service",
                ..
            }
        ));
    }

    #[test]
    fn a_network_that_is_going_asks_for_a_new_plan() {
        let error = meaning(
            404,
            "rpc error: code = NotFound desc = network sw-m_default not found",
        );
        assert!(error.is_stale());
        assert_eq!(
            error.to_string(),
            "network `sw-m_default`, which `web_a` needs, is gone"
        );
    }

    #[test]
    fn other_refusals_keep_the_engines_words_without_the_wrapping() {
        let error = meaning(
            400,
            "rpc error: code = InvalidArgument desc = port '80' is already in use by service 'b' (x1) as an ingress port",
        );
        // A port in use is not an object in use.
        assert_eq!(
            error.to_string(),
            "Docker refused POST /services/create: port '80' is already in use by service 'b' (x1) as an ingress port"
        );
    }
}
