//! Members of groups, for tests. Each has its own storage and ledger and loads the group anew for every step.

use coworker_channel::{
    Applied, Backend, Committed, Group, GroupError, GroupFault, GroupOpened, GroupRefusal, Joiner, LogEntry,
    Logged, Message, Received, Ticket,
};
use coworker_policy::{GroupId, PeerId};
use openmls_memory_storage::MemoryStorage;

use crate::ledger::{MemoryLedger, Rows};
use crate::party::{Party, ping};

type With<'a> = Backend<'a, MemoryStorage, MemoryLedger>;

/// All stored data of an agent.
pub(crate) type Backup = (std::collections::HashMap<Vec<u8>, Vec<u8>>, Rows);

/// An agent that is in a group or wants to join one.
pub(crate) struct Agent {
    pub(crate) party: Party,
    pub(crate) ledger: MemoryLedger,
    sent: std::cell::Cell<u64>,
}

impl Agent {
    pub(crate) fn new(seed: u8) -> Self {
        Self { party: Party::new(seed), ledger: MemoryLedger::default(), sent: 0.into() }
    }

    pub(crate) fn id(&self) -> PeerId {
        self.party.id()
    }

    pub(crate) fn backend(&self) -> With<'_> {
        Backend {
            identity: &self.party.identity,
            member: &self.party.member,
            storage: &self.party.storage,
            ledger: &self.ledger,
        }
    }

    /// Runs one operation in one transaction, which is rolled back on an error.
    pub(crate) fn transact<T>(
        &self,
        operation: impl FnOnce(&With<'_>) -> Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        let before = self.backup();
        let result = operation(&self.backend());
        if result.is_err() {
            self.restore(before);
        }
        result
    }

    pub(crate) fn backup(&self) -> Backup {
        (self.party.storage.values.read().unwrap().clone(), self.ledger.0.borrow().clone())
    }

    pub(crate) fn restore(&self, (mls, rows): Backup) {
        *self.party.storage.values.write().unwrap() = mls;
        *self.ledger.0.borrow_mut() = rows;
    }

    pub(crate) fn group(&self, id: GroupId) -> Group {
        Group::load(&self.backend(), id).unwrap().unwrap()
    }

    /// Runs an operation on the group as loaded from storage, as after a restart.
    pub(crate) fn with<T>(
        &self,
        id: GroupId,
        operation: impl FnOnce(&mut Group, &With<'_>) -> Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        self.transact(|backend| operation(&mut self.group(id), backend))
    }

    pub(crate) fn create(&self) -> GroupId {
        self.transact(|backend| Group::create(backend, "crew".parse().unwrap())).unwrap().id()
    }

    pub(crate) fn key_package(&self, id: GroupId, steward: PeerId) -> (Vec<u8>, Ticket) {
        self.transact(|backend| Group::key_package(backend, id, steward)).unwrap()
    }

    pub(crate) fn join(&self, ticket: &Ticket, entry: &LogEntry, welcome: &[u8]) -> Result<(), GroupError> {
        self.transact(|backend| Group::join(backend, ticket, entry, welcome)).map(drop)
    }

    pub(crate) fn apply(&self, id: GroupId, logged: &Logged) -> Result<Applied, GroupError> {
        self.with(id, |group, backend| group.apply(backend, logged))
    }

    /// Seals a ping. Returns its sequence number, which is also the number of the ping, and the sealed message.
    pub(crate) fn seal(&self, id: GroupId) -> (u64, Vec<u8>) {
        let seq = self.sent.get() + 1;
        self.sent.set(seq);
        (seq, self.seal_again(id, seq))
    }

    pub(crate) fn seal_again(&self, id: GroupId, seq: u64) -> Vec<u8> {
        let batch = [ping(seq.into()).encode()];
        self.with(id, |group, backend| group.seal(backend, seq, None, &batch)).unwrap()
    }

    pub(crate) fn open(&self, id: GroupId, via: &Self, sealed: &[u8]) -> Result<Received, GroupError> {
        self.with(id, |group, backend| group.open(backend, via.id(), sealed))
    }

    pub(crate) fn opens(&self, id: GroupId, via: &Self, sealed: &[u8]) -> GroupOpened {
        match self.open(id, via, sealed).unwrap() {
            Received::Opened(opened) => opened,
            other => panic!("not opened: {other:?}"),
        }
    }

    /// Admits `joiners`, which join. The others apply the commit.
    pub(crate) fn admits(&self, id: GroupId, joiners: &[&Self], others: &[&Self]) -> Committed {
        let asked: Vec<_> = joiners.iter().map(|joiner| joiner.key_package(id, self.id())).collect();
        let pairs = joiners.iter().zip(&asked);
        let named: Vec<_> =
            pairs.map(|(joiner, (bytes, _))| Joiner { peer: joiner.id(), key_package: bytes }).collect();
        let done = self.with(id, |group, backend| group.admit(backend, &named)).unwrap();
        for (joiner, (_, ticket)) in joiners.iter().zip(&asked) {
            joiner.join(ticket, &done.logged.entry, done.welcome.as_ref().unwrap()).unwrap();
        }
        spread(id, &done.logged, others);
        done
    }
}

/// Each of `to` applies the commit.
pub(crate) fn spread(id: GroupId, logged: &Logged, to: &[&Agent]) {
    for agent in to {
        let applied = agent.apply(id, logged).unwrap();
        assert!(matches!(applied, Applied::Advanced { .. }), "{applied:?}");
    }
}

/// Checks that all agents are in the same epoch of the same history and can read each other.
pub(crate) fn assert_in_sync(id: GroupId, agents: &[&Agent]) {
    let position = agents[0].group(id).position();
    for agent in agents {
        assert_eq!(agent.group(id).position(), position);
        assert_eq!(agent.group(id).members().len(), agents.len());
    }
    for from in agents {
        let (seq, sealed) = from.seal(id);
        for to in agents.iter().filter(|to| to.id() != from.id()) {
            let opened = to.opens(id, from, &sealed);
            assert_eq!((opened.from(), opened.seq(), opened.to()), (from.id(), seq, None));
            assert_eq!(messages(opened), vec![ping(seq.into())]);
        }
    }
}

pub(crate) fn messages(opened: GroupOpened) -> Vec<Message> {
    opened.into_messages().into_iter().map(Result::unwrap).collect()
}

pub(crate) fn fault<T: std::fmt::Debug>(result: Result<T, GroupError>) -> GroupFault {
    match result.unwrap_err() {
        GroupError::Fault(fault) => fault,
        other => panic!("not a group fault: {other:?}"),
    }
}

pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, GroupError>) -> GroupRefusal {
    match result.unwrap_err() {
        GroupError::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}
