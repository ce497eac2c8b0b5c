//! Decisions about credentials, at given times.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;
use crate::observed::UpdateStatus;

const NOW: Moment = Moment(1_800_000_000);
const HOUR: i64 = 3600;

fn key() -> FingerprintKey {
    FingerprintKey::new([7; 32])
}

/// `content` was sent `ago` seconds before now, and ends `left` seconds after it.
fn sent(content: &str, ago: i64, left: Option<i64>) -> Sent {
    Sent {
        fingerprint: key().fingerprint(content.as_bytes()),
        at: NOW.after(-ago),
        ends: left.map(|left| NOW.after(left)),
    }
}

fn offered(content: &str, left: Option<i64>, origin: Origin) -> Offered {
    Offered {
        content: Secret::new(content),
        ends: left.map(|left| NOW.after(left)),
        origin,
    }
}

fn decide(sent: Option<&Sent>, offered: &Offered) -> Next {
    next(sent, offered, &key(), NOW)
}

#[test]
fn the_same_credential_is_never_sent_twice() {
    for left in [None, Some(60), Some(12 * HOUR)] {
        for origin in [Origin::File, Origin::Helper] {
            let known = sent("one", 11 * HOUR, left);
            assert_eq!(
                decide(Some(&known), &offered("one", left, origin)),
                Next::Keep
            );
        }
    }
}

#[test]
fn a_token_is_sent_again_when_a_quarter_of_its_life_or_half_an_hour_is_left() {
    let fresh = offered("two", Some(12 * HOUR), Origin::Helper);
    // Of twelve hours, three are a quarter.
    for (ago, left, due) in [
        (8 * HOUR, 4 * HOUR, false),
        (9 * HOUR + 1, 3 * HOUR - 1, true),
        // Of one hour, half an hour is more than a quarter.
        (29 * 60, 31 * 60, false),
        (31 * 60, 29 * 60, true),
        (13 * HOUR, -HOUR, true),
    ] {
        let known = sent("one", ago, Some(left));
        let wanted = if due { Next::Refresh } else { Next::Keep };
        assert_eq!(decide(Some(&known), &fresh), wanted, "{left} s left");
        assert_eq!(known.is_worth_asking(NOW), due, "{left} s left");
    }
}

#[test]
fn a_token_that_lasts_no_longer_is_not_sent() {
    let known = sent("one", 11 * HOUR, Some(HOUR));
    for left in [60, HOUR] {
        let other = offered("two", Some(left), Origin::Helper);
        assert_eq!(decide(Some(&known), &other), Next::Keep);
    }
    let forever = offered("two", None, Origin::File);
    assert_eq!(decide(Some(&known), &forever), Next::Refresh);
}

#[test]
fn a_password_that_was_replaced_is_sent_once() {
    for left in [None, Some(300 * 24 * HOUR)] {
        let known = sent("old", HOUR, left);
        assert!(known.is_worth_asking(NOW));
        for origin in [Origin::File, Origin::Helper] {
            let new = offered("new", left, origin);
            assert_eq!(decide(Some(&known), &new), Next::Refresh);
        }
    }
}

#[test]
fn a_helper_that_gives_another_password_each_time_is_no_write_each_time() {
    let known = sent("one", 60, None);
    assert_eq!(
        decide(Some(&known), &offered("two", None, Origin::Helper)),
        Next::Keep
    );
    assert_eq!(
        decide(Some(&known), &offered("two", None, Origin::File)),
        Next::Refresh
    );
}

#[test]
fn what_is_not_known_to_have_been_sent_is_sent_only_when_it_may_end_soon() {
    let lost = Sent {
        fingerprint: FingerprintKey::new([8; 32]).fingerprint(b"one"),
        ..sent("one", HOUR, None)
    };
    for known in [None, Some(&lost)] {
        for (left, origin, wanted) in [
            (None, Origin::File, Next::Assume),
            (None, Origin::Helper, Next::Refresh),
            (Some(12 * HOUR), Origin::File, Next::Refresh),
            (Some(300 * 24 * HOUR), Origin::File, Next::Assume),
        ] {
            assert_eq!(decide(known, &offered("one", left, origin)), wanted);
        }
    }
}

#[test]
fn a_credential_that_has_ended_is_never_sent_and_said_when_the_nodes_have_no_better() {
    let ended = offered("new", Some(-1), Origin::File);
    assert_eq!(decide(None, &ended), Next::Ended);
    assert_eq!(
        decide(Some(&sent("old", 13 * HOUR, Some(-HOUR))), &ended),
        Next::Ended
    );
    assert_eq!(
        decide(Some(&sent("old", 11 * HOUR, Some(HOUR))), &ended),
        Next::Keep
    );
    let same = offered("old", Some(-HOUR), Origin::File);
    assert_eq!(
        decide(Some(&sent("old", 13 * HOUR, Some(-HOUR))), &same),
        Next::Ended
    );
}

#[test]
fn tokens_say_when_they_end() {
    let jwt = |claims: Value| {
        let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.c2ln", part(&json!({"alg": "RS256"})), part(&claims))
    };
    let amazon =
        BASE64_STANDARD.encode(json!({"payload": "x", "expiration": 1_800_000_060}).to_string());
    let azure = "00000000-0000-0000-0000-000000000000";
    for (user, password, wanted) in [
        (azure, jwt(json!({"exp": 1_800_000_060})), Some(60)),
        ("robot", jwt(json!({"exp": 1_800_000_060.5})), Some(60)),
        ("robot", jwt(json!({"sub": "no end"})), None),
        ("AWS", amazon.clone(), Some(60)),
        ("AWS", amazon.trim_end_matches('=').to_owned(), Some(60)),
        ("oauth2accesstoken", "ya29.c.b0AX".to_owned(), Some(HOUR)),
        ("_json_key", "{\"expiration\": 1}".to_owned(), None),
        ("lab", "lab-password".to_owned(), None),
        ("lab", "a.b.c".to_owned(), None),
        ("lab", "..".to_owned(), None),
        ("lab", String::new(), None),
    ] {
        let found = ends(user, &Secret::new(password), NOW);
        assert_eq!(found, wanted.map(|left| NOW.after(left)), "{user}");
    }
}

fn service(mode: &Value, state: &str) -> Service {
    Service {
        id: "1".to_owned(),
        version: 5,
        name: "web_a".to_owned(),
        spec: json!({"Mode": mode, "TaskTemplate": {"ContainerSpec": {"Env": ["A=hunter2"]}}}),
        update: (state != "none").then(|| UpdateStatus {
            state: state.to_owned(),
            message: String::new(),
        }),
        job_iteration: None,
    }
}

#[test]
fn jobs_and_services_that_swarm_moves_are_never_written() {
    let none = BTreeSet::new();
    let replicated = json!({"Replicated": {"Replicas": 1}});
    for state in ["none", "completed"] {
        assert!(is_calm(&service(&replicated, state), &none));
        assert!(is_calm(&service(&json!({"Global": {}}), state), &none));
        for job in [json!({"ReplicatedJob": {}}), json!({"GlobalJob": {}})] {
            assert!(!is_calm(&service(&job, state), &none));
        }
    }
    for state in [
        "updating",
        "paused",
        "rollback_started",
        "rollback_paused",
        "rollback_completed",
    ] {
        assert!(!is_calm(&service(&replicated, state), &none), "{state}");
    }
    let dirty = BTreeSet::from(["1".to_owned()]);
    assert!(!is_calm(&service(&replicated, "none"), &dirty));
}

#[test]
fn a_refresh_sends_the_live_spec_as_it_is_and_shows_no_variable() {
    let live = service(&json!({"Global": {}}), "none");
    let Action::UpdateService { version, body, .. } = refresh(&live) else {
        panic!("no update");
    };
    assert_eq!((version, body.expose()), (5, live.spec));
    assert!(!format!("{body:?}").contains("hunter2"));
}
