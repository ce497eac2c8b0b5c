//! A JSON body for the Engine API whose scalars remember the secrets in them.
//!
//! The converter builds bodies, the plan compares them, the engine sends them.
//! A body cannot be serialised by accident: [`Body::expose`] gives the real
//! values, for sending and comparing only; [`Body::redacted`] gives what people
//! may see. `Debug` is redacted.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Number, Value};

use crate::field::Field;
use crate::secret::Provenance;

/// A JSON value with provenance.
#[derive(Clone, PartialEq)]
pub enum Body {
    /// `null`, a boolean, a number or a string, with the secrets that flowed into it.
    Scalar(Value, Provenance),
    /// An array.
    List(Vec<Body>),
    /// An object. Keys are ordered, so that output and comparison are stable.
    Map(BTreeMap<String, Body>),
}

impl Body {
    /// JSON `null`.
    pub fn null() -> Self {
        Self::Scalar(Value::Null, Provenance::none())
    }

    /// An empty object.
    pub fn map() -> Self {
        Self::Map(BTreeMap::new())
    }

    /// An object from pairs.
    pub fn object<K: Into<String>, V: Into<Body>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(
            pairs
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        )
    }

    /// Sets `key` of an object; does nothing on anything else.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Body>) {
        if let Self::Map(map) = self {
            map.insert(key.into(), value.into());
        }
    }

    /// The value behind `key` of an object.
    pub fn get(&self, key: &str) -> Option<&Body> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The value behind `key` of an object, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Body> {
        match self {
            Self::Map(map) => map.get_mut(key),
            _ => None,
        }
    }

    /// Follows object keys: `body.at(&["TaskTemplate", "ContainerSpec"])`.
    pub fn at(&self, path: &[&str]) -> Option<&Body> {
        path.iter().try_fold(self, |body, key| body.get(key))
    }

    /// The text of a string scalar.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Scalar(Value::String(text), _) => Some(text),
            _ => None,
        }
    }

    /// The text that people may see: `[secret id]` where a secret flowed in.
    pub fn shown(&self) -> String {
        let secrets = self.secrets();
        if secrets.is_secret() {
            return secrets.mask();
        }
        match self.as_str() {
            Some(text) => text.to_owned(),
            None => self.redacted().to_string(),
        }
    }

    /// Every secret that flowed anywhere into this body.
    pub fn secrets(&self) -> Provenance {
        let mut all = Provenance::none();
        match self {
            Self::Scalar(_, secrets) => all.extend(secrets),
            Self::List(items) => items.iter().for_each(|item| all.extend(&item.secrets())),
            Self::Map(map) => map.values().for_each(|item| all.extend(&item.secrets())),
        }
        all
    }

    /// The real JSON: to send to the engine or to compare in memory. Never print it.
    pub fn expose(&self) -> Value {
        self.render(&|value, _| value.clone())
    }

    /// The JSON that people may see: `[secret id]` in place of tainted scalars.
    pub fn redacted(&self) -> Value {
        self.render(&|value, secrets| {
            if secrets.is_secret() {
                Value::String(secrets.mask())
            } else {
                value.clone()
            }
        })
    }

    fn render(&self, scalar: &impl Fn(&Value, &Provenance) -> Value) -> Value {
        match self {
            Self::Scalar(value, secrets) => scalar(value, secrets),
            Self::List(items) => items.iter().map(|item| item.render(scalar)).collect(),
            Self::Map(map) => Value::Object(
                map.iter()
                    .map(|(k, v)| (k.clone(), v.render(scalar)))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.redacted())
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(map) => Self::object(map),
            scalar => Self::Scalar(scalar, Provenance::none()),
        }
    }
}

impl From<Map<String, Value>> for Body {
    fn from(map: Map<String, Value>) -> Self {
        Self::object(map)
    }
}

impl<T: Into<Body>> From<Field<T>> for Body {
    fn from(field: Field<T>) -> Self {
        match field.value.into() {
            Self::Scalar(value, mut secrets) => {
                secrets.extend(&field.secrets);
                Self::Scalar(value, secrets)
            }
            other => other,
        }
    }
}

impl<T: Into<Body>> From<Vec<T>> for Body {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Body>> From<Option<T>> for Body {
    fn from(item: Option<T>) -> Self {
        item.map_or_else(Self::null, Into::into)
    }
}

impl<T: Into<Body>> From<BTreeMap<String, T>> for Body {
    fn from(map: BTreeMap<String, T>) -> Self {
        Self::object(map)
    }
}

macro_rules! scalar {
    ($($type:ty => $make:expr),+ $(,)?) => {$(
        impl From<$type> for Body {
            fn from(value: $type) -> Self {
                Self::Scalar($make(value), Provenance::none())
            }
        }
    )+};
}

scalar! {
    &str => |v: &str| Value::String(v.to_owned()),
    String => Value::String,
    bool => Value::Bool,
    i64 => |v: i64| Value::Number(v.into()),
    u64 => |v: u64| Value::Number(v.into()),
    f64 => |v| Number::from_f64(v).map_or(Value::Null, Value::Number),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_expose_shows_a_secret() {
        let tainted = Body::Scalar(Value::from("hunter2"), Provenance::secret("db"));
        let body = Body::object([("Env", Body::List(vec![tainted, Body::from("A=1")]))]);
        assert_eq!(body.expose()["Env"][0], "hunter2");
        assert_eq!(body.redacted()["Env"][0], "[secret db]");
        assert_eq!(format!("{body:?}"), r#"{"Env":["[secret db]","A=1"]}"#);
        assert_eq!(body.secrets(), Provenance::secret("db"));
    }
}
