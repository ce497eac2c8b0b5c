//! The variables that a compose file may read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::secret::Provenance;
use crate::secret_words::is_secret_name;

/// What a compose file may read. `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<String, (String, Provenance)>,
    unread: BTreeSet<String>,
    not_allowed: BTreeSet<String>,
    pub(super) compat: Compat,
}

/// How the cases are read in which Docker's client loses what was meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compat {
    /// As the Compose specification has them, with a warning.
    #[default]
    Specification,
    /// Exactly as Docker's client does.
    Docker,
}

impl Variables {
    /// No variable at all.
    pub fn new(compat: Compat) -> Self {
        Self {
            compat,
            ..Self::default()
        }
    }

    /// Sets `name`; a later value replaces an earlier one.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>, secrets: Provenance) {
        let name = name.into();
        self.unread.remove(&name);
        self.values.insert(name, (value.into(), secrets));
    }

    /// Notes that `name` has a value that nobody read: what it is put into shows which
    /// `secrets` it stands for, and is not asked to be a number or a boolean.
    pub fn set_unread(&mut self, name: impl Into<String>, secrets: Provenance) {
        let name = name.into();
        self.set(name.clone(), secrets.mask(), secrets);
        self.unread.insert(name);
    }

    /// Whether what stands for the value of `name` says nothing about it.
    pub fn is_unread(&self, name: &str) -> bool {
        self.unread.contains(name)
    }

    /// Sets `name` as an environment has it: one whose name is that of a secret
    /// (`…PASSWORD`, `…TOKEN`) counts as one, and is masked wherever it flows.
    pub fn set_ambient(&mut self, name: &str, value: &str) {
        let secrets = if is_secret_name(name) {
            Provenance::secret(name)
        } else {
            Provenance::none()
        };
        self.set(name, value, secrets);
    }

    /// Notes that `name` is set in our environment but not allowed to be read.
    pub fn forbid(&mut self, name: impl Into<String>) {
        self.not_allowed.insert(name.into());
    }

    /// The value of `name` and the secrets in it: also for `environment:` entries without a value.
    pub fn get(&self, name: &str) -> Option<(&str, &Provenance)> {
        let (value, secrets) = self.values.get(name)?;
        Some((value, secrets))
    }

    /// Whether `name` would have a value if it were allowed.
    pub fn is_forbidden(&self, name: &str) -> bool {
        self.not_allowed.contains(name) && !self.values.contains_key(name)
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables")
            .field("names", &self.values.keys())
            .field("unread", &self.unread)
            .field("not_allowed", &self.not_allowed)
            .field("compat", &self.compat)
            .finish()
    }
}
