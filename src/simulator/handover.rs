//! What the service does to sources by itself when a group is made, changed or deleted. No IO.
//!
//! This module checks no rule when it stores or drops a group: the API checks before, the control
//! port, like the admin console, does not.

use jiff::Timestamp;

use crate::{
    clock::plus_seconds,
    model::{Group, Holder},
    switches::{PolicyAfterDelete, PolicyAfterJoin, PolicyAfterLeave},
    tenant::Tenant,
};

impl Tenant {
    /// Stores a group without checking any rule, and applies the service's own effects.
    pub fn store_group(&mut self, group: Group, now: Timestamp) {
        let kept = group.source_ids.clone();
        let old = self.state.put_group(group, now);
        let before = old.as_ref().map_or(&[][..], |old| &old.source_ids);
        for source in kept.iter().filter(|id| !before.contains(id)) {
            self.after_join(source, now);
        }
        for source in before.iter().filter(|id| !kept.contains(id)) {
            let policy = old
                .as_ref()
                .and_then(|old| old.password_policy_id.as_deref());
            self.after_leave(source, policy, now);
        }
    }

    /// Removes a group without checking any rule, and gives its policy to its sources.
    pub fn drop_group(&mut self, id: &str, now: Timestamp) -> Option<Group> {
        let group = self.state.remove_group(id, now)?;
        if let Some(policy) = &group.password_policy_id {
            for source in &group.source_ids {
                self.after_delete(source, policy, now);
            }
        }
        Some(group)
    }

    pub(crate) fn take_from_others(&mut self, group: &Group, now: Timestamp) {
        for source in &group.source_ids {
            let others = self
                .state
                .groups_of(source)
                .filter(|other| other.id != group.id);
            for mut other in others.cloned().collect::<Vec<_>>() {
                other.source_ids.retain(|id| id != source);
                other.modified = Some(now);
                self.state.put_group(other, now);
            }
        }
    }

    pub(crate) fn drop_exceptions(&mut self, source: &str, now: Timestamp) {
        let Some(found) = self.state.sources.find(source) else {
            return;
        };
        if found
            .holders
            .iter()
            .any(|holder| holder.selectors.is_some())
        {
            let kept = found
                .holders
                .iter()
                .filter(|holder| holder.selectors.is_none());
            let kept: Vec<Holder> = kept.cloned().collect();
            self.state.set_holders(source, kept, now);
        }
    }

    fn after_join(&mut self, source: &str, now: Timestamp) {
        let Some(found) = self.state.sources.find(source) else {
            return;
        };
        if self.switches.policy_after_join == PolicyAfterJoin::Dropped {
            let holders = found.holders.iter();
            let kept = holders.filter(|holder| holder.selectors.is_some());
            let kept: Vec<Holder> = kept.cloned().collect();
            self.state.set_holders(source, kept, now);
        }
    }

    fn after_delete(&mut self, source: &str, policy: &str, now: Timestamp) {
        match self.switches.policy_after_delete {
            PolicyAfterDelete::AtOnce => self.assign(source, policy, now),
            PolicyAfterDelete::Delayed { seconds } => {
                self.assign_later(
                    source.to_owned(),
                    policy.to_owned(),
                    plus_seconds(now, seconds),
                );
            }
            PolicyAfterDelete::Never => {}
            PolicyAfterDelete::OnlyIfNone => {
                let Some(found) = self.state.sources.find(source) else {
                    return;
                };
                if found.default_holder().is_none() {
                    let own = Holder {
                        policy_id: policy.to_owned(),
                        ..Holder::default()
                    };
                    let holders = found.holders.iter().cloned().chain([own]).collect();
                    self.state.set_holders(source, holders, now);
                    self.tell_policy_assigned(source, now);
                }
            }
        }
    }

    fn after_leave(&mut self, source: &str, policy: Option<&str>, now: Timestamp) {
        let given = match self.switches.policy_after_leave {
            PolicyAfterLeave::GroupPolicy => policy.map(str::to_owned),
            PolicyAfterLeave::DefaultPolicy => {
                let default = self
                    .state
                    .policies
                    .iter()
                    .find(|policy| policy.default_policy);
                default.map(|policy| policy.id.clone())
            }
            PolicyAfterLeave::PreviousPolicy => None,
        };
        if let Some(policy) = given {
            self.assign(source, &policy, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{A, B, Bench, C, DEFAULT, STRONG, group};

    #[test]
    fn row_15_the_policy_after_a_delete() {
        let after = |setting: Value, seconds: u64| {
            let mut bench = Bench::with(json!({"policy_after_delete": setting}));
            let path = bench.group("x", &[A, B]);
            assert_eq!(bench.ask("DELETE", &path).status, 204);
            bench.pass(seconds);
            (bench.holders(A), bench.holders(B))
        };
        let strong = vec![STRONG.to_owned()];
        let own = vec![DEFAULT.to_owned()];
        assert_eq!(after(json!("at_once"), 0), (strong.clone(), strong.clone()));
        assert_eq!(after(json!("never"), 99), (vec![], own.clone()));
        assert_eq!(
            after(json!("only_if_none"), 0),
            (strong.clone(), own.clone())
        );
        let delayed = json!({"delayed": {"seconds": 5}});
        assert_eq!(after(delayed.clone(), 4), (vec![], own));
        assert_eq!(after(delayed, 5), (strong.clone(), strong));
    }

    #[test]
    fn row_16_what_a_grouped_source_shows() {
        let shown = |setting: Value, seconds: u64| {
            let mut bench = Bench::with(json!({"policy_while_grouped": setting}));
            bench.group("x", &[A, B]);
            bench.pass(seconds);
            let source = bench.get(&format!("/v3/sources/{B}"));
            let policy = bench.get(&format!("/v3/password-policies/{STRONG}"));
            let listed = policy["sourceIds"].as_array().unwrap().contains(&json!(B));
            (source["passwordPolicies"][0]["id"].clone(), listed)
        };
        assert_eq!(shown(json!("shown"), 0), (json!(STRONG), true));
        assert_eq!(shown(json!("hidden"), 99), (json!(DEFAULT), false));
        let delayed = json!({"delayed": {"seconds": 5}});
        assert_eq!(shown(delayed.clone(), 4), (json!(DEFAULT), false));
        assert_eq!(shown(delayed, 5), (json!(STRONG), true));
    }

    #[test]
    fn row_17_the_policy_of_a_source_that_leaves() {
        let after = |setting: &str| {
            let mut bench = Bench::with(json!({"policy_after_leave": setting}));
            let path = bench.group("x", &[A, B, C]);
            assert_eq!(bench.send("PUT", &path, &group("x", &[B, C])).status, 200);
            bench.holders(A)
        };
        assert_eq!(after("group_policy"), [STRONG]);
        assert_eq!(after("default_policy"), [DEFAULT]);
        assert!(after("previous_policy").is_empty());
    }

    #[test]
    fn row_33_the_own_policy_of_a_source_that_joins() {
        let after = |setting: &str| {
            let mut bench = Bench::with(json!({"policy_after_join": setting}));
            let path = bench.group("x", &[B, C]);
            let joined = (bench.holders(B), bench.holders(C));
            assert_eq!(bench.send("PUT", &path, &group("x", &[B, C])).status, 200);
            assert_eq!(joined, (bench.holders(B), bench.holders(C)));
            joined
        };
        let own = vec![DEFAULT.to_owned()];
        let exception = vec![format!("{STRONG}?")];
        let both = [own.clone(), exception.clone()].concat();
        assert_eq!(after("stays"), (own, both));
        assert_eq!(after("dropped"), (vec![], exception));
    }
}
