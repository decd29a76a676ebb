//! Typical agents and their skills.

use coworker_plan::{Agent, VisibleSkills};
use coworker_policy::Card;
use serde_json::json;

use crate::fixture::{ADA, BOB, CHEN, agent_skills, card, object, output, text};

pub(crate) fn crowd() -> VisibleSkills {
    VisibleSkills::new([
        agent_skills(Agent::Me, "Mo", vec![summarize(), redact(), about()]),
        agent_skills(Agent::Peer(ADA), "Ada", vec![translate(), research(), review()]),
        agent_skills(Agent::Peer(BOB), "Bob", vec![quote(), invoice(), image(), translate()]),
        agent_skills(Agent::Peer(CHEN), "Chen", vec![transcribe(), sentiment(), contract(), weather()]),
    ])
}

pub(crate) fn summarize() -> Card {
    card(
        "summarize",
        [
            "Shortens a text to its most telling sentences, word for word and in their order.\n\nExtractive: it \
             selects, it does not rephrase and it does not translate.",
            "A text is too long to read and its own words will do.",
            "text",
        ],
        object(json!({ "text": text(), "sentences?": { "type": "integer", "minimum": 1, "maximum": 20 } })),
        output(
            json!({ "summary": text(), "sentences": { "type": "integer" }, "ratio": { "type": "number" } }),
        ),
    )
}

fn redact() -> Card {
    let kind = json!({ "enum": ["email", "phone", "iban", "key"] });
    card(
        "redact",
        [
            "Masks e-mail addresses, phone numbers, IBANs and keys (API keys, tokens, private keys) in a text and \
             counts what it masked.",
            "A text is to be shown to somebody who should not see contact data or secrets.",
            "privacy",
        ],
        object(json!({ "text": text(), "kinds?": { "type": "array", "items": kind } })),
        output(json!({ "text": text(), "masked": { "type": "array", "items": { "type": "object" } } })),
    )
}

fn about() -> Card {
    card(
        "about",
        [
            "Explains what coworker is, what it keeps private, how trust works, and how to call, write and share \
             skills.",
            "You want to know what this agent is or what a word like tier, skill or grant means.",
            "help",
        ],
        // The form in which schemars writes an enum with documented variants.
        json!({
            "type": "object",
            "properties": { "topic": { "$ref": "#/$defs/Topic", "default": "general" } },
            "additionalProperties": false,
            "$defs": { "Topic": { "oneOf": [
                { "type": "string", "const": "general", "description": "What coworker is for." },
                { "type": "string", "const": "privacy", "description": "What others can learn." },
                { "type": "string", "const": "trust", "description": "The four tiers." },
            ] } },
        }),
        output(json!({ "title": text(), "text": text() })),
    )
}

pub(crate) fn translate() -> Card {
    card(
        "translate",
        ["Translates a text.", "A reader does not know the language of a text.", "text"],
        object(json!({
            "text": text(),
            "target_language": { "type": "string", "description": "ISO 639-1 code such as `de`" },
            "source_language?": { "type": "string", "description": "ISO 639-1 code" },
        })),
        output(json!({ "translation": text(), "source_language": text() })),
    )
}

fn research() -> Card {
    card(
        "research",
        ["Finds out about a topic on the web and reports with its sources.", "", "knowledge"],
        object(json!({ "query": text(), "depth?": { "type": "integer" } })),
        output(json!({ "findings": text(), "sources": { "type": "array", "items": text() } })),
    )
}

fn review() -> Card {
    card(
        "review",
        [
            "Reviews the style and the spelling of a text.",
            "A text is finished and nobody else has read it.",
            "text",
        ],
        object(json!({ "text": text() })),
        output(
            json!({ "comments": { "type": "array", "items": text() }, "verdict": { "enum": ["good", "bad"] } }),
        ),
    )
}

fn quote() -> Card {
    card(
        "quote",
        ["Gives the price of an order.", "You want to know what something costs.", "sales"],
        object(json!({ "items": items() })),
        output(json!({ "total": { "type": "number" }, "currency": text(), "valid_until": text() })),
    )
}

fn invoice() -> Card {
    card(
        "invoice",
        ["Writes an invoice.", "Something was ordered at a price that was agreed.", "sales"],
        object(json!({
            "customer": text(), "items": items(), "total": { "type": "number" }, "currency": text(),
        })),
        output(json!({ "number": text(), "document": text() })),
    )
}

fn items() -> serde_json::Value {
    json!({ "type": "array", "items": object(json!({ "sku": text(), "count": { "type": "integer" } })) })
}

fn image() -> Card {
    card(
        "illustrate",
        ["Makes a picture from a description.", "", "image"],
        object(json!({ "prompt": text(), "style?": { "enum": ["photo", "sketch", "watercolor"] } })),
        output(json!({ "url": text(), "width": { "type": "integer" } })),
    )
}

fn transcribe() -> Card {
    card(
        "transcribe",
        ["Turns a recording into text.", "", "audio"],
        object(json!({ "audio": { "type": "string", "contentEncoding": "base64" } })),
        output(json!({ "transcript": text(), "seconds": { "type": "number" } })),
    )
}

/// Its name has no known meaning.
fn sentiment() -> Card {
    card(
        "feel-o-meter",
        ["Judges the sentiment (mood) of a message: from hostile to friendly.", "", "text"],
        object(json!({ "message": text() })),
        output(json!({ "score": { "type": "number" }, "label": text() })),
    )
}

/// A skill with Chinese texts.
fn contract() -> Card {
    card(
        "hetong",
        ["审查合同条款，指出风险。", "签合同之前", "法律"],
        object(json!({ "content": text() })),
        output(json!({ "report": text() })),
    )
}

fn weather() -> Card {
    card(
        "weather",
        ["The forecast for a city, up to seven days.", "", "weather"],
        object(json!({ "city": text(), "days?": { "type": "integer" } })),
        output(json!({ "forecast": text(), "rain": { "type": "boolean" } })),
    )
}
