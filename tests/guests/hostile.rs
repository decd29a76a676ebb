//! The list of hostile guests, each with its attack and the only outcome that is allowed.
//!
//! Each row of the list is a test. Its guest attacks twice on the thread that also serves an honest guest, and
//! the honest guest must be answered before the second attack is over.

mod attack;
mod compiler;
mod reach;
mod values;
mod web;
mod work;

use std::collections::BTreeSet;

/// Rows of the list: `fn name = attack => "outcome";`. The outcome is compared as a whole, or up to its `…`.
macro_rules! hostile {
    ($(fn $name:ident = $attack:expr => $ending:expr;)*) => {
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[tokio::test]
            async fn $name() {
                $crate::hostile::attack::hold($attack, $ending).await;
            }
        )*
    };
}
use hostile;
pub(crate) use work::sleeping;

/// The number in `docs/threats.md`.
const GUESTS: usize = 119;

#[test]
fn the_list_is_as_long_as_it_says() {
    let lists = [compiler::NAMES, reach::NAMES, values::NAMES, web::NAMES, work::NAMES].concat();
    assert_eq!((lists.len(), lists.iter().collect::<BTreeSet<_>>().len()), (GUESTS, GUESTS));
}
