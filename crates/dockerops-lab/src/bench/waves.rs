//! A stack of 30 services in three waves, deployed and then changed as a whole: until it is
//! well, by DockerOps and by Docker's own client, which waits for one service after the other.
//!
//! Also whether it was right: each wave was written when the one before ran.

use std::collections::BTreeMap;
use std::path::Path;

use dockerops_lab::{Lab, LabError};
use serde_json::Value;

use super::measure::measure;
use super::{Rows, add};

const WAVES: usize = 3;
const EACH: usize = 10;
const OURS: [&str; 2] = [
    "w1 30 services in 3 waves: dockerops deploy",
    "w3 all 30 changed: dockerops deploy",
];
const DOCKERS: [&str; 2] = [
    "w2 30 services: docker stack deploy --detach=false",
    "w4 all 30 changed: docker stack deploy --detach=false",
];

/// Measures both once: Docker's takes minutes. Returns what there is to say about the order.
pub(super) fn measure_all(lab: &Lab, rows: &mut Rows) -> Result<String, LabError> {
    lab.push_image("waves", "1", "waves")?;
    let folder = tempfile::tempdir().map_err(|source| LabError::Io {
        doing: "cannot make a folder for the waves".to_owned(),
        source,
    })?;
    let mut late = Vec::new();
    for (round, mark) in ["one", "two"].into_iter().enumerate() {
        let file = folder.path().join("waves.yml");
        let path = file.display().to_string();
        // Docker's client refuses conditions, and would pay them no heed.
        write(
            &file,
            &compose(&lab.registry(), mark, ": {condition: service_healthy}"),
        )?;
        let mut ours = lab.dockerops(folder.path())?;
        ours.args(["deploy", "-c", &path, "ours"]);
        add(rows, pick(OURS, round), measure(&mut ours)?);
        write(&file, &compose(&lab.registry(), mark, ""))?;
        let mut dockers = lab.command("docker");
        dockers.args(["stack", "deploy", "--detach=false", "-c", &path, "dockers"]);
        add(rows, pick(DOCKERS, round), measure(&mut dockers)?);
        if round == 0 {
            late = [out_of_order(lab, "ours")?, out_of_order(lab, "dockers")?].to_vec();
        }
    }
    for stack in ["ours", "dockers"] {
        lab.docker(&["stack", "rm", stack])?;
    }
    let count = |stack: usize| late.get(stack).copied().unwrap_or_default();
    Ok(format!(
        "services written before all that they depend on ran: dockerops {}, docker {} of {}",
        count(0),
        count(1),
        (WAVES - 1) * EACH
    ))
}

fn pick(names: [&'static str; 2], round: usize) -> &'static str {
    names.get(round).copied().unwrap_or_default()
}

fn write(file: &Path, text: &str) -> Result<(), LabError> {
    std::fs::write(file, text).map_err(|source| LabError::Io {
        doing: format!("cannot write {}", file.display()),
        source,
    })
}

/// Each service of a wave depends on all of the one before, with `condition`.
fn compose(registry: &str, mark: &str, condition: &str) -> String {
    let (open, close) = if condition.is_empty() {
        ("[", "]")
    } else {
        ("{", "}")
    };
    let service = |(wave, index): (usize, usize)| {
        let before: Vec<_> = (0..EACH)
            .filter(|_| wave > 0)
            .map(|other| name(wave.saturating_sub(1), other) + condition)
            .collect();
        format!(
            "  {}: {{image: \"{registry}/waves:1\", command: sleep 100000, stop_grace_period: 0s, networks: [host], \
             environment: [MARK={mark}], depends_on: {open}{}{close}}}\n",
            name(wave, index),
            before.join(", ")
        )
    };
    let all = (0..WAVES).flat_map(|wave| (0..EACH).map(move |index| (wave, index)));
    let services: String = all.map(service).collect();
    format!("version: '3.8'\nservices:\n{services}networks: {{host: {{external: true}}}}\n")
}

fn name(wave: usize, index: usize) -> String {
    format!("s{wave}-{index}")
}

/// How many services were made before everything of the wave before ran.
fn out_of_order(lab: &Lab, stack: &str) -> Result<usize, LabError> {
    let made = lab.services(stack)?;
    let mut ran = BTreeMap::new();
    for service in made.keys() {
        let tasks = lab.tasks(service)?;
        let running = tasks.iter().filter(|t| t["Status"]["State"] == "running");
        ran.insert(
            service.clone(),
            running.map(|t| text(t, "/Status/Timestamp")).max(),
        );
    }
    let early = |service: &String, made: &Value| {
        let wave = (1..WAVES).find(|wave| service.contains(&format!("_s{wave}-")));
        let before = format!("_s{}-", wave.unwrap_or_default().saturating_sub(1));
        let others = ran.iter().filter(|(name, _)| name.contains(&before));
        let last = others.filter_map(|(_, at)| at.clone()).max();
        wave.is_some() && last > Some(text(made, "/CreatedAt"))
    };
    let early = made.iter().filter(|(service, made)| early(service, made));
    Ok(early.count())
}

fn text(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
