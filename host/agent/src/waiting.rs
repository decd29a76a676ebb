use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use coworker_channel::{Message, RequestId};
use coworker_policy::PeerId;
use tokio::sync::oneshot;

/// Questions of ours that somebody waits for. An answer nobody asked for finds no entry and is dropped.
#[derive(Default)]
pub(crate) struct Waiting {
    questions: Mutex<HashMap<(PeerId, RequestId), oneshot::Sender<Message>>>,
}

/// One question; it is forgotten when this is dropped.
pub(crate) struct Question {
    waiting: Arc<Waiting>,
    key: (PeerId, RequestId),
    answer: oneshot::Receiver<Message>,
}

impl Waiting {
    pub(crate) fn ask(self: &Arc<Self>, peer: PeerId, id: RequestId) -> Question {
        let (sender, answer) = oneshot::channel();
        let key = (peer, id);
        self.lock().insert(key, sender);
        Question { waiting: Arc::clone(self), key, answer }
    }

    /// Hands an answer to who waits for it. Only the peer that was asked can answer.
    pub(crate) fn answer(&self, peer: PeerId, message: Message) {
        let asked = message.id().and_then(|id| self.lock().remove(&(peer, id)));
        if let Some(asked) = asked {
            let _ = asked.send(message);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(PeerId, RequestId), oneshot::Sender<Message>>> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question {
    /// `None` if the agent stops.
    pub(crate) async fn answer(&mut self) -> Option<Message> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.key);
    }
}
