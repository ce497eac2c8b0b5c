//! One service: leave it, create it, update it, or replace it, and why.

use std::collections::BTreeSet;

use super::fields::{Difference, Memory, differences};
use super::files::Files;

use super::inputs::{Force, Inputs, Jobs, Retry};
use super::normalise::{Fields, NetworkNames, normalise, tainted};
use super::ownership::labels_of;
use super::pins::Chosen;
use super::reasons::is_label;
use super::table::is_kept;
use super::update::{self, Restart, Update};
use super::wanted::{Wanted, secret_names, wanted};
use super::{Action, Change, FieldChange, KeptWhy, Reason, Restarts};
use crate::body::Body;
use crate::manifest::SelfHeal;
use crate::names::label;
use crate::observed::Service;
use crate::spec::ServiceSpec;

/// What becomes of a service.
#[derive(Debug)]
pub(super) struct Decision {
    /// What to write: nothing, one change, or a removal and a creation.
    pub(super) changes: Vec<Change>,
    /// Why nothing is written.
    pub(super) kept: Option<KeptWhy>,
    /// Of what was changed by hand and is kept: the fields.
    pub(super) differing: Vec<FieldChange>,
    /// What a person should know.
    pub(super) warnings: Vec<String>,
    /// The hash of what is asked for.
    pub(super) hash: String,
}

/// A service that is asked for, and what decides about it.
pub(super) struct Subject<'a, 'b> {
    /// Everything.
    pub(super) inputs: &'b Inputs<'a>,
    /// The names behind ids.
    pub(super) networks: &'b NetworkNames,
    /// The stack's configs and secrets.
    pub(super) files: &'b Files,
    /// The service.
    pub(super) spec: &'a ServiceSpec,
    /// What runs under its name.
    pub(super) live: Option<&'a Service>,
    /// Its image.
    pub(super) chosen: Chosen,
}

impl Subject<'_, '_> {
    /// Decides.
    pub(super) fn decide(&self) -> Decision {
        let mut wanted = wanted(self.inputs, self.spec, self.live, &self.chosen, self.files);
        let mut warnings = self.leave_out(&mut wanted);
        if self.chosen.local {
            warnings.push(format!(
                "service `{}`: no registry has its image; this node's is used unpinned, and other nodes cannot get it",
                self.spec.name
            ));
        }
        let mut differing = Vec::new();
        let (changes, kept) = match self.live {
            _ if self.leaves_job() => (Vec::new(), Some(KeptWhy::JobDone)),
            None if self.stays_removed(&wanted) => (Vec::new(), Some(KeptWhy::Missing)),
            None => (vec![self.create(&wanted, Reason::Missing)], None),
            Some(live) => {
                let running = Running::new(self, live, &wanted, &mut warnings);
                let decided = running.decide();
                if decided.1 == Some(KeptWhy::Drifted) {
                    differing = running.shown();
                }
                decided
            }
        };
        Decision {
            changes,
            kept,
            differing,
            warnings,
            hash: wanted.hash,
        }
    }

    fn leaves_job(&self) -> bool {
        self.spec.is_job && self.inputs.policy.jobs == Jobs::Leave
    }

    /// Whether a hand removed it, which is only reported: what is asked for is what was sent last.
    fn stays_removed(&self, wanted: &Wanted) -> bool {
        let sent = self.inputs.attempted.get(&self.spec.name);
        self.only_reports() && sent == Some(&wanted.hash)
    }

    /// Whether what was changed by hand is only reported.
    fn only_reports(&self) -> bool {
        self.inputs.self_heal == SelfHeal::No && self.inputs.policy.force == Force::No
    }

    /// What an old engine does not keep can never be as asked: it is told, not compared.
    fn leave_out(&self, wanted: &mut Wanted) -> Vec<String> {
        let api = self.inputs.observed.api;
        let left_out = wanted.fields.keys().filter(|word| !is_kept(word, api));
        let name = &self.spec.name;
        let told = left_out.map(|word| {
            format!("service `{name}`: the engine is too old for `{word}` and leaves it out")
        });
        let told = told.collect();
        wanted.fields.retain(|word, _| is_kept(word, api));
        told
    }

    fn create(&self, wanted: &Wanted, reason: Reason) -> Change {
        let mut body = wanted.body.clone();
        if let Some(Body::List(platforms)) = &self.chosen.platforms
            && !platforms.is_empty()
        {
            update::place_platforms(&mut body, self.chosen.platforms.as_ref());
        }
        Change {
            action: Action::CreateService {
                name: self.spec.name.clone(),
                body,
            },
            reasons: vec![reason],
            fields: Vec::new(),
        }
    }
}

/// A service that runs already.
pub(super) struct Running<'a, 's> {
    pub(super) subject: &'s Subject<'a, 's>,
    pub(super) live: &'a Service,
    pub(super) wanted: &'s Wanted,
    body: Body,
    pub(super) fields: Fields,
    secrets: BTreeSet<String>,
    pub(super) differences: Vec<Difference>,
}

impl<'a, 's> Running<'a, 's> {
    fn new(
        subject: &'s Subject<'a, 's>,
        live: &'a Service,
        wanted: &'s Wanted,
        warnings: &mut Vec<String>,
    ) -> Self {
        let mut body = tainted(&live.spec, &wanted.body);
        subject
            .networks
            .resolve(&mut body, predefined(&wanted.body).as_deref());
        let fields = normalise(&body);
        let labels = labels_of(live);
        let secrets = secret_names(&labels);
        let memory = if labels.contains_key(label::REPOSITORY) {
            Memory::Names(&secrets)
        } else {
            Memory::Nothing
        };
        let differences = differences(&wanted.fields, &fields, memory)
            .into_iter()
            .filter(|d| !is_label(d, label::BINDINGS))
            .collect();
        for (word, _) in fields.iter().filter(|(_, entry)| !entry.known) {
            if !wanted.fields.contains_key(word) {
                warnings.push(format!(
                    "service `{}`: `{word}` was set by something else and is kept",
                    live.name
                ));
            }
        }
        Self {
            subject,
            live,
            wanted,
            body,
            fields,
            secrets,
            differences,
        }
    }

    fn decide(&self) -> (Vec<Change>, Option<KeptWhy>) {
        if self.is_only_drifted() {
            return (Vec::new(), Some(KeptWhy::Drifted));
        }
        let was_job = self.live_mode().ends_with("-job");
        if was_job != self.subject.spec.is_job || (!was_job && self.differs("deploy.mode")) {
            return (self.replace(), None);
        }
        if self.subject.spec.is_job && !self.job_runs_again() {
            return (Vec::new(), Some(KeptWhy::JobDone));
        }
        let reasons = self.reasons();
        if reasons.is_empty() {
            return (Vec::new(), Some(self.in_sync()));
        }
        if self.rolled_back() {
            return (Vec::new(), Some(KeptWhy::RolledBack));
        }
        (vec![self.update(reasons)], None)
    }

    /// Whether nothing but a hand is a reason to write it, and that is no reason. An update by
    /// hand that Swarm paused is a hand's, too.
    fn is_only_drifted(&self) -> bool {
        let done = self.subject.spec.is_job && !self.differs("deploy.mode");
        if !self.subject.only_reports() || (done && !self.job_runs_again()) {
            return false;
        }
        let reasons = self.reasons();
        let hands = |reason: &Reason| matches!(reason, Reason::Drifted | Reason::Paused);
        reasons.contains(&Reason::Drifted) && reasons.iter().all(hands)
    }

    /// Swarm cannot change a service's mode (engine: `service mode change is not allowed`).
    fn replace(&self) -> Vec<Change> {
        let removal = Change {
            action: Action::RemoveService {
                id: self.live.id.clone(),
                name: self.live.name.clone(),
            },
            reasons: vec![Reason::Replaced],
            fields: Vec::new(),
        };
        vec![removal, self.subject.create(self.wanted, Reason::Replaced)]
    }

    /// Any update of a job runs it again, even of a label; so only what decides a run counts.
    fn job_runs_again(&self) -> bool {
        let decisive = [
            "image",
            "entrypoint",
            "command",
            "environment",
            "volumes",
            "configs",
            "secrets",
        ];
        self.forced() || decisive.iter().any(|word| self.differs(word))
    }

    fn in_sync(&self) -> KeptWhy {
        let state = self.state();
        let moving = matches!(state, "updating" | "rollback_started");
        if moving || self.subject.inputs.dirty.contains(&self.live.id) {
            return KeptWhy::Updating;
        }
        KeptWhy::UpToDate
    }

    /// Swarm stopped half-way; sending the spec again makes it go on.
    pub(super) fn is_paused(&self) -> bool {
        matches!(self.state(), "paused" | "rollback_paused")
    }

    /// Swarm went back, and what is asked for is what it went back from: trying it
    /// again would only repeat that.
    fn rolled_back(&self) -> bool {
        let attempted = self.subject.inputs.attempted.get(&self.live.name);
        let settled = self.differences.is_empty() && self.wanted.bindings_changed.is_empty();
        let insists = self.forced() || self.subject.inputs.policy.retry == Retry::Yes;
        self.went_back() && attempted == Some(&self.wanted.hash) && !settled && !insists
    }

    pub(super) fn went_back(&self) -> bool {
        self.state().starts_with("rollback_")
    }

    fn update(&self, reasons: Vec<Reason>) -> Change {
        let bindings = reasons
            .iter()
            .any(|r| matches!(r, Reason::BindingChanged(_)));
        let differing = self.differences.iter().map(Difference::restarts);
        let restarts = differing.max().unwrap_or(Restarts::Nothing);
        // Soon after a pause Swarm takes the very same spec for the update that it has just
        // paused, and drops it (seen on 20.10): only another one makes it go on.
        let resumes = restarts == Restarts::Nothing && self.is_paused();
        let restart = if self.forced() || resumes || (bindings && restarts != Restarts::All) {
            Restart::All
        } else {
            Restart::AsNeeded
        };
        let all = restart == Restart::All || self.is_paused();
        let update = Update {
            wanted: &self.wanted.body,
            live: &self.body,
            live_fields: &self.fields,
            platforms: self.subject.chosen.platforms.as_ref(),
            differences: &self.differences,
            live_secrets: &self.secrets,
        };
        Change {
            action: Action::UpdateService {
                id: self.live.id.clone(),
                version: self.live.version,
                name: self.live.name.clone(),
                body: update::body(&update, restart),
                restarts: if all { Restarts::All } else { restarts },
            },
            reasons,
            fields: self.shown(),
        }
    }

    /// The fields to show: labels that only follow from others are left out beside them.
    fn shown(&self) -> Vec<FieldChange> {
        let follows = |d: &Difference| {
            is_label(d, label::PIN)
                || is_label(d, label::SECRET_ENV)
                || (is_label(d, label::IMAGE) && self.differs("image"))
        };
        let telling: Vec<_> = self.differences.iter().filter(|d| !follows(d)).collect();
        let shown = if telling.is_empty() {
            self.differences.iter().collect()
        } else {
            telling
        };
        shown.into_iter().map(|d| d.change.clone()).collect()
    }

    pub(super) fn differs(&self, word: &str) -> bool {
        self.differences.iter().any(|d| d.is(word))
    }

    fn live_mode(&self) -> &str {
        let mode = self.fields.get("deploy.mode");
        mode.and_then(|entry| entry.value.as_str())
            .unwrap_or_default()
    }

    fn state(&self) -> &str {
        self.live
            .update
            .as_ref()
            .map_or("", |update| update.state.as_str())
    }

    fn force(&self) -> Force {
        self.subject.inputs.policy.force
    }

    /// Whether a person wants it to be tried again, and it failed.
    pub(super) fn retried(&self) -> bool {
        self.subject.spec.is_job && self.subject.inputs.tried_again.contains(&self.live.id)
    }

    /// Whether it restarts although nothing of it may differ.
    pub(super) fn forced(&self) -> bool {
        if self.retried() {
            return true;
        }
        match self.force() {
            Force::No => false,
            Force::Services => !self.subject.spec.is_job,
            Force::ServicesAndJobs => true,
        }
    }
}

/// The one network of every engine that the service asks for.
fn predefined(body: &Body) -> Option<String> {
    let Some(Body::List(networks)) = body.at(&["TaskTemplate", "Networks"]) else {
        return None;
    };
    let targets = networks.iter().filter_map(|n| n.get("Target")?.as_str());
    let mut predefined = targets.filter(|name| super::networks::is_predefined(name));
    let name = predefined.next()?.to_owned();
    predefined.next().is_none().then_some(name)
}
