//! First values of a component's configuration, which its author packed with it.

use std::collections::BTreeMap;
use std::path::Path;

use coworker_agent::ops::Run as _;
use coworker_agent::{Agent, pack};
use coworker_api::ops::{SkillConfigure, SkillLook, SkillPolicy};

use crate::guest::{plain, roomy};
use crate::harness::Town;

fn packed(wasm: &[u8], defaults: &str) -> Vec<u8> {
    let manifest = format!("name = \"plain\"\nversion = \"1.0.0\"\n[defaults]\n{defaults}");
    pack(wasm, Some(&manifest), Path::new("/nowhere")).unwrap()
}

async fn config(agent: &Agent) -> BTreeMap<String, String> {
    SkillPolicy { name: "plain".into() }.run(agent).await.unwrap().config
}

async fn configure(agent: &Agent, key: &str, value: Option<&str>) {
    let (name, key, value) = ("plain".to_owned(), key.to_owned(), value.map(str::to_owned));
    SkillConfigure::Value { name, key, value }.run(agent).await.unwrap();
}

fn values<const N: usize>(values: [(&str, &str); N]) -> BTreeMap<String, String> {
    values.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_are_first_values_and_the_owner_s_word_counts_from_then_on() {
    let town = Town::new();
    let ada = town.open("ada").await;
    let first = packed(&plain(), "currency = \"EUR\"\nlines = \"9\"\n");
    town.install(&ada, &first, None).await;
    assert_eq!(config(&ada).await, values([("currency", "EUR"), ("lines", "9")]));
    let policy = SkillPolicy { name: "plain".into() }.run(&ada).await.unwrap();
    assert!(policy.grants.is_empty() && policy.limits.is_empty(), "{policy:?}");

    configure(&ada, "lines", None).await;
    configure(&ada, "currency", Some("CHF")).await;
    configure(&ada, "own", Some("1")).await;
    town.install(&ada, &first, None).await;
    let own = values([("currency", "CHF"), ("own", "1")]);
    assert_eq!(config(&ada).await, own, "installed already: nothing is set again");

    let next = packed(&roomy(), "currency = \"USD\"\nlines = \"3\"\nown = \"2\"\nnew = \"4\"\n");
    let path = town.path("next.wasm");
    std::fs::write(&path, &next).unwrap();
    let looked = SkillLook { path }.run(&ada).await.unwrap();
    let told: Vec<_> = looked.defaults.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(told, [("new", "4")], "what is told is what is set");
    town.install(&ada, &next, None).await;
    assert_eq!(config(&ada).await, values([("currency", "CHF"), ("new", "4"), ("own", "1")]));
}
