//! The access token of one set of credentials: minted when needed, shared by all calls.
//!
//! Decides when a token is too old. However many calls need a new token, one request mints it, and
//! all of them share its failure. Time is monotonic; the token itself is never shown.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret, zeroize::Zeroizing};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    credentials::Credentials,
    error::{Error, not_the_apis_own},
    form,
    lane::Lane,
    limiter::Limiter,
    remedy::Obstacle,
    retry_after,
    token_info::TokenInfo,
    transport::{Kind, Request, Response, Transport},
    wire::{refusal::may_be_the_apis_own, token::Answer},
};

/// The label of the one operation here.
pub const OPERATION: &str = "token";

const MAX_BODY: usize = 1 << 20;
/// A token is renewed this long before its end, or a tenth of its life if that is less.
const EARLY: Duration = Duration::from_mins(1);
const SHORTEST_LIFE: Duration = Duration::from_secs(1);
const LONGEST_LIFE: Duration = Duration::from_hours(24);

/// One minted token.
#[derive(Clone)]
pub(crate) struct Token {
    serial: u64,
    /// `Bearer …`, marked sensitive, wiped when its last clone is dropped.
    pub authorization: HeaderValue,
    pub info: Arc<TokenInfo>,
}

impl Token {
    /// The bare token, to remove it from foreign texts.
    pub fn secret(&self) -> &str {
        self.authorization
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Bearer "))
            .unwrap_or("")
    }
}

/// Mints and keeps the token.
pub(crate) struct Tokens {
    transport: Arc<dyn Transport>,
    credentials: Arc<Credentials>,
    limiter: Arc<Limiter>,
    timeout: Duration,
    attempts: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<(Token, Instant)>,
    failure: Option<Error>,
}

impl Tokens {
    pub fn new(
        transport: Arc<dyn Transport>,
        credentials: Arc<Credentials>,
        limiter: Arc<Limiter>,
        timeout: Duration,
    ) -> Self {
        Self {
            transport,
            credentials,
            limiter,
            timeout,
            attempts: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// The current token, or a new one if that expires soon or was refused.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] if the credentials are refused, [`Error::RateLimited`],
    /// [`Error::NoToken`] for an answer that cannot be used, and [`Error::NotSent`] if no answer
    /// came or the tenant failed: without a token no request is sent.
    pub async fn token(&self) -> Result<Token, Error> {
        let seen = self.attempts.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        if let Some((token, good_until)) = &state.current
            && Instant::now() < *good_until
        {
            return Ok(token.clone());
        }
        // Another call tried while this one waited for the lock: its failure counts here, too.
        if self.attempts.load(Ordering::SeqCst) != seen
            && let Some(failure) = &state.failure
        {
            return Err(failure.clone());
        }
        let minted = self.mint().await;
        self.attempts.fetch_add(1, Ordering::SeqCst);
        match minted {
            Ok((token, good_until)) => {
                *state = State {
                    current: Some((token.clone(), good_until)),
                    failure: None,
                };
                Ok(token)
            }
            Err(error) => {
                *state = State {
                    current: None,
                    failure: Some(error.clone()),
                };
                Err(error)
            }
        }
    }

    /// Drops a token that the tenant refused, unless a new one was minted since.
    pub async fn reject(&self, refused: &Token) {
        let mut state = self.state.lock().await;
        if state
            .current
            .as_ref()
            .is_some_and(|(token, _)| token.serial == refused.serial)
        {
            state.current = None;
        }
    }

    async fn mint(&self) -> Result<(Token, Instant), Error> {
        // In the most urgent lane: calls of any lane may be waiting for this token.
        let permit = self.limiter.acquire(Lane::Deletion).await;
        let asked = Instant::now();
        let answer = self.transport.send(self.request()).await;
        drop(permit);
        let answer = answer.map_err(|error| not_sent(&error.to_string(), error.obstacle()))?;
        if !answer.status.is_success() {
            return Err(self.refusal(&answer));
        }
        let answer = Answer::read(answer.body).map_err(|why| Error::NoToken { why })?;
        let life = answer.life.clamp(SHORTEST_LIFE, LONGEST_LIFE);
        let token = Token {
            serial: self.attempts.load(Ordering::SeqCst),
            authorization: bearer(&answer.access_token)?,
            info: Arc::new(answer.info),
        };
        // Counted from the request: the token's life began before the answer came.
        Ok((token, asked + life.saturating_sub(EARLY.min(life / 10))))
    }

    fn request(&self) -> Request {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        Request {
            operation: OPERATION,
            method: Method::POST,
            base: self.credentials.base_url.clone(),
            target: "/oauth/token".to_owned(),
            headers,
            body: Some(form_body(&self.credentials)),
            // Minting twice does no harm.
            kind: Kind::Read,
            timeout: self.timeout,
            max_body: MAX_BODY,
        }
    }

    /// No error repeats the body, as its content is not documented. Credentials count as refused
    /// only if the answer can be the tenant's own.
    fn refusal(&self, answer: &Response) -> Error {
        let status = answer.status;
        let says_why = status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS;
        if says_why && !may_be_the_apis_own(&answer.body) {
            let why = not_the_apis_own(OPERATION);
            let why = format!("status {}, {why}", status.as_u16());
            return Error::NoToken { why };
        }
        match status {
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let message = format!("client id and secret got status {}", status.as_u16());
                Error::Unauthorized { message }
            }
            StatusCode::TOO_MANY_REQUESTS => {
                let retry_after = retry_after::wait(&answer.headers);
                self.limiter.pause(retry_after);
                Error::RateLimited { retry_after }
            }
            status if status.is_server_error() => {
                not_sent(&format!("status {}", status.as_u16()), None)
            }
            status => {
                let why = format!("status {}", status.as_u16());
                Error::NoToken { why }
            }
        }
    }
}

/// The call that needs the token was not sent, whatever became of the token request.
fn not_sent(why: &str, obstacle: Option<Obstacle>) -> Error {
    let why = format!("no token: {why}");
    Error::NotSent { why, obstacle }
}

fn form_body(credentials: &Credentials) -> Bytes {
    let id = credentials.client_id.expose_secret();
    let secret = credentials.client_secret.expose_secret();
    // Allocated in full size: a growing buffer would leave copies of the secret in memory.
    let mut body = Zeroizing::new(Vec::with_capacity(64 + 3 * (id.len() + secret.len())));
    body.extend_from_slice(b"grant_type=client_credentials&client_id=");
    form::encode(id, &mut body);
    body.extend_from_slice(b"&client_secret=");
    form::encode(secret, &mut body);
    Bytes::from_owner(body)
}

fn bearer(access_token: &str) -> Result<HeaderValue, Error> {
    let mut text = Zeroizing::new(Vec::with_capacity(7 + access_token.len()));
    text.extend_from_slice(b"Bearer ");
    text.extend_from_slice(access_token.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).map_err(|_| {
        let why = "the answer's token has characters that no token has".to_owned();
        Error::NoToken { why }
    })?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}
