//! A deletion is proved: the group gone by its id, every source with its policy again.

use psg_domain::{
    Deletion, DeletionPolicy, ManagementPolicy, Origin, Picture, Presence, Reassignment,
    ReassignmentResult,
};

use super::fixture::{
    Fixture, NOW, READ, at, everybody, exception, group, group_id, key, reassign, setback,
    source_id,
};
use crate::{
    Action, Finding, Memory, Next, Outcome, Reason, Release, ReleaseKind, Remembered, TenantState,
    What,
};

/// Recorded, not yet sent.
fn planned() -> Fixture {
    let fixture = Fixture::deleting();
    let Memory::Deletion(deletion) = fixture.remembers() else {
        panic!()
    };
    fixture.with(|f| f.recorded.deletion = Some(deletion))
}

/// The group is gone since a read at `READ + 2`; the policies of both sources are open.
fn gone() -> Fixture {
    planned().with(|f| {
        f.recorded.deletion.as_mut().unwrap().recorded_at = at(READ);
        f.expectations.deleted_at = Some(at(READ + 1));
        f.picture.merge_gone(at(READ + 2), &group_id("g"));
        f.picture.merge_groups(at(READ + 3), Vec::new());
    })
}

fn release(fixture: &Fixture) -> Release {
    match fixture.step() {
        Action::ReleaseFinalizer(release) => release,
        other => panic!("not released: {other:?}"),
    }
}

fn results(sources: &[Reassignment]) -> Vec<Option<ReassignmentResult>> {
    sources.iter().map(|source| source.result).collect()
}

/// A read may lag behind a create by another process.
#[test]
fn a_group_that_does_not_show_is_deleted_all_the_same() {
    let unsent = gone().with(|f| f.expectations.deleted_at = None);
    let fresh = unsent.clone().with(|f| {
        f.last = Some(Outcome::Recorded(Remembered::Deletion));
    });
    assert_eq!(fresh.step(), Action::DeleteGroup(group_id("g")));
    // After a crash nobody knows whether it was sent: only an absence that lasts is one.
    let early = unsent.clone().with(|f| f.now = at(READ + 10));
    assert!(matches!(early.next(), Next::Wait { until, .. } if until == at(READ + 2 + 30)));
    let later = unsent.with(|f| f.now = at(READ + 2 + 30));
    assert_eq!(later.refresh(), What::Group(group_id("g")));
}

#[test]
fn without_a_finalizer_there_is_nothing_to_do_and_nothing_to_say() {
    let fixture = Fixture::deleting().with(|f| f.object.finalizer = false);
    assert_eq!((fixture.next(), fixture.reported()), (Next::Settled, None));
}

#[test]
fn what_never_made_anything_is_released_without_a_look_at_the_tenant() {
    let fixture = Fixture::new()
        .groups(&[group("x", "Corp", "strong", &["ad", "sf"])])
        .with(|f| {
            f.object.deleting = true;
            f.tenant.state = TenantState::Unreachable(Finding::new(Reason::TenantUnreachable, ""));
            f.object.paused_until = Some(at(NOW + 60));
        });
    let release = release(&fixture);
    assert_eq!(
        (release.kind, release.group),
        (ReleaseKind::NothingMade, None)
    );
}

#[test]
fn a_group_that_was_only_looked_at_is_released_untouched() {
    let fixture = Fixture::deleting().with(|f| f.recorded.origin = Some(Origin::Observed));
    assert_eq!(release(&fixture).kind, ReleaseKind::NothingMade);
    let observing = Fixture::deleting().with(|f| f.desired.management = ManagementPolicy::Observe);
    let release = release(&observing);
    assert_eq!(
        (release.kind, release.group),
        (ReleaseKind::Observed, Some(group_id("g")))
    );
}

#[test]
fn orphan_is_the_one_way_out_without_the_tenant_and_says_what_it_leaves() {
    let fixture = planned().with(|f| {
        f.desired.deletion = DeletionPolicy::Orphan;
        f.tenant.state = TenantState::Blocked(Finding::new(Reason::CredentialsInvalid, ""));
    });
    let release = release(&fixture);
    assert_eq!(
        (release.kind, release.group),
        (ReleaseKind::Orphaned, Some(group_id("g")))
    );
    assert_eq!(results(&release.sources), [None, None]);
}

#[test]
fn a_source_that_had_left_before_is_named_when_a_resource_is_let_go() {
    let left = |f: &mut Fixture| f.recorded.leaving = vec![reassign("wd", "strong", None)];
    let orphan = Fixture::deleting()
        .with(left)
        .with(|f| f.desired.deletion = DeletionPolicy::Orphan);
    assert_eq!(release(&orphan).sources.len(), 1);
    let observing = Fixture::settled()
        .with(left)
        .with(|f| f.desired.management = ManagementPolicy::Observe);
    assert_eq!(release(&observing).sources.len(), 1);
}

#[test]
fn a_pause_holds_it() {
    let fixture = planned().with(|f| f.object.paused_until = Some(at(NOW + 60)));
    assert_eq!(
        (fixture.held_up().reason, fixture.waits_until()),
        (Reason::Paused, NOW + 60)
    );
}

#[test]
fn what_is_undone_is_recorded_first_from_the_groups_real_members() {
    let fixture = Fixture::deleting().groups(&[group("g", "Corp", "weak", &["ad", "sf", "wd"])]);
    let Memory::Deletion(deletion) = fixture.remembers() else {
        panic!()
    };
    assert_eq!(
        (&deletion.group, deletion.recorded_at),
        (&group_id("g"), at(NOW))
    );
    let planned: Vec<_> = deletion
        .sources
        .iter()
        .map(|s| (s.source.as_str(), s.policy.as_str()))
        .collect();
    assert_eq!(planned, [("ad", "weak"), ("sf", "weak"), ("wd", "weak")]);
    let stored = fixture.stored(&Memory::Deletion(deletion));
    assert_eq!(stored.step(), Action::DeleteGroup(group_id("g")));
}

#[test]
fn a_group_last_seen_long_ago_is_read_before_it_is_recorded() {
    let fixture = Fixture::deleting().with(|f| f.now = at(READ + 61));
    assert_eq!(fixture.refresh(), What::Group(group_id("g")));
    let in_time = fixture.with(|f| f.now = at(READ + 60));
    assert!(matches!(in_time.remembers(), Memory::Deletion(_)));
}

#[test]
fn a_group_that_no_walk_shows_is_read_by_id_before_it_is_recorded() {
    let fixture = Fixture::deleting().walk(READ + 1, &[]);
    assert_eq!(fixture.refresh(), What::Group(group_id("g")));
}

#[test]
fn a_group_that_was_gone_already_is_recorded_from_the_status() {
    let fixture = Fixture::deleting().walk(READ + 1, &[]).gone("g", READ + 2);
    let Memory::Deletion(deletion) = fixture.remembers() else {
        panic!()
    };
    assert_eq!(deletion.sources.len(), 2);
    assert!(
        deletion
            .sources
            .iter()
            .all(|s| s.policy.as_str() == "strong")
    );
}

#[test]
fn sources_that_left_and_still_wait_are_merged_into_the_record() {
    let fixture = Fixture::deleting().with(|f| {
        f.recorded.leaving = vec![
            reassign("wd", "weak", None),
            reassign("z", "weak", Some(ReassignmentResult::ByService)),
            reassign("ad", "weak", None),
        ];
    });
    let Memory::Deletion(deletion) = fixture.remembers() else {
        panic!()
    };
    let planned: Vec<_> = deletion
        .sources
        .iter()
        .map(|s| (s.source.as_str(), s.policy.as_str()))
        .collect();
    assert_eq!(
        planned,
        [("ad", "strong"), ("sf", "strong"), ("wd", "weak")]
    );
    assert!(
        fixture
            .stored(&Memory::Deletion(deletion))
            .recorded
            .leaving
            .is_empty()
    );
}

/// It was deleted in the tenant long ago, and so long nobody looked at anything else.
#[test]
fn of_a_group_that_was_gone_before_the_sources_are_read_anew() {
    let gone = gone()
        .gone("g", READ + 40)
        .holders("ad", READ + 50, &[])
        .holders("sf", READ + 50, &[])
        .with(|f| {
            f.now = at(NOW + 300);
            f.expectations.deleted_at = None;
            f.recorded.deletion.as_mut().unwrap().recorded_at = at(NOW + 299);
        });
    let Next::Refresh { what, newer_than } = gone.next() else {
        panic!()
    };
    assert_eq!(what, What::Holders(vec![source_id("ad"), source_id("sf")]));
    assert!(newer_than > gone.recorded.deletion.unwrap().recorded_at);
}

#[test]
fn after_a_crash_the_group_is_read_before_it_is_deleted() {
    assert_eq!(planned().refresh(), What::Group(group_id("g")));
    let read = planned().walk(NOW + 1, &[group("g", "Corp", "strong", &["ad", "sf"])]);
    assert_eq!(read.step(), Action::DeleteGroup(group_id("g")));
}

#[test]
fn the_record_is_frozen() {
    let fixture = planned().walk(NOW + 1, &[group("g", "Corp", "weak", &["wd", "z"])]);
    assert_eq!(
        fixture.step(),
        Action::DeleteGroup(group_id("g")),
        "no second record"
    );
}

#[test]
fn a_read_by_id_decides_whether_it_is_gone() {
    let sent = planned().with(|f| {
        f.expectations.deleted_at = Some(at(NOW));
        f.picture.doubt(&group_id("g"), at(NOW));
    });
    let Next::Refresh { what, newer_than } = sent.next() else {
        panic!()
    };
    assert_eq!(what, What::Group(group_id("g")));
    assert!(newer_than > at(NOW));
    let walked = sent.walk(NOW + 1, &[]);
    assert_eq!(
        walked.refresh(),
        What::Group(group_id("g")),
        "a walk is no proof"
    );
}

#[test]
fn a_group_that_is_still_there_is_deleted_again_after_a_while() {
    let there = planned().with(|f| {
        f.expectations.deleted_at = Some(at(NOW));
        f.picture
            .merge_one(at(NOW + 1), group("g", "Corp", "strong", &["ad", "sf"]));
    });
    assert_eq!(there.held_up().reason, Reason::DeletionBlocked);
    assert_eq!(there.waits_until(), NOW + 10);
    let later = there.with(|f| f.now = at(NOW + 10));
    assert_eq!(later.step(), Action::DeleteGroup(group_id("g")));
}

#[test]
fn a_refused_delete_is_named_and_tried_again_without_a_loop() {
    let refused = planned().refused("400: in use");
    let why = refused.held_up();
    assert_eq!(
        (why.reason, refused.waits_until()),
        (Reason::DeletionBlocked, NOW + 10)
    );
    assert!(why.message.contains("400: in use"), "{}", why.message);
}

#[test]
fn each_source_is_read_after_the_group_is_gone() {
    let fixture = gone().holders("ad", READ + 1, &[everybody("strong")]);
    let both = What::Holders(vec![source_id("ad"), source_id("sf")]);
    assert_eq!(fixture.refresh(), both);
}

#[test]
fn it_ends_once_every_source_has_its_policy() {
    let fixture = gone()
        .holders("ad", READ + 4, &[everybody("strong")])
        .holders("sf", READ + 4, &[exception("weak"), everybody("strong")]);
    let release = release(&fixture);
    assert_eq!(
        (release.kind, release.group),
        (ReleaseKind::Deleted, Some(group_id("g")))
    );
    assert_eq!(
        results(&release.sources),
        [Some(ReassignmentResult::ByService); 2]
    );
}

#[test]
fn what_we_assigned_is_told_from_what_the_service_did() {
    let lacking = gone()
        .holders("ad", READ + 4, &[everybody("weak"), exception("weak")])
        .holders("sf", READ + 4, &[everybody("strong")]);
    let Action::AssignPolicy { source, holders } = lacking.step() else {
        panic!()
    };
    assert_eq!(source, source_id("ad"));
    assert_eq!(holders, [everybody("strong"), exception("weak")]);
    let assigned = lacking
        .with(|f| {
            _ = f
                .expectations
                .assigned
                .insert(source_id("ad"), at(READ + 5));
        })
        .holders("ad", READ + 6, &[everybody("strong")]);
    assert_eq!(
        results(&release(&assigned).sources),
        [
            Some(ReassignmentResult::ByOperator),
            Some(ReassignmentResult::ByService)
        ]
    );
}

#[test]
fn two_policies_for_everybody_count_as_none() {
    let fixture = gone()
        .holders("ad", READ + 4, &[everybody("strong"), everybody("weak")])
        .holders("sf", READ + 4, &[everybody("strong")]);
    assert!(
        matches!(fixture.step(), Action::AssignPolicy { holders, .. } if holders == [everybody("strong")])
    );
}

#[test]
fn a_404_says_that_a_source_is_gone_only_if_the_list_of_sources_says_so_too() {
    let listed = gone().with(|f| {
        let open = &mut f.recorded.deletion.as_mut().unwrap().sources;
        open[0].result = Some(ReassignmentResult::ByService);
        f.picture.merge_holders(at(READ + 4), source_id("sf"), None);
    });
    let Next::Wait { until, why } = listed.clone().with(|f| f.now = at(READ + 5)).next() else {
        panic!()
    };
    assert_eq!(until, at(READ + 4 + 60), "by the next read of the list");
    assert_eq!(why.reason, Reason::DeletionBlocked);
    let said = "\"Salesforce\": the tenant answers 404 where its policies are read, and its list of \
                sources does not show that the source is gone";
    assert!(why.message.contains(said), "{}", why.message);
    let later = listed.with(|f| f.now = at(READ + 4 + 60));
    assert_eq!(later.refresh(), What::Holders(vec![source_id("sf")]));
}

#[test]
fn a_source_in_another_group_or_gone_or_without_its_policy_holds_up_nothing() {
    let other = group("h", "New", "weak", &["ad", "z"]);
    let elsewhere = gone()
        .facts(
            &[super::fixture::source("ad", "AD")],
            &[super::fixture::policy("strong", "Strong")],
        )
        .shown(other.clone())
        .walk(READ + 4, &[other])
        .with(|f| f.picture.merge_holders(at(READ + 4), source_id("sf"), None));
    assert_eq!(
        results(&release(&elsewhere).sources),
        [
            Some(ReassignmentResult::InAnotherGroup),
            Some(ReassignmentResult::SourceGone)
        ]
    );
    let no_policy = gone()
        .facts(&[super::fixture::source("ad", "AD")], &[])
        .holders("ad", READ + 4, &[])
        .holders("sf", READ + 4, &[everybody("strong")]);
    assert_eq!(
        results(&release(&no_policy).sources),
        [
            Some(ReassignmentResult::PolicyGone),
            Some(ReassignmentResult::ByService)
        ]
    );
}

/// A process that never read the tenant whole, since its IdentityTenant went first.
#[test]
fn without_a_read_of_the_policies_none_counts_as_gone() {
    let mut fixture = gone();
    fixture.picture = Picture::default();
    fixture.picture.merge_gone(at(READ + 2), &group_id("g"));
    let unread = fixture
        .walk(READ + 3, &[])
        .holders("ad", READ + 4, &[])
        .holders("sf", READ + 4, &[everybody("strong")]);
    assert!(
        matches!(unread.step(), Action::AssignPolicy { source, .. } if source == source_id("ad"))
    );
}

#[test]
fn another_group_seen_before_this_one_was_gone_decides_nothing() {
    let other = group("h", "Old", "weak", &["ad", "z"]);
    let fixture = planned()
        .shown(other.clone())
        .walk(READ + 1, &[other])
        .gone("g", READ + 2)
        .holders("ad", READ + 4, &[everybody("strong")])
        .holders("sf", READ + 4, &[everybody("strong")])
        .with(|f| {
            f.expectations.deleted_at = Some(at(READ + 1));
            f.recorded.deletion.as_mut().unwrap().recorded_at = at(READ);
        });
    assert_eq!(fixture.refresh(), What::Groups);
}

#[test]
fn a_source_that_cannot_be_written_holds_the_finalizer_and_is_named() {
    let fixture = gone()
        .holders("ad", READ + 4, &[everybody("strong")])
        .with(|f| {
            _ = f
                .expectations
                .blocked
                .insert(source_id("sf"), setback(NOW + 30));
        });
    let Memory::Reassigned(list) = fixture.remembers() else {
        panic!()
    };
    assert_eq!(results(&list), [Some(ReassignmentResult::ByService), None]);
    let stored = fixture.stored(&Memory::Reassigned(list));
    let why = stored.held_up();
    assert_eq!(
        (why.reason, stored.waits_until()),
        (Reason::DeletionBlocked, NOW + 30)
    );
    assert!(
        why.message
            .contains("\"Salesforce\": the tenant answered 503"),
        "{}",
        why.message
    );
    let mended = stored
        .holders("sf", NOW + 31, &[everybody("strong")])
        .with(|f| f.now = at(NOW + 31));
    assert_eq!(release(&mended).kind, ReleaseKind::Deleted);
}

#[test]
fn progress_is_stored_in_batches() {
    let ids: Vec<String> = (10..25).map(|n| format!("s{n}")).collect();
    let fixture = |read: usize| {
        let mut fixture = gone().with(|f| {
            let sources = ids.iter().map(|id| reassign(id, "strong", None)).collect();
            f.recorded.deletion.as_mut().unwrap().sources = sources;
        });
        for (n, id) in ids.iter().enumerate() {
            let holders = if n < read {
                vec![everybody("strong")]
            } else {
                Vec::new()
            };
            fixture = fixture.holders(id, READ + 4, &holders);
        }
        fixture
    };
    assert!(matches!(fixture(9).step(), Action::AssignPolicy { .. }));
    let Memory::Reassigned(list) = fixture(10).remembers() else {
        panic!()
    };
    assert_eq!(list.iter().filter(|one| one.result.is_some()).count(), 10);
    let stored = fixture(10).stored(&Memory::Reassigned(list));
    assert!(
        matches!(stored.step(), Action::AssignPolicy { source, .. } if source == source_id("s20"))
    );
    assert_eq!(release(&fixture(15)).sources.len(), 15);
}

#[test]
fn an_open_intent_is_settled_first() {
    let open = || {
        Fixture::new()
            .intent(NOW - 10)
            .with(|f| f.object.deleting = true)
    };
    let found = open().groups(&[group("new", "Corp", "strong", &["ad", "sf"])]);
    let memory = found.remembers();
    assert!(
        matches!(&memory, Memory::Group(group, Origin::Created) if group.id == group_id("new"))
    );
    assert!(matches!(
        found.stored(&memory).remembers(),
        Memory::Deletion(_)
    ));
    assert_eq!(open().waits_until(), NOW + 20);
    let void = open()
        .with(|f| f.now = at(NOW + 60))
        .walk(NOW + 20, &[])
        .walk(NOW + 30, &[]);
    assert_eq!(release(&void).kind, ReleaseKind::NothingMade);
    let not_made = open().not_made(setback(NOW + 5));
    assert_eq!(release(&not_made).kind, ReleaseKind::NothingMade);
}

#[test]
fn an_ambiguous_create_blocks_it_until_a_person_names_the_group() {
    let twins = [
        group("x", "Corp", "strong", &["ad", "sf"]),
        group("y", "Corp", "strong", &["ad", "sf"]),
    ];
    let fixture = Fixture::new()
        .intent(NOW - 10)
        .groups(&twins)
        .with(|f| f.object.deleting = true);
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::DeletionBlocked);
    assert!(why.message.contains("spec.groupID"), "{}", why.message);
    let named = fixture.with(|f| f.desired.group_id = Some(group_id("y")));
    assert!(matches!(named.remembers(), Memory::Group(group, _) if group.id == group_id("y")));
}

#[test]
fn the_sources_of_an_earlier_group_get_their_policy_though_the_next_was_never_made() {
    let fixture = Fixture::new().with(|f| {
        f.object.deleting = true;
        f.recorded.leaving = vec![reassign("ad", "strong", None)];
    });
    assert_eq!(fixture.refresh(), What::Holders(vec![source_id("ad")]));
    let lacking = fixture.clone().holders("ad", READ, &[]);
    assert!(matches!(lacking.step(), Action::AssignPolicy { .. }));
    let done = fixture.holders("ad", READ, &[everybody("strong")]);
    assert_eq!(release(&done).kind, ReleaseKind::Deleted);
}

#[test]
fn a_tenant_that_cannot_be_worked_with_holds_it_by_name() {
    let blocked = |state| planned().with(|f| f.tenant.state = state).held_up();
    let why = blocked(TenantState::Blocked(Finding::new(
        Reason::CredentialsInvalid,
        "401",
    )));
    assert_eq!(why.reason, Reason::DeletionBlocked);
    assert!(
        why.message.contains("CredentialsInvalid: 401"),
        "{}",
        why.message
    );
    let why = blocked(TenantState::Unreachable(Finding::new(
        Reason::TenantUnreachable,
        "no route",
    )));
    assert!(
        why.message.contains("TenantUnreachable: no route"),
        "{}",
        why.message
    );
    assert_eq!(blocked(TenantState::Pending).reason, Reason::Pending);
}

#[test]
fn what_is_still_held_of_a_tenant_that_was_taken_away_finishes_deletions_and_begins_nothing() {
    let why = || Finding::new(Reason::SecretNotFound, "there is no Secret");
    let ready = planned();
    let withdrawn = ready
        .clone()
        .with(|f| f.tenant.state = TenantState::Withdrawn(why()));
    assert_eq!(withdrawn.next(), ready.next());
    let alive = Fixture::settled().with(|f| {
        f.tenant.state = TenantState::Withdrawn(why());
        f.desired.name = "Renamed".to_owned();
    });
    assert_eq!(alive.held_up(), why());
}

#[test]
fn another_tenant_behind_the_secret_ends_no_finalizer() {
    let fixture = gone().with(|f| f.tenant.key = Some(key("other")));
    let why = fixture.held_up();
    assert_eq!(why.reason, Reason::DeletionBlocked);
    assert!(
        why.message.contains("TenantChanged") && why.message.contains("acme"),
        "{}",
        why.message
    );
}

#[test]
fn a_manifest_that_cannot_be_read_does_not_stop_it() {
    let fixture = gone()
        .with(|f| f.unreadable = Some("spec.name".to_owned()))
        .holders("ad", READ + 4, &[everybody("strong")])
        .holders("sf", READ + 4, &[everybody("strong")]);
    assert_eq!(release(&fixture).kind, ReleaseKind::Deleted);
}

#[test]
fn an_earlier_assignment_does_not_count_for_this_deletion() {
    let fixture = Fixture::deleting().with(|f| {
        _ = f
            .expectations
            .assigned
            .insert(source_id("ad"), at(READ - 50));
    });
    let deletion = Deletion {
        group: group_id("g"),
        recorded_at: at(NOW),
        sources: Vec::new(),
    };
    assert!(
        fixture
            .stored(&Memory::Deletion(deletion))
            .expectations
            .assigned
            .is_empty()
    );
    assert!(matches!(
        fixture.picture.group(&group_id("g")),
        Presence::There(..)
    ));
}

#[test]
fn a_create_that_proves_void_does_not_make_the_earlier_sources_forgotten() {
    let void = Fixture::new()
        .intent(NOW - 60)
        .with(|f| {
            f.object.deleting = true;
            f.recorded.leaving = vec![reassign("ad", "strong", None)];
        })
        .walk(NOW - 20, &[])
        .walk(NOW - 10, &[]);
    assert_eq!(void.refresh(), What::Holders(vec![source_id("ad")]));
}
