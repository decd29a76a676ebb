use std::fmt;

use coworker_policy::PeerId;
use openmls::group::GroupContext;
use openmls::prelude::{
    Extension, ExtensionType, Extensions, RequiredCapabilitiesExtension, UnknownExtension,
};

use super::bytes::{chunk, number, peer};
use super::name::GroupName;

/// Most deputies of a group.
pub const MAX_DEPUTIES: usize = 8;

/// Our extension of the group context, from the range for private use.
pub(super) const EXTENSION: u16 = 0xf0c0;
const VERSION: u8 = 1;
/// How many terms one hand-over can choose from: each way to succeed a term has a number of its own.
const ROUND: u64 = 16;
const LAST_TERM: u64 = u64::MAX - 2 * ROUND;

// A deputy's number lies above that of a transfer, within the round.
const _: () = assert!((MAX_DEPUTIES as u64) < ROUND);

/// Whose turn it is to order a group's commits. The higher one is right where two disagree.
///
/// A term's successors are all different, so that no two stewards can hold the same one: the first number
/// of the next round is for a transfer by the steward, the last for the first deputy, and so on downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Term(u64);

impl Term {
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    pub const fn number(self) -> u64 {
        self.0
    }

    /// The term of the one whom the steward appoints.
    pub(super) const fn transferred(self) -> Self {
        Self((self.0 / ROUND).saturating_add(1).saturating_mul(ROUND))
    }

    /// The term of the deputy in `seat` (0 for the first) who takes over without being asked.
    pub(super) const fn taken_over(self, seat: usize) -> Self {
        Self(self.transferred().0.saturating_add(ROUND - 1).saturating_sub(seat as u64))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What all members agree on besides who they are.
///
/// It lives in the MLS group context: the key schedule makes every member of an epoch have the same one, a
/// joiner gets it with its Welcome, and only a commit changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    pub(super) name: GroupName,
    pub(super) steward: PeerId,
    pub(super) deputies: Vec<PeerId>,
    pub(super) term: Term,
}

/// Why a group's context is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRoster {
    #[error("its extensions are not those of a group of ours")]
    Extensions,
    #[error("its roster is cut short or goes on after its end")]
    Length,
    #[error("its roster has version {0}, ours is {VERSION}")]
    Version(u8),
    #[error("its name is not plain text of 1 to {max} bytes on one line", max = GroupName::MAX)]
    Name,
    #[error("its term is out of range")]
    Term,
    #[error("its deputies are not at most {MAX_DEPUTIES} different agents besides the steward")]
    Deputies,
}

impl Roster {
    pub(super) fn new(name: GroupName, steward: PeerId) -> Self {
        Self { name, steward, deputies: Vec::new(), term: Term::default() }
    }

    pub fn name(&self) -> &GroupName {
        &self.name
    }

    pub fn steward(&self) -> PeerId {
        self.steward
    }

    /// Who may take over when the steward is gone, the first first.
    pub fn deputies(&self) -> &[PeerId] {
        &self.deputies
    }

    pub fn term(&self) -> Term {
        self.term
    }

    /// The term in which `peer` takes over from this roster's steward, if it is a deputy.
    pub(super) fn succession(&self, peer: PeerId) -> Option<Term> {
        let seat = self.deputies.iter().position(|deputy| *deputy == peer)?;
        Some(self.term.taken_over(seat))
    }

    /// This roster after `deputy` took over in `term`.
    pub(super) fn succeeded_by(&self, deputy: PeerId, term: Term) -> Self {
        let deputies = self.deputies.iter().copied().filter(|other| *other != deputy).collect();
        Self { name: self.name.clone(), steward: deputy, deputies, term }
    }

    pub(super) fn extensions(&self) -> Result<Extensions<GroupContext>, BadRoster> {
        let required = RequiredCapabilitiesExtension::new(&[ExtensionType::Unknown(EXTENSION)], &[], &[]);
        Extensions::from_vec(vec![
            Extension::RequiredCapabilities(required),
            Extension::Unknown(EXTENSION, UnknownExtension(self.encode())),
        ])
        .map_err(|_| BadRoster::Extensions)
    }

    /// Reads the context of a group. Extensions can let outsiders propose changes: none but ours is allowed.
    pub(super) fn of(extensions: &Extensions<GroupContext>) -> Result<Self, BadRoster> {
        let required = extensions.required_capabilities().is_some_and(|required| {
            required.extension_types() == [ExtensionType::Unknown(EXTENSION)]
                && required.proposal_types().is_empty()
                && required.credential_types().is_empty()
        });
        let roster = extensions.unknown(EXTENSION).ok_or(BadRoster::Extensions)?;
        if !required || extensions.iter().count() != 2 {
            return Err(BadRoster::Extensions);
        }
        Self::decode(&roster.0)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.term.0.to_be_bytes());
        bytes.extend(self.steward.as_bytes());
        // Never cut: both are bounded by `decode` and by whoever makes a roster.
        #[expect(clippy::cast_possible_truncation, reason = "at most MAX_DEPUTIES and GroupName::MAX")]
        let (deputies, name) = (self.deputies.len() as u8, self.name.as_str().len() as u8);
        bytes.push(deputies);
        bytes.extend(self.deputies.iter().flat_map(|deputy| deputy.as_bytes()));
        bytes.push(name);
        bytes.extend(self.name.as_str().as_bytes());
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Result<Self, BadRoster> {
        let rest = &mut bytes;
        let [version] = chunk(rest).ok_or(BadRoster::Length)?;
        if version != VERSION {
            return Err(BadRoster::Version(version));
        }
        let term = number(rest).ok_or(BadRoster::Length)?;
        let steward = peer(rest).ok_or(BadRoster::Length)?;
        let [count] = chunk(rest).ok_or(BadRoster::Length)?;
        if usize::from(count) > MAX_DEPUTIES {
            return Err(BadRoster::Deputies);
        }
        let deputies: Option<Vec<_>> = (0..count).map(|_| peer(rest)).collect();
        let deputies = deputies.ok_or(BadRoster::Length)?;
        let [length] = chunk(rest).ok_or(BadRoster::Length)?;
        if rest.len() != usize::from(length) {
            return Err(BadRoster::Length);
        }
        let text = str::from_utf8(rest).map_err(|_| BadRoster::Name)?;
        let name: GroupName = text.parse().map_err(|_| BadRoster::Name)?;
        // One writing for one name: `parse` trims.
        if name.as_str() != text {
            return Err(BadRoster::Name);
        }
        let term = if term <= LAST_TERM { Term(term) } else { return Err(BadRoster::Term) };
        Self { name, steward, deputies, term }.checked()
    }

    pub(super) fn checked(self) -> Result<Self, BadRoster> {
        let mut seen = self.deputies.clone();
        seen.push(self.steward);
        seen.sort_unstable();
        let distinct = seen.windows(2).all(|pair| pair[0] != pair[1]);
        let fits = distinct && self.deputies.len() <= MAX_DEPUTIES;
        if fits { Ok(self) } else { Err(BadRoster::Deputies) }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn peer_id(number: u8) -> PeerId {
        PeerId::from_bytes([number; 32])
    }

    fn roster() -> Roster {
        let mut roster = Roster::new("night shift".parse().unwrap(), peer_id(1));
        roster.deputies = vec![peer_id(2), peer_id(3)];
        roster.term = Term(32);
        roster
    }

    #[test]
    fn the_format_is_a_decision() {
        insta::assert_snapshot!(HEXLOWER.encode(&roster().encode()));
    }

    #[test]
    fn survives_the_way() {
        assert_eq!(Roster::decode(&roster().encode()), Ok(roster()));
        let extensions = roster().extensions().unwrap();
        assert_eq!(Roster::of(&extensions), Ok(roster()));
    }

    #[test]
    fn refuses_what_no_steward_writes() {
        let good = roster().encode();
        for end in 0..good.len() {
            assert!(Roster::decode(&good[..end]).is_err(), "{end}");
        }
        assert_eq!(Roster::decode(&[&good[..], b"x"].concat()), Err(BadRoster::Length));
        let with = |change: fn(&mut Roster)| {
            let mut roster = roster();
            change(&mut roster);
            Roster::decode(&roster.encode())
        };
        assert_eq!(with(|roster| roster.deputies[0] = roster.steward), Err(BadRoster::Deputies));
        assert_eq!(with(|roster| roster.deputies[0] = roster.deputies[1]), Err(BadRoster::Deputies));
        assert_eq!(with(|roster| roster.deputies = vec![peer_id(9); 9]), Err(BadRoster::Deputies));
        assert_eq!(with(|roster| roster.term = Term(u64::MAX)), Err(BadRoster::Term));
        let mut renamed = good.clone();
        *renamed.last_mut().unwrap() = b' ';
        assert_eq!(Roster::decode(&renamed), Err(BadRoster::Name));
        assert_eq!(Roster::decode(&[&[2], &good[1..]].concat()), Err(BadRoster::Version(2)));
    }

    #[test]
    fn an_extension_of_another_kind_is_refused() {
        let alone = Extension::Unknown(EXTENSION, UnknownExtension(roster().encode()));
        let lacking = Extensions::single(alone.clone()).unwrap();
        assert_eq!(Roster::of(&lacking), Err(BadRoster::Extensions));
        let other = Extension::Unknown(EXTENSION + 1, UnknownExtension(Vec::new()));
        let mut more = roster().extensions().unwrap();
        more.add(other).unwrap();
        assert_eq!(Roster::of(&more), Err(BadRoster::Extensions));
    }

    #[test]
    fn no_two_ways_to_succeed_a_term_give_the_same() {
        for term in [Term(0), Term(16), Term(31), Term(LAST_TERM)] {
            let mut all: Vec<_> = (0..MAX_DEPUTIES).map(|seat| term.taken_over(seat)).collect();
            assert!(all.is_sorted_by(|a, b| a > b), "the first deputy is first");
            all.push(term.transferred());
            all.push(term);
            assert!(all.is_sorted_by(|a, b| a > b), "a deputy's term is above a transfer's");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in any::<Vec<u8>>(), index: usize, byte: u8) {
            let mut near = roster().encode();
            let index = index % near.len();
            near[index] = byte;
            for bytes in [bytes, near] {
                if let Ok(roster) = Roster::decode(&bytes) {
                    prop_assert_eq!(roster.encode(), bytes);
                }
            }
        }
    }
}
