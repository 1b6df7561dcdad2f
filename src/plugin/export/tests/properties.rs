//! Over random tenants: every group is exported or left out with a reason, what is written reads back as
//! it was meant, and to apply it changes nothing.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};
use psg_api::names::is_label;
use psg_domain::{Group, GroupId, Kind, PolicyId, SourceId, Unreadable};
use psg_plan::preview::{Change, Ending, preview};

use super::{
    super::{Written, all, choose, manifest::Style, print},
    PLAIN, PORTABLE, TAKEOVER, at,
};
use crate::{
    inventory::{
        fixture::{group, policy, seen, source},
        tenants::Seen,
    },
    manifests::{self, Manifest},
    plan::subjects,
    schema::Schema,
};

/// Some are equal, so that references are ambiguous; some mean something else to a reader of YAML.
fn name() -> impl Strategy<Value = String> {
    let odd = [
        "null",
        "yes",
        "1",
        "-",
        "- a",
        "a: b",
        "'",
        "\"q\"",
        "🔑",
        "\u{202e}rtl\u{200f}",
        " a ",
        "a",
        "b",
        "#",
        "c\nd",
        "\u{85}",
        "",
        " ",
        "~",
        "2026-01-01",
        "{a}",
        "kustomization",
    ];
    prop_oneof![
        4 => select(odd.to_vec()).prop_map(str::to_owned),
        4 => "[a-e]{1,3}",
        2 => ".{0,20}",
        1 => "[a-z ]{120,300}",
    ]
}

/// A source: its name, whether it signs people in, whether no group may have it, its group by number, and
/// another one, which no sound tenant has.
fn sources() -> impl Strategy<Value = Vec<(String, bool, bool, usize, Option<usize>)>> {
    let seldom = prop::option::weighted(0.06, 0..5_usize);
    let unfit = prop::bool::weighted(0.03);
    vec((name(), any::<bool>(), unfit, 0..5_usize, seldom), 2..14)
}

/// A tenant of which all sorts are read: twins, gaps, and objects that cannot be read.
fn tenants() -> impl Strategy<Value = Seen> {
    // Its name, its policy by number, and whether it has a source that is nowhere else.
    let ruled = prop::option::weighted(0.95, 0..3_usize);
    let groups = vec((name(), ruled, prop::bool::weighted(0.05)), 1..6);
    let policies = vec(name(), 2..4);
    let odd = prop::option::weighted(0.1, (prop::option::of("g[0-5]"), prop::option::of(name())));
    (sources(), policies, groups, odd).prop_map(|(drawn, policies, groups, odd)| {
        let numbered = drawn.iter().enumerate();
        let sources = numbered.map(|(number, (name, signs_in, unfit, ..))| {
            let mut source = source(&format!("s{number}"), name, &["p0"]);
            source.authenticates = *signs_in;
            source.password = !unfit;
            source
        });
        let policies = policies.iter().enumerate();
        let policies = policies.map(|(number, name)| policy(&format!("p{number}"), name));
        let groups = groups.into_iter().enumerate();
        let groups = groups.map(|(number, (name, policy, has_lost))| {
            let members = drawn
                .iter()
                .enumerate()
                .filter(|(_, it)| it.3 == number || it.4 == Some(number));
            let members = members.map(|(source, _)| format!("s{source}"));
            let members = members.chain(has_lost.then(|| "lost".to_owned()));
            Group {
                id: GroupId::parse(&format!("g{number}")).unwrap(),
                name,
                policy: policy.map(|number| PolicyId::parse(&format!("p{number}")).unwrap()),
                sources: members.map(|id| SourceId::parse(&id).unwrap()).collect(),
            }
        });
        let groups: Vec<Group> = groups.collect();
        let mut seen = seen(sources.collect(), policies.collect(), groups.clone());
        if let Some((id, name)) = odd {
            let is_odd = |group: &Group| Some(group.id.as_str()) == id.as_deref();
            let whole = groups.into_iter().filter(|group| !is_odd(group)).collect();
            let odd = Unreadable {
                kind: Kind::Group,
                name,
                id,
                sources: BTreeSet::new(),
                all_sources: true,
                why: "its policy is no text".to_owned(),
            };
            seen.picture.merge_walk(at(101), whole, vec![odd]);
        }
        seen
    })
}

/// To apply what is exported changes nothing, and each manifest is in sync with the tenant.
fn changes_nothing(seen: &Seen, style: Style) -> Result<usize, TestCaseError> {
    let Ok(chosen) = choose::groups(&[], &[seen]) else {
        return Ok(0);
    };
    let written = all(&[seen], &chosen, style, None, at(200));
    let text = print::text(&written).map_err(TestCaseError::fail)?;
    prop_assert_eq!(
        &psg_domain::text::lines(&text),
        &text,
        "nothing acts on a terminal"
    );
    let found = manifests::of_text("export", &text).map_err(TestCaseError::fail)?;
    let left_out = written
        .iter()
        .filter(|one| matches!(one, Written::LeftOut(..)));
    let without_id = seen
        .picture
        .unreadable_groups()
        .filter(|odd| odd.id.is_none());
    prop_assert_eq!(
        found.groups.len() + left_out.count(),
        seen.picture.groups().count() + without_id.count()
    );
    let mut names = BTreeSet::new();
    for Manifest { group, .. } in &found.groups {
        let resource = group.metadata.name.clone().unwrap_or_default();
        prop_assert!(is_label(&resource), "{}", resource);
        prop_assert!(names.insert(resource));
        let there: Vec<&Group> = match &group.spec.group_id {
            Some(id) => seen
                .picture
                .groups()
                .filter(|it| it.id.as_str() == id)
                .collect(),
            None => seen.picture.groups_named(&group.spec.name),
        };
        prop_assert_eq!(there.len(), 1);
        prop_assert_eq!(&there[0].name, &group.spec.name);
        prop_assert_eq!(group.spec.source_refs.len(), there[0].sources.len());
        prop_assert_eq!(style.portable, group.spec.group_id.is_none());
    }
    let subjects = found.groups.iter();
    let schema = Schema::of_groups();
    let planned = |one| subjects::planned(one, "default", at(300), &schema, None);
    let subjects = subjects.map(planned);
    let views = BTreeMap::from([(
        psg_domain::TenantName::new("default", "default"),
        seen.view.clone(),
    )]);
    let foreseen = preview(subjects.collect(), seen.picture.clone(), &views, at(300));
    prop_assert_eq!(foreseen.outlooks.len(), found.groups.len());
    for outlook in foreseen.outlooks {
        prop_assert_eq!(&outlook.ending, &Ending::InSync);
        for planned in outlook.changes {
            prop_assert!(
                style.takeover && matches!(planned.change, Change::Adopt(_)),
                "{:?}",
                planned
            );
        }
    }
    Ok(found.groups.len())
}

#[test]
fn to_apply_an_export_changes_nothing() {
    let manifests = Cell::new([0; 4]);
    let config = ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let held = TestRunner::new(config).run(&tenants(), |seen| {
        let mut counts = manifests.get();
        for (style, count) in counts.iter_mut().enumerate() {
            let style = Style {
                takeover: style & 1 == 1,
                portable: style & 2 == 2,
            };
            *count += changes_nothing(&seen, style)?;
        }
        manifests.set(counts);
        Ok(())
    });
    held.unwrap();
    let counts = manifests.get();
    println!("manifests: {counts:?}");
    assert!(counts.iter().all(|count| *count > 200), "{counts:?}");
}

proptest! {
    #[test]
    fn a_sound_group_is_exported_whatever_the_names_are(
        group_name in prop_oneof![name(), any::<String>()],
        source_name in prop_oneof![name(), any::<String>()],
        policy_name in prop_oneof![name(), any::<String>()],
    ) {
        let fits = |name: &str, longest| !name.trim().is_empty() && name.chars().count() <= longest;
        prop_assume!(fits(&group_name, 128) && fits(&source_name, 256) && fits(&policy_name, 256));
        prop_assume!(source_name != "other");
        let sources = vec![source("s0", &source_name, &["p0"]), source("s1", "other", &["p0"])];
        let group = group("g", &group_name, "p0", &["s0", "s1"]);
        let seen = seen(sources, vec![policy("p0", &policy_name)], vec![group]);
        for style in [PLAIN, TAKEOVER, PORTABLE] {
            prop_assert_eq!(changes_nothing(&seen, style)?, 1);
            let chosen = choose::groups(&[], &[&seen]).unwrap();
            let text = print::text(&all(&[&seen], &chosen, style, None, at(200))).unwrap();
            let found = manifests::of_text("export", &text).unwrap();
            let spec = &found.groups[0].group.spec;
            prop_assert_eq!(&spec.name, &group_name);
            prop_assert_eq!(spec.password_policy_ref.name.as_ref(), Some(&policy_name));
            let sources = spec.source_refs.iter().filter_map(|it| it.name.clone());
            let sources: BTreeSet<String> = sources.collect();
            prop_assert_eq!(sources, BTreeSet::from([source_name.clone(), "other".to_owned()]));
        }
    }
}
