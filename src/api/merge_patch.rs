//! The merge patch (RFC 7386) that turns one JSON object into another: changed keys, and null for
//! removed keys. A status written this way keeps fields of a newer operator that this one does not
//! decode.

use serde_json::{Map, Value};

/// The merge patch from `old` to `new`; none if they are equal.
///
/// Objects are compared key by key; everything else (lists too) is replaced as a whole. A merge
/// patch cannot set a key to null, so a key whose new value is null counts as left out.
pub fn merge_patch(old: &Value, new: &Value) -> Option<Value> {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => of_objects(old, new).map(Value::Object),
        _ => (old != new).then(|| new.clone()),
    }
}

fn of_objects(old: &Map<String, Value>, new: &Map<String, Value>) -> Option<Map<String, Value>> {
    let is_there =
        |object: &Map<String, Value>, key: &String| object.get(key).is_some_and(|v| !v.is_null());
    let gone = old
        .keys()
        .filter(|key| is_there(old, key) && !is_there(new, key));
    let mut patch: Map<String, Value> = gone.map(|key| (key.clone(), Value::Null)).collect();
    for (key, value) in new.iter().filter(|(_, value)| !value.is_null()) {
        let before = old.get(key).unwrap_or(&Value::Null);
        if let Some(change) = merge_patch(before, value) {
            patch.insert(key.clone(), change);
        }
    }
    (!patch.is_empty()).then_some(patch)
}

/// Applies a merge patch: RFC 7386, section 2.
#[cfg(any(test, feature = "properties"))]
pub(crate) fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(object) = target.as_object_mut() else {
        return;
    };
    for (key, change) in patch {
        if change.is_null() {
            object.remove(key);
        } else {
            apply(object.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_objects_need_no_patch() {
        let status = json!({"a": {"b": [1, 2]}, "c": null});
        assert_eq!(merge_patch(&status, &status), None);
        assert_eq!(merge_patch(&json!({"a": null}), &json!({})), None);
        assert_eq!(merge_patch(&json!({}), &json!({"a": null})), None);
    }

    #[test]
    fn only_what_changed_is_sent() {
        let old =
            json!({"same": 1, "deep": {"same": 1, "new": 1}, "gone": {"x": 1}, "list": [1, 2]});
        let new = json!({"same": 1, "deep": {"same": 1, "new": 2}, "list": [1], "added": {"y": 1}});
        assert_eq!(
            merge_patch(&old, &new),
            Some(json!({"deep": {"new": 2}, "gone": null, "list": [1], "added": {"y": 1}}))
        );
    }

    #[test]
    fn applying_it_gives_the_new_object() {
        let values = [
            json!({}),
            json!({"a": 1}),
            json!({"a": {"b": 1, "c": {"d": []}}}),
            json!({"a": {"c": {"d": [1, {"e": null}]}}, "f": "g"}),
            json!({"a": "text", "f": {"deep": {"er": true}}}),
            json!({"a": [], "f": {}}),
        ];
        for old in &values {
            for new in &values {
                let mut patched = old.clone();
                if let Some(patch) = merge_patch(old, new) {
                    apply(&mut patched, &patch);
                }
                assert_eq!(&patched, new, "from {old}");
            }
        }
    }

    #[test]
    fn foreign_fields_survive() {
        let old = json!({"intent": {"attempt": 1, "name": "n"}, "groupID": "g"});
        let new = json!({"intent": {"attempt": 2, "name": "n"}});
        let mut stored = json!({"intent": {"attempt": 1, "name": "n", "future": 1}, "groupID": "g", "later": [1]});
        apply(&mut stored, &merge_patch(&old, &new).unwrap());
        assert_eq!(
            stored,
            json!({"intent": {"attempt": 2, "name": "n", "future": 1}, "later": [1]})
        );
    }
}
