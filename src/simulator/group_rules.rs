//! The rules that a group must meet before it is stored. No IO, no change of the state: it refuses
//! a group, or returns it tidied up.
//!
//! A refusal has all complaints at once, each in its own message.

use std::collections::BTreeSet;

use crate::{
    errors::Refusal,
    model::{Group, Source},
    state::State,
    switches::{
        DuplicateName, NameRule, SourceIds, SourceInTwoGroups, SourceWithExceptions, Switches,
        TooFewSources, UnfitSource, UnknownReference,
    },
};

const LONGEST_NAME: usize = 128;

/// The group as it will be stored, or why it is refused.
pub(crate) fn checked(
    mut group: Group,
    state: &State,
    switches: &Switches,
) -> Result<Group, Refusal> {
    let mut complaints = Vec::new();
    tidy(&mut group, switches);
    name(&group, state, switches, &mut complaints);
    count(&group, switches, &mut complaints);
    let missing = references(&group, state, switches, &mut complaints);
    for source in group
        .source_ids
        .iter()
        .filter_map(|id| state.sources.find(id))
    {
        fitness(source, state, switches, &mut complaints);
        membership(source, &group, state, switches, &mut complaints);
    }
    match missing {
        _ if !complaints.is_empty() => Err(Refusal {
            status: 400,
            texts: complaints,
            retry_after: None,
        }),
        Some(id) => Err(Refusal::not_found(&id)),
        None => Ok(group),
    }
}

fn tidy(group: &mut Group, switches: &Switches) {
    if switches.name_rule == NameRule::Trim {
        group.name = group.name.trim().to_owned();
    }
    if switches.source_ids != SourceIds::Keep {
        let mut seen = BTreeSet::new();
        group.source_ids.retain(|id| seen.insert(id.clone()));
    }
    if switches.source_ids == SourceIds::Sort {
        group.source_ids.sort();
    }
}

fn name(group: &Group, state: &State, switches: &Switches, complaints: &mut Vec<String>) {
    if switches.name_rule != NameRule::Unchecked {
        if group.name.trim().is_empty() {
            complaints.push("name must not be empty".to_owned());
        } else if group.name.chars().count() > LONGEST_NAME {
            complaints.push(format!(
                "name must not be longer than {LONGEST_NAME} characters"
            ));
        }
    }
    let mut others = state
        .groups_named(&group.name)
        .filter(|other| other.id != group.id);
    let taken = match switches.duplicate_name {
        DuplicateName::Allow => false,
        DuplicateName::Refuse => others.any(|other| other.name == group.name),
        DuplicateName::RefuseIgnoringCase => others.next().is_some(),
    };
    if taken {
        complaints.push(format!(
            "A password sync group named \"{}\" exists already",
            group.name
        ));
    }
}

fn count(group: &Group, switches: &Switches, complaints: &mut Vec<String>) {
    let distinct = group.source_ids.iter().collect::<BTreeSet<_>>().len();
    let (least, text) = match switches.too_few_sources {
        TooFewSources::Refuse => (2, "at least two sources"),
        TooFewSources::AllowOne => (1, "at least one source"),
        TooFewSources::AllowNone => (0, ""),
    };
    if distinct < least {
        complaints.push(format!(
            "A password sync group needs {text}, got {distinct}"
        ));
    }
}

/// Complains about ids that do not exist, or returns the first one for a 404.
fn references(
    group: &Group,
    state: &State,
    switches: &Switches,
    complaints: &mut Vec<String>,
) -> Option<String> {
    if switches.unknown_reference == UnknownReference::Accept {
        return None;
    }
    let Some(policy) = &group.password_policy_id else {
        complaints.push("passwordPolicyId is required".to_owned());
        return None;
    };
    let policy = state
        .policies
        .find(policy)
        .is_none()
        .then_some(("passwordPolicyId", policy));
    let sources = group
        .source_ids
        .iter()
        .filter(|id| state.sources.find(id).is_none());
    let mut missing = policy
        .into_iter()
        .chain(sources.map(|id| ("sourceIds", id)));
    if switches.unknown_reference == UnknownReference::NotFound {
        return missing.next().map(|(_, id)| id.clone());
    }
    complaints.extend(missing.map(|(field, id)| format!("{field}: \"{id}\" does not exist")));
    None
}

fn fitness(source: &Source, state: &State, switches: &Switches, complaints: &mut Vec<String>) {
    let exceptions = source
        .holders
        .iter()
        .any(|holder| holder.selectors.is_some());
    if exceptions && switches.source_with_exceptions == SourceWithExceptions::Refuse {
        complaints.push(format!(
            "Source \"{}\" has password policy exceptions, which a sync group cannot use",
            source.name
        ));
    }
    if switches.unfit_source == UnfitSource::Accept {
        return;
    }
    if source.connection_type.as_deref() != Some("direct") {
        complaints.push(format!(
            "Source \"{}\" is not a direct connect source",
            source.name
        ));
    }
    if !source.has("PASSWORD") {
        complaints.push(format!(
            "Source \"{}\" does not support password management",
            source.name
        ));
    }
    if source.has("AUTHENTICATE") && state.apps_of(&source.id).next().is_none() {
        complaints.push(format!(
            "Authentication source \"{}\" needs an application",
            source.name
        ));
    }
}

fn membership(
    source: &Source,
    group: &Group,
    state: &State,
    switches: &Switches,
    complaints: &mut Vec<String>,
) {
    if switches.source_in_two_groups != SourceInTwoGroups::Refuse {
        return;
    }
    if let Some(other) = state
        .groups_of(&source.id)
        .find(|other| other.id != group.id)
    {
        complaints.push(format!(
            "Source \"{}\" is in password sync group \"{}\" already",
            source.name, other.name
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{A, B, Bench, C, FEED, GROUPS, STRONG, group, value};

    /// The status of a POST, under some switches, after group `x` of sources A and B was made.
    fn status(patch: Value, body: &Value) -> u16 {
        let mut bench = Bench::with(patch);
        bench.group("x", &[A, B]);
        bench.post_group(body).status
    }

    #[test]
    fn row_1_a_name_twice() {
        let post = |setting: &str, name: &str| {
            let mut bench =
                Bench::with(json!({"duplicate_name": setting, "source_in_two_groups": "allow"}));
            bench.group("x", &[A, B]);
            bench.post_group(&group(name, &[A, B])).status
        };
        assert_eq!(
            [post("allow", "x"), post("refuse", "x"), post("refuse", "X")],
            [200, 400, 200]
        );
        assert_eq!(post("refuse_ignoring_case", "X"), 400);
        let mut bench = Bench::with(json!({"duplicate_name": "refuse"}));
        let path = bench.group("x", &[A, B]);
        assert_eq!(bench.send("PUT", &path, &group("x", &[A, B])).status, 200);
    }

    #[test]
    fn row_2_a_source_in_two_groups() {
        let body = group("y", &[B, C]);
        assert_eq!(status(json!({}), &body), 400);
        assert_eq!(status(json!({"source_in_two_groups": "allow"}), &body), 200);
        let mut bench = Bench::with(json!({"source_in_two_groups": "move"}));
        let old = bench.group("x", &[A, B]);
        bench.group("y", &[B, C]);
        assert_eq!(bench.get(&old)["sourceIds"], json!([A]));
    }

    #[test]
    fn row_3_too_few_sources() {
        let (none, one) = (group("y", &[]), group("y", &[C]));
        let both = |setting: &str| {
            let patch = json!({"too_few_sources": setting});
            [status(patch.clone(), &none), status(patch, &one)]
        };
        assert_eq!(both("refuse"), [400, 400]);
        assert_eq!(both("allow_one"), [400, 200]);
        assert_eq!(both("allow_none"), [200, 200]);
        let twice = group("y", &[C, C]);
        assert_eq!(status(json!({"source_ids": "keep"}), &twice), 400);
    }

    #[test]
    fn row_4_ids_that_do_not_exist() {
        let mut bad_policy = group("y", &[A, B]);
        bad_policy["passwordPolicyId"] = json!("0");
        for body in [group("y", &[A, "0"]), bad_policy] {
            let post = |setting: &str| {
                Bench::with(json!({"unknown_reference": setting}))
                    .post_group(&body)
                    .status
            };
            assert_eq!(
                ["bad_request", "not_found", "accept"].map(post),
                [400, 404, 200]
            );
        }
    }

    #[test]
    fn row_5_sources_that_are_not_fit() {
        let mut bench = Bench::new();
        let answer = bench.post_group(&group("y", &[A, FEED]));
        let text = value(&answer).to_string();
        assert!(text.contains("is not a direct connect source"), "{text}");
        assert!(
            text.contains("does not support password management"),
            "{text}"
        );
        let app = bench.tenant.state().apps_of(A).next().unwrap().id.clone();
        bench.tenant.state_mut().remove_app(&app, bench.now);
        let text = value(&bench.post_group(&group("y", &[A, B]))).to_string();
        assert!(text.contains("needs an application"), "{text}");
        assert_eq!(
            status(json!({"unfit_source": "accept"}), &group("y", &[C, FEED])),
            200
        );
    }

    #[test]
    fn row_6_a_source_with_exceptions() {
        let holders = |setting: &str| {
            let mut bench = Bench::with(json!({"source_with_exceptions": setting}));
            (
                bench.post_group(&group("y", &[A, C])).status,
                bench.holders(C).len(),
            )
        };
        assert_eq!(holders("accept"), (200, 2));
        assert_eq!(holders("refuse"), (400, 2));
        assert_eq!(holders("drop_exceptions"), (200, 1));
    }

    #[test]
    fn row_7_names() {
        let long = "é".repeat(129);
        let made = |setting: &str, name: &str| {
            let mut bench = Bench::with(json!({"name_rule": setting}));
            let answer = bench.post_group(&group(name, &[A, B]));
            (answer.status == 200).then(|| value(&answer)["name"].as_str().unwrap().to_owned())
        };
        assert_eq!(made("limit", " "), None);
        assert_eq!(made("limit", &long), None);
        assert_eq!(
            made("limit", &"é".repeat(128)).map(|name| name.chars().count()),
            Some(128)
        );
        assert_eq!(made("limit", " y ").as_deref(), Some(" y "));
        assert_eq!(made("unchecked", "").as_deref(), Some(""));
        assert_eq!(made("unchecked", &long).as_deref(), Some(long.as_str()));
        assert_eq!(made("trim", " y ").as_deref(), Some("y"));
        assert_eq!(made("trim", "  "), None);
    }

    #[test]
    fn all_complaints_are_told_at_once_and_nothing_is_stored() {
        let mut bench = Bench::new();
        let body = json!({"name": "", "passwordPolicyId": "0", "sourceIds": [FEED]});
        let answer = bench.post_group(&body);
        // Each text comes in two locales: name, count, policy, not direct, no PASSWORD.
        assert_eq!(
            value(&answer)["messages"].as_array().map(Vec::len),
            Some(10)
        );
        assert_eq!(bench.get(GROUPS), json!([]));
        assert_eq!(
            bench
                .post_group(&json!({"name": "y", "sourceIds": [A, B]}))
                .status,
            400
        );
        assert!(bench.tenant.state().policies.find(STRONG).is_some());
    }
}
