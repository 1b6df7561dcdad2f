//! How long an answer takes: not at all, always the same, or as a busy service would. No IO.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// The distribution of the time to an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// Answers come at once.
    #[default]
    None,
    /// Every answer takes the same time.
    Fixed {
        /// Milliseconds.
        ms: u64,
    },
    /// Most are quick, a few are not.
    Lognormal {
        /// Half of the answers are quicker.
        median_ms: u32,
        /// One in a hundred is slower.
        p99_ms: u32,
    },
}

impl Latency {
    /// The time the next answer takes.
    pub fn sample(self, rng: &mut Rng) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Fixed { ms } => Duration::from_millis(ms),
            Self::Lognormal { median_ms, p99_ms } => {
                let median = f64::from(median_ms.max(1));
                // 2.3263 standard deviations are the 99th percentile of a normal distribution.
                let sigma = (f64::from(p99_ms.max(median_ms)) / median).ln() / 2.3263;
                let millis = median * (sigma * normal(rng)).exp();
                Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(Duration::MAX)
            }
        }
    }
}

/// A normally distributed number, by Box and Muller.
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lognormal_latency_has_the_asked_median_and_tail() {
        let latency = Latency::Lognormal {
            median_ms: 100,
            p99_ms: 1000,
        };
        let mut rng = Rng::new(5);
        let mut samples: Vec<u128> = (0..10_000)
            .map(|_| latency.sample(&mut rng).as_millis())
            .collect();
        samples.sort_unstable();
        assert!(
            (95..=105).contains(&samples[5_000]),
            "median {}",
            samples[5_000]
        );
        assert!(
            (850..=1150).contains(&samples[9_900]),
            "p99 {}",
            samples[9_900]
        );
    }

    #[test]
    fn a_fixed_latency_is_fixed() {
        let mut rng = Rng::new(5);
        assert_eq!(
            Latency::Fixed { ms: 7 }.sample(&mut rng),
            Duration::from_millis(7)
        );
        assert_eq!(Latency::None.sample(&mut rng), Duration::ZERO);
    }
}
