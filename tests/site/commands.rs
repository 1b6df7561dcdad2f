//! Every command of the pages, with the test that runs it or why none does.

use std::collections::BTreeSet;

use super::{page, pages};
use crate::{guide::tests, house};

/// What is known of a command.
enum Command {
    /// The tests that run it, by name.
    Run(&'static [&'static str]),
    /// Why no test does.
    Not(&'static str),
}

use Command::{Not, Run};

const FIRST: &str = "the_first_group_is_made_by_the_commands_of_its_page";
const ADOPTED: &str = "a_tenant_is_adopted_by_the_commands_of_its_page_without_a_write";
const RELEASE: &str =
    "a_release_is_installed_upgraded_uninstalled_and_installed_elsewhere_and_the_definitions_stay";

/// How a command begins, and what is known of it. The first row that fits counts.
const COMMANDS: &[(&str, Command)] = &[
    ("export SAIL_BASE_URL=", Not("it is yours to fill in")),
    (
        "kubectl create namespace ",
        Not("each test has a namespace of its own"),
    ),
    ("kubectl create secret generic acme-pat", Run(&[FIRST])),
    (
        "kubectl apply -n identity -f config/samples/identitytenant.yaml",
        Run(&[FIRST]),
    ),
    ("kubectl apply -n identity -f group.yaml", Run(&[FIRST])),
    ("kubectl apply -n identity -k groups", Run(&[ADOPTED])),
    (
        "kubectl apply -f acme.yaml",
        Run(&[
            "an_identity_tenant_that_was_removed_by_force_and_made_again_is_taken_up_where_the_old_one_ended",
        ]),
    ),
    (
        "kubectl patch idt acme",
        Run(&[
            "an_identity_tenant_that_was_removed_by_force_and_made_again_is_taken_up_where_the_old_one_ended",
        ]),
    ),
    (
        "kubectl patch configmap argocd-cm -n argocd --patch",
        Run(&["argo_cd_takes_the_config_map_of_the_chart_over_by_one_command"]),
    ),
    ("kubectl wait idt/", Run(&[FIRST])),
    ("kubectl wait psg/", Run(&[FIRST])),
    (
        "kubectl get idt -n identity",
        Run(&["the_table_of_tenants_says_who_answers_and_how_many_groups_it_has"]),
    ),
    (
        "kubectl annotate idt acme -n identity passwordsync.dev/acknowledged-until=",
        Run(&[
            "of_eight_deleted_at_once_no_more_than_five_go_before_somebody_says_so",
            "many_groups_missing_at_once_are_not_made_again_until_somebody_says_so",
        ]),
    ),
    (
        "kubectl annotate psg NAME -n identity passwordsync.dev/protect",
        Run(&["kubectl_delete_is_refused_with_what_would_become_of_the_sources_and_how_to_go_on"]),
    ),
    (
        "kubectl create rolebinding ",
        Run(&["only_a_role_that_is_bound_on_purpose_writes_tenants_and_none_writes_a_status"]),
    ),
    (
        "kubectl label namespace psg-system",
        Run(&["pod_security_admission_takes_the_pods_of_every_set_of_values_as_restricted"]),
    ),
    (
        "kubectl -n psg-system get lease psg-operator",
        Run(&[
            "of_two_replicas_that_start_together_one_leads_and_a_deleted_lease_changes_nothing_of_that",
        ]),
    ),
    (
        "kubectl -n psg-system rollout ",
        Not("no kubelet runs pods here"),
    ),
    (
        "kubectl -n psg-system logs ",
        Not("no kubelet runs pods here"),
    ),
    (
        "kubectl psg plan --base",
        Run(&["two_states_of_a_repository_are_compared"]),
    ),
    ("kubectl psg plan ", Run(&[FIRST, ADOPTED])),
    ("kubectl psg sources ", Run(&[FIRST])),
    ("kubectl psg policies ", Run(&[FIRST])),
    ("kubectl psg groups ", Run(&[ADOPTED])),
    ("kubectl psg export ", Run(&[ADOPTED])),
    ("kubectl psg status", Run(&[FIRST])),
    (
        "kubectl psg doctor",
        Run(&["a_source_that_cannot_be_reached_is_named_with_its_owner"]),
    ),
    (
        "kubectl psg diff ",
        Run(&["with_a_cluster_the_names_are_those_of_identity_tenants"]),
    ),
    (
        "kubectl psg explain",
        Run(&["a_reason_is_explained_however_it_is_spelt"]),
    ),
    (
        "kubectl psg reconcile ",
        Run(&["a_name_that_leads_elsewhere_is_refused_before_anything_is_sent"]),
    ),
    (
        "kubectl psg pause ",
        Run(&["a_pause_is_stored_until_the_time_that_is_said_and_seen_in_the_table"]),
    ),
    (
        "kubectl psg resume ",
        Run(&["a_pause_is_stored_until_the_time_that_is_said_and_seen_in_the_table"]),
    ),
    (
        "kubectl psg orphan ",
        Run(&["a_group_that_was_orphaned_stays_when_its_resource_is_deleted"]),
    ),
    (
        "kubectl psg uninstall",
        Run(&["a_check_names_what_would_wait_and_orphan_leaves_the_groups_in_the_tenant"]),
    ),
    (
        "ln -s \"$(command -v kubectl-psg)\"",
        Run(&["kubectl_completes_its_plugin_by_a_link_to_it"]),
    ),
    ("helm install ", Run(&[RELEASE])),
    ("helm upgrade ", Run(&[RELEASE])),
    ("helm uninstall ", Run(&[RELEASE])),
    (
        "kubeconform ",
        Run(&["a_validator_with_the_published_schemas_refuses_a_typo"]),
    ),
    ("identity-simulator --seed", Run(&[FIRST])),
    (
        "curl ",
        Run(&["a_create_that_was_carried_out_is_found_and_never_sent_again"]),
    ),
    ("cosign ", Not("nothing is published yet")),
    ("gh attestation ", Not("nothing is published yet")),
    ("cargo test ", Not("it runs tests itself")),
    ("PSG_WORLD=", Not("it runs tests itself")),
    ("cargo +nightly fuzz ", Not("it needs a nightly compiler")),
    ("make mutants", Not("it takes an hour")),
];

/// Each command of the pages with its page, without a comment behind it.
fn of_pages() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for name in pages() {
        let text = page(&name);
        let lines = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("$ "));
        let commands = lines.map(|line| line.split("  #").next().unwrap().trim_end().to_owned());
        all.extend(commands.map(|command| (name.clone(), command)));
    }
    all
}

#[test]
fn every_command_is_run_by_a_test_or_says_why_not() {
    let files = house::rust();
    let known: BTreeSet<&str> = files.iter().flat_map(|(_, text)| tests(text)).collect();
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    let all = of_pages();
    assert!(all.len() > 60, "{}", all.len());
    for (page, command) in all {
        let row = COMMANDS
            .iter()
            .find(|(begin, _)| command.starts_with(begin));
        let Some((begin, what)) = row else {
            wrong.push(format!("{page}: no row for: {command}"));
            continue;
        };
        used.insert(*begin);
        match what {
            Run(tests) => wrong.extend(
                tests
                    .iter()
                    .filter(|test| !known.contains(**test))
                    .map(|test| format!("{begin}: there is no test {test}")),
            ),
            Not(why) => assert!(!why.is_empty()),
        }
    }
    let rest = COMMANDS.iter().filter(|(begin, _)| !used.contains(begin));
    wrong.extend(rest.map(|(begin, _)| format!("no page has a command {begin}…")));
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
