//! Tests: what a plan says in each form, whatever the names in it hold.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    document::{
        API_VERSION, Aligned, Alignment, Document, Effect, Field, Membership, Named, Outcome,
        Refusal, Request, Resource, Source, Summary, Tenant,
    },
    html, markdown, text,
};
use crate::{forms, terminal};

/// A plan in which everything that others may write is this.
fn plan(name: &str, resources: usize) -> Document {
    let named = |id: &str| Named {
        id: Some(id.to_owned()),
        name: name.to_owned(),
    };
    let resource = |number: usize| Resource {
        namespace: "identity".to_owned(),
        name: format!("group-{number}"),
        outcome: if number == 0 {
            Outcome::Refused
        } else {
            Outcome::Update
        },
        refusal: (number == 0).then(|| Refusal {
            reason: "SourceNotFound",
            message: name.to_owned(),
            remedy: "Correct the reference, or create the source.".to_owned(),
        }),
        group: Some(named("g")),
        fields: vec![Field {
            field: "sources",
            was: BTreeSet::from(["Kept".to_owned(), format!("{name}-")]),
            will_be: BTreeSet::from(["Kept".to_owned(), format!("{name}+")]),
        }],
        requests: vec![Request {
            order: number,
            method: "PUT",
            path: "/password-sync-groups/g".to_owned(),
            summary: format!("update sources of group \"{name}\""),
        }],
    };
    let source = Source {
        id: "s".to_owned(),
        name: name.to_owned(),
        effect: Effect::Moved,
        before: Membership {
            group: Some(named("g")),
            policy: Some(named("p")),
        },
        after: Membership::default(),
        alignment: Some(Alignment {
            verdict: Aligned::Mismatched,
            message: name.to_owned(),
            undecided: vec!["useDictionary"],
        }),
        accounts: Some(1_234_567),
        applications: None,
    };
    Document {
        api_version: API_VERSION,
        kind: "Plan",
        summary: Summary {
            update: resources.saturating_sub(1),
            refused: 1,
            sources: 1,
            accounts: 1_234_567,
            ..Summary::default()
        },
        tenants: vec![Tenant {
            host: "acme.api.identitynow.com".to_owned(),
            resources: (0..resources).map(resource).collect(),
            sources: vec![source],
        }],
        warnings: vec![name.to_owned()],
    }
}

#[test]
fn a_group_that_is_renamed_is_one_column_of_the_matrix() {
    let mut plan = plan("Old", 0);
    let source = &mut plan.tenants[0].sources[0];
    let renamed = Named {
        id: Some("g".to_owned()),
        name: "New".to_owned(),
    };
    source.after.group = Some(renamed);
    let page = html::page(&plan);
    let matrix = page.split("class=\"matrix\"").nth(1).unwrap();
    let matrix = matrix.split("</table>").next().unwrap();
    assert_eq!(matrix.matches("scope=\"col\"").count(), 2, "{matrix}");
    assert!(
        matrix.contains("New") && matrix.contains("stays"),
        "{matrix}"
    );
}

#[test]
fn the_text_is_this() {
    let printed = terminal::print(&text::lines(&plan("Workday", 2)), false);
    let expected = "\
Tenant acme.api.identitynow.com

identity/group-0: refused, SourceNotFound
  sources  - Workday-
           + Workday+
             (1 unchanged)
  Workday
  Correct the reference, or create the source.

identity/group-1: update group \"Workday\" (g)
  sources  - Workday-
           + Workday+
             (1 unchanged)

Requests, in this order:
   1. PUT    /password-sync-groups/g
      update sources of group \"Workday\"
   2. PUT    /password-sync-groups/g
      update sources of group \"Workday\"

Passwords on these sources:
  SOURCE                              ACCOUNTS  APPS  CHANGE
  Workday                            1,234,567     ?  moves to another group
      before  Workday (group Workday)
      after   no policy
      policy  Workday

warning: Workday

1 to update; 1 refused. It touches passwords on 1 source with 1,234,567
accounts.
Nothing was written.
";
    assert_eq!(printed, expected);
}

#[test]
fn a_comment_is_never_too_long_and_says_what_it_leaves_out() {
    let long = markdown::comment(&plan(&"x".repeat(400), 1_000));
    assert!(long.len() <= markdown::LONGEST, "{}", long.len());
    assert!(long.contains("lines do not fit into this comment"));
    assert_eq!(
        long.matches("<details>").count(),
        long.matches("</details>").count()
    );
    let short = markdown::comment(&plan("Workday", 3));
    assert!(!short.contains("do not fit"), "{short}");
    assert!(short.contains("| <code>identity/group-1</code> | update <code>Workday</code> |"));
    let many = markdown::comment(&plan(&"|".repeat(60_000), 3));
    assert!(many.len() <= markdown::LONGEST, "{}", many.len());
}

#[test]
fn nobody_is_mentioned_and_nothing_is_markup_in_a_comment() {
    let hostile = "@team | <img src=x> `a` **b** [c](d) #1 &amp; ![e](f)\n# g";
    let comment = markdown::comment(&plan(hostile, 2));
    for markup in [
        "@team", "<img", "`a`", "**b**", "[c]", " #1 ", "![e]", "\n# g",
    ] {
        assert!(!comment.contains(markup), "{markup}\n{comment}");
    }
    let rows = comment
        .lines()
        .filter(|line| line.starts_with("| <code>identity"));
    for row in rows {
        assert_eq!(row.matches('|').count(), 4, "{row}");
    }
}

#[test]
fn a_page_runs_nothing_and_loads_nothing() {
    let page = html::page(&plan("<script>alert(1)</script>\" onload=\"x", 2));
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains("onload=\"x"), "{page}");
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'"));
    for loads in ["http://", "https://", "url(", "@import"] {
        assert!(!page.contains(loads), "{loads}");
    }
}

proptest! {
    #[test]
    fn no_form_obeys_a_name(name in any::<String>(), resources in 1_usize..4) {
        let plan = plan(&name, resources);
        let hidden = |text: &str| text.replace('\n', "").contains(psg_domain::text::is_hidden);
        prop_assert!(!hidden(&terminal::print(&text::lines(&plan), false)));
        let comment = markdown::comment(&plan);
        prop_assert!(!hidden(&comment));
        prop_assert!(comment.len() <= markdown::LONGEST);
        prop_assert!(!hidden(&html::page(&plan)));
    }

    #[test]
    fn json_and_yaml_say_the_same(name in "[ -~é🔑\u{202e}\u{200f}\u{1b}]{0,40}") {
        let plan = plan(&name, 2);
        let json = serde_json::to_value(&plan).unwrap();
        let yaml = forms::yaml(&plan).unwrap();
        prop_assert_eq!(psg_domain::text::lines(&yaml), yaml.as_str(), "nothing acts on a terminal");
        let yaml: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        prop_assert_eq!(json, yaml);
    }
}
