//! A component that knows nothing of coworker: its types are the contract.

use coworker_policy::Tier;
use coworker_sandbox::{SkillError, Stopped};
use serde_json::{Value, json};

use crate::installed::Installed;

pub(crate) async fn check(installed: &Installed) {
    prices(installed).await;
    refuses(installed).await;
    tells_the_stock(installed).await;
    answers_much(installed).await;
}

fn order(lines: &Value, discount: &Value) -> Value {
    json!({ "order": { "lines": lines, "payment": "card", "extras": ["wrapped"], "discount": discount } })
}

async fn prices(installed: &Installed) {
    let lines = json!([{ "sku": "pen", "count": 2, "note": "blue" }, { "sku": "book", "count": 1 }]);
    let packed = json!([["pen", 2], ["book", 1]]);
    for (discount, cents) in [(json!("none"), 2579), (json!({ "percent": 50 }), 1290)] {
        let receipt = installed.answer("price", Tier::Untrusted, &order(&lines, &discount)).await;
        assert_eq!(receipt, json!({ "cents": cents, "packed": packed, "note": "blue" }));
    }
}

/// Of a variant of the component's own, with and without a value.
async fn refuses(installed: &Installed) {
    let pen = json!([{ "sku": "pen", "count": 1 }]);
    let cases = [
        (order(&json!([]), &json!("none")), r#""empty""#),
        (order(&json!([{ "sku": "ink", "count": 1 }]), &json!("none")), r#"{"unknown":"ink"}"#),
        (order(&pen, &json!({ "coupon": "MAY" })), r#""coupon-expired""#),
    ];
    for (input, why) in cases {
        let outcome = installed.call("price", Tier::Known, &input).await;
        assert_eq!(outcome.result, Err(Stopped::Skill(SkillError::Other(why.to_owned()))));
    }
}

async fn tells_the_stock(installed: &Installed) {
    let stock = installed.answer("stock", Tier::Known, &json!({ "skus": ["pen", "ink"] })).await;
    assert_eq!(stock, json!([{ "ok": 40 }, { "err": "never heard of it" }]));
}

async fn answers_much(installed: &Installed) {
    let line = json!({ "sku": "pen", "count": 1 });
    let lines = Value::Array(vec![line; 30_000]);
    let receipt = installed.answer("price", Tier::Internal, &order(&lines, &json!("none"))).await;
    assert_eq!(receipt["packed"].as_array().map(Vec::len), Some(30_000));
}
