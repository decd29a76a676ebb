//! The leak guard on a result of 100 KiB.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

use std::sync::Arc;

use coworker_leak::{Account, Budget, Guard, LeakMode, Private, Watch};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};

const KIB: usize = 1024;

/// Prose of `size` bytes, with other words for each seed.
fn prose(seed: u64, size: usize) -> String {
    let mut state = seed;
    let mut text = String::with_capacity(size + 16);
    while text.len() < size {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = (state >> 33) % 20_000;
        let letters = word.to_le_bytes();
        text.extend(
            letters
                .iter()
                .take(2)
                .chain(&letters[..usize::from(letters[0] % 3)])
                .map(|byte| char::from(b'a' + byte % 26)),
        );
        text.push_str(if state >> 60 == 0 { ", " } else { " " });
    }
    text
}

fn watch(guard: Guard) -> Watch {
    let budget = Budget { words: 2_000, day_bytes: u64::MAX };
    Watch::new(guard, LeakMode::Block, budget, Account::default(), 1, "{}")
}

fn guard(c: &mut Criterion) {
    let mut group = c.benchmark_group("guard");
    let output = json!({ "text": prose(1, 100 * KIB) }).to_string();
    let value: Value = serde_json::from_str(&output).unwrap();
    for (name, size) in [("private_10_kib", 10 * KIB), ("private_1_mib", KIB * KIB)] {
        let private = Private::of(5, [prose(2, size).as_str()], &[]);
        let watch = watch(Guard::new(Arc::new(private), [], ["cwexampleexampleexample"]));
        group.bench_function(name, |b| b.iter(|| watch.result(&output, &value).unwrap()));
    }
    let text = prose(2, KIB * KIB);
    group.bench_function("gather_1_mib", |b| b.iter(|| Private::of(5, [text.as_str()], &[])));
    group.finish();
}

criterion_group!(benches, guard);
criterion_main!(benches);
