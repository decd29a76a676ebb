//! The limits on the calls that a caller starts within a minute.

use std::sync::Arc;
use std::time::Duration;

use coworker_policy::gate::{self, Call, CallRate, Caller, CallerState, RecentCalls};
use coworker_policy::{Grants, Limits, Listing, Refusal, Skill, Tier};
use proptest::prelude::*;

use crate::fixture::{INPUT, PEER, call, cases, open_skill, pass, skill, skill_on, state, terms};

const MINUTE: u64 = 60_000;

/// The rate at a call of `words` after `count` calls of `skill`, one every `step` milliseconds from 0 on.
fn after(count: u64, step: u64, skill: &str, now: u64, tier: Tier) -> CallRate {
    let mut recent = RecentCalls::default();
    for n in 0..count {
        recent.arrive(n * step, skill, tier);
    }
    recent.arrive(now, "words", tier)
}

fn ask(caller: Caller, tier: Tier, rate: CallRate, skill: Option<&Arc<Skill>>) -> Result<(), Refusal> {
    pass(call(caller, INPUT), CallerState { rate, ..state(tier) }, skill).map(|_| ())
}

#[test]
fn g14_one_call_more_than_a_minute_allows_is_refused() {
    // PRIVILEGED counts in the same way, but its limit is too high for a test.
    for tier in [Tier::Untrusted, Tier::Known, Tier::Internal] {
        let limit = Limits::of(tier).calls_per_min;
        for caller in [PEER, Caller::OwnerAs(tier)] {
            let with =
                |count, now| ask(caller, tier, after(count, 0, "words", now, tier), Some(&open_skill()));
            assert_eq!(with(limit - 1, 20_000), Ok(()), "{tier}");
            let wait = Duration::from_secs(40);
            assert_eq!(with(limit, 20_000), Err(Refusal::TooManyCalls { limit, wait }), "{tier}");
            assert!(with(limit, MINUTE - 1).is_err(), "{tier}");
            assert_eq!(with(limit, MINUTE), Ok(()), "the oldest call counts no more");
        }
    }
}

#[test]
fn g14_the_owner_s_own_calls_are_not_counted_out() {
    let rate = after(10_000, 0, "words", 0, Tier::Privileged);
    assert_eq!(ask(Caller::Owner, Tier::Untrusted, rate, Some(&open_skill())), Ok(()));
}

#[test]
fn g14_hidden_unknown_and_exposed_skills_use_the_same_quota() {
    let hidden = skill("words", Grants::default(), Listing::Hidden);
    let tier = Tier::Untrusted;
    let limit = Limits::of(tier).calls_per_min;
    let shown = open_skill();
    let answers = |skill: Option<&Arc<Skill>>| -> Vec<_> {
        let mut recent = RecentCalls::default();
        let calls = (0..2 * limit).map(|n| recent.arrive(n * 100, "words", tier));
        let calls: Vec<CallRate> = calls.collect();
        calls.into_iter().map(|rate| ask(PEER, tier, rate, skill).err().map(|error| error.public())).collect()
    };
    let (unknown, hidden) = (answers(None), answers(Some(&hidden)));
    assert_eq!(unknown, hidden, "from the first call to the last, byte for byte");
    let refused = |answers: &[Option<_>], n: u64| answers[usize::try_from(n).unwrap()].clone();
    assert_eq!(refused(&answers(Some(&shown)), limit), refused(&unknown, limit));
    assert_ne!(refused(&unknown, limit), refused(&unknown, limit - 1));
}

#[test]
fn g14_what_was_called_makes_no_difference_to_the_quota() {
    let tier = Tier::Known;
    let limit = Limits::of(tier).calls_per_min;
    for name in ["words", "other", "", "../../etc/passwd", &"x".repeat(100_000)] {
        let refused = ask(PEER, tier, after(limit, 1, name, 1_000, tier), None).unwrap_err();
        assert!(matches!(refused, Refusal::TooManyCalls { .. }), "{refused:?}");
    }
}

#[test]
fn g14_who_never_stops_asking_is_let_in_again() {
    let (tier, mut recent) = (Tier::Untrusted, RecentCalls::default());
    let limit = Limits::of(tier).calls_per_min;
    let mut passed = 0;
    for now in (0..10 * MINUTE).step_by(100) {
        let rate = recent.arrive(now, "words", tier);
        passed += u64::from(ask(PEER, tier, rate, Some(&open_skill())).is_ok());
    }
    assert_eq!(passed, 10 * limit);
}

#[test]
fn g14_the_wait_that_is_told_is_enough_and_not_too_long() {
    let (tier, mut recent) = (Tier::Untrusted, RecentCalls::default());
    for n in 0..Limits::of(tier).calls_per_min {
        recent.arrive(n * 7, "words", tier);
    }
    let Err(Refusal::TooManyCalls { wait, .. }) = ask(PEER, tier, recent.arrive(500, "words", tier), None)
    else {
        panic!("it is one too many");
    };
    let then = 500 + u64::try_from(wait.as_millis()).unwrap();
    let at = |now| ask(PEER, tier, recent.clone().arrive(now, "words", tier), Some(&open_skill()));
    assert!(at(then - 1).is_err());
    assert_eq!(at(then), Ok(()));
}

#[test]
fn g14_a_clock_that_was_set_back_shuts_nobody_out() {
    let (tier, mut recent) = (Tier::Untrusted, RecentCalls::default());
    for _ in 0..Limits::of(tier).calls_per_min {
        recent.arrive(u64::MAX, "words", tier);
    }
    assert!(ask(PEER, tier, recent.arrive(1_000, "words", tier), Some(&open_skill())).is_err());
    assert!(!recent.is_empty(1_000 + MINUTE - 1));
    assert!(recent.is_empty(1_000 + MINUTE));
}

#[test]
fn g15_a_component_s_own_quota_is_for_its_own_calls() {
    let tier = Tier::Known;
    let open = Listing::Exposed { from: Tier::Untrusted };
    let tight = skill_on("words", Grants::default(), open, terms("[limits.known]\ncalls_per_min = 3"));
    let with = |count, skill, caller| ask(caller, tier, after(count, 1, skill, 10_000, tier), Some(&tight));
    assert_eq!(with(2, "words", PEER), Ok(()));
    let (skill, wait) = ("words".parse().unwrap(), Duration::from_secs(50));
    assert_eq!(with(3, "words", PEER), Err(Refusal::TooManyCallsOfSkill { skill, limit: 3, wait }));
    assert_eq!(with(3, "other", PEER), Ok(()), "calls of another skill do not count");
    assert_eq!(with(3, "words", Caller::Owner), Ok(()));
}

#[test]
fn g15_a_quota_tells_nothing_of_a_hidden_skill() {
    let tier = Tier::Known;
    let tight = terms("[limits.known]\ncalls_per_min = 1");
    let hidden = skill_on("words", Grants::default(), Listing::Hidden, tight);
    let rate = || after(5, 1, "words", 10, tier);
    let answer = |skill| ask(PEER, tier, rate(), skill).unwrap_err().public();
    assert_eq!(answer(Some(&hidden)), answer(None));
}

proptest! {
    #![proptest_config(cases(64))]

    /// The window is never larger than a tier may call, however many names a caller makes up.
    #[test]
    fn g14_no_minute_holds_more_than_the_limit(steps in proptest::collection::vec(0_u64..3_000, 1..400)) {
        let (tier, mut recent, mut now) = (Tier::Untrusted, RecentCalls::default(), 0);
        let limit = Limits::of(tier).calls_per_min;
        let mut passed: Vec<u64> = Vec::new();
        for (n, step) in steps.into_iter().enumerate() {
            now += step;
            let rate = recent.arrive(now, &format!("skill-{n}"), tier);
            let call = Call { skill: format!("skill-{n}"), ..call(PEER, INPUT) };
            if gate::trust(call, CallerState { rate, ..state(tier) }).is_ok() {
                passed.push(now);
            }
            let within = passed.iter().filter(|at| now - **at < MINUTE).count() as u64;
            prop_assert!(within <= limit);
        }
    }
}
