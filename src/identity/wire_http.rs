//! The transport over HTTP/1.1 and TLS.
//!
//! Sends a request at most once: no redirects, no retries, no proxy unless one is given, and for writes
//! no connection that was used before. All tenants share two HTTP clients, one for reads and one for writes.
//! IO: sockets and the system's resolver and root certificates.

use std::{error::Error as _, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;

use crate::{
    company::{Authorities, TenantProxy},
    error::cut,
    remedy::explained,
    resolver::{ForbiddenAddress, Screened},
    transport::{Kind, Request, Response, Transport, TransportError},
};

/// How requests are sent.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// `http` and addresses that are not public pass: for tests and demos.
    pub allow_insecure: bool,
    /// For name resolution, connection and TLS together, within a request's own timeout.
    pub connect_timeout: Duration,
    /// `psg-operator/<version>`.
    pub user_agent: String,
    /// The proxy by which tenants are reached; the environment is not asked.
    pub proxy: Option<TenantProxy>,
    /// Trusted beside the authorities of the system.
    pub authorities: Authorities,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            allow_insecure: false,
            connect_timeout: Duration::from_secs(5),
            user_agent: concat!("psg-operator/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: None,
            authorities: Authorities::default(),
        }
    }
}

/// Requests over real sockets.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    reads: reqwest::Client,
    writes: reqwest::Client,
    allow_insecure: bool,
    proxy: Option<TenantProxy>,
}

/// The HTTP clients cannot be made: the system has no usable root certificates.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up TLS")]
pub struct SetUpError(#[source] reqwest::Error);

impl HttpTransport {
    /// Makes both clients, with ring as the process's TLS provider unless it has one.
    pub fn new(options: &HttpOptions) -> Result<Self, SetUpError> {
        // An error means that the process has a provider already, which is used then.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        Ok(Self {
            reads: build(options, None).map_err(SetUpError)?,
            writes: build(options, Some(0)).map_err(SetUpError)?,
            allow_insecure: options.allow_insecure,
            proxy: options.proxy.clone(),
        })
    }

    fn request(&self, request: Request) -> reqwest::RequestBuilder {
        let client = match request.kind {
            Kind::Read => &self.reads,
            Kind::Write => &self.writes,
        };
        let url = format!("{}{}", request.base, request.target);
        let sent = client
            .request(request.method, url)
            .headers(request.headers)
            .timeout(request.timeout);
        match request.body {
            Some(body) => sent.body(body),
            None => sent,
        }
    }
}

fn build(options: &HttpOptions, idle: Option<usize>) -> reqwest::Result<reqwest::Client> {
    let proxy = options.proxy.as_ref().map(TenantProxy::proxy).transpose()?;
    let builder = || {
        let builder = reqwest::Client::builder()
            .user_agent(&options.user_agent)
            .https_only(!options.allow_insecure)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .http1_only()
            .connect_timeout(options.connect_timeout)
            .dns_resolver(Screened {
                allow_insecure: options.allow_insecure,
                proxy: options.proxy.as_ref().map(|proxy| proxy.host().to_owned()),
            })
            .tls_certs_merge(options.authorities.certificates().to_vec());
        let builder = match &proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        };
        match idle {
            Some(idle) => builder.pool_max_idle_per_host(idle),
            None => builder,
        }
    };
    match builder().build() {
        // A demo over plain http needs no certificates, and some machines have none.
        Err(_) if options.allow_insecure => builder().tls_certs_only([]).build(),
        built => built,
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        // The resolver is not asked about address literals, so they are checked here, and any address
        // of the proxy passes there, so the proxy is no tenant.
        let is_proxy = |proxy: &TenantProxy| proxy.host() == request.base.host();
        let forbidden =
            request.base.is_forbidden_literal() || self.proxy.as_ref().is_some_and(is_proxy);
        if !self.allow_insecure && forbidden {
            return Err(TransportError::not_sent(ForbiddenAddress.to_string()));
        }
        let cap = request.max_body;
        let proxy = self.proxy.as_ref();
        let proxy = proxy.filter(|proxy| proxy.leads_to(&request.base));
        let proxy = proxy.map(TenantProxy::place);
        let mut answer = self
            .request(request)
            .send()
            .await
            .map_err(|error| classify(error, proxy.as_deref()))?;
        let status = answer.status();
        let headers = std::mem::take(answer.headers_mut());
        let body = read(&mut answer, cap).await?;
        Ok(Response {
            status,
            headers,
            body,
        })
    }
}

/// Reads a body to its end; more bytes than `cap` are an error, whatever `Content-Length` says.
async fn read(answer: &mut reqwest::Response, cap: usize) -> Result<Bytes, TransportError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(after_sending)? {
        if body.len() + chunk.len() > cap {
            return Err(TransportError::TooLarge { most: cap });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A request leaves only over a connection that stands: by a proxy, once its tunnel does.
fn classify(error: reqwest::Error, proxy: Option<&str>) -> TransportError {
    if error.is_connect() || error.is_builder() || error.is_dns() {
        let (why, obstacle) = explained(&causes(error), proxy);
        TransportError::NotSent { why, obstacle }
    } else {
        after_sending(error)
    }
}

fn after_sending(error: reqwest::Error) -> TransportError {
    TransportError::Unknown { why: causes(error) }
}

/// The chain of causes, most general first, without the URL.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    cut(&text)
}
