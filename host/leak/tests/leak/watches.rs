//! A watch decides by its mode, its budget and the proof that nothing is private.

use std::sync::Arc;

use coworker_leak::{Account, Budget, Guard, Leak, LeakMode, OverDay, PendingParts, Private, Watch};

use crate::fixture::{INPUT, KEY, LIMITS, PROMPT, check, guard_of, said, watch, watch_of};

#[test]
fn a_component_without_private_text_is_proven_to_have_none() {
    assert!(Guard::new(Arc::new(Private::of(KEY, [], &[])), [], []).is_empty());
    assert!(Guard::new(Arc::new(Private::of(KEY, ["one two three"], &[])), ["short"], []).is_empty());
    for (secrets, canaries) in
        [(Some("sk-live-9aZ4bY8cX2dW6eV0"), None), (None, Some("cwk-7f3kq2m9x4vb8t1z"))]
    {
        assert!(!Guard::new(Arc::new(Private::of(KEY, [], &[])), secrets, canaries).is_empty());
    }
}

#[test]
fn the_bytes_of_a_day_count_without_private_text_too() {
    let (account, budget) = (Account::default(), Budget { day_bytes: 1_000, ..LIMITS });
    let nothing = || Guard::new(Arc::new(Private::of(KEY, [], &[])), [], []);
    let on = |day| Watch::new(nothing(), LeakMode::Block, budget, account.clone(), day, INPUT);
    assert_eq!(on(1).take(600), Ok(()));
    assert_eq!(on(1).take(600), Err(OverDay { max: 1_000 }));
    assert_eq!(on(1).take(400), Ok(()), "a refused output does not count");
    assert_eq!(on(2).take(1_000), Ok(()), "another day");
    assert!(PendingParts::new(&Arc::new(on(1))).is_none(), "no part waits");
    assert_eq!(check(&on(1), &said(PROMPT)), Ok(None));
}

#[test]
fn withheld_words_do_not_count_against_the_budget() {
    let account = Account::default();
    let watch = Watch::new(guard_of(PROMPT), LeakMode::Block, LIMITS, account.clone(), 1, INPUT);
    assert!(matches!(check(&watch, &said(PROMPT)), Err(Leak::Words(30..))));
    assert_eq!(account.disclosed().words(), 0);
    let reported = Watch::new(guard_of(PROMPT), LeakMode::Report, LIMITS, account.clone(), 1, INPUT);
    assert_eq!(check(&reported, &said(PROMPT)), Ok(None));
    assert!(account.disclosed().words() > 40);
}

#[test]
fn nothing_is_found_in_other_text() {
    assert_eq!(
        check(&watch(), &said("The yard can offer 95 percent and storage over the winter.")),
        Ok(None)
    );
    assert!(watch_of(guard_of(PROMPT), INPUT).sightings().is_empty());
}
