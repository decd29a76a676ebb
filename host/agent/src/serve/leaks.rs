//! The leak guard of this agent's calls: the private text of each component, and the part of it that each peer was told.

use std::collections::HashMap;
use std::str;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use coworker_leak::{Account, Guard, Leak, Private, Sighting, Watch};
use coworker_policy::gate::{self, Caller, Disclosure, GrantedCall, Permit, Recipients};
use coworker_policy::{Capability, Digest, Grant, PeerId, RequestId, Skill, Tier};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::base::core::{Core, KeyFor};
use crate::base::time::DAY_MS;
use crate::catalog::snapshot::{CatalogError, CatalogSnapshot};
use crate::serve::failure::Failure;
use crate::serve::host_context;
use crate::serve::stream::Audience;
use crate::state::{StateActor, StateError, Transaction, audit};

/// In days.
const YEAR: i64 = 365;
/// Accounts in memory. Beyond that number, those that no call holds are dropped and read again when needed.
const ACCOUNTS: usize = 1024;
/// The packed description of the skills. It is public, because their cards say the same.
const CONTRACT: &str = "contract.json";

/// The leak guard of this agent's calls.
pub(crate) struct Leaks {
    core: Core,
    state: StateActor,
    /// Under another key nothing that was disclosed is recognised any more.
    key: [u8; 32],
    private: Mutex<HashMap<Digest, Arc<Private>>>,
    accounts: Mutex<HashMap<(PeerId, String), Account>>,
}

/// The part of a call's watch that is written down with its answer.
pub(crate) struct Watched {
    watch: Arc<Watch>,
    lineage: String,
    tier: Tier,
    canary: Option<String>,
}

impl Leaks {
    pub(super) fn new(core: &Core, state: &StateActor) -> Self {
        Self {
            core: core.clone(),
            state: state.clone(),
            key: core.key(KeyFor::LeakGuard),
            private: Mutex::default(),
            accounts: Mutex::default(),
        }
    }

    /// Forgets a component that is gone.
    pub(crate) fn forget(&self, component: Digest) {
        locked(&self.private).remove(&component);
    }

    /// Makes the permit of a call, with a watch on all output unless only the owner sees it. Returns the record of the
    /// watch, too.
    pub(super) async fn permit(
        &self,
        snapshot: &CatalogSnapshot,
        call: GrantedCall,
        audience: &Audience<'_>,
    ) -> Result<(Permit, Option<Watched>), Failure> {
        let call = match gate::disclosure(call, recipients(audience)) {
            Disclosure::OwnerOnly(call) => return Ok((call.permit(), None)),
            Disclosure::Leaves(call) => call,
        };
        let skill = call.installed();
        let lineage = snapshot.lineage(skill.card().name.as_str()).to_owned();
        let private = self.private(snapshot, skill.component()).await?;
        let canary = (!private.is_empty()).then(|| self.canary(&lineage));
        let guard = self.guard(skill, private, canary.as_deref()).await?;
        let account = self.account(call.caller(), &lineage).await?;
        let today = self.core.clock.now_ms().div_euclid(DAY_MS);
        let (permit, watch) = call.permit(guard, account, today);
        let tier = permit.tier();
        Ok((permit, Some(Watched { watch, lineage, tier, canary })))
    }

    /// The mark that a component's prompt may carry, noticed even where the prompt's words are not. It stays the same
    /// through updates of the component.
    fn canary(&self, lineage: &str) -> String {
        let mark = blake3::keyed_hash(&self.key, format!("canary {lineage}").as_bytes());
        format!("cw{}", BASE32_NOPAD.encode(&mark.as_bytes()[..15]).to_lowercase())
    }

    async fn guard(
        &self,
        skill: &Skill,
        private: Arc<Private>,
        canary: Option<&str>,
    ) -> Result<Guard, Failure> {
        // The secrets of every tier: a secret that one call used may be kept by another.
        let grants = skill.terms().granted().grants().iter();
        let rules = grants.filter(|grant| grant.capability() == Capability::Secrets).flat_map(Grant::to);
        let names: Vec<String> = rules.filter_map(|rule| Some(rule.split_once(' ')?.0.to_owned())).collect();
        let secrets: Vec<Zeroizing<String>> = if names.is_empty() {
            Vec::new()
        } else {
            host_context::secrets(&self.state, skill.component(), names).await?.into_values().collect()
        };
        Ok(Guard::new(private, secrets.iter().map(|secret| secret.as_str()), canary))
    }

    /// Gathered once for each component; its digest says which bytes those are.
    async fn private(
        &self,
        snapshot: &CatalogSnapshot,
        component: Digest,
    ) -> Result<Arc<Private>, CatalogError> {
        if let Some(private) = locked(&self.private).get(&component) {
            return Ok(Arc::clone(private));
        }
        let wasm = self.core.home.read_component(component).await?;
        if Digest::of(&wasm) != component {
            return Err(CatalogError::Changed(component));
        }
        let cards = snapshot.skills().filter(|skill| skill.component() == component);
        let public: Vec<String> = cards.map(|skill| json!(skill.card()).to_string()).collect();
        let key = self.shingle_key();
        let gather = move || gathered(key, &wasm, &public);
        let private = tokio::task::spawn_blocking(gather).await.map_err(CatalogError::Gather)??;
        let mut known = locked(&self.private);
        Ok(Arc::clone(known.entry(component).or_insert_with(|| Arc::new(private))))
    }

    fn shingle_key(&self) -> u64 {
        let key = blake3::keyed_hash(&self.key, b"shingles");
        key.as_bytes().iter().take(8).fold(0, |key, byte| (key << 8) | u64::from(*byte))
    }

    async fn account(&self, caller: Caller, lineage: &str) -> Result<Account, StateError> {
        // The owner either tries a tier out, and nothing leaves, or runs a step of a goal, and peers get its result by
        // the owner's plan.
        let Some(peer) = audit::peer_of(caller) else { return Ok(Account::default()) };
        if let Some(account) = self.open_account(peer, lineage) {
            return Ok(account);
        }
        let line = lineage.to_owned();
        let disclosed = self.state.run(move |tx| Ok(tx.store.disclosed(peer, &line)?)).await?;
        Ok(self.opened(peer, lineage, Account::new(disclosed)))
    }

    fn open_account(&self, peer: PeerId, lineage: &str) -> Option<Account> {
        locked(&self.accounts).get(&(peer, lineage.to_owned())).cloned()
    }

    /// Calls that begin at once share one account, whichever of them read it first.
    fn opened(&self, peer: PeerId, lineage: &str, read: Account) -> Account {
        let mut accounts = locked(&self.accounts);
        if accounts.len() >= ACCOUNTS {
            accounts.retain(|_, account| account.is_shared());
        }
        accounts.entry((peer, lineage.to_owned())).or_insert(read).clone()
    }

    /// Writes down the private text that was disclosed to `peer` so far.
    pub(super) fn keep(
        &self,
        tx: &mut Transaction<'_>,
        peer: PeerId,
        lineage: &str,
    ) -> Result<(), StateError> {
        match self.open_account(peer, lineage) {
            Some(account) => Ok(tx.store.keep_disclosed(peer, lineage, &account.disclosed())?),
            None => Ok(()),
        }
    }
}

/// Reads the smallest files first: prompts are small, and beyond a size nothing is compared.
fn gathered(key: u64, wasm: &[u8], public: &[String]) -> Result<Private, CatalogError> {
    let assets = coworker_sandbox::assets(wasm)?.unwrap_or_default();
    let text = |(path, bytes): (&str, _)| (path != CONTRACT).then(|| str::from_utf8(bytes).ok()).flatten();
    let mut texts: Vec<&str> = assets.iter().filter_map(text).collect();
    texts.sort_by_key(|text| text.len());
    Ok(Private::of(key, texts, public))
}

/// Deletes rows that no longer limit anything: anybody can come with a new key.
pub(crate) fn forget_old(tx: &mut Transaction<'_>) -> Result<(), StateError> {
    let day = tx.now.div_euclid(DAY_MS);
    tx.store.prune_disclosed(day, day - YEAR)?;
    Ok(())
}

impl Watched {
    /// The mark in the component's questions to a language model.
    pub(crate) fn canary(&self) -> Option<&str> {
        self.canary.as_deref()
    }

    /// Written in the transaction of every answer.
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

    fn detail(&self, skill: &str, Sighting { place, leak, action }: Sighting) -> Value {
        let tier = self.tier.name();
        let raise = |max: u64| {
            let more = max.saturating_mul(2).clamp(16, 10_000);
            format!("coworker skill configure {skill} --limit {tier}.leak_words={more}")
        };
        let fix = match leak {
            Leak::Budget { max } => Some(raise(max)),
            _ => None,
        };
        let words = self.watch.account().disclosed().words();
        json!({ "place": place, "found": leak, "action": action, "drawn_words": words, "mend": fix })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn recipients(audience: &Audience<'_>) -> Recipients {
    match audience {
        Audience::Peer(_) | Audience::Owner(_) => Recipients::CallerOnly,
        Audience::Onwards => Recipients::Others,
    }
}
