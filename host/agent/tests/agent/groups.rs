//! Groups: their members, their messages, and their fate when members come, go and restart.

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{
    GroupCall, GroupConversation, GroupCreate, GroupDiscover, GroupInfo, GroupInvite, GroupJoin, GroupLeave,
    GroupList, GroupMembers, GroupRead, GroupRemove, GroupSaid, GroupSend, GroupTransfer,
};
use coworker_channel::{GroupNews, Message};
use coworker_policy::{ErrorCode, GroupId, PeerId, RequestId, Text, Tier};
use serde_json::json;

use crate::guest::plain;
use crate::harness::{SECONDS, Town, connect, identity, set_tier, until};
use crate::stranger::Stranger;

/// Agents that know each other well enough to be asked into groups by the first.
pub(crate) async fn acquainted(town: &Town, names: &[&str]) -> Vec<Agent> {
    let mut agents = Vec::new();
    for name in names {
        agents.push(town.open(name).await);
    }
    for agent in &agents[1..] {
        connect(agent, &agents[0]).await;
        set_tier(agent, agents[0].peer_id(), Tier::Known).await;
    }
    agents
}

pub(crate) async fn join(agent: &Agent) -> GroupInfo {
    until("the invitation comes", async || !GroupList {}.run(agent).await.unwrap().invites.is_empty()).await;
    GroupJoin { group: "crew".into(), timeout: SECONDS }.run(agent).await.unwrap()
}

pub(crate) async fn create(steward: &Agent, others: &[&Agent]) {
    let peers = others.iter().map(|agent| agent.peer_id().to_string()).collect();
    GroupCreate { name: "crew".into(), peers }.run(steward).await.unwrap();
    for other in others {
        join(other).await;
    }
}

/// The agents `names`, all in one group whose steward is the first.
pub(crate) async fn crew(town: &Town, names: &[&str]) -> Vec<Agent> {
    let agents = acquainted(town, names).await;
    create(&agents[0], &agents[1..].iter().collect::<Vec<_>>()).await;
    for agent in &agents {
        in_step(agent, agents.len()).await;
    }
    agents
}

async fn in_step(agent: &Agent, members: usize) {
    until("all are in", async || info(agent).await.members == members).await;
}

pub(crate) async fn info(agent: &Agent) -> GroupInfo {
    GroupList {}.run(agent).await.unwrap().groups.remove(0)
}

pub(crate) async fn say(agent: &Agent, text: &str) {
    GroupSend { group: "crew".into(), text: text.into() }.run(agent).await.unwrap();
}

pub(crate) async fn read(agent: &Agent) -> Vec<GroupSaid> {
    let read = GroupRead { group: "crew".into(), since: 0, limit: 20_000, wait: 0.0 };
    read.run(agent).await.unwrap().messages
}

async fn texts(agent: &Agent) -> Vec<String> {
    read(agent).await.into_iter().map(|said| said.text).collect()
}

pub(crate) async fn hears(agent: &Agent, text: &str) {
    until(text, async || texts(agent).await.iter().any(|heard| heard == text)).await;
}

pub(crate) fn named(agent: &Agent) -> String {
    agent.peer_id().to_string()
}

pub(crate) async fn fails<O: coworker_agent::ops::Run>(operation: O, agent: &Agent) -> (ErrorCode, String)
where
    O::Answer: std::fmt::Debug,
{
    let error = operation.run(agent).await.unwrap_err();
    assert!(!error.hints.is_empty(), "{error:?}");
    (error.code, error.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn members_talk_and_see_the_same_sequence() {
    let town = Town::new();
    let agents = crew(&town, &["ada", "bob", "cyd"]).await;
    // Those that never met talk too.
    say(&agents[1], "one").await;
    hears(&agents[2], "one").await;
    say(&agents[2], "two").await;
    hears(&agents[1], "two").await;
    say(&agents[0], "three").await;
    for agent in &agents {
        hears(agent, "three").await;
        let said = read(agent).await;
        assert_eq!(said.iter().map(|said| said.text.as_str()).collect::<Vec<_>>(), ["one", "two", "three"]);
        assert_eq!(said[0].from, agents[1].peer_id());
    }
    // Reading on waits for the next message.
    let since = read(&agents[1]).await.iter().map(|said| said.n).max().unwrap();
    let reader = agents[1].clone();
    let reading = tokio::spawn(async move {
        GroupRead { group: "crew".into(), since, limit: 10, wait: SECONDS }.run(&reader).await.unwrap()
    });
    let sent = GroupSend { group: "CREW".into(), text: "four".into() }.run(&agents[0]).await.unwrap();
    assert_eq!(sent.to, 2);
    let news: GroupConversation = reading.await.unwrap();
    assert_eq!(news.messages.iter().map(|said| said.text.as_str()).collect::<Vec<_>>(), ["four"]);
    assert!(news.next > since);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_in_a_group_without_their_owners_word() {
    let town = Town::new();
    let agents = acquainted(&town, &["ada", "bob"]).await;
    let (ada, bob) = (&agents[0], &agents[1]);
    // Below KNOWN an invitation is refused at the gate, and nothing is kept of it.
    set_tier(bob, ada.peer_id(), Tier::Untrusted).await;
    GroupCreate { name: "crew".into(), peers: vec![named(bob)] }.run(ada).await.unwrap();
    until("the refusal", async || town.audit_rows("bob").iter().any(|row| row.event == "message_refused"))
        .await;
    assert!(GroupList {}.run(bob).await.unwrap().invites.is_empty());
    let join = GroupJoin { group: "crew".into(), timeout: 1.0 };
    assert_eq!(fails(join, bob).await.0, ErrorCode::BadInvite);
    assert_eq!(
        fails(GroupSend { group: "crew".into(), text: "hi".into() }, bob).await.0,
        ErrorCode::NotConnected
    );

    set_tier(bob, ada.peer_id(), Tier::Known).await;
    GroupInvite { group: "crew".into(), peer: named(bob) }.run(ada).await.unwrap();
    until("the invitation", async || GroupList {}.run(bob).await.unwrap().invites.len() == 1).await;
    assert_eq!(info(ada).await.members, 1, "asked is not in");
    let declined = GroupLeave { group: "crew".into() }.run(bob).await.unwrap();
    assert!(declined.declined);
    until("no is heard", async || {
        GroupMembers { group: "crew".into() }.run(ada).await.unwrap().invited.is_empty()
    })
    .await;
    assert_eq!(info(ada).await.members, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_reads_no_later_messages() {
    let town = Town::new();
    let agents = crew(&town, &["ada", "bob", "cyd"]).await;
    let (ada, bob, cyd) = (&agents[0], &agents[1], &agents[2]);
    say(bob, "before").await;
    hears(cyd, "before").await;
    GroupRemove { group: "crew".into(), peer: named(cyd) }.run(ada).await.unwrap();
    in_step(bob, 2).await;
    until("cyd hears of it", async || info(cyd).await.ended).await;
    say(bob, "after").await;
    hears(ada, "after").await;
    assert_eq!(texts(cyd).await, ["before"], "what was said while it was in stays");
    assert_eq!(
        fails(GroupSend { group: "crew".into(), text: "x".into() }, cyd).await.0,
        ErrorCode::NotConnected
    );
    // Nor does anything of it wait for cyd anywhere.
    assert_eq!(town.in_transaction("bob", |tx| tx.queued(identity("cyd").peer_id())), 0);

    // It may come back, and reads the messages from then on.
    GroupInvite { group: "crew".into(), peer: named(cyd) }.run(ada).await.unwrap();
    join(cyd).await;
    in_step(bob, 3).await;
    say(bob, "again").await;
    hears(cyd, "again").await;
    say(cyd, "hello").await;
    hears(bob, "hello").await;
    assert_eq!(texts(cyd).await, ["before", "again", "hello"]);
    assert_eq!(texts(bob).await, ["before", "after", "again", "hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_was_away_catches_up() {
    let town = Town::new();
    let mut agents = crew(&town, &["ada", "bob", "cyd", "dan"]).await;
    let cyd = agents.remove(2);
    cyd.close().await;
    drop(cyd);
    let (ada, bob, dan) = (&agents[0], &agents[1], &agents[2]);
    // More commits than past epochs are kept, and words in between.
    say(bob, "0").await;
    GroupRemove { group: "crew".into(), peer: named(dan) }.run(ada).await.unwrap();
    in_step(bob, 3).await;
    for round in 1..4 {
        GroupInvite { group: "crew".into(), peer: named(dan) }.run(ada).await.unwrap();
        join(dan).await;
        in_step(bob, 4).await;
        say(bob, &round.to_string()).await;
        say(dan, &format!("{round} dan")).await;
        hears(ada, &format!("{round} dan")).await;
        GroupRemove { group: "crew".into(), peer: named(dan) }.run(ada).await.unwrap();
        in_step(bob, 3).await;
        until("dan is out", async || info(dan).await.ended).await;
    }
    let cyd = town.open("cyd").await;
    cyd.serve().await.unwrap();
    in_step(&cyd, 3).await;
    let all = read(ada).await;
    assert_eq!(all.len(), 7);
    let same = |said: &[GroupSaid]| said.iter().map(|said| (said.seq, said.from)).collect::<Vec<_>>();
    until("cyd has all", async || same(&read(&cyd).await) == same(&all)).await;
    assert_eq!(same(&read(bob).await), same(&all));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_steward_is_away_messages_flow_and_membership_waits() {
    let town = Town::new();
    let mut agents = crew(&town, &["ada", "bob", "cyd"]).await;
    let ada = agents.remove(0);
    let (bob, cyd) = (&agents[0], &agents[1]);
    ada.close().await;
    drop(ada);
    say(bob, "still here").await;
    hears(cyd, "still here").await;
    // Only the steward changes the members.
    assert_eq!(fails(GroupRemove { group: "crew".into(), peer: named(bob) }, cyd).await.0, ErrorCode::Usage);
    assert_eq!(
        fails(GroupInvite { group: "crew".into(), peer: "ada".into() }, cyd).await.0,
        ErrorCode::Usage
    );
    GroupLeave { group: "crew".into() }.run(cyd).await.unwrap();
    assert_eq!(info(bob).await.members, 3);
    let ada = town.open("ada").await;
    ada.serve().await.unwrap();
    in_step(&ada, 2).await;
    in_step(bob, 2).await;
    hears(&ada, "still here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_member_becomes_the_steward() {
    let town = Town::new();
    let agents = crew(&town, &["ada", "bob", "cyd"]).await;
    let (ada, bob, cyd) = (&agents[0], &agents[1], &agents[2]);
    assert_eq!(fails(GroupLeave { group: "crew".into() }, ada).await.0, ErrorCode::Usage);
    GroupTransfer { group: "crew".into(), peer: named(bob) }.run(ada).await.unwrap();
    until("bob leads", async || info(bob).await.is_steward).await;
    until("cyd knows", async || info(cyd).await.steward == Some(bob.peer_id())).await;
    GroupLeave { group: "crew".into() }.run(ada).await.unwrap();
    in_step(bob, 2).await;
    in_step(cyd, 2).await;
    GroupRemove { group: "crew".into(), peer: named(cyd) }.run(bob).await.unwrap();
    until("cyd is out", async || info(cyd).await.ended).await;
    assert!(GroupList {}.run(ada).await.unwrap().groups.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_nothing() {
    let town = Town::new();
    let mut agents = crew(&town, &["ada", "bob", "cyd"]).await;
    for round in 0..3 {
        say(&agents[round], &format!("{round}")).await;
        let (at, name) = (round, ["ada", "bob", "cyd"][round]);
        let agent = agents.remove(at);
        agents.insert(at, town.restart(name, agent).await);
        say(&agents[at], &format!("{round} after")).await;
    }
    for agent in &agents {
        hears(agent, "2 after").await;
        until("all is there", async || read(agent).await.len() == 6).await;
    }
    let first = read(&agents[0]).await;
    let order = |said: &[GroupSaid]| said.iter().map(|said| (said.seq, said.from)).collect::<Vec<_>>();
    for agent in &agents[1..] {
        assert_eq!(order(&read(agent).await), order(&first));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_member_is_not_heard() {
    let town = Town::new();
    let agents = crew(&town, &["ada", "bob"]).await;
    let (ada, bob) = (&agents[0], &agents[1]);
    say(ada, "inside").await;
    hears(bob, "inside").await;
    let before = info(bob).await;
    let group: GroupId = before.group;
    let mut mallory = Stranger::new(&town.hub, "mallory");
    mallory.meet(bob.peer_id()).await;
    let forged = [
        GroupNews::Sealed { sealed: vec![7; 300] },
        GroupNews::Join { key_package: vec![7; 300] },
        GroupNews::Update { commit: vec![7; 300] },
        GroupNews::History { from: 0 },
        GroupNews::Leave,
        GroupNews::Unread,
        GroupNews::Invite { name: "crew".parse().unwrap(), members: Vec::new() },
    ];
    for news in forged {
        let message = Message::Group { id: RequestId::random(), group, news: Box::new(news) };
        mallory.send(&message);
    }
    // Said outside of a group it is nothing.
    let id = RequestId::random();
    mallory.send(&Message::GroupMessage { id, text: Text::sanitized("outside") });
    mallory.acknowledged(mallory.sent).await;
    let after = info(bob).await;
    assert_eq!((after.members, after.epoch), (before.members, before.epoch));
    assert_eq!(texts(bob).await, ["inside"]);
    say(ada, "still inside").await;
    hears(bob, "still inside").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn membership_raises_no_tier_and_calls_pass_the_gates() {
    let town = Town::new();
    let agents = acquainted(&town, &["ada", "bob", "cyd"]).await;
    let (ada, bob, cyd) = (&agents[0], &agents[1], &agents[2]);
    let skill = town.install(bob, &plain(), Some(Tier::Known)).await;
    create(ada, &[bob, cyd]).await;
    in_step(bob, 3).await;
    let people = GroupMembers { group: "crew".into() }.run(bob).await.unwrap();
    let tier = |peer: PeerId| people.members.iter().find(|member| member.peer == peer).unwrap().tier;
    assert_eq!((tier(ada.peer_id()), tier(cyd.peer_id())), (Tier::Known, Tier::Untrusted));
    assert_eq!(people.members.iter().filter(|member| member.steward).count(), 1);

    // cyd is a member, and nobody in particular.
    let call = |from: &Agent| {
        let (group, member, from) = ("crew".to_owned(), named(bob), from.clone());
        let (skill, input) = (skill.to_string(), "1".to_owned());
        async move { GroupCall { group, member, skill, input, timeout: SECONDS }.run(&from).await }
    };
    assert_eq!(call(cyd).await.unwrap_err().code, ErrorCode::UnknownSkill);
    assert_eq!(call(ada).await.unwrap().output, json!(1));
    let shown = |from: &Agent| {
        let from = from.clone();
        async move {
            let found = GroupDiscover { group: "crew".into(), timeout: SECONDS }.run(&from).await.unwrap();
            assert_eq!(found.members.len(), 2);
            assert!(found.members.iter().all(|member| member.error.is_none()));
            found.members.iter().map(|member| member.skills.len()).sum::<usize>()
        }
    };
    assert_eq!((shown(ada).await, shown(cyd).await), (1, 0));
    set_tier(bob, cyd.peer_id(), Tier::Known).await;
    assert_eq!((call(cyd).await.unwrap().output, shown(cyd).await), (json!(1), 1));
    let me = GroupCall {
        group: "crew".into(),
        member: named(ada),
        skill: "x".into(),
        input: "1".into(),
        timeout: 1.0,
    };
    assert_eq!(fails(me, ada).await.0, ErrorCode::Usage);
}
