//! A tenant's credentials as a Secret holds them: keys `baseUrl`, `clientId`, `clientSecret`.
//!
//! The URL is in the same Secret as the credentials, so a person who may only refer to the Secret
//! cannot send them to another host. Errors name keys and never repeat values.

use std::{collections::BTreeMap, fmt};

use ring::digest;
use secrecy::{ExposeSecret, SecretString};

use crate::address::{AddressError, BaseUrl, HostPolicy};

/// The Secret's key of the base URL.
pub const BASE_URL: &str = "baseUrl";
/// The Secret's key of the client id.
pub const CLIENT_ID: &str = "clientId";
/// The Secret's key of the client secret.
pub const CLIENT_SECRET: &str = "clientSecret";

const MAX_VALUE: usize = 1024;

/// A personal access token and the tenant that it is for. Equal if every part is.
#[derive(Clone)]
pub struct Credentials {
    /// The tenant.
    pub base_url: BaseUrl,
    /// The token's client id.
    pub client_id: SecretString,
    /// The token's secret.
    pub client_secret: SecretString,
}

/// What is wrong with a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// A required key is missing.
    #[error("key {key} is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A value is empty.
    #[error("key {key} is empty")]
    Empty {
        /// The key.
        key: &'static str,
    },
    /// A value is too long for what it should be.
    #[error("key {key} is longer than {MAX_VALUE} bytes")]
    TooLong {
        /// The key.
        key: &'static str,
    },
    /// A value contains blanks, control characters or anything but ASCII.
    #[error("key {key} contains characters other than visible ASCII")]
    NotVisible {
        /// The key.
        key: &'static str,
    },
    /// The base URL is refused.
    #[error("key {BASE_URL} {0}")]
    Address(AddressError),
}

impl Credentials {
    /// Reads a Secret's data; one line end after a value is ignored.
    pub fn parse(
        data: &BTreeMap<String, Vec<u8>>,
        policy: &HostPolicy,
    ) -> Result<Self, CredentialsError> {
        let base_url = value(data, BASE_URL)?;
        Ok(Self {
            base_url: BaseUrl::parse(base_url, policy).map_err(CredentialsError::Address)?,
            client_id: value(data, CLIENT_ID)?.into(),
            client_secret: value(data, CLIENT_SECRET)?.into(),
        })
    }

    /// Identifies these credentials, and is the same in every process: 32 hex digits of a SHA-256.
    /// Other parts of the Secret, such as its finalizers, do not change it.
    pub fn fingerprint(&self) -> String {
        let url = self.base_url.to_string();
        let secrets = [&self.client_id, &self.client_secret].map(ExposeSecret::expose_secret);
        let mut digest = digest::Context::new(&digest::SHA256);
        for part in [url.as_str()].into_iter().chain(secrets) {
            digest.update(part.as_bytes());
            // No part holds a line end: see `value`.
            digest.update(b"\n");
        }
        let digest = digest.finish();
        let half = digest.as_ref().first_chunk().copied().unwrap_or_default();
        format!("{:032x}", u128::from_be_bytes(half))
    }
}

fn value<'a>(
    data: &'a BTreeMap<String, Vec<u8>>,
    key: &'static str,
) -> Result<&'a str, CredentialsError> {
    let bytes = data.get(key).ok_or(CredentialsError::Missing { key })?;
    // `echo secret | base64` leaves a line end that nobody sees.
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    if bytes.is_empty() {
        return Err(CredentialsError::Empty { key });
    }
    if bytes.len() > MAX_VALUE {
        return Err(CredentialsError::TooLong { key });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(text),
        _ => Err(CredentialsError::NotVisible { key }),
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        self.base_url == other.base_url
            && self.client_id.expose_secret() == other.client_id.expose_secret()
            && self.client_secret.expose_secret() == other.client_secret.expose_secret()
    }
}

impl Eq for Credentials {}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(values: [&str; 3]) -> Credentials {
        let keys = [BASE_URL, CLIENT_ID, CLIENT_SECRET];
        let data = keys.iter().zip(values);
        let data = data.map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        Credentials::parse(&data.collect(), &HostPolicy::default()).unwrap()
    }

    #[test]
    fn the_fingerprint_changes_with_each_part_alone() {
        let url = "https://acme.api.identitynow.com";
        let prints: Vec<String> = [
            [url, "id", "secret"],
            [url, "id", "secret2"],
            [url, "id2", "secret"],
            [url, "idsec", "ret"],
            ["https://other.api.identitynow.com", "id", "secret"],
        ]
        .map(|values| credentials(values).fingerprint())
        .to_vec();
        let mut different = prints.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), prints.len(), "{prints:?}");
        assert_eq!(
            prints.first(),
            Some(&credentials([url, "id\r\n", "secret\n"]).fingerprint()),
            "a line end after a value is none of it"
        );
        assert_eq!(prints.first().map(String::len), Some(32));
    }
}
