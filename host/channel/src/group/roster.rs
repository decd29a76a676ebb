use coworker_policy::PeerId;
use openmls::group::GroupContext;
use openmls::prelude::{
    Extension, ExtensionType, Extensions, RequiredCapabilitiesExtension, UnknownExtension,
};

use crate::fields::{chunk, number, peer};
use crate::group_log::Term;
use crate::group_name::GroupName;
use crate::limits::MAX_DEPUTIES;

/// Type of our group context extension, from the private-use range.
pub(super) const EXTENSION: u16 = 0xf0c0;
const VERSION: u8 = 1;
/// The name, steward, deputies and term of a group.
///
/// The roster is in the MLS group context. So the key schedule guarantees that all members of an epoch have the
/// same one, a joiner receives it in its welcome, and only a commit changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    pub(super) name: GroupName,
    pub(super) steward: PeerId,
    pub(super) deputies: Vec<PeerId>,
    pub(super) term: Term,
}

/// Why a group context is not that of a coworker group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRoster {
    #[error("its extensions are not those of a coworker group")]
    Extensions,
    #[error("its roster is truncated or has trailing bytes")]
    Length,
    #[error("its roster has version {0}; this version of coworker knows {VERSION}")]
    Version(u8),
    #[error("its name is not 1 to {max} bytes of plain text on one line", max = GroupName::MAX)]
    Name,
    #[error("its term is out of range")]
    Term,
    #[error("its deputies are not at most {MAX_DEPUTIES} different agents other than the steward")]
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

    /// The members that may take over from the steward, in order of precedence.
    pub fn deputies(&self) -> &[PeerId] {
        &self.deputies
    }

    pub fn term(&self) -> Term {
        self.term
    }

    /// The term in which `peer` would take over from the steward. Returns `None` if it is not a deputy.
    pub(super) fn succession(&self, peer: PeerId) -> Option<Term> {
        let seat = self.deputies.iter().position(|deputy| *deputy == peer)?;
        Some(self.term.taken_over(seat))
    }

    /// This roster after `deputy` has taken over in `term`.
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

    /// Reads the roster of a group context. Extensions can let outsiders propose changes, so all but ours are
    /// refused.
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
        bytes.extend(self.term.number().to_be_bytes());
        bytes.extend(self.steward.as_bytes());
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most MAX_DEPUTIES and GroupName::MAX, both far below 256"
        )]
        let (deputies, name) = (self.deputies.len() as u8, self.name.as_str().len() as u8);
        bytes.push(deputies);
        bytes.extend(self.deputies.iter().flat_map(PeerId::as_bytes));
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
        // `parse` trims. A name must have one encoding only.
        if name.as_str() != text {
            return Err(BadRoster::Name);
        }
        let term = Term::checked(term).ok_or(BadRoster::Term)?;
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
        roster.term = Term::from_number(32);
        roster
    }

    #[test]
    fn the_format_is_unchanged() {
        insta::assert_snapshot!(HEXLOWER.encode(&roster().encode()));
    }

    #[test]
    fn a_decoded_roster_equals_the_encoded_one() {
        assert_eq!(Roster::decode(&roster().encode()), Ok(roster()));
        let extensions = roster().extensions().unwrap();
        assert_eq!(Roster::of(&extensions), Ok(roster()));
    }

    #[test]
    fn malformed_rosters_are_refused() {
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
        assert_eq!(with(|roster| roster.term = Term::from_number(u64::MAX)), Err(BadRoster::Term));
        let mut renamed = good.clone();
        *renamed.last_mut().unwrap() = b' ';
        assert_eq!(Roster::decode(&renamed), Err(BadRoster::Name));
        assert_eq!(Roster::decode(&[&[2], &good[1..]].concat()), Err(BadRoster::Version(2)));
    }

    #[test]
    fn a_missing_or_additional_extension_is_refused() {
        let alone = Extension::Unknown(EXTENSION, UnknownExtension(roster().encode()));
        let lacking = Extensions::single(alone.clone()).unwrap();
        assert_eq!(Roster::of(&lacking), Err(BadRoster::Extensions));
        let other = Extension::Unknown(EXTENSION + 1, UnknownExtension(Vec::new()));
        let mut more = roster().extensions().unwrap();
        more.add(other).unwrap();
        assert_eq!(Roster::of(&more), Err(BadRoster::Extensions));
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
