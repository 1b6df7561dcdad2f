//! Reads a tenant with a client that cannot send a write.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use psg_domain::{
    ApiVersion, Change, ChangeId, Picture, SourceId, TenantKey,
    password_changes::{self, ChangeStatus},
};
use psg_identity::{
    Client, Connection, Credentials, Error, HttpTransport, Lane, Limiters, Options, ReadOnly,
    TokenEnd, TokenInfo, Transport,
};
use psg_snapshot::{Clock, Listener, Pictures, Snapshot};

use crate::company;

/// How many accounts each source has, where the tenant said so.
pub type Accounts = BTreeMap<SourceId, usize>;

/// Who owns each source, where the tenant says so.
pub type Owners = BTreeMap<SourceId, String>;

/// How many requests for sources run at once; the rate limit applies to them all the same.
const AT_ONCE: usize = 16;

/// How many searches for audit events follow one another: some 25,000 events.
const MOST_SEARCHES: usize = 10;

/// The password changes of a stretch of time.
pub struct Read {
    /// In the order of time.
    pub changes: Vec<Change>,
    /// What is missing, in words for a person.
    pub missing: Vec<String>,
    /// The time of the tenant's clock when it answered, to the second.
    pub answered_at: Option<Timestamp>,
}

/// Opens tenants, all by one transport and under one rate limit for each client id.
pub struct Reader {
    transport: Arc<dyn Transport>,
    limiters: Limiters,
    clock: Clock,
}

/// A tenant that is read.
pub struct Tenant {
    client: Client,
    snapshot: Snapshot,
    /// The tenant that answers.
    pub key: TenantKey,
    /// Who the token belongs to, and what it may do.
    pub token: TokenInfo,
    /// The host that answers.
    pub host: String,
    /// A fingerprint: changes whenever the credentials do.
    pub credentials: String,
}

impl Reader {
    /// # Errors
    /// The trust store of this machine cannot be read, or a variable names a proxy or a file of
    /// authorities that cannot be used.
    pub fn new(allow_insecure: bool, clock: Clock) -> Result<Self, String> {
        let http = company::options(allow_insecure, |name| std::env::var(name).ok())?;
        let transport = HttpTransport::new(&http).map_err(|error| error.to_string())?;
        Ok(Self {
            transport: Arc::new(ReadOnly::new(Arc::new(transport))),
            limiters: Limiters::default(),
            clock,
        })
    }

    /// Signs in. Reads nothing else yet.
    ///
    /// # Errors
    /// What is wrong and what to do, for a person; the message has no part of the credentials.
    pub async fn open(
        &self,
        credentials: Credentials,
        version: ApiVersion,
    ) -> Result<Tenant, String> {
        let host = credentials.base_url.host().to_owned();
        let fingerprint = credentials.fingerprint();
        let options = Options {
            version,
            ..Options::default()
        };
        let transport = Arc::clone(&self.transport);
        let client = Client::new(credentials, options, transport, &self.limiters);
        let info = client.token_info().await;
        let info = info.map_err(|error| said(&host, &error))?;
        let nobody: Listener = Arc::new(|_, _| {});
        let clock = Arc::clone(&self.clock);
        Ok(Tenant {
            snapshot: Pictures::default().open(client.clone(), clock, &nobody),
            key: client.key_of(&info),
            token: info,
            client,
            host,
            credentials: fingerprint,
        })
    }

    /// The time of day.
    pub fn now(&self) -> jiff::Timestamp {
        (self.clock)()
    }
}

impl Tenant {
    /// Reads all groups, sources, policies and applications. Reports the read on standard error,
    /// since it takes long and does not belong into the output.
    ///
    /// # Errors
    /// What is wrong and what to do, for a person.
    pub async fn read(&self, now: jiff::Timestamp) -> Result<(), String> {
        let _ = writeln!(io::stderr(), "reading {} …", self.host);
        let read = self.snapshot.read(now).await;
        read.map_err(|error| said(&self.host, &error)).map(|_| ())
    }

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

    /// Who owns each source, and the error if that could not be read.
    pub async fn read_owners(&self) -> (Owners, Option<String>) {
        match self.client.owners_of_sources(Lane::Counts).await {
            Ok(owners) => (owners.into_iter().collect(), None),
            Err(error) => (Owners::new(), Some(error.to_string())),
        }
    }

    /// The password changes that the audit events of a stretch of time tell of.
    pub async fn read_changes(&self, since: Timestamp, until: Timestamp) -> Read {
        let (mut events, mut unreadable, mut missing) = (Vec::new(), 0, Vec::new());
        let (mut after, mut answered_at) = (None, None);
        for search in 1..=MOST_SEARCHES {
            let found =
                self.client
                    .password_events((since, until), after.as_ref(), Lane::AuditEvents);
            let found = match found.await {
                Ok(found) => found,
                Err(error) => {
                    missing.push(format!(
                        "the audit events cannot be read, which needs the scope sp:search:read: {error}"
                    ));
                    break;
                }
            };
            events.extend(found.events);
            answered_at = answered_at.or(found.answered_at);
            unreadable += found.unreadable;
            if found.more && (found.next.is_none() || search == MOST_SEARCHES) {
                missing.push(format!(
                    "there are more audit events than the {} that were read: ask for a shorter time with --since",
                    events.len()
                ));
            }
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        if unreadable > 0 {
            missing.push(format!(
                "{unreadable} audit events of password changes cannot be understood"
            ));
        }
        Read {
            changes: password_changes::changes(events),
            missing,
            answered_at,
        }
    }

    /// When the personal access token ends; none if the tenant does not tell, for instance because the
    /// token may not ask.
    pub async fn token_end(&self) -> Option<TokenEnd> {
        let end = self.client.token_end(Lane::Counts).await;
        end.ok().flatten()
    }

    /// What the tenant says of each of these changes as a whole, and a warning if some could not be
    /// asked for. A change that the tenant does not know is left out.
    pub async fn read_statuses(
        &self,
        changes: &[ChangeId],
    ) -> (BTreeMap<ChangeId, ChangeStatus>, Option<String>) {
        let asked = stream::iter(changes).map(|id| async move {
            let status = self.client.password_change(id, Lane::AuditEvents).await;
            (id.clone(), status)
        });
        let answers: Vec<_> = asked.buffer_unordered(AT_ONCE).collect().await;
        let (mut statuses, mut failed) = (BTreeMap::new(), None);
        for (id, status) in answers {
            match status {
                Ok(Some(status)) => _ = statuses.insert(id, status),
                Ok(None) => {}
                Err(error) => failed = failed.or_else(|| Some(error.to_string())),
            }
        }
        let said = failed.map(|error| {
            format!(
                "not all password changes could be asked for, which needs the scope \
                 idn:password-change:read: {error}"
            )
        });
        (statuses, said)
    }

    /// What the tenant finds when it connects to each of these sources now.
    pub async fn test_connections(
        &self,
        sources: &[SourceId],
    ) -> Vec<(SourceId, Result<Connection, String>)> {
        let tests = stream::iter(sources).map(|source| async move {
            let tested = self.client.test_connection(source, Lane::Counts).await;
            (source.clone(), tested.map_err(|error| error.to_string()))
        });
        let mut tested: Vec<_> = tests.buffer_unordered(AT_ONCE).collect().await;
        tested.sort_by(|(one, _), (other, _)| one.cmp(other));
        tested
    }

    /// How many accounts these sources have, and a warning if some could not be counted.
    pub async fn count_accounts(&self, sources: &[SourceId]) -> (Accounts, Option<String>) {
        let counts = stream::iter(sources).map(|source| async move {
            let counted = self.client.count_accounts(source, Lane::Counts).await;
            (source.clone(), counted)
        });
        let counts: Vec<_> = counts.buffer_unordered(AT_ONCE).collect().await;
        let mut accounts = BTreeMap::new();
        let mut failed = None;
        for (source, counted) in counts {
            match counted {
                Ok(Some(count)) => _ = accounts.insert(source, count),
                Ok(None) => {}
                Err(error) => failed = failed.or_else(|| Some(error.to_string())),
            }
        }
        let said = failed.map(|error| {
            format!("not all accounts could be counted, which needs the scope idn:accounts:read: {error}")
        });
        (accounts, said)
    }
}

fn said(host: &str, error: &Error) -> String {
    let remedy = match error {
        Error::Unauthorized { .. } => "; give the id and the secret of a token that is valid",
        Error::Forbidden { .. } => "; the owner of the token needs ORG_ADMIN",
        _ => "",
    };
    format!("{host}: {error}{remedy}")
}
