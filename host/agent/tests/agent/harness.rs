//! Agents in a temporary directory, all on one in-memory network.

use std::path::PathBuf;
use std::time::Duration;

use coworker_agent::ops::Run as _;
use coworker_agent::{Agent, Clock, Config, Home, ManualClock, NetworkConfig};
use coworker_api::ApiError;
use coworker_api::ops::{AuditEntry, AuditLog, Connect, Connected, Invitation};
use coworker_api::ops::{Call, Called, SkillAdd, SkillLook, TrustSet};
use coworker_channel::Identity;
use coworker_net::{Hub, Network};
use coworker_policy::{PeerId, RequestId, SkillName, Tier};
use coworker_store::{AuditFilter, AuditRow, Inbound, InboundState, Store, StoreError, Tx};
use data_encoding::HEXLOWER;
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(20);
/// The same, for operations that take seconds.
pub(crate) const SECONDS: f64 = 20.0;

pub(crate) struct Town {
    pub(crate) hub: Hub,
    pub(crate) dir: TempDir,
    clock: Clock,
}

/// Whose identity key it is, by the first letter of a name.
pub(crate) fn identity(name: &str) -> Identity {
    Identity::from_seed([name.as_bytes()[0]; 32])
}

impl Town {
    pub(crate) fn new() -> Self {
        Self { hub: Hub::new(), dir: TempDir::new().unwrap(), clock: Clock::system() }
    }

    /// A town whose time stands still until the test moves it.
    pub(crate) fn with_manual_clock() -> (Self, ManualClock) {
        let hand = ManualClock::starting_at(Clock::system().now_ms());
        (Self { clock: hand.clock(), ..Self::new() }, hand)
    }

    /// The home of the agent `name`, made if it was not there.
    pub(crate) fn home(&self, name: &str) -> Home {
        let home = Home::new(self.path(name)).with_clock(self.clock.clone());
        if !home.is_initialised() {
            std::fs::create_dir(home.dir()).unwrap();
            let key = HEXLOWER.encode(identity(name).seed());
            std::fs::write(home.dir().join("identity.key"), key).unwrap();
            let config = Config::new(name.parse().unwrap(), NetworkConfig::default());
            home.initialise(&config).unwrap();
        }
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Opens the agent `name`, which answers from then on.
    pub(crate) async fn open(&self, name: &str) -> Agent {
        let network = Network::memory(&self.hub, identity(name).peer_id());
        Agent::open_on(self.home(name), BOUND, network).await.unwrap()
    }

    /// Ends the agent as a process would, and starts it again.
    pub(crate) async fn restart(&self, name: &str, agent: Agent) -> Agent {
        agent.close().await;
        drop(agent);
        let agent = self.open(name).await;
        agent.serve().await.unwrap();
        agent
    }

    /// Reads and writes the agent's database beside it.
    pub(crate) fn in_transaction<T>(
        &self,
        name: &str,
        look: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> T {
        Store::open(&self.path(name).join("agent.db")).unwrap().write(look).unwrap()
    }

    /// The audit log as it lies in the database, oldest row first.
    pub(crate) fn audit_rows(&self, name: &str) -> Vec<AuditRow> {
        let all = AuditFilter { limit: 100_000, ..AuditFilter::default() };
        let mut rows = self.in_transaction(name, |tx| tx.audit_rows(&all));
        rows.reverse();
        rows
    }

    /// How many rows of `event` the task has.
    pub(crate) fn count(&self, name: &str, event: &str, task: &str) -> usize {
        let of_task = |row: &&AuditRow| row.event == event && row.task.as_deref() == Some(task);
        self.audit_rows(name).iter().filter(of_task).count()
    }

    /// Installs a component; hidden if `expose` is `None`.
    pub(crate) async fn install(&self, agent: &Agent, wasm: &[u8], expose: Option<Tier>) -> SkillName {
        let path = self.path("component.wasm");
        std::fs::write(&path, wasm).unwrap();
        let agreed = SkillLook { path: path.clone() }.run(agent).await.unwrap().digest;
        let added = SkillAdd { path, agreed, expose }.run(agent).await.unwrap();
        added.component.skills[0].name.clone()
    }
}

/// A call of `peer` that was taken and that nobody has begun to serve, as it lies in the database.
pub(crate) fn taken(peer: PeerId, id: RequestId, skill: &str, input: &str) -> Inbound {
    Inbound {
        peer,
        id,
        skill: skill.into(),
        input: input.into(),
        timeout_ms: None,
        expires_ms: None,
        version: None,
        part_of: None,
        state: InboundState::Received,
        reply: None,
        at_ms: 0,
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let poll = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(BOUND, poll).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// `from` connects with the invite code of `to`.
pub(crate) async fn connect(from: &Agent, to: &Agent) -> Connected {
    let code = Invitation { with_addresses: false, grant: None }.run(to).await.unwrap().code;
    Connect { code, at: Vec::new(), timeout: SECONDS }.run(from).await.unwrap()
}

pub(crate) async fn set_tier(agent: &Agent, peer: PeerId, tier: Tier) {
    TrustSet::standing(peer.to_string(), tier).run(agent).await.unwrap();
}

pub(crate) async fn call(from: &Agent, to: PeerId, skill: &str, input: &str) -> Result<Called, ApiError> {
    let (peer, skill, input) = (to.to_string(), skill.to_owned(), input.to_owned());
    Call { peer, skill, input, version: None, timeout: SECONDS }.run(from).await
}

/// The owner's view of the audit log, newest first.
pub(crate) async fn log(agent: &Agent) -> Vec<AuditEntry> {
    AuditLog { limit: 10_000, peer: None, skill: None }.run(agent).await.unwrap()
}
