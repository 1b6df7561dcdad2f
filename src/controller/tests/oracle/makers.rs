//! Who made each group, and what other hands did to it since. So a group that its resource has
//! forgotten is told from one that was never its own, and a source that somebody else left bare from
//! one that we did.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use identity_simulator::{Tenant, model::Group};
use serde_json::Value;
use tokio::time::Instant;

/// No picture that a write is decided on is older, however far reads lag.
const SEEN: Duration = Duration::from_mins(3);

/// What a PUT let join shows in its resource's status only then.
const SETTLED: Duration = Duration::from_secs(30);

/// A group's content.
pub type Content = (Option<String>, Option<String>, BTreeSet<String>);

#[derive(Default)]
pub struct Makers {
    /// What was sent by a POST that may have made a group, and by which resource.
    awaited: Vec<(String, Content)>,
    /// The UID of the resource that made it; none for another hand.
    of: BTreeMap<String, Option<String>>,
    /// When it was first there.
    appeared: BTreeMap<String, Instant>,
    /// When each source was first in a group, as long as it is.
    joined: BTreeMap<(String, String), Instant>,
    /// When another hand last changed it.
    touched: BTreeMap<String, Instant>,
    /// Resources that took another hand's equal group for what their lost POST had made.
    mistaken: BTreeSet<String>,
    /// Resources that were let go and leave their groups, as they were told to.
    orphaned: BTreeSet<String>,
    /// Groups that are left so.
    left: BTreeSet<String>,
    /// Sources that another hand took out of their group, or that were left on request, and that
    /// have no policy since.
    bare: BTreeSet<String>,
}

impl Makers {
    pub fn posts(&mut self, uid: &str, content: Content) {
        // What is sent from now on is looked for anew.
        self.mistaken.remove(uid);
        self.awaited.push((uid.to_owned(), content));
    }

    /// The last POST was refused, and makes nothing.
    pub fn made_nothing(&mut self) {
        self.awaited.pop();
    }

    /// Another hand is about to make or to change a group.
    pub fn another_hand(&mut self, id: &str) {
        self.of.entry(id.to_owned()).or_insert(None);
        self.touched.insert(id.to_owned(), Instant::now());
    }

    /// No resource owes anything for these from now on.
    fn touch(&mut self, groups: Vec<String>) {
        let now = groups.into_iter().map(|group| (group, Instant::now()));
        self.touched.extend(now);
    }

    fn made_by(&self, uid: &str) -> impl Iterator<Item = &String> {
        let made = self.of.iter();
        let made = made.filter(move |(_, by)| by.as_deref() == Some(uid));
        made.map(|(group, _)| group)
    }

    /// Another hand took these out of a group.
    pub fn left_by_another(&mut self, sources: &[String], tenant: &Tenant) {
        let bare = sources.iter().filter(|id| is_bare(tenant, id));
        self.bare.extend(bare.cloned());
    }

    /// A resource is let go and leaves what it has.
    pub fn orphans(&mut self, uid: &str, group: Option<&String>) {
        self.orphaned.insert(uid.to_owned());
        self.left.extend(group.cloned());
        // A resource that adopts it may read it as it was before the last change; and one whose POST
        // nobody answered is in no status, and in no read yet.
        let groups = self.made_by(uid).chain(group).cloned().collect();
        self.touch(groups);
    }

    /// A resource took a group for what its POST had made. If another hand made that, just as it was sent
    /// and in the moment of a lost answer, what the POST makes or has just made cannot be told from it.
    pub fn takes(&mut self, uid: &str, group: &str) {
        if self.of.get(group) != Some(&None) {
            return;
        }
        self.mistaken.insert(uid.to_owned());
        let new = self.made_by(uid).filter(|made| self.is_new(made));
        let new = new.cloned().collect();
        self.touch(new);
    }

    /// S1: of the groups that one resource made, one is there at most. One that another hand changed
    /// since may not be known again.
    pub fn after(&mut self, tenant: &Tenant) -> Vec<String> {
        let state = tenant.state();
        let mut wrong = Vec::new();
        let mut alive: BTreeMap<&str, &str> = BTreeMap::new();
        for group in state.groups.iter() {
            let appeared = self.appeared.entry(group.id.clone());
            appeared.or_insert_with(Instant::now);
            if !self.of.contains_key(&group.id) {
                let content = content(group);
                let sent = self.awaited.iter().rposition(|(_, sent)| *sent == content);
                match sent {
                    Some(sent) => {
                        let (uid, _) = self.awaited.remove(sent);
                        if self.orphaned.contains(&uid) || self.mistaken.contains(&uid) {
                            self.touched.insert(group.id.clone(), Instant::now());
                        }
                        self.of.insert(group.id.clone(), Some(uid));
                    }
                    None => wrong.push(format!("a group that nobody sent: {}", group.id)),
                }
            }
        }
        let is_member = |(group, source): &(String, String)| {
            let group = state.groups.find(group);
            group.is_some_and(|group| group.source_ids.contains(source))
        };
        // What leaves a group that was left on request, by a change that was on its way, is left too.
        let gone = self.joined.keys().filter(|member| !is_member(member));
        let gone = gone.filter(|(group, _)| self.left.contains(group));
        let left: Vec<String> = gone.map(|(_, source)| source.clone()).collect();
        self.left_by_another(&left, tenant);
        self.joined.retain(|member, _| is_member(member));
        for group in state.groups.iter() {
            for source in &group.source_ids {
                self.bare.remove(source);
                let member = (group.id.clone(), source.clone());
                self.joined.entry(member).or_insert_with(Instant::now);
            }
            if let Some(Some(uid)) = self.of.get(&group.id)
                && !self.touched.contains_key(&group.id)
                && let Some(twin) = alive.insert(uid, &group.id)
            {
                wrong.push(format!("S1: two groups of {uid}: {twin} and {}", group.id));
            }
        }
        wrong
    }

    /// The resource that made a group that nobody has touched since, if it still owes something.
    pub fn owner(&self, group: &str) -> Option<&str> {
        let uid = self.of.get(group)?.as_deref()?;
        let owes = !self.orphaned.contains(uid) && !self.touched.contains_key(group);
        (owes && !self.left.contains(group)).then_some(uid)
    }

    /// Whether this resource may take it for what it made itself.
    pub fn may_be_made_by(&self, group: &str, uid: &str) -> bool {
        match self.of.get(group) {
            Some(Some(maker)) => maker == uid || self.orphaned.contains(maker),
            // A person made the same in the very moment of a lost answer.
            Some(None) => true,
            None => false,
        }
    }

    /// Whether another hand may have changed it since the operator's last look.
    pub fn is_just_touched(&self, group: &str) -> bool {
        let touched = self.touched.get(group);
        touched.is_some_and(|at| at.elapsed() < SEEN)
    }

    /// Whether a source joined a group so lately that the status of its resource may not say so.
    pub fn has_just_joined(&self, group: &str, source: &str) -> bool {
        let joined = self.joined.get(&(group.to_owned(), source.to_owned()));
        joined.is_some_and(|at| at.elapsed() < SETTLED)
    }

    /// Whether the operator may not have seen it yet.
    pub fn is_new(&self, group: &str) -> bool {
        let appeared = self.appeared.get(group);
        appeared.is_some_and(|at| at.elapsed() < SEEN)
    }

    /// Whether a source has no policy through somebody else.
    pub fn is_left_bare(&self, source: &str) -> bool {
        self.bare.contains(source)
    }
}

pub fn content(group: &Group) -> Content {
    let sources = group.source_ids.iter().cloned().collect();
    let policy = group.password_policy_id.clone();
    (Some(group.name.clone()), policy, sources)
}

/// What a body says.
pub fn sent(body: &Value) -> Content {
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    let sources = body["sourceIds"].as_array().into_iter().flatten();
    let sources = sources.filter_map(Value::as_str).map(str::to_owned);
    (text("name"), text("passwordPolicyId"), sources.collect())
}

/// In no group, and with no policy of its own.
pub fn is_bare(tenant: &Tenant, source: &str) -> bool {
    let state = tenant.state();
    let found = state.sources.find(source);
    state.groups_of(source).next().is_none()
        && found.is_some_and(|source| source.default_holder().is_none())
}
