//! Every flag in one table: what each text means, and what refuses it. No flag is left out.

use clap::{CommandFactory, Parser};

use super::*;
use crate::args::Args;

/// A flag, texts with their meanings, and texts that are refused with a part of what is said.
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
);

const LENGTHS: &[(&str, &str)] = &[("500ms", "500ms"), (" 30s ", "30s"), ("1h30m", "5400s")];
const NO_LENGTHS: &[(&str, &str)] = &[
    ("", "such as 500ms, 30s or 5m"),
    ("30", "such as 500ms"),
    ("0s", "from 10ms"),
    ("1ms", "from 10ms"),
    ("-5s", "such as 500ms"),
    ("soon", "such as 500ms"),
    ("8761h", "to 8760h"),
];

const ROWS: [Row; 20] = [
    (
        "watch-namespace",
        &[
            ("", "[]"),
            ("a,", "[\"a\"]"),
            (" b , a,b,,", "[\"b\", \"a\"]"),
        ],
        &[
            (",", "nothing between its commas"),
            ("a,B", "\"B\" is not the name of a namespace"),
            ("a b", "\"a b\" is not the name of a namespace"),
            ("a/b", "small letters, digits and dashes"),
            ("*", "\"*\" is not"),
            ("-a", "such as identity"),
        ],
    ),
    (
        "listen",
        &[
            (" 127.0.0.1:8080 ", "127.0.0.1:8080"),
            ("[::]:80", "[::]:80"),
        ],
        &[
            ("", "such as 0.0.0.0:8080"),
            (":8080", "such as 0.0.0.0:8080"),
            ("8080", "such as"),
            ("localhost:8080", "such as"),
            ("127.0.0.1:0", "such as"),
            ("http://0.0.0.0:8080", "such as"),
        ],
    ),
    (
        "metrics-listen",
        &[("127.0.0.1:9090", "Some(127.0.0.1:9090)")],
        &[("", "such as"), ("127.0.0.1", "such as")],
    ),
    (
        "allow-host",
        &[
            (
                "",
                "[\"api.identitynow.com\", \"api.identitynow-demo.com\"]",
            ),
            (
                " ACME.api.identitynow.com ,",
                "[\"acme.api.identitynow.com\"]",
            ),
            (
                "b.example,a.example,b.example",
                "[\"b.example\", \"a.example\"]",
            ),
        ],
        &[
            (",", "nothing between its commas"),
            ("https://a.example", "has a scheme: write a.example,"),
            (
                "https://u:p@a.example:443/v3?q",
                "has a scheme: write a.example,",
            ),
            ("a.example:443", "has a port: write a.example,"),
            ("a.example/v3", "has more than a host: write a.example,"),
            (
                "*.a.example",
                "has a star: write a.example, which allows its subdomains as well",
            ),
            ("*", "has a star; write a domain such as"),
            (".a.example", "has a dot too many: write a.example,"),
            ("a.example.", "has a dot too many: write a.example,"),
            ("a_b.example", "letters, digits, dashes and dots, in ASCII"),
            ("xn--e1afmkfd.example", "in ASCII"),
            ("a example", "in ASCII"),
        ],
    ),
    (
        "allow-insecure-tenants",
        &[],
        // By its variable it has a value; `switch` is tried below.
        &[("true", "unexpected value")],
    ),
    ("settle", LENGTHS, NO_LENGTHS),
    ("confirm-gap", LENGTHS, NO_LENGTHS),
    ("post-timeout", LENGTHS, NO_LENGTHS),
    ("credentials-retry", LENGTHS, NO_LENGTHS),
    ("probe-interval", LENGTHS, NO_LENGTHS),
    ("resync", LENGTHS, NO_LENGTHS),
    (
        "lease",
        &[
            (" psg-operator ", "Some(\"psg-operator\")"),
            ("a.b", "Some(\"a.b\")"),
        ],
        &[
            ("", "leave it out if there is one process alone"),
            ("Psg", "small letters"),
            ("ns/psg", "small letters"),
            ("a b", "small letters"),
        ],
    ),
    (
        "lease-namespace",
        &[(" psg-system ", "Some(\"psg-system\")")],
        &[("", "such as identity"), ("a.b", "such as identity")],
    ),
    (
        "lease-identity",
        &[
            (" psg-0 ", "Some(\"psg-0\")"),
            ("Host_1", "Some(\"Host_1\")"),
        ],
        &[
            ("", "leave it out for the host's"),
            ("a b", "visible ASCII"),
            ("é", "visible ASCII"),
        ],
    ),
    ("lease-duration", LENGTHS, NO_LENGTHS),
    ("lease-renew", LENGTHS, NO_LENGTHS),
    ("drain", LENGTHS, NO_LENGTHS),
    (
        "audit-log",
        &[
            (" - ", "Stdout"),
            ("Off", "Off"),
            ("/var/log/a.jsonl", "File(\"/var/log/a.jsonl\")"),
            ("./stdout", "File(\"./stdout\")"),
        ],
        &[
            ("", "- for standard output, or off"),
            ("stdout", "which may be ./stdout"),
            ("NONE", "off"),
        ],
    ),
    (
        "audit-annotations",
        &[
            ("", "[]"),
            (
                "example.com/ticket, owner,owner",
                "[\"example.com/ticket\", \"owner\"]",
            ),
        ],
        &[
            (",", "nothing between its commas"),
            ("a/b/c", "such as example.com/change-ticket"),
            ("a=b", "is not the key of an annotation"),
        ],
    ),
    (
        "log-format",
        &[(" JSON ", "Json"), ("text", "Text")],
        &[
            ("", "neither json nor text"),
            ("xml", "neither json nor text"),
        ],
    ),
];

/// The level is tried beside its own rules, in `telemetry`.
const LEVEL: Row = (
    "log-level",
    &[
        ("Warning", "\"warn\""),
        ("psg_controller=debug,info", "\"psg_controller=debug,info\""),
    ],
    &[
        ("", "write info"),
        ("verbose", "off, error, warn, info, debug or trace"),
    ],
);

fn parse(flag: &str, text: &str) -> Result<Args, String> {
    let word = format!("--{flag}={text}");
    Args::try_parse_from(["psg-operator", &word]).map_err(|error| error.to_string())
}

/// What a flag came to, in the form in which it is shown for debugging.
fn meaning(args: &Args, flag: &str) -> String {
    match flag {
        "watch-namespace" => format!("{:?}", args.watch_namespaces()),
        "listen" => args.listen.to_string(),
        "metrics-listen" => format!("{:?}", args.metrics_listen),
        "allow-host" => format!("{:?}", args.settings().unwrap().hosts.suffixes),
        "settle" => format!("{:?}", args.settle),
        "confirm-gap" => format!("{:?}", args.confirm_gap),
        "post-timeout" => format!("{:?}", args.post_timeout),
        "credentials-retry" => format!("{:?}", args.credentials_retry),
        "probe-interval" => format!("{:?}", args.probe_interval),
        "resync" => format!("{:?}", args.resync),
        "lease" => format!("{:?}", args.lease),
        "lease-namespace" => format!("{:?}", args.lease_namespace),
        "lease-identity" => format!("{:?}", args.lease_identity),
        "lease-duration" => format!("{:?}", args.lease_duration),
        "lease-renew" => format!("{:?}", args.lease_renew),
        "drain" => format!("{:?}", args.drain),
        "audit-log" => format!("{:?}", args.audit_log),
        "audit-annotations" => format!("{:?}", args.audit_annotations()),
        "log-format" => format!("{:?}", args.log_format),
        "log-level" => format!("{:?}", args.log_level),
        other => panic!("{other} has no meaning here"),
    }
}

#[test]
fn every_flag_means_what_the_table_says_or_is_refused_with_the_remedy() {
    for (flag, meanings, refusals) in ROWS.iter().chain([&LEVEL]) {
        for (text, meant) in *meanings {
            let args = parse(flag, text).unwrap_or_else(|why| panic!("--{flag}={text:?}: {why}"));
            assert_eq!(meaning(&args, flag), *meant, "--{flag}={text:?}");
        }
        for (text, part) in *refusals {
            let said = parse(flag, text).expect_err(&format!("--{flag}={text:?} is taken"));
            assert!(said.contains(part), "--{flag}={text:?}: {said}");
            assert!(said.contains(&format!("--{flag}")), "{said}");
        }
    }
}

#[test]
fn no_flag_is_missing_in_the_table_and_each_has_a_variable() {
    let command = Args::command();
    let flags = command.get_arguments().map(|arg| {
        let flag = arg.get_long().unwrap();
        assert!(arg.get_env().is_some(), "--{flag} has no variable");
        flag
    });
    let mut flags: Vec<&str> = flags.collect();
    flags.sort_unstable();
    let rows = ROWS.iter().chain([&LEVEL]).map(|row| row.0);
    // `company` judges these two: a refusal here would repeat what was given.
    let mut rows: Vec<&str> = rows.chain(["tenant-ca", "tenant-proxy"]).collect();
    rows.sort_unstable();
    assert_eq!(flags, rows);
}

#[test]
fn a_switch_is_on_or_off_and_not_whatever_is_not_off() {
    for (text, on) in [
        ("true", true),
        (" Yes ", true),
        ("1", true),
        ("off", false),
        ("0", false),
    ] {
        assert_eq!(switch(text), Ok(on), "{text}");
    }
    for wrong in ["", "ture", "2", "enabled"] {
        assert!(switch(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn addresses_and_names_without_a_dot_are_allowed_in_tests_alone() {
    for host in ["127.0.0.1", "[::1]", "localhost", "com"] {
        let flag = format!("--allow-host={host}");
        let args = Args::try_parse_from(["psg-operator", &flag]).unwrap();
        let said = args.settings().unwrap_err().to_string();
        assert!(
            said.contains(host) && said.contains("--allow-insecure-tenants"),
            "{said}"
        );
        let words = ["psg-operator", &flag, "--allow-insecure-tenants"];
        let args = Args::try_parse_from(words).unwrap();
        assert_eq!(args.settings().unwrap().hosts.suffixes, [host]);
    }
}

#[test]
fn one_address_is_not_served_twice() {
    let words = [
        "psg-operator",
        "--listen=127.0.0.1:1",
        "--metrics-listen=127.0.0.1:1",
    ];
    let args = Args::try_parse_from(words).unwrap();
    let said = args.settings().unwrap_err().to_string();
    assert!(said.contains("leave --metrics-listen out"), "{said}");
}

#[test]
fn a_flag_that_is_given_again_adds_to_the_list() {
    let words = [
        "psg-operator",
        "--watch-namespace=a,b",
        "--watch-namespace=",
        "--watch-namespace=b,c",
    ];
    let args = Args::try_parse_from(words).unwrap();
    assert_eq!(args.watch_namespaces(), ["a", "b", "c"]);
}
