//! `wasi:http/outgoing-handler`: web requests, through the egress guard and no other way.

use std::sync::Arc;

use http::{HeaderName, Request, Response};
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::add_only_http_to_linker_async;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

use crate::egress::{Guard, is_ours};
use crate::guest::Guest;

/// Bytes of one set of headers, as they lie in memory. A guest can make as many sets as there are resources.
const FIELDS: usize = 48 * 1024;
/// Bytes of a request's body that wait to be sent, per request that the guest has begun.
const CHUNK: usize = 16 * 1024;

pub(crate) struct HttpState {
    context: WasiHttpCtx,
    hooks: Hooks,
}

/// What `wasi:http` asks of its host.
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
}

pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_only_http_to_linker_async(linker)
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.http.hooks,
            table: &mut self.wasi.table,
            ctx: &mut self.http.context,
        }
    }
}

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name: &HeaderName| is_ours(name))
    }

    /// The guard writes it, of what it has checked.
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
            // What goes wrong on the way shows in the body; there is nobody else to tell.
            let pump = async move { pump.await.map_or(Ok(()), |()| Ok(())) };
            Ok((response, Box::new(pump) as Box<dyn Future<Output = _> + Send>))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}
