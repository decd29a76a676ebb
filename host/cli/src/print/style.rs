use anstyle::{AnsiColor, Style};
use coworker_policy::{Listing, Tier};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
/// Something to type.
pub(crate) const CODE: Style = AnsiColor::Cyan.on_default();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

pub(crate) fn badge(tier: Tier) -> String {
    paint(of_tier(tier), &tier.to_string())
}

fn of_tier(tier: Tier) -> Style {
    match tier {
        Tier::Untrusted => DIM,
        Tier::Known => AnsiColor::Cyan.on_default(),
        Tier::Internal => AnsiColor::Yellow.on_default(),
        Tier::Privileged => AnsiColor::Magenta.on_default().bold(),
    }
}

pub(crate) fn listing(listing: Listing) -> String {
    match listing {
        Listing::Hidden => paint(DIM, "hidden"),
        Listing::Exposed { from } => format!("exposed from {}", badge(from)),
    }
}

/// A size for people: `84.0 KiB`.
#[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
pub(crate) fn bytes(size: usize) -> String {
    match size {
        0..1024 => format!("{size} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", size as f64 / 1024.0),
        _ => format!("{:.1} MiB", size as f64 / 1_048_576.0),
    }
}

/// `1 skill`, `2 skills`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_numbers_read_well() {
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(86_016), "84.0 KiB");
        assert_eq!(bytes(3 << 20), "3.0 MiB");
        assert_eq!(count(1, "peer"), "1 peer");
        assert_eq!(count(0, "peer"), "0 peers");
    }
}
