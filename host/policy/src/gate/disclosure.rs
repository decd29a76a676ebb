use std::sync::Arc;
use std::time::Duration;

use coworker_leak::{Account, Budget, Guard, Watch};

use super::call::Caller;
use super::grants::{GrantedCall, Pseudonym};
use super::output::{OutputTerms, StreamTerms};
use crate::digest::Digest;
use crate::grant::Effective;
use crate::limits::Limits;
use crate::skill::Skill;
use crate::tier::Tier;

/// Proof that one call passed every gate. The sandbox runs nothing without one.
///
/// Only this module makes it: from an [`OwnerOnlyCall`], the proof that nothing needs a watch, or from a
/// [`LeavingCall`] with its watch. A [`GrantedCall`] is not a permit, and the fields are private:
///
/// ```compile_fail,E0308
/// use coworker_policy::gate::{GrantedCall, Permit};
///
/// fn without_a_watch(call: GrantedCall) -> Permit {
///     call
/// }
/// ```
///
/// ```compile_fail,E0451
/// use coworker_policy::gate::{GrantedCall, Permit};
///
/// fn without_a_watch(call: GrantedCall) -> Permit {
///     Permit { call, watch: None }
/// }
/// ```
///
/// A call whose output leaves gets no permit without a guard over its component's private text. A guard over nothing
/// is the proof that there is none:
///
/// ```compile_fail,E0061
/// use coworker_policy::gate::{LeavingCall, Permit};
///
/// fn without_a_watch(call: LeavingCall) -> Permit {
///     call.permit().0
/// }
/// ```
///
/// ```compile_fail,E0423
/// use coworker_policy::gate::{LeavingCall, OwnerOnlyCall, Permit};
///
/// fn without_a_watch(call: LeavingCall) -> Permit {
///     OwnerOnlyCall(call).permit()
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    call: GrantedCall,
    /// `None` only for the owner's own runs.
    watch: Option<Arc<Watch>>,
}

/// Everybody who receives the result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// The caller and nobody else.
    CallerOnly,
    /// The result goes on to others, as from the owner's own step of a goal.
    Others,
}

/// The decision about the output of a granted call.
#[derive(Debug)]
pub enum Disclosure {
    OwnerOnly(OwnerOnlyCall),
    Leaves(LeavingCall),
}

/// The owner's own run, whose result goes to nobody else: there is nothing to watch.
#[derive(Debug)]
pub struct OwnerOnlyCall(GrantedCall);

/// A call whose output leaves: it runs only under a watch.
#[derive(Debug)]
pub struct LeavingCall(GrantedCall);

/// Decides whether a call needs a watch on its output. Only the owner may see private text.
pub fn disclosure(call: GrantedCall, recipients: Recipients) -> Disclosure {
    // G28: only the owner's own run, whose result goes to nobody else, has no watch.
    // G28: only the owner's own run, whose result goes to nobody else, has no watch.
    match (call.caller, recipients) {
        (Caller::Owner, Recipients::CallerOnly) => Disclosure::OwnerOnly(OwnerOnlyCall(call)),
        (Caller::Peer(_) | Caller::Owner | Caller::OwnerAs(_), _) => Disclosure::Leaves(LeavingCall(call)),
    }
}

impl OwnerOnlyCall {
    pub fn permit(self) -> Permit {
        Permit { call: self.0, watch: None }
    }
}

impl LeavingCall {
    pub fn caller(&self) -> Caller {
        self.0.caller
    }

    /// The installed skill that is about to run.
    pub fn installed(&self) -> &Skill {
        &self.0.skill
    }

    /// Makes the permit and returns its watch, too. `guard` holds the component's private text, `account` the text
    /// that this caller received before, and `day` is the number of days since the Unix epoch, in UTC.
    pub fn permit(self, guard: Guard, account: Account, day: i64) -> (Permit, Arc<Watch>) {
        let Self(call) = self;
        let mode = call.skill.terms.leak_mode(&call.skill.card.name);
        let Limits { leak_words: words, output_bytes_per_day: day_bytes, .. } = call.limits;
        let watch = Watch::new(guard, mode, Budget { words, day_bytes }, account, day, &call.input);
        let watch = Arc::new(watch);
        (Permit { call, watch: Some(Arc::clone(&watch)) }, watch)
    }
}

impl Permit {
    pub fn caller(&self) -> Caller {
        self.call.caller
    }

    pub fn tier(&self) -> Tier {
        self.call.tier
    }

    pub fn pseudonym(&self) -> Pseudonym {
        self.call.pseudonym
    }

    pub fn skill(&self) -> &str {
        self.call.skill()
    }

    /// The installed skill that runs.
    pub fn installed(&self) -> &Skill {
        &self.call.skill
    }

    pub fn component(&self) -> Digest {
        self.call.component()
    }

    /// The checked input, JSON text.
    pub fn input(&self) -> &str {
        &self.call.input
    }

    pub fn grants(&self) -> &Effective {
        &self.call.grants
    }

    pub fn limits(&self) -> &Limits {
        &self.call.limits
    }

    pub fn wall(&self) -> Duration {
        self.call.wall
    }

    /// Shortens the wall time to `left`, for a call that spent a part of its caller's timeout in the queue. Never
    /// lengthens it.
    #[must_use]
    pub fn shortened(mut self, left: Duration) -> Self {
        self.call.wall = self.call.wall.min(left);
        self
    }

    /// The checks for output that leaves before the result.
    pub fn stream_terms(&self) -> StreamTerms {
        StreamTerms::new(self.call.limits.output_bytes, self.watch.clone())
    }

    /// The checks for the result. Taken before the permit is used up.
    pub fn output_terms(&self) -> OutputTerms {
        OutputTerms::new(Arc::clone(&self.call.skill), self.call.limits.output_bytes, self.watch.clone())
    }
}
