//! Tests: the client against the simulator, which was written from the same documents by other
//! hands and shares no type with it, and against the documents' own examples.

use std::{collections::BTreeSet, sync::Arc};

use psg_domain::{
    ApiVersion, ChangeId, Holder, HolderSelectors, PolicyId, SourceId, facts::default_policy,
};
use serde_json::json;

use crate::{
    Connection, DeleteOutcome, Effect, Error, Lane, Page, PasswordEvents, TokenEnd, Transport,
    bounds::{LONGEST_SELECTORS, LONGEST_TEXT},
    tests::{
        scripted::{Scripted, answer, client, minted},
        simulated::{A, B, C, DEFAULT, STRONG, Simulated},
    },
};
use identity_simulator::{Fault, FaultKind};

/// The body of the create and the update example in the reference of password sync groups.
const EXAMPLE: &str = r#"{
"created" : "2023-03-16T04:00:00Z",
"name" : "Password Sync Group 1",
"modified" : "2023-03-16T04:00:00Z",
"passwordPolicyId" : "2c91808d744ba0ce01746f93b6204501",
"id" : "6881f631-3bd5-4213-9c75-8e05cc3e35dd",
"sourceIds" : [ "2c918084660f45d6016617daa9210584", "2c918084660f45d6016617daa9210500" ]
}"#;

fn source(id: &str) -> SourceId {
    SourceId::parse(id).unwrap()
}

fn policy(id: &str) -> PolicyId {
    PolicyId::parse(id).unwrap()
}

fn pair() -> BTreeSet<SourceId> {
    [source(A), source(B)].into()
}

#[tokio::test(start_paused = true)]
async fn every_operation_is_served_in_every_version() {
    for version in ApiVersion::ALL {
        let tenant = Simulated::new(&json!({"delete_absent": "not_found"}));
        let client = tenant.client(version);
        let info = client.token_info().await.unwrap();
        assert_eq!((info.key.org.as_str(), info.user.is_some()), ("acme", true));
        assert_eq!(info.missing_scopes(), BTreeSet::new());

        let sources = client
            .list_sources(Page::first(), Lane::Read)
            .await
            .unwrap();
        assert_eq!(
            (sources.items.len(), sources.total),
            (4, Some(4)),
            "{version}"
        );
        let of = |id| {
            sources
                .items
                .iter()
                .find(|found| found.id == source(id))
                .unwrap()
        };
        assert_eq!(of(A).direct, Some(true));
        assert!(of(A).password && of(A).authenticates);
        assert!(of(B).password && !of(B).authenticates);
        assert_eq!(of(B).policies, [policy(DEFAULT)].into());
        assert!(
            sources
                .items
                .iter()
                .any(|found| found.name == "Feed" && found.direct == Some(false))
        );

        let policies = client.list_policies(Page::at(0), Lane::Read).await.unwrap();
        assert_eq!((policies.items.len(), policies.total), (2, None));
        let apps = client
            .list_applications(Page::first(), Lane::Read)
            .await
            .unwrap();
        assert_eq!(apps.items.len(), 3);
        let of_a = Some(source(A));
        let count = apps.items.iter().filter(|app| app.source == of_a).count();
        assert_eq!(count, 2);
        assert_eq!(
            client.connections(&source(A), Lane::Counts).await.unwrap(),
            Some(2)
        );
        assert_eq!(
            client
                .connections(&source("gone"), Lane::Counts)
                .await
                .unwrap(),
            None
        );
        for (id, accounts) in [(A, 300), (B, 5), ("gone", 0)] {
            let counted = client.count_accounts(&source(id), Lane::Counts).await;
            assert_eq!(counted.unwrap(), Some(accounts), "{id}");
        }

        let (since, now) = (jiff::Timestamp::UNIX_EPOCH, tenant.now());
        let events = client.password_events((since, now), None, Lane::AuditEvents);
        assert_eq!(events.await.unwrap(), PasswordEvents::default());
        let unknown = ChangeId::parse("0").unwrap();
        let status = client.password_change(&unknown, Lane::AuditEvents).await;
        assert_eq!(status.unwrap(), None);
        assert_eq!(
            client.token_end(Lane::Counts).await.unwrap(),
            Some(TokenEnd::Never)
        );
        let tested = client.test_connection(&source(A), Lane::Counts).await;
        assert_eq!(tested.unwrap(), Connection::Works);

        let holders = client
            .holders(&source(C), Lane::UserChange)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(default_policy(&holders), Some(&policy(DEFAULT)));
        let exceptions: Vec<_> = holders
            .iter()
            .filter(|holder| holder.is_exception())
            .collect();
        let selectors = HolderSelectors(json!({"identityAttr": [{"name": "x", "value": "y"}]}));
        assert_eq!(exceptions[0].selectors, Some(selectors));
        let mut wanted = holders.clone();
        wanted.retain(Holder::is_exception);
        wanted.push(Holder::for_everybody(policy(STRONG)));
        let assigned = client
            .assign_holders(&source(C), &wanted, Lane::Deletion)
            .await
            .unwrap();
        assert_eq!(assigned, wanted);
        let read = client
            .holders(&source(C), Lane::Confirmation)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(read, wanted);
        assert_eq!(
            client
                .holders(&source("gone"), Lane::Deletion)
                .await
                .unwrap(),
            None
        );

        let made = client
            .create_group("n", &policy(STRONG), &pair(), Lane::UserChange)
            .await
            .unwrap();
        assert!(made.is("n", &policy(STRONG), &pair()));
        assert_eq!(
            client.group(&made.id, Lane::Read).await.unwrap().as_ref(),
            Some(&made)
        );
        let listed = client.list_groups(Page::first(), Lane::Read).await.unwrap();
        assert_eq!(
            (&listed.items[..], listed.total),
            (std::slice::from_ref(&made), Some(1))
        );
        let mut wanted = made.clone();
        wanted.name = "renamed \"quoted\" ü".to_owned();
        assert_eq!(
            client
                .update_group(&wanted, Lane::DriftRepair)
                .await
                .unwrap(),
            wanted
        );
        let deleted = client.delete_group(&made.id, Lane::Deletion).await.unwrap();
        assert_eq!(deleted, DeleteOutcome::Deleted);
        let deleted = client.delete_group(&made.id, Lane::Deletion).await.unwrap();
        assert_eq!(deleted, DeleteOutcome::Absent);
        assert_eq!(
            client.group(&made.id, Lane::Confirmation).await.unwrap(),
            None
        );

        let tenant = tenant.tenant.lock().unwrap();
        assert!(
            tenant
                .ledger()
                .since(0)
                .all(|entry| entry.route != "unknown")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_references_example_is_understood_wherever_it_may_stand() {
    let transport = Scripted::new(|request, _| match request.operation {
        "token" => minted("t", 749),
        "list_groups" => answer(200, &[("X-Total-Count", "1")], &format!("[{EXAMPLE}]")),
        _ => answer(200, &[], EXAMPLE),
    });
    let client = client(transport.clone());
    let listed = client.list_groups(Page::first(), Lane::Read).await.unwrap();
    assert_eq!(listed.total, Some(1));
    let group = &listed.items[0];
    assert!(group.is("Password Sync Group 1", &policy(STRONG), &pair()));
    assert_eq!(
        client.update_group(group, Lane::UserChange).await.unwrap(),
        *group
    );
    let sent: serde_json::Value =
        serde_json::from_slice(&transport.seen("update_group")[0].body).unwrap();
    let mut expected: serde_json::Value = serde_json::from_str(EXAMPLE).unwrap();
    expected
        .as_object_mut()
        .unwrap()
        .retain(|key, _| key != "created" && key != "modified");
    expected["sourceIds"] = json!([B, A]);
    assert_eq!(sent, expected);
    let asked = &transport.seen("list_groups")[0].line;
    let path = "/v3/password-sync-groups?limit=250&offset=0&count=true";
    assert_eq!(
        *asked,
        format!("GET https://acme.api.identitynow.com{path}")
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_the_tenants_words() {
    let tenant = Simulated::new(&json!({"bogus_content_encoding": "on"}));
    let client = tenant.client(ApiVersion::V3);
    let one = [source(A)].into();
    let error = client
        .create_group("n", &policy(STRONG), &one, Lane::UserChange)
        .await
        .unwrap_err();
    let Error::Refused {
        status: 400,
        message,
        tracking_id: Some(id),
    } = &error
    else {
        panic!("{error}");
    };
    assert!(
        message.contains(id) && message.len() > id.len() + 20,
        "{message}"
    );
    assert_eq!(error.effect(), Effect::NotMade);
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_unknown_and_left_once() {
    let kinds = [
        FaultKind::LostAnswer,
        FaultKind::LostRequest,
        FaultKind::TruncatedBody,
        FaultKind::GarbageBody { applied: true },
        FaultKind::AfterCommit { code: 502 },
        FaultKind::AfterCommit { code: 504 },
        FaultKind::Delay { ms: 9_000 },
        FaultKind::OversizedBody { bytes: 2 << 20 },
    ];
    for kind in kinds {
        let tenant = Simulated::new(&json!({}));
        let route = "POST /password-sync-groups";
        tenant
            .tenant
            .lock()
            .unwrap()
            .add_fault(Fault::new(route, 1, kind.clone()));
        let client = tenant.client(ApiVersion::V3);
        let error = client
            .create_group("n", &policy(STRONG), &pair(), Lane::UserChange)
            .await;
        assert_eq!(error.unwrap_err().effect(), Effect::Unknown, "{kind:?}");
        let posts = tenant
            .tenant
            .lock()
            .unwrap()
            .ledger()
            .since(0)
            .filter(|e| e.method == "POST" && e.route != "/oauth/token")
            .count();
        assert_eq!(posts, 1, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_tenant_never_sees_more_than_the_limit_and_refuses_nothing() {
    for window in ["fixed", "sliding"] {
        let tenant = Simulated::new(&json!({"rate_window": window}));
        let client = tenant.client(ApiVersion::V3);
        let calls = (0..400).map(|_| client.list_groups(Page::at(0), Lane::Read));
        let calls = futures::future::join_all(calls).await;
        assert!(calls.iter().all(Result::is_ok));
        let most = tenant.tenant.lock().unwrap().most_in_window();
        assert!(most.values().all(|most| *most <= 90), "{most:?}");
        assert!(
            most.values().any(|most| *most > 80),
            "the share is used: {most:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_429_the_whole_tenant_is_left_alone() {
    let tenant = Simulated::new(&json!({}));
    let client = tenant.client(ApiVersion::V3);
    client.token_info().await.unwrap();
    let kind = FaultKind::Status {
        code: 429,
        body: None,
        headers: std::collections::BTreeMap::new(),
        retry_after: Some("17".to_owned()),
    };
    tenant
        .tenant
        .lock()
        .unwrap()
        .add_fault(Fault::new("* *", 1, kind));
    let error = client
        .list_groups(Page::first(), Lane::Read)
        .await
        .unwrap_err();
    assert_eq!(
        (error.effect(), error.retry_after().unwrap().as_secs()),
        (Effect::NotMade, 17)
    );
    let began = tokio::time::Instant::now();
    client.holders(&source(A), Lane::Deletion).await.unwrap();
    assert_eq!(
        began.elapsed().as_secs(),
        17,
        "another version's limit waits as well"
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_without_policy_and_sources_is_read_and_never_written() {
    let bare = json!({"id": "g", "name": "n", "passwordPolicyId": "", "sourceIds": []}).to_string();
    let groups = client(Scripted::minting(move |_| {
        answer(200, &[("x-total-count", "x")], &format!("[{bare}]"))
    }));
    let listed = groups.list_groups(Page::first(), Lane::Read).await.unwrap();
    assert_eq!(listed.total, None);
    assert!(listed.items[0].policy.is_none() && listed.items[0].sources.is_empty());
    let error = groups
        .update_group(&listed.items[0], Lane::UserChange)
        .await
        .unwrap_err();
    assert_eq!(error.effect(), Effect::NotMade);
}

#[tokio::test(start_paused = true)]
async fn an_odd_row_is_set_aside_and_an_odd_answer_is_an_error() {
    let odd = r#"{"id":"g","sourceIds":["a",""]}"#;
    let rows =
        format!(r#"[{odd},{{"id":"h","name":"n","sourceIds":[]}},{{"id":"i","name":"n"}},7]"#);
    let groups = client(Scripted::new(move |request, _| match request.operation {
        "token" => minted("t", 749),
        "list_groups" => answer(200, &[("x-total-count", "4")], &rows),
        _ => answer(200, &[], odd),
    }));
    let listed = groups.list_groups(Page::first(), Lane::Read).await.unwrap();
    assert_eq!(
        (listed.items.len(), listed.rows, listed.total),
        (1, 4, Some(4))
    );
    let told: Vec<String> = listed.unreadable.iter().map(ToString::to_string).collect();
    let expected = [
        "group g: a source id of it cannot be used",
        "group \"n\" (i): it does not say which sources it has",
        "group without name and id: it is no JSON object",
    ];
    assert_eq!(told, expected);
    assert_eq!(listed.unreadable[0].sources, [source("a")].into());
    let id = psg_domain::GroupId::parse("g").unwrap();
    let error = groups.group(&id, Lane::Read).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "status 200 with an answer that cannot be used: group g: a source id of it cannot be used"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_group_is_not_taken() {
    let other = r#"{"id":"other","name":"n","sourceIds":[]}"#;
    let groups = client(Scripted::minting(move |_| answer(200, &[], other)));
    let id = psg_domain::GroupId::parse("g").unwrap();
    let error = groups.group(&id, Lane::Read).await.unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }));
    let nameless = client(Scripted::minting(|_| {
        answer(200, &[], r#"{"name":"n","sourceIds":[]}"#)
    }));
    assert_eq!(
        nameless.group(&id, Lane::Read).await.unwrap().unwrap().id,
        id
    );
    let error = nameless
        .create_group("n", &policy("p"), &pair(), Lane::UserChange)
        .await;
    assert_eq!(
        error.unwrap_err().effect(),
        Effect::Unknown,
        "made, but as what?"
    );
}

#[tokio::test(start_paused = true)]
async fn selectors_that_select_nothing_make_no_exception() {
    let rows = json!([
        {"policyId": "p", "policyName": "P", "selectors": null},
        {"policyId": "p"},
        {"policyId": "p", "selectors": {}},
        {"policyId": "p", "selectors": {"identityAttr": null}},
        {"policyId": "p", "selectors": {"identityAttr": []}},
        {"policyId": "p", "selectors": {"identityAttr": [{"name": "x", "value": "y"}]}},
    ]);
    let pages = [rows.to_string(), "[]".to_owned()];
    let holders = client(Scripted::minting(move |at| answer(200, &[], &pages[at])));
    let holders = holders
        .holders(&source(A), Lane::Read)
        .await
        .unwrap()
        .unwrap();
    let exceptions: Vec<bool> = holders.iter().map(Holder::is_exception).collect();
    assert_eq!(exceptions, [false, false, false, false, false, true]);
}

#[tokio::test(start_paused = true)]
async fn policies_of_a_source_that_never_end_are_not_believed() {
    let page = |count| json!(vec![json!({"policyId": "p"}); count]).to_string();
    // It shows the same full page at each offset.
    let endless = Scripted::minting(move |_| answer(200, &[], &page(250)));
    let error = client(Arc::clone(&endless) as Arc<dyn Transport>)
        .holders(&source(A), Lane::Deletion)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    assert_eq!(endless.count("read_holders"), 4);
    let two = Scripted::minting(move |count| answer(200, &[], &page([250, 3, 0][count])));
    let holders = client(two).holders(&source(A), Lane::Deletion).await;
    assert_eq!(holders.unwrap().map(|all| all.len()), Some(253));
}

#[tokio::test(start_paused = true)]
async fn policies_of_a_source_are_counted_so_that_short_pages_lose_none() {
    let page = |count| json!(vec![json!({"policyId": "p"}); count]).to_string();
    let total = |count| [("X-Total-Count", count)];
    let short = Scripted::minting(move |count| answer(200, &total("3"), &page([2, 1][count])));
    let holders = client(Arc::clone(&short) as Arc<dyn Transport>)
        .holders(&source(A), Lane::Deletion)
        .await;
    assert_eq!(holders.unwrap().map(|all| all.len()), Some(3));
    let asked: Vec<String> = short
        .seen("read_holders")
        .into_iter()
        .map(|one| one.line)
        .collect();
    assert!(
        asked[0].ends_with("?limit=250&offset=0&count=true"),
        "{asked:?}"
    );
    assert!(asked[1].ends_with("?limit=250&offset=2"), "{asked:?}");
    assert_eq!(asked.len(), 2);
    let many = Scripted::minting(move |_| answer(200, &total("1001"), &page(250)));
    let error = client(Arc::clone(&many) as Arc<dyn Transport>)
        .holders(&source(A), Lane::Deletion)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("1001 policies of one source"),
        "{error}"
    );
    assert_eq!(many.count("read_holders"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_too_long_to_be_kept_is_not() {
    let (fits, long) = ("n".repeat(LONGEST_TEXT), "n".repeat(8192));
    let client = |row: serde_json::Value| {
        let body = json!([row]).to_string();
        client(Scripted::minting(move |_| answer(200, &[], &body)))
    };
    let (page, lane) = (Page::first(), Lane::Read);
    let row = |name: &str| json!({"id": "a", "name": name, "sourceIds": []});
    let listed = client(row(&long)).list_groups(page, lane).await.unwrap();
    assert_eq!(listed.items, []);
    let why = "its name is 8192 bytes long, and at most 1024 are kept";
    assert_eq!(listed.unreadable[0].why, why);
    assert!((100..400).contains(&listed.bytes), "{}", listed.bytes);
    let listed = client(row(&fits)).list_groups(page, lane).await.unwrap();
    assert_eq!(listed.items[0].name, fits);
    assert!((1024..1400).contains(&listed.bytes), "{}", listed.bytes);
    // What is not kept may be as long as a page.
    let described = json!({"id": "a", "name": "n", "description": long});
    assert!(client(described).list_sources(page, lane).await.is_ok());
    let attributes = json!([{"name": "x", "value": "y".repeat(LONGEST_SELECTORS)}]);
    let selects = json!({"policyId": "p", "selectors": {"identityAttr": attributes}});
    let error = client(selects).holders(&source(A), lane).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the selectors of a holder are 16426 bytes long, and at most 16384 are kept"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_policy_for_everybody_is_assigned_without_the_field_that_may_not_be_null() {
    let transport = Scripted::minting(|_| answer(200, &[], "[]"));
    let selectors = HolderSelectors(json!({"identityAttr": [{"name": "x", "value": "y"}]}));
    let exception = Holder {
        policy: policy(STRONG),
        selectors: Some(selectors),
    };
    let holders = [Holder::for_everybody(policy(DEFAULT)), exception];
    client(Arc::clone(&transport) as Arc<dyn Transport>)
        .assign_holders(&source(A), &holders, Lane::Deletion)
        .await
        .unwrap();
    let sent: serde_json::Value =
        serde_json::from_slice(&transport.seen("assign_holders")[0].body).unwrap();
    let attributes = json!([{"name": "x", "value": "y"}]);
    assert_eq!(
        sent,
        json!([
            {"policyId": DEFAULT},
            {"policyId": STRONG, "selectors": {"identityAttr": attributes}},
        ])
    );
}
