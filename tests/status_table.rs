//! The table of docs/gitops.md, row by row: what kstatus and the health checks for Argo CD say of
//! every reason in every state that a status may have.

use std::{collections::BTreeMap, fs};

use psg_plan::{Condition, Finding, InUse, Reason, TenantState, tenant_conditions};
use serde_json::{Value, json};

use crate::{
    argo_cd::{KINDS, health},
    chart::root,
    support::gitops::kstatus,
};

const GENERATION: i64 = 3;

/// The rows of the table by what they begin with.
const BEHIND: &str = "not looked at yet, or the spec is newer than the status";
const DONE: &str = "done";
const UNDER_WAY: &str = "under way, or tried again";
const STALLED: &str = "a person must act";
const PAUSED: &str = "paused, and different";
const GOING: &str = "being deleted";

/// What the page says of each state: kstatus, and Argo CD.
fn table() -> BTreeMap<String, (String, String)> {
    let page = fs::read_to_string(root().join("docs/gitops.md")).unwrap();
    let (_, table) = page.split_once("|---|---|---|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let cells: Vec<String> = line
            .trim_matches('|')
            .split(" | ")
            .map(|it| it.trim().to_owned())
            .collect();
        let [state, _, _, flux, argo] = cells.try_into().unwrap();
        (state, (flux, argo))
    };
    rows.map(row).collect()
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    let message = format!("about {reason}");
    json!({"type": kind, "status": status, "reason": reason, "message": message})
}

/// Each list of conditions that a reason may have, with its row, whatever the reason.
fn forms(reason: &str) -> Vec<(&'static str, Vec<Value>)> {
    let ready = |status| condition("Ready", status, reason);
    let also = |kind| condition(kind, "True", reason);
    // They say something else, and change no row.
    let beside = [
        condition("ReferencesCurrent", "False", "Renamed"),
        condition("PoliciesAligned", "False", "NoCommonPassword"),
        condition("PasswordChangesHealthy", "Unknown", "AuditUnreadable"),
        condition("DeletionsPaused", "True", "DeletionPaused"),
        condition("SecretProtected", "False", "SecretNotProtected"),
    ];
    let mut forms = vec![
        (DONE, vec![ready("True")]),
        (DONE, vec![ready("True"), also("Paused")]),
        (PAUSED, vec![ready("False"), also("Paused")]),
    ];
    // The operator writes neither; a reader of conditions must not stumble over them.
    let not = |kind| condition(kind, "False", reason);
    forms.push((
        DONE,
        vec![ready("True"), not("Reconciling"), not("Stalled")],
    ));
    forms.push((UNDER_WAY, vec![ready("True"), also("Reconciling")]));
    for status in ["False", "Unknown"] {
        forms.push((UNDER_WAY, vec![ready(status), also("Reconciling")]));
        forms.push((
            UNDER_WAY,
            vec![ready(status), also("Reconciling"), also("Paused")],
        ));
        forms.push((STALLED, vec![ready(status), also("Stalled")]));
        forms.push((
            STALLED,
            vec![ready(status), also("Stalled"), also("Paused")],
        ));
    }
    let more: Vec<_> = forms
        .iter()
        .map(|(row, conditions)| {
            (
                *row,
                beside
                    .iter()
                    .chain(conditions.iter().rev())
                    .cloned()
                    .collect(),
            )
        })
        .collect();
    forms.extend(more);
    forms
}

fn object(kind: &str, deleting: bool, observed: i64, conditions: &[Value]) -> Value {
    let mut metadata = json!({"name": "it", "namespace": "there", "generation": GENERATION});
    if deleting {
        metadata["deletionTimestamp"] = json!("2026-11-23T09:00:00Z");
    }
    json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": {},
        "status": {"observedGeneration": observed, "conditions": conditions},
    })
}

/// Every tool says of each object what the page says of its row.
fn judge(kind: &str, cases: &[(&str, Value)]) {
    let table = table();
    let objects: Vec<Value> = cases.iter().map(|(_, object)| object.clone()).collect();
    let said = kstatus(&objects).into_iter().zip(health(kind, &objects));
    for ((row, object), (flux, argo)) in cases.iter().zip(said) {
        let (in_flux, in_argo) = &table[*row];
        assert_eq!(
            (&flux.status, &argo.status),
            (in_flux, in_argo),
            "{row}: {object:#}"
        );
        let conditions = object["status"]["conditions"].as_array().unwrap();
        let ready = conditions.iter().find(|it| it["type"] == "Ready");
        let behind = object["status"]["observedGeneration"] != GENERATION;
        let words = ready.filter(|_| !behind).map(|ready| {
            let word = |field: &str| ready[field].as_str().unwrap();
            format!("{}: {}", word("reason"), word("message"))
        });
        let words = words.unwrap_or_else(|| "waiting for psg-operator".to_owned());
        assert_eq!(argo.message, words, "{object:#}");
    }
}

#[test]
fn status_table_is_what_kstatus_and_argo_cd_say_of_every_reason_in_every_state() {
    assert_eq!(table().len(), 6);
    for kind in KINDS {
        let mut cases = vec![(BEHIND, object(kind, false, -1, &[]))];
        for reason in Reason::ALL {
            for (row, conditions) in forms(reason.as_str()) {
                for observed in [-1, GENERATION - 1, GENERATION] {
                    let row = if observed == GENERATION { row } else { BEHIND };
                    cases.push((row, object(kind, false, observed, &conditions)));
                    cases.push((GOING, object(kind, true, observed, &conditions)));
                }
            }
        }
        judge(kind, &cases);
    }
}

#[test]
fn status_table_has_a_row_for_every_status_that_a_tenant_may_have() {
    let written = |condition: &Condition| {
        let message = format!("about {}", condition.reason);
        json!({
            "type": condition.kind.as_str(), "status": condition.truth.as_str(),
            "reason": condition.reason, "message": message,
        })
    };
    let finding = |reason: &Reason| Finding::new(*reason, "about it");
    let mut states = vec![
        (DONE, TenantState::Ready, None),
        (STALLED, TenantState::Ready, Some((6, 9))),
    ];
    for reason in Reason::ALL {
        states.push((UNDER_WAY, TenantState::Unreachable(finding(reason)), None));
        states.push((UNDER_WAY, TenantState::Withdrawn(finding(reason)), None));
        let tried_soon = [
            Reason::SecretNotFound,
            Reason::SecretForbidden,
            Reason::SecretMalformed,
        ];
        let row = if tried_soon.contains(reason) {
            UNDER_WAY
        } else {
            STALLED
        };
        states.push((row, TenantState::Blocked(finding(reason)), None));
    }
    let cases: Vec<(&str, Value)> = states
        .iter()
        .map(|(row, state, vanished)| {
            let said = tenant_conditions(state, *vanished, None, InUse::Held, None, 0, None);
            let said: Vec<Value> = said.iter().map(written).collect();
            (*row, object("IdentityTenant", false, GENERATION, &said))
        })
        .collect();
    judge("IdentityTenant", &cases);
}
