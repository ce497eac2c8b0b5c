//! Dates without quotes, as Go parses and prints them.
//!
//! Docker's client turns `2001-12-14` into a `time.Time` and an environment
//! variable gets that value's text: `2001-12-14 00:00:00 +0000 UTC`. Sources:
//! `parseTimestamp` of `go.yaml.in/yaml/v3`, Go's `time.Parse` and
//! `time.Time.String`, on a machine whose time zone is UTC.

/// What Go prints for `text`, when it is one of the four forms of a timestamp.
pub(super) fn parse(text: &str) -> Option<String> {
    let mut rest = Rest(text);
    let year = rest.year()?;
    let month = rest.dash()?.number(1..=12)?;
    let day = rest.dash()?.number(1..=days_in(month, year))?;
    let mut clock = "00:00:00".to_owned();
    let mut zone = None;
    if let Some(after) = rest.0.strip_prefix(['T', 't']) {
        rest = Rest(after);
        clock = rest.clock()?;
        zone = Some(rest.zone()?);
    } else if rest.0.starts_with(' ') {
        rest = Rest(rest.0.trim_start_matches(' '));
        clock = rest.clock()?;
    }
    let zone = zone.filter(|minutes| *minutes != 0);
    rest.0.is_empty().then(|| {
        let zone = zone.map_or_else(|| "+0000 UTC".to_owned(), zone_twice);
        format!("{year:04}-{month:02}-{day:02} {clock} {zone}")
    })
}

/// What is still to be read.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn year(&mut self) -> Option<u32> {
        let (year, rest) = self.0.split_at_checked(4)?;
        self.0 = rest;
        digits(year)
    }

    fn dash(&mut self) -> Option<&mut Self> {
        self.literal('-')
    }

    fn literal(&mut self, c: char) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(c)?;
        Some(self)
    }

    /// One digit or two.
    fn number(&mut self, allowed: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let two = self
            .0
            .split_at_checked(2)
            .filter(|(n, _)| digits(n).is_some());
        let (number, rest) = two.or_else(|| self.0.split_at_checked(1))?;
        self.0 = rest;
        digits(number).filter(|n| allowed.contains(n))
    }

    /// `15:4:5.999999999`.
    fn clock(&mut self) -> Option<String> {
        let hour = self.number(0..=23)?;
        let minute = self.literal(':')?.number(0..=59)?;
        let second = self.literal(':')?.number(0..=59)?;
        let fraction = self.fraction();
        Some(format!("{hour:02}:{minute:02}:{second:02}{fraction}"))
    }

    /// `.5`, cut to nanoseconds and without trailing zeros; a comma is a period too.
    fn fraction(&mut self) -> String {
        let Some(after) = self.0.strip_prefix(['.', ',']) else {
            return String::new();
        };
        let end = after.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = after.split_at(end.unwrap_or(after.len()));
        if digits.is_empty() {
            return String::new();
        }
        self.0 = rest;
        let nanoseconds = digits.get(..9).unwrap_or(digits).trim_end_matches('0');
        match nanoseconds {
            "" => String::new(),
            nanoseconds => format!(".{nanoseconds}"),
        }
    }

    /// `Z` or `+02:00`, in minutes.
    fn zone(&mut self) -> Option<i64> {
        if let Some(rest) = self.0.strip_prefix('Z') {
            self.0 = rest;
            return Some(0);
        }
        let (zone, rest) = self.0.split_at_checked(6)?;
        self.0 = rest;
        let (hours, minutes) = zone.get(1..)?.split_once(':')?;
        let hours = digits(hours).filter(|h| *h <= 24)?;
        let minutes = digits(minutes).filter(|m| *m <= 60)?;
        let total = i64::from(hours * 60 + minutes);
        match zone.as_bytes().first() {
            Some(b'+') => Some(total),
            Some(b'-') => Some(-total),
            _ => None,
        }
    }
}

/// `+0200 +0200`: offset and, in place of a name, the offset again.
fn zone_twice(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    let zone = format!("{sign}{:02}{:02}", minutes / 60, minutes % 60);
    format!("{zone} {zone}")
}

fn digits(text: &str) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

fn days_in(month: u32, year: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_printed_as_go_prints_it() {
        let cases = [
            ("2001-12-14", "2001-12-14 00:00:00 +0000 UTC"),
            ("2001-1-2", "2001-01-02 00:00:00 +0000 UTC"),
            ("2001-12-14 21:59:43", "2001-12-14 21:59:43 +0000 UTC"),
            ("2001-12-14   1:2:3,50", "2001-12-14 01:02:03.5 +0000 UTC"),
            ("2001-1-2t01:02:03Z", "2001-01-02 01:02:03 +0000 UTC"),
            (
                "2001-12-14T21:59:43.10+02:00",
                "2001-12-14 21:59:43.1 +0200 +0200",
            ),
            (
                "2001-12-14T21:59:43-05:30",
                "2001-12-14 21:59:43 -0530 -0530",
            ),
            ("2000-02-29", "2000-02-29 00:00:00 +0000 UTC"),
        ];
        for (written, printed) in cases {
            assert_eq!(parse(written).as_deref(), Some(printed), "{written}");
        }
    }

    #[test]
    fn what_only_looks_like_a_date_is_none() {
        for text in [
            "2001-02-30",
            "2001-13-01",
            "2001-12-14x",
            "2001-12",
            "20011-12-14",
            "2001-12-14 ",
            "2001-12-14 24:00:00",
            "2001-12-14T21:59:43",
            "2001-12-14 21:59:43Z",
            "é001-12-14",
            "2001-é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
