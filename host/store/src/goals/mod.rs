//! Goals of ours: the plan, who takes part, and where each step is. A goal goes on from these rows alone, so
//! that whoever ends the process in the middle loses nothing.

mod shares;

use coworker_policy::{GroupId, PeerId, RequestId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;
use crate::tasks::{StateError, states};

pub use shares::{GoalShare, GoalShareState, ServedStep};

states! {
    /// Open while it is proposed or runs.
    GoalState {
        Proposed = "proposed",
        Running = "running",
        Done = "done",
        Failed = "failed",
        Cancelled = "cancelled"
    }
}
states! {
    /// A parted one had accepted, and the goal has ended for our trust in it.
    PartyState { Asked = "asked", Accepted = "accepted", Rejected = "rejected", Parted = "parted" }
}
states! {
    /// A skipped one needed a step that did not end well.
    StepState {
        Waiting = "waiting",
        Running = "running",
        Done = "done",
        Failed = "failed",
        Skipped = "skipped"
    }
}

/// A goal of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    pub id: RequestId,
    pub objective: String,
    /// JSON text.
    pub plan: String,
    /// What its agents showed when it was made, as JSON.
    pub shown: String,
    /// JSON text.
    pub input: String,
    /// Whose members hear how it goes.
    pub group: Option<GroupId>,
    pub state: GoalState,
    /// Why it did not end well, as JSON.
    pub why: Option<String>,
    pub at_ms: i64,
    /// When it ends, whatever became of it.
    pub expires_ms: i64,
    pub done_ms: Option<i64>,
}

/// Another agent that takes part in a goal of ours, or was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalParty {
    pub peer: PeerId,
    /// The id of the message that asked it.
    pub proposal: RequestId,
    pub state: PartyState,
    /// What it answered if it rejected, as JSON.
    pub why: Option<String>,
    /// How far it says that it is, as JSON.
    pub reported: Option<String>,
}

/// Where a step of a goal of ours is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalStep {
    /// Its place in the plan.
    pub n: usize,
    pub step: String,
    pub state: StepState,
    /// How many times it was begun.
    pub attempts: u32,
    /// The id of the latest attempt.
    pub request: Option<RequestId>,
    /// While it waits: not to be begun again before that.
    pub again_ms: Option<i64>,
    /// JSON text.
    pub output: Option<String>,
    /// What went wrong the last time, as JSON.
    pub why: Option<String>,
    pub began_ms: Option<i64>,
    pub done_ms: Option<i64>,
    /// What it used, where that is known.
    pub fuel: Option<u64>,
    pub input_bytes: Option<u64>,
    pub output_bytes: Option<u64>,
}

impl GoalState {
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Proposed | Self::Running)
    }
}

impl StepState {
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Skipped)
    }
}

impl GoalStep {
    /// One that was not begun.
    pub fn new(n: usize, step: String) -> Self {
        Self {
            n,
            step,
            state: StepState::Waiting,
            attempts: 0,
            request: None,
            again_ms: None,
            output: None,
            why: None,
            began_ms: None,
            done_ms: None,
            fuel: None,
            input_bytes: None,
            output_bytes: None,
        }
    }
}

impl Tx<'_> {
    /// Keeps a new goal. Fails if the id is taken.
    pub fn add_goal(&self, goal: &Goal, parties: &[GoalParty], steps: &[GoalStep]) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO goals (id, objective, plan, shown, input, group_id, state, why, at_ms, expires_ms, done_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                goal.id.to_string(),
                goal.objective,
                goal.plan,
                goal.shown,
                goal.input,
                goal.group.as_ref().map(GroupId::as_bytes),
                goal.state.name(),
                goal.why,
                goal.at_ms,
                goal.expires_ms,
                goal.done_ms,
            ],
        )?;
        parties.iter().try_for_each(|party| self.put_goal_party(goal.id, party))?;
        steps.iter().try_for_each(|step| self.put_goal_step(goal.id, step))
    }

    pub fn goal(&self, id: RequestId) -> Result<Option<Goal>, StoreError> {
        self.one("SELECT * FROM goals WHERE id = ?1", [id.to_string()], goal)
    }

    /// Goals whose id begins with `start`: the open ones and then the others, the newest first, at most `limit`.
    pub fn goals_like(&self, start: &str, limit: usize) -> Result<Vec<Goal>, StoreError> {
        self.all(
            "SELECT * FROM goals WHERE substr(id, 1, length(?1)) = ?1
             ORDER BY done_ms IS NOT NULL, at_ms DESC, id LIMIT ?2",
            params![start, saturated(limit)],
            goal,
        )
    }

    /// The oldest first.
    pub fn open_goals(&self) -> Result<Vec<Goal>, StoreError> {
        self.all("SELECT * FROM goals WHERE done_ms IS NULL ORDER BY at_ms, id", [], goal)
    }

    /// Moves an open goal on; `done_ms` ends it. False, and nothing changes, if it has ended.
    pub fn move_goal(
        &self,
        id: RequestId,
        state: GoalState,
        why: Option<&str>,
        done_ms: Option<i64>,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE goals SET state = ?2, why = ?3, done_ms = ?4 WHERE id = ?1 AND done_ms IS NULL";
        Ok(self.run(sql, params![id.to_string(), state.name(), why, done_ms])? > 0)
    }

    pub fn goal_parties(&self, goal: RequestId) -> Result<Vec<GoalParty>, StoreError> {
        self.all("SELECT * FROM goal_parties WHERE goal = ?1 ORDER BY peer", [goal.to_string()], party)
    }

    pub fn goal_party(&self, goal: RequestId, peer: PeerId) -> Result<Option<GoalParty>, StoreError> {
        let sql = "SELECT * FROM goal_parties WHERE goal = ?1 AND peer = ?2";
        self.one(sql, [goal.to_string(), peer.to_string()], party)
    }

    /// The goal that this message asked this peer to take part in.
    pub fn goal_of_proposal(
        &self,
        peer: PeerId,
        proposal: RequestId,
    ) -> Result<Option<RequestId>, StoreError> {
        let sql = "SELECT goal FROM goal_parties WHERE proposal = ?1 AND peer = ?2";
        self.one(sql, [proposal.to_string(), peer.to_string()], |cells| cells.parsed("goal"))
    }

    /// Adds a party, or brings it up to date.
    pub fn put_goal_party(&self, goal: RequestId, party: &GoalParty) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO goal_parties (goal, peer, proposal, state, why, reported)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                goal.to_string(),
                party.peer.to_string(),
                party.proposal.to_string(),
                party.state.name(),
                party.why,
                party.reported
            ],
        )?;
        Ok(())
    }

    /// In the order of the plan.
    pub fn goal_steps(&self, goal: RequestId) -> Result<Vec<GoalStep>, StoreError> {
        self.all("SELECT * FROM goal_steps WHERE goal = ?1 ORDER BY n", [goal.to_string()], step)
    }

    /// Adds a step, or brings it up to date.
    pub fn put_goal_step(&self, goal: RequestId, step: &GoalStep) -> Result<(), StoreError> {
        self.run(
            "INSERT OR REPLACE INTO goal_steps
                 (goal, n, step, state, attempts, request, again_ms, output, why, began_ms, done_ms, fuel,
                  input_bytes, output_bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                goal.to_string(),
                saturated(step.n),
                step.step,
                step.state.name(),
                step.attempts,
                step.request.map(|id| id.to_string()),
                step.again_ms,
                step.output,
                step.why,
                step.began_ms,
                step.done_ms,
                step.fuel.map(saturated),
                step.input_bytes.map(saturated),
                step.output_bytes.map(saturated),
            ],
        )?;
        Ok(())
    }

    /// Forgets goals, ours and others', that ended before `before_ms`; returns how many.
    pub fn prune_goals(&self, before_ms: i64) -> Result<usize, StoreError> {
        let ours = self.run("DELETE FROM goals WHERE done_ms < ?1", [before_ms])?;
        Ok(ours + self.run("DELETE FROM goal_shares WHERE done_ms < ?1", [before_ms])?)
    }
}

fn goal(cells: &Cells<'_, '_>) -> Result<Goal, StoreError> {
    Ok(Goal {
        id: cells.parsed("id")?,
        objective: cells.get("objective")?,
        plan: cells.get("plan")?,
        shown: cells.get("shown")?,
        input: cells.get("input")?,
        group: cells.group_if_any("group_id")?,
        state: cells.parsed("state")?,
        why: cells.get("why")?,
        at_ms: cells.get("at_ms")?,
        expires_ms: cells.get("expires_ms")?,
        done_ms: cells.get("done_ms")?,
    })
}

fn party(cells: &Cells<'_, '_>) -> Result<GoalParty, StoreError> {
    Ok(GoalParty {
        peer: cells.parsed("peer")?,
        proposal: cells.parsed("proposal")?,
        state: cells.parsed("state")?,
        why: cells.get("why")?,
        reported: cells.get("reported")?,
    })
}

fn step(cells: &Cells<'_, '_>) -> Result<GoalStep, StoreError> {
    Ok(GoalStep {
        n: cells.get("n")?,
        step: cells.get("step")?,
        state: cells.parsed("state")?,
        attempts: cells.get("attempts")?,
        request: cells.parsed_if_any("request")?,
        again_ms: cells.get("again_ms")?,
        output: cells.get("output")?,
        why: cells.get("why")?,
        began_ms: cells.get("began_ms")?,
        done_ms: cells.get("done_ms")?,
        fuel: cells.get("fuel")?,
        input_bytes: cells.get("input_bytes")?,
        output_bytes: cells.get("output_bytes")?,
    })
}
