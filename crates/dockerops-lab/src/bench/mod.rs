//! DockerOps against the usual cron script, side by side in one run.
//!
//! The rows of one round follow each other, so that a slow moment of the machine hits all of
//! them; what is printed is the median of the rounds.

mod binding;
mod measure;
mod sides;
mod waves;

use std::collections::BTreeMap;

use dockerops_lab::{Lab, LabError, LabOptions};
use measure::{Cost, measure, median};
use sides::{Side, description};

/// Costs by row, in the order of the rows' names.
type Rows = BTreeMap<&'static str, Vec<Cost>>;

const NOTHING_SCRIPT: &str = "a1 nothing changed: cron script";
const NOTHING_OURS: &str = "a2 nothing changed: dockerops reconcile";
const FLOOR: &str = "a3 floor: 20 parallel git ls-remote";
const CHANGED_SCRIPT: &str = "b1 one service changed: cron script, all";
const CHANGED_ONE: &str = "b2 one service changed: pull and deploy of that stack";
const CHANGED_OURS: &str = "b3 one service changed: dockerops reconcile, all";

/// A table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Reconciles against the cron script
    Script,
    /// The copy of a binding against `cp`
    Binding,
    /// A stack in waves against `docker stack deploy --detach=false`
    Waves,
}

/// Measures on `lab`, and for the script on another of its own; prints a table for each part.
pub(crate) fn run(lab: &Lab, rounds: usize, only: Option<Part>) -> Result<(), LabError> {
    println!("{}; median of {rounds} rounds", description());
    let mut rows = Rows::new();
    let is_asked = |part| only.is_none_or(|only| only == part);
    if is_asked(Part::Script) {
        scripted(lab, rounds, &mut rows)?;
        print(&rows);
        rows.clear();
    }
    if is_asked(Part::Binding) {
        binding::measure_all(lab, rounds, &mut rows)?;
        print(&rows);
        rows.clear();
    }
    if is_asked(Part::Waves) {
        let order = waves::measure_all(lab, &mut rows)?;
        print(&rows);
        println!("{order}");
    }
    Ok(())
}

fn scripted(lab: &Lab, rounds: usize, rows: &mut Rows) -> Result<(), LabError> {
    let other = Lab::up(LabOptions::default())?;
    let (ours, script) = (Side::prepare(lab)?, Side::prepare(&other)?);
    for url in ours.urls() {
        measure(&mut ours.dockerops(&["watch", &url])?)?;
    }
    script.clone_all()?;
    measure(&mut script.script())?;
    for round in 0..rounds {
        nothing_changed(&ours, &script, rows)?;
        one_changed(&ours, &script, round, rows)?;
    }
    other.down();
    Ok(())
}

fn nothing_changed(ours: &Side<'_>, script: &Side<'_>, rows: &mut Rows) -> Result<(), LabError> {
    add(rows, FLOOR, measure(&mut ours.ls_remote())?);
    add(
        rows,
        NOTHING_OURS,
        measure(&mut ours.dockerops(&["reconcile"])?)?,
    );
    add(rows, NOTHING_SCRIPT, measure(&mut script.script())?);
    Ok(())
}

fn one_changed(
    ours: &Side<'_>,
    script: &Side<'_>,
    round: usize,
    rows: &mut Rows,
) -> Result<(), LabError> {
    ours.change_one_service(round)?;
    add(
        rows,
        CHANGED_OURS,
        measure(&mut ours.dockerops(&["reconcile"])?)?,
    );
    script.change_one_service(2 * round)?;
    add(
        rows,
        CHANGED_ONE,
        measure(&mut script.script_of_one_stack())?,
    );
    script.change_one_service(2 * round + 1)?;
    add(rows, CHANGED_SCRIPT, measure(&mut script.script())?);
    Ok(())
}

fn add(rows: &mut Rows, name: &'static str, cost: Cost) {
    rows.entry(name).or_default().push(cost);
}

fn print(rows: &Rows) {
    println!(
        "\n{:<55} {:>9} {:>9} {:>10}",
        "", "wall s", "CPU s", "peak MiB"
    );
    for (name, costs) in rows {
        let cost = median(costs);
        let (wall, cpu) = (cost.wall.as_secs_f64(), cost.cpu.as_secs_f64());
        println!(
            "{name:<55} {wall:>9.3} {cpu:>9.2} {:>10}",
            cost.peak_kib / 1024
        );
    }
}
