use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The result of criterion for one bench.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    /// The median of one call in nanoseconds.
    pub(super) nanoseconds: f64,
    /// A measured step was many concurrent calls, so that the median is a share of the step's time.
    pub(super) many: bool,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Benchmark {
    throughput: Option<Throughput>,
}

#[derive(Deserialize)]
struct Throughput {
    #[serde(rename = "Elements")]
    elements: u32,
}

impl Measured {
    /// Reads the result of `id`, which is `group/bench`, as criterion names its folders in `results`.
    pub(super) fn read(results: &Path, id: &str) -> Result<Self> {
        let folder = results.join(id).join("new");
        let estimates: Estimates = parse(&folder.join("estimates.json"))?;
        let benchmark: Benchmark = parse(&folder.join("benchmark.json"))?;
        let calls = benchmark.throughput.map(|throughput| throughput.elements);
        let nanoseconds = estimates.median.point_estimate / f64::from(calls.unwrap_or(1));
        Ok(Self { nanoseconds, many: calls.is_some() })
    }

    /// The time as a multiple of the time of `floor`.
    pub(super) fn over(self, floor: Self) -> f64 {
        self.nanoseconds / floor.nanoseconds
    }

    pub(super) fn per_second(self) -> f64 {
        1e9 / self.nanoseconds
    }
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a result of criterion", path.display()))
}
