//! How a service ended that is not well → what is said about it.
//!
//! **Invariant**: what comes from the Swarm or from an application passes [`mask`], or one like it, before
//! it is shown or kept. A task's error may quote the command or the environment, and a log
//! anything that its application knows.

use dockerops_core::body::Body;
use dockerops_core::health::{Health, Outcome, Said};
use dockerops_core::report::Problem;
use dockerops_core::spec::{FileSpec, StackSpec};

use crate::engine;

/// Longer lines of a log are cut.
const LONGEST: usize = 200;

/// What takes out of a text what must not be shown.
pub(super) struct Masks<'a> {
    /// Of what the Swarm says.
    pub(super) swarm: &'a dyn Fn(&str) -> String,
    /// Of what an application says.
    pub(super) application: &'a dyn Fn(&str) -> String,
}

/// What is said about one service.
pub(super) struct Complaint {
    /// `service web_a failed …`
    message: String,
    /// What it said last.
    said: Vec<String>,
    hint: Option<String>,
    /// Whether it was only given up because another service failed.
    given_up: bool,
}

impl Complaint {
    /// Nothing for a service that is well.
    pub(super) fn of(service: &str, outcome: &Outcome, mask: &Masks<'_>) -> Option<Self> {
        let what = what(outcome)?;
        let reason = outcome.health().reason.as_ref();
        let message = match reason {
            Some(reason) => format!("service {service} {what}: {reason}"),
            None => format!("service {service} {what}"),
        };
        let waited = || "Give it longer with `--timeout`, and see `dockerops status`.".to_owned();
        let hint = match (reason, outcome) {
            (Some(reason), _) => reason.hint(),
            (None, Outcome::Left(_)) => None,
            (None, _) => Some(waited()),
        };
        let said = reason.and_then(|reason| reason.said.as_ref());
        Some(Self {
            message: (mask.swarm)(&message),
            said: said.map_or(Vec::new(), |said| quote(said, mask.application)),
            hint,
            given_up: matches!(outcome, Outcome::Left(_)),
        })
    }

    /// All of it in lines.
    fn text(self) -> String {
        let hint = self.hint.map(|hint| format!("  hint: {hint}"));
        let lines = std::iter::once(self.message).chain(self.said).chain(hint);
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// All complaints as one problem: what failed first, then what else there is to say.
pub(super) fn problem(mut complaints: Vec<Complaint>) -> Problem {
    complaints.sort_by_key(|complaint| complaint.given_up);
    let mut complaints = complaints.into_iter();
    let Some(first) = complaints.next() else {
        return Problem::new("the stack is not well", None);
    };
    let others = match complaints.len() {
        0 => String::new(),
        1 => "; 1 other service is not well".to_owned(),
        count => format!("; {count} other services are not well"),
    };
    let texts = complaints.map(Complaint::text);
    Problem {
        message: format!("{}{others}", first.message),
        hint: first.hint,
        details: first.said.into_iter().chain(texts).collect(),
    }
}

/// `text` without the values of the service's and the stack's secrets.
pub(super) fn mask(spec: &StackSpec, service: &str, text: &str) -> String {
    let body = body(spec, service);
    let text = body.map_or_else(|| text.to_owned(), |body| engine::mask(text, body));
    let hide =
        |text: String, secret: &FileSpec| engine::mask_content(&text, &secret.name, &secret.data);
    spec.secrets.iter().fold(text, hide)
}

/// The same of a line that an application wrote: of the values of its variables not a word is left.
pub(super) fn mask_line(spec: &StackSpec, service: &str, line: &str) -> String {
    let masked = mask(spec, service, line);
    match body(spec, service) {
        Some(body) => engine::mask_words(&masked, body),
        None => masked,
    }
}

fn body<'a>(spec: &'a StackSpec, service: &str) -> Option<&'a Body> {
    let mut services = spec.services.iter();
    let found = services.find(|wanted| wanted.name == service);
    found.map(|service| &service.body)
}

fn what(outcome: &Outcome) -> Option<String> {
    let Health { tally, doing, .. } = outcome.health();
    let count = format!("{} of {} tasks run", tally.running, tally.wanted);
    Some(match outcome {
        Outcome::Healthy(_) => return None,
        Outcome::Failed(_) => format!("failed ({count})"),
        Outcome::TimedOut(_) => format!("is still {doing} when the time is up ({count})"),
        Outcome::Left(_) => format!("was {doing} when the wait was given up ({count})"),
    })
}

/// ```text
///   its log ends:
///     no database at db:5432
/// ```
fn quote(said: &Said, mask: &dyn Fn(&str) -> String) -> Vec<String> {
    // Masked before it is cut: of half a value nothing would be found.
    let line = |line: &String| {
        let masked = mask(line);
        let cut: String = masked.chars().take(LONGEST).collect();
        format!("    {cut}")
    };
    let head = format!("  its {} ends:", said.by.as_str());
    std::iter::once(head)
        .chain(said.lines.iter().map(line))
        .collect()
}
