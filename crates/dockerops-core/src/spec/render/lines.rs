//! Indented lines of text, filled by taking fields out of a body.
//!
//! What was taken is written under its compose word; [`Lines::rest`] writes what
//! is left, so that nothing that decides can be forgotten.

use serde_json::Value;

/// The text so far.
pub(super) struct Lines(String);

impl Lines {
    pub(super) fn new() -> Self {
        Self(String::new())
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    /// `service stk_web`, the head of a block.
    pub(super) fn title(&mut self, kind: &str, name: &str) {
        self.push("", kind, name, " ");
    }

    /// `  key: value`
    pub(super) fn line(&mut self, key: &str, value: &str) {
        self.push("  ", key, value, ": ");
    }

    /// `  key:` and a line for each value; nothing when there is none.
    pub(super) fn list(&mut self, key: &str, values: impl IntoIterator<Item = String>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return;
        }
        self.push("  ", key, "", ":");
        for value in values {
            self.push("    ", "", &value, "");
        }
    }

    fn push(&mut self, indent: &str, key: &str, value: &str, between: &str) {
        let value: String = value.chars().flat_map(printable).collect();
        let line = format!("{indent}{key}{between}{value}");
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    /// Takes one scalar; a value that means "not set" is not written.
    pub(super) fn take(&mut self, key: &str, body: &mut Value, path: &[&str]) {
        self.take_as(key, body, path, plain);
    }

    /// Takes one value and writes it as `show` says.
    pub(super) fn take_as(
        &mut self,
        key: &str,
        body: &mut Value,
        path: &[&str],
        show: impl Fn(&Value) -> String,
    ) {
        if let Some(value) = take(body, path).filter(|value| !is_unset(value)) {
            self.line(key, &show(&value));
        }
    }

    /// Takes a list and writes a line for each element.
    pub(super) fn take_list(
        &mut self,
        key: &str,
        body: &mut Value,
        path: &[&str],
        show: impl Fn(&Value) -> String,
    ) {
        match take(body, path) {
            Some(Value::Array(items)) => self.list(key, items.iter().map(show)),
            Some(other) if !is_unset(&other) => self.line(key, &plain(&other)),
            _ => {}
        }
    }

    /// Takes an object and writes `key=value` for each pair.
    pub(super) fn take_pairs(&mut self, key: &str, body: &mut Value, path: &[&str]) {
        if let Some(Value::Object(pairs)) = take(body, path) {
            let pairs = pairs.iter().map(|(k, v)| format!("{k}={}", plain(v)));
            self.list(key, pairs);
        }
    }

    /// Writes everything that was not taken, but for the keys `known` of the outermost object.
    pub(super) fn rest(&mut self, mut body: Value, known: &[&str]) {
        for key in known {
            take(&mut body, &[key]);
        }
        self.leaves("", &body);
    }

    fn leaves(&mut self, path: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let dot = if path.is_empty() { "" } else { "." };
                    self.leaves(&format!("{path}{dot}{key}"), value);
                }
            }
            unset if is_unset(unset) => {}
            other => self.line(path, &plain(other)),
        }
    }
}

/// Removes and returns the value at `path`.
pub(super) fn take(body: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, folders) = path.split_last()?;
    let parent = folders
        .iter()
        .try_fold(body, |value, key| value.get_mut(*key))?;
    parent.as_object_mut()?.remove(*last)
}

/// A string as it is, everything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Control characters as escapes, so that no value can move the cursor or fake a line.
fn printable(c: char) -> Vec<char> {
    if c.is_control() {
        c.escape_debug().collect()
    } else {
        vec![c]
    }
}
