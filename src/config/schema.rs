//! The JSON schema of tenants files in JSON, from the decoder's own table.

use serde_json::{Map, Value, json};

use super::table::{ADMIN, Argument, Block, CLUSTER, DEFAULTS, Form, HANDOVER, TENANT, TENANTCTL};

/// The schema, in the dialect of <https://json-schema.org/draft/2020-12/schema>.
pub fn schema() -> Value {
    let labelled = |name: &str, description: &str| {
        json!({
            "description": description,
            "type": "object",
            "additionalProperties": { "$ref": format!("#/$defs/{name}") },
        })
    };
    let mut client = object(&TENANT);
    client["properties"]["name"] = json!({ "description": "The tenant's name.", "type": "string" });
    client["required"] = json!(["name"]);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tenants file of tenantctl, in JSON",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "$schema": { "description": "For editors: where this schema is.", "type": "string" },
            "tenantctl": { "$ref": "#/$defs/tenantctl" },
            "cluster": labelled("cluster", "The clusters that hold the tenants, by name."),
            "defaults": { "$ref": "#/$defs/defaults" },
            "tenant": labelled("tenant", "The tenants, by name."),
            "clients": {
                "description": "The tenants, as a list.",
                "type": "array",
                "items": { "$ref": "#/$defs/client" },
            },
        },
        "$defs": {
            "tenantctl": object(&TENANTCTL),
            "cluster": object(&CLUSTER),
            "admin": object(&ADMIN),
            "defaults": object(&DEFAULTS),
            "tenant": object(&TENANT),
            "client": client,
            "handover": object(&HANDOVER),
        },
    })
}

fn object(block: &Block) -> Value {
    let properties: Map<String, Value> = block
        .arguments
        .iter()
        .map(|argument| (argument.name.to_owned(), property(argument)))
        .collect();
    let required: Vec<&str> = block
        .arguments
        .iter()
        .filter(|argument| argument.default.is_none())
        .map(|argument| argument.name)
        .collect();
    let mut object = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn property(argument: &Argument) -> Value {
    let mut property = form(argument.form);
    property["description"] = json!(argument.meaning.replace('`', ""));
    // A default that is a value stands in backquotes; any other is a sentence.
    let literal = argument
        .default
        .and_then(|default| default.strip_prefix('`')?.strip_suffix('`'));
    if let Some(default) = literal.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        property["default"] = default;
    }
    property
}

/// What a value looks like. `null` is as good as absent everywhere.
fn form(form: Form) -> Value {
    match form {
        Form::Text | Form::Template => json!({ "type": ["string", "null"] }),
        Form::Words(words) => {
            let words: Vec<Value> = words
                .iter()
                .map(|word| json!(word))
                .chain([Value::Null])
                .collect();
            json!({ "enum": words })
        }
        Form::Bool => json!({ "type": ["boolean", "null"] }),
        Form::Number => json!({ "type": ["integer", "null"], "minimum": -1, "maximum": i32::MAX }),
        Form::Texts => json!({ "type": ["array", "null"], "items": { "type": "string" } }),
        Form::Switches => json!({
            "type": ["array", "object", "null"],
            "items": { "type": "string" },
            "additionalProperties": { "type": "boolean" },
        }),
        Form::Scalars => json!({
            "type": ["object", "null"],
            "additionalProperties": { "type": ["string", "number", "boolean"] },
        }),
        Form::Nested(block) => {
            json!({ "anyOf": [{ "$ref": format!("#/$defs/{}", block.name) }, { "type": "null" }] })
        }
        Form::Type | Form::Any | Form::Elements => json!({}),
    }
}
