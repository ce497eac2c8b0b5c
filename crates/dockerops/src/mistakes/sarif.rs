//! Mistakes for code scanning: SARIF 2.1.0.
//!
//! Every result has a place, as GitHub wants it: a mistake without one is at
//! the file that stands for the whole.

use std::path::{Component, Path, PathBuf};

use dockerops_core::codes::{self, Code};
use dockerops_core::diagnostic::{Diagnostic, Diagnostics};
use dockerops_core::source::{Sources, Span};
use serde_json::{Value, json};

use super::word;

/// Where the files are that the sources name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The folder that names start from, relative to where the scan runs.
    pub folder: PathBuf,
    /// The file that stands for the whole.
    pub whole: PathBuf,
}

/// The log of one run.
pub fn log(diagnostics: &Diagnostics, sources: &Sources, base: &Base) -> Value {
    let is_used = |code: &&Code| diagnostics.0.iter().any(|d| d.code == code.name);
    let rules: Vec<&Code> = codes::all().filter(is_used).collect();
    let results = diagnostics.0.iter();
    let results: Vec<Value> = results.map(|d| result(d, &rules, sources, base)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "dockerops",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &Code) -> Value {
    json!({
        "id": code.to_string(),
        "name": pascal_case(code.name),
        "shortDescription": {"text": code.meaning},
        "fullDescription": {"text": code.cause},
        "help": {"text": code.way_out},
        "helpUri": code.url(),
    })
}

fn result(diagnostic: &Diagnostic, rules: &[&Code], sources: &Sources, base: &Base) -> Value {
    let text = match &diagnostic.hint {
        Some(hint) => format!("{}. {hint}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let mut result = json!({
        "level": word(diagnostic.severity),
        "message": {"text": text},
        "locations": [{"physicalLocation": place(diagnostic.span, sources, base)}],
    });
    let index = rules.iter().position(|code| code.name == diagnostic.code);
    if let (Some(index), Some(code)) = (index, diagnostic.explained()) {
        result["ruleId"] = code.to_string().into();
        result["ruleIndex"] = index.into();
    }
    result
}

fn place(span: Option<Span>, sources: &Sources, base: &Base) -> Value {
    let source = span.and_then(|span| Some((span, sources.get(span.file)?)));
    let Some((span, source)) = source else {
        return json!({"artifactLocation": {"uri": uri(&base.folder.join(&base.whole))}});
    };
    let mut region = json!({"startLine": span.line, "startColumn": span.column});
    if span.length > 0 {
        region["endColumn"] = (span.column + span.length).into();
    }
    json!({
        "artifactLocation": {"uri": uri(&base.folder.join(&source.name))},
        "region": region,
    })
}

/// A path as part of a URI; an absolute one with its scheme.
fn uri(path: &Path) -> String {
    let parts: Vec<String> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(escaped(&name.to_string_lossy())),
            Component::ParentDir => Some("..".to_owned()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect();
    let scheme = if path.is_absolute() { "file:///" } else { "" };
    format!("{scheme}{}", parts.join("/"))
}

/// Percent signs for all that is not unreserved in a URI.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// `UnknownKey` for `unknown-key`.
fn pascal_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_uppercase() + rest
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_names_its_rule_its_place_and_the_way_out() {
        let mut sources = Sources::default();
        let file = sources.add("web 1/compose.yml", "services:\n  é: {imag: x}\n");
        let span = Span {
            file,
            line: 2,
            column: 7,
            length: 4,
        };
        let error = Diagnostic::error("unknown-key", span, "unknown key").hint("Did you mean it?");
        let whole = Diagnostic::warning("no-stacks", None, "no stack");
        let base = Base {
            folder: "infra/".into(),
            whole: "stacks.yaml".into(),
        };
        let log = log(&Diagnostics(vec![error, whole]), &sources, &base);
        insta::assert_json_snapshot!(log["runs"][0]["results"], @r#"
        [
          {
            "level": "error",
            "locations": [
              {
                "physicalLocation": {
                  "artifactLocation": {
                    "uri": "infra/web%201/compose.yml"
                  },
                  "region": {
                    "endColumn": 11,
                    "startColumn": 7,
                    "startLine": 2
                  }
                }
              }
            ],
            "message": {
              "text": "unknown key. Did you mean it?"
            },
            "ruleId": "DO026",
            "ruleIndex": 1
          },
          {
            "level": "warning",
            "locations": [
              {
                "physicalLocation": {
                  "artifactLocation": {
                    "uri": "infra/stacks.yaml"
                  }
                }
              }
            ],
            "message": {
              "text": "no stack"
            },
            "ruleId": "DO002",
            "ruleIndex": 0
          }
        ]
        "#);
        let rules = &log["runs"][0]["tool"]["driver"]["rules"];
        assert_eq!(rules[1]["name"], "UnknownKey");
    }

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(uri(Path::new("./a b/../ü.yml")), "a%20b/../%C3%BC.yml");
        assert_eq!(uri(Path::new("/tmp/x")), "file:///tmp/x");
    }
}
