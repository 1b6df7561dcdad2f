//! S11: a status that is stored is in one row of the table of docs/gitops.md, so that kstatus and
//! Argo CD, which read no reason, say the same as the words do.

use psg_api::{PasswordSyncGroup, PasswordSyncGroupStatus};

use super::Oracle;

impl Oracle {
    /// A status was stored: of whatever generation it speaks, it says one thing.
    pub(super) fn told_in_one_state(
        &mut self,
        group: &PasswordSyncGroup,
        status: &PasswordSyncGroupStatus,
    ) {
        let is = |kind: &str, truth: &str| {
            let mut conditions = status.conditions.iter();
            conditions.any(|it| it.type_ == kind && it.status == truth)
        };
        let (ready, unready) = (
            is("Ready", "True"),
            is("Ready", "False") || is("Ready", "Unknown"),
        );
        let (reconciling, stalled) = (is("Reconciling", "True"), is("Stalled", "True"));
        let mut conditions = status.conditions.iter();
        let paused = conditions.any(|it| it.type_ == "Ready" && it.reason == "Paused");
        let unseen = Some(status.observed_generation) != group.metadata.generation;
        let rows = [
            status.conditions.is_empty() && unseen,
            ready && !reconciling && !stalled,
            unready && reconciling && !stalled,
            unready && stalled && !reconciling,
            unready && paused && is("Paused", "True") && !reconciling && !stalled,
        ];
        self.must(
            rows.into_iter().filter(|row| *row).count() == 1,
            "S11: a status in no row of the table of docs/gitops.md, or in two",
            &format!("{:?}", status.conditions),
        );
    }
}
