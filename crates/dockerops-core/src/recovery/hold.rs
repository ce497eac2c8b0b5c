//! A stack that is not tried again: until when, how it stands, and what a person is told.

use crate::revision::{Revision, short};

/// A stack that is not tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The revision that is held.
    pub revision: String,
    /// The keyed hash of what it asks for; empty where it was not known.
    pub hash: String,
    /// Why, in words.
    pub reason: String,
    /// What became of the stack.
    pub state: HoldState,
    /// The revision that it returned to, where one is known.
    pub target: Option<String>,
    /// Since when, RFC 3339.
    pub since: String,
}

/// What became of a stack that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    /// It began to return to what was well, and is not known to have arrived.
    Returning,
    /// It returned to what was well.
    Returned,
    /// It stays as the failed deploy left it.
    Left,
    /// It was removed.
    Removed,
    /// A person rolled it back.
    ByHand,
}

impl HoldState {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Returning => "returning",
            Self::Returned => "returned",
            Self::Left => "left",
            Self::Removed => "removed",
            Self::ByHand => "by-hand",
        }
    }

    /// As it is stored; what is unknown is taken for the most careful.
    pub fn parse(text: &str) -> Self {
        match text {
            "returning" => Self::Returning,
            "left" => Self::Left,
            "removed" => Self::Removed,
            "by-hand" => Self::ByHand,
            _ => Self::Returned,
        }
    }
}

impl Hold {
    /// Whether `revision`, which asks for what `hash` stands for, is still held: it is the
    /// very revision, or asks for the same. A commit that is about something else changes nothing.
    pub fn covers(&self, revision: &str, hash: Option<&str>) -> bool {
        self.revision == revision || (!self.hash.is_empty() && hash == Some(self.hash.as_str()))
    }

    /// What a person is told of a stack that is not tried.
    pub fn sentence(&self) -> String {
        let revision = short(&self.revision);
        let target = self.target.as_deref().map(short);
        match self.state {
            HoldState::ByHand => format!(
                "held: rolled back by hand to {}; a new commit or --force deploys again",
                target.unwrap_or("an earlier deploy")
            ),
            _ => format!(
                "held: {revision} failed: {}; a new commit or --force tries again",
                self.reason
            ),
        }
    }
}

/// How a stack that is held stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// It is where it should be, and stays there.
    There(Hold),
    /// It is on the way back to this revision, or on its way out: that is to be completed.
    UnderWay(Hold, Option<Revision>),
    /// It is as the failed deploy left it, and may have got well by itself.
    Left(Hold),
    /// It was on its way back to what nobody remembers: forward is the only way.
    Lost,
}

impl Held {
    /// How the stack of `hold` stands; `begun` is whether writing it began and is not known to
    /// have ended.
    pub fn of(hold: Hold, begun: bool) -> Self {
        let target = hold.target.as_deref();
        let target = target.and_then(|target| Revision::parse(target).ok());
        match (hold.state, target) {
            (HoldState::Left, _) => Self::Left(hold),
            (HoldState::Removed, _) if begun => Self::UnderWay(hold, None),
            (HoldState::ByHand, Some(target)) if begun => Self::UnderWay(hold, Some(target)),
            (HoldState::Returning, Some(target)) => Self::UnderWay(hold, Some(target)),
            (HoldState::Returning, None) => Self::Lost,
            (HoldState::Returned | HoldState::Removed | HoldState::ByHand, _) => Self::There(hold),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold() -> Hold {
        Hold {
            revision: "b".repeat(40),
            hash: "h".to_owned(),
            reason: "service web_a failed".to_owned(),
            state: HoldState::Returned,
            target: Some("a".repeat(40)),
            since: String::new(),
        }
    }

    #[test]
    fn a_hold_ends_when_another_revision_asks_for_something_else() {
        let hold = hold();
        assert!(hold.covers(&"b".repeat(40), Some("other")), "the revision");
        assert!(
            hold.covers(&"c".repeat(40), Some("h")),
            "an unrelated commit"
        );
        assert!(!hold.covers(&"c".repeat(40), Some("other")));
        let unknown = Hold {
            hash: String::new(),
            ..hold
        };
        assert!(!unknown.covers(&"c".repeat(40), Some("")));
    }

    #[test]
    fn a_held_stack_says_which_revision_failed_and_what_tries_again() {
        assert_eq!(
            hold().sentence(),
            "held: bbbbbbbbbbbb failed: service web_a failed; a new commit or --force tries again"
        );
        let by_hand = Hold {
            state: HoldState::ByHand,
            ..hold()
        };
        assert_eq!(
            by_hand.sentence(),
            "held: rolled back by hand to aaaaaaaaaaaa; a new commit or --force deploys again"
        );
    }

    #[test]
    fn states_are_read_as_they_were_stored() {
        for state in [
            HoldState::Returning,
            HoldState::Returned,
            HoldState::Left,
            HoldState::Removed,
            HoldState::ByHand,
        ] {
            assert_eq!(HoldState::parse(state.as_str()), state);
        }
    }

    #[test]
    fn a_way_that_was_cut_short_is_under_way_and_one_that_ended_is_there() {
        use HoldState::{ByHand, Left, Removed, Returned, Returning};
        let held = |state, begun| Held::of(Hold { state, ..hold() }, begun);
        let to = |state| {
            let target = Revision::parse(&"a".repeat(40)).unwrap();
            Held::UnderWay(Hold { state, ..hold() }, Some(target))
        };
        let there = |state| Held::There(Hold { state, ..hold() });
        assert_eq!(held(Returning, false), to(Returning));
        assert_eq!(held(ByHand, true), to(ByHand));
        assert_eq!(held(ByHand, false), there(ByHand));
        assert_eq!(held(Returned, true), there(Returned));
        assert_eq!(held(Removed, false), there(Removed));
        let going = Hold {
            state: Removed,
            ..hold()
        };
        assert_eq!(held(Removed, true), Held::UnderWay(going, None));
        let left = Hold {
            state: Left,
            ..hold()
        };
        assert_eq!(held(Left, true), Held::Left(left));
        let nowhere = Hold {
            state: Returning,
            target: None,
            ..hold()
        };
        assert_eq!(Held::of(nowhere, true), Held::Lost);
    }
}
