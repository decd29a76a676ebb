//! Clients that break the protocol, wait for ever or take too much.

use std::time::Duration;

use coworker_api::protocol::Limits;
use serde_json::Value;

use crate::harness::{HELLO, Serving};

/// The error of a connection that the server refuses.
async fn refused(first: &str) -> String {
    let serving = Serving::new(Limits::default());
    let mut client = serving.raw().await;
    client.write(first).await;
    let error: Value = serde_json::from_str(&client.read().await.unwrap()).unwrap();
    assert_eq!(client.read().await, None, "the connection ends");
    error["err"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_hello_that_this_version_cannot_serve_is_refused_with_the_reason() {
    let newer = refused(r#"{"hello":{"protocol":2,"client":"x","as":"owner"}}"#).await;
    assert!(newer.contains("version 2") && newer.contains("version 1"), "{newer}");
    let older = refused(r#"{"op":"Status","with":{}}"#).await;
    assert!(older.contains("not a hello"), "{older}");
    let client = refused(r#"{"hello":{"protocol":1,"client":"x","as":{"client":"c","tier":"known"}}}"#).await;
    assert!(client.contains("owner only"), "{client}");
    assert!(refused("{").await.contains("not JSON"));
}

#[tokio::test]
async fn bad_requests_get_an_error_and_the_connection_goes_on() {
    let serving = Serving::new(Limits::default());
    let mut client = serving.raw().await;
    client.hello().await;
    for (line, part) in [
        (r#"{"id":1,"op":"NoSuch","with":{}}"#, "NoSuch"),
        (r#"{"id":2,"op":"Ping","with":{"peer":7}}"#, "Ping"),
    ] {
        client.write(line).await;
        let answer = client.read().await.unwrap();
        assert!(answer.contains(r#""err""#) && answer.contains(part), "{answer}");
    }
    client.write(r#"{"id":3,"op":"Ping","with":{"peer":"bob","timeout":1.0}}"#).await;
    assert!(client.read().await.unwrap().contains(r#""ok""#));
}

#[tokio::test]
async fn a_silent_client_loses_its_place_to_one_that_speaks() {
    let limits = Limits { connections: 2, hello: Duration::from_millis(200), ..Limits::default() };
    let serving = Serving::new(limits);
    let mut silent = serving.raw().await;
    let mut idle = serving.raw().await;
    idle.hello().await;
    let mut third = serving.raw().await;
    third.hello().await;
    assert!(silent.read().await.is_none_or(|line| line.contains(r#""err""#)));
}

#[tokio::test]
async fn a_line_without_an_end_is_cut_off_at_its_bound() {
    let serving = Serving::new(Limits { line: 64 * 1024, ..Limits::default() });
    let mut client = serving.raw().await;
    client.write(HELLO).await;
    client.read().await.unwrap();
    let chunk = [b'a'; 16 * 1024];
    let mut sent = 0;
    while sent < 4 << 20 && client.push(&chunk).await {
        sent += chunk.len();
    }
    let last = client.read().await;
    assert!(last.is_none_or(|line| line.contains(r#""err""#)));
    assert_eq!(client.read().await, None);
}
