//! What single values change in the objects of a release.

use serde_json::{Value, json};

use super::{args_of, chart, chart_of, one, pod, sets};

/// The objects of one set.
fn set(name: &str) -> Vec<Value> {
    let set = sets::ALL.iter().find(|set| set.name == name);
    chart_of(set.unwrap_or_else(|| panic!("no set {name}")).values)
}

fn image_of(values: &[&str]) -> String {
    let objects = chart(values);
    let image = &pod(&objects)["containers"][0]["image"];
    image.as_str().unwrap().to_owned()
}

#[test]
fn an_image_is_named_by_registry_repository_and_tag_or_digest() {
    let plain = concat!("psg-operator:v", env!("CARGO_PKG_VERSION"));
    let digest = format!("sha256:{}", "0a".repeat(32));
    let by_digest = format!("image.digest={digest}");
    for (values, image) in [
        (vec![], plain.to_owned()),
        (vec!["image.tag=v1"], "psg-operator:v1".to_owned()),
        (vec![&*by_digest], format!("psg-operator@{digest}")),
        (
            vec![&*by_digest, "image.tag=v1"],
            format!("psg-operator@{digest}"),
        ),
        (
            vec!["image.registry=a.example.com:5000"],
            format!("a.example.com:5000/{plain}"),
        ),
        (
            vec![
                "image.registry=a.example.com",
                "global.imageRegistry=b.example.com/psg",
            ],
            format!("b.example.com/psg/{plain}"),
        ),
        (
            vec!["image.repository=c.example.com:5000/team/psg-operator"],
            format!("c.example.com:5000/team/{plain}"),
        ),
    ] {
        assert_eq!(image_of(&values), image, "{values:?}");
    }
}

#[test]
fn the_definitions_can_be_left_to_somebody_else() {
    let objects = chart(&["crds.install=false"]);
    assert!(
        objects
            .iter()
            .all(|object| object["kind"] != "CustomResourceDefinition")
    );
}

#[test]
fn helm_keeps_the_definitions_unless_it_is_told_not_to() {
    for (values, kept) in [
        (vec![], json!("keep")),
        (vec!["crds.keep=false"], json!(null)),
    ] {
        let objects = chart(&values);
        let definitions = objects
            .iter()
            .filter(|object| object["kind"] == "CustomResourceDefinition");
        let kept_of = definitions.map(|one| &one["metadata"]["annotations"]);
        let kept_of: Vec<_> = kept_of
            .map(|all| all["helm.sh/resource-policy"].clone())
            .collect();
        assert_eq!(kept_of, [kept.clone(), kept], "{values:?}");
    }
}

#[test]
fn on_openshift_no_user_and_no_group_is_fixed_and_all_else_is_as_hardened() {
    let fixed = ["runAsUser", "runAsGroup", "fsGroup"];
    let values = "podSecurityContext: {fsGroup: 65532}\nsecurityContext: {runAsUser: 65532}\n";
    let plain = chart_of(values);
    let openshift = chart_of(&format!("{values}openshift: true"));
    let [plain, openshift] = [&plain, &openshift].map(|objects| {
        let pod = pod(objects);
        [
            &pod["securityContext"],
            &pod["containers"][0]["securityContext"],
        ]
        .map(|context| context.as_object().unwrap().clone())
    });
    for (plain, openshift) in plain.into_iter().zip(openshift) {
        assert!(fixed.iter().any(|field| plain.contains_key(*field)));
        let mut expected = plain;
        expected.retain(|field, _| !fixed.contains(&field.as_str()));
        assert_eq!(openshift, expected);
    }
}

#[test]
fn a_name_of_ones_own_is_on_every_object_and_in_every_reference() {
    for (set_name, name) in [
        ("another name", "psg-operator-sync"),
        ("another full name", "sync-groups"),
    ] {
        let objects = set(set_name);
        for object in &objects {
            let kind = object["kind"].as_str().unwrap();
            let own = object["metadata"]["name"].as_str().unwrap();
            assert!(
                kind == "CustomResourceDefinition" || own.starts_with(name),
                "{set_name}: {kind} {own}"
            );
        }
        for object in &objects {
            let of = &object["roleRef"]["name"];
            assert!(
                of.is_null() || of.as_str().unwrap().starts_with(name),
                "{of}"
            );
        }
        assert_eq!(pod(&objects)["serviceAccountName"], name);
        assert!(args_of(&objects).contains(&&*format!("--lease={name}")));
    }
}

/// A selector of a Deployment cannot be changed by an upgrade.
#[test]
fn labels_of_all_are_on_every_object_and_never_in_a_selector() {
    let mut objects = set("labels");
    for object in &objects {
        assert_eq!(object["metadata"]["labels"]["team"], "identity", "{object}");
    }
    let deployment = one(&objects, "Deployment");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(
        [&labels["team"], &labels["example.com/cost"]],
        ["sync", "42"]
    );
    let annotations = &deployment["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations, &json!({"example.com/scrape": "yes"}));
    let all = [
        "podDisruptionBudget.enabled=true",
        "networkPolicy.enabled=true",
    ];
    let more = [
        "commonLabels.team=identity",
        "metrics.podMonitor.enabled=true",
    ];
    objects.extend(chart(&[all, more].concat()));
    let own = json!({"app.kubernetes.io/name": "psg-operator", "app.kubernetes.io/instance": "psg-operator"});
    let selectors = objects.iter().flat_map(|object| {
        let spec = &object["spec"];
        ["/selector/matchLabels", "/podSelector/matchLabels"].map(|path| spec.pointer(path))
    });
    let selectors: Vec<_> = selectors.flatten().collect();
    assert_eq!(selectors, vec![&own; selectors.len()]);
    assert_eq!(selectors.len(), 5);
}

#[test]
fn the_pods_are_where_and_what_they_are_asked_to_be() {
    let objects = set("chosen nodes");
    let chosen = pod(&objects);
    assert_eq!(chosen["priorityClassName"], "system-cluster-critical");
    assert_eq!(chosen["nodeSelector"], json!({"kubernetes.io/os": "linux"}));
    assert_eq!(chosen["tolerations"][0]["operator"], "Exists");
    assert!(chosen["affinity"]["podAntiAffinity"].is_object());

    let objects = set("stopped");
    let deployment = &one(&objects, "Deployment")["spec"];
    assert_eq!(
        [&deployment["replicas"], &deployment["revisionHistoryLimit"]],
        [0, 0]
    );
    assert_eq!(pod(&objects)["terminationGracePeriodSeconds"], 60);

    let objects = set("one replica and one volume");
    let strategy = &one(&objects, "Deployment")["spec"]["strategy"];
    assert_eq!(strategy, &json!({"type": "Recreate"}));

    let objects = set("an audit file that a container sends away");
    let containers = pod(&objects)["containers"].as_array().unwrap();
    let names: Vec<_> = containers.iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["psg-operator", "shipper"]);

    let objects = set("a private registry");
    let secrets = json!([{"name": "registry"}, {"name": "mirror"}]);
    assert_eq!(pod(&objects)["imagePullSecrets"], secrets);

    let objects = set("other resources");
    let asked = &pod(&objects)["containers"][0]["resources"];
    assert_eq!(asked["requests"], json!({"cpu": 1, "memory": "1Gi"}));
}

#[test]
fn a_spread_without_a_selector_is_about_the_pods_of_the_release() {
    assert!(pod(&set("no spread"))["topologySpreadConstraints"].is_null());
    let objects = set("a spread over zones");
    let constraints = &pod(&objects)["topologySpreadConstraints"];
    let labels = |at: usize| &constraints[at]["labelSelector"]["matchLabels"];
    assert_eq!(labels(0)["app.kubernetes.io/instance"], "psg-operator");
    assert_eq!(labels(1), &json!({"team": "identity"}));
}

#[test]
fn an_audit_file_is_on_the_volume_and_more_flags_and_variables_come_after_our_own() {
    let objects = set("an audit file on a volume");
    assert!(args_of(&objects).contains(&"--audit-log=/var/log/psg/audit.jsonl"));
    let audited = pod(&objects);
    assert_eq!(audited["securityContext"]["fsGroup"], 65532);
    assert_eq!(
        audited["volumes"][0]["persistentVolumeClaim"]["claimName"],
        "psg-audit"
    );
    let mounts = &audited["containers"][0]["volumeMounts"];
    assert_eq!(
        mounts,
        &json!([{"name": "audit", "mountPath": "/var/log/psg"}])
    );

    let objects = set("more flags and variables");
    let args = args_of(&objects);
    assert_eq!(args[args.len() - 2..], ["--resync=5m", "--settle=40s"]);
    let names = pod(&objects)["containers"][0]["env"]
        .as_array()
        .unwrap()
        .iter();
    let names: Vec<_> = names.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["POD_NAME", "RUST_LOG", "PSG_PROBE_INTERVAL", "NODE"]
    );
}

#[test]
fn a_budget_lets_one_pod_go_unless_it_is_told_otherwise() {
    for (name, field, share) in [
        ("a budget", "maxUnavailable", json!(1)),
        ("a budget of three", "minAvailable", json!(2)),
        ("a budget in per cent", "maxUnavailable", json!("50%")),
        ("a budget of one replica", "minAvailable", json!(0)),
    ] {
        let mut spec = one(&set(name), "PodDisruptionBudget")["spec"].clone();
        let spec = spec.as_object_mut().unwrap();
        assert_eq!(spec.remove(field), Some(share), "{name}");
        assert!(!spec.contains_key("maxUnavailable") && !spec.contains_key("minAvailable"));
    }
}

#[test]
fn a_network_policy_lets_in_the_one_port_and_out_what_the_operator_needs() {
    let objects = set("a network policy");
    let spec = &one(&objects, "NetworkPolicy")["spec"];
    assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
    let port = |port: i32, protocol: &str| json!({"port": port, "protocol": protocol});
    assert_eq!(
        spec["ingress"],
        json!([{"ports": [{"port": "http", "protocol": "TCP"}]}])
    );
    let named = &pod(&objects)["containers"][0]["ports"];
    assert_eq!(named, &json!([{"name": "http", "containerPort": 8080}]));
    assert_eq!(
        spec["egress"],
        json!([
            {"ports": [port(53, "UDP"), port(53, "TCP")]},
            {"ports": [port(443, "TCP"), port(6443, "TCP")]},
            {"ports": [port(443, "TCP")]},
        ])
    );

    let narrow = set("a narrow network policy");
    let spec = &one(&narrow, "NetworkPolicy")["spec"];
    let from = &spec["ingress"][0]["from"][0]["namespaceSelector"]["matchLabels"];
    assert_eq!(from["kubernetes.io/metadata.name"], "monitoring");
    let egress = spec["egress"].as_array().unwrap();
    assert_eq!(
        egress[0]["to"][0]["podSelector"]["matchLabels"]["k8s-app"],
        "kube-dns"
    );
    assert_eq!(
        egress[1]["to"],
        json!([{"ipBlock": {"cidr": "192.0.2.10/32"}}])
    );
    assert_eq!(egress[2]["to"][0]["ipBlock"]["cidr"], "0.0.0.0/0");
    assert_eq!(egress[3]["ports"], json!([port(8443, "TCP")]));
    assert_eq!(egress.len(), 4);

    let openshift = set("OpenShift and its DNS");
    let dns = &one(&openshift, "NetworkPolicy")["spec"]["egress"][0]["ports"];
    assert_eq!(dns.as_array().unwrap().len(), 4);
}

/// The API server of the tests knows no such kind, so this is its schema.
#[test]
fn a_monitor_reads_the_metrics_of_this_release_by_a_port_that_has_a_name() {
    let own = json!({"app.kubernetes.io/name": "psg-operator", "app.kubernetes.io/instance": "psg-operator"});
    let labels = |object: &Value, release: &str| {
        let labels = object["metadata"]["labels"].as_object().unwrap();
        assert_eq!(labels["release"], release);
        assert_eq!(labels["app.kubernetes.io/managed-by"], "Helm");
    };
    let objects = set("a ServiceMonitor");
    let monitor = one(&objects, "ServiceMonitor");
    labels(monitor, "prometheus");
    assert_eq!(monitor["apiVersion"], "monitoring.coreos.com/v1");
    assert_eq!(monitor["metadata"]["namespace"], "monitoring");
    assert_eq!(
        monitor["spec"],
        json!({
            "namespaceSelector": {"matchNames": ["psg-system"]},
            "selector": {"matchLabels": own},
            "endpoints": [{
                "port": "metrics", "path": "/metrics", "interval": "1m", "scrapeTimeout": "10s",
                "relabelings": [
                    {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"},
                ],
                "metricRelabelings": [{"regex": "result", "action": "labeldrop"}],
            }],
        })
    );
    let service = one(&objects, "Service");
    assert_eq!(
        service["metadata"]["annotations"],
        json!({"example.com/scrape": "yes"})
    );
    assert_eq!(
        service["spec"],
        json!({"selector": own, "ports": [{"name": "metrics", "port": 8080, "targetPort": "http"}]})
    );

    let objects = set("a PodMonitor");
    let monitor = one(&objects, "PodMonitor");
    labels(monitor, "prometheus");
    assert_eq!(monitor["apiVersion"], "monitoring.coreos.com/v1");
    assert_eq!(monitor["metadata"]["namespace"], "psg-system");
    assert_eq!(
        monitor["spec"],
        json!({
            "namespaceSelector": {"matchNames": ["psg-system"]},
            "selector": {"matchLabels": own},
            "podMetricsEndpoints": [{"port": "http", "path": "/metrics"}],
        })
    );
    assert!(objects.iter().all(|object| object["kind"] != "Service"));
}

#[test]
fn what_is_off_by_default_is_not_there() {
    for object in chart(&[]) {
        let kind = object["kind"].as_str().unwrap();
        let off = [
            "Monitor",
            "PrometheusRule",
            "NetworkPolicy",
            "PodDisruptionBudget",
        ];
        assert!(off.iter().all(|off| !kind.ends_with(off)), "{kind}");
    }
}

#[test]
fn more_objects_come_as_they_are_with_their_templates_filled_in() {
    let objects = set("more objects");
    let maps = objects
        .iter()
        .filter(|object| object["kind"] == "ConfigMap");
    let maps: Vec<_> = maps.map(|map| &map["metadata"]).collect();
    assert_eq!(
        maps,
        [
            &json!({"name": "psg-operator-more", "namespace": "psg-system"}),
            &json!({"name": "as-text", "namespace": "psg-system"}),
        ]
    );
}
