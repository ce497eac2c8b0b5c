//! A [`StackSpec`] as the bodies that are sent, and for people to read.
//!
//! A secret is shown only to somebody who asks for it: content of secrets as
//! `[redacted]`, and what a secret flowed into as `[secret id]`.

mod lines;
mod service;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{FileSpec, NetworkSpec, ServiceSpec, StackSpec};
use crate::body::Body;
use lines::Lines;

/// Whether secrets are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// `[redacted]` and `[secret id]`.
    Hidden,
    /// As they are: only when the user asks for it.
    Shown,
}

impl Secrets {
    fn body(self, body: &Body) -> Value {
        match self {
            Self::Hidden => body.redacted(),
            Self::Shown => body.expose(),
        }
    }

    /// Of a variable that holds a secret the name stays: it is the file's own text.
    pub(super) fn service(self, service: &ServiceSpec) -> Value {
        let mut shown = self.body(&service.body);
        let hidden = match service.body.at(&["TaskTemplate", "ContainerSpec", "Env"]) {
            Some(Body::List(variables)) if self == Self::Hidden => variables,
            _ => return shown,
        };
        let env = shown.pointer_mut("/TaskTemplate/ContainerSpec/Env");
        for (variable, shown) in hidden
            .iter()
            .zip(env.and_then(Value::as_array_mut).into_iter().flatten())
        {
            if let (Some(text), secrets) = (variable.as_str(), variable.secrets())
                && let (true, Some((name, _))) = (secrets.is_secret(), text.split_once('='))
            {
                *shown = format!("{name}={}", secrets.mask()).into();
            }
        }
        shown
    }

    fn data(self, file: &FileSpec) -> String {
        match self {
            Self::Hidden => "[redacted]".to_owned(),
            Self::Shown => BASE64_STANDARD.encode(file.data.expose()),
        }
    }
}

/// `{"networks": [], "configs": [], "secrets": [], "services": []}` with the bodies, each sorted by name.
pub fn json(spec: &StackSpec, secrets: Secrets) -> Value {
    let networks = spec.networks.iter().map(|network| &network.body);
    json!({
        "networks": networks.map(|body| secrets.body(body)).collect::<Vec<_>>(),
        "configs": files(&spec.configs, secrets, Secrets::Shown),
        "secrets": files(&spec.secrets, secrets, secrets),
        "services": spec.services.iter().map(|service| secrets.service(service)).collect::<Vec<_>>(),
    })
}

/// Bodies of configs or secrets with their `Data`, which is absent when a driver has it.
fn files(files: &[FileSpec], secrets: Secrets, content: Secrets) -> Vec<Value> {
    let with_data = |file: &FileSpec| {
        let mut body = secrets.body(&file.body);
        if let Value::Object(fields) = &mut body
            && !file.data.expose().is_empty()
        {
            fields.insert("Data".to_owned(), content.data(file).into());
        }
        body
    };
    files.iter().map(with_data).collect()
}

/// The stack in the words of compose files. Whatever has no word there appears under its name in the API.
pub fn text(spec: &StackSpec, secrets: Secrets) -> String {
    let mut lines = Lines::new();
    lines.title("stack", spec.name.as_str());
    let externals = [
        ("network", &spec.external_networks),
        ("config", &spec.external_configs),
        ("secret", &spec.external_secrets),
    ];
    for (kind, names) in externals {
        for external in names {
            lines.title(kind, &format!("{} (external)", external.name));
        }
    }
    for network in &spec.networks {
        network_text(network, secrets, &mut lines);
    }
    for file in &spec.configs {
        file_text("config", file, secrets, &mut lines);
    }
    for file in &spec.secrets {
        file_text("secret", file, secrets, &mut lines);
    }
    for service in &spec.services {
        service::text(service, secrets, &mut lines);
    }
    lines.finish()
}

fn network_text(network: &NetworkSpec, secrets: Secrets, lines: &mut Lines) {
    lines.title("network", &network.name);
    let mut body = secrets.body(&network.body);
    lines.take("driver", &mut body, &["Driver"]);
    lines.take_pairs("driver_opts", &mut body, &["Options"]);
    service::take_labels("labels", &mut body, &["Labels"], lines);
    lines.take("attachable", &mut body, &["Attachable"]);
    lines.take("internal", &mut body, &["Internal"]);
    lines.rest(body, &["Name"]);
}

fn file_text(kind: &str, file: &FileSpec, secrets: Secrets, lines: &mut Lines) {
    lines.title(kind, &file.name);
    let mut body = secrets.body(&file.body);
    let size = file.data.expose().len();
    match (kind, secrets) {
        (_, _) if size == 0 => {}
        ("secret", Secrets::Hidden) => lines.line("data", "[redacted]"),
        _ => match file.data.expose_text() {
            Some(text) => lines.list("data", text.lines().map(str::to_owned)),
            None => lines.line("data", &format!("{size} bytes")),
        },
    }
    service::take_labels("labels", &mut body, &["Labels"], lines);
    lines.take("template_driver", &mut body, &["Templating", "Name"]);
    lines.rest(body, &["Name"]);
}
