//! What the database knows: repositories, stacks and images, as `reconcile` shows them first.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::store::{Image, Repository, Stack, Store, StoreError};

/// The three documented tables.
pub(super) struct State {
    repositories: Vec<Repository>,
    stacks: Vec<Stack>,
    images: Vec<Image>,
}

impl State {
    /// Reads the three tables.
    pub(super) fn read(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            repositories: store.repositories()?,
            stacks: store.stacks()?,
            images: store.images()?,
        })
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("repositories\n");
        for row in &self.repositories {
            let _ = writeln!(text, "  {}  last watch {}", row.url, row.last_watch);
        }
        text.push_str("stacks\n");
        for row in &self.stacks {
            let _ = writeln!(
                text,
                "  {}  {}  {}",
                row.name,
                row.status.as_str(),
                row.repository_url
            );
        }
        text.push_str("images\n");
        for row in &self.images {
            let services = match row.reference_count {
                1 => "1 service".to_owned(),
                number => format!("{number} services"),
            };
            let _ = writeln!(text, "  {}  used by {services}", row.name);
        }
        text
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        let repositories: Vec<_> = self
            .repositories
            .iter()
            .map(|row| json!({"url": row.url, "last_watch": row.last_watch}))
            .collect();
        let stack = |row: &Stack| {
            json!({
                "name": row.name, "repository_url": row.repository_url, "compose_path": row.compose_path,
                "hash": row.hash, "status": row.status.as_str(),
            })
        };
        let stacks: Vec<_> = self.stacks.iter().map(stack).collect();
        let images: Vec<_> = self
            .images
            .iter()
            .map(|row| json!({"name": row.name, "reference_count": row.reference_count}))
            .collect();
        json!({"repositories": repositories, "stacks": stacks, "images": images})
    }
}

#[cfg(test)]
mod tests {
    use super::State;
    use crate::store::Image;

    #[test]
    fn one_service_is_not_told_as_several() {
        let image = |name: &str, reference_count| Image {
            name: name.to_owned(),
            reference_count,
        };
        let state = State {
            repositories: Vec::new(),
            stacks: Vec::new(),
            images: vec![image("a:1", 1), image("b:1", 2)],
        };
        let told = "images\n  a:1  used by 1 service\n  b:1  used by 2 services\n";
        assert!(state.text().ends_with(told), "{}", state.text());
    }
}
