//! Simulated tenants: one `identity-simulator` process for the run, one tenant for each test.
//!
//! The simulator tells tenants apart by client id, so tests do not see each other. Everything here
//! goes to its control port; the API itself is left to the operator.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    binaries,
    kubernetes::{http, unique},
    leash::{Folder, Leashed},
    logs,
};

/// A simulator process; it ends when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    api: String,
    control: String,
    _process: Leashed,
    _folder: Folder,
}

/// One tenant in it.
#[derive(Debug)]
pub struct TenantSim {
    /// The name on the control port, and the org.
    pub name: String,
    /// What the Secret's `baseUrl` says.
    pub base_url: String,
    /// What its `clientId` says.
    pub client_id: String,
    /// What its `clientSecret` says.
    pub client_secret: String,
    control: String,
    http: reqwest::Client,
}

impl Simulator {
    /// The one that all tests of this run share, with the real clock.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Simulator> = OnceCell::const_new();
        SHARED.get_or_init(async || Self::start(&[])).await
    }

    /// One of its own: `--clock virtual`, `--latency-ms 20`.
    pub fn start(args: &[&str]) -> Self {
        let folder = Folder::new("simulator");
        let mut command = Command::new(binaries::own("identity-simulator"));
        command.args(args);
        let log = logs::into_file(&mut command, &folder, "identity-simulator");
        command.stdout(Stdio::piped());
        let mut process = Leashed::start(&mut command);
        let stdout = process.child().stdout.take().expect("its output");
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let address = |name: &str| match said[name].as_str() {
            Some(address) => address.to_owned(),
            None => panic!("no simulator: {read:?} {line}\n{}", logs::tail(&log, 20)),
        };
        Self {
            api: address("api"),
            control: address("control"),
            _process: process,
            _folder: folder,
        }
    }

    /// The address of the identity API.
    pub fn api(&self) -> &str {
        &self.api
    }

    /// The address of the control port.
    pub fn control(&self) -> &str {
        &self.control
    }

    /// A new tenant. The seed's name, org, tenant id and first client become unique to it.
    pub async fn tenant(&self, name: &str, mut seed: Value) -> TenantSim {
        let name = unique(name);
        let client_id = format!("client-{name}");
        let client_secret = format!("secret-{name}");
        let mut credential = seed["credentials"][0].take();
        if credential.is_null() {
            credential = json!({});
        }
        credential["clientId"] = json!(client_id);
        credential["clientSecret"] = json!(client_secret);
        seed["credentials"] = json!([credential]);
        seed["name"] = json!(name);
        seed["org"] = json!(name);
        seed["tenantId"] = json!(format!("tenant-{name}"));
        let tenant = TenantSim {
            base_url: self.api.clone(),
            control: self.control.clone(),
            http: http(),
            name,
            client_id,
            client_secret,
        };
        tenant.put("", seed).await;
        tenant
    }

    /// A tenant that the process was started with: `--seed`.
    pub fn seeded(&self, name: &str, client_id: &str, client_secret: &str) -> TenantSim {
        TenantSim {
            name: name.to_owned(),
            base_url: self.api.clone(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            control: self.control.clone(),
            http: http(),
        }
    }

    /// Moves a virtual clock.
    pub async fn advance(&self, seconds: f64) {
        let url = format!("{}/clock/advance", self.control);
        ask(
            &http(),
            Method::POST,
            &url,
            Some(json!({"seconds": seconds})),
        )
        .await;
    }
}

impl TenantSim {
    /// A tenant of one's own in the shared simulator.
    pub async fn new(name: &str, seed: Value) -> Self {
        Simulator::shared().await.tenant(name, seed).await
    }

    /// The same from the believable tenant of the simulator's documentation.
    pub async fn acme(name: &str) -> Self {
        Self::new(name, acme()).await
    }

    /// Everything the tenant holds; its groups, policies and sources with what they show.
    pub async fn state(&self) -> Value {
        self.get("").await
    }

    /// The groups of the tenant.
    pub async fn groups(&self) -> Vec<Value> {
        let state = self.state().await;
        state["groups"].as_array().cloned().unwrap_or_default()
    }

    /// The group of a name; there must not be two.
    pub async fn group(&self, name: &str) -> Option<Value> {
        let mut groups = self.groups().await;
        groups.retain(|group| group["name"] == name);
        assert!(groups.len() < 2, "two groups named {name}: {groups:?}");
        groups.pop()
    }

    /// Its credentials under the names that the plugin takes them by.
    pub fn variables(&self) -> [(&'static str, &str); 3] {
        [
            ("SAIL_BASE_URL", &self.base_url),
            ("SAIL_CLIENT_ID", &self.client_id),
            ("SAIL_CLIENT_SECRET", &self.client_secret),
        ]
    }

    /// The plugin with these credentials and without a cluster.
    pub fn plugin(&self) -> Command {
        let mut plugin = Command::new(binaries::own("kubectl-psg"));
        plugin.env("KUBECONFIG", "/nowhere").envs(self.variables());
        plugin
    }

    /// The source of a name.
    pub async fn source(&self, name: &str) -> Value {
        let state = self.state().await;
        let sources = state["sources"].as_array().into_iter().flatten();
        let found = sources.clone().find(|source| source["name"] == name);
        found.unwrap_or_else(|| panic!("no source {name}")).clone()
    }

    /// Every request since the ledger was cleared.
    pub async fn ledger(&self) -> Vec<Value> {
        self.ledger_since(0).await
    }

    /// Every request after a number.
    pub async fn ledger_since(&self, seq: u64) -> Vec<Value> {
        let entries = self.get(&format!("ledger?since={seq}")).await;
        entries.as_array().cloned().unwrap_or_default()
    }

    /// The requests that change something, as `POST /route`: without those for a token, for a search, and
    /// for a test of a connection.
    pub async fn writes(&self) -> Vec<String> {
        let writes = self.ledger().await.into_iter().filter_map(|entry| {
            let (method, route) = (entry["method"].as_str()?, entry["route"].as_str()?);
            let reads = ["/oauth", "/search", "/sources/{id}/connector/"];
            let write = method != "GET" && !reads.iter().any(|read| route.starts_with(read));
            write.then(|| format!("{method} {route}"))
        });
        writes.collect()
    }

    /// How often each route was asked, and under `429` how often the limit was hit.
    pub async fn counts(&self) -> BTreeMap<String, u64> {
        let counts = self.get("ledger/counts").await;
        let counts = counts.as_object().expect("counts").iter();
        let number = |(call, count): (&String, &Value)| Some((call.clone(), count.as_u64()?));
        counts.filter_map(number).collect()
    }

    /// The most requests in any window of the rate limit, by what it is counted by.
    pub async fn most_in_a_window(&self) -> BTreeMap<String, u64> {
        let counts = self.get("ledger/counts").await;
        serde_json::from_value(counts["maxInWindow"].clone()).expect("numbers")
    }

    /// Empties the ledger; its numbers go on.
    pub async fn clear_ledger(&self) {
        self.delete("ledger").await;
    }

    /// Orders a fault: `{"match": "POST /password-sync-groups", "times": 1, "kind": "lost_answer"}`.
    pub async fn fault(&self, fault: Value) {
        self.ask(Method::POST, "faults", Some(fault)).await;
    }

    /// Takes back all of them.
    pub async fn clear_faults(&self) {
        self.delete("faults").await;
    }

    /// Sets switches: `{"duplicate_name": "refuse"}`.
    pub async fn switch(&self, switches: Value) {
        self.ask(Method::PATCH, "switches", Some(switches)).await;
    }

    /// Ends every token at once.
    pub async fn revoke_tokens(&self) {
        self.ask(Method::POST, "tokens/revoke", None).await;
    }

    /// Changes the credential, the org or the tenant id: `{"clientSecret": "new"}`.
    pub async fn credentials(&self, patch: Value) {
        self.ask(Method::PATCH, "credentials", Some(patch)).await;
    }

    /// A look at the control port below this tenant.
    pub async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await
    }

    /// An edit behind the API's back: `groups/<id>`, `sources/<id>`, `sources/<id>/holders`,
    /// `policies/<id>`, `apps/<id>`, `latency`, `rate-limit`. The body is the whole object.
    pub async fn put(&self, path: &str, object: Value) -> Value {
        self.ask(Method::PUT, path, Some(object)).await
    }

    /// A new group behind the API's back, as it became.
    pub async fn add_group(&self, group: Value) -> Value {
        self.ask(Method::POST, "groups", Some(group)).await
    }

    /// A person changes a password on a source, as in Password Manager; returns the change's id.
    pub async fn change_password(&self, person: &str, source: &str) -> String {
        let body = serde_json::json!({
            "identity": person, "source": source, "password": "Correct horse 1! battery",
        });
        let change = self.ask(Method::POST, "password-changes", Some(body)).await;
        change["requestId"].as_str().expect("an id").to_owned()
    }

    /// Changes the system behind a source: `{"reachable": false}`.
    pub async fn endpoint(&self, source_id: &str, patch: Value) {
        self.patch(&format!("endpoints/{source_id}"), patch).await;
    }

    /// Replaces some fields of an object at the control port.
    pub async fn patch(&self, path: &str, patch: Value) {
        self.ask(Method::PATCH, path, Some(patch)).await;
    }

    /// A removal behind the API's back.
    pub async fn delete(&self, path: &str) {
        self.ask(Method::DELETE, path, None).await;
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/tenants/{}/{path}", self.control, self.name);
        ask(&self.http, method, url.trim_end_matches('/'), body).await
    }
}

/// The seed of the believable tenant.
pub fn acme() -> Value {
    let path = binaries::repository().join("src/simulator/seeds/acme.yaml");
    let text = std::fs::read_to_string(path).expect("the seed");
    serde_saphyr::from_str(&text).expect("a seed")
}

async fn ask(http: &reqwest::Client, method: Method, url: &str, body: Option<Value>) -> Value {
    let request = http.request(method.clone(), url);
    let request = match &body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = request.send().await;
    let answer = answer.unwrap_or_else(|why| panic!("{method} {url}: {why:?}"));
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    assert!(status.is_success(), "{method} {url}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}
