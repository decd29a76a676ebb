//! Finds a component's private text and secrets in the output of its skills, before that output leaves.
//!
//! Pure and bounded: a text is read a fixed number of times, and only hashes of private text are kept.
//! `docs/threats.md` lists the disguises that are found and those that are not.

mod account;
mod disclosed;
mod fold;
mod guard;
mod index;
mod known;
mod mode;
mod pending;
mod private;
mod tokens;
mod views;
mod watch;

pub use account::Account;
pub use disclosed::Disclosed;
pub use guard::Guard;
pub use mode::{Leak, LeakMode, LeakModeError};
pub use pending::PendingParts;
pub use private::Private;
pub use watch::{Budget, OverDay, Place, Sighting, Watch};

/// Replaces private text that was taken out.
const WITHHELD: &str = "[withheld]";
