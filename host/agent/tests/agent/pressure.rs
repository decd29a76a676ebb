//! Much at once, and the same again and again.

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{GroupCreate, GroupDeputies, GroupList, GroupSend, Ping};
use coworker_channel::{Frame, GroupNews, LogEntry, Logged, Message};
use coworker_policy::{GroupId, PeerId, RequestId, Tier};
use serde_json::json;
use tokio::task::JoinSet;

use crate::groups::{acquainted, create, crew, info};
use crate::harness::{SECONDS, Town, connect, set_tier, until};
use crate::stranger::Stranger;

const NOBODY: PeerId = PeerId::from_bytes([9; 32]);

async fn ping(from: &Agent, to: PeerId) {
    Ping { peer: to.to_string(), timeout: SECONDS }.run(from).await.unwrap();
}

/// Has `from`, which is not open, say this to `to` as soon as the two are connected.
fn leave(town: &Town, from: &str, to: PeerId, messages: &[Message]) {
    town.in_transaction(from, |tx| {
        messages.iter().try_for_each(|message| tx.enqueue(to, &message.encode(), None, i64::MAX).map(drop))
    });
}

async fn delivered(town: &Town, from: &str, to: PeerId) {
    until("all is taken", async || town.in_transaction(from, |tx| tx.queued(to)) == 0).await;
}

fn about(group: GroupId, news: GroupNews) -> Message {
    Message::Group { id: RequestId::random(), group, news: Box::new(news) }
}

/// A connection with more than 64 MiB to be written is cut off, so the mail that is sent again at once on a new one
/// must be less.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_its_way_is_less_than_a_connection_holds() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    delivered(&town, "ada", eve.id).await;
    eve.hang_up();
    let ada_id = ada.peer_id();
    ada.close().await;
    drop(ada);
    let long = "x".repeat(3 << 20);
    let all = 20;
    let answers: Vec<_> = (0..all)
        .map(|_| Message::TaskResponse { id: RequestId::random(), output: json!(long).into() })
        .collect();
    leave(&town, "ada", eve.id, &answers);
    let _ada = town.open("ada").await;
    eve.polite = false;
    eve.resume(ada_id).await;
    eve.read().await;
    let on_its_way = town.in_transaction("ada", |tx| tx.sealed_bytes(eve.id));
    assert!((8 << 20..48 << 20).contains(&on_its_way), "{on_its_way}");
    // Messages that were read make room for the rest.
    eve.polite = true;
    eve.say(&Frame::Ack { session: eve.session_id(), seq: eve.received });
    for _ in 1..all {
        eve.read().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_is_repeated_is_written_down_once() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Known).await;
    let made = GroupCreate { name: "crew".into(), peers: Vec::new() }.run(&bob).await.unwrap();
    bob.close().await;
    drop(bob);
    let invites: Vec<_> = (0..200)
        .map(|_| GroupNews::Invite { name: "crew".parse().unwrap(), members: Vec::new() })
        .map(|news| about(made.info.group, news))
        .collect();
    leave(&town, "bob", ada.peer_id(), &invites);
    let bob = town.open("bob").await;
    ping(&bob, ada.peer_id()).await;
    delivered(&town, "bob", ada.peer_id()).await;
    assert_eq!(GroupList {}.run(&ada).await.unwrap().invites.len(), 1);
    let noted = town.audit_rows("ada").iter().filter(|row| row.event == "group_invited_us").count();
    assert_eq!(noted, 1);
}

/// A question of a few bytes is answered with up to 64 commits of up to 256 KiB.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_told_once_at_a_time() {
    let town = Town::new();
    let mut agents = crew(&town, &["ada", "bob", "cyd", "dan"]).await;
    let group = info(&agents[0]).await.group;
    let bob = agents.remove(1);
    let ada = &agents[0];
    bob.close().await;
    drop(bob);
    let questions: Vec<_> = (0..200).map(|_| about(group, GroupNews::History { from: 0 })).collect();
    leave(&town, "bob", ada.peer_id(), &questions);
    let posted = || town.in_transaction("ada", |tx| tx.enqueue(NOBODY, b"", None, i64::MAX));
    let before = posted();
    let bob = town.open("bob").await;
    ping(&bob, ada.peer_id()).await;
    delivered(&town, "bob", ada.peer_id()).await;
    let answers = posted() - before;
    assert!((3..60).contains(&answers), "{answers} messages for 200 questions");
}

/// Between two messages that a member reads there may be 5,000 that it did not get, within an epoch.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_sends_much_renews_its_keys() {
    let town = Town::new();
    let agents = acquainted(&town, &["ada", "bob", "cyd"]).await;
    create(&agents[0], &[&agents[1]]).await;
    for agent in &agents[..2] {
        let before = info(agent).await.epoch.unwrap();
        let mut saying = JoinSet::new();
        for number in 0..1_010 {
            let (agent, text) = (agent.clone(), number.to_string());
            saying.spawn(async move { GroupSend { group: "crew".into(), text }.run(&agent).await.unwrap() });
        }
        saying.join_all().await;
        until("its keys are new", async || info(agent).await.epoch.unwrap() > before).await;
    }
}

/// A former member knows the group's id, and has genuine commits.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_member_learns_nothing_of_a_group_that_it_has_commits_of() {
    let town = Town::new();
    let mut agents = crew(&town, &["ada", "bob", "cyd"]).await;
    let group = info(&agents[0]).await.group;
    let bob = agents.remove(1);
    bob.close().await;
    drop(bob);
    // Two epochs that bob does not know of.
    let ada = agents.remove(0);
    for set in [vec![agents[0].peer_id().to_string()], Vec::new()] {
        GroupDeputies { group: "crew".into(), set: Some(set) }.run(&ada).await.unwrap();
    }
    ada.close().await;
    drop(ada);
    let row = town.in_transaction("ada", |tx| tx.last_group_log(group)).unwrap();
    let entry = LogEntry::decode(&row.entry).unwrap();
    let logged = Logged { entry, commit: row.commit.unwrap() };
    agents.remove(0).close().await;
    let bob = town.open("bob").await;
    let mut mallory = Stranger::new(&town.hub, "mallory");
    mallory.meet(bob.peer_id()).await;
    for _ in 0..3 {
        mallory.send(&about(group, GroupNews::Commit(logged.clone())));
        // The next thing that it hears is the answer to this, not a question.
        mallory.expect_silence().await;
    }
}
