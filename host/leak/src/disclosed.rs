use std::collections::HashSet;

use crate::guard::Run;
use crate::index::GRAM;
use crate::tokens::WORD;

/// The private text of one component that one peer has received in all its calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disclosed {
    /// Private words that left.
    words: u64,
    /// Their shingles, so that words that left once are not counted again.
    seen: HashSet<u64>,
    /// Days since the Unix epoch, UTC.
    day: i64,
    /// Bytes of output on that day.
    bytes: u64,
}

/// The budget would be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over;

impl Disclosed {
    /// Most shingles remembered. Only an owner who lets leaks pass reaches this; beyond it, words count each time
    /// they leave.
    const SEEN: usize = 10_000;

    /// Restores a stored state.
    pub fn new(words: u64, seen: &[u8], day: i64, bytes: u64) -> Self {
        let shingles = seen.chunks_exact(8).filter_map(|bytes| bytes.try_into().ok().map(u64::from_le_bytes));
        Self { words, seen: shingles.take(Self::SEEN).collect(), day, bytes }
    }

    pub fn words(&self) -> u64 {
        self.words
    }

    /// The shingles as they are stored, 8 bytes each.
    pub fn seen(&self) -> Vec<u8> {
        let mut seen: Vec<u64> = self.seen.iter().copied().collect();
        seen.sort_unstable();
        seen.into_iter().flat_map(u64::to_le_bytes).collect()
    }

    pub fn day(&self) -> i64 {
        self.day
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Counts the words of `runs`. Counts nothing if the total would exceed `max`.
    pub(crate) fn reveal(&mut self, runs: &[Run], max: u64) -> Result<u64, Over> {
        let mut fresh: HashSet<u64> = HashSet::new();
        let cost: u64 = runs.iter().map(|run| self.cost(run, &mut fresh)).sum();
        if cost > 0 && self.words.saturating_add(cost) > max {
            return Err(Over);
        }
        self.words = self.words.saturating_add(cost);
        let room = Self::SEEN.saturating_sub(self.seen.len());
        self.seen.extend(fresh.into_iter().take(room));
        Ok(cost)
    }

    /// The words of a run that did not leave before, up to four too many: a word can be in several shingles.
    fn cost(&self, run: &Run, fresh: &mut HashSet<u64>) -> u64 {
        let new =
            run.closed.iter().filter(|(shingle, _)| !self.seen.contains(shingle) && fresh.insert(*shingle));
        let (count, weight) =
            new.fold((0, 0_u64), |(count, sum), (_, weight)| (count + 1, sum + u64::from(*weight)));
        let first =
            if count > 0 && count == run.closed.len() { (GRAM as u64 - 1) * u64::from(WORD) } else { 0 };
        (weight + first).div_ceil(WORD.into())
    }

    /// Counts bytes that leave on a day. Counts nothing if the day's total would exceed `max`.
    pub(crate) fn take(&mut self, bytes: usize, day: i64, max: u64) -> Result<(), Over> {
        let before = if self.day == day { self.bytes } else { 0 };
        let after = before.saturating_add(bytes as u64);
        if after > max {
            return Err(Over);
        }
        (self.day, self.bytes) = (day, after);
        Ok(())
    }
}
