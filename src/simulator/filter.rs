//! The filter and sorter grammar of lists. No IO.
//!
//! `field op value` with and, or, not and parentheses; strings in double quotes with `\"` and
//! `\\`. Each list says which operators it takes on which field; anything else is a 400.
//! Comparisons ignore case, as the vendor says they mostly do.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::errors::Refusal;

/// The operators that a list takes on one field.
pub(crate) type Allowed = (&'static str, &'static [&'static str]);

/// A value of an object, as filters and sorters see it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field<'a> {
    Null,
    Text(&'a str),
    Bool(bool),
    Time(Timestamp),
    List(&'a [String]),
}

/// Something that can be filtered and sorted.
pub(crate) trait Fields {
    fn field(&self, name: &str) -> Field<'_>;
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    All,
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Is {
        field: String,
        op: String,
        values: Vec<String>,
    },
}

impl Filter {
    /// Reads a filter; without text everything passes.
    pub(crate) fn parse(text: Option<&str>, allowed: &[Allowed]) -> Result<Self, Refusal> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(Self::All);
        };
        let mut parser = Parser {
            tokens: tokens(text)?,
            at: 0,
            allowed,
        };
        let filter = parser.any(0)?;
        match parser.next() {
            None => Ok(filter),
            Some(token) => Err(refused(&format!("nothing may follow: {token:?}"))),
        }
    }

    pub(crate) fn passes(&self, object: &impl Fields) -> bool {
        match self {
            Self::All => true,
            Self::And(a, b) => a.passes(object) && b.passes(object),
            Self::Or(a, b) => a.passes(object) || b.passes(object),
            Self::Not(inner) => !inner.passes(object),
            Self::Is { field, op, values } => holds(&object.field(field), op, values),
        }
    }
}

/// Sorts by a comma list of fields; `-` in front reverses the order.
pub(crate) fn sort<T: Fields>(
    rows: &mut [&T],
    sorters: Option<&str>,
    allowed: &[&str],
) -> Result<(), Refusal> {
    let Some(sorters) = sorters.filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    let mut keys = Vec::new();
    for part in sorters.split(',').map(str::trim) {
        let (name, down) = part
            .strip_prefix('-')
            .map_or((part, false), |name| (name, true));
        if !allowed.contains(&name) {
            return Err(refused(&format!("cannot sort by {name}")));
        }
        keys.push((name, down));
    }
    rows.sort_by(|a, b| {
        let by_key = keys.iter().map(|(name, down)| {
            let order = compare(&a.field(name), &b.field(name));
            if *down { order.reverse() } else { order }
        });
        by_key.fold(Ordering::Equal, Ordering::then)
    });
    Ok(())
}

fn compare(a: &Field<'_>, b: &Field<'_>) -> Ordering {
    match (a, b) {
        (Field::Time(a), Field::Time(b)) => a.cmp(b),
        (Field::Bool(a), Field::Bool(b)) => a.cmp(b),
        (Field::Text(a), Field::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
        (Field::Null, Field::Null) => Ordering::Equal,
        (Field::Null, _) => Ordering::Greater,
        (_, Field::Null) => Ordering::Less,
        _ => Ordering::Equal,
    }
}

fn holds(field: &Field<'_>, op: &str, values: &[String]) -> bool {
    let first = values.first().map_or("", String::as_str);
    let among = |list: &[String], value: &String| list.iter().any(|own| same(own, value));
    match (field, op) {
        (Field::Null, "isnull") => true,
        (_, "isnull") => false,
        (Field::Null, _) => op == "ne",
        (_, "pr") => true,
        (Field::List(list), "ca") => values.iter().all(|value| among(list, value)),
        (Field::List(list), "co") => among(list, &first.to_owned()),
        (Field::Text(text), "eq" | "in") => values.iter().any(|value| same(text, value)),
        (Field::Text(text), "ne") => !same(text, first),
        (Field::Text(text), "co") => text.to_lowercase().contains(&first.to_lowercase()),
        (Field::Text(text), "sw") => text.to_lowercase().starts_with(&first.to_lowercase()),
        (Field::Text(text), _) => ordered(text.to_lowercase().cmp(&first.to_lowercase()), op),
        (Field::Bool(flag), "eq") => same(first, &flag.to_string()),
        (Field::Bool(flag), "ne") => !same(first, &flag.to_string()),
        (Field::Time(time), "sw") => time.to_string().starts_with(first),
        (Field::Time(time), _) => values.iter().any(|value| {
            value
                .parse::<Timestamp>()
                .is_ok_and(|value| ordered(time.cmp(&value), op))
        }),
        _ => false,
    }
}

fn ordered(order: Ordering, op: &str) -> bool {
    match op {
        "eq" | "in" => order.is_eq(),
        "ne" => order.is_ne(),
        "gt" => order.is_gt(),
        "ge" => order.is_ge(),
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        _ => false,
    }
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn refused(why: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid filter or sorter: {why}"))
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Word(String),
    Quoted(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            ' ' | '\t' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            '"' => {
                let mut quoted = String::new();
                loop {
                    match rest.next() {
                        Some('"') => break,
                        Some('\\') => quoted.extend(rest.next()),
                        Some(other) => quoted.push(other),
                        None => return Err(refused("a string has no end")),
                    }
                }
                tokens.push(Token::Quoted(quoted));
            }
            other => {
                let mut word = String::from(other);
                while let Some(next) = rest.next_if(|next| !" \t(),\"".contains(*next)) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

/// Deeper parentheses are refused rather than followed: a request must not exhaust the stack.
const DEEPEST: usize = 50;

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    allowed: &'a [Allowed],
}

impl Parser<'_> {
    fn any(&mut self, depth: usize) -> Result<Filter, Refusal> {
        let mut left = self.every(depth)?;
        while self.take_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.every(depth)?));
        }
        Ok(left)
    }

    fn every(&mut self, depth: usize) -> Result<Filter, Refusal> {
        let mut left = self.one(depth)?;
        while self.take_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Filter, Refusal> {
        if depth > DEEPEST {
            return Err(refused("too many parentheses"));
        }
        if self.take_word("not") {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        match self.next() {
            Some(Token::Open) => {
                let inner = self.any(depth + 1)?;
                self.close()?;
                Ok(inner)
            }
            Some(Token::Word(op)) if op == "isnull" || op == "pr" => {
                let field = self.word()?;
                self.is(field, op, Vec::new())
            }
            Some(Token::Word(field)) => {
                let op = self.word()?;
                let values = match op.as_str() {
                    "isnull" | "pr" => Vec::new(),
                    "in" | "ca" => self.list()?,
                    _ => vec![self.value()?],
                };
                self.is(field, op, values)
            }
            _ => Err(refused("a field is missing")),
        }
    }

    fn is(&self, field: String, op: String, values: Vec<String>) -> Result<Filter, Refusal> {
        let allowed = self.allowed.iter().find(|(name, _)| *name == field);
        match allowed {
            Some((_, ops)) if ops.contains(&op.as_str()) => Ok(Filter::Is { field, op, values }),
            Some(_) => Err(refused(&format!("{field} does not take {op}"))),
            None => Err(refused(&format!("Invalid filter properties: {field}"))),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, Refusal> {
        if self.tokens.get(self.at) != Some(&Token::Open) {
            return Ok(vec![self.value()?]);
        }
        self.at += 1;
        let mut values = vec![self.value()?];
        while self.tokens.get(self.at) == Some(&Token::Comma) {
            self.at += 1;
            values.push(self.value()?);
        }
        self.close()?;
        Ok(values)
    }

    fn value(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Quoted(text) | Token::Word(text)) => Ok(text),
            _ => Err(refused("a value is missing")),
        }
    }

    fn word(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err(refused("an operator is missing")),
        }
    }

    fn close(&mut self) -> Result<(), Refusal> {
        match self.next() {
            Some(Token::Close) => Ok(()),
            _ => Err(refused("a parenthesis is not closed")),
        }
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Thing {
        name: &'static str,
        tags: Vec<String>,
        owner: Option<&'static str>,
        made: Timestamp,
    }

    impl Fields for Thing {
        fn field(&self, name: &str) -> Field<'_> {
            match name {
                "name" => Field::Text(self.name),
                "tags" => Field::List(&self.tags),
                "made" => Field::Time(self.made),
                "live" => Field::Bool(true),
                _ => self.owner.map_or(Field::Null, Field::Text),
            }
        }
    }

    const ALLOWED: &[Allowed] = &[
        (
            "name",
            &["eq", "in", "ne", "co", "sw", "gt", "le", "isnull"],
        ),
        ("tags", &["ca", "co"]),
        ("owner", &["isnull", "eq", "pr"]),
        ("made", &["gt", "lt", "eq"]),
        ("live", &["eq", "ne"]),
    ];

    fn passes(filter: &str) -> bool {
        let thing = Thing {
            name: "Active \"Main\" Directory",
            tags: vec!["PASSWORD".to_owned(), "UNLOCK".to_owned()],
            owner: None,
            made: "2025-01-02T00:00:00Z".parse().unwrap(),
        };
        Filter::parse(Some(filter), ALLOWED).unwrap().passes(&thing)
    }

    #[test]
    fn filters_read_as_documented() {
        for filter in [
            r#"name eq "active \"main\" directory""#,
            r#"name in ("x", "Active \"Main\" Directory")"#,
            r#"name sw "act" and name co "MAIN""#,
            r#"name ne "x" and (name eq "y" or tags ca ("PASSWORD","UNLOCK"))"#,
            r#"not name eq "x""#,
            r#"tags ca ("PASSWORD")"#,
            r#"tags co "UNLOCK""#,
            "owner isnull",
            "isnull owner",
            "made gt 2025-01-01T00:00:00Z and made lt 2025-01-03T00:00:00Z",
            "live eq true",
            r#"name gt "aaa" and name le "b""#,
        ] {
            assert!(passes(filter), "{filter}");
        }
        for filter in [
            r#"name eq "x" or owner eq "y""#,
            r#"tags ca ("PASSWORD","DELETE")"#,
            "pr owner",
            "isnull name",
            "live ne true",
            r#"name eq "y" and name eq "y" or name eq "z""#,
        ] {
            assert!(!passes(filter), "{filter}");
        }
    }

    #[test]
    fn what_a_list_does_not_take_is_a_400() {
        let deep = "(".repeat(10_000);
        for filter in [
            r#"nonsense eq "x""#,
            r#"tags eq "x""#,
            r#"name eq "x"#,
            r#"name eq "x" name"#,
            "name",
            "name eq",
            r#"(name eq "x""#,
            r#"name in ("x""#,
            r#"name EQ "x""#,
            deep.as_str(),
        ] {
            let refusal = Filter::parse(Some(filter), ALLOWED).unwrap_err();
            assert_eq!(refusal.status, 400);
        }
    }

    #[test]
    fn sorters_sort_and_turn_round() {
        let thing = |name, day: &str| Thing {
            name,
            tags: Vec::new(),
            owner: None,
            made: format!("2025-01-{day}T00:00:00Z").parse().unwrap(),
        };
        let things = [thing("b", "01"), thing("A", "02"), thing("b", "03")];
        let mut rows: Vec<&Thing> = things.iter().collect();
        sort(&mut rows, Some("name,-made"), &["name", "made"]).unwrap();
        let order: Vec<_> = rows
            .iter()
            .map(|row| (row.name, row.made.to_string()[8..10].to_owned()))
            .collect();
        let expected = [("A", "02"), ("b", "03"), ("b", "01")].map(|(n, d)| (n, d.to_owned()));
        assert_eq!(order, expected);
        assert_eq!(
            sort(&mut rows, Some("tags"), &["name"]).unwrap_err().status,
            400
        );
    }
}
