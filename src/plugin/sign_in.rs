//! Signs in to tenants: by the Secrets of a cluster, or by the user's own credentials.

use psg_domain::{ApiVersion, TenantName};
use psg_identity::{Credentials, HostPolicy};

use crate::{
    args::Access,
    cluster::Cluster,
    credentials,
    live::{self, Live},
    tenant::{Reader, Tenant},
};

/// Each of these scopes lets a token write what the operator writes.
const WRITES: [&str; 5] = [
    "sp:scopes:all",
    "idn:password-sync-group:manage",
    "idn:password-policy:manage",
    "idn:password-policy:write",
    "idn:sources:manage",
];

/// Signs in by the Secret of an IdentityTenant of the cluster.
///
/// # Errors
/// What is missing and what to do, for a person.
pub async fn by_secret(
    place: &TenantName,
    live: &Live,
    cluster: &Cluster,
    policy: &HostPolicy,
    reader: &Reader,
) -> Result<Tenant, String> {
    let (namespace, name) = (place.namespace(), place.name());
    let Some(known) = live.tenants.get(place) else {
        return Err(format!(
            "there is no IdentityTenant \"{name}\" in namespace \"{namespace}\": apply it first, or set \
             SAIL_BASE_URL, SAIL_CLIENT_ID and SAIL_CLIENT_SECRET"
        ));
    };
    let of = |error: String| format!("IdentityTenant {place}: {error}");
    let settings = known
        .spec
        .settings()
        .map_err(|error| of(error.to_string()))?;
    let data = live::secret(cluster, namespace, &settings.secret).await?;
    let credentials = Credentials::parse(&data, policy).map_err(|error| {
        let secret = &settings.secret;
        of(format!(
            "Secret \"{secret}\": {error}; a host of your own needs --allow-host"
        ))
    })?;
    reader.open(credentials, settings.api_version).await
}

/// Signs in by the file that `--tenant` gives for this name, or by the environment. Returns also a
/// warning if the token may write.
///
/// # Errors
/// What is missing and what to do, for a person.
pub async fn by_credentials(
    name: &str,
    access: &Access,
    policy: &HostPolicy,
    variable: impl Fn(&str) -> Option<String>,
    reader: &Reader,
) -> Result<(Tenant, Option<String>), String> {
    let mut named = access.tenant.iter();
    let credentials = match named.find(|(known, _)| known == name) {
        Some((_, file)) => credentials::of_file(file, policy)?,
        None if credentials::are_in(&variable) => {
            credentials::of_variables(variable, policy, "the environment")?
        }
        None => {
            return Err(format!(
                "no credentials for tenantRef \"{name}\": add --tenant {name}=FILE"
            ));
        }
    };
    let tenant = reader.open(credentials, ApiVersion::default()).await?;
    let warning = too_wide(&tenant);
    Ok((tenant, warning))
}

/// A warning if the token may write, which `kubectl psg` never needs.
fn too_wide(tenant: &Tenant) -> Option<String> {
    let wide = WRITES
        .into_iter()
        .find(|scope| tenant.token.scopes.contains(*scope))?;
    Some(format!(
        "the token for {} may write ({wide}), which is not needed to read: give it \
         idn:password-sync-group:read, idn:password-policy:read, idn:sources:read and idn:accounts:read",
        tenant.host
    ))
}
