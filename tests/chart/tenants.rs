//! The way to tenants in the objects of a release: a proxy, and authorities of a company.

use serde_json::{Value, json};

use super::{args_of, chart_of, one, pod, sets};

fn set(name: &str) -> Vec<Value> {
    let set = sets::ALL.iter().find(|set| set.name == name);
    chart_of(set.unwrap_or_else(|| panic!("no set {name}")).values)
}

#[test]
fn a_proxy_with_credentials_is_read_from_its_secret_and_is_no_argument() {
    let objects = set("behind a proxy that signs what passes it");
    let container = &pod(&objects)["containers"][0];
    let env = container["env"].as_array().unwrap();
    let reference = json!({"secretKeyRef": {"name": "tenant-proxy", "key": "url"}});
    assert!(
        env.contains(&json!({"name": "PSG_TENANT_PROXY", "valueFrom": reference})),
        "{env:?}"
    );
    let args = args_of(&objects);
    assert!(
        args.iter().all(|arg| !arg.starts_with("--tenant-proxy")),
        "{args:?}"
    );
    let egress = &one(&objects, "NetworkPolicy")["spec"]["egress"];
    assert_eq!(
        egress[2],
        json!({"ports": [{"port": 3128, "protocol": "TCP"}]})
    );
}

#[test]
fn authorities_are_mounted_where_the_argument_says_beside_other_volumes() {
    let path = "--tenant-ca=/etc/psg/tenant-ca/ca.crt";
    let mount = json!({"name": "tenant-ca", "mountPath": "/etc/psg/tenant-ca", "readOnly": true});
    let item = |key: &str| json!([{"key": key, "path": "ca.crt"}]);
    for (name, source, more) in [
        (
            "behind a proxy that signs what passes it",
            json!({"configMap": {"name": "ca-bundle", "items": item("bundle.pem")}}),
            None,
        ),
        (
            "a proxy without credentials",
            json!({"secret": {"secretName": "ca", "items": item("ca.crt")}}),
            Some("audit"),
        ),
    ] {
        let objects = set(name);
        assert!(args_of(&objects).contains(&path), "{name}");
        let mut volume = source;
        volume["name"] = json!("tenant-ca");
        let volumes = pod(&objects)["volumes"].as_array().unwrap();
        assert_eq!(volumes[0], volume);
        let mounts = &pod(&objects)["containers"][0]["volumeMounts"];
        assert_eq!(mounts[0], mount);
        assert_eq!(volumes.get(1).and_then(|one| one["name"].as_str()), more);
        assert_eq!(mounts[1]["name"].as_str(), more);
    }
}

#[test]
fn a_url_without_credentials_is_an_argument() {
    for (name, given) in [
        (
            "a proxy without credentials",
            "--tenant-proxy=http://proxy.example.com:3128",
        ),
        ("the proxy of the environment", "--tenant-proxy=environment"),
    ] {
        let objects = set(name);
        assert!(args_of(&objects).contains(&given), "{name}");
    }
    let objects = set("the defaults");
    let args = args_of(&objects);
    assert!(
        args.iter().all(|arg| !arg.starts_with("--tenant")),
        "{args:?}"
    );
}
