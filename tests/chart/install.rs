//! A release as Helm makes it on a real API server: installed, upgraded, uninstalled.

use super::{printed, sets};
use crate::support::{ControlPlane, User};

/// What `config/default` put there before, which Helm would not take over.
const THERE: &str = "crd,clusterrole,clusterrolebinding,validatingadmissionpolicy,\
                     validatingadmissionpolicybinding,serviceaccount";
const OF_A_RELEASE: &str = "deployment,service,serviceaccount,role,rolebinding,clusterrole,\
                            clusterrolebinding,validatingadmissionpolicy,networkpolicy,\
                            validatingadmissionpolicybinding,poddisruptionbudget";

#[tokio::test]
async fn a_release_is_installed_upgraded_and_uninstalled_and_the_definitions_stay() {
    // One of its own: others need the definitions.
    let plane = ControlPlane::own().await;
    let config = plane.kubeconfig(User::Admin);
    let helm = |args: &[&str]| {
        let to = ["--namespace=psg-system", "--kubeconfig"];
        let to = [&to[..], &[config.to_str().unwrap()]].concat();
        printed("helm", &[args, &to].concat())
    };
    let kubectl = async |args: &[&str]| plane.kubectl(User::Admin, "psg-system", args).await.ok();
    let own = "--selector=app.kubernetes.io/name=psg-operator";
    let [identities, groups] = [
        "identitytenants.passwordsync.dev",
        "passwordsyncgroups.passwordsync.dev",
    ];
    kubectl(&["delete", "crd", identities, groups]).await;
    kubectl(&["delete", THERE, own]).await;

    helm(&["install", "psg-operator", "charts/psg-operator"]);
    let names = kubectl(&["get", OF_A_RELEASE, own, "--output=name"]).await;
    for made in [
        "deployment.apps/psg-operator",
        "service/psg-operator-metrics",
    ] {
        assert!(names.contains(made), "{names}");
    }

    let locked = sets::ALL
        .iter()
        .find(|set| set.name == "a locked-down cluster");
    let values = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&values, locked.unwrap().values).unwrap();
    helm(&[
        "upgrade",
        "psg-operator",
        "charts/psg-operator",
        "--values",
        values.path().to_str().unwrap(),
        // Kinds that this server does not have.
        "--set=metrics.podMonitor.enabled=false,metrics.prometheusRule.enabled=false",
        // In the way of this is what the first release has of a rolling update.
        "--set=strategy.type=Recreate",
    ]);
    let names = kubectl(&["get", OF_A_RELEASE, own, "--output=name"]).await;
    for made in [
        "poddisruptionbudget.policy/psg-operator",
        "networkpolicy.networking.k8s.io/psg-operator",
    ] {
        assert!(names.contains(made), "{names}");
    }
    let image = "--output=jsonpath={.spec.template.spec.containers[0].image}";
    let image = kubectl(&["get", "deployment", "psg-operator", image]).await;
    assert!(
        image.starts_with("registry.example.com/psg-operator@sha256:"),
        "{image}"
    );

    let strategy = "--output=jsonpath={.spec.strategy}";
    let strategy = kubectl(&["get", "deployment", "psg-operator", strategy]).await;
    assert_eq!(strategy, "{\"type\":\"Recreate\"}");

    helm(&["uninstall", "psg-operator"]);
    let left = kubectl(&["get", OF_A_RELEASE, own, "--output=name"]).await;
    assert_eq!(left, "");
    let left = kubectl(&["get", "crd", own, "--output=name"]).await;
    for stays in [identities, groups] {
        assert!(left.contains(stays), "{left}");
    }
}
