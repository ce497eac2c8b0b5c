//! JSON objects as Go's `encoding/json` writes them, with and without `omitempty`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::body::Body;

/// An object being built; the three ways to add a key mirror the tags of Docker's types.
#[derive(Default)]
pub(super) struct Object(BTreeMap<String, Body>);

impl Object {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A field without `omitempty`, and any struct: always written.
    pub(super) fn always(mut self, key: &str, value: impl Into<Body>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// A field with `omitempty`: left out when null, false, zero or empty.
    pub(super) fn filled(self, key: &str, value: impl Into<Body>) -> Self {
        let value = value.into();
        if is_empty(&value) {
            return self;
        }
        self.always(key, value)
    }

    /// A pointer with `omitempty`: left out when nil, written also when it points to zero.
    pub(super) fn some(self, key: &str, value: Option<impl Into<Body>>) -> Self {
        match value {
            Some(value) => self.always(key, value),
            None => self,
        }
    }
}

impl From<Object> for Body {
    fn from(object: Object) -> Self {
        Self::Map(object.0)
    }
}

fn is_empty(value: &Body) -> bool {
    match value {
        Body::Scalar(Value::Null | Value::Bool(false), _) => true,
        Body::Scalar(Value::Number(number), _) => number.as_f64() == Some(0.0),
        Body::Scalar(Value::String(text), _) => text.is_empty(),
        Body::Scalar(..) => false,
        Body::List(items) => items.is_empty(),
        Body::Map(map) => map.is_empty(),
    }
}

/// A number as Go writes a `float32`: shortest form, without fraction where there is none.
pub(super) fn float32(value: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "Docker's type is a float32"
    )]
    let short = (value as f32).to_string();
    serde_json::from_str(&short).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_like_those_of_go() {
        assert_eq!(float32(0.0).to_string(), "0");
        assert_eq!(float32(0.3).to_string(), "0.3");
        assert_eq!(float32(1.0).to_string(), "1");
        assert_eq!(float32(0.123_456_789).to_string(), "0.12345679");
    }

    #[test]
    fn omitempty_leaves_out_zero_but_not_a_pointer_to_zero() {
        let object = Object::new()
            .filled("Zero", 0i64)
            .filled("No", false)
            .filled("Text", "")
            .filled("List", Vec::<String>::new())
            .some("Pointer", Some(0i64))
            .some("Nil", None::<i64>)
            .always("Struct", Object::new());
        insta::assert_snapshot!(Body::from(object).expose(), @r#"{"Pointer":0,"Struct":{}}"#);
    }
}
