//! Secrets that everybody who reads the files can read.
//!
//! Only what the file itself says counts: a value that a variable brought is
//! nobody's mistake here. What is found is told by its key, never by its value.

use super::written::{Written, key, written};
use super::{Hidden, Input, Stack};
use crate::compose::model::{FileObject, Labels, Service};
use crate::diagnostic::{Diagnostic, Diagnostics, Quote};
use crate::field::Text;
use crate::secret_words::{
    has_private_key, has_url_password, is_secret_name, is_secret_value, literal,
};
use crate::source::Sources;

/// `secret-in-clear`, in all texts that a program or a person may find a password in.
pub(super) fn values(input: &Input<'_>, stack: &Stack<'_>, hidden: &mut Hidden) -> Diagnostics {
    let mut search = Search {
        sources: input.sources,
        hidden,
        out: Diagnostics::default(),
    };
    for service in stack.compose.services.values() {
        search.service(service);
    }
    let entries = input.manifest.iter().flat_map(|manifest| &manifest.stacks);
    for entry in entries.filter(|entry| entry.name.value == *stack.name) {
        for (name, value) in &entry.env {
            search.named(&name.value, value);
        }
    }
    for volume in stack.compose.volumes.values() {
        search.driver_options(volume.driver_opts.as_ref());
    }
    for config in stack.compose.configs.values() {
        search.content(config);
    }
    search.out
}

/// `secret-file-in-repository`: files given by hand may be anywhere.
pub(super) fn files(input: &Input<'_>, stack: &Stack<'_>, out: &mut Diagnostics) {
    if input.manifest.is_none() {
        return;
    }
    for (key, secret) in &stack.compose.secrets {
        if let (Some(file), Some(_)) = (&secret.file, &secret.content) {
            let message = format!(
                "the secret `{}` is a file of the repository",
                key.escape_debug()
            );
            out.push(
                Diagnostic::warning("secret-file-in-repository", file.span, message)
                    .hint("Create it by hand and write `external: true`, or use `secrets.yaml`."),
            );
        }
    }
}

struct Search<'a> {
    sources: &'a Sources,
    hidden: &'a mut Hidden,
    out: Diagnostics,
}

impl Search<'_> {
    fn service(&mut self, service: &Service) {
        for (name, value) in &service.environment {
            if let Some(value) = value.as_ref().filter(|value| !names_secret(service, value)) {
                self.named(name, value);
            }
        }
        for words in service.command.iter().chain(&service.entrypoint) {
            self.arguments(words);
        }
        for labels in [&service.labels, &service.deploy.labels] {
            self.texts(labels);
        }
        let check = service.healthcheck.iter().flat_map(|check| &check.test);
        check.for_each(|word| self.text("healthcheck.test", word));
        let logging = service.logging.iter().flat_map(|logging| &logging.options);
        logging.for_each(|(name, value)| self.named(name, value));
    }

    /// `o: username=…,password=…` of a volume on a file server.
    fn driver_options(&mut self, options: Option<&Labels>) {
        for value in options.iter().flat_map(|options| options.values()) {
            let mut parts = value
                .value
                .split(',')
                .filter_map(|part| part.split_once('='));
            if parts.any(|(name, value)| is_secret_name(name) && is_secret_value(name, value)) {
                self.tell("driver_opts", "a password", value);
            }
        }
    }

    /// A config is shown to everybody who may look at the Swarm.
    fn content(&mut self, config: &FileObject) {
        let (Some(content), Some(file)) = (&config.content, &config.file) else {
            return;
        };
        if content.expose_text().is_some_and(has_private_key) {
            let message = "the file of this config holds a private key";
            self.out.push(
                Diagnostic::warning("secret-in-clear", file.span, message)
                    .hint("Make it a Docker secret, and keep its file out of the repository."),
            );
        }
    }

    fn texts(&mut self, labels: &Labels) {
        for (name, value) in labels {
            self.text(name, value);
        }
    }

    /// `--password=…`, and `--password …` in two words.
    fn arguments(&mut self, words: &[Text]) {
        for (index, word) in words.iter().enumerate() {
            let Some(flag) = word.value.strip_prefix("--") else {
                self.text("command", word);
                continue;
            };
            match (flag.split_once('='), words.get(index + 1)) {
                (Some((name, value)), _)
                    if is_secret_name(name) && is_secret_value(name, value) =>
                {
                    self.tell(name, "a value", word);
                }
                (None, Some(next)) if is_secret_name(flag) && !next.value.starts_with('-') => {
                    self.named(flag, next);
                }
                _ => self.text("command", word),
            }
        }
    }

    fn named(&mut self, name: &str, value: &Text) {
        if is_secret_name(name) && is_secret_value(name, &value.value) {
            self.tell(name, "a value", value);
        } else {
            self.text(name, value);
        }
    }

    fn text(&mut self, name: &str, value: &Text) {
        if has_private_key(&value.value) {
            return self.tell(name, "a private key", value);
        }
        if !has_url_password(&value.value) {
            return;
        }
        let written = written(self.sources, value);
        if let Some(written) = written.filter(|it| has_url_password(&literal(it.text))) {
            self.hide(name, "a URL with a password", value, &written);
        }
    }

    /// Tells it, when the file itself says the value.
    fn tell(&mut self, name: &str, what: &str, value: &Text) {
        if let Some(written) = written(self.sources, value).filter(|it| it.says(&value.value)) {
            self.hide(name, what, value, &written);
        }
    }

    fn hide(&mut self, name: &str, what: &str, value: &Text, written: &Written<'_>) {
        let message = format!("{what} stands in clear in `{}`", name.escape_debug());
        let key = key(self.sources, name, written.span);
        let mut found = Diagnostic::warning("secret-in-clear", key, message)
            .hint("Bring it in by `secrets.yaml`, and change it: others have seen it.");
        found.quote = Quote::Mark;
        self.out.push(found);
        self.hidden.add(written.span, &value.value);
    }
}

/// `DB_SECRET: db` and `DB_PASS: docker-secret->db` name a secret that the service mounts.
fn names_secret(service: &Service, value: &Text) -> bool {
    let names = service.secrets.iter().flat_map(|mount| {
        let target = mount.target.iter().chain([&mount.source]);
        target.map(|name| name.value.as_str())
    });
    let mut before = names.filter_map(|name| value.value.strip_suffix(name));
    before.any(|before| before.is_empty() || before.ends_with(['>', '/', ':']))
}
