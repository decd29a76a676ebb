use std::collections::HashSet;

use serde::Serialize;

use super::guard::Run;
use super::index::GRAM;
use super::tokens::WORD;

/// What one peer has got of one component so far, in all calls together. Calls at once share one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disclosed {
    /// Private words that left.
    words: u64,
    /// Their shingles, so that what left once is not counted twice.
    seen: HashSet<u64>,
    /// Days since the Unix epoch, UTC.
    day: i64,
    /// Bytes of output on that day.
    bytes: u64,
}

/// A budget that would be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Over;

impl Disclosed {
    /// Shingles that are remembered. Beyond, which only an owner who lets leaks pass gets to, words are counted
    /// each time that they leave.
    const SEEN: usize = 10_000;

    /// As it was kept.
    pub fn new(words: u64, seen: &[u8], day: i64, bytes: u64) -> Self {
        let shingles = seen.chunks_exact(8).filter_map(|bytes| bytes.try_into().ok().map(u64::from_le_bytes));
        Self { words, seen: shingles.take(Self::SEEN).collect(), day, bytes }
    }

    pub fn words(&self) -> u64 {
        self.words
    }

    /// The shingles as they are kept: 8 bytes each.
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

    /// Counts what leaves; nothing if it is more than `max` in all.
    pub(super) fn reveal(&mut self, runs: &[Run], max: u64) -> Result<u64, Over> {
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

    /// Words of a run that did not leave before in this company: one that left in two runs may count twice.
    fn cost(&self, run: &Run, fresh: &mut HashSet<u64>) -> u64 {
        let new =
            run.closed.iter().filter(|(shingle, _)| !self.seen.contains(shingle) && fresh.insert(*shingle));
        let (count, weight) =
            new.fold((0, 0_u64), |(count, sum), (_, weight)| (count + 1, sum + u64::from(*weight)));
        let first =
            if count > 0 && count == run.closed.len() { (GRAM as u64 - 1) * u64::from(WORD) } else { 0 };
        (weight + first).div_ceil(WORD.into())
    }

    /// Counts bytes that leave on a day; nothing if they are more than `max` on that day.
    pub(super) fn take(&mut self, bytes: usize, day: i64, max: u64) -> Result<(), Over> {
        let before = if self.day == day { self.bytes } else { 0 };
        let after = before.saturating_add(bytes as u64);
        if after > max {
            return Err(Over);
        }
        (self.day, self.bytes) = (day, after);
        Ok(())
    }
}
