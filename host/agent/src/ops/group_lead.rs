use coworker_policy::{ErrorCode, GroupId, PeerId};
use serde::{Deserialize, Serialize};

use super::Operation;
use super::group_create::GroupChanged;
use crate::agent::Agent;
use crate::base::error::OpError;

/// Who may take over when the steward is gone.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupDeputies {
    pub group: String,
    /// Names them, the first first, in place of those of before; `None` only asks.
    pub set: Option<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct GroupLed {
    pub group: GroupId,
    pub name: String,
    pub steward: PeerId,
    /// The first first.
    pub deputies: Vec<PeerId>,
}

/// Makes us the steward, as a deputy, without being asked: for a steward who is gone for good.
#[derive(Debug, Serialize, Deserialize)]
pub struct GroupTakeOver {
    pub group: String,
}

impl Operation for GroupDeputies {
    type Answer = GroupLed;

    async fn run(self, agent: &Agent) -> Result<GroupLed, OpError> {
        agent
            .groups
            .in_transaction(move |groups| {
                let row = match groups.find_going(&self.group)? {
                    Ok(row) => row,
                    Err(error) => return Ok(Err(error)),
                };
                let group = GroupId::from_bytes(row.id);
                if let Some(named) = self.set {
                    let mut deputies = Vec::with_capacity(named.len());
                    for typed in named {
                        match groups.find_person(group, &typed)? {
                            Ok(peer) => deputies.push(peer),
                            Err(error) => return Ok(Err(error)),
                        }
                    }
                    if let Err(error) = groups.set_deputies(group, deputies)? {
                        return Ok(Err(error));
                    }
                }
                let view = groups.view(group)?;
                let (steward, deputies) = (view.steward, view.deputies);
                Ok(Ok(GroupLed { group, name: row.name, steward, deputies }))
            })
            .await
    }
}

impl Operation for GroupTakeOver {
    type Answer = GroupChanged;

    async fn run(self, agent: &Agent) -> Result<GroupChanged, OpError> {
        agent
            .groups
            .in_transaction(move |groups| {
                let row = match groups.find_going(&self.group)? {
                    Ok(row) => row,
                    Err(error) => return Ok(Err(error)),
                };
                let (group, us) = (GroupId::from_bytes(row.id), groups.us);
                if groups.view(group)?.steward == us {
                    return Ok(Err(OpError::new(ErrorCode::Usage, "you are the steward of this group")
                        .hint("see who is in it: coworker group members GROUP")));
                }
                let done = groups.take_over(group)?;
                Ok(done.map(|()| GroupChanged { group, name: row.name, peer: us }))
            })
            .await
    }
}
