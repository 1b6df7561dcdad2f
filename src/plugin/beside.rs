//! What is read of a tenant beside its picture.

use std::collections::BTreeMap;

use psg_domain::{PasswordRules, PolicyId, SourceId};

/// How many accounts each source has, where the tenant said so.
pub type Accounts = BTreeMap<SourceId, usize>;

/// What each policy demands of a password, where the tenant said so.
pub type Rules = BTreeMap<PolicyId, PasswordRules>;
