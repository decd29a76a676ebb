//! Trust that ends by itself: time, use and faults lower it, and only the owner raises it.

use std::time::Duration;

use coworker_policy::Tier;
use coworker_policy::trust::{
    Faults, InviteGrant, InviteToken, Lease, LeaseTerms, Misdeed, Reason, Spent, TierChange, TokenRefusal,
    Trust, span,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::cases;

const DAY: i64 = 24 * 60 * 60 * 1000;

fn for_days(days: u64) -> LeaseTerms {
    LeaseTerms { span: Some(Duration::from_secs(days * 24 * 60 * 60)), ..LeaseTerms::default() }
}

fn calls(calls: u64) -> LeaseTerms {
    LeaseTerms { calls: Some(calls), ..LeaseTerms::default() }
}

fn goal() -> LeaseTerms {
    LeaseTerms { until_goal: true, ..LeaseTerms::default() }
}

fn known() -> Trust {
    Trust::standing(Tier::Known)
}

fn change(from: Tier, to: Tier, reason: Reason) -> TierChange {
    TierChange { from, to, reason }
}

#[test]
fn a_lease_ends_at_its_time_and_stays_ended() {
    let mut trust = known().leased(Tier::Internal, for_days(7), 1_000);
    assert_eq!(trust.lease().and_then(|lease| lease.until_ms), Some(1_000 + 7 * DAY));
    assert_eq!(trust.tier_at(999 + 7 * DAY), Tier::Internal);
    assert_eq!(trust.tier_at(1_000 + 7 * DAY), Tier::Known);
    assert_eq!(trust.expire(999 + 7 * DAY), None);
    let ended = trust.expire(1_000 + 7 * DAY);
    assert_eq!(ended, Some(change(Tier::Internal, Tier::Known, Reason::LeaseTime)));
    assert_eq!(trust.tier_at(0), Tier::Known, "a clock that is set back brings nothing back");
    assert_eq!(trust.expire(i64::MAX), None);
}

#[test]
fn a_lease_ends_where_the_owner_s_word_without_one_stands() {
    use Tier::{Internal, Known, Privileged, Untrusted};
    for (before, leased, after) in [
        (Untrusted, Known, Untrusted),
        (Known, Internal, Known),
        (Known, Privileged, Known),
        (Known, Known, Untrusted),
        (Internal, Known, Untrusted),
        (Internal, Untrusted, Untrusted),
    ] {
        let trust = Trust::standing(before).leased(leased, for_days(1), 0);
        assert_eq!((trust.tier_at(0), trust.tier_at(DAY)), (leased, after), "{leased} over {before}");
    }
    let renewed = known().leased(Internal, for_days(1), 0).leased(Privileged, for_days(1), 0);
    assert_eq!(renewed.without_lease(), Known);
    assert_eq!(known().leased(Internal, LeaseTerms::default(), 0), Trust::standing(Internal));
}

#[test]
fn the_last_call_of_a_lease_runs_and_the_one_after_does_not() {
    let mut trust = known().leased(Tier::Internal, calls(2), 0);
    assert_eq!(trust.call_counted(Tier::Internal, 0), Ok(None));
    let last = trust.call_counted(Tier::Internal, 0).unwrap().unwrap();
    assert_eq!(Some(last), Some(change(Tier::Internal, Tier::Known, Reason::LeaseCalls)));
    assert!(!last.stops_running());
    assert_eq!(trust.call_counted(Tier::Internal, 0), Err(Spent), "judged before the last one was taken");
    assert_eq!(trust.call_counted(Tier::Known, 0), Ok(None));
    assert_eq!(trust.tier_at(0), Tier::Known);

    let mut trust = known().leased(Tier::Internal, for_days(1), 0);
    assert_eq!(trust.call_counted(Tier::Internal, DAY), Err(Spent), "the time ran out in between");
    assert_eq!(known().leased(Tier::Internal, calls(0), 0).tier_at(0), Tier::Known);
}

#[test]
fn a_goal_takes_one_step_and_stops_at_known() {
    let mut trust = Trust::standing(Tier::Privileged);
    assert_eq!(trust.goal_completed(0), Some(change(Tier::Privileged, Tier::Internal, Reason::Goal)));
    assert_eq!(trust.goal_completed(0), Some(change(Tier::Internal, Tier::Known, Reason::Goal)));
    assert_eq!(trust.goal_completed(0), None);
    assert_eq!(trust.tier_at(0), Tier::Known);
    assert_eq!(Trust::default().goal_completed(0), None);

    let mut trust = known().leased(Tier::Privileged, for_days(1), 0);
    assert_eq!(trust.goal_completed(0), Some(change(Tier::Privileged, Tier::Internal, Reason::Goal)));
    assert_eq!((trust.tier_at(0), trust.tier_at(DAY)), (Tier::Internal, Tier::Known));

    let mut trust = Trust::default().leased(Tier::Known, goal(), 0);
    assert_eq!(trust.goal_completed(0), Some(change(Tier::Known, Tier::Untrusted, Reason::LeaseGoal)));
}

#[test]
fn three_failures_in_a_row_cost_a_step_and_a_good_one_forgives() {
    let mut trust = Trust::standing(Tier::Privileged);
    for _ in 0..2 {
        assert_eq!(trust.provider_failed(0), None);
        assert_eq!(trust.provider_failed(0), None);
        trust.provider_succeeded();
    }
    assert_eq!(trust.as_provider(), Faults { in_row: 0, total: 4 });
    assert_eq!(trust.provider_failed(0), None);
    assert_eq!(trust.provider_failed(0), None);
    assert_eq!(trust.provider_failed(0), Some(change(Tier::Privileged, Tier::Internal, Reason::ProviderRow)));
    trust.provider_succeeded();
    assert_eq!(trust.provider_failed(0), None);
    trust.provider_succeeded();
    assert_eq!(trust.provider_failed(0), None);
    assert_eq!(
        trust.provider_failed(0),
        Some(change(Tier::Internal, Tier::Untrusted, Reason::ProviderAll)),
        "the tenth"
    );
    assert!(trust.is_shut());
}

#[test]
fn the_two_roles_are_counted_apart() {
    let mut trust = known();
    for _ in 0..2 {
        assert_eq!(trust.provider_failed(0), None);
        assert_eq!(trust.caller_misbehaved(Misdeed::Refused, 0), None);
    }
    let third = trust.caller_misbehaved(Misdeed::OverQuota, 0);
    assert_eq!(third, Some(change(Tier::Known, Tier::Untrusted, Reason::CallerRow(Misdeed::OverQuota))));
    assert!(third.unwrap().stops_running());
    assert_eq!(trust.as_provider(), Faults { in_row: 2, total: 2 });
}

/// Otherwise the end of a lease would raise a peer that was lowered.
#[test]
fn a_step_down_takes_what_is_below_the_lease_with_it() {
    let mut trust = Trust::standing(Tier::Internal).leased(Tier::Privileged, for_days(1), 0);
    for _ in 0..3 {
        trust.provider_failed(0);
    }
    assert_eq!((trust.tier_at(0), trust.tier_at(DAY)), (Tier::Internal, Tier::Internal));
    for _ in 0..3 {
        trust.provider_failed(0);
    }
    assert_eq!((trust.tier_at(0), trust.tier_at(DAY)), (Tier::Known, Tier::Known));
}

#[test]
fn an_invite_gives_what_the_owner_wrote_and_to_nobody_shut_out() {
    let grant = InviteGrant::new(Tier::Known, for_days(1)).unwrap();
    assert!(InviteGrant::new(Tier::Internal, for_days(1)).is_err());

    let mut stranger = Trust::default();
    let gained = stranger.invited(&grant, 0);
    assert_eq!(gained, Ok(Some(change(Tier::Untrusted, Tier::Known, Reason::Invite))));
    assert_eq!((stranger.tier_at(0), stranger.tier_at(DAY)), (Tier::Known, Tier::Untrusted));
    stranger.expire(DAY);
    assert!(stranger.invited(&grant, DAY).unwrap().is_some(), "a second invite, after the first one's lease");

    let mut friend = Trust::standing(Tier::Internal);
    assert_eq!((friend.invited(&grant, 0), friend.tier_at(DAY)), (Ok(None), Tier::Internal));

    let mut refused = Trust::standing(Tier::Untrusted);
    assert_eq!(refused.invited(&grant, 0), Err(TokenRefusal::Shut));
    let mut fallen = known();
    for _ in 0..3 {
        fallen.caller_misbehaved(Misdeed::Malformed, 0);
    }
    assert_eq!(fallen.invited(&grant, 0), Err(TokenRefusal::Shut));
}

#[test]
fn a_token_is_26_characters_and_its_hash_is_not_it() {
    let token = InviteToken::from_random([7; 16]);
    let text = token.to_string();
    assert_eq!(text.len(), 26);
    assert_eq!(text.parse::<InviteToken>().unwrap(), token);
    assert_eq!(text.to_uppercase().parse::<InviteToken>().unwrap(), token);
    assert_eq!(format!("{token:?}"), "InviteToken");
    assert!(!token.hash().to_string().contains(&text));
    for bad in ["", "a", &text[1..], &format!("{text}a")] {
        assert!(bad.parse::<InviteToken>().is_err(), "{bad}");
    }
}

#[test]
fn lengths_of_time_are_written_as_people_write_them() {
    let seconds = |text: &str| span(text).unwrap().as_secs();
    assert_eq!(seconds("7d"), 7 * 24 * 3600);
    assert_eq!(seconds("1h 30m"), 5_400);
    assert_eq!(seconds("2 weeks"), 14 * 24 * 3600);
    for bad in ["", "7", "d", "-1d", "0s", "10ms", "11y", "99999999999999999999d", "1d; rm"] {
        assert!(span(bad).is_err(), "{bad}");
    }
}

#[test]
fn reasons_are_stored_by_name() {
    let mut names = Vec::new();
    let misdeeds = [Misdeed::Malformed, Misdeed::Refused, Misdeed::OverQuota];
    let of_callers = misdeeds.into_iter().flat_map(|m| [Reason::CallerRow(m), Reason::CallerAll(m)]);
    let plain = [
        Reason::Owner,
        Reason::Accepted,
        Reason::Invite,
        Reason::LeaseTime,
        Reason::LeaseCalls,
        Reason::LeaseGoal,
        Reason::Goal,
        Reason::ProviderRow,
        Reason::ProviderAll,
    ];
    for reason in plain.into_iter().chain(of_callers) {
        assert_eq!(reason.name().parse::<Reason>().unwrap(), reason);
        names.push(format!("{}: {reason}", reason.name()));
    }
    assert!("caller_row:".parse::<Reason>().is_err());
    insta::assert_snapshot!(names.join("\n"));
}

#[derive(Clone, Debug)]
enum Event {
    Pass(i64),
    Expire,
    Call,
    Goal,
    Failed,
    Succeeded,
    Misbehaved,
    Behaved,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..3 * DAY).prop_map(Event::Pass),
        Just(Event::Expire),
        Just(Event::Call),
        Just(Event::Goal),
        Just(Event::Failed),
        Just(Event::Succeeded),
        Just(Event::Misbehaved),
        Just(Event::Behaved),
    ]
}

fn tier() -> impl Strategy<Value = Tier> {
    proptest::sample::select(Tier::ALL.to_vec())
}

fn trust() -> impl Strategy<Value = Trust> {
    let lease =
        (tier(), proptest::option::of(0..5 * DAY), proptest::option::of(0_u64..4), any::<bool>()).prop_map(
            |(tier, until_ms, calls_left, until_goal)| Lease { tier, until_ms, calls_left, until_goal },
        );
    (tier(), proptest::option::of(lease))
        .prop_map(|(tier, lease)| Trust::restored(tier, lease, Faults::default(), Faults::default(), false))
}

fn happens(trust: &mut Trust, event: &Event, now: &mut i64) -> Option<TierChange> {
    match event {
        Event::Pass(ms) => {
            *now += ms;
            None
        }
        Event::Expire => trust.expire(*now),
        Event::Call => trust.call_counted(trust.tier_at(*now), *now).unwrap(),
        Event::Goal => trust.goal_completed(*now),
        Event::Failed => trust.provider_failed(*now),
        Event::Misbehaved => trust.caller_misbehaved(Misdeed::Refused, *now),
        Event::Succeeded => {
            trust.provider_succeeded();
            None
        }
        Event::Behaved => {
            trust.caller_behaved();
            None
        }
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn nothing_but_the_owner_raises_trust(start in trust(), events in vec(event(), 0..40)) {
        let (mut trust, mut now) = (start, 0);
        for event in events {
            let before = trust.tier_at(now);
            let at = now;
            let change = happens(&mut trust, &event, &mut now);
            let after = trust.tier_at(now);
            prop_assert!(after <= before, "{event:?} took {before} to {after}");
            prop_assert!(trust.without_lease() <= after);
            if let Some(change) = change {
                prop_assert!(change.to < change.from);
                prop_assert_eq!(change.to, after, "what the log says is what is in force");
                let by_time = change.reason == Reason::LeaseTime;
                prop_assert!(by_time || change.from == before);
            } else if now == at {
                prop_assert_eq!(after, before, "no change goes unsaid");
            }
        }
    }

    #[test]
    fn a_tier_never_grows_with_time(trust in trust(), times in vec(-DAY..9 * DAY, 2..20)) {
        let mut times = times;
        times.sort_unstable();
        prop_assert!(times.windows(2).all(|w| trust.tier_at(w[0]) >= trust.tier_at(w[1])));
    }

    #[test]
    fn stored_trust_is_restored_unchanged(start in trust(), events in vec(event(), 0..40)) {
        let (mut trust, mut now) = (start, 0);
        for event in &events {
            happens(&mut trust, event, &mut now);
        }
        let restored = Trust::restored(
            trust.without_lease(), trust.lease().cloned(), trust.as_provider(), trust.as_caller(), trust.is_shut(),
        );
        prop_assert_eq!(restored, trust);
    }
}
