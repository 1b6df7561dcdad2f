//! Tests: what each field of each answer comes to if it is left out, null, of another type, empty, huge
//! or none that we know. `every_field.md` is the table; `PSG_BLESS=1 cargo test -p psg-identity
//! every_field` writes it.

use psg_domain::{Group, GroupId, Holder, Policy, Source};
use serde_json::{Value, json};

use crate::client::total;
use crate::wire::{
    Application, Identified, Rows, applications, dependent_applications, group, groups, holders,
    policies, refusal::Refusal, sources, token,
};

/// The table as it is checked in.
const TABLE: &str = include_str!("every_field.md");

const HEAD: &str = "\
# What each field comes to

<!-- Made by every_field.rs: `PSG_BLESS=1 cargo test -p psg-identity every_field` writes it. -->

`=` stands where the answer is read as it was. `told` is what people are told of an object in a list, \
beside what is used of it. An `error` refuses the whole answer. Any other text is how the answer is read.
";

/// An answer in which everything is as documented, and how it is read, in words.
struct Answer {
    name: &'static str,
    plain: Value,
    fields: &'static [(&'static str, Type)],
    read: fn(&Value) -> String,
}

#[derive(Clone, Copy)]
enum Type {
    Text,
    Id,
    Flag,
    Number,
    Texts,
    Objects,
    Object,
}
use Type::{Flag, Id, Number, Object, Objects, Text, Texts};

impl Type {
    /// A value of another type, an empty, a huge and an unknown one.
    fn values(self) -> [Value; 4] {
        let long = "x".repeat(100_000);
        let many = |one: Value| json!(vec![one; 20_000]);
        match self {
            Text => [json!(7), json!(""), json!(long), json!("novel")],
            Id => [json!(7), json!(""), json!(long), json!("a/b")],
            Flag => [json!("true"), json!(""), json!(1e300), json!(7)],
            Number => [json!("soon"), json!(""), json!(1e300), json!(-1)],
            Texts => [json!("a"), json!([]), many(json!("a")), json!(["a/b"])],
            Objects => [json!("a"), json!([]), many(json!({})), json!([{"x": 1}, 7])],
            Object => [json!("a"), json!({}), json!({"x": long}), json!({"x": 1})],
        }
    }
}

/// Every answer, and every field of it that is read, with some that are not.
fn answers() -> Vec<Answer> {
    let group_body = json!({
        "id": "g", "name": "n", "passwordPolicyId": "p", "sourceIds": ["a", "b"], "created": null,
    });
    let group_fields: &[(&str, Type)] = &[
        ("id", Id),
        ("name", Text),
        ("passwordPolicyId", Id),
        ("sourceIds", Texts),
        ("created", Text),
        ("novel", Objects),
    ];
    vec![
        Answer {
            name: "a group in a list",
            plain: group_body.clone(),
            fields: group_fields,
            read: |row| rows(groups(&list(row)), of_group),
        },
        Answer {
            name: "a group that is asked for by id, or was changed",
            plain: group_body.clone(),
            fields: group_fields,
            read: |body| {
                let asked = GroupId::parse("g").unwrap();
                one(group(&bytes(body), Identified::As(&asked)), |it| {
                    of_group(&it)
                })
            },
        },
        Answer {
            name: "a group that was made",
            plain: group_body,
            fields: &group_fields[..1],
            read: |body| {
                one(group(&bytes(body), Identified::ByAnswer), |it| {
                    of_group(&it)
                })
            },
        },
        Answer {
            name: "a source in a list",
            plain: json!({
                "id": "a", "name": "A", "connectionType": "direct", "healthy": true,
                "features": ["PASSWORD", "AUTHENTICATE"], "status": "FINE",
                "passwordPolicies": [{"type": "PASSWORD_POLICY", "id": "p"}], "owner": null,
            }),
            fields: &[
                ("id", Id),
                ("name", Text),
                ("connectionType", Text),
                ("features", Texts),
                ("healthy", Flag),
                ("status", Text),
                ("passwordPolicies", Objects),
                ("owner", Object),
            ],
            read: |row| rows(sources(&list(row)), of_source),
        },
        Answer {
            name: "a policy in a list",
            plain: json!({"id": "p", "name": "P", "dateCreated": 1_639_056_206_564_i64}),
            fields: &[("id", Id), ("name", Text), ("dateCreated", Number)],
            read: |row| {
                let words = |it: &Policy| format!("{} {:?}", it.id, it.name);
                rows(policies(&list(row)), words)
            },
        },
        Answer {
            name: "an application in a list",
            plain: json!({"id": "x", "accountSource": {"id": "a", "name": "A"}}),
            fields: &[
                ("id", Text),
                ("accountSource", Object),
                ("accountSource/id", Id),
                ("accountSource/name", Text),
            ],
            read: |row| {
                let words = |it: &Application| format!("{} of {:?}", it.id, it.source);
                rows(applications(&list(row)), words)
            },
        },
        Answer {
            name: "the connections of a source",
            plain: json!({"dependentApps": [{}, {}], "identityProfiles": []}),
            fields: &[("dependentApps", Objects), ("identityProfiles", Objects)],
            read: |body| {
                one(dependent_applications(&bytes(body)), |count| {
                    count.to_string()
                })
            },
        },
        Answer {
            name: "a policy on a source",
            plain: json!({"policyId": "p", "policyName": "P", "selectors": null}),
            fields: &[
                ("policyId", Id),
                ("policyName", Text),
                ("selectors", Object),
            ],
            read: |row| rows(holders(&list(row)), of_holder),
        },
        Answer {
            name: "a token",
            plain: json!({
                "access_token": "t", "expires_in": 749, "scope": "a b", "org": "acme",
                "tenant_id": "1", "identity_id": "u", "user_id": "u", "token_type": "bearer",
            }),
            fields: &[
                ("access_token", Text),
                ("expires_in", Number),
                ("scope", Text),
                ("org", Text),
                ("tenant_id", Text),
                ("identity_id", Text),
                ("user_id", Text),
                ("token_type", Text),
            ],
            read: |body| one(token::Answer::read(bytes(body).into()), |it| of_token(&it)),
        },
        Answer {
            name: "a refusal",
            plain: json!({
                "detailCode": "400.1", "trackingId": "7", "messages": [{"text": "no"}],
                "causes": [{"text": "why"}],
            }),
            fields: &[
                ("messages", Objects),
                ("causes", Objects),
                ("detailCode", Text),
                ("trackingId", Text),
                ("novel", Flag),
            ],
            read: of_refusal,
        },
        Answer {
            name: "the header X-Total-Count",
            plain: json!({"value": "7"}),
            fields: &[("value", Text)],
            read: |header| {
                let value = header.get("value").and_then(Value::as_str);
                let value = value.and_then(|value| value.parse().ok());
                let name = http::HeaderName::from_static("x-total-count");
                let header = value.map(|value| (name, value));
                format!("{:?}", total(&header.into_iter().collect()))
            },
        },
    ]
}

fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}

fn list(row: &Value) -> Vec<u8> {
    bytes(&json!([row]))
}

fn rows<T>(read: Result<Rows<T>, String>, in_words: impl Fn(&T) -> String) -> String {
    one(read, |page| {
        let items = page.items.iter().map(&in_words);
        let told = page.unreadable.iter();
        let told = told.map(|one| format!("told: {}", one.why));
        items.chain(told).collect::<Vec<_>>().join("; ")
    })
}

fn one<T>(read: Result<T, String>, in_words: impl Fn(T) -> String) -> String {
    read.map_or_else(|why| format!("error: {why}"), in_words)
}

fn of_group(group: &Group) -> String {
    let policy = group.policy.as_ref().map_or("none", |id| id.as_str());
    let (id, name, sources) = (&group.id, &group.name, &group.sources);
    format!("{id} {name:?} {policy} {sources:?}")
}

fn of_source(source: &Source) -> String {
    let connected = match source.direct {
        Some(true) => "direct",
        Some(false) => "not direct",
        None => "unsaid",
    };
    let marks = [
        (source.password, "PASSWORD"),
        (source.authenticates, "AUTHENTICATE"),
        (source.healthy, "healthy"),
    ];
    let marks = marks
        .into_iter()
        .filter_map(|(is, mark)| is.then_some(mark));
    let words = marks.collect::<Vec<_>>().join(" ");
    let (name, status, policies) = (&source.name, &source.status, &source.policies);
    format!("{name:?} {connected} {words} {status:?} {policies:?}")
}

fn of_holder(holder: &Holder) -> String {
    let whom = if holder.is_exception() {
        "some"
    } else {
        "everybody"
    };
    format!("{} for {whom}", holder.policy)
}

fn of_token(answer: &token::Answer) -> String {
    let (life, info) = (answer.life.as_secs(), &answer.info);
    let user = info.user.as_deref().unwrap_or("nobody");
    format!("{} {life} s {:?} {user}", info.key.org, info.scopes)
}

fn of_refusal(body: &Value) -> String {
    match Refusal::read(&bytes(body)) {
        Some(Refusal { text, tracking_id }) => {
            format!("{text} [{}]", tracking_id.unwrap_or_default())
        }
        None => "none of the API's".to_owned(),
    }
}

/// The object with another value in that place, or without it.
fn with(object: &Value, path: &str, value: Option<Value>) -> Value {
    let mut object = object.clone();
    let (above, field) = match path.split_once('/') {
        Some((above, field)) => (&mut object[above], field),
        None => (&mut object, path),
    };
    let fields = above.as_object_mut().unwrap();
    fields.remove(field);
    fields.extend(value.map(|value| (field.to_owned(), value)));
    object
}

/// Short enough to be read, and without places that nobody counts.
fn cell(read: &str, plain: &str) -> String {
    let read = read.split(" (line ").next().unwrap_or_default();
    match read.char_indices().nth(80) {
        _ if read == plain => "=".to_owned(),
        Some((end, _)) if read.contains("xxx") => format!("{}…", &read[..end]),
        _ => read.to_owned(),
    }
}

fn table() -> String {
    let sections = answers().into_iter().map(|answer| {
        let plain = (answer.read)(&answer.plain);
        let row = |(field, kind): &(&str, Type)| {
            let [other, empty, huge, unknown] = kind.values().map(Some);
            let values = [None, Some(Value::Null), other, empty, huge, unknown];
            let cells = values.map(|value| {
                let read = (answer.read)(&with(&answer.plain, field, value));
                cell(&read, &plain)
            });
            format!("| {field} | {} |\n", cells.join(" | "))
        };
        let rows: String = answer.fields.iter().map(row).collect();
        let columns = "| field | missing | null | another type | empty | huge | unknown |";
        let name = answer.name;
        format!("\n## {name}\n\nAs documented: {plain}\n\n{columns}\n|---|---|---|---|---|---|---|\n{rows}")
    });
    std::iter::once(HEAD.to_owned()).chain(sections).collect()
}

#[test]
fn what_each_field_comes_to_is_as_the_table_says() {
    let made = table();
    if std::env::var_os("PSG_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/wire/every_field.md");
        std::fs::write(path, &made).unwrap();
        return;
    }
    for (made, said) in made.lines().zip(TABLE.lines()) {
        assert_eq!(made, said);
    }
    assert_eq!(made.lines().count(), TABLE.lines().count());
}
