//! What a command costs: wall time, CPU of it and its children, peak memory.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use dockerops_lab::LabError;

/// The cost of one run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// From start to end.
    pub(super) wall: Duration,
    /// User and system time, of the command and of all its descendants.
    pub(super) cpu: Duration,
    /// The most memory that the command itself (not its children) had resident, in KiB.
    pub(super) peak_kib: u64,
}

/// Runs `command` to its end; a failure is an error that quotes what it said.
pub(super) fn measure(command: &mut Command) -> Result<Cost, LabError> {
    let doing = format!("cannot run {command:?}");
    let io = |source| LabError::Io {
        doing: doing.clone(),
        source,
    };
    let said = tempfile::tempfile().map_err(io)?;
    let mut errors = said.try_clone().map_err(io)?;
    let (cpu, start) = (cpu_of_children(), Instant::now());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
        .map_err(io)?;
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = peak_kib.max(peak_of(child.id()));
        if let Some(status) = child.try_wait().map_err(io)? {
            break status;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let wall = start.elapsed();
    if status.success() {
        return Ok(Cost {
            wall,
            cpu: cpu_of_children().saturating_sub(cpu),
            peak_kib,
        });
    }
    let mut text = String::new();
    let _ = std::io::Seek::rewind(&mut errors);
    let _ = std::io::Read::read_to_string(&mut errors, &mut text);
    Err(LabError::Command {
        command: format!("{command:?}"),
        status,
        said: text.trim().to_owned(),
    })
}

/// The CPU time of all children that were waited for, and of theirs: fields 16 and 17 of
/// `/proc/self/stat` (`proc(5)`), in ticks of 10 ms.
fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn peak_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

/// The middle of some costs, each column for itself; the peak is the highest.
pub(super) fn median(costs: &[Cost]) -> Cost {
    let middle = |of: fn(&Cost) -> Duration| {
        let mut all: Vec<Duration> = costs.iter().map(of).collect();
        all.sort();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Cost {
        wall: middle(|cost| cost.wall),
        cpu: middle(|cost| cost.cpu),
        peak_kib: costs.iter().map(|cost| cost.peak_kib).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_not_moved_by_one_slow_run() {
        let cost = |seconds| Cost {
            wall: Duration::from_secs(seconds),
            ..Cost::default()
        };
        assert_eq!(
            median(&[cost(1), cost(90), cost(2)]).wall,
            Duration::from_secs(2)
        );
    }

    #[test]
    fn a_failing_command_is_an_error_that_quotes_it() {
        let error = measure(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().ends_with("no"), "{error}");
    }
}
