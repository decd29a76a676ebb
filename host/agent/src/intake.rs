//! What a peer's messages do the moment they arrive. Everything durable about a message is written in the
//! transaction that takes it, so that it is acknowledged only with its effect on disk.

use std::collections::BTreeSet;

use coworker_channel::{MAX_CARDS, MAX_MESSAGE, Message, Opened, RequestId, SessionId};
use coworker_policy::gate::Caller;
use coworker_policy::trust::Misdeed;
use coworker_policy::{Card, Digest, ErrorCode, MessageKind, PeerId, Text, Tier, gate, list_hash};
use coworker_store::{Inbound, InboundState, OutboundState, Peer};

use crate::agent::Agent;
use crate::asker::Update;
use crate::audit;
use crate::desk::{DeskError, Work};
use crate::direct;
use crate::goals;
use crate::groups;
use crate::inbound::{self, Request};
use crate::receipts;
use crate::requests::LONGEST_OPEN_MS;
use crate::signatures;
use crate::standing;

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
    /// A receipt, which we signed.
    Receipt,
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
    // Before the answers: who hears one may end the agent.
    if taken.iter().any(|taken| matches!(taken, Taken::Receipt)) {
        signatures::send_soon(agent, peer);
    }
    for taken in taken {
        match taken {
            Taken::Call(request) => inbound::begin(agent, request),
            Taken::Answer(message) => agent.waiting.answer(peer, message),
            Taken::Update(update) => agent.waiting.update(peer, update),
            Taken::Receipt => {}
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
                standing::misbehaved(agent, work, from, Misdeed::Malformed)?;
                refuse(work, from, bad.id(), ErrorCode::InvalidInput, "malformed message")?;
            }
            Err(bad) => {
                tracing::info!(peer = %from, %bad, "a malformed answer is dropped");
                let id = bad.id().map(|id| id.to_string()).unwrap_or_default();
                let ours = work.tx.outbound(&id)?.filter(|ours| ours.peer == from);
                if ours.is_some_and(|ours| ours.state == OutboundState::Waiting) {
                    standing::answered(agent, work, from, Some(ErrorCode::InvalidOutput))?;
                }
            }
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
        // A newer coworker says things that we do not know, and means no harm.
        if let Some(misdeed) = Misdeed::of(&refusal).filter(|_| message.kind() != MessageKind::Unknown) {
            standing::misbehaved(agent, work, from, misdeed)?;
        }
        let public = refusal.public();
        return refuse(work, from, id, public.code(), public.message()).map(|()| None);
    }
    match message {
        Message::Ping { id } => work.post(from, &Message::Pong { id })?,
        Message::Discover { id, name, known } => {
            name.map_or(Ok(()), |name| work.tx.name_peer(from, &name))?;
            work.post(from, &capabilities(agent, tier, id, known))?;
        }
        Message::TaskRequest { id, skill, input, patience_ms, expires_ms, version, part_of } => {
            let row = Inbound {
                peer: from,
                id: id.to_string(),
                skill,
                input,
                patience_ms,
                // A peer picks it, and the row is kept as long.
                expires_ms: expires_ms.map(|expires| expires.min(work.now + LONGEST_OPEN_MS)),
                version,
                part_of: part_of.to_text(),
                state: InboundState::Received,
                reply: None,
                at_ms: work.now,
            };
            return task(work, id, row);
        }
        Message::TaskProgress { id, percent, note } => {
            work.tx.outbound_runs(from, &id.to_string())?;
            return Ok(Some(Taken::Update(Update::Progress { id, percent, note })));
        }
        Message::TaskPartial { id, index, part } => {
            return Ok(Some(Taken::Update(Update::Partial { id, index, part })));
        }
        Message::TaskCancel { id } => return Ok(Some(Taken::Cancel(id))),
        Message::TaskReceipt { id, envelope } => {
            let signed = receipts::received(agent, work, from, id, &envelope)?;
            return Ok(signed.then_some(Taken::Receipt));
        }
        Message::TaskCountersigned { id, signature } => receipts::countersigned(work, from, id, signature)?,
        Message::Group { id, group, news } => {
            return groups::receive(agent.us, work, from, id, group, *news)
                .map(|away| Some(Taken::Group(away)));
        }
        Message::Plan { id, goal, news } => goals::received(agent, work, from, id, goal, news)?,
        // What is said in a group is sealed to it.
        Message::GroupMessage { .. } => {}
        Message::DirectCard { card, ask, .. } => direct::received(agent, work, from, &card, ask)?,
        Message::TrustRequest { id, tier, reason } => {
            let kept = work.tx.ask_trust(from, &id.to_string(), tier, reason.as_str(), work.now)?;
            if kept && work.may_note(from) {
                audit::trust_asked(work, from, tier, &reason)?;
            }
        }
        Message::TrustRedeem { id, token } => {
            let answer = match standing::redeemed(agent, work, from, &token)? {
                Some(tier) => Message::TrustGrant { id, tier },
                None => Message::TrustDeny { id },
            };
            work.post(from, &answer)?;
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
        answer => return answered(agent, work, from, answer).map(Some),
    }
    Ok(None)
}

/// What a peer of `tier` may see; if it is what the peer says it has, that alone. So the answer tells no more
/// than the list.
fn capabilities(agent: &Agent, tier: Tier, id: RequestId, known: Option<Digest>) -> Message {
    let (name, cards) = (agent.config.name.clone(), cards_for(agent, tier));
    if known.is_some_and(|known| known == list_hash(cards.iter().map(Card::hash))) {
        return Message::CapabilitiesUnchanged { id, name };
    }
    Message::Capabilities { id, name, cards }
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
fn task(work: &mut Work<'_>, id: RequestId, row: Inbound) -> Result<Option<Taken>, DeskError> {
    if work.tx.accept_task(&row)? {
        return Ok(Some(Taken::Call(Request::new(id, row))));
    }
    // Not while it is on its way already: small questions would pile up large answers.
    if work.tx.is_queued(row.peer, &row.id)? {
        return Ok(None);
    }
    if let Some(reply) = work.tx.inbound(row.peer, &row.id)?.and_then(|seen| seen.reply) {
        work.post_encoded(row.peer, Some(id), &reply)?;
        receipts::issue_again(work, row.peer, id)?;
    }
    Ok(None)
}

fn answered(agent: &Agent, work: &mut Work<'_>, from: PeerId, answer: Message) -> Result<Taken, DeskError> {
    if let (Some(id), Some((state, text))) = (answer.id(), crate::outbound::record(&answer))
        && work.tx.finish_outbound(from, &id.to_string(), state, Some(&text), work.now)?
    {
        let error = match &answer {
            Message::TaskError { code, .. } | Message::Error { code, .. } => Some(*code),
            _ => None,
        };
        standing::answered(agent, work, from, error)?;
    }
    match &answer {
        Message::Capabilities { name, .. } | Message::CapabilitiesUnchanged { name, .. } => {
            work.tx.name_peer(from, name)?;
        }
        Message::Error { id: Some(id), code, message } => {
            let why = goals::Why { code: *code, message: message.clone() };
            goals::refused(agent, work, from, *id, &why)?;
        }
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
