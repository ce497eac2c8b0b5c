//! When to kill: random, but the same for the same seed and number.

use std::fmt;
use std::time::Duration;

/// How long a run reads and plans at least, in milliseconds.
const START: u64 = 200;

/// A moment of a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after it sent its n-th write.
    Write(usize, Duration),
}

/// What a run was doing when it was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Reading and planning.
    Before,
    /// Writing, or waiting between two writes.
    Between,
    /// Waiting for the services to run.
    Waiting,
    /// Removing what is no longer declared.
    Removing,
    /// Recording, or done.
    After,
}

/// `SplitMix64`: enough for choosing moments, and the same everywhere.
pub(super) struct Random(u64);

impl Random {
    /// That of one kill.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut random = Self(seed);
        let mixed = random.next() ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(mixed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A moment of a run that takes `took` and sends so many writes, the last of them
    /// removals: anywhere in its time; and, as the short parts would hardly ever be met, at
    /// its start, close to any write, close to a removal, and at its end.
    pub(super) fn moment(&mut self, took: Duration, made: usize, writes: usize) -> Moment {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match self.below(8) {
            0..=2 => Moment::After(Duration::from_millis(self.below(millis))),
            3 => Moment::After(Duration::from_millis(self.below(START))),
            4 | 5 => self.at_write(1, writes, 20),
            6 => self.at_write(made, writes, 5),
            _ => self.at_write(writes, writes, 100),
        }
    }

    /// Up to `within` ms after one of the writes `first` to `last`.
    fn at_write(&mut self, first: usize, last: usize, within: u64) -> Moment {
        let count = u64::try_from(last.saturating_sub(first) + 1).unwrap_or(1);
        let offset = usize::try_from(self.below(count)).unwrap_or_default();
        let time = Duration::from_millis(self.below(within));
        Moment::Write(first + offset, time)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(time) => write!(f, "after {} ms", time.as_millis()),
            Self::Write(number, time) => {
                write!(f, "{} ms after write {number}", time.as_millis())
            }
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before the first write",
            Self::Between => "between writes",
            Self::Waiting => "while waiting",
            Self::Removing => "while removing",
            Self::After => "while recording or after",
        })
    }
}
