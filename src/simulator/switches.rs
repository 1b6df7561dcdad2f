//! What the vendor does not document, each with every plausible answer. No IO.
//!
//! One switch for each row of the list of unknowns; the first setting is the default. The table in
//! `docs/simulator.md` is made from this file, and a test compares the two.

use serde::{Deserialize, Serialize};

/// One switch as the documentation shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number of the unknown.
    pub number: u8,
    /// The switch's name in JSON and YAML.
    pub field: &'static str,
    /// What is unknown.
    pub unknown: &'static str,
    /// Each setting and its meaning, the default first.
    pub settings: Vec<(String, &'static str)>,
}

macro_rules! switches {
    ($($number:literal $field:ident: $kind:ident = $unknown:literal {
        $first:ident: $first_doc:literal,
        $($setting:ident $({ $part:ident: $part_type:ty })?: $doc:literal,)+
    })+) => {
        $(
            #[doc = $unknown]
            #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(rename_all = "snake_case", deny_unknown_fields)]
            pub enum $kind {
                #[doc = $first_doc]
                #[default]
                $first,
                $(
                    #[doc = $doc]
                    $setting $({
                        #[doc = "How much."]
                        $part: $part_type
                    })?,
                )+
            }
        )+

        /// Every switch of a tenant.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Switches {
            $(
                #[doc = concat!("Row ", $number, ". ", $unknown, ".")]
                pub $field: $kind,
            )+
        }

        /// Every switch in the order of the list of unknowns.
        pub fn table() -> Vec<Row> {
            vec![$(Row {
                number: $number,
                field: stringify!($field),
                unknown: $unknown,
                settings: vec![
                    (snake(stringify!($first)), $first_doc),
                    $((
                        [snake(stringify!($setting)), $(format!("{{{}}}", stringify!($part)))?].concat(),
                        $doc,
                    ),)+
                ],
            }),+]
        }
    };
}

switches! {
    1 duplicate_name: DuplicateName = "A second group of the same name" {
        Allow: "it is made",
        Refuse: "400",
        RefuseIgnoringCase: "400, upper and lower case alike",
    }
    2 source_in_two_groups: SourceInTwoGroups = "A source that another group holds already" {
        Refuse: "400",
        Allow: "it is in both",
        Move: "it silently leaves the other group",
    }
    3 too_few_sources: TooFewSources = "A group of no source or of one" {
        Refuse: "400 below two",
        AllowOne: "400 only without any",
        AllowNone: "accepted",
    }
    4 unknown_reference: UnknownReference = "A source id or policy id that does not exist" {
        BadRequest: "400",
        NotFound: "404",
        Accept: "accepted",
    }
    5 unfit_source: UnfitSource =
        "A source without PASSWORD, not direct, or authenticating without an application" {
        Refuse: "400 that says which and why",
        Accept: "accepted",
    }
    6 source_with_exceptions: SourceWithExceptions = "A source with policy exceptions joins a group" {
        Accept: "accepted, the exceptions stay",
        Refuse: "400",
        DropExceptions: "accepted, the exceptions are lost",
    }
    7 name_rule: NameRule = "An empty, a long (over 128) or a padded name" {
        Limit: "400 if blank or longer than 128 characters",
        Unchecked: "accepted as it is",
        Trim: "blanks at both ends are cut off, then as `limit`",
    }
    8 source_ids: SourceIds = "Repeated ids in sourceIds, and their order in answers" {
        Deduplicate: "repeats are dropped, order kept",
        Keep: "stored and shown as sent",
        Sort: "repeats are dropped, sorted",
        Shuffle: "repeats are dropped, in another order on each read",
    }
    9 put_missing_field: PutMissingField = "A field left out of a PUT" {
        Clear: "it is cleared, which is a 400 where it is needed",
        KeepOld: "it keeps its old value",
    }
    10 put_other_id: PutOtherId = "A PUT whose body carries another id than the path" {
        PathWins: "the body's id is ignored",
        Refuse: "400",
    }
    11 put_read_only: PutReadOnly = "A PUT that carries created or modified" {
        Ignore: "ignored",
        Refuse: "400",
    }
    12 unknown_fields: UnknownFields = "A field the object does not have" {
        Ignore: "ignored",
        Refuse: "400",
    }
    13 delete_absent: DeleteAbsent = "DELETE of a group that is not there" {
        NoContent: "204",
        NotFound: "404, which the documents do not list for this operation",
        BadRequest: "400",
        ServerError: "500",
    }
    14 malformed_id: MalformedId = "A group id that is no UUID" {
        NotFound: "404",
        BadRequest: "400",
    }
    15 policy_after_delete: PolicyAfterDelete = "The group's policy on each source after DELETE" {
        AtOnce: "put on each source, replacing what it had",
        Delayed { seconds: u64 }: "the same, some seconds later",
        Never: "not put on any source",
        OnlyIfNone: "only put on sources without a policy of their own",
    }
    16 policy_while_grouped: PolicyWhileGrouped =
        "What a grouped source's passwordPolicies and a policy's sourceIds show" {
        Shown: "the group's policy",
        Hidden: "the source's own policies",
        Delayed { seconds: u64 }: "the group's policy, some seconds after joining",
    }
    17 policy_after_leave: PolicyAfterLeave = "The policy of a source that a PUT drops from its group" {
        GroupPolicy: "the group's policy is put on it",
        DefaultPolicy: "the org's default policy is put on it",
        PreviousPolicy: "what it had before stays",
    }
    18 delete_used_policy: DeleteUsedPolicy = "DELETE of a policy in use, or of the default one" {
        Refuse: "400",
        Allow: "204, references dangle",
    }
    19 reads: Reads = "Whether reads of groups are current, ordered and steady" {
        Steady: "current, in the order they were made",
        Lagging { seconds: u64 }: "lists and single reads show the past",
        Shuffled: "each list read comes in another order",
        SkipBetweenPages: "each page after the first starts one too late",
    }
    20 timestamps: Timestamps = "The form of created and modified" {
        Millis: "three digits and Z",
        Seconds: "no fraction",
        Nanos: "nine digits",
        Offset: "three digits and +00:00",
        Null: "null",
        Absent: "left out",
    }
    21 gateway_errors: GatewayErrors = "The bodies of 401, 403 and 429, and Retry-After" {
        AsDocumented: "JSON as documented, Retry-After in whole seconds",
        Empty: "no body",
        Html: "an HTML page",
        NoRetryAfter: "JSON, 429 without Retry-After",
        RetryAfterZero: "JSON, Retry-After is 0",
        RetryAfterDate: "JSON, Retry-After is an HTTP date",
    }
    22 token_life: TokenLife = "How long a token lives, unless the credential says otherwise" {
        Documented: "749 s",
        TwelveHours: "43,200 s",
        FiveSeconds: "5 s",
        EndsEarly: "announced as 749 s, dead after 600 s (a skewed clock)",
    }
    23 rate_window: RateWindow = "What the rate limit counts, and how" {
        Fixed: "fixed windows for each client_id and version",
        Sliding: "a sliding window for each client_id and version",
        TokenBucket: "a bucket for each client_id and version",
        FixedPerToken: "fixed windows for each access token",
        SlidingPerToken: "a sliding window for each access token",
        TokenBucketPerToken: "a bucket for each access token",
    }
    24 missing_experimental_header: MissingExperimentalHeader =
        "An experimental operation without X-SailPoint-Experimental" {
        BadRequest: "400",
        NotFound: "404",
        Forbidden: "403",
        Accept: "carried out all the same, for clients that do not send it",
    }
    25 post_answer: PostAnswer = "What happens to the answer of a POST that made a group" {
        Sent: "it is sent",
        Lost: "the connection is cut",
        BadGateway: "502",
        GatewayTimeout: "504",
    }
    26 licence: Licence = "Whether the tenant has Password Management" {
        Present: "it has",
        MissingForbidden: "403 on every write",
        MissingBadRequest: "400 on every write",
    }
    27 limit_above_max: LimitAboveMax = "A limit above 250" {
        Refuse: "400",
        Clamp: "taken as 250",
    }
    28 policy_dates: PolicyDates = "The form of a policy's dates" {
        EpochMillis: "milliseconds as a number",
        Iso: "an ISO 8601 string",
    }
    29 unknown_source_values: UnknownSourceValues = "Values and fields of sources that came later" {
        Off: "only documented ones",
        On: "an unknown feature, an unknown status and an unknown field",
    }
    30 available_sources: AvailableSources = "GET /password-sync-groups/available-sources" {
        NotServed: "404",
        Served: "ungrouped sources with PASSWORD",
    }
    31 bogus_content_encoding: BogusContentEncoding = "Content-Encoding: UTF-8 on every 4xx" {
        Off: "not sent",
        On: "sent",
    }
    32 post_read_only: PostReadOnly = "A POST that carries id, created or modified" {
        Ignore: "ignored",
        Refuse: "400",
        Honour: "stored as sent",
    }
    33 policy_after_join: PolicyAfterJoin = "The own policy of a source that joins a group" {
        Stays: "it stays beside the group's",
        Dropped: "it is taken away; exceptions stay",
    }
    34 token_scope: TokenScope = "The scope in a token answer" {
        Granted: "the scopes of the token",
        ReadWrite: "`read write`, as in the vendor's example, whatever the token may do",
        Opaque: "`FA==`, whatever the token may do",
    }
    35 totals: Totals = "X-Total-Count, when a list is asked for it" {
        Exact: "the number of rows",
        OneHigh: "one more than there are",
        OneLow: "one less than there are",
        Never: "not sent",
    }
    36 page_cap: PageCap = "The most rows of a page, whatever limit asks for" {
        Documented: "250",
        Hundred: "100",
    }
    37 connection_type: ConnectionType = "The connectionType that sources show" {
        Shown: "their own",
        Null: "null",
        LeftOut: "left out",
    }
    38 source_size: SourceSize = "The size of a source in an answer" {
        Plain: "what its fields take",
        Padded { bytes: usize }: "filled up to that many bytes in connectorAttributes",
    }
    39 event_actions: EventActions = "The action of the audit events of a password change" {
        SearchReference: "`passwordChange`, and `passwordChangeFailure` for a failure",
        LogParser: "`PasswordChange`, `PasswordChangeSuccess`, `PasswordChangeFailure`",
    }
    40 search: Search = "POST /search" {
        Served: "it finds audit events",
        NotFound: "404",
        Forbidden: "403",
    }
    41 event_lag: EventLag = "When a search finds an audit event" {
        None: "at once",
        Delayed { seconds: u64 }: "some seconds later, which `synced` shows",
    }
    42 event_source_names: EventSourceNames = "Whether an audit event names its source" {
        Present: "in attributes.sourceName",
        LeftOut: "it does not",
    }
    43 event_form: EventForm = "The form of audit events" {
        Documented: "as in the vendor's schema",
        ExtraFields: "with a field that came later",
        NullAttributes: "attributes is null",
        WithoutCreated: "created is left out",
        All: "the last three together",
    }
    44 event_matching: EventMatching = "Which texts a query for audit events matches" {
        Exact: "the same text",
        IgnoringCase: "the same text, upper and lower case alike",
    }
}

/// The table of the documentation page.
pub fn markdown() -> String {
    let mut text = String::from(
        "| row | switch | unknown | settings, the default first |\n|---|---|---|---|\n",
    );
    for row in table() {
        let settings: Vec<String> = row
            .settings
            .iter()
            .map(|(name, doc)| format!("`{name}`: {doc}"))
            .collect();
        let line = [
            row.number.to_string(),
            format!("`{}`", row.field),
            row.unknown.to_owned(),
            settings.join("; "),
        ];
        text.push_str("| ");
        text.push_str(&line.join(" | "));
        text.push_str(" |\n");
    }
    text
}

/// Merges some switches, given as JSON, into the present ones.
pub fn patched(
    current: &Switches,
    patch: &serde_json::Value,
) -> Result<Switches, serde_json::Error> {
    let mut merged = serde_json::to_value(current)?;
    if let (Some(merged), Some(patch)) = (merged.as_object_mut(), patch.as_object()) {
        merged.extend(patch.clone());
        return serde_json::from_value(serde_json::Value::Object(merged.clone()));
    }
    Err(serde::de::Error::custom("switches are an object"))
}

fn snake(camel: &str) -> String {
    let mut out = String::new();
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_row_of_the_list_has_one_switch() {
        let numbers: Vec<u8> = table().iter().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=44).collect::<Vec<_>>());
    }

    #[test]
    fn every_documented_setting_is_accepted() {
        for row in table() {
            for (name, _) in row.settings {
                let value = match name.split_once('{') {
                    Some((name, part)) => json!({name: {part.trim_end_matches('}'): 3}}),
                    None => json!(name),
                };
                let patch = json!({row.field: value});
                let switches = patched(&Switches::default(), &patch).unwrap();
                let shown = serde_json::to_value(switches).unwrap();
                assert_eq!(shown[row.field], patch[row.field]);
            }
        }
    }

    #[test]
    fn an_unknown_switch_or_setting_is_refused() {
        assert!(patched(&Switches::default(), &json!({"nonsense": "on"})).is_err());
        assert!(patched(&Switches::default(), &json!({"duplicate_name": "nonsense"})).is_err());
        assert!(patched(&Switches::default(), &json!([])).is_err());
    }

    #[test]
    fn a_patch_leaves_other_switches_alone() {
        let first = patched(&Switches::default(), &json!({"duplicate_name": "refuse"})).unwrap();
        let second = patched(&first, &json!({"licence": "missing_forbidden"})).unwrap();
        assert_eq!(second.duplicate_name, DuplicateName::Refuse);
        assert_eq!(second.licence, Licence::MissingForbidden);
    }

    #[test]
    fn the_documentation_shows_this_table() {
        let page = include_str!("../../docs/simulator.md");
        assert!(
            page.contains(&markdown()),
            "put this into docs/simulator.md:\n{}",
            markdown()
        );
    }
}
