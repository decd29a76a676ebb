use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::chat::{Ask, Completion, Finish, Usage, tokens};
use crate::endpoint::Timeouts;
use crate::error::{ModelError, ModelFault};
use crate::sse::Events;
use crate::wire::{self, Read};

/// Bytes of an answer's text, and of a body that comes in one piece.
const MAX: usize = 4 << 20;
/// Bytes of a whole stream: each word comes in a frame of its own. None of it is kept but the text.
const MAX_STREAM: usize = 64 << 20;
/// What a stream says last.
const DONE: &str = "[DONE]";

/// The body of a response, as it comes in.
pub(crate) struct Body {
    response: Response,
    /// How long the next bytes may take.
    wait: Duration,
    between: Duration,
    left: usize,
}

impl Body {
    /// No more than `max` bytes of it.
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

/// Reads what a server answers to `ask`, in one piece or in many: it may not have listened to how it was asked.
pub(crate) async fn read(
    response: Response,
    timeout: &Timeouts,
    ask: &Ask<'_>,
    tell: Option<&mpsc::Sender<String>>,
) -> Result<Completion, ModelError> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut so_far = SoFar { tell, ..SoFar::default() };
    if kind.to_ascii_lowercase().starts_with("text/event-stream") {
        so_far.follow(Body::new(response, timeout, MAX_STREAM)).await?;
        return so_far.end(ask, ModelFault::Cut);
    }
    let body = Body::new(response, timeout, MAX).whole().await?;
    let read = wire::read(&body)?;
    if !read.choice {
        return Err(ModelFault::Malformed.into());
    }
    so_far.ended = true;
    so_far.add(read).await?;
    so_far.end(ask, ModelFault::Malformed)
}

/// An answer that is not whole yet.
#[derive(Default)]
struct SoFar<'a> {
    text: String,
    finish: Option<Finish>,
    refused: bool,
    usage: Option<Usage>,
    /// The server said that this is all.
    ended: bool,
    tell: Option<&'a mpsc::Sender<String>>,
}

impl SoFar<'_> {
    async fn follow(&mut self, mut body: Body) -> Result<(), ModelError> {
        let mut events = Events::default();
        while let Some(piece) = body.next().await? {
            for event in events.feed(&piece)? {
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

    async fn add(&mut self, read: Read) -> Result<(), ModelError> {
        self.usage = read.usage.or(self.usage);
        self.finish = read.finish.or(self.finish);
        self.refused |= read.refused;
        if self.text.len() + read.text.len() > MAX {
            return Err(ModelFault::TooLarge.into());
        }
        self.text.push_str(&read.text);
        if let Some(tell) = self.tell.filter(|_| !read.text.is_empty()) {
            // Who listens no more hears nothing.
            let _ = tell.send(read.text).await;
        }
        Ok(())
    }

    /// An answer without an end is `unfinished`.
    fn end(self, ask: &Ask<'_>, unfinished: ModelFault) -> Result<Completion, ModelError> {
        let finish = match self.finish {
            _ if self.refused => Finish::Filtered,
            Some(finish) => finish,
            None if self.ended => Finish::Stop,
            None => return Err(unfinished.into()),
        };
        let estimate = || Usage { input: ask.tokens(), output: tokens(&self.text), estimated: true };
        let usage = self.usage.unwrap_or_else(estimate);
        Ok(Completion { text: self.text, finish, usage })
    }
}
