//! Sizes in bytes as `docker/go-units` reads them (`RAMInBytes`): `64m`, `1.5GiB`, `512`.

/// Reads a size with a binary unit; `None` for what Docker refuses.
#[expect(
    clippy::cast_possible_truncation,
    reason = "Go truncates the product to 64 bits, too"
)]
pub(super) fn ram_in_bytes(text: &str) -> Option<i64> {
    let last = text.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ')?;
    let (number, suffix) = match text.as_bytes().get(last) {
        Some(b' ') => (&text[..last], &text[last + 1..]),
        _ => text.split_at(last + 1),
    };
    let number: f64 = number
        .parse()
        .ok()
        .filter(|n: &f64| n.is_finite() && *n >= 0.0)?;
    Some((number * factor(&suffix.to_ascii_lowercase())?) as i64)
}

fn factor(suffix: &str) -> Option<f64> {
    const KIB: f64 = 1024.0;
    let mut letters = suffix.chars();
    let power = match letters.next() {
        None => return Some(1.0),
        Some('b') => return letters.next().is_none().then_some(1.0),
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        Some('t') => 4,
        Some('p') => 5,
        Some(_) => return None,
    };
    matches!(letters.as_str(), "" | "b" | "ib").then(|| KIB.powi(power))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_sizes_as_docker_does() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("32", Some(32)),
            ("32b", Some(32)),
            ("32 B", Some(32)),
            ("32k", Some(32 << 10)),
            ("32KiB", Some(32 << 10)),
            ("1.5M", Some(3 << 19)),
            (".5g", Some(1 << 29)),
            ("1 tb", Some(1 << 40)),
            ("5 ", Some(5)),
            ("", None),
            ("m", None),
            ("-1m", None),
            ("1mi", None),
            ("1bb", None),
            ("1z", None),
            ("1mib2", None),
            ("1..5m", None),
        ] {
            assert_eq!(ram_in_bytes(text), bytes, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,12}") {
            let _ = ram_in_bytes(&text);
        }
    }
}
