//! Shows objects oddly in answers.

use serde_json::Value;

use super::Tenant;
use crate::odd::Odd;

impl Tenant {
    /// Shows the object of that id oddly from now on, in lists and alone.
    pub fn show_oddly(&mut self, id: &str, odd: Odd) {
        self.odd.insert(id.to_owned(), odd);
    }

    /// Shows the object of that id as it is again; false if it was not odd.
    pub fn show_plainly(&mut self, id: &str) -> bool {
        self.odd.remove(id).is_some()
    }

    /// Makes the odd objects in an answer odd.
    pub(crate) fn distort(&self, answer: &mut Value) {
        match answer {
            _ if self.odd.is_empty() => {}
            Value::Array(rows) => rows.iter_mut().for_each(|row| self.distort_one(row)),
            one => self.distort_one(one),
        }
    }

    fn distort_one(&self, shown: &mut Value) {
        let id = shown.get("id").and_then(Value::as_str);
        let odd = id.and_then(|id| self.odd.get(id));
        if let (Some(odd), Some(shown)) = (odd, shown.as_object_mut()) {
            shown.extend(odd.set.clone());
            shown.retain(|field, _| !odd.leave_out.contains(field));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{A, B, Bench, GROUPS, STRONG, group, value};

    fn odd(set: &Value, leave_out: &[&str]) -> Odd {
        serde_json::from_value(json!({"set": set, "leaveOut": leave_out})).unwrap()
    }

    #[test]
    fn a_group_can_lack_its_name_or_hold_an_empty_source_id() {
        let mut bench = Bench::new();
        let path = bench.group("x", &[A, B]);
        let id = path.rsplit_once('/').unwrap().1.to_owned();
        bench.tenant.show_oddly(&id, odd(&json!({}), &["name"]));
        assert_eq!(bench.get(GROUPS)[0].get("name"), None);
        assert_eq!(bench.get(&path).get("name"), None);
        bench
            .tenant
            .show_oddly(&id, odd(&json!({"sourceIds": [""]}), &[]));
        assert_eq!(bench.get(GROUPS)[0]["sourceIds"], json!([""]));
        // The group holds its sources all the same.
        assert_eq!(bench.post_group(&group("y", &[A, B])).status, 400);
        let put = value(&bench.send("PUT", &path, &group("z", &[A, B])));
        assert_eq!(
            (&put["name"], &put["sourceIds"]),
            (&json!("z"), &json!([""]))
        );
        assert!(bench.tenant.show_plainly(&id) && !bench.tenant.show_plainly(&id));
        assert_eq!(bench.get(&path)["sourceIds"], json!([A, B]));
    }

    #[test]
    fn a_policy_can_lack_its_name_or_have_a_number_as_its_id() {
        let mut bench = Bench::new();
        let path = format!("/v3/password-policies/{STRONG}");
        let set = json!({"name": null, "id": 7});
        bench.tenant.show_oddly(STRONG, odd(&set, &[]));
        for shown in [
            bench.get("/v3/password-policies")[0].clone(),
            bench.get(&path),
        ] {
            assert_eq!((&shown["id"], &shown["name"]), (&json!(7), &Value::Null));
        }
        assert_eq!(bench.get("/v3/password-policies")[1]["name"], "Default");
    }

    #[test]
    fn one_source_can_lack_its_connection_type() {
        let mut bench = Bench::new();
        bench
            .tenant
            .show_oddly(B, odd(&json!({}), &["connectionType"]));
        let list = bench.get("/v3/sources");
        assert_eq!(list[0]["connectionType"], "direct");
        assert_eq!(list[1].get("connectionType"), None);
    }
}
