//! Checking values: what cannot be meant is refused, naming what is allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dockerops_core::duration::parse_go_duration;
use dockerops_core::secret::Secret;

use super::{PullPolicy, SettingsError};

const AN_HOUR: Duration = Duration::from_secs(3600);

/// Variables under checked access: an empty one counts as not set.
pub(super) struct Values<'a> {
    pub(super) all: &'a BTreeMap<String, OsString>,
    pub(super) home: &'a Path,
}

impl<'a> Values<'a> {
    fn raw(&self, name: &str) -> Option<&'a OsStr> {
        self.all
            .get(name)
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'a str>, SettingsError> {
        let Some(value) = self.raw(name) else {
            return Ok(None);
        };
        let text = value
            .to_str()
            .ok_or_else(|| invalid(name, &value.to_string_lossy(), "it must be UTF-8"))?;
        Ok(Some(text.trim()))
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.raw(name).map(|value| expand(value, self.home))
    }

    pub(super) fn list(&self, name: &'static str) -> Result<Vec<String>, SettingsError> {
        let text = self.text(name)?.unwrap_or_default();
        let items = text.split([',', ' ', '\n']).map(str::trim);
        Ok(items
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect())
    }

    pub(super) fn hosts(&self, name: &'static str) -> Result<Vec<String>, SettingsError> {
        let hosts = self.list(name)?;
        match hosts.iter().find(|host| !is_host(host)) {
            Some(bad) => Err(invalid(
                name,
                bad,
                "`host` or `host:port` is expected, separated by commas",
            )),
            None => Ok(hosts.iter().map(|host| host.to_ascii_lowercase()).collect()),
        }
    }

    pub(super) fn duration(&self, name: &'static str) -> Result<Option<Duration>, SettingsError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let nanos = parse_go_duration(text)
            .ok()
            .and_then(|nanos| u64::try_from(nanos).ok());
        let duration = nanos
            .map(Duration::from_nanos)
            .filter(|length| *length <= AN_HOUR);
        let bad = || {
            invalid(
                name,
                text,
                "a duration such as `5s` is expected, of an hour at most",
            )
        };
        duration.map(Some).ok_or_else(bad)
    }

    pub(super) fn number(&self, name: &'static str) -> Result<Option<u32>, SettingsError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| *number > 0);
        let bad = || invalid(name, text, "a number of 1 or more is expected");
        number.map(Some).ok_or_else(bad)
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<bool, SettingsError> {
        match self.text(name)? {
            None | Some("0" | "false" | "no") => Ok(false),
            Some("1" | "true" | "yes") => Ok(true),
            Some(other) => Err(invalid(name, other, "`1` or `0` is expected")),
        }
    }
}

fn invalid(name: &'static str, value: &str, expected: &'static str) -> SettingsError {
    SettingsError::Invalid {
        name,
        value: value.to_owned(),
        expected,
    }
}

pub(super) fn pull_policy(value: Option<&str>) -> Result<PullPolicy, SettingsError> {
    match value {
        None | Some("ifnotpresent") => Ok(PullPolicy::IfNotPresent),
        Some("always") => Ok(PullPolicy::Always),
        Some(other) => Err(invalid(
            "DOCKEROPS_IMAGE_PULL_POLICY",
            other,
            "`always` or `ifnotpresent` is expected",
        )),
    }
}

pub(super) fn compose_env(names: &[String]) -> Result<BTreeSet<String>, SettingsError> {
    const NAME: &str = "DOCKEROPS_COMPOSE_ENV";
    for name in names {
        let first = name
            .chars()
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !first || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(invalid(
                NAME,
                name,
                "names of variables are expected, separated by commas",
            ));
        }
        if name.starts_with("GITHUB_TOKEN") {
            return Err(invalid(NAME, name, "the token is for GitHub alone"));
        }
    }
    Ok(names.iter().cloned().collect())
}

fn is_host(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    let port = text
        .rsplit_once(':')
        .filter(|_| !text.ends_with(']'))
        .map(|(_, port)| port);
    !text.starts_with(['-', '.', ':'])
        && text.chars().all(allowed)
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Takes the token out, so that nothing else that reads variables can meet it.
pub(super) fn take_token(
    all: &mut BTreeMap<String, OsString>,
) -> Result<Option<Secret>, SettingsError> {
    match all.remove("GITHUB_TOKEN") {
        None => Ok(None),
        Some(value) if value.is_empty() => Ok(None),
        Some(value) => checked_token("GITHUB_TOKEN", value.as_encoded_bytes()).map(Some),
    }
}

pub(super) fn checked_token(name: &'static str, value: &[u8]) -> Result<Secret, SettingsError> {
    let value = value.trim_ascii();
    if value.is_empty() {
        return Err(SettingsError::InvalidSecret {
            name,
            problem: "holds no token",
        });
    }
    if !value.iter().all(u8::is_ascii_graphic) {
        return Err(SettingsError::InvalidSecret {
            name,
            problem: "holds more than one line, a space, or characters that no token has",
        });
    }
    Ok(Secret::new(value))
}

/// `~` and `~/…` are the home folder.
pub(super) fn expand(value: &OsStr, home: &Path) -> PathBuf {
    match Path::new(value).strip_prefix("~") {
        Ok(rest) if rest.as_os_str().is_empty() => home.to_owned(),
        Ok(rest) => home.join(rest),
        Err(_) => PathBuf::from(value),
    }
}
