use coworker_api::ops::{InviteInfo, InviteList, InviteRevoke, InviteRevoked, InviteState};
use coworker_policy::{Digest, ErrorCode};
use coworker_store::Invite;
use serde_json::json;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::state::audit;

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
        let typed = self.id.to_ascii_lowercase();
        let hashes = agent.state.run(|tx| Ok(tx.store.invites()?)).await?;
        let mut named = hashes.iter().map(|invite| invite.hash).filter(|hash| {
            // A start that anything fits names nothing.
            typed.len() >= 4 && hash.hex().starts_with(&typed)
        });
        let (Some(hash), None) = (named.next(), named.next()) else {
            return Err(OpError::new(ErrorCode::Usage, "no invite, or more than one, has this id")
                .hint("see them: coworker invite list"));
        };
        let revoke = agent.state.run(move |tx| {
            tx.store.revoke_invite(hash)?;
            audit::invite_changed(tx, "invite_revoked", &json!({ "invite": id(hash) }))?;
            Ok(InviteRevoked { id: id(hash) })
        });
        Ok(revoke.await?)
    }
}
