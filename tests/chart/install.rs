//! A release as Helm makes it on a real API server: installed, upgraded, uninstalled, moved.

use super::{printed, run, sets};
use crate::support::{ControlPlane, User};

/// What `config/default` put there before, which Helm would not take over.
pub(super) const THERE: &str = "crd,clusterrole,clusterrolebinding,validatingadmissionpolicy,\
                     validatingadmissionpolicybinding,serviceaccount";
const OF_A_RELEASE: &str = "deployment,service,serviceaccount,role,rolebinding,clusterrole,\
                            clusterrolebinding,validatingadmissionpolicy,networkpolicy,\
                            validatingadmissionpolicybinding,poddisruptionbudget";

#[tokio::test]
async fn a_release_is_installed_upgraded_uninstalled_and_installed_elsewhere_and_the_definitions_stay()
 {
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

    // Again elsewhere: the definitions, and what is stored of them, are of the release that was.
    let stored = "apiVersion: passwordsync.dev/v1alpha1\nkind: IdentityTenant\nmetadata: {name: acme}\n\
                  spec: {credentialsSecretRef: {name: acme}}\n";
    let args = ["apply", "--filename=-"];
    let admin = User::Admin;
    plane
        .kubectl_with(admin, "default", &args, stored)
        .await
        .ok();
    let elsewhere = |more: &[&'static str]| {
        let args = [
            "install",
            "psg-operator",
            "charts/psg-operator",
            "--namespace=identity-sync",
            "--create-namespace",
            "--kubeconfig",
        ];
        let args = [&args[..], &[config.to_str().unwrap()], more].concat();
        run("helm", &args)
    };
    let refused = elsewhere(&[]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && why.contains("release-namespace"),
        "{why}"
    );
    let moved = elsewhere(&["--take-ownership"]);
    assert!(
        moved.status.success(),
        "{}",
        String::from_utf8_lossy(&moved.stderr)
    );
    let kept = ["get", "idt", "acme", "--output=name"];
    let kept = plane.kubectl(admin, "default", &kept).await.ok();
    assert_eq!(kept, "identitytenant.passwordsync.dev/acme\n");

    // A second release beside it would be a second operator of the same resources.
    let twice = [
        "install",
        "second",
        "charts/psg-operator",
        "--namespace=default",
        "--kubeconfig",
    ];
    let twice = run("helm", &[&twice[..], &[config.to_str().unwrap()]].concat());
    let why = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert!(
        !twice.status.success() && why.contains("cannot be imported into the current release"),
        "{why}"
    );
}
