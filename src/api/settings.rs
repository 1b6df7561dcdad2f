//! A tenant's spec, checked again and parsed: its Secret, API version, read interval and rate
//! limit.

use std::time::Duration;

use psg_domain::ApiVersion;

use crate::{
    convert::InvalidSpec,
    tenant::{IdentityApiVersion, IdentityTenantSpec},
};

const READ_INTERVAL: (Duration, Duration) = (Duration::from_secs(10), Duration::from_hours(1));
const CHANGES_INTERVAL: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));
const RATE_PER: (Duration, Duration) = (Duration::from_secs(10), Duration::from_mins(10));
const RATE_REQUESTS: std::ops::RangeInclusive<u32> = 5..=100;

/// What an `IdentityTenant` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantSettings {
    /// The Secret, in the tenant's namespace.
    pub secret: String,
    /// Which version of the identity API is used.
    pub api_version: ApiVersion,
    /// How often the whole tenant is read, 10 s to 1 h.
    pub read_interval: Duration,
    /// The operator's share of the tenant's rate limit.
    pub rate_limit: RateLimit,
    /// How often the audit events of password changes are read, 1 min to 1 h; none if they are not.
    pub password_changes: Option<Duration>,
}

/// At most `requests` requests in any period of length `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// 5 to 100.
    pub requests: u32,
    /// 10 s to 10 min.
    pub per: Duration,
}

impl IdentityTenantSpec {
    /// What the spec asks for.
    ///
    /// # Errors
    /// The first field that breaks a rule of the schema.
    pub fn settings(&self) -> Result<TenantSettings, InvalidSpec> {
        let secret = self.credentials_secret_ref.name.clone();
        if secret.is_empty() {
            let problem = "is empty: name a Secret of this namespace";
            return Err(InvalidSpec::new("spec.credentialsSecretRef.name", problem));
        }
        Ok(TenantSettings {
            secret,
            api_version: self.identity_api_version.into(),
            read_interval: duration("spec.readInterval", &self.read_interval, READ_INTERVAL)?,
            rate_limit: RateLimit {
                requests: self.requests()?,
                per: duration("spec.rateLimit.per", &self.rate_limit.per, RATE_PER)?,
            },
            password_changes: self.changes_interval()?,
        })
    }

    fn changes_interval(&self) -> Result<Option<Duration>, InvalidSpec> {
        let field = "spec.passwordChanges.interval";
        let spec = self.password_changes.as_ref();
        spec.map(|spec| duration(field, &spec.interval, CHANGES_INTERVAL))
            .transpose()
    }

    fn requests(&self) -> Result<u32, InvalidSpec> {
        let asked = self.rate_limit.requests;
        let requests = u32::try_from(asked)
            .ok()
            .filter(|n| RATE_REQUESTS.contains(n));
        requests.ok_or_else(|| {
            InvalidSpec::new(
                "spec.rateLimit.requests",
                format!("is {asked}: give 5 to 100"),
            )
        })
    }
}

impl From<IdentityApiVersion> for ApiVersion {
    fn from(version: IdentityApiVersion) -> Self {
        match version {
            IdentityApiVersion::V3 => Self::V3,
            IdentityApiVersion::V2024 => Self::V2024,
            IdentityApiVersion::V2025 => Self::V2025,
            IdentityApiVersion::V2026 => Self::V2026,
            IdentityApiVersion::V1 => Self::V1,
        }
    }
}

fn duration(
    field: &str,
    text: &str,
    (least, most): (Duration, Duration),
) -> Result<Duration, InvalidSpec> {
    let parsed = parse_duration(text).filter(|span| (least..=most).contains(span));
    parsed.ok_or_else(|| {
        let (least, most) = (least.as_secs(), most.as_secs());
        let problem =
            format!("is {text:?}: give a duration from {least}s to {most}s, such as {least}s");
        InvalidSpec::new(field, problem)
    })
}

/// One to three parts, each a number of up to four digits and `s`, `m` or `h`, such as `1m30s`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut parts = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit())?;
        let (digits, tail) = rest.split_at(unit_at);
        let unit = match tail.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return None,
        };
        parts += 1;
        if digits.len() > 4 || parts > 3 {
            return None;
        }
        seconds += digits.parse::<u64>().ok()? * unit;
        rest = tail.get(1..)?;
    }
    (parts > 0).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::{RateLimitSpec, SecretRef};

    fn spec(read_interval: &str, requests: i64, per: &str) -> IdentityTenantSpec {
        IdentityTenantSpec {
            credentials_secret_ref: SecretRef {
                name: "acme-pat".to_owned(),
            },
            identity_api_version: IdentityApiVersion::V2025,
            read_interval: read_interval.to_owned(),
            rate_limit: RateLimitSpec {
                requests,
                per: per.to_owned(),
            },
            protect_secret: true,
            deletion_brake: crate::tenant::DeletionBrakeSpec::default(),
            password_changes: None,
        }
    }

    #[test]
    fn settings_are_what_the_spec_says() {
        let settings = spec("1m30s", 45, "20s").settings().unwrap();
        assert_eq!(settings.secret, "acme-pat");
        assert_eq!(settings.api_version.as_str(), "v2025");
        assert_eq!(settings.read_interval, Duration::from_secs(90));
        assert_eq!(
            settings.rate_limit,
            RateLimit {
                requests: 45,
                per: Duration::from_secs(20)
            }
        );
    }

    #[test]
    fn a_version_is_written_as_the_manifest_writes_it() {
        for version in ApiVersion::ALL {
            let written = serde_json::json!(version.as_str());
            let parsed: IdentityApiVersion = serde_json::from_value(written).unwrap();
            assert_eq!(ApiVersion::from(parsed), version);
        }
    }

    #[test]
    fn absurd_intervals_and_limits_name_field_and_remedy() {
        for bad in [
            "",
            "9s",
            "61m",
            "2h",
            "60",
            "s",
            "-60s",
            "1d",
            "1.5m",
            "99999s",
            "1s1s1s60s",
            "6µs",
        ] {
            let error = spec(bad, 90, "10s").settings().unwrap_err().to_string();
            let wanted = format!("spec.readInterval is {bad:?}: give a duration from 10s to 3600s");
            assert!(error.starts_with(&wanted), "{error}");
        }
        for bad in [i64::MIN, -1, 0, 4, 101, i64::MAX] {
            let error = spec("60s", bad, "10s").settings().unwrap_err().to_string();
            assert_eq!(
                error,
                format!("spec.rateLimit.requests is {bad}: give 5 to 100")
            );
        }
        for bad in ["1s", "11m"] {
            assert_eq!(
                spec("60s", 90, bad).settings().unwrap_err().field,
                "spec.rateLimit.per"
            );
        }
        for good in ["10s", "1h", "59m60s", "60m"] {
            assert!(spec(good, 5, "10m").settings().is_ok(), "{good}");
        }
    }
}
