//! Configs and secrets: the objects, and how services refer to them.
//!
//! Rules: `Secrets`, `Configs`, `convertFileObject` and `convertServiceConfigObjs` of
//! docker/cli `compose/convert`; sizes are those of swarmkit `controlapi`.

use std::collections::BTreeMap;

use super::check::check_file_name;
use super::object::Object;
use super::stack::{Stack, did_you_mean, is_open};
use super::{External, FileSpec};
use crate::body::Body;
use crate::compose::model::{FileMount, FileObject, Service};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::secret::Secret;

/// What configs and secrets differ in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Config,
    Secret,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Secret => "secret",
        }
    }

    /// The engine takes less than this, in bytes.
    fn limit(self) -> usize {
        match self {
            Self::Config => 1000 * 1024,
            Self::Secret => 500 * 1024,
        }
    }

    fn objects<'a>(self, stack: &Stack<'a>) -> &'a BTreeMap<String, FileObject> {
        match self {
            Self::Config => &stack.compose.configs,
            Self::Secret => &stack.compose.secrets,
        }
    }

    fn mounts(self, service: &Service) -> &[FileMount] {
        match self {
            Self::Config => &service.configs,
            Self::Secret => &service.secrets,
        }
    }
}

/// The configs or secrets to create, also those that no service uses; sorted by name.
pub(super) fn objects(stack: &Stack<'_>, kind: Kind, out: &mut Diagnostics) -> Vec<FileSpec> {
    let mut all: BTreeMap<String, FileSpec> = BTreeMap::new();
    for (key, object) in kind.objects(stack) {
        if !is_open(object.name.as_ref(), out) || object.external {
            continue;
        }
        stack.check_labels(&object.labels, out);
        let Some(data) = data(kind, key, object, out) else {
            continue;
        };
        let spec = file_spec(stack, key, object, data);
        check_file_name(kind.word(), &spec.name, object.span, out);
        if let Some(other) = all.get(&spec.name).filter(|other| **other != spec) {
            out.push(same_name(kind, &spec, other));
        }
        all.insert(spec.name.clone(), spec);
    }
    all.into_values().collect()
}

/// The external configs or secrets that services use.
pub(super) fn external(stack: &Stack<'_>, kind: Kind) -> Vec<External> {
    let mut all = BTreeMap::new();
    let objects = kind.objects(stack);
    for service in stack.compose.services.values() {
        let mounted = kind.mounts(service).iter().map(|mount| &mount.source);
        let credential = service.credential_spec.iter().flat_map(|c| &c.config);
        for source in mounted.chain(credential.filter(|_| kind == Kind::Config)) {
            if objects.get(&source.value).is_some_and(|o| o.external) {
                let name = name_of(stack, kind, &source.value);
                let span = Some(source.span);
                all.entry(name.clone()).or_insert(External { name, span });
            }
        }
    }
    all.into_values().collect()
}

/// What a service mounts, as references without ids; sorted by name, then target, unmounted ones last.
pub(super) fn references(
    stack: &Stack<'_>,
    kind: Kind,
    service: &Service,
    out: &mut Diagnostics,
) -> Body {
    let mut targets: BTreeMap<&str, &FileMount> = BTreeMap::new();
    let mut all = Vec::new();
    for mount in kind.mounts(service) {
        if !is_defined(stack, kind, &mount.source, out) {
            continue;
        }
        let target = target(mount);
        if targets.insert(&target.value, mount).is_some() {
            out.push(same_target(kind, target));
            continue;
        }
        let name = name_of(stack, kind, &mount.source.value);
        let body = reference(kind, &name, mount);
        all.push((name, Some(target.value.clone()), body));
    }
    if kind == Kind::Config {
        all.extend(credential_config(stack, service, out));
    }
    all.sort_by(|a, b| (&a.0, a.1.is_none(), &a.1).cmp(&(&b.0, b.1.is_none(), &b.1)));
    Body::List(all.into_iter().map(|(_, _, body)| body).collect())
}

/// The Swarm name of the config or secret under `key`.
pub(super) fn name_of(stack: &Stack<'_>, kind: Kind, key: &str) -> String {
    match kind.objects(stack).get(key) {
        Some(object) => stack.object_name(key, object.name.as_ref(), object.external),
        None => stack.scoped(key),
    }
}

/// A config that `credential_spec` uses is referred to without being mounted.
fn credential_config(
    stack: &Stack<'_>,
    service: &Service,
    out: &mut Diagnostics,
) -> Option<(String, Option<String>, Body)> {
    let source = service.credential_spec.as_ref()?.config.as_ref()?;
    if source.value.is_empty() || !is_defined(stack, Kind::Config, source, out) {
        return None;
    }
    let name = name_of(stack, Kind::Config, &source.value);
    let body = Object::new()
        .always("Runtime", Object::new())
        .always("ConfigName", name.as_str());
    Some((name, None, body.into()))
}

fn target(mount: &FileMount) -> &Text {
    let written = mount.target.as_ref().filter(|t| !t.value.is_empty());
    written.unwrap_or(&mount.source)
}

fn reference(kind: Kind, name: &str, mount: &FileMount) -> Body {
    let owner = |id: &Option<Text>| match id {
        Some(id) if !id.value.is_empty() => Body::from(id.clone()),
        _ => Body::from("0"),
    };
    let mode = mount.mode.as_ref().map_or(0o444, |mode| mode.value);
    let file = Object::new()
        .always("Name", target(mount).clone())
        .always("UID", owner(&mount.uid))
        .always("GID", owner(&mount.gid))
        .always("Mode", i64::from(mode));
    let name_key = match kind {
        Kind::Config => "ConfigName",
        Kind::Secret => "SecretName",
    };
    Object::new()
        .always("File", file)
        .always(name_key, name)
        .into()
}

fn file_spec(stack: &Stack<'_>, key: &str, object: &FileObject, data: Secret) -> FileSpec {
    let name = stack.object_name(key, object.name.as_ref(), false);
    let driver = object.driver.as_ref().filter(|d| !d.value.is_empty());
    let driver = driver.map(|driver| {
        Object::new()
            .filled("Name", driver.clone())
            .filled("Options", object.driver_opts.clone())
    });
    let templating = object.template_driver.as_ref();
    let templating = templating.filter(|t| !t.value.is_empty());
    let body = Object::new()
        .always("Name", name.as_str())
        .always("Labels", stack.labels(&object.labels))
        .some("Driver", driver)
        .some(
            "Templating",
            templating.map(|t| Object::new().filled("Name", t.clone())),
        );
    FileSpec {
        name,
        explicit_name: object.name.is_some(),
        span: object.span,
        data,
        body: body.into(),
    }
}

/// The content, when the engine would take it.
fn data(kind: Kind, key: &str, object: &FileObject, out: &mut Diagnostics) -> Option<Secret> {
    if object.driver.as_ref().is_some_and(|d| !d.value.is_empty()) {
        return Some(Secret::new(Vec::new()));
    }
    let word = kind.word();
    let Some(content) = &object.content else {
        out.push(
            Diagnostic::error(
                "missing-content",
                object.span,
                format!("{word} `{key}` has neither `file` nor `external`"),
            )
            .hint("Name its `file`, or set `external: true` when it exists already."),
        );
        return None;
    };
    let size = content.expose().len();
    if size == 0 || size >= kind.limit() {
        let span = object.file.as_ref().map(|file| file.span).or(object.span);
        out.push(
            Diagnostic::error(
                "content-size",
                span,
                format!("the file of {word} `{key}` has {size} bytes, which Swarm refuses"),
            )
            .hint(format!(
                "Use a file of at least 1 and less than {} bytes.",
                kind.limit()
            )),
        );
        return None;
    }
    Some(content.clone())
}

fn is_defined(stack: &Stack<'_>, kind: Kind, source: &Text, out: &mut Diagnostics) -> bool {
    let objects = kind.objects(stack);
    if objects.contains_key(&source.value) {
        return true;
    }
    let word = kind.word();
    if source.secrets.is_secret() {
        out.push(
            Diagnostic::error(
                "secret-in-name",
                source.span,
                format!("a {word} is named by a variable that carries a secret"),
            )
            .hint("Write the name without that variable."),
        );
        return false;
    }
    let key = &source.value;
    let known = objects.keys().map(String::as_str);
    out.push(
        Diagnostic::error(
            match kind {
                Kind::Config => "undefined-config",
                Kind::Secret => "undefined-secret",
            },
            source.span,
            format!("{word} `{key}` is not defined"),
        )
        .hint(did_you_mean(key, known, || {
            format!("Define `{key}` under the top-level `{word}s:`.")
        })),
    );
    false
}

fn same_target(kind: Kind, target: &Text) -> Diagnostic {
    let word = kind.word();
    Diagnostic::error(
        "duplicate-target",
        target.span,
        format!("two {word}s of this service have the same target"),
    )
    .hint("Give each its own `target`.")
}

fn same_name(kind: Kind, spec: &FileSpec, other: &FileSpec) -> Diagnostic {
    let word = kind.word();
    let name = &spec.name;
    let message = format!("two different {word}s have the name `{name}`");
    let span = spec.span.or(other.span);
    Diagnostic::error("duplicate-name", span, message).hint("Give each its own `name`.")
}
