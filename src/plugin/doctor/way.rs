//! Finds what is wrong with the way to a tenant: the token of the Secret, its end, the clock, and the
//! rate limit. Pure.

use std::time::Duration;

use jiff::Timestamp;
use psg_domain::time;
use psg_identity::{TokenEnd, TokenInfo};

use super::document::{Check, TenantFinding};
use crate::forms::Text;

/// So long before its end a token is a finding.
const ENDS_SOON: Duration = Duration::from_hours(14 * 24);

/// So far apart the clocks may be: answers take a while, and tell the time to the second.
const MOST_APART: Duration = Duration::from_mins(1);

/// What is known of the way to a tenant.
pub struct Way<'a> {
    /// Who the token of the Secret belongs to, and what it may do.
    pub token: &'a TokenInfo,
    /// When it ends, if the tenant tells.
    pub end: Option<TokenEnd>,
    /// The tenant's clock when it answered, if it tells.
    pub answered_at: Option<Timestamp>,
    /// This machine's clock.
    pub now: Timestamp,
    /// What the IdentityTenants say of a rate limit that others use as well.
    pub rate_limit: &'a [String],
}

/// Everything that is wrong with it.
pub fn findings(way: &Way<'_>) -> Vec<TenantFinding> {
    let found = |check, evidence: String, remedy| TenantFinding {
        check,
        evidence: Text(evidence),
        remedy,
    };
    let mut findings = Vec::new();
    if way.token.without_user {
        findings.push(found(
            Check::Token,
            "the token of the Secret belongs to no user, so every write is refused".to_owned(),
            "Put a personal access token of an ORG_ADMIN user into the Secret.",
        ));
    }
    let missing: Vec<&str> = way.token.missing_scopes().into_iter().collect();
    if !missing.is_empty() {
        findings.push(found(
            Check::Token,
            format!("the token of the Secret lacks {}", missing.join(", ")),
            "Make a personal access token with these scopes, and put it into the Secret.",
        ));
    }
    if let Some(TokenEnd::At(end)) = way.end
        && time::until(way.now, end) < ENDS_SOON
    {
        findings.push(found(
            Check::Token,
            format!("the token of the Secret ends at {end}"),
            "Make a new personal access token, and put it into the Secret: no restart is needed.",
        ));
    }
    if let Some(at) = way.answered_at
        && time::apart(at, way.now) > MOST_APART
    {
        let apart = time::apart(at, way.now).as_secs();
        findings.push(found(
            Check::Clock,
            format!("the clock of this machine and that of the tenant are {apart} s apart"),
            "Set the clock of this machine by NTP: password changes are looked for by its time.",
        ));
    }
    findings.extend(way.rate_limit.iter().map(|evidence| {
        found(
            Check::RateLimit,
            evidence.clone(),
            "Give each program a personal access token of its own: the tenant counts requests by client id.",
        )
    }));
    findings
}
