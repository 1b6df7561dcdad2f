//! How long until something that failed is tried again.

use std::time::Duration;

const BASE: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_mins(10);

/// How long to wait after so many failures, with `jitter` in 0..1 to keep resources apart.
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    let doubled = BASE.saturating_mul(2u32.saturating_pow(failures.min(16)));
    doubled
        .min(MOST)
        .mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}
