use coworker_policy::{Digest, ErrorCode, Tier};
use coworker_store::Invite;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Operation;
use super::lease::Ends;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::typed::Kind;
use crate::state::audit;

/// The invites that grant something, newest first; those that ended are kept for a week.
#[derive(Debug, Serialize, Deserialize)]
pub struct InviteList {}

/// Makes an invite worth nothing from now on. What was granted with it stays.
#[derive(Debug, Serialize, Deserialize)]
pub struct InviteRevoke {
    /// Its id, or the start of it.
    pub id: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct InviteInfo {
    /// Says nothing of the secret in the code.
    pub id: String,
    pub state: InviteState,
    pub tier: Tier,
    pub uses_left: u64,
    /// The first moment at which it is worth nothing, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
    /// Until when a peer keeps the tier once it has it.
    pub ends: Ends,
    /// The owner's words.
    pub note: String,
    pub at_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteState {
    Open,
    UsedUp,
    Expired,
    Revoked,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct InviteRevoked {
    pub id: String,
}

const INVITES: Kind = Kind {
    singular: "invite",
    plural: "invites",
    code: ErrorCode::Usage,
    hint: "see them: coworker invite list",
};

/// Digits of an invite's id: few enough to type, many enough for all that one owner writes.
const DIGITS: usize = 12;

impl InviteInfo {
    pub(super) fn of(invite: Invite, now_ms: i64) -> Self {
        let state = if invite.revoked {
            InviteState::Revoked
        } else if invite.expires_ms <= now_ms {
            InviteState::Expired
        } else if invite.uses_left == 0 {
            InviteState::UsedUp
        } else {
            InviteState::Open
        };
        Self {
            id: id(invite.hash),
            state,
            tier: invite.grant.tier(),
            uses_left: invite.uses_left,
            expires_ms: invite.expires_ms,
            ends: invite.grant.terms().into(),
            note: invite.note,
            at_ms: invite.at_ms,
        }
    }
}

fn id(hash: Digest) -> String {
    hash.hex().chars().take(DIGITS).collect()
}

impl Operation for InviteList {
    type Answer = Vec<InviteInfo>;

    async fn run(self, agent: &Agent) -> Result<Vec<InviteInfo>, OpError> {
        let list = agent.state.run(|tx| {
            let info = |invite| InviteInfo::of(invite, tx.now);
            Ok(tx.store.invites()?.into_iter().map(info).collect())
        });
        Ok(list.await?)
    }
}

impl Operation for InviteRevoke {
    type Answer = InviteRevoked;

    async fn run(self, agent: &Agent) -> Result<InviteRevoked, OpError> {
        let start = INVITES.id_start(&self.id)?;
        let mut found = agent.state.run(|tx| Ok(tx.store.invites()?)).await?;
        found.retain(|invite| start.fits(&invite.hash.hex()));
        let hash = INVITES.only(&self.id, found, |invite| id(invite.hash))?.hash;
        let revoke = agent.state.run(move |tx| {
            tx.store.revoke_invite(hash)?;
            audit::invite_changed(tx, "invite_revoked", &json!({ "invite": id(hash) }))?;
            Ok(InviteRevoked { id: id(hash) })
        });
        Ok(revoke.await?)
    }
}
