//! What is wrong with the structure of an object by its schema: types, required fields, enums,
//! lengths, and fields that the schema does not know. Pure.

use serde_json::{Map, Value};

/// One field that is wrong.
pub struct Fault {
    /// In the API server's words.
    pub said: String,
    /// Whether it keeps the API server from evaluating the CEL rules.
    pub blocks: bool,
}

/// The fields that every kind has, and that a kind's own schema does not describe.
const OF_EVERY_KIND: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Everything that is wrong, in the order of the fields' names.
pub fn faults(schema: &Value, object: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    look(schema, object, "", &mut faults);
    faults
}

fn look(schema: &Value, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let wanted = schema["type"].as_str().unwrap_or("object");
    let given = kind(value);
    let fits = given == wanted || (given == "integer" && wanted == "number");
    if !fits {
        let said = format!(
            "Invalid value: \"{given}\": {path} in body must be of type {wanted}: \"{given}\""
        );
        faults.push(fault(path, &said, true));
        return;
    }
    match value {
        Value::Object(fields) => look_at_fields(schema, fields, path, faults),
        Value::Array(entries) => {
            if let Some(most) = schema["maxItems"].as_u64()
                && entries.len() as u64 > most
            {
                let said = format!(
                    "Too many: {}: must have at most {most} items",
                    entries.len()
                );
                faults.push(fault(path, &said, true));
            }
            for (number, entry) in entries.iter().enumerate() {
                look(
                    &schema["items"],
                    entry,
                    &format!("{path}[{number}]"),
                    faults,
                );
            }
        }
        Value::String(text) => look_at_text(schema, text, path, faults),
        _ => {}
    }
}

fn look_at_fields(
    schema: &Value,
    fields: &Map<String, Value>,
    path: &str,
    faults: &mut Vec<Fault>,
) {
    let at = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    let required = schema["required"].as_array().into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            faults.push(fault(&at(name), "Required value", true));
        }
    }
    let own = |name: &str| !path.is_empty() || !OF_EVERY_KIND.contains(&name);
    for (name, value) in fields.iter().filter(|(name, _)| own(name)) {
        let known = schema["properties"].get(name);
        let any = schema["additionalProperties"].as_object();
        match (known, any) {
            (Some(known), _) => look(known, value, &at(name), faults),
            (None, Some(_)) => look(&schema["additionalProperties"], value, &at(name), faults),
            (None, None) => faults.push(Fault {
                said: format!("strict decoding error: unknown field \"{}\"", at(name)),
                blocks: true,
            }),
        }
    }
}

fn look_at_text(schema: &Value, text: &str, path: &str, faults: &mut Vec<Fault>) {
    if let Some(words) = schema["enum"].as_array()
        && !words.iter().any(|word| word == text)
    {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let said = format!(
            "Unsupported value: {}: supported values: {}",
            Value::from(text),
            words.join(", ")
        );
        faults.push(fault(path, &said, true));
    }
    let count = text.chars().count() as u64;
    if let Some(most) = schema["maxLength"].as_u64()
        && count > most
    {
        let said = format!("Too long: may not be more than {most} bytes");
        faults.push(fault(path, &said, true));
    }
    if let Some(least) = schema["minLength"].as_u64()
        && count < least
    {
        let value = Value::from(text);
        let said =
            format!("Invalid value: {value}: {path} in body should be at least {least} chars long");
        faults.push(fault(path, &said, false));
    }
}

fn fault(path: &str, said: &str, blocks: bool) -> Fault {
    Fault {
        said: format!("{path}: {said}"),
        blocks,
    }
}

/// The type of a value, as schemas call it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
