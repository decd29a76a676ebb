//! Invites with a grant for the peer that brings them.

use std::time::Duration;

use coworker_agent::ops::Run as _;
use coworker_agent::{Agent, Invite};
use coworker_api::ApiError;
use coworker_api::ops::{
    Connect, Connected, Ends, Grant, Invitation, InviteInfo, InviteList, InviteRevoke, InviteState, Invited,
    TrustList, TrustLog, TrustSet,
};
use coworker_channel::Message;
use coworker_policy::trust::InviteToken;
use coworker_policy::{ErrorCode, PeerId, RequestId, Text, Tier};

use crate::guest::plain;
use crate::harness::{SECONDS, Town, log};
use crate::stranger::Stranger;

const WEEK: u64 = 7 * 24 * 60 * 60 * 1000;

fn known(uses: u64) -> Grant {
    let (ends, note) = (Ends::default(), Text::sanitized("the workshop"));
    Grant { tier: Tier::Known, uses, expires_ms: WEEK, ends, note }
}

async fn invite(agent: &Agent, grant: Grant) -> Result<Invited, ApiError> {
    Invitation { with_addresses: false, grant: Some(grant) }.run(agent).await
}

fn token(invited: &Invited) -> InviteToken {
    invited.code.parse::<Invite>().unwrap().token.unwrap()
}

async fn invites(agent: &Agent) -> Vec<InviteInfo> {
    InviteList {}.run(agent).await.unwrap()
}

async fn take(agent: &Agent, code: &str) -> Connected {
    Connect { code: code.to_owned(), at: Vec::new(), timeout: SECONDS }.run(agent).await.unwrap()
}

async fn guest(town: &Town, name: &str, agent: &Agent) -> Stranger {
    let mut guest = Stranger::new(&town.hub, name);
    guest.meet(agent.peer_id()).await;
    guest
}

async fn redeem(guest: &mut Stranger, token: &InviteToken) -> Option<Tier> {
    let id = RequestId::random();
    match guest.ask(&Message::TrustRedeem { id, token: token.clone() }).await {
        Message::TrustGrant { id: answered, tier } if answered == id => Some(tier),
        Message::TrustDeny { id: answered } if answered == id => None,
        other => panic!("{other:?}"),
    }
}

async fn set(agent: &Agent, peer: PeerId, tier: Tier) {
    TrustSet::standing(peer.to_string(), tier).run(agent).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_brings_its_tier_before_the_skills_are_shown() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    town.install(&ada, &plain(), Some(Tier::Known)).await;
    let ends = Ends { span_ms: Some(WEEK), calls: Some(9), goal: false };
    let invited = invite(&ada, Grant { ends, ..known(1) }).await.unwrap();
    let written = invited.grant.as_ref().unwrap();
    assert_eq!((written.uses_left, written.ends, written.state), (1, ends, InviteState::Open));

    let connected = take(&bob, &invited.code).await;
    assert_eq!(connected.invite.unwrap().granted, Some(Tier::Known));
    assert_eq!(connected.skills.len(), 1, "it sees what its new tier lets it see");
    assert_eq!(connected.tier, Tier::Untrusted, "what it thinks of ada is its own business");
    let decision = TrustList {}.run(&ada).await.unwrap().remove(0);
    assert_eq!((decision.peer, decision.tier), (bob.peer_id(), Tier::Known));
    assert_eq!(decision.lease.unwrap().calls_left, Some(9));
    assert_eq!(invites(&ada).await[0].state, InviteState::UsedUp);
    let entry = TrustLog { peer: None, limit: 9 }.run(&ada).await.unwrap().remove(0);
    assert_eq!((entry.reason.as_str(), entry.note.as_str()), ("invite", "the workshop"));

    // Bringing the code again, because the answer was lost, gets the same answer and uses up nothing.
    let again = take(&bob, &invited.code).await;
    assert_eq!(again.invite.unwrap().granted, Some(Tier::Known));
    assert_eq!(TrustLog { peer: None, limit: 9 }.run(&ada).await.unwrap().len(), 1);
    let events: Vec<_> = log(&ada).await.into_iter().map(|entry| entry.event).collect();
    assert!(events.contains(&"invite_written".to_owned()) && events.contains(&"trust_changed".to_owned()));
    let secret = token(&invited).to_string();
    assert!(town.audit_rows("ada").iter().all(|row| !row.detail.to_string().contains(&secret)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_without_a_grant_asks_for_nothing() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    let code = Invitation { with_addresses: false, grant: None }.run(&ada).await.unwrap().code;
    assert!(code.parse::<Invite>().unwrap().token.is_none());
    assert!(take(&bob, &code).await.invite.is_none());
    assert!(TrustList {}.run(&ada).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_invite_is_worth_as_many_uses_as_it_has_however_they_come() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let token = token(&invite(&ada, known(2)).await.unwrap());
    let mut guests = Vec::new();
    for name in ["eve", "fay", "gus", "hal", "ivy"] {
        guests.push(guest(&town, name, &ada).await);
    }
    // All ask before any of them reads.
    for guest in &mut guests {
        for _ in 0..2 {
            guest.send(&Message::TrustRedeem { id: RequestId::random(), token: token.clone() });
        }
    }
    let mut granted = 0;
    for guest in &mut guests {
        let answers = [guest.read().await, guest.read().await];
        let grants = answers.iter().filter(|answer| matches!(answer, Message::TrustGrant { .. })).count();
        assert!(matches!(grants, 0 | 2), "a replay hears the same: {answers:?}");
        granted += grants / 2;
    }
    assert_eq!(granted, 2);
    assert_eq!(TrustList {}.run(&ada).await.unwrap().len(), 2);
    assert_eq!(invites(&ada).await[0].uses_left, 0);
}

/// Unknown, expired, revoked, used up, shut out: the same message, the same size.
#[tokio::test(flavor = "multi_thread")]
async fn all_that_grants_nothing_is_one_answer() {
    let (town, hand) = Town::with_manual_clock();
    let ada = town.open("ada").await;
    let mut eve = guest(&town, "eve", &ada).await;
    let expired = invite(&ada, Grant { expires_ms: 1, ..known(1) }).await.unwrap();
    let revoked = invite(&ada, known(1)).await.unwrap();
    let id = revoked.grant.as_ref().unwrap().id.clone();
    assert_eq!(InviteRevoke { id: id[..6].to_owned() }.run(&ada).await.unwrap().id, id);
    let used = invite(&ada, known(1)).await.unwrap();
    let mut fay = guest(&town, "fay", &ada).await;
    assert_eq!(redeem(&mut fay, &token(&used)).await, Some(Tier::Known));
    hand.advance(Duration::from_millis(1));

    let mut sizes = Vec::new();
    for worthless in [InviteToken::from_random([3; 16]), token(&expired), token(&revoked), token(&used)] {
        assert_eq!(redeem(&mut eve, &worthless).await, None);
        sizes.push(eve.frame_length);
    }
    assert!(TrustList {}.run(&ada).await.unwrap().iter().all(|decision| decision.peer != eve.id));
    let good = invite(&ada, known(9)).await.unwrap();
    set(&ada, eve.id, Tier::Untrusted).await;
    assert_eq!(redeem(&mut eve, &token(&good)).await, None, "the owner shut it out");
    sizes.push(eve.frame_length);
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
    assert_eq!(invites(&ada).await[0].uses_left, 9);
    assert!(log(&ada).await.iter().any(|entry| entry.event == "invite_refused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_lowers_nobody_and_tells_nobody_how_high_they_are() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let mut eve = guest(&town, "eve", &ada).await;
    set(&ada, eve.id, Tier::Privileged).await;
    let invited = invite(&ada, known(1)).await.unwrap();
    assert_eq!(redeem(&mut eve, &token(&invited)).await, Some(Tier::Known));
    assert_eq!(TrustList {}.run(&ada).await.unwrap()[0].tier, Tier::Privileged);
    assert_eq!(invites(&ada).await[0].uses_left, 1, "no use is taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_owner_cannot_write_is_said() {
    let town = Town::new();
    let ada = town.open("ada").await;
    for grant in [
        Grant { tier: Tier::Internal, ..known(1) },
        Grant { tier: Tier::Untrusted, ..known(1) },
        Grant { uses: 0, ..known(1) },
        Grant { expires_ms: 0, ..known(1) },
        Grant { ends: Ends { span_ms: None, calls: Some(0), goal: false }, ..known(1) },
    ] {
        assert_eq!(invite(&ada, grant).await.unwrap_err().code, ErrorCode::Usage);
    }
    assert!(invites(&ada).await.is_empty());
    invite(&ada, known(1)).await.unwrap();
    for id in ["", "0", "zzzzzz"] {
        let error = InviteRevoke { id: id.to_owned() }.run(&ada).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Usage, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_survives_a_restart_and_a_revocation_keeps_granted_trust() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let invited = invite(&ada, known(2)).await.unwrap();
    let ada = town.restart("ada", ada).await;
    let mut eve = guest(&town, "eve", &ada).await;
    assert_eq!(redeem(&mut eve, &token(&invited)).await, Some(Tier::Known));
    InviteRevoke { id: invited.grant.as_ref().unwrap().id.clone() }.run(&ada).await.unwrap();
    assert_eq!(invites(&ada).await[0].state, InviteState::Revoked);
    let mut fay = guest(&town, "fay", &ada).await;
    assert_eq!(redeem(&mut fay, &token(&invited)).await, None);
    assert_eq!(TrustList {}.run(&ada).await.unwrap()[0].tier, Tier::Known);
}
