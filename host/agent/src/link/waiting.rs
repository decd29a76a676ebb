use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use coworker_channel::{MAX_MESSAGE, Message};
use coworker_policy::{PeerId, RequestId};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::base::observer::Update;

/// Updates on one call that may wait here. The peer picks how many it sends: more are dropped.
const MAX_UPDATES: usize = 1024;
/// Bytes of parts that are taken for one call: as many as an answer may have.
const MAX_PARTS: usize = MAX_MESSAGE;

/// Questions of ours that wait for an answer. An answer without a question is dropped.
#[derive(Default)]
pub(crate) struct Waiting {
    questions: Mutex<Questions>,
    answered: Notify,
}

type Questions = HashMap<(PeerId, RequestId), Asked>;

struct Asked {
    answer: oneshot::Sender<Message>,
    updates: mpsc::Sender<Update>,
    /// Bytes of parts that may still come.
    room: usize,
}

/// One question; it is forgotten when this is dropped.
pub(crate) struct Question {
    waiting: Arc<Waiting>,
    key: (PeerId, RequestId),
    answer: oneshot::Receiver<Message>,
    answered: Option<Message>,
    updates: mpsc::Receiver<Update>,
}

/// The next event of a question.
pub(crate) enum Heard {
    Update(Update),
    Answer(Message),
    /// The agent stops.
    Nothing,
}

impl Waiting {
    pub(crate) fn ask(self: &Arc<Self>, peer: PeerId, id: RequestId) -> Question {
        let (sender, answer) = oneshot::channel();
        let (telling, updates) = mpsc::channel(MAX_UPDATES);
        let key = (peer, id);
        self.lock().insert(key, Asked { answer: sender, updates: telling, room: MAX_PARTS });
        Question { waiting: Arc::clone(self), key, answer, answered: None, updates }
    }

    /// Hands an answer to the task that waits for it. Only the peer that was asked can answer.
    pub(crate) fn answer(&self, peer: PeerId, message: Message) {
        let asked = message.id().and_then(|id| self.lock().remove(&(peer, id)));
        if let Some(asked) = asked {
            let _ = asked.answer.send(message);
        }
        self.answered.notify_waiters();
    }

    /// Completes when any answer was taken, from now on, after it is on disk.
    pub(crate) fn any_answer(&self) -> Notified<'_> {
        self.answered.notified()
    }

    /// Passes on an update on a call of ours. Only the peer that was asked can send one.
    pub(crate) fn update(&self, peer: PeerId, update: Update) {
        let (Update::Progress { id, .. } | Update::Partial { id, .. }) = &update else { return };
        let mut questions = self.lock();
        let Some(asked) = questions.get_mut(&(peer, *id)) else { return };
        if let Update::Partial { part, .. } = &update {
            let Some(room) = asked.room.checked_sub(part.len()) else { return };
            asked.room = room;
        }
        let _ = asked.updates.try_send(update);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Questions> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question {
    /// Returns the next update, and the answer after the last update. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Heard {
        if self.answered.is_none() {
            tokio::select! {
                biased;
                Some(update) = self.updates.recv() => return Heard::Update(update),
                answer = &mut self.answer => match answer {
                    Ok(answer) => self.answered = Some(answer),
                    Err(_) => return Heard::Nothing,
                },
            }
        }
        match self.updates.try_recv() {
            Ok(update) => Heard::Update(update),
            Err(_) => self.answered.take().map_or(Heard::Nothing, Heard::Answer),
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.key);
    }
}
