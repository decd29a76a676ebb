use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::limits::Limits;
use crate::name::SkillName;
use crate::tier::Tier;

/// How long a call counts, in milliseconds.
const WINDOW_MS: u64 = 60_000;

/// When one caller's calls of the last minute began: a sliding window, kept by who serves, one per caller.
///
/// A call counts whatever comes of it, whether or not its skill exists; only one that is refused for being
/// too many does not, so the window ends for a caller who never stops asking, and never holds more than the
/// tier may call.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    /// Oldest first.
    starts: VecDeque<Start>,
    of_skill: HashMap<SkillName, u64>,
}

#[derive(Clone, Debug)]
struct Start {
    at_ms: u64,
    /// `None` if what was called is no skill's name.
    skill: Option<SkillName>,
}

/// What of `Recent` one call is decided by.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallRate {
    /// Calls within the window.
    all: u64,
    /// Those of the skill that is called now.
    of_skill: u64,
    /// Until the oldest of them counts no more.
    wait: Duration,
}

impl Recent {
    /// Enters a call of `skill`, a name as the caller wrote it, and tells the pace before it.
    /// `now_ms` may count from any moment.
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

    /// True if nothing counts any more: the caller may be forgotten.
    pub fn is_over(&mut self, now_ms: u64) -> bool {
        self.forget(now_ms);
        self.starts.is_empty()
    }

    fn forget(&mut self, now_ms: u64) {
        // A clock that was set back must not shut a caller out for longer than the window.
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
    /// If one more call is more than `limit` a minute: when to come again, at the earliest.
    pub(super) fn wait(&self, limit: u64) -> Option<Duration> {
        (self.all >= limit).then_some(self.wait)
    }

    /// The same for calls of the skill that is called.
    pub(super) fn wait_for_skill(&self, limit: u64) -> Option<Duration> {
        (self.of_skill >= limit).then_some(self.wait)
    }
}
