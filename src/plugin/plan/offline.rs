//! The scope of a plan without a cluster: only the manifests, and tenants by the user's own
//! credentials.

use std::collections::{BTreeMap, BTreeSet};

use psg_domain::TenantKey;
use psg_identity::HostPolicy;
use psg_plan::preview::Subject;

use super::{
    scope::{self, Scope},
    subjects,
};
use crate::{
    args::Plan,
    credentials,
    manifests::{DEFAULT_NAMESPACE, Manifest, Manifests},
    schema::Schema,
    sign_in,
    tenant::Reader,
};

/// Signs in to each tenant that the manifests name, and returns which resources are for it.
///
/// # Errors
/// What is missing and what to do, for a person.
pub async fn scopes(
    asked: &Plan,
    (manifests, base): (&Manifests, Option<&Manifests>),
    namespace: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
    reader: &Reader,
) -> Result<(Vec<Scope>, Vec<String>), String> {
    if asked.prune || !asked.delete.is_empty() {
        return Err(
            "--prune and --delete need a cluster: unset SAIL_BASE_URL and leave --tenant out, or \
                    give the manifests before the change with --base"
                .to_owned(),
        );
    }
    let namespace = namespace.unwrap_or(DEFAULT_NAMESPACE);
    let policy = credentials::hosts(&asked.access)?;
    let mut access = Access {
        asked,
        policy,
        variable,
        reader,
        open: BTreeMap::new(),
    };
    let mut scopes: BTreeMap<TenantKey, Scope> = BTreeMap::new();
    let (now, mut warnings) = (reader.now(), Vec::new());
    let all = base.into_iter().chain([manifests]);
    for Manifest { group, .. } in all.flat_map(|manifests| &manifests.groups) {
        let name = &group.spec.tenant_ref.name;
        let key = access.key(name, &mut scopes, &mut warnings).await?;
        if let Some(scope) = scopes.get_mut(&key) {
            let place = subjects::new(group, namespace, now).tenant;
            let view = scope::view(&scope.tenant);
            scope.views.entry(place).or_insert(view);
        }
    }
    let schema = Schema::of_groups();
    for (key, scope) in &mut scopes {
        let here = |one: &&Manifest| access.open.get(&one.group.spec.tenant_ref.name) == Some(key);
        let all = |manifests: &Manifests| -> Vec<Subject> {
            let groups = manifests.groups.iter().filter(here);
            groups
                .map(|one| subjects::planned(one, namespace, now, &schema, None))
                .collect()
        };
        scope.base = base.map(&all);
        scope.subjects = all(manifests);
        let known = scope.subjects.iter().chain(scope.base.iter().flatten());
        scope.asked = known.map(subjects::of).collect();
    }
    Ok((scopes.into_values().collect(), warnings))
}

/// Signs in once for each name of a tenant.
struct Access<'a, V> {
    asked: &'a Plan,
    policy: HostPolicy,
    variable: V,
    reader: &'a Reader,
    open: BTreeMap<String, TenantKey>,
}

impl<V: Fn(&str) -> Option<String>> Access<'_, V> {
    async fn key(
        &mut self,
        name: &str,
        scopes: &mut BTreeMap<TenantKey, Scope>,
        warnings: &mut Vec<String>,
    ) -> Result<TenantKey, String> {
        if let Some(key) = self.open.get(name) {
            return Ok(key.clone());
        }
        let access = &self.asked.access;
        let signed_in =
            sign_in::by_credentials(name, access, &self.policy, &self.variable, self.reader).await;
        let (tenant, warning) = signed_in?;
        warnings.extend(warning);
        let key = tenant.key.clone();
        self.open.insert(name.to_owned(), key.clone());
        scopes.entry(key.clone()).or_insert_with(|| Scope {
            tenant,
            views: BTreeMap::new(),
            subjects: Vec::new(),
            base: None,
            asked: BTreeSet::new(),
        });
        Ok(key)
    }
}
