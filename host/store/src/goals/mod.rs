//! Our goals: the plan, the parties and the state of each step. A goal continues from these rows alone, so nothing is
//! lost when the process ends at any point.

mod shares;

use coworker_policy::{GroupId, PeerId, RequestId};
use rusqlite::params;

use crate::error::StoreError;
use crate::row::{Cells, saturated};
use crate::store::Tx;
use crate::tasks::{StateError, states};

pub use shares::{GoalShare, GoalShareState, ServedStep};

states! {
    /// A goal is open while it is proposed or running.
    GoalState {
        Proposed = "proposed",
        Running = "running",
        Done = "done",
        Failed = "failed",
        Cancelled = "cancelled"
    }
}
states! {
    /// A parted party had accepted, and the effects of the goal on its trust have ended.
    PartyState { Asked = "asked", Accepted = "accepted", Rejected = "rejected", Parted = "parted" }
}
states! {
    /// A skipped step needed a step that failed or was skipped.
    StepState {
        Waiting = "waiting",
        Running = "running",
        Done = "done",
        Failed = "failed",
        Skipped = "skipped"
    }
}

/// One of our goals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    pub id: RequestId,
    pub objective: String,
    /// JSON text.
    pub plan: String,
    /// The skills that the agents showed when the plan was made, as JSON.
    pub shown: String,
    /// JSON text.
    pub input: String,
    /// The group whose members are told of the progress.
    pub group: Option<GroupId>,
    pub state: GoalState,
    /// Reason for a failure, as JSON.
    pub why: Option<String>,
    pub at_ms: i64,
    /// When the goal ends, even if it is unfinished.
    pub expires_ms: i64,
    pub done_ms: Option<i64>,
}

/// A peer that takes part in one of our goals, or was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalParty {
    pub peer: PeerId,
    /// Id of the message that proposed the goal to the peer.
    pub proposal: RequestId,
    pub state: PartyState,
    /// The peer's reason for rejecting, as JSON.
    pub why: Option<String>,
    /// The progress that the peer reported, as JSON.
    pub reported: Option<String>,
}

/// The state of a step in one of our goals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalStep {
    /// Position in the plan.
    pub n: usize,
    pub step: String,
    pub state: StepState,
    /// Number of attempts that were begun.
    pub attempts: u32,
    /// Request id of the latest attempt.
    pub request: Option<RequestId>,
    /// Earliest time of the next attempt, while the step waits.
    pub again_ms: Option<i64>,
    /// JSON text.
    pub output: Option<String>,
    /// Reason for the last failure, as JSON.
    pub why: Option<String>,
    pub began_ms: Option<i64>,
    pub done_ms: Option<i64>,
    /// wasmtime fuel that the step used, if known.
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
    /// A step that was not begun.
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
    /// Stores a new goal. Fails if its id is in use.
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

    /// Returns at most `limit` goals whose id begins with `start`: open ones first, then newest first.
    pub fn goals_like(&self, start: &str, limit: usize) -> Result<Vec<Goal>, StoreError> {
        self.all(
            "SELECT * FROM goals WHERE substr(id, 1, length(?1)) = ?1
             ORDER BY done_ms IS NOT NULL, at_ms DESC, id LIMIT ?2",
            params![start, saturated(limit)],
            goal,
        )
    }

    /// Returns the open goals, oldest first.
    pub fn open_goals(&self) -> Result<Vec<Goal>, StoreError> {
        self.all("SELECT * FROM goals WHERE done_ms IS NULL ORDER BY at_ms, id", [], goal)
    }

    /// Changes the state of an open goal; `done_ms` ends it. Returns false and changes nothing if it has ended.
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

    /// Returns the goal that this message proposed to this peer.
    pub fn goal_of_proposal(
        &self,
        peer: PeerId,
        proposal: RequestId,
    ) -> Result<Option<RequestId>, StoreError> {
        let sql = "SELECT goal FROM goal_parties WHERE proposal = ?1 AND peer = ?2";
        self.one(sql, [proposal.to_string(), peer.to_string()], |cells| cells.parsed("goal"))
    }

    /// Adds or replaces a party.
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

    /// Returns the steps in the order of the plan.
    pub fn goal_steps(&self, goal: RequestId) -> Result<Vec<GoalStep>, StoreError> {
        self.all("SELECT * FROM goal_steps WHERE goal = ?1 ORDER BY n", [goal.to_string()], step)
    }

    /// Adds or replaces a step.
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

    /// Deletes our goals and those of peers that ended before `before_ms`, and returns how many.
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
