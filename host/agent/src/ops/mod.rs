//! Runs the operations of `coworker-api`, one file each.

mod audit;
mod audit_prune;
mod audit_verify;
mod call;
mod cancel;
mod connect;
mod discover;
mod folder;
mod goal_begin;
mod goal_change;
mod goal_find;
mod goal_list;
mod goal_phase;
mod goal_plan;
mod goal_show;
mod goal_watch;
mod group_ask;
mod group_create;
mod group_join;
mod group_lead;
mod group_list;
mod group_members;
mod group_talk;
mod invite;
mod invite_list;
mod model;
mod network;
mod peer_rule;
mod peers;
mod ping;
mod reached;
mod receipts;
mod request;
mod result;
mod skill_add;
mod skill_grant;
mod skill_inspect;
mod skill_list;
mod skill_listing;
mod skill_look;
mod skill_preview;
mod skill_remove;
mod skill_run;
mod status;
mod tasks;
mod trust_answer;
mod trust_ask;
mod trust_list;
mod trust_log;
mod trust_set;

use coworker_api::ops::{
    AuditOp, CallOp, GoalOp, GroupOp, InviteOp, ModelOp, PeerOp, PolicyOp, ReceiptOp, SkillOp, StatusOp,
    TrustOp,
};
use coworker_api::{Backend, BoxFuture, Operation, Request};
use serde_json::Value;

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

/// Runs one operation on an agent.
pub trait Run: Operation {
    /// Runs it for a caller that hears updates and may cancel. Most operations have no updates and run to their end:
    /// half a change of trust would be on disk and not in force.
    fn run_observed(
        self,
        agent: &Agent,
        observer: &CallObserver,
    ) -> impl Future<Output = Result<Self::Answer, OpError>> + Send;

    /// Runs it for a caller that waits for the answer only.
    fn run(self, agent: &Agent) -> impl Future<Output = Result<Self::Answer, OpError>> + Send {
        async { self.run_observed(agent, &CallObserver::default()).await }
    }
}

/// Runs any operation of an area, with its answer as JSON.
trait RunArea {
    async fn run_as_json(self, agent: &Agent, observer: &CallObserver) -> Result<Value, OpError>;
}

/// Lists the operations of an area. The compiler refuses a list that is not complete.
macro_rules! run_area {
    ($area:ident: $($operation:ident),+ $(,)?) => {
        impl RunArea for $area {
            async fn run_as_json(self, agent: &Agent, observer: &CallObserver) -> Result<Value, OpError> {
                match self {
                    $(Self::$operation(operation) => {
                        let answer = operation.run_observed(agent, observer).await?;
                        serde_json::to_value(answer).map_err(|error| OpError::fault(&error))
                    })+
                }
            }
        }
    };
}

run_area!(StatusOp: Status, NetworkLook);
run_area!(SkillOp: SkillLook, SkillAdd, SkillList, SkillInspect, SkillPreview, SkillExpose, SkillHide, SkillRemove, SkillRun, SkillTry);
run_area!(PolicyOp: SkillGrant, SkillRevoke, SkillConfigure, SkillPolicy);
run_area!(PeerOp: Connect, Discover, Peers);
run_area!(InviteOp: Invitation, InviteList, InviteRevoke);
run_area!(TrustOp: TrustList, TrustSet, TrustRemove, TrustAsk, TrustRequests, TrustAccept, TrustDeny, TrustLog);
run_area!(CallOp: Call, Cancel, Ping, TaskRequest, TaskResult, Tasks);
run_area!(GoalOp: GoalPlan, GoalBegin, GoalWatch, GoalShow, GoalList, GoalAnswer, GoalCancel);
run_area!(GroupOp: GroupCreate, GroupInvite, GroupJoin, GroupLeave, GroupList, GroupMembers, GroupRemove, GroupTransfer, GroupDeputies, GroupTakeOver, GroupSend, GroupRead, GroupDiscover, GroupCall);
run_area!(AuditOp: AuditLog, AuditPrune, AuditVerify);
run_area!(ReceiptOp: Receipts, ReceiptShow);
run_area!(ModelOp: ModelLook, ModelTest);

impl Backend for Agent {
    fn run_request(&self, request: Request, observer: CallObserver) -> BoxFuture<'_, Result<Value, OpError>> {
        Box::pin(async move {
            let observer = observer;
            match request {
                Request::Status(operation) => operation.run_as_json(self, &observer).await,
                Request::Skill(operation) => operation.run_as_json(self, &observer).await,
                Request::Policy(operation) => operation.run_as_json(self, &observer).await,
                Request::Peer(operation) => operation.run_as_json(self, &observer).await,
                Request::Invite(operation) => operation.run_as_json(self, &observer).await,
                Request::Trust(operation) => operation.run_as_json(self, &observer).await,
                Request::Call(operation) => operation.run_as_json(self, &observer).await,
                Request::Goal(operation) => operation.run_as_json(self, &observer).await,
                Request::Group(operation) => operation.run_as_json(self, &observer).await,
                Request::Audit(operation) => operation.run_as_json(self, &observer).await,
                Request::Receipt(operation) => operation.run_as_json(self, &observer).await,
                Request::Model(operation) => operation.run_as_json(self, &observer).await,
            }
        })
    }
}
