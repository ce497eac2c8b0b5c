//! A number of CPUs, as Docker's client reads it (`opts.ParseCPUs`).

/// Reads `0.5`, `1/2` or `5e-1` to billionths of a CPU; `None` when it is no number or too precise.
pub(crate) fn nano_cpus(text: &str) -> Option<i64> {
    let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
    let (digits, exponent) = decimal(numerator)?;
    let divisor: i128 = denominator.parse().ok().filter(|d| *d > 0)?;
    let scale = exponent.checked_add(9)?;
    let power = 10i128.checked_pow(scale.unsigned_abs())?;
    let (above, below) = if scale >= 0 {
        (digits.checked_mul(power)?, divisor)
    } else {
        (digits, divisor.checked_mul(power)?)
    };
    if above % below != 0 {
        return None;
    }
    i64::try_from(above / below).ok()
}

/// The digits of `text` as a whole number, and the power of ten to multiply it with.
fn decimal(text: &str) -> Option<(i128, i32)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(&digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let places = i32::try_from(fraction.len()).ok()?;
    Some((digits.parse().ok()?, exponent.checked_sub(places)?))
}

#[cfg(test)]
mod tests {
    use super::nano_cpus;

    #[test]
    fn cpus_are_exact_billionths() {
        for (text, nano) in [
            ("0.5", Some(500_000_000)),
            (".25", Some(250_000_000)),
            ("2", Some(2_000_000_000)),
            ("1/2", Some(500_000_000)),
            ("5e-1", Some(500_000_000)),
            ("0.0001", Some(100_000)),
            ("0", Some(0)),
            ("-1", Some(-1_000_000_000)),
            ("1e-9", Some(1)),
            ("1e-10", None),
            ("1/3", None),
            ("1/0", None),
            ("", None),
            (".", None),
            ("one", None),
            ("1e99", None),
            ("99999999999999", None),
        ] {
            assert_eq!(nano_cpus(text), nano, "{text}");
        }
    }
}
