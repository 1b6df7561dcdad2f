//! What an IdentityTenant's status says.

use psg_domain::ConditionType;

use crate::{
    conditions::{Condition, Truth},
    observed::{InUse, PasswordChanges, TenantState},
    reason::{Finding, Reason},
};

/// The conditions of a tenant; none before its first read is done or has failed. `failing` is why
/// the tenant could not be read just now, which is said only before the first read is done;
/// `secret` is what is wrong with the finalizer of its Secret; `deletions_paused` is how many
/// deletions the brake holds back; `password_changes` is what the audit events tell, if they are
/// read.
pub fn tenant_conditions(
    state: &TenantState,
    vanished: Option<(usize, usize)>,
    failing: Option<&Finding>,
    in_use: InUse,
    secret: Option<&Finding>,
    deletions_paused: usize,
    password_changes: Option<&PasswordChanges>,
) -> Vec<Condition> {
    let (truth, other, finding) = match state {
        TenantState::Pending => match failing {
            None => return Vec::new(),
            Some(finding) => (
                Truth::Unknown,
                Some(ConditionType::Reconciling),
                finding.clone(),
            ),
        },
        TenantState::Ready => match vanished {
            None => (Truth::True, None, reading(in_use)),
            Some((missing, managed)) => {
                let message = format!(
                    "{missing} of {managed} managed groups are missing at once; none is created again until \
                     passwordsync.dev/acknowledged-until is set on this IdentityTenant"
                );
                (
                    Truth::False,
                    Some(ConditionType::Stalled),
                    Finding::new(Reason::GroupsVanished, message),
                )
            }
        },
        TenantState::Blocked(finding) => {
            let other = if is_tried_soon(finding.reason) {
                ConditionType::Reconciling
            } else {
                ConditionType::Stalled
            };
            (Truth::False, Some(other), finding.clone())
        }
        TenantState::Unreachable(finding) | TenantState::Withdrawn(finding) => (
            Truth::False,
            Some(ConditionType::Reconciling),
            finding.clone(),
        ),
    };
    let condition = |kind, truth, finding: &Finding| Condition {
        kind,
        truth,
        reason: finding.reason.as_str(),
        message: finding.message.clone(),
    };
    let ready = condition(ConditionType::Ready, truth, &finding);
    let what_to_do = Finding::new(finding.reason, finding.reason.act());
    let secret = secret.map(|why| {
        let truth = match why.reason {
            Reason::SecretNotReleased => Truth::True,
            _ => Truth::False,
        };
        condition(ConditionType::SecretProtected, truth, why)
    });
    let paused = (deletions_paused > 0).then(|| {
        let message = format!(
            "deletionBrake holds back the deletion of {deletions_paused} groups: if they are meant, set \
             passwordsync.dev/acknowledged-until on this IdentityTenant to a time to come"
        );
        let why = Finding::new(Reason::DeletionPaused, message);
        condition(ConditionType::DeletionsPaused, Truth::True, &why)
    });
    let unread = password_changes.and_then(|changes| match changes {
        PasswordChanges::Read(_) => None,
        PasswordChanges::Unreadable(why) => {
            let message = format!("the audit events of password changes cannot be read: {why}");
            let why = Finding::new(Reason::AuditUnreadable, message);
            Some(condition(
                ConditionType::PasswordChangesHealthy,
                Truth::Unknown,
                &why,
            ))
        }
    });
    std::iter::once(ready)
        .chain(other.map(|kind| condition(kind, Truth::True, &what_to_do)))
        .chain(secret)
        .chain(paused)
        .chain(unread)
        .collect()
}

/// Whether the problem may pass by itself within seconds, such as a Secret that is applied after
/// the tenant. `Stalled` would make a pipeline fail at once.
fn is_tried_soon(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::SecretNotFound | Reason::SecretForbidden | Reason::SecretMalformed
    )
}

fn reading(in_use: InUse) -> Finding {
    let message = match in_use {
        InUse::No | InUse::Held => "the tenant is read",
        InUse::Ending => {
            "this IdentityTenant is being deleted, and stays until the last PasswordSyncGroup that \
             holds passwordsync.dev/reassign-policy is gone: delete those that refer to it"
        }
    };
    Finding::new(Reason::Reading, message)
}
