use std::collections::BTreeMap;
use std::sync::Arc;

use coworker_policy::{Capability, Effective};

use crate::capability::call::CallState;
use crate::capability::http::HttpState;
use crate::capability::llm::LlmState;
use crate::capability::log::Journal;
use crate::capability::peers::PeersState;
use crate::capability::secret::SecretState;
use crate::capability::state::StateCall;
use crate::capability::wasi::WasiState;
use crate::meter::Meter;
use crate::outcome::Denials;

/// All that the host holds for one call. It lives and dies with the call's store.
pub(crate) struct Guest {
    pub(crate) meter: Meter,
    pub(crate) grants: Effective,
    pub(crate) denials: Denials,
    pub(crate) call: CallState,
    pub(crate) http: HttpState,
    pub(crate) llm: LlmState,
    pub(crate) peers: PeersState,
    pub(crate) journal: Journal,
    pub(crate) secrets: Arc<SecretState>,
    pub(crate) config: Arc<BTreeMap<String, String>>,
    pub(crate) state: StateCall,
    pub(crate) wasi: WasiState,
}

impl Guest {
    /// Every host function of ours starts here: it gives way now and then, whatever the guest's fuel says,
    /// and answers whether this call holds the capability.
    pub(crate) async fn enter(&mut self, capability: Capability) -> bool {
        tokio::task::consume_budget().await;
        self.grants.contains(capability)
    }

    /// Notes what this call was refused, for the owner. `what` is the grant's argument that would allow it.
    pub(crate) fn deny(&self, capability: Capability, what: &str) {
        self.denials.note(capability, what);
    }
}
