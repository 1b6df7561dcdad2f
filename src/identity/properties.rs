//! What must hold for all bytes that a tenant or a Secret can contain: no panic, no invalid id, no
//! long error, no secret in an error. Each property is a function over bytes. Tests run it over the
//! corpora and over random input, and the targets of `fuzz/` run it for any length of time.

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use psg_domain::{Group, GroupId};

use crate::{
    BaseUrl, HostPolicy, Kind, Response,
    bounds::LONGEST_TEXT,
    client::total,
    error::{Error, scrub},
    retry_after, scopes,
    wire::{
        GroupBody, Identified, Rows, applications, dependent_applications, group, groups,
        holder_body, holders, policies, sources, token,
    },
    witness::{MAX_ID, tracking_id},
};

/// The name of a corpus, and what must hold of each of its entries.
pub type Property = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Property; 12] = [
    ("token", token_answer),
    ("groups", group_pages),
    ("group", one_group),
    ("sources", source_pages),
    ("policies", policy_pages),
    ("applications", application_pages),
    ("holders", policy_holders),
    ("refusal", refusals),
    ("retry_after", retry_afters),
    ("total_count", total_counts),
    ("request_id", request_ids),
    ("base_url", base_urls),
];

/// Stands for a secret, which no error may repeat. It is neither JSON nor a word of an error text.
const SECRET: &str = "s3cr3t-canary-0451";
const LONGEST: usize = 400;

/// The body, and the same body with a secret in its middle.
fn with_secret(bytes: &[u8]) -> [Vec<u8>; 2] {
    let at = bytes.len() / 2;
    let spliced = [&bytes[..at], SECRET.as_bytes(), &bytes[at..]].concat();
    [bytes.to_vec(), spliced]
}

fn is_fit_to_be_said(text: &str) {
    assert!(text.len() < LONGEST, "too long: {text}");
    assert!(!text.contains(SECRET), "a secret: {text}");
    assert!(!text.contains('\n'), "more than a line: {text}");
}

fn of_body<T>(bytes: &[u8], read: impl Fn(&[u8]) -> Result<T, String>, holds: impl Fn(T)) {
    for body in with_secret(bytes) {
        match read(&body) {
            Ok(read) => holds(read),
            Err(why) => is_fit_to_be_said(&why),
        }
    }
}

/// The token endpoint's answer, and the scopes in it.
pub fn token_answer(bytes: &[u8]) {
    let read = |body: &[u8]| token::Answer::read(body.to_vec().into());
    of_body(bytes, read, |answer: token::Answer| {
        assert!(!answer.access_token.is_empty());
        let key = &answer.info.key;
        assert!((1..=256).contains(&key.org.len()) && (1..=256).contains(&key.tenant_id.len()));
        let granted = &answer.info.scopes;
        let missing = scopes::missing(granted);
        let enough = granted.iter().map(String::as_str).chain(missing);
        let enough: BTreeSet<String> = enough.map(str::to_owned).collect();
        assert!(scopes::missing(&enough).is_empty(), "{granted:?}");
        if scopes::may_list_applications(granted) && !granted.is_empty() {
            assert!(scopes::may_list_applications(&enough));
        }
    });
}

/// A page of groups.
pub fn group_pages(bytes: &[u8]) {
    of_body(bytes, groups, |page| {
        page.items.iter().for_each(is_read_back);
        each_row_is_told(&page);
        assert_eq!(page.items.len() + page.unreadable.len(), page.count);
    });
}

/// No row is dropped, and the text about an unreadable row is short and holds no secret.
fn each_row_is_told<T>(page: &Rows<T>) {
    assert!(page.items.len() + page.unreadable.len() >= page.count);
    for object in &page.unreadable {
        is_fit_to_be_said(&object.why);
        assert!(object.id.as_ref().is_none_or(|id| id.len() <= LONGEST_TEXT));
        let name = object.name.as_ref();
        assert!(name.is_none_or(|name| name.len() <= LONGEST_TEXT));
    }
}

/// An answer about one group, as after a POST and as after a GET by id.
pub fn one_group(bytes: &[u8]) {
    of_body(
        bytes,
        |body| group(body, Identified::ByAnswer),
        |one| is_read_back(&one),
    );
    if let Ok(asked) = GroupId::parse("6881f631") {
        let read = |body: &[u8]| group(body, Identified::As(&asked));
        of_body(bytes, read, |one| assert_eq!(one.id, asked));
    }
}

/// A group that is written as a request body is read back as the same group.
fn is_read_back(one: &Group) {
    let Some(policy) = &one.policy else { return };
    let body = serde_json::to_vec(&GroupBody {
        id: Some(&one.id),
        name: &one.name,
        password_policy_id: policy,
        source_ids: &one.sources,
    });
    let again = body.map(|body| group(&body, Identified::As(&one.id)));
    assert_eq!(again.ok(), Some(Ok(one.clone())));
}

/// A page of sources.
pub fn source_pages(bytes: &[u8]) {
    of_body(bytes, sources, |page| each_row_is_told(&page));
}

/// A page of password policies.
pub fn policy_pages(bytes: &[u8]) {
    of_body(bytes, policies, |page| each_row_is_told(&page));
}

/// A page of applications, and what depends on one source.
pub fn application_pages(bytes: &[u8]) {
    of_body(bytes, applications, |page| each_row_is_told(&page));
    of_body(bytes, dependent_applications, drop);
}

/// The policies on one source: written as a request body, they are read back unchanged.
pub fn policy_holders(bytes: &[u8]) {
    of_body(bytes, holders, |all| {
        let body = serde_json::to_vec(&holder_body(&all.items));
        let again = body.map(|body| holders(&body).map(|again| again.items));
        assert_eq!(again.ok(), Some(Ok(all.items)));
    });
}

/// Each status that `Error::of` distinguishes, and some others.
const NO_SUCCESS: [u16; 16] = [
    300, 302, 400, 401, 403, 404, 405, 408, 409, 422, 429, 499, 500, 502, 503, 599,
];

/// An answer that is no success.
pub fn refusals(bytes: &[u8]) {
    for body in with_secret(bytes) {
        let statuses = NO_SUCCESS.into_iter();
        for status in statuses.filter_map(|status| StatusCode::from_u16(status).ok()) {
            for kind in [Kind::Read, Kind::Write] {
                let response = Response {
                    status,
                    headers: HeaderMap::new(),
                    body: body.clone().into(),
                };
                let error = Error::of("any", &response, kind, &[SECRET, "%"]);
                is_fit_to_be_said(&error.to_string());
                assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
            }
        }
        let text = String::from_utf8_lossy(&body);
        assert!(!scrub(&text, &[SECRET]).contains(SECRET));
    }
}

/// A header `Retry-After`, a line end, and a header `Date`.
pub fn retry_afters(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    for name in [header::RETRY_AFTER, header::DATE] {
        let line = lines.next().unwrap_or_default();
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.insert(name, value);
        }
    }
    let wait = retry_after::wait(&headers);
    assert!((retry_after::SHORTEST..=retry_after::LONGEST).contains(&wait));
}

/// One header of this name and value; none if the bytes are no valid value.
fn one_header(name: &'static str, bytes: &[u8]) -> HeaderMap {
    let value = HeaderValue::from_bytes(bytes).into_iter();
    value
        .map(|value| (HeaderName::from_static(name), value))
        .collect()
}

/// A header `X-Total-Count`: it is read as the number that is written there, or as nothing.
pub fn total_counts(bytes: &[u8]) {
    if let Some(count) = total(&one_header("x-total-count", bytes)) {
        let text = String::from_utf8_lossy(bytes);
        let digits = text.trim().trim_start_matches(['+', '0']);
        assert_eq!(digits, count.to_string().trim_start_matches('0'), "{text}");
    }
}

/// A header `SLPT-Request-ID`, a line end, and the body of a refusal, which may name one as well.
pub fn request_ids(bytes: &[u8]) {
    for bytes in with_secret(bytes) {
        let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
        let answer = Response {
            status: StatusCode::BAD_REQUEST,
            headers: one_header("slpt-request-id", lines.next().unwrap_or_default()),
            body: lines.next().unwrap_or_default().to_vec().into(),
        };
        if let Some(id) = tracking_id(&answer, &[SECRET]) {
            is_fit_to_be_said(&id);
            let plain = |c: char| c.is_ascii_alphanumeric() || "-[]".contains(c);
            assert!(!id.is_empty() && id.chars().all(plain), "{id}");
            // Each secret that is removed leaves the word `[redacted]`.
            assert!(id.len() <= MAX_ID * "[redacted]".len(), "{id}");
        }
    }
}

/// A base URL from a Secret, without and with `allow_insecure`.
pub fn base_urls(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for allow_insecure in [false, true] {
        let policy = HostPolicy {
            allow_insecure,
            ..HostPolicy::default()
        };
        let url = match BaseUrl::parse(&text, &policy) {
            Ok(url) => url,
            Err(why) => {
                is_fit_to_be_said(&why.to_string());
                continue;
            }
        };
        let listed = policy.suffixes.iter().any(|suffix| {
            let rest = url.host().strip_suffix(suffix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        let local = url.literal().is_some() || url.host() == "localhost";
        assert!(listed || allow_insecure && local, "{url}");
        assert_eq!(BaseUrl::parse(url.as_str(), &policy), Ok(url.clone()));
        // The HTTP client must understand the URL in the same way.
        let read = reqwest::Url::parse(url.as_str());
        let same = read.is_ok_and(|read| {
            let host = local || read.host_str() == Some(url.host());
            host && read.path() == "/" && read.username().is_empty() && read.query().is_none()
        });
        assert!(same, "{url}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// JSON with the keys of the API and unexpected values.
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

    fn all_hold(bytes: &[u8]) {
        for (_, holds) in ALL {
            holds(bytes);
        }
    }

    /// Every property reads the entries of every corpus: a valid group is also a broken token.
    #[test]
    fn all_hold_of_every_corpus() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
        for (name, holds) in ALL {
            let entries = std::fs::read_dir(format!("{folder}/{name}"));
            let entries = entries.unwrap_or_else(|why| panic!("{name}: {why}"));
            let mut count = 0;
            for entry in entries {
                let bytes = std::fs::read(entry.unwrap().path()).unwrap();
                holds(&bytes);
                all_hold(&bytes);
                count += 1;
            }
            assert!(count >= 2, "{name} has {count}");
        }
    }

    proptest! {
        #[test]
        fn all_hold_of_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            all_hold(&bytes);
        }

        #[test]
        fn all_hold_of_odd_json(body in odd_json()) {
            all_hold(body.as_bytes());
        }

        #[test]
        fn all_hold_of_lines(lines in "[ -~]{0,40}\n[ -~]{0,40}") {
            all_hold(lines.as_bytes());
        }

        #[test]
        fn all_hold_of_addresses(
            text in prop_oneof![any::<String>(), "https://[a-z0-9.:@/\\\\\\[\\]%#?-]{0,30}(\\.api\\.identitynow\\.com)?[a-z./:@#?]{0,6}"],
        ) {
            base_urls(text.as_bytes());
        }
    }

    /// A long body of nothing but tokens: if the work grew with the square of its length, this test
    /// would take longer than all other tests together.
    #[test]
    fn a_body_of_nothing_but_tokens_is_read_in_one_pass() {
        let tokens = "eyJ ".repeat(1 << 18);
        refusals(tokens.as_bytes());
        refusals(format!("{{\"message\":\"{tokens}\"}}").as_bytes());
        let scrubbed = scrub(&tokens, &[SECRET]);
        assert_eq!(scrubbed.len(), "[redacted] ".len() << 18);
    }

    #[test]
    fn depth_is_bounded() {
        all_hold("[".repeat(100_000).as_bytes());
        all_hold("{\"id\":".repeat(100_000).as_bytes());
    }
}
