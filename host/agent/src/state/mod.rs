//! The state actor: one thread that owns the database and the MLS sessions.
//!
//! All work on either is a job. The actor takes the jobs that wait, runs them in one transaction (each in a savepoint of
//! its own), seals the mail that they left in the outbox into one MLS message per peer, commits, and only then answers
//! and sends. So a ratchet generation is always on disk before it leaves the process, and a result is durable before
//! anybody learns of it.

pub(crate) mod audit;
mod audit_seal;
mod group_log;
mod groups;
mod job_error;
mod links;
mod mail;
pub(crate) mod presence;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use coworker_channel::{ChannelError, Frame, Identity, Member, Session};
use coworker_net::LinkSender;
use coworker_policy::PeerId;
use coworker_store::{Store, StoreError, Tx};
use tokio::sync::{mpsc, oneshot};

use crate::base::clock::Clock;
use crate::base::error::OpError;
use crate::state::presence::Presence;

pub(crate) use audit_seal::AuditSeal;
pub(crate) use groups::{GroupCache, GroupTools, Wear};
pub(crate) use job_error::JobError;
pub(crate) use links::{Line, LinkId};
pub(crate) use mail::Ephemeral;

/// Jobs in one transaction at most.
const BATCH: usize = 64;
/// Jobs that may wait. A caller that adds another one waits for room.
const QUEUE: usize = 4096;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error("the agent's database failed")]
    Store(#[from] StoreError),
    #[error("the encrypted session failed")]
    Channel(#[from] ChannelError),
    #[error("there is no session with this peer")]
    NoSession,
    #[error("a group has no keys")]
    NoGroup,
    #[error("the peer skipped a message")]
    Gap,
    #[error("too many strangers are connecting")]
    Busy,
    #[error("the message is too large to send")]
    TooLarge,
    #[error("the database did not take the change")]
    Undone,
    #[error("the agent is stopping")]
    Stopping,
}

impl StateError {
    /// True if the peer caused it: then its connection ends, and the agent goes on.
    pub(crate) fn is_peer_fault(&self) -> bool {
        match self {
            Self::Channel(error) => error.is_peer_fault(),
            Self::Gap | Self::NoSession => true,
            Self::Store(_) | Self::NoGroup | Self::Busy | Self::TooLarge | Self::Undone | Self::Stopping => {
                false
            }
        }
    }
}

impl From<StateError> for OpError {
    fn from(error: StateError) -> Self {
        Self::fault(&error)
    }
}

/// The transaction that a job was part of did not reach the disk.
struct CommitFailed;

type Deliver = Box<dyn FnOnce(Result<(), CommitFailed>) + Send>;
type Job = Box<dyn FnOnce(&mut Transaction<'_>) -> Deliver + Send>;

/// A handle to the state actor. Cheap to clone.
#[derive(Clone)]
pub(crate) struct StateActor {
    jobs: mpsc::Sender<Job>,
}

/// The state that is kept between jobs in memory only.
pub(super) struct Memory {
    identity: Arc<Identity>,
    member: Member,
    sessions: HashMap<PeerId, Session>,
    group_cache: GroupCache,
    links: HashMap<PeerId, Vec<Line>>,
    /// Publishes the peers that are connected.
    presence: Arc<Presence>,
    audit_seal: AuditSeal,
    clock: Clock,
    /// Handed out, each with a number that grows.
    key_packages: HashMap<PeerId, (LinkId, Vec<u8>)>,
    /// When a peer last brought a row of its own into the audit log, in milliseconds.
    noted: HashMap<PeerId, i64>,
}

/// The context of one job: the transaction, the sessions, and the work for after the commit.
pub(crate) struct Transaction<'a> {
    pub(crate) store: &'a Tx<'a>,
    pub(crate) now: i64,
    memory: &'a mut Memory,
    due: &'a mut Due,
}

/// The work for after the commit.
#[derive(Default)]
struct Due {
    /// Peers with new mail to seal.
    mail: BTreeSet<PeerId>,
    /// Messages that are sealed now or not at all.
    ephemeral: BTreeMap<PeerId, Vec<Vec<u8>>>,
    frames: Vec<(LinkSender, Frame)>,
    /// Updates of memory, in the order of the jobs.
    tellings: Vec<Box<dyn FnOnce() + Send>>,
}

impl StateActor {
    /// Starts the thread. It ends when the last handle is gone and its jobs are done; only then is `lock` dropped, so that
    /// another process can take the agent.
    pub(crate) fn start(
        store: Store,
        identity: Arc<Identity>,
        member: Member,
        presence: Arc<Presence>,
        audit_seal: AuditSeal,
        clock: Clock,
        lock: Box<dyn Send>,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let memory = Memory {
            identity,
            member,
            sessions: HashMap::new(),
            group_cache: GroupCache::default(),
            links: HashMap::new(),
            presence,
            key_packages: HashMap::new(),
            audit_seal,
            clock,
            noted: HashMap::new(),
        };
        std::thread::Builder::new().name("state".into()).spawn(move || {
            run_jobs(store, memory, queue);
            drop(lock);
        })?;
        Ok(Self { jobs })
    }

    /// Queues a job without waiting for it. A failure is logged.
    pub(crate) async fn tell<F>(&self, job: F) -> Result<(), StateError>
    where
        F: FnOnce(&mut Transaction<'_>) -> Result<(), StateError> + Send + 'static,
    {
        let job: Job = Box::new(move |tx| {
            if let Err(error) = tx.savepoint(job) {
                tracing::error!(%error, "a job failed");
            }
            Box::new(|_| {})
        });
        self.jobs.send(job).await.map_err(|_| StateError::Stopping)
    }

    /// Runs `job` and answers once its transaction is on disk. A job that fails leaves nothing behind.
    pub(crate) async fn run<T, F>(&self, job: F) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, StateError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let result = tx.savepoint(job);
            Box::new(move |committed| {
                // The caller may be gone; the work stands all the same.
                let _ =
                    answer.send(committed.map_or_else(|CommitFailed| Err(StateError::Undone), |()| result));
            })
        });
        self.jobs.send(job).await.map_err(|_| StateError::Stopping)?;
        answered.await.map_err(|_| StateError::Stopping)?
    }

    /// Runs a job that can refuse. A refusal keeps the rows that the job wrote; a fault undoes them.
    pub(crate) async fn decide<T, R, F>(&self, job: F) -> Result<T, JobError<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, JobError<R>> + Send + 'static,
    {
        JobError::together(self.run(move |tx| JobError::apart(job(tx))).await)
    }
}

fn run_jobs(mut store: Store, mut memory: Memory, mut queue: mpsc::Receiver<Job>) {
    let mut jobs = Vec::with_capacity(BATCH);
    while queue.blocking_recv_many(&mut jobs, BATCH) > 0 {
        let mut due = Due::default();
        let mut answers = Vec::with_capacity(jobs.len());
        let done = transact(&mut store, &mut memory, &mut due, jobs.drain(..), &mut answers);
        match done {
            Ok(()) => due.send(),
            Err(error) => {
                // Memory may be ahead of the disk: it is dropped and loaded again.
                memory.sessions.clear();
                memory.group_cache.loaded.clear();
                tracing::error!(%error, "a transaction failed and was undone");
                for deliver in answers.drain(..) {
                    deliver(Err(CommitFailed));
                }
            }
        }
        for deliver in answers {
            deliver(Ok(()));
        }
    }
}

fn transact(
    store: &mut Store,
    memory: &mut Memory,
    due: &mut Due,
    jobs: impl Iterator<Item = Job>,
    answers: &mut Vec<Deliver>,
) -> Result<(), StateError> {
    let store = store.begin()?;
    memory.audit_seal.look(&store)?;
    let mut tx = Transaction { store: &store, now: memory.clock.now_ms(), memory, due };
    for job in jobs {
        answers.push(job(&mut tx));
    }
    tx.seal_mail();
    let head = memory.audit_seal.seal(&store)?;
    store.commit()?;
    memory.audit_seal.committed(head);
    Ok(())
}

/// Only the owner prunes the audit log, and anybody may send: a peer brings in a row of its own this often.
const NOTE_EVERY_MS: i64 = 1_000;

impl Transaction<'_> {
    /// True if an action of `peer` may be written to the audit log now. That is once a second.
    pub(crate) fn may_note(&mut self, peer: PeerId) -> bool {
        let now = self.now;
        self.memory.noted.retain(|_, at| now - *at < NOTE_EVERY_MS);
        let free = !self.memory.noted.contains_key(&peer);
        if free {
            self.memory.noted.insert(peer, now);
        }
        free
    }

    /// Updates memory once the change is on disk, before the job's caller gets its answer. Does nothing if the job is
    /// undone.
    pub(crate) fn once_committed(&mut self, tell: impl FnOnce() + Send + 'static) {
        self.due.tellings.push(Box::new(tell));
    }

    /// Runs `job` in a savepoint. After a failure the sessions in memory may be ahead of the undone rows, so they are dropped
    /// and loaded again. Its frames are dropped too: an acknowledgement of an undone message would lose it for ever.
    fn savepoint<T>(
        &mut self,
        job: impl FnOnce(&mut Self) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let (tx, frames, tellings) = (self.store, self.due.frames.len(), self.due.tellings.len());
        let result = tx.savepoint(|_| job(self));
        if result.is_err() {
            self.memory.sessions.clear();
            self.memory.group_cache.loaded.clear();
            self.due.frames.truncate(frames);
            self.due.tellings.truncate(tellings);
        }
        result
    }
}

impl Due {
    fn send(self) {
        for tell in self.tellings {
            tell();
        }
        for (link, frame) in self.frames {
            // A link that is full or closed loses nothing: unacknowledged batches are sent again on the next one.
            if link.send(frame.encode()).is_err() {
                link.close("too slow");
            }
        }
    }
}
