//! The lead of a group: deputies, take-overs, and invitations through a change of stewards.

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{
    GroupDeputies, GroupInvite, GroupJoin, GroupList, GroupRemove, GroupTakeOver, GroupTransfer,
};
use coworker_policy::{ErrorCode, Tier};

use crate::groups::{acquainted, create, crew, fails, hears, info, named, say};
use crate::harness::{SECONDS, Town, connect, set_tier, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_deputy_takes_over_from_a_steward_that_is_gone() {
    let town = Town::new();
    let mut agents = crew(&town, &["ada", "bob", "cyd"]).await;
    let deputies = |set: Option<Vec<String>>| GroupDeputies { group: "crew".into(), set };
    assert_eq!(fails(deputies(Some(vec![named(&agents[1])])), &agents[1]).await.0, ErrorCode::Usage);
    assert_eq!(
        fails(deputies(Some(vec![named(&agents[0])])), &agents[0]).await.0,
        ErrorCode::Usage,
        "the steward is no deputy"
    );
    let led = deputies(Some(vec![named(&agents[1])])).run(&agents[0]).await.unwrap();
    assert_eq!(led.deputies, [agents[1].peer_id()]);
    let ada = agents.remove(0);
    let (bob, cyd) = (&agents[0], &agents[1]);
    until("cyd knows", async || deputies(None).run(cyd).await.unwrap().deputies == [bob.peer_id()]).await;
    ada.close().await;
    drop(ada);
    let take_over = || GroupTakeOver { group: "crew".into() };
    assert_eq!(fails(take_over(), cyd).await.0, ErrorCode::Usage);
    take_over().run(bob).await.unwrap();
    assert_eq!(fails(take_over(), bob).await.0, ErrorCode::Usage, "it is the steward");
    until("cyd follows", async || info(cyd).await.steward == Some(bob.peer_id())).await;
    say(cyd, "on we go").await;
    hears(bob, "on we go").await;
    // The old steward follows when it is back.
    let ada = town.open("ada").await;
    ada.serve().await.unwrap();
    until("ada follows", async || info(&ada).await.steward == Some(bob.peer_id())).await;
    hears(&ada, "on we go").await;
    assert!(deputies(None).run(bob).await.unwrap().deputies.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_of_a_former_steward_is_reported_as_void() {
    let town = Town::new();
    let agents = acquainted(&town, &["ada", "bob", "cyd", "dan"]).await;
    let (ada, bob, cyd, dan) = (&agents[0], &agents[1], &agents[2], &agents[3]);
    create(ada, &[bob]).await;
    let invite = |peer: &Agent| GroupInvite { group: "crew".into(), peer: named(peer) };
    let waits = async |agent: &Agent| !GroupList {}.run(agent).await.unwrap().invites.is_empty();
    for peer in [cyd, dan] {
        invite(peer).run(ada).await.unwrap();
        until("it is asked in", async || waits(peer).await).await;
    }
    // Taken back, and led by another: both say so.
    GroupRemove { group: "crew".into(), peer: named(dan) }.run(ada).await.unwrap();
    until("dan hears", async || !waits(dan).await).await;
    GroupTransfer { group: "crew".into(), peer: named(bob) }.run(ada).await.unwrap();
    until("cyd hears", async || !waits(cyd).await).await;

    // One that was accepted before that is heard of ends with a word, not with silence.
    connect(dan, bob).await;
    set_tier(dan, bob.peer_id(), Tier::Known).await;
    until("bob leads", async || info(bob).await.is_steward).await;
    invite(dan).run(bob).await.unwrap();
    until("dan is asked in", async || waits(dan).await).await;
    let group = info(bob).await.group;
    assert!(town.in_transaction("bob", |tx| tx.take_group_invited(group, dan.peer_id())));
    let joining = GroupJoin { group: "crew".into(), timeout: SECONDS };
    assert_eq!(fails(joining, dan).await.0, ErrorCode::BadInvite);
    assert!(!waits(dan).await, "its key package is withdrawn");
}
