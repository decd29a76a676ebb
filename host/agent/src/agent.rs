use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use coworker_channel::{Identity, Member};
use coworker_net::{Exposure, NetError, Network, Options};
use coworker_policy::gate::{Caller, Pseudonym};
use coworker_policy::{ErrorCode, PeerId, Tier};
use coworker_sandbox::{Cache, Sandbox, SandboxError};
use coworker_store::{Store, StoreError};
use tokio::sync::{Notify, OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::base::clock::now_ms;
use crate::base::config::{Config, Mode};
use crate::base::error::OpError;
use crate::base::home::{Home, HomeError};
use crate::catalog::snapshot::{Catalog, CatalogError, CatalogSnapshot};
use crate::goals::Goals;
use crate::link::direct::{self, Direct};
use crate::link::nearby::{self, Notice};
use crate::link::signatures;
use crate::link::waiting::Waiting;
use crate::model::Setup;
use crate::serve::denials::Denials;
use crate::serve::leaks::Leaks;
use crate::serve::running::Running;
use crate::state::presence::Presence;
use crate::state::{AuditSeal, StateActor, StateError};
use crate::trust::book::TrustBook;
use crate::trust::standing;

/// Calls that run at once, of all callers: each holds a slot of the sandbox's pool.
const SLOTS: usize = 32;

/// One agent: its skills, peers and state, held by this process. Cheap to clone.
#[derive(Clone)]
pub struct Agent(Arc<Inner>);

/// What the clones of an agent share; nothing of it is reachable from outside this crate.
pub struct Inner {
    pub(crate) home: Home,
    pub(crate) config: Config,
    pub(crate) us: PeerId,
    pub(crate) identity: Arc<Identity>,
    pub(crate) state: StateActor,
    pub(crate) sandbox: Sandbox,
    pub(crate) model: Setup,
    pub(crate) catalog: Catalog,
    pub(crate) trust: TrustBook,
    pub(crate) running: Arc<Running>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) slots: Arc<Semaphore>,
    /// Held while the catalog changes.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// What calls were denied lately.
    pub(crate) denials: Mutex<Denials>,
    pub(crate) leaks: Leaks,
    pub(crate) redials: Mutex<HashSet<PeerId>>,
    pub(crate) direct: Direct,
    /// Peers for whom signatures wait that are in no hurry.
    pub(crate) unhurried: Mutex<HashSet<PeerId>>,
    /// Wakes who waits for something to happen in a group.
    pub(crate) group_news: Notify,
    pub(crate) goals: Goals,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// This process goes on: it is not a command that holds the agent for a moment.
    pub(crate) serving: AtomicBool,
    dials: Mutex<HashMap<PeerId, Weak<tokio::sync::Mutex<()>>>>,
    seed: [u8; 32],
    network: OnceCell<(Network, Option<Notice>)>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("cannot open the agent's database")]
    Store(#[from] StoreError),
    #[error("cannot start the sandbox")]
    Sandbox(#[from] SandboxError),
    #[error("cannot read the installed skills")]
    Catalog(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot read whom the owner trusts")]
    Trust(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot start the agent's thread")]
    Thread(#[source] std::io::Error),
}

impl From<CatalogError> for StartError {
    fn from(error: CatalogError) -> Self {
        Self::Catalog(Box::new(error))
    }
}

impl From<StartError> for OpError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Home(error) => error.into(),
            other => Self::fault(&other),
        }
    }
}

impl std::ops::Deref for Agent {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Agent {
    /// Takes the agent in `home` for this process. The network starts when it is first needed.
    pub async fn open(home: Home, timeout: Duration) -> Result<Self, StartError> {
        let lock = home.lock(timeout).await?;
        let (config, seed) = (home.config()?, home.seed()?);
        let identity = Arc::new(Identity::from_seed(seed));
        let cache = Cache { dir: home.cache_dir(), key: derived(&seed, "compiled-code cache") };
        let sandbox = Sandbox::new(cache, home.compiler().clone())?;
        let mut store = Store::open(&home.database())?;
        let (mls_seed, snapshot, audit_seal) = store.write(|tx| -> Result<_, StartError> {
            // Who waited for them went with the process that held the agent before.
            tx.abandon_calls(now_ms())?;
            let audit_seal = AuditSeal::resume(tx, Arc::clone(&identity), home.has_sealed())?;
            Ok((
                mls_seed(tx)?,
                CatalogSnapshot::read(&home, tx, &CatalogSnapshot::default(), BTreeMap::new())?,
                audit_seal,
            ))
        })?;
        if audit_seal.has_begun() && !home.has_sealed() {
            home.note_sealed()?;
        }
        let (member, presence) = (Member::new(&identity, mls_seed), Arc::<Presence>::default());
        let us = identity.peer_id();
        let state =
            StateActor::start(store, Arc::clone(&identity), member, Arc::clone(&presence), audit_seal, lock)
                .map_err(StartError::Thread)?;
        let agent = Self(Arc::new(Inner {
            us,
            identity,
            state,
            sandbox,
            model: Setup::of(&home, config.llm.as_ref()),
            catalog: Catalog::new(snapshot),
            trust: TrustBook::default(),
            running: Arc::default(),
            waiting: Arc::default(),
            presence,
            slots: Arc::new(Semaphore::new(SLOTS)),
            changing: tokio::sync::Mutex::default(),
            denials: Mutex::default(),
            leaks: Leaks::new(derived(&seed, "leak guard")),
            redials: Mutex::default(),
            direct: Direct::default(),
            unhurried: Mutex::default(),
            dials: Mutex::default(),
            group_news: Notify::new(),
            goals: Goals::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            serving: AtomicBool::new(false),
            network: OnceCell::new(),
            home,
            config,
            seed,
        }));
        // Nothing is asked of it before: nobody is answered yet.
        let restored = standing::restore(&agent).await;
        restored.map_err(|error| StartError::Trust(error.into()))?;
        Ok(agent)
    }

    /// As [`open`](Self::open), over a network that is there already: from now on this agent answers on it.
    /// `network` holds the agent's own key.
    pub async fn open_on(home: Home, timeout: Duration, network: Network) -> Result<Self, StartError> {
        let agent = Self::open(home, timeout).await?;
        let _ = agent.network.set((network.clone(), None));
        agent.answer_on(network);
        Ok(agent)
    }

    pub fn peer_id(&self) -> PeerId {
        self.us
    }

    /// The network, started if it was not: from then on this agent also answers.
    pub(crate) async fn network(&self) -> Result<&Network, NetError> {
        let started = self.network.get_or_try_init(|| self.start_network()).await?;
        Ok(&started.0)
    }

    pub(crate) fn running_network(&self) -> Option<&Network> {
        self.network.get().map(|(network, _)| network)
    }

    async fn start_network(&self) -> Result<(Network, Option<Notice>), NetError> {
        let config = &self.config.network;
        let network = Network::iroh(
            self.seed,
            Options {
                bind: config.bind,
                exposure: match config.mode {
                    Mode::Local => Exposure::Open { mdns: true },
                    Mode::Public => Exposure::Split { direct: derived(&self.seed, "direct door") },
                },
                relays: config.relays.clone(),
                relay_ca: self.home.relay_ca(config).map_err(|error| NetError::BadRelayCa(error.into()))?,
            },
        )
        .await?;
        let notice = (config.mode == Mode::Local)
            .then(|| nearby::announce(self.home.dir(), self.us, &network.addresses()))
            .flatten();
        if direct::applies(self) {
            // Before anybody comes: to who is not admitted the direct door is silent.
            if let Err(error) = direct::review(self, &network).await {
                tracing::warn!(%error, "cannot open the direct door to those who were admitted");
            }
            self.tasks.spawn(direct::keep(self.clone(), network.clone()));
        }
        self.answer_on(network.clone());
        Ok((network, notice))
    }

    /// From now on peers are answered, and what they are trusted with ends in time.
    fn answer_on(&self, network: Network) {
        self.tasks.spawn(crate::link::connection::accept(self.clone(), network));
        self.tasks.spawn(standing::watch_leases(self.clone()));
    }

    /// What we think of a caller now.
    pub(crate) fn tier(&self, caller: Caller) -> Tier {
        match caller {
            Caller::Peer(peer) => self.trust.tier(peer),
            Caller::Owner => Tier::Privileged,
            Caller::OwnerAs(tier) => tier,
        }
    }

    /// Held by whoever dials `peer`.
    pub(crate) fn dialling(&self, peer: PeerId) -> Arc<tokio::sync::Mutex<()>> {
        let mut dials = self.dials.lock().unwrap_or_else(PoisonError::into_inner);
        dials.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = dials.get(&peer).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        dials.insert(peer, Arc::downgrade(&turn));
        turn
    }

    /// A caller's name towards the component of a skill: keyed, so that two components cannot compare notes.
    /// All skills of one component know a caller by one name, as they share what is remembered of it, and
    /// so does a component that takes this one's place.
    pub(crate) fn pseudonym(&self, caller: Caller, snapshot: &CatalogSnapshot, skill: &str) -> Pseudonym {
        let key = derived(&self.seed, "caller pseudonyms");
        let mut hasher = blake3::Hasher::new_keyed(&key);
        match caller {
            Caller::Peer(peer) => hasher.update(peer.as_bytes()),
            Caller::Owner | Caller::OwnerAs(_) => hasher.update(self.us.as_bytes()),
        };
        hasher.update(snapshot.lineage(skill).as_bytes());
        let mut name = [0; 16];
        hasher.finalize_xof().fill(&mut name);
        Pseudonym(name)
    }

    /// Stops serving: connections end, running guests stop, what is on the desk is finished.
    pub async fn close(&self) {
        signatures::send_now(self).await;
        self.stop.cancel();
        if let Some((network, _)) = self.network.get() {
            network.close().await;
        }
        self.tasks.close();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.tasks.wait()).await;
    }
}

/// Keys of one purpose each, from the identity's seed.
fn derived(seed: &[u8; 32], purpose: &str) -> [u8; 32] {
    blake3::derive_key(&format!("coworker 2026-11 {purpose}"), seed)
}

fn mls_seed(tx: &coworker_store::Tx<'_>) -> Result<[u8; 32], StartError> {
    if let Some(seed) = tx.mls_seed()? {
        return Ok(seed);
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| StartError::Thread(std::io::Error::other(e)))?;
    tx.set_mls_seed(&seed)?;
    Ok(seed)
}

impl From<StateError> for OpError {
    fn from(error: StateError) -> Self {
        Self::fault(&error)
    }
}

impl From<NetError> for OpError {
    fn from(error: NetError) -> Self {
        let fault = Self::fault(&error);
        let fix = match &error {
            NetError::NoRelay => "name a relay in config.toml: relays = [\"https://relay.example.org\"]",
            NetError::BadRelay { .. } => "mend `relays` in config.toml",
            NetError::BadRelayCa(_) => "mend `relay_ca` in config.toml: a PEM file",
            NetError::Bind { .. } => "choose another address for `bind` in config.toml, or leave it out",
            _ => return Self { code: ErrorCode::PeerUnreachable, ..fault },
        };
        Self { code: ErrorCode::Usage, ..fault }.hint(fix)
    }
}
