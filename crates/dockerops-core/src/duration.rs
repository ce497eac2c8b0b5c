//! Lengths of time as Go writes them: `1h30m`, `1.5s`, `100ms`.
//!
//! Docker's client reads every duration of a compose file with Go's
//! `time.ParseDuration`; this accepts and refuses exactly what that does.

/// A text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// Not of the form `<number><unit>…`.
    #[error("not a duration")]
    Malformed,
    /// A number without `ns`, `us`, `ms`, `s`, `m` or `h` behind it.
    #[error("a number without unit")]
    MissingUnit,
    /// A unit that Go does not know, such as `d`.
    #[error("an unknown unit")]
    UnknownUnit,
    /// More than about 292 years.
    #[error("too long")]
    TooLong,
}

impl InvalidDuration {
    /// The way out.
    pub fn hint(self) -> Option<String> {
        Some(
            "Write a number with a unit out of `ms`, `s`, `m` and `h`, such as `90s` or `1m30s`."
                .to_owned(),
        )
    }
}

/// One more than the largest number of nanoseconds; reachable with a minus only.
const LIMIT: u64 = 1 << 63;

/// Reads `text` as Go's `time.ParseDuration` does, to nanoseconds.
pub fn parse_go_duration(text: &str) -> Result<i64, InvalidDuration> {
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(InvalidDuration::Malformed);
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let (part, after) = component(rest)?;
        total = total
            .checked_add(part)
            .filter(|sum| *sum <= LIMIT)
            .ok_or(InvalidDuration::TooLong)?;
        rest = after;
    }
    if negative {
        return Ok(0i64.checked_sub_unsigned(total).unwrap_or(i64::MIN));
    }
    i64::try_from(total).map_err(|_| InvalidDuration::TooLong)
}

/// Reads one `<number><unit>` off the front, to nanoseconds.
fn component(text: &str) -> Result<(u64, &str), InvalidDuration> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(InvalidDuration::Malformed);
    }
    let end = rest
        .find(|c: char| c == '.' || c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, after) = rest.split_at(end);
    let unit = nanoseconds(unit)?;
    let whole = if whole.is_empty() {
        Ok(0)
    } else {
        whole.parse::<u64>()
    };
    let value = whole
        .ok()
        .and_then(|whole| whole.checked_mul(unit))
        .and_then(|value| value.checked_add(part_of(fraction, unit)))
        .filter(|value| *value <= LIMIT)
        .ok_or(InvalidDuration::TooLong)?;
    Ok((value, after))
}

/// Splits leading digits off.
fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Digits behind a point, as a part of `unit`; digits beyond the precision of 64 bits do not count.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Go computes the fraction in floating point, too; it is below `unit`"
)]
fn part_of(fraction: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0u64, 1f64);
    for digit in fraction.bytes() {
        let next = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(u64::from(digit - b'0')));
        let Some(next) = next.filter(|next| *next < LIMIT) else {
            break;
        };
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

fn nanoseconds(unit: &str) -> Result<u64, InvalidDuration> {
    Ok(match unit {
        "" => return Err(InvalidDuration::MissingUnit),
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(InvalidDuration::UnknownUnit),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("-0", 0),
            ("10s", 10_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("+5ms", 5_000_000),
            ("-1.5us", -1_500),
            ("3µs", 3_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            assert_eq!(parse_go_duration(text), Ok(nanoseconds), "{text}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        use InvalidDuration::{Malformed, MissingUnit, TooLong, UnknownUnit};
        for (text, error) in [
            ("", Malformed),
            ("+", Malformed),
            ("s", Malformed),
            (".s", Malformed),
            ("10 s", UnknownUnit),
            (" 10s", Malformed),
            ("10", MissingUnit),
            ("1m30", MissingUnit),
            ("1d", UnknownUnit),
            ("10S", UnknownUnit),
            ("9223372036854775808ns", TooLong),
            ("3000000h", TooLong),
            ("99999999999999999999s", TooLong),
        ] {
            assert_eq!(parse_go_duration(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[-+]?[0-9.]{0,25}(ns|us|µs|ms|s|m|h|d|.)?.{0,4}") {
            let _ = parse_go_duration(&text);
        }
    }
}
