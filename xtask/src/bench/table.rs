use std::fmt::Write as _;

use anyhow::Result;

use super::measured::Measured;

/// One row of a table.
struct Row {
    /// The bench's name for itself.
    id: &'static str,
    about: &'static str,
    /// The bench that it is compared with, unless it is a floor or a part.
    floor: Option<&'static str>,
}

const fn floor(id: &'static str, about: &'static str) -> Row {
    Row { id, about, floor: None }
}

const fn on(floor: &'static str, id: &'static str, about: &'static str) -> Row {
    Row { id, about, floor: Some(floor) }
}

const TABLES: [(&str, &[Row]); 4] = [
    (
        "One call in a fresh instance",
        &[
            floor("call/wasmtime", "**floor**: raw wasmtime, echo component, fresh store and instance"),
            on(
                "call/wasmtime",
                "call/pool",
                "… in our pool: memory is bounded, and wiped or given back between calls",
            ),
            on("call/wasmtime", "call/fuel", "… and fuel: the guest is metered and gives way"),
            on("call/wasmtime", "call/limiter", "… and the limiter of memory and tables"),
            on("call/wasmtime", "call/host_calls", "… and the count of host calls"),
            on("call/wasmtime", "call/sandbox", "`Sandbox::run`, the same component"),
            on("call/wasmtime", "call/about", "`Sandbox::run`, skill `about`"),
            on("call/wasmtime", "call/summarize", "`Sandbox::run`, skill `summarize`, a text of 1 KB"),
            floor("call/gates_sandbox", "the gates before it, echo component (any input fits)"),
            floor("call/gates_about", "the gates before it, skill `about`"),
            floor("call/gates_summarize", "the gates before it, skill `summarize`, a text of 1 KB"),
        ],
    ),
    (
        "A call without capabilities, to the floor of the same engine settings",
        &[
            floor("call/fuel", "**floor**: raw wasmtime with our engine, pool and fuel, echo component"),
            on("call/fuel", "call/sandbox", "`Sandbox::run`, the same component (at most × 1.5)"),
        ],
    ),
    (
        "Between two agents on loopback, one call at a time",
        &[
            floor("iroh/ordered", "**floor**: raw iroh, 1 KiB there and back on one stream"),
            on("iroh/ordered", "iroh/stream", "raw iroh, a new stream for each"),
            on("iroh/ordered", "link/echo", "`Link` of coworker-net, one frame there and back"),
            on("iroh/ordered", "agents/ping", "`ping`"),
            on("iroh/ordered", "agents/call", "`call` of an echo component, 1 KiB there and back"),
            on("iroh/ordered", "agents/about", "`call` of `about`"),
            floor("agents/here", "the same echo run by its owner: gates, audit and sandbox, no network"),
            floor("disk/sync", "4 KiB more in a file, synced: the least that one commit costs"),
        ],
    ),
    (
        "Between two agents on loopback, 64 calls in flight",
        &[
            floor("iroh/stream_64", "**floor**: raw iroh, 1 KiB there and back, a new stream for each"),
            on("iroh/stream_64", "iroh/ordered_64", "raw iroh, all on one stream"),
            on("iroh/stream_64", "agents/call_64", "`call` of an echo component, 1 KiB there and back"),
        ],
    ),
];

/// All tables as Markdown.
pub(super) fn tables(measured: &impl Fn(&str) -> Result<Measured>) -> Result<String> {
    let mut text = String::new();
    for (title, rows) in TABLES {
        let _ = writeln!(text, "**{title}**\n\n| measured | median | to its floor |\n|---|---|---|");
        for row in rows {
            let _ = writeln!(text, "{}", line(row, measured)?);
        }
        text.push('\n');
    }
    Ok(text)
}

fn line(row: &Row, measured: &impl Fn(&str) -> Result<Measured>) -> Result<String> {
    let this = measured(row.id)?;
    let times = match row.floor {
        Some(floor) => format!("× {}", three_digits(this.over(measured(floor)?))),
        None => String::new(),
    };
    Ok(format!("| {} | {} | {times} |", row.about, shown(this)))
}

fn shown(measured: Measured) -> String {
    let time = duration(measured.nanoseconds);
    if measured.many { format!("{time} each, {:.0} calls/s", measured.per_second()) } else { time }
}

fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{} ns", three_digits(n)),
        n if n < 1e6 => format!("{} µs", three_digits(n / 1e3)),
        n => format!("{} ms", three_digits(n / 1e6)),
    }
}

/// More digits would be noise.
fn three_digits(number: f64) -> String {
    match number {
        n if n < 10.0 => format!("{n:.2}"),
        n if n < 100.0 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        for (nanoseconds, expected) in
            [(2.5, "2.50 ns"), (3_140.0, "3.14 µs"), (117_200.0, "117 µs"), (12_340_000.0, "12.3 ms")]
        {
            assert_eq!(duration(nanoseconds), expected);
        }
    }

    #[test]
    fn a_row_is_compared_with_its_floor() {
        let measured = |id: &str| {
            let many = id == "b";
            Ok(Measured { nanoseconds: if many { 50_000.0 } else { 20_000.0 }, many })
        };
        let rows = [floor("a", "x"), on("a", "b", "y")].map(|row| line(&row, &measured).unwrap());
        assert_eq!(rows, ["| x | 20.0 µs |  |", "| y | 50.0 µs each, 20000 calls/s | × 2.50 |"]);
    }

    #[test]
    fn a_bench_that_did_not_run_is_an_error() {
        assert!(tables(&|id| anyhow::bail!("{id}")).is_err());
    }

    #[test]
    fn every_floor_is_in_the_table_of_its_rows() {
        for (_, rows) in TABLES {
            for floor in rows.iter().filter_map(|row| row.floor) {
                assert!(rows.iter().any(|row| row.id == floor && row.floor.is_none()), "{floor}");
            }
        }
    }
}
