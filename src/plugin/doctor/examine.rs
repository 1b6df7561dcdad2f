//! Finds what may keep a password change from reaching all sources of a group, in the order of the vendor's
//! guide. Pure.

use psg_domain::{Group, Picture, PolicyId, Source, SourceId, facts::default_policy};
use psg_identity::Connection;
use psg_plan::{
    Lack, Reason,
    alignment::{Alignment, align},
};

use super::{
    changes::Changes,
    document::{Check, Finding},
};
use crate::{
    forms::Text,
    inventory::{build, tenants::Seen},
    tenant::Owners,
};

/// What was read of a tenant for this command alone.
pub struct Read<'a> {
    /// Who owns each source.
    pub owners: &'a Owners,
    /// The password changes.
    pub changes: &'a Changes,
    /// The tests of connections, if the user asked for them.
    pub tested: &'a [(SourceId, Result<Connection, String>)],
}

/// Examines one group.
pub fn group(seen: &Seen, group: &Group, read: &Read<'_>) -> super::document::Group {
    let changes = read.changes.of(group, &seen.picture);
    let mut examined = Examined {
        seen,
        group,
        read,
        findings: Vec::new(),
        unknown: Vec::new(),
    };
    for id in &group.sources {
        examined.source(id);
    }
    let Examined {
        mut findings,
        unknown,
        ..
    } = examined;
    findings.extend(read.changes.findings(&changes, &seen.picture, read.owners));
    findings.sort_by_key(|finding| (finding.check, finding.source.clone()));
    let picture = &seen.picture;
    super::document::Group {
        named: build::named(&group.name, group.id.as_str()),
        resource: build::resource(seen, &group.id),
        policy: group.policy.as_ref().map(|id| build::policy(picture, id)),
        sources: build::sorted(group.sources.iter().map(|id| build::source(picture, id))),
        findings,
        unknown,
        changes,
    }
}

struct Examined<'a> {
    seen: &'a Seen,
    group: &'a Group,
    read: &'a Read<'a>,
    findings: Vec<Finding>,
    unknown: Vec<Text>,
}

impl Examined<'_> {
    fn source(&mut self, id: &SourceId) {
        let picture = &self.seen.picture;
        let Some(source) = picture.source(id) else {
            let said = format!("source {id} of the group is in no list of the tenant");
            self.unknown.push(Text(said));
            return;
        };
        self.communication(source);
        self.prerequisites(source, picture);
        self.alignment(source, picture);
    }

    fn communication(&mut self, source: &Source) {
        const REMEDY: &str = "Test the connection of the source in the admin console: its address, its account, and the \
                 virtual appliance that reaches it. Ask its administrator before you change its configuration.";
        let tested = self.read.tested.iter().find(|(id, _)| *id == source.id);
        match tested.map(|(_, tested)| tested) {
            // What it finds now counts more than the last health check.
            Some(Ok(Connection::Works)) => return,
            Some(Ok(Connection::Fails(status))) => {
                let evidence = format!("the tenant cannot connect to it now: {status}");
                return self.found(source, Check::Communication, evidence, REMEDY);
            }
            Some(Err(error)) => {
                let said = format!(
                    "\"{}\": its connection could not be tested: {error}",
                    source.name
                );
                self.unknown.push(Text(said));
            }
            None => {}
        }
        if !source.healthy {
            self.found(
                source,
                Check::Communication,
                format!(
                    "the tenant's last health check of it failed: {}",
                    source.status
                ),
                REMEDY,
            );
        }
    }

    fn prerequisites(&mut self, source: &Source, picture: &Picture) {
        let mut unmet = |reason: Reason, evidence: &str| {
            self.found(
                source,
                Check::Prerequisites,
                evidence.to_owned(),
                reason.act(),
            );
        };
        for lack in Lack::of(source, picture) {
            let evidence = match lack {
                Lack::DirectConnection => "it is fed by files, not connected directly",
                Lack::PasswordChanges => {
                    "it cannot change passwords: it lacks the feature PASSWORD"
                }
                Lack::Application => "it is used to sign in, and has no application",
            };
            unmet(lack.reason(), evidence);
        }
        let holders = picture.holders(&source.id).and_then(|(holders, _)| holders);
        let exceptions = holders.into_iter().flatten();
        let exceptions = exceptions.filter(|holder| holder.is_exception()).count();
        if exceptions > 0 {
            unmet(
                Reason::PolicyExceptions,
                &match exceptions {
                    1 => "it has a password policy exception".to_owned(),
                    several => format!("it has {several} password policy exceptions"),
                },
            );
        }
    }

    fn alignment(&mut self, source: &Source, picture: &Picture) {
        let Some(of_group) = &self.group.policy else {
            self.unknown.push(Text(format!(
                "\"{}\": the tenant does not tell the policy of its group",
                source.name
            )));
            return;
        };
        let Some(own) = self.own_policy(source, picture) else {
            self.unknown.push(Text(format!(
                "\"{}\": the tenant does not show its own policy while it is in a group, and no resource \
                 recorded it",
                source.name
            )));
            return;
        };
        if own == *of_group {
            return;
        }
        let known = (picture.policy(of_group), picture.policy(&own));
        let (Some(of_group), Some(its_own)) = known else {
            self.unknown.push(Text(format!(
                "\"{}\": the tenant does not show its own policy or its group's",
                source.name
            )));
            return;
        };
        let verdict = align(&of_group.rules, &its_own.rules).alignment;
        if verdict == Alignment::Aligned {
            return;
        }
        let own = build::policy(picture, &own).name.0;
        self.found(
            source,
            Check::PolicyAlignment,
            format!("its own policy is {own}: {verdict}"),
            "Make the group's policy as strict as that of each source, or loosen the source's own.",
        );
    }

    /// The source's own policy: as the group's resource recorded it before the source joined, or as
    /// the tenant shows it.
    fn own_policy(&self, source: &Source, picture: &Picture) -> Option<PolicyId> {
        let owner = self.seen.owners.of(&self.group.id);
        if let Some(own) = owner.and_then(|owner| owner.policies_before.get(&source.id)) {
            return Some(own.clone());
        }
        let (holders, _) = picture.holders(&source.id)?;
        default_policy(holders?).cloned()
    }

    fn found(&mut self, source: &Source, check: Check, evidence: String, remedy: &'static str) {
        let owner = self.read.owners.get(&source.id);
        self.findings.push(Finding {
            check,
            source: Text(source.name.clone()),
            evidence: Text(evidence),
            remedy,
            ask: owner.map(|name| Text(name.clone())),
        });
    }
}
