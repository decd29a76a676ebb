//! One agent under attack, an honest peer that calls it all the while, and the bounds on the remains of the attack.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coworker_agent::Agent;
use coworker_channel::{Identity, Message};
use coworker_policy::{PeerId, RequestId, Tier};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::guest::{plain, roomy, spins, tells};
use crate::harness::{Town, call, connect, set_tier, until};
use crate::stranger::Stranger;

/// Far more than an honest call takes beside any attack, on a machine that does other work, too.
const SERVED: Duration = Duration::from_secs(10);
/// The pause between two calls of the honest peer.
const PAUSE: Duration = Duration::from_millis(5);
/// The most bytes that an attack may leave in the agent's database.
const DISK: u64 = 48 << 20;
/// By how much an attack may make this process grow, the attacker's part included, in bytes.
const MEMORY: u64 = 256 << 20;

pub(super) struct Siege {
    pub(super) town: Town,
    /// Under attack. `plain` and `spins` are for strangers, `tells` is for INTERNAL callers.
    pub(super) ada: Agent,
    /// Honest.
    pub(super) bob: Agent,
    pub(super) eve: Stranger,
    calling: JoinHandle<()>,
    answered: Arc<AtomicUsize>,
    over: CancellationToken,
    memory: u64,
    pub(super) began: Instant,
}

impl Siege {
    pub(super) async fn lay() -> Self {
        Self::of(&plain()).await
    }

    /// The same with room for large inputs and answers.
    pub(super) async fn of_large_answers() -> Self {
        Self::of(&roomy()).await
    }

    async fn of(echo: &[u8]) -> Self {
        let town = Town::new();
        let (ada, bob) = (town.open("ada").await, town.open("bob").await);
        town.install(&ada, echo, Some(Tier::Untrusted)).await;
        town.install(&ada, &spins(), Some(Tier::Untrusted)).await;
        town.install(&ada, &tells(), Some(Tier::Internal)).await;
        connect(&bob, &ada).await;
        set_tier(&ada, bob.peer_id(), Tier::Internal).await;
        let mut eve = Stranger::new(&town.hub, "eve");
        eve.meet(ada.peer_id()).await;
        let (answered, over) = (Arc::<AtomicUsize>::default(), CancellationToken::new());
        let calling = call_on(bob.clone(), ada.peer_id(), Arc::clone(&answered), over.clone());
        let calling = tokio::spawn(calling);
        Self { town, ada, bob, eve, calling, answered, over, memory: resident(), began: Instant::now() }
    }

    /// Waits until the honest peer has an answer to a call that began after this.
    pub(super) async fn honest_is_served(&self) {
        let seen = self.answered.load(Ordering::SeqCst);
        until("the honest peer is served", async || {
            assert!(!self.calling.is_finished(), "a call of the honest peer failed");
            self.answered.load(Ordering::SeqCst) >= seen + 2
        })
        .await;
    }

    /// Ends the siege: the honest peer was served to the end, and the remains are bounded.
    pub(super) async fn lift(self) {
        self.honest_is_served().await;
        self.over.cancel();
        self.calling.await.unwrap();
        let grown = resident().saturating_sub(self.memory);
        assert!(grown < MEMORY, "the process grew by {} MiB", grown >> 20);
        let disk = size(&self.town.path("ada").join("agent.db"));
        assert!(disk < DISK, "the database has {} MiB", disk >> 20);
    }

    /// Returns the agent's answers to eve's messages, and true if the connection lasted. Eve is connected afterwards,
    /// in the same session. Calls are answered in their time, so this waits for the answers in `expected`.
    pub(super) async fn ending(&mut self, expected: &str) -> String {
        let mut told = Vec::new();
        if expected.starts_with("task_error") || expected.starts_with("answer") {
            told.push(in_a_word(&self.eve.read().await));
        }
        let id = RequestId::random();
        self.eve.send(&Message::Ping { id });
        loop {
            match self.eve.read_on().await {
                Some(Message::Pong { id: of }) if of == id => break,
                Some(message) => told.push(in_a_word(&message)),
                None => {
                    told.push("the connection ends".to_owned());
                    self.eve.sent = self.eve.resume(self.ada.peer_id()).await;
                    self.eve.expect_silence().await;
                    break;
                }
            }
        }
        if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
    }

    /// A stranger with a key of their own.
    pub(super) fn stranger(&self, number: usize) -> Stranger {
        let mut seed = [0xee; 32];
        seed[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let key = Identity::from_seed(seed);
        Stranger::holding(&self.town.hub, &key, &key)
    }

    /// A new peer gets in and is answered.
    pub(super) async fn newcomer_is_served(&self, name: &str) {
        let mut newcomer = Stranger::new(&self.town.hub, name);
        newcomer.meet(self.ada.peer_id()).await;
        let answer = newcomer.call("plain", "[1]").await;
        assert!(matches!(answer, Message::TaskResponse { .. }), "{answer:?}");
    }

    /// Rows of the audit log that eve brought about.
    pub(super) fn noted(&self) -> usize {
        let rows = self.town.audit_rows("ada");
        rows.iter().filter(|row| row.peer == Some(self.eve.id)).count()
    }

    /// The most rows since the siege began of a kind that is written once a second.
    pub(super) fn seconds(&self) -> usize {
        usize::try_from(self.began.elapsed().as_secs()).unwrap() + 2
    }
}

async fn call_on(bob: Agent, ada: PeerId, answered: Arc<AtomicUsize>, over: CancellationToken) {
    for number in 0.. {
        let called = tokio::time::timeout(SERVED, call(&bob, ada, "plain", &format!("{number}"))).await;
        assert_eq!(called.expect("no answer").unwrap().output, json!(number));
        answered.fetch_add(1, Ordering::SeqCst);
        tokio::select! {
            () = over.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

fn in_a_word(message: &Message) -> String {
    match message {
        Message::Error { code, .. } => format!("error {}", code.name()),
        Message::TaskError { code, .. } => format!("task_error {}", code.name()),
        Message::TaskResponse { output, .. } => format!("answer {output}"),
        Message::Capabilities { cards, .. } => format!("{} cards", cards.len()),
        other => format!("{:?}", other.kind()),
    }
}

/// The memory of this process, in bytes.
pub(super) fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}

fn size(database: &Path) -> u64 {
    let of = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    of(database) + of(&database.with_extension("db-wal"))
}
