use coworker_api::ops::{InviteInfo, InviteList, InviteRevoke, InviteRevoked, InviteState};
use coworker_policy::{Digest, ErrorCode};
use coworker_store::Invite;
use serde_json::json;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::base::typed::Kind;
use crate::state::audit;

const INVITES: Kind = Kind {
    singular: "invite",
    plural: "invites",
    code: ErrorCode::Usage,
    hints: &[("see them", &["invite", "list"])],
};

/// Digits of an invite's id: few enough to type, many enough for all that one owner writes.
const DIGITS: usize = 12;

pub(super) fn info(invite: Invite, now_ms: i64) -> InviteInfo {
    let state = if invite.revoked {
        InviteState::Revoked
    } else if invite.expires_ms <= now_ms {
        InviteState::Expired
    } else if invite.uses_left == 0 {
        InviteState::UsedUp
    } else {
        InviteState::Open
    };
    InviteInfo {
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

fn id(hash: Digest) -> String {
    hash.hex().chars().take(DIGITS).collect()
}

impl Run for InviteList {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<Vec<InviteInfo>, OpError> {
        let list = agent.state.run(|tx| {
            let info = |invite| info(invite, tx.now);
            Ok(tx.store.invites()?.into_iter().map(info).collect())
        });
        Ok(list.await?)
    }
}

impl Run for InviteRevoke {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<InviteRevoked, OpError> {
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
