//! `wasi:http/outgoing-handler`: web requests, through the egress guard only.

use std::sync::Arc;

use http::{HeaderName, Request, Response};
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi_http::p2::add_only_http_to_linker_async;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

use crate::egress::{Guard, is_ours};

/// Largest set of headers in memory, in bytes. A guest can make as many sets as it may hold resources.
const FIELDS: usize = 48 * 1024;
/// Bytes of a request's body that wait to be sent, for each request that the guest has begun.
const CHUNK: usize = 16 * 1024;

pub(crate) struct HttpState {
    context: WasiHttpCtx,
    hooks: Hooks,
}

/// The host's side of `wasi:http`.
struct Hooks(Guard);

type Reply = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl HttpState {
    pub(crate) fn new(guard: Guard) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(FIELDS);
        Self { context, hooks: Hooks(guard) }
    }

    /// Bytes sent and received so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.hooks.0.bytes()
    }

    pub(crate) fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView { hooks: &mut self.hooks, table, ctx: &mut self.context }
    }
}

pub(crate) fn link<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_only_http_to_linker_async(linker)
}

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name: &HeaderName| is_ours(name))
    }

    /// The guard writes this header itself, from the address that it checked.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Reply> + Send> {
        let sent = self.0.send(request, options.unwrap_or_default());
        Box::new(async move {
            let (response, pump) = sent.await?;
            // A failure while the body arrives shows as an error of the body.
            let pump = async move { pump.await.map_or(Ok(()), |()| Ok(())) };
            Ok((response, Box::new(pump) as Box<dyn Future<Output = _> + Send>))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}
