use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::chat::{ChatRequest, Completion, Finish, Usage, tokens};
use crate::error::{ModelError, ModelFault};
use crate::sse::Events;
use crate::timeouts::Timeouts;
use crate::wire::{self, Chunk};

/// Largest text of an answer, and largest body that is not a stream, in bytes.
const MAX: usize = 4 << 20;
/// Largest stream, in bytes. It is larger because each word has an event of its own; only the text is kept.
const MAX_STREAM: usize = 64 << 20;
/// The last event of a stream.
const DONE: &str = "[DONE]";

/// The body of a response while it arrives.
pub(crate) struct Body {
    response: Response,
    /// Timeout of the next read.
    wait: Duration,
    between: Duration,
    left: usize,
}

impl Body {
    /// Reading more than `max` bytes is an error.
    pub(crate) fn new(response: Response, timeout: &Timeouts, max: usize) -> Self {
        Self { response, wait: timeout.first_byte, between: timeout.between, left: max }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ModelError> {
        let chunk = timeout(self.wait, self.response.chunk()).await.map_err(|_| ModelFault::TimedOut)?;
        let chunk = chunk.map_err(|error| ModelFault::Cut.because(error.without_url()))?;
        self.wait = self.between;
        let length = chunk.as_ref().map_or(0, Bytes::len);
        self.left = self.left.checked_sub(length).ok_or(ModelFault::TooLarge)?;
        Ok(chunk)
    }

    pub(crate) async fn whole(mut self) -> Result<Vec<u8>, ModelError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Reads the server's answer to `request`. Its content type decides whether it is a stream: a server may
/// ignore which of the two was asked for.
pub(crate) async fn read(
    response: Response,
    timeout: &Timeouts,
    request: &ChatRequest<'_>,
    text: Option<&mpsc::Sender<String>>,
) -> Result<Completion, ModelError> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut partial = Partial { listener: text, ..Partial::default() };
    if kind.to_ascii_lowercase().starts_with("text/event-stream") {
        partial.follow(Body::new(response, timeout, MAX_STREAM)).await?;
        return partial.end(request, ModelFault::Cut);
    }
    let body = Body::new(response, timeout, MAX).whole().await?;
    let chunk = wire::read(&body)?;
    if !chunk.choice {
        return Err(ModelFault::Malformed.into());
    }
    partial.ended = true;
    partial.add(chunk).await?;
    partial.end(request, ModelFault::Malformed)
}

/// An answer that has not ended yet.
#[derive(Default)]
struct Partial<'a> {
    text: String,
    finish: Option<Finish>,
    refused: bool,
    usage: Option<Usage>,
    /// The server sent its end marker.
    ended: bool,
    /// Gets the text as it arrives.
    listener: Option<&'a mpsc::Sender<String>>,
}

impl Partial<'_> {
    async fn follow(&mut self, mut body: Body) -> Result<(), ModelError> {
        let mut events = Events::default();
        while let Some(bytes) = body.next().await? {
            for event in events.feed(&bytes)? {
                self.event(&event).await?;
                if self.ended {
                    return Ok(());
                }
            }
        }
        match events.end()? {
            Some(event) => self.event(&event).await,
            None => Ok(()),
        }
    }

    async fn event(&mut self, event: &str) -> Result<(), ModelError> {
        if event.trim() == DONE {
            self.ended = true;
            return Ok(());
        }
        self.add(wire::read(event.as_bytes())?).await
    }

    async fn add(&mut self, chunk: Chunk) -> Result<(), ModelError> {
        self.usage = chunk.usage.or(self.usage);
        self.finish = chunk.finish.or(self.finish);
        self.refused |= chunk.refused;
        if self.text.len() + chunk.text.len() > MAX {
            return Err(ModelFault::TooLarge.into());
        }
        self.text.push_str(&chunk.text);
        if let Some(listener) = self.listener.filter(|_| !chunk.text.is_empty()) {
            // A listener that is gone does not end the request.
            let _ = listener.send(chunk.text).await;
        }
        Ok(())
    }

    /// Returns the whole answer, or the error `unfinished` if the server never ended it.
    fn end(self, request: &ChatRequest<'_>, unfinished: ModelFault) -> Result<Completion, ModelError> {
        let finish = match self.finish {
            _ if self.refused => Finish::Filtered,
            Some(finish) => finish,
            None if self.ended => Finish::Stop,
            None => return Err(unfinished.into()),
        };
        let estimate = || Usage { input: request.tokens(), output: tokens(&self.text), estimated: true };
        let usage = self.usage.unwrap_or_else(estimate);
        Ok(Completion { text: self.text, finish, usage })
    }
}
