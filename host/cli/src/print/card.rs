use coworker_policy::{Card, Text};

use super::plain::line;
use super::schema;
use super::style::{BOLD, DIM, paint};
use super::table::{Cell, Table};

/// Skills as a peer shows them, one line each.
pub(crate) fn brief(cards: &[Card]) -> String {
    let mut table = Table::bare();
    for card in cards {
        table.row([
            Cell::bold(&card.name),
            Cell::dim(&card.version),
            Cell::new(first_sentence(card.description.as_str())),
        ]);
    }
    table.to_string()
}

/// A text's lines without the empty ones.
pub(crate) fn paragraphs(text: &Text) -> impl Iterator<Item = String> + '_ {
    text.as_str().lines().filter(|text| !text.trim().is_empty()).map(line)
}

pub(crate) fn first_sentence(text: &str) -> String {
    let paragraph = line(text.split("\n\n").next().unwrap_or_default());
    paragraph.split_inclusive(". ").next().unwrap_or_default().trim_end().to_owned()
}

/// All that a card says.
pub(crate) fn full(card: &Card) -> String {
    let mut lines =
        vec![format!("{} {}", paint(BOLD, card.name.as_str()), paint(DIM, &card.version.to_string()))];
    lines.extend(paragraphs(&card.description).map(|text| format!("  {text}")));
    let mut said = |what: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("  {} {}", paint(DIM, what), line(text)));
        }
    };
    said("when to use", card.when_to_use.as_str());
    said("category   ", card.category.as_str());
    for (what, told) in [("input", &card.input_schema), ("output", &card.output_schema)] {
        lines.push(format!("  {}", paint(BOLD, what)));
        lines.extend(schema::tell(told).into_iter().map(|field| format!("    {field}")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn a_line_has_the_first_sentence() {
        assert_eq!(first_sentence("Masks keys,\nv1.2 too. And\nmore.\n\nLong."), "Masks keys, v1.2 too.");
        assert_eq!(first_sentence("Masks keys.\nAnd more."), "Masks keys.");
        assert_eq!(first_sentence(""), "");
    }
}
