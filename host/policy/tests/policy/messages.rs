//! The messages of the schema crate are as plain as our own texts.

use coworker_policy::Text;
use coworker_schema::Schema;
use serde_json::json;

#[test]
fn schema_errors_have_no_character_that_a_text_refuses() {
    let refused = (0..=u32::from(char::MAX)).filter_map(char::from_u32).filter(|c| Text::new(*c).is_err());
    let mut count = 0;
    for c in refused {
        let message = Schema::new(json!({ "$ref": format!("x{c}") })).unwrap_err().to_string();
        assert!(!message.contains(c), "U+{:04X}", u32::from(c));
        count += 1;
    }
    assert!(count > 60, "{count}");
}
