//! The effect of a peer's messages at the moment of their arrival. All durable effects of a message are written in
//! the transaction that takes it, so that it is acknowledged only with its effect on disk.

use std::collections::BTreeSet;

use coworker_channel::{MAX_CARDS, MAX_MESSAGE, Message, Opened, SessionId};
use coworker_policy::gate::Caller;
use coworker_policy::trust::Misdeed;
use coworker_policy::{Card, Digest, ErrorCode, PeerId, RequestId, Text, Tier, gate, list_hash};
use coworker_store::{Inbound, InboundState, OutboundState};

use crate::agent::{Agent, WeakAgent};
use crate::base::observer::Update;
use crate::goals;
use crate::groups;
use crate::link::outbound;
use crate::link::requests::LONGEST_OPEN_MS;
use crate::link::{FrameHandler, Taking};
use crate::serve::receipts;
use crate::serve::request::Request;
use crate::state::{StateError, Transaction, audit};

/// Messages to one peer that may wait to be acknowledged. A peer that asks without ever taking the answers is cut off
/// here.
const MAX_QUEUED: usize = 4096;

/// The work that is left once the message is on disk.
enum Taken {
    Call(Request),
    Answer(Message),
    Update(Update),
    Cancel(RequestId),
    /// A receipt that we signed.
    Receipt,
    /// News of a group. These peers have mail and are not connected.
    Group(BTreeSet<PeerId>),
}

/// Takes the messages that connections bring, for as long as the agent lives.
pub(crate) struct Intake(WeakAgent);

impl Intake {
    pub(crate) fn new(agent: WeakAgent) -> Self {
        Self(agent)
    }

    fn agent(&self) -> Result<Agent, StateError> {
        self.0.upgrade().ok_or(StateError::Stopping)
    }
}

impl FrameHandler for Intake {
    fn keep_alive(&self) -> Option<Box<dyn Send>> {
        Some(Box::new(self.0.upgrade()?))
    }

    fn linked(&self, tx: &mut Transaction<'_>, peer: PeerId) -> Result<(), StateError> {
        groups::greet(&self.agent()?.core, tx, peer)
    }

    fn batch(&self, peer: PeerId, session: SessionId, seq: u64, sealed: Vec<u8>) -> Taking<'_> {
        Box::pin(async move { take(&self.agent()?, peer, session, seq, sealed).await })
    }
}

/// Takes one sealed batch from `peer`.
async fn take(
    agent: &Agent,
    peer: PeerId,
    session: SessionId,
    seq: u64,
    sealed: Vec<u8>,
) -> Result<(), StateError> {
    let shared = agent.clone();
    let taken = agent
        .state
        .run(move |tx| match tx.receive(peer, session, seq, &sealed)? {
            Some(opened) => note_all(&shared, tx, opened),
            None => Ok(Vec::new()),
        })
        .await?;
    // Before the answers: the task that gets one may close the agent.
    if taken.iter().any(|taken| matches!(taken, Taken::Receipt)) {
        agent.links.send_signatures_soon(peer);
    }
    for taken in taken {
        match taken {
            Taken::Call(request) => agent.calls.begin(request),
            Taken::Answer(message) => agent.links.waiting().answer(peer, message),
            Taken::Update(update) => agent.links.waiting().update(peer, update),
            Taken::Receipt => {}
            Taken::Group(away) => agent.groups.follow_up(away),
            // A call without an answer that is not running is one that nobody serves yet.
            Taken::Cancel(id) if agent.trust.running().cancel(Caller::Peer(peer), id) => {}
            Taken::Cancel(id) => agent.calls.cancel_unserved(peer, id).await?,
        }
    }
    Ok(())
}

fn note_all(agent: &Agent, tx: &mut Transaction<'_>, opened: Opened) -> Result<Vec<Taken>, StateError> {
    // The caller is the sender that MLS authenticated; no field of a message is consulted.
    let from = opened.from();
    if tx.store.queued(from)? > MAX_QUEUED {
        return Err(StateError::Busy);
    }
    let mut taken = Vec::new();
    for message in opened.into_messages() {
        match message {
            Ok(message) => taken.extend(note(agent, tx, from, message)?),
            // Two agents that each answer the other's malformed answers would never end.
            Err(bad) if bad.kind().is_question() => {
                agent.trust.misbehaved(tx, from, Misdeed::Malformed)?;
                refuse(tx, from, bad.id(), ErrorCode::InvalidInput, "malformed message")?;
            }
            Err(bad) => {
                tracing::info!(peer = %from, %bad, "a malformed answer is dropped");
                let ours = bad.id().map(|id| tx.store.outbound(id)).transpose()?.flatten();
                if ours.is_some_and(|ours| ours.peer == from && ours.state == OutboundState::Waiting) {
                    agent.trust.answered(tx, from, Some(ErrorCode::InvalidOutput))?;
                }
            }
        }
    }
    Ok(taken)
}

fn note(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    from: PeerId,
    message: Message,
) -> Result<Option<Taken>, StateError> {
    let tier = agent.trust.tier(from);
    let id = message.id();
    if let Err(refusal) = gate::message(message.kind(), tier) {
        if tx.may_note(from) {
            audit::message_refused(tx, from, &refusal)?;
        }
        if let Some(misdeed) = Misdeed::of_message(&refusal, message.kind()) {
            agent.trust.misbehaved(tx, from, misdeed)?;
        }
        let public = refusal.public();
        return refuse(tx, from, id, public.code(), public.message()).map(|()| None);
    }
    match message {
        Message::Ping { id } => tx.post(from, &Message::Pong { id })?,
        Message::Discover { id, name, known } => {
            name.map_or(Ok(()), |name| tx.store.name_peer(from, &name))?;
            tx.post(from, &capabilities(agent, tier, id, known))?;
        }
        Message::TaskRequest { id, skill, input, timeout_ms, expires_ms, version, part_of } => {
            let row = Inbound {
                peer: from,
                id,
                skill,
                input,
                timeout_ms,
                // A peer picks the expiry, and the row is kept as long.
                expires_ms: expires_ms.map(|expires| expires.min(tx.now + LONGEST_OPEN_MS)),
                version,
                part_of: part_of.to_text(),
                state: InboundState::Received,
                reply: None,
                at_ms: tx.now,
            };
            return task(tx, id, row);
        }
        Message::TaskProgress { id, percent, note } => {
            tx.store.outbound_runs(from, id)?;
            return Ok(Some(Taken::Update(Update::Progress { id, percent, note })));
        }
        Message::TaskPartial { id, index, part } => {
            return Ok(Some(Taken::Update(Update::Partial { id, index, part })));
        }
        Message::TaskCancel { id } => return Ok(Some(Taken::Cancel(id))),
        Message::TaskReceipt { id, envelope } => {
            let signed = receipts::received(agent.calls.identity(), tx, from, id, &envelope)?;
            return Ok(signed.then_some(Taken::Receipt));
        }
        Message::TaskCountersigned { id, signature } => receipts::countersigned(tx, from, id, signature)?,
        Message::Group { id, group, news } => {
            return groups::receive(agent.core.us, tx, from, id, group, *news)
                .map(|away| Some(Taken::Group(away)));
        }
        Message::Plan { id, goal, news } => goals::received(&agent.goals, tx, from, id, goal, news)?,
        // Group messages come sealed to the group, never in this way.
        Message::GroupMessage { .. } => {}
        Message::DirectCard { card, ask, .. } => agent.links.card_received(tx, from, &card, ask)?,
        Message::TrustRequest { id, tier, reason } => {
            let kept = tx.store.ask_trust(from, id, tier, reason.as_str(), tx.now)?;
            if kept && tx.may_note(from) {
                audit::trust_asked(tx, from, tier, &reason)?;
            }
        }
        Message::TrustRedeem { id, token } => {
            let answer = match agent.trust.redeemed(tx, from, &token)? {
                Some(tier) => Message::TrustGrant { id, tier },
                None => Message::TrustDeny { id },
            };
            tx.post(from, &answer)?;
        }
        Message::Unknown { .. } => {
            refuse(tx, from, id, ErrorCode::InvalidInput, "this agent does not know messages of this kind")?;
        }
        answer => return answered(agent, tx, from, answer).map(Some),
    }
    Ok(None)
}

/// The cards that a peer of `tier` may see. If the peer knows exactly these already, the answer says only that, so it
/// tells no more than the list.
fn capabilities(agent: &Agent, tier: Tier, id: RequestId, known: Option<Digest>) -> Message {
    let (name, cards) = (agent.core.config.name.clone(), cards_for(agent, tier));
    if known.is_some_and(|known| known == list_hash(cards.iter().map(Card::hash))) {
        return Message::CapabilitiesUnchanged { id, name };
    }
    Message::Capabilities { id, name, cards }
}

/// The cards that a peer of `tier` may see, as many as one message has room for.
fn cards_for(agent: &Agent, tier: Tier) -> Vec<Card> {
    let snapshot = agent.catalog.snapshot();
    let mut room = MAX_MESSAGE / 2;
    let fits = |card: &&Card| {
        let size = serde_json::to_vec(card).map_or(usize::MAX, |json| json.len());
        room = room.saturating_sub(size);
        room > 0
    };
    gate::cards(snapshot.skills(), tier).into_iter().take_while(fits).take(MAX_CARDS).cloned().collect()
}

/// Takes a request. One that was seen before has had its one effect: if it is done, the same answer is sent again.
fn task(tx: &mut Transaction<'_>, id: RequestId, row: Inbound) -> Result<Option<Taken>, StateError> {
    if tx.store.accept_task(&row)? {
        return Ok(Some(Taken::Call(Request::new(id, row))));
    }
    // Not while the answer is on its way: small requests would pile up large answers.
    if tx.store.is_queued(row.peer, row.id)? {
        return Ok(None);
    }
    if let Some(reply) = tx.store.inbound(row.peer, row.id)?.and_then(|seen| seen.reply) {
        tx.post_encoded(row.peer, Some(id), &reply)?;
        receipts::issue_again(tx, row.peer, id)?;
    }
    Ok(None)
}

fn answered(
    agent: &Agent,
    tx: &mut Transaction<'_>,
    from: PeerId,
    answer: Message,
) -> Result<Taken, StateError> {
    if let (Some(id), Some((state, text))) = (answer.id(), outbound::record(&answer))
        && tx.store.finish_outbound(from, id, state, Some(&text), tx.now)?
    {
        let error = match &answer {
            Message::TaskError { code, .. } | Message::Error { code, .. } => Some(*code),
            _ => None,
        };
        agent.trust.answered(tx, from, error)?;
    }
    match &answer {
        Message::Capabilities { name, .. } | Message::CapabilitiesUnchanged { name, .. } => {
            tx.store.name_peer(from, name)?;
        }
        Message::Error { id: Some(id), code, message } => {
            let why = coworker_api::ops::Why { code: *code, message: message.clone() };
            goals::refused(&agent.goals, tx, from, *id, &why)?;
        }
        Message::TrustGrant { tier, .. } if tx.may_note(from) => {
            audit::trust_answered(tx, from, Some(*tier))?;
        }
        Message::TrustDeny { .. } if tx.may_note(from) => audit::trust_answered(tx, from, None)?,
        _ => {}
    }
    Ok(Taken::Answer(answer))
}

fn refuse(
    tx: &mut Transaction<'_>,
    to: PeerId,
    id: Option<RequestId>,
    code: ErrorCode,
    message: &str,
) -> Result<(), StateError> {
    tx.post(to, &Message::Error { id, code, message: Text::sanitized(message) })
}
