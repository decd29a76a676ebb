//! What an owner can ask of an agent, one file each: what it takes, what it answers, what it does.
//!
//! An operation runs the same way in the process that holds the agent and through a running `serve`'s
//! local socket; that is why both its arguments and its answer are plain data.

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
mod lease;
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

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

pub use crate::model::ModelUse;
pub use audit::{AuditEntry, AuditLog};
pub use audit_prune::{AuditPrune, AuditPruned};
pub use audit_verify::{AuditVerified, AuditVerify, Broken};
pub use call::{Call, Called};
pub use cancel::{Cancel, Cancelled};
pub use connect::{Connect, Connected, Redeemed};
pub use discover::{Discover, Discovered};
pub use folder::Resolved;
pub use goal_begin::{GoalBegin, GoalBegun};
pub use goal_change::{GoalAnswer, GoalCancel};
pub use goal_list::{GoalBrief, GoalList};
pub use goal_phase::{GoalPhase, PeerAnswer, StepPhase};
pub use goal_plan::{GoalPlan, GoalPlanned, PlanAgent, StepBecause};
pub use goal_show::{GoalCost, GoalInfo, GoalPeer, GoalShow, KeyResultInfo, StepInfo};
pub use goal_watch::{GoalUpdate, GoalWatch};
pub use group_ask::{GroupCall, GroupDiscover, GroupDiscovered, MemberCards};
pub use group_create::{GroupChanged, GroupCreate, GroupCreated, GroupInvite};
pub use group_join::{GroupJoin, GroupLeave, GroupLeft};
pub use group_lead::{GroupDeputies, GroupLed, GroupTakeOver};
pub use group_list::{GroupInfo, GroupInviteInfo, GroupList, GroupsInfo};
pub use group_members::{GroupMemberInfo, GroupMembers, GroupPeople, GroupRemove, GroupTransfer};
pub use group_talk::{GroupConversation, GroupRead, GroupSaid, GroupSend, GroupSent};
pub use invite::{Grant, Invitation, Invited};
pub use invite_list::{InviteInfo, InviteList, InviteRevoke, InviteRevoked, InviteState};
pub use lease::{Ends, LeaseInfo, lasting};
pub use model::{ModelInfo, ModelLook, ModelTest, ModelTested};
pub use network::{NetworkInfo, NetworkLook};
pub use peers::{PeerInfo, Peers};
pub use ping::{Ping, Pong};
pub use reached::{Reached, Way};
pub use receipts::{ReceiptInfo, ReceiptShow, ReceiptShown, Receipts};
pub use request::{Requested, TaskRequest};
pub use result::{TaskOutput, TaskResult};
pub use skill_add::{SkillAdd, SkillAdded};
pub use skill_grant::{PolicyView, SkillConfigure, SkillGrant, SkillGranted, SkillPolicy, SkillRevoke};
pub use skill_inspect::{AssetInfo, SkillInspect, SkillInspected};
pub use skill_list::{SkillInfo, SkillList};
pub use skill_listing::{Listed, SkillExpose, SkillHide};
pub use skill_look::{AskInfo, ComponentInfo, ImportInfo, SkillLook};
pub use skill_preview::SkillPreview;
pub use skill_remove::{SkillRemove, SkillRemoved};
pub use skill_run::{DeniedInfo, Ran, SkillRun, SkillTry, Tried};
pub use status::{Status, StatusInfo};
pub use tasks::{TaskInfo, TaskState, Tasks};
pub use trust_answer::{TrustAccept, TrustAnswered, TrustDeny};
pub use trust_ask::{TrustAsk, TrustAsked};
pub use trust_list::{Decision, TrustList, TrustRequestInfo, TrustRequests};
pub use trust_log::{TrustLog, TrustLogEntry};
pub use trust_set::{TrustRemove, TrustSet, Trusted};

/// One thing an owner can ask.
pub trait Operation: Serialize + DeserializeOwned + Into<Request> + Send + 'static {
    type Answer: Serialize + DeserializeOwned + Send;

    fn run(self, agent: &Agent) -> impl Future<Output = Result<Self::Answer, OpError>> + Send;

    /// The same for one who hears what happens meanwhile, and may call it off. Most have nothing to tell, and
    /// are done to the end: half a change of trust would be on disk and not in force.
    fn run_for(
        self,
        agent: &Agent,
        observer: &CallObserver,
    ) -> impl Future<Output = Result<Self::Answer, OpError>> + Send {
        let _ = observer;
        self.run(agent)
    }
}

macro_rules! operations {
    ($($operation:ident),+ $(,)?) => {
        /// Any operation, as it crosses the local socket.
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(tag = "op", content = "with")]
        pub enum Request {
            $($operation($operation),)+
        }

        $(impl From<$operation> for Request {
            fn from(operation: $operation) -> Self {
                Self::$operation(operation)
            }
        })+

        impl Request {
            pub(crate) async fn run(self, agent: &Agent, observer: &CallObserver) -> Result<Value, OpError> {
                match self {
                    $(Self::$operation(operation) => {
                        let answer = operation.run_for(agent, observer).await?;
                        serde_json::to_value(answer).map_err(|error| OpError::fault(&error))
                    })+
                }
            }
        }
    };
}

operations!(
    AuditLog,
    AuditPrune,
    AuditVerify,
    Call,
    Cancel,
    Connect,
    Discover,
    GoalAnswer,
    GoalBegin,
    GoalCancel,
    GoalList,
    GoalPlan,
    GoalShow,
    GoalWatch,
    GroupCall,
    GroupCreate,
    GroupDeputies,
    GroupDiscover,
    GroupInvite,
    GroupJoin,
    GroupLeave,
    GroupList,
    GroupMembers,
    GroupRead,
    GroupRemove,
    GroupSend,
    GroupTakeOver,
    GroupTransfer,
    Invitation,
    InviteList,
    InviteRevoke,
    ModelLook,
    ModelTest,
    NetworkLook,
    Peers,
    Ping,
    ReceiptShow,
    Receipts,
    SkillAdd,
    SkillConfigure,
    SkillGrant,
    SkillPolicy,
    SkillRevoke,
    SkillExpose,
    SkillHide,
    SkillInspect,
    SkillList,
    SkillLook,
    SkillPreview,
    SkillRemove,
    SkillRun,
    SkillTry,
    Status,
    TaskRequest,
    TaskResult,
    Tasks,
    TrustAccept,
    TrustAsk,
    TrustDeny,
    TrustList,
    TrustLog,
    TrustRemove,
    TrustRequests,
    TrustSet,
);
