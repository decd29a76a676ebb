use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;

use super::call::Caller;
use super::input::CheckedCall;
use super::output::{OutputTerms, StreamTerms};
use crate::digest::Digest;
use crate::grant::Effective;
use crate::leak::{Account, Guard, Watch};
use crate::limits::Limits;
use crate::skill::Skill;
use crate::tier::Tier;

/// A caller's name towards one component: stable, and unlinkable between components and to the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pseudonym(pub [u8; 16]);

/// Proof that one call passed every gate. The sandbox runs nothing without one.
///
/// Only `grants`, the last gate, makes it: the fields are private to this module.
///
/// ```compile_fail,E0451
/// use coworker_policy::gate::Permit;
///
/// fn another(permit: Permit) -> Permit {
///     Permit { ..permit }
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    caller: Caller,
    tier: Tier,
    pseudonym: Pseudonym,
    skill: Arc<Skill>,
    input: String,
    grants: Effective,
    limits: Limits,
    wall: Duration,
    /// Of what leaves; none for the owner, who may see everything.
    watch: Option<Arc<Watch>>,
}

/// Decides what the skill may touch while it works for this caller.
pub fn grants(call: CheckedCall, pseudonym: Pseudonym) -> Permit {
    let CheckedCall { caller, tier, limits, skill, input, timeout } = call;
    Permit {
        // G09: imported ∩ granted ∩ tier.
        grants: Effective::new(&skill.imports, &skill.terms.granted, tier),
        // G10: no longer than the tier's wall time, nor than the caller waits.
        wall: timeout.map_or(limits.wall(), |timeout| timeout.min(limits.wall())),
        caller,
        tier,
        pseudonym,
        skill,
        input,
        limits,
        watch: None,
    }
}

impl Permit {
    pub fn caller(&self) -> Caller {
        self.caller
    }

    pub fn tier(&self) -> Tier {
        self.tier
    }

    pub fn pseudonym(&self) -> Pseudonym {
        self.pseudonym
    }

    pub fn skill(&self) -> &str {
        self.skill.card.name.as_str()
    }

    pub fn component(&self) -> Digest {
        self.skill.component
    }

    /// The checked input, JSON text.
    pub fn input(&self) -> &str {
        &self.input
    }

    pub fn grants(&self) -> &Effective {
        &self.grants
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn wall(&self) -> Duration {
        self.wall
    }

    /// The same permit for a caller who waits `left` longer and no more: a call that had to wait for its turn
    /// has less time than when it was permitted.
    #[must_use]
    pub fn hurried(self, left: Duration) -> Self {
        Self { wall: self.wall.min(left), ..self }
    }

    /// The same permit with a watch on what leaves: on the private texts that `guard` knows, and on what the
    /// caller has drawn before, in `account`. `day` is the days since the Unix epoch, UTC. Nothing is kept from
    /// the owner.
    #[must_use]
    pub fn watched(self, guard: Option<Guard>, account: Account, day: i64) -> Self {
        if self.caller == Caller::Owner { self } else { self.watched_onwards(guard, account, day) }
    }

    /// The same for the owner as well: what comes of the run goes on to others.
    #[must_use]
    pub fn watched_onwards(self, guard: Option<Guard>, account: Account, day: i64) -> Self {
        let leaks = self.skill.terms.leaks(&self.skill.card.name);
        let watch = Watch::new(guard, leaks, &self.limits, account, day, &self.input);
        Self { watch: Some(Arc::new(watch)), ..self }
    }

    pub fn watch(&self) -> Option<&Arc<Watch>> {
        self.watch.as_ref()
    }

    /// What is told before the result will be held to.
    pub fn stream_terms(&self) -> StreamTerms {
        StreamTerms::new(self.limits.output_bytes, self.watch.clone())
    }

    /// What the result will be held to; taken before the permit is used up.
    pub fn output_terms(&self) -> OutputTerms {
        OutputTerms::new(Arc::clone(&self.skill), self.limits.output_bytes, self.watch.clone())
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pseudonym({self})")
    }
}
