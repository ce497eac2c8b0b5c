//! `environment` over `env_file`, with names taken from the variables.
//!
//! A name without a value, and also one with an empty value, takes the variable of
//! that name when there is one (`resolveEnvironment` in `cli/compose/loader`).

use super::env_file::env_file;
use super::load::Loading;
use super::model::Pairs;
use super::pairs::pairs;
use super::section::Section;
use crate::source::Span;

/// Reads the environment of the service.
pub(super) fn environment(service: &Section<'_, '_>, loading: &mut Loading<'_>) -> Pairs {
    let mut environment = Pairs::new();
    for path in service.texts("env_file") {
        if let Some(file) = loading.env_file(&path) {
            let read = env_file(
                file,
                loading.sources,
                loading.request.variables,
                loading.out,
            );
            let read = read.into_iter();
            environment.extend(read.map(|(name, value)| (name.value, Some(value))));
        }
    }
    fill(&mut environment, loading, Span::start_of(loading.file));
    let mut own = pairs(service, "environment", loading);
    let span = service
        .node("environment")
        .map_or(service.span(), |node| node.span);
    fill(&mut own, loading, span);
    environment.extend(own);
    environment
}

/// Variables take the place of what is missing or empty.
fn fill(environment: &mut Pairs, loading: &mut Loading<'_>, span: Span) {
    for (name, value) in environment.iter_mut() {
        if value.as_ref().is_none_or(|text| text.value.is_empty()) {
            let place = value.as_ref().map_or(span, |text| text.span);
            if let Some(variable) = loading.variable(name, place) {
                *value = Some(variable);
            }
        }
    }
}
