//! Reads a tenant by a client that can send no write.

use std::{collections::BTreeMap, sync::Arc};

use psg_domain::{Picture, SourceId, TenantKey};
use psg_identity::{
    Client, Credentials, CredentialsError, Error, HostPolicy, HttpOptions, HttpTransport, Lane,
    Limiters, Options, ReadOnly, address,
};
use psg_snapshot::{Clock, Listener, Pictures, Snapshot};

use crate::args::Plan;

/// The variables that hold the credentials, by the keys of a Secret.
const VARIABLES: [(&str, &str); 3] = [
    ("baseUrl", "SAIL_BASE_URL"),
    ("clientId", "SAIL_CLIENT_ID"),
    ("clientSecret", "SAIL_CLIENT_SECRET"),
];

/// A tenant that is read.
pub struct Tenant {
    snapshot: Snapshot,
    /// Who answers.
    pub key: TenantKey,
    /// Where.
    pub host: String,
}

impl Tenant {
    /// What was read so far.
    pub fn picture(&self) -> Picture {
        self.snapshot.with(Picture::clone)
    }

    /// Reads the policies of these sources.
    ///
    /// # Errors
    /// The first source that cannot be read, and why.
    pub async fn read_holders(&self, sources: &[SourceId]) -> Result<(), String> {
        let failed = self.snapshot.read_holders(sources, Lane::Read).await;
        match failed.first() {
            None => Ok(()),
            Some((source, error)) => Err(format!(
                "{}: the policies of source {source}: {error}",
                self.host
            )),
        }
    }
}

/// Reads the tenant that the variables lead to.
///
/// # Errors
/// What is wrong and what to do, for a person; no value of a variable is in it.
pub async fn read(
    asked: &Plan,
    variable: impl Fn(&str) -> Option<String>,
    clock: Clock,
) -> Result<Tenant, String> {
    let credentials = credentials(asked, variable)?;
    let host = credentials.base_url.host().to_owned();
    let http = HttpOptions {
        allow_insecure: asked.allow_insecure_tenants,
        user_agent: concat!("kubectl-psg/", env!("CARGO_PKG_VERSION")).to_owned(),
        ..HttpOptions::default()
    };
    let transport = HttpTransport::new(&http).map_err(|error| error.to_string())?;
    let transport = Arc::new(ReadOnly::new(Arc::new(transport)));
    let client = Client::new(
        credentials,
        Options::default(),
        transport,
        &Limiters::default(),
    );
    let failed = |error: Error| format!("{host}: {error}{}", remedy(&error));
    let info = client.token_info().await.map_err(failed)?;
    let nobody: Listener = Arc::new(|_, _| {});
    let now = clock();
    let snapshot = Pictures::default().open(client, clock, &nobody);
    snapshot.read(now).await.map_err(failed)?;
    Ok(Tenant {
        snapshot,
        key: info.key,
        host,
    })
}

fn credentials(
    asked: &Plan,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Credentials, String> {
    let values = VARIABLES.iter().filter_map(|(key, name)| {
        let value = variable(name)?;
        Some(((*key).to_owned(), value.into_bytes()))
    });
    let values: BTreeMap<String, Vec<u8>> = values.collect();
    let mut policy = HostPolicy {
        allow_insecure: asked.allow_insecure_tenants,
        ..HostPolicy::default()
    };
    if let Some(odd) = asked
        .allow_host
        .iter()
        .find(|host| !address::is_domain(host))
    {
        return Err(format!(
            "--allow-host {odd}: give a plain domain such as example.com"
        ));
    }
    policy.suffixes.extend(asked.allow_host.iter().cloned());
    Credentials::parse(&values, &policy).map_err(|error| match error {
        CredentialsError::Missing { key } | CredentialsError::Empty { key } => format!(
            "{} is not set: give SAIL_BASE_URL, SAIL_CLIENT_ID and SAIL_CLIENT_SECRET of the tenant",
            in_variables(key)
        ),
        error => in_variables(&error.to_string()),
    })
}

/// The keys of a Secret as the variables that stand for them here.
fn in_variables(text: &str) -> String {
    VARIABLES.iter().fold(text.to_owned(), |text, (key, name)| {
        text.replace(&format!("key {key}"), name).replace(key, name)
    })
}

fn remedy(error: &Error) -> &'static str {
    match error {
        Error::Unauthorized { .. } => "; give the id and the secret of a token that is valid",
        Error::Forbidden { .. } => "; the owner of the token needs ORG_ADMIN",
        _ => "",
    }
}
