//! One round of a tenant's actor: the credentials, which tenant answers, and the whole read.

use crate::{
    context::{
        Context, backoff,
        tenant::{Tenant, forbidden},
    },
    kubernetes::KubeError,
};
use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use psg_api::{IdentityTenant, TenantSettings};
use psg_domain::{TenantKey, time};
use psg_identity::{
    AddressError, Client, Credentials, CredentialsError, Error, Obstacle, Options, Rate,
};
use psg_plan::{Finding, Reason, TenantState};
use psg_snapshot::Listener;

/// What one actor remembers between rounds.
#[derive(Default)]
pub struct Session {
    pub credentials: Option<Credentials>,
    pub settings: Option<TenantSettings>,
    /// When the last whole read that this actor knows of began; `None` asks for a newer one at
    /// once.
    pub read_at: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    pub probe_at: Option<Timestamp>,
    pub failures: u32,
}

/// What kind of trouble a round ended in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// A fault that may pass: the known state stays in use for `UNREACHABLE_AFTER` intervals.
    Passing,
    /// A person must correct it.
    Blocking,
    /// A person must correct it: the Secret is gone, or the right to read it. In a
    /// namespace that is being deleted, both can go before the IdentityTenant.
    SecretTaken,
}

/// Why a round failed, and when to try again.
pub struct Trouble {
    pub finding: Finding,
    pub again: Duration,
    /// What kind of trouble it is.
    pub kind: TroubleKind,
}

/// One round: the credentials, which tenant answers, and the whole read.
pub async fn read(
    tenant: &Arc<Tenant>,
    context: &Arc<Context>,
    session: &mut Session,
    manifest: &IdentityTenant,
) -> Result<TenantState, Trouble> {
    let settings = manifest.spec.settings().map_err(|why| Trouble {
        finding: Finding::new(Reason::InvalidSpec, why.to_string()),
        again: context.settings.probe,
        kind: TroubleKind::Blocking,
    })?;
    match credentials(tenant, context, session, manifest, &settings).await {
        Ok(fresh) => {
            let read = verify(tenant, context, session, manifest, fresh).await;
            read.map(|()| TenantState::Ready)
        }
        Err(trouble)
            if trouble.kind == TroubleKind::SecretTaken && tenant.state().snapshot.is_some() =>
        {
            without_secret(tenant, context, session, manifest, trouble).await
        }
        Err(trouble) => Err(trouble),
    }
}

/// The credentials in memory still serve to delete groups while the tenant accepts them. If it
/// refused them, or was never asked, it is asked now and then.
async fn without_secret(
    tenant: &Arc<Tenant>,
    context: &Arc<Context>,
    session: &mut Session,
    manifest: &IdentityTenant,
    taken: Trouble,
) -> Result<TenantState, Trouble> {
    let state = tenant.state();
    if !state.serves(context.now()) {
        tenant.update(|state| state.unauthorized = false);
        match verify(tenant, context, session, manifest, state.unauthorized).await {
            Ok(()) => {}
            Err(passing) if passing.kind == TroubleKind::Passing => {
                session.failures = session.failures.saturating_add(1);
                return Err(Trouble {
                    again: passing.again,
                    ..taken
                });
            }
            Err(refused) => return Err(refused),
        }
    }
    Ok(TenantState::Withdrawn(taken.finding))
}

/// Finds out which tenant answers, and reads it; `fresh` if it is not known whether the tenant
/// accepts the credentials.
async fn verify(
    tenant: &Arc<Tenant>,
    context: &Arc<Context>,
    session: &mut Session,
    manifest: &IdentityTenant,
    fresh: bool,
) -> Result<(), Trouble> {
    if let Some(probe_at) = session.probe_at.filter(|at| !fresh && *at > context.now()) {
        let again = context
            .settings
            .credentials_retry
            .min(time::until(context.now(), probe_at));
        let finding = match tenant.state().tenant {
            TenantState::Blocked(finding) => finding,
            _ => Finding::new(
                Reason::CredentialsInvalid,
                "the tenant refuses the credentials",
            ),
        };
        return Err(Trouble {
            finding,
            again,
            kind: TroubleKind::Blocking,
        });
    }
    let Some(snapshot) = tenant.state().snapshot else {
        return Err(passing(context, session, "there is no client yet"));
    };
    let info = snapshot
        .client()
        .token_info()
        .await
        .map_err(|error| trouble(context, tenant, session, &error))?;
    let missing = info.missing_scopes();
    if !missing.is_empty() {
        let list: Vec<&str> = missing.into_iter().collect();
        let message = format!(
            "the token lacks {}: add it to the personal access token",
            list.join(", ")
        );
        return Err(blocked(
            context,
            session,
            Finding::new(Reason::MissingScope, message),
        ));
    }
    if info.without_user {
        let message = "the token has no user context, so every write would be refused: use a personal access token of an ORG_ADMIN user";
        return Err(blocked(
            context,
            session,
            Finding::new(Reason::NoUserContext, message),
        ));
    }
    let key = snapshot.client().key_of(&info);
    context.claims_mut().identify(&tenant.name, &key);
    let pinned = manifest.status.as_ref().and_then(|status| {
        let (org, tenant_id) = (status.org.clone()?, status.tenant_id.clone()?);
        Some(TenantKey { org, tenant_id })
    });
    let another = pinned.filter(|pinned| *pinned != key);
    tenant.update(|state| {
        state.key = Some(key.clone());
        state.user.clone_from(&info.user);
        state.verified = another.is_none();
    });
    if let Some(pinned) = another {
        let message =
            format!("{key} answers behind the Secret, but this IdentityTenant is {pinned}");
        return Err(blocked(
            context,
            session,
            Finding::new(Reason::TenantChanged, message),
        ));
    }
    snapshot.identify(&key);
    let now = context.now();
    let hidden = snapshot.with(psg_domain::Picture::hidden_until);
    let newer_than = session.read_at.map(|at| {
        let next = time::after(at, Duration::from_nanos(1));
        next.max(hidden.unwrap_or(next)).min(now)
    });
    let read = snapshot.read(newer_than.unwrap_or(now)).await;
    session.read_at = read.as_ref().ok().copied();
    if !tenant.gone.is_cancelled() {
        context
            .metrics
            .read(&tenant.name, read.is_ok(), context.now());
        let (unreadable, _) = snapshot.unreadable(0);
        context.metrics.unreadable(&tenant.name, unreadable);
    }
    read.map(drop)
        .map_err(|error| trouble(context, tenant, session, &error))
}

/// Gets the Secret; makes a client and opens its picture if credentials or settings changed.
async fn credentials(
    tenant: &Arc<Tenant>,
    context: &Arc<Context>,
    session: &mut Session,
    manifest: &IdentityTenant,
    settings: &TenantSettings,
) -> Result<bool, Trouble> {
    let namespace = manifest.metadata.namespace.as_deref().unwrap_or_default();
    let name = settings.secret.as_str();
    let again = context.settings.credentials_retry;
    let missing = |reason, message: String| Trouble {
        finding: Finding::new(reason, message),
        again,
        kind: TroubleKind::Blocking,
    };
    let taken = |reason, message| Trouble {
        kind: TroubleKind::SecretTaken,
        ..missing(reason, message)
    };
    let secret = match context.kubernetes.secret(namespace, name).await {
        Ok(secret) => secret,
        Err(KubeError::Gone) => {
            session.credentials = None;
            tenant.update(|state| state.secret = None);
            let message = format!(
                "there is no Secret \"{name}\" in this namespace: create it with the keys baseUrl, clientId and clientSecret"
            );
            return Err(taken(Reason::SecretNotFound, message));
        }
        Err(KubeError::Forbidden(why)) => {
            let message = format!("the operator may not read Secret \"{name}\": {why}");
            return Err(taken(Reason::SecretForbidden, message));
        }
        Err(error) => return Err(passing(context, session, &error.to_string())),
    };
    let credentials = Credentials::parse(&secret.data, &context.settings.hosts).map_err(|why| {
        session.credentials = None;
        let reason = match why {
            CredentialsError::Address(AddressError::NotAllowed) => Reason::HostNotAllowed,
            _ => Reason::SecretMalformed,
        };
        missing(reason, format!("Secret \"{name}\": {why}"))
    })?;
    let unauthorized = tenant.state().unauthorized;
    let same = session.credentials.as_ref() == Some(&credentials)
        && session.settings.as_ref() == Some(settings)
        && tenant.state().snapshot.is_some();
    if same {
        tenant.update(|state| {
            state.unauthorized = false;
            state.secret = Some(secret.metadata);
        });
        return Ok(unauthorized);
    }
    let fingerprint = credentials.fingerprint();
    let client = Client::new(
        credentials.clone(),
        Options {
            version: settings.api_version,
            rate: Rate {
                requests: usize::try_from(settings.rate_limit.requests).unwrap_or(usize::MAX),
                per: settings.rate_limit.per,
            },
            post_timeout: context.settings.post_timeout,
            queue_timeout: context.settings.queue_timeout(),
            ..Options::default()
        },
        Arc::clone(&context.transport),
        &context.limiters,
    );
    let snapshot = context
        .pictures
        .open(client, context.clock.clone(), &requeue(context));
    session.credentials = Some(credentials);
    session.settings = Some(settings.clone());
    session.read_at = None;
    session.probe_at = None;
    session.failing_since = None;
    tenant.update(|state| {
        state.tenant = TenantState::Pending;
        state.interval = settings.read_interval;
        state.credentials = fingerprint;
        state.secret = Some(secret.metadata);
        state.snapshot = Some(Arc::new(snapshot));
        state.forbidden_until = None;
        state.failing = None;
        state.unauthorized = false;
        state.verified = false;
    });
    Ok(true)
}

/// Requeues the resources that a change in a tenant affects, whichever IdentityTenant they name.
fn requeue(context: &Arc<Context>) -> Listener {
    let context = Arc::downgrade(context);
    Arc::new(move |key: &TenantKey, changes: &psg_domain::Changes| {
        if let Some(context) = context.upgrade() {
            let claims = context.claims();
            context.requeue.now(&claims, &claims.affected(key, changes));
        }
    })
}

fn trouble(context: &Context, tenant: &Tenant, session: &mut Session, error: &Error) -> Trouble {
    match error {
        Error::Unauthorized { message } => {
            let message = format!(
                "the tenant refuses the credentials ({message}): renew the personal access token and update the Secret"
            );
            blocked(
                context,
                session,
                Finding::new(Reason::CredentialsInvalid, message),
            )
        }
        Error::Forbidden { message } => {
            let finding = forbidden(message, tenant.state().user.as_deref());
            blocked(context, session, finding)
        }
        Error::BadAnswer { .. }
        | Error::NoToken { .. }
        | Error::NotFound { .. }
        | Error::Refused { .. } => passing_as(context, session, Reason::UnexpectedAnswer, error),
        Error::RateLimited { .. } => passing_as(context, session, Reason::RateLimited, error),
        Error::NotSent {
            obstacle: Some(obstacle),
            ..
        } => {
            let reason = match obstacle {
                Obstacle::ProxyUnreachable => Reason::ProxyUnreachable,
                Obstacle::ProxyRefused => Reason::ProxyRefused,
                Obstacle::CertificateInvalid => Reason::CertificateInvalid,
            };
            passing_as(context, session, reason, error)
        }
        other => passing(context, session, &other.to_string()),
    }
}

/// A person must act. The tenant is asked again when the Secret changes, and every `probe`.
fn blocked(context: &Context, session: &mut Session, finding: Finding) -> Trouble {
    let now = context.now();
    if session.probe_at.is_none_or(|at| at <= now) {
        session.probe_at = Some(time::after(now, context.settings.probe));
    }
    Trouble {
        finding,
        again: context.settings.credentials_retry,
        kind: TroubleKind::Blocking,
    }
}

/// The tenant answered, but with an error or not as expected; or it is known what keeps it away.
fn passing_as(context: &Context, session: &Session, reason: Reason, error: &Error) -> Trouble {
    Trouble {
        finding: Finding::new(reason, format!("the tenant could not be read: {error}")),
        ..passing(context, session, "")
    }
}

fn passing(context: &Context, session: &Session, message: &str) -> Trouble {
    let again = backoff::backoff(session.failures, (context.jitter)());
    let message = format!("the tenant could not be read: {message}");
    Trouble {
        finding: Finding::new(Reason::TenantUnreachable, message),
        again,
        kind: TroubleKind::Passing,
    }
}
