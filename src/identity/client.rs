//! Every operation on a tenant, typed: what is asked for, and what the answer says.
//!
//! # Guarantees
//! - A call sends its write once, and a second time only after a 401 in the API's own JSON, which
//!   says that nothing was executed.
//! - No request leaves without a permit under the rate limit and a token.
//! - A listed object that cannot be understood is set aside and reported, never left out.
//!
//! Dropping a call before its answer leaves a write's effect unknown.

use std::{collections::BTreeSet, sync::Arc};

use http::HeaderMap;
use jiff::Timestamp;
use psg_domain::{
    ChangeId, Group, GroupId, Holder, Policy, PolicyId, Source, SourceId, TenantKey,
    password_changes::ChangeStatus,
};
use secrecy::ExposeSecret;

use crate::{
    bounds::MOST_EVENTS,
    call::{Call, Caller},
    credentials::Credentials,
    error::Error,
    lane::Lane,
    limiters::Limiters,
    options::Options,
    pages::{self, Listed, Page},
    retry_after,
    routes::Operation,
    shares::{Budget, Load},
    token_info::TokenInfo,
    transport::{Response, Transport},
    wire::{
        self, Application, Connection, EventQuery, GroupBody, Identified, Kept, PasswordEvents,
        Rows, SearchAfter, TokenEnd,
    },
    witness::Witness,
};

/// What a deletion found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// The tenant says that it deleted the group; only a read by id proves it.
    Deleted,
    /// There was no such group.
    Absent,
}

/// One tenant, by one set of credentials; clones share everything.
#[derive(Clone)]
pub struct Client {
    caller: Arc<Caller>,
    witness: Option<Arc<dyn Witness>>,
}

impl Client {
    /// A client that has sent nothing yet. `limiters` is the process's one registry.
    pub fn new(
        credentials: Credentials,
        options: Options,
        transport: Arc<dyn Transport>,
        limiters: &Limiters,
    ) -> Self {
        Self {
            caller: Arc::new(Caller::new(credentials, options, transport, limiters)),
            witness: None,
        }
    }

    /// The same client, whose writes `witness` observes.
    #[must_use]
    pub fn witnessed(&self, witness: Arc<dyn Witness>) -> Self {
        Self {
            caller: Arc::clone(&self.caller),
            witness: Some(witness),
        }
    }

    /// The credentials, to compare them with those in a Secret.
    pub fn credentials(&self) -> &Credentials {
        &self.caller.credentials
    }

    /// The API version, the rate and the timeouts.
    pub fn options(&self) -> &Options {
        &self.caller.options
    }

    /// The rate limit of this client, and how many clients of the same client id share it.
    pub fn budget(&self) -> Budget {
        self.caller.budget()
    }

    /// How far the rate limit of this client is used now.
    pub fn load(&self) -> Load {
        self.caller.load()
    }

    /// Which tenant answers, and what the token may do; from the current token, or a new one.
    pub async fn token_info(&self) -> Result<TokenInfo, Error> {
        self.caller.token_info().await
    }

    /// The key of the tenant that answered. A host of the vendor is trusted, so its tenant has the
    /// same key under each host name. Any other server may claim any tenant id, so its key contains
    /// the host.
    pub fn key_of(&self, told: &TokenInfo) -> TenantKey {
        let TenantKey { org, tenant_id } = &told.key;
        let address = &self.caller.credentials.base_url;
        let tenant_id = if address.is_vendors() {
            tenant_id.clone()
        } else {
            format!("{tenant_id}@{}", address.host())
        };
        TenantKey {
            org: org.clone(),
            tenant_id,
        }
    }
}

/// Lists.
impl Client {
    /// Groups; the API promises no order.
    pub async fn list_groups(&self, page: Page, lane: Lane) -> Result<Listed<Group>, Error> {
        self.list(Operation::ListGroups, page, lane, wire::groups)
            .await
    }

    /// Sources.
    pub async fn list_sources(&self, page: Page, lane: Lane) -> Result<Listed<Source>, Error> {
        self.list(Operation::ListSources, page, lane, wire::sources)
            .await
    }

    /// Password policies.
    pub async fn list_policies(&self, page: Page, lane: Lane) -> Result<Listed<Policy>, Error> {
        self.list(Operation::ListPolicies, page, lane, wire::policies)
            .await
    }

    /// Who owns each source, where the tenant says so: for lists, never for the operator itself.
    pub async fn owners_of_sources(&self, lane: Lane) -> Result<Vec<(SourceId, String)>, Error> {
        let list = |page| self.list(Operation::ListSources, page, lane, wire::owners_of_sources);
        Ok(pages::all(list).await?.items)
    }

    /// Applications.
    pub async fn list_applications(
        &self,
        page: Page,
        lane: Lane,
    ) -> Result<Listed<Application>, Error> {
        self.list(Operation::ListApplications, page, lane, wire::applications)
            .await
    }

    async fn list<T: Kept>(
        &self,
        operation: Operation,
        page: Page,
        lane: Lane,
        read: fn(&[u8]) -> Result<Rows<T>, String>,
    ) -> Result<Listed<T>, Error> {
        self.page(operation, Call::of(operation), page, lane, read)
            .await
    }

    async fn page<T: Kept>(
        &self,
        operation: Operation,
        sent: Call<'_>,
        page: Page,
        lane: Lane,
        read: fn(&[u8]) -> Result<Rows<T>, String>,
    ) -> Result<Listed<T>, Error> {
        let answer = self.caller.call(sent.page(page), lane).await?;
        let Rows {
            items,
            unreadable,
            count,
        } = understood(&answer, read(&answer.body))?;
        let bytes: usize = items.iter().map(Kept::bytes).sum();
        Ok(Listed {
            operation,
            bytes: bytes + unreadable.iter().map(Kept::bytes).sum::<usize>(),
            items,
            unreadable,
            rows: count,
            total: total(&answer.headers).filter(|_| page.count),
        })
    }
}

/// Groups.
impl Client {
    /// One group by id; `None` if the tenant says that there is none.
    pub async fn group(&self, id: &GroupId, lane: Lane) -> Result<Option<Group>, Error> {
        let answer = self
            .caller
            .call(Call::of(Operation::ReadGroup).id(id.as_str()), lane)
            .await;
        let Some(answer) = found(answer)? else {
            return Ok(None);
        };
        understood(&answer, wire::group(&answer.body, Identified::As(id))).map(Some)
    }

    /// Creates a group. If the [`Error::effect`] is unknown, the POST is not sent again; only a
    /// list shows whether the group was made.
    pub async fn create_group(
        &self,
        name: &str,
        policy: &PolicyId,
        sources: &BTreeSet<SourceId>,
        lane: Lane,
    ) -> Result<Group, Error> {
        let body = GroupBody {
            id: None,
            name,
            password_policy_id: policy,
            source_ids: sources,
        };
        let sent = self.write(Operation::CreateGroup).body(&body)?;
        let answer = self.caller.call(sent, lane).await?;
        understood(&answer, wire::group(&answer.body, Identified::ByAnswer))
    }

    /// Replaces the group of this id, and returns the group as the tenant answers it.
    ///
    /// # Errors
    /// [`Error::NotSent`] if the group has no policy: the API would clear it.
    pub async fn update_group(&self, group: &Group, lane: Lane) -> Result<Group, Error> {
        let Some(policy) = &group.policy else {
            let why = format!("group {} would be left without a policy", group.id);
            return Err(Error::not_sent(why));
        };
        let body = GroupBody {
            id: Some(&group.id),
            name: &group.name,
            password_policy_id: policy,
            source_ids: &group.sources,
        };
        let sent = self
            .write(Operation::UpdateGroup)
            .id(group.id.as_str())
            .body(&body)?;
        let answer = self.caller.call(sent, lane).await?;
        understood(
            &answer,
            wire::group(&answer.body, Identified::As(&group.id)),
        )
    }

    /// Deletes a group.
    pub async fn delete_group(&self, id: &GroupId, lane: Lane) -> Result<DeleteOutcome, Error> {
        let answer = self
            .caller
            .call(self.write(Operation::DeleteGroup).id(id.as_str()), lane)
            .await;
        match found(answer)? {
            None => Ok(DeleteOutcome::Absent),
            Some(answer) if answer.body.is_empty() => Ok(DeleteOutcome::Deleted),
            Some(answer) => Err(Error::bad(&answer, "a deletion is answered without a body")),
        }
    }
}

/// Sources.
impl Client {
    /// A source's policy holders; `None` if the tenant says that there is no such source.
    pub async fn holders(
        &self,
        source: &SourceId,
        lane: Lane,
    ) -> Result<Option<Vec<Holder>>, Error> {
        let operation = Operation::ReadHolders;
        let page = |page| {
            let sent = Call::of(operation).id(source.as_str());
            self.page(operation, sent, page, lane, wire::holders)
        };
        Ok(found(pages::all(page).await)?.map(|holders| holders.items))
    }

    /// Replaces a source's policy holders, and returns those that the tenant answers.
    pub async fn assign_holders(
        &self,
        source: &SourceId,
        holders: &[Holder],
        lane: Lane,
    ) -> Result<Vec<Holder>, Error> {
        let sent = self.write(Operation::AssignHolders).id(source.as_str());
        let answer = self
            .caller
            .call(sent.body(&wire::holder_body(holders))?, lane)
            .await?;
        understood(&answer, wire::assigned(&answer.body))
    }

    /// How many applications depend on a source, for a token that may not list applications; `None`
    /// if the tenant says that there is no such source.
    pub async fn connections(&self, source: &SourceId, lane: Lane) -> Result<Option<u32>, Error> {
        let sent = Call::of(Operation::ReadConnections).id(source.as_str());
        let Some(answer) = found(self.caller.call(sent, lane).await)? else {
            return Ok(None);
        };
        understood(&answer, wire::dependent_applications(&answer.body)).map(Some)
    }

    /// How many accounts a source has, as the tenant counts them; none if it does not say.
    pub async fn count_accounts(
        &self,
        source: &SourceId,
        lane: Lane,
    ) -> Result<Option<usize>, Error> {
        let one = Page {
            limit: 1,
            ..Page::first()
        };
        let sent = Call::of(Operation::CountAccounts).page(one);
        let answer = self.caller.call(sent.accounts_of(source), lane).await?;
        Ok(total(&answer.headers))
    }
}

/// Password changes, which are the service's work and which people make: they are only read.
impl Client {
    /// The audit events of password changes in a stretch of time, the newest first: one search, and
    /// at most [`MOST_EVENTS`]. `after` continues an earlier search.
    pub async fn password_events(
        &self,
        (since, until): (Timestamp, Timestamp),
        after: Option<&SearchAfter>,
        lane: Lane,
    ) -> Result<PasswordEvents, Error> {
        let page = Page {
            limit: MOST_EVENTS,
            ..Page::first()
        };
        let query = EventQuery::between(since, until, after);
        let sent = Call::of(Operation::SearchEvents).page(page).body(&query)?;
        let answer = self.caller.call(sent, lane).await?;
        // With `searchAfter` the total still counts the whole search.
        let total = total(&answer.headers).filter(|_| after.is_none());
        let mut read = understood(&answer, wire::password_events(&answer.body, total))?;
        read.answered_at = retry_after::answered_at(&answer.headers);
        Ok(read)
    }

    /// The state of one password change; `None` if the tenant does not know the request.
    pub async fn password_change(
        &self,
        request: &ChangeId,
        lane: Lane,
    ) -> Result<Option<ChangeStatus>, Error> {
        let sent = Call::of(Operation::ReadPasswordChange).id(request.as_str());
        let Some(answer) = found(self.caller.call(sent, lane).await)? else {
            return Ok(None);
        };
        understood(&answer, wire::password_change(&answer.body)).map(Some)
    }

    /// Has the tenant connect to a source now; whether that worked, and the tenant's words for it.
    pub async fn test_connection(
        &self,
        source: &SourceId,
        lane: Lane,
    ) -> Result<Connection, Error> {
        let sent = Call::of(Operation::TestConnection).id(source.as_str());
        let answer = self.caller.call(sent, lane).await?;
        understood(&answer, wire::connection(&answer.body))
    }
}

impl Client {
    /// When the personal access token of these credentials ends; none if the tenant does not tell.
    pub async fn token_end(&self, lane: Lane) -> Result<Option<TokenEnd>, Error> {
        let answer = self
            .caller
            .call(Call::of(Operation::ListOwnTokens), lane)
            .await?;
        let client_id = self.caller.credentials.client_id.expose_secret();
        understood(&answer, wire::token_end(&answer.body, client_id))
    }

    fn write(&self, operation: Operation) -> Call<'_> {
        Call::of(operation).seen_by(self.witness.as_deref())
    }
}

/// How many objects a list has in all, as its first page says.
pub(crate) fn total(headers: &HeaderMap) -> Option<usize> {
    let total = headers.get("x-total-count")?;
    total.to_str().ok()?.trim().parse().ok()
}

fn understood<T>(answer: &Response, read: Result<T, String>) -> Result<T, Error> {
    read.map_err(|what| Error::bad(answer, what))
}

fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
