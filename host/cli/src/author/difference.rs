use serde::Serialize;
use serde_json::Value;

/// One place where an output differs from the expected one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// Such as `output.lines[2].price`.
    pub(crate) at: String,
    /// Absent if nothing may be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<Value>,
    /// Absent if nothing is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) found: Option<Value>,
}

/// Most places that are told of one output.
const MOST: usize = 20;

/// Where `found` is not `expected`. With `part`, objects may have more fields than are expected.
pub(super) fn differences(at: &str, expected: &Value, found: &Value, part: bool) -> Vec<Difference> {
    let mut all = Vec::new();
    compare(at.to_owned(), Some(expected), Some(found), part, &mut all);
    all.truncate(MOST);
    all
}

fn compare(
    at: String,
    expected: Option<&Value>,
    found: Option<&Value>,
    part: bool,
    all: &mut Vec<Difference>,
) {
    match (expected, found) {
        (Some(Value::Object(expected)), Some(Value::Object(found))) => {
            for (key, value) in expected {
                compare(format!("{at}.{key}"), Some(value), found.get(key), part, all);
            }
            for (key, value) in found.iter().filter(|(key, _)| !part && !expected.contains_key(*key)) {
                compare(format!("{at}.{key}"), None, Some(value), part, all);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(found))) => {
            for index in 0..expected.len().max(found.len()) {
                compare(format!("{at}[{index}]"), expected.get(index), found.get(index), part, all);
            }
        }
        (Some(expected), Some(found)) if same(expected, found) => {}
        (expected, found) => {
            all.push(Difference { at, expected: expected.cloned(), found: found.cloned() });
        }
    }
}

/// A number is the same however it is written: 1, 1.0.
fn same(expected: &Value, found: &Value) -> bool {
    expected == found
        || matches!((expected.as_f64(), found.as_f64()), (Some(a), Some(b)) if a.total_cmp(&b).is_eq())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(expected: &Value, found: &Value, part: bool) -> Vec<String> {
        let all = differences("output", expected, found, part);
        all.into_iter().map(|difference| difference.at).collect()
    }

    #[test]
    fn what_is_equal_has_no_difference() {
        let value = json!({ "a": [1, { "b": null }], "c": 2.0 });
        assert_eq!(places(&value, &json!({ "a": [1.0, { "b": null }], "c": 2 }), false), [""; 0]);
    }

    #[test]
    fn every_place_is_told() {
        let expected = json!({ "a": [1, 2], "b": "x", "c": 1 });
        let found = json!({ "a": [1, 3, 4], "b": { "y": 1 }, "d": 1 });
        let places = places(&expected, &found, false);
        assert_eq!(places, ["output.a[1]", "output.a[2]", "output.b", "output.c", "output.d"]);
    }

    #[test]
    fn a_part_may_leave_out_fields_but_no_elements() {
        let found = json!({ "a": [{ "b": 1, "c": 2 }], "d": 3 });
        assert_eq!(places(&json!({ "a": [{ "b": 1 }] }), &found, true), [""; 0]);
        assert_eq!(places(&json!({ "a": [] }), &found, true), ["output.a[0]"]);
    }
}
