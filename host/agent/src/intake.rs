//! What a peer's messages do the moment they arrive. Everything durable about a message is written in the
//! transaction that takes it, so that it is acknowledged only with its effect on disk.

use std::collections::BTreeSet;

use coworker_channel::{MAX_CARDS, MAX_MESSAGE, Message, Opened, RequestId, SessionId};
use coworker_policy::gate::Caller;
use coworker_policy::{Card, ErrorCode, PeerId, Text, Tier, gate};
use coworker_store::{Inbound, InboundState, Peer};

use crate::agent::Agent;
use crate::asker::Update;
use crate::audit;
use crate::desk::{DeskError, Work};
use crate::direct;
use crate::groups;
use crate::inbound::{self, Request};

/// Messages to one peer that may wait to be acknowledged. A peer that asks without ever taking the answers
/// is cut off here.
const MAX_QUEUED: usize = 4096;
/// Strangers remembered at most; the one unseen for longest makes room.
const MAX_STRANGERS: usize = 512;

/// What is left to do once the message is on disk.
enum Taken {
    Call(Request),
    Answer(Message),
    Update(Update),
    Cancel(RequestId),
    /// Something about a group; these have mail and no connection.
    Group(BTreeSet<PeerId>),
}

/// Takes one sealed batch from `peer`.
pub(crate) async fn take(
    agent: &Agent,
    peer: PeerId,
    session: SessionId,
    seq: u64,
    sealed: Vec<u8>,
) -> Result<(), DeskError> {
    let on_desk = agent.clone();
    let taken = agent
        .desk
        .run(move |work| match work.receive(peer, session, seq, &sealed)? {
            Some(opened) => note_all(&on_desk, work, opened),
            None => Ok(Vec::new()),
        })
        .await?;
    for taken in taken {
        match taken {
            Taken::Call(request) => inbound::begin(agent, request),
            Taken::Answer(message) => agent.waiting.answer(peer, message),
            Taken::Update(update) => agent.waiting.update(peer, update),
            Taken::Group(away) => groups::follow_up(agent, away).await,
            // A call that is not here, though it has no answer, is one that nobody serves yet.
            Taken::Cancel(id) if agent.running.cancel(Caller::Peer(peer), id) => {}
            Taken::Cancel(id) => inbound::cancel_unserved(agent, peer, id).await?,
        }
    }
    Ok(())
}

fn note_all(agent: &Agent, work: &mut Work<'_>, opened: Opened) -> Result<Vec<Taken>, DeskError> {
    // Who asks is the sender that MLS authenticated; no field of a message is consulted.
    let from = opened.from();
    if work.tx.queued(from)? > MAX_QUEUED {
        return Err(DeskError::Busy);
    }
    let mut taken = Vec::new();
    for message in opened.into_messages() {
        match message {
            Ok(message) => taken.extend(note(agent, work, from, message)?),
            // Two agents that each answer the other's malformed answers would never end.
            Err(bad) if bad.kind().is_question() => {
                refuse(work, from, bad.id(), ErrorCode::InvalidInput, "malformed message")?;
            }
            Err(bad) => tracing::info!(peer = %from, %bad, "a malformed answer is dropped"),
        }
    }
    Ok(taken)
}

fn note(
    agent: &Agent,
    work: &mut Work<'_>,
    from: PeerId,
    message: Message,
) -> Result<Option<Taken>, DeskError> {
    let tier = agent.trust.tier(from);
    let id = message.id();
    if let Err(refusal) = gate::message(message.kind(), tier) {
        if work.may_note(from) {
            audit::message_refused(work, from, &refusal)?;
        }
        let public = refusal.public();
        return refuse(work, from, id, public.code(), public.message()).map(|()| None);
    }
    match message {
        Message::Ping { id } => work.post(from, &Message::Pong { id })?,
        Message::Discover { id, name } => {
            if let Some(name) = name {
                work.tx.name_peer(from, &name)?;
            }
            let (name, cards) = (agent.config.name.clone(), cards_for(agent, tier));
            work.post(from, &Message::Capabilities { id, name, cards })?;
        }
        Message::TaskRequest { id, skill, input, patience_ms } => {
            return task(work, from, id, skill, input, patience_ms);
        }
        Message::TaskProgress { id, percent, note } => {
            return Ok(Some(Taken::Update(Update::Progress { id, percent, note })));
        }
        Message::TaskPartial { id, index, part } => {
            return Ok(Some(Taken::Update(Update::Partial { id, index, part })));
        }
        Message::TaskCancel { id } => return Ok(Some(Taken::Cancel(id))),
        Message::Group { id, group, news } => {
            return groups::receive(agent.us, work, from, id, group, *news)
                .map(|away| Some(Taken::Group(away)));
        }
        // What is said in a group is sealed to it.
        Message::GroupMessage { .. } => {}
        Message::DirectCard { card, ask, .. } => direct::received(agent, work, from, &card, ask)?,
        Message::TrustRequest { id, tier, reason } => {
            let kept = work.tx.ask_trust(from, &id.to_string(), tier, reason.as_str(), work.now)?;
            if kept && work.may_note(from) {
                audit::trust_asked(work, from, tier, &reason)?;
            }
        }
        Message::Unknown { .. } => {
            refuse(
                work,
                from,
                id,
                ErrorCode::InvalidInput,
                "this agent does not know messages of this kind",
            )?;
        }
        answer => return answered(work, from, answer).map(Some),
    }
    Ok(None)
}

/// What a peer of `tier` may see, as far as one message has room.
fn cards_for(agent: &Agent, tier: Tier) -> Vec<Card> {
    let shelf = agent.catalog.shelf();
    let mut room = MAX_MESSAGE / 2;
    let fits = |card: &&Card| {
        let size = serde_json::to_vec(card).map_or(usize::MAX, |json| json.len());
        room = room.saturating_sub(size);
        room > 0
    };
    gate::cards(shelf.skills(), tier).into_iter().take_while(fits).take(MAX_CARDS).cloned().collect()
}

/// A request that was seen before has its one effect already: if it is done, the same answer goes out again.
fn task(
    work: &mut Work<'_>,
    peer: PeerId,
    id: RequestId,
    skill: String,
    input: String,
    patience_ms: Option<u64>,
) -> Result<Option<Taken>, DeskError> {
    let row = Inbound {
        peer,
        id: id.to_string(),
        skill,
        input,
        patience_ms,
        state: InboundState::Received,
        reply: None,
        at_ms: work.now,
    };
    if work.tx.accept_task(&row)? {
        return Ok(Some(Taken::Call(Request::new(id, row))));
    }
    if let Some(reply) = work.tx.inbound(peer, &row.id)?.and_then(|seen| seen.reply) {
        work.post_encoded(peer, Some(id), &reply)?;
    }
    Ok(None)
}

fn answered(work: &mut Work<'_>, from: PeerId, answer: Message) -> Result<Taken, DeskError> {
    if let (Some(id), Some((state, text))) = (answer.id(), crate::outbound::record(&answer)) {
        work.tx.finish_outbound(from, &id.to_string(), state, Some(&text), work.now)?;
    }
    match &answer {
        Message::Capabilities { name, .. } => work.tx.name_peer(from, name)?,
        Message::TrustGrant { tier, .. } if work.may_note(from) => {
            audit::trust_answered(work, from, Some(*tier))?;
        }
        Message::TrustDeny { .. } if work.may_note(from) => audit::trust_answered(work, from, None)?,
        _ => {}
    }
    Ok(Taken::Answer(answer))
}

fn refuse(
    work: &mut Work<'_>,
    to: PeerId,
    id: Option<RequestId>,
    code: ErrorCode,
    message: &str,
) -> Result<(), DeskError> {
    work.post(to, &Message::Error { id, code, message: Text::sanitized(message) })
}

/// A peer that was never met gets a row. Anybody may dial, so strangers make room for each other.
pub(crate) fn meet(work: &mut Work<'_>, peer: PeerId) -> Result<(), DeskError> {
    if work.tx.peer(peer)?.is_none() {
        for stranger in work.tx.strangers_beyond(MAX_STRANGERS - 1)? {
            work.forget(stranger)?;
        }
        work.tx.add_peer(&Peer {
            id: peer,
            name: None,
            relay: None,
            addresses: Vec::new(),
            chosen: false,
            added_ms: work.now,
            seen_ms: Some(work.now),
        })?;
    }
    Ok(())
}

/// Requests that were taken but not answered when the process ended. They run now: a guest has no effect
/// outside its answer, and an answer that was not committed was not sent.
pub(crate) async fn take_up(agent: &Agent) -> Result<(), DeskError> {
    let requests = agent.desk.run(|work| {
        let rows = work.tx.unfinished()?.into_iter();
        let requests: Vec<_> = rows.filter_map(|row| Some(Request::new(row.id.parse().ok()?, row))).collect();
        // The runs that the end of the process cut off have no other end in the audit log.
        requests.iter().try_for_each(|request| request.interrupted(work))?;
        Ok(requests)
    });
    requests.await?.into_iter().for_each(|request| inbound::begin(agent, request));
    Ok(())
}
