//! How a tenant is called: the API version, the rate, and the time that calls may take.

use std::time::Duration;

use psg_domain::ApiVersion;

use crate::window::Rate;

/// How a tenant is called.
#[derive(Clone, Debug)]
pub struct Options {
    /// The API version, for each operation that it has.
    pub version: ApiVersion,
    /// The most that this client may send, to each version. All clients of one client id together
    /// may send what the highest of their rates allows.
    pub rate: Rate,
    /// How long one read request may take in all.
    pub read_timeout: Duration,
    /// How long a write may wait for the rate limit before it is given up unsent.
    pub queue_timeout: Duration,
    /// How long one write request may take in all; shorter than the time in which a lost create may
    /// still take effect.
    pub post_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: ApiVersion::default(),
            rate: Rate::default(),
            read_timeout: Duration::from_secs(30),
            queue_timeout: Duration::from_secs(11),
            post_timeout: Duration::from_secs(8),
        }
    }
}
