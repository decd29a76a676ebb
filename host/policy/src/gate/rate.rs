use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::limits::Limits;
use crate::name::SkillName;
use crate::tier::Tier;

/// The length of the window, in milliseconds.
const WINDOW_MS: u64 = 60_000;

/// The start times of one caller's calls within the last minute, as a sliding window.
///
/// Every call counts, even one of an unknown skill. Only a call that is refused for exceeding the rate does not:
/// a caller that never stops trying is therefore admitted again, and the window never holds more calls than the
/// tier may make.
#[derive(Clone, Debug, Default)]
pub struct RecentCalls {
    /// Oldest first.
    starts: VecDeque<Start>,
    of_skill: HashMap<SkillName, u64>,
}

#[derive(Clone, Debug)]
struct Start {
    at_ms: u64,
    /// `None` if the name in the call is invalid.
    skill: Option<SkillName>,
}

/// The rate of a caller at the arrival of one call.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallRate {
    /// Calls within the window.
    all: u64,
    /// Calls of the same skill within the window.
    of_skill: u64,
    /// The time until the oldest call leaves the window.
    wait: Duration,
}

impl RecentCalls {
    /// Adds a call of `skill`, a name as the caller wrote it, and returns the rate before it. `now_ms` can count from
    /// any moment.
    pub fn arrive(&mut self, now_ms: u64, skill: &str, tier: Tier) -> CallRate {
        self.forget(now_ms);
        let skill: Option<SkillName> = skill.parse().ok();
        let oldest = self.starts.front().map_or(now_ms, |start| start.at_ms);
        let rate = CallRate {
            all: self.starts.len() as u64,
            of_skill: skill.as_ref().and_then(|skill| self.of_skill.get(skill)).copied().unwrap_or(0),
            wait: Duration::from_millis(oldest.saturating_add(WINDOW_MS).saturating_sub(now_ms)),
        };
        if rate.wait(Limits::of(tier).calls_per_min).is_none() {
            if let Some(skill) = &skill {
                *self.of_skill.entry(skill.clone()).or_default() += 1;
            }
            self.starts.push_back(Start { at_ms: now_ms, skill });
        }
        rate
    }

    /// Whether the window is empty, so that the caller can be forgotten.
    pub fn is_empty(&mut self, now_ms: u64) -> bool {
        self.forget(now_ms);
        self.starts.is_empty()
    }

    fn forget(&mut self, now_ms: u64) {
        // A clock that was set back must not block a caller for longer than the window.
        if self.starts.back().is_some_and(|last| last.at_ms > now_ms) {
            self.starts.iter_mut().for_each(|start| start.at_ms = start.at_ms.min(now_ms));
        }
        while self.starts.front().is_some_and(|start| now_ms - start.at_ms >= WINDOW_MS) {
            let skill = self.starts.pop_front().and_then(|start| start.skill);
            let Some(skill) = skill else { continue };
            if let Some(count) = self.of_skill.get_mut(&skill) {
                *count -= 1;
                if *count == 0 {
                    self.of_skill.remove(&skill);
                }
            }
        }
    }
}

impl CallRate {
    /// The time to wait if one more call would exceed `limit` a minute.
    pub(super) fn wait(&self, limit: u64) -> Option<Duration> {
        (self.all >= limit).then_some(self.wait)
    }

    /// The same for calls of the same skill.
    pub(super) fn wait_for_skill(&self, limit: u64) -> Option<Duration> {
        (self.of_skill >= limit).then_some(self.wait)
    }
}
