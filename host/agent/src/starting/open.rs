//! Opens and closes an agent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use coworker_channel::{Identity, Member};
use coworker_net::Network;
use coworker_sandbox::{Cache, Sandbox, SandboxError};
use coworker_store::{Store, StoreError};

use crate::agent::{Agent, Rooms};
use crate::base::core::{Core, KeyFor};
use crate::base::error::OpError;
use crate::base::home::{Home, HomeError};
use crate::catalog::installed::Catalog;
use crate::catalog::snapshot::{CatalogError, CatalogSnapshot};
use crate::goals::ours::{GoalNews, GoalParts, Goals};
use crate::groups::ours::Groups;
use crate::intake::Intake;
use crate::link::links::Links;
use crate::model::LanguageModel;
use crate::serve::calls::{CallParts, Calls};
use crate::state::presence::Presence;
use crate::state::{AuditSeal, StateActor};
use crate::trust::book::TrustBook;

/// How long a closing agent waits for its tasks.
const LAST_TASKS: Duration = Duration::from_secs(5);

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
    #[error("cannot read the owner's trust decisions")]
    Trust(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot start the agent's thread")]
    Thread(#[source] std::io::Error),
}

impl Agent {
    /// Takes the agent in `home` for this process. The network starts when it is first needed.
    pub async fn open(home: Home, timeout: Duration) -> Result<Self, StartError> {
        let lock = home.lock(timeout).await?;
        let (config, seed) = (home.config()?, home.seed()?);
        let identity = Arc::new(Identity::from_seed(seed));
        let core = Core::new(identity.peer_id(), home, config, seed);
        let cache = Cache { dir: core.home.cache_dir(), key: core.key(KeyFor::CompiledCode) };
        let sandbox = Sandbox::new(cache, core.home.compiler().clone())?;
        let Opened { state, snapshot, presence } = Opened::of(&core, &identity, Box::new(lock))?;
        let agent = Self::of(rooms(core, identity, state, sandbox, snapshot, presence));
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

    /// Stops serving: connections end, running guests stop, and jobs of the state actor are finished.
    pub async fn close(&self) {
        self.links.send_last_signatures().await;
        self.core.stop.cancel();
        self.links.close_network().await;
        self.core.tasks.close();
        let _ = tokio::time::timeout(LAST_TASKS, self.core.tasks.wait()).await;
    }
}

/// The state actor of the agent, with the catalog that its database holds.
struct Opened {
    state: StateActor,
    snapshot: CatalogSnapshot,
    presence: Arc<Presence>,
}

impl Opened {
    fn of(core: &Core, identity: &Arc<Identity>, lock: Box<dyn Send>) -> Result<Self, StartError> {
        let mut store = Store::open(&core.home.database())?;
        let sealed_before = core.home.has_sealed();
        let (mls_seed, snapshot, audit_seal) = store.write(|tx| -> Result<_, StartError> {
            // The callers that waited for them went with the process that held the agent before.
            tx.abandon_calls(core.clock.now_ms())?;
            let audit_seal = AuditSeal::resume(tx, Arc::clone(identity), sealed_before)?;
            let snapshot =
                CatalogSnapshot::read(&core.home, tx, &CatalogSnapshot::default(), BTreeMap::new())?;
            Ok((mls_seed(tx)?, snapshot, audit_seal))
        })?;
        if audit_seal.has_begun() && !sealed_before {
            core.home.note_sealed()?;
        }
        let presence = Arc::<Presence>::default();
        let state = StateActor::start(
            store,
            Arc::clone(identity),
            Member::new(identity, mls_seed),
            Arc::clone(&presence),
            audit_seal,
            core.clock.clone(),
            lock,
        )
        .map_err(StartError::Thread)?;
        Ok(Self { state, snapshot, presence })
    }
}

fn rooms(
    core: Core,
    identity: Arc<Identity>,
    state: StateActor,
    sandbox: Sandbox,
    snapshot: CatalogSnapshot,
    presence: Arc<Presence>,
) -> Rooms {
    let trust = TrustBook::new(&core, &state);
    let catalog = Catalog::new(&core, &state, sandbox, trust.running(), snapshot);
    let links = Links::new(&core, &state, presence, &trust);
    let model = LanguageModel::new(&core, &state);
    let news = GoalNews::default();
    let calls = Calls::new(CallParts {
        core: core.clone(),
        identity,
        state: state.clone(),
        trust: trust.clone(),
        catalog: catalog.clone(),
        links: links.clone(),
        model: model.clone(),
        on_served: Arc::new(news.clone()),
    });
    let groups = Groups::new(&core, &state, &links);
    let goals = Goals::new(GoalParts {
        core: core.clone(),
        state: state.clone(),
        trust: trust.clone(),
        catalog: catalog.clone(),
        links: links.clone(),
        model: model.clone(),
        calls: calls.clone(),
        groups: groups.clone(),
        news,
    });
    Rooms { core, state, trust, catalog, links, model, calls, groups, goals }
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
