//! Tests of the token's life and of the one repetition after a 401, in virtual time.

use std::time::Duration;

use futures::future::join_all;
use psg_domain::GroupId;
use serde_json::json;

use crate::{
    Client, DeleteOutcome, Effect, Error, Lane, Limiters, Page,
    tests::scripted::{
        GROUP, Scripted, answer, client, credentials_of, group_json, minted, options,
    },
};

const GONE_401: &str = r#"{"error":"JWT validation failed: JWT is expired"}"#;

fn group_id() -> GroupId {
    GroupId::parse(GROUP).unwrap()
}

#[tokio::test(start_paused = true)]
async fn fifty_callers_share_one_mint() {
    let transport = Scripted::minting(|_| answer(200, &[], "[]"));
    let client = client(transport.clone());
    let calls = join_all((0..50).map(|_| client.list_groups(Page::first(), Lane::Read))).await;
    assert!(calls.iter().all(Result::is_ok));
    assert_eq!(
        (transport.count("token"), transport.count("list_groups")),
        (1, 50)
    );
}

#[tokio::test(start_paused = true)]
async fn fifty_callers_share_one_failure() {
    let transport = Scripted::new(|_, _| answer(401, &[], r#"{"error":"invalid_client"}"#));
    let client = client(transport.clone());
    let calls = join_all((0..50).map(|_| client.list_groups(Page::first(), Lane::Read))).await;
    assert!(
        calls
            .iter()
            .all(|call| matches!(call, Err(Error::Unauthorized { .. })))
    );
    assert_eq!(
        (transport.count("token"), transport.count("list_groups")),
        (1, 0)
    );
    client.token_info().await.unwrap_err();
    assert_eq!(transport.count("token"), 2, "a later caller asks again");
}

#[tokio::test(start_paused = true)]
async fn a_mint_given_up_leaves_the_next_caller_to_mint() {
    let transport = Scripted::minting(|_| answer(200, &[], "[]"));
    let client = client(transport.clone());
    let hasty = tokio::time::timeout(Duration::from_millis(1), client.token_info());
    let (hasty, patient) = tokio::join!(hasty, client.token_info());
    assert!(hasty.is_err() && patient.is_ok());
    assert_eq!(transport.count("token"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_shortly_before_its_end() {
    let transport = Scripted::new(|_, _| minted("t", 749));
    let client = client(transport.clone());
    client.token_info().await.unwrap();
    for (seconds, mints) in [(680, 1), (8, 1), (2, 2), (680, 2), (10, 3)] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        client.token_info().await.unwrap();
        assert_eq!(transport.count("token"), mints);
    }
}

#[tokio::test(start_paused = true)]
async fn a_life_of_nonsense_neither_mints_in_a_loop_nor_lasts_for_ever() {
    for (seconds, lasts, over) in [(0, 0, 2), (-7, 0, 2), (5, 4, 6), (i64::MAX, 86_000, 86_400)] {
        let transport = Scripted::new(move |_, _| minted("t", seconds));
        let client = client(transport.clone());
        client.token_info().await.unwrap();
        tokio::time::advance(Duration::from_secs(lasts)).await;
        client.token_info().await.unwrap();
        assert_eq!(transport.count("token"), 1, "{seconds}");
        tokio::time::advance(Duration::from_secs(over)).await;
        client.token_info().await.unwrap();
        assert_eq!(transport.count("token"), 2, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_401_gets_one_new_token_and_one_more_try_even_for_a_post() {
    let transport = Scripted::new(|request, count| match (request.operation, count) {
        ("token", count) => minted(&format!("t{count}"), 749),
        (_, 0) => answer(401, &[], GONE_401),
        _ => answer(200, &[], &group_json()),
    });
    let client = client(transport.clone());
    let policy = psg_domain::PolicyId::parse("p").unwrap();
    client
        .create_group("n", &policy, &[].into(), Lane::UserChange)
        .await
        .unwrap();
    let posts = transport.seen("create_group");
    let tokens: Vec<_> = posts
        .iter()
        .map(|post| post.headers["authorization"].clone())
        .collect();
    assert_eq!(tokens, ["Bearer t0", "Bearer t1"]);
    assert!(tokens.iter().all(http::HeaderValue::is_sensitive));
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_refused_is_unauthorized_and_nothing_is_tried_again() {
    let transport = Scripted::minting(|_| answer(401, &[], GONE_401));
    let client = client(transport.clone());
    let error = client
        .delete_group(&group_id(), Lane::Deletion)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Unauthorized { message } if message.contains("JWT is expired"))
    );
    assert_eq!(error.effect(), Effect::NotMade);
    assert_eq!(
        (transport.count("token"), transport.count("delete_group")),
        (2, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_401_that_is_not_the_apis_own_repeats_a_read_but_never_a_write() {
    let transport = Scripted::minting(|count| match count {
        0 => answer(401, &[], "<html>sign in</html>"),
        _ => answer(200, &[], &group_json()),
    });
    let client = client(transport.clone());
    assert!(
        client
            .group(&group_id(), Lane::Read)
            .await
            .unwrap()
            .is_some()
    );
    let error = client
        .delete_group(&group_id(), Lane::Deletion)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::BadAnswer { status: 401, .. }));
    assert_eq!(
        (error.effect(), transport.count("delete_group")),
        (Effect::Unknown, 1)
    );
    client.token_info().await.unwrap();
    assert_eq!(
        transport.count("token"),
        3,
        "the token is not trusted after it either"
    );
}

#[tokio::test(start_paused = true)]
async fn fifty_refused_calls_share_one_new_mint() {
    let transport = Scripted::new(|request, count| match request.operation {
        "token" => minted(&format!("t{count}"), 749),
        _ if request.headers["authorization"] == "Bearer t0" => answer(401, &[], GONE_401),
        _ => answer(200, &[], "[]"),
    });
    let client = client(transport.clone());
    let calls = join_all((0..50).map(|_| client.list_groups(Page::first(), Lane::Read))).await;
    assert!(calls.iter().all(Result::is_ok));
    assert_eq!(
        (transport.count("token"), transport.count("list_groups")),
        (2, 100)
    );
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_works_at_once_beside_the_old_one() {
    let transport = Scripted::new(|request, _| match request.operation {
        "token" => {
            let body = String::from_utf8(request.body.clone().unwrap().to_vec()).unwrap();
            let (_, secret) = body.split_once("client_secret=").unwrap();
            if secret == "revoked" {
                answer(401, &[], "{}")
            } else {
                minted(secret, 749)
            }
        }
        _ if request.headers["authorization"] == "Bearer old" => answer(401, &[], GONE_401),
        _ => answer(200, &[], "[]"),
    });
    let limiters = Limiters::default();
    let with = |secret| {
        Client::new(
            credentials_of("id", secret),
            options(),
            transport.clone(),
            &limiters,
        )
    };
    let (old, new) = (with("old"), with("new"));
    assert!(
        old.credentials() != new.credentials() && *old.credentials() == credentials_of("id", "old")
    );
    let lists = tokio::join!(
        old.list_groups(Page::first(), Lane::Read),
        new.list_groups(Page::first(), Lane::Read),
    );
    assert!(matches!(lists.0, Err(Error::Unauthorized { .. })) && lists.1.is_ok());
    assert!(matches!(
        with("revoked").token_info().await,
        Err(Error::Unauthorized { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_page_of_something_in_between_refuses_no_credentials() {
    for status in [400, 401, 403, 404] {
        for body in ["<html>blocked</html>", r#"{"blocked":true}"#, "[]"] {
            let transport = Scripted::new(move |_, _| answer(status, &[], body));
            let error = client(transport).token_info().await.unwrap_err();
            let why = format!(
                "no token: status {status}, the answer to token is not in the API's own error form, \
                 so something in between may have given it"
            );
            assert_eq!(error.to_string(), why);
        }
    }
    for status in [400, 401, 403] {
        for body in [
            "",
            r#"{"error":"invalid_client"}"#,
            r#"{"message":"no"}"#,
            "{}",
        ] {
            let transport = Scripted::new(move |_, _| answer(status, &[], body));
            let error = client(transport).token_info().await.unwrap_err();
            assert!(
                matches!(error, Error::Unauthorized { .. }),
                "{status} {body}: {error}"
            );
        }
    }
}

/// The calls of each kind, each answered with a page of a web filter.
#[tokio::test(start_paused = true)]
async fn a_page_of_something_in_between_is_a_bad_answer_to_each_call() {
    for status in [400, 401, 403, 404, 409] {
        let transport = Scripted::minting(move |_| answer(status, &[], "<html>blocked</html>"));
        let client = client(transport.clone());
        let (id, source) = (group_id(), psg_domain::SourceId::parse("s").unwrap());
        let policy = psg_domain::PolicyId::parse("p").unwrap();
        let group = psg_domain::Group {
            id: id.clone(),
            name: "n".to_owned(),
            policy: Some(policy.clone()),
            sources: [source.clone()].into(),
        };
        let (first, read, lane) = (Page::first(), Lane::Read, Lane::UserChange);
        let reads = [
            client.list_groups(first, read).await.err(),
            client.list_sources(first, read).await.err(),
            client.list_policies(first, read).await.err(),
            client.list_applications(first, read).await.err(),
            client.group(&id, read).await.err(),
            client.holders(&source, read).await.err(),
            client.connections(&source, read).await.err(),
        ];
        let sent = transport.count("token");
        let writes = [
            client
                .create_group("n", &policy, &group.sources, lane)
                .await
                .err(),
            client.update_group(&group, lane).await.err(),
            client.delete_group(&id, lane).await.err(),
            client.assign_holders(&source, &[], lane).await.err(),
        ];
        for error in reads.into_iter().chain(writes) {
            let error = error.unwrap();
            assert!(
                matches!(error, Error::BadAnswer { .. }),
                "{status}: {error}"
            );
            assert_eq!(error.effect(), Effect::Unknown, "{status}");
        }
        for write in [
            "create_group",
            "update_group",
            "delete_group",
            "assign_holders",
        ] {
            assert_eq!(transport.count(write), 1, "{status} {write}");
        }
        let tries = if status == 401 { 2 } else { 1 };
        for read in [
            "list_groups",
            "read_group",
            "read_holders",
            "read_connections",
        ] {
            assert_eq!(transport.count(read), tries, "{status} {read}");
        }
        assert_eq!(
            sent > 1,
            status == 401,
            "only after a 401 the token is doubted"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_404_proves_absence_only_in_the_apis_own_form() {
    for (body, absent) in [
        (r#"{"detailCode":"404 Not found"}"#, true),
        (r#"{"error":"Not Found"}"#, true),
        (r#"{"message":"Not Found"}"#, true),
        ("", false),
        ("<html>404</html>", false),
        (r#"{"status":404}"#, false),
    ] {
        let client = client(Scripted::minting(move |_| answer(404, &[], body)));
        let read = client.group(&group_id(), Lane::Read).await;
        let deleted = client.delete_group(&group_id(), Lane::Deletion).await;
        if absent {
            assert_eq!(read, Ok(None), "{body}");
            assert_eq!(deleted, Ok(DeleteOutcome::Absent), "{body}");
        } else {
            assert!(matches!(read, Err(Error::BadAnswer { .. })), "{body}");
            assert_eq!(deleted.unwrap_err().effect(), Effect::Unknown, "{body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_token_nothing_is_sent() {
    for (status, body) in [
        (500, "boom"),
        (302, ""),
        (404, "<html>"),
        (200, "<html>"),
        (200, "{}"),
    ] {
        let transport = Scripted::new(move |_, _| answer(status, &[], body));
        let client = client(transport.clone());
        let error = client
            .delete_group(&group_id(), Lane::Deletion)
            .await
            .unwrap_err();
        let as_it_is = match status {
            500 => matches!(error, Error::NotSent { .. }),
            _ => matches!(error, Error::NoToken { .. }),
        };
        assert!(as_it_is, "{status} {body}: {error}");
        assert_eq!(error.effect(), Effect::NotMade);
        assert_eq!(
            (error.effect(), transport.count("delete_group")),
            (Effect::NotMade, 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_user_is_told_from_one_with() {
    for (claims, user, without_user) in [
        (
            json!({"identity_id": "u", "user_id": "595826"}),
            Some("u"),
            false,
        ),
        (
            json!({"identity_id": "u", "user_id": null}),
            Some("u"),
            false,
        ),
        (json!({"identity_id": null, "user_id": null}), None, true),
        // What is not said proves nothing: the first refusal will tell.
        (
            json!({"identity_id": null, "user_id": 595_826}),
            None,
            false,
        ),
        (json!({"identity_id": null}), None, false),
        (json!({"user_id": null}), None, false),
        (json!({}), None, false),
    ] {
        let mut body = json!({
            "access_token": "t", "expires_in": "749", "scope": ["idn:sources:manage"],
            "org": "o", "tenant_id": "t",
        });
        let fields = claims.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        let body = body.to_string();
        let client = client(Scripted::new(move |_, _| answer(200, &[], &body)));
        let info = client.token_info().await.unwrap();
        assert_eq!(info.user.as_deref(), user, "{claims}");
        assert_eq!(info.without_user, without_user, "{claims}");
        assert!(!info.may_list_applications());
        assert_eq!(info.missing_scopes().len(), 2);
    }
}
