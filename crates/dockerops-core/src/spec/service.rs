//! Services: the whole body, put together.
//!
//! Rules: `Service` of docker/cli `compose/convert/service.go`.

use std::collections::BTreeMap;

use super::ServiceSpec;
use super::container::container;
use super::deploy;
use super::mounts::{Mounts, mounts};
use super::networks::attachments;
use super::object::Object;
use super::ports::endpoint;
use super::stack::Stack;
use crate::body::Body;
use crate::compose::model::{Condition, Dependency, Logging, Service};
use crate::diagnostic::Diagnostics;
use crate::field::Text;
use crate::names::label;

/// All services; sorted by name. Those without an image, already reported, are left out.
pub(super) fn services(stack: &Stack<'_>, out: &mut Diagnostics) -> Vec<ServiceSpec> {
    let services = stack.compose.services.values();
    services
        .filter_map(|service| {
            let image = service.image.as_ref()?;
            Some(convert(stack, service, image, out))
        })
        .collect()
}

fn convert(
    stack: &Stack<'_>,
    service: &Service,
    image: &Text,
    out: &mut Diagnostics,
) -> ServiceSpec {
    let name = stack.scoped(&service.name);
    let mounts = mounts(stack, service, out);
    let body = body(stack, service, image, &name, &mounts, out);
    let secret = |value: &Option<Text>| value.as_ref().is_some_and(|v| v.secrets.is_secret());
    let secret_env = service.environment.iter().filter(|(_, v)| secret(v));
    ServiceSpec {
        name,
        key: service.name.clone(),
        span: service.span,
        image: image.clone(),
        body,
        bindings: mounts.bindings,
        secret_env: secret_env.map(|(name, _)| name.clone()).collect(),
        is_job: deploy::is_job(service),
        depends_on: depends_on(stack, service),
    }
}

/// Of services that are there; of several conditions for one, the last.
fn depends_on(stack: &Stack<'_>, service: &Service) -> Vec<(String, Condition)> {
    let defined = |dependency: &&Dependency| {
        let key = &dependency.service.value;
        stack.compose.services.contains_key(key)
    };
    let waits = service.depends_on.iter().filter(defined);
    let waits: BTreeMap<_, _> = waits
        .map(|dependency| {
            (
                stack.scoped(&dependency.service.value),
                dependency.condition,
            )
        })
        .collect();
    waits.into_iter().collect()
}

fn body(
    stack: &Stack<'_>,
    service: &Service,
    image: &Text,
    name: &str,
    mounts: &Mounts,
    out: &mut Diagnostics,
) -> Body {
    let mut labels = stack.labels(&service.deploy.labels);
    labels.insert(label::IMAGE.to_owned(), Body::from(image.clone()));
    let task = Object::new()
        .always(
            "ContainerSpec",
            container(stack, service, image, mounts, out),
        )
        .always("Resources", deploy::resources(&service.deploy, out))
        .some("RestartPolicy", deploy::restart_policy(service, out))
        .always("Placement", deploy::placement(&service.deploy))
        .filled("Networks", attachments(stack, service, out))
        .some("LogDriver", service.logging.as_ref().map(log_driver))
        .always("ForceUpdate", 0i64);
    let config = &service.deploy;
    Object::new()
        .always("Name", name)
        .always("Labels", labels)
        .always("TaskTemplate", task)
        .always("Mode", deploy::mode(&service.deploy, out))
        .some(
            "UpdateConfig",
            deploy::update(config.update_config.as_ref()),
        )
        .some(
            "RollbackConfig",
            deploy::update(config.rollback_config.as_ref()),
        )
        .always("EndpointSpec", endpoint(service))
        .into()
}

fn log_driver(logging: &Logging) -> Object {
    Object::new()
        .filled("Name", logging.driver.clone())
        .filled("Options", logging.options.clone())
}
