//! What a real tenant may answer and no document describes: objects that cannot be read, totals that
//! are wrong, lists that are not served. Drawn from a generator of its own, so that a seed tells the
//! same story but for these answers.

use identity_simulator::rng::Rng;
use serde_json::{Value, json};

use super::{CONTESTED, Story};
use crate::tests::tenant::{STANDARD, STRONG, source_id};

impl Story {
    /// The tenant answers oddly from now on, or plainly again, or as it did.
    pub(super) fn odd_answer(&mut self) {
        let Some(mut rng) = self.odd.take() else {
            return;
        };
        match rng.below(20) {
            0..=3 => self.odd_object(&mut rng),
            4 => self.odd_switches(&mut rng),
            5 | 6 => self.odd_route(&mut rng),
            7 => self.plain_answers(),
            _ => {}
        }
        self.odd = Some(rng);
    }

    /// Nothing is odd any more, but for what faults do.
    pub(super) fn plain_answers(&mut self) {
        self.world.note("the tenant answers plainly");
        for id in std::mem::take(&mut self.shown_oddly) {
            self.world.show_plainly(&id);
        }
        self.world.switch(
            &json!({"totals": "exact", "connection_type": "shown", "token_scope": "granted"}),
        );
    }

    fn odd_object(&mut self, rng: &mut Rng) {
        let mut pick = |of: &[Value]| of[rng.below(of.len())].clone();
        let kind = pick(&[
            json!("group"),
            json!("group"),
            json!("source"),
            json!("policy"),
        ]);
        let (id, odd) = match kind.as_str() {
            Some("group") => {
                let odd = pick(&[
                    json!({"leaveOut": ["id"]}),
                    json!({"leaveOut": ["name"]}),
                    json!({"leaveOut": ["sourceIds"]}),
                    json!({"set": {"sourceIds": [""]}}),
                    json!({"set": {"passwordPolicyId": 7}}),
                    json!({"set": {"name": null, "sourceIds": null}}),
                ]);
                let ids = self.world.group_ids();
                let Some(id) = ids.get(rng.below(ids.len())) else {
                    return;
                };
                (id.clone(), odd)
            }
            Some("source") => {
                let odd = pick(&[
                    json!({"leaveOut": ["id"]}),
                    json!({"set": {"name": null}}),
                    json!({"set": {"connectionType": null}}),
                    json!({"set": {"features": 3}}),
                ]);
                (source_id(rng.below(CONTESTED)), odd)
            }
            _ => {
                let odd = pick(&[
                    json!({"set": {"id": 42}}),
                    json!({"set": {"name": null}}),
                    json!({"leaveOut": ["id"]}),
                ]);
                ([STRONG, STANDARD][rng.below(2)].to_owned(), odd)
            }
        };
        self.world
            .note(&format!("the tenant shows {id} oddly: {odd}"));
        self.world.show_oddly(&id, &odd);
        self.shown_oddly.push(id);
    }

    fn odd_switches(&self, rng: &mut Rng) {
        let switches = [
            json!({"totals": "one_high"}),
            json!({"totals": "one_low"}),
            json!({"totals": "never"}),
            json!({"totals": "exact"}),
            json!({"connection_type": "null"}),
            json!({"connection_type": "left_out"}),
            json!({"token_scope": "read_write"}),
            json!({"token_scope": "opaque"}),
        ];
        let switches = &switches[rng.below(switches.len())];
        self.world
            .note(&format!("the tenant from now on: {switches}"));
        self.world.switch(switches);
    }

    /// A route that answers oddly a few times, or until all is mended.
    fn odd_route(&self, rng: &mut Rng) {
        let status = |code: u16| json!({"status": {"code": code}});
        let own = json!({"detailCode": "500.1", "trackingId": "abc123",
            "messages": [{"text": "An internal fault."}]});
        let own = json!({"status": {"code": 500, "body": own}});
        let odd = [
            ("GET /source-apps/all", status(404)),
            ("GET /source-apps/all", status(500)),
            ("GET /password-sync-groups", json!("row_twice")),
            ("GET /sources", json!("row_twice")),
            ("GET /password-policies", json!("row_twice")),
            ("GET /sources/{id}/password-policies", status(404)),
            ("POST /password-sync-groups", own),
        ];
        let (route, kind) = &odd[rng.below(odd.len())];
        let times = [Some(1), Some(4), None][rng.below(3)];
        self.world
            .note(&format!("{route} answers oddly, {times:?} times: {kind}"));
        let mut fault = json!({"match": route, "kind": kind});
        if let Some(times) = times {
            fault["times"] = json!(times);
        }
        self.world.add_fault(&fault);
    }
}
