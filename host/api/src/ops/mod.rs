//! The operations, one file per area: each with its arguments, its answer and the types in them.
//!
//! Times are milliseconds since the Unix epoch where a name ends in `_ms`; timeouts are seconds.

mod audit;
mod calls;
mod failure;
mod goal_info;
mod goals;
mod group_members;
mod groups;
mod invites;
mod lease;
mod model;
mod peers;
mod policy;
mod receipts;
mod skill_component;
mod skills;
mod status;
mod trust;

pub use audit::{AuditEntry, AuditLog, AuditOp, AuditPrune, AuditPruned, AuditVerified, AuditVerify, Broken};
pub use calls::{
    Call, CallOp, Called, Cancel, Cancelled, Ping, Pong, Requested, TaskInfo, TaskOutput, TaskRequest,
    TaskResult, TaskState, Tasks,
};
pub use failure::Why;
pub use goal_info::{
    GoalCost, GoalInfo, GoalPeer, GoalPhase, GoalUpdate, KeyResultInfo, PeerAnswer, StepInfo, StepPhase,
};
pub use goals::{
    GoalAnswer, GoalBegin, GoalBegun, GoalBrief, GoalCancel, GoalList, GoalOp, GoalPlan, GoalPlanned,
    GoalShow, GoalWatch, PlanAgent, StepBecause,
};
pub use group_members::{
    GroupDeputies, GroupLed, GroupMemberInfo, GroupMembers, GroupPeople, GroupRemove, GroupTakeOver,
    GroupTransfer,
};
pub use groups::{
    GroupCall, GroupChanged, GroupConversation, GroupCreate, GroupCreated, GroupDiscover, GroupDiscovered,
    GroupInfo, GroupInvite, GroupInviteInfo, GroupJoin, GroupLeave, GroupLeft, GroupList, GroupOp, GroupRead,
    GroupSaid, GroupSend, GroupSent, GroupsInfo, MemberCards,
};
pub use invites::{
    Grant, Invitation, InviteInfo, InviteList, InviteOp, InviteRevoke, InviteRevoked, InviteState, Invited,
};
pub use lease::{Ends, LeaseInfo, lasting};
pub use model::{ModelInfo, ModelLook, ModelOp, ModelTest, ModelTested, ModelUse};
pub use peers::{Connect, Connected, Discover, Discovered, PeerInfo, PeerOp, Peers, Reached, Redeemed, Way};
pub use policy::{
    PolicyOp, PolicyView, Resolved, SkillConfigure, SkillGrant, SkillGranted, SkillPolicy, SkillRevoke,
};
pub use receipts::{ContentRead, ReceiptInfo, ReceiptOp, ReceiptRead, ReceiptShow, ReceiptShown, Receipts};
pub use skill_component::{AskInfo, AssetInfo, ComponentInfo, ImportInfo};
pub use skills::{
    DeniedInfo, Listed, Ran, SkillAdd, SkillAdded, SkillExpose, SkillHide, SkillInfo, SkillInspect,
    SkillInspected, SkillList, SkillLook, SkillOp, SkillPreview, SkillRemove, SkillRemoved, SkillRun,
    SkillTry, Tried,
};
pub use status::{Mode, NetworkInfo, NetworkLook, Status, StatusInfo, StatusOp};
pub use trust::{
    Decision, TrustAccept, TrustAnswered, TrustAsk, TrustAsked, TrustDeny, TrustList, TrustLog,
    TrustLogEntry, TrustOp, TrustRemove, TrustRequestInfo, TrustRequests, TrustSet, Trusted,
};
