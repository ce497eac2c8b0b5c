//! Deploys that are killed at random moments: does the next run end where an undisturbed one does?
//!
//! Each kind of deploy is run undisturbed first: how long it takes, what it writes, and what it
//! leaves. Then `dockerops` is killed with SIGKILL somewhere in it, run again to its end, and
//! what is left is compared: specs, objects, files, the database, and how often the job ran.
//! A kill is known by the seed and its number, so any one of them can be repeated.

mod deploy;
mod moment;
mod site;
mod snapshot;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::thread;

use clap::Args;
use deploy::{Deploy, ROUND, Reference};
use dockerops_lab::{Lab, LabError};
use moment::{Phase, Random};
use site::{Revision, Site};

/// What to do.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How often it is killed
    #[arg(long, default_value_t = 200)]
    kills: u64,
    /// What decides the moments
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the kill of this number
    #[arg(long)]
    only: Option<u64>,
    /// A line for each kill
    #[arg(long)]
    verbose: bool,
}

/// How many deploys go on at once.
const SITES: usize = 5;

/// How many kills fell into each part of a deploy.
type Count = BTreeMap<Phase, u64>;

/// Kills deploys on `lab`; the first end that differs is the error.
pub(crate) fn run(lab: &Lab, options: &Options) -> Result<(), LabError> {
    let numbers: Vec<u64> = match options.only {
        Some(number) => vec![number],
        None => (0..options.kills).collect(),
    };
    // Mostly it is waited: several sites side by side, each with a part of the numbers.
    let part = numbers.len().div_ceil(SITES).max(1);
    let counts: Vec<_> = thread::scope(|scope| {
        let sites: Vec<_> = numbers
            .chunks(part)
            .map(|part| scope.spawn(|| kill_all(lab, options, part)))
            .collect();
        let ended = sites.into_iter().map(thread::ScopedJoinHandle::join);
        ended
            .map(|ended| ended.unwrap_or(Err(LabError::Stopped)))
            .collect()
    });
    let mut total = Count::new();
    let mut failed = Vec::new();
    for count in counts {
        match count {
            Ok(count) => count
                .into_iter()
                .for_each(|(phase, count)| *total.entry(phase).or_default() += count),
            Err(error) => failed.push(error.report()),
        }
    }
    if failed.is_empty() {
        println!("{}", told(&total));
        return Ok(());
    }
    Err(LabError::Claim(failed.join("\n\n")))
}

/// The kills of these numbers, one after the other.
fn kill_all(lab: &Lab, options: &Options, numbers: &[u64]) -> Result<Count, LabError> {
    let mut site = Site::new(lab)?;
    let mut references = BTreeMap::new();
    for number in numbers {
        if let Entry::Vacant(new) = references.entry(deploy_of(*number)) {
            site.be_at(new.key().start())?;
            let reference = new.key().undisturbed(&mut site)?;
            new.insert(reference);
        }
    }
    let mut count = Count::new();
    for number in numbers {
        let deploy = deploy_of(*number);
        if let Some(reference) = references.get(&deploy) {
            let phase = kill(&mut site, options, *number, deploy, reference)?;
            *count.entry(phase).or_default() += 1;
        }
    }
    site.be_at(Revision::Nothing)?;
    Ok(count)
}

fn deploy_of(number: u64) -> Deploy {
    let position = usize::try_from(number).unwrap_or_default() % ROUND.len();
    ROUND.get(position).copied().unwrap_or(Deploy::Forward)
}

fn kill(
    site: &mut Site<'_>,
    options: &Options,
    number: u64,
    deploy: Deploy,
    reference: &Reference,
) -> Result<Phase, LabError> {
    let mut random = Random::new(options.seed, number);
    site.be_at(deploy.start())?;
    let moment = random.moment(reference.took, reference.made, reference.writes);
    let killed = deploy.killed(site, moment, reference);
    if options.verbose {
        let phase = killed.as_ref().map_or("?".to_owned(), ToString::to_string);
        println!("kill {number}: {deploy}, {moment}: {phase}");
    }
    killed.map_err(|error| {
        let seed = options.seed;
        LabError::Claim(format!(
            "kill {number} of seed {seed} ({deploy}, killed {moment}) ends as an undisturbed run does:\n{}\n\n\
             The last run said: {}\n\
             Repeat it with `./dev chaos --seed {seed} --only {number} --verbose`.",
            error.report(),
            site.said
        ))
    })
}

fn told(count: &Count) -> String {
    let total: u64 = count.values().sum();
    let parts: Vec<_> = count
        .iter()
        .map(|(phase, count)| format!("{count} {phase}"))
        .collect();
    format!(
        "{total} kills, and every time the next run ended as an undisturbed one: {}",
        parts.join(", ")
    )
}
