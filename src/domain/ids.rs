//! Identifiers and references. An id is checked when it is parsed, so that whatever
//! a tenant or a manifest says, no id can change the path of a request.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The longest id that is accepted, from a tenant as from a manifest.
pub const MAX_ID: usize = 64;

/// A text that is not an identifier: 1 to 64 of `[A-Za-z0-9-]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of 1 to 64 letters, digits and dashes")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses an id, refusing whatever could be more than one path segment.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if is_id(text) { Ok(Self(Arc::from(text))) } else { Err(InvalidId) }
            }

            /// The id as the tenant writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id!(
    /// The id of a password sync group.
    GroupId
);
id!(
    /// The id of an identity source.
    SourceId
);
id!(
    /// The id of a password policy.
    PolicyId
);
id!(
    /// The id of a request to change a password.
    ChangeId
);

fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// How a manifest points at a source or a policy: by name or by id, exactly one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ref {
    /// By the name that the tenant shows; it must match exactly one object.
    Name(String),
    /// By id; names are not looked at.
    Id(String),
}

impl Ref {
    /// The manifest's own text, under which the status keeps a pin.
    pub fn text(&self) -> &str {
        match self {
            Self::Name(text) | Self::Id(text) => text,
        }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "\"{name}\""),
            Self::Id(id) => write!(f, "id {id}"),
        }
    }
}

/// Which tenant really answered: org and tenant id of its token answer.
///
/// Everything recorded about a group is true of this tenant only, whatever host
/// or Secret leads to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TenantKey {
    /// The org's short name.
    pub org: String,
    /// The tenant's id.
    #[serde(rename = "tenantID")]
    pub tenant_id: String,
}

impl fmt::Display for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.org, self.tenant_id)
    }
}

/// A PasswordSyncGroup, by its namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespacedName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl NamespacedName {
    /// The object of this name in a namespace.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// An IdentityTenant, by its namespace and name: the key of everything that is kept for it.
/// Another type than the name of a group, so that neither can stand where the other is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantName {
    namespace: String,
    name: String,
}

impl TenantName {
    /// The IdentityTenant of this name in a namespace.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// The namespace of the IdentityTenant, and so of its Secret and its groups.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name of the IdentityTenant.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_named_by_its_namespace_and_its_name() {
        let tenant = TenantName::new("identity", "acme");
        assert_eq!((tenant.namespace(), tenant.name()), ("identity", "acme"));
        assert_eq!(tenant.to_string(), "identity/acme");
    }

    #[test]
    fn an_id_can_never_leave_its_path_segment() {
        for bad in [
            "",
            "a/b",
            "..",
            "a b",
            "a%2f",
            "a?x",
            "a#",
            "é",
            &"a".repeat(65),
        ] {
            assert_eq!(GroupId::parse(bad), Err(InvalidId), "{bad}");
        }
        for good in [
            "6881f631-3bd5-4213-9c75-8e05cc3e35dd",
            "2c918084660f45d6016617daa9210584",
        ] {
            assert_eq!(
                GroupId::parse(good).map(|id| id.to_string()),
                Ok(good.to_owned())
            );
        }
    }
}
