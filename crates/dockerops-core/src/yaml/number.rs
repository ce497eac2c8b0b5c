//! Go's `strconv` numbers, as far as YAML scalars need them.

/// `strconv.ParseInt(text, 0, 64)`: a sign, then a decimal, `0x`, `0o`, `0b` or `0`-octal number.
pub(super) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, lower.get(1..)?)
    } else {
        (10, lower.as_str())
    };
    in_radix(negative, digits, radix)
}

/// `0b` or `0o` and then a number with its own sign: an oddity of the library, `0b-1` is -1.
pub(super) fn integer_after_prefix(text: &str) -> Option<i64> {
    let (outer_minus, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (radix, rest) = match (rest.strip_prefix("0b"), rest.strip_prefix("0o")) {
        (Some(rest), _) => (2, rest),
        (_, Some(rest)) => (8, rest),
        _ => return None,
    };
    if outer_minus {
        return in_radix(true, rest, radix);
    }
    let (negative, digits) = split_sign(rest);
    in_radix(negative, digits, radix)
}

/// A decimal fraction by the library's `yamlStyleFloat`; `None` when it does not fit a float.
pub(super) fn float(text: &str) -> Option<f64> {
    let (_, rest) = split_sign(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(split_sign(exponent).1)),
        None => (rest, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let well_formed = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|e| !e.is_empty() && digits(e));
    if !well_formed {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or("")),
        Some(b'+') => (false, text.get(1..).unwrap_or("")),
        _ => (false, text),
    }
}

fn in_radix(negative: bool, digits: &str, radix: u32) -> Option<i64> {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}
