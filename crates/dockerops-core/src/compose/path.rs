//! The way to a value: `services.web.ports[0]`, as messages name it.

use std::fmt;

/// A path, as a chain of steps that live on the stack of the caller.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

impl<'a> Path<'a> {
    /// The path of a top-level key.
    pub(super) fn top(key: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Key(key),
        }
    }

    /// The value behind `key` of `parent`, or at the top.
    pub(super) fn below(parent: Option<&'a Path<'a>>, key: &'a str) -> Self {
        Self {
            parent,
            step: Step::Key(key),
        }
    }

    /// The value behind `key` of this one.
    pub(super) fn key(&'a self, key: &'a str) -> Path<'a> {
        Self {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    /// An item of this list.
    pub(super) fn item(&'a self, index: usize) -> Path<'a> {
        Self {
            parent: Some(self),
            step: Step::Item(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Key(key) if self.parent.is_none() => write!(f, "{}", key.escape_debug()),
            Step::Key(key) => write!(f, ".{}", key.escape_debug()),
            Step::Item(index) => write!(f, "[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_the_file() {
        let services = Path::top("services");
        let web = services.key("web");
        assert_eq!(
            web.key("ports").item(0).to_string(),
            "services.web.ports[0]"
        );
    }
}
