//! One tenant, one cluster, what a person does to both, and what is written down of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use identity_simulator::{Fault, FaultKind, Response, Tenant, model::Group, request::Request};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use psg_api::{IdentityTenant, PasswordSyncGroup, PasswordSyncGroupStatus, names};
use psg_snapshot::Clock;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    audit::{Books, recorded_by},
    calls::Calls,
    cluster::Cluster,
    oracle::Oracle,
    tenant,
};
use crate::ProcessClock;

/// How often it is looked whether something holds.
const LOOK: Duration = Duration::from_millis(500);
/// How often what reads see is looked at for the oracle.
const SHORT: Duration = Duration::from_secs(1);
/// After which the IdentityTenants say how many groups there are by now.
const COUNTED: Duration = Duration::from_secs(130);
/// After which reads show each change, and its record is closed.
const CLOSED: Duration = Duration::from_mins(5);
/// The most steps of a story, twice what the longest has at least: calls of the API server and of the
/// tenant, and what is told of them.
const LONGEST: usize = 40_000;

pub struct World {
    pub cluster: Cluster,
    pub tenant: Mutex<Tenant>,
    pub oracle: Mutex<Oracle>,
    pub books: Mutex<Books>,
    pub weather: Mutex<Weather>,
    pub clock: Clock,
    pub calls: Calls,
    /// How many processes there were.
    pub lives: AtomicUsize,
    /// How many groups somebody else made.
    strangers: AtomicUsize,
    /// By how many seconds the clock of any process was ahead.
    most_ahead: AtomicI64,
    began: Instant,
    trace: Mutex<Vec<String>>,
    steps: AtomicUsize,
    /// Every process is dead from then on.
    pub over: CancellationToken,
    endless: Mutex<Option<String>>,
}

/// What is wrong with the API server.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that may be wrong, and any of them may come together"
)]
pub struct Weather {
    /// It cannot be reached.
    pub api_down: bool,
    /// It does what it is asked, and no answer arrives.
    pub api_deaf: bool,
    /// How often the operator panics over what it asks for: a group's status, a Secret.
    pub panics: BTreeMap<String, u32>,
    /// The volume of the audit log is full; that shows when a line is written.
    pub audit_full: bool,
    /// It refuses every write of the operator.
    pub api_forbids: bool,
    /// It refuses those to a Secret.
    pub secret_forbidden: bool,
    /// The watches show nothing; when they go on, everything is listed afresh.
    pub watch_cut: bool,
    /// What the real watches show of the group of that name fits no type.
    pub spoilt: Option<String>,
    /// Nothing that is sent to the tenant leaves the house.
    pub no_route: bool,
    /// By how many seconds the clock of a process that starts now is ahead.
    pub clock_ahead: i64,
}

impl World {
    pub fn new(tenant: Tenant) -> Arc<Self> {
        let clock = ProcessClock::starting_at(Timestamp::UNIX_EPOCH);
        let world = Self {
            cluster: Cluster::default(),
            tenant: Mutex::new(tenant),
            oracle: Mutex::default(),
            books: Mutex::default(),
            weather: Mutex::default(),
            clock: Arc::new(move || clock.now()),
            calls: Calls::default(),
            lives: AtomicUsize::new(0),
            strangers: AtomicUsize::new(0),
            most_ahead: AtomicI64::new(0),
            began: Instant::now(),
            trace: Mutex::default(),
            steps: AtomicUsize::new(0),
            over: CancellationToken::new(),
            endless: Mutex::default(),
        };
        for group in world.tenant.lock().unwrap().state().groups.iter() {
            let mut oracle = world.oracle.lock().unwrap();
            oracle.makers.another_hand(&group.id);
        }
        world.cluster.set_secret(Some(tenant::SECRET));
        world.make_tenant();
        Arc::new(world)
    }

    /// A person makes the IdentityTenant.
    pub fn make_tenant(&self) {
        let spec = json!({"credentialsSecretRef": {"name": "pat"}});
        self.cluster.tenants.apply("default", &spec);
    }

    /// Writes down what happened now.
    pub fn note(&self, what: &str) {
        let line = format!("{:>10.3} {what}", self.began.elapsed().as_secs_f64());
        self.trace.lock().unwrap().push(line);
        self.step(what);
    }

    /// Counts everything that anybody does. A history that has no end is a violation, and ends here:
    /// no process finds a way out any more.
    pub fn step(&self, what: &str) {
        if self.steps.fetch_add(1, Ordering::SeqCst) == LONGEST {
            self.over.cancel();
            let mut violations = self.endless.lock().unwrap();
            violations.get_or_insert_with(|| format!("no end of it: {what}"));
        }
    }

    fn is_endless(&self) -> bool {
        self.over.is_cancelled()
    }

    /// What was done when the history was found to have no end.
    pub fn must_end(&self) {
        let endless = self.endless.lock().unwrap().clone();
        assert_eq!(
            endless,
            None,
            "L3: a history without an end\n{}",
            self.story()
        );
    }

    pub fn trace(&self) -> Vec<String> {
        self.trace.lock().unwrap().clone()
    }

    /// Whether the API server refuses a write to that.
    pub fn forbids(&self, target: &str) -> bool {
        let weather = self.weather.lock().unwrap();
        weather.api_forbids || weather.secret_forbidden && target == "Secret"
    }

    /// Panics, if the weather has it so.
    pub fn panic_over(&self, what: &str) {
        let mut weather = self.weather.lock().unwrap();
        if let Some(left) = weather.panics.get_mut(what).filter(|left| **left > 0) {
            *left -= 1;
            drop(weather);
            self.note(&format!("panic over {what}"));
            panic!("a planted panic over {what}");
        }
    }

    /// By how many seconds the clock of a process that starts from now on is ahead.
    pub fn set_clocks(&self, ahead: i64) {
        self.weather.lock().unwrap().clock_ahead = ahead;
        self.most_ahead.fetch_max(ahead, Ordering::SeqCst);
    }

    /// Everything that was written down, for a message.
    pub fn story(&self) -> String {
        let mut trace = self.trace();
        if self.is_endless() {
            trace.truncate(1000);
        }
        trace.join("\n")
    }

    pub fn write_of_the_tenant(&self, asked: &Request) -> Response {
        let tenant = self.tenant.lock().unwrap();
        let mut oracle = self.oracle.lock().unwrap();
        oracle.after(&tenant);
        self.books.lock().unwrap().after(&tenant);
        oracle.sends(asked, &self.cluster, &tenant);
        drop((tenant, oracle));
        let recorded = recorded_by(asked, &self.cluster);
        let answer = self.ask_the_tenant(asked);
        let tracking_id = answer.header("slpt-request-id").unwrap_or_default();
        self.books.lock().unwrap().sent(tracking_id, recorded);
        if asked.method == "POST" {
            self.oracle.lock().unwrap().answered(answer.status);
        }
        self.note(&format!(
            "tenant: {} {} {} -> {} {:?}",
            asked.method,
            asked.path,
            String::from_utf8_lossy(&asked.body),
            answer.status,
            answer.cut
        ));
        answer
    }

    pub fn ask_the_tenant(&self, asked: &Request) -> Response {
        let mut tenant = self.tenant.lock().unwrap();
        let now = (self.clock)();
        let mut oracle = self.oracle.lock().unwrap();
        // Each late write is looked at by itself: the next may change what it made.
        while tenant.settle_next(now) {
            oracle.after(&tenant);
            self.books.lock().unwrap().after(&tenant);
        }
        let answer = tenant.handle(asked, now);
        // What a read changes is what was due by then.
        if asked.method != "GET" || oracle.is_due(SHORT) {
            oracle.after(&tenant);
            self.books.lock().unwrap().after(&tenant);
        }
        answer
    }

    /// Whether the last request did what it is for, whatever was answered.
    pub fn was_done(&self, answer: &Response) -> bool {
        let tenant = self.tenant.lock().unwrap();
        let last = tenant.ledger().since(0).last();
        let heard = answer.cut.is_none() && answer.status == 200;
        last.is_some_and(|last| match last.method.as_str() {
            "GET" => heard && last.fault.is_none(),
            "POST" if last.route == "/oauth/token" => heard && last.fault.is_none(),
            _ => last.applied,
        })
    }

    /// A status was stored, in place of another.
    pub fn told(&self, before: &PasswordSyncGroup, group: &PasswordSyncGroup) {
        let tenant = self.tenant.lock().unwrap();
        let mut oracle = self.oracle.lock().unwrap();
        oracle.after(&tenant);
        oracle.told(before.status.as_ref(), group, &tenant, &self.cluster);
    }

    /// A finalizer went.
    pub fn released(&self, group: &PasswordSyncGroup) {
        let mut tenant = self.tenant.lock().unwrap();
        let mut oracle = self.oracle.lock().unwrap();
        while tenant.settle_next((self.clock)()) {
            oracle.after(&tenant);
        }
        oracle.released(group, &tenant);
        let untold = self.books.lock().unwrap().released(group);
        oracle.violations.extend(untold);
    }

    /// The finalizers of a tenant changed.
    pub fn tenant_let_go(&self, tenant: &IdentityTenant) {
        let mut oracle = self.oracle.lock().unwrap();
        oracle.tenant_let_go(tenant, &self.cluster);
    }

    /// The finalizers of the Secret changed.
    pub fn secret_let_go(&self, secret: &ObjectMeta) {
        let mut oracle = self.oracle.lock().unwrap();
        oracle.secret_let_go(secret, &self.cluster);
    }

    /// A person pauses a resource for so long.
    pub fn pause(&self, name: &str, length: SignedDuration) {
        let until = Some(((self.clock)() + length).to_string());
        let groups = &self.cluster.groups;
        groups.annotate(name, names::PAUSED_UNTIL, until);
    }

    /// Somebody else makes a group.
    pub fn add_group(&self, name: &str, policy: &str, sources: &[usize]) -> String {
        let made = self.strangers.fetch_add(1, Ordering::SeqCst) + 1;
        let id = format!("00000000-0000-4000-8000-{made:012}");
        let group = Group {
            id: id.clone(),
            name: name.to_owned(),
            password_policy_id: Some(policy.to_owned()),
            source_ids: sources.iter().map(|n| tenant::source_id(*n)).collect(),
            ..Group::default()
        };
        self.store(&mut self.tenant.lock().unwrap(), group);
        id
    }

    /// Somebody else changes a group behind our back.
    pub fn edit_group(&self, name: &str, edit: impl FnOnce(&mut Group)) {
        let mut tenant = self.tenant.lock().unwrap();
        let found = tenant.state().groups_named(name).next().cloned();
        if let Some(mut group) = found {
            edit(&mut group);
            self.store(&mut tenant, group);
        }
    }

    /// Somebody else gives a source a policy of its own.
    pub fn assign(&self, source: &str, policy: &str) {
        let mut tenant = self.tenant.lock().unwrap();
        tenant.assign(source, policy, (self.clock)());
        self.oracle.lock().unwrap().after(&tenant);
    }

    /// The sources that are in no group.
    pub fn free_sources(&self) -> BTreeSet<String> {
        let tenant = self.tenant.lock().unwrap();
        let state = tenant.state();
        let free = state
            .sources
            .iter()
            .filter(|it| state.groups_of(&it.id).next().is_none());
        free.map(|source| source.id.clone()).collect()
    }

    fn store(&self, tenant: &mut Tenant, group: Group) {
        let before = tenant.state().groups.find(&group.id).cloned();
        let mut oracle = self.oracle.lock().unwrap();
        oracle.makers.another_hand(&group.id);
        let left: Vec<String> = before
            .map_or_else(Vec::new, |before| before.source_ids)
            .into_iter()
            .filter(|source| !group.source_ids.contains(source))
            .collect();
        tenant.store_group(group, (self.clock)());
        oracle.makers.left_by_another(&left, tenant);
        oracle.after(tenant);
        self.books.lock().unwrap().after(tenant);
    }

    /// Somebody else deletes a group.
    pub fn drop_group(&self, name: &str) {
        let mut tenant = self.tenant.lock().unwrap();
        let id = tenant
            .state()
            .groups_named(name)
            .next()
            .map(|group| group.id.clone());
        if let Some(id) = id {
            self.remove(&mut tenant, &id);
        }
    }

    fn remove(&self, tenant: &mut Tenant, id: &str) {
        let mut oracle = self.oracle.lock().unwrap();
        if let Some(group) = tenant.drop_group(id, (self.clock)()) {
            oracle.makers.left_by_another(&group.source_ids, tenant);
        }
    }

    /// A person removes the groups that nobody else looks after: those that other hands made or
    /// changed, and those that were left on request.
    pub fn drop_unclaimed(&self) {
        let mut tenant = self.tenant.lock().unwrap();
        let claimed = |group: &Group| {
            let owned = self
                .oracle
                .lock()
                .unwrap()
                .makers
                .owner(&group.id)
                .is_some();
            let groups = self.cluster.groups.all();
            let mut statuses = groups.iter().filter_map(|group| group.status.as_ref());
            let kept = statuses.any(|status| {
                let undone = status.deletion.as_ref().map(|deletion| &deletion.group_id);
                status.group_id.as_ref() == Some(&group.id) || undone == Some(&group.id)
            });
            // Only a person can tell whether it is what a create made.
            kept || owned && !self.is_ambiguous(&group.name)
        };
        let groups = tenant.state().groups.iter();
        let left = groups.filter(|group| !claimed(group));
        let left: Vec<String> = left.map(|group| group.id.clone()).collect();
        for id in left {
            self.remove(&mut tenant, &id);
        }
    }

    fn is_ambiguous(&self, name: &str) -> bool {
        let groups = self.cluster.groups.all();
        let mut statuses = groups.iter().filter_map(|group| group.status.as_ref());
        statuses.any(|status| {
            let open = status
                .intent
                .as_ref()
                .is_some_and(|intent| intent.name == name);
            open && ambiguous(status)
        })
    }

    /// The next so many requests of this route go wrong.
    pub fn strike(&self, route: &str, times: u32, kind: FaultKind) {
        self.tenant
            .lock()
            .unwrap()
            .add_fault(Fault::new(route, times, kind));
    }

    /// The tenant's groups: name to source names.
    pub fn groups(&self) -> Vec<(String, BTreeSet<String>)> {
        let tenant = self.tenant.lock().unwrap();
        let state = tenant.state();
        let name = |id: &String| state.sources.find(id).map(|source| source.name.clone());
        let groups = state.groups.iter().map(|group| {
            (
                group.name.clone(),
                group.source_ids.iter().filter_map(name).collect(),
            )
        });
        groups.collect()
    }

    /// The ids of the tenant's groups.
    pub fn group_ids(&self) -> Vec<String> {
        let tenant = self.tenant.lock().unwrap();
        let groups = tenant.state().groups.iter();
        groups.map(|group| group.id.clone()).collect()
    }

    /// Whether there is a group of that name, or with one of these sources, beside that one.
    pub fn has_another(&self, than: Option<&str>, name: &str, sources: &[&String]) -> bool {
        let tenant = self.tenant.lock().unwrap();
        let state = tenant.state();
        let named = |id: &String| state.sources.find(id).map(|source| &source.name);
        let mut others = state.groups.iter().filter(|it| Some(&*it.id) != than);
        others.any(|group| {
            let mut members = group.source_ids.iter().filter_map(named);
            group.name == name || members.any(|member| sources.contains(&member))
        })
    }

    /// Each group's policy.
    pub fn policies(&self) -> BTreeMap<String, Option<String>> {
        let tenant = self.tenant.lock().unwrap();
        let groups = tenant.state().groups.iter();
        groups
            .map(|group| (group.name.clone(), group.password_policy_id.clone()))
            .collect()
    }

    /// Each source's policies of its own.
    pub fn holders(&self) -> BTreeMap<String, Vec<String>> {
        let tenant = self.tenant.lock().unwrap();
        let sources = tenant.state().sources.iter();
        let each = sources.map(|source| {
            let policies = source.holders.iter().map(|holder| holder.policy_id.clone());
            (source.name.clone(), policies.collect())
        });
        each.collect()
    }

    /// How often a route was called; `*` for all.
    pub fn calls(&self, route: &str) -> u64 {
        let tenant = self.tenant.lock().unwrap();
        match route {
            "*" => tenant.ledger().counts().values().sum(),
            route => tenant.ledger().count(route),
        }
    }

    pub fn tenant_writes(&self) -> u64 {
        let tenant = self.tenant.lock().unwrap();
        let counts = tenant.ledger().counts();
        let writes = counts.iter().filter(|(route, _)| {
            let reads = route.starts_with("GET") || *route == "POST /search";
            !reads && !route.contains("oauth") && route.contains(' ')
        });
        writes.map(|(_, count)| *count).sum()
    }

    /// Every resource is settled for its newest spec, or gone.
    pub fn quiet(&self) -> bool {
        self.cluster
            .groups
            .all()
            .iter()
            .all(|group| is_quiet(group))
    }

    /// Those that are not, for a message.
    pub fn restless(&self) -> Vec<String> {
        let all = self.cluster.groups.all();
        let restless = all.iter().filter(|group| !is_quiet(group));
        restless
            .map(|group| format!("{:#}", json!(**group)))
            .collect()
    }

    /// Lets virtual time pass until something holds; false if it never did.
    pub async fn until(&self, limit: Duration, holds: impl Fn() -> bool) -> bool {
        let end = Instant::now() + limit;
        while !holds() {
            self.must_end();
            if Instant::now() >= end || self.is_endless() {
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
        true
    }

    /// Panics unless no group is written anywhere for so long, and after the next reads nothing else
    /// is and nobody is told anything; and if anything was ever wrong.
    pub async fn must_rest(&self, time: Duration, what: &str) {
        // The record of a change is closed once reads must show it.
        let closed = || {
            self.cluster
                .groups
                .all()
                .iter()
                .all(|group| !is_open(group))
        };
        assert!(
            self.until(CLOSED, closed).await,
            "{what}: L4: a record of a change stays open\n{}",
            self.story()
        );
        let writes = || (self.tenant_writes(), self.cluster.groups.writes());
        let before = writes();
        tokio::time::sleep(COUNTED).await;
        let length = self.trace().len();
        tokio::time::sleep(time.saturating_sub(COUNTED)).await;
        let story = self.story();
        assert_eq!(
            writes(),
            before,
            "{what}: S8: settled stays settled\n{story}"
        );
        let mut since = self.trace().split_off(length);
        since.retain(|line| !line.contains(" watches: "));
        assert!(since.is_empty(), "{what}: S8: {since:#?}\n{story}");
        let tenant = self.tenant.lock().unwrap();
        let mut oracle = self.oracle.lock().unwrap();
        oracle.at_rest(&tenant, &self.cluster);
        let books = self.books.lock().unwrap();
        let ahead = SignedDuration::from_secs(self.most_ahead.load(Ordering::SeqCst));
        let wrong = books.check(tenant.ledger().since(0), ahead);
        oracle.violations.extend(wrong);
        let violations = &oracle.violations;
        assert!(violations.is_empty(), "{what}: {violations:#?}\n{story}");
    }
}

pub fn ambiguous(status: &PasswordSyncGroupStatus) -> bool {
    let mut conditions = status.conditions.iter();
    // While it is being deleted, it is said under another reason.
    conditions.any(|condition| condition.message.contains("it could be any of"))
}

/// It is in sync, and a change of it still counts as not shown.
fn is_open(group: &PasswordSyncGroup) -> bool {
    let status = group.status.as_ref();
    is_quiet(group) && status.is_some_and(|status| status.update.is_some())
}

fn is_quiet(group: &PasswordSyncGroup) -> bool {
    let Some(status) = &group.status else {
        return false;
    };
    let mut conditions = status.conditions.iter();
    group.metadata.deletion_timestamp.is_none()
        && Some(status.observed_generation) == group.metadata.generation
        && conditions.any(|c| c.type_ == "Ready" && c.status == "True")
}
