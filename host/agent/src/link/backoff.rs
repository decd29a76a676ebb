use std::time::Duration;

/// Pauses between attempts, each `factor` times as long as the one before, up to the longest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    first: Duration,
    next: Duration,
    longest: Duration,
    factor: u32,
}

impl Backoff {
    pub(super) const fn doubling(first: Duration, longest: Duration) -> Self {
        Self { first, next: first, longest, factor: 2 }
    }

    pub(super) const fn growing(first: Duration, longest: Duration, factor: u32) -> Self {
        Self { first, next: first, longest, factor }
    }

    /// The pause before the next attempt. The one after it is longer.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * self.factor).min(self.longest);
        pause
    }

    pub(super) async fn pause(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    /// Begins again with the first pause.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_begin_again_after_a_success() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::doubling(ms(100), ms(350));
        let pauses: Vec<_> = (0..4).map(|_| backoff.next()).collect();
        assert_eq!(pauses, [ms(100), ms(200), ms(350), ms(350)]);
        backoff.reset();
        assert_eq!(backoff.next(), ms(100));
    }
}
