//! How a tenant is talked to: the version, the rate, and the time that calls may take.

use std::time::Duration;

use psg_domain::ApiVersion;

use crate::window::Rate;

/// How a tenant is talked to.
#[derive(Clone, Debug)]
pub struct Options {
    /// The version that is asked, where it has what is asked for.
    pub version: ApiVersion,
    /// What this client may send at most, to each version. With other clients of the same client
    /// id it shares what the most generous of their rates allows.
    pub rate: Rate,
    /// For a whole read.
    pub read_timeout: Duration,
    /// How long a write may wait for the rate limit before it is given up unsent.
    pub queue_timeout: Duration,
    /// For a whole write; shorter than the time for which a lost answer is waited for.
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
