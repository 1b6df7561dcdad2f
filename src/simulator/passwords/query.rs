//! The query language of the event search, the part that audit queries use. No IO.
//!
//! `field:value` with AND, OR, NOT and parentheses; a value may be quoted, a list `(a OR b)`, a
//! range `[from TO to]` or a comparison `>=time` (documentation.sailpoint.com, Building a Search
//! Query). Anything else is refused, and the refusal names the part: a query that the simulator
//! reads in another way than the service would hide a mistake.

mod moment;

use jiff::Timestamp;

use self::moment::moment;
use super::events::Event;
use crate::switches::EventMatching;

const TEXTS: [&str; 11] = [
    "type",
    "action",
    "status",
    "technicalName",
    "trackingNumber",
    "id",
    "name",
    "actor.name",
    "target.name",
    "attributes.sourceName",
    "operation",
];

/// Deeper parentheses are refused rather than followed: a request must not exhaust the stack.
const DEEPEST: usize = 50;

/// A query that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Query {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// One of the texts stands in the field.
    Text(String, Vec<String>),
    /// `created` is not before the first moment and not after the second.
    Created(Option<Timestamp>, Option<Timestamp>),
}

impl Query {
    /// Reads a query. The error names the part that is not understood.
    pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Self, String> {
        let mut parser = Parser { rest: text, now };
        let query = parser.any(0)?;
        match parser.peek() {
            None => Ok(query),
            Some(_) => Err(parser.unexpected("AND, OR or the end")),
        }
    }

    pub(crate) fn finds(&self, event: &Event, matching: EventMatching) -> bool {
        match self {
            Self::And(a, b) => a.finds(event, matching) && b.finds(event, matching),
            Self::Or(a, b) => a.finds(event, matching) || b.finds(event, matching),
            Self::Not(inner) => !inner.finds(event, matching),
            Self::Text(field, wanted) => event.text(field).is_some_and(|own| {
                wanted.iter().any(|wanted| match matching {
                    EventMatching::Exact => own == wanted,
                    EventMatching::IgnoringCase => own.to_lowercase() == wanted.to_lowercase(),
                })
            }),
            Self::Created(from, to) => {
                from.is_none_or(|from| from <= event.created)
                    && to.is_none_or(|to| event.created <= to)
            }
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    now: Timestamp,
}

impl<'a> Parser<'a> {
    fn any(&mut self, depth: usize) -> Result<Query, String> {
        let mut left = self.every(depth)?;
        while self.take_word("OR") {
            left = Query::Or(Box::new(left), Box::new(self.every(depth)?));
        }
        Ok(left)
    }

    fn every(&mut self, depth: usize) -> Result<Query, String> {
        let mut left = self.one(depth)?;
        while self.take_word("AND") {
            left = Query::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Query, String> {
        if depth > DEEPEST {
            return Err("there are too many parentheses".to_owned());
        }
        if self.take_word("NOT") {
            return Ok(Query::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take('(') {
            let inner = self.any(depth + 1)?;
            return if self.take(')') {
                Ok(inner)
            } else {
                Err(self.unexpected("a closing parenthesis"))
            };
        }
        let field = self.until(&[':', '(', ')', '"']);
        let Some(rest) = self.rest.strip_prefix(':').filter(|_| !field.is_empty()) else {
            return Err(format!(
                "expected field:value at {:?}",
                shorten(field, self.rest)
            ));
        };
        self.rest = rest;
        if field == "created" {
            return self.time_of_creation();
        }
        if !TEXTS.contains(&field) {
            return Err(format!("the field {field:?} is not simulated"));
        }
        Ok(Query::Text(field.to_owned(), self.values()?))
    }

    /// One value, or a list of them: `(a OR b)`.
    fn values(&mut self) -> Result<Vec<String>, String> {
        if !self.rest.starts_with('(') {
            return Ok(vec![self.value()?]);
        }
        self.take('(');
        let mut values = vec![self.value()?];
        while self.take_word("OR") {
            values.push(self.value()?);
        }
        if self.take(')') {
            Ok(values)
        } else {
            Err(self.unexpected("OR or a closing parenthesis"))
        }
    }

    fn value(&mut self) -> Result<String, String> {
        self.skip_blanks();
        if let Some(rest) = self.rest.strip_prefix('"') {
            return self.quoted(rest);
        }
        let word = self.until(&['(', ')', '"']);
        if word.is_empty() || ["AND", "OR", "NOT", "TO"].contains(&word) {
            return Err(format!(
                "expected a value at {:?}",
                shorten(word, self.rest)
            ));
        }
        match word.find([
            '*', '?', '~', '^', '[', ']', '{', '}', '<', '>', '/', '\\', ':',
        ]) {
            Some(_) => Err(format!(
                "the value {word:?} is not simulated: put it into quotes"
            )),
            None => Ok(word.to_owned()),
        }
    }

    fn quoted(&mut self, rest: &'a str) -> Result<String, String> {
        let mut text = String::new();
        let mut letters = rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &rest[at + 1..];
                    return Ok(text);
                }
                '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
                letter => text.push(letter),
            }
        }
        Err(format!("{:?} has no closing quote", shorten("\"", rest)))
    }

    fn time_of_creation(&mut self) -> Result<Query, String> {
        if self.take('[') {
            let from = self.moment()?;
            if !self.take_word("TO") {
                return Err(self.unexpected("TO"));
            }
            let to = self.moment()?;
            return if self.take(']') {
                Ok(Query::Created(from, to))
            } else {
                Err(self.unexpected("a closing bracket"))
            };
        }
        for sign in [">=", "<=", ">", "<"] {
            let Some(rest) = self.rest.strip_prefix(sign) else {
                continue;
            };
            self.rest = rest;
            let Some(at) = self.moment()? else {
                return Err(format!("{sign}* is no time"));
            };
            let inner = match sign {
                ">=" => Query::Created(Some(at), None),
                "<=" => Query::Created(None, Some(at)),
                ">" => Query::Not(Box::new(Query::Created(None, Some(at)))),
                _ => Query::Not(Box::new(Query::Created(Some(at), None))),
            };
            return Ok(inner);
        }
        Err(self.unexpected("created:[from TO to] or a comparison such as created:>=time"))
    }

    /// A moment; `*` is none.
    fn moment(&mut self) -> Result<Option<Timestamp>, String> {
        self.skip_blanks();
        if let Some(rest) = self.rest.strip_prefix('"') {
            let text = self.quoted(rest)?;
            return moment(&text, self.now).map(Some);
        }
        match self.until(&['(', ')', '[', ']', '{', '}', '"']) {
            "*" => Ok(None),
            word => moment(word, self.now).map(Some),
        }
    }

    /// What comes before a blank or one of the letters.
    fn until(&mut self, ends: &[char]) -> &'a str {
        self.skip_blanks();
        let end = |letter: char| letter.is_whitespace() || ends.contains(&letter);
        let (word, rest) = self
            .rest
            .split_at(self.rest.find(end).unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn take(&mut self, letter: char) -> bool {
        self.skip_blanks();
        let rest = self.rest.strip_prefix(letter);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let ends = |rest: &str| rest.starts_with(|next: char| next.is_whitespace() || next == '(');
        let rest = self.rest.strip_prefix(word).filter(|rest| ends(rest));
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_blanks();
        self.rest.chars().next()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn unexpected(&self, wanted: &str) -> String {
        format!("expected {wanted} at {:?}", shorten("", self.rest))
    }
}

/// The first letters of what was not understood.
fn shorten(begin: &str, rest: &str) -> String {
    begin.chars().chain(rest.chars()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::{Clock, plus_seconds},
        passwords::events::{About, EventLog, Kind},
        switches::Switches,
    };

    fn finds(query: &str) -> bool {
        let now = Clock::fixed().now();
        let mut log = EventLog::default();
        let about = About {
            kind: Kind::Failed,
            actor: "ada",
            target: "Ada \"the\" First",
            tracking: "t1",
            source: "Active Directory",
            error: Some("no"),
        };
        log.add(&about, &Switches::default(), now);
        let event = log.found(now).next().unwrap();
        let query = Query::parse(query, plus_seconds(now, 3600)).unwrap();
        query.finds(event, EventMatching::Exact)
    }

    #[test]
    fn the_queries_of_audits_are_read() {
        for query in [
            "type:PASSWORD_ACTIVITY",
            "action:(passwordChange OR passwordChangeFailure)",
            "attributes.sourceName:\"Active Directory\" AND status:FAILED",
            "NOT status:PASSED AND (operation:RESET OR operation:CHANGE)",
            "NOT(status:PASSED) AND trackingNumber:t1",
            r#"target.name:"Ada \"the\" First""#,
            "actor.name:(bob OR \"ada\")",
            "created:[now-2h TO now]",
            "created:[2026-01-01T00:00:00.000Z TO *]",
            "created:[* TO \"2026-01-01T00:00:00Z\"]",
            "created:[2025-12-31 TO 2026-01-02]",
            "created:>=2026-01-01T00:00:00Z AND created:<=2026-01-01",
            "created:>now-61m AND created:<now+1d",
            "status:PASSED OR technicalName:PASSWORD_CHANGE_FAILED",
        ] {
            assert!(finds(query), "{query}");
        }
        for query in [
            "status:failed",
            "action:passwordchangefailure",
            "attributes.sourceName:Active",
            "created:[now-30m TO now]",
            "created:>2026-01-01T00:00:00Z",
            "created:<2026-01-01T00:00:00Z",
            "NOT type:PASSWORD_ACTIVITY OR id:x",
        ] {
            assert!(!finds(query), "{query}");
        }
    }

    #[test]
    fn case_can_be_ignored() {
        let now = Clock::fixed().now();
        let query = Query::parse("status:failed", now).unwrap();
        let mut log = EventLog::default();
        let about = About {
            kind: Kind::Failed,
            actor: "",
            target: "",
            tracking: "",
            source: "",
            error: None,
        };
        log.add(&about, &Switches::default(), now);
        let event = log.found(now).next().unwrap();
        assert!(query.finds(event, EventMatching::IgnoringCase));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let deep = "(".repeat(10_000);
        for (query, named) in [
            ("", "field:value"),
            ("passwordChange", "passwordChange"),
            ("attributes.pod:x", "attributes.pod"),
            ("synced:[now-1h TO now]", "synced"),
            ("action:password*", "password*"),
            ("action:", "a value"),
            ("action:AND status:x", "AND"),
            ("action:\"x", "closing quote"),
            ("action:[a TO b]", "[a"),
            ("action:(a AND b)", "AND b"),
            ("action:a status:b", "status:b"),
            ("action:a AND", "AND"),
            ("action:a and status:b", "and status:b"),
            ("(action:a", "closing parenthesis"),
            ("action:a)", "\")\""),
            ("created:now", "created:[from TO to]"),
            ("created:[now-1h TO now}", "closing bracket"),
            ("created:[now-1h now]", "TO"),
            ("created:>=*", ">=*"),
            ("created:[yesterday TO now]", "yesterday"),
            ("created:[now-1y TO now]", "now-1y"),
            ("created:[now1h TO now]", "now1h"),
            ("created:[now/d TO now]", "now/d"),
            (deep.as_str(), "too many parentheses"),
        ] {
            let error = Query::parse(query, Clock::fixed().now()).unwrap_err();
            assert!(error.contains(named), "{query}: {error}");
        }
    }
}
