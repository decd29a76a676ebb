use coworker_channel::{
    Applied, CommitFault, Group, GroupFault, GroupRefusal, Joiner, Logged, MAX_HELD_VIA, Received, SyncState,
};
use coworker_policy::GroupId;

use crate::crowd::{Agent, assert_in_sync, fault, messages, refusal, spread};
use crate::party::ping;

/// Alice's group with the members Bob and Carol.
fn crew() -> (Agent, Agent, Agent, GroupId) {
    let (alice, bob, carol) = (Agent::new(1), Agent::new(2), Agent::new(3));
    let id = alice.create();
    alice.admits(id, &[&bob, &carol], &[]);
    (alice, bob, carol, id)
}

fn update(steward: &Agent, id: GroupId) -> Logged {
    steward.with(id, Group::update).unwrap().logged
}

#[test]
fn members_join_and_read_each_other() {
    let (alice, bob, carol, id) = crew();
    assert_in_sync(id, &[&alice, &bob, &carol]);
    let group = bob.group(id);
    assert_eq!(group.roster().name().as_str(), "crew");
    assert_eq!((group.roster().steward(), group.is_steward()), (alice.id(), false));
    assert!(alice.group(id).is_steward());
    let dave = Agent::new(4);
    let done = alice.admits(id, &[&dave], &[&bob, &carol]);
    assert_eq!((done.tell, done.joined), (vec![bob.id(), carol.id()], vec![dave.id()]));
    assert_in_sync(id, &[&alice, &bob, &carol, &dave]);
}

#[test]
fn a_removed_member_reads_nothing_sent_afterwards() {
    let (alice, bob, carol, id) = crew();
    let (_, before) = alice.seal(id);
    let done = alice.with(id, |group, backend| group.remove(backend, &[carol.id()])).unwrap();
    assert_eq!((done.left, done.tell), (vec![carol.id()], vec![bob.id(), carol.id()]));
    let (_, after) = alice.seal(id);
    spread(id, &done.logged, &[&bob]);
    // Before she learns of her removal, the message is from an epoch that she will never reach.
    assert!(matches!(carol.open(id, &alice, &after), Ok(Received::Held)));
    carol.opens(id, &alice, &before);
    assert!(matches!(carol.apply(id, &done.logged), Ok(Applied::Removed)));
    assert!(!carol.group(id).is_active());
    assert_eq!(refusal(carol.open(id, &alice, &after)), GroupRefusal::Removed);
    let (_, later) = bob.seal(id);
    assert_eq!(refusal(carol.open(id, &bob, &later)), GroupRefusal::Removed);
    bob.opens(id, &alice, &after);
    assert_in_sync(id, &[&alice, &bob]);
    // A new invite can bring her back.
    carol.group(id).delete(&carol.party.storage).unwrap();
    alice.admits(id, &[&carol], &[&bob]);
    assert_in_sync(id, &[&alice, &bob, &carol]);
}

#[test]
fn keys_are_rotated_through_the_steward() {
    let (alice, bob, carol, id) = crew();
    assert!(bob.group(id).needs_update() && !alice.group(id).needs_update());
    let expiring = |agent: &Agent| agent.group(id).members().iter().filter(|m| m.expires.is_some()).count();
    assert_eq!(expiring(&alice), 2);
    let commit = bob.with(id, Group::propose_update).unwrap();
    let again = bob.with(id, Group::propose_update).unwrap();
    assert_eq!(commit, again);
    // He can send while he waits.
    let (_, sealed) = bob.seal(id);
    let done = alice.with(id, |group, backend| group.accept(backend, bob.id(), &commit)).unwrap().unwrap();
    spread(id, &done.logged, &[&bob, &carol]);
    carol.opens(id, &bob, &sealed);
    assert!(!bob.group(id).needs_update());
    assert_eq!(expiring(&carol), 1);
    assert_in_sync(id, &[&alice, &bob, &carol]);
}

#[test]
fn of_two_commits_for_one_epoch_the_first_wins() {
    let (alice, bob, carol, id) = crew();
    let from_bob = bob.with(id, Group::propose_update).unwrap();
    let from_carol = carol.with(id, Group::propose_update).unwrap();
    let done = alice.with(id, |group, backend| group.accept(backend, carol.id(), &from_carol)).unwrap();
    assert!(alice.with(id, |group, backend| group.accept(backend, bob.id(), &from_bob)).unwrap().is_none());
    spread(id, &done.unwrap().logged, &[&bob, &carol]);
    // Bob's update was for the previous epoch. His next one is accepted.
    let next = bob.with(id, Group::propose_update).unwrap();
    assert_ne!(next, from_bob);
    let done = alice.with(id, |group, backend| group.accept(backend, bob.id(), &next)).unwrap().unwrap();
    spread(id, &done.logged, &[&bob, &carol]);
    assert_in_sync(id, &[&alice, &bob, &carol]);
}

#[test]
fn a_commit_that_is_not_in_the_log_is_refused() {
    let (alice, bob, carol, id) = crew();
    let commit = bob.with(id, Group::propose_update).unwrap();
    let mut logged = update(&alice, id);
    let real = std::mem::replace(&mut logged.commit, commit);
    assert!(matches!(fault(carol.apply(id, &logged)), GroupFault::NotInLog));
    logged.commit = real;
    spread(id, &logged, &[&bob, &carol]);
    assert!(matches!(carol.apply(id, &logged), Ok(Applied::Known)));
}

#[test]
fn a_member_that_was_away_replays_the_log() {
    let (alice, bob, carol, id) = crew();
    let dave = Agent::new(4);
    let position = carol.group(id).position();
    alice.admits(id, &[&dave], &[&bob]);
    for _ in 0..3 {
        let logged = update(&alice, id);
        spread(id, &logged, &[&bob, &dave]);
    }
    let (_, early) = dave.seal(id);
    assert!(matches!(carol.open(id, &dave, &early), Ok(Received::Held)));
    let state = |of: &Agent, to: &Agent| {
        of.group(id).compare_position(&of.backend(), to.id(), &to.group(id).position()).unwrap()
    };
    assert_eq!(state(&carol, &bob), SyncState::Behind { from: position.epoch });
    assert_eq!(state(&bob, &carol), SyncState::Ahead { from: position.epoch });
    assert_eq!(state(&bob, &alice), SyncState::InSync);
    let history = bob.group(id).history(&bob.backend(), position.epoch).unwrap();
    assert_eq!(history.len(), 4);
    assert!(matches!(carol.apply(id, &history[1]), Ok(Applied::Behind)));
    let mut opened = Vec::new();
    for logged in &history {
        match carol.apply(id, logged).unwrap() {
            Applied::Advanced { opened: released, .. } => opened.extend(released),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(opened.len(), 1);
    assert_eq!(opened.remove(0).unwrap().from(), dave.id());
    assert_in_sync(id, &[&alice, &bob, &carol, &dave]);
    // A member that is behind the pruned part of the log has to rejoin.
    alice.ledger.prune(id, 4);
    let behind = alice.group(id).compare_position(&alice.backend(), carol.id(), &position).unwrap();
    assert_eq!(behind, SyncState::TheyRejoin);
}

#[test]
fn a_steward_that_signs_two_commits_for_one_epoch_is_detected() {
    let (alice, bob, carol, id) = crew();
    let backup = alice.backup();
    let one = update(&alice, id);
    spread(id, &one, &[&bob]);
    // Alice is restored from a backup, or cheats: she logs another commit for the same epoch.
    alice.restore(backup);
    let other = update(&alice, id);
    spread(id, &other, &[&carol]);
    let (at_bob, at_carol) = (bob.group(id).position(), carol.group(id).position());
    let seen = bob.group(id).compare_position(&bob.backend(), carol.id(), &at_carol).unwrap();
    assert_eq!(seen, SyncState::Contradiction { from: at_bob.epoch - 1 });
    let history = carol.group(id).history(&carol.backend(), at_bob.epoch - 1).unwrap();
    let GroupFault::Equivocation(proof) = fault(bob.apply(id, &history[0])) else {
        panic!("not detected");
    };
    assert_eq!(*proof, [one.entry, other.entry]);
    assert!(proof[0].contradicts(&proof[1]) && proof[0].author() == alice.id());
    // Bob's history differs from the steward's, so he rejoins.
    let at_alice = alice.group(id).position();
    let state = bob.group(id).compare_position(&bob.backend(), alice.id(), &at_alice).unwrap();
    assert_eq!(state, SyncState::WeRejoin);
    alice.admits(id, &[&bob], &[&carol]);
    assert_in_sync(id, &[&alice, &bob, &carol]);
}

#[test]
fn a_member_that_lost_its_state_comes_back() {
    let (alice, bob, carol, id) = crew();
    // Carol loses everything except her keys and her ticket.
    let blank = Agent::new(3);
    let (key_package, ticket) = blank.key_package(id, alice.id());
    let joiner = [Joiner { peer: blank.id(), key_package: &key_package }];
    let done = alice.with(id, |group, backend| group.admit(backend, &joiner)).unwrap();
    assert_eq!((&done.joined, &done.left), (&vec![carol.id()], &vec![]));
    assert_eq!(done.tell, vec![bob.id()]);
    blank.join(&ticket, &done.logged.entry, done.welcome.as_ref().unwrap()).unwrap();
    spread(id, &done.logged, &[&bob]);
    assert_in_sync(id, &[&alice, &bob, &blank]);
}

#[test]
fn the_steward_hands_over() {
    let (alice, bob, carol, id) = crew();
    let done = alice.with(id, |group, backend| group.transfer(backend, bob.id())).unwrap();
    spread(id, &done.logged, &[&bob, &carol]);
    assert!(bob.group(id).is_steward() && !alice.group(id).is_steward());
    assert!(bob.group(id).roster().term() > done.logged.entry.term());
    assert_eq!(refusal(alice.with(id, Group::update)), GroupRefusal::NotSteward);
    let dave = Agent::new(4);
    bob.admits(id, &[&dave], &[&alice, &carol]);
    let done = bob.with(id, |group, backend| group.remove(backend, &[alice.id()])).unwrap();
    spread(id, &done.logged, &[&carol, &dave]);
    assert!(matches!(alice.apply(id, &done.logged), Ok(Applied::Removed)));
    assert_in_sync(id, &[&bob, &carol, &dave]);
}

/// Bob and Carol are Alice's deputies.
fn with_deputies() -> (Agent, Agent, Agent, GroupId) {
    let (alice, bob, carol, id) = crew();
    let deputies = vec![bob.id(), carol.id()];
    let done = alice.with(id, |group, backend| group.set_deputies(backend, deputies.clone())).unwrap();
    spread(id, &done.logged, &[&bob, &carol]);
    assert_eq!(carol.group(id).roster().deputies(), deputies);
    (alice, bob, carol, id)
}

#[test]
fn a_deputy_takes_over_and_the_old_steward_follows() {
    let (alice, bob, carol, id) = with_deputies();
    let done = bob.with(id, Group::take_over).unwrap();
    spread(id, &done.logged, &[&carol, &alice]);
    assert_eq!(carol.group(id).roster().steward(), bob.id());
    assert_eq!(carol.group(id).roster().deputies(), [carol.id()]);
    assert_in_sync(id, &[&alice, &bob, &carol]);
}

#[test]
fn a_steward_that_committed_meanwhile_rejoins_under_the_deputy() {
    let (alice, bob, carol, id) = with_deputies();
    let lost = update(&alice, id);
    let done = bob.with(id, Group::take_over).unwrap();
    spread(id, &done.logged, &[&carol]);
    // Her commit is not accepted.
    assert!(matches!(carol.apply(id, &lost), Ok(Applied::Superseded)));
    let next = update(&alice, id);
    assert!(matches!(carol.apply(id, &next), Ok(Applied::Superseded | Applied::Behind)));
    let state = |of: &Agent, to: &Agent| {
        of.group(id).compare_position(&of.backend(), to.id(), &to.group(id).position()).unwrap()
    };
    assert_eq!(state(&alice, &carol), SyncState::WeRejoin);
    let forked = fault(alice.apply(id, &done.logged));
    assert!(matches!(forked, GroupFault::Forked { steward, .. } if steward == bob.id()), "{forked:?}");
    let (key_package, ticket) = alice.with(id, |group, backend| group.rejoin(backend, bob.id())).unwrap();
    let joiner = [Joiner { peer: alice.id(), key_package: &key_package }];
    let done = bob.with(id, |group, backend| group.admit(backend, &joiner)).unwrap();
    alice.join(&ticket, &done.logged.entry, done.welcome.as_ref().unwrap()).unwrap();
    spread(id, &done.logged, &[&carol]);
    assert_in_sync(id, &[&alice, &bob, &carol]);
}

#[test]
fn of_two_deputies_the_first_wins() {
    let (alice, bob, carol, id) = with_deputies();
    let by_bob = bob.with(id, Group::take_over).unwrap();
    let by_carol = carol.with(id, Group::take_over).unwrap();
    spread(id, &by_bob.logged, &[&alice]);
    assert!(matches!(alice.apply(id, &by_carol.logged), Ok(Applied::Superseded)));
    let forked = fault(carol.apply(id, &by_bob.logged));
    assert!(matches!(forked, GroupFault::Forked { .. }), "{forked:?}");
    let refused = carol.with(id, |group, backend| group.rejoin(backend, Agent::new(9).id()));
    assert_eq!(refusal(refused), GroupRefusal::UnknownSteward(Agent::new(9).id()));
    bob.admits(id, &[&carol], &[&alice]);
    assert_in_sync(id, &[&alice, &bob, &carol]);
}

#[test]
fn only_a_deputy_takes_over() {
    let (alice, bob, carol, id) = crew();
    assert_eq!(refusal(bob.with(id, Group::take_over)), GroupRefusal::NotDeputy);
    let done = alice.with(id, |g, t| g.set_deputies(t, vec![bob.id()])).unwrap();
    // Carol does not know yet that Bob is a deputy.
    spread(id, &done.logged, &[&bob]);
    let taken = bob.with(id, Group::take_over).unwrap();
    assert!(matches!(carol.apply(id, &taken.logged), Ok(Applied::Behind)));
    spread(id, &done.logged, &[&carol]);
    spread(id, &taken.logged, &[&carol, &alice]);
    assert_in_sync(id, &[&alice, &bob, &carol]);
}

#[test]
fn invalid_requests_are_refused() {
    let (alice, bob, _, id) = crew();
    let stranger = Agent::new(9);
    assert_eq!(refusal(bob.with(id, |g, t| g.remove(t, &[alice.id()]))), GroupRefusal::NotSteward);
    assert_eq!(refusal(alice.with(id, |g, t| g.remove(t, &[alice.id()]))), GroupRefusal::Steward);
    assert_eq!(refusal(alice.with(id, |g, t| g.remove(t, &[]))), GroupRefusal::Nobody);
    let unknown = GroupRefusal::NotMember(stranger.id());
    assert_eq!(refusal(alice.with(id, |g, t| g.remove(t, &[stranger.id()]))), unknown);
    assert_eq!(refusal(alice.with(id, |g, t| g.transfer(t, stranger.id()))), unknown);
    assert_eq!(refusal(alice.with(id, |g, t| g.set_deputies(t, vec![stranger.id()]))), unknown);
    let twice = alice.with(id, |g, t| g.remove(t, &[bob.id(), bob.id()]));
    assert_eq!(refusal(twice), GroupRefusal::Twice(bob.id()));
    let twice = alice.with(id, |g, t| g.set_deputies(t, vec![bob.id(), bob.id()]));
    assert_eq!(refusal(twice), GroupRefusal::Deputies);
    assert_eq!(refusal(alice.with(id, Group::propose_update)), GroupRefusal::Steward);
    let batch = [ping(1).encode()];
    assert_eq!(refusal(alice.with(id, |g, t| g.seal(t, 1, Some(stranger.id()), &batch))), unknown);
}

#[test]
fn a_message_opens_once_and_names_its_recipient() {
    let (alice, bob, carol, id) = crew();
    let batch = [ping(1).encode(), ping(2).encode()];
    let sealed = alice.with(id, |g, t| g.seal(t, 7, Some(bob.id()), &batch)).unwrap();
    // Carol delivers it to Bob, but Alice is its author.
    let opened = bob.opens(id, &carol, &sealed);
    assert_eq!((opened.from(), opened.seq(), opened.to()), (alice.id(), 7, Some(bob.id())));
    assert_eq!(messages(opened), vec![ping(1), ping(2)]);
    let again = bob.open(id, &alice, &sealed);
    assert!(again.unwrap_err().to_string().contains("opened before"));
    let mut bad = sealed.clone();
    *bad.last_mut().unwrap() ^= 1;
    assert!(carol.open(id, &alice, &bad).unwrap_err().is_peer_fault());
    carol.opens(id, &alice, &sealed);
}

#[test]
fn a_message_from_a_too_old_epoch_has_to_be_sealed_again() {
    let (alice, bob, carol, id) = crew();
    let (seq, old) = carol.seal(id);
    for epoch in 0..6 {
        if epoch == 5 {
            bob.opens(id, &carol, &carol.seal(id).1);
        }
        let logged = update(&alice, id);
        spread(id, &logged, &[&bob]);
    }
    assert!(matches!(bob.open(id, &carol, &old), Ok(Received::Unreadable)));
    for logged in alice.group(id).history(&alice.backend(), carol.group(id).epoch()).unwrap() {
        spread(id, &logged, &[&carol]);
    }
    assert_eq!(bob.opens(id, &carol, &carol.seal_again(id, seq)).seq(), seq);
    // A new member cannot read messages from before it joined.
    let (_, before) = alice.seal(id);
    let dave = Agent::new(4);
    alice.admits(id, &[&dave], &[&bob, &carol]);
    assert!(matches!(dave.open(id, &alice, &before), Ok(Received::Unreadable)));
}

#[test]
fn each_peer_has_its_own_quota_of_held_messages() {
    let (alice, bob, carol, id) = crew();
    let logged = update(&alice, id);
    spread(id, &logged, &[&bob]);
    let (_, early) = bob.seal(id);
    for _ in 0..MAX_HELD_VIA {
        assert!(matches!(carol.open(id, &bob, &early), Ok(Received::Held)));
    }
    assert!(matches!(carol.open(id, &bob, &early), Ok(Received::Unreadable)));
    assert!(matches!(carol.open(id, &alice, &alice.seal(id).1), Ok(Received::Held)));
    let Ok(Applied::Advanced { opened, .. }) = carol.apply(id, &logged) else { panic!() };
    // A message that was held many times is opened once.
    assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 2);
    assert_in_sync(id, &[&alice, &bob, &carol]);
}

#[test]
fn an_update_is_accepted_only_from_its_author() {
    let (alice, bob, carol, id) = crew();
    let commit = bob.with(id, Group::propose_update).unwrap();
    let accepted = alice.with(id, |group, backend| group.accept(backend, carol.id(), &commit));
    assert!(matches!(fault(accepted), GroupFault::Commit(CommitFault::Sender)));
}
