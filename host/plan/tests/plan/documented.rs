//! Checks docs/goals.md against the code.

use coworker_plan::{Agent, Plan};
use serde_json::json;

use crate::crowd::crowd;
use crate::fixture::ADA;

const PAGE: &str = include_str!("../../../../docs/goals.md");

#[test]
fn the_plan_in_the_page_can_be_carried_out() {
    let (_, block) = PAGE.split_once("```json\n").unwrap();
    let (file, _) = block.split_once("```").unwrap();
    let plan = Plan::read(file, &crowd()).unwrap();
    assert_eq!(plan.steps[1].agent, Agent::Peer(ADA));
    let checked = plan.check(&json!("Dear Ms Lee"), &crowd()).unwrap();
    // The output of `--plan-only --json` is a valid plan file.
    let printed = serde_json::to_string(checked.plan()).unwrap();
    assert_eq!(&Plan::read(&printed, &crowd()).unwrap(), checked.plan());
}

#[test]
fn the_limits_in_the_page_are_those_of_the_code() {
    for said in [
        format!("up to {}, each with an `id`", Plan::KEY_RESULTS),
        format!("1 to {}, of which up to {} wait", Plan::STEPS, Plan::CHAIN),
        format!("A file of more than {} KiB", Plan::MAX / 1024),
    ] {
        assert!(PAGE.contains(&said), "{said}");
    }
}
