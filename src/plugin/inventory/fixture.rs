//! Objects of a tenant, for tests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use psg_domain::{
    Group, GroupId, PasswordRules, Picture, Policy, PolicyId, Source, SourceId, TenantKey,
};
use psg_plan::{InUse, TenantState, TenantView};

use super::{owners::Owners, tenants::Seen};

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub fn key() -> TenantKey {
    TenantKey {
        org: "acme".to_owned(),
        tenant_id: "t".to_owned(),
    }
}

pub fn source(id: &str, name: &str, policies: &[&str]) -> Source {
    Source {
        id: SourceId::parse(id).unwrap(),
        name: name.to_owned(),
        direct: Some(true),
        password: true,
        authenticates: false,
        healthy: true,
        status: "SOURCE_STATE_HEALTHY".to_owned(),
        policies: policies
            .iter()
            .map(|id| PolicyId::parse(id).unwrap())
            .collect(),
    }
}

pub fn policy(id: &str, name: &str) -> Policy {
    Policy {
        id: PolicyId::parse(id).unwrap(),
        name: name.to_owned(),
        rules: PasswordRules::default(),
    }
}

pub fn group(id: &str, name: &str, policy: &str, sources: &[&str]) -> Group {
    let sources = sources.iter().map(|id| SourceId::parse(id).unwrap());
    Group {
        id: GroupId::parse(id).unwrap(),
        name: name.to_owned(),
        policy: PolicyId::parse(policy).ok(),
        sources: sources.collect::<BTreeSet<_>>(),
    }
}

/// A tenant with these objects, read without a cluster.
pub fn seen(sources: Vec<Source>, policies: Vec<Policy>, groups: Vec<Group>) -> Seen {
    let mut picture = Picture::default();
    let applications = sources.iter().map(|source| (source.id.clone(), 1));
    let applications: BTreeMap<SourceId, u32> = applications.collect();
    picture.merge_facts(at(100), sources, policies, applications);
    picture.merge_groups(at(100), groups);
    Seen {
        host: "acme.api.identitynow.com".to_owned(),
        namespace: None,
        names: vec!["default".to_owned()],
        picture,
        owners: Owners::default(),
        rate_limit: Vec::new(),
        view: TenantView {
            credentials: "c".to_owned(),
            in_use: InUse::Held,
            ..TenantView::of(TenantState::Ready, Some(key()))
        },
    }
}
