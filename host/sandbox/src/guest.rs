use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use crate::access::Access;
use crate::capability::call::{CallHost, CallState};
use crate::capability::config::ConfigHost;
use crate::capability::files::watch::FilesHost;
use crate::capability::http::HttpState;
use crate::capability::llm::{LlmHost, LlmState};
use crate::capability::log::{CallLog, LogHost};
use crate::capability::peers::{PeersHost, PeersState};
use crate::capability::secret::SecretState;
use crate::capability::state::{StateHost, StateView};
use crate::capability::wasi::WasiState;
use crate::meter::Meter;

/// Everything that the host holds for one call. It is dropped with the call's store.
///
/// Each capability implements its interface over a view that borrows the parts that it needs.
pub(crate) struct Guest {
    pub(crate) meter: Meter,
    pub(crate) access: Access,
    pub(crate) call: CallState,
    pub(crate) http: HttpState,
    pub(crate) llm: LlmState,
    pub(crate) peers: PeersState,
    pub(crate) log: CallLog,
    pub(crate) secrets: Arc<SecretState>,
    pub(crate) config: Arc<BTreeMap<String, String>>,
    pub(crate) state: StateView,
    pub(crate) wasi: WasiState,
}

impl Guest {
    pub(crate) fn call(&mut self) -> CallHost<'_> {
        CallHost { access: &self.access, call: &mut self.call }
    }

    pub(crate) fn log(&mut self) -> LogHost<'_> {
        LogHost { access: &self.access, log: &self.log }
    }

    pub(crate) fn llm(&mut self) -> LlmHost<'_> {
        LlmHost { access: &self.access, llm: &mut self.llm, call: &mut self.call }
    }

    pub(crate) fn peers(&mut self) -> PeersHost<'_> {
        PeersHost { access: &self.access, peers: &mut self.peers, deadline: self.call.deadline }
    }

    pub(crate) fn config(&mut self) -> ConfigHost<'_> {
        ConfigHost { access: &self.access, config: &self.config, secrets: &self.secrets }
    }

    pub(crate) fn state(&mut self) -> StateHost<'_> {
        StateHost {
            access: &self.access,
            state: &mut self.state,
            caller: self.call.caller,
            table: &mut self.wasi.table,
        }
    }

    pub(crate) fn files(&mut self) -> FilesHost<'_> {
        self.wasi.files(&self.access)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.view()
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.http.view(&mut self.wasi.table)
    }
}
