//! The one place that reads the time of day. Everything else is handed a [`Clock`].

use std::time::Duration;

use tokio::sync::watch;

/// Longest sleep before the system's clock is read again: a machine that was suspended, or whose clock was set,
/// has another time than a sleep expects.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// The time of day, in milliseconds since the Unix epoch. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(watch::Receiver<i64>),
}

/// Moves the clocks made of it, which stand still otherwise. Lets a test pass a lease's hour in no time.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<i64>);

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        Self(Source::System)
    }

    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => system_ms(),
            Source::Manual(now) => *now.borrow(),
        }
    }

    /// Returns once this clock shows `at_ms` or later, also if the clock is set meanwhile. Cancel-safe.
    pub(crate) async fn sleep_until_ms(&self, at_ms: i64) {
        match &self.0 {
            Source::System => loop {
                match u64::try_from(at_ms.saturating_sub(system_ms())) {
                    Ok(left) if left > 0 => {
                        tokio::time::sleep(Duration::from_millis(left).min(LONGEST_SLEEP)).await;
                    }
                    _ => return,
                }
            },
            Source::Manual(now) => {
                if now.clone().wait_for(|now| *now >= at_ms).await.is_err() {
                    // Nothing moves this clock any more.
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

impl ManualClock {
    pub fn starting_at(now_ms: i64) -> Self {
        Self(watch::Sender::new(now_ms))
    }

    pub fn clock(&self) -> Clock {
        Clock(Source::Manual(self.0.subscribe()))
    }

    /// Moves the time forward and wakes everything that waits for the new time.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.send_modify(|now| *now = now.saturating_add(by));
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn system_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleep_ends_when_the_clock_is_moved_far_enough() {
        let hand = ManualClock::starting_at(1_000);
        let clock = hand.clock();
        clock.sleep_until_ms(1_000).await;
        let sleeping = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until_ms(3_000).await }
        });
        hand.advance(Duration::from_millis(1_999));
        tokio::task::yield_now().await;
        assert!(!sleeping.is_finished());
        hand.advance(Duration::from_millis(1));
        sleeping.await.unwrap();
        assert_eq!(clock.now_ms(), 3_000);
    }
}
