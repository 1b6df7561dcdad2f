//! The catalogue of reasons: the one word that conditions, events and metrics use, each
//! with what it means, where to look and what to do. `docs/reasons.md` is made from it.

use std::fmt;

/// One thing found, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub reason: Reason,
    /// What exactly, with names and ids and the remedy.
    pub message: String,
}

impl Finding {
    /// A finding.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// Several findings as one: the first gives the reason, the message holds all.
    pub fn join(findings: Vec<Self>) -> Option<Self> {
        let reason = findings.first()?.reason;
        let messages: Vec<String> = findings
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        Some(Self {
            reason,
            message: messages.join("; "),
        })
    }
}

/// What a reason is about, for the condition that it turns false besides `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A reference of the manifest.
    Reference,
    /// A prerequisite that the vendor's guide names.
    Prerequisite,
    /// Another owner of the group or of a source.
    Ownership,
    /// The state of the group itself.
    Group,
    /// The tenant or its credentials.
    Tenant,
}

macro_rules! reasons {
    ($($name:ident, $about:ident, $what:literal, $look:literal, $act:literal;)*) => {
        /// A reason, as it stands in conditions, events and metrics.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason { $(#[doc = $what] $name,)* }

        impl Reason {
            /// Every reason, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word itself.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What it is about.
            pub const fn about(self) -> About {
                match self { $(Self::$name => About::$about,)* }
            }

            /// What it means.
            pub const fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }

            /// Where to look.
            pub const fn look(self) -> &'static str {
                match self { $(Self::$name => $look,)* }
            }

            /// What to do.
            pub const fn act(self) -> &'static str {
                match self { $(Self::$name => $act,)* }
            }
        }
    };
}

reasons! {
    InSync, Group, "The tenant's group equals the manifest.", "-", "Nothing.";
    Creating, Group, "The group is being created, or a create whose answer was lost is being looked for.", "status.intent; the message says until when.", "Wait. The operator never sends a second create before it is sure that the first had no effect.";
    Updating, Group, "The group is being changed, or a source that left is getting its policy back.", "status.leaving.", "Wait.";
    Deleting, Group, "The group is being deleted and its policy handed back to each source.", "status.deletion lists every source and its result.", "Wait.";
    Retrying, Group, "The tenant did not do the last thing it was asked; it is tried again.", "The message quotes the tenant.", "Wait; if it lasts, look at the IdentityTenant.";
    Paused, Group, "Nothing is written to the tenant for now.", "Annotation passwordsync.dev/paused-until.", "Remove the annotation to go on.";
    Drifted, Group, "The tenant differs from the manifest and may not be written.", "status.drift: field, wanted, found.", "Change the manifest or the tenant, or set managementPolicy: Enforce.";
    Refused, Group, "The tenant refused the group as it is wanted.", "status.refused; the message quotes the tenant and its tracking id.", "Change the manifest, or what the tenant objects to. It is tried again as soon as either changes.";
    CreateAmbiguous, Group, "A create was sent, its answer was lost, and more than one group could be its result.", "The message lists the candidates.", "Set spec.groupID to the right one. A suspected twin is never deleted by the operator.";
    GroupNotFound, Group, "The group that the manifest names does not exist.", "spec.groupID, or spec.name under managementPolicy: Observe.", "Correct it. With spec.groupID a group is never created.";
    GroupVanished, Group, "The group was deleted in the tenant and managementPolicy OnChange does not make it again.", "status.groupID.", "Set managementPolicy: Enforce, or delete the resource.";
    GroupsVanished, Tenant, "Many managed groups are missing from one read, so none is created again.", "The IdentityTenant's condition Ready and its message.", "Find out why. To let them be created again, set the annotation passwordsync.dev/acknowledged-until on the IdentityTenant.";
    DeletionBlocked, Group, "The deletion cannot go on.", "The message names the source or the tenant that holds it up.", "Mend it. The one way out without the tenant is deletionPolicy: Orphan.";
    InvalidSpec, Reference, "The stored manifest cannot be read.", "The message names the field.", "Correct the field; the CRDs of this version refuse such a manifest.";
    SourceNotFound, Reference, "A source reference matches nothing.", "spec.sourceRefs; near misses are in the message.", "Correct the name, or create the source.";
    PolicyNotFound, Reference, "The policy reference matches nothing.", "spec.passwordPolicyRef; near misses are in the message.", "Correct the name, or create the policy.";
    AmbiguousReference, Reference, "A name matches several objects.", "The message lists their ids.", "Refer to one of them by id.";
    DuplicateSource, Reference, "Two references lead to one source.", "The message names both.", "Remove one.";
    SourceReplaced, Reference, "A source was deleted, and another of its name exists.", "The message has both ids.", "If the new one is meant, refer to it by id.";
    PolicyReplaced, Reference, "The policy was deleted, and another of its name exists.", "The message has both ids.", "If the new one is meant, refer to it by id.";
    TooFewSources, Prerequisite, "A group needs at least two sources.", "spec.sourceRefs.", "Add a source.";
    NotDirectConnect, Prerequisite, "A source is not connected directly.", "The source's connection type in the tenant.", "Use a direct connect source.";
    PasswordNotSupported, Prerequisite, "A source cannot change passwords.", "The source's feature PASSWORD.", "Configure the source for Password Management.";
    NoApplication, Prerequisite, "An authentication source has no application.", "Applications of the source in the tenant.", "Add an application to the source.";
    PolicyExceptions, Prerequisite, "A source has password policy exceptions, which a group does not allow.", "The source's password policies.", "Remove the exceptions from the source.";
    GroupExists, Ownership, "A group of this name exists and may not be taken over as it is.", "The message says in what it differs.", "Set adoptionPolicy: Overwrite, make them equal, or choose another name.";
    AmbiguousGroup, Ownership, "Several groups have this name.", "The message lists their ids.", "Set spec.groupID.";
    OwnedByAnother, Ownership, "Another PasswordSyncGroup owns this group, name or source.", "The message names it if it is in the same namespace.", "Let one of them go. When the owner lets go, this one goes on by itself.";
    SourceInAnotherGroup, Ownership, "A source is in a tenant group that no PasswordSyncGroup manages.", "The message names the group.", "Remove it there, or adopt that group.";
    Pending, Tenant, "The tenant has not been read yet.", "The IdentityTenant.", "Wait.";
    TenantNotFound, Tenant, "There is no such IdentityTenant in this namespace.", "spec.tenantRef.", "Create it, or correct the reference.";
    TenantUnreachable, Tenant, "The tenant has not answered for five read intervals.", "The IdentityTenant's message.", "Check the network and the tenant. Nothing is lost meanwhile.";
    TenantChanged, Tenant, "Another tenant answers behind the same Secret.", "status.tenant and the IdentityTenant's status.", "Restore the credentials, or delete and re-create the resources with deletionPolicy: Orphan.";
    SecretNotFound, Tenant, "The credentials Secret does not exist.", "spec.credentialsSecretRef of the IdentityTenant.", "Create it with the keys baseUrl, clientId and clientSecret.";
    SecretForbidden, Tenant, "The operator may not read the Secret.", "The operator's Role in that namespace.", "Grant get on the Secret.";
    SecretMalformed, Tenant, "The Secret lacks a key or holds one that cannot be used.", "The message names the key, never its value.", "Correct the key.";
    HostNotAllowed, Tenant, "The Secret's host is not one that the operator may talk to.", "The operator's flag --allow-host.", "Correct baseUrl, or allow the host.";
    CredentialsInvalid, Tenant, "The tenant does not accept the credentials.", "The personal access token in the tenant.", "Renew it and update the Secret; it is tried again within seconds.";
    MissingScope, Tenant, "The token lacks a scope that the operator needs.", "The message names the scopes.", "Add them to the personal access token.";
    NoUserContext, Tenant, "The token is not tied to a user, so the tenant would refuse every write.", "The kind of credentials in the Secret.", "Use a personal access token of an ORG_ADMIN user.";
    Forbidden, Tenant, "The tenant accepts the credentials but refuses the request.", "The user's level: ORG_ADMIN is needed.", "Give the owner of the token that level. Tried again every 10 minutes and when the Secret changes.";
    UnexpectedAnswer, Tenant, "The tenant answers in a way that cannot be trusted.", "The message says which answer and why.", "Check baseUrl and what stands between.";
    RateLimited, Tenant, "The tenant asks to slow down.", "Other users of the same client id.", "Wait; lower spec.rateLimit if others need their share.";
    Reading, Tenant, "The tenant is read.", "-", "Nothing.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
