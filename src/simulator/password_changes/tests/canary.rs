//! A recognisable password goes every way, and stands nowhere afterwards. Tests only.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    Request, Response, Seed, World, clock::Clock, control::control, passwords::crypto::encrypt,
    testing::value,
};

/// Breaks no default policy; its parts do not occur anywhere else.
const CANARY: &str = "Zq7-c4nary-Xw9";
const AD: &str = "2c918084660f45d6016617daa9210501";
const CLOUD: &str = "2c91808d744ba0ce01746f93b6204502";

struct Cage {
    world: World,
    clock: Clock,
    token: String,
    /// Everything that was answered.
    said: Vec<String>,
}

impl Cage {
    fn new() -> Self {
        let mut seed = Seed::parse(include_str!("../../seeds/acme.yaml")).unwrap();
        seed.credentials[0].scopes = vec!["sp:scopes:all".to_owned()];
        let (mut world, clock) = (World::new(1), Clock::fixed());
        world.put(seed, clock.now()).unwrap();
        let form =
            "grant_type=client_credentials&client_id=psg-operator&client_secret=not-a-secret";
        let request = Request::new("POST", "/oauth/token").form(form);
        let token = value(&world.handle(&request, clock.now()));
        Self {
            world,
            clock,
            token: token["access_token"].as_str().unwrap().to_owned(),
            said: Vec::new(),
        }
    }

    fn note(&mut self, answer: &Response) -> (u16, Value) {
        self.said.push(format!("{answer:?}"));
        self.said
            .push(String::from_utf8_lossy(&answer.body).into_owned());
        (
            answer.status,
            serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
        )
    }

    fn control(&mut self, method: &str, target: &str, body: &str) -> (u16, Value) {
        let request = Request::new(method, target).json(body);
        let answer = control(&mut self.world, &mut self.clock, &request);
        self.note(&answer)
    }

    fn api(&mut self, target: &str, body: &str) -> (u16, Value) {
        let request = Request::new("POST", target).bearer(&self.token).json(body);
        let answer = self.world.handle(&request, self.clock.now());
        self.note(&answer)
    }

    fn look(&mut self) {
        for path in [
            "",
            "/ledger",
            "/password-changes",
            "/outbox",
            "/identities",
            "/endpoints",
            "/faults",
        ] {
            self.control("GET", &format!("/tenants/acme{path}"), "");
        }
        let all = json!({"indices": ["events"], "query": {"query": "type:PASSWORD_ACTIVITY"}});
        self.api("/v3/search", &all.to_string());
        let tenant = self.world.tenant("acme").unwrap();
        self.said.push(format!("{tenant:?}"));
        self.said.push(format!("{tenant:#?}"));
        self.said.push(tenant.password_changes().to_string());
    }
}

#[test]
fn a_password_stands_nowhere() {
    let mut cage = Cage::new();
    let changes = "/tenants/acme/password-changes";
    let change = |more: Value| {
        let mut body = json!({"identity": "ada.kaya", "source": AD, "password": CANARY});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    // One that is retried, and one that fails for good.
    let endpoint = format!("/tenants/acme/endpoints/{AD}");
    cage.control("PATCH", &endpoint, r#"{"reachable": false}"#);
    assert_eq!(cage.control("POST", changes, &change(json!({}))).0, 200);
    cage.look();
    assert_eq!(
        cage.control("POST", changes, &change(json!({"passThrough": true})))
            .0,
        200
    );
    // A policy that the canary breaks, at the source and before.
    let policy = json!({"name": "Long", "minLength": 99}).to_string();
    assert_eq!(
        cage.control("PUT", "/tenants/acme/policies/long", &policy)
            .0,
        204
    );
    let demands = json!({"reachable": true, "demands": "long"}).to_string();
    assert_eq!(cage.control("PATCH", &endpoint, &demands).0, 200);
    let (_, failed) = cage.control("POST", changes, &change(json!({})));
    assert_eq!(failed["state"], "FAILED");
    let holders = format!("/tenants/acme/sources/{AD}/holders");
    cage.control("PUT", &holders, r#"[{"policyId": "long"}]"#);
    assert_eq!(cage.control("POST", changes, &change(json!({}))).0, 400);
    cage.control("PUT", &holders, &json!([{"policyId": CLOUD}]).to_string());
    // What the control port does not understand.
    for wrong in [
        change(json!({"passThrough": CANARY})),
        change(json!({"source": "nowhere"})),
        change(json!({"password": [CANARY]})),
        format!("{{\"password\": \"{CANARY}\", "),
    ] {
        assert!(cage.control("POST", changes, &wrong).0 >= 400, "{wrong}");
    }
    // The API: in its own form, in clear by mistake, late, and below a version that is none.
    let info = json!({"userName": "ada.kaya", "sourceName": "Active Directory"}).to_string();
    let (_, facts) = cage.api("/v3/query-password-info", &info);
    let public = facts["publicKey"].as_str().unwrap();
    let encrypted = encrypt(public, CANARY);
    let set = |password: &str| {
        let body = json!({
            "identityId": facts["identityId"], "sourceId": AD, "publicKeyId": facts["publicKeyId"],
            "accountId": facts["accounts"][0]["accountId"], "encryptedPassword": password,
        });
        body.to_string()
    };
    assert_eq!(cage.api("/v3/set-password", &set(&encrypted)).0, 202);
    assert_eq!(cage.api("/v3/set-password", &set(CANARY)).0, 400);
    assert_eq!(cage.api("/v9/set-password", &set(CANARY)).0, 404);
    assert_eq!(
        cage.api("/v3/set-password", &format!("{{\"x\": \"{CANARY}\""))
            .0,
        400
    );
    cage.look();
    cage.control("POST", "/clock/advance", r#"{"seconds": 6000}"#);
    cage.look();
    let hex: Vec<String> = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let hex = hex.concat();
    let numbers: Vec<String> = CANARY.bytes().map(|byte| byte.to_string()).collect();
    let numbers = numbers.join(", ");
    for hidden in [
        CANARY,
        "c4nary",
        &STANDARD.encode(CANARY),
        &hex,
        &numbers,
        &encrypted,
    ] {
        let found = cage.said.iter().find(|text| text.contains(hidden));
        assert_eq!(found, None, "{hidden}");
    }
}
