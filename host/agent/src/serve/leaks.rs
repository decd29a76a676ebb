//! The leak guard of this agent's calls: what is private of each component, and what each peer drew of it.

use std::collections::HashMap;
use std::str;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coworker_leak::{Account, Guard, Leak, Private, Sighting, Watch};
use coworker_policy::gate::{Caller, Permit};
use coworker_policy::{Capability, Digest, Grant, PeerId, RequestId, Skill, Tier};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::agent::Agent;
use crate::base::clock::now_ms;
use crate::catalog::snapshot::{CatalogError, CatalogSnapshot};
use crate::serve::host_context;
use crate::serve::inbound::Failure;
use crate::serve::stream::Audience;
use crate::state::audit;
use crate::state::{StateError, Transaction};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// In days.
const YEAR: i64 = 365;
/// Accounts in memory. Beyond, those that no call holds are read again when they are asked for.
const ACCOUNTS: usize = 1024;
/// A packed description of the skills: public, as it is what their cards say.
const CONTRACT: &str = "contract.json";

pub(crate) struct Leaks {
    /// With another key nothing that was drawn is known any more.
    key: [u8; 32],
    private: Mutex<HashMap<Digest, Arc<Private>>>,
    accounts: Mutex<HashMap<(PeerId, String), Account>>,
}

/// What of a call's watch is to be written down with its answer.
pub(crate) struct Watched {
    watch: Arc<Watch>,
    lineage: String,
    tier: Tier,
    canary: Option<String>,
}

impl Leaks {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key, private: Mutex::default(), accounts: Mutex::default() }
    }

    /// The component is gone.
    pub(crate) fn forget(&self, component: Digest) {
        locked(&self.private).remove(&component);
    }

    /// The mark that a component's prompt may carry, to be noticed where the prompt's words are not. It is the
    /// same for as long as the component is updated and not removed.
    pub(crate) fn canary(&self, lineage: &str) -> String {
        let mark = blake3::keyed_hash(&self.key, format!("canary {lineage}").as_bytes());
        format!("cw{}", BASE32_NOPAD.encode(&mark.as_bytes()[..15]).to_lowercase())
    }

    fn shingle_key(&self) -> u64 {
        let key = blake3::keyed_hash(&self.key, b"shingles");
        key.as_bytes().iter().take(8).fold(0, |key, byte| (key << 8) | u64::from(*byte))
    }

    fn account(&self, peer: PeerId, lineage: &str) -> Option<Account> {
        locked(&self.accounts).get(&(peer, lineage.to_owned())).cloned()
    }

    /// Calls that begin at once end up with the same one, whoever of them read it first.
    fn opened(&self, peer: PeerId, lineage: &str, read: Account) -> Account {
        let mut accounts = locked(&self.accounts);
        if accounts.len() >= ACCOUNTS {
            accounts.retain(|_, account| account.is_shared());
        }
        accounts.entry((peer, lineage.to_owned())).or_insert(read).clone()
    }
}

/// The permit with a watch on what leaves, and what is to be written down of it in the end. Runs of the owner's
/// are watched only if their results go on to others.
pub(crate) async fn watched(
    agent: &Agent,
    snapshot: &CatalogSnapshot,
    permit: Permit,
    audience: &Audience<'_>,
) -> Result<(Permit, Option<Watched>), Failure> {
    let leaves = permit.caller() != Caller::Owner || matches!(audience, Audience::Onwards);
    let Some(skill) = snapshot.find(permit.skill()).filter(|_| leaves) else { return Ok((permit, None)) };
    let lineage = snapshot.lineage(permit.skill()).to_owned();
    let private = private(agent, snapshot, skill.component()).await?;
    let canary = (!private.is_empty()).then(|| agent.leaks.canary(&lineage));
    let guard = guard(agent, skill, private, canary.as_deref()).await?;
    let account = account(agent, permit.caller(), &lineage).await?;
    let permit = permit.watched_onwards(guard, account, now_ms().div_euclid(DAY_MS));
    let tier = permit.tier();
    let watched = permit.watch().map(|watch| Watched { watch: Arc::clone(watch), lineage, tier, canary });
    Ok((permit, watched))
}

async fn guard(
    agent: &Agent,
    skill: &Skill,
    private: Arc<Private>,
    canary: Option<&str>,
) -> Result<Option<Guard>, Failure> {
    // Those of every tier: what one call used, another may have kept.
    let grants = skill.terms().granted().grants().iter();
    let rules = grants.filter(|grant| grant.capability() == Capability::Secrets).flat_map(Grant::to);
    let names: Vec<String> = rules.filter_map(|rule| Some(rule.split_once(' ')?.0.to_owned())).collect();
    let secrets: Vec<Zeroizing<String>> = if names.is_empty() {
        Vec::new()
    } else {
        host_context::secrets(agent, skill.component(), names).await?.into_values().collect()
    };
    Ok(Guard::new(private, secrets.iter().map(|secret| secret.as_str()), canary))
}

/// Gathered once, when the component is made ready; its digest says which bytes those are.
async fn private(
    agent: &Agent,
    snapshot: &CatalogSnapshot,
    component: Digest,
) -> Result<Arc<Private>, CatalogError> {
    if let Some(private) = locked(&agent.leaks.private).get(&component) {
        return Ok(Arc::clone(private));
    }
    let wasm = agent.home.read_component(component).await?;
    if Digest::of(&wasm) != component {
        return Err(CatalogError::Changed(component));
    }
    let cards = snapshot.skills().filter(|skill| skill.component() == component);
    let public: Vec<String> = cards.map(|skill| json!(skill.card()).to_string()).collect();
    let key = agent.leaks.shingle_key();
    let gather = move || gathered(key, &wasm, &public);
    let private = tokio::task::spawn_blocking(gather).await.map_err(CatalogError::Gather)??;
    let mut known = locked(&agent.leaks.private);
    Ok(Arc::clone(known.entry(component).or_insert_with(|| Arc::new(private))))
}

/// The smallest files first: prompts are small, and beyond a size nothing is compared.
fn gathered(key: u64, wasm: &[u8], public: &[String]) -> Result<Private, CatalogError> {
    let assets = coworker_sandbox::assets(wasm)?.unwrap_or_default();
    let text = |(path, bytes): (&str, _)| (path != CONTRACT).then(|| str::from_utf8(bytes).ok()).flatten();
    let mut texts: Vec<&str> = assets.iter().filter_map(text).collect();
    texts.sort_by_key(|text| text.len());
    Ok(Private::of(key, texts, public))
}

async fn account(agent: &Agent, caller: Caller, lineage: &str) -> Result<Account, StateError> {
    // The owner tries a tier out: nothing of it leaves. Or runs a step of a goal, and peers get what they get of
    // it by the owner's plan.
    let Some(peer) = audit::peer_of(caller) else { return Ok(Account::default()) };
    if let Some(account) = agent.leaks.account(peer, lineage) {
        return Ok(account);
    }
    let line = lineage.to_owned();
    let disclosed = agent.state.run(move |tx| Ok(tx.store.disclosed(peer, &line)?)).await?;
    Ok(agent.leaks.opened(peer, lineage, Account::new(disclosed)))
}

/// Rows that say nothing any more: anybody can come with a new key.
pub(crate) fn forget_old(tx: &mut Transaction<'_>) -> Result<(), StateError> {
    let day = tx.now.div_euclid(DAY_MS);
    tx.store.prune_disclosed(day, day - YEAR)?;
    Ok(())
}

/// Writes down what a call drew that ended without an answer: parts of it may have left.
pub(crate) fn keep(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    peer: PeerId,
    skill: &str,
) -> Result<(), StateError> {
    let snapshot = agent.catalog.snapshot();
    let lineage = snapshot.lineage(skill);
    match agent.leaks.account(peer, lineage) {
        Some(account) => Ok(tx.store.keep_disclosed(peer, lineage, &account.disclosed())?),
        None => Ok(()),
    }
}

/// The same, for a call that the end of the agent cut off.
pub(crate) async fn keep_now(agent: &Agent, peer: PeerId, skill: String) {
    let shared = agent.clone();
    if let Err(error) = agent.state.run(move |tx| keep(&shared, tx, peer, &skill)).await {
        tracing::error!(%peer, %error, "what left for a peer is not written down");
    }
}

impl Watched {
    /// What is planted in the component's questions to a language model.
    pub(crate) fn canary(&self) -> Option<&str> {
        self.canary.as_deref()
    }

    /// In the transaction of the answer, whatever the answer is.
    pub(crate) fn write(
        &self,
        tx: &mut Transaction<'_>,
        id: RequestId,
        peer: Option<PeerId>,
        skill: &str,
    ) -> Result<(), StateError> {
        for sighting in self.watch.sightings() {
            audit::leak_found(tx, id, peer, skill, &self.detail(skill, sighting))?;
        }
        match peer {
            Some(peer) => {
                Ok(tx.store.keep_disclosed(peer, &self.lineage, &self.watch.account().disclosed())?)
            }
            None => Ok(()),
        }
    }

    fn detail(&self, skill: &str, Sighting { place, what, action }: Sighting) -> Value {
        let tier = self.tier.name();
        let raise = |max: u64| {
            let more = max.saturating_mul(2).clamp(16, 10_000);
            format!("coworker skill configure {skill} --limit {tier}.leak_words={more}")
        };
        let fix = match what {
            Leak::Budget { max } => Some(raise(max)),
            _ => None,
        };
        let words = self.watch.account().disclosed().words();
        json!({ "place": place, "found": what, "action": action, "drawn_words": words, "mend": fix })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
