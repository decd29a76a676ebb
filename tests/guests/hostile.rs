//! The list of hostile guests: who attacks, how, and the one way in which it must end.
//!
//! A row of the list is a test. Its guest attacks twice on the thread that also serves an honest guest, and
//! the honest guest has its answer before the second attack is over.

mod compiler;
mod reach;
mod siege;
mod values;
mod web;
mod work;

use std::collections::BTreeSet;

/// Rows of the list, each a test: `fn name = attack => "how it ends";`. An ending is compared as a whole, or up
/// to its `…`.
macro_rules! hostile {
    ($(fn $name:ident = $attack:expr => $ending:expr;)*) => {
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[tokio::test]
            async fn $name() {
                $crate::hostile::siege::hold($attack, $ending).await;
            }
        )*
    };
}
use hostile;
pub(crate) use work::sleeping;

/// As many as `docs/threats.md` says.
const GUESTS: usize = 119;

#[test]
fn the_list_is_as_long_as_it_says() {
    let lists = [compiler::NAMES, reach::NAMES, values::NAMES, web::NAMES, work::NAMES].concat();
    assert_eq!((lists.len(), lists.iter().collect::<BTreeSet<_>>().len()), (GUESTS, GUESTS));
}
