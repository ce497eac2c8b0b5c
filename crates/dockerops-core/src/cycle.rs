//! Circles in "this one waits for that one".

use std::collections::BTreeMap;

/// Every circle that is met on the way through `all`, each once: `[a, b, a]`, from its smallest name on.
///
/// `after` says what one waits for. Where several circles share a step, one of them is found:
/// when it is gone, the next shows.
pub(crate) fn all<'n>(
    all: impl IntoIterator<Item = &'n str>,
    after: impl Fn(&'n str) -> Vec<&'n str>,
) -> Vec<Vec<&'n str>> {
    let mut search = Search {
        after: &after,
        seen: BTreeMap::new(),
        found: Vec::new(),
    };
    for name in all {
        search.visit(name);
    }
    search.found
}

/// `a → b → a`.
pub(crate) fn shown(circle: &[&str]) -> String {
    circle.join(" → ")
}

/// How far one was looked at.
#[derive(PartialEq)]
enum Seen {
    /// What it waits for is being looked at.
    Open,
    Done,
}

struct Search<'n, 'f, F> {
    after: &'f F,
    seen: BTreeMap<&'n str, Seen>,
    found: Vec<Vec<&'n str>>,
}

impl<'n, F: Fn(&'n str) -> Vec<&'n str>> Search<'n, '_, F> {
    /// Depth first, without recursion: a list may be long.
    fn visit(&mut self, start: &'n str) {
        if self.seen.contains_key(start) {
            return;
        }
        self.seen.insert(start, Seen::Open);
        let mut way = vec![(start, (self.after)(start).into_iter())];
        while let Some((here, rest)) = way.last_mut() {
            let Some(next) = rest.next() else {
                self.seen.insert(here, Seen::Done);
                way.pop();
                continue;
            };
            match self.seen.get(next) {
                Some(Seen::Done) => {}
                Some(Seen::Open) => {
                    let names = way.iter().map(|(name, _)| *name);
                    let circle = names.skip_while(|name| *name != next).collect();
                    self.found.push(from_smallest(circle));
                }
                None => {
                    self.seen.insert(next, Seen::Open);
                    let rest = (self.after)(next).into_iter();
                    way.push((next, rest));
                }
            }
        }
    }
}

fn from_smallest(mut circle: Vec<&str>) -> Vec<&str> {
    let smallest = circle.iter().enumerate().min_by_key(|(_, name)| **name);
    let place = smallest.map_or(0, |(place, _)| place);
    circle.rotate_left(place);
    circle.extend(circle.first().copied());
    circle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(edges: &[(&'static str, &'static str)]) -> Vec<String> {
        let mut names: Vec<_> = edges.iter().flat_map(|(a, b)| [*a, *b]).collect();
        names.sort_unstable();
        names.dedup();
        let after = |name: &str| {
            let own = edges.iter().filter(|(from, _)| *from == name);
            own.map(|(_, to)| *to).collect()
        };
        let found = all(names, after);
        found.iter().map(|circle| shown(circle)).collect()
    }

    #[test]
    fn a_circle_is_found_once_and_shown_from_its_smallest_name() {
        assert_eq!(
            circles(&[("c", "b"), ("b", "a"), ("a", "c")]),
            ["a → c → b → a"]
        );
        assert_eq!(circles(&[("a", "a")]), ["a → a"]);
        assert_eq!(
            circles(&[("a", "b"), ("b", "a"), ("x", "y"), ("y", "x"), ("z", "a")]),
            ["a → b → a", "x → y → x"]
        );
    }

    #[test]
    fn what_meets_again_is_no_circle() {
        let meets = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")];
        assert_eq!(circles(&meets), Vec::<String>::new());
    }
}
