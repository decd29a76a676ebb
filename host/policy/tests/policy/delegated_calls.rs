//! Delegated calls, which a skill makes on behalf of its own caller.

use std::sync::Arc;

use coworker_policy::gate::{Call, CallerState, Delegation, Permit};
use coworker_policy::{Capability, ErrorCode, Grants, Listing, Refusal, Skill, Tier};
use proptest::prelude::*;

use crate::fixture::{INPUT, PEER, call, cases, everything, open_skill, pass, skill, skill_on, state, terms};

fn delegation(depth: u8, at_most: Tier) -> Delegation {
    Delegation { depth, at_most, is_cycle: false }
}

fn sent(delegation: Delegation, tier: Tier, skill: Option<&Arc<Skill>>) -> Result<Permit, Refusal> {
    pass(Call { delegation: Some(delegation), ..call(PEER, INPUT) }, state(tier), skill)
}

#[test]
fn g20_a_delegated_call_gets_the_lower_of_two_tiers() {
    for tier in Tier::ALL {
        for at_most in Tier::ALL {
            let permit = sent(delegation(1, at_most), tier, Some(&open_skill())).unwrap();
            assert_eq!(permit.tier(), tier.min(at_most), "{tier}, at most {at_most}");
            assert_eq!(permit.limits(), open_skill().terms().limits(tier.min(at_most)));
        }
    }
}

#[test]
fn g20_a_skill_that_the_first_caller_may_not_see_is_not_there() {
    let inner = skill("words", Grants::default(), Listing::Exposed { from: Tier::Internal });
    let refused =
        |at_most, skill| sent(delegation(1, at_most), Tier::Privileged, skill).unwrap_err().public();
    assert_eq!(refused(Tier::Known, Some(&inner)), refused(Tier::Known, None));
    assert!(sent(delegation(1, Tier::Internal), Tier::Internal, Some(&inner)).is_ok());
}

#[test]
fn g20_grants_are_those_of_the_first_caller() {
    let policy = "[[grant]]\ncapability = \"http\"\nto = [\"GET https://a.example/\"]";
    let skill = skill_on("words", everything(), Listing::Exposed { from: Tier::Untrusted }, terms(policy));
    let has = |at_most| {
        let permit = sent(delegation(1, at_most), Tier::Privileged, Some(&skill)).unwrap();
        permit.grants().contains(Capability::Http)
    };
    assert_eq!(Tier::ALL.map(has), [false, false, true, true]);
}

#[test]
fn g21_a_call_passed_on_too_often_is_refused_before_any_skill_is_looked_up() {
    for depth in 0..=Delegation::MAX_DEPTH {
        assert!(sent(delegation(depth, Tier::Known), Tier::Known, Some(&open_skill())).is_ok(), "{depth}");
    }
    for depth in [Delegation::MAX_DEPTH + 1, 200, u8::MAX] {
        let refused = Refusal::PassedOnTooOften { depth, max: Delegation::MAX_DEPTH };
        let answer = |skill| sent(delegation(depth, Tier::Known), Tier::Known, skill).unwrap_err();
        assert_eq!((answer(None), answer(Some(&open_skill()))), (refused.clone(), refused.clone()));
        assert_eq!(refused.public().code(), ErrorCode::LimitExceeded);
        assert!(!refused.public().message().contains(|c: char| c.is_ascii_digit()), "no word on the way");
    }
}

#[test]
fn g22_a_skill_never_waits_for_itself() {
    let circle = Delegation { is_cycle: true, ..delegation(2, Tier::Internal) };
    let refused = sent(circle, Tier::Internal, Some(&open_skill())).unwrap_err();
    assert_eq!(refused, Refusal::CallCycle("words".parse().unwrap()));
    assert_eq!(refused.public().code(), ErrorCode::LimitExceeded);
    // The answer reveals nothing about a skill that the caller may not know about.
    for listing in [Listing::Hidden, Listing::Exposed { from: Tier::Privileged }] {
        let hidden = skill("words", Grants::default(), listing);
        let told = |skill| sent(circle, Tier::Internal, skill).unwrap_err().public();
        assert_eq!(told(Some(&hidden)), told(None));
    }
}

fn tiers() -> impl Strategy<Value = Tier> {
    proptest::sample::select(Tier::ALL.to_vec())
}

proptest! {
    #![proptest_config(cases(256))]

    /// A caller gets no more by delegating than by its own call, with any values that it states.
    #[test]
    fn a_delegated_call_never_gets_more(
        tier in tiers(),
        at_most in tiers(),
        from in tiers(),
        depth: u8,
        is_cycle: bool,
        pending in 0_usize..600,
    ) {
        let skill = skill("words", Grants::default(), Listing::Exposed { from });
        let caller = CallerState { pending, ..state(tier) };
        let of = |delegation| pass(Call { delegation, ..call(PEER, INPUT) }, caller, Some(&skill));
        let plain = of(None);
        if let Ok(permit) = of(Some(Delegation { depth, at_most, is_cycle })) {
            let plain = plain.unwrap();
            prop_assert!(permit.tier() <= plain.tier() && permit.wall() <= plain.wall());
            prop_assert!(permit.limits().fuel <= plain.limits().fuel);
            prop_assert!(depth <= Delegation::MAX_DEPTH && !is_cycle);
        }
    }
}
