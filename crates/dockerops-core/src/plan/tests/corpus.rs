//! The bodies that Docker's client was recorded to send, where they are at hand.

use serde_json::Value;

use super::imitation::Swarm;
use crate::body::Body;
use crate::observed::{FileObject, Network};
use crate::plan::fields::{Memory, differences};
use crate::plan::normalise::{NetworkNames, normalise};

/// Every field that Docker's client sends is in the table, and what an engine
/// stores of it equals what was sent.
#[test]
#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test reads the corpus, or says that there is none"
)]
fn each_recorded_body_equals_what_is_stored_of_it() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let root = std::env::var("DOCKEROPS_CORPUS").unwrap_or_else(|_| beside.to_owned());
    let Ok(folder) = std::path::Path::new(&root).join("expected").read_dir() else {
        println!("corpus: absent");
        return;
    };
    let mut count = 0;
    for path in folder.map(|entry| entry.unwrap().path()) {
        if path.to_string_lossy().ends_with(".deploy.json") {
            let recorded: Value =
                serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            for body in recorded["services"].as_array().unwrap() {
                check(body);
                count += 1;
            }
        }
    }
    println!("corpus: {count} services");
    assert!(count > 100);
}

fn check(recorded: &Value) {
    let swarm = swarm_for(recorded);
    let sent = Body::from(recorded.clone());
    let mut stored = Body::from(swarm.stored(&sent));
    NetworkNames::new(&swarm.observed).resolve(&mut stored, None);
    let (sent, stored) = (normalise(&sent), normalise(&stored));
    assert_eq!(
        differences(&sent, &stored, Memory::Nothing),
        [],
        "{recorded}"
    );
    let unknown: Vec<_> = sent.iter().filter(|(_, entry)| !entry.known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// A Swarm that has all that the body refers to.
fn swarm_for(body: &Value) -> Swarm {
    let mut swarm = Swarm::default();
    let list = |pointer: &str, key: &str| -> Vec<String> {
        let items = body.pointer(pointer).and_then(Value::as_array).cloned();
        let items = items.unwrap_or_default().into_iter();
        items
            .map(|item| item[key].as_str().unwrap().to_owned())
            .collect()
    };
    for name in list("/TaskTemplate/Networks", "Target") {
        swarm.observed.networks.push(Network {
            id: format!("id of {name}"),
            name,
            scope: "swarm".to_owned(),
            labels: [].into(),
            raw: Value::Null,
        });
    }
    let file = |name: String| FileObject {
        id: format!("id of {name}"),
        version: 1,
        name,
        labels: [].into(),
        data: None,
        spec: Value::Null,
    };
    let container = "/TaskTemplate/ContainerSpec";
    let configs = list(&format!("{container}/Configs"), "ConfigName");
    let secrets = list(&format!("{container}/Secrets"), "SecretName");
    swarm.observed.configs = configs.into_iter().map(file).collect();
    swarm.observed.secrets = secrets.into_iter().map(file).collect();
    swarm
}
