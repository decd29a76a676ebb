use std::fmt;

use comfy_table::{Attribute, Color, ContentArrangement, presets};
use coworker_policy::{Listing, Tier};

use super::plain::line;

/// Aligned columns without borders.
pub(crate) struct Table(comfy_table::Table);

/// One cell: text of anybody, on one line.
pub(crate) struct Cell(comfy_table::Cell);

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        let mut table = Self::bare();
        let heading = |text: &&str| comfy_table::Cell::new(text).add_attribute(Attribute::Dim);
        table.0.set_header(headings.iter().map(heading).collect::<Vec<_>>());
        table
    }

    pub(crate) fn bare() -> Self {
        let mut table = comfy_table::Table::new();
        // The stream that it goes to takes colours out again where they do not belong.
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .enforce_styling();
        // Spaces without colour can be taken off a line's end.
        table.style_text_only();
        Self(table)
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.0.add_row(cells.into_iter().map(|cell| cell.0).collect::<Vec<_>>());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.lines().collect::<Vec<_>>();
        let trimmed: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        f.write_str(&trimmed.join("\n"))
    }
}

impl Cell {
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self(comfy_table::Cell::new_owned(line(&text.to_string())))
    }

    pub(crate) fn bold(text: impl fmt::Display) -> Self {
        Self(Self::new(text).0.add_attribute(Attribute::Bold))
    }

    pub(crate) fn dim(text: impl fmt::Display) -> Self {
        Self(Self::new(text).0.add_attribute(Attribute::Dim))
    }

    pub(crate) fn tier(tier: Tier) -> Self {
        let cell = Self::new(tier).0;
        Self(match tier {
            Tier::Untrusted => cell.add_attribute(Attribute::Dim),
            Tier::Known => cell.fg(Color::DarkCyan),
            Tier::Internal => cell.fg(Color::DarkYellow),
            Tier::Privileged => cell.fg(Color::DarkMagenta).add_attribute(Attribute::Bold),
        })
    }

    pub(crate) fn listing(listing: Listing) -> Self {
        match listing {
            Listing::Hidden => Self::dim("hidden"),
            Listing::Exposed { from } => Self::tier(from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_hostile_text_stays_in_its_cell() {
        let mut table = Table::new(&["NAME", "TIER"]);
        table.row([Cell::new("ada"), Cell::tier(Tier::Known)]);
        table.row([Cell::new("b\n\x1b[2J"), Cell::tier(Tier::Untrusted)]);
        let text = anstream::adapter::strip_str(&table.to_string()).to_string();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(lines, [" NAME    TIER", " ada     KNOWN", " b \u{fffd}[2J  UNTRUSTED"]);
    }
}
