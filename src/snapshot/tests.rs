//! Reads of a simulated tenant that answers oddly: what of it is read, what is told, and what is still
//! an error.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use identity_simulator::{Cut, Fault, Odd, Seed, Tenant, request};
use jiff::{SignedDuration, Timestamp};
use psg_domain::{GroupId, Picture, Presence, SourceId};
use psg_identity::{
    BaseUrl, Client, Credentials, Error, HostPolicy, Lane, Limiters, Options, Request, Response,
    Transport, TransportError,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{Clock, Listener, Pictures, Snapshot};

const SEED: &str = r"
name: t
org: acme
credentials: [{clientId: psg-operator, clientSecret: s3cr3t}]
policies: [{id: p1, name: Strong}, {id: p2, name: Weak}]
sources:
  - {id: a, name: AD, features: [PASSWORD, AUTHENTICATE]}
  - {id: b, name: HR, features: [PASSWORD, AUTHENTICATE]}
  - {id: c, name: Box, features: [PASSWORD]}
apps:
  - {id: logon, name: Logon, accountSource: {id: a}}
  - {id: mail, name: Mail, accountSource: {id: a}}
  - {id: nowhere, name: Nowhere}
groups: [{id: 6881f631-3bd5-4213-9c75-8e05cc3e35dd, name: One, passwordPolicyId: p1, sourceIds: [a, c]}]
";
const GROUP: &str = "6881f631-3bd5-4213-9c75-8e05cc3e35dd";
const APPS: &str = "GET /source-apps/all";
const CONNECTIONS: &str = "GET /sources/{id}/connections";

/// A simulated tenant, and a picture of it.
struct World {
    tenant: Mutex<Tenant>,
    began: Instant,
}

impl World {
    fn new(switches: &Value) -> (Arc<Self>, Snapshot) {
        let mut seed = Seed::parse(SEED).unwrap();
        seed.switches = identity_simulator::switches::patched(&seed.switches, switches).unwrap();
        let world = Arc::new(Self {
            tenant: Mutex::new(Tenant::new(seed, 7, Timestamp::UNIX_EPOCH).unwrap()),
            began: Instant::now(),
        });
        let credentials = Credentials {
            base_url: BaseUrl::parse("https://acme.api.identitynow.com", &HostPolicy::default())
                .unwrap(),
            client_id: "psg-operator".into(),
            client_secret: "s3cr3t".into(),
        };
        let limiters = Limiters::default();
        let client = Client::new(credentials, Options::default(), world.clone(), &limiters);
        let timed = world.clone();
        let clock: Clock = Arc::new(move || timed.now());
        let nobody: Listener = Arc::new(|_, _| {});
        let snapshot = Pictures::default().open(client, clock, &nobody);
        (world, snapshot)
    }

    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.elapsed()).unwrap();
        Timestamp::UNIX_EPOCH + passed
    }

    fn strikes(&self, fault: &Value) {
        let fault: Fault = serde_json::from_value(fault.clone()).unwrap();
        self.tenant.lock().unwrap().add_fault(fault);
    }

    fn shows_oddly(&self, id: &str, odd: &Value) {
        let odd: Odd = serde_json::from_value(odd.clone()).unwrap();
        self.tenant.lock().unwrap().show_oddly(id, odd);
    }

    fn calls(&self, route: &str) -> u64 {
        self.tenant.lock().unwrap().ledger().count(route)
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, sent: Request) -> Result<Response, TransportError> {
        let mut asked = request::Request::new(sent.method.as_str(), &sent.target);
        for (name, value) in &sent.headers {
            asked = asked.header(name.as_str(), value.to_str().unwrap());
        }
        asked.body = sent.body.map(|body| body.to_vec()).unwrap_or_default();
        let answer = self.tenant.lock().unwrap().handle(&asked, self.now());
        if matches!(answer.cut, Some(Cut::Before | Cut::Middle)) {
            let why = "connection cut".to_owned();
            return Err(TransportError::Unknown { why });
        }
        if answer.body.len() > sent.max_body {
            let most = sent.max_body;
            return Err(TransportError::TooLarge { most });
        }
        let headers = answer.headers.into_iter();
        let headers = headers.map(|(name, value)| {
            let name = http::HeaderName::try_from(name).unwrap();
            (name, http::HeaderValue::try_from(value).unwrap())
        });
        Ok(Response {
            status: http::StatusCode::from_u16(answer.status).unwrap(),
            headers: headers.collect(),
            body: answer.body.into(),
        })
    }
}

async fn read(world: &World, snapshot: &Snapshot) -> Result<(), Error> {
    tokio::time::advance(std::time::Duration::from_mins(1)).await;
    snapshot.read(world.now()).await.map(drop)
}

/// How many applications AD and HR have.
fn applications(snapshot: &Snapshot) -> [Option<u32>; 2] {
    ["a", "b"].map(|id| {
        let id = SourceId::parse(id).unwrap();
        snapshot.with(|picture| picture.applications(&id))
    })
}

fn told(snapshot: &Snapshot) -> Vec<String> {
    let (count, told) = snapshot.unreadable(10);
    assert_eq!(count, told.len());
    told
}

#[tokio::test(start_paused = true)]
async fn applications_that_cannot_be_listed_are_asked_of_each_authentication_source() {
    for kind in [
        json!({"status": {"code": 400}}),
        json!({"status": {"code": 403}}),
        json!({"status": {"code": 404}}),
        json!({"status": {"code": 500}}),
        json!({"garbage_body": {}}),
    ] {
        let (world, snapshot) = World::new(&json!({}));
        world.strikes(&json!({"match": APPS, "kind": kind}));
        read(&world, &snapshot).await.unwrap();
        assert_eq!(applications(&snapshot), [Some(2), Some(0)], "{kind}");
        assert_eq!(world.calls(CONNECTIONS), 2, "not of the third source");
        assert_eq!(told(&snapshot), [""; 0], "nothing is unknown");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_total_of_the_applications_is_told_and_their_numbers_are_taken() {
    let (world, snapshot) = World::new(&json!({}));
    world.strikes(&json!({"match": APPS, "kind": {"wrong_total": {"by": 1}}}));
    read(&world, &snapshot).await.unwrap();
    assert_eq!(applications(&snapshot), [Some(2), Some(0)]);
    assert_eq!(told(&snapshot), ["4 applications announced and 3 shown"]);
    assert_eq!(world.calls(CONNECTIONS), 0);
}

#[tokio::test(start_paused = true)]
async fn an_application_counts_for_its_source_whatever_else_is_odd_about_it() {
    let (world, snapshot) = World::new(&json!({}));
    world.shows_oddly("logon", &json!({"set": {"id": null, "name": null}}));
    world.shows_oddly("mail", &json!({"set": {"accountSource": {"id": ""}}}));
    read(&world, &snapshot).await.unwrap();
    assert_eq!(applications(&snapshot), [Some(1), Some(0)]);
    assert_eq!(
        told(&snapshot),
        ["application without name and id: it has no id"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_nobody_tells_is_as_it_was_known_last_or_unknown() {
    for (kind, why, asked) in [
        (
            json!({"status": {"code": 400}}),
            "refused with status 400",
            2,
        ),
        (
            json!({"status": {"code": 404}}),
            "refused with status 400",
            2,
        ),
        (json!("lost_answer"), "no whole answer: connection cut", 0),
    ] {
        let (world, snapshot) = World::new(&json!({}));
        world.strikes(&json!({"match": APPS, "kind": kind}));
        world.strikes(&json!({"match": CONNECTIONS, "kind": {"status": {"code": 400}}}));
        read(&world, &snapshot).await.unwrap();
        assert_eq!(applications(&snapshot), [None, None], "{kind}");
        assert_eq!(
            snapshot.with(Picture::counts),
            (3, 2, 1),
            "all else is read"
        );
        let said = format!(
            "the applications of 2 authentication sources cannot be read, and count as they did \
             last: {why}"
        );
        assert_eq!(told(&snapshot), [said.as_str()]);
        assert_eq!(world.calls(CONNECTIONS), asked, "{kind}");
        world.tenant.lock().unwrap().clear_faults();
        read(&world, &snapshot).await.unwrap();
        assert_eq!(applications(&snapshot), [Some(2), Some(0)]);
        assert_eq!(told(&snapshot), [""; 0]);
        world.strikes(&json!({"match": APPS, "kind": {"status": {"code": 404}}}));
        world.strikes(&json!({"match": CONNECTIONS, "kind": {"status": {"code": 404}}}));
        read(&world, &snapshot).await.unwrap();
        assert_eq!(applications(&snapshot), [Some(2), Some(0)], "as known last");
        assert!(
            told(&snapshot)[0].ends_with("not found"),
            "{:?}",
            told(&snapshot)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn totals_that_are_wrong_everywhere_count_as_wrong_after_ten_minutes() {
    for (totals, announced) in [("one_high", 2), ("one_low", 0)] {
        let (world, snapshot) = World::new(&json!({"totals": totals}));
        let first = read(&world, &snapshot).await.unwrap_err().to_string();
        let said = format!("{announced} groups announced and 1 shown");
        assert!(first.contains(&said) && first.contains("until"), "{first}");
        for _ in 0..9 {
            assert!(read(&world, &snapshot).await.is_err());
            assert_eq!(snapshot.with(Picture::groups_as_of), None);
        }
        read(&world, &snapshot).await.unwrap();
        assert_eq!(snapshot.with(Picture::counts), (3, 2, 1));
        let told = told(&snapshot);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[0].starts_with(&said), "{told:?}");
        let unknown = psg_domain::PolicyId::parse("unknown").unwrap();
        assert!(!snapshot.with(|picture| picture.lacks_policy(&unknown)));
        // Groups of which none shows may be asked for now, and a group that comes counts at once.
        let now = world.now();
        snapshot.read_groups(now, Lane::Read).await.unwrap();
        let exact = identity_simulator::switches::patched(
            world.tenant.lock().unwrap().switches_mut(),
            &json!({"totals": "exact"}),
        );
        *world.tenant.lock().unwrap().switches_mut() = exact.unwrap();
        read(&world, &snapshot).await.unwrap();
        assert_eq!(snapshot.unreadable(10), (0, Vec::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn one_odd_object_hides_no_other() {
    let (world, snapshot) = World::new(&json!({}));
    world.shows_oddly(GROUP, &json!({"leaveOut": ["name"]}));
    world.shows_oddly("p2", &json!({"set": {"id": 42}}));
    world.shows_oddly("c", &json!({"set": {"id": null}}));
    read(&world, &snapshot).await.unwrap();
    assert_eq!(
        told(&snapshot),
        [
            &*format!("group {GROUP}: it has no name"),
            "source \"Box\": it has no id",
            "password policy \"Weak\": its id cannot be used",
        ]
    );
    assert_eq!(snapshot.with(Picture::counts), (2, 1, 1));
    let id = GroupId::parse(GROUP).unwrap();
    let unknown = |picture: &Picture| matches!(picture.group(&id), Presence::Unknown(_));
    assert!(snapshot.with(unknown));
    let error = snapshot.read_group(&id, Lane::Read).await.unwrap_err();
    assert!(error.to_string().contains("it has no name"), "{error}");
    assert!(snapshot.with(unknown), "an odd answer tells nothing more");
    assert_eq!(snapshot.unreadable(1).1.len(), 1);
    assert_eq!(snapshot.unreadable(1).0, 3);
}
