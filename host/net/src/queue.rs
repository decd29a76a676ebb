use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Counted for each queued frame besides its bytes, so that empty frames are bounded as well.
const OVERHEAD: usize = 32;

/// Frames waiting to be written, bounded by the memory that they use.
pub(crate) struct Queue {
    limit: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    frames: Vec<Vec<u8>>,
    held: usize,
    shut: bool,
}

/// Why a frame was not queued.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    Shut,
    Full,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default(), changed: Notify::new() }
    }

    pub(crate) fn push(&self, frame: Vec<u8>) -> Result<(), Rejected> {
        let mut state = self.state();
        if state.shut {
            return Err(Rejected::Shut);
        }
        let held = state.held.saturating_add(cost(&frame));
        if held > self.limit {
            return Err(Rejected::Full);
        }
        state.held = held;
        state.frames.push(frame);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for frames and takes all of them. Returns `None` once the queue is shut and empty. Taken frames count
    /// against the limit until they are [released](Self::release). There must be only one consumer.
    pub(crate) async fn take(&self) -> Option<Vec<Vec<u8>>> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if !state.frames.is_empty() {
                    return Some(std::mem::take(&mut state.frames));
                }
                if state.shut {
                    return None;
                }
            }
            changed.await;
        }
    }

    pub(crate) fn release(&self, cost: usize) {
        let mut state = self.state();
        state.held = state.held.saturating_sub(cost);
    }

    /// Refuses further frames. Queued ones can still be taken.
    pub(crate) fn shut(&self) {
        self.state().shut = true;
        self.changed.notify_one();
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.state().shut
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much a frame counts against a queue's limit.
pub(crate) fn cost(frame: &[u8]) -> usize {
    frame.len().saturating_add(OVERHEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_frames_count_until_they_are_released() {
        let queue = Queue::new(2 * (100 + OVERHEAD));
        queue.push(vec![0; 100]).unwrap();
        queue.push(vec![0; 100]).unwrap();
        assert_eq!(queue.push(Vec::new()), Err(Rejected::Full));
        queue.release(cost(&[0; 100]));
        queue.push(vec![0; 100]).unwrap();
    }

    #[tokio::test]
    async fn a_shut_queue_refuses_frames_and_delivers_queued_ones() {
        let queue = Queue::new(1024);
        queue.push(b"a".to_vec()).unwrap();
        queue.shut();
        assert_eq!(queue.push(b"b".to_vec()), Err(Rejected::Shut));
        assert_eq!(queue.take().await, Some(vec![b"a".to_vec()]));
        assert_eq!(queue.take().await, None);
    }
}
