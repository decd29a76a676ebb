//! Goals and plans, for people.

use coworker_api::ops::{
    GoalInfo, GoalPeer, GoalPhase, GoalPlanned, KeyResultInfo, ModelUse, PeerAnswer, StepInfo, StepPhase,
    lasting,
};
use coworker_api::plan::{Agent, Step};

use super::{BAD, BOLD, Cell, DIM, GOOD, Table, WARN, ago, bytes, count, paint, plain, plain_json};

/// Characters of a key result on its line.
const RESULT: usize = 100;
/// Characters of the text about a step.
const REASON: usize = 60;

/// The beginning of a text of somebody's on one line.
pub(crate) fn short(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(most).collect();
    if cut.len() < text.len() { format!("{}…", plain(&cut)) } else { plain(&cut) }
}

/// A plan before it runs: agents, order and inputs of its steps.
pub(crate) fn plan(planned: &GoalPlanned) -> String {
    let mut lines = vec![format!(
        "{} {}",
        paint(BOLD, &plain(planned.plan.objective.as_str())),
        paint(DIM, &format!("(planned {})", plain(&planned.by)))
    )];
    for result in &planned.plan.key_results {
        lines.push(format!("  {} {}", paint(DIM, "•"), short(result.text.as_str(), RESULT)));
    }
    let mut headings = vec!["", "STEP", "AGENT", "SKILL", "INPUT"];
    let explained = planned.plan.steps.iter().any(|step| !because(planned, step).is_empty());
    headings.extend(explained.then_some("BECAUSE OF"));
    let mut table = Table::new(&headings);
    for (n, wave) in planned.waves.iter().enumerate() {
        for id in wave {
            let Some(step) = planned.plan.steps.iter().find(|step| step.id == *id) else { continue };
            let cells = [
                Cell::dim(n + 1),
                Cell::bold(&step.id),
                Cell::new(agent_of(planned, step.agent)),
                Cell::new(&step.skill),
                Cell::new(input(step)),
            ];
            table.row(cells.into_iter().chain(explained.then(|| Cell::dim(because(planned, step)))));
        }
    }
    lines.push(table.to_string());
    lines.extend(planned.note.as_ref().map(|note| format!("{} {}", paint(WARN, "!"), plain(note))));
    if !planned.unmatched.is_empty() {
        let words: Vec<_> = planned.unmatched.iter().map(|word| plain(word)).collect();
        lines.push(format!("{} no skill fits: {}", paint(WARN, "!"), words.join(", ")));
    }
    for away in planned.agents.iter().filter(|agent| agent.cached_ms.is_some()) {
        lines.push(format!("{} {} is away: this is what it showed before", paint(WARN, "!"), away.name));
    }
    lines.join("\n")
}

fn agent_of(planned: &GoalPlanned, agent: Agent) -> String {
    let name = planned.agents.iter().find(|known| known.agent == agent).map(|known| known.name.to_string());
    match (agent, name) {
        (Agent::Me, _) => "you".to_owned(),
        (_, Some(name)) => name,
        (Agent::Peer(peer), None) => peer.short(),
    }
}

/// The source of each part of the input, and the other steps that it waits for.
fn input(step: &Step) -> String {
    let mut parts = step.input.lines();
    if !step.after.is_empty() {
        let names: Vec<_> = step.after.iter().map(ToString::to_string).collect();
        parts.push(format!("after {}", names.join(", ")));
    }
    parts.join("; ")
}

/// The words of the goal that led to the step, or the planner's reason.
fn because(planned: &GoalPlanned, step: &Step) -> String {
    let words = planned.because.iter().find(|because| because.step == step.id);
    words.map_or_else(|| short(step.text.as_str(), REASON), |because| because.words.join(", "))
}

/// All about a goal.
pub(crate) fn goal(info: &GoalInfo, now: i64) -> String {
    let whose = info.owner.as_ref().map(|peer| format!(", a goal of {}", who(peer))).unwrap_or_default();
    let mut lines = vec![
        paint(BOLD, &plain(info.objective.as_str())),
        format!("{}{}, begun {}{}", state(info.state), whose, ago(now, info.at_ms), took(info)),
        paint(DIM, &info.id.to_string()),
    ];
    lines.extend(info.why.as_ref().map(|why| format!("{} {}", paint(BAD, "✗"), plain(why.message.as_str()))));
    lines.extend(info.key_results.iter().map(key_result));
    lines.push(steps(info));
    lines.extend(info.peers.iter().filter_map(unwilling));
    if !info.outputs.is_empty() {
        lines.push(outputs(info));
    }
    lines.push(paint(DIM, &cost(info)));
    lines.join("\n")
}

/// The same once it has ended and its steps were seen as they went.
pub(crate) fn goal_end(info: &GoalInfo) -> String {
    let mut lines = Vec::new();
    if !info.outputs.is_empty() {
        lines.push(outputs(info));
    }
    lines.push(steps(info));
    lines.extend(info.key_results.iter().map(key_result));
    lines.extend(info.peers.iter().filter_map(unwilling));
    let why = info.why.as_ref().map(|why| format!(": {}", plain(why.message.as_str()))).unwrap_or_default();
    lines.push(format!("{}{why}{}; {}", state(info.state), took(info), cost(info)));
    lines.join("\n")
}

fn state(state: GoalPhase) -> String {
    let style = match state {
        GoalPhase::Done | GoalPhase::Accepted => GOOD,
        GoalPhase::Failed => BAD,
        GoalPhase::Asked | GoalPhase::Cancelled | GoalPhase::Denied | GoalPhase::Expired => WARN,
        GoalPhase::Proposed | GoalPhase::Running => BOLD,
    };
    paint(style, state.name())
}

fn took(info: &GoalInfo) -> String {
    let ms = info.done_ms.map(|done| u64::try_from(done - info.at_ms).unwrap_or_default());
    ms.map(|ms| format!(", took {}", length(ms))).unwrap_or_default()
}

fn length(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => lasting(ms),
    }
}

fn key_result(result: &KeyResultInfo) -> String {
    let mark = if result.done == result.of { paint(GOOD, "✓") } else { paint(DIM, "•") };
    let text =
        if result.text.is_empty() { result.id.to_string() } else { short(result.text.as_str(), RESULT) };
    format!("  {mark} {text} {}", paint(DIM, &format!("{}/{}", result.done, result.of)))
}

fn steps(info: &GoalInfo) -> String {
    let mut table =
        Table::new(&["STEP", "AGENT", "SKILL", "STATE", "TIME", "FUEL", "OUT", "TRIES", "RECEIPT"]);
    for step in &info.steps {
        let time = step
            .began_ms
            .zip(step.done_ms)
            .map(|(began, done)| u64::try_from(done - began).unwrap_or_default());
        let out = step.output_bytes.map(|size| bytes(usize::try_from(size).unwrap_or(usize::MAX)));
        table.row([
            Cell::bold(&step.id),
            Cell::new(agent_name(step)),
            Cell::new(&step.skill),
            Cell::new(step_state(step)),
            Cell::new(time.map(length).unwrap_or_default()),
            Cell::dim(step.fuel.map(|fuel| fuel.to_string()).unwrap_or_default()),
            Cell::dim(out.unwrap_or_default()),
            Cell::dim(if step.attempts > 1 { step.attempts.to_string() } else { String::new() }),
            Cell::dim(receipt(step)),
        ]);
    }
    table.to_string()
}

pub(super) fn agent_name(step: &StepInfo) -> String {
    match (step.agent, &step.agent_name) {
        (Agent::Me, _) => "you".to_owned(),
        (_, Some(name)) => name.to_string(),
        (Agent::Peer(peer), None) => peer.short(),
    }
}

/// Under which id it is found, and whether both have signed it.
fn receipt(step: &StepInfo) -> String {
    let (Some(id), Some(state)) = (&step.request, &step.receipt) else { return String::new() };
    if state == "complete" { format!("{id:.8}") } else { format!("{id:.8} ({state})") }
}

fn step_state(step: &StepInfo) -> String {
    match (&step.why, step.state) {
        (Some(why), StepPhase::Failed | StepPhase::Waiting) => {
            format!("{}: {}", step.state.name(), short(why.message.as_str(), 60))
        }
        _ => step.state.name().to_owned(),
    }
}

fn who(peer: &GoalPeer) -> String {
    peer.name.as_ref().map_or_else(|| peer.peer.short(), ToString::to_string)
}

fn unwilling(peer: &GoalPeer) -> Option<String> {
    let name = who(peer);
    match peer.answer? {
        PeerAnswer::Accepted => None,
        PeerAnswer::Awaited => {
            Some(format!("{} {name} has not said whether it takes part", paint(WARN, "…")))
        }
        PeerAnswer::Rejected => {
            let why =
                peer.why.as_ref().map(|why| format!(": {}", plain(why.message.as_str()))).unwrap_or_default();
            Some(format!("{} {name} does not take part{why}", paint(BAD, "✗")))
        }
    }
}

fn outputs(info: &GoalInfo) -> String {
    let one = |(step, output): (&coworker_policy::SkillName, &serde_json::Value)| {
        format!("{} {}", paint(DIM, &format!("{step}:")), plain_json(output))
    };
    info.outputs.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn cost(info: &GoalInfo) -> String {
    let cost = info.cost;
    let size = |size: u64| bytes(usize::try_from(size).unwrap_or(usize::MAX));
    let calls = count(usize::try_from(cost.calls).unwrap_or(usize::MAX), "call");
    let calls = if info.owner.is_some() { format!("{calls} served") } else { calls };
    let model = cost.model.map(model).unwrap_or_default();
    if cost.calls == 0 {
        return format!("nothing was run{model}");
    }
    let (input, output) = (size(cost.input_bytes), size(cost.output_bytes));
    format!("{calls}, {} fuel, {input} in, {output} out{model}", cost.fuel)
}

/// The use of our own model: for the plan and by our own steps.
fn model(used: ModelUse) -> String {
    let times = count(usize::try_from(used.questions).unwrap_or(usize::MAX), "time");
    format!("; your model was asked {times}, {used}")
}
