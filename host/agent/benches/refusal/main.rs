//! Measures if a caller can tell by the clock why a skill is refused. Each reason's answers are timed in random
//! order, over the in-memory network, and compared with those for a skill that does not exist.
//!
//! `cargo bench -p coworker-agent --bench refusal`; docs/benchmarks.md explains the comparison and its results.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that cannot go on ends")]
#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]
#![allow(clippy::cast_precision_loss, reason = "counts of samples, far below 2^52")]

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/agent/guest.rs"]
mod guest;
#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/agent/harness.rs"]
mod harness;
mod statistics;
#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/agent/stranger.rs"]
mod stranger;

use coworker_agent::Agent;
use coworker_channel::{Frame, Identity, Message};
use coworker_policy::{ErrorCode, RequestId, Tier};

use harness::{Town, set_tier};
use statistics::{compare, detectable, median};
use stranger::Stranger;
use tokio::time::Instant;

/// Timed answers for each reason, unless the command line has another number.
const SAMPLES: usize = 20_000;
/// Not counted, at the start.
const WARM_UP: usize = 2_000;
/// Callers that take turns, so that none exceeds the 6,000 calls a minute of its tier.
const CALLERS: usize = 40;
const TIER: Tier = Tier::Internal;
/// Refused questions after which the owner forgives a caller, untimed: a third in a row would cost a step of its tier.
const FORGIVEN_AFTER: u32 = 2;

/// Another version than any skill here has.
const OTHER: Option<&str> = Some("^9");

/// The requests: a name and the required version. The first one with each version is the reference for the others (a
/// caller knows if it named a version). The second is the same again: its difference is the noise of the method.
const REASONS: [(&str, &str, Option<&str>); 8] = [
    ("unknown", "never", None),
    ("unknown, again", "never", None),
    ("hidden", "plain", None),
    ("tier too low", "spins", None),
    ("unknown, another version", "never", OTHER),
    ("the same, again", "never", OTHER),
    ("hidden, another version", "plain", OTHER),
    ("tier too low, another version", "spins", OTHER),
];

fn main() {
    // `cargo test --benches` and `cargo bench -- --list` want nothing measured.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let samples = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(SAMPLES);
    let times = runtime.block_on(measure(samples));
    report(&times);
}

async fn measure(samples: usize) -> Vec<Vec<f64>> {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &guest::plain(), None).await;
    town.install(&ada, &guest::spins(), Some(Tier::Privileged)).await;
    let mut callers = callers(&town, &ada).await;
    let mut dice = Dice(0x5eed);
    let mut times = vec![Vec::with_capacity(samples); REASONS.len()];
    for _ in 0..WARM_UP / REASONS.len() {
        for reason in 0..REASONS.len() {
            dice.of(&mut callers).time(&ada, reason).await;
        }
    }
    for _ in 0..samples {
        let mut order: Vec<_> = (0..REASONS.len()).collect();
        dice.shuffle(&mut order);
        for reason in order {
            times[reason].push(dice.of(&mut callers).time(&ada, reason).await);
        }
    }
    times
}

async fn callers(town: &Town, ada: &Agent) -> Vec<Asking> {
    let mut callers = Vec::new();
    for number in 0..CALLERS {
        let key = Identity::from_seed([u8::try_from(number + 1).unwrap(); 32]);
        let mut caller = Stranger::holding(&town.hub, &key, &key);
        caller.meet(ada.peer_id()).await;
        set_tier(ada, caller.id, TIER).await;
        callers.push(Asking { caller, refused: 0 });
    }
    callers
}

/// A caller, and how often it was refused since the owner's last decision about it.
struct Asking {
    caller: Stranger,
    refused: u32,
}

impl Asking {
    /// Microseconds from the frame that asks to the message that answers.
    async fn time(&mut self, ada: &Agent, reason: usize) -> f64 {
        if self.refused == FORGIVEN_AFTER {
            set_tier(ada, self.caller.id, TIER).await;
            self.refused = 0;
        }
        self.refused += 1;
        let (id, frame) = self.question(reason);
        let asked = Instant::now();
        self.caller.say(&frame);
        let answer = self.caller.read().await;
        let time = asked.elapsed();
        assert!(
            matches!(&answer, Message::TaskError { id: of, code: ErrorCode::UnknownSkill, .. } if *of == id),
            "{answer:?}"
        );
        time.as_secs_f64() * 1e6
    }

    fn question(&mut self, reason: usize) -> (RequestId, Frame) {
        let (_, skill, version) = REASONS[reason];
        let id = RequestId::random();
        let version = version.map(|of| format!(r#","version":"{of}""#)).unwrap_or_default();
        let question =
            format!(r#"{{"type":"task_request","id":"{id}","skill":"{skill}","input":{{}}{version}}}"#);
        (id, self.caller.seal(&[question.into_bytes()]))
    }
}

fn report(times: &[Vec<f64>]) {
    println!(
        "{} answers for each reason, by {CALLERS} callers, in an order drawn anew for every round",
        times[0].len()
    );
    println!("median for a skill that does not exist: {:.1} µs", median(&times[0]));
    println!("\n| reason | median | Welch's t, most of all crops | Mann–Whitney p | Kolmogorov–Smirnov p |");
    println!("|---|---|---|---|---|");
    for version in [None, OTHER] {
        let of_version = REASONS.iter().zip(times).filter(|((_, _, pin), _)| *pin == version);
        let samples: Vec<_> = of_version.map(|((name, ..), sample)| (name, sample)).collect();
        let (_, base) = samples[0];
        for (name, sample) in &samples[1..] {
            let found = compare(base, sample);
            println!(
                "| {name} | {:+.2} µs | {:+.2} | {:.3} | {:.3} |",
                median(sample) - median(base),
                found.t,
                found.rank_p,
                found.shape_p
            );
        }
    }
    println!("\nthe smallest difference that would have been found: {} µs", detectable(&times[0], &times[1]));
}

/// A generator of one's own: the order is the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn of<'a, T>(&mut self, some: &'a mut [T]) -> &'a mut T {
        let number = self.roll(some.len());
        &mut some[number]
    }

    fn shuffle<T>(&mut self, some: &mut [T]) {
        for last in (1..some.len()).rev() {
            some.swap(last, self.roll(last + 1));
        }
    }
}
