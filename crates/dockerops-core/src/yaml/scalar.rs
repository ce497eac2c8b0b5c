//! What a scalar stands for: the rules of the YAML library in Docker's client.
//!
//! Source: `go.yaml.in/yaml/v3`, `resolve.go`. It is neither YAML 1.1 nor 1.2:
//! `yes` is text, `0644` and `0o644` are octal, `22:22` is text, `1_000` is a
//! number and a date without quotes becomes a timestamp.

use super::number;
use super::timestamp;

/// A resolved scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A date or time, as Go prints it. It differs from text only as a key.
    Timestamp(String),
}

/// A tag, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// None was written: the text decides.
    Absent,
    Null,
    Bool,
    Int,
    Float,
    Str,
    Timestamp,
    Binary,
    /// Any other, such as `!reset`: Docker's client reads the scalar as text.
    Other,
}

/// The tag does not fit the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit;

impl Tag {
    /// The tag `!!suffix`.
    pub(super) fn core(suffix: &str) -> Self {
        match suffix {
            "null" => Self::Null,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "float" => Self::Float,
            "str" => Self::Str,
            "timestamp" => Self::Timestamp,
            "binary" => Self::Binary,
            _ => Self::Other,
        }
    }
}

/// Resolves the `text` of a scalar that is `plain`, that is without quotes, or has a `tag`.
pub(super) fn resolve(tag: Tag, text: &str, plain: bool) -> Result<Scalar, Misfit> {
    match tag {
        Tag::Absent if plain => Ok(by_text(text, true)),
        Tag::Absent | Tag::Str | Tag::Other => Ok(Scalar::Text(text.to_owned())),
        Tag::Binary => binary(text),
        _ => fitting(tag, by_text(text, tag == Tag::Timestamp)),
    }
}

fn fitting(tag: Tag, scalar: Scalar) -> Result<Scalar, Misfit> {
    match (tag, scalar) {
        #[expect(clippy::cast_precision_loss, reason = "`!!float 5`, as Go converts it")]
        (Tag::Float, Scalar::Int(value)) => Ok(Scalar::Float(value as f64)),
        (Tag::Null, scalar @ Scalar::Null)
        | (Tag::Bool, scalar @ Scalar::Bool(_))
        | (Tag::Int, scalar @ Scalar::Int(_))
        | (Tag::Float, scalar @ Scalar::Float(_))
        | (Tag::Timestamp, scalar @ Scalar::Timestamp(_)) => Ok(scalar),
        _ => Err(Misfit),
    }
}

/// What untagged, unquoted `text` stands for.
fn by_text(text: &str, dates: bool) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Scalar::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes().first() {
        Some(b'.') => number::float(text).map(Scalar::Float),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let date = timestamp::parse(text).filter(|_| dates);
            date.map(Scalar::Timestamp).or_else(|| numeric(text))
        }
        _ => None,
    }
    .unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

fn numeric(text: &str) -> Option<Scalar> {
    let plain = text.replace('_', "");
    number::integer(&plain)
        .map(Scalar::Int)
        .or_else(|| number::float(&plain).map(Scalar::Float))
        .or_else(|| number::integer_after_prefix(&plain).map(Scalar::Int))
}

/// The text behind `!!binary`, which is base64; bytes that are no text become `U+FFFD`.
fn binary(text: &str) -> Result<Scalar, Misfit> {
    use base64::Engine as _;
    let packed: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed);
    let text = bytes.map_err(|_| Misfit)?;
    Ok(Scalar::Text(String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar {
        resolve(Tag::Absent, text, true).unwrap()
    }

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
    }

    #[test]
    fn words_that_yaml_1_1_reads_as_booleans_are_text() {
        for word in ["yes", "no", "on", "off", "y", "n", "Yes", "OFF", "tRue"] {
            assert_eq!(plain(word), text(word));
        }
        for ports in ["22:22", "190:20:30", "3306:3306"] {
            assert_eq!(plain(ports), text(ports));
        }
    }

    #[test]
    fn numbers_are_read_as_dockers_client_reads_them() {
        let ints = [
            ("0644", 420),
            ("0o644", 420),
            ("0xff", 255),
            ("-0x1F", -31),
            ("0b101", 5),
            ("1_000", 1000),
            ("1__0", 10),
            ("+7", 7),
            ("0b-1", -1),
            ("-9223372036854775808", i64::MIN),
        ];
        for (written, value) in ints {
            assert_eq!(plain(written), Scalar::Int(value), "{written}");
        }
        let floats = [
            ("0844", 844.0),
            ("1.10", 1.1),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("123456789012345678901234567890", 1.234_567_890_123_456_8e29),
        ];
        for (written, value) in floats {
            assert_eq!(plain(written), Scalar::Float(value), "{written}");
        }
        for written in [
            "0o8", "1e400", "+", "-", ".", "0x", "1.2.3", "._5", "1e", "-a",
        ] {
            assert_eq!(plain(written), text(written));
        }
    }

    #[test]
    fn quotes_and_tags_decide_before_the_text_does() {
        assert_eq!(resolve(Tag::Absent, "0644", false), Ok(text("0644")));
        assert_eq!(resolve(Tag::Str, "012", true), Ok(text("012")));
        assert_eq!(resolve(Tag::Other, "null", true), Ok(text("null")));
        assert_eq!(resolve(Tag::Int, "5", false), Ok(Scalar::Int(5)));
        assert_eq!(resolve(Tag::Float, "5", true), Ok(Scalar::Float(5.0)));
        assert_eq!(resolve(Tag::Binary, "aGk=", true), Ok(text("hi")));
        assert_eq!(resolve(Tag::Bool, "yes", true), Err(Misfit));
        assert_eq!(resolve(Tag::Int, "2001-12-14", true), Err(Misfit));
    }
}
