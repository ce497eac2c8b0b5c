//! Times and spans as people read them. Times are UTC, and say so.

use std::time::Duration;

use jiff::Timestamp;

/// `2026-01-02 03:04:05Z` of an RFC 3339 time; as it is, when it is none.
pub(crate) fn moment(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(
        |_| text.to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
    )
}

/// How long from `start` to `end`; `None` when one of them is no time, or they are the wrong way round.
pub(crate) fn between(start: &str, end: &str) -> Option<Duration> {
    let (start, end): (Timestamp, Timestamp) = (start.parse().ok()?, end.parse().ok()?);
    Duration::try_from(end.duration_since(start)).ok()
}

/// `12s`, `3m`, `5h`, `2d`: the coarsest unit that is not 1.
pub(crate) fn coarse(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_the_second_and_what_is_none_as_it_is() {
        assert_eq!(moment("2026-01-02T03:04:05.678Z"), "2026-01-02 03:04:05Z");
        assert_eq!(moment("once"), "once");
    }

    #[test]
    fn a_span_is_told_in_one_unit() {
        let spans = [0, 119, 120, 7199, 7200, 172_799, 172_800];
        let told = spans.map(|seconds| coarse(Duration::from_secs(seconds)));
        assert_eq!(told, ["0s", "119s", "2m", "119m", "2h", "47h", "2d"]);
        let span = between("2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z");
        assert_eq!(span, Some(Duration::from_secs(9)));
        assert_eq!(
            between("2026-01-01T00:00:09Z", "2026-01-01T00:00:00Z"),
            None
        );
    }
}
