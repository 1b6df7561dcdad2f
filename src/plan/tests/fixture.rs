//! A case from few words. By default: a resource `Corp` of the sources `AD` and `Salesforce`
//! under the policy `Strong`, with a finalizer, in a tenant that was just read and has no group.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use psg_domain::{
    AdoptionPolicy, Assign, DeletionPolicy, Desired, Group, GroupId, Holder, HolderSelectors,
    Intent, ManagementPolicy, Origin, PasswordRules, Picture, Policy, PolicyId, PolicyPin,
    Reassignment, ReassignmentResult, Recorded, Ref, Source, SourceId, SourcePin, TenantKey,
    TenantName, Unreadable, Update,
};

use crate::{
    Action, Case, ClaimIndex, Claimant, Condition, Engine, Expectations, Finding, Memory, Next,
    Object, Outcome, Reason, Repairs, Report, Setback, TenantState, TenantView, Timers, What,
    claims,
};

/// When the tests take place, in seconds; its tenant was read just before.
pub const NOW: i64 = 10_000;
/// When the fixture's tenant was read.
pub const READ: i64 = NOW - 5;
/// The UID of the resource.
pub const ME: &str = "uid-me";
pub const TENANT: &str = "ns/default";

/// An IdentityTenant, by its namespace and name with a slash between them.
pub fn place(written: &str) -> TenantName {
    let (namespace, name) = written.split_once('/').unwrap();
    TenantName::new(namespace, name)
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub fn source_id(id: &str) -> SourceId {
    SourceId::parse(id).unwrap()
}

pub fn policy_id(id: &str) -> PolicyId {
    PolicyId::parse(id).unwrap()
}

pub fn group_id(id: &str) -> GroupId {
    GroupId::parse(id).unwrap()
}

pub fn names(names: &[&str]) -> Vec<Ref> {
    names
        .iter()
        .map(|name| Ref::Name((*name).to_owned()))
        .collect()
}

pub fn source(id: &str, name: &str) -> Source {
    Source {
        id: source_id(id),
        name: name.to_owned(),
        direct: Some(true),
        password: true,
        authenticates: false,
        healthy: true,
        status: "SOURCE_STATE_HEALTHY".to_owned(),
        policies: std::collections::BTreeSet::new(),
    }
}

pub fn policy(id: &str, name: &str) -> Policy {
    Policy {
        id: policy_id(id),
        name: name.to_owned(),
        rules: PasswordRules::default(),
    }
}

pub fn group(id: &str, name: &str, policy: &str, sources: &[&str]) -> Group {
    Group {
        id: group_id(id),
        name: name.to_owned(),
        policy: Some(policy_id(policy)),
        sources: sources.iter().map(|id| source_id(id)).collect(),
    }
}

/// A group of which the tenant shows this alone, and beside the sources one that cannot be read.
pub fn odd_group(id: Option<&str>, name: Option<&str>, sources: &[&str]) -> Unreadable {
    Unreadable {
        kind: psg_domain::Kind::Group,
        name: name.map(str::to_owned),
        id: id.map(str::to_owned),
        sources: sources.iter().map(|id| source_id(id)).collect(),
        all_sources: false,
        why: "it is odd".to_owned(),
    }
}

pub fn everybody(policy: &str) -> Holder {
    Holder::for_everybody(policy_id(policy))
}

pub fn exception(policy: &str) -> Holder {
    Holder {
        policy: policy_id(policy),
        selectors: Some(HolderSelectors(serde_json::json!({"identityAttr": []}))),
    }
}

pub fn reassign(source: &str, policy: &str, result: Option<ReassignmentResult>) -> Reassignment {
    Reassignment {
        source: source_id(source),
        name: source.to_owned(),
        policy: policy_id(policy),
        assign: Assign::Always,
        result,
    }
}

/// The same, only if it has no policy.
pub fn if_none(source: &str, policy: &str) -> Reassignment {
    Reassignment {
        assign: Assign::IfNone,
        ..reassign(source, policy, None)
    }
}

pub fn setback(until: i64) -> Setback {
    Setback {
        until: at(until),
        why: Finding::new(Reason::Retrying, "the tenant answered 503"),
    }
}

pub fn key(org: &str) -> TenantKey {
    TenantKey {
        org: org.to_owned(),
        tenant_id: format!("id-of-{org}"),
    }
}

pub fn pin(reference: &str, id: &str, name: &str) -> SourcePin {
    SourcePin {
        reference: reference.to_owned(),
        id: source_id(id),
        name: name.to_owned(),
        policy_before: None,
    }
}

/// Everything that a case borrows or owns.
#[derive(Clone)]
pub struct Fixture {
    pub now: Timestamp,
    pub object: Object,
    pub desired: Desired,
    pub unreadable: Option<String>,
    pub recorded: Recorded,
    pub tenant: TenantView,
    pub picture: Picture,
    pub others: Vec<Claimant>,
    pub last: Option<Outcome>,
    pub expectations: Expectations,
    pub repairs: Repairs,
    pub backoff: Duration,
}

impl Fixture {
    pub fn new() -> Self {
        let mut picture = Picture::default();
        picture.merge_groups(at(READ), Vec::new());
        let fixture = Self {
            now: at(NOW),
            object: Object {
                uid: ME.to_owned(),
                namespace: "ns".to_owned(),
                name: "corp".to_owned(),
                generation: 1,
                deleting: false,
                finalizer: true,
                paused_until: None,
                unreadable_pause: None,
                reconcile_at: None,
            },
            desired: Desired {
                name: "Corp".to_owned(),
                policy: Ref::Name("Strong".to_owned()),
                sources: names(&["AD", "Salesforce"]),
                management: ManagementPolicy::Enforce,
                adoption: AdoptionPolicy::IfIdentical,
                deletion: DeletionPolicy::Delete,
                group_id: None,
            },
            unreadable: None,
            recorded: Recorded::default(),
            tenant: TenantView {
                credentials: "one".to_owned(),
                in_use: crate::InUse::Held,
                ..TenantView::of(TenantState::Ready, Some(key("acme")))
            },
            picture,
            others: Vec::new(),
            last: None,
            expectations: Expectations::default(),
            repairs: Repairs::default(),
            backoff: Duration::from_secs(10),
        };
        fixture.facts(
            &[
                source("ad", "AD"),
                source("sf", "Salesforce"),
                source("wd", "Workday"),
            ],
            &[policy("strong", "Strong"), policy("weak", "Weak")],
        )
    }

    /// The resource manages this group, made equal to the manifest and settled.
    pub fn settled() -> Self {
        Self::new().held("g", Origin::Created).groups(&[group(
            "g",
            "Corp",
            "strong",
            &["ad", "sf"],
        )])
    }

    /// The same, being deleted.
    pub fn deleting() -> Self {
        let mut fixture = Self::settled();
        fixture.object.deleting = true;
        fixture
    }

    pub fn held(mut self, id: &str, origin: Origin) -> Self {
        self.recorded = Recorded {
            observed_generation: Some(1),
            group: Some(group_id(id)),
            origin: Some(origin),
            tenant: Some(key("acme")),
            name: Some("Corp".to_owned()),
            policy: Some(PolicyPin {
                reference: "Strong".to_owned(),
                id: policy_id("strong"),
                name: "Strong".to_owned(),
            }),
            sources: vec![pin("AD", "ad", "AD"), pin("Salesforce", "sf", "Salesforce")],
            ..Recorded::default()
        };
        self
    }

    /// An intent for the default manifest, announced at that second.
    pub fn intent(mut self, second: i64) -> Self {
        self.recorded.tenant = Some(key("acme"));
        self.recorded.intent = Some(Intent {
            attempt: 1,
            name: "Corp".to_owned(),
            policy: policy_id("strong"),
            sources: ["ad", "sf"].map(source_id).into(),
            started_at: at(second),
        });
        self
    }

    /// The POST of the intent was sent by this process.
    pub fn posted(mut self) -> Self {
        self.expectations.posted = self.recorded.intent.as_ref().map(|open| open.started_at);
        self
    }

    /// ... and certainly not applied.
    pub fn not_made(self, setback: Setback) -> Self {
        let mut this = self.posted();
        this.expectations.not_made = Some(setback);
        this
    }

    /// A change that makes its group this was recorded, and is not known to show.
    pub fn update(mut self, group: &Group) -> Self {
        self.recorded.update = Some(Update {
            name: group.name.clone(),
            policy: group.policy.clone().unwrap(),
            sources: group.sources.clone(),
            started_at: at(READ - 100),
        });
        self
    }

    /// ... and its PUT was answered.
    pub fn updated(self, group: &Group, second: i64) -> Self {
        self.update(group).with(|f| {
            f.expectations
                .puts
                .get_or_insert_default()
                .answered(at(second));
        })
    }

    pub fn facts(mut self, sources: &[Source], policies: &[Policy]) -> Self {
        let applications = sources.iter().map(|s| (s.id.clone(), 1)).collect();
        self.picture
            .merge_facts(at(READ), sources.to_vec(), policies.to_vec(), applications);
        self
    }

    /// How many applications each source has; one that is not listed has none.
    pub fn applications(mut self, sources: &[Source], counts: &[(&str, u32)]) -> Self {
        let none = sources.iter().map(|source| (source.id.clone(), 0));
        let counts = counts.iter().map(|(id, n)| (source_id(id), *n));
        let counts: BTreeMap<_, _> = none.chain(counts).collect();
        let policies = vec![policy("strong", "Strong")];
        self.picture
            .merge_facts(at(READ), sources.to_vec(), policies, counts);
        self
    }

    /// What the last walk showed.
    pub fn groups(self, groups: &[Group]) -> Self {
        self.walk(READ, groups)
    }

    /// What the last walk showed, and what of it cannot be read as a whole.
    pub fn odd_groups(mut self, groups: &[Group], unreadable: &[Unreadable]) -> Self {
        self.picture
            .merge_walk(at(READ), groups.to_vec(), unreadable.to_vec());
        self
    }

    pub fn walk(mut self, second: i64, groups: &[Group]) -> Self {
        self.picture.merge_groups(at(second), groups.to_vec());
        self
    }

    /// A group that has shown as it is for longer than the settle time.
    pub fn shown(mut self, group: Group) -> Self {
        self.picture.merge_one(at(READ - 60), group);
        self
    }

    pub fn gone(mut self, id: &str, second: i64) -> Self {
        self.picture.merge_gone(at(second - 30), &group_id(id));
        self.picture.merge_gone(at(second), &group_id(id));
        self
    }

    pub fn holders(mut self, source: &str, second: i64, holders: &[Holder]) -> Self {
        self.picture
            .merge_holders(at(second), source_id(source), Some(holders.to_vec()));
        self
    }

    /// Both sources of the default manifest were just read and have a policy of their own.
    pub fn read(self) -> Self {
        self.holders("ad", READ, &[everybody("weak")])
            .holders("sf", READ, &[everybody("weak")])
    }

    pub fn sources(mut self, refs: &[&str]) -> Self {
        self.desired.sources = names(refs);
        self.object.generation += 1;
        self
    }

    pub fn last(mut self, last: Outcome) -> Self {
        self.last = Some(last);
        self
    }

    /// The tenant refused what was decided on what is known now.
    pub fn refused(self, why: &str) -> Self {
        let basis = self.case(&self.claims()).basis();
        self.last(Outcome::Refused(basis, why.to_owned()))
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Another resource, older than this one by as many seconds.
    pub fn other(mut self, uid: &str, older_by: i64, change: impl FnOnce(&mut Other)) -> Self {
        let mut other = Other::blank(&self);
        change(&mut other);
        self.others.push(Claimant {
            uid: uid.to_owned(),
            namespace: other.namespace,
            name: uid.to_owned(),
            created: at(NOW - 1000 - older_by),
            tenant: place(TENANT),
            eager: other.eager,
            wanted: claims::Wanted::of(&other.desired, &other.recorded),
            held: claims::Held::of(&other.recorded),
        });
        self
    }

    pub fn claims(&self) -> ClaimIndex {
        let mut claims = ClaimIndex::default();
        claims.identify(&place(TENANT), &key("acme"));
        claims.insert(Claimant {
            uid: ME.to_owned(),
            namespace: self.object.namespace.clone(),
            name: self.object.name.clone(),
            created: at(NOW - 1000),
            tenant: place(TENANT),
            eager: true,
            wanted: claims::Wanted::of(&self.desired, &self.recorded),
            held: claims::Held::of(&self.recorded),
        });
        for other in &self.others {
            claims.insert(other.clone());
        }
        claims
    }

    pub fn case<'a>(&'a self, claims: &'a ClaimIndex) -> Case<'a> {
        Case {
            object: self.object.clone(),
            desired: match &self.unreadable {
                Some(why) => Err(why.clone()),
                None => Ok(self.desired.clone()),
            },
            recorded: self.recorded.clone(),
            tenant: self.tenant.clone(),
            picture: &self.picture,
            claims,
            engine: Engine {
                last: self.last.clone(),
                expectations: self.expectations.clone(),
                repairs: self.repairs.clone(),
            },
            timers: Timers::default(),
            backoff: self.backoff,
        }
    }

    /// The decision with all that a driver is told.
    pub fn decide(&self) -> crate::Decision {
        let claims = self.claims();
        let case = self.case(&claims);
        let seen = crate::Observation {
            object: case.object,
            desired: case.desired,
            recorded: case.recorded,
            tenant: case.tenant,
            picture: case.picture,
            claims: case.claims,
            timers: case.timers,
            backoff: case.backoff,
        };
        case.engine.decide(seen, self.now)
    }

    pub fn next(&self) -> Next {
        crate::next(&self.case(&self.claims()), self.now)
    }

    /// The same resource once this is stored.
    pub fn stored(&self, memory: &Memory) -> Self {
        let claims = self.claims();
        let case = self.case(&claims).with(memory);
        let mut stored = self.clone();
        stored.recorded = case.recorded;
        stored.expectations = case.engine.expectations;
        stored.repairs = case.engine.repairs;
        stored.last = case.engine.last;
        stored
    }

    pub fn report(&self) -> Report {
        self.reported().unwrap()
    }

    pub fn reported(&self) -> Option<Report> {
        let claims = self.claims();
        let case = self.case(&claims);
        crate::report(&case, &crate::next(&case, self.now), self.now)
    }

    /// What stalls or delays it; panics on any other move.
    pub fn held_up(&self) -> Finding {
        match self.next() {
            Next::Stalled(why) | Next::Wait { why, .. } => why,
            other => panic!("neither stalled nor waiting: {other:?}"),
        }
    }

    /// The reason for which it stalls.
    pub fn stalls(&self) -> Reason {
        match self.next() {
            Next::Stalled(why) => why.reason,
            other => panic!("not stalled: {other:?}"),
        }
    }

    pub fn step(&self) -> Action {
        match self.next() {
            Next::Do(step) => step,
            other => panic!("not a step: {other:?}"),
        }
    }

    /// The step after the record of its change.
    pub fn changes(&self) -> Action {
        match self.step() {
            Action::Record(memory @ Memory::Update(..)) => self.stored(&memory).step(),
            step => step,
        }
    }

    pub fn remembers(&self) -> Memory {
        match self.step() {
            Action::Record(memory) => memory,
            other => panic!("not a record: {other:?}"),
        }
    }

    pub fn refresh(&self) -> What {
        match self.next() {
            Next::Refresh { what, .. } => what,
            other => panic!("not a refresh: {other:?}"),
        }
    }

    pub fn waits_until(&self) -> i64 {
        match self.next() {
            Next::Wait { until, .. } => until.as_second(),
            other => panic!("not a wait: {other:?}"),
        }
    }
}

/// Another resource, while it is described.
pub struct Other {
    pub desired: Desired,
    pub recorded: Recorded,
    pub namespace: String,
    pub eager: bool,
}

impl Other {
    /// One that wants no source and records nothing.
    pub fn blank(beside: &Fixture) -> Self {
        Self {
            desired: Desired {
                name: "Other".to_owned(),
                sources: Vec::new(),
                ..beside.desired.clone()
            },
            recorded: Recorded::default(),
            namespace: "ns".to_owned(),
            eager: true,
        }
    }

    /// Its status records this group and these sources.
    pub fn holds(&mut self, id: &str, name: &str, sources: &[&str]) {
        self.recorded.group = Some(group_id(id));
        self.recorded.origin = Some(Origin::Created);
        self.recorded.tenant = Some(key("acme"));
        self.recorded.name = Some(name.to_owned());
        self.recorded.sources = sources.iter().map(|id| pin(id, id, id)).collect();
    }
}

pub fn condition<'a>(report: &'a Report, kind: &str) -> Option<&'a Condition> {
    report
        .conditions
        .iter()
        .find(|condition| condition.kind.as_str() == kind)
}
