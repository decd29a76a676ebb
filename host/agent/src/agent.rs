use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use coworker_channel::{Identity, Member};
use coworker_net::Network;
use coworker_policy::gate::{Caller, Pseudonym};
use coworker_policy::PeerId;
use coworker_sandbox::{Cache, Sandbox, SandboxError};
use coworker_store::{Store, StoreError};
use tokio::sync::{Notify, Semaphore};

use crate::base::core::{Core, KeyFor};
use crate::base::error::OpError;
use crate::base::home::{Home, HomeError};
use crate::catalog::installed::Catalog;
use crate::catalog::snapshot::{CatalogError, CatalogSnapshot};
use crate::goals::Goals;
use crate::intake::Intake;
use crate::link::links::Links;
use crate::model::Setup;
use crate::serve::denials::Denials;
use crate::serve::leaks::Leaks;
use crate::state::presence::Presence;
use crate::state::{AuditSeal, StateActor, StateError};
use crate::trust::book::TrustBook;
use crate::trust::peer_names;

/// Calls that run at once, of all callers: each holds a slot of the sandbox's pool.
const SLOTS: usize = 32;

/// One agent: its skills, peers and state, held by this process. Cheap to clone.
#[derive(Clone)]
pub struct Agent(Arc<Inner>);

/// What the clones of an agent share; nothing of it is reachable from outside this crate.
pub struct Inner {
    pub(crate) core: Core,
    pub(crate) identity: Arc<Identity>,
    pub(crate) state: StateActor,
    pub(crate) sandbox: Sandbox,
    pub(crate) model: Setup,
    pub(crate) catalog: Catalog,
    pub(crate) trust: TrustBook,
    pub(crate) links: Links,
    pub(crate) slots: Arc<Semaphore>,
    /// What calls were denied lately.
    pub(crate) denials: Mutex<Denials>,
    pub(crate) leaks: Leaks,
    /// Wakes who waits for something to happen in a group.
    pub(crate) group_news: Notify,
    pub(crate) goals: Goals,
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
        let core = Core::new(identity.peer_id(), home, config, seed);
        let home = &core.home;
        let cache = Cache { dir: home.cache_dir(), key: core.key(KeyFor::CompiledCode) };
        let sandbox = Sandbox::new(cache, home.compiler().clone())?;
        let mut store = Store::open(&home.database())?;
        let (mls_seed, snapshot, audit_seal) = store.write(|tx| -> Result<_, StartError> {
            // Who waited for them went with the process that held the agent before.
            tx.abandon_calls(core.clock.now_ms())?;
            let audit_seal = AuditSeal::resume(tx, Arc::clone(&identity), home.has_sealed())?;
            Ok((
                mls_seed(tx)?,
                CatalogSnapshot::read(home, tx, &CatalogSnapshot::default(), BTreeMap::new())?,
                audit_seal,
            ))
        })?;
        if audit_seal.has_begun() && !home.has_sealed() {
            home.note_sealed()?;
        }
        let (member, presence) = (Member::new(&identity, mls_seed), Arc::<Presence>::default());
        let state = StateActor::start(
            store,
            Arc::clone(&identity),
            member,
            Arc::clone(&presence),
            audit_seal,
            core.clock.clone(),
            Box::new(lock),
        )
        .map_err(StartError::Thread)?;
        let trust = TrustBook::new(&core, &state);
        let links = Links::new(&core, &state, presence, &trust);
        let catalog = Catalog::new(&core, &state, sandbox.clone(), trust.running(), snapshot);
        let agent = Self(Arc::new(Inner {
            identity,
            sandbox,
            model: Setup::of(home, core.config.llm.as_ref()),
            catalog,
            trust,
            links,
            slots: Arc::new(Semaphore::new(SLOTS)),
            denials: Mutex::default(),
            leaks: Leaks::new(core.key(KeyFor::LeakGuard)),
            group_news: Notify::new(),
            goals: Goals::default(),
            state,
            core,
        }));
        agent.links.hand_frames_to(Arc::new(Intake::new(agent.downgrade())));
        // Before the agent answers anybody.
        agent.trust.restore().await.map_err(|error| StartError::Trust(error.into()))?;
        Ok(agent)
    }

    /// Opens the agent over a network that is there already: from now on it answers there. `network` must hold the
    /// agent's own key.
    pub async fn open_on(home: Home, timeout: Duration, network: Network) -> Result<Self, StartError> {
        let agent = Self::open(home, timeout).await?;
        agent.links.answer_on(network);
        Ok(agent)
    }

    pub fn peer_id(&self) -> PeerId {
        self.core.us
    }

    /// The one peer that `typed` means.
    pub(crate) async fn find_peer(&self, typed: &str) -> Result<PeerId, OpError> {
        peer_names::find(&self.state, typed).await
    }

    pub(crate) fn downgrade(&self) -> WeakAgent {
        WeakAgent(Arc::downgrade(&self.0))
    }

    /// A caller's name towards the component of a skill: keyed, so that two components cannot compare notes.
    /// All skills of one component know a caller by one name, as they share what is remembered of it, and
    /// so does a component that takes this one's place.
    pub(crate) fn pseudonym(&self, caller: Caller, snapshot: &CatalogSnapshot, skill: &str) -> Pseudonym {
        let key = self.core.key(KeyFor::Pseudonyms);
        let mut hasher = blake3::Hasher::new_keyed(&key);
        match caller {
            Caller::Peer(peer) => hasher.update(peer.as_bytes()),
            Caller::Owner | Caller::OwnerAs(_) => hasher.update(self.core.us.as_bytes()),
        };
        hasher.update(snapshot.lineage(skill).as_bytes());
        let mut name = [0; 16];
        hasher.finalize_xof().fill(&mut name);
        Pseudonym(name)
    }

    /// Stops serving: connections end, running guests stop, and jobs of the state actor are finished.
    pub async fn close(&self) {
        self.links.send_last_signatures().await;
        self.core.stop.cancel();
        self.links.close_network().await;
        self.core.tasks.close();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.core.tasks.wait()).await;
    }
}

/// An agent, for the parts of it that must not keep it alive.
pub(crate) struct WeakAgent(Weak<Inner>);

impl WeakAgent {
    pub(crate) fn upgrade(&self) -> Option<Agent> {
        self.0.upgrade().map(Agent)
    }
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
