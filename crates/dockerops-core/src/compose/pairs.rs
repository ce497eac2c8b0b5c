//! Keys and values written as a mapping or as a list of `key=value`.
//!
//! Docker turns numbers into text by Go's rules (`fmt.Sprint`), which changes
//! what was written: `1.10` becomes `1.1`, `0644` becomes `420`. We do the same
//! and say so.

use std::collections::BTreeMap;

use super::load::Loading;
use super::model::{Labels, Pairs};
use super::section::{Section, text};
use crate::diagnostic::Diagnostic;
use crate::field::{Field, Text};
use crate::yaml::{Node, Value};

/// Reads `environment` and the like: a key may lack a value.
pub(super) fn pairs(section: &Section<'_, '_>, key: &str, loading: &mut Loading<'_>) -> Pairs {
    match section.node(key) {
        Some(
            node @ Node {
                value: Value::Map(_),
                ..
            },
        ) => {
            let map = Section::new(node, section.path.key(key));
            map.pairs()
                .iter()
                .map(|(name, node)| (name.value.clone(), scalar(node, loading)))
                .collect()
        }
        Some(Node {
            value: Value::List(items),
            ..
        }) => items
            .iter()
            .filter_map(text)
            .filter(|item| loading.has_public_name(item))
            .map(split)
            .collect(),
        _ => BTreeMap::new(),
    }
}

fn split(item: Text) -> (String, Option<Text>) {
    let pair = item
        .value
        .split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    match pair {
        Some((key, value)) => (key, Some(item.with(value))),
        None => (item.value, None),
    }
}

/// Reads `labels`, options and the like: a key without value has an empty one.
pub(super) fn labels(section: &Section<'_, '_>, key: &str, loading: &mut Loading<'_>) -> Labels {
    let span = section.node(key).map_or(section.span(), |node| node.span);
    pairs(section, key, loading)
        .into_iter()
        .map(|(key, value)| {
            (
                key,
                value.unwrap_or_else(|| Field::new(String::new(), span)),
            )
        })
        .collect()
}

/// Reads `extra_hosts` as `host:ip`: a mapping in the order of its text, a list as written.
///
/// Items without separator are dropped, brackets around an address too
/// (`transformHostsList` in `cli/compose/loader`).
pub(super) fn hosts(service: &Section<'_, '_>, loading: &mut Loading<'_>) -> Vec<Text> {
    let hosts = match service.node("extra_hosts") {
        Some(Node {
            value: Value::List(items),
            ..
        }) => items
            .iter()
            .filter_map(text)
            .filter_map(|item| host(&item))
            .collect(),
        Some(Node {
            value: Value::Map(_),
            ..
        }) => {
            let pairs = pairs(service, "extra_hosts", loading);
            let mut hosts: Vec<Text> = pairs
                .into_iter()
                .filter_map(|(name, address)| {
                    address.map(|address| address.map(|ip| format!("{name}:{ip}")))
                })
                .collect();
            hosts.sort_by(|a, b| a.value.cmp(&b.value));
            hosts
        }
        _ => Vec::new(),
    };
    hosts
        .into_iter()
        .map(|host: Text| host.map(|pair| without_brackets(&pair)))
        .collect()
}

fn host(item: &Text) -> Option<Text> {
    let (name, address) = item
        .value
        .split_once('=')
        .or_else(|| item.value.split_once(':'))?;
    Some(item.with(format!("{name}:{address}")))
}

fn without_brackets(pair: &str) -> String {
    let (name, address) = pair.split_once(':').unwrap_or((pair, ""));
    let inner = address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    format!(
        "{name}:{}",
        inner.filter(|inner| !inner.is_empty()).unwrap_or(address)
    )
}

fn scalar(node: &Node, loading: &mut Loading<'_>) -> Option<Text> {
    let shown = match &node.value {
        Value::Text(text) => return Some(node.field(text.clone())),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => match loading.written(node).map(str::parse::<u64>) {
            Some(Ok(large)) => large.to_string(),
            _ => go_float(*number),
        },
        _ => return None,
    };
    if let Some(written) = loading.written(node).filter(|written| *written != shown) {
        let message = format!(
            "Docker reads `{}` as the number {shown}",
            written.escape_debug()
        );
        loading.out.push(
            Diagnostic::warning("number-normalised", node.span, message)
                .hint("Put the value in quotes to keep it as written.")
                .discreet("Docker reads this as a number and writes it differently"),
        );
    }
    Some(node.field(shown))
}

/// A number as Go's `fmt.Sprint` writes it (measured on client 28.2).
fn go_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return number.to_string();
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_numbers_as_go_does() {
        for (number, text) in [
            (1.10, "1.1"),
            (1e3, "1000"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1e5, "100000"),
            (1e6, "1e+06"),
            (12_345_678.5, "1.23456785e+07"),
            (1e21, "1e+21"),
            (-1.5e-7, "-1.5e-07"),
            (0.0, "0"),
        ] {
            assert_eq!(go_float(number), text);
        }
    }
}
