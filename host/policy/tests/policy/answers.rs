//! The answers that a refused caller gets, byte for byte.

use std::fmt::Write;
use std::time::Duration;

use coworker_policy::{ErrorCode, Refusal, Tier};

/// One refusal of every kind, with private detail in each place that can hold any.
fn refusals() -> Vec<Refusal> {
    let skill = || "payroll".parse().unwrap();
    vec![
        Refusal::MessageTierTooLow { tier: Tier::Known, needs: Tier::Privileged },
        Refusal::TooManyPending { limit: 16 },
        Refusal::TooManyCalls { limit: 60, wait: Duration::from_millis(7_001) },
        Refusal::TooManyCallsOfSkill { skill: skill(), limit: 5, wait: Duration::from_secs(7) },
        Refusal::PassedOnTooOften { depth: 5, max: 4 },
        Refusal::CallCycle(skill()),
        Refusal::NoSuchSkill,
        Refusal::Hidden(skill()),
        Refusal::SkillTierTooLow { skill: skill(), from: Tier::Internal, tier: Tier::Known },
        Refusal::InputTooLarge { size: 300_000, max: 262_144 },
        Refusal::InputMismatch("`/text`: value is not of type \"string\"".to_owned()),
        Refusal::OutputTooLarge { size: 987_654, max: 262_144 },
        Refusal::OutputNotJson("SECRET at line 1".to_owned()),
        Refusal::OutputMismatch("`/SECRET`: value is not of type \"string\"".to_owned()),
        Refusal::Revoked,
    ]
}

fn wire(refusal: &Refusal) -> String {
    serde_json::to_string(&refusal.public()).unwrap()
}

#[test]
fn hidden_too_low_revoked_and_unknown_are_the_same_bytes() {
    let unknown = wire(&Refusal::NoSuchSkill);
    for name in ["payroll", "a", "a-name-that-is-much-longer-than-any-other-name-in-this-test"] {
        let skill = || name.parse().unwrap();
        assert_eq!(wire(&Refusal::Hidden(skill())), unknown);
        for from in Tier::ALL {
            for tier in Tier::ALL {
                assert_eq!(wire(&Refusal::SkillTierTooLow { skill: skill(), from, tier }), unknown);
            }
        }
    }
    assert_eq!(wire(&Refusal::Revoked), unknown);
}

#[test]
fn nothing_private_is_in_a_public_refusal() {
    for refusal in refusals() {
        let wire = wire(&refusal);
        for private in ["payroll", "SECRET", "987654", "INTERNAL", "KNOWN\"", "PRIVILEGED"] {
            assert!(!wire.contains(private), "{refusal:?} tells {private}: {wire}");
        }
    }
}

#[test]
fn public_refusals_are_as_agreed() {
    let mut table = String::new();
    for refusal in refusals() {
        let public = refusal.public();
        writeln!(table, "{refusal}\n    {} {}", public.code(), public.message()).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn error_codes_are_as_agreed() {
    let codes = [
        ErrorCode::UnknownSkill,
        ErrorCode::VersionMismatch,
        ErrorCode::InvalidInput,
        ErrorCode::InvalidOutput,
        ErrorCode::SkillFailed,
        ErrorCode::LimitExceeded,
        ErrorCode::Deadline,
        ErrorCode::Cancelled,
        ErrorCode::Withheld,
        ErrorCode::TrustTierTooLow,
        ErrorCode::PeerUnreachable,
        ErrorCode::NotConnected,
        ErrorCode::BadInvite,
        ErrorCode::BadComponent,
        ErrorCode::InUse,
        ErrorCode::Usage,
        ErrorCode::Internal,
    ];
    let names: Vec<&str> = codes.iter().map(|code| code.name()).collect();
    insta::assert_snapshot!(names.join("\n"));
    for code in codes {
        let wire = serde_json::to_value(code).unwrap();
        assert_eq!(wire, code.name(), "the wire and the command line use one name");
        assert_eq!(serde_json::from_value::<ErrorCode>(wire).unwrap(), code);
    }
}
