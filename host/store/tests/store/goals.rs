use coworker_policy::GroupId;
use coworker_store::{
    Goal, GoalParty, GoalShare, GoalShareState, GoalState, GoalStep, PartyState, ServedStep, StepState, Store,
};

use crate::{id, peer, with};

fn goal(name: &str, at_ms: i64) -> Goal {
    Goal {
        id: id(name),
        objective: "Prices".to_owned(),
        plan: "{}".to_owned(),
        shown: "[]".to_owned(),
        input: "null".to_owned(),
        group: Some(GroupId::from_bytes([7; 32])),
        state: GoalState::Proposed,
        why: None,
        at_ms,
        expires_ms: at_ms + 100,
        done_ms: None,
    }
}

fn party(n: u8) -> GoalParty {
    let proposal = id(&format!("proposal-{n}"));
    GoalParty { peer: peer(n), proposal, state: PartyState::Asked, why: None, reported: None }
}

fn share(n: u8, goal: &str) -> GoalShare {
    GoalShare {
        peer: peer(n),
        goal: id(goal),
        proposal: id("p"),
        offer: "{}".to_owned(),
        state: GoalShareState::Asked,
        at_ms: 10,
        expires_ms: 20,
        done_ms: None,
    }
}

#[test]
fn a_goal_is_stored_with_its_parties_and_steps_and_ends_once() {
    let mut store = Store::in_memory().unwrap();
    let steps = [GoalStep::new(0, "first".to_owned()), GoalStep::new(1, "second".to_owned())];
    with(&mut store, |tx| tx.add_goal(&goal("ab1", 5), &[party(1), party(2)], &steps));
    with(&mut store, |tx| tx.add_goal(&goal("ab2", 6), &[], &[]));
    assert!(store.write(|tx| tx.add_goal(&goal("ab1", 5), &[], &[])).is_err(), "an id is used once");

    with(&mut store, |tx| {
        assert_eq!(tx.goal(id("ab1"))?, Some(goal("ab1", 5)));
        assert_eq!(tx.goal_steps(id("ab1"))?, steps);
        assert_eq!(tx.goals_like("6162", 9)?.len(), 2);
        let done = GoalStep {
            state: StepState::Done,
            attempts: 2,
            request: Some(id("r")),
            output: Some("[1]".to_owned()),
            fuel: Some(u64::MAX),
            ..steps[1].clone()
        };
        tx.put_goal_step(id("ab1"), &done)?;
        assert_eq!(tx.goal_steps(id("ab1"))?[1].fuel, Some(i64::MAX.unsigned_abs()));
        assert_eq!(tx.goal_of_proposal(peer(2), id("proposal-2"))?, Some(id("ab1")));
        assert_eq!(
            tx.goal_of_proposal(peer(1), id("proposal-2"))?,
            None,
            "a peer that the message did not go to"
        );
        tx.put_goal_party(id("ab1"), &GoalParty { state: PartyState::Accepted, ..party(2) })?;
        assert_eq!(tx.goal_party(id("ab1"), peer(2))?.unwrap().state, PartyState::Accepted);

        assert!(tx.move_goal(id("ab1"), GoalState::Running, None, None)?);
        assert!(tx.move_goal(id("ab1"), GoalState::Failed, Some("{}"), Some(50))?);
        assert!(!tx.move_goal(id("ab1"), GoalState::Done, None, Some(60))?, "it has ended");
        assert_eq!(tx.open_goals()?.len(), 1);
        assert_eq!((tx.prune_goals(50)?, tx.prune_goals(51)?), (0, 1));
        assert!(tx.goal_steps(id("ab1"))?.is_empty() && tx.goal_parties(id("ab1"))?.is_empty());
        Ok(())
    });
}

#[test]
fn a_share_belongs_to_one_peer_and_ends_once() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_goal_share(&share(1, "g"))?;
        tx.add_goal_share(&share(2, "g"))?;
        assert_eq!(tx.open_goal_shares_of(peer(1))?, 1);
        assert!(tx.overdue_goal_shares(19)?.is_empty());
        assert_eq!(tx.overdue_goal_shares(20)?.len(), 2);
        assert!(tx.move_goal_share(peer(1), id("g"), GoalShareState::Accepted, None)?);
        let served = ServedStep { step: "s".to_owned(), request: id("r"), at_ms: 12 };
        assert!(tx.add_served_step(peer(1), id("g"), &served)?);
        assert!(!tx.add_served_step(peer(1), id("g"), &ServedStep { at_ms: 13, ..served.clone() })?, "once");
        assert_eq!(tx.served_steps(peer(1), id("g"))?, [served]);
        assert!(tx.served_steps(peer(2), id("g"))?.is_empty());
        assert!(tx.move_goal_share(peer(1), id("g"), GoalShareState::Done, Some(15))?);
        assert!(!tx.move_goal_share(peer(1), id("g"), GoalShareState::Expired, Some(20))?, "it has ended");
        assert_eq!(tx.goal_share(peer(1), id("g"))?.unwrap().state, GoalShareState::Done);
        assert_eq!(tx.goal_shares_like("", 9)?.len(), 2);
        assert_eq!(tx.prune_goals(16)?, 1);
        assert!(tx.served_steps(peer(1), id("g"))?.is_empty());
        Ok(())
    });
}

#[test]
fn open_shares_are_listed_first_and_the_newest_ended_shares_are_kept() {
    let mut store = Store::in_memory().unwrap();
    with(&mut store, |tx| {
        tx.add_goal_share(&GoalShare { at_ms: 1, ..share(1, "open") })?;
        for n in 2..6 {
            let ended = GoalShare { at_ms: n, done_ms: Some(9), ..share(1, &format!("ended{n}")) };
            tx.add_goal_share(&GoalShare { state: GoalShareState::Cancelled, ..ended })?;
        }
        tx.add_goal_share(&share(2, "ended5"))?;
        assert_eq!(tx.goal_shares_of_since(peer(1), 3)?, 2);
        assert_eq!(tx.goal_shares_of_like(peer(1), "", 1)?[0].goal, id("open"));
        assert_eq!(tx.goal_shares_of_like(peer(1), &id("ended").to_string()[..8], 9)?.len(), 4);
        assert_eq!(tx.prune_goal_shares_of(peer(1), 1)?, 3);
        let left: Vec<_> = tx.goal_shares_like("", 9)?.into_iter().map(|share| share.goal).collect();
        assert!(left.len() == 3 && left[2] == id("ended5") && left.contains(&id("open")), "{left:?}");
        Ok(())
    });
}
