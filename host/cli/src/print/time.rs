use jiff::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long ago a moment was; both in milliseconds since the Unix epoch.
pub(crate) fn ago(now_ms: i64, at_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(at_ms) / 1000;
    match seconds {
        ..5 => "just now".to_owned(),
        5..MINUTE => format!("{seconds} s ago"),
        MINUTE..HOUR => format!("{} min ago", seconds / MINUTE),
        HOUR..DAY => format!("{} h ago", seconds / HOUR),
        DAY..2_592_000 => format!("{} d ago", seconds / DAY),
        _ => Timestamp::from_millisecond(at_ms)
            .map_or_else(|_| "long ago".to_owned(), |at| at.strftime("%Y-%m-%d").to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::ago;

    #[test]
    fn moments_are_told_the_way_people_do() {
        let now = 1_800_000_000_000;
        let told: Vec<_> = [0, 59, 60, 7_300, 200_000, 40_000_000].map(|s| ago(now, now - s * 1000)).into();
        assert_eq!(told, ["just now", "59 s ago", "1 min ago", "2 h ago", "2 d ago", "2025-10-09"]);
        assert_eq!(ago(now, now + 60_000), "just now", "clocks differ");
        assert_eq!(ago(now, i64::MIN), "long ago");
    }
}
