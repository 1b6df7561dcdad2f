//! How long a tenant asks the client to wait, within fixed bounds. Pure.
//! Source: RFC 9110, 10.2.3: seconds, or a date.

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::{Timestamp, fmt::rfc2822};

/// The longest wait that is granted: a tenant cannot stop the operator for good.
pub const LONGEST: Duration = Duration::from_mins(15);
/// The shortest wait: an answer of 0 must not make a tight loop.
pub const SHORTEST: Duration = Duration::from_secs(1);
/// The wait if the answer names none that can be read: the vendor's window.
pub const UNSAID: Duration = Duration::from_secs(10);

/// The wait that an answer asks for, within [`SHORTEST`] and [`LONGEST`].
///
/// A date is compared with the answer's own `Date`: the operator's clock may differ.
pub fn wait(headers: &HeaderMap) -> Duration {
    stated(headers).unwrap_or(UNSAID).clamp(SHORTEST, LONGEST)
}

/// Like [`wait`], but `None` if the answer asks for no wait.
pub fn wait_if_any(headers: &HeaderMap) -> Option<Duration> {
    headers
        .contains_key(header::RETRY_AFTER)
        .then(|| wait(headers))
}

fn stated(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large to parse is a long wait, too.
        return Some(text.parse().map_or(LONGEST, Duration::from_secs));
    }
    let until = date(text)?;
    let from = answered_at(headers)?;
    Some(Duration::try_from(until.duration_since(from)).unwrap_or(Duration::ZERO))
}

/// The time of the tenant's clock when it answered, to the second.
pub(crate) fn answered_at(headers: &HeaderMap) -> Option<Timestamp> {
    date(headers.get(header::DATE)?.to_str().ok()?)
}

fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(text)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn of(retry_after: Option<&str>, date: Option<&str>) -> u64 {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
        }
        if let Some(text) = date {
            headers.insert(header::DATE, text.parse().unwrap());
        }
        wait(&headers).as_secs()
    }

    #[test]
    fn whatever_is_said_the_wait_is_bounded() {
        for (said, seconds) in [
            (None, 10),
            (Some("5"), 5),
            (Some(" 7 "), 7),
            (Some("0"), 1),
            (Some("1000000000"), 900),
            (Some("99999999999999999999999999"), 900),
            (Some("-3"), 10),
            (Some("1.5"), 10),
            (Some("soon"), 10),
            (Some(""), 10),
            (Some("Sun, 06 Nov 1994 08:50:07 GMT"), 30),
            (Some("Sun, 06 Nov 1994 08:49:00 GMT"), 1),
            (Some("Sun, 06 Nov 2994 08:49:00 GMT"), 900),
        ] {
            assert_eq!(of(said, Some(DATE)), seconds, "{said:?}");
        }
    }

    #[test]
    fn a_date_without_a_date_to_count_from_is_not_understood() {
        assert_eq!(of(Some(DATE), None), 10);
    }
}
