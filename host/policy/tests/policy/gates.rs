//! One table for every numbered check of `docs/gates.md`.

use std::time::Duration;

use coworker_policy::gate::{self, Call, Caller, CallerState, OutputTerms};
use coworker_policy::{Capability, ErrorCode, Grants, Limits, Listing, MessageKind, Refusal, Tier};

use crate::fixture::{
    CAPABILITIES, INPUT, PEER, PSEUDONYM, call, everything, open_skill, pass, send, skill, skill_on, state,
    terms,
};

fn output_terms(tier: Tier) -> OutputTerms {
    send(INPUT, tier).unwrap().output_terms()
}

#[test]
fn g01_a_kind_from_a_too_low_tier_is_refused() {
    for tier in [Tier::Untrusted, Tier::Known, Tier::Internal] {
        let refused = gate::message(MessageKind::Unknown, tier).unwrap_err();
        assert_eq!(refused, Refusal::MessageTierTooLow { tier, needs: Tier::Privileged });
    }
    let refused = gate::message(MessageKind::GroupInvite, Tier::Untrusted).unwrap_err();
    assert_eq!(refused, Refusal::MessageTierTooLow { tier: Tier::Untrusted, needs: Tier::Known });
    assert_eq!(gate::message(MessageKind::GroupInvite, Tier::Known), Ok(()));
    assert!(gate::message(MessageKind::PlanPropose, Tier::Untrusted).is_err());
    assert_eq!(gate::message(MessageKind::PlanPropose, Tier::Known), Ok(()));
    for kind in
        [MessageKind::Ping, MessageKind::Discover, MessageKind::TaskRequest, MessageKind::TrustRequest]
    {
        for tier in Tier::ALL {
            assert_eq!(gate::message(kind, tier), Ok(()), "{kind:?} from {tier}");
        }
    }
}

#[test]
fn g02_one_call_more_than_may_wait_is_refused() {
    for tier in Tier::ALL {
        let limit = Limits::of(tier).pending;
        for caller in [PEER, Caller::OwnerAs(tier)] {
            let with = |pending| {
                gate::trust(call(caller, INPUT), CallerState { pending, ..state(tier) }).map(|_| ())
            };
            assert_eq!(with(limit - 1), Ok(()), "{tier}");
            assert_eq!(with(limit), Err(Refusal::TooManyPending { limit }), "{tier}");
            assert_eq!(with(usize::MAX), Err(Refusal::TooManyPending { limit }), "{tier}");
        }
    }
}

#[test]
fn g03_an_unknown_skill_is_refused() {
    for caller in [PEER, Caller::Owner, Caller::OwnerAs(Tier::Privileged)] {
        let refused = pass(call(caller, INPUT), state(Tier::Privileged), None);
        assert_eq!(refused.unwrap_err(), Refusal::NoSuchSkill);
    }
}

#[test]
fn g04_a_hidden_skill_is_refused_to_every_tier() {
    let hidden = skill("words", Grants::default(), Listing::Hidden);
    for tier in Tier::ALL {
        for caller in [PEER, Caller::OwnerAs(tier)] {
            let refused = pass(call(caller, INPUT), state(tier), Some(&hidden));
            assert_eq!(refused.unwrap_err(), Refusal::Hidden("words".parse().unwrap()), "{tier}");
        }
    }
    pass(call(Caller::Owner, INPUT), state(Tier::Untrusted), Some(&hidden))
        .expect("a hidden skill is its owner's to run");
}

#[test]
fn g04_a_new_skill_is_hidden() {
    assert_eq!(Listing::default(), Listing::Hidden);
}

#[test]
fn g05_a_tier_below_the_listing_is_refused() {
    for from in Tier::ALL {
        let exposed = skill("words", Grants::default(), Listing::Exposed { from });
        for tier in Tier::ALL {
            let result = pass(call(PEER, INPUT), state(tier), Some(&exposed));
            if tier < from {
                let skill = "words".parse().unwrap();
                assert_eq!(result.unwrap_err(), Refusal::SkillTierTooLow { skill, from, tier });
            } else {
                assert_eq!(result.unwrap().tier(), tier);
            }
        }
    }
}

#[test]
fn g06_an_input_over_the_tier_s_size_is_refused() {
    for tier in Tier::ALL {
        let max = Limits::of(tier).input_bytes;
        let padded = |size: usize| format!("{INPUT}{}", " ".repeat(size - INPUT.len()));
        send(&padded(max), tier).expect("an input of exactly the limit passes");
        assert_eq!(send(&padded(max + 1), tier).unwrap_err(), Refusal::InputTooLarge { size: max + 1, max });
    }
}

#[test]
fn g06_the_size_is_checked_before_the_json() {
    let nonsense = "[".repeat(Limits::of(Tier::Untrusted).input_bytes + 1);
    assert!(matches!(send(&nonsense, Tier::Untrusted), Err(Refusal::InputTooLarge { .. })));
}

#[test]
fn g07_an_input_that_is_not_json_is_refused() {
    let deep = "[".repeat(10_000);
    for input in ["", "{", "text", r#"{"text": "a"} {}"#, "\u{0}", "{'text': 'a'}", "NaN", &deep] {
        match send(input, Tier::Known).unwrap_err() {
            Refusal::InputMismatch(why) => assert!(why.starts_with("not JSON: "), "{why}"),
            other => panic!("{input:?} was refused as {other:?}"),
        }
    }
}

#[test]
fn g08_an_input_that_does_not_fit_the_schema_is_refused() {
    let cases = [
        ("{}", "\"text\" is a required property"),
        ("null", "is not of type \"object\""),
        ("[]", "is not of type \"object\""),
        (r#"{"text": 5}"#, "`/text`"),
        (r#"{"text": "a", "more": 1}"#, "'more' was unexpected"),
        (r#"{"text": null}"#, "`/text`"),
    ];
    for (input, part) in cases {
        match send(input, Tier::Known).unwrap_err() {
            Refusal::InputMismatch(why) => assert!(why.contains(part), "{input}: {why}"),
            other => panic!("{input} was refused as {other:?}"),
        }
    }
    send(INPUT, Tier::Known).unwrap();
}

/// Grants of everything, without tiers.
const ALL_GRANTED: &str = r#"
    [[grant]]
    capability = "http"
    to = ["GET https://api.example.com/v1/*"]
    [[grant]]
    capability = "files"
    to = ["read /srv/data", "write /srv/out"]
    [[grant]]
    capability = "secrets"
    to = ["KEY https://api.example.com"]
    [[grant]]
    capability = "llm"
    [[grant]]
    capability = "peers"
    to = ["aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaq/quote"]
"#;

fn granted_lines(imports: &Grants, policy: &str, tier: Tier) -> Vec<String> {
    let open = Listing::Exposed { from: Tier::Untrusted };
    let skill = skill_on("words", imports.clone(), open, terms(policy));
    let permit = pass(call(PEER, INPUT), state(tier), Some(&skill)).unwrap();
    serde_json::from_value(serde_json::to_value(permit.grants()).unwrap()).unwrap()
}

#[test]
fn g09_a_call_gets_what_is_imported_and_granted_and_within_its_tier() {
    let lines = |tier| granted_lines(&everything(), ALL_GRANTED, tier);
    let mut expected = vec!["call", "log", "clocks", "random", "assets", "config"];
    assert_eq!(lines(Tier::Untrusted), expected);
    expected.push("state caller");
    assert_eq!(lines(Tier::Known), expected);
    expected.pop();
    expected.extend(["state caller skill", "http GET https://api.example.com/v1/*"]);
    let mut privileged = expected.clone();
    expected.extend(["files read /srv/data", "files read /srv/out"]);
    expected.extend(["secrets KEY https://api.example.com", "llm"]);
    assert_eq!(lines(Tier::Internal), expected);
    privileged.extend([
        "files read /srv/data",
        "files write /srv/out",
        "secrets KEY https://api.example.com",
        "llm",
        "peers aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaq/quote",
    ]);
    assert_eq!(lines(Tier::Privileged), privileged);
}

#[test]
fn g09_empty_means_nothing_is_allowed() {
    for tier in Tier::ALL {
        assert!(granted_lines(&Grants::default(), ALL_GRANTED, tier).is_empty(), "{tier}");
        let ungranted: Grants =
            [Capability::Http, Capability::Secrets, Capability::Llm, Capability::Peers].into_iter().collect();
        assert!(granted_lines(&ungranted, "", tier).is_empty(), "{tier}");
    }
}

#[test]
fn g09_deny_beats_allow() {
    for capability in CAPABILITIES {
        let denied = format!("{ALL_GRANTED}\n[[deny]]\ncapability = \"{capability}\"");
        let left = granted_lines(&everything(), &denied, Tier::Privileged);
        let name = format!("{capability}");
        assert!(!left.iter().any(|line| line.split(' ').next() == Some(&name)), "{name}: {left:?}");
    }
}

#[test]
fn g10_the_wall_time_is_the_shorter_of_the_tier_s_and_the_caller_s() {
    for tier in Tier::ALL {
        let most = Limits::of(tier).wall();
        let wall = |timeout| {
            let call = Call { timeout, ..call(PEER, INPUT) };
            pass(call, state(tier), Some(&open_skill())).unwrap().wall()
        };
        assert_eq!(wall(None), most);
        assert_eq!(wall(Some(Duration::MAX)), most);
        assert_eq!(wall(Some(Duration::from_millis(5))), Duration::from_millis(5));
        assert_eq!(wall(Some(Duration::ZERO)), Duration::ZERO);
    }
}

#[test]
fn g11_a_result_over_the_tier_s_size_is_refused() {
    for tier in Tier::ALL {
        let max = Limits::of(tier).output_bytes;
        let padded = |size: usize| format!("{{\"words\": 3}}{}", " ".repeat(size - 12));
        output_terms(tier).check(&padded(max)).expect("a result of exactly the limit passes");
        let refused = output_terms(tier).check(&padded(max + 1)).unwrap_err();
        assert_eq!(refused, Refusal::OutputTooLarge { size: max + 1, max });
    }
}

#[test]
fn g12_a_result_that_is_not_json_is_refused() {
    for output in ["", "three", "{", "{\"words\": 3}}", &"[".repeat(10_000)] {
        let refused = output_terms(Tier::Known).check(output).unwrap_err();
        assert!(matches!(refused, Refusal::OutputNotJson(_)), "{output:?} was refused as {refused:?}");
    }
}

#[test]
fn g13_a_result_that_does_not_fit_the_schema_is_refused() {
    for output in ["{}", "3", "null", r#"{"words": "three"}"#, r#"{"words": 3.5}"#] {
        let refused = output_terms(Tier::Known).check(output).unwrap_err();
        assert!(matches!(refused, Refusal::OutputMismatch(_)), "{output:?} was refused as {refused:?}");
    }
    let fits = output_terms(Tier::Known).check(r#"{"words": 3}"#).unwrap();
    assert_eq!(*fits.value(), serde_json::json!({"words": 3}));
}

#[test]
fn g16_parts_are_held_to_the_result_s_cap_together() {
    for tier in Tier::ALL {
        let max = Limits::of(tier).output_bytes;
        let mut stream = send(INPUT, tier).unwrap().stream_terms();
        // As JSON each has two quotes, and a line feed is two bytes.
        let half = "x".repeat(max / 2 - 3);
        assert_eq!(stream.part(half.clone()).unwrap()[0].index(), 0);
        let last = stream.part(format!("{}\n", &half[1..])).unwrap().remove(0);
        assert_eq!((last.index(), last.into_text().len()), (1, half.len()));
        assert_eq!(stream.part("x".into()).unwrap_err(), Refusal::OutputTooLarge { size: max + 2, max });
        let whole = send(INPUT, tier).unwrap().stream_terms().part("x".repeat(max + 1)).unwrap_err();
        assert_eq!(whole, Refusal::OutputTooLarge { size: max + 1, max });
    }
}

#[test]
fn g16_what_json_makes_longer_counts_as_it_leaves() {
    let mut stream = send(INPUT, Tier::Known).unwrap().stream_terms();
    let max = Limits::of(Tier::Known).output_bytes;
    assert!(stream.part("\u{1}".repeat(max / 6 + 1)).is_err());
    assert!(stream.part("\u{1}".repeat(max / 6 - 1)).is_ok(), "what was refused counts nothing");
}

#[test]
fn g17_a_note_is_plain_and_short() {
    let note = |percent, text: &str| {
        let note = send(INPUT, Tier::Known).unwrap().stream_terms().note(percent, text).check();
        (note.percent(), note.into_text().to_string())
    };
    assert_eq!(note(7, "half way"), (7, "half way".to_owned()));
    assert_eq!(note(255, "\u{1b}[2J\u{202e}"), (100, "\u{fffd}[2J\u{fffd}".to_owned()));
    assert_eq!(note(0, &"x".repeat(1_000_000)).1, "x".repeat(200));
    assert_eq!(note(0, &"\u{1}".repeat(200)).1, "\u{fffd}".repeat(66), "never within a character");
}

#[test]
fn g10_a_permit_that_waited_is_shortened_and_never_lengthened() {
    let permit = send(INPUT, Tier::Known).unwrap();
    let most = permit.wall();
    let permit = permit.shortened(Duration::MAX);
    assert_eq!(permit.wall(), most);
    let permit = permit.shortened(Duration::from_millis(5)).shortened(Duration::from_secs(1));
    assert_eq!(permit.wall(), Duration::from_millis(5));
}

#[test]
fn a_permit_carries_what_was_decided() {
    let permit = send(INPUT, Tier::Known).unwrap();
    assert_eq!(permit.caller(), PEER);
    assert_eq!(permit.tier(), Tier::Known);
    assert_eq!(permit.pseudonym(), PSEUDONYM);
    assert_eq!(permit.skill(), "words");
    assert_eq!(permit.component(), open_skill().component());
    assert_eq!(permit.input(), INPUT);
    assert_eq!(*permit.limits(), Limits::of(Tier::Known));
}

#[test]
fn the_owner_s_tier_is_never_taken_from_a_peer_s_standing() {
    let permit = |caller, tier| pass(call(caller, INPUT), state(tier), Some(&open_skill())).unwrap().tier();
    assert_eq!(permit(Caller::Owner, Tier::Untrusted), Tier::Privileged);
    assert_eq!(permit(Caller::OwnerAs(Tier::Known), Tier::Privileged), Tier::Known);
    assert_eq!(permit(PEER, Tier::Untrusted), Tier::Untrusted);
}

#[test]
fn no_tier_has_more_room_than_a_higher_one() {
    for pair in Tier::ALL.windows(2) {
        let (low, high) = (Limits::of(pair[0]), Limits::of(pair[1]));
        assert!(
            low.fuel <= high.fuel && low.wall_ms <= high.wall_ms && low.memory_bytes <= high.memory_bytes
        );
        assert!(low.input_bytes <= high.input_bytes && low.output_bytes <= high.output_bytes);
        assert!(low.table_elements <= high.table_elements && low.host_calls <= high.host_calls);
        assert!(low.concurrent <= high.concurrent && low.pending <= high.pending);
        assert!(low.log_bytes <= high.log_bytes && low.state_bytes <= high.state_bytes);
        assert!(low.egress_bytes <= high.egress_bytes && low.http_requests <= high.http_requests);
        assert!(low.calls_per_min <= high.calls_per_min && low.peer_calls <= high.peer_calls);
        assert!(low.llm_calls <= high.llm_calls && low.llm_tokens <= high.llm_tokens);
        assert!(low.llm_calls_per_day <= high.llm_calls_per_day);
        assert!(low.llm_tokens_per_day <= high.llm_tokens_per_day);
        assert!(low.llm_cents_per_day <= high.llm_cents_per_day);
    }
}

#[test]
fn g18_the_wrong_version_is_refused_to_who_may_know_the_skill() {
    let open = open_skill();
    let has = open.card().version.clone();
    let with = |pin: &str| {
        let call = Call { version: Some(pin.parse().unwrap()), ..call(PEER, INPUT) };
        pass(call, state(Tier::Known), Some(&open)).map(drop)
    };
    for pin in [has.to_string(), format!("^{has}"), "*".to_owned(), ">=0.0.1".to_owned()] {
        assert_eq!(with(&pin), Ok(()), "{pin}");
    }
    for pin in ["999.0.0", "^999", "<0.0.1", ">999, <1000"] {
        let refused = with(pin).unwrap_err();
        let wants = pin.parse().unwrap();
        assert_eq!(
            refused,
            Refusal::WrongVersion { skill: "words".parse().unwrap(), has: has.clone(), wants }
        );
        assert_eq!(refused.public().code(), ErrorCode::VersionMismatch);
        assert!(refused.public().message().contains(&has.to_string()), "{refused}");
    }
}

#[test]
fn g18_the_wrong_version_of_a_hidden_skill_is_no_skill() {
    let wrong = || Call { version: Some("999.0.0".parse().unwrap()), ..call(PEER, INPUT) };
    let hidden = skill("words", Grants::default(), Listing::Hidden);
    let high = skill("words", Grants::default(), Listing::Exposed { from: Tier::Privileged });
    for found in [None, Some(&hidden), Some(&high)] {
        let refused = pass(wrong(), state(Tier::Known), found).unwrap_err();
        assert_eq!(refused.public(), Refusal::NoSuchSkill.public());
    }
}

#[test]
fn g19_what_expired_is_not_begun() {
    let left = |expires, now| gate::expiry(expires, now);
    assert_eq!(left(None, i64::MAX), Ok(None));
    assert_eq!(left(Some(1_500), 500), Ok(Some(Duration::from_secs(1))));
    assert_eq!(left(Some(i64::MAX), i64::MIN), Ok(Some(Duration::from_millis(i64::MAX as u64))));
    for (expires, now) in [(500, 500), (499, 500), (i64::MIN, 0), (i64::MIN, i64::MAX)] {
        assert_eq!(left(Some(expires), now), Err(Refusal::Expired), "{expires} at {now}");
    }
    assert_eq!(Refusal::Expired.public().code(), ErrorCode::Expired);
}
