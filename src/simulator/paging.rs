//! One page of a list: limit, offset, count. No IO.

use crate::{
    call::Lies,
    errors::Refusal,
    request::Query,
    switches::{LimitAboveMax, Switches},
};

const MAX: usize = 250;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    pub(crate) count: bool,
}

impl Paging {
    pub(crate) fn parse(query: &Query, switches: &Switches) -> Result<Self, Refusal> {
        let limit = number(query, "limit", MAX)?;
        if limit > MAX && switches.limit_above_max == LimitAboveMax::Refuse {
            return Err(Refusal::bad_request(format!(
                "limit must not be above {MAX}: {limit}"
            )));
        }
        let count = match query.value("count").map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "") => false,
            Some("true") => true,
            Some(other) => {
                return Err(Refusal::bad_request(format!(
                    "count is true or false: {other}"
                )));
            }
        };
        Ok(Self {
            limit: limit.min(MAX),
            offset: number(query, "offset", 0)?,
            count,
        })
    }

    /// The page, and the total if it was asked for. A lie moves pages after the first.
    pub(crate) fn cut<'a, T>(&self, rows: &[&'a T], lies: Lies) -> (Vec<&'a T>, Option<i64>) {
        let offset = self.shifted(lies.shift);
        let page = rows.iter().skip(offset).take(self.limit).copied().collect();
        (page, self.total(rows.len(), lies))
    }

    pub(crate) fn shifted(&self, by: i64) -> usize {
        if self.offset == 0 {
            return 0;
        }
        let step = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
        if by < 0 {
            self.offset.saturating_sub(step)
        } else {
            self.offset.saturating_add(step)
        }
    }

    pub(crate) fn total(&self, rows: usize, lies: Lies) -> Option<i64> {
        self.count.then(|| {
            i64::try_from(rows)
                .unwrap_or(i64::MAX)
                .saturating_add(lies.total)
                .max(0)
        })
    }
}

fn number(query: &Query, name: &str, default: usize) -> Result<usize, Refusal> {
    let Some(text) = query.value(name) else {
        return Ok(default);
    };
    text.parse()
        .map_err(|_| Refusal::bad_request(format!("{name} is no number from 0 up: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Result<Paging, Refusal> {
        Paging::parse(&Query::parse(query), &Switches::default())
    }

    #[test]
    fn the_defaults_are_the_vendors() {
        assert_eq!(
            page(""),
            Ok(Paging {
                limit: 250,
                offset: 0,
                count: false
            })
        );
        assert_eq!(
            page("limit=0&offset=7&count=true"),
            Ok(Paging {
                limit: 0,
                offset: 7,
                count: true
            })
        );
    }

    #[test]
    fn nonsense_is_a_400() {
        for query in [
            "limit=-1",
            "limit=x",
            "offset=-1",
            "count=maybe",
            "limit=251",
        ] {
            assert_eq!(page(query).unwrap_err().status, 400, "{query}");
        }
    }

    #[test]
    fn a_limit_above_the_maximum_may_be_clamped() {
        let switches = Switches {
            limit_above_max: LimitAboveMax::Clamp,
            ..Switches::default()
        };
        let paging = Paging::parse(&Query::parse("limit=9999"), &switches).unwrap();
        assert_eq!(paging.limit, 250);
    }

    #[test]
    fn only_pages_after_the_first_are_shifted() {
        let rows: Vec<u8> = (0..9).collect();
        let rows: Vec<&u8> = rows.iter().collect();
        let lies = Lies {
            shift: 1,
            total: -2,
            ..Lies::default()
        };
        let first = page("limit=3&count=true").unwrap().cut(&rows, lies);
        assert_eq!(first, (vec![&0, &1, &2], Some(7)));
        let second = page("limit=3&offset=3").unwrap().cut(&rows, lies);
        assert_eq!(second, (vec![&4, &5, &6], None));
        let back = Lies {
            shift: -1,
            ..Lies::default()
        };
        assert_eq!(
            page("limit=3&offset=3").unwrap().cut(&rows, back).0,
            [&2, &3, &4]
        );
    }
}
