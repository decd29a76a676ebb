//! The interfaces that every guest gets.

use coworker_policy::{Grants, Tier};

use crate::harness::{Ask, Lab, PSEUDONYM, guest, wasi_guest};

#[tokio::test]
async fn call_tells_the_tier_and_the_pseudonym() {
    let lab = Lab::new();
    for tier in Tier::ALL {
        let outcome = lab.call(guest!("who"), tier, "null").await;
        assert_eq!(outcome.result, Ok(format!("\"{}{PSEUDONYM}\"", tier as u8)));
        assert_eq!(outcome.usage.emitted_bytes, 10);
        // tier, caller and emit. The host's call of the guest's allocator does not count.
        assert_eq!(outcome.usage.host_calls, 3);
    }
}

#[tokio::test]
async fn without_the_grant_call_and_log_give_nothing() {
    let lab = Lab::new();
    for wasm in [guest!("who"), guest!("log_flood")] {
        let digest = lab.sandbox.load(wasm.into()).await.unwrap();
        let ask = Ask { imports: Grants::default(), ..Ask::new(digest, Tier::Internal, "\"0\"") };
        let outcome = lab.run(ask.permit()).await;
        assert_eq!(outcome.result.as_deref(), Ok("\"0\""), "expected the lowest tier and no caller");
        assert_eq!(outcome.usage.emitted_bytes, 0);
        assert_eq!((outcome.log.as_str(), outcome.usage.log_bytes), ("", 0));
    }
}

#[tokio::test]
async fn wasi_is_there_and_empty() {
    let lab = Lab::new();
    let wasm = wasi_guest!("wasi_print");
    assert!(coworker_sandbox::inspect(&wasm).unwrap().capabilities().is_empty());
    let outcome = lab.call(wasm, Tier::Known, "null").await;
    assert_eq!(outcome.result.as_deref(), Ok("0"), "environment variables");
    assert_eq!(outcome.log, "printed\n");
}
