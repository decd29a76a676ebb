//! Guests that exceed their limits.

use std::time::Duration;

use coworker_policy::{ErrorCode, Limits, Tier};
use coworker_sandbox::Stopped;

use crate::harness::{Lab, guest};

/// Long enough for every guest here to reach its other limits, and shorter than the tier's own time.
const LONG: Duration = Duration::from_mins(1);
/// Far too short to use up a PRIVILEGED caller's fuel.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_loop_ends_at_its_deadline() {
    let outcome = Lab::new().attack(guest!("loop"), Tier::Privileged, SHORT).await;
    assert_eq!(outcome.result, Err(Stopped::Deadline));
    assert!(outcome.usage.wall >= SHORT);
    // Yields do not count as host calls.
    assert!(outcome.usage.fuel > 1_000_000);
    assert_eq!(outcome.usage.host_calls, 0);
}

#[tokio::test]
async fn bulk_work_burns_fuel() {
    let outcome = Lab::new().attack(guest!("memory_fill"), Tier::Known, LONG).await;
    let max = Limits::of(Tier::Known).fuel;
    assert_eq!(outcome.result, Err(Stopped::OutOfFuel { max }));
    assert_eq!(outcome.usage.fuel, max);
    assert_eq!(outcome.usage.host_calls, 1, "the one memory.grow");
    assert_eq!(outcome.result.unwrap_err().code(), ErrorCode::LimitExceeded);
}

#[tokio::test]
async fn memory_ends_at_the_tiers_limit() {
    for tier in [Tier::Untrusted, Tier::Known] {
        let outcome = Lab::new().attack(guest!("memory_grow"), tier, LONG).await;
        let max = Limits::of(tier).memory_bytes;
        assert_eq!(outcome.result, Err(Stopped::OutOfMemory { max }));
        assert!((max - 0x10_0000..=max).contains(&outcome.usage.peak_memory), "{:?}", outcome.usage);
    }
}

#[tokio::test]
async fn host_calls_are_counted() {
    let outcome = Lab::new().attack(guest!("host_call_loop"), Tier::Known, LONG).await;
    let max = Limits::of(Tier::Known).host_calls;
    assert_eq!(outcome.result, Err(Stopped::HostCalls { max }));
    assert_eq!(outcome.usage.host_calls, max + 1);
}

#[tokio::test]
async fn a_value_that_is_too_large_is_never_copied() {
    let outcome = Lab::new().attack(guest!("huge_result"), Tier::Known, LONG).await;
    assert_eq!(outcome.result, Err(Stopped::Transfer { max: 1024 * 1024 }));
    let outcome = Lab::new().attack(guest!("log_bomb"), Tier::Known, LONG).await;
    assert_eq!(outcome.result, Err(Stopped::Transfer { max: 1024 * 1024 }));
    assert_eq!(outcome.usage.log_bytes, 0);
}

#[tokio::test]
async fn a_result_over_the_callers_cap_is_refused() {
    let outcome = Lab::new().attack(guest!("large_result"), Tier::Known, LONG).await;
    assert_eq!(outcome.result, Err(Stopped::OutputTooLarge { size: 307_200, max: 256 * 1024 }));
    let outcome = Lab::new().attack(guest!("large_result"), Tier::Internal, LONG).await;
    assert_eq!(outcome.result.map(|output| output.len()), Ok(307_200));
}

#[tokio::test]
async fn log_lines_over_the_limit_are_dropped_and_the_call_continues() {
    let outcome = Lab::new().attack(guest!("log_flood"), Tier::Known, LONG).await;
    let cap = Limits::of(Tier::Known).log_bytes;
    assert_eq!(outcome.result.as_deref(), Ok("null"));
    assert_eq!(outcome.usage.log_bytes, 1000 * ("INFO \n".len() + 1024));
    assert!(outcome.log.starts_with("INFO xxx"));
    assert!(outcome.log.ends_with(&format!("[{} more bytes were dropped]\n", outcome.usage.log_bytes - cap)));
    assert!(outcome.log.len() < cap + 64);
}
