//! Simulates many members with restarts, joins, leaves and changes of steward, over a network that loses,
//! duplicates and reorders messages. In the end all members are in the same epoch and have every message that was
//! sent to them.

mod receive;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use coworker_channel::{Committed, Group, GroupError, GroupNews, LogHead, Message, Ticket};
use coworker_policy::{GroupId, PeerId};

use crate::crowd::Agent;
use crate::party::{id, ping};

/// A deterministic random number generator (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

struct Node {
    agent: Agent,
    group: Option<Group>,
    inside: bool,
    online: bool,
    ticket: Option<Ticket>,
    /// The epoch in which it joined by its latest invite.
    since: u64,
    read: BTreeMap<PeerId, BTreeSet<u64>>,
}

/// A message that a member sealed to the group.
struct Sent {
    from: usize,
    seq: u64,
    epoch: u64,
    to: Vec<PeerId>,
}

struct World {
    dice: Dice,
    id: GroupId,
    nodes: Vec<Node>,
    wire: Vec<(usize, usize, Vec<u8>)>,
    sent: Vec<Sent>,
    /// The members of the group at each head, as the first member to reach that head saw them.
    rolls: HashMap<LogHead, BTreeSet<PeerId>>,
    /// The head at which each ciphertext was sealed.
    sealed: HashMap<Vec<u8>, LogHead>,
    /// The head at which a message was last sealed again for a peer.
    resent: HashMap<(u64, PeerId), LogHead>,
    /// The epoch for which each member last requested the log.
    asked: HashMap<usize, u64>,
    lossy: bool,
    rejoins: usize,
}

impl World {
    fn new(seed: u64, size: u8) -> Self {
        let agents: Vec<_> = (1..=size).map(Agent::new).collect();
        let id = agents[0].create();
        let node = |agent| Node {
            agent,
            group: None,
            inside: false,
            online: true,
            ticket: None,
            since: 0,
            read: BTreeMap::new(),
        };
        let mut nodes: Vec<_> = agents.into_iter().map(node).collect();
        nodes[0].inside = true;
        Self {
            dice: Dice(seed),
            id,
            nodes,
            wire: Vec::new(),
            sent: Vec::new(),
            rolls: HashMap::new(),
            sealed: HashMap::new(),
            resent: HashMap::new(),
            asked: HashMap::new(),
            lossy: true,
            rejoins: 0,
        }
    }

    /// Runs one operation. The group stays in memory until a restart or an error.
    fn with<T>(
        &mut self,
        at: usize,
        operation: impl FnOnce(
            &mut Group,
            &coworker_channel::Backend<'_, openmls_memory_storage::MemoryStorage, crate::ledger::MemoryLedger>,
        ) -> Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        let node = &mut self.nodes[at];
        let mut group = node.group.take().unwrap_or_else(|| node.agent.group(self.id));
        let result = operation(&mut group, &node.agent.backend());
        match &result {
            Ok(_) => {
                let roll = group.members().iter().map(|member| member.peer).collect();
                if group.is_active() {
                    self.rolls.entry(group.position().head).or_insert(roll);
                }
                self.nodes[at].group = Some(group);
            }
            Err(error) => {
                assert!(!matches!(error, GroupError::Channel(e) if !e.is_peer_fault()), "{error:?}");
            }
        }
        result
    }

    fn view<T>(&mut self, at: usize, read: impl FnOnce(&Group) -> T) -> T {
        self.with(at, |group, _| Ok(read(group))).unwrap()
    }

    fn peer(&self, at: usize) -> PeerId {
        self.nodes[at].agent.id()
    }

    fn index(&self, peer: PeerId) -> usize {
        self.nodes.iter().position(|node| node.agent.id() == peer).unwrap()
    }

    fn inside(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|at| self.nodes[*at].inside).collect()
    }

    fn post(&mut self, from: usize, to: PeerId, number: u64, news: GroupNews) {
        let to = self.index(to);
        let bytes = Message::Group { id: id(number.into()), group: self.id, news: Box::new(news) }.encode();
        if !self.lossy {
            self.wire.push((from, to, bytes));
            return;
        }
        let copies = if self.dice.percent(4) { 0 } else { 1 + usize::from(self.dice.percent(5)) };
        self.wire.extend(std::iter::repeat_n((from, to, bytes), copies));
    }

    fn spread(&mut self, from: usize, done: Committed) {
        for to in done.tell {
            self.post(from, to, 0, GroupNews::Commit(done.logged.clone()));
        }
        for to in done.joined {
            let (entry, welcome) = (done.logged.entry.clone(), done.welcome.clone().unwrap());
            self.post(from, to, 0, GroupNews::Welcome { entry, welcome });
        }
    }

    fn say(&mut self, from: usize) {
        let seq = self.sent.len() as u64 + 1;
        let me = self.peer(from);
        let to: Vec<_> =
            self.view(from, |g| g.members().iter().map(|m| m.peer).filter(|p| *p != me).collect());
        let epoch = self.view(from, Group::epoch);
        let sealed = self.seal(from, seq);
        for to in &to {
            self.post(from, *to, seq, GroupNews::Sealed { sealed: sealed.clone() });
        }
        self.sent.push(Sent { from, seq, epoch, to });
    }

    fn seal(&mut self, from: usize, seq: u64) -> Vec<u8> {
        let batch = [ping(seq.into()).encode()];
        let (sealed, head) = self
            .with(from, |group, backend| Ok((group.seal(backend, seq, None, &batch)?, group.position().head)))
            .unwrap();
        self.sealed.insert(sealed.clone(), head);
        sealed
    }

    fn tell_position(&mut self, from: usize, to: PeerId) {
        let position = self.view(from, Group::position);
        self.post(from, to, 0, GroupNews::Position(position));
    }

    fn random_event(&mut self) {
        let inside = self.inside();
        let at = inside[self.dice.below(inside.len())];
        let other = self.dice.below(self.nodes.len());
        if !self.nodes[at].online {
            self.nodes[at].online = self.dice.percent(30);
            return;
        }
        let steward = self.view(at, |group| group.roster().steward());
        match self.dice.below(100) {
            0..60 => self.say(at),
            60..70 => {
                self.tell_position(at, self.peer(other));
                self.tell_position(at, steward);
            }
            70..75 => self.nodes[at].group = None,
            75..78 => self.nodes[at].online = false,
            78..86 => self.steward_acts(at, other),
            86..90 => {
                if let Ok(commit) = self.with(at, Group::propose_update) {
                    self.post(at, steward, 0, GroupNews::Update { commit });
                }
            }
            90..91 if inside.len() > 4 => self.post(at, steward, 0, GroupNews::Leave),
            91..95 => {
                let leading = self.index(steward);
                let gone = !(self.nodes[leading].inside && self.nodes[leading].online);
                let deputy = self.view(at, |group| group.roster().deputies().first().copied());
                let deputy = deputy.map(|peer| self.index(peer)).filter(|at| self.nodes[*at].inside);
                if let Some(deputy) = deputy.filter(|_| gone || self.dice.percent(30)) {
                    let done = self.with(deputy, Group::take_over);
                    done.map(|done| self.spread(deputy, done)).unwrap_or_default();
                }
            }
            _ => {
                if !self.nodes[other].inside {
                    let name = "crew".parse().unwrap();
                    let news = GroupNews::Invite { name, members: Vec::new() };
                    self.post(self.index(steward), self.peer(other), 0, news);
                }
            }
        }
    }

    /// An action of the steward, which other members are refused.
    fn steward_acts(&mut self, at: usize, other: usize) {
        let peer = self.peer(other);
        let few = self.inside().len() < 5;
        // Only a member in sync may become steward, because a group whose steward lacks it is lost.
        let ready =
            self.nodes[other].inside && self.view(other, Group::position) == self.view(at, Group::position);
        let done = match self.dice.below(10) {
            0..3 if !few => self.with(at, |group, backend| group.remove(backend, &[peer])),
            3..6 => self.with(at, Group::update),
            6..8 if ready => self.with(at, |group, backend| group.set_deputies(backend, vec![peer])),
            8.. if ready => self.with(at, |group, backend| group.transfer(backend, peer)),
            _ => return,
        };
        done.map(|done| self.spread(at, done)).unwrap_or_default();
    }

    /// Repairs the network, brings all members online and exchanges positions until all agree.
    fn settle(&mut self) {
        self.lossy = false;
        self.nodes.iter_mut().for_each(|node| node.online = true);
        for _ in 0..20 {
            self.drain();
            let leader = self.leader();
            let roll = self.view(leader, |group| group.members().iter().map(|m| m.peer).collect::<Vec<_>>());
            for at in self.inside() {
                if !roll.contains(&self.peer(at)) {
                    // No other member follows its history any more.
                    self.leave(at);
                } else if at != leader {
                    self.tell_position(leader, self.peer(at));
                }
            }
            // A member that never received its welcome asks for another one.
            for peer in roll {
                let at = self.index(peer);
                if !self.nodes[at].inside {
                    self.ask_in(at, self.peer(leader));
                }
            }
            self.resend_missing();
        }
        self.drain();
    }

    fn drain(&mut self) {
        for _ in 0..100_000 {
            if self.wire.is_empty() {
                return;
            }
            self.deliver();
        }
        panic!("messages never stop");
    }

    /// Returns the steward with the highest term. If there is none, a deputy takes over.
    fn leader(&mut self) -> usize {
        let ranked = |world: &mut Self| {
            let inside = world.inside();
            let term = |at| world.view(at, |g| (g.is_steward(), g.roster().term(), at));
            inside.into_iter().map(term).max().unwrap()
        };
        if !ranked(self).0 {
            for at in self.inside() {
                if let Ok(done) = self.with(at, Group::take_over) {
                    self.spread(at, done);
                    break;
                }
            }
        }
        ranked(self).2
    }

    fn missing(&self) -> Vec<(usize, usize, u64)> {
        let mut missing = Vec::new();
        for at in self.inside() {
            let node = &self.nodes[at];
            for sent in &self.sent {
                let from = &self.nodes[sent.from];
                let due = from.inside && sent.epoch >= node.since && sent.to.contains(&node.agent.id());
                let read = node.read.get(&from.agent.id()).is_some_and(|read| read.contains(&sent.seq));
                if due && !read {
                    missing.push((at, sent.from, sent.seq));
                }
            }
        }
        missing
    }

    fn resend_missing(&mut self) {
        for (at, from, seq) in self.missing() {
            self.send_again(from, self.peer(at), seq);
        }
    }

    fn assert_agreed(&mut self) {
        let leader = self.leader();
        let position = self.view(leader, Group::position);
        let inside: BTreeSet<_> = self.inside().into_iter().map(|at| self.peer(at)).collect();
        let roll: BTreeSet<_> = self.view(leader, |group| group.members().iter().map(|m| m.peer).collect());
        assert_eq!(inside, roll);
        for at in self.inside() {
            assert_eq!(self.view(at, Group::position), position);
        }
        assert_eq!(self.missing(), Vec::new());
    }
}

fn run(seed: u64, steps: usize) -> World {
    let mut world = World::new(seed, 10);
    world.lossy = false;
    for other in 1..6 {
        world.ask_in(other, world.peer(0));
    }
    world.drain();
    let deputies = vec![world.peer(1), world.peer(2)];
    let done = world.with(0, |group, backend| group.set_deputies(backend, deputies)).unwrap();
    world.spread(0, done);
    world.lossy = true;
    for _ in 0..steps {
        world.random_event();
        for _ in 0..8 {
            world.deliver();
        }
    }
    world.settle();
    world.assert_agreed();
    world
}

/// Enough steps to be thorough within seconds.
const STEPS: usize = 800;

#[test]
fn all_members_end_up_in_sync() {
    let world = run(1, STEPS);
    assert!(world.sent.len() > 200, "{}", world.sent.len());
}

#[test]
fn many_short_runs_end_up_in_sync() {
    let mut rejoins = 0;
    for seed in 100..112 {
        rejoins += run(seed, 100).rejoins;
    }
    assert!(rejoins > 0, "no member ever diverged");
}
