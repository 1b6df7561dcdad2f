//! A moment in a query: absolute, or counted from now. No IO.

use jiff::{SignedDuration, Timestamp};

/// A time of ISO 8601, a date, `now`, or `now` with a distance such as `now-24h`.
pub(super) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let refused = || format!("{text:?} is no time");
    if let Some(distance) = text.strip_prefix("now") {
        if distance.is_empty() {
            return Ok(now);
        }
        let unit = distance.chars().last().ok_or_else(refused)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(refused()),
        };
        let number = distance.strip_suffix(unit).unwrap_or_default();
        if !number.starts_with(['+', '-']) {
            return Err(refused());
        }
        let number: i64 = number.parse().map_err(|_| refused())?;
        let by = SignedDuration::from_secs(number.saturating_mul(seconds));
        return now.checked_add(by).map_err(|_| refused());
    }
    let whole = if text.contains('T') {
        text.to_owned()
    } else {
        format!("{text}T00:00:00Z")
    };
    whole.parse().map_err(|_| refused())
}
