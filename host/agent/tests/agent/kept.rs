//! The state that skills keep of their callers.

use coworker_policy::Tier;
use serde_json::Value;

use crate::guest::keeps;
use crate::harness::{Town, call, connect, set_tier};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_a_caller_is_the_components_and_no_others() {
    let town = Town::new();
    let (ada, bob, cy) = (town.open("ada").await, town.open("bob").await, town.open("cy").await);
    town.install(&ada, &keeps(["first", "later"]), Some(Tier::Known)).await;
    town.install(&ada, &keeps(["third", "other"]), Some(Tier::Known)).await;
    for agent in [&ada, &bob, &cy] {
        agent.serve().await.unwrap();
    }
    for caller in [&bob, &cy] {
        connect(caller, &ada).await;
        set_tier(&ada, caller.peer_id(), Tier::Known).await;
    }
    let last = async |caller, skill, input| -> Value {
        call(caller, ada.peer_id(), skill, input).await.unwrap().output
    };
    assert_eq!(last(&bob, "first", "1").await, Value::Null);
    assert_eq!(last(&bob, "later", "2").await, 1, "another skill of the component");
    assert_eq!(last(&bob, "third", "3").await, Value::Null, "another component");
    assert_eq!(last(&cy, "first", "4").await, Value::Null, "another caller");
    assert_eq!(last(&bob, "first", "5").await, 2);
    assert_eq!(last(&bob, "other", "6").await, 3);
}
