use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;

use coworker_channel::{Held, Ledger, LogEntry, Logged};
use coworker_policy::{GroupId, PeerId};

/// An entry, and its commit if it is known.
type Row = (LogEntry, Option<Vec<u8>>);

/// The rows of a ledger in memory. A clone serves as the snapshot of a transaction.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    log: BTreeMap<(GroupId, u64), Row>,
    proposed: HashMap<GroupId, Vec<u8>>,
    held: Vec<(GroupId, Held)>,
}

#[derive(Default)]
pub(crate) struct MemoryLedger(pub(crate) RefCell<Rows>);

impl MemoryLedger {
    /// Deletes the log before `epoch`, as an agent does after a while.
    pub(crate) fn prune(&self, group: GroupId, epoch: u64) {
        self.0.borrow_mut().log.retain(|(of, at), _| *of != group || *at >= epoch);
    }
}

impl Ledger for MemoryLedger {
    type Failure = Infallible;

    fn append(&self, group: GroupId, logged: &Logged) -> Result<(), Infallible> {
        let key = (group, logged.entry.epoch());
        let row = (logged.entry.clone(), Some(logged.commit.clone()));
        assert!(self.0.borrow_mut().log.insert(key, row).is_none(), "an epoch ends once");
        Ok(())
    }

    fn restart(&self, group: GroupId, entry: &LogEntry) -> Result<(), Infallible> {
        let mut rows = self.0.borrow_mut();
        rows.log.retain(|(of, _), _| *of != group);
        rows.held.retain(|(of, _)| *of != group);
        rows.proposed.remove(&group);
        rows.log.insert((group, entry.epoch()), (entry.clone(), None));
        Ok(())
    }

    fn last(&self, group: GroupId) -> Result<Option<LogEntry>, Infallible> {
        let rows = self.0.borrow();
        let last = rows.log.range((group, 0)..=(group, u64::MAX)).next_back();
        Ok(last.map(|(_, (entry, _))| entry.clone()))
    }

    fn entry(&self, group: GroupId, epoch: u64) -> Result<Option<LogEntry>, Infallible> {
        Ok(self.0.borrow().log.get(&(group, epoch)).map(|(entry, _)| entry.clone()))
    }

    fn since(&self, group: GroupId, epoch: u64, most: usize) -> Result<Vec<Logged>, Infallible> {
        let rows = self.0.borrow();
        let mut found = Vec::new();
        for at in epoch.. {
            let Some((entry, Some(commit))) = rows.log.get(&(group, at)) else { break };
            if found.len() == most {
                break;
            }
            found.push(Logged { entry: entry.clone(), commit: commit.clone() });
        }
        Ok(found)
    }

    fn propose(&self, group: GroupId, commit: Option<&[u8]>) -> Result<(), Infallible> {
        let mut rows = self.0.borrow_mut();
        rows.proposed.remove(&group);
        rows.proposed.extend(commit.map(|commit| (group, commit.to_vec())));
        Ok(())
    }

    fn proposed(&self, group: GroupId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.borrow().proposed.get(&group).cloned())
    }

    fn hold(&self, group: GroupId, held: &Held) -> Result<(), Infallible> {
        self.0.borrow_mut().held.push((group, held.clone()));
        Ok(())
    }

    fn held(&self, group: GroupId, via: PeerId) -> Result<(usize, usize), Infallible> {
        let rows = self.0.borrow();
        let all = rows.held.iter().filter(|(of, _)| *of == group);
        Ok((all.clone().count(), all.filter(|(_, held)| held.via == via).count()))
    }

    fn release(&self, group: GroupId, epoch: u64) -> Result<Vec<Held>, Infallible> {
        let mut rows = self.0.borrow_mut();
        let (due, kept) = std::mem::take(&mut rows.held)
            .into_iter()
            .partition(|(of, held)| *of == group && held.epoch <= epoch);
        rows.held = kept;
        Ok(due.into_iter().map(|(_, held)| held).collect())
    }
}
