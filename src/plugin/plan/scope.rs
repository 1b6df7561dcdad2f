//! One tenant and all resources that are for it: reads what a preview needs, and runs it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use psg_domain::{NamespacedName, Picture, SourceId, TenantName};
use psg_plan::{
    InUse, TenantState, TenantView,
    preview::{Change, Ending, Preview, Subject, preview},
};

use super::{build, document, subjects};
use crate::tenant::{Accounts, Tenant};

/// One tenant and the resources that are for it.
pub struct Scope {
    /// The tenant.
    pub tenant: Tenant,
    /// Each IdentityTenant that leads to it, by its resource.
    pub views: BTreeMap<TenantName, TenantView>,
    /// The resources after the change.
    pub subjects: Vec<Subject>,
    /// The resources of `--base`, which are in place before the change; none without `--base`.
    pub base: Option<Vec<Subject>>,
    /// The resources that were asked about; the others are shown only if they would change.
    pub asked: BTreeSet<NamespacedName>,
}

/// The result of a preview of one tenant.
pub struct Foreseen {
    /// For the document.
    pub tenant: document::Tenant,
    /// For the totals.
    pub preview: Preview,
    /// Further warnings for the user.
    pub warnings: Vec<String>,
}

/// The view of a tenant that is ready.
pub fn view(tenant: &Tenant) -> TenantView {
    TenantView {
        credentials: tenant.credentials.clone(),
        in_use: InUse::Held,
        ..TenantView::of(TenantState::Ready, Some(tenant.key.clone()))
    }
}

impl Scope {
    /// Reads the tenant once, then what each source that would change needs.
    ///
    /// # Errors
    /// What cannot be read and what to do, for a person.
    pub async fn foresee(&self, now: Timestamp) -> Result<Foreseen, String> {
        self.tenant.read(now).await?;
        // The own policies of the sources that the first preview touches need one read for each
        // source.
        let Start {
            before, preview, ..
        } = self.look(now);
        let touched: Vec<SourceId> = build::touched(&before, &preview).into_iter().collect();
        let holders = self.tenant.read_holders(&touched);
        let counts = self.tenant.count_accounts(&touched);
        let (holders, (accounts, uncounted)) = tokio::join!(holders, counts);
        holders?;
        let mut foreseen = self.said(self.look(now), &accounts);
        foreseen.warnings.extend(uncounted);
        Ok(foreseen)
    }

    fn look(&self, now: Timestamp) -> Start {
        let picture = self.tenant.picture();
        let Some(base) = &self.base else {
            return Start {
                preview: preview(self.subjects.clone(), picture.clone(), &self.views, now),
                before: picture,
                warnings: Vec::new(),
            };
        };
        let first = preview(subjects::in_place(base), picture, &self.views, now);
        let warnings = not_in_place(&first);
        let mut known = subjects::recorded(base, first.outlooks);
        let mut then = Vec::new();
        for subject in self.subjects.iter().cloned() {
            then.push(match known.remove(&subjects::of(&subject)) {
                Some(was) => subjects::edited(was, subject),
                None => subject,
            });
        }
        for (_, mut removed) in known {
            removed.object.deleting = true;
            then.push(removed);
        }
        let later = first.ended.saturating_add(SignedDuration::from_secs(1));
        let later = later.unwrap_or(first.ended);
        Start {
            preview: preview(then, first.picture.clone(), &self.views, later),
            before: first.picture,
            warnings,
        }
    }

    fn said(&self, start: Start, accounts: &Accounts) -> Foreseen {
        let Start {
            before,
            mut preview,
            warnings,
        } = start;
        let asked = |one: &psg_plan::preview::Outlook| self.asked.contains(&one.name);
        preview
            .outlooks
            .retain(|one| asked(one) || !one.changes.is_empty());
        let host = self.tenant.host.clone();
        Foreseen {
            tenant: build::tenant(host, &before, &preview, accounts),
            preview,
            warnings,
        }
    }
}

/// What a tenant shows before the change, and the preview of the change.
struct Start {
    before: Picture,
    preview: Preview,
    warnings: Vec<String>,
}

/// A warning for each resource of `--base` that is refused, or that the tenant does not match.
fn not_in_place(base: &Preview) -> Vec<String> {
    let mut warnings = Vec::new();
    for outlook in &base.outlooks {
        let place = &outlook.name;
        let mut changes = outlook.changes.iter().map(|planned| &planned.change);
        if let Ending::Refused(why) | Ending::Waits(why) = &outlook.ending {
            let (reason, message) = (why.reason.as_str(), &why.message);
            warnings.push(format!("--base: {place} is refused, {reason}: {message}"));
        } else if changes.any(|change| !matches!(change, Change::Adopt(_))) {
            warnings.push(format!(
                "--base: the tenant is not as {place} says; this plan begins where it is"
            ));
        }
    }
    warnings
}
