//! The stacks that are on the Swarm, whoever deployed them.

use std::collections::BTreeSet;

use dockerops_core::decode::did_you_mean;
use dockerops_core::names::{StackName, label};
use dockerops_core::observed::Service;
use dockerops_core::report::Problem;
use dockerops_core::status::services_of;

use super::session::Session;
use super::subject::unknown_stack;

/// The services of `stack`; that there is none is an error.
pub(super) async fn services(
    session: &Session,
    stack: &StackName,
) -> Result<Vec<Service>, Problem> {
    let all = session.world.engine.services().await?;
    let ours: Vec<_> = services_of(stack, &all).cloned().collect();
    if ours.is_empty() {
        return Err(unknown_stack(stack.as_str(), &stacks(&all)));
    }
    Ok(ours)
}

fn stacks(services: &[Service]) -> Vec<&str> {
    let names = services.iter();
    let names = names.filter_map(|service| service.label(label::NAMESPACE));
    let names: BTreeSet<_> = names.collect();
    names.into_iter().collect()
}

/// Of `services` of `stack` the one that is called `name`, with the stack's name or without.
pub(super) fn service<'a>(
    stack: &StackName,
    services: &'a [Service],
    name: &str,
) -> Result<&'a Service, Problem> {
    let whole = format!("{stack}_{name}");
    let mut found = services.iter();
    let found = found.find(|service| service.name == whole || service.name == name);
    found.ok_or_else(|| {
        let prefix = format!("{stack}_");
        let short =
            |service: &'a Service| service.name.strip_prefix(&prefix).unwrap_or(&service.name);
        let known: Vec<_> = services.iter().map(short).collect();
        let hint = did_you_mean(name, known.iter().copied(), || {
            format!("Its services are {}.", known.join(", "))
        });
        Problem::new(
            format!("stack `{stack}` has no service `{name}`"),
            Some(hint),
        )
    })
}
