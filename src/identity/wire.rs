//! The bodies on the wire, each parsed into the domain's words at once. Pure.
//!
//! Unknown fields and values are tolerated, as the vendor adds them without notice, and so is
//! null. What would decide something and cannot be understood is an error that names it; it is
//! never dropped. Nothing here is shared with any simulator of the API.

mod application;
mod group;
mod holder;
mod policy;
pub(crate) mod refusal;
mod source;
pub(crate) mod token;

use serde::de::DeserializeOwned;

pub use application::{Application, applications_by_source};
pub(crate) use application::{applications, dependent_applications};
pub(crate) use group::{GroupBody, Identified, group, groups};
pub(crate) use holder::{holder_body, holders};
pub(crate) use policy::policies;
pub(crate) use source::sources;

/// Parses JSON; the error tells the place, not what stands there.
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "JSON of another shape",
            serde_json::error::Category::Eof => "JSON that ends too soon",
            _ => "no JSON",
        };
        format!("{what} (line {}, column {})", error.line(), error.column())
    })
}

/// Parses a page's array, item by item.
fn list<W: DeserializeOwned, T>(
    body: &[u8],
    parse: impl Fn(W) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let rows: Vec<W> = json(body)?;
    let rows = rows.into_iter().enumerate();
    rows.map(|(at, row)| parse(row).map_err(|what| format!("item {at}: {what}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};
    use proptest::prelude::*;

    use super::*;
    use crate::{BaseUrl, HostPolicy, Kind, error::Error, retry_after, scripted::answer};

    /// JSON in the shapes of the API, with the wrong things in them.
    fn odd_json() -> impl Strategy<Value = String> {
        let keys = [
            "id",
            "name",
            "sourceIds",
            "passwordPolicyId",
            "features",
            "passwordPolicies",
            "accountSource",
            "dependentApps",
            "policyId",
            "selectors",
            "messages",
            "causes",
            "text",
            "trackingId",
            "expires_in",
            "access_token",
            "org",
            "tenant_id",
            "scope",
        ];
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("-1e400".to_owned()),
            Just("1e308".to_owned()),
            Just("\"eyJ\"".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
            "\\PC{0,12}".prop_map(|text| serde_json::Value::from(text).to_string()),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            let pair = (proptest::sample::select(keys.to_vec()), inner.clone());
            prop_oneof![
                proptest::collection::vec(inner, 0..4)
                    .prop_map(|items| format!("[{}]", items.join(","))),
                proptest::collection::vec(pair, 0..4).prop_map(|pairs| {
                    let pairs = pairs
                        .iter()
                        .map(|(key, value)| format!("\"{key}\":{value}"));
                    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    fn read_everything(body: &[u8]) {
        let id = psg_domain::GroupId::parse("g").unwrap();
        groups(body).ok();
        group(body, Identified::As(&id)).ok();
        sources(body).ok();
        policies(body).ok();
        applications(body).ok();
        dependent_applications(body).ok();
        holders(body).ok();
        token::Answer::read(body.to_vec().into()).ok();
        for status in [302, 400, 401, 403, 404, 422, 429, 500] {
            let mut response = answer(status, &[], "").unwrap();
            response.body = body.to_vec().into();
            let error = Error::of(&response, Kind::Write, &["a", "%"]);
            assert!(error.to_string().len() < 400);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_of_a_tenant_can_stop_us(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            read_everything(&body);
        }

        #[test]
        fn no_json_of_a_tenant_can_stop_us(body in odd_json()) {
            read_everything(body.as_bytes());
        }

        #[test]
        fn no_header_can_stop_us(wait in "[ -~]{0,40}", date in "[ -~]{0,40}") {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::try_from(wait).unwrap());
            headers.insert(header::DATE, HeaderValue::try_from(date).unwrap());
            let wait = retry_after::wait(&headers);
            prop_assert!((retry_after::SHORTEST..=retry_after::LONGEST).contains(&wait));
        }

        #[test]
        fn no_url_gets_past_the_allow_list(
            text in prop_oneof![any::<String>(), "https://[a-z0-9.:@/\\\\\\[\\]%#?-]{0,30}(\\.api\\.identitynow\\.com)?[a-z./:@#?]{0,6}"],
            allow_insecure in any::<bool>(),
        ) {
            let policy = HostPolicy { allow_insecure, ..HostPolicy::default() };
            if let Ok(url) = BaseUrl::parse(&text, &policy) {
                let listed = url.host().ends_with("api.identitynow.com");
                let local = url.literal().is_some() || url.host() == "localhost";
                prop_assert!(listed || allow_insecure && local);
                // What we understood is what the HTTP client will understand.
                let read = reqwest::Url::parse(url.as_str()).unwrap();
                prop_assert!(local || read.host_str() == Some(url.host()));
                prop_assert_eq!(read.path(), "/");
                prop_assert!(read.username().is_empty() && read.query().is_none());
            }
        }
    }

    #[test]
    fn depth_is_bounded() {
        read_everything("[".repeat(100_000).as_bytes());
        read_everything("{\"id\":".repeat(100_000).as_bytes());
    }
}
