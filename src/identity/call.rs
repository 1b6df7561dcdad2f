//! One call: its permit under the rate limit, its token, its request, its answer's status.
//! Decides about the client's only retry, which follows a 401. All IO is done by the transport.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use psg_domain::{ApiVersion, SourceId};
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    credentials::Credentials,
    error::Error,
    lane::Lane,
    limiter::{Limiter, Permit},
    limiters::Limiters,
    options::Options,
    pages::Page,
    routes::{EXPERIMENTAL, Operation, Route},
    shares::{Budget, Load},
    token::{self, Token, Tokens},
    token_info::TokenInfo,
    transport::{Kind, Request, Response, Transport},
    witness::{Ended, Witness},
};

/// A call that has no token yet.
pub(crate) struct Call<'a> {
    operation: Operation,
    id: Option<&'a str>,
    page: Option<Page>,
    accounts_of: Option<&'a SourceId>,
    body: Option<Bytes>,
    witness: Option<&'a dyn Witness>,
}

impl<'a> Call<'a> {
    pub fn of(operation: Operation) -> Self {
        Self {
            operation,
            id: None,
            page: None,
            accounts_of: None,
            body: None,
            witness: None,
        }
    }

    /// The id in the path; ids that `psg_domain` parsed need no escaping.
    pub fn id(self, id: &'a str) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    pub fn page(self, page: Page) -> Self {
        Self {
            page: Some(page),
            ..self
        }
    }

    /// Only the accounts of one source, in their short form.
    pub fn accounts_of(self, source: &'a SourceId) -> Self {
        Self {
            accounts_of: Some(source),
            ..self
        }
    }

    pub fn body(self, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(body)
            .map_err(|_| Error::not_sent("the body cannot be written".to_owned()))?;
        Ok(Self {
            body: Some(body.into()),
            ..self
        })
    }

    pub fn seen_by(self, witness: Option<&'a dyn Witness>) -> Self {
        Self { witness, ..self }
    }

    fn target(&self, route: &Route) -> String {
        let mut target = route.template.replace("{id}", self.id.unwrap_or_default());
        if let Some(Page {
            offset,
            limit,
            count,
        }) = self.page
        {
            target = format!("{target}?limit={limit}&offset={offset}");
            if count {
                target.push_str("&count=true");
            }
            if let Some(sorters) = self.operation.sorters() {
                target = format!("{target}&sorters={sorters}");
            }
        }
        if let Some(source) = self.accounts_of {
            let filter = format!("filters=sourceId+eq+%22{source}%22");
            target = format!("{target}&{filter}&detailLevel=SLIM");
        }
        target
    }
}

/// Sends calls to one tenant.
pub(crate) struct Caller {
    pub credentials: Arc<Credentials>,
    pub options: Options,
    transport: Arc<dyn Transport>,
    limiters: BTreeMap<ApiVersion, Arc<Limiter>>,
    tokens: Tokens,
}

impl Caller {
    pub fn new(
        credentials: Credentials,
        options: Options,
        transport: Arc<dyn Transport>,
        limiters: &Limiters,
    ) -> Self {
        let credentials = Arc::new(credentials);
        let limiter = |prefix| {
            let host = credentials.base_url.as_str();
            limiters.limiter(
                host,
                credentials.client_id.expose_secret(),
                prefix,
                options.rate,
            )
        };
        let routes = Operation::ALL.map(|operation| operation.route(options.version));
        let in_use = BTreeSet::from(routes.map(|route| route.version));
        let by_version = in_use
            .into_iter()
            .map(|version| (version, limiter(version.as_str())))
            .collect();
        let tokens = Tokens::new(
            Arc::clone(&transport),
            Arc::clone(&credentials),
            limiter(token::OPERATION),
            options.read_timeout,
        );
        Self {
            credentials,
            options,
            transport,
            limiters: by_version,
            tokens,
        }
    }

    /// The budget of one limit. There is one limit for each API version in use; this is the one
    /// that most clients share.
    pub fn budget(&self) -> Budget {
        let budgets = self.limiters.values().map(|limiter| limiter.budget());
        budgets
            .max_by_key(|budget| budget.shares)
            .unwrap_or(Budget {
                own: self.options.rate,
                common: self.options.rate,
                shares: 1,
            })
    }

    /// How far the limits are used: of the one that is used most, and the calls that wait for any.
    pub fn load(&self) -> Load {
        let loads = self.limiters.values().map(|limiter| limiter.load());
        let none = Load {
            left: self.options.rate.requests,
            waiting: 0,
        };
        loads.fold(none, |all, one| Load {
            left: all.left.min(one.left),
            waiting: all.waiting + one.waiting,
        })
    }

    pub async fn token_info(&self) -> Result<TokenInfo, Error> {
        Ok(self.tokens.token().await?.info.as_ref().clone())
    }

    /// Sends a call and returns its answer if its status is 200 to 299.
    pub async fn call(&self, sent: Call<'_>, lane: Lane) -> Result<Response, Error> {
        let route = sent.operation.route(self.options.version);
        let (token, error) = match self.once(&sent, &route, lane).await? {
            Ok(answer) => return Ok(answer),
            Err(refused) => refused,
        };
        // The token may have expired early or been revoked: try once more with a new token. A write
        // is tried again only if the 401 is the API's own, which says that nothing was executed.
        self.tokens.reject(&token).await;
        if route.kind == Kind::Write && !matches!(error, Error::Unauthorized { .. }) {
            return Err(error);
        }
        match self.once(&sent, &route, lane).await? {
            Ok(answer) => Ok(answer),
            Err((token, error)) => {
                self.tokens.reject(&token).await;
                Err(error)
            }
        }
    }

    /// One request. The inner error is a 401, with the token that was refused.
    async fn once(
        &self,
        sent: &Call<'_>,
        route: &Route,
        lane: Lane,
    ) -> Result<Result<Response, (Token, Error)>, Error> {
        let limiter = self.limiters.get(&route.version);
        let limiter = limiter.ok_or_else(|| Error::not_sent("no route".to_owned()))?;
        let (permit, token) = self.ready(limiter, route.kind, lane).await?;
        let request = self.request(sent, route, &token);
        if let Some(witness) = sent.witness {
            witness.sends(request.method.as_str(), &request.target);
        }
        let began = Instant::now();
        let answer = self.transport.send(request).await;
        drop(permit);
        let operation = sent.operation.label();
        let milliseconds = began.elapsed().as_millis();
        match &answer {
            Ok(answer) => {
                let status = answer.status.as_u16();
                tracing::debug!(operation, version = %route.version, status, milliseconds, "answered");
            }
            Err(error) => {
                tracing::debug!(operation, version = %route.version, %error, milliseconds, "unanswered");
            }
        }
        let tell = |ended: &Ended<'_>| sent.witness.into_iter().for_each(|w| w.ended(ended));
        let answer = answer.map_err(|error| {
            let error = Error::from(error);
            tell(&Ended::unanswered(&error));
            error
        })?;
        let secrets = [
            self.credentials.client_secret.expose_secret(),
            token.secret(),
        ];
        if answer.status.is_success() {
            tell(&Ended::answered(&answer, None, &secrets));
            return Ok(Ok(answer));
        }
        let error = Error::of(operation, &answer, route.kind, &secrets);
        tell(&Ended::answered(&answer, Some(&error), &secrets));
        if let Some(time) = error.retry_after() {
            limiter.pause(time);
        }
        if answer.status == http::StatusCode::UNAUTHORIZED {
            return Ok(Err((token, error)));
        }
        Err(error)
    }

    /// Waits for a permit and a token. A write stops waiting once the transport sends no more
    /// writes.
    async fn ready(
        &self,
        limiter: &Arc<Limiter>,
        kind: Kind,
        lane: Lane,
    ) -> Result<(Permit, Token), Error> {
        let ready = async {
            // Before the call queues, so that refused credentials cost no permit.
            self.tokens.token().await?;
            let permit = self.permit(limiter, kind, lane).await?;
            // Again: the token may have expired while the call was queued.
            let token = self.tokens.token().await?;
            Ok((permit, token))
        };
        if kind == Kind::Read {
            return ready.await;
        }
        tokio::select! {
            biased;
            () = self.transport.closed() => Err(Error::not_sent("this process is about to end".to_owned())),
            ready = ready => ready,
        }
    }

    /// Waits for the rate limit; a write at most for `queue_timeout`, since the picture that it was
    /// decided on ages, and a create that is sent late may take effect after the operator stopped
    /// looking for it.
    async fn permit(
        &self,
        limiter: &Arc<Limiter>,
        kind: Kind,
        lane: Lane,
    ) -> Result<Permit, Error> {
        if kind == Kind::Read {
            return Ok(limiter.acquire(lane).await);
        }
        let longest = self.options.queue_timeout;
        let permit = tokio::time::timeout(longest, limiter.acquire(lane)).await;
        permit.map_err(|_| Error::not_sent(format!("the rate limit had no room for {longest:?}")))
    }

    fn request(&self, sent: &Call<'_>, route: &Route, token: &Token) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, token.authorization.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if sent.body.is_some() {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        if route.experimental {
            headers.insert(EXPERIMENTAL, HeaderValue::from_static("true"));
        }
        Request {
            operation: sent.operation.label(),
            method: route.method.clone(),
            base: self.credentials.base_url.clone(),
            target: sent.target(route),
            headers,
            body: sent.body.clone(),
            kind: route.kind,
            timeout: match route.kind {
                Kind::Read => self.options.read_timeout,
                Kind::Write => self.options.post_timeout,
            },
            max_body: route.max_body,
        }
    }
}
