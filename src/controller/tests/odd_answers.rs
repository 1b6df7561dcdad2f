//! What real tenants may answer and no document describes: what can be read is read and used, what
//! cannot is said, and nothing is made twice or left without a policy.

use std::{sync::Arc, time::Duration};

use identity_simulator::model::App;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    process::{Life, Process},
    scenarios::{has, one_group, reason, spec},
    tenant::{STANDARD, STRONG, small, source_id, wide},
    world::World,
};

const A_WHILE: Duration = Duration::from_mins(10);
const APPS: &str = "GET /source-apps/all";
const POST: &str = "POST /password-sync-groups";
const ROUTE: &str = "/password-sync-groups";
const CONNECTIONS: &str = "GET /sources/{id}/connections";

/// A tenant of six sources that answers by these switches.
fn answering(switches: &Value) -> Arc<World> {
    World::new(small(6, switches, &json!("none"), 7))
}

fn group_id(world: &World, name: &str) -> String {
    let tenant = world.tenant.lock().unwrap();
    let found = tenant.state().groups_named(name).next();
    found.unwrap().id.clone()
}

/// What the IdentityTenant says of itself: the reason of Ready, and what cannot be read.
fn said(world: &World) -> (String, Vec<String>) {
    let tenant = world.cluster.tenants.get("default").unwrap();
    let status = tenant.status.clone().unwrap_or_default();
    let mut conditions = status.conditions.iter();
    let ready = conditions.find(|condition| condition.type_ == "Ready");
    let reason = ready.map_or_else(String::new, |ready| ready.reason.clone());
    (reason, status.unreadable)
}

fn nothing_is_odd(world: &World) -> bool {
    said(world) == ("Reading".to_owned(), Vec::new())
}

/// How many objects and lists of the tenant cannot be read, as a machine is told.
fn counted(process: &Process) -> String {
    let figures = process.figures();
    let mut lines = figures.lines();
    let line = lines.find(|line| line.starts_with("psg_tenant_unreadable_objects{"));
    line.unwrap().rsplit(' ').next().unwrap().to_owned()
}

fn tells(world: &World, name: &str, what: &str) -> bool {
    let group = world.cluster.groups.get(name).unwrap();
    json!(group.status).to_string().contains(what)
}

async fn settles(world: &World) {
    let settled = world.until(A_WHILE, || world.quiet()).await;
    assert!(settled, "{:?}\n{}", world.restless(), world.story());
}

#[tokio::test(start_paused = true)]
async fn sources_that_do_not_say_how_they_are_connected_are_taken_with_a_warning() {
    for way in ["null", "left_out"] {
        let world = answering(&json!({"connection_type": way}));
        let _process = Process::start(&world, Life::default());
        world.cluster.apply("g", &spec("G", &["A", "B"]));
        settles(&world).await;
        one_group(&world, "G", &["A", "B"]);
        let warning = "\\\"A\\\" (the tenant does not say how it is connected)";
        assert!(tells(&world, "g", warning), "{}", world.story());
        world.switch(&json!({"connection_type": "shown"}));
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert!(!tells(&world, "g", warning), "{}", world.story());
        world.must_rest(A_WHILE, way).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_of_large_sources_is_read_by_smaller_pages() {
    let size = |bytes: usize| json!({"source_size": {"padded": {"bytes": bytes}}});
    let pages = |world: &World| {
        let tenant = world.tenant.lock().unwrap();
        let first = tenant.ledger().since(0);
        let asked = first.filter(|entry| entry.route == "/sources");
        asked
            .take(2)
            .map(|entry| entry.query.clone())
            .collect::<Vec<_>>()
    };
    for (bytes, second) in [
        (30_000, "limit=250&offset=250"),
        (50_000, "limit=125&offset=0"),
    ] {
        let world = World::new(wide(260, &size(bytes)));
        let _process = Process::start(&world, Life::default());
        world.cluster.apply("g", &spec("G", &["A", "B"]));
        settles(&world).await;
        assert!(nothing_is_odd(&world), "{:?}", said(&world));
        assert!(pages(&world)[1].contains(second), "{:?}", pages(&world));
    }
    let world = World::new(wide(30, &size(400_000)));
    let _process = Process::start(&world, Life::default());
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(said(&world).0, "UnexpectedAnswer");
    let tenant = world.cluster.tenants.get("default").unwrap();
    let message = "a page of 25 objects after the first 0 is larger than 8388608 bytes";
    assert!(json!(tenant.status).to_string().contains(message));
    world.switch(&size(10_000));
    assert!(world.until(A_WHILE, || nothing_is_odd(&world)).await);
}

/// The source A is used to sign in and has an application, which the tenant does not tell.
fn without_applications() -> Arc<World> {
    let world = answering(&json!({}));
    let app = json!({"id": "app", "name": "Logon", "accountSource": {"id": source_id(0)}});
    let app: App = serde_json::from_value(app).unwrap();
    let mut tenant = world.tenant.lock().unwrap();
    tenant.state_mut().put_app(app, Timestamp::UNIX_EPOCH);
    let signs_in = tenant.state().sources.find(&source_id(0)).cloned();
    let mut signs_in = signs_in.unwrap();
    signs_in.features.push("AUTHENTICATE".to_owned());
    tenant
        .state_mut()
        .sources
        .put(signs_in, Timestamp::UNIX_EPOCH);
    drop(tenant);
    world.add_fault(&json!({"match": APPS, "kind": {"status": {"code": 400}}}));
    world.add_fault(&json!({"match": CONNECTIONS, "kind": {"status": {"code": 500}}}));
    world
}

#[tokio::test(start_paused = true)]
async fn while_the_tenant_does_not_tell_its_applications_only_what_needs_them_waits() {
    let world = without_applications();
    let process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    world.cluster.apply("h", &spec("H", &["C", "D"]));
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(reason(&world, "g").as_deref(), Some("ApplicationsUnknown"));
    one_group(&world, "H", &["C", "D"]);
    let (ready, unreadable) = said(&world);
    assert_eq!(ready, "Reading");
    assert!(
        unreadable[0].contains("applications of 1 authentication sources"),
        "{unreadable:?}"
    );
    assert_eq!(counted(&process), "1");
    // An edit and a deletion need no application of A.
    world.cluster.apply("h", &spec("H", &["C", "D", "E"]));
    tokio::time::sleep(A_WHILE).await;
    one_group(&world, "H", &["C", "D", "E"]);
    world.cluster.delete("h");
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(world.groups(), []);
    world.tenant.lock().unwrap().clear_faults();
    settles(&world).await;
    one_group(&world, "G", &["A", "B"]);
    assert!(nothing_is_odd(&world) && counted(&process) == "0");
    // What is known is kept, and what is a member needs no answer.
    world.add_fault(&json!({"match": APPS, "kind": {"status": {"code": 404}}}));
    world.add_fault(&json!({"match": CONNECTIONS, "kind": {"status": {"code": 404}}}));
    world.cluster.apply("g", &spec("G", &["A", "B", "F"]));
    settles(&world).await;
    one_group(&world, "G", &["A", "B", "F"]);
    world.must_rest(A_WHILE, "applications").await;
}

#[tokio::test(start_paused = true)]
async fn one_odd_object_of_each_kind_stops_nobody_else() {
    let world = answering(&json!({}));
    let strange = world.add_group("Strange", STRONG, &[4, 5]);
    world.show_oddly(&strange, &json!({"set": {"sourceIds": [source_id(4), ""]}}));
    world.show_oddly(STANDARD, &json!({"set": {"id": 42}}));
    world.show_oddly(&source_id(3), &json!({"leaveOut": ["id"]}));
    let process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    settles(&world).await;
    has(&world, "G", &["A", "B"]);
    let (ready, unreadable) = said(&world);
    assert_eq!(ready, "Reading");
    let expected = [
        &*format!("group \"Strange\" ({strange}): a source id of it cannot be used"),
        "source \"D\": it has no id",
        "password policy \"Standard\": its id cannot be used",
    ];
    assert_eq!(
        (unreadable, counted(&process)),
        (expected.map(str::to_owned).into(), "3".to_owned())
    );
    // Who needs one of them is told so; what a group shows of its sources is held by it.
    let mut odd_policy = spec("P", &["B", "C"]);
    odd_policy["passwordPolicyRef"] = json!({"name": "Standard"});
    world.cluster.apply("p", &odd_policy);
    world.cluster.apply("s", &spec("S", &["C", "D"]));
    world.cluster.apply("t", &spec("T", &["C", "E"]));
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(reason(&world, "p").as_deref(), Some("PolicyNotFound"));
    assert_eq!(reason(&world, "s").as_deref(), Some("SourceNotFound"));
    assert_eq!(reason(&world, "t").as_deref(), Some("SourceInAnotherGroup"));
    for name in ["p", "s"] {
        assert!(
            tells(&world, name, "is shown and cannot be read"),
            "{}",
            world.story()
        );
    }
    for name in ["p", "s", "t"] {
        world.cluster.delete(name);
    }
    for id in [&strange, STANDARD, &source_id(3)] {
        assert!(world.show_plainly(id));
    }
    assert!(world.until(A_WHILE, || nothing_is_odd(&world)).await);
    world.must_rest(A_WHILE, "odd objects").await;
}

#[tokio::test(start_paused = true)]
async fn the_number_of_odd_objects_is_there_from_the_start_and_goes_with_the_tenant() {
    let world = answering(&json!({}));
    world.weather.lock().unwrap().no_route = true;
    let process = Process::start(&world, Life::default());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(counted(&process), "0");
    world.show_oddly(STANDARD, &json!({"set": {"name": null}}));
    world.weather.lock().unwrap().no_route = false;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(counted(&process), "1");
    world.cluster.tenants.delete("default");
    tokio::time::sleep(Duration::from_mins(2)).await;
    let figures = process.figures();
    assert!(
        !figures.contains("psg_tenant_unreadable_objects{"),
        "{figures}"
    );
}

#[tokio::test(start_paused = true)]
async fn of_many_odd_objects_nine_are_named_and_the_rest_is_counted() {
    let world = World::new(wide(30, &json!({})));
    for n in 8..20 {
        let long = format!("{}\n", "x".repeat(500));
        world.show_oddly(
            &format!("{n:032x}"),
            &json!({"set": {"id": 7, "name": long}}),
        );
    }
    let process = Process::start(&world, Life::default());
    tokio::time::sleep(Duration::from_mins(1)).await;
    let (_, unreadable) = said(&world);
    assert_eq!(
        (unreadable.len(), unreadable[9].as_str()),
        (10, "and 3 more")
    );
    let fits = |text: &String| text.chars().count() <= 256 && !text.contains('\n');
    assert!(unreadable.iter().all(fits), "{unreadable:?}");
    assert_eq!(counted(&process), "12");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_while_a_group_is_shown_that_may_be_any_and_all_else_goes_on() {
    let world = answering(&json!({}));
    let process = Process::start(&world, Life::default());
    world.cluster.apply("h", &spec("H", &["C", "D"]));
    settles(&world).await;
    let strange = world.add_group("Strange", STRONG, &[4, 5]);
    for odd in [
        json!({"leaveOut": ["id"]}),
        json!({"set": {"name": null, "sourceIds": [""]}}),
    ] {
        world.show_oddly(&strange, &odd);
        tokio::time::sleep(Duration::from_mins(2)).await;
        world.cluster.apply("g", &spec("G", &["A", "B"]));
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(reason(&world, "g").as_deref(), Some("GroupUnreadable"));
        assert!(
            tells(&world, "g", "mend or remove it in the tenant"),
            "{}",
            world.story()
        );
        assert!(world.groups().iter().all(|(name, _)| name != "G"));
        assert_eq!(reason(&world, "h").as_deref(), Some("InSync"));
        assert_eq!((said(&world).1.len(), counted(&process).as_str()), (1, "1"));
        world.cluster.delete("g");
    }
    // A deletion proves by id that its group is gone, and gives each source its policy.
    world.cluster.delete("h");
    tokio::time::sleep(A_WHILE).await;
    assert!(world.cluster.groups.get("h").is_none(), "{}", world.story());
    assert_eq!(world.holders()["C"], [STRONG]);
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(world.show_plainly(&strange));
    settles(&world).await;
    has(&world, "G", &["A", "B"]);
    world.must_rest(A_WHILE, "a group that may be any").await;
}

/// What was sent and is late takes effect if it is time; whether there is a group by then.
fn takes_effect(world: &World) -> bool {
    let mut tenant = world.tenant.lock().unwrap();
    while tenant.settle_next((world.clock)()) {
        world.oracle.lock().unwrap().after(&tenant);
        world.books.lock().unwrap().after(&tenant);
    }
    tenant.state().groups.len() == 1
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_made_and_shows_oddly_is_not_made_twice() {
    for odd in [
        json!({"leaveOut": ["id"]}),
        json!({"leaveOut": ["name"]}),
        json!({"set": {"sourceIds": [""]}}),
    ] {
        for deletes in [false, true] {
            let world = answering(&json!({"source_in_two_groups": "allow"}));
            let _process = Process::start(&world, Life::default());
            tokio::time::sleep(Duration::from_mins(2)).await;
            let late = json!({"late_apply": {"seconds": 20}});
            world.add_fault(&json!({"match": POST, "times": 1, "kind": late}));
            world.cluster.apply("g", &spec("G", &["A", "B"]));
            // It takes effect between two reads.
            assert!(world.until(A_WHILE, || takes_effect(&world)).await);
            let made = group_id(&world, "G");
            world.show_oddly(&made, &odd);
            if deletes {
                world.cluster.delete("g");
            }
            tokio::time::sleep(Duration::from_mins(30)).await;
            assert_eq!(
                world.groups().len(),
                1,
                "{odd} {deletes}\n{}",
                world.story()
            );
            assert!(
                world.cluster.groups.get("g").is_some(),
                "{odd} {deletes}\n{}",
                world.story()
            );
            assert!(world.show_plainly(&made));
            if deletes {
                tokio::time::sleep(A_WHILE).await;
                assert!(
                    world.cluster.groups.get("g").is_none(),
                    "{odd}\n{}",
                    world.story()
                );
                assert_eq!(world.groups(), []);
                assert_eq!(world.holders()["A"], [STRONG]);
            } else {
                settles(&world).await;
                one_group(&world, "G", &["A", "B"]);
            }
            world.must_rest(A_WHILE, &odd.to_string()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_managed_group_that_shows_oddly_is_left_as_it_is_until_it_can_be_read() {
    for odd in [
        json!({"leaveOut": ["id"]}),
        json!({"leaveOut": ["name"]}),
        json!({"set": {"sourceIds": [""]}}),
        json!({"set": {"passwordPolicyId": 7}}),
    ] {
        let world = answering(&json!({}));
        let _process = Process::start(&world, Life::default());
        world.cluster.apply("g", &spec("G", &["A", "B"]));
        settles(&world).await;
        tokio::time::sleep(A_WHILE).await;
        let writes = world.tenant_writes();
        let id = group_id(&world, "G");
        world.show_oddly(&id, &odd);
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(world.tenant_writes(), writes, "{odd}\n{}", world.story());
        if odd["leaveOut"] == json!(["id"]) {
            assert!(world.quiet(), "a read by id shows it whole");
        } else {
            assert_eq!(reason(&world, "g").as_deref(), Some("Retrying"), "{odd}");
            assert!(
                tells(&world, "g", &format!("group {id}: ")),
                "{}",
                world.story()
            );
        }
        assert!(world.show_plainly(&id));
        settles(&world).await;
        assert_eq!(world.tenant_writes(), writes, "{odd}\n{}", world.story());
        world.must_rest(A_WHILE, &odd.to_string()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn totals_that_stay_wrong_by_one_hold_up_groups_for_ten_minutes_and_nothing_afterwards() {
    // Without an application the total cannot be too low.
    for (totals, lists) in [("one_high", 4), ("one_low", 3)] {
        let world = answering(&json!({"totals": totals}));
        world.add_group("Strange", STRONG, &[4, 5]);
        let process = Process::start(&world, Life::default());
        world.cluster.apply("g", &spec("G", &["A", "B"]));
        tokio::time::sleep(Duration::from_mins(9)).await;
        assert_eq!(world.groups().len(), 1, "{totals}");
        assert_eq!(said(&world).0, "UnexpectedAnswer");
        settles(&world).await;
        has(&world, "G", &["A", "B"]);
        let (ready, unreadable) = said(&world);
        assert_eq!(
            (ready.as_str(), unreadable.len()),
            ("Reading", lists),
            "{unreadable:?}"
        );
        assert!(unreadable[0].contains("groups announced"), "{unreadable:?}");
        assert_eq!(counted(&process), lists.to_string());
        world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
        settles(&world).await;
        world.cluster.delete("g");
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(world.groups().len(), 1, "{totals}");
        world.switch(&json!({"totals": "exact"}));
        assert!(world.until(A_WHILE, || nothing_is_odd(&world)).await);
        assert_eq!(counted(&process), "0");
        world.must_rest(A_WHILE, totals).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_in_which_one_id_stands_twice_is_read() {
    for list in ["/sources", "/password-policies", "/source-apps/all"] {
        let world = without_applications();
        world.tenant.lock().unwrap().clear_faults();
        world.add_fault(&json!({"match": format!("GET {list}"), "kind": "row_twice"}));
        let _process = Process::start(&world, Life::default());
        world.cluster.apply("g", &spec("G", &["A", "B"]));
        settles(&world).await;
        one_group(&world, "G", &["A", "B"]);
        assert_eq!(said(&world).1.len(), 1, "{list}");
    }
}

/// A list that loses a group between two pages shows the same each time, and is never believed.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_lost_between_two_pages_is_not_made_again() {
    let world = answering(&json!({"reads": "skip_between_pages", "source_in_two_groups": "allow"}));
    for n in 0..260 {
        world.add_group(&format!("S{n}"), STRONG, &[4, 5]);
    }
    let _process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(said(&world).0, "UnexpectedAnswer", "{:?}", said(&world));
    assert!(world.groups().iter().all(|(name, _)| name != "G"));
    world.switch(&json!({"reads": "steady"}));
    settles(&world).await;
    has(&world, "G", &["A", "B"]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_each_time_is_repeated_ever_more_rarely_and_the_tenant_is_quoted() {
    let world = answering(&json!({}));
    let body = json!({"detailCode": "500.1", "trackingId": "abc123",
        "messages": [{"text": "An internal fault."}]});
    world.add_fault(&json!({"match": POST, "kind": {"status": {"code": 500, "body": body}}}));
    let _process = Process::start(&world, Life::default());
    world.cluster.apply("g", &spec("G", &["A", "B"]));
    let posts = |world: &World| {
        let tenant = world.tenant.lock().unwrap();
        let asked = tenant.ledger().since(0);
        let posts = asked.filter(|entry| entry.method == "POST" && entry.route == ROUTE);
        posts.count()
    };
    tokio::time::sleep(Duration::from_hours(2)).await;
    let sent = posts(&world);
    assert!((8..=11).contains(&sent), "{sent}");
    assert_eq!(reason(&world, "g").as_deref(), Some("Retrying"));
    for part in [
        "creates of the group had no effect",
        "500",
        "An internal fault.",
        "abc123",
    ] {
        assert!(tells(&world, "g", part), "{part}\n{}", world.story());
    }
    tokio::time::sleep(Duration::from_hours(3)).await;
    assert!(posts(&world) <= sent + 4, "{}", posts(&world));
    world.tenant.lock().unwrap().clear_faults();
    assert!(world.until(Duration::from_mins(70), || world.quiet()).await);
    one_group(&world, "G", &["A", "B"]);
}

/// The older one wants a source of the younger, and the younger the name that the older is first to
/// want; nothing else happens that would wake one of them.
#[tokio::test(start_paused = true)]
async fn one_that_is_stalled_gives_up_its_place_after_ten_minutes_and_who_waits_for_it_goes_on() {
    let world = answering(&json!({}));
    let life = Life {
        resync: Some(Duration::from_hours(12)),
        ..Life::default()
    };
    let _process = Process::start(&world, life);
    world.cluster.apply("older", &spec("N", &["C", "Nowhere"]));
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.cluster.apply("younger", &spec("Y", &["A", "B"]));
    tokio::time::sleep(Duration::from_secs(10)).await;
    one_group(&world, "Y", &["A", "B"]);
    world.cluster.apply("older", &spec("N", &["A", "C"]));
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.cluster.apply("younger", &spec("N", &["A", "B"]));
    tokio::time::sleep(Duration::from_mins(7)).await;
    for name in ["older", "younger"] {
        assert_eq!(reason(&world, name).as_deref(), Some("OwnedByAnother"));
    }
    tokio::time::sleep(Duration::from_mins(4)).await;
    one_group(&world, "N", &["A", "B"]);
    assert_eq!(reason(&world, "younger").as_deref(), Some("InSync"));
    assert_eq!(reason(&world, "older").as_deref(), Some("OwnedByAnother"));
    world.must_rest(A_WHILE, "places").await;
}

/// Both were told that their manifest leads nowhere, so neither keeps anything from the other.
#[tokio::test(start_paused = true)]
async fn of_two_that_missed_the_same_source_one_gets_it_once_it_is_there() {
    for ways in 0..8_u64 {
        let switches = json!({"source_in_two_groups": "allow", "duplicate_name": "allow"});
        let slow = json!({"lognormal": {"median_ms": 80, "p99_ms": 2000}});
        let world = World::new(small(6, &switches, &slow, ways));
        let life = Life {
            seed: Some(ways),
            pace: Duration::from_millis(500),
            ..Life::default()
        };
        let _process = Process::start(&world, life);
        world.cluster.apply("g", &spec("G", &["A", "New"]));
        world.cluster.apply("h", &spec("H", &["New", "B"]));
        tokio::time::sleep(Duration::from_mins(2)).await;
        for name in ["g", "h"] {
            assert_eq!(reason(&world, name).as_deref(), Some("SourceNotFound"));
        }
        {
            let mut tenant = world.tenant.lock().unwrap();
            let mut new = tenant.state().sources.find(&source_id(5)).cloned().unwrap();
            (new.id, new.name) = (source_id(60), "New".to_owned());
            tenant.state_mut().sources.put(new, Timestamp::UNIX_EPOCH);
        }
        tokio::time::sleep(A_WHILE).await;
        let reasons = ["g", "h"].map(|name| reason(&world, name).unwrap_or_default());
        let mut sorted = reasons.clone();
        sorted.sort();
        assert_eq!(
            sorted,
            ["InSync", "OwnedByAnother"],
            "{reasons:?}\n{}",
            world.story()
        );
    }
}
