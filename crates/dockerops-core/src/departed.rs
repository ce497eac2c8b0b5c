//! Stacks that left `stacks.yaml`: which of them may be removed?
//!
//! Removing is the one thing that cannot be taken back, so every doubt keeps:
//! an empty list, a repository that was not read completely, a history that was
//! rewritten, a stack of which the database knows nothing, a stack that another
//! watched repository now lists.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::{Owner, StackName, label};
use crate::observed::Observed;

/// How the revision relates to the one deployed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Nothing was deployed from this repository before, or the revision is the same.
    Same,
    /// The revision descends from the one deployed before.
    Descends,
    /// It does not: a force-push, or another default branch.
    Rewritten,
}

/// What a repository says now.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// The repository.
    pub owner: &'a Owner,
    /// The stacks of `stacks.yaml`.
    pub listed: &'a BTreeSet<StackName>,
    /// How its revision came about.
    pub history: History,
    /// The stacks that the database has of it. Of any other it cannot be said whether
    /// the revision descends from the one that it was deployed from.
    pub recorded: &'a BTreeSet<StackName>,
    /// Whether a person asked for removal in spite of doubt (`--prune`).
    pub insist: Insist,
}

/// Whether `--prune` was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Insist {
    /// No: doubt keeps.
    No,
    /// Yes: an empty list, a rewritten and an unknown history remove too.
    Yes,
}

/// What happens to the stacks that left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Departed {
    /// To be removed.
    pub remove: Vec<StackName>,
    /// Kept, with the reason in words.
    pub keep: Vec<(StackName, String)>,
}

/// Decides for one repository. `listed_elsewhere` holds the stacks that other
/// watched repositories list now, with their URL.
pub fn departed(
    listing: Listing<'_>,
    observed: &Observed,
    listed_elsewhere: &BTreeMap<StackName, Owner>,
) -> Departed {
    let mut result = Departed::default();
    for stack in owned_stacks(observed, listing.owner) {
        if listing.listed.contains(&stack) {
            continue;
        }
        match doubt(listing, &stack, listed_elsewhere.get(&stack)) {
            Some(why) => result.keep.push((stack, why)),
            None => result.remove.push(stack),
        }
    }
    result
}

/// What a repository of this run lists; `None` when it was not read completely.
pub type Listed<'a> = (&'a Owner, Option<&'a BTreeSet<StackName>>);

/// Who gave `stack` up to `owner`: repositories of this run that were read and list it no more.
///
/// Of several repositories that list it, only the first takes it over.
pub fn former_owners(stack: &StackName, owner: &Owner, all: &[Listed<'_>]) -> BTreeSet<Owner> {
    let lists = |listed: &Listed<'_>| listed.1.is_some_and(|names| names.contains(stack));
    let first = all.iter().find(|listed| lists(listed));
    if first.is_none_or(|(first, _)| *first != owner) {
        return BTreeSet::new();
    }
    let gave_up = |(_, names): &&Listed<'_>| names.is_some_and(|names| !names.contains(stack));
    all.iter()
        .filter(gave_up)
        .map(|(owner, _)| (*owner).clone())
        .collect()
}

/// The stacks on the Swarm that carry the label of `owner`, sorted.
pub fn owned_stacks(observed: &Observed, owner: &Owner) -> BTreeSet<StackName> {
    let services = observed.services.iter().filter_map(|service| {
        Some((
            service.label(label::REPOSITORY)?,
            service.label(label::NAMESPACE)?,
        ))
    });
    let files = observed
        .configs
        .iter()
        .chain(&observed.secrets)
        .filter_map(|file| {
            Some((
                file.labels.get(label::REPOSITORY)?.as_str(),
                file.labels.get(label::NAMESPACE)?.as_str(),
            ))
        });
    services
        .chain(files)
        .filter(|(repository, _)| *repository == owner.0)
        .filter_map(|(_, stack)| StackName::parse(stack).ok())
        .collect()
}

fn doubt(listing: Listing<'_>, stack: &StackName, elsewhere: Option<&Owner>) -> Option<String> {
    if let Some(other) = elsewhere {
        return Some(format!("handed over: {other} lists it now"));
    }
    if listing.insist == Insist::Yes {
        return None;
    }
    if listing.listed.is_empty() {
        return Some("`stacks.yaml` is empty; `--prune` removes it".to_owned());
    }
    if listing.history == History::Rewritten {
        return Some("the repository's history was rewritten; `--prune` removes it".to_owned());
    }
    if !listing.recorded.contains(stack) {
        return Some(
            "the database does not know which revision it was deployed from; `--prune` removes it"
                .to_owned(),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::observed::Service;

    fn name(text: &str) -> StackName {
        StackName::parse(text).unwrap()
    }

    fn service(stack: &str, owner: &str) -> Service {
        Service {
            id: stack.to_owned(),
            version: 1,
            name: format!("{stack}_web"),
            spec: json!({"Labels": {label::NAMESPACE: stack, label::REPOSITORY: owner}}),
            update: None,
            job_iteration: None,
        }
    }

    fn swarm() -> Observed {
        Observed {
            services: vec![
                service("api", "us"),
                service("old", "us"),
                service("x", "them"),
            ],
            ..Observed::default()
        }
    }

    fn decide(
        listed: &[&str],
        history: History,
        insist: Insist,
        elsewhere: &[(&str, &str)],
    ) -> Departed {
        decide_with(&["api", "old"], listed, history, insist, elsewhere)
    }

    fn decide_with(
        recorded: &[&str],
        listed: &[&str],
        history: History,
        insist: Insist,
        elsewhere: &[(&str, &str)],
    ) -> Departed {
        let names = |texts: &[&str]| texts.iter().map(|s| name(s)).collect();
        let (listed, recorded) = (names(listed), names(recorded));
        let elsewhere = elsewhere
            .iter()
            .map(|(s, o)| (name(s), Owner((*o).to_owned())))
            .collect();
        let owner = Owner("us".to_owned());
        departed(
            Listing {
                owner: &owner,
                listed: &listed,
                history,
                recorded: &recorded,
                insist,
            },
            &swarm(),
            &elsewhere,
        )
    }

    #[test]
    fn a_stack_that_left_is_removed_and_one_of_others_never() {
        let result = decide(&["api"], History::Descends, Insist::No, &[]);
        assert_eq!(
            result,
            Departed {
                remove: vec![name("old")],
                keep: vec![]
            }
        );
    }

    #[test]
    fn an_empty_list_or_rewritten_history_removes_nothing_without_insisting() {
        assert_eq!(decide(&[], History::Descends, Insist::No, &[]).remove, []);
        assert_eq!(
            decide(&["api"], History::Rewritten, Insist::No, &[]).remove,
            []
        );
        assert_eq!(
            decide(&[], History::Rewritten, Insist::Yes, &[]).remove,
            [name("api"), name("old")]
        );
    }

    #[test]
    fn a_stack_that_the_database_does_not_know_is_kept_without_insisting() {
        for history in [History::Same, History::Descends] {
            let kept = decide_with(&["api"], &["api"], history, Insist::No, &[]);
            assert_eq!(kept.remove, []);
            assert_eq!(kept.keep[0].0, name("old"));
            assert!(kept.keep[0].1.contains("`--prune`"), "{kept:?}");
            let removed = decide_with(&[], &["api"], history, Insist::Yes, &[]);
            assert_eq!(removed.remove, [name("old")]);
        }
    }

    #[test]
    fn only_a_repository_that_was_read_gives_a_stack_up_and_only_to_the_first_that_lists_it() {
        let [us, them, third] = ["us", "them", "third"].map(|text| Owner(text.to_owned()));
        let (with, without) = (BTreeSet::from([name("x")]), BTreeSet::from([name("y")]));
        let former = |owner: &Owner, all: &[Listed<'_>]| former_owners(&name("x"), owner, all);
        assert_eq!(
            former(&us, &[(&them, Some(&without)), (&us, Some(&with))]),
            BTreeSet::from([them.clone()])
        );
        assert!(former(&us, &[(&them, None), (&us, Some(&with))]).is_empty());
        assert!(former(&us, &[(&them, Some(&with)), (&us, Some(&with))]).is_empty());
        let two = [
            (&third, Some(&with)),
            (&us, Some(&with)),
            (&them, Some(&without)),
        ];
        assert!(former(&us, &two).is_empty());
    }

    #[test]
    fn a_stack_that_another_repository_lists_is_handed_over_even_when_insisting() {
        let result = decide(
            &["api"],
            History::Descends,
            Insist::Yes,
            &[("old", "other")],
        );
        assert_eq!(result.remove, []);
        assert_eq!(result.keep[0].1, "handed over: other lists it now");
    }
}
