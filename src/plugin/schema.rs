//! Whether an API server would accept a manifest, judged here by the schema and the CEL rules of
//! the kind, in the API server's words. Pure.

mod structure;

use kube_cel::{CompiledSchema, ValidationErrors, Validator, compile_schema};
use psg_api::crds;
use serde_json::Value;

/// What the API server says if an invalid structure prevents the evaluation of the rules.
const UNCHECKED: &str = "some validation rules were not checked because the object was invalid; correct the \
                         existing errors to complete validation";

/// The schema of PasswordSyncGroups, with its rules compiled.
pub struct Schema {
    whole: Value,
    rules: CompiledSchema,
    validator: Validator,
}

impl Schema {
    /// The schema of the API version that this program knows.
    pub fn of_groups() -> Self {
        let [_, groups] = crds::all();
        let mut versions = groups.spec.versions.into_iter();
        let schema = versions.next().and_then(|version| version.schema);
        let whole = schema.and_then(|schema| schema.open_api_v3_schema);
        let whole = serde_json::to_value(whole).unwrap_or_default();
        Self {
            rules: compile_schema(&whole),
            whole,
            validator: Validator::new(),
        }
    }

    /// Everything that an API server would object to when `object` is applied; `was` is the
    /// resource that it replaces. Empty if the object would be stored.
    pub fn objections(&self, object: &Value, was: Option<&Value>) -> Vec<String> {
        let faults = structure::faults(&self.whole, object);
        let mut said: Vec<String> = faults.iter().map(|fault| fault.said.clone()).collect();
        if faults.iter().any(|fault| fault.blocks) {
            said.push(UNCHECKED.to_owned());
            return said;
        }
        let broken = self.validator.validate_compiled(&self.rules, object, was);
        let broken = broken
            .err()
            .into_iter()
            .flat_map(ValidationErrors::into_vec);
        said.extend(broken.map(|rule| {
            let why = &rule.message;
            // A rule with a `fieldPath` belongs to a parent of that field, whose value is not
            // shown.
            if let Some(path) = rule.field_path.strip_prefix('.') {
                return format!("{path}: Invalid value: {why}");
            }
            let path = &rule.field_path;
            match at(object, path) {
                Some(value) if !value.is_object() && !value.is_array() => {
                    format!("{path}: Invalid value: {value}: {why}")
                }
                _ => format!("{path}: Invalid value: {why}"),
            }
        }));
        said
    }
}

/// The value at a path such as `spec.sourceRefs[1].name`.
fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
    steps
        .into_iter()
        .try_fold(object, |value, step| match value {
            Value::Array(entries) => entries.get(step.parse::<usize>().ok()?),
            _ => value.get(step),
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut object = json!({
            "apiVersion": "passwordsync.dev/v1alpha1",
            "kind": "PasswordSyncGroup",
            "metadata": {"name": "a"},
            "spec": {
                "name": "A",
                "passwordPolicyRef": {"name": "P"},
                "sourceRefs": [{"name": "One"}, {"name": "Two"}],
            },
        });
        change(&mut object);
        Schema::of_groups().objections(&object, None)
    }

    #[test]
    fn a_good_manifest_is_taken() {
        assert_eq!(said(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn a_broken_rule_is_said_with_the_field_and_the_remedy() {
        let two = said(|object| {
            object["spec"]["sourceRefs"] = json!([{"name": "One"}]);
            object["spec"]["name"] = json!(" ");
        });
        assert_eq!(two.len(), 2, "{two:?}");
        assert!(
            two.contains(
                &"spec.sourceRefs: Invalid value: sourceRefs has fewer than two sources: passwords are \
                  synchronised between two or more; add one, or delete this resource"
                    .to_owned()
            ),
            "{two:?}"
        );
    }

    #[test]
    fn a_broken_structure_keeps_the_rules_from_being_asked() {
        let said = said(|object| {
            object["spec"]["deletionPolicy"] = json!("Keep");
            object["spec"]["sourceRefs"] = json!([]);
        });
        let policy = "spec.deletionPolicy: Unsupported value: \"Keep\": supported values: \"Delete\", \"Orphan\"";
        assert_eq!(said, [policy, UNCHECKED]);
    }

    #[test]
    fn what_replaces_another_is_held_to_the_rules_of_changes() {
        let at = |tenant: &str| {
            json!({
                "spec": {
                    "name": "A",
                    "tenantRef": {"name": tenant},
                    "passwordPolicyRef": {"name": "P"},
                    "sourceRefs": [{"name": "One"}, {"name": "Two"}],
                },
            })
        };
        let said = Schema::of_groups().objections(&at("b"), Some(&at("a")));
        assert_eq!(said.len(), 1);
        assert!(
            said[0].starts_with(
                "spec.tenantRef: Invalid value: tenantRef is immutable: it is a, asked for b"
            ),
            "{said:?}"
        );
    }

    #[test]
    fn the_group_of_a_resource_that_manages_one_may_not_be_another() {
        let with = |group: &str, status: Value| {
            json!({
                "spec": {
                    "name": "A",
                    "groupID": group,
                    "passwordPolicyRef": {"name": "P"},
                    "sourceRefs": [{"name": "One"}, {"name": "Two"}],
                },
                "status": status,
            })
        };
        let mut asked = with("b", Value::Null);
        asked.as_object_mut().unwrap().remove("status");
        let managed = with("a", json!({"groupID": "a"}));
        let said = Schema::of_groups().objections(&asked, Some(&managed));
        assert_eq!(said.len(), 1, "{said:?}");
        let expected =
            "spec.groupID: Invalid value: groupID may not change while a group is managed";
        assert!(said[0].starts_with(expected), "{said:?}");
        let unmanaged = with("a", json!({}));
        let said = Schema::of_groups().objections(&asked, Some(&unmanaged));
        assert_eq!(said, Vec::<String>::new());
    }
}
