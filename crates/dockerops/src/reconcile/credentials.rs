//! Registry credentials on the nodes, sent again before they end. Nothing restarts.
//!
//! It is the one write without a change. What it may write and when is
//! [`dockerops_core::credentials`]'; here is asked, sent, remembered and told. A helper is
//! asked only where its answer matters: while what the nodes have is good for long, none is.

use std::collections::BTreeMap;

use dockerops_core::credentials::{Moment, Next, Offered, Sent, is_calm, next, refresh};
use dockerops_core::image::ImageRef;
use dockerops_core::names::label;
use dockerops_core::observed::Service;
use dockerops_core::report::{CredentialsReport, Outcome, Problem, Report, StackReport, Verb};
use dockerops_core::secret::Secret;
use jiff::Timestamp;
use serde_json::Value;

use super::read::Repository;
use super::{Request, Seen, World, observe, problem};
use crate::registry::Credential;

/// A service of this run, and what its nodes pull with.
struct Mine<'a> {
    service: &'a Service,
    image: ImageRef,
    /// The position of its repository.
    repository: usize,
    /// It was sent the present credential in this run.
    written: bool,
    /// Nothing keeps it from being written once more.
    free: bool,
}

/// One run's look at credentials.
struct Renewal<'a> {
    world: &'a World,
    now: Moment,
    /// By service id: what was sent last.
    sent: BTreeMap<String, Sent>,
    /// By registry: what would be sent now.
    offered: BTreeMap<String, Offered>,
    /// By image: whether its registry takes that.
    taken: BTreeMap<String, bool>,
    report: &'a mut Report,
}

/// Sends the nodes new credentials where theirs end soon, and remembers what was sent.
pub(super) async fn renew(
    world: &World,
    request: &Request,
    seen: &Seen,
    repositories: &[Repository],
    report: &mut Report,
) {
    if let Err(problem) = try_renew(world, request, seen, repositories, report).await {
        report.problems.push(problem);
    }
}

async fn try_renew(
    world: &World,
    request: &Request,
    seen: &Seen,
    repositories: &[Repository],
    report: &mut Report,
) -> Result<(), Problem> {
    // What this run has written is not as it was seen.
    let fresh = if report.stacks().any(|stack| !stack.changes.is_empty()) {
        Some(world.engine.services().await?)
    } else {
        None
    };
    let services = fresh.as_deref().unwrap_or(&seen.observed.services);
    let mut mine = mine(services, request, repositories, report);
    let sent = world.store().credentials()?;
    let mut renewal = Renewal::new(world, sent, report);
    mine.retain(|one| renewal.is_worth_asking(one));
    renewal.ask(&mine).await;
    mine.retain(|one| renewal.is_due(one));
    if fresh.is_some() && !mine.is_empty() {
        let latest = observe(world).await?;
        renewal.send(&latest, &mine).await;
    } else {
        renewal.send(seen, &mine).await;
    }
    let live = services.iter().map(|service| service.id.clone()).collect();
    let recorded = world.store().record_credentials(&renewal.sent, &live);
    recorded.map_err(Problem::from)
}

/// The services that the stacks of this run consist of.
fn mine<'a>(
    services: &'a [Service],
    request: &Request,
    repositories: &[Repository],
    report: &Report,
) -> Vec<Mine<'a>> {
    let owned = |service: &'a Service| {
        let owner = service.label(label::REPOSITORY)?;
        let repository = repositories.iter().position(|r| r.owner.0 == owner)?;
        let stacks = &report.repositories.get(repository)?.stacks;
        let stack = service.label(label::NAMESPACE)?;
        let stack = stacks.iter().find(|report| report.name.as_str() == stack)?;
        let image = service.spec.pointer("/TaskTemplate/ContainerSpec/Image");
        Some(Mine {
            service,
            image: ImageRef::parse(image.and_then(Value::as_str)?).ok()?,
            repository,
            written: was_written(stack, &service.name),
            // A saved plan is applied as it is: it says nothing of credentials.
            free: request.agreed.is_none() && is_settled(stack),
        })
    };
    services.iter().filter_map(owned).collect()
}

fn was_written(stack: &StackReport, service: &str) -> bool {
    let writes = [Verb::Create, Verb::Update, Verb::Replace];
    stack.changes.iter().any(|change| {
        change.kind == "service" && change.name == service && writes.contains(&change.verb)
    })
}

/// Whether the run is done with the stack: what it left midway is not touched further.
fn is_settled(stack: &StackReport) -> bool {
    match stack.outcome {
        Outcome::Unchanged | Outcome::Changed | Outcome::Held => true,
        Outcome::Failed | Outcome::RolledBack => stack.changes.is_empty(),
        Outcome::Suspended | Outcome::Removed => false,
    }
}

fn not_renewed(problem: Problem) -> String {
    let (why, hint) = (problem.message, problem.hint.unwrap_or_default());
    format!("nodes go on with the credentials that they have: {why}. {hint}")
}

impl<'a> Renewal<'a> {
    fn new(world: &'a World, sent: BTreeMap<String, Sent>, report: &'a mut Report) -> Self {
        Self {
            world,
            now: Moment(Timestamp::now().as_second()),
            sent,
            offered: BTreeMap::new(),
            taken: BTreeMap::new(),
            report,
        }
    }

    fn is_worth_asking(&self, one: &Mine<'_>) -> bool {
        let sent = self.sent.get(&one.service.id);
        one.written || sent.is_none_or(|sent| sent.is_worth_asking(self.now))
    }

    /// Asks for the credential of each registry that any of `mine` is from.
    async fn ask(&mut self, mine: &[Mine<'_>]) {
        for one in mine {
            match self.world.registry.credential(&one.image).await {
                Ok(Some(credential)) => {
                    let registry = one.image.registry().to_owned();
                    let first_seen = self.first_seen(&credential);
                    self.offered
                        .insert(registry, credential.offered(first_seen));
                }
                Ok(None) => {}
                Err(error) => {
                    let problem = Problem::from(error);
                    self.warn(one, not_renewed(problem));
                }
            }
        }
    }

    /// When the credential was first sent to any service, else now.
    fn first_seen(&self, credential: &Credential) -> Moment {
        let fingerprint = self.fingerprint(&credential.x_registry_auth());
        let same = self
            .sent
            .values()
            .filter(|sent| sent.fingerprint == fingerprint);
        same.map(|sent| sent.at).min().unwrap_or(self.now)
    }

    fn fingerprint(&self, content: &Secret) -> String {
        self.world.key.fingerprint(content.expose())
    }

    /// Whether the service is to be sent its credential. What was sent without, or need not
    /// be, is noted.
    fn is_due(&mut self, one: &Mine<'_>) -> bool {
        let registry = one.image.registry();
        let Some(offered) = self.offered.get(registry) else {
            return false;
        };
        let sent = self.sent.get(&one.service.id);
        match next(sent, offered, &self.world.key, self.now) {
            _ if one.written => self.note(one),
            Next::Assume => self.note(one),
            Next::Refresh => return one.free,
            Next::Ended => {
                let text = format!(
                    "the credentials for `{registry}` have ended: a task that moves to another node cannot be \
                     pulled there. Log in again with `docker login`, as the user that DockerOps runs as."
                );
                self.warn(one, text);
            }
            Next::Keep => {}
        }
        false
    }

    /// Remembers that the nodes have the present credential. That they had it already is
    /// known since then.
    fn note(&mut self, one: &Mine<'_>) {
        let Some(offered) = self.offered.get(one.image.registry()) else {
            return;
        };
        let new = Sent {
            fingerprint: self.fingerprint(&offered.content),
            at: self.now,
            ends: offered.ends,
        };
        let id = &one.service.id;
        let known = self.sent.get(id);
        if known.is_none_or(|known| known.fingerprint != new.fingerprint) {
            self.sent.insert(id.clone(), new);
        }
    }

    /// Whether the registry takes the credential for the image: what does not work must not
    /// take the place of what the nodes have.
    async fn is_taken(&mut self, one: &Mine<'_>) -> bool {
        let image = one.image.familiar();
        if let Some(taken) = self.taken.get(&image) {
            return *taken;
        }
        let known = one.image.digest();
        let taken = match self.world.registry.resolve(&one.image, known).await {
            Ok(_) => true,
            // Whoever is told that it is gone may look.
            Err(error) if error.is_not_found() => true,
            Err(error) => {
                let problem = Problem::from(error);
                self.warn(one, not_renewed(problem));
                false
            }
        };
        self.taken.insert(image, taken);
        taken
    }

    /// Writes the services that are `due`, as far as Swarm is done with them.
    async fn send(&mut self, latest: &Seen, due: &[Mine<'_>]) {
        for one in due {
            if !self.is_taken(one).await {
                continue;
            }
            let mut services = latest.observed.services.iter();
            let service = services.find(|service| service.id == one.service.id);
            let calm = service.filter(|service| is_calm(service, &latest.dirty));
            let offered = self.offered.get(one.image.registry());
            let (Some(service), Some(offered)) = (calm, offered) else {
                continue;
            };
            let action = refresh(service);
            match self
                .world
                .engine
                .apply(&action, Some(&offered.content))
                .await
            {
                Ok(_) => {
                    self.note(one);
                    self.tell(one);
                }
                // Somebody else is at it: the next run looks again.
                Err(error) if error.is_stale() => {}
                Err(error) => {
                    let (name, why) = (&service.name, problem(&error, None).message);
                    let text =
                        format!("credentials of service {name} could not be refreshed: {why}");
                    self.warn(one, text);
                }
            }
        }
    }

    fn tell(&mut self, one: &Mine<'_>) {
        let registry = one.image.registry();
        let told = &mut self.report.credentials_refreshed;
        let name = one.service.name.clone();
        match told.iter_mut().find(|told| told.registry == registry) {
            Some(told) => told.services.push(name),
            None => told.push(CredentialsReport {
                registry: registry.to_owned(),
                services: vec![name],
            }),
        }
    }

    /// Once for each repository.
    fn warn(&mut self, one: &Mine<'_>, text: String) {
        let repository = self.report.repositories.get_mut(one.repository);
        if let Some(repository) = repository.filter(|r| !r.warnings.contains(&text)) {
            repository.warnings.push(text);
        }
    }
}
