use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ApiError;
use coworker_api::ops::{
    Ends, Peers, TrustAccept, TrustAsk, TrustAsked, TrustDeny, TrustList, TrustRequests,
};
use coworker_policy::{ErrorCode, PeerId, Text, Tier};

use crate::harness::{SECONDS, Town, connect, log, until};

async fn ask(from: &Agent, to: PeerId, tier: Tier, wait: f64) -> Result<TrustAsked, ApiError> {
    let reason = "we plan together".to_owned().try_into().unwrap();
    TrustAsk { peer: to.to_string(), tier, reason, wait }.run(from).await
}

fn accept(peer: String, tier: Option<Tier>) -> TrustAccept {
    TrustAccept { peer, tier, ends: Ends::default(), reason: Text::default() }
}

async fn until_asked(agent: &Agent) {
    until("the request comes", async || !TrustRequests {}.run(agent).await.unwrap().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_the_owner_and_its_answer_reaches_the_asker() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    connect(&bob, &ada).await;
    let peer = bob.peer_id().to_string();

    let asking = tokio::spawn({
        let (bob, ada) = (bob.clone(), ada.peer_id());
        async move { ask(&bob, ada, Tier::Internal, SECONDS).await }
    });
    until_asked(&ada).await;
    let requests = TrustRequests {}.run(&ada).await.unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].peer, requests[0].tier), (bob.peer_id(), Tier::Internal));
    assert_eq!(requests[0].name.as_ref().unwrap().as_str(), "bob");
    assert_eq!(requests[0].reason.as_str(), "we plan together");
    assert_eq!(TrustList {}.run(&ada).await.unwrap().len(), 0, "asking gives nothing");

    let answered = accept(peer.clone(), Some(Tier::Known)).run(&ada).await.unwrap();
    assert_eq!((answered.tier, answered.granted), (Tier::Known, true));
    let asked = asking.await.unwrap().unwrap();
    assert_eq!((asked.granted, asked.answered), (Some(Tier::Known), true));
    assert_eq!(TrustList {}.run(&ada).await.unwrap()[0].tier, Tier::Known);
    assert!(TrustRequests {}.run(&ada).await.unwrap().is_empty());
    let again = accept(peer.clone(), None).run(&ada).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::Usage);

    let asking = tokio::spawn({
        let (bob, ada) = (bob.clone(), ada.peer_id());
        async move { ask(&bob, ada, Tier::Privileged, SECONDS).await }
    });
    until_asked(&ada).await;
    let denied = TrustDeny { peer }.run(&ada).await.unwrap();
    assert_eq!((denied.tier, denied.granted), (Tier::Known, false), "what was given before stays");
    let asked = asking.await.unwrap().unwrap();
    assert_eq!((asked.granted, asked.answered), (None, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_thinks_of_us_changes_nothing_here() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    connect(&bob, &ada).await;
    ask(&bob, ada.peer_id(), Tier::Known, 0.05).await.unwrap();
    until_asked(&ada).await;
    accept(bob.peer_id().to_string(), None).run(&ada).await.unwrap();
    until("bob hears of it", async || log(&bob).await.iter().any(|entry| entry.event == "trust_answered"))
        .await;
    assert!(TrustList {}.run(&bob).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_for_an_asker_that_went_away() {
    let town = Town::new();
    let (ada, bob) = (town.open("ada").await, town.open("bob").await);
    connect(&bob, &ada).await;
    let asked = ask(&bob, ada.peer_id(), Tier::Known, 0.05).await.unwrap();
    assert!(!asked.answered);
    until_asked(&ada).await;
    town.hub.set_reachable(bob.peer_id(), false);
    accept(bob.peer_id().to_string(), None).run(&ada).await.unwrap();
    assert_eq!(Peers {}.run(&ada).await.unwrap()[0].waiting, 1);
    assert!(log(&bob).await.iter().all(|entry| entry.event != "trust_answered"));
    town.hub.set_reachable(bob.peer_id(), true);
    until("bob hears of it", async || log(&bob).await.iter().any(|entry| entry.event == "trust_answered"))
        .await;
    until("ada knows that", async || Peers {}.run(&ada).await.unwrap()[0].waiting == 0).await;
}
