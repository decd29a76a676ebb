use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use coworker_policy::PeerId;
use tokio::sync::OnceCell;

use crate::base::core::Core;
use crate::link::direct::Direct;
use crate::link::frame_handler::FrameHandler;
use crate::link::nearby::Notice;
use crate::link::waiting::Waiting;
use crate::state::presence::Presence;
use crate::state::{StateActor, StateError};
use crate::trust::book::TrustBook;

/// The connections to peers, and the questions that wait for an answer over them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Links(Arc<Inner>);

pub(crate) struct Inner {
    pub(super) core: Core,
    pub(super) state: StateActor,
    pub(super) trust: TrustBook,
    pub(super) presence: Arc<Presence>,
    pub(super) waiting: Arc<Waiting>,
    pub(super) direct: Direct,
    pub(super) network: OnceCell<(coworker_net::Network, Option<Notice>)>,
    handler: OnceLock<Arc<dyn FrameHandler>>,
    dials: Mutex<HashMap<PeerId, Weak<tokio::sync::Mutex<()>>>>,
    redials: Mutex<HashSet<PeerId>>,
    /// Peers for which signatures wait for a message that they can go along with.
    unhurried: Mutex<HashSet<PeerId>>,
}

impl Links {
    pub(crate) fn new(core: &Core, state: &StateActor, presence: Arc<Presence>, trust: &TrustBook) -> Self {
        Self(Arc::new(Inner {
            core: core.clone(),
            state: state.clone(),
            trust: trust.clone(),
            presence,
            waiting: Arc::default(),
            direct: Direct::default(),
            network: OnceCell::new(),
            handler: OnceLock::new(),
            dials: Mutex::default(),
            redials: Mutex::default(),
            unhurried: Mutex::default(),
        }))
    }
}

impl Inner {
    /// Connections bring their messages to `handler`. Must be called once, before the first connection.
    pub(crate) fn hand_frames_to(&self, handler: Arc<dyn FrameHandler>) {
        // A second handler is ignored.
        let _ = self.handler.set(handler);
    }

    pub(super) fn handler(&self) -> Result<Arc<dyn FrameHandler>, StateError> {
        self.handler.get().cloned().ok_or(StateError::Stopping)
    }

    /// Questions of ours that wait for an answer.
    pub(crate) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// The peers that are connected now.
    pub(crate) fn presence(&self) -> &Presence {
        &self.presence
    }

    /// The lock that a task holds while it dials `peer`.
    pub(super) fn dialling(&self, peer: PeerId) -> Arc<tokio::sync::Mutex<()>> {
        let mut dials = self.dials.lock().unwrap_or_else(PoisonError::into_inner);
        dials.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = dials.get(&peer).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        dials.insert(peer, Arc::downgrade(&turn));
        turn
    }

    /// Peers that a task redials.
    pub(super) fn redials(&self) -> std::sync::MutexGuard<'_, HashSet<PeerId>> {
        self.redials.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn unhurried(&self) -> std::sync::MutexGuard<'_, HashSet<PeerId>> {
        self.unhurried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Links {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
