use std::time::Duration;

/// How long a request and its parts may take, and how failed attempts are retried.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// To connect.
    pub connect: Duration,
    /// Until the answer begins: without streaming, a model finishes thinking before it sends a byte.
    pub first_byte: Duration,
    /// Between two chunks of an answer.
    pub between: Duration,
    /// For the whole request, retries and pauses included.
    pub whole: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// Longest pause before the first retry; it doubles with each retry.
    pub pause: Duration,
    /// Longest pause of all. If the server asks for a longer one, the request fails instead.
    pub longest_pause: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_mins(2),
            between: Duration::from_mins(1),
            whole: Duration::from_mins(10),
            retries: 3,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
        }
    }
}
