//! A manifest's spec, parsed once into [`psg_domain::Desired`]. The API server refuses most invalid
//! specs already, but an object may have been stored under another schema. So everything is checked
//! again, and a violation is an error value, never a panic.

use psg_domain::{
    AdoptionPolicy, DeletionPolicy, Desired, GroupId, ManagementPolicy, Ref, SourceId,
};

use crate::group::{self, NameOrId, PasswordSyncGroupSpec};

const MAX_NAME: usize = 128;
const MAX_REF: usize = 256;
const SOURCES: std::ops::RangeInclusive<usize> = 2..=100;

/// A field whose value is not allowed, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidSpec {
    /// The field's path, such as `spec.sourceRefs[2].name`.
    pub field: String,
    /// What is wrong with it and the remedy, to be read after the field.
    pub problem: String,
}

impl InvalidSpec {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl PasswordSyncGroupSpec {
    /// What the spec asks for.
    ///
    /// # Errors
    /// The first field that breaks a rule of the schema.
    pub fn desired(&self) -> Result<Desired, InvalidSpec> {
        Ok(Desired {
            name: text("spec.name", &self.name, MAX_NAME)?,
            policy: reference("spec.passwordPolicyRef", &self.password_policy_ref)?,
            sources: self.sources()?,
            management: self.management_policy.into(),
            adoption: self.adoption_policy.into(),
            deletion: self.deletion_policy.into(),
            group_id: self.group()?,
        })
    }

    fn sources(&self) -> Result<Vec<Ref>, InvalidSpec> {
        let count = self.source_refs.len();
        if !SOURCES.contains(&count) {
            let problem = format!("has {count} sources: give 2 to 100");
            return Err(InvalidSpec::new("spec.sourceRefs", problem));
        }
        let mut sources: Vec<Ref> = Vec::with_capacity(count);
        for (index, source) in self.source_refs.iter().enumerate() {
            let field = format!("spec.sourceRefs[{index}]");
            let source = reference(&field, source)?;
            if sources.contains(&source) {
                let problem = format!("repeats {source}: remove one of the two");
                return Err(InvalidSpec::new(field, problem));
            }
            sources.push(source);
        }
        Ok(sources)
    }

    fn group(&self) -> Result<Option<GroupId>, InvalidSpec> {
        let id = self.group_id.as_deref().map(GroupId::parse).transpose();
        id.map_err(|why| InvalidSpec::new("spec.groupID", format!("is {why}: correct it")))
    }
}

fn reference(field: &str, reference: &NameOrId) -> Result<Ref, InvalidSpec> {
    match (&reference.name, &reference.id) {
        (Some(name), None) => text(&format!("{field}.name"), name, MAX_REF).map(Ref::Name),
        (None, Some(id)) => match SourceId::parse(id) {
            Ok(_) => Ok(Ref::Id(id.clone())),
            Err(why) => {
                let problem = format!("is {why}: correct it, or give name instead");
                Err(InvalidSpec::new(format!("{field}.id"), problem))
            }
        },
        (Some(_), Some(_)) => Err(InvalidSpec::new(field, "has both name and id: remove one")),
        (None, None) => Err(InvalidSpec::new(field, "has neither name nor id: give one")),
    }
}

/// A text that is not blank and at most `max` characters long.
fn text(field: &str, text: &str, max: usize) -> Result<String, InvalidSpec> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(InvalidSpec::new(
            field,
            format!("is blank: give 1 to {max} characters"),
        ));
    }
    if length > max {
        let problem = format!("has {length} characters: give at most {max}");
        return Err(InvalidSpec::new(field, problem));
    }
    Ok(text.to_owned())
}

impl From<group::ManagementPolicy> for ManagementPolicy {
    fn from(policy: group::ManagementPolicy) -> Self {
        match policy {
            group::ManagementPolicy::Enforce => Self::Enforce,
            group::ManagementPolicy::OnChange => Self::OnChange,
            group::ManagementPolicy::Observe => Self::Observe,
        }
    }
}

impl From<group::AdoptionPolicy> for AdoptionPolicy {
    fn from(policy: group::AdoptionPolicy) -> Self {
        match policy {
            group::AdoptionPolicy::IfIdentical => Self::IfIdentical,
            group::AdoptionPolicy::Overwrite => Self::Overwrite,
            group::AdoptionPolicy::Never => Self::Never,
        }
    }
}

impl From<group::DeletionPolicy> for DeletionPolicy {
    fn from(policy: group::DeletionPolicy) -> Self {
        match policy {
            group::DeletionPolicy::Delete => Self::Delete,
            group::DeletionPolicy::Orphan => Self::Orphan,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Break = Box<dyn Fn(&mut PasswordSyncGroupSpec)>;

    fn named(name: &str) -> NameOrId {
        NameOrId {
            name: Some(name.to_owned()),
            id: None,
        }
    }

    fn spec() -> PasswordSyncGroupSpec {
        PasswordSyncGroupSpec {
            name: "Corporate Directory".to_owned(),
            tenant_ref: group::TenantRef::default(),
            password_policy_ref: named("Corporate Strong"),
            source_refs: vec![
                named("Active Directory"),
                NameOrId {
                    name: None,
                    id: Some("2c918084660f45d6".to_owned()),
                },
            ],
            management_policy: group::ManagementPolicy::OnChange,
            adoption_policy: group::AdoptionPolicy::Overwrite,
            deletion_policy: group::DeletionPolicy::Orphan,
            group_id: Some("6881f631".to_owned()),
        }
    }

    #[test]
    fn a_spec_is_what_it_says() {
        let desired = spec().desired().unwrap();
        assert_eq!(desired.name, "Corporate Directory");
        assert_eq!(desired.policy, Ref::Name("Corporate Strong".to_owned()));
        assert_eq!(
            desired.sources,
            [
                Ref::Name("Active Directory".to_owned()),
                Ref::Id("2c918084660f45d6".to_owned())
            ]
        );
        assert_eq!(desired.management, ManagementPolicy::OnChange);
        assert_eq!(desired.adoption, AdoptionPolicy::Overwrite);
        assert_eq!(desired.deletion, DeletionPolicy::Orphan);
        assert_eq!(desired.group_id, GroupId::parse("6881f631").ok());
    }

    #[test]
    fn whatever_was_stored_the_error_names_field_and_remedy() {
        let both = NameOrId {
            name: Some("a".to_owned()),
            id: Some("b".to_owned()),
        };
        let bad_id = NameOrId {
            name: None,
            id: Some("../tokens".to_owned()),
        };
        let cases: Vec<(Break, &str)> = vec![
            (
                Box::new(|s| s.name = " \t".to_owned()),
                "spec.name is blank: give 1 to 128",
            ),
            (
                Box::new(|s| s.name = "ä".repeat(129)),
                "spec.name has 129 characters: give at most",
            ),
            (
                Box::new(|s| s.password_policy_ref = NameOrId::default()),
                "spec.passwordPolicyRef has neither name nor id: give one",
            ),
            (
                Box::new(move |s| s.source_refs[1] = both.clone()),
                "spec.sourceRefs[1] has both name and id: remove one",
            ),
            (
                Box::new(move |s| s.source_refs[0] = bad_id.clone()),
                "spec.sourceRefs[0].id is not an id of 1 to 64 letters, digits and dashes: correct it",
            ),
            (
                Box::new(|s| s.source_refs.truncate(1)),
                "spec.sourceRefs has 1 sources: give 2 to 100",
            ),
            (
                Box::new(|s| s.source_refs = (0..101).map(|i| named(&i.to_string())).collect()),
                "spec.sourceRefs has 101 sources: give 2 to 100",
            ),
            (
                Box::new(|s| s.source_refs.push(named("Active Directory"))),
                "spec.sourceRefs[2] repeats \"Active Directory\": remove one",
            ),
            (
                Box::new(|s| s.source_refs.push(named(&"x".repeat(257)))),
                "spec.sourceRefs[2].name has 257 characters: give at most 256",
            ),
            (
                Box::new(|s| s.group_id = Some("a/b".to_owned())),
                "spec.groupID is not an id",
            ),
        ];
        for (break_it, message) in cases {
            let mut spec = spec();
            break_it(&mut spec);
            let error = spec.desired().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn the_longest_names_are_accepted() {
        let mut spec = spec();
        spec.name = "ä".repeat(128);
        spec.source_refs.push(named(&"ß".repeat(256)));
        assert!(spec.desired().is_ok());
    }
}
