use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::Error;

use super::guest_error;

/// The body of a response while it arrives. Fails if the server is silent for longer than `timeout`.
pub(super) struct ResponseBody {
    incoming: Incoming,
    timeout: Duration,
    silence: Pin<Box<Sleep>>,
}

impl ResponseBody {
    pub(super) fn new(incoming: Incoming, timeout: Duration) -> Self {
        Self { incoming, timeout, silence: Box::pin(sleep(timeout)) }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            let next = Instant::now() + self.timeout;
            self.silence.as_mut().reset(next);
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| guest_error::connection(&error))));
        }
        ready!(self.silence.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }
}
