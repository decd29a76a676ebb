//! Ten agents in one group, with members joining, leaving and restarting: all see the same sequence.

use std::time::Duration;

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ops::{GroupInvite, GroupLeave, GroupRead, GroupSaid, GroupSend};
use coworker_policy::PeerId;

use crate::groups::{acquainted, create, info, join, read};
use crate::harness::Town;

const NAMES: [&str; 10] = ["ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ivy", "jon"];
/// Members from the first message to the last; the others come and go.
const STEADY: usize = 8;
/// A look this long after the last message must find everything.
const TIMEOUT: Duration = Duration::from_mins(10);

type Place = (u64, PeerId, String);

fn places(said: Vec<GroupSaid>) -> Vec<Place> {
    said.into_iter().map(|said| (said.seq, said.from, said.text)).collect()
}

async fn settled(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let poll = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(TIMEOUT, poll).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// How many messages `agent` has; all numbers are below this.
async fn count(agent: &Agent) -> usize {
    let look = GroupRead { group: "crew".into(), since: 0, limit: 20_000, wait: 0.0 };
    look.run(agent).await.map_or(0, |read| read.messages.len())
}

async fn one_sequence(messages: usize) {
    let town = Town::new();
    let mut agents = acquainted(&town, &NAMES).await;
    create(&agents[0], &agents[1..STEADY].iter().collect::<Vec<_>>()).await;
    let rounds = 10;
    for round in 0..rounds {
        // One comes, or goes, while the others talk.
        let guest = STEADY + round % 2;
        if round % 4 < 2 {
            let peer = agents[guest].peer_id().to_string();
            GroupInvite { group: "crew".into(), peer }.run(&agents[0]).await.unwrap();
            join(&agents[guest]).await;
        } else {
            GroupLeave { group: "crew".into() }.run(&agents[guest]).await.unwrap();
        }
        // One restarts in the middle of it, the steward among them.
        let restarted = round % STEADY;
        for at in 0..messages / rounds {
            let from = &agents[at % STEADY];
            let text = format!("{round}/{at}");
            GroupSend { group: "crew".into(), text }.run(from).await.unwrap();
            if at == messages / rounds / 2 {
                let agent = agents.remove(restarted);
                agents.insert(restarted, town.restart(NAMES[restarted], agent).await);
            }
        }
        let due = (round + 1) * (messages / rounds);
        for agent in &agents[..STEADY] {
            settled("all have it", async || count(agent).await == due).await;
        }
    }
    let first = places(read(&agents[0]).await);
    assert_eq!(first.len(), messages / rounds * rounds);
    for agent in &agents[1..STEADY] {
        assert!(places(read(agent).await) == first, "another sequence");
        assert_eq!(info(agent).await.epoch, info(&agents[0]).await.epoch);
    }
}

/// For all of issue 4's ten thousand: `CREW_MESSAGES=10000 cargo nextest run -p coworker-agent crew`.
#[tokio::test(flavor = "multi_thread")]
async fn ten_agents_see_one_sequence() {
    one_sequence(option_env!("CREW_MESSAGES").map_or(300, |number| number.parse().unwrap())).await;
}
