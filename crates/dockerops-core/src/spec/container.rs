//! `TaskTemplate.ContainerSpec`: what runs in each task.
//!
//! Rules: `Service` of docker/cli `compose/convert/service.go` and the tags of
//! Docker's `swarm.ContainerSpec`.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{self, Kind};
use super::mounts::Mounts;
use super::object::Object;
use super::stack::Stack;
use crate::body::Body;
use crate::compose::model::{CredentialSpec, Healthcheck, Pairs, Service, Ulimit};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::image::ImageRef;

/// Builds the container spec of `service`.
pub(super) fn container(
    stack: &Stack<'_>,
    service: &Service,
    image: &Text,
    mounts: &Mounts,
    out: &mut Diagnostics,
) -> Body {
    let (cap_add, cap_drop) = capabilities(&service.cap_add, &service.cap_drop);
    Object::new()
        .filled("Image", tagged(image))
        .filled("Labels", stack.labels(&service.labels))
        .filled("Command", service.entrypoint.clone())
        .filled("Args", service.command.clone())
        .filled("Hostname", service.hostname.clone())
        .filled("Env", environment(&service.environment))
        .filled("Dir", service.working_dir.clone())
        .filled("User", service.user.clone())
        .always("Privileges", privileges(stack, service, out))
        .some("Init", service.init.clone())
        .filled("StopSignal", service.stop_signal.clone())
        .filled("TTY", service.tty.clone())
        .filled("OpenStdin", service.stdin_open.clone())
        .filled("ReadOnly", service.read_only.clone())
        .filled("Mounts", mounts.body.clone())
        .some("StopGracePeriod", service.stop_grace_period.clone())
        .some("Healthcheck", healthcheck(service, out))
        .filled("Hosts", hosts(&service.extra_hosts))
        .some("DNSConfig", dns(service))
        .filled(
            "Secrets",
            files::references(stack, Kind::Secret, service, out),
        )
        .filled(
            "Configs",
            files::references(stack, Kind::Config, service, out),
        )
        .filled("Isolation", service.isolation.clone())
        .filled("Sysctls", service.sysctls.clone())
        .filled("CapabilityAdd", cap_add)
        .filled("CapabilityDrop", cap_drop)
        .filled("Ulimits", ulimits(&service.ulimits))
        .filled("OomScoreAdj", service.oom_score_adj.clone())
        .into()
}

/// The image as the client sends it: short, and with `latest` when it has no tag.
fn tagged(image: &Text) -> Text {
    match ImageRef::parse(&image.value) {
        Ok(reference) => image.with(reference.familiar()),
        Err(_) => image.clone(),
    }
}

/// `NAME=value`, or `NAME` alone for a variable that is set nowhere; sorted.
fn environment(pairs: &Pairs) -> Vec<Body> {
    let mut all: Vec<Body> = pairs
        .iter()
        .map(|(name, value)| match value {
            Some(value) => Body::from(value.with(format!("{name}={}", value.value))),
            None => Body::from(name.as_str()),
        })
        .collect();
    all.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    all
}

/// `host:ip` as `ip host`; entries without a colon are dropped, as Docker does.
fn hosts(hosts: &[Text]) -> Vec<Body> {
    hosts
        .iter()
        .filter_map(|host| {
            let (name, address) = host.value.split_once(':')?;
            Some(Body::from(host.with(format!("{address} {name}"))))
        })
        .collect()
}

fn dns(service: &Service) -> Option<Object> {
    let any = service.dns.is_some() || service.dns_search.is_some();
    any.then(|| {
        Object::new()
            .filled("Nameservers", service.dns.clone())
            .filled("Search", service.dns_search.clone())
    })
}

fn healthcheck(service: &Service, out: &mut Diagnostics) -> Option<Object> {
    let check = service.healthcheck.as_ref()?;
    if let Some(disable) = check.disable.as_ref().filter(|disable| disable.value) {
        if !check.test.is_empty() {
            let message = "`test` does not go with `disable`";
            out.push(
                Diagnostic::error("healthcheck", disable.span, message).hint("Remove one of them."),
            );
        }
        return Some(Object::new().always("Test", vec!["NONE"]));
    }
    Some(checked(check))
}

fn checked(check: &Healthcheck) -> Object {
    Object::new()
        .filled("Test", check.test.clone())
        .filled("Interval", check.interval.clone())
        .filled("Timeout", check.timeout.clone())
        .filled("StartPeriod", check.start_period.clone())
        .filled("StartInterval", check.start_interval.clone())
        .filled("Retries", check.retries.clone())
}

/// Sent also when empty, as Docker's client does.
fn privileges(stack: &Stack<'_>, service: &Service, out: &mut Diagnostics) -> Object {
    let spec = service.credential_spec.as_ref();
    Object::new()
        .always(
            "CredentialSpec",
            spec.and_then(|spec| credential_spec(stack, spec, service, out)),
        )
        .always("SELinuxContext", Body::null())
        .always("NoNewPrivileges", false)
}

/// `Config` holds the config's name; the engine wants its id there.
fn credential_spec(
    stack: &Stack<'_>,
    spec: &CredentialSpec,
    service: &Service,
    out: &mut Diagnostics,
) -> Option<Body> {
    let written = |field: &Option<Text>| field.clone().filter(|text| !text.value.is_empty());
    let [config, file, registry] = [&spec.config, &spec.file, &spec.registry].map(written);
    match [&config, &file, &registry].into_iter().flatten().count() {
        0 => return None,
        1 => {}
        _ => out.push(
            Diagnostic::error(
                "credential-spec",
                config
                    .as_ref()
                    .or(file.as_ref())
                    .map_or(service.span, |f| f.span),
                "`credential_spec` has more than one source",
            )
            .hint("Keep one of `config`, `file` and `registry`."),
        ),
    }
    let config = config.map(|key| key.with(files::name_of(stack, Kind::Config, &key.value)));
    let text = |field: Option<Text>| field.map_or_else(|| Body::from(""), Body::from);
    Some(
        Object::new()
            .always("Config", text(config))
            .always("File", text(file))
            .always("Registry", text(registry))
            .into(),
    )
}

fn ulimits(limits: &BTreeMap<String, Ulimit>) -> Vec<Body> {
    limits
        .iter()
        .map(|(name, limit)| {
            Object::new()
                .always("Name", name.as_str())
                .always("Hard", limit.hard.clone())
                .always("Soft", limit.soft.clone())
                .into()
        })
        .collect()
}

/// Docker's `EffectiveCapAddCapDrop`: adding wins over dropping, `ALL` over all others.
fn capabilities(add: &[Text], drop: &[Text]) -> (Vec<String>, Vec<String>) {
    let (add, drop) = (normalised(add), normalised(drop));
    let kept = drop.into_iter().filter(|name| !add.contains(name));
    let drop = kept.filter(|name| name != "RESET").collect();
    let add = add.iter().filter(|name| *name != "RESET").cloned();
    (add.collect(), drop)
}

fn normalised(names: &[Text]) -> BTreeSet<String> {
    let all: BTreeSet<String> = names
        .iter()
        .map(|name| {
            let name = name.value.trim().to_uppercase();
            match name.as_str() {
                "ALL" | "RESET" => name,
                _ if name.starts_with("CAP_") => name,
                _ => format!("CAP_{name}"),
            }
        })
        .collect();
    if all.contains("ALL") {
        return BTreeSet::from(["ALL".to_owned()]);
    }
    all
}
