use std::fmt;

use crate::limits::MAX_DEPUTIES;

/// How many terms one change of steward can choose from. Each way to succeed a term has its own number.
const ROUND: u64 = 16;
const LAST_TERM: u64 = u64::MAX - 2 * ROUND;

// A deputy's number is above that of a transfer and within the round.
const _: () = assert!((MAX_DEPUTIES as u64) < ROUND);

/// Numbers the stewards of a group. Where two stewards disagree, the one with the higher term is right.
///
/// All successors of a term differ, so no two stewards can hold the same one. The first number of the next
/// round is for a transfer by the steward, the last one for the first deputy, the one before it for the second
/// deputy, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Term(u64);

impl Term {
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    pub const fn number(self) -> u64 {
        self.0
    }

    /// Returns `None` for a number so high that its successors would overflow.
    pub(crate) fn checked(number: u64) -> Option<Self> {
        (number <= LAST_TERM).then_some(Self(number))
    }

    /// The term of the member to which the steward transfers the group.
    pub(crate) const fn transferred(self) -> Self {
        Self((self.0 / ROUND).saturating_add(1).saturating_mul(ROUND))
    }

    /// The term of a deputy that takes over. `seat` is its index in the list of deputies.
    pub(crate) const fn taken_over(self, seat: usize) -> Self {
        Self(self.transferred().0.saturating_add(ROUND - 1).saturating_sub(seat as u64))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_successors_of_a_term_differ() {
        for term in [Term(0), Term(16), Term(31), Term(LAST_TERM)] {
            let mut all: Vec<_> = (0..MAX_DEPUTIES).map(|seat| term.taken_over(seat)).collect();
            assert!(all.is_sorted_by(|a, b| a > b), "the first deputy has the highest term");
            all.push(term.transferred());
            all.push(term);
            assert!(all.is_sorted_by(|a, b| a > b), "a deputy's term is above a transfer's");
        }
        assert_eq!(Term::checked(LAST_TERM + 1), None);
    }
}
