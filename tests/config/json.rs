//! Tenants files in JSON, and the schema of them.

use serde_json::{Value, json};
use tenantctl::config::{self, Config, Loaded};
use tenantctl::desired::lint;
use tenantctl::diag::Style;

fn load(text: &str) -> Loaded {
    config::load_texts(&[("tenants.hcl.json", text)], &[], &[])
}

fn report(loaded: &Loaded) -> String {
    lint::validate(loaded).render(&loaded.sources, Style::default())
}

fn meaning(loaded: &Loaded) -> Config {
    let Some(config) = loaded.config() else {
        panic!("{}", report(loaded));
    };
    config.clone().without_spans()
}

#[test]
fn json_means_the_same_as_hcl() {
    let text = r#"{
  "$schema": "./tenants.schema.json",
  "tenantctl": { "workspace": "prod" },
  "cluster":
  {
    "main": { "identifier": "prod-tenants", "admin": { "auth": "iam" } }
  },
  "defaults": { "connection_limit": -1 },
  "tenant": {
    "client01": { "databases": { "db1": true, "db-2": false }, "allowed_ips": ["203.0.113.7/32"] }
  },
  "clients": [
    { "name": "client02", "databases": ["db1"], "rds_iam_auth": false, "settings": { "app.x": "{[\"\n" , "app.y": null } }
  ]
}
"#
    .replace("{[\\\"\n", "{[\\\"\\n")
    .replace(" , \"app.y\": null", "");
    let hcl = r#"
tenantctl { workspace = "prod" }
cluster "main" {
  identifier = "prod-tenants"
  admin { auth = "iam" }
}
defaults { connection_limit = -1 }
tenant "client01" {
  databases   = { db1 = true, db-2 = false }
  allowed_ips = ["203.0.113.7/32"]
}
tenant "client02" {
  databases    = ["db1"]
  rds_iam_auth = false
  settings     = { "app.x" = "{[\"\n" }
}
"#;
    assert_eq!(meaning(&load(&text)), meaning(&crate::load(hcl)));
    // A variable file may be JSON too, as Terraform's *.tfvars.json.
    let variables = r#"{ "clients": [{ "name": "a", "rds_iam_auth": false }], "x": 1 }"#;
    let loaded = config::load_texts(&[], &[("prod.tfvars.json", variables)], &[]);
    assert_eq!(meaning(&loaded).tenants.len(), 1);
}

#[test]
fn mistakes_in_json_have_their_place() {
    let text = "{\n  \"cluster\": { \"main\": { \"identifer\": \"x\" } },\n  \"tenant\": {\n    \"a\": { \"rds_iam_auth\": \
                \"false\" },\n    \"b\": 7\n  },\n  \"naming\": {},\n  \"clients\": [{ \"databases\": [] }],\n  \"tenant\": {}\n}\n";
    insta::assert_snapshot!(report(&load(text)));
    for (text, place) in [
        ("{ \"a\": 1, }", "tenants.hcl.json:1:11"),
        ("[1]", "tenants.hcl.json:1:1"),
        ("", "tenants.hcl.json:1:1"),
        ("{ // comment\n}", "tenants.hcl.json:1:3"),
        ("{\n  \"a\": .5\n}", "tenants.hcl.json:2:8"),
        ("\"}{\"", "tenants.hcl.json:1:1"),
    ] {
        let shown = report(&load(text));
        assert!(
            shown.contains("error[syntax]") && shown.contains(place),
            "{text}: {shown}"
        );
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a value is what a schema describes; of what the dialect has, the part that ours uses.
fn check(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let fail = |why: &str| Err(format!("{why}: {value} against {schema}"));
    for (word, rule) in schema.as_object().expect("a schema is an object") {
        let is_fine = match (word.as_str(), value) {
            ("$ref", _) => {
                let path = rule.as_str().expect("a path").trim_start_matches('#');
                check(root, root.pointer(path).expect("it is there"), value)?;
                true
            }
            ("anyOf", _) => rule
                .as_array()
                .expect("schemas")
                .iter()
                .any(|one| check(root, one, value).is_ok()),
            ("enum", _) => rule.as_array().expect("values").contains(value),
            ("type", _) => {
                let is = |rule: &Value| {
                    rule == type_of(value) || (rule == "number" && type_of(value) == "integer")
                };
                is(rule) || rule.as_array().is_some_and(|rules| rules.iter().any(is))
            }
            ("minimum", Value::Number(number)) => number.as_i64() >= rule.as_i64(),
            ("maximum", Value::Number(number)) => number.as_i64() <= rule.as_i64(),
            ("maxProperties", Value::Object(entries)) => Some(entries.len() as u64) <= rule.as_u64(),
            ("required", Value::Object(entries)) => {
                let names = rule.as_array().expect("names");
                names
                    .iter()
                    .all(|name| entries.contains_key(name.as_str().expect("a name")))
            }
            ("items", Value::Array(items)) => {
                for item in items {
                    check(root, rule, item)?;
                }
                true
            }
            ("properties", Value::Object(entries)) => {
                for (name, value) in entries {
                    if let Some(rule) = rule.get(name) {
                        check(root, rule, value)?;
                    }
                }
                true
            }
            ("additionalProperties", Value::Object(entries)) => {
                for (name, value) in entries {
                    let is_known = schema
                        .get("properties")
                        .is_some_and(|known| known.get(name).is_some());
                    match rule {
                        _ if is_known => {}
                        Value::Bool(false) => return fail(&format!("{name} is unknown")),
                        _ => check(root, rule, value)?,
                    }
                }
                true
            }
            (
                "minimum"
                | "maximum"
                | "maxProperties"
                | "required"
                | "items"
                | "properties"
                | "additionalProperties"
                | "description"
                | "default"
                | "title"
                | "$schema"
                | "$defs",
                _,
            ) => true,
            _ => panic!("the schema has {word}"),
        };
        if !is_fine {
            return fail(word);
        }
    }
    Ok(())
}

/// Every example, turned into JSON, fits the schema; where nothing but data is in it, it loads as the same.
#[test]
fn the_examples_fit_the_schema() {
    let schema = config::schema();
    let mut same = 0;
    for directory in std::fs::read_dir("examples").expect("examples") {
        let directory = directory.expect("a directory").path();
        for file in std::fs::read_dir(&directory).into_iter().flatten() {
            let path = file.expect("a file").path();
            if !path
                .extension()
                .is_some_and(|extension| extension == "hcl" || extension == "tfvars")
            {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("text");
            let mut document: Value = hcl::from_str(&text).expect("HCL");
            let entries = document.as_object_mut().expect("an object");
            let before = entries.len();
            for elsewhere in ["naming", "variable", "locals"] {
                entries.remove(elsewhere);
            }
            let is_data = before == entries.len() && !text.contains("var.") && !text.contains("local.");
            if is_data {
                check(&schema, &schema, &document).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
                same += 1;
                assert_eq!(
                    meaning(&load(&document.to_string())),
                    meaning(&crate::load(&text)),
                    "{}",
                    path.display()
                );
            }
        }
    }
    assert!(same >= 4, "{same} examples were compared");
}

#[test]
fn the_schema_refuses_what_the_decoder_refuses() {
    let schema = config::schema();
    let is_fine = |document: &Value| check(&schema, &schema, document).is_ok();
    assert!(is_fine(
        &json!({ "tenant": { "a": { "databases": { "x": true }, "connection_limit": -1, "state": null } } })
    ));
    for document in [
        json!({ "tenants": {} }),
        json!({ "cluster": { "main": {} } }),
        json!({ "tenant": { "a": { "databses": [] } } }),
        json!({ "tenant": { "a": { "state": "actve" } } }),
        json!({ "tenant": { "a": { "rds_iam_auth": "true" } } }),
        json!({ "tenant": { "a": { "connection_limit": -2 } } }),
        json!({ "tenant": { "a": { "allowed_ips": "203.0.113.7/32" } } }),
        json!({ "tenant": { "a": { "handover": {} } } }),
        json!({ "clients": [{ "databases": [] }] }),
    ] {
        assert!(!is_fine(&document), "{document}");
        assert!(load(&document.to_string()).config().is_none(), "{document}");
    }
}
