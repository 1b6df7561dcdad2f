//! One page of a list: limit, offset, count. No IO.

use crate::{
    call::Lies,
    errors::Refusal,
    request::Query,
    switches::{LimitAboveMax, PageCap, Switches, Totals},
};

const MAX: usize = 250;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    pub(crate) count: bool,
    pub(crate) totals: Totals,
}

impl Paging {
    /// The paging of the lists.
    pub(crate) fn parse(query: &Query, switches: &Switches) -> Result<Self, Refusal> {
        let paging = Self::parse_up_to(query, switches, MAX)?;
        let most = match switches.page_cap {
            PageCap::Documented => MAX,
            PageCap::Hundred => 100,
        };
        Ok(Self {
            limit: paging.limit.min(most),
            ..paging
        })
    }

    /// The paging of an operation whose limit may be larger; left out it is 250 as well.
    pub(crate) fn parse_up_to(
        query: &Query,
        switches: &Switches,
        max: usize,
    ) -> Result<Self, Refusal> {
        let limit = number(query, "limit", MAX)?;
        if limit > max && switches.limit_above_max == LimitAboveMax::Refuse {
            return Err(Refusal::bad_request(format!(
                "limit must not be above {max}: {limit}"
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
            limit: limit.min(max),
            offset: number(query, "offset", 0)?,
            count,
            totals: switches.totals,
        })
    }

    /// The page, and the total if it was asked for. `lies.shift` moves pages after the first.
    pub(crate) fn cut<'a, T>(&self, rows: &[&'a T], lies: Lies) -> (Vec<&'a T>, Option<i64>) {
        let offset = self.shifted(lies.shift);
        let again = rows.first().filter(|_| lies.twice);
        let listed = rows.iter().chain(again).copied();
        let page = listed.skip(offset).take(self.limit).collect();
        (page, self.total(rows.len() + again.iter().len(), lies))
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
        let off_by = match self.totals {
            Totals::Exact => 0,
            Totals::OneHigh => 1,
            Totals::OneLow => -1,
            Totals::Never => return None,
        };
        self.count.then(|| {
            i64::try_from(rows)
                .unwrap_or(i64::MAX)
                .saturating_add(lies.total)
                .saturating_add(off_by)
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
                count: false,
                totals: Totals::Exact,
            })
        );
        assert_eq!(
            page("limit=0&offset=7&count=true"),
            Ok(Paging {
                limit: 0,
                offset: 7,
                count: true,
                totals: Totals::Exact,
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
    fn row_35_totals_that_are_off_or_missing() {
        let total = |totals| {
            let switches = Switches {
                totals,
                ..Switches::default()
            };
            let paging = Paging::parse(&Query::parse("count=true"), &switches).unwrap();
            (
                paging.total(7, Lies::default()),
                paging.total(0, Lies::default()),
            )
        };
        assert_eq!(total(Totals::Exact), (Some(7), Some(0)));
        assert_eq!(total(Totals::OneHigh), (Some(8), Some(1)));
        assert_eq!(total(Totals::OneLow), (Some(6), Some(0)));
        assert_eq!(total(Totals::Never), (None, None));
    }

    #[test]
    fn row_36_pages_that_are_smaller_than_asked_for() {
        let switches = Switches {
            page_cap: PageCap::Hundred,
            ..Switches::default()
        };
        let limit = |query: &str| Paging::parse(&Query::parse(query), &switches).map(|p| p.limit);
        assert_eq!(limit(""), Ok(100));
        assert_eq!(limit("limit=250"), Ok(100));
        assert_eq!(limit("limit=7"), Ok(7));
        assert_eq!(limit("limit=251").unwrap_err().status, 400);
    }

    #[test]
    fn a_row_that_stands_twice_is_counted_twice_and_comes_last() {
        let rows: [&u8; 3] = [&0, &1, &2];
        let lies = Lies {
            twice: true,
            ..Lies::default()
        };
        let cut = |query: &str, rows| page(query).unwrap().cut(rows, lies);
        assert_eq!(cut("count=true", &rows), (vec![&0, &1, &2, &0], Some(4)));
        assert_eq!(cut("limit=2&offset=2", &rows).0, [&2, &0]);
        assert_eq!(cut("count=true", &[]), (vec![], Some(0)));
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
