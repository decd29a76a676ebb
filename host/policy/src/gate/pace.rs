use std::collections::VecDeque;
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
pub struct Recent(VecDeque<Start>);

#[derive(Clone, Debug)]
struct Start {
    at_ms: u64,
    /// `None` if what was called is no skill's name.
    skill: Option<SkillName>,
}

/// What of `Recent` one call is decided by.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// For each call within the window, oldest first, the time after which it counts no more.
    all: Vec<Duration>,
    /// Those of the skill that is called now.
    of_skill: Vec<Duration>,
}

impl Recent {
    /// Enters a call of `skill`, a name as the caller wrote it, and tells the pace before it.
    /// `now_ms` may count from any moment.
    pub fn arrive(&mut self, now_ms: u64, skill: &str, tier: Tier) -> Pace {
        self.forget(now_ms);
        let skill: Option<SkillName> = skill.parse().ok();
        let left = |start: &Start| {
            Duration::from_millis(start.at_ms.saturating_add(WINDOW_MS).saturating_sub(now_ms))
        };
        let pace = Pace {
            all: self.0.iter().map(left).collect(),
            of_skill: self.0.iter().filter(|start| start.skill == skill).map(left).collect(),
        };
        if pace.wait(Limits::of(tier).calls_per_min).is_none() {
            self.0.push_back(Start { at_ms: now_ms, skill });
        }
        pace
    }

    /// True if nothing counts any more: the caller may be forgotten.
    pub fn is_over(&mut self, now_ms: u64) -> bool {
        self.forget(now_ms);
        self.0.is_empty()
    }

    fn forget(&mut self, now_ms: u64) {
        // A clock that was set back must not shut a caller out for longer than the window.
        if self.0.back().is_some_and(|last| last.at_ms > now_ms) {
            self.0.iter_mut().for_each(|start| start.at_ms = start.at_ms.min(now_ms));
        }
        while self.0.front().is_some_and(|start| now_ms - start.at_ms >= WINDOW_MS) {
            self.0.pop_front();
        }
    }
}

impl Pace {
    /// How long until one more call is within `limit` calls a minute; `None` if it is now.
    pub(super) fn wait(&self, limit: u64) -> Option<Duration> {
        wait(&self.all, limit)
    }

    /// The same for calls of the skill that is called.
    pub(super) fn wait_for_skill(&self, limit: u64) -> Option<Duration> {
        wait(&self.of_skill, limit)
    }
}

fn wait(leaving: &[Duration], limit: u64) -> Option<Duration> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let over = leaving.len().checked_sub(limit)?;
    // With a limit of none there is nothing to wait for; the window is as good an answer as any.
    Some(leaving.get(over).copied().unwrap_or(Duration::from_millis(WINDOW_MS)))
}
