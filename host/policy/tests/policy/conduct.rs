//! The faults that count against a peer.

use std::time::Duration;

use coworker_leak::Leak;
use coworker_policy::trust::{Misdeed, is_provider_fault};
use coworker_policy::{ErrorCode, MessageKind, Refusal, Tier};

/// Every refusal, with its fault.
fn table() -> Vec<(Refusal, Option<Misdeed>)> {
    use Misdeed::{Malformed, OverQuota, Refused};
    let skill = || "words".parse().unwrap();
    let wait = Duration::from_secs(1);
    vec![
        (Refusal::NoSuchSkill, Some(Refused)),
        (Refusal::Hidden(skill()), Some(Refused)),
        (Refusal::SkillTierTooLow { skill: skill(), from: Tier::Internal, tier: Tier::Known }, Some(Refused)),
        (Refusal::MessageTierTooLow { tier: Tier::Known, needs: Tier::Privileged }, Some(Refused)),
        (Refusal::TooManyPending { limit: 1 }, Some(OverQuota)),
        (Refusal::TooManyCalls { limit: 1, wait }, Some(OverQuota)),
        (Refusal::TooManyCallsOfSkill { skill: skill(), limit: 1, wait }, Some(OverQuota)),
        (Refusal::InputMismatch(String::new()), Some(Malformed)),
        (Refusal::InputTooLarge { size: 2, max: 1 }, Some(Malformed)),
        (Refusal::OutputTooLarge { size: 2, max: 1 }, None),
        (Refusal::OutputMismatch(String::new()), None),
        (Refusal::OutputNotJson(String::new()), None),
        (Refusal::Withheld(Leak::Secret), None),
        (Refusal::TooMuchOutput { max: 1 }, None),
        (
            Refusal::WrongVersion {
                skill: skill(),
                has: "1.0.0".parse().unwrap(),
                wants: "2.0.0".parse().unwrap(),
            },
            None,
        ),
        (Refusal::PassedOnTooOften { depth: 5, max: 4 }, None),
        (Refusal::CallCycle(skill()), None),
        (Refusal::Expired, None),
        (Refusal::Revoked, None),
    ]
}

#[test]
fn only_the_caller_s_own_faults_count_against_it() {
    for (refusal, misdeed) in table() {
        assert_eq!(Misdeed::of_call(&refusal, Tier::Known, Tier::Known), misdeed, "{refusal}");
        assert_eq!(Misdeed::of_message(&refusal, MessageKind::TaskRequest), misdeed, "{refusal}");
    }
}

#[test]
fn a_skill_that_the_first_caller_may_not_use_is_no_fault_of_the_delegating_peer() {
    for (refusal, misdeed) in table() {
        let delegated = Misdeed::of_call(&refusal, Tier::Internal, Tier::Known);
        assert_eq!(delegated, misdeed.filter(|misdeed| *misdeed != Misdeed::Refused), "{refusal}");
        // A delegated call at the peer's own tier is judged like the peer's own calls.
        assert_eq!(Misdeed::of_call(&refusal, Tier::Known, Tier::Known), misdeed, "{refusal}");
    }
}

#[test]
fn a_message_of_an_unknown_kind_is_no_fault() {
    for (refusal, _) in table() {
        assert_eq!(Misdeed::of_message(&refusal, MessageKind::Unknown), None, "{refusal}");
    }
}

#[test]
fn only_certain_faults_of_a_provider_count_against_it() {
    let faults = [ErrorCode::SkillFailed, ErrorCode::InvalidOutput, ErrorCode::Internal];
    let others = [
        ErrorCode::UnknownSkill,
        ErrorCode::VersionMismatch,
        ErrorCode::InvalidInput,
        ErrorCode::LimitExceeded,
        ErrorCode::Deadline,
        ErrorCode::Expired,
        ErrorCode::Cancelled,
        ErrorCode::Withheld,
        ErrorCode::TrustTierTooLow,
        ErrorCode::PeerUnreachable,
        ErrorCode::NotConnected,
        ErrorCode::BadInvite,
        ErrorCode::BadComponent,
        ErrorCode::InUse,
        ErrorCode::Usage,
    ];
    assert!(faults.into_iter().all(is_provider_fault));
    assert!(!others.into_iter().any(is_provider_fault));
}
