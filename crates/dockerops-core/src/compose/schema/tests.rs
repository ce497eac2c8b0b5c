//! The tables against what must be true of any of them.

use super::*;

/// Calls `visit` with every mapping that a shape can reach.
fn each_map(shape: &'static Shape, depth: usize, visit: &mut impl FnMut(&'static Map)) {
    assert!(depth < 20, "the tables must not be circular");
    match shape {
        Shape::List { item, .. } => each_map(item, depth + 1, visit),
        Shape::Either(shapes) => shapes
            .iter()
            .for_each(|(_, shape)| each_map(shape, depth + 1, visit)),
        Shape::Map(map) => {
            visit(map);
            map.known
                .iter()
                .for_each(|key| each_map(key.shape, depth + 1, visit));
            if let Rest::Any(shape) | Rest::Names(shape) = map.rest {
                each_map(shape, depth + 1, visit);
            }
        }
        Shape::Anything | Shape::Scalar(_) | Shape::Word(_) => {}
    }
}

#[test]
fn no_key_stands_twice_and_every_required_one_is_known() {
    each_map(&FILE, 0, &mut |map| {
        let mut names: Vec<_> = map.known.iter().map(|key| key.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
        assert!(map.required.iter().all(|required| names.contains(required)));
    });
}

#[test]
fn no_key_is_newer_than_the_latest_version() {
    each_map(&FILE, 0, &mut |map| {
        assert!(
            map.known
                .iter()
                .all(|key| key.since <= crate::compose::version::LATEST)
        );
    });
}
