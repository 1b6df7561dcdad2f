//! The catalogue of reasons: the one word that conditions, events and metrics use, each
//! with what it means, where to look and what to do. `docs/reasons.md` is made from it.

use std::fmt;

/// One thing found, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $(#[doc = $what] $name,)* }

        impl Reason {
            /// Every reason, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The reason of this word, if there is one.
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.as_str() == word)
            }

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
    InSync, Group, "The tenant's group equals the manifest.", "status.groupID, status.policy and status.sources say to what the manifest led.", "Nothing.";
    Creating, Group, "The group is being created, or a create whose answer was lost is being looked for.", "status.intent; the message says until when.", "Wait. The operator never sends a second create before it is sure that the first had no effect.";
    Updating, Group, "The group is being changed, a change of it does not show in the tenant yet, or a source that left it is getting its policy back.", "status.update is the change that was sent last, status.leaving lists the sources that leave.", "Wait. The message says when the tenant is read again.";
    Deleting, Group, "The group is being deleted and its policy reassigned to each source.", "status.deletion lists every source and its result.", "Wait.";
    Retrying, Group, "The tenant did not do the last thing it was asked, or does not show it yet; it is tried again.", "The message quotes the tenant and names the source, if it is about one.", "Wait. If it lasts, look at the IdentityTenant and at the source that is named.";
    Paused, Group, "Nothing is written to the tenant for now, though it differs or the resource is being deleted.", "The annotation passwordsync.dev/paused-until, and status.drift.", "Remove the annotation to go on.";
    Drifted, Group, "The tenant differs from the manifest, and managementPolicy OnChange or Observe forbids to write it.", "status.drift: field, wanted, found.", "Change the manifest or the tenant, or set managementPolicy: Enforce.";
    StoredOtherwise, Group, "The tenant takes a change and stores something else each time.", "The message names the field, and what the tenant makes of it.", "Write the field as the tenant stores it, such as without blanks at its end.";
    OtherPolicy, Group, "The tenant shows a source of the group under another password policy than the group's. A warning of the condition PoliciesAligned, which blocks nothing.", "The message names the sources.", "Look at the source in the tenant. While it is in the group, its passwords follow the group's policy.";
    PolicyMismatch, Group, "The policy that a source had before it joined refuses passwords which the group's policy admits. A warning of the condition PoliciesAligned, which blocks nothing.", "The message names the policy, its sources, an example of such a password and the rule that refuses it; kubectl psg doctor shows the same for each source.", "Make the group's policy as strict as that of each source, or loosen the source's own.";
    NoCommonPassword, Group, "No password passes both the group's policy and the one that a source had before it joined. A warning of the condition PoliciesAligned, which blocks nothing.", "The message names the policy, its sources, and the rules that exclude each other.", "Change one of these rules, in either policy.";
    PasswordChangesFailing, Group, "Password changes failed on sources of the group within the last two hours. A warning of the condition PasswordChangesHealthy, which blocks nothing.", "The message names the sources, how many changes failed and why; kubectl psg doctor shows each change.", "Do what kubectl psg doctor says for the cause, and ask the owner of the source.";
    AuditUnreadable, Group, "It is not known whether password changes fail: the tenant's audit events cannot be read, or do not tell. It blocks nothing.", "The message says what is missing; the IdentityTenant has the same condition while nothing can be read.", "Add the scope sp:search:read to the personal access token, or take passwordChanges out of the IdentityTenant.";
    Contested, Group, "Another tool undoes every repair of this group, so no more drift is repaired.", "status.contested: the field, and what it was set to; status.drift: what differs now.", "Find the other tool, and let only one of the two manage the group. Then edit the spec, or set the annotation passwordsync.dev/reconcile-at to a new value, to try again. It also ends when the tenant equals the manifest by itself.";
    Refused, Group, "The tenant refused the group as it is wanted.", "status.refused; the message quotes the tenant and its tracking id.", "Change the manifest, or what the tenant objects to. It is tried again as soon as the manifest, the sources concerned or the credentials change.";
    CreateAmbiguous, Group, "A create was sent, its answer was lost, and it cannot be told which group is its result.", "The message lists the candidates, and which of them have the content that was sent.", "Set spec.groupID to the right one, and delete a twin in the tenant. The operator never deletes a suspected twin.";
    GroupUnreadable, Group, "The tenant shows a group that cannot be read, and that may be the one that is looked for. So none is created.", "The message names it; unreadable in the status of the IdentityTenant lists everything that cannot be read.", "Mend that group in the tenant, or remove it there. It goes on by itself.";
    GroupNotFound, Group, "The group that the manifest points at does not exist.", "spec.groupID, or spec.name under managementPolicy: Observe.", "Correct it, or make the group in the tenant. With spec.groupID a group is never created.";
    GroupVanished, Group, "The group was deleted in the tenant, and managementPolicy OnChange does not make it again.", "status.groupID is the group that was.", "Change the spec or set managementPolicy: Enforce to make it again, or delete the resource.";
    GroupsVanished, Tenant, "Many managed groups are missing from one read, so none is created again.", "The IdentityTenant's condition Ready; its message has the numbers.", "Find out why. To let them be created again, set the annotation passwordsync.dev/acknowledged-until on the IdentityTenant.";
    DeletionPaused, Group, "Many groups of the tenant are being deleted at once, so no further one is begun.", "The message has the numbers, the limit and the IdentityTenant; spec.deletionBrake there.", "Find out whether that is meant. If so, set the annotation passwordsync.dev/acknowledged-until on the IdentityTenant to a time to come. To let single resources go and leave their groups, set deletionPolicy: Orphan on them.";
    DeletionBlocked, Group, "The deletion cannot go on, and the finalizer stays.", "The message names the source or the tenant that holds it up; status.deletion says what is done.", "Mend what is named; it goes on by itself. The one way out without the tenant is deletionPolicy: Orphan, which leaves the group and its sources as they are.";
    InvalidSpec, Reference, "The manifest cannot be carried out as it is stored.", "The message names the field.", "Correct the field. If the schema should have refused it, the CRDs are older than the operator: update them.";
    SourceNotFound, Reference, "A source reference matches nothing in the tenant.", "spec.sourceRefs; near misses are in the message.", "Correct the reference, or create the source.";
    PolicyNotFound, Reference, "The policy reference matches nothing in the tenant.", "spec.passwordPolicyRef; near misses are in the message.", "Correct the reference, or create the policy.";
    AmbiguousReference, Reference, "A name matches several objects in the tenant.", "The message lists their ids.", "Refer to one of them by id.";
    DuplicateSource, Reference, "Two references lead to one source.", "The message names both.", "Remove one of them.";
    SourceReplaced, Reference, "A source was deleted, and another of its name exists; it is not taken silently.", "The message has both ids.", "If the new one is meant, refer to it by id, or remove the reference, wait for Ready, and add it again.";
    PolicyReplaced, Reference, "The policy was deleted, and another of its name exists; it is not taken silently.", "The message has both ids.", "If the new one is meant, refer to it by id.";
    TooFewSources, Prerequisite, "A group needs at least two sources.", "spec.sourceRefs.", "Add a source, or delete the resource.";
    NotDirectConnect, Prerequisite, "A source is not connected directly.", "The source's connection type in the tenant.", "Use a direct connect source, or take this one out.";
    PasswordNotSupported, Prerequisite, "A source cannot change passwords.", "The source's feature PASSWORD.", "Configure the source for Password Management.";
    NoApplication, Prerequisite, "An authentication source has no application.", "The applications of the source in the tenant.", "Add an application to the source.";
    ApplicationsUnknown, Prerequisite, "The tenant does not tell how many applications an authentication source has that is to join.", "unreadable in the status of the IdentityTenant says what the tenant answers.", "Wait. If it lasts, look at the token's scopes, and at what the tenant answers. Only what joins waits.";
    PolicyExceptions, Prerequisite, "A source that is to join has password policy exceptions, which a group does not allow.", "The source's password policies in the tenant.", "Remove the exceptions from the source.";
    GroupExists, Ownership, "A group of this name exists and may not be taken over as it is, or stands in the way of a rename.", "The message says which group, and in what it differs.", "Set adoptionPolicy: Overwrite, make them equal, or choose another name.";
    AmbiguousGroup, Ownership, "Several groups in the tenant have this name.", "The message lists their ids.", "Set spec.groupID to the one that is meant.";
    OwnedByAnother, Ownership, "Another PasswordSyncGroup owns this group, name or source.", "The message names the owner if it is in the same namespace.", "Take it out of one of the two. When the owner lets go, this one goes on by itself.";
    WaitingForSource, Ownership, "A source that is wanted is still held by another PasswordSyncGroup, which lets it go.", "The message names the source, and its holder if that is in the same namespace; the holder's own status says how far it is.", "Wait. Everything else of an edit is done already; the source joins as soon as it is free.";
    SourceSwapBlocked, Ownership, "Groups wait for one another's sources, and none can let go first without falling under two.", "The message names the sources, and the groups in the same namespace.", "Add a third source to one of the groups for the time, or delete one of the resources and apply it again afterwards. It goes on by itself then.";
    SourceInAnotherGroup, Ownership, "A source is in a tenant group that no PasswordSyncGroup manages.", "The message names the group.", "Remove it there, or adopt that group.";
    Pending, Tenant, "The tenant has not been read yet.", "The IdentityTenant.", "Wait. If it lasts, the IdentityTenant says why.";
    TenantNotFound, Tenant, "There is no such IdentityTenant in this namespace, or it is being deleted and takes no new group.", "spec.tenantRef, and the IdentityTenant.", "Create it, or correct the reference. One that is being deleted goes when the groups that need it are gone.";
    TenantUnreachable, Tenant, "The tenant has not answered for five read intervals, or never so far.", "The IdentityTenant's message.", "Check the network and the tenant. Nothing is lost meanwhile.";
    ProxyUnreachable, Tenant, "There is no connection to the proxy by which the tenant is reached.", "The IdentityTenant's message: the proxy's host and port; the operator's flag --tenant-proxy, and the NetworkPolicy.", "Correct the host and port of the proxy, or let the operator connect to it. Nothing is lost meanwhile.";
    ProxyRefused, Tenant, "The proxy by which the tenant is reached asks for other credentials, or does not lead to the tenant.", "The IdentityTenant's message says which of the two.", "Put a user and a password into the URL of the proxy, or let the proxy connect to the tenant's host and port. Nothing is lost meanwhile.";
    CertificateInvalid, Tenant, "The certificate that the tenant, or a proxy before it, shows cannot be trusted, so nothing is sent.", "The IdentityTenant's message says what is wrong with it.", "Do what the message says. If a company's proxy signs what passes it, give the operator its authority by --tenant-ca.";
    TenantChanged, Tenant, "Another tenant answers behind the same Secret; nothing is written and no finalizer ends.", "status.tenant of the group, and the IdentityTenant's status.", "Restore the credentials. To let the old tenant's groups go, set deletionPolicy: Orphan and delete the resources.";
    SecretNotFound, Tenant, "The credentials Secret does not exist.", "spec.credentialsSecretRef of the IdentityTenant.", "Create it with the keys baseUrl, clientId and clientSecret.";
    SecretForbidden, Tenant, "The operator may not read the Secret.", "The operator's Role in that namespace.", "Grant get on the Secret.";
    SecretMalformed, Tenant, "The Secret lacks a key, or holds one that cannot be used.", "The message names the key, never its value.", "Correct the key.";
    SecretNotProtected, Tenant, "The Secret can be deleted while groups need it; nothing else is affected.", "The condition SecretProtected of the IdentityTenant.", "Grant the operator patch on Secrets, or set protectSecret: false.";
    SecretNotReleased, Tenant, "No group needs the Secret any more, and the operator may not take its finalizer off: it cannot be deleted, and the IdentityTenant stays as long.", "The condition SecretProtected of the IdentityTenant, which has the command.", "Grant the operator get and patch on Secrets, or take the finalizer off by hand.";
    HostNotAllowed, Tenant, "The Secret's host is not one that the operator may talk to.", "baseUrl in the Secret, and the operator's flag --allow-host.", "Correct baseUrl, or allow the host.";
    CredentialsInvalid, Tenant, "The tenant does not accept the credentials.", "The personal access token in the tenant: expired, deleted, or its owner locked.", "Renew it and update the Secret; it is tried again within seconds.";
    MissingScope, Tenant, "The token lacks a scope that the operator needs.", "The message names the scopes.", "Add them to the personal access token.";
    NoUserContext, Tenant, "The token is not tied to a user, so the tenant would refuse every write.", "The kind of credentials in the Secret.", "Use a personal access token of an ORG_ADMIN user.";
    Forbidden, Tenant, "The tenant accepts the credentials but refuses the request.", "The level of the token's owner: ORG_ADMIN is needed.", "Give the owner that level. It is tried again every 10 minutes and when the Secret changes.";
    UnexpectedAnswer, Tenant, "The tenant answers in a way that cannot be trusted.", "The message says which answer and why.", "Check baseUrl and what stands between, such as a proxy.";
    RateLimited, Tenant, "The tenant asks to slow down.", "Other users of the same client id.", "Wait; lower spec.rateLimit if others need their share.";
    Reading, Tenant, "The tenant is being read, as it is every interval.", "The IdentityTenant's counts.", "Nothing.";
}

impl Reason {
    /// Whether an edit has gone as far as it can for now (the rule moving), so that the result is
    /// recorded.
    pub const fn is_up_to_others(self) -> bool {
        matches!(self, Self::WaitingForSource | Self::SourceSwapBlocked)
    }
}

/// The page `docs/reasons.md`: the whole catalogue, by what the reasons are about.
pub fn page() -> String {
    let sections = SECTIONS.iter().map(|(about, title, note)| {
        let reasons = Reason::ALL.iter().filter(|reason| reason.about() == *about);
        let entries: String = reasons.copied().map(entry).collect();
        format!("\n## {title}\n\n{note}\n{entries}")
    });
    std::iter::once(HEAD.to_owned()).chain(sections).collect()
}

fn entry(reason: Reason) -> String {
    let (what, look, act) = (reason.what(), reason.look(), reason.act());
    format!("\n### {reason}\n\n{what}\n\n- **Look at:** {look}\n- **Do:** {act}\n")
}

const SECTIONS: &[(About, &str, &str)] = &[
    (
        About::Group,
        "The group",
        "How far the tenant's group is what the manifest wants.",
    ),
    (
        About::Reference,
        "References",
        "These also turn `ReferencesCurrent` to False, if a name could not be looked up.",
    ),
    (
        About::Prerequisite,
        "Prerequisites",
        "What the vendor asks of a group's sources. These also turn `PrerequisitesMet` to False. A group that exists already is left as it is.",
    ),
    (
        About::Ownership,
        "Owners",
        "Every group, name and source has one owner: the resource whose status records it, or else the oldest that wants it.",
    ),
    (
        About::Tenant,
        "The tenant",
        "Mostly on the `IdentityTenant`; a group that waits for it repeats them with `Ready` Unknown.",
    ),
];

const HEAD: &str = "\
# Reasons

<!-- Made from src/plan/reason.rs: `PSG_BLESS=1 cargo test -p psg-plan reasons_page` writes it. -->

Each condition, event and metric of psg-operator uses one of these words. `kubectl get psg` shows the
one of `Ready` under REASON; its message, with names, ids and the remedy, is shown by
`kubectl get psg -o wide` and `kubectl describe psg`.

| condition | True | False | Unknown |
|---|---|---|---|
| `Ready` | `InSync` | anything else below | the tenant cannot be asked, or a create is on its way |
| `Reconciling` | work goes on, or is tried again | never: the condition is absent | |
| `Stalled` | nothing happens until the manifest, the tenant or another resource changes | never: the condition is absent | |
| `Paused` | `Paused`: nothing is written until the moment in the annotation | never: the condition is absent | |
| `ReferencesCurrent` | `Current` | a reference leads nowhere; `Renamed`: its object has another name by now and is kept | |
| `PrerequisitesMet` | `Met` | a prerequisite below | |
| `SourcesHealthy` | `Healthy` | `Unhealthy`: a warning, which blocks nothing | |
| `PoliciesAligned` | never: the condition is absent | `PolicyMismatch`, `NoCommonPassword`, `OtherPolicy`: warnings, which block nothing | |
| `PasswordChangesHealthy` | `NoFailures` | `PasswordChangesFailing`: a warning, which blocks nothing | `AuditUnreadable` |
";

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
