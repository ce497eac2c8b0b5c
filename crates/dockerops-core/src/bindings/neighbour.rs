//! Who may have a path, when several watched repositories copy to the same storage.
//!
//! The first to claim a path has it, until it lists it no more or is watched no
//! more. A claim that does not hold never costs a file: what differs on disk is
//! still foreign, and refused unless adopted.

use super::ledger::Ledger;
use super::path::covers;

/// Another watched repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Neighbour {
    /// The paths of its bindings; `None` when they are not known, and then each of its claims holds.
    pub lists: Option<Vec<String>>,
    /// Whether it was watched before the repository in question.
    pub before: bool,
}

impl Neighbour {
    /// The path of this neighbour that is `path`, above or below it, and is its own to have.
    ///
    /// `mine` is the ledger of the repository that wants `path`, `theirs` the neighbour's.
    pub fn holds<'a>(
        &'a self,
        path: &str,
        mine: &Ledger,
        theirs: Option<&'a Ledger>,
    ) -> Option<&'a str> {
        let claims = theirs.into_iter().flat_map(|ledger| ledger.claims.keys());
        let lists = |claim: &str| match &self.lists {
            Some(lists) => lists.iter().any(|listed| listed == claim),
            None => true,
        };
        let mut claimed = claims.map(String::as_str).filter(|claim| lists(claim));
        if let Some(claim) = claimed.find(|claim| touch(claim, path)) {
            return Some(claim);
        }
        if !self.before || mine.claim_touching(path).is_some() {
            return None;
        }
        let listed = self.lists.iter().flatten().map(String::as_str);
        listed.into_iter().find(|listed| touch(listed, path))
    }
}

fn touch(one: &str, other: &str) -> bool {
    covers(one, other) || covers(other, one)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Claim;
    use super::*;

    fn ledger(claim: &str) -> Ledger {
        let mut ledger = Ledger::new("r");
        ledger.claims.insert(claim.to_owned(), Claim::default());
        ledger
    }

    fn neighbour(lists: Option<&[&str]>, before: bool) -> Neighbour {
        let lists = lists.map(|lists| lists.iter().map(|&path| path.to_owned()).collect());
        Neighbour { lists, before }
    }

    #[test]
    fn a_claim_holds_while_its_repository_lists_the_path_or_is_not_known() {
        let (mine, theirs) = (Ledger::new("mine"), ledger("a/b"));
        for path in ["a", "a/b", "a/b/c"] {
            for lists in [None, Some(&["a/b"][..])] {
                let held = neighbour(lists, false);
                assert_eq!(held.holds(path, &mine, Some(&theirs)), Some("a/b"));
            }
        }
        let gone = neighbour(Some(&["x"]), true);
        assert_eq!(gone.holds("a/b", &mine, Some(&theirs)), None);
        assert_eq!(
            neighbour(None, true).holds("a/bc", &mine, Some(&theirs)),
            None
        );
    }

    #[test]
    fn of_two_that_begin_at_once_the_one_watched_first_has_it() {
        let (nothing, mine) = (Ledger::new("mine"), ledger("a"));
        let first = neighbour(Some(&["a"]), true);
        let second = neighbour(Some(&["a"]), false);
        assert_eq!(first.holds("a", &nothing, None), Some("a"));
        assert_eq!(second.holds("a", &nothing, None), None);
        assert_eq!(first.holds("a", &mine, None), None, "who claimed it has it");
    }
}
